use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use axum::extract::ws::close_code;
use bytes::Bytes;
use tertulia_auth::Claims;
use tertulia_engine::{ChannelLabel, ConnectionChange, Joined, PeerEvent, PeerMode, RoomHandle};
use tertulia_model::{ParticipantId, TrackId};
use tertulia_room::{Actor, Command, DepartureReason, ParticipantInfo, Refusal, Reply, RoomInfo};
use tokio::sync::mpsc;

use super::Attachment;
use super::link::{Heard, Link};
use super::roster::Roster;
use crate::convert;
use crate::entry::Entry;
use crate::op::data::DataState;
use crate::op::negotiate::Negotiation;
use crate::op::resume::Cuts;
use crate::signal::LeaveAction;
use crate::state::LiveKitDoor;
use crate::stats::Counters;
use crate::wire::{Response, decode};

/// Between two pings of the WebSocket itself.
const PING_EVERY: Duration = Duration::from_secs(10);
/// A client that says nothing for so long (it pings every five seconds) has lost its signalling.
const SILENCE: Duration = Duration::from_secs(30);
/// Between two fresh tokens.
const REFRESH_EVERY: Duration = Duration::from_secs(300);
/// A client that closed its WebSocket in good order and has not left comes back at once or not at all.
const CLEAN_CLOSE_WINDOW: Duration = Duration::from_secs(5);
/// How long media may be silent before the client is asked to resume. An ICE restart is silent for a moment, too.
const MEDIA_SILENCE: Duration = Duration::from_secs(4);
/// Messages kept for a client whose signalling is away.
const MAX_HELD: usize = 1_024;

/// Whether the participant stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    /// It does.
    Stay,
    /// It is out: nothing more to do but to say so.
    Gone,
}

/// One participant, as its client sees the room through it.
pub(crate) struct Participant {
    pub(crate) door: LiveKitDoor,
    pub(crate) room: RoomHandle,
    pub(crate) room_info: RoomInfo,
    pub(crate) id: ParticipantId,
    /// The participant as last told by the room.
    pub(crate) info: ParticipantInfo,
    pub(crate) protocol: i32,
    pub(crate) mode: PeerMode,
    /// What its token said, kept up to date for the tokens that follow it.
    pub(crate) claims: Claims,
    pub(crate) token_expires_at_ms: u64,
    pub(crate) roster: Roster,
    pub(crate) negotiation: Negotiation,
    pub(crate) data: DataState,
    /// Tracks the client was told of, live or not.
    pub(crate) published: BTreeSet<TrackId>,
    pub(crate) cuts: Cuts,
    /// When a simulated speaker falls silent.
    pub(crate) speaking_until: Option<Instant>,
    events: mpsc::Receiver<PeerEvent>,
    link: Option<Link>,
    held: VecDeque<Response>,
    /// Until when a client without signalling may come back.
    away_until: Option<Instant>,
    /// When a client whose media is silent is asked to resume.
    ask_resume_at: Option<Instant>,
    refresh_at: Instant,
    ping_at: Instant,
    entry: Option<Entry>,
    joined: Option<(Vec<ParticipantInfo>, RoomInfo)>,
}

/// What a turn of the task brings.
enum Turn {
    Heard(Heard),
    Event(Option<PeerEvent>),
    Attached(Option<Box<Attachment>>),
    Time,
}

impl Participant {
    pub(super) fn new(door: LiveKitDoor, room: RoomHandle, joined: Joined, entry: Entry, link: Link) -> Self {
        let now = Instant::now();
        let room = room.for_participant(&joined);
        let Joined {
            participant,
            others,
            room: room_info,
            events,
            ..
        } = joined;
        Self {
            door,
            room,
            room_info: room_info.clone(),
            id: participant.id.clone(),
            info: participant,
            protocol: entry.wishes.protocol,
            mode: entry.mode,
            claims: entry.grant.claims.clone(),
            token_expires_at_ms: entry.grant.expires_at_ms,
            roster: Roster::default(),
            negotiation: Negotiation::new(now),
            data: DataState::new(now),
            published: BTreeSet::new(),
            cuts: Cuts::default(),
            speaking_until: None,
            events,
            link: Some(link),
            held: VecDeque::new(),
            away_until: None,
            ask_resume_at: None,
            refresh_at: now + REFRESH_EVERY,
            ping_at: now + PING_EVERY,
            entry: Some(entry),
            joined: Some((others, room_info)),
        }
    }

    /// Runs until the participant has left.
    pub(super) async fn run(mut self, mut attachments: mpsc::Receiver<Box<Attachment>>) {
        let mut flow = match (self.entry.take(), self.joined.take()) {
            (Some(entry), Some((others, room))) => self.welcome(entry, others, &room).await,
            _ => Flow::Gone,
        };
        while flow == Flow::Stay {
            let deadline = tokio::time::Instant::from_std(self.next_deadline());
            let turn = tokio::select! {
                heard = hear(&mut self.link) => Turn::Heard(heard),
                event = self.events.recv() => Turn::Event(event),
                attachment = attachments.recv() => Turn::Attached(attachment),
                () = tokio::time::sleep_until(deadline) => Turn::Time,
            };
            flow = match turn {
                Turn::Heard(heard) => self.on_heard(heard).await,
                Turn::Event(Some(event)) => self.on_event(event).await,
                // The engine let go of us without a word: a fresh start is the way back.
                Turn::Event(None) => self.say_goodbye(DepartureReason::StateMismatch, LeaveAction::Reconnect),
                Turn::Attached(Some(attachment)) => {
                    let Attachment { socket, entry } = *attachment;
                    let link = Link::new(socket, self.door.config().signals_per_second);
                    self.attach(link);
                    self.resume(entry).await
                }
                Turn::Attached(None) => Flow::Gone,
                Turn::Time => self.on_time().await,
            };
            if flow == Flow::Stay {
                flow = self.drop_stuck().await;
            }
        }
        self.door.forget_stay(&self.id);
        // A client that came back just now is told that it came too late.
        attachments.close();
        while let Ok(late) = attachments.try_recv() {
            late.refuse(&self.door).await;
        }
        if let Some(link) = self.link.take() {
            link.finish().await;
        }
    }

    async fn on_heard(&mut self, heard: Heard) -> Flow {
        match heard {
            Heard::Nothing => Flow::Stay,
            Heard::Closed { clean } => {
                let window = self.door.config().resume_window;
                self.detach(if clean {
                    window.min(CLEAN_CLOSE_WINDOW)
                } else {
                    window
                });
                Flow::Stay
            }
            Heard::Flood => {
                Counters::up(&self.door.counters().flooded);
                tracing::warn!(participant = %self.id, "a client sends too many signalling messages");
                let link = self.link.take();
                let flow = self.leave(DepartureReason::Misbehaved).await;
                if let Some(link) = link {
                    link.close(close_code::POLICY, "too many messages").await;
                }
                flow
            }
            Heard::Signal(bytes) => self.on_frame(&bytes).await,
        }
    }

    async fn on_frame(&mut self, bytes: &Bytes) -> Flow {
        Counters::up(&self.door.counters().signals);
        let Some(encoding) = self.link.as_ref().map(Link::encoding) else {
            return Flow::Stay;
        };
        let message = match decode(encoding, bytes) {
            Ok(message) => message,
            Err(error) => return self.refuse_signal(&error, None),
        };
        let echo = convert::echo_of(&message);
        match convert::read_signal(message) {
            Ok(signal) => self.on_signal(signal).await,
            Err(error) => self.refuse_signal(&error, echo),
        }
    }

    async fn on_event(&mut self, event: PeerEvent) -> Flow {
        match event {
            PeerEvent::Room(event) => self.on_room_event(&event).await,
            PeerEvent::Offer { spec, bindings } => self.send_offer(*spec, &bindings),
            PeerEvent::SectionsNeeded { audio, video } => {
                // The engine has gathered them, and asks again where no offer follows.
                self.send(convert::media_sections(audio, video));
                Flow::Stay
            }
            PeerEvent::Channel { label, contents } => {
                self.on_data(label, contents).await;
                Flow::Stay
            }
            PeerEvent::ChannelOpen { label } => {
                self.on_channel_open(label).await;
                Flow::Stay
            }
            PeerEvent::Connection(change) => self.on_connection(change),
        }
    }

    fn on_connection(&mut self, change: ConnectionChange) -> Flow {
        tracing::debug!(participant = %self.id, ?change, "media connection changed");
        self.ask_resume_at = match change {
            ConnectionChange::Lost => Some(Instant::now() + MEDIA_SILENCE),
            ConnectionChange::Connected | ConnectionChange::Recovered | ConnectionChange::Failed => None,
        };
        Flow::Stay
    }

    /// Signalling lives while media is silent: asks for a resume, whose ICE restart may find another way.
    fn ask_to_resume(&mut self) {
        self.ask_resume_at = None;
        if self.link.is_some() {
            let resume = convert::leave(DepartureReason::MediaLost, LeaveAction::Resume, self.protocol);
            self.send_all(resume);
        }
    }

    async fn on_time(&mut self) -> Flow {
        let now = Instant::now();
        if self.away_until.is_some_and(|until| until <= now) {
            return self.leave(DepartureReason::SignalLost).await;
        }
        if let Some(link) = &mut self.link {
            if now.saturating_duration_since(link.heard_at()) > SILENCE {
                tracing::debug!(participant = %self.id, "signalling fell silent");
                self.detach(self.door.config().resume_window);
            } else if self.ping_at <= now {
                self.ping_at = now + PING_EVERY;
                link.ping();
            }
        }
        if self.roster.due().is_some_and(|due| due <= now) && self.link.is_some() {
            self.tell_roster();
        }
        if self.refresh_at <= now {
            self.send_fresh_token();
        }
        if self.ask_resume_at.is_some_and(|at| at <= now) {
            self.ask_to_resume();
        }
        if self.speaking_until.is_some_and(|until| until <= now) {
            self.end_simulated_speech();
        }
        Flow::Stay
    }

    fn next_deadline(&self) -> Instant {
        let attached = self.link.is_some();
        [
            Some(self.ping_at).filter(|_| attached),
            self.roster.due().filter(|_| attached),
            Some(self.refresh_at),
            self.away_until,
            self.speaking_until,
            self.ask_resume_at,
        ]
        .into_iter()
        .flatten()
        .min()
        .unwrap_or(self.refresh_at)
    }

    /// Queues a message for the client, or keeps it where the client is away and will still want it.
    pub(crate) fn send(&mut self, response: Response) {
        match &mut self.link {
            Some(link) => link.push(response),
            None if response.outlives_connection() && self.held.len() < MAX_HELD => {
                self.held.push_back(response);
            }
            None => {}
        }
    }

    pub(crate) fn send_all(&mut self, responses: impl IntoIterator<Item = Response>) {
        for response in responses {
            self.send(response);
        }
    }

    /// Sends what was kept while the client was away.
    pub(crate) fn send_held(&mut self) {
        let held = std::mem::take(&mut self.held);
        self.send_all(held);
    }

    /// Tells the client what is new about who is here.
    pub(crate) fn tell_roster(&mut self) {
        let (present, gone) = self.roster.take();
        if !present.is_empty() || !gone.is_empty() {
            self.send(convert::participants(&present, &gone));
        }
    }

    /// Gives the client a token it can come back with.
    pub(crate) fn send_fresh_token(&mut self) {
        self.refresh_at = Instant::now() + REFRESH_EVERY;
        if let Some(token) = self.fresh_token() {
            self.send(convert::refresh_token(token));
        }
    }

    /// Whether the client is connected.
    pub(crate) fn is_attached(&self) -> bool {
        self.link.is_some()
    }

    fn attach(&mut self, link: Link) {
        self.link = Some(link);
        self.away_until = None;
        self.ping_at = Instant::now() + PING_EVERY;
    }

    /// Forgets the client's socket; it may come back within `window`.
    pub(crate) fn detach(&mut self, window: Duration) {
        if self.link.take().is_some() {
            tracing::debug!(participant = %self.id, "signalling lost");
        }
        self.away_until = Some(Instant::now() + window);
    }

    async fn drop_stuck(&mut self) -> Flow {
        if !self
            .link
            .as_ref()
            .is_some_and(|link| link.is_stuck(Instant::now()))
        {
            return Flow::Stay;
        }
        Counters::up(&self.door.counters().slow_consumers);
        tracing::warn!(participant = %self.id, "a client does not read its signalling");
        self.link = None;
        self.leave(DepartureReason::Misbehaved).await
    }

    /// Takes the participant out of the room.
    pub(crate) async fn leave(&mut self, reason: DepartureReason) -> Flow {
        if let Err(refusal) = self.ask(Command::Leave { reason }).await {
            tracing::debug!(participant = %self.id, %refusal, "already out of the room");
        }
        Flow::Gone
    }

    /// Says goodbye to a participant who is out already.
    pub(crate) fn say_goodbye(&mut self, reason: DepartureReason, action: LeaveAction) -> Flow {
        let leave = convert::leave(reason, action, self.protocol);
        self.send_all(leave);
        Flow::Gone
    }

    /// Asks something of the room in the participant's name. Exclusive, as all that waits here: a socket cannot be shared.
    pub(crate) async fn ask(&mut self, command: Command) -> Result<Reply, Refusal> {
        self.room
            .command(Actor::Participant(self.id.clone()), command)
            .await
    }

    /// Sends data to the client.
    pub(crate) async fn send_channel(&mut self, label: ChannelLabel, contents: Bytes) {
        if !self.room.send_channel(&self.id, label, contents).await {
            tracing::debug!(participant = %self.id, "data for a participant whose room is gone");
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
