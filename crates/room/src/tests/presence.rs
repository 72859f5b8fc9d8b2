use std::time::Duration;

use super::stage::{Stage, camera, hidden, identity, moderator, only, person, settings};
use crate::{
    AccessChange, Actor, Command, DepartureReason, Event, Fact, NewParticipant, ParticipantKind,
    ParticipantState, Permission, Refusal, Reply, RoomSettings, RouteChange, limits,
};

#[test]
fn a_newcomer_learns_who_is_here_and_the_others_learn_of_the_newcomer() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    stage.forget();
    let reply = stage
        .handle(&Actor::System, Command::Join(Box::new(person("bo"))))
        .unwrap();
    let Reply::Joined {
        participant,
        others,
        room,
    } = reply
    else {
        panic!("{reply:?}")
    };
    assert_eq!(
        others.iter().map(|other| other.id.clone()).collect::<Vec<_>>(),
        std::slice::from_ref(&ana)
    );
    assert_eq!(
        (room.participants, participant.state),
        (2, ParticipantState::Joined)
    );
    let joined = only!(stage.heard(&ana), Event::ParticipantJoined(info) => info.id.clone());
    assert_eq!(joined, std::slice::from_ref(&participant.id));
    assert!(only!(stage.heard(&participant.id), Event::ParticipantJoined(_) => ()).is_empty());
    assert_eq!(
        only!(stage.heard(&ana), Event::RoomChanged(room) => room.participants),
        [2]
    );
}

#[test]
fn the_same_identity_again_replaces_the_former_stay_and_leaves_no_ghost() {
    let mut stage = Stage::new();
    let watcher = stage.join("watcher");
    let former = stage.join("ana");
    let track = stage.publish(&former, camera("c"));
    stage.ask(&former, Command::SetHand { raised: true }).unwrap();
    stage.forget();
    let latter = stage.join("ana");

    assert_ne!(former, latter);
    assert_eq!(
        only!(stage.heard(&former), Event::Expelled(reason) => *reason),
        [DepartureReason::DuplicateIdentity]
    );
    let order: Vec<&str> = stage
        .heard(&watcher)
        .iter()
        .filter_map(|event| match &**event {
            Event::ParticipantLeft(info, _) if info.id == former => Some("left"),
            Event::ParticipantJoined(info) if info.id == latter => Some("joined"),
            _ => None,
        })
        .collect();
    assert_eq!(order, ["left", "joined"]);
    assert_eq!(
        stage
            .room
            .participants()
            .filter(|info| info.identity == identity("ana"))
            .count(),
        1
    );
    assert_eq!(
        stage.room.participant_by_identity(&identity("ana")).unwrap().id,
        latter
    );
    assert!(stage.room.track(&track).is_none() && stage.routes.is_empty());
    assert!(stage.route_changes.contains(&RouteChange::ParticipantRemoved {
        participant: former.clone()
    }));
    stage.check_refused(
        &Actor::Participant(former),
        Command::SetHand { raised: false },
        Refusal::NoSuchParticipant,
    );
}

#[test]
fn leaving_takes_tracks_subscriptions_and_hand_along() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    let bo = stage.join("bo");
    let of_ana = stage.publish(&ana, camera("a"));
    let of_bo = stage.publish(&bo, camera("b"));
    stage.ask(&ana, Command::SetHand { raised: true }).unwrap();
    stage.forget();
    stage
        .ask(
            &ana,
            Command::Leave {
                reason: DepartureReason::Left,
            },
        )
        .unwrap();

    let left = only!(stage.heard(&bo), Event::ParticipantLeft(info, reason) => (info.state, info.tracks.len(), *reason));
    assert_eq!(left, [(ParticipantState::Disconnected, 0, DepartureReason::Left)]);
    assert_eq!(
        only!(stage.heard(&bo), Event::Hand { raised_at_ms, .. } => *raised_at_ms),
        [None]
    );
    assert!(only!(stage.heard(&ana), Event::Expelled(_) => ()).is_empty());
    assert_eq!(
        only!(stage.observed(), Event::TrackUnpublished(_, track) => track.clone()),
        [of_ana]
    );
    assert!(stage.receivers(&of_bo).is_empty());
    let (deliveries, routes) = (&stage.deliveries, &stage.route_changes);
    assert!(!deliveries.is_empty() && matches!(routes.last(), Some(RouteChange::ParticipantRemoved { .. })));
}

#[test]
fn the_one_thrown_out_is_told_why() {
    for reason in [
        DepartureReason::MediaLost,
        DepartureReason::SignalLost,
        DepartureReason::Misbehaved,
    ] {
        let mut stage = Stage::new();
        let ana = stage.join("ana");
        stage.ask(&ana, Command::Leave { reason }).unwrap();
        assert_eq!(
            only!(stage.heard(&ana), Event::Expelled(reason) => *reason),
            [reason]
        );
    }
}

#[test]
fn hidden_participants_are_told_only_to_observers() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    stage.forget();
    let ghost = stage.join_as(hidden("ghost")).unwrap();
    stage.fact(Fact::Connected {
        participant: ghost.clone(),
    });
    stage
        .ask(
            &ghost,
            Command::UpdateSelf {
                name: Some("Boo".into()),
                metadata: None,
                attributes: Default::default(),
            },
        )
        .unwrap();
    let reply = stage
        .handle(&Actor::System, Command::Join(Box::new(person("bo"))))
        .unwrap();
    let Reply::Joined { others, room, .. } = reply else {
        panic!("{reply:?}")
    };
    assert_eq!((others.len(), room.participants), (1, 2));
    let Reply::Participants(listed) = stage.ask(&ana, Command::ListParticipants).unwrap() else {
        panic!()
    };
    assert_eq!(listed.len(), 2);
    let find = Command::FindParticipant {
        identity: identity("ghost"),
    };
    let unseen = stage.ask(&ana, find.clone());
    assert_eq!(unseen, Err(Refusal::NoSuchParticipant));
    let found = stage.admin(find).unwrap();
    assert!(matches!(found, Reply::Participant(info) if info.id == ghost));
    let Reply::Participants(listed) = stage.admin(Command::ListParticipants).unwrap() else {
        panic!()
    };
    assert_eq!(listed.len(), 3);
    stage
        .ask(
            &ghost,
            Command::Leave {
                reason: DepartureReason::Left,
            },
        )
        .unwrap();

    let about_ghost = |event: &Event| match event {
        Event::ParticipantJoined(info)
        | Event::ParticipantChanged(info)
        | Event::ParticipantLeft(info, _) => info.id == ghost,
        _ => false,
    };
    assert!(!stage.heard(&ana).iter().any(|event| about_ghost(event)));
    assert_eq!(
        stage.observed().iter().filter(|event| about_ghost(event)).count(),
        4
    );
    assert_eq!(
        only!(stage.heard(&ghost), Event::ParticipantChanged(info) => info.version),
        [2, 3]
    );
}

#[test]
fn a_full_room_refuses_all_but_hidden_ones_and_those_who_come_back() {
    let mut stage = Stage::with(RoomSettings {
        max_participants: Some(2),
        ..settings()
    });
    stage.join("ana");
    stage.join("bo");
    stage.check_refused(
        &Actor::System,
        Command::Join(Box::new(person("cleo"))),
        Refusal::RoomFull,
    );
    stage.join_as(hidden("recorder")).unwrap();
    let ana = stage.join("ana");
    stage
        .ask(
            &ana,
            Command::Leave {
                reason: DepartureReason::Left,
            },
        )
        .unwrap();
    stage.join("cleo");
}

#[test]
fn nobody_raises_the_capacity_beyond_what_the_server_takes() {
    let mut stage = Stage::with(RoomSettings {
        max_participants: Some(2),
        ceiling: Some(3),
        ..settings()
    });
    let ana = stage.join_as(moderator("ana")).unwrap();
    for (wanted, expected) in [
        (Some(1), Some(1)),
        (Some(3), Some(3)),
        (Some(500), Some(3)),
        (None, Some(3)),
    ] {
        let change = AccessChange {
            max_participants: Some(wanted),
            ..AccessChange::default()
        };
        stage.ask(&ana, Command::SetAccess(change)).unwrap();
        assert_eq!(stage.room.info().max_participants, expected, "wanted {wanted:?}");
    }
}

#[test]
fn a_removed_identity_needs_a_newer_credential() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    stage.forget();
    stage
        .admin(Command::Remove {
            identity: identity("ana"),
            revoke: true,
        })
        .unwrap();
    assert_eq!(
        only!(stage.heard(&ana), Event::Expelled(reason) => *reason),
        [DepartureReason::Removed]
    );
    let removed_at = stage.now.unix_ms;
    stage.pass(Duration::from_secs(1));
    for issued_at_ms in [0, removed_at - 1, removed_at] {
        let again = NewParticipant {
            credential_issued_at_ms: issued_at_ms,
            ..person("ana")
        };
        stage.check_refused(&Actor::System, Command::Join(Box::new(again)), Refusal::Removed);
    }
    let renewed = NewParticipant {
        credential_issued_at_ms: removed_at + 1,
        ..person("ana")
    };
    stage.join_as(renewed).unwrap();
}

#[test]
fn a_revocation_holds_for_somebody_who_has_just_gone() {
    let mut stage = Stage::new();
    let remove = Command::Remove {
        identity: identity("ana"),
        revoke: true,
    };
    assert_eq!(stage.admin(remove), Err(Refusal::NoSuchParticipant));
    assert_eq!(stage.join_as(person("ana")), Err(Refusal::Removed));
}

#[test]
fn a_removal_without_revocation_leaves_the_door_open() {
    let mut stage = Stage::new();
    stage.join("ana");
    stage
        .admin(Command::Remove {
            identity: identity("ana"),
            revoke: false,
        })
        .unwrap();
    stage.join("ana");
}

#[test]
fn media_connecting_makes_somebody_active_once() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    stage.fact(Fact::Connected {
        participant: ana.clone(),
    });
    stage.fact(Fact::Connected {
        participant: ana.clone(),
    });
    let states = only!(stage.heard(&ana), Event::ParticipantChanged(info) => info.state);
    assert_eq!(states, [ParticipantState::Active]);
}

#[test]
fn a_room_nobody_joins_ends_after_its_empty_timeout() {
    let mut stage = Stage::new();
    stage.pass(Duration::from_secs(299));
    assert!(!stage.room.is_ended());
    stage.pass(Duration::from_secs(1));
    assert!(stage.room.is_ended() && stage.room.poll_timeout().is_none());
    assert_eq!(only!(stage.observed(), Event::RoomEnded { .. } => ()).len(), 1);
    stage.check_refused(
        &Actor::System,
        Command::Join(Box::new(person("late"))),
        Refusal::RoomEnded,
    );
    stage.check_refused(&Actor::Admin, Command::End, Refusal::RoomEnded);
}

#[test]
fn a_room_everybody_left_waits_its_departure_timeout_for_somebody_to_come_back() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    assert_eq!(only!(stage.observed(), Event::RoomStarted(_) => ()).len(), 1);
    stage.pass(Duration::from_secs(1_000));
    stage
        .ask(
            &ana,
            Command::Leave {
                reason: DepartureReason::Left,
            },
        )
        .unwrap();
    stage.pass(Duration::from_secs(19));
    let ana = stage.join("ana");
    stage.pass(Duration::from_secs(60));
    assert!(!stage.room.is_ended());
    stage
        .ask(
            &ana,
            Command::Leave {
                reason: DepartureReason::Left,
            },
        )
        .unwrap();
    stage.pass(Duration::from_secs(20));
    assert!(stage.room.is_ended());
    assert_eq!(only!(stage.observed(), Event::RoomStarted(_) => ()).len(), 1);
}

#[test]
fn a_recorder_alone_does_not_keep_the_room() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    let recorder = NewParticipant {
        kind: ParticipantKind::Egress,
        permission: Permission {
            recorder: true,
            hidden: true,
            ..Permission::ordinary()
        },
        ..person("recorder")
    };
    stage.forget();
    let recorder = stage.join_as(recorder).unwrap();
    assert_eq!(
        only!(stage.heard(&ana), Event::RoomChanged(room) => room.recording),
        [true]
    );
    stage
        .ask(
            &ana,
            Command::Leave {
                reason: DepartureReason::Left,
            },
        )
        .unwrap();
    stage.pass(Duration::from_secs(20));
    assert!(stage.room.is_ended());
    assert_eq!(
        only!(stage.heard(&recorder), Event::Expelled(reason) => *reason),
        [DepartureReason::RoomEnded]
    );
}

#[test]
fn ending_the_room_tells_everybody_and_removes_every_session() {
    for (actor, reason) in [
        (Actor::Admin, DepartureReason::RoomEnded),
        (Actor::System, DepartureReason::ServerShutdown),
    ] {
        let mut stage = Stage::new();
        let people = [stage.join("ana"), stage.join("bo")];
        stage.publish(&people[0], camera("c"));
        stage.forget();
        stage.handle(&actor, Command::End).unwrap();
        for who in &people {
            assert_eq!(
                only!(stage.heard(who), Event::Expelled(reason) => *reason),
                [reason]
            );
            assert!(stage.route_changes.contains(&RouteChange::ParticipantRemoved {
                participant: who.clone()
            }));
        }
        let observed = stage.observed();
        assert!(
            matches!(observed.last().map(|event| &**event), Some(Event::RoomEnded { room, .. }) if room.participants == 2)
        );
        assert_eq!(
            only!(observed, Event::ParticipantLeft(_, reason) => *reason),
            [reason, reason]
        );
        assert!(stage.routes.is_empty() && stage.room.is_ended());
        assert_eq!(stage.room.participants().count(), 0);
    }
}

#[test]
fn a_join_beyond_its_limits_is_refused() {
    let mut stage = Stage::new();
    stage.join("ana");
    let check = |stage: &mut Stage, who: NewParticipant, field, limit| {
        let refusal = Refusal::LimitExceeded { field, limit };
        stage.check_refused(&Actor::System, Command::Join(Box::new(who)), refusal);
    };
    let large = |bytes| "x".repeat(bytes);
    check(
        &mut stage,
        NewParticipant {
            name: large(257),
            ..person("ana")
        },
        "name",
        limits::NAME_BYTES,
    );
    let metadata = large(limits::METADATA_BYTES + 1);
    check(
        &mut stage,
        NewParticipant {
            metadata,
            ..person("ana")
        },
        "metadata",
        limits::METADATA_BYTES,
    );
    let attributes = [("key".to_owned(), large(limits::ATTRIBUTES_BYTES))]
        .into_iter()
        .collect();
    check(
        &mut stage,
        NewParticipant {
            attributes,
            ..person("ana")
        },
        "attributes",
        limits::ATTRIBUTES_BYTES,
    );
    let capabilities = vec![1; 65];
    check(
        &mut stage,
        NewParticipant {
            capabilities,
            ..person("ana")
        },
        "capabilities",
        limits::CAPABILITIES,
    );
    let fits = NewParticipant {
        name: large(256),
        metadata: large(limits::METADATA_BYTES),
        ..person("bo")
    };
    stage.join_as(fits).unwrap();
}

#[test]
fn only_the_server_lets_people_in_and_states_facts() {
    let mut stage = Stage::new();
    let boss = stage.join_as(moderator("boss")).unwrap();
    for actor in [Actor::Admin, Actor::Participant(boss.clone())] {
        stage.check_refused(&actor, Command::Join(Box::new(person("bo"))), Refusal::NotAllowed);
        let fact = Command::Fact(Fact::Speakers(vec![(boss.clone(), 90)]));
        stage.check_refused(&actor, fact, Refusal::NotAllowed);
    }
}

#[test]
fn names_lose_control_characters_and_overrides() {
    let mut stage = Stage::new();
    let ana = stage
        .join_as(NewParticipant {
            name: " An\u{0}a\u{202E}\n".into(),
            ..person("ana")
        })
        .unwrap();
    assert_eq!(stage.room.participant(&ana).unwrap().name, "Ana");
}

#[test]
fn the_same_seed_gives_the_same_ids_and_another_seed_others() {
    let ids = |seed| {
        let mut stage = Stage::seeded(settings(), [seed; 32]);
        let ana = stage.join("ana");
        (stage.room.info().id, stage.publish(&ana, camera("c")), ana)
    };
    assert_eq!(ids(1), ids(1));
    assert_ne!(ids(1), ids(2));
}
