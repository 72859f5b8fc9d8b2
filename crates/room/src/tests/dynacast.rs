use std::time::Duration;

use tertulia_model::{Codec, ParticipantId, Quality, TrackId};

use super::stage::{Stage, camera, coded, microphone, only, person, size};
use crate::{Command, Event, Fact, NewParticipant, NewTrack, TrackSettings};

const SECOND: Duration = Duration::from_secs(1);
const ALL: [bool; 3] = [true; 3];
const LOW: [bool; 3] = [true, false, false];
const NONE: [bool; 3] = [false; 3];

/// What the publisher was told of the primary codec since last asked.
fn told(stage: &mut Stage, publisher: &ParticipantId) -> Vec<[bool; 3]> {
    let told = only!(stage.heard(publisher), Event::QualitiesWanted { codecs, .. } => codecs[0].wanted);
    stage.forget();
    told
}

fn watch(stage: &mut Stage, who: &ParticipantId, track: &TrackId, width: u32) {
    let settings = TrackSettings {
        disabled: width == 0,
        size: Some(size(width, width * 9 / 16)),
        ..TrackSettings::default()
    };
    stage
        .ask(
            who,
            Command::SetTrackSettings {
                tracks: vec![track.clone()],
                settings,
            },
        )
        .unwrap();
}

#[test]
fn less_is_asked_only_after_the_first_ten_seconds() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    let track = stage.publish(&ana, camera("c"));
    let bo = stage.join("bo");
    watch(&mut stage, &bo, &track, 320);
    stage.pass(9 * SECOND);
    assert!(told(&mut stage, &ana).is_empty());
    stage.pass(SECOND);
    assert_eq!(told(&mut stage, &ana), [LOW]);
    stage.pass(60 * SECOND);
    assert!(told(&mut stage, &ana).is_empty());
}

#[test]
fn more_is_asked_at_once_and_less_after_five_seconds() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    let track = stage.publish(&ana, camera("c"));
    let bo = stage.join("bo");
    watch(&mut stage, &bo, &track, 320);
    stage.pass(10 * SECOND);
    stage.forget();

    watch(&mut stage, &bo, &track, 640);
    assert_eq!(told(&mut stage, &ana), [[true, true, false]]);
    watch(&mut stage, &bo, &track, 1280);
    assert_eq!(told(&mut stage, &ana), [ALL]);
    watch(&mut stage, &bo, &track, 320);
    stage.pass(5 * SECOND - Duration::from_millis(1));
    assert!(told(&mut stage, &ana).is_empty());
    stage.pass(Duration::from_millis(1));
    assert_eq!(told(&mut stage, &ana), [LOW]);
}

#[test]
fn a_demand_that_comes_back_in_time_leaves_the_encoder_alone() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    let track = stage.publish(&ana, camera("c"));
    let bo = stage.join("bo");
    stage.pass(20 * SECOND);
    watch(&mut stage, &bo, &track, 320);
    stage.pass(4 * SECOND);
    watch(&mut stage, &bo, &track, 1280);
    stage.pass(60 * SECOND);
    assert!(told(&mut stage, &ana).is_empty());
}

#[test]
fn a_track_nobody_watches_is_switched_off_until_somebody_does() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    let track = stage.publish(&ana, camera("c"));
    stage.pass(10 * SECOND);
    assert_eq!(told(&mut stage, &ana), [NONE]);
    let bo = stage.join("bo");
    assert_eq!(told(&mut stage, &ana), [ALL]);
    watch(&mut stage, &bo, &track, 0);
    stage.pass(5 * SECOND);
    assert_eq!(told(&mut stage, &ana), [NONE]);
    watch(&mut stage, &bo, &track, 100);
    assert_eq!(told(&mut stage, &ana), [LOW]);
    stage
        .ask(
            &bo,
            Command::Leave {
                reason: crate::DepartureReason::Left,
            },
        )
        .unwrap();
    stage.pass(5 * SECOND);
    assert_eq!(told(&mut stage, &ana), [NONE]);
}

#[test]
fn the_greatest_demand_counts() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    let track = stage.publish(&ana, camera("c"));
    let watchers = ["bo", "cleo"].map(|name| stage.join(name));
    watch(&mut stage, &watchers[0], &track, 320);
    watch(&mut stage, &watchers[1], &track, 640);
    stage.pass(10 * SECOND);
    assert_eq!(told(&mut stage, &ana), [[true, true, false]]);
    stage
        .ask(
            &watchers[1],
            Command::Subscribe {
                tracks: vec![track],
                on: false,
            },
        )
        .unwrap();
    stage.pass(5 * SECOND);
    assert_eq!(told(&mut stage, &ana), [LOW]);
}

#[test]
fn a_backup_codec_is_asked_for_when_somebody_needs_it() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    let watchers = ["bo", "cleo"].map(|name| stage.join(name));
    let codecs = vec![coded(Codec::Vp9, "c"), coded(Codec::Vp8, "")];
    let track = stage.publish(
        &ana,
        NewTrack {
            codecs,
            backup_codec_policy: 1,
            ..camera("c")
        },
    );
    watch(&mut stage, &watchers[1], &track, 640);
    stage.forget();
    let wanted = |stage: &mut Stage| {
        let told = only!(stage.heard(&ana), Event::QualitiesWanted { codecs, .. } => {
            codecs.iter().map(|entry| (entry.codec, entry.wanted)).collect::<Vec<_>>()
        });
        stage.forget();
        told
    };
    stage.fact(Fact::BackupNeeded {
        subscriber: watchers[1].clone(),
        track: track.clone(),
    });
    let medium = [true, true, false];
    assert_eq!(wanted(&mut stage), [[(Codec::Vp9, ALL), (Codec::Vp8, medium)]]);
    stage
        .ask(
            &watchers[0],
            Command::Subscribe {
                tracks: vec![track],
                on: false,
            },
        )
        .unwrap();
    stage.pass(10 * SECOND);
    assert_eq!(wanted(&mut stage), [[(Codec::Vp9, NONE), (Codec::Vp8, medium)]]);
    stage
        .ask(
            &watchers[1],
            Command::Leave {
                reason: crate::DepartureReason::Left,
            },
        )
        .unwrap();
    stage.pass(5 * SECOND);
    assert_eq!(wanted(&mut stage), [[(Codec::Vp9, NONE), (Codec::Vp8, NONE)]]);
}

/// A camera in VP9 with VP8 as the backup, and who watches it; one needs the backup.
fn mixed(policy: i32, watchers: usize) -> (Stage, ParticipantId, Vec<ParticipantId>, TrackId) {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    let watchers: Vec<_> = (0..watchers)
        .map(|number| stage.join(&format!("watcher {number}")))
        .collect();
    let codecs = vec![coded(Codec::Vp9, "c"), coded(Codec::Vp8, "")];
    let track = stage.publish(
        &ana,
        NewTrack {
            codecs: codecs.clone(),
            backup_codec_policy: policy,
            ..camera("c")
        },
    );
    stage.fact(Fact::BackupNeeded {
        subscriber: watchers[0].clone(),
        track: track.clone(),
    });
    stage.announce(
        &ana,
        NewTrack {
            existing: Some(track.clone()),
            codecs: vec![codecs[1].clone()],
            ..camera("b")
        },
    );
    stage.pass(20 * SECOND);
    stage.forget();
    (stage, ana, watchers, track)
}

#[test]
fn everybody_gets_the_backup_once_it_arrives_where_the_publisher_encodes_once() {
    // In small rooms, never, always; three or five in the room.
    for (policy, watchers, regresses) in [
        (0, 2, true),
        (0, 4, false),
        (1, 2, false),
        (2, 2, true),
        (2, 4, true),
    ] {
        let (mut stage, ana, watchers, track) = mixed(policy, watchers);
        let backup = |stage: &Stage| {
            let wanted = |who: &ParticipantId| stage.routes[&(who.clone(), track.clone())].backup;
            watchers.iter().map(wanted).collect::<Vec<_>>()
        };
        assert!(
            backup(&stage).iter().all(|backup| !backup),
            "it does not arrive yet"
        );
        stage.bind(&track, Codec::Vp8);
        assert!(backup(&stage).iter().all(|backup| *backup == regresses));
        stage.pass(5 * SECOND);
        let told = only!(stage.heard(&ana), Event::QualitiesWanted { codecs, .. } => {
            codecs.iter().map(|entry| entry.wanted).collect::<Vec<_>>()
        });
        let expected = regresses.then(|| vec![NONE, ALL]);
        assert_eq!(told.last(), expected.as_ref());
    }
}

#[test]
fn who_can_decode_nothing_is_no_reason_to_send() {
    let (mut stage, ana, watchers, track) = mixed(1, 1);
    stage.fact(Fact::CodecUnsupported {
        subscriber: watchers[0].clone(),
        track,
    });
    stage.pass(5 * SECOND);
    let told = only!(stage.heard(&ana), Event::QualitiesWanted { codecs, .. } => {
        codecs.iter().map(|entry| entry.wanted).collect::<Vec<_>>()
    });
    assert_eq!(told, [[NONE, NONE]]);
}

#[test]
fn sound_is_never_switched_off() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    stage.publish(&ana, microphone("m"));
    stage
        .join_as(NewParticipant {
            auto_subscribe: false,
            ..person("bo")
        })
        .unwrap();
    stage.pass(60 * SECOND);
    assert!(told(&mut stage, &ana).is_empty());
    assert_eq!(stage.room.poll_timeout(), None);
}

#[test]
fn a_withdrawn_track_leaves_no_deadline() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    let track = stage.publish(&ana, camera("c"));
    stage
        .join_as(NewParticipant {
            auto_subscribe: false,
            ..person("bo")
        })
        .unwrap();
    assert!(stage.room.poll_timeout().is_some());
    stage.ask(&ana, Command::Unpublish { track }).unwrap();
    assert_eq!(stage.room.poll_timeout(), None);
}

#[test]
fn demands_name_all_lower_qualities_too() {
    assert_eq!(
        Quality::ALL.map(|quality| Some(quality) <= Some(Quality::Medium)),
        [true, true, false]
    );
    assert_eq!(Quality::ALL.map(|quality| Some(quality) <= None), NONE);
}
