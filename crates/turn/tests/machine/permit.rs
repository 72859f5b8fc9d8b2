use tertulia_turn::stun::{AttributeType, Method};
use tertulia_turn::{Network, Peers};

use crate::support::{Client, MEDIA_V4, MEDIA_V6, OTHER_V4, World, address};

fn network(text: &str, prefix: u8) -> Network {
    Network::new(text.parse().unwrap(), prefix).unwrap()
}

#[test]
fn a_permission_lasts_five_minutes() {
    let mut world = World::new();
    let mut ana = Client::new("PA_ana", "198.51.100.7:4000");
    let relay = ana.relay(&mut world);
    assert_eq!(ana.send(&mut world, MEDIA_V4, b"x"), None);
    assert_eq!(world.peer_sends(relay, MEDIA_V4, b"x"), None);
    assert_eq!(ana.permit(&mut world, &[MEDIA_V4]), 0);
    world.advance(299);
    assert!(ana.send(&mut world, MEDIA_V4, b"x").is_some());
    assert!(world.peer_sends(relay, MEDIA_V4, b"x").is_some());
    assert_eq!(
        ana.send(&mut world, OTHER_V4, b"x"),
        None,
        "each peer needs its own"
    );
    world.advance(1);
    assert_eq!(ana.send(&mut world, MEDIA_V4, b"x"), None);
    assert_eq!(world.peer_sends(relay, MEDIA_V4, b"x"), None);
    assert_eq!(ana.permit(&mut world, &[MEDIA_V4]), 0);
    assert!(ana.send(&mut world, MEDIA_V4, b"x").is_some());
}

#[test]
fn several_peers_are_permitted_together_or_not_at_all() {
    let mut world = World::new();
    let mut ana = Client::new("PA_ana", "198.51.100.7:4000");
    ana.relay(&mut world);
    assert_eq!(ana.permit(&mut world, &[MEDIA_V4, "203.0.113.1:10000"]), 403);
    assert_eq!(ana.send(&mut world, MEDIA_V4, b"x"), None);
    assert_eq!(ana.permit(&mut world, &[MEDIA_V4, OTHER_V4]), 0);
    assert!(ana.send(&mut world, MEDIA_V4, b"x").is_some());
    assert!(ana.send(&mut world, OTHER_V4, b"x").is_some());
}

#[test]
fn requests_about_no_peer_or_another_family_are_refused() {
    let mut world = World::new();
    let mut ana = Client::new("PA_ana", "198.51.100.7:4000");
    ana.relay(&mut world);
    assert_eq!(ana.permit(&mut world, &[]), 400);
    assert_eq!(ana.permit(&mut world, &[MEDIA_V6]), 443);
    assert_eq!(ana.bind_channel(&mut world, 0x4000, MEDIA_V6), 443);
    let broken = ana.request(&mut world, Method::CREATE_PERMISSION, |writer| {
        writer.attribute(AttributeType::XOR_PEER_ADDRESS, &[0, 1, 2]);
    });
    assert_eq!(broken.code(), 400);
}

#[test]
fn the_port_may_be_left_open() {
    let mut world = World::new();
    let mut ana = Client::new("PA_ana", "198.51.100.7:4000");
    ana.relay(&mut world);
    assert_eq!(ana.permit(&mut world, &["192.0.2.20:0"]), 0);
    assert!(ana.send(&mut world, MEDIA_V4, b"x").is_some());
    assert_eq!(ana.send(&mut world, "192.0.2.20:0", b"x"), None);
    assert_eq!(
        ana.send(&mut world, "192.0.2.20:22", b"x"),
        None,
        "only the socket itself is a peer"
    );
    assert_eq!(ana.permit(&mut world, &["192.0.2.22:0"]), 403);
    assert_eq!(ana.bind_channel(&mut world, 0x4000, "192.0.2.20:0"), 403);
}

#[test]
fn a_channel_lasts_ten_minutes_its_permission_five() {
    let mut world = World::new();
    let mut ana = Client::new("PA_ana", "198.51.100.7:4000");
    let relay = ana.relay(&mut world);
    assert_eq!(ana.refresh(&mut world, 3600).code(), 0);
    assert_eq!(ana.bind_channel(&mut world, 0x4000, MEDIA_V4), 0);
    world.advance(299);
    assert!(ana.send_on_channel(&mut world, 0x4000, b"x").is_some());
    world.advance(1);
    assert_eq!(ana.send_on_channel(&mut world, 0x4000, b"x"), None);
    assert_eq!(world.peer_sends(relay, MEDIA_V4, b"x"), None);
    assert_eq!(ana.permit(&mut world, &[MEDIA_V4]), 0);
    world.advance(299);
    assert!(ana.send_on_channel(&mut world, 0x4000, b"x").is_some());
    let (_, bytes) = world.peer_sends(relay, MEDIA_V4, b"x").unwrap();
    assert_eq!(bytes[..2], [0x40, 0]);
    assert_eq!(ana.permit(&mut world, &[MEDIA_V4]), 0);
    world.advance(1);
    assert_eq!(ana.send_on_channel(&mut world, 0x4000, b"x"), None);
    // The permission outlives the channel, so the peer's packets come in indications now.
    let (_, bytes) = world.peer_sends(relay, MEDIA_V4, b"x").unwrap();
    assert_eq!(bytes[..2], [0, 0x17]);
    assert_eq!(
        ana.bind_channel(&mut world, 0x4000, OTHER_V4),
        0,
        "the number is free again"
    );
}

#[test]
fn a_channel_and_a_peer_belong_together() {
    let mut world = World::new();
    let mut ana = Client::new("PA_ana", "198.51.100.7:4000");
    ana.relay(&mut world);
    assert_eq!(ana.bind_channel(&mut world, 0x4000, MEDIA_V4), 0);
    assert_eq!(
        ana.bind_channel(&mut world, 0x4000, MEDIA_V4),
        0,
        "again prolongs it"
    );
    assert_eq!(
        ana.bind_channel(&mut world, 0x4001, MEDIA_V4),
        400,
        "the peer has a number"
    );
    assert_eq!(
        ana.bind_channel(&mut world, 0x4000, OTHER_V4),
        400,
        "the number has a peer"
    );
    for number in [0, 0x3fff, 0x8000, 0xffff] {
        assert_eq!(ana.bind_channel(&mut world, number, OTHER_V4), 400, "{number:#x}");
    }
    assert_eq!(ana.bind_channel(&mut world, 0x7fff, OTHER_V4), 0);
}

#[test]
fn permissions_and_channels_of_an_allocation_are_bounded() {
    let open = |peers: &mut Peers| peers.allow_network(network("10.0.0.0", 8)).unwrap();
    let mut world = World::with(|config| {
        open(&mut config.peers);
        config.limits.per_allocation.burst = 1000;
    });
    let mut ana = Client::new("PA_ana", "198.51.100.7:4000");
    ana.relay(&mut world);
    for i in 0..64 {
        assert_eq!(
            ana.bind_channel(&mut world, 0x4000 + i, &format!("10.0.0.{i}:9")),
            0
        );
    }
    assert_eq!(ana.bind_channel(&mut world, 0x4100, "10.0.0.64:9"), 508);
    assert_eq!(ana.bind_channel(&mut world, 0x4100, "10.0.0.1:10"), 508);
    assert_eq!(ana.permit(&mut world, &["10.0.0.64:9"]), 508);
    assert_eq!(
        ana.permit(&mut world, &["10.0.0.63:9"]),
        0,
        "what is there can be refreshed"
    );
    assert_eq!(ana.bind_channel(&mut world, 0x4000, "10.0.0.0:9"), 0);
}

#[test]
fn a_peer_that_is_forbidden_later_is_cut_off_at_once() {
    let mut world = World::new();
    let mut ana = Client::new("PA_ana", "198.51.100.7:4000");
    let relay = ana.relay(&mut world);
    ana.bind_channel(&mut world, 0x4000, MEDIA_V4);
    ana.permit(&mut world, &[OTHER_V4]);
    world.server.peers_mut().forbid_socket(address(MEDIA_V4));
    assert_eq!(ana.send_on_channel(&mut world, 0x4000, b"x"), None);
    assert_eq!(world.peer_sends(relay, MEDIA_V4, b"x"), None);
    assert!(ana.send(&mut world, OTHER_V4, b"x").is_some());
    world.server.peers_mut().forbid_socket(address(OTHER_V4));
    assert_eq!(ana.send(&mut world, OTHER_V4, b"x"), None);
    assert_eq!(world.peer_sends(relay, OTHER_V4, b"x"), None);
    world.server.peers_mut().allow_socket(address(MEDIA_V4));
    assert!(ana.send_on_channel(&mut world, 0x4000, b"x").is_some());
}

#[test]
fn two_clients_reach_each_other_through_their_relayed_addresses() {
    let mut world = World::new();
    let mut ana = Client::new("PA_ana", "198.51.100.7:4000");
    let mut bob = Client::new("PA_bob", "203.0.113.9:5000");
    let at_ana = ana.relay(&mut world);
    let at_bob = bob.relay(&mut world);
    let relayed = |world: &World, relay| world.server.relayed_address(relay).unwrap().to_string();
    let (ana_relayed, bob_relayed) = (relayed(&world, at_ana), relayed(&world, at_bob));
    assert_eq!(ana.bind_channel(&mut world, 0x4000, &bob_relayed), 0);
    assert_eq!(bob.permit(&mut world, &[&ana_relayed]), 0);
    let (relay, peer, payload) = ana.send_on_channel(&mut world, 0x4000, b"hello").unwrap();
    assert_eq!((relay, peer.to_string()), (at_ana, bob_relayed.clone()));
    let (to, _) = world.peer_sends(at_bob, &ana_relayed, &payload).unwrap();
    assert_eq!(to, bob.tuple);
    // Once bob's relay is closed its port may be anybody's, so ana's channel leads nowhere.
    bob.refresh(&mut world, 0);
    assert_eq!(ana.send_on_channel(&mut world, 0x4000, b"hello"), None);
    assert_eq!(ana.permit(&mut world, &[&bob_relayed]), 403);
}
