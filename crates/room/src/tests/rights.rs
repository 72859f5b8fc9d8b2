use indexmap::IndexMap;
use tertulia_model::Source;

use super::stage::{Stage, camera, hidden, identity, message, microphone, moderator, only, person};
use crate::{Actor, ChatInput, Command, Event, NewParticipant, NewTrack, Permission, Refusal, Reply, limits};

fn permission_for(name: &str, permission: Permission) -> Command {
    Command::UpdateParticipant {
        identity: identity(name),
        name: None,
        metadata: None,
        attributes: IndexMap::new(),
        permission: Some(permission),
    }
}

fn update_self(name: Option<&str>, metadata: Option<&str>, attributes: &[(&str, &str)]) -> Command {
    let attributes = attributes
        .iter()
        .map(|(key, value)| (key.to_string(), value.to_string()));
    Command::UpdateSelf {
        name: name.map(str::to_owned),
        metadata: metadata.map(str::to_owned),
        attributes: attributes.collect(),
    }
}

#[test]
fn only_granted_sources_are_published() {
    let mut stage = Stage::new();
    let speaker = Permission {
        publish_sources: vec![Source::Microphone],
        ..Permission::ordinary()
    };
    let ana = stage
        .join_as(NewParticipant {
            permission: speaker,
            ..person("ana")
        })
        .unwrap();
    stage.publish(&ana, microphone("m"));
    let actor = Actor::Participant(ana);
    for track in [
        camera("c"),
        NewTrack {
            source: Source::Unknown,
            ..camera("c")
        },
    ] {
        stage.check_refused(&actor, Command::Publish(Box::new(track)), Refusal::NotAllowed);
    }
    let mute = Permission {
        can_publish: false,
        ..Permission::ordinary()
    };
    let bo = stage
        .join_as(NewParticipant {
            permission: mute,
            ..person("bo")
        })
        .unwrap();
    let track = Command::Publish(Box::new(microphone("m")));
    stage.check_refused(&Actor::Participant(bo), track, Refusal::NotAllowed);
}

#[test]
fn a_right_taken_back_withdraws_what_it_allowed() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    let bo = stage.join("bo");
    let picture = stage.publish(&ana, camera("c"));
    let sound = stage.publish(&ana, microphone("m"));
    let pending = stage.announce(
        &ana,
        NewTrack {
            source: Source::ScreenShare,
            ..camera("s")
        },
    );
    stage.forget();
    let version = stage.version(&ana);
    let only_sound = Permission {
        publish_sources: vec![Source::Microphone],
        ..Permission::ordinary()
    };
    stage.admin(permission_for("ana", only_sound.clone())).unwrap();
    assert_eq!(
        only!(stage.heard(&ana), Event::PermissionChanged(now) => now.clone()),
        [only_sound]
    );
    let withdrawn = only!(stage.heard(&ana), Event::TrackUnpublished(_, id) => id.clone());
    assert_eq!(withdrawn, [picture.clone(), pending.clone()]);
    assert_eq!(
        only!(stage.observed(), Event::TrackUnpublished(_, id) => id.clone()),
        [picture]
    );
    assert!(stage.room.track(&pending).is_none());
    let seen = only!(stage.heard(&bo), Event::ParticipantChanged(info) => info.tracks.len());
    assert_eq!((seen, stage.version(&ana)), (vec![1], version + 1));
    assert_eq!(stage.receivers(&sound), [bo].into());
}

#[test]
fn one_who_may_not_subscribe_any_more_receives_nothing() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    let bo = stage.join("bo");
    let track = stage.publish(&ana, camera("c"));
    let deaf = Permission {
        can_subscribe: false,
        ..Permission::ordinary()
    };
    stage.admin(permission_for("bo", deaf)).unwrap();
    assert!(stage.routes.is_empty());
    let ask = Command::Subscribe {
        tracks: vec![track.clone()],
        on: true,
    };
    stage.check_refused(&Actor::Participant(bo.clone()), ask, Refusal::NotAllowed);
    stage.admin(permission_for("bo", Permission::ordinary())).unwrap();
    assert_eq!(stage.receivers(&track), [bo].into());
}

#[test]
fn one_who_may_not_send_data_is_silent_in_every_way() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    let silent = Permission {
        can_publish_data: false,
        ..Permission::ordinary()
    };
    let bo = stage
        .join_as(NewParticipant {
            permission: silent.clone(),
            ..person("bo")
        })
        .unwrap();
    let commands = || {
        [
            Command::SendData(message("hi")),
            Command::Chat(ChatInput {
                id: "1".into(),
                text: "hi".into(),
                ..ChatInput::default()
            }),
            Command::SetHand { raised: true },
            Command::React { kind: "clap".into() },
        ]
    };
    for command in commands() {
        stage.check_refused(&Actor::Participant(bo.clone()), command, Refusal::NotAllowed);
    }
    for command in &commands()[1..] {
        for actor in [Actor::Admin, Actor::System] {
            stage.check_refused(&actor, command.clone(), Refusal::NotAllowed);
        }
    }
    stage.ask(&ana, Command::SetHand { raised: true }).unwrap();
    stage.forget();
    stage.admin(permission_for("ana", silent)).unwrap();
    assert_eq!(
        only!(stage.heard(&bo), Event::Hand { raised_at_ms, .. } => *raised_at_ms),
        [None]
    );
    assert_eq!(stage.room.participant(&ana).unwrap().hand_raised_at_ms, None);
}

#[test]
fn hidden_participants_watch_and_show_nothing_of_themselves() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    let ghost = stage.join_as(hidden("ghost")).unwrap();
    let track = stage.publish(&ana, camera("c"));
    assert_eq!(stage.receivers(&track), [ghost.clone()].into());
    let actor = Actor::Participant(ghost);
    for command in [
        Command::Publish(Box::new(microphone("m"))),
        Command::Chat(ChatInput {
            id: "1".into(),
            text: "boo".into(),
            ..ChatInput::default()
        }),
        Command::SetHand { raised: true },
        Command::React { kind: "boo".into() },
    ] {
        stage.check_refused(&actor, command, Refusal::NotAllowed);
    }
}

#[test]
fn hiding_is_leaving_to_the_others_and_showing_oneself_is_coming() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    let bo = stage.join("bo");
    let track = stage.publish(&ana, camera("c"));
    stage.forget();
    let unseen = Permission {
        hidden: true,
        ..Permission::ordinary()
    };
    stage.admin(permission_for("ana", unseen)).unwrap();
    let left = only!(stage.heard(&bo), Event::ParticipantLeft(info, _) => info.version);
    assert_eq!(left.len(), 1);
    assert!(only!(stage.heard(&bo), Event::ParticipantChanged(_) => ()).is_empty());
    assert!(only!(stage.observed(), Event::ParticipantLeft(..) => ()).is_empty());
    assert!(stage.room.track(&track).is_none());
    assert_eq!(stage.room.info().participants, 1);
    stage.forget();
    stage
        .admin(permission_for("ana", Permission::ordinary()))
        .unwrap();
    let joined = only!(stage.heard(&bo), Event::ParticipantJoined(info) => info.version);
    assert!(joined.len() == 1 && joined[0] > left[0]);
}

#[test]
fn guests_do_nothing_of_what_moderators_do() {
    let mut stage = Stage::new();
    let guest = Actor::Participant(stage.join("guest"));
    let ana = stage.join("ana");
    let track = stage.publish(&ana, microphone("m"));
    let boss = stage.join_as(moderator("boss")).unwrap();
    let commands = [
        Command::MuteTrack {
            identity: identity("ana"),
            track: track.clone(),
            muted: true,
        },
        permission_for(
            "guest",
            Permission {
                room_admin: true,
                ..Permission::ordinary()
            },
        ),
        Command::SetRoomMetadata {
            metadata: "mine".into(),
        },
        Command::UpdateSubscriptions {
            identity: identity("ana"),
            tracks: vec![track],
            on: false,
        },
        Command::Remove {
            identity: identity("ana"),
            revoke: true,
        },
        Command::End,
    ];
    for command in commands.clone() {
        stage.check_refused(&guest, command, Refusal::NotAllowed);
    }
    let last_granted_by_nobody = permission_for(
        "boss",
        Permission {
            room_admin: true,
            ..Permission::ordinary()
        },
    );
    stage.ask(&boss, last_granted_by_nobody).unwrap();
    for command in commands {
        stage.ask(&boss, command).unwrap();
    }
    assert!(stage.room.is_ended());
}

#[test]
fn a_moderator_gives_nobody_a_privilege_they_do_not_hold() {
    let mut stage = Stage::new();
    let boss = stage.join_as(moderator("boss")).unwrap();
    stage.join("ana");
    let ordinary = Permission::ordinary;
    for permission in [
        Permission {
            hidden: true,
            ..ordinary()
        },
        Permission {
            recorder: true,
            ..ordinary()
        },
        Permission {
            agent: true,
            ..ordinary()
        },
        Permission {
            can_subscribe_metrics: true,
            ..ordinary()
        },
    ] {
        for name in ["ana", "boss"] {
            let actor = Actor::Participant(boss.clone());
            stage.check_refused(
                &actor,
                permission_for(name, permission.clone()),
                Refusal::NotAllowed,
            );
        }
        stage.admin(permission_for("ana", permission)).unwrap();
        stage.admin(permission_for("ana", ordinary())).unwrap();
    }
    stage
        .ask(
            &boss,
            permission_for(
                "ana",
                Permission {
                    room_admin: true,
                    ..ordinary()
                },
            ),
        )
        .unwrap();
}

#[test]
fn moderators_mute_but_do_not_unmute() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    let bo = stage.join("bo");
    let track = stage.publish(&ana, microphone("m"));
    stage.forget();
    let mute = |name: &str, muted| Command::MuteTrack {
        identity: identity(name),
        track: track.clone(),
        muted,
    };
    for _ in 0..2 {
        let Ok(Reply::Track(info)) = stage.admin(mute("ana", true)) else {
            panic!("not muted")
        };
        assert!(info.muted);
    }
    assert_eq!(
        only!(stage.heard(&ana), Event::MuteRequested { muted, .. } => *muted),
        [true]
    );
    assert_eq!(
        only!(stage.heard(&bo), Event::ParticipantChanged(info) => info.tracks[0].muted),
        [true]
    );
    stage.check_refused(&Actor::Admin, mute("ana", false), Refusal::NotAllowed);
    stage.check_refused(&Actor::Admin, mute("nobody", true), Refusal::NoSuchParticipant);
    stage.check_refused(&Actor::Admin, mute("bo", true), Refusal::NoSuchTrack);
    stage
        .ask(
            &ana,
            Command::SetMuted {
                track: track.clone(),
                muted: false,
            },
        )
        .unwrap();
}

#[test]
fn people_change_their_own_profile_where_they_may() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    let bo = stage.join("bo");
    stage.forget();
    stage
        .ask(
            &ana,
            update_self(Some("Ana"), Some("m"), &[("a", "1"), ("b", "2")]),
        )
        .unwrap();
    stage
        .ask(&ana, update_self(None, None, &[("a", ""), ("missing", "")]))
        .unwrap();
    stage.ask(&ana, update_self(Some("Ana"), None, &[])).unwrap();
    let told = only!(stage.heard(&bo), Event::ParticipantChanged(info) => info.clone());
    assert_eq!(told.len(), 2, "what changes nothing is not told");
    assert_eq!((told[1].name.as_str(), told[1].metadata.as_str()), ("Ana", "m"));
    assert_eq!(
        told[1].attributes,
        [("b".to_owned(), "2".to_owned())]
            .into_iter()
            .collect::<IndexMap<_, _>>()
    );
    assert!(told[0].version < told[1].version);

    let fixed = Permission {
        can_update_own_metadata: false,
        ..Permission::ordinary()
    };
    stage.admin(permission_for("ana", fixed)).unwrap();
    let actor = Actor::Participant(ana);
    stage.check_refused(&actor, update_self(Some("Eve"), None, &[]), Refusal::NotAllowed);
}

#[test]
fn profiles_are_bounded_after_every_change() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    let half = "x".repeat(limits::ATTRIBUTES_BYTES / 2);
    stage.ask(&ana, update_self(None, None, &[("a", &half)])).unwrap();
    let actor = Actor::Participant(ana);
    let limit = |field, limit| Refusal::LimitExceeded { field, limit };
    let check = |stage: &mut Stage, command, refusal| stage.check_refused(&actor, command, refusal);
    check(
        &mut stage,
        update_self(None, None, &[("b", &half)]),
        limit("attributes", limits::ATTRIBUTES_BYTES),
    );
    check(
        &mut stage,
        update_self(None, None, &[("", "x")]),
        Refusal::Invalid { field: "attributes" },
    );
    let long = "x".repeat(limits::NAME_BYTES + 1);
    check(
        &mut stage,
        update_self(Some(&long), None, &[]),
        limit("name", limits::NAME_BYTES),
    );
    let long = "x".repeat(limits::METADATA_BYTES + 1);
    check(
        &mut stage,
        update_self(None, Some(&long), &[]),
        limit("metadata", limits::METADATA_BYTES),
    );
    let metadata = Command::SetRoomMetadata { metadata: long };
    stage.check_refused(&Actor::Admin, metadata, limit("metadata", limits::METADATA_BYTES));
}

#[test]
fn metadata_grants_nothing() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    stage
        .ask(
            &ana,
            update_self(None, Some("{\"room_admin\":true}"), &[("room_admin", "true")]),
        )
        .unwrap();
    assert_eq!(
        stage.room.participant(&ana).unwrap().permission,
        Permission::ordinary()
    );
    stage.check_refused(&Actor::Participant(ana), Command::End, Refusal::NotAllowed);
}

#[test]
fn an_admin_changes_profile_and_rights_in_one_announcement() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    stage.forget();
    let command = Command::UpdateParticipant {
        identity: identity("ana"),
        name: Some("Ana María".into()),
        metadata: None,
        attributes: IndexMap::new(),
        permission: Some(Permission {
            can_publish: false,
            ..Permission::ordinary()
        }),
    };
    let Ok(Reply::Participant(info)) = stage.admin(command.clone()) else {
        panic!("refused")
    };
    assert_eq!(
        (info.name.as_str(), info.permission.can_publish, info.version),
        ("Ana María", false, 2)
    );
    stage.admin(command.clone()).unwrap();
    assert_eq!(
        only!(stage.heard(&ana), Event::ParticipantChanged(_) => ()).len(),
        1
    );
    stage
        .ask(
            &ana,
            Command::Leave {
                reason: crate::DepartureReason::Left,
            },
        )
        .unwrap();
    stage.check_refused(&Actor::Admin, command, Refusal::NoSuchParticipant);
}

#[test]
fn room_metadata_reaches_everybody_once() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    stage.forget();
    for _ in 0..2 {
        let Ok(Reply::Room(room)) = stage.admin(Command::SetRoomMetadata { metadata: "m".into() }) else {
            panic!("refused")
        };
        assert_eq!(room.metadata, "m");
    }
    assert_eq!(
        only!(stage.heard(&ana), Event::RoomChanged(room) => room.metadata.clone()),
        ["m"]
    );
}

#[test]
fn those_outside_cannot_do_what_only_participants_do() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    let track = stage.publish(&ana, camera("c"));
    for command in [
        Command::Leave {
            reason: crate::DepartureReason::Left,
        },
        Command::Publish(Box::new(camera("x"))),
        Command::Unpublish { track: track.clone() },
        Command::SetMuted {
            track: track.clone(),
            muted: false,
        },
        Command::UpdateTrack {
            track: track.clone(),
            size: None,
            layers: None,
            audio: None,
        },
        Command::Subscribe {
            tracks: vec![track.clone()],
            on: true,
        },
        Command::SetTrackSettings {
            tracks: vec![track],
            settings: Default::default(),
        },
        Command::SetPublisherPermissions {
            all_participants: true,
            permissions: Vec::new(),
        },
        update_self(Some("x"), None, &[]),
    ] {
        for actor in [Actor::Admin, Actor::System] {
            stage.check_refused(&actor, command.clone(), Refusal::NotAllowed);
        }
    }
}
