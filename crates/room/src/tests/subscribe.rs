use tertulia_model::{ParticipantId, Quality, TrackId};

use super::stage::{Stage, camera, identity, layers, microphone, only, person, size};
use crate::{
    Actor, Command, Event, Fact, NewParticipant, NewTrack, PublisherPermission, Refusal, Reply,
    TrackSettings, limits,
};

fn pair() -> (Stage, ParticipantId, ParticipantId, TrackId) {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    let bo = stage.join("bo");
    let track = stage.publish(&ana, camera("c"));
    stage.forget();
    (stage, ana, bo, track)
}

fn subscribe(track: &TrackId, on: bool) -> Command {
    Command::Subscribe {
        tracks: vec![track.clone()],
        on,
    }
}

fn settings(track: &TrackId, settings: TrackSettings) -> Command {
    Command::SetTrackSettings {
        tracks: vec![track.clone()],
        settings,
    }
}

#[test]
fn subscribers_leave_and_take_up_tracks_as_they_like() {
    let (mut stage, ana, bo, track) = pair();
    stage.ask(&bo, subscribe(&track, false)).unwrap();
    assert!(stage.receivers(&track).is_empty());
    assert_eq!(stage.ask(&bo, subscribe(&track, true)), Ok(Reply::Done));
    assert_eq!(stage.receivers(&track), [bo.clone()].into());
    assert_eq!(
        stage.ask(&ana, subscribe(&track, true)),
        Ok(Reply::NotSubscribed(vec![track.clone()])),
        "nobody hears themselves"
    );
    let unknown = TrackId::from_random(1);
    let both = Command::Subscribe {
        tracks: vec![unknown.clone(), track],
        on: true,
    };
    assert_eq!(stage.ask(&bo, both), Ok(Reply::NotSubscribed(vec![unknown])));
}

#[test]
fn those_who_choose_for_themselves_receive_only_what_they_asked_for() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    let picky = stage
        .join_as(NewParticipant {
            auto_subscribe: false,
            ..person("picky")
        })
        .unwrap();
    let seen = stage.publish(&ana, camera("c"));
    let unheard = stage.publish(&ana, microphone("m"));
    stage.ask(&picky, subscribe(&seen, true)).unwrap();
    assert_eq!(stage.receivers(&seen), [picky].into());
    assert!(stage.receivers(&unheard).is_empty());
}

#[test]
fn a_pending_track_cannot_be_subscribed() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    let bo = stage.join("bo");
    let track = stage.announce(&ana, camera("c"));
    assert_eq!(
        stage.ask(&bo, subscribe(&track, true)),
        Ok(Reply::NotSubscribed(vec![track]))
    );
}

#[test]
fn too_many_tracks_in_one_request_are_refused() {
    let (mut stage, _, bo, track) = pair();
    let tracks = vec![track; limits::TRACKS_NAMED + 1];
    let refusal = Refusal::LimitExceeded {
        field: "tracks",
        limit: limits::TRACKS_NAMED,
    };
    let actor = Actor::Participant(bo);
    stage.check_refused(
        &actor,
        Command::Subscribe {
            tracks: tracks.clone(),
            on: true,
        },
        refusal.clone(),
    );
    let settings = TrackSettings::default();
    stage.check_refused(&actor, Command::SetTrackSettings { tracks, settings }, refusal);
}

#[test]
fn the_smallest_layer_that_covers_the_shown_size_is_wanted() {
    let (mut stage, _, bo, track) = pair();
    let mut check = |width, height, expected| {
        let shown = TrackSettings {
            size: Some(size(width, height)),
            quality: Some(Quality::Low),
            ..TrackSettings::default()
        };
        stage.ask(&bo, settings(&track, shown)).unwrap();
        assert_eq!(
            stage.wanted(&bo, &track).max_quality,
            expected,
            "for {width}x{height}"
        );
    };
    check(1, 1, Quality::Low);
    check(320, 180, Quality::Low);
    check(322, 182, Quality::Low);
    check(323, 180, Quality::Medium);
    check(180, 320, Quality::Low);
    check(640, 360, Quality::Medium);
    check(300, 360, Quality::Medium);
    check(641, 400, Quality::High);
    check(3840, 2160, Quality::High);
}

#[test]
fn without_a_size_the_quality_asked_for_is_the_ceiling() {
    let (mut stage, ana, bo, track) = pair();
    let single = stage.publish(
        &ana,
        NewTrack {
            layers: layers()[2..].to_vec(),
            ..camera("single")
        },
    );
    let bare = stage.publish(
        &ana,
        NewTrack {
            layers: Vec::new(),
            ..camera("bare")
        },
    );
    let mut check = |track: &TrackId, quality, expected| {
        let asked = TrackSettings {
            quality,
            size: Some(size(0, 0)),
            ..TrackSettings::default()
        };
        stage.ask(&bo, settings(track, asked)).unwrap();
        assert_eq!(stage.wanted(&bo, track).max_quality, expected, "for {quality:?}");
    };
    check(&track, None, Quality::High);
    check(&track, Some(Quality::Medium), Quality::Medium);
    check(&track, Some(Quality::Low), Quality::Low);
    check(&single, Some(Quality::Low), Quality::High);
    check(&bare, Some(Quality::Low), Quality::Low);
}

#[test]
fn settings_are_routed_when_they_change_and_outlast_an_unsubscription() {
    let (mut stage, _, bo, track) = pair();
    let small = TrackSettings {
        disabled: true,
        quality: None,
        size: Some(size(300, 150)),
        fps: Some(15),
        priority: 3,
    };
    for _ in 0..2 {
        stage.ask(&bo, settings(&track, small)).unwrap();
    }
    assert_eq!(stage.route_changes.len(), 1, "the same again changes nothing");
    stage.ask(&bo, subscribe(&track, false)).unwrap();
    stage.ask(&bo, subscribe(&track, true)).unwrap();
    let wanted = stage.wanted(&bo, &track);
    assert_eq!(
        (wanted.enabled, wanted.max_quality, wanted.max_fps),
        (false, Quality::Low, Some(15))
    );
    assert_eq!((wanted.size, wanted.priority), (Some(size(300, 150)), 3));
    stage.ask(&bo, settings(&TrackId::from_random(3), small)).unwrap();
}

#[test]
fn a_publisher_says_who_may_receive_and_takes_it_back_live() {
    let (mut stage, ana, bo, track) = pair();
    let cleo = stage.join("cleo");
    let other = stage.publish(&ana, microphone("m"));
    stage.forget();
    let only_cleo = |tracks: &[&TrackId], all_tracks| Command::SetPublisherPermissions {
        all_participants: false,
        permissions: vec![PublisherPermission {
            identity: identity("cleo"),
            all_tracks,
            tracks: tracks.iter().map(|track| (*track).clone()).collect(),
        }],
    };
    stage.ask(&ana, only_cleo(&[&track], false)).unwrap();
    assert_eq!(stage.receivers(&track), [cleo.clone()].into());
    assert!(stage.receivers(&other).is_empty());
    let told = |stage: &Stage, who| only!(stage.heard(who), Event::SubscriptionAllowed { track, allowed, .. } => (track.clone(), *allowed));
    assert_eq!(told(&stage, &cleo), [(other.clone(), false)]);
    assert_eq!(told(&stage, &bo).len(), 2);

    stage.forget();
    stage.ask(&bo, subscribe(&track, true)).unwrap();
    assert!(
        stage.routes.keys().all(|(who, _)| *who != bo),
        "asking again does not help"
    );
    let late = stage.publish(&ana, camera("late"));
    assert!(stage.receivers(&late).is_empty());
    assert_eq!(told(&stage, &bo), [(late.clone(), false)]);

    stage.forget();
    stage.ask(&ana, only_cleo(&[], true)).unwrap();
    assert_eq!(stage.receivers(&late), [cleo.clone()].into());
    assert_eq!(told(&stage, &cleo).len(), 2, "the two that were denied");
    let everybody = Command::SetPublisherPermissions {
        all_participants: true,
        permissions: Vec::new(),
    };
    stage.ask(&ana, everybody).unwrap();
    assert_eq!(stage.receivers(&late), [bo.clone(), cleo.clone()].into());
    assert!(told(&stage, &bo).iter().all(|(_, allowed)| *allowed));
}

#[test]
fn one_who_does_not_wish_for_a_track_is_not_told_of_its_permission() {
    let (mut stage, ana, bo, track) = pair();
    stage.ask(&bo, subscribe(&track, false)).unwrap();
    stage.forget();
    let nobody = Command::SetPublisherPermissions {
        all_participants: false,
        permissions: Vec::new(),
    };
    stage.ask(&ana, nobody).unwrap();
    assert!(stage.heard(&bo).is_empty());
    stage.ask(&bo, subscribe(&track, true)).unwrap();
    assert_eq!(
        only!(stage.heard(&bo), Event::SubscriptionAllowed { allowed, .. } => *allowed),
        [false]
    );
    assert!(stage.routes.is_empty());
}

#[test]
fn publisher_permissions_are_bounded() {
    let (mut stage, ana, _, track) = pair();
    let one = PublisherPermission {
        identity: identity("bo"),
        all_tracks: false,
        tracks: Vec::new(),
    };
    let many = PublisherPermission {
        tracks: vec![track; limits::TRACKS + 1],
        ..one.clone()
    };
    let actor = Actor::Participant(ana);
    for (permissions, field, limit) in [
        (
            vec![one; limits::PUBLISHER_PERMISSIONS + 1],
            "permissions",
            limits::PUBLISHER_PERMISSIONS,
        ),
        (vec![many], "tracks", limits::TRACKS),
    ] {
        let command = Command::SetPublisherPermissions {
            all_participants: false,
            permissions,
        };
        stage.check_refused(&actor, command, Refusal::LimitExceeded { field, limit });
    }
}

#[test]
fn an_admin_changes_somebodys_subscriptions() {
    let (mut stage, ana, bo, track) = pair();
    let change = |identity, on| Command::UpdateSubscriptions {
        identity,
        tracks: vec![track.clone()],
        on,
    };
    stage.admin(change(identity("bo"), false)).unwrap();
    assert!(stage.receivers(&track).is_empty());
    stage.admin(change(identity("bo"), true)).unwrap();
    assert_eq!(stage.receivers(&track), [bo].into());
    stage.check_refused(
        &Actor::Admin,
        change(identity("nobody"), true),
        Refusal::NoSuchParticipant,
    );
    let actor = Actor::Participant(ana);
    stage.check_refused(&actor, change(identity("bo"), false), Refusal::NotAllowed);
}

#[test]
fn the_publisher_hears_once_that_somebody_receives_the_track() {
    let (mut stage, ana, bo, track) = pair();
    let fact = Fact::Subscribed {
        subscriber: bo,
        track: track.clone(),
    };
    stage.fact(fact.clone());
    stage.fact(fact);
    assert_eq!(
        only!(stage.heard(&ana), Event::TrackSubscribed(id) => id.clone()),
        [track]
    );
}

#[test]
fn pauses_are_told_to_the_subscriber_when_they_change() {
    let (mut stage, ana, bo, track) = pair();
    for paused in [true, true, false, false] {
        stage.fact(Fact::StreamState {
            subscriber: bo.clone(),
            track: track.clone(),
            paused,
        });
    }
    let told =
        only!(stage.heard(&bo), Event::StreamState { publisher, paused, .. } => (publisher.clone(), *paused));
    assert_eq!(told, [(ana.clone(), true), (ana.clone(), false)]);
    let of_publisher = Fact::StreamState {
        subscriber: ana,
        track,
        paused: true,
    };
    stage.check_refused(
        &Actor::System,
        Command::Fact(of_publisher),
        Refusal::NoSuchParticipant,
    );
}

#[test]
fn a_pause_does_not_outlast_the_subscription() {
    let (mut stage, _, bo, track) = pair();
    for _ in 0..2 {
        stage.fact(Fact::StreamState {
            subscriber: bo.clone(),
            track: track.clone(),
            paused: true,
        });
        stage.ask(&bo, subscribe(&track, false)).unwrap();
        stage.ask(&bo, subscribe(&track, true)).unwrap();
    }
    assert_eq!(
        only!(stage.heard(&bo), Event::StreamState { paused, .. } => *paused),
        [true, true]
    );
}

#[test]
fn a_codec_that_cannot_be_decoded_fails_the_subscription_once() {
    let (mut stage, _, bo, track) = pair();
    for _ in 0..2 {
        stage.fact(Fact::CodecUnsupported {
            subscriber: bo.clone(),
            track: track.clone(),
        });
    }
    let failed = only!(stage.heard(&bo), Event::SubscriptionFailed { track, codec_unsupported } => (track.clone(), *codec_unsupported));
    assert_eq!(failed, [(track, true)]);
}
