//! One client's task: it begins with an address and ends when the client is gone for good, while the sockets in between
//! may come and go.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tertulia_engine::{PeerEvent, origin_of};
use tertulia_model::Identity;
use tertulia_room::{Event, Knocker};
use tokio::sync::mpsc;

use crate::breakout::{Meeting, Parting, meeting_event};
use crate::call::Due;
use crate::credential::Credential;
use crate::entry::Judged;
use crate::jid::Jid;
use crate::link::{Heard, Link};
use crate::muc::{Lobby, Occupancy};
use crate::ns;
use crate::sm::Acks;
use crate::stanza::{self, Condition};
use crate::state::{Attachment, Mailbox, Note, Resumable, Seat, XmppDoor};
use crate::stats::Counters;
use crate::stream::{self, Bound, Knock, StreamError};
use crate::xml::Element;

/// Between two pings of the WebSocket itself.
const PING_EVERY: Duration = Duration::from_secs(20);
/// A client of which nothing is heard for so long has lost its connection.
const SILENCE: Duration = Duration::from_secs(65);

/// Whether the client stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    /// It does.
    Stay,
    /// It went.
    Gone,
    /// It is told why it must go.
    Failed(StreamError),
}

/// Why something a client asked is answered with an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused(pub Condition, pub String);

impl From<Condition> for Refused {
    fn from(condition: Condition) -> Self {
        Self(condition, String::new())
    }
}

impl From<tertulia_room::Refusal> for Refused {
    fn from(refusal: tertulia_room::Refusal) -> Self {
        Self((&refusal).into(), refusal.to_string())
    }
}

/// One client with a whole address.
pub(crate) struct Client {
    pub(crate) door: XmppDoor,
    pub(crate) credential: Credential,
    /// Its whole address.
    pub(crate) jid: Jid,
    /// Who it is in rooms.
    pub(crate) identity: Identity,
    pub(crate) mailbox: Mailbox,
    pub(crate) occupancy: Option<Occupancy>,
    /// Where it comes from, where that is known, and as the room may know it.
    pub(crate) source: Option<IpAddr>,
    pub(crate) network: Option<u64>,
    /// Where it found us.
    pub(crate) place: String,
    /// Whether it may show passwords.
    pub(crate) takes_passwords: bool,
    /// Its bridge channel.
    pub(crate) bridge: Option<Link>,
    /// What it was told is understood and is to be done yet.
    pub(crate) due: Option<Due>,
    /// As what it comes into the room it asked for last.
    pub(crate) judged: Judged,
    /// The meeting it is in, and the room of it that it left a moment ago.
    pub(crate) meeting: Option<Meeting>,
    pub(crate) parting: Option<Parting>,
    /// Its place in a lobby.
    pub(crate) lobby: Option<Lobby>,
    /// Who waits for somebody like it to let them in.
    pub(crate) knockers: Vec<Knocker>,
    inbox: mpsc::Receiver<Note>,
    link: Option<Link>,
    acks: Option<Acks>,
    /// Until when a client without a connection may come back.
    away_until: Option<Instant>,
    ping_at: Instant,
    _seat: Seat,
}

/// What a turn of the task brings.
enum Turn {
    Heard(Heard),
    Bridge(Heard),
    Note(Option<Note>),
    Room(Option<PeerEvent>),
    Lobby(Option<Arc<Event>>),
    Meeting(Option<Arc<Event>>),
    Time,
    Closing,
}

impl Client {
    pub(crate) fn new(door: XmppDoor, bound: Bound, knock: Knock, link: Link, seat: Seat) -> Self {
        let (mailbox, inbox) = Mailbox::new();
        Self {
            credential: bound.credential,
            jid: bound.jid,
            identity: bound.identity,
            mailbox,
            occupancy: None,
            network: knock.source.map(origin_of),
            source: knock.source,
            takes_passwords: stream::takes_passwords(&door, &knock),
            place: knock.place,
            bridge: None,
            due: None,
            judged: Judged::default(),
            door,
            meeting: None,
            parting: None,
            lobby: None,
            knockers: Vec::new(),
            inbox,
            link: Some(link),
            acks: None,
            away_until: None,
            ping_at: Instant::now() + PING_EVERY,
            _seat: seat,
        }
    }

    /// Runs until the client is gone.
    pub(crate) async fn run(mut self) {
        let closing = self.door.closing().clone();
        let mut flow = Flow::Stay;
        while flow == Flow::Stay {
            let deadline = tokio::time::Instant::from_std(self.next_deadline());
            let turn = tokio::select! {
                heard = hear(&mut self.link) => Turn::Heard(heard),
                heard = hear(&mut self.bridge) => Turn::Bridge(heard),
                note = self.inbox.recv() => Turn::Note(note),
                event = room_event(&mut self.occupancy) => Turn::Room(event),
                event = lobby_event(&mut self.lobby) => Turn::Lobby(event),
                event = meeting_event(&mut self.meeting) => Turn::Meeting(event),
                () = tokio::time::sleep_until(deadline) => Turn::Time,
                () = closing.cancelled() => Turn::Closing,
            };
            flow = match turn {
                Turn::Heard(heard) => self.on_heard(heard).await,
                Turn::Bridge(heard) => {
                    self.on_bridge(heard).await;
                    Flow::Stay
                }
                Turn::Note(Some(note)) => self.on_note(note),
                // Our own mailbox keeps it open.
                Turn::Note(None) => Flow::Gone,
                Turn::Room(event) => self.on_room_event(event).await,
                Turn::Lobby(event) => {
                    self.on_lobby_event(event);
                    Flow::Stay
                }
                Turn::Meeting(event) => {
                    self.on_meeting_event(event);
                    Flow::Stay
                }
                Turn::Time => self.on_time().await,
                Turn::Closing => Flow::Failed(StreamError::Shutdown),
            };
            if self.mailbox.take_missed() {
                self.look_again();
            }
            if flow == Flow::Stay {
                flow = self.drop_stuck();
            }
        }
        self.leave_room().await;
        self.settle_parting(None).await;
        self.leave_lobby().await;
        if let Some(acks) = &self.acks {
            self.door.end_resumption(&acks.id);
        }
        self.inbox.close();
        if let Some(mut link) = self.link.take() {
            if let Flow::Failed(error) = flow {
                link.push(error.element().write());
            }
            link.push(stream::close().write());
            link.finish().await;
        }
    }

    async fn on_heard(&mut self, heard: Heard) -> Flow {
        match heard {
            Heard::Nothing => Flow::Stay,
            Heard::Closed => self.detach(),
            Heard::Flood => {
                Counters::up(&self.door.counters().flooded);
                tracing::warn!("a client sends too many stanzas");
                Flow::Failed(StreamError::PolicyViolation)
            }
            Heard::Text(text) => match Element::parse(&text) {
                Ok(element) => self.on_element(element).await,
                Err(error) => Flow::Failed(error.into()),
            },
        }
    }

    async fn on_element(&mut self, mut element: Element) -> Flow {
        if element.is_in(ns::SM) {
            return self.on_acks(&element);
        }
        if element.is("close", ns::FRAMING) {
            return Flow::Gone;
        }
        if !element.is_in(ns::CLIENT) {
            return Flow::Failed(StreamError::UnsupportedStanza);
        }
        if let Some(acks) = &mut self.acks {
            acks.count();
        }
        Counters::up(&self.door.counters().stanzas);
        // Whoever it says it is from, it is from here.
        element.set("from", self.jid.to_string());
        match element.name() {
            "iq" => self.on_iq(element).await,
            "presence" => self.on_presence(element).await,
            "message" => self.on_message(element).await,
            _ => return Flow::Failed(StreamError::UnsupportedStanza),
        }
        Flow::Stay
    }

    fn on_acks(&mut self, element: &Element) -> Flow {
        match (element.name(), &mut self.acks) {
            ("enable", None) => {
                let resumable = matches!(element.get("resume"), Some("true" | "1"));
                let acks = Acks::new(resumable);
                let mut enabled = Element::new("enabled", ns::SM);
                if resumable {
                    let stream = Resumable {
                        principal: self.credential.principal.clone(),
                        mailbox: self.mailbox.clone(),
                    };
                    self.door.offer_resumption(acks.id.clone(), stream);
                    let window = self.door.config().resume_window.as_secs().to_string();
                    enabled = enabled
                        .attr("resume", "true")
                        .attr("id", acks.id.clone())
                        .attr("max", window);
                }
                self.acks = Some(acks);
                self.push(enabled.write());
                Flow::Stay
            }
            ("r", Some(acks)) => {
                let answer = acks.answer().write();
                self.push(answer);
                Flow::Stay
            }
            ("a", Some(acks)) => match element.get("h").and_then(|seen| seen.parse().ok()) {
                Some(seen) if acks.acked(seen).is_ok() => Flow::Stay,
                _ => Flow::Failed(StreamError::Undefined),
            },
            _ => {
                let failed = Element::new("unexpected-request", ns::STANZA_ERRORS);
                self.push(Element::new("failed", ns::SM).child(failed).write());
                Flow::Stay
            }
        }
    }

    fn on_note(&mut self, note: Note) -> Flow {
        match note {
            Note::Attach(attachment) => self.attach(*attachment),
            Note::Stanza(stanza) => {
                self.send(*stanza);
                Flow::Stay
            }
            Note::Bridge(text) => {
                if let Some(link) = &mut self.bridge {
                    link.push(text);
                }
                Flow::Stay
            }
            Note::Channel(link) => {
                self.open_bridge(*link);
                Flow::Stay
            }
            Note::Card(identity) => {
                self.show(&identity);
                Flow::Stay
            }
        }
    }

    /// Goes on over another connection with what the client has not seen.
    fn attach(&mut self, attachment: Attachment) -> Flow {
        let Attachment { mut link, seen } = attachment;
        let Some(acks) = &mut self.acks else {
            return Flow::Stay;
        };
        if acks.acked(seen).is_err() {
            Counters::up(&self.door.counters().resumes_refused);
            link.push(StreamError::Undefined.element().write());
            self.link = Some(link);
            return Flow::Gone;
        }
        Counters::up(&self.door.counters().resumes);
        tracing::debug!("a client came back to its stream");
        let resumed = Element::new("resumed", ns::SM)
            .attr("h", acks.handled().to_string())
            .attr("previd", acks.id.clone());
        link.push(resumed.write());
        for text in acks.unseen() {
            link.push(text.clone());
        }
        self.link = Some(link);
        self.away_until = None;
        self.ping_at = Instant::now() + PING_EVERY;
        Flow::Stay
    }

    /// Forgets the client's connection; it may come back where it asked for that.
    fn detach(&mut self) -> Flow {
        self.link = None;
        if self.acks.as_ref().is_none_or(|acks| acks.id.is_empty()) {
            return Flow::Gone;
        }
        self.away_until = Some(Instant::now() + self.door.config().resume_window);
        Flow::Stay
    }

    fn next_deadline(&self) -> Instant {
        let features = self.occupancy.as_ref().and_then(|own| own.call.deadline());
        let next = self.away_until.unwrap_or(self.ping_at);
        let sooner = [features, self.parting_deadline()];
        sooner.into_iter().flatten().fold(next, Instant::min)
    }

    async fn on_time(&mut self) -> Flow {
        let now = Instant::now();
        self.assume_features(now).await;
        self.settle_parting(Some(now)).await;
        if self.away_until.is_some_and(|until| until <= now) {
            return Flow::Gone;
        }
        if let Some(link) = &mut self.link {
            if now.saturating_duration_since(link.heard_at()) > SILENCE {
                return self.detach();
            }
            if self.ping_at <= now {
                self.ping_at = now + PING_EVERY;
                link.ping();
                if let Some(bridge) = &mut self.bridge {
                    bridge.ping();
                }
            }
        }
        Flow::Stay
    }

    fn drop_stuck(&mut self) -> Flow {
        if self
            .bridge
            .as_ref()
            .is_some_and(|link| link.is_stuck(Instant::now()))
        {
            self.bridge = None;
        }
        let full = self.acks.as_ref().is_some_and(Acks::is_full);
        let stuck = self
            .link
            .as_ref()
            .is_some_and(|link| link.is_stuck(Instant::now()));
        if !full && !stuck {
            return Flow::Stay;
        }
        Counters::up(&self.door.counters().slow_consumers);
        tracing::warn!("a client does not read its stream");
        if stuck {
            self.link = None;
        }
        Flow::Failed(StreamError::PolicyViolation)
    }

    /// Sends the client a stanza, now or when it comes back.
    pub(crate) fn send(&mut self, mut stanza: Element) {
        if stanza.get("to").is_none() {
            stanza.set("to", self.jid.to_string());
        }
        let text = stanza.write();
        let ask = self.acks.as_mut().is_some_and(|acks| acks.keep(text.clone()));
        self.push(text);
        if ask {
            self.push(Element::new("r", ns::SM).write());
        }
    }

    /// Answers a stanza with an error.
    pub(crate) fn refuse(&mut self, stanza: &Element, refused: &Refused) {
        Counters::up(&self.door.counters().stanzas_refused);
        self.send(stanza::error(stanza, refused.0, &refused.1));
    }

    fn push(&mut self, text: String) {
        if let Some(link) = &mut self.link {
            link.push(text);
        }
    }
}

/// The next thing the client says; never, while it is away.
async fn hear(link: &mut Option<Link>) -> Heard {
    match link {
        Some(link) => link.turn().await,
        None => std::future::pending().await,
    }
}

/// The next thing that happens in the client's room; never, while it is in none.
async fn room_event(occupancy: &mut Option<Occupancy>) -> Option<PeerEvent> {
    match occupancy {
        Some(occupancy) => occupancy.events.recv().await,
        None => std::future::pending().await,
    }
}

/// The next thing a client that waits is told; never, while it does not wait.
async fn lobby_event(lobby: &mut Option<Lobby>) -> Option<Arc<Event>> {
    match lobby {
        Some(Lobby::Waiting(waiting)) => waiting.events.recv().await,
        _ => std::future::pending().await,
    }
}
