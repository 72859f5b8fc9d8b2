//! What the random tests do: one command, fact or pause at a time.

use proptest::prelude::*;
use tertulia_model::Source;

use crate::Permission;

/// One step; numbers choose among the people and the tracks there are.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Join {
        who: usize,
        permission: Permission,
        auto_subscribe: bool,
        recorder: bool,
    },
    Leave {
        who: usize,
    },
    Publish {
        who: usize,
        source: Source,
        backup: bool,
    },
    AddCodec {
        who: usize,
        track: usize,
    },
    Bind {
        track: usize,
        backup: bool,
    },
    Unpublish {
        who: usize,
        track: usize,
    },
    Gone {
        track: usize,
    },
    Mute {
        who: usize,
        track: usize,
        muted: bool,
    },
    AdminMute {
        who: usize,
        whom: usize,
        track: usize,
    },
    Subscribe {
        who: usize,
        track: usize,
        on: bool,
    },
    AdminSubscribe {
        whom: usize,
        track: usize,
        on: bool,
    },
    Settings {
        who: usize,
        track: usize,
        disabled: bool,
        width: u32,
    },
    Allow {
        who: usize,
        all: bool,
        listed: Vec<(usize, Option<usize>)>,
    },
    Permit {
        who: Option<usize>,
        whom: usize,
        permission: Permission,
    },
    Rename {
        who: usize,
    },
    Remove {
        who: Option<usize>,
        whom: usize,
        revoke: bool,
    },
    Data {
        who: Option<usize>,
        to: Vec<usize>,
        metrics: bool,
    },
    Chat {
        who: usize,
        id: u8,
    },
    Hand {
        who: usize,
        raised: bool,
    },
    React {
        who: usize,
    },
    Connected {
        who: usize,
    },
    Speakers {
        who: Vec<(usize, u8)>,
    },
    Quality {
        who: usize,
    },
    Paused {
        who: usize,
        track: usize,
        paused: bool,
    },
    Unsupported {
        who: usize,
        track: usize,
        backup: bool,
    },
    Pass {
        ms: u64,
    },
    End {
        who: usize,
    },
}

fn permissions() -> impl Strategy<Value = Permission> {
    let often = || prop::bool::weighted(0.85);
    let seldom = || prop::bool::weighted(0.15);
    let sources = prop_oneof![
        4 => Just(Vec::new()),
        1 => prop::collection::vec(sources(), 1..3),
    ];
    (often(), often(), often(), sources, seldom(), seldom(), seldom()).prop_map(
        |(can_subscribe, can_publish, can_publish_data, publish_sources, hidden, metrics, room_admin)| {
            Permission {
                can_subscribe,
                can_publish,
                can_publish_data,
                publish_sources,
                hidden,
                can_subscribe_metrics: metrics,
                room_admin,
                ..Permission::ordinary()
            }
        },
    )
}

fn sources() -> impl Strategy<Value = Source> {
    prop::sample::select(vec![
        Source::Camera,
        Source::Microphone,
        Source::ScreenShare,
        Source::ScreenShareAudio,
        Source::Unknown,
    ])
}

pub(super) fn steps() -> impl Strategy<Value = Step> {
    let who = || 0..6_usize;
    let track = || 0..12_usize;
    let maybe_who = || prop::option::of(0..6_usize);
    let flag = any::<bool>;
    prop_oneof![
        6 => (who(), permissions(), prop::bool::weighted(0.8), prop::bool::weighted(0.1))
            .prop_map(|(who, permission, auto_subscribe, recorder)| Step::Join { who, permission, auto_subscribe, recorder }),
        2 => who().prop_map(|who| Step::Leave { who }),
        6 => (who(), sources(), flag()).prop_map(|(who, source, backup)| Step::Publish { who, source, backup }),
        1 => (who(), track()).prop_map(|(who, track)| Step::AddCodec { who, track }),
        6 => (track(), flag()).prop_map(|(track, backup)| Step::Bind { track, backup }),
        1 => (who(), track()).prop_map(|(who, track)| Step::Unpublish { who, track }),
        1 => track().prop_map(|track| Step::Gone { track }),
        1 => (who(), track(), flag()).prop_map(|(who, track, muted)| Step::Mute { who, track, muted }),
        1 => (who(), who(), track()).prop_map(|(who, whom, track)| Step::AdminMute { who, whom, track }),
        3 => (who(), track(), flag()).prop_map(|(who, track, on)| Step::Subscribe { who, track, on }),
        1 => (who(), track(), flag()).prop_map(|(whom, track, on)| Step::AdminSubscribe { whom, track, on }),
        3 => (who(), track(), flag(), 0..1400_u32)
            .prop_map(|(who, track, disabled, width)| Step::Settings { who, track, disabled, width }),
        2 => (who(), flag(), prop::collection::vec((who(), prop::option::of(track())), 0..3))
            .prop_map(|(who, all, listed)| Step::Allow { who, all, listed }),
        3 => (maybe_who(), who(), permissions())
            .prop_map(|(who, whom, permission)| Step::Permit { who, whom, permission }),
        1 => who().prop_map(|who| Step::Rename { who }),
        1 => (maybe_who(), who(), flag()).prop_map(|(who, whom, revoke)| Step::Remove { who, whom, revoke }),
        2 => (maybe_who(), prop::collection::vec(who(), 0..3), flag())
            .prop_map(|(who, to, metrics)| Step::Data { who, to, metrics }),
        2 => (who(), any::<u8>()).prop_map(|(who, id)| Step::Chat { who, id }),
        2 => (who(), flag()).prop_map(|(who, raised)| Step::Hand { who, raised }),
        1 => who().prop_map(|who| Step::React { who }),
        2 => who().prop_map(|who| Step::Connected { who }),
        1 => prop::collection::vec((who(), any::<u8>()), 0..4).prop_map(|who| Step::Speakers { who }),
        1 => who().prop_map(|who| Step::Quality { who }),
        1 => (who(), track(), flag()).prop_map(|(who, track, paused)| Step::Paused { who, track, paused }),
        1 => (who(), track(), flag())
            .prop_map(|(who, track, backup)| Step::Unsupported { who, track, backup }),
        3 => (0..12_000_u64).prop_map(|ms| Step::Pass { ms }),
        1 => (0..300_usize).prop_map(|who| Step::End { who }),
    ]
}
