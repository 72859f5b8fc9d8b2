//! Roles, rights, switches, the floor and what everybody is shown.

use std::time::Duration;

use tertulia_model::{ParticipantId, Quality, Source};

use super::stage::{Stage, camera, hidden, identity, message, microphone, moderator, only, person, settings};
use crate::{
    Actor, Command, DepartureReason, Event, Fact, MediaLimits, NewParticipant, NewTrack, Origin, Permission,
    Refusal, Reply, Right, Rights, Role, RoomRules, RoomSettings, RulesChange,
};

fn guest(name: &str) -> NewParticipant {
    NewParticipant {
        origin: Origin::Guest,
        ..person(name)
    }
}

fn account(name: &str) -> NewParticipant {
    NewParticipant {
        origin: Origin::Account,
        ..person(name)
    }
}

fn role(stage: &Stage, who: &ParticipantId) -> Role {
    stage.room.participant(who).unwrap().role
}

fn rights(stage: &Stage, who: &ParticipantId) -> Rights {
    stage.room.participant(who).unwrap().rights
}

fn give(name: &str, role: Role) -> Command {
    Command::SetRole {
        identity: identity(name),
        role,
    }
}

fn owned() -> Stage {
    Stage::with(RoomSettings {
        rules: RoomRules {
            owner: Some(identity("olga")),
            ..RoomRules::default()
        },
        ..settings()
    })
}

fn switch_off(rights: &[Right]) -> Command {
    Command::SetRules(RulesChange {
        switch_off: Rights::of(rights),
        ..RulesChange::default()
    })
}

#[test]
fn the_first_of_an_open_room_moderates_and_the_next_take_part() {
    let mut stage = Stage::new();
    let ana = stage.join_as(guest("ana")).unwrap();
    let bo = stage.join_as(guest("bo")).unwrap();
    assert_eq!(
        (role(&stage, &ana), role(&stage, &bo)),
        (Role::Moderator, Role::Participant)
    );
    assert!(!stage.room.participant(&ana).unwrap().permission.room_admin);
}

#[test]
fn tokens_of_an_application_alone_say_who_moderates() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    let bo = stage.join_as(moderator("bo")).unwrap();
    assert_eq!(
        (role(&stage, &ana), role(&stage, &bo)),
        (Role::Participant, Role::Moderator)
    );
    stage
        .ask(
            &bo,
            Command::Leave {
                reason: DepartureReason::Left,
            },
        )
        .unwrap();
    stage.pass(Duration::from_secs(60));
    assert_eq!(role(&stage, &ana), Role::Participant);
}

#[test]
fn whoever_was_here_longest_takes_the_place_of_moderators_who_do_not_come_back() {
    let mut stage = Stage::new();
    let ana = stage.join_as(guest("ana")).unwrap();
    let ghost = stage
        .join_as(NewParticipant {
            origin: Origin::Guest,
            ..hidden("ghost")
        })
        .unwrap();
    let bo = stage.join_as(guest("bo")).unwrap();
    let cid = stage.join_as(guest("cid")).unwrap();
    stage
        .ask(
            &ana,
            Command::Leave {
                reason: DepartureReason::Left,
            },
        )
        .unwrap();
    stage.pass(Duration::from_secs(29));
    assert_eq!(role(&stage, &bo), Role::Participant);
    stage.pass(Duration::from_secs(2));
    assert_eq!(
        (role(&stage, &bo), role(&stage, &cid)),
        (Role::Moderator, Role::Participant)
    );
    assert_eq!(role(&stage, &ghost), Role::Participant);
}

#[test]
fn a_moderator_who_reloads_is_moderator_again_and_nobody_else_becomes_one() {
    let mut stage = Stage::new();
    let ana = stage.join_as(guest("ana")).unwrap();
    let bo = stage.join_as(guest("bo")).unwrap();
    stage
        .ask(
            &ana,
            Command::Leave {
                reason: DepartureReason::Left,
            },
        )
        .unwrap();
    stage.pass(Duration::from_secs(5));
    let ana = stage.join_as(guest("ana")).unwrap();
    stage.pass(Duration::from_secs(60));
    assert_eq!(
        (role(&stage, &ana), role(&stage, &bo)),
        (Role::Moderator, Role::Participant)
    );
}

/// R7.
#[test]
fn a_guest_never_inherits_an_owned_room() {
    let mut stage = owned();
    let gus = stage.join_as(guest("gus")).unwrap();
    assert_eq!(role(&stage, &gus), Role::Participant);
    let olga = stage.join_as(account("olga")).unwrap();
    assert_eq!(role(&stage, &olga), Role::Owner);
    let ann = stage.join_as(account("ann")).unwrap();
    stage
        .ask(
            &olga,
            Command::Leave {
                reason: DepartureReason::Left,
            },
        )
        .unwrap();
    stage.pass(Duration::from_secs(60));
    assert_eq!(
        (role(&stage, &gus), role(&stage, &ann)),
        (Role::Participant, Role::Moderator)
    );
    // A guest cannot claim to be the owner.
    let impostor = stage.join_as(guest("olga")).unwrap();
    assert_ne!(role(&stage, &impostor), Role::Owner);
}

#[test]
fn where_guests_open_no_rooms_they_do_not_come_to_moderate_one() {
    let mut stage = Stage::with(RoomSettings {
        rules: RoomRules {
            guests_moderate: false,
            ..RoomRules::default()
        },
        ..settings()
    });
    let gus = stage.join_as(guest("gus")).unwrap();
    stage.pass(Duration::from_secs(60));
    assert_eq!(role(&stage, &gus), Role::Participant);
    let ann = stage.join_as(account("ann")).unwrap();
    assert_eq!(role(&stage, &ann), Role::Moderator);
}

#[test]
fn roles_are_given_live_and_never_above_ones_own() {
    let mut stage = owned();
    let olga = stage.join_as(account("olga")).unwrap();
    let max = stage.join("max");
    let bo = stage.join("bo");
    stage.ask(&olga, give("max", Role::Moderator)).unwrap();
    let asks = |who: &ParticipantId| Actor::Participant(who.clone());
    stage.check_refused(&asks(&max), give("bo", Role::Owner), Refusal::NotAllowed);
    stage.check_refused(&asks(&max), give("olga", Role::Viewer), Refusal::NotAllowed);
    let kick = Command::Remove {
        identity: identity("olga"),
        revoke: true,
    };
    stage.check_refused(&asks(&max), kick, Refusal::NotAllowed);
    stage.check_refused(
        &asks(&max),
        Command::Ban {
            identity: identity("olga"),
        },
        Refusal::NotAllowed,
    );
    stage.check_refused(&asks(&bo), give("bo", Role::Moderator), Refusal::NotAllowed);
    stage.forget();
    stage.ask(&max, give("bo", Role::Presenter)).unwrap();
    assert!(rights(&stage, &bo).has(Right::ManagePolls) && !rights(&stage, &bo).has(Right::Mute));
    let told =
        only!(stage.heard(&bo), Event::StandingChanged { standing, by, .. } => (standing.role, by.clone()));
    assert_eq!(told, [(Role::Presenter, Some(identity("max")))]);
    stage.ask(&olga, give("max", Role::Participant)).unwrap();
    stage.check_refused(&asks(&max), give("bo", Role::Viewer), Refusal::NotAllowed);
}

#[test]
fn a_moderator_of_the_token_who_is_demoted_loses_the_right_in_renewed_tokens_too() {
    let mut stage = Stage::new();
    let ana = stage.join_as(moderator("ana")).unwrap();
    stage.join_as(moderator("bo")).unwrap();
    stage.admin(give("ana", Role::Participant)).unwrap();
    assert!(!stage.room.participant(&ana).unwrap().base.room_admin);
    assert!(!rights(&stage, &ana).has(Right::Mute));
}

#[test]
fn single_rights_are_granted_and_taken_by_those_who_hold_them() {
    let mut stage = Stage::new();
    let ana = stage.join_as(guest("ana")).unwrap();
    let bo = stage.join_as(guest("bo")).unwrap();
    let track = stage.publish(&bo, microphone("m"));
    let change = |grant: &[Right], revoke: &[Right]| Command::SetRights {
        identity: identity("bo"),
        grant: Rights::of(grant),
        revoke: Rights::of(revoke),
    };
    stage
        .ask(&ana, change(&[Right::Admit], &[Right::Microphone]))
        .unwrap();
    assert!(stage.room.track(&track).is_none());
    assert!(rights(&stage, &bo).has(Right::Admit) && !rights(&stage, &bo).has(Right::Microphone));
    assert!(
        !stage
            .room
            .participant(&bo)
            .unwrap()
            .permission
            .allows_source(Source::Microphone)
    );
    let publish = Command::Publish(Box::new(microphone("n")));
    stage.check_refused(&Actor::Participant(bo.clone()), publish, Refusal::NotAllowed);
    stage
        .ask(&ana, change(&[Right::Microphone], &[Right::Admit]))
        .unwrap();
    assert_eq!(
        stage.room.participant(&bo).unwrap().permission,
        Permission::ordinary()
    );
    let ask = change(&[Right::Camera], &[Right::Camera]);
    stage.check_refused(
        &Actor::Participant(ana),
        ask,
        Refusal::Invalid { field: "rights" },
    );
    stage.check_refused(
        &Actor::Participant(bo),
        change(&[Right::Mute], &[]),
        Refusal::NotAllowed,
    );
}

#[test]
fn what_is_switched_off_stops_at_once_for_all_but_presenters_and_comes_back() {
    let mut stage = Stage::new();
    let ana = stage.join_as(guest("ana")).unwrap();
    let bo = stage.join_as(guest("bo")).unwrap();
    let of_ana = stage.publish(&ana, microphone("m"));
    let of_bo = stage.publish(&bo, microphone("m"));
    stage.forget();
    stage
        .ask(&ana, switch_off(&[Right::Microphone, Right::Chat]))
        .unwrap();
    assert!(stage.room.track(&of_ana).is_some() && stage.room.track(&of_bo).is_none());
    let told =
        only!(stage.heard(&bo), Event::PermissionChanged(now) => now.allows_source(Source::Microphone));
    assert_eq!(told, [false]);
    let chat = Command::Chat(crate::ChatInput {
        id: "1".into(),
        text: "x".into(),
        ..Default::default()
    });
    stage.check_refused(&Actor::Participant(bo.clone()), chat.clone(), Refusal::NotAllowed);
    stage.ask(&ana, chat.clone()).unwrap();
    // The camera is another matter.
    stage.publish(&bo, camera("c"));
    let on = RulesChange {
        switch_on: Rights::of(&[Right::Microphone, Right::Chat]),
        ..Default::default()
    };
    stage.ask(&ana, Command::SetRules(on)).unwrap();
    stage.ask(&bo, chat).unwrap();
    stage.publish(&bo, microphone("m"));
    let nonsense = switch_off(&[Right::Mute]);
    stage.check_refused(
        &Actor::Participant(ana),
        nonsense,
        Refusal::Invalid { field: "switches" },
    );
}

#[test]
fn a_moderator_asks_to_unmute_which_allows_it_and_opens_nothing() {
    let mut stage = Stage::new();
    let ana = stage.join_as(guest("ana")).unwrap();
    let bo = stage.join_as(guest("bo")).unwrap();
    stage.ask(&ana, switch_off(&[Right::Microphone])).unwrap();
    stage.forget();
    let ask = Command::AskUnmute {
        identity: identity("bo"),
        source: Source::Microphone,
    };
    stage.check_refused(&Actor::Participant(bo.clone()), ask.clone(), Refusal::NotAllowed);
    stage.ask(&ana, ask).unwrap();
    assert_eq!(
        only!(stage.heard(&bo), Event::UnmuteAsked { source, by } => (*source, by.clone())),
        [(Source::Microphone, Some(identity("ana")))]
    );
    assert!(stage.room.participant(&bo).unwrap().tracks.is_empty());
    let track = stage.publish(&bo, microphone("m"));
    stage
        .ask(
            &ana,
            Command::MuteTrack {
                identity: identity("bo"),
                track: track.clone(),
                muted: true,
            },
        )
        .unwrap();
    let open = Command::MuteTrack {
        identity: identity("bo"),
        track,
        muted: false,
    };
    stage.check_refused(&Actor::Participant(ana.clone()), open, Refusal::NotAllowed);
    // Switching off again takes back what was allowed to single people.
    stage.ask(&ana, switch_off(&[Right::Microphone])).unwrap();
    assert!(!rights(&stage, &bo).has(Right::Microphone));
}

#[test]
fn all_or_all_but_some_are_muted_and_screens_are_stopped() {
    let mut stage = Stage::new();
    let ana = stage.join_as(guest("ana")).unwrap();
    let bo = stage.join_as(guest("bo")).unwrap();
    let cid = stage.join_as(guest("cid")).unwrap();
    let tracks = [&ana, &bo, &cid].map(|who| stage.publish(who, microphone("m")));
    let picture = stage.publish(&bo, camera("c"));
    let screen = stage.publish(
        &bo,
        NewTrack {
            source: Source::ScreenShare,
            ..camera("s")
        },
    );
    let mute = |source, except: &[&str]| Command::MuteAll {
        source,
        except: except.iter().map(|name| identity(name)).collect(),
    };
    stage.ask(&ana, mute(Source::Microphone, &["cid"])).unwrap();
    let muted = tracks.each_ref().map(|track| stage.track(track).muted);
    assert_eq!(muted, [false, true, false]);
    stage.ask(&ana, mute(Source::Microphone, &[])).unwrap();
    assert!(stage.track(&tracks[2]).muted && !stage.track(&picture).muted);
    stage.ask(&ana, mute(Source::ScreenShare, &[])).unwrap();
    assert!(stage.room.track(&screen).is_none());
    stage
        .ask(
            &bo,
            Command::SetMuted {
                track: tracks[1].clone(),
                muted: false,
            },
        )
        .unwrap();
    stage.check_refused(
        &Actor::Participant(bo),
        mute(Source::Camera, &[]),
        Refusal::NotAllowed,
    );
}

#[test]
fn where_microphones_start_muted_only_the_first_does() {
    let mut stage = Stage::new();
    let ana = stage.join_as(guest("ana")).unwrap();
    let bo = stage.join_as(guest("bo")).unwrap();
    let rules = RulesChange {
        start_audio_muted: Some(true),
        ..Default::default()
    };
    stage.ask(&ana, Command::SetRules(rules)).unwrap();
    stage.forget();
    let first = stage.publish(&bo, microphone("m"));
    assert!(stage.track(&first).muted);
    assert_eq!(
        only!(stage.heard(&bo), Event::MuteRequested { track, .. } => track.clone()),
        std::slice::from_ref(&first)
    );
    stage.ask(&bo, Command::Unpublish { track: first }).unwrap();
    let again = stage.publish(&bo, microphone("n"));
    let of_ana = stage.publish(&ana, microphone("m"));
    assert!(!stage.track(&again).muted && !stage.track(&of_ana).muted);
}

#[test]
fn the_floor_goes_to_the_first_in_the_queue() {
    let mut stage = Stage::new();
    let ana = stage.join_as(guest("ana")).unwrap();
    let bo = stage.join_as(guest("bo")).unwrap();
    let cid = stage.join_as(guest("cid")).unwrap();
    stage.ask(&ana, switch_off(&[Right::Microphone])).unwrap();
    for who in [&cid, &bo] {
        stage.ask(who, Command::SetHand { raised: true }).unwrap();
    }
    stage.forget();
    stage.ask(&ana, Command::GiveFloor { identity: None }).unwrap();
    assert_eq!(
        only!(stage.heard(&bo), Event::FloorGiven { identity, .. } => identity.clone()),
        [identity("cid")]
    );
    assert!(rights(&stage, &cid).has(Right::Microphone) && !rights(&stage, &bo).has(Right::Microphone));
    assert_eq!(stage.room.participant(&cid).unwrap().hand_raised_at_ms, None);
    stage.ask(&ana, Command::LowerHand { identity: None }).unwrap();
    assert_eq!(stage.room.participant(&bo).unwrap().hand_raised_at_ms, None);
    let next = Command::GiveFloor { identity: None };
    stage.check_refused(&Actor::Participant(ana), next.clone(), Refusal::NoSuchParticipant);
    stage.check_refused(&Actor::Participant(bo), next, Refusal::NotAllowed);
}

#[test]
fn what_everybody_is_shown_ends_with_whom_it_shows() {
    let mut stage = Stage::new();
    let ana = stage.join_as(guest("ana")).unwrap();
    let bo = stage.join_as(guest("bo")).unwrap();
    stage
        .ask(
            &ana,
            Command::Spotlight {
                identities: vec![identity("bo"), identity("bo")],
            },
        )
        .unwrap();
    stage
        .ask(
            &ana,
            Command::FollowMe {
                layout: Some("grid".into()),
            },
        )
        .unwrap();
    stage
        .ask(
            &ana,
            Command::SetTimer {
                duration: Some(Duration::from_secs(60)),
                title: "Break".into(),
            },
        )
        .unwrap();
    let Ok(Reply::Snapshot(late)) = stage.ask(&bo, Command::ReadSnapshot) else {
        panic!()
    };
    assert_eq!(late.spotlight, [identity("bo")]);
    assert_eq!(late.follow_me.unwrap().layout, "grid");
    assert_eq!(late.timer.unwrap().ends_at_ms, stage.now.unix_ms + 60_000);
    let unknown = Command::Spotlight {
        identities: vec![identity("nobody")],
    };
    stage.check_refused(
        &Actor::Participant(ana.clone()),
        unknown,
        Refusal::NoSuchParticipant,
    );
    stage.forget();
    stage
        .ask(
            &bo,
            Command::Leave {
                reason: DepartureReason::Left,
            },
        )
        .unwrap();
    assert_eq!(
        only!(stage.heard(&ana), Event::Spotlight { identities, .. } => identities.len()),
        [0]
    );
    stage
        .ask(
            &ana,
            Command::Leave {
                reason: DepartureReason::Left,
            },
        )
        .unwrap();
    assert_eq!(
        only!(stage.observed(), Event::FollowMe(led) => led.is_none()),
        [true]
    );
}

#[test]
fn viewers_of_a_webinar_are_counted_not_shown_until_promoted() {
    let mut stage = Stage::new();
    let ana = stage.join_as(guest("ana")).unwrap();
    let bo = stage.join_as(guest("bo")).unwrap();
    let webinar = RulesChange {
        webinar: Some(true),
        ..Default::default()
    };
    stage.ask(&ana, Command::SetRules(webinar)).unwrap();
    stage.forget();
    let viewer = stage.join_as(guest("vera")).unwrap();
    assert!(only!(stage.heard(&bo), Event::ParticipantJoined(info) => info.identity.clone()).is_empty());
    assert_eq!(
        (stage.room.info().participants, stage.room.info().viewers),
        (2, 1)
    );
    let publish = Command::Publish(Box::new(microphone("m")));
    stage.check_refused(&Actor::Participant(viewer.clone()), publish, Refusal::NotAllowed);
    stage.check_refused(
        &Actor::Participant(viewer.clone()),
        Command::SendData(message("x")),
        Refusal::NotAllowed,
    );
    stage.ask(&viewer, Command::SetHand { raised: true }).unwrap();
    let list = |stage: &mut Stage, who| match stage.ask(who, Command::ListParticipants).unwrap() {
        Reply::Participants(all) => all.len(),
        other => panic!("{other:?}"),
    };
    assert_eq!((list(&mut stage, &ana), list(&mut stage, &bo)), (3, 2));
    stage.forget();
    stage.ask(&ana, give("vera", Role::Participant)).unwrap();
    assert_eq!(
        only!(stage.heard(&bo), Event::ParticipantJoined(info) => info.identity.clone()),
        [identity("vera")]
    );
    stage.publish(&viewer, microphone("m"));
    assert_eq!(
        (stage.room.info().participants, stage.room.info().viewers),
        (3, 0)
    );
}

#[test]
fn cameras_are_sent_no_larger_than_the_room_allows() {
    let mut stage = Stage::new();
    let ana = stage.join_as(guest("ana")).unwrap();
    let bo = stage.join_as(guest("bo")).unwrap();
    let track = stage.publish(&ana, camera("c"));
    let screen = stage.publish(
        &ana,
        NewTrack {
            source: Source::ScreenShare,
            ..camera("s")
        },
    );
    assert_eq!(stage.wanted(&bo, &track).max_quality, Quality::High);
    let media = MediaLimits {
        max_height: Some(360),
        max_fps: Some(15),
        ..Default::default()
    };
    let limits = RulesChange {
        media: Some(media),
        ..Default::default()
    };
    stage.ask(&ana, Command::SetRules(limits)).unwrap();
    let wanted = stage.wanted(&bo, &track);
    assert_eq!((wanted.max_quality, wanted.max_fps), (Quality::Medium, Some(15)));
    assert_eq!(stage.wanted(&bo, &screen).max_quality, Quality::High);
}

#[test]
fn attendance_counts_every_stay_and_all_speech() {
    let mut stage = Stage::new();
    let ana = stage.join_as(guest("ana")).unwrap();
    let bo = stage.join_as(guest("bo")).unwrap();
    stage.fact(Fact::Speakers(vec![(bo.clone(), 50)]));
    stage.pass(Duration::from_secs(10));
    stage.fact(Fact::Speakers(Vec::new()));
    stage
        .ask(
            &bo,
            Command::Leave {
                reason: DepartureReason::Left,
            },
        )
        .unwrap();
    stage.pass(Duration::from_secs(5));
    let bo = stage.join_as(guest("bo")).unwrap();
    stage.fact(Fact::Speakers(vec![(bo.clone(), 50)]));
    stage.pass(Duration::from_secs(2));
    stage.check_refused(
        &Actor::Participant(bo),
        Command::ReadAttendance,
        Refusal::NotAllowed,
    );
    let Ok(Reply::Attendance(all)) = stage.ask(&ana, Command::ReadAttendance) else {
        panic!()
    };
    let seen: Vec<_> = all
        .iter()
        .map(|one| (one.name.as_str(), one.present_ms, one.spoke_ms, one.visits))
        .collect();
    assert_eq!(seen, [("ana", 17_000, 0, 1), ("bo", 12_000, 12_000, 2)]);
}
