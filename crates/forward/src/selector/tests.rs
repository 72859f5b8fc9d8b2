mod dependency;
mod encoder;
mod rig;
mod vp8;
mod vp9;

use std::collections::BTreeSet;

use super::*;
use encoder::{Kind, Mode, Shape, UpBit};
use proptest::prelude::*;
use rig::{Network, Rig};

/// A seeded sequence (xorshift64*).
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) % bound
    }
}

fn aim(encoding: usize, spatial: usize, temporal: usize) -> Option<Aim> {
    Some(Aim {
        encoding,
        spatial,
        temporal,
    })
}

/// Runs a subscriber that changes its mind all the time over a network, and checks what holds whatever happens.
fn roam(shape: Shape, encodings: usize, network: Network, seed: u64) -> Rig {
    let mut rig = Rig::new(shape, encodings, network, seed);
    let mut random = Random(seed.rotate_left(17) | 1);
    for _ in 0..25 {
        let wish = aim(
            random.below(encodings as u64) as usize,
            random.below(3) as usize,
            random.below(3) as usize,
        );
        rig.aim(wish.filter(|_| random.below(12) > 0));
        let pictures = random.below(9) as usize;
        rig.run(pictures);
        if random.below(10) == 0 {
            rig.step(true);
        }
    }
    rig.check_references();
    rig.check_whole_frames();
    rig.check_sequences();
    rig.check_timestamps();
    if network.lost + network.repaired + network.jitter == 0 {
        rig.check_markers();
    }
    rig
}

/// Aims at everything in turn over a perfect network; each aim is reached, with nothing missing and nothing more.
fn reach_all(shape: Shape, encodings: usize, seed: u64) {
    let mut rig = Rig::new(shape, encodings, Network::default(), seed);
    let mut random = Random(seed | 1);
    for _ in 0..10 {
        let wish = Aim {
            encoding: random.below(encodings as u64) as usize,
            spatial: random.below(u64::from(shape.spatial)) as usize,
            temporal: random.below(u64::from(shape.temporal)) as usize,
        };
        rig.aim(Some(wish));
        // Frames that refer to their own layer before may put entering off for some groups.
        rig.run(100);
        assert_eq!(rig.selector.current(), Some(wish), "{shape:?} {seed}");
        assert_eq!(rig.selector.waiting_for(), None);
        let from = rig.frames.last().map_or(0, |frame| frame.picture + 1);
        rig.run(12);
        rig.check_settled(wish, from);
    }
    rig.check_references();
    rig.check_sequences();
    rig.check_markers();
}

/// A layer on which all others lead to is taken up again by the publisher, and needs no keyframe to be entered.
fn take_up_again(kind: Kind) {
    let shape = Shape {
        kind,
        mode: Mode::Full,
        spatial: 3,
        temporal: 3,
    };
    let mut rig = Rig::new(shape, 1, Network::default(), 1);
    rig.aim(aim(0, 2, 2));
    rig.run(4);
    for layers in [1, 2, 3] {
        rig.limit(layers);
        rig.run(12);
        assert_eq!(rig.selector.waiting_for(), None);
        let from = rig.frames.last().map_or(0, |frame| frame.picture + 1);
        rig.run(8);
        rig.check_settled(aim(0, 2, 2).unwrap(), from);
    }
    assert_eq!(
        rig.frames.iter().filter(|frame| frame.key).count(),
        3,
        "the first picture only"
    );
    rig.check_references();
    rig.check_sequences();
    rig.check_markers();
}

/// The layers of a key picture that come before its beginning are entered with it, and no second one is waited for.
fn enter_overtaken(kind: Kind) {
    let mut held_back = 0;
    for seed in 0..24 {
        let mode = if seed % 2 == 0 { Mode::Full } else { Mode::Key };
        let shape = Shape {
            kind,
            mode,
            spatial: 3,
            temporal: 3,
        };
        let mut rig = Rig::new(shape, 1, Network::default(), seed);
        rig.aim(aim(0, 0, 2));
        rig.run(6);
        rig.aim(aim(0, 2, 2));
        assert_eq!(rig.selector.waiting_for(), Some(0));
        rig.overtaken = true;
        rig.run(1);
        rig.overtaken = false;
        assert_eq!(rig.selector.current(), aim(0, 2, 2), "{mode:?} {seed}");
        rig.run(6);
        assert_eq!(rig.selector.waiting_for(), None);
        let keys: BTreeSet<u64> = rig
            .frames
            .iter()
            .filter(|frame| frame.key)
            .map(|frame| frame.picture)
            .collect();
        assert_eq!(keys.len(), 2, "the first picture, and that which was asked for");
        rig.check_references();
        rig.check_whole_frames();
        rig.check_sequences();
        held_back += rig.held_back;
    }
    assert!(held_back > 0);
}

/// A run is long, so a quarter of the usual cases; `PROPTEST_CASES` makes them more.
fn config() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig {
        cases: usual.cases / 4,
        ..usual
    }
}

fn networks() -> impl Strategy<Value = Network> {
    prop_oneof![
        Just(Network::default()),
        (0u64..8).prop_map(|lost| Network {
            lost,
            ..Network::default()
        }),
        (0u64..6, 0u64..10, 0u64..25).prop_map(|(lost, repaired, jitter)| Network {
            lost,
            repaired,
            jitter
        }),
    ]
}
