//! What a room allows: who comes in, what is switched off, and how much media may be sent.

use std::fmt;

use tertulia_model::{Codec, Identity};

use crate::limits::{self, within};
use crate::{Refusal, Rights, Role};

/// The rules of a room. A room that nobody configured is open to everybody and allows everything.
#[derive(Debug, Clone, PartialEq)]
pub struct RoomRules {
    /// Whose room it is. Nobody becomes moderator by coming first or staying longest in an owned room without an
    /// account; they become [`Role::Owner`] by coming in.
    pub owner: Option<Identity>,
    /// Where nobody moderates, the first to come does, and after them whoever has been here longest.
    pub self_moderating: bool,
    /// Whether that may be a guest, where nobody owns the room.
    pub guests_moderate: bool,
    /// The role of those who come without another.
    pub default_role: Role,
    /// Nobody new comes in.
    pub locked: bool,
    /// Asked of whoever comes in.
    pub password: Option<Password>,
    /// Whoever comes waits to be let in.
    pub lobby: bool,
    /// Who does not wait.
    pub auto_admit: AutoAdmit,
    /// What is switched off for everybody without [`crate::Right::SpeakFreely`]; within [`Rights::switchable`].
    pub switched_off: Rights,
    /// Microphones begin muted.
    pub start_audio_muted: bool,
    /// Cameras begin muted.
    pub start_video_muted: bool,
    /// Viewers are counted, not shown, and whoever comes without another role is one.
    pub webinar: bool,
    /// How much media may be sent.
    pub media: MediaLimits,
    /// The room this is a breakout of.
    pub parent: Option<tertulia_model::RoomName>,
}

impl Default for RoomRules {
    fn default() -> Self {
        Self {
            owner: None,
            self_moderating: true,
            guests_moderate: true,
            default_role: Role::Participant,
            locked: false,
            password: None,
            lobby: false,
            auto_admit: AutoAdmit::default(),
            switched_off: Rights::NONE,
            start_audio_muted: false,
            start_video_muted: false,
            webinar: false,
            media: MediaLimits::default(),
            parent: None,
        }
    }
}

/// Who passes the lobby without waiting. Those who may let others in always do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AutoAdmit {
    /// Whoever signed in or brings a token of the operator's application.
    pub signed_in: bool,
}

impl Default for AutoAdmit {
    fn default() -> Self {
        Self { signed_in: true }
    }
}

/// How much media may be sent in a room.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MediaLimits {
    /// Greatest short side of a camera's picture; screens are not limited.
    pub max_height: Option<u32>,
    /// Greatest frame rate of a camera.
    pub max_fps: Option<u32>,
    /// Codecs for video, best first; empty for the publisher's choice. Told to clients, not enforced.
    pub video_codecs: Vec<Codec>,
}

impl MediaLimits {
    pub(crate) fn checked(&self) -> Result<(), Refusal> {
        within("codecs", self.video_codecs.len(), limits::CODECS)?;
        let too_small = |value: Option<u32>| value.is_some_and(|value| value == 0);
        if too_small(self.max_height) || too_small(self.max_fps) {
            return Err(Refusal::Invalid { field: "media" });
        }
        Ok(())
    }
}

/// A room's password. It can be compared with, never read.
#[derive(Clone)]
pub struct Password(String);

impl Password {
    /// Keeps a password of 1 to [`limits::PASSWORD_BYTES`] bytes.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] where it is empty, [`Refusal::LimitExceeded`] where it is too long.
    pub fn new(text: &str) -> Result<Self, Refusal> {
        within("password", text.len(), limits::PASSWORD_BYTES)?;
        if text.is_empty() {
            return Err(Refusal::Invalid { field: "password" });
        }
        Ok(Self(text.to_owned()))
    }

    /// Whether `guess` is it; takes as long whatever is wrong with a guess of the same length.
    pub fn is(&self, guess: &str) -> bool {
        let (own, guess) = (self.0.as_bytes(), guess.as_bytes());
        let differing = own.iter().zip(guess).fold(0, |bits, (a, b)| bits | (a ^ b));
        own.len() == guess.len() && differing == 0
    }
}

impl PartialEq for Password {
    fn eq(&self, other: &Self) -> bool {
        self.is(&other.0)
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(<redacted>)")
    }
}

/// A change of who may come in. What is `None` stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AccessChange {
    /// See [`RoomRules::locked`].
    pub locked: Option<bool>,
    /// See [`RoomRules::password`]; the inner `None` takes it away.
    pub password: Option<Option<Password>>,
    /// See [`RoomRules::lobby`]. Those who wait when it is switched off are let in.
    pub lobby: Option<bool>,
    /// See [`RoomRules::auto_admit`].
    pub auto_admit: Option<AutoAdmit>,
    /// Greatest number of participants; the inner `None` for no limit.
    pub max_participants: Option<Option<usize>>,
}

/// A change of what the room allows. What is `None` stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RulesChange {
    /// These are switched off from now on, and what was granted to single people of them is taken back.
    pub switch_off: Rights,
    /// These are switched on again.
    pub switch_on: Rights,
    /// See [`RoomRules::start_audio_muted`].
    pub start_audio_muted: Option<bool>,
    /// See [`RoomRules::start_video_muted`].
    pub start_video_muted: Option<bool>,
    /// See [`RoomRules::default_role`]; at most [`Role::Presenter`].
    pub default_role: Option<Role>,
    /// See [`RoomRules::webinar`].
    pub webinar: Option<bool>,
    /// See [`RoomRules::media`].
    pub media: Option<MediaLimits>,
}
