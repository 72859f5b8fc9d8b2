//! The attack list's tests by number; N3, N4 and N5 stand with limits and credentials, more of N6 with the codec.

use tertulia_turn::stun::{AttributeType, Class, Method, TransactionId, Writer};
use tertulia_turn::{Network, is_for_server};

use crate::support::{Client, MEDIA_V4, RELAY_V4, World, address, channel_data, family_attribute};

/// Addresses of every special range, and of IPv4 in every disguise.
const SPECIAL: [&str; 46] = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.254",
    "192.0.0.1",
    "192.0.0.170",
    "192.0.2.1",
    "192.31.196.1",
    "192.52.193.1",
    "192.88.99.1",
    "192.168.0.1",
    "192.175.48.1",
    "198.18.0.1",
    "198.19.255.254",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:0.0.0.0",
    "::ffff:192.0.2.20",
    "::ffff:8.8.8.8",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:2::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "3fff::1",
    "5f00::1",
    "fd00::1",
    "fe80::1",
    "ff02::1",
];

fn socket(ip: &str, port: u16) -> String {
    if ip.contains(':') {
        format!("[{ip}]:{port}")
    } else {
        format!("{ip}:{port}")
    }
}

fn both_families(world: &mut World, client: &mut Client) {
    let answer = client.allocate(world, |writer| {
        family_attribute(writer, AttributeType::ADDITIONAL_ADDRESS_FAMILY, 2);
    });
    assert_eq!(answer.code(), 0);
}

fn check_forbidden(world: &mut World, client: &mut Client, peer: &str) {
    let sent_before = world.server.stats().to_peers.packets;
    assert_eq!(client.permit(world, &[peer]), 403, "CreatePermission {peer}");
    assert_eq!(
        client.bind_channel(world, 0x4001, peer),
        403,
        "ChannelBind {peer}"
    );
    let connect = client.request(world, Method::CONNECT, |writer| {
        writer.address(AttributeType::XOR_PEER_ADDRESS, address(peer));
    });
    assert_eq!(connect.code(), 403, "Connect {peer}");
    // Indications have no answers.
    assert_eq!(
        client.send(world, peer, b"GET /latest/meta-data"),
        None,
        "Send {peer}"
    );
    assert_eq!(world.server.stats().to_peers.packets, sent_before);
}

fn patient(config: &mut tertulia_turn::Config) {
    config.limits.per_allocation.burst = 100_000;
}

/// N1: by default nobody but the exact sockets of our own media and relays is a peer.
#[test]
fn n1_special_ranges_are_refused() {
    let mut world = World::with(patient);
    let mut ana = Client::new("PA_ana", "198.51.100.7:4000");
    both_families(&mut world, &mut ana);
    for ip in SPECIAL.iter().chain(&["8.8.8.8", "2606:4700::1"]) {
        for port in [0, 22, 80, 10000] {
            check_forbidden(&mut world, &mut ana, &socket(ip, port));
        }
    }
}

/// N1: the same where relays may reach the whole Internet.
#[test]
fn n1_special_ranges_are_refused_however_wide_the_policy() {
    let mut world = World::with(|config| {
        patient(config);
        config.peers.allow_public();
        config.peers.protect("9.9.9.9".parse().unwrap());
    });
    let mut ana = Client::new("PA_ana", "198.51.100.7:4000");
    both_families(&mut world, &mut ana);
    for ip in SPECIAL {
        check_forbidden(&mut world, &mut ana, &socket(ip, 10000));
    }
    check_forbidden(&mut world, &mut ana, "9.9.9.9:53");
    assert_eq!(ana.permit(&mut world, &["8.8.8.8:53"]), 0);
    assert_eq!(ana.permit(&mut world, &["[2606:4700::1]:53"]), 0);
    assert!(ana.send(&mut world, "8.8.8.8:54", b"x").is_some());
}

/// N1: our own addresses have other ports, which are not for clients.
#[test]
fn n1_our_own_ports_are_refused_save_media_and_relays() {
    for wide in [false, true] {
        let mut world = World::with(|config| {
            patient(config);
            if wide {
                let network = Network::new("192.0.2.0".parse().unwrap(), 24).unwrap();
                config.peers.allow_network(network).unwrap();
            }
        });
        let mut ana = Client::new("PA_ana", "198.51.100.7:4000");
        both_families(&mut world, &mut ana);
        let media = address(MEDIA_V4).ip().to_string();
        for port in [22, 80, 443, 3478, 7880, 9999, 10001] {
            check_forbidden(&mut world, &mut ana, &socket(&media, port));
            check_forbidden(&mut world, &mut ana, &socket(RELAY_V4, port));
        }
        let taken: Vec<u16> = world.sockets.values().map(|(_, port)| *port).collect();
        let free = (50_000..50_100).find(|port| !taken.contains(port)).unwrap();
        check_forbidden(&mut world, &mut ana, &socket(RELAY_V4, free));
        assert_eq!(ana.permit(&mut world, &[MEDIA_V4]), 0);
        assert!(ana.send(&mut world, MEDIA_V4, b"x").is_some());
        assert_eq!(ana.send(&mut world, &socket(&media, 22), b"x"), None);
        let elsewhere = ana.permit(&mut world, &["192.0.2.200:22"]);
        assert_eq!(elsewhere, if wide { 0 } else { 403 });
    }
}

/// N2: TCP towards peers.
#[test]
fn n2_tcp_allocations_are_refused() {
    let mut world = World::new();
    let before = world.server.held();
    let mut ana = Client::new("PA_ana", "198.51.100.7:4000");
    let answer = ana.request(&mut world, Method::ALLOCATE, |writer| {
        writer.attribute(AttributeType::REQUESTED_TRANSPORT, &[6, 0, 0, 0]);
    });
    assert_eq!(answer.code(), 442);
    assert_eq!(world.server.held(), before);
    ana.relay(&mut world);
    let bind = ana.request(&mut world, Method::CONNECTION_BIND, |writer| {
        writer.attribute(AttributeType(0x802a), &[0, 0, 0, 1]);
    });
    assert_eq!(bind.code(), 403);
}

/// N6: broken messages are dropped without a word.
#[test]
fn n6_broken_messages_are_dropped() {
    let mut world = World::new();
    let mut ana = Client::new("PA_ana", "198.51.100.7:4000");
    ana.relay(&mut world);
    let before = world.server.held();
    let whole = ana.sign(world.transaction(), Method::REFRESH, |writer| {
        writer.word(AttributeType::LIFETIME, 0);
    });
    let mut broken = 0;
    let mut check = |packet: &[u8]| {
        broken += 1;
        assert!(world.send(ana.tuple, packet).is_none(), "{packet:02x?}");
        assert_eq!(world.server.stats().malformed, broken);
    };
    for length in 0..whole.len() {
        check(&whole[..length]);
    }
    let mut twice = Writer::new(Class::Request, Method::REFRESH, TransactionId([1; 12]));
    twice
        .attribute(AttributeType::MESSAGE_INTEGRITY, &[0; 20])
        .attribute(AttributeType::MESSAGE_INTEGRITY, &[0; 20]);
    check(&twice.finish());
    let mut wrong = Writer::new(Class::Request, Method::REFRESH, TransactionId([1; 12]));
    wrong.attribute(AttributeType::FINGERPRINT, &[0; 4]);
    check(&wrong.finish());
    assert_eq!(world.server.held(), before);
}

#[test]
fn messages_that_are_for_a_client_are_ignored() {
    let mut world = World::new();
    let mut ana = Client::new("PA_ana", "198.51.100.7:4000");
    ana.relay(&mut world);
    for class in [Class::Success, Class::Error, Class::Indication] {
        for method in [
            Method::BINDING,
            Method::ALLOCATE,
            Method::DATA,
            Method(0x00c),
            Method(0xfff),
        ] {
            let packet = Writer::new(class, method, TransactionId([1; 12])).finish();
            assert!(world.send(ana.tuple, &packet).is_none());
        }
    }
    let unknown = Writer::new(Class::Request, Method(0x7ff), TransactionId([1; 12])).finish();
    assert!(world.send(ana.tuple, &unknown).is_none());
}

/// N10: channel data whose length or number is wrong.
#[test]
fn n10_wrong_channel_data_is_dropped() {
    let mut world = World::new();
    let mut ana = Client::new("PA_ana", "198.51.100.7:4000");
    ana.relay(&mut world);
    assert_eq!(ana.bind_channel(&mut world, 0x4000, MEDIA_V4), 0);
    let good = channel_data(0x4000, b"hello");
    let mut check = |packet: &[u8]| {
        assert_eq!(
            world.server.handle_client(world.now, ana.tuple, packet),
            None,
            "{packet:02x?}"
        );
        assert_eq!(world.server.poll_action(), None);
    };
    for length in 0..good.len() {
        check(&good[..length]);
    }
    let mut long = good.clone();
    long[2..4].copy_from_slice(&[0xff, 0xff]);
    check(&long);
    for number in [0x3fff, 0x4001, 0x7fff, 0x8000, 0xffff] {
        check(&channel_data(number, b"hello"));
    }
    assert!(ana.send_on_channel(&mut world, 0x4000, b"hello").is_some());
}

#[test]
fn what_is_for_the_server_is_told_from_ice_and_media() {
    let request = |method| Writer::new(Class::Request, method, TransactionId([1; 12]));
    let check = |packet: &[u8], expected| assert_eq!(is_for_server(packet), expected, "{packet:02x?}");
    check(&request(Method::BINDING).finish(), true);
    check(&request(Method::ALLOCATE).finish(), true);
    check(&request(Method::REFRESH).finish(), true);
    check(&channel_data(0x4000, b"x"), true);
    check(&crate::support::send_indication(MEDIA_V4, b"x"), true);
    let mut ice = request(Method::BINDING);
    ice.attribute(AttributeType::USERNAME, b"abcd:efgh")
        .attribute(AttributeType::MESSAGE_INTEGRITY, &[0; 20])
        .fingerprint();
    check(&ice.finish(), false);
    check(
        &Writer::new(Class::Success, Method::BINDING, TransactionId([1; 12])).finish(),
        false,
    );
    check(
        &Writer::new(Class::Indication, Method::BINDING, TransactionId([1; 12])).finish(),
        false,
    );
    check(&[0x16, 0xfe, 0xff, 0], false);
    check(&[0x80, 0x60, 0, 1], false);
    check(&[], false);
}
