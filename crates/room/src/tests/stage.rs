use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use indexmap::IndexMap;
use tertulia_model::{
    Bitrate, Codec, Identity, Layer, MediaKind, ParticipantId, Quality, RoomId, RoomName, Source, TrackId,
    VideoSize,
};

use crate::{
    Actor, Audience, AudioFeatures, Command, DataMessage, Delivery, Entrance, Errand, Event, Fact,
    NewParticipant, NewTrack, Now, Origin, ParticipantKind, Permission, Refusal, Reply, Room, RoomRules,
    RoomSettings, RouteChange, SimulcastCodec, TrackEncryption, TrackInfo, Wanted,
};

/// A room, the time, and everything it said.
pub(super) struct Stage {
    pub(super) room: Room,
    pub(super) now: Now,
    pub(super) deliveries: Vec<Delivery>,
    pub(super) route_changes: Vec<RouteChange>,
    pub(super) errands: Vec<Errand>,
    /// What the forwarding engine would believe.
    pub(super) routes: BTreeMap<(ParticipantId, TrackId), Wanted>,
}

pub(super) fn settings() -> RoomSettings {
    RoomSettings {
        max_participants: None,
        ceiling: None,
        empty_timeout: Duration::from_secs(300),
        departure_timeout: Duration::from_secs(20),
        metadata: String::new(),
        chat_history: 100,
        chat_text_bytes: 2_000,
        rules: RoomRules::default(),
    }
}

pub(super) fn identity(text: &str) -> Identity {
    Identity::parse(text).unwrap()
}

pub(super) fn person(name: &str) -> NewParticipant {
    NewParticipant {
        identity: identity(name),
        name: name.to_owned(),
        kind: ParticipantKind::Standard,
        metadata: String::new(),
        attributes: IndexMap::new(),
        permission: Permission::ordinary(),
        auto_subscribe: true,
        client_protocol: 0,
        capabilities: Vec::new(),
        credential_issued_at_ms: 1_000,
        origin: Origin::Token,
        role: None,
        entrance: Entrance::Usual,
        network: None,
    }
}

pub(super) fn moderator(name: &str) -> NewParticipant {
    NewParticipant {
        permission: Permission {
            room_admin: true,
            ..Permission::ordinary()
        },
        ..person(name)
    }
}

pub(super) fn hidden(name: &str) -> NewParticipant {
    NewParticipant {
        permission: Permission {
            hidden: true,
            ..Permission::ordinary()
        },
        ..person(name)
    }
}

pub(super) fn size(width: u32, height: u32) -> VideoSize {
    VideoSize { width, height }
}

/// Three layers of 1280 by 720.
pub(super) fn layers() -> Vec<Layer> {
    let layer = |(quality, width, height, kbps)| Layer {
        quality,
        size: size(width, height),
        bitrate: Bitrate::from_kbps(kbps),
        ssrc: 0,
    };
    [
        (Quality::Low, 320, 180, 150),
        (Quality::Medium, 640, 360, 500),
        (Quality::High, 1280, 720, 1_700),
    ]
    .map(layer)
    .into()
}

pub(super) fn camera(cid: &str) -> NewTrack {
    NewTrack {
        cid: cid.to_owned(),
        existing: None,
        kind: MediaKind::Video,
        source: Source::Camera,
        name: String::new(),
        muted: false,
        size: size(1280, 720),
        layers: layers(),
        codecs: Vec::new(),
        red: false,
        stream: String::new(),
        encryption: TrackEncryption::None,
        audio: AudioFeatures::default(),
        backup_codec_policy: 0,
        packet_trailer_features: Vec::new(),
    }
}

pub(super) fn microphone(cid: &str) -> NewTrack {
    NewTrack {
        kind: MediaKind::Audio,
        source: Source::Microphone,
        size: VideoSize::default(),
        layers: Vec::new(),
        red: true,
        ..camera(cid)
    }
}

pub(super) fn coded(codec: Codec, cid: &str) -> SimulcastCodec {
    SimulcastCodec {
        codec,
        cid: cid.to_owned(),
        layers: Vec::new(),
    }
}

pub(super) fn message(text: &'static str) -> DataMessage {
    DataMessage {
        sender: None,
        reliable: true,
        destinations: Vec::new(),
        topic: String::new(),
        payload: Bytes::from_static(text.as_bytes()),
        sequence: 0,
        metrics: false,
    }
}

impl Stage {
    pub(super) fn new() -> Self {
        Self::with(settings())
    }

    pub(super) fn with(settings: RoomSettings) -> Self {
        Self::seeded(settings, [7; 32])
    }

    pub(super) fn seeded(settings: RoomSettings, seed: [u8; 32]) -> Self {
        Self::named("Plaza", settings, seed)
    }

    pub(super) fn named(name: &str, settings: RoomSettings, seed: [u8; 32]) -> Self {
        #[expect(clippy::disallowed_methods, reason = "an origin; only differences matter")]
        let now = Now {
            instant: Instant::now(),
            unix_ms: 1_700_000_000_000,
        };
        let room = Room::new(
            RoomId::from_random(1),
            RoomName::parse(name).unwrap(),
            settings,
            seed,
            now,
        );
        Self {
            room,
            now,
            deliveries: Vec::new(),
            route_changes: Vec::new(),
            errands: Vec::new(),
            routes: BTreeMap::new(),
        }
    }

    pub(super) fn join(&mut self, name: &str) -> ParticipantId {
        self.join_as(person(name)).unwrap()
    }

    pub(super) fn join_as(&mut self, who: NewParticipant) -> Result<ParticipantId, Refusal> {
        match self.handle(&Actor::System, Command::Join(Box::new(who)))? {
            Reply::Joined { participant, .. } => Ok(participant.id.clone()),
            other => panic!("joined, but {other:?}"),
        }
    }

    pub(super) fn ask(&mut self, who: &ParticipantId, command: Command) -> Result<Reply, Refusal> {
        self.handle(&Actor::Participant(who.clone()), command)
    }

    pub(super) fn admin(&mut self, command: Command) -> Result<Reply, Refusal> {
        self.handle(&Actor::Admin, command)
    }

    pub(super) fn fact(&mut self, fact: Fact) {
        self.handle(&Actor::System, Command::Fact(fact)).unwrap();
    }

    pub(super) fn handle(&mut self, actor: &Actor, command: Command) -> Result<Reply, Refusal> {
        let reply = self.room.handle(actor, command, self.now);
        self.drain();
        reply
    }

    /// Lets time go by, waking the room whenever it asks for it.
    pub(super) fn pass(&mut self, duration: Duration) {
        let end = self.now.instant + duration;
        let origin = self.now;
        while let Some(at) = self.room.poll_timeout().filter(|at| *at <= end) {
            let at = at.max(self.now.instant);
            let elapsed = at.duration_since(origin.instant).as_millis();
            self.now = Now {
                instant: at,
                unix_ms: origin.unix_ms + u64::try_from(elapsed).unwrap(),
            };
            self.room.handle_timeout(self.now);
            self.drain();
        }
        let elapsed = u64::try_from(duration.as_millis()).unwrap();
        self.now = Now {
            instant: end,
            unix_ms: origin.unix_ms + elapsed,
        };
    }

    pub(super) fn drain(&mut self) {
        while let Some(delivery) = self.room.poll_delivery() {
            self.deliveries.push(delivery);
        }
        while let Some(errand) = self.room.poll_errand() {
            self.errands.push(errand);
        }
        while let Some(change) = self.room.poll_route() {
            match &change {
                RouteChange::Route {
                    subscriber,
                    track,
                    wanted,
                    ..
                } => {
                    self.routes.insert((subscriber.clone(), track.clone()), *wanted);
                }
                RouteChange::Unroute { subscriber, track } => {
                    let removed = self.routes.remove(&(subscriber.clone(), track.clone()));
                    assert!(removed.is_some(), "a route that is not there was taken away");
                }
                RouteChange::TrackRemoved { track, .. } => {
                    self.routes.retain(|(_, routed), _| routed != track)
                }
                RouteChange::ParticipantRemoved { participant } => {
                    let routed = self
                        .routes
                        .keys()
                        .any(|(subscriber, _)| subscriber == participant);
                    assert!(!routed, "somebody removed still had a route");
                }
                _ => {}
            }
            self.route_changes.push(change);
        }
    }

    /// Forgets what was said so far.
    pub(super) fn forget(&mut self) {
        self.deliveries.clear();
        self.route_changes.clear();
    }

    /// What one participant heard since the last [`Stage::forget`].
    pub(super) fn heard(&self, who: &ParticipantId) -> Vec<Arc<Event>> {
        let concerns = |audience: &Audience| match audience {
            Audience::Everybody => true,
            Audience::AllBut(other) => other != who,
            Audience::One(one) => one == who,
            Audience::Some(some) => some.contains(who),
            Audience::Observers | Audience::Waiting(_) | Audience::Away(_) => false,
        };
        self.deliveries
            .iter()
            .filter(|d| concerns(&d.to))
            .map(|d| Arc::clone(&d.event))
            .collect()
    }

    /// What somebody in the lobby heard since the last [`Stage::forget`].
    pub(super) fn overheard(&self, who: &str) -> Vec<Arc<Event>> {
        self.told(&Audience::Waiting(identity(who)))
    }

    /// What somebody in a breakout heard from here since the last [`Stage::forget`].
    pub(super) fn heard_away(&self, who: &str) -> Vec<Arc<Event>> {
        self.told(&Audience::Away(identity(who)))
    }

    fn told(&self, to: &Audience) -> Vec<Arc<Event>> {
        let theirs = self.deliveries.iter().filter(|d| d.to == *to);
        theirs.map(|d| Arc::clone(&d.event)).collect()
    }

    /// What observers saw since the last [`Stage::forget`].
    pub(super) fn observed(&self) -> Vec<Arc<Event>> {
        let concerns = |audience: &Audience| {
            matches!(
                audience,
                Audience::Everybody | Audience::AllBut(_) | Audience::Observers
            )
        };
        self.deliveries
            .iter()
            .filter(|d| concerns(&d.to))
            .map(|d| Arc::clone(&d.event))
            .collect()
    }

    /// Announces a track; it waits for its media section.
    pub(super) fn announce(&mut self, who: &ParticipantId, track: NewTrack) -> TrackId {
        match self.ask(who, Command::Publish(Box::new(track))).unwrap() {
            Reply::Track(track) => track.id,
            other => panic!("published, but {other:?}"),
        }
    }

    pub(super) fn bind(&mut self, track: &TrackId, codec: Codec) {
        let simulcast = codec.kind() == MediaKind::Video;
        self.fact(Fact::TrackBound {
            track: track.clone(),
            codec,
            simulcast,
            red: !simulcast,
        });
    }

    /// Announces a track and binds it.
    pub(super) fn publish(&mut self, who: &ParticipantId, track: NewTrack) -> TrackId {
        let codec = match track.kind {
            MediaKind::Audio => Codec::Opus,
            MediaKind::Video => track.codecs.first().map_or(Codec::Vp8, |codec| codec.codec),
        };
        let id = self.announce(who, track);
        self.bind(&id, codec);
        id
    }

    pub(super) fn receivers(&self, track: &TrackId) -> BTreeSet<ParticipantId> {
        self.routes
            .keys()
            .filter(|(_, routed)| routed == track)
            .map(|(who, _)| who.clone())
            .collect()
    }

    pub(super) fn wanted(&self, who: &ParticipantId, track: &TrackId) -> Wanted {
        self.routes[&(who.clone(), track.clone())]
    }

    pub(super) fn track(&self, id: &TrackId) -> TrackInfo {
        self.room.track(id).unwrap().1.clone()
    }

    pub(super) fn version(&self, who: &ParticipantId) -> u32 {
        self.room.participant(who).unwrap().version
    }

    /// Expects a refusal that nobody but the asker notices.
    #[track_caller]
    pub(super) fn check_refused(&mut self, actor: &Actor, command: Command, refusal: Refusal) {
        let before = format!(
            "{:?} {:?}",
            self.room.info(),
            self.room.participants().collect::<Vec<_>>()
        );
        self.forget();
        let shown = format!("{command:?}");
        let shown = &shown[..shown.len().min(200)];
        assert_eq!(self.handle(actor, command), Err(refusal), "for {shown}");
        let after = format!(
            "{:?} {:?}",
            self.room.info(),
            self.room.participants().collect::<Vec<_>>()
        );
        assert_eq!(before, after, "for {shown}");
        assert!(self.deliveries.is_empty(), "for {shown}: {:?}", self.deliveries);
        assert!(
            self.route_changes.is_empty(),
            "for {shown}: {:?}",
            self.route_changes
        );
    }
}

/// The events of one kind among `events`, by a pattern.
macro_rules! only {
    ($events:expr, $pattern:pat => $value:expr) => {
        $events
            .iter()
            .filter_map(|event| match &**event {
                $pattern => Some($value),
                _ => None,
            })
            .collect::<Vec<_>>()
    };
}
pub(super) use only;
