//! People come and go, publish and stop, over bad networks; those who stay see and hear each other.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::time::Duration;

use tertulia_sim::{Link, PeerKey, Sim};

const SECOND: Duration = Duration::from_secs(1);

fn check(seed: u64) {
    let mut sim = Sim::new(seed);
    let mut here: Vec<PeerKey> = Vec::new();
    let mut filming: Vec<PeerKey> = Vec::new();
    for number in 0..18 {
        let link = Link {
            latency: Duration::from_millis(10 + sim.draw(80) as u64),
            jitter: Duration::from_millis(sim.draw(15) as u64),
            loss: sim.draw(4) as f64 / 100.0,
            rate: None,
        };
        match sim.draw(4) {
            0 if here.len() > 3 => {
                let gone = here.remove(sim.draw(here.len()));
                filming.retain(|key| *key != gone);
                sim.leave(gone);
            }
            1 if filming.len() > 1 => {
                let stops = filming.remove(sim.draw(filming.len()));
                sim.unpublish_camera(stops);
            }
            _ if here.len() < 5 => {
                let key = sim.join(&format!("p{number}"), link);
                sim.publish_microphone(key);
                if sim.draw(3) > 0 {
                    sim.publish_camera(key);
                    filming.push(key);
                }
                here.push(key);
            }
            _ => {}
        }
        let pause = Duration::from_millis(100 + sim.draw(1_000) as u64);
        sim.run(pause);
    }
    sim.run(6 * SECOND);
    assert_eq!(sim.refused_offers(), 0, "seed {seed}");
    for viewer in &here {
        for publisher in here.iter().filter(|publisher| *publisher != viewer) {
            let heard = sim.packets_heard(*viewer, *publisher, 2 * SECOND);
            assert!(
                heard > 80,
                "seed {seed}: {viewer:?} heard {heard} packets of {publisher:?}"
            );
            let shown = sim.pictures_shown(*viewer, *publisher, 2 * SECOND);
            if filming.contains(publisher) {
                assert!(
                    shown > 10,
                    "seed {seed}: {viewer:?} showed {shown} pictures of {publisher:?}"
                );
                assert_eq!(
                    sim.shown(*viewer, *publisher).unwrap().contradictions,
                    0,
                    "seed {seed}"
                );
            } else {
                assert_eq!(shown, 0, "seed {seed}: {publisher:?} stopped");
            }
        }
    }
}

#[test]
fn those_who_stay_see_each_other() {
    check(11);
}

#[test]
fn those_who_stay_see_each_other_in_another_world() {
    check(12);
}
