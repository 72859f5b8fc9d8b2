//! Stories of meetings over good and bad networks, in virtual time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::time::Duration;

use tertulia_model::Quality;
use tertulia_sim::{Link, PeerKey, Sim};

const SECOND: Duration = Duration::from_secs(1);

fn lossy() -> Link {
    Link {
        latency: Duration::from_millis(35),
        jitter: Duration::from_millis(12),
        loss: 0.03,
        rate: None,
    }
}

/// Joins, and publishes microphone and camera.
fn enter(sim: &mut Sim, name: &str, link: Link) -> PeerKey {
    let key = sim.join(name, link);
    sim.publish_microphone(key);
    sim.publish_camera(key);
    key
}

/// That everybody sees and hears everybody else: at least so many pictures of ten and sound packets of fifty a second,
/// over the last five.
#[track_caller]
fn check_all_flows(sim: &Sim, who: &[PeerKey], pictures: usize, packets: usize) {
    let span = 5 * SECOND;
    for viewer in who {
        for publisher in who.iter().filter(|publisher| *publisher != viewer) {
            let shown = sim.pictures_shown(*viewer, *publisher, span);
            assert!(
                shown >= pictures * 5,
                "{viewer:?} showed {shown} pictures of {publisher:?}"
            );
            let heard = sim.packets_heard(*viewer, *publisher, span);
            assert!(
                heard >= packets * 5,
                "{viewer:?} heard {heard} packets of {publisher:?}"
            );
        }
    }
}

/// That what was received could have come from one encoder.
#[track_caller]
fn check_continuity(sim: &Sim, who: &[PeerKey]) {
    for viewer in who {
        for publisher in who.iter().filter(|publisher| *publisher != viewer) {
            let Some(shown) = sim.shown(*viewer, *publisher) else {
                continue;
            };
            assert_eq!(shown.contradictions, 0, "{viewer:?} of {publisher:?}");
            assert!(shown.is_in_order(), "{viewer:?} of {publisher:?}");
        }
    }
}

#[test]
fn three_people_see_and_hear_each_other() {
    let mut sim = Sim::new(1);
    let who = ["ana", "ben", "cy"].map(|name| enter(&mut sim, name, Link::good()));
    sim.run(8 * SECOND);
    check_all_flows(&sim, &who, 9, 48);
    check_continuity(&sim, &who);
    for viewer in who {
        for publisher in who.into_iter().filter(|publisher| *publisher != viewer) {
            assert_eq!(
                sim.shown(viewer, publisher).unwrap().missing_packets(),
                0,
                "nothing was lost, so nothing misses"
            );
        }
    }
    assert_eq!(sim.refused_offers(), 0);
}

#[test]
fn losses_are_repaired() {
    let mut sim = Sim::new(2);
    let who = ["ana", "ben", "cy"].map(|name| enter(&mut sim, name, lossy()));
    sim.run(10 * SECOND);
    // Twice three in a hundred are lost; pictures wait for their repair.
    check_all_flows(&sim, &who, 6, 42);
    check_continuity(&sim, &who);
}

#[test]
fn a_late_joiner_sees_a_picture_soon() {
    let mut sim = Sim::new(3);
    let ana = enter(&mut sim, "ana", Link::good());
    let ben = enter(&mut sim, "ben", Link::good());
    sim.run(8 * SECOND);
    let late = sim.join("cy", Link::good());
    let joined = sim.elapsed();
    let seen = sim.run_until(5 * SECOND, |sim| {
        [ana, ben]
            .iter()
            .all(|publisher| sim.pictures_shown(late, *publisher, SECOND) > 0)
    });
    assert!(seen);
    assert!(
        sim.elapsed() - joined < 2 * SECOND,
        "{:?}",
        sim.elapsed() - joined
    );
}

#[test]
fn a_viewer_gets_the_layer_it_wants_without_a_break() {
    let mut sim = Sim::new(4);
    let ana = enter(&mut sim, "ana", Link::good());
    let ben = sim.join("ben", Link::good());
    sim.run(6 * SECOND);
    assert_eq!(sim.shown(ben, ana).unwrap().layer(), Some(2));
    for (quality, layer) in [
        (Quality::Low, 0),
        (Quality::Medium, 1),
        (Quality::High, 2),
        (Quality::Low, 0),
    ] {
        sim.want(ben, ana, Some(quality));
        sim.run(3 * SECOND);
        assert_eq!(
            sim.shown(ben, ana).unwrap().layer(),
            Some(layer),
            "for {quality:?}"
        );
        assert!(sim.pictures_shown(ben, ana, 2 * SECOND) >= 17);
    }
    let shown = sim.shown(ben, ana).unwrap();
    assert_eq!(shown.missing_packets(), 0, "a switch leaves no gap");
    check_continuity(&sim, &[ben, ana]);
    sim.want(ben, ana, None);
    sim.run(2 * SECOND);
    assert_eq!(
        sim.pictures_shown(ben, ana, SECOND),
        0,
        "what is not shown is not sent"
    );
    sim.want(ben, ana, Some(Quality::High));
    sim.run(3 * SECOND);
    assert!(sim.pictures_shown(ben, ana, 2 * SECOND) >= 15);
}

#[test]
fn a_narrow_path_costs_the_picture_its_size_and_spares_the_sound() {
    let mut sim = Sim::new(5);
    let ana = enter(&mut sim, "ana", Link::good());
    let ben = sim.join(
        "ben",
        Link {
            rate: Some(260_000),
            ..Link::good()
        },
    );
    let settled = sim.run_until(40 * SECOND, |sim| {
        sim.shown(ben, ana).is_some_and(|shown| shown.layer() < Some(2))
            && sim.pictures_shown(ben, ana, 5 * SECOND) > 35
            && sim.packets_heard(ben, ana, 5 * SECOND) > 230
    });
    assert!(settled);
    let estimate = sim.estimate(ben).unwrap().as_bps();
    assert!((80_000..400_000).contains(&estimate), "{estimate}");
    // The path widens, and the picture grows again.
    sim.relink(ben, Link::good());
    assert!(sim.run_until(60 * SECOND, |sim| sim.shown(ben, ana).unwrap().layer() == Some(2)));
}

#[test]
fn a_change_of_credentials_breaks_nothing() {
    let mut sim = Sim::new(6);
    let who = ["ana", "ben"].map(|name| enter(&mut sim, name, Link::good()));
    sim.run(5 * SECOND);
    sim.roam(who[0]);
    sim.run(8 * SECOND);
    check_all_flows(&sim, &who, 8, 45);
    check_continuity(&sim, &who);
    assert_eq!(sim.refused_offers(), 0);
}

#[test]
fn messages_arrive_through_losses() {
    let mut sim = Sim::new(7);
    let ana = sim.join("ana", lossy());
    assert!(sim.run_until(20 * SECOND, |sim| sim.is_connected(ana)));
    sim.run(2 * SECOND);
    for number in 0..50_u8 {
        sim.send_message(ana, &vec![number; 2_000]);
        // Opening the channel may take a repetition or two.
        let sent = (0..100).any(|_| {
            let sent = sim.send_from_server(ana, &vec![number; 2_000]);
            sim.run(Duration::from_millis(50));
            sent
        });
        assert!(sent);
    }
    sim.run(8 * SECOND);
    let at_server: Vec<u8> = sim
        .messages_at_server()
        .into_iter()
        .map(|(_, contents)| contents[0])
        .collect();
    assert_eq!(at_server, (0..50).collect::<Vec<u8>>());
    let at_peer: Vec<u8> = sim
        .messages_at(ana)
        .iter()
        .map(|(_, contents)| contents[0])
        .collect();
    assert_eq!(at_peer, (0..50).collect::<Vec<u8>>());
}

#[test]
fn one_who_misbehaves_harms_nobody_else() {
    let mut sim = Sim::new(8);
    let who = ["ana", "ben"].map(|name| enter(&mut sim, name, Link::good()));
    let bad = enter(&mut sim, "mallory", Link::good());
    sim.run(4 * SECOND);
    for round in 0..200 {
        let length = sim.draw(400);
        let first = [0, 22, 128, 129, 200][sim.draw(5)];
        let mut bytes = vec![first; length];
        for byte in bytes.iter_mut().skip(1) {
            *byte = u8::try_from(sim.draw(256)).unwrap();
        }
        sim.throw(bad, &bytes);
        if round % 20 == 0 {
            assert!(sim.send_raw_offer(bad, "v=0\r\nnonsense\r\n"));
            assert!(sim.send_raw_offer(bad, HOSTILE));
        }
        sim.run(Duration::from_millis(20));
    }
    check_all_flows(&sim, &who, 9, 48);
    check_continuity(&sim, &who);
}

/// Well-formed, but of another session.
const HOSTILE: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
    m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=ice-ufrag:evil\r\n\
    a=ice-pwd:0123456789abcdef01234567\r\n\
    a=fingerprint:sha-1 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33\r\n\
    a=setup:actpass\r\na=sctp-port:5000\r\n";
