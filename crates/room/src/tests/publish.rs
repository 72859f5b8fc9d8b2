use tertulia_model::{Codec, MediaKind, Quality, Source, TrackId, VideoSize};

use super::stage::{Stage, camera, coded, identity, layers, microphone, only, size};
use crate::{
    Actor, AudioFeatures, Command, Event, Fact, Matched, NewTrack, Refusal, Reply, RouteChange, limits,
};

fn tracks(matched: Vec<Option<Matched>>) -> Vec<Option<TrackId>> {
    let track = |matched: Option<Matched>| Some(matched?.track);
    matched.into_iter().map(track).collect()
}

#[test]
fn a_track_is_announced_to_its_publisher_at_once_and_to_others_when_its_media_is_there() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    let bo = stage.join("bo");
    stage.forget();
    let id = stage.announce(&ana, camera("cid"));
    let published =
        only!(stage.heard(&ana), Event::TrackPublished { cid, track } => (cid.clone(), track.id.clone()));
    assert_eq!(published, [("cid".to_owned(), id.clone())]);
    assert!(stage.heard(&bo).is_empty() && stage.routes.is_empty());
    assert!(matches!(
        &stage.route_changes[..],
        [RouteChange::TrackAdded { .. }]
    ));

    stage.forget();
    stage.bind(&id, Codec::Vp9);
    let seen = only!(stage.heard(&bo), Event::ParticipantChanged(info) => info.tracks.clone());
    assert_eq!(seen[0][0].codec, Some(Codec::Vp9));
    assert_eq!(
        only!(stage.observed(), Event::TrackStarted(who, track) => (who.clone(), track.id.clone())),
        [(identity("ana"), id.clone())]
    );
    assert_eq!(stage.receivers(&id), [bo.clone()].into());
    assert_eq!(
        only!(stage.heard(&bo), Event::RoomChanged(room) => room.publishers),
        [1]
    );
}

#[test]
fn someone_who_comes_later_receives_what_is_already_live() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    let live = stage.publish(&ana, camera("live"));
    let pending = stage.announce(&ana, microphone("pending"));
    let reply = stage
        .handle(
            &Actor::System,
            Command::Join(Box::new(super::stage::person("bo"))),
        )
        .unwrap();
    let Reply::Joined {
        participant, others, ..
    } = reply
    else {
        panic!("{reply:?}")
    };
    assert_eq!(
        others[0].tracks.iter().map(|track| &track.id).collect::<Vec<_>>(),
        [&live]
    );
    assert_eq!(stage.receivers(&live), [participant.id].into());
    assert!(stage.receivers(&pending).is_empty());
}

#[test]
fn a_repeated_announcement_gets_the_same_track_while_its_offer_is_awaited() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    let first = stage.announce(&ana, camera("c"));
    assert_eq!(stage.announce(&ana, camera("c")), first);
    stage.bind(&first, Codec::Vp8);
    assert_ne!(stage.announce(&ana, camera("c")), first);
}

#[test]
fn a_section_finds_its_track_by_id_else_the_one_of_its_kind_that_waits_longest() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    let first = stage.announce(&ana, camera("first"));
    let second = stage.announce(
        &ana,
        NewTrack {
            codecs: vec![coded(Codec::Vp9, "inner")],
            ..camera("second")
        },
    );
    let sound = stage.announce(&ana, microphone("sound"));
    let check = |stage: &Stage, kind, track_id, expected| {
        assert_eq!(
            stage.room.match_pending(&ana, kind, track_id).as_ref(),
            expected,
            "for {track_id:?}"
        );
    };
    check(&stage, MediaKind::Video, Some("second"), Some(&second));
    check(&stage, MediaKind::Video, Some("inner"), Some(&second));
    check(&stage, MediaKind::Video, Some("{firefox}"), Some(&first));
    check(&stage, MediaKind::Audio, None, Some(&sound));
    check(&stage, MediaKind::Audio, Some("first"), Some(&sound));
    stage.bind(&first, Codec::Vp8);
    check(&stage, MediaKind::Video, Some("first"), None);
    check(&stage, MediaKind::Video, Some("{firefox}"), Some(&second));
    stage.bind(&second, Codec::Vp8);
    check(&stage, MediaKind::Video, None, None);
    let bo = stage.join("bo");
    assert_eq!(
        stage.room.match_pending(&bo, MediaKind::Audio, Some("sound")),
        None
    );
}

#[test]
fn sections_of_one_offer_do_not_take_each_others_tracks() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    let [first, second, third] = ["first", "second", "third"].map(|cid| stage.announce(&ana, camera(cid)));
    let offer = |ids: &[&str]| {
        let sections: Vec<_> = ids.iter().map(|id| (MediaKind::Video, Some(*id))).collect();
        tracks(stage.room.match_sections(&ana, &sections))
    };
    let (first, second, third) = (Some(first), Some(second), Some(third));
    assert_eq!(offer(&["{x}", "first"]), [second.clone(), first.clone()]);
    assert_eq!(
        offer(&["{x}", "{y}", "{z}", "{w}"]),
        [first, second.clone(), third.clone(), None]
    );
    assert_eq!(
        offer(&["third", "third"]),
        [third, stage.room.match_pending(&ana, MediaKind::Video, None)]
    );
}

#[test]
fn a_section_of_a_live_track_takes_no_other() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    stage.publish(&ana, camera("c"));
    let screen = stage.announce(
        &ana,
        NewTrack {
            source: Source::ScreenShare,
            ..camera("s")
        },
    );
    let sections = [(MediaKind::Video, Some("c")), (MediaKind::Video, Some("{x}"))];
    assert_eq!(
        tracks(stage.room.match_sections(&ana, &sections)),
        [None, Some(screen)]
    );
}

#[test]
fn a_further_codec_joins_its_track_and_awaits_its_own_section() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    let codecs = vec![coded(Codec::Vp9, "c"), coded(Codec::Vp8, "")];
    let id = stage.publish(
        &ana,
        NewTrack {
            codecs,
            ..camera("c")
        },
    );
    stage.forget();
    let backup = |cid: &str, codec| NewTrack {
        existing: Some(id.clone()),
        codecs: vec![coded(codec, "")],
        ..camera(cid)
    };
    assert_eq!(stage.announce(&ana, backup("b", Codec::Vp8)), id);
    assert_eq!(
        only!(stage.heard(&ana), Event::TrackPublished { cid, .. } => cid.clone()),
        ["b"]
    );
    assert_eq!(stage.track(&id).codecs[1].cid, "b");
    assert_eq!(stage.track(&id).codecs[1].layers, layers());
    assert_eq!(
        stage.room.match_pending(&ana, MediaKind::Video, Some("b")),
        Some(id.clone())
    );
    let found = stage.room.match_sections(&ana, &[(MediaKind::Video, Some("b"))]);
    assert_eq!(found[0].as_ref().unwrap().codec, Some(Codec::Vp8));
    stage.bind(&id, Codec::Vp8);
    assert_eq!(stage.track(&id).codec, Some(Codec::Vp9));
    assert_eq!(stage.room.match_pending(&ana, MediaKind::Video, Some("b")), None);

    let bo = stage.join("bo");
    let actor = Actor::Participant(bo);
    let stolen = Command::Publish(Box::new(backup("x", Codec::Vp8)));
    stage.check_refused(&actor, stolen, Refusal::NoSuchTrack);
    let actor = Actor::Participant(ana);
    let bare = Command::Publish(Box::new(NewTrack {
        codecs: Vec::new(),
        ..backup("x", Codec::Vp8)
    }));
    stage.check_refused(&actor, bare, Refusal::Invalid { field: "codecs" });
    let sound = NewTrack {
        existing: Some(id.clone()),
        codecs: vec![coded(Codec::Opus, "")],
        ..microphone("x")
    };
    stage.check_refused(
        &actor,
        Command::Publish(Box::new(sound)),
        Refusal::UnsupportedType,
    );
}

#[test]
fn streams_pair_camera_with_microphone_and_screen_with_its_sound() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    let mut stream = |track: NewTrack| {
        let id = stage.announce(&ana, track);
        let stream = stage.track(&id).stream;
        if stream == id.as_str() {
            "own".to_owned()
        } else {
            stream
        }
    };
    assert_eq!(stream(camera("a")), "camera");
    assert_eq!(stream(microphone("b")), "camera");
    assert_eq!(
        stream(NewTrack {
            source: Source::ScreenShare,
            ..camera("c")
        }),
        "screen"
    );
    assert_eq!(
        stream(NewTrack {
            source: Source::ScreenShareAudio,
            ..microphone("d")
        }),
        "screen"
    );
    assert_eq!(
        stream(NewTrack {
            source: Source::Unknown,
            ..camera("e")
        }),
        "own"
    );
    assert_eq!(
        stream(NewTrack {
            stream: "left eye|\r\n".into(),
            ..camera("f")
        }),
        "left-eye---"
    );
}

#[test]
fn what_makes_no_sense_is_not_published() {
    let mut stage = Stage::new();
    let ana = Actor::Participant(stage.join("ana"));
    let mut check = |track, refusal| stage.check_refused(&ana, Command::Publish(Box::new(track)), refusal);
    check(
        NewTrack {
            source: Source::Microphone,
            ..camera("c")
        },
        Refusal::Invalid { field: "source" },
    );
    check(
        NewTrack {
            source: Source::ScreenShare,
            ..microphone("c")
        },
        Refusal::Invalid { field: "source" },
    );
    check(
        NewTrack {
            codecs: vec![coded(Codec::Opus, "")],
            ..camera("c")
        },
        Refusal::UnsupportedType,
    );
    check(camera(""), Refusal::Invalid { field: "cid" });
    check(camera("a\r\na=evil"), Refusal::Invalid { field: "cid" });
    let mut doubled = layers();
    doubled[1].quality = Quality::Low;
    check(
        NewTrack {
            layers: doubled,
            ..camera("c")
        },
        Refusal::Invalid { field: "layers" },
    );
    let limit = |field, limit| Refusal::LimitExceeded { field, limit };
    check(
        NewTrack {
            layers: [layers(), layers()].concat(),
            ..camera("c")
        },
        limit("layers", limits::LAYERS),
    );
    check(
        NewTrack {
            name: "x".repeat(257),
            ..camera("c")
        },
        limit("name", limits::NAME_BYTES),
    );
    check(
        NewTrack {
            stream: "x".repeat(257),
            ..camera("c")
        },
        limit("stream", limits::ID_BYTES),
    );
    check(camera(&"x".repeat(257)), limit("cid", limits::ID_BYTES));
    check(
        NewTrack {
            codecs: vec![coded(Codec::Vp8, ""); 5],
            ..camera("c")
        },
        limit("codecs", limits::CODECS),
    );
    let features = NewTrack {
        packet_trailer_features: vec![0; 17],
        ..camera("c")
    };
    check(
        features,
        limit("packet trailer features", limits::TRAILER_FEATURES),
    );
}

#[test]
fn announced_and_published_tracks_are_bounded() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    let mut live = Vec::new();
    for n in 0..limits::PENDING_TRACKS {
        live.push(stage.announce(&ana, camera(&n.to_string())));
    }
    let actor = Actor::Participant(ana.clone());
    let more = || Command::Publish(Box::new(camera("more")));
    let refusal = Refusal::LimitExceeded {
        field: "pending tracks",
        limit: limits::PENDING_TRACKS,
    };
    stage.check_refused(&actor, more(), refusal);
    for track in &live {
        stage.bind(track, Codec::Vp8);
    }
    for n in limits::PENDING_TRACKS..limits::TRACKS {
        stage.publish(&ana, camera(&n.to_string()));
    }
    let refusal = Refusal::LimitExceeded {
        field: "tracks",
        limit: limits::TRACKS,
    };
    stage.check_refused(&actor, more(), refusal);
    stage
        .ask(
            &ana,
            Command::Unpublish {
                track: live[0].clone(),
            },
        )
        .unwrap();
    stage.ask(&ana, more()).unwrap();
}

#[test]
fn unpublishing_tells_publisher_others_and_forwarding() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    let bo = stage.join("bo");
    let id = stage.publish(&ana, camera("c"));
    stage.forget();
    stage.ask(&ana, Command::Unpublish { track: id.clone() }).unwrap();
    assert_eq!(
        only!(stage.heard(&ana), Event::TrackUnpublished(_, track) => track.clone()),
        std::slice::from_ref(&id)
    );
    assert_eq!(
        only!(stage.heard(&bo), Event::ParticipantChanged(info) => info.tracks.len()),
        [0]
    );
    assert!(only!(stage.heard(&bo), Event::TrackUnpublished(..) => ()).is_empty());
    assert_eq!(
        only!(stage.observed(), Event::TrackUnpublished(..) => ()).len(),
        1
    );
    assert!(stage.route_changes.contains(&RouteChange::TrackRemoved {
        publisher: ana.clone(),
        track: id.clone()
    }));
    assert!(stage.routes.is_empty());
    let again = Command::Unpublish { track: id };
    stage.check_refused(&Actor::Participant(ana), again, Refusal::NoSuchTrack);
}

#[test]
fn a_track_whose_section_stops_is_unpublished() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    let id = stage.publish(&ana, camera("c"));
    stage.forget();
    stage.fact(Fact::TrackGone { track: id.clone() });
    assert_eq!(
        only!(stage.observed(), Event::TrackUnpublished(..) => ()).len(),
        1
    );
    assert!(stage.room.track(&id).is_none());
    let gone = Command::Fact(Fact::TrackGone { track: id });
    stage.check_refused(&Actor::System, gone, Refusal::NoSuchTrack);
}

#[test]
fn withdrawing_a_track_nobody_saw_tells_only_its_publisher() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    let bo = stage.join("bo");
    let id = stage.announce(&ana, camera("c"));
    stage.forget();
    stage.ask(&ana, Command::Unpublish { track: id }).unwrap();
    assert_eq!(stage.heard(&ana).len(), 1);
    assert!(stage.heard(&bo).is_empty() && stage.observed().is_empty());
}

#[test]
fn muting_reaches_everybody_and_the_routes_once() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    let bo = stage.join("bo");
    let id = stage.publish(&ana, microphone("m"));
    stage.forget();
    for _ in 0..2 {
        stage
            .ask(
                &ana,
                Command::SetMuted {
                    track: id.clone(),
                    muted: true,
                },
            )
            .unwrap();
    }
    assert_eq!(
        only!(stage.heard(&bo), Event::ParticipantChanged(info) => info.tracks[0].muted),
        [true]
    );
    assert!(matches!(&stage.route_changes[..], [RouteChange::TrackChanged { track, .. }] if track.muted));
    assert!(
        stage.receivers(&id).contains(&bo),
        "a muted track keeps its routes"
    );
    let foreign = Command::SetMuted {
        track: id,
        muted: false,
    };
    stage.check_refused(&Actor::Participant(bo), foreign, Refusal::NoSuchTrack);
}

#[test]
fn a_change_of_layers_changes_what_is_routed() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    let bo = stage.join("bo");
    let id = stage.publish(&ana, camera("c"));
    stage.forget();
    let update = |size, layers, audio| Command::UpdateTrack {
        track: id.clone(),
        size,
        layers,
        audio,
    };
    stage
        .ask(
            &ana,
            update(Some(size(640, 360)), Some(layers()[..2].to_vec()), None),
        )
        .unwrap();
    assert_eq!(stage.wanted(&bo, &id).max_quality, Quality::Medium);
    assert_eq!(stage.track(&id).size, size(640, 360));
    stage.forget();
    let stereo = AudioFeatures {
        stereo: true,
        ..AudioFeatures::default()
    };
    stage.ask(&ana, update(None, None, Some(stereo))).unwrap();
    assert!(stage.deliveries.is_empty(), "a picture has no audio flags");
    stage.check_refused(
        &Actor::Participant(bo),
        update(None, None, None),
        Refusal::NoSuchTrack,
    );
}

#[test]
fn sound_has_no_size_and_no_layers() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    let id = stage.publish(
        &ana,
        NewTrack {
            layers: layers(),
            size: size(1, 1),
            ..microphone("m")
        },
    );
    assert_eq!(
        (stage.track(&id).layers.len(), stage.track(&id).size),
        (0, VideoSize::default())
    );
}

#[test]
fn a_flood_of_changes_is_refused_to_its_author() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    let id = stage.publish(&ana, microphone("m"));
    let mut last = Ok(Reply::Done);
    for n in 0..1_000 {
        last = stage.ask(
            &ana,
            Command::SetMuted {
                track: id.clone(),
                muted: n % 2 == 0,
            },
        );
    }
    assert_eq!(last, Err(Refusal::TooMany));
    stage.pass(std::time::Duration::from_secs(1));
    stage
        .ask(
            &ana,
            Command::SetMuted {
                track: id,
                muted: true,
            },
        )
        .unwrap();
}

#[test]
fn binding_a_track_to_the_wrong_kind_is_refused() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    let id = stage.announce(&ana, microphone("m"));
    let fact = Fact::TrackBound {
        track: id,
        codec: Codec::Vp8,
        simulcast: false,
        red: false,
    };
    stage.check_refused(&Actor::System, Command::Fact(fact), Refusal::UnsupportedType);
}
