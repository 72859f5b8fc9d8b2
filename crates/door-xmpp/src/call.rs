//! A client's media: the session the focus invites it to (Jingle), mapped onto the engine's single connection, in which
//! the client is the one who describes itself and asks for sections.

mod bridge;
mod constraints;
mod jingle;
mod media;
mod sources;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tertulia_engine::NegotiationFailure;
use tertulia_model::{MediaKind, Source, TrackId};
use tertulia_room::{Command, Reply};

pub(crate) use bridge::Bridge;
pub(crate) use constraints::read_constraints;
pub(crate) use jingle::{accepted, ssrcs};
pub(crate) use media::{MAX_SOURCES, Media};

use crate::client::{Client, Refused};
use crate::focus;
use crate::ns;
use crate::stanza::{self, Condition};
use crate::state::XmppDoor;
use crate::xml::Element;
use jingle::{Accepted, ClientSource};
use sources::Told;

/// How long a client may take to say what it can do; then it is taken for one of today.
const FEATURES_PATIENCE: Duration = Duration::from_secs(3);
/// How often a client whose session failed is invited again, within this time.
const RESTARTS: usize = 4;
const RESTARTS_WITHIN: Duration = Duration::from_secs(60);
/// Id of the question what a client can do.
const FEATURES_ID: &str = "focus-features";

/// Where a client's media stand.
pub(crate) struct Call {
    /// Whether its streams may stand for one source after another; unknown until it is asked.
    rewriting: Option<bool>,
    features_until: Option<Instant>,
    session: Option<Session>,
    /// The client ended its session and wants no other.
    declined: bool,
    /// When its session failed lately.
    restarts: Vec<Instant>,
    pub(crate) bridge: Bridge,
}

/// A session of the focus with a client.
struct Session {
    sid: String,
    /// What opens the bridge channel.
    secret: String,
    /// Once the client has accepted.
    media: Option<Media>,
    told: Told,
    door: XmppDoor,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.door.close_bridge(&self.secret);
    }
}

/// What a client does with its session, done after it was told that it was understood.
pub(crate) enum Due {
    Accept(Box<Accepted>),
    Add(Vec<ClientSource>),
    Remove(Vec<u32>),
    Restart,
}

/// What a client's word on its sources means for its tracks.
#[derive(Default)]
pub(crate) struct Opened {
    pub changes: Vec<(TrackId, bool)>,
    /// A source was opened that is no track now.
    pub waiting: bool,
}

impl Call {
    pub(crate) fn new() -> Self {
        Self {
            rewriting: None,
            features_until: Some(Instant::now() + FEATURES_PATIENCE),
            session: None,
            declined: false,
            restarts: Vec::new(),
            bridge: Bridge::default(),
        }
    }

    /// When a client that does not say what it can do is waited for no more.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.features_until
    }

    fn media(&mut self) -> Option<&mut Media> {
        self.session.as_mut()?.media.as_mut()
    }

    /// What is to be muted or unmuted for it to be as the client says.
    pub(crate) fn mute_as_said(&mut self, said: &BTreeMap<String, bool>) -> Opened {
        let Some(media) = self.media() else {
            return Opened::default();
        };
        Opened {
            changes: media.mute_as_said(said),
            waiting: media.waits_open(said),
        }
    }

    /// The name of a source of the client by the track it became.
    pub(crate) fn source_of(&self, track: &TrackId) -> Option<&str> {
        self.session.as_ref()?.media.as_ref()?.source_of(track)
    }
}

impl Client {
    /// Asks the client what it can do, before it is invited.
    pub(crate) fn ask_features(&mut self) {
        let Some(own) = &self.occupancy else { return };
        let question = Element::new("iq", ns::CLIENT)
            .attr("type", "get")
            .attr("id", FEATURES_ID)
            .attr("from", format!("{}/{}", own.jid, focus::NICK))
            .child(Element::new("query", ns::DISCO_INFO));
        self.send(question);
    }

    /// Takes the answer of a client, where it is one that was waited for.
    pub(crate) async fn take_features(&mut self, iq: &Element) {
        let query = iq.find("query", ns::DISCO_INFO);
        if iq.get("id") != Some(FEATURES_ID) {
            return;
        }
        let Some(own) = &mut self.occupancy else { return };
        if own.call.rewriting.is_some() {
            return;
        }
        let can = |feature: &str| {
            query.is_some_and(|query| query.children().any(|child| child.get("var") == Some(feature)))
        };
        // A client that says nothing of itself is taken for one of today.
        own.call.rewriting = Some(query.is_none() || can(ns::SSRC_REWRITING));
        own.call.features_until = None;
        self.invite().await;
    }

    /// Waits no longer for what a client can do.
    pub(crate) async fn assume_features(&mut self, now: Instant) {
        let Some(own) = &mut self.occupancy else { return };
        if own.call.features_until.is_some_and(|until| until <= now) {
            own.call.features_until = None;
            own.call.rewriting = Some(true);
            self.invite().await;
        }
    }

    /// Invites the client to a session once somebody else is there.
    pub(crate) async fn invite(&mut self) {
        let Some(own) = &mut self.occupancy else { return };
        let call = &own.call;
        if call.rewriting.is_none() || call.session.is_some() || call.declined || own.is_alone() {
            return;
        }
        let Some(ours) = own.room.introduction(&own.id).await else {
            return;
        };
        let secret = format!("{:032x}", rand::random::<u128>());
        let sid = format!("{:012x}", rand::random::<u64>() >> 16);
        let url = format!(
            "{}/colibri-ws/tertulia/{}/{}?pwd={secret}",
            self.place,
            own.room.id(),
            own.nick
        );
        self.door.open_bridge(secret.clone(), self.mailbox.clone());
        own.call.session = Some(Session {
            sid: sid.clone(),
            secret,
            media: None,
            told: Told::default(),
            door: self.door.clone(),
        });
        let jingle = jingle::initiate(
            &ours,
            &sid,
            &self.door.config().focus_user(),
            own.id.as_str(),
            &url,
        );
        self.send_jingle(jingle);
    }

    fn send_jingle(&mut self, jingle: Element) {
        let Some(own) = &self.occupancy else { return };
        let iq = Element::new("iq", ns::CLIENT)
            .attr("type", "set")
            .attr("id", format!("jingle-{:08x}", rand::random::<u32>()))
            .attr("from", format!("{}/{}", own.jid, focus::NICK))
            .child(jingle);
        self.send(iq);
    }

    /// Reads what the client does with its session. Gives the answer; what is to be done follows it.
    pub(crate) fn take_jingle(&mut self, iq: &Element, jingle: &Element) -> Result<Element, Refused> {
        let Some(own) = &mut self.occupancy else {
            return Err(Condition::NotAcceptable.into());
        };
        let known = own.call.session.as_mut();
        let Some(session) = known.filter(|known| jingle.get("sid") == Some(&known.sid)) else {
            return Err(Refused(Condition::ItemNotFound, "unknown-session".to_owned()));
        };
        let bad = |error: jingle::JingleError| Refused(Condition::BadRequest, error.to_string());
        let due = match jingle.get("action").unwrap_or_default() {
            "session-accept" if session.media.is_none() => {
                Some(Due::Accept(Box::new(accepted(jingle, &own.nick).map_err(bad)?)))
            }
            "session-accept" => return Err(Refused(Condition::BadRequest, "out-of-order".to_owned())),
            "source-add" | "addsource" => Some(Due::Add(jingle::sources(jingle, &own.nick).map_err(bad)?)),
            "source-remove" | "removesource" => Some(Due::Remove(ssrcs(jingle).map_err(bad)?)),
            "session-terminate" => {
                let again = jingle.find("bridge-session", ns::FOCUS);
                let restart = again.is_some_and(|again| again.get("restart") == Some("true"));
                if !restart {
                    own.call.session = None;
                    own.call.declined = true;
                }
                restart.then_some(Due::Restart)
            }
            // Candidates come with the checks, and what else is said changes nothing here.
            "session-info" | "transport-info" | "content-modify" => None,
            _ => return Err(Condition::ServiceUnavailable.into()),
        };
        self.due = due;
        Ok(stanza::result(iq))
    }

    /// Does what a client was told is understood.
    pub(crate) async fn do_due(&mut self) {
        let Some(due) = self.due.take() else { return };
        let Some(own) = &mut self.occupancy else { return };
        match due {
            Due::Restart => return self.restart().await,
            Due::Accept(accepted) => {
                let (audio, video) = own.receivable();
                let mut media = Media::new(*accepted);
                media.add_slots(MediaKind::Audio, audio.max(1));
                media.add_slots(MediaKind::Video, video.max(1));
                if let Some(session) = &mut own.call.session {
                    session.media = Some(media);
                }
            }
            Due::Add(sources) => {
                if let Some(media) = own.call.media() {
                    media.add_sources(sources);
                }
            }
            Due::Remove(ssrcs) => {
                let gone = own.call.media().map(|media| media.remove_sources(&ssrcs));
                for track in gone.into_iter().flatten() {
                    if let Err(refusal) = own.ask(Command::Unpublish { track }).await {
                        tracing::debug!(%refusal, "a source was gone already");
                    }
                }
            }
        }
        self.negotiate().await;
    }

    /// More is to be received than there are sections for.
    pub(crate) async fn add_sections(&mut self, audio: usize, video: usize) {
        let Some(media) = self.occupancy.as_mut().and_then(|own| own.call.media()) else {
            return;
        };
        media.add_slots(MediaKind::Audio, audio);
        media.add_slots(MediaKind::Video, video);
        self.negotiate().await;
    }

    /// Announces what the client sends and may send, and describes it to the engine with what it can receive.
    pub(crate) async fn negotiate(&mut self) {
        let Some(own) = &mut self.occupancy else { return };
        let muted = own.said.muted.clone();
        let permission = own.info.permission.clone();
        let wanted = own
            .call
            .media()
            .map(|media| media.unpublished(&permission, &muted));
        for (name, track) in wanted.unwrap_or_default() {
            let published = own.ask(Command::Publish(Box::new(track))).await;
            let Some(media) = own.call.media() else { return };
            match published {
                Ok(Reply::Track(track)) => media.published(&name, &track),
                Ok(_) => {}
                Err(refusal) => tracing::debug!(%refusal, "a source is refused"),
            }
        }
        let Some(offer) = own.call.media().map(|media| media.describe()) else {
            return;
        };
        match own.room.offer(&own.id, offer).await {
            Ok(negotiated) => {
                if let Some(media) = own.call.media() {
                    media.take_answer(&negotiated);
                }
                self.tell_sources().await;
            }
            Err(NegotiationFailure::Gone) => {}
            Err(failure) => {
                tracing::info!(%failure, "what a client says of its media is refused");
                self.end_session("failed-application");
            }
        }
    }

    /// Whether a source of the client waits to become a track.
    pub(crate) fn has_unpublished(&mut self) -> bool {
        let media = self.occupancy.as_mut().and_then(|own| own.call.media());
        media.is_some_and(|media| media.has_unpublished())
    }

    /// Has the client mute a source, as the room has done.
    pub(crate) fn close_source(&mut self, track: &TrackId) {
        let Some(own) = &mut self.occupancy else { return };
        let Some(media) = own.call.media() else { return };
        if let Some(source) = media.muted_by_room(track) {
            self.ask_mute(source);
        }
    }

    /// A track of the client is gone: its source may become another.
    pub(crate) fn withdraw_source(&mut self, track: &TrackId) {
        let Some(own) = &mut self.occupancy else { return };
        let Some(media) = own.call.media() else { return };
        if let Some(source) = media.withdrawn(track) {
            self.ask_mute(source);
        }
    }

    fn ask_mute(&mut self, source: Source) {
        let Some(own) = &self.occupancy else { return };
        let namespace = match source {
            Source::Camera => ns::JITMEET_VIDEO,
            Source::ScreenShare => ns::JITMEET_DESKTOP,
            _ => ns::JITMEET_AUDIO,
        };
        let focus = format!("{}/{}", own.jid, focus::NICK);
        let mute = Element::new("mute", namespace)
            .attr("jid", own.address())
            .attr("actor", focus.clone())
            .text("true");
        let iq = Element::new("iq", ns::CLIENT)
            .attr("type", "set")
            .attr("id", format!("mute-{:08x}", rand::random::<u32>()))
            .attr("from", focus)
            .child(mute);
        self.send(iq);
    }

    /// Ends the client's session.
    fn end_session(&mut self, reason: &'static str) {
        let Some(own) = &mut self.occupancy else { return };
        let Some(session) = own.call.session.take() else {
            return;
        };
        own.call.declined = true;
        let reason = Element::new("reason", ns::JINGLE).child(Element::new(reason, ns::JINGLE));
        let jingle = Element::new("jingle", ns::JINGLE)
            .attr("action", "session-terminate")
            .attr("initiator", self.door.config().focus_user())
            .attr("sid", session.sid.clone())
            .child(reason);
        drop(session);
        self.send_jingle(jingle);
    }

    /// Invites a client anew whose session failed: it comes with another certificate, which is another stay.
    async fn restart(&mut self) {
        let Some(own) = &mut self.occupancy else { return };
        let now = Instant::now();
        own.call.session = None;
        let mut restarts = std::mem::take(&mut own.call.restarts);
        restarts.retain(|at| now < *at + RESTARTS_WITHIN);
        if restarts.len() >= RESTARTS {
            own.call.declined = true;
            return;
        }
        restarts.push(now);
        let rewriting = own.call.rewriting;
        if self.stay_anew().await
            && let Some(own) = &mut self.occupancy
        {
            own.call.restarts = restarts;
            own.call.rewriting = rewriting;
            own.call.features_until = None;
            self.invite().await;
        }
    }
}
