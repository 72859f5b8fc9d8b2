use tertulia_model::{Codec, MediaKind, RoomName};

use crate::text::{line, paragraphs};
use crate::{AccountId, FieldError, PasswordHash, Schedule};

/// Longest description, in bytes.
const MAX_DESCRIPTION_BYTES: usize = 8_192;
/// Greatest capacity that may be asked for.
const MAX_CAPACITY: u32 = 100_000;
/// Longest time that messages may be kept, in seconds: ten years.
const MAX_KEEP_S: u32 = 10 * 366 * 24 * 3_600;
/// Most codecs that may be preferred.
const MAX_CODECS: usize = 4;

/// A room that somebody owns and that outlives its meetings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnedRoom {
    /// Its name, which is its address.
    pub name: RoomName,
    /// Whose it is.
    pub owner: AccountId,
    /// What its owner decides.
    pub details: RoomDetails,
    /// Hash of its password, if it has one.
    pub password: Option<PasswordHash>,
    /// Unix milliseconds.
    pub created_at_ms: u64,
}

/// What an owner decides about a room.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RoomDetails {
    /// Shown instead of the name; empty for none.
    pub title: String,
    /// For those who come; empty for none.
    pub description: String,
    /// Who may come in without an invitation.
    pub access: Access,
    /// Whether others may begin before the owner or a moderator is there. They moderate nothing for that.
    pub starts_without_owner: bool,
    /// Greatest number of participants; absent for the server's.
    pub capacity: Option<u32>,
    /// How its meetings begin.
    pub defaults: MeetingDefaults,
    /// When it meets.
    pub schedule: Option<Schedule>,
    /// How many seconds messages, polls and drawings are kept; 0 for until the meeting is over, absent for as the server
    /// does.
    pub keep_s: Option<u32>,
}

/// Who may come into an owned room without an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Access {
    /// Anybody who knows its address, and its password if it has one.
    #[default]
    Anyone,
    /// Those with an account, or with a token of the operator's application.
    SignedIn,
    /// Nobody.
    Invited,
}

/// How the meetings of a room begin. Moderators change it in the meeting.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MeetingDefaults {
    /// Others knock.
    pub lobby: bool,
    /// Microphones are off at first.
    pub start_muted: bool,
    /// Cameras are off at first.
    pub start_without_video: bool,
    /// Those without another role watch.
    pub webinar: bool,
    /// What cameras may send.
    pub picture: PictureLimits,
}

/// What the cameras of a room may send.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PictureLimits {
    /// Greatest short side of a picture; absent for no limit.
    pub max_height: Option<u32>,
    /// Greatest frame rate; absent for no limit.
    pub max_fps: Option<u32>,
    /// Codecs to prefer, best first; empty for the publisher's choice.
    pub codecs: Vec<Codec>,
}

impl PictureLimits {
    fn check(&self) -> Result<(), FieldError> {
        let nothing = |limit: Option<u32>| limit == Some(0);
        let odd = self.codecs.iter().any(|codec| codec.kind() != MediaKind::Video);
        if nothing(self.max_height) || nothing(self.max_fps) || odd || self.codecs.len() > MAX_CODECS {
            return Err(FieldError::Invalid("media"));
        }
        Ok(())
    }
}

impl RoomDetails {
    /// Tidies texts and checks bounds.
    ///
    /// # Errors
    /// [`FieldError`] naming the field.
    pub fn checked(mut self) -> Result<Self, FieldError> {
        if !self.title.is_empty() {
            self.title = line("title", &self.title)?;
        }
        self.description = paragraphs("description", &self.description, MAX_DESCRIPTION_BYTES)?;
        if self
            .capacity
            .is_some_and(|most| !(1..=MAX_CAPACITY).contains(&most))
        {
            return Err(FieldError::Invalid("capacity"));
        }
        if self.keep_s.is_some_and(|seconds| seconds > MAX_KEEP_S) {
            return Err(FieldError::Invalid("keepS"));
        }
        self.defaults.picture.check()?;
        if let Some(schedule) = &self.schedule {
            schedule.check()?;
        }
        Ok(self)
    }
}

impl OwnedRoom {
    /// What it is called: its title, else its name.
    pub fn shown_title(&self) -> &str {
        match self.details.title.as_str() {
            "" => self.name.as_str(),
            title => title,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_are_tidied_and_bounded() {
        let details = RoomDetails {
            title: "  Weekly   round ".into(),
            description: " Bring\r\ncoffee ".into(),
            capacity: Some(5),
            ..RoomDetails::default()
        };
        let checked = details.clone().checked().unwrap();
        assert_eq!(
            (checked.title.as_str(), checked.description.as_str()),
            ("Weekly round", "Bring\ncoffee")
        );
        for (wrong, field) in [
            (
                RoomDetails {
                    title: "a\nb".into(),
                    ..details.clone()
                },
                "title",
            ),
            (
                RoomDetails {
                    description: "x".repeat(8_193),
                    ..details.clone()
                },
                "description",
            ),
            (
                RoomDetails {
                    capacity: Some(0),
                    ..details.clone()
                },
                "capacity",
            ),
            (
                RoomDetails {
                    capacity: Some(100_001),
                    ..details.clone()
                },
                "capacity",
            ),
            (
                RoomDetails {
                    keep_s: Some(MAX_KEEP_S + 1),
                    ..details.clone()
                },
                "keepS",
            ),
            (
                RoomDetails {
                    defaults: MeetingDefaults {
                        picture: PictureLimits {
                            codecs: vec![Codec::Opus],
                            ..PictureLimits::default()
                        },
                        ..MeetingDefaults::default()
                    },
                    ..details
                },
                "media",
            ),
        ] {
            assert_eq!(wrong.checked().unwrap_err().field(), field);
        }
    }
}
