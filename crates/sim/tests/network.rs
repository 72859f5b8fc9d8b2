//! Stories of networks that differ by direction and change over time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::time::Duration;

use tertulia_sim::{Link, Path, PeerKey, Sim};

const SECOND: Duration = Duration::from_secs(1);

fn enter(sim: &mut Sim, name: &str, path: impl Into<Path>) -> PeerKey {
    let key = sim.join(name, path);
    sim.publish_microphone(key);
    sim.publish_camera(key);
    key
}

#[test]
fn through_a_tunnel_sound_goes_on_and_the_picture_comes_back() {
    let mut sim = Sim::new(21);
    let ana = enter(&mut sim, "ana", Link::good());
    let ben = enter(&mut sim, "ben", Link::good());
    sim.run(8 * SECOND);
    assert_eq!(sim.shown(ben, ana).unwrap().layer(), Some(2));
    let tunnel = "
        at 0s  down rate=260k queue=1s
        at 10s down rate=4M
    ";
    sim.play(ben, &tunnel.parse().unwrap());
    sim.run(10 * SECOND);
    // In the tunnel, once the sender has noticed: most of the 250 packets of sound, and a smaller picture that moves.
    assert!(sim.packets_heard(ben, ana, 5 * SECOND) > 200);
    assert!(sim.pictures_shown(ben, ana, 5 * SECOND) > 15);
    assert!(sim.shown(ben, ana).unwrap().layer() < Some(2));
    let grown = sim.run_until(60 * SECOND, |sim| sim.shown(ben, ana).unwrap().layer() == Some(2));
    assert!(grown);
}

#[test]
fn losses_on_the_way_up_are_no_losses_on_the_way_down() {
    let mut sim = Sim::new(22);
    let mut path = Path::from(Link::good());
    path.up.loss = 1.0;
    let ana = enter(&mut sim, "ana", Link::good());
    let ben = enter(&mut sim, "ben", Link::good());
    sim.run(5 * SECOND);
    sim.relink(ben, path);
    sim.run(2 * SECOND);
    assert!(sim.packets_heard(ben, ana, SECOND) > 45);
    assert_eq!(sim.packets_heard(ana, ben, SECOND), 0);
}

#[test]
fn bursts_are_repaired() {
    let mut sim = Sim::new(23);
    let mut path = Path::from(Link::good());
    // Spells of four packets, two in a hundred packets in all.
    path.down.bursts = Some(
        "bursts=0.5%/25%"
            .parse::<tertulia_sim::Conditions>()
            .unwrap()
            .bursts
            .unwrap(),
    );
    let ana = enter(&mut sim, "ana", Link::good());
    let ben = enter(&mut sim, "ben", path);
    sim.run(10 * SECOND);
    assert!(sim.pictures_shown(ben, ana, 5 * SECOND) > 25);
    assert!(sim.packets_heard(ben, ana, 5 * SECOND) > 235);
    assert!(sim.shown(ben, ana).unwrap().is_in_order());
}
