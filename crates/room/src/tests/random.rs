//! Random sequences of commands against what must hold after each of them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use indexmap::IndexMap;
use proptest::prelude::*;
use tertulia_model::{Codec, Identity, ParticipantId, Quality, Source, TrackId};

use super::stage::{Stage, camera, coded, identity, message, microphone, person, settings, size};
use super::steps::{Step, steps};
use crate::{
    Actor, Audience, ChatInput, Command, ConnectionQuality, DataMessage, DepartureReason, Event, Fact,
    NewParticipant, NewTrack, ParticipantInfo, ParticipantKind, Permission, PublisherPermission, Reply,
    RoomSettings, RouteChange, TrackSettings, TrackState,
};

/// What somebody believes of the others, from their events alone.
#[derive(Default)]
struct View {
    others: BTreeMap<ParticipantId, ParticipantInfo>,
}

/// The stage, and everybody's view.
struct Play {
    stage: Stage,
    views: BTreeMap<ParticipantId, View>,
    versions: BTreeMap<ParticipantId, u32>,
    ids_seen: BTreeSet<ParticipantId>,
    /// What the forwarding engine would believe each publisher's tracks to be.
    tracks: BTreeMap<TrackId, ParticipantId>,
}

fn name(who: usize) -> Identity {
    identity(["ana", "bo", "cleo", "dan", "eve", "fay"][who])
}

impl Play {
    fn new(seed: u8) -> Self {
        let settings = RoomSettings {
            max_participants: Some(5),
            chat_history: 5,
            ..settings()
        };
        Self {
            stage: Stage::seeded(settings, [seed; 32]),
            views: BTreeMap::new(),
            versions: BTreeMap::new(),
            ids_seen: BTreeSet::new(),
            tracks: BTreeMap::new(),
        }
    }

    /// Whoever has this name now, else an id nobody has.
    fn id(&self, who: usize) -> ParticipantId {
        let present = self.stage.room.participant_by_identity(&name(who));
        present.map_or_else(|| ParticipantId::from_random(1), |info| info.id.clone())
    }

    fn track(&self, track: usize) -> TrackId {
        let found = self.stage.room.tracks.keys().nth(track);
        found.cloned().unwrap_or_else(|| TrackId::from_random(1))
    }

    fn take(&mut self, step: Step) {
        self.stage.forget();
        let track_added = |track, backup| NewTrack {
            existing: Some(track),
            codecs: vec![coded(Codec::Vp8, "")],
            ..camera(if backup { "backup" } else { "c" })
        };
        let actor = |play: &Self, who: Option<usize>| {
            who.map_or(Actor::Admin, |who| Actor::Participant(play.id(who)))
        };
        let (actor, command) = match step {
            Step::Join {
                who,
                permission,
                auto_subscribe,
                recorder,
            } => {
                let kind = if recorder {
                    ParticipantKind::Egress
                } else {
                    ParticipantKind::Standard
                };
                let permission = Permission {
                    recorder,
                    ..permission
                };
                let issued = self.stage.now.unix_ms;
                let joining = NewParticipant {
                    identity: name(who),
                    kind,
                    permission,
                    auto_subscribe,
                    credential_issued_at_ms: issued,
                    ..person("x")
                };
                (Actor::System, Command::Join(Box::new(joining)))
            }
            Step::Leave { who } => (
                actor(self, Some(who)),
                Command::Leave {
                    reason: DepartureReason::Left,
                },
            ),
            Step::Publish { who, source, backup } => {
                let base = match source {
                    Source::Microphone | Source::ScreenShareAudio => microphone("m"),
                    _ => camera("c"),
                };
                let codecs = match (backup, base.kind) {
                    (true, tertulia_model::MediaKind::Video) => {
                        vec![coded(Codec::Vp9, "c"), coded(Codec::Vp8, "")]
                    }
                    _ => Vec::new(),
                };
                let cid = format!("{}", self.stage.room.next_ticket);
                (
                    actor(self, Some(who)),
                    Command::Publish(Box::new(NewTrack {
                        cid,
                        source,
                        codecs,
                        ..base
                    })),
                )
            }
            Step::AddCodec { who, track } => {
                let track = self.track(track);
                (
                    actor(self, Some(who)),
                    Command::Publish(Box::new(track_added(track, true))),
                )
            }
            Step::Bind { track, backup } => {
                let track = self.track(track);
                let audio = self
                    .stage
                    .room
                    .track(&track)
                    .is_some_and(|(_, info)| info.kind == tertulia_model::MediaKind::Audio);
                let codec = match (audio, backup) {
                    (true, _) => Codec::Opus,
                    (false, true) => Codec::Vp8,
                    (false, false) => Codec::Vp9,
                };
                let fact = Fact::TrackBound {
                    track,
                    codec,
                    simulcast: !audio,
                    red: audio,
                };
                (Actor::System, Command::Fact(fact))
            }
            Step::Unpublish { who, track } => (
                actor(self, Some(who)),
                Command::Unpublish {
                    track: self.track(track),
                },
            ),
            Step::Gone { track } => (
                Actor::System,
                Command::Fact(Fact::TrackGone {
                    track: self.track(track),
                }),
            ),
            Step::Mute { who, track, muted } => (
                actor(self, Some(who)),
                Command::SetMuted {
                    track: self.track(track),
                    muted,
                },
            ),
            Step::AdminMute { who, whom, track } => {
                let track = self.track(track);
                (
                    actor(self, Some(who)),
                    Command::MuteTrack {
                        identity: name(whom),
                        track,
                        muted: true,
                    },
                )
            }
            Step::Subscribe { who, track, on } => (
                actor(self, Some(who)),
                Command::Subscribe {
                    tracks: vec![self.track(track)],
                    on,
                },
            ),
            Step::AdminSubscribe { whom, track, on } => {
                let tracks = vec![self.track(track)];
                (
                    Actor::Admin,
                    Command::UpdateSubscriptions {
                        identity: name(whom),
                        tracks,
                        on,
                    },
                )
            }
            Step::Settings {
                who,
                track,
                disabled,
                width,
            } => {
                let shown = (width > 10).then(|| size(width, width / 2));
                let settings = TrackSettings {
                    disabled,
                    size: shown,
                    ..TrackSettings::default()
                };
                let tracks = vec![self.track(track)];
                (
                    actor(self, Some(who)),
                    Command::SetTrackSettings { tracks, settings },
                )
            }
            Step::Allow { who, all, listed } => {
                let permission = |(whom, track): (usize, Option<usize>)| PublisherPermission {
                    identity: name(whom),
                    all_tracks: track.is_none(),
                    tracks: track.map(|track| self.track(track)).into_iter().collect(),
                };
                let permissions = listed.into_iter().map(permission).collect();
                let command = Command::SetPublisherPermissions {
                    all_participants: all,
                    permissions,
                };
                (actor(self, Some(who)), command)
            }
            Step::Permit {
                who,
                whom,
                permission,
            } => {
                let command = Command::UpdateParticipant {
                    identity: name(whom),
                    name: None,
                    metadata: None,
                    attributes: IndexMap::new(),
                    permission: Some(permission),
                };
                (actor(self, who), command)
            }
            Step::Rename { who } => {
                let name = Some(format!("name {}", self.stage.now.unix_ms));
                let command = Command::UpdateSelf {
                    name,
                    metadata: None,
                    attributes: IndexMap::new(),
                };
                (actor(self, Some(who)), command)
            }
            Step::Remove { who, whom, revoke } => (
                actor(self, who),
                Command::Remove {
                    identity: name(whom),
                    revoke,
                },
            ),
            Step::Data { who, to, metrics } => {
                let destinations = to.into_iter().map(name).collect();
                let data = DataMessage {
                    destinations,
                    metrics,
                    sender: Some(name(0)),
                    ..message("x")
                };
                (actor(self, who), Command::SendData(data))
            }
            Step::Chat { who, id } => {
                let input = ChatInput {
                    id: id.to_string(),
                    text: "x".into(),
                    ..ChatInput::default()
                };
                (actor(self, Some(who)), Command::Chat(input))
            }
            Step::Hand { who, raised } => (actor(self, Some(who)), Command::SetHand { raised }),
            Step::React { who } => (actor(self, Some(who)), Command::React { kind: "clap".into() }),
            Step::Connected { who } => (
                Actor::System,
                Command::Fact(Fact::Connected {
                    participant: self.id(who),
                }),
            ),
            Step::Speakers { who } => {
                let heard = who
                    .into_iter()
                    .map(|(who, level)| (self.id(who), level))
                    .collect();
                (Actor::System, Command::Fact(Fact::Speakers(heard)))
            }
            Step::Quality { who } => {
                let report = (self.id(who), ConnectionQuality::Good, 4.0);
                (Actor::System, Command::Fact(Fact::Quality(vec![report])))
            }
            Step::Paused { who, track, paused } => {
                let (subscriber, track) = (self.id(who), self.track(track));
                (
                    Actor::System,
                    Command::Fact(Fact::StreamState {
                        subscriber,
                        track,
                        paused,
                    }),
                )
            }
            Step::Unsupported { who, track, backup } => {
                let (subscriber, track) = (self.id(who), self.track(track));
                let fact = if backup {
                    Fact::BackupNeeded { subscriber, track }
                } else {
                    Fact::CodecUnsupported { subscriber, track }
                };
                (Actor::System, Command::Fact(fact))
            }
            Step::Pass { ms } => {
                self.stage.pass(Duration::from_millis(ms));
                return self.check(None);
            }
            Step::End { who } if who < 6 => (actor(self, Some(who)), Command::End),
            Step::End { .. } => return,
        };
        let reply = self.stage.handle(&actor, command);
        if reply.is_err() {
            let unnoticed = self.stage.deliveries.is_empty() && self.stage.route_changes.is_empty();
            assert!(unnoticed, "a refusal was noticed by others");
        }
        self.check(reply.ok());
    }

    fn check(&mut self, reply: Option<Reply>) {
        if let Some(Reply::Joined {
            participant, others, ..
        }) = reply
        {
            assert!(
                self.ids_seen.insert(participant.id.clone()),
                "an id was used twice"
            );
            let others = others.into_iter().map(|info| (info.id.clone(), info)).collect();
            self.views.insert(participant.id.clone(), View { others });
        }
        self.follow_routes();
        self.follow_events();
        self.check_identities();
        self.check_routes();
        self.check_views();
        self.check_deadlines();
        self.check_nothing_is_kept_of_the_gone();
    }

    fn follow_routes(&mut self) {
        for change in &self.stage.route_changes {
            match change {
                RouteChange::TrackAdded { publisher, track } => {
                    assert_eq!(self.tracks.insert(track.id.clone(), publisher.clone()), None);
                }
                RouteChange::TrackChanged { publisher, track } => {
                    assert_eq!(self.tracks.get(&track.id), Some(publisher));
                }
                RouteChange::TrackRemoved { publisher, track } => {
                    assert_eq!(self.tracks.remove(track).as_ref(), Some(publisher));
                }
                RouteChange::Route { publisher, track, .. } => {
                    assert_eq!(self.tracks.get(track), Some(publisher), "a route of no track");
                }
                RouteChange::ParticipantRemoved { participant } => {
                    assert!(!self.tracks.values().any(|publisher| publisher == participant));
                    assert!(
                        !self
                            .stage
                            .routes
                            .keys()
                            .any(|(subscriber, _)| subscriber == participant)
                    );
                }
                RouteChange::Unroute { .. } => {}
            }
        }
    }

    /// Gives every event to everybody it is for, as a client would understand it.
    fn follow_events(&mut self) {
        let receivers: Vec<ParticipantId> = self.views.keys().cloned().collect();
        let deliveries = std::mem::take(&mut self.stage.deliveries);
        for delivery in &deliveries {
            for who in &receivers {
                let concerns = match &delivery.to {
                    Audience::Everybody => true,
                    Audience::AllBut(other) => other != who,
                    Audience::One(one) => one == who,
                    Audience::Some(some) => some.contains(who),
                    Audience::Observers | Audience::Waiting(_) | Audience::Away(_) => false,
                };
                // The newcomer's own view begins with the answer to the join.
                let present = self.views.contains_key(who);
                if concerns && present {
                    self.hear(who, &delivery.event);
                }
            }
            if let Event::ParticipantChanged(info)
            | Event::ParticipantJoined(info)
            | Event::ParticipantLeft(info, _) = &*delivery.event
            {
                let before = self.versions.insert(info.id.clone(), info.version).unwrap_or(0);
                assert!(info.version >= before, "a version fell");
            }
        }
        let room = &self.stage.room;
        self.views.retain(|who, _| room.participant(who).is_some());
    }

    fn hear(&mut self, who: &ParticipantId, event: &Event) {
        let own_identity = self.stage.room.participant(who).map(|info| info.identity.clone());
        let Some(view) = self.views.get_mut(who) else {
            return;
        };
        let knows = |identity: &Identity| {
            own_identity.as_ref().is_none_or(|own| own == identity)
                || view.others.values().any(|info| info.identity == *identity)
        };
        match event {
            Event::ParticipantJoined(info) => {
                assert!(
                    info.id != *who && !info.permission.hidden,
                    "somebody hidden was announced"
                );
                let newer = view
                    .others
                    .get(&info.id)
                    .is_none_or(|known| known.version <= info.version);
                assert!(newer);
                view.others.insert(info.id.clone(), info.clone());
            }
            Event::ParticipantChanged(info) if info.id != *who => {
                assert!(!info.permission.hidden, "somebody hidden was announced");
                // A newcomer's answer to the join may already hold what the same command told the others.
                let Some(known) = view.others.get(&info.id) else {
                    return;
                };
                assert!(known.version <= info.version);
                view.others.insert(info.id.clone(), info.clone());
            }
            Event::ParticipantLeft(info, _) if info.id != *who => {
                view.others.remove(&info.id);
            }
            Event::Data { from, message } => {
                assert_ne!(from.as_ref(), Some(who), "data came back to its sender");
                assert!(
                    message.sender.as_ref().is_none_or(knows),
                    "data from somebody unknown"
                );
            }
            Event::Chat(message) => assert!(knows(&message.identity)),
            Event::Hand {
                identity,
                raised_at_ms,
                ..
            } => assert!(raised_at_ms.is_none() || knows(identity)),
            Event::Reaction(reaction) => assert!(knows(&reaction.identity)),
            Event::SpeakersChanged(speakers) => {
                for speaker in speakers {
                    let known = speaker.participant == *who || view.others.contains_key(&speaker.participant);
                    assert!(known, "somebody unknown speaks");
                }
            }
            Event::SubscriptionAllowed { publisher, .. } | Event::StreamState { publisher, .. } => {
                assert!(view.others.contains_key(publisher));
            }
            _ => {}
        }
    }

    fn check_identities(&self) {
        let identities: Vec<_> = self
            .stage
            .room
            .participants()
            .map(|info| &info.identity)
            .collect();
        let distinct: BTreeSet<_> = identities.iter().collect();
        assert_eq!(identities.len(), distinct.len(), "an identity is here twice");
        for info in self.stage.room.participants() {
            let found = self.stage.room.participant_by_identity(&info.identity);
            assert_eq!(found.map(|found| &found.id), Some(&info.id));
        }
    }

    /// A route exists exactly for each pair of a live track and somebody subscribed, allowed and not its publisher.
    fn check_routes(&self) {
        let room = &self.stage.room;
        let mut expected = BTreeSet::new();
        for (track, publication) in &room.tracks {
            let publisher = &room.members[&publication.publisher];
            assert!(publisher.tracks.contains(track));
            assert!(
                !publisher.info.permission.hidden,
                "a hidden participant publishes"
            );
            assert!(publisher.info.permission.allows_source(publication.info.source));
            for (id, member) in &room.members {
                let said = member
                    .subscriptions
                    .get(track)
                    .and_then(|subscription| subscription.on);
                let subscribed =
                    said.unwrap_or(member.auto_subscribe) && member.info.permission.can_subscribe;
                let allowed = publisher.listeners.allow(&member.info.identity, track);
                let live = publication.state == TrackState::Live;
                if live && subscribed && allowed && *id != publication.publisher {
                    expected.insert((id.clone(), track.clone()));
                }
            }
        }
        let routes: BTreeSet<_> = self.stage.routes.keys().cloned().collect();
        assert_eq!(routes, expected);
        for ((subscriber, track), wanted) in &self.stage.routes {
            assert_eq!(room.tracks[track].routes.get(subscriber), Some(wanted));
        }
        assert_eq!(
            self.tracks.keys().collect::<Vec<_>>(),
            room.tracks.keys().collect::<Vec<_>>()
        );
    }

    /// What everybody believes is what is.
    fn check_views(&self) {
        let room = &self.stage.room;
        for (who, view) in &self.views {
            let visible: BTreeMap<_, _> = room
                .participants()
                .filter(|info| !info.permission.hidden && info.id != *who)
                .map(|info| (info.id.clone(), info.clone()))
                .collect();
            assert_eq!(view.others, visible, "{who} believes otherwise");
        }
        for info in room.participants() {
            let live = room.members[&info.id]
                .tracks
                .iter()
                .map(|track| &room.tracks[track]);
            let live: Vec<_> = live
                .filter(|track| track.state == TrackState::Live)
                .map(|track| track.info.clone())
                .collect();
            assert_eq!(info.tracks, live);
        }
    }

    fn check_nothing_is_kept_of_the_gone(&self) {
        let room = &self.stage.room;
        for member in room.members.values() {
            assert!(
                member
                    .subscriptions
                    .keys()
                    .all(|track| room.tracks.contains_key(track))
            );
        }
        for publication in room.tracks.values() {
            assert!(
                publication
                    .paused
                    .iter()
                    .all(|who| publication.routes.contains_key(who))
            );
            assert!(
                publication
                    .needing_backup
                    .iter()
                    .chain(&publication.unable)
                    .all(|who| room.members.contains_key(who))
            );
        }
        assert!(
            room.hands
                .iter()
                .chain(room.speaking.keys())
                .all(|who| room.members.contains_key(who))
        );
    }

    /// Deadlines belong to tracks, and no lower demand is forgotten.
    fn check_deadlines(&self) {
        let room = &self.stage.room;
        let of_tracks: BTreeSet<_> = room
            .tracks
            .iter()
            .filter_map(|(id, publication)| Some((publication.demand.downgrade_at?, id.clone())))
            .collect();
        assert_eq!(room.downgrades, of_tracks);
        for publication in room
            .tracks
            .values()
            .filter(|track| track.state == TrackState::Live)
        {
            let highest = publication
                .routes
                .values()
                .filter(|wanted| wanted.enabled)
                .map(|w| w.max_quality)
                .max();
            let video = publication.info.kind == tertulia_model::MediaKind::Video;
            let same_for_all = publication.needing_backup.is_empty() && publication.unable.is_empty();
            if video && same_for_all && highest < Some(Quality::High) {
                let told = publication.demand.told_primary(publication.info.codec);
                assert!(publication.demand.downgrade_at.is_some() || told == Some(highest));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, max_shrink_iters: 4_000, ..ProptestConfig::default() })]

    #[test]
    fn the_invariants_hold_whatever_is_asked(
        seed in any::<u8>(),
        sequence in prop::collection::vec(steps(), 1..120),
    ) {
        let mut play = Play::new(seed);
        for step in sequence {
            play.take(step);
        }
    }
}
