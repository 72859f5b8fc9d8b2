use tertulia_turn::stun::{AttributeType, Class, Message, Method};
use tertulia_turn::{HEADROOM, Traffic, Transport};

use crate::support::{
    Client, MEDIA_V4, MEDIA_V6, World, address, channel_data, family_attribute, send_indication,
};

fn ana(world: &mut World, transport: Transport, peer: &str) -> (Client, tertulia_turn::RelayId) {
    let mut ana = Client::over(transport, "PA_ana", "198.51.100.7:4000");
    let family = if address(peer).is_ipv4() { 1 } else { 2 };
    let answer = ana.allocate(world, |writer| {
        family_attribute(writer, AttributeType::REQUESTED_ADDRESS_FAMILY, family);
    });
    let relay = world.relay_at(answer.relayed());
    (ana, relay)
}

#[test]
fn payloads_pass_in_indications() {
    for peer in [MEDIA_V4, MEDIA_V6] {
        for payload in [&b""[..], b"x", b"four", &[7; 1200]] {
            let mut world = World::new();
            let (mut ana, relay) = ana(&mut world, Transport::Udp, peer);
            assert_eq!(ana.permit(&mut world, &[peer]), 0);
            let sent = ana.send(&mut world, peer, payload).unwrap();
            assert_eq!(sent, (relay, address(peer), payload.to_vec()));

            let (to, bytes) = world.peer_sends(relay, peer, payload).unwrap();
            assert_eq!(to, ana.tuple);
            let message = Message::parse(&bytes).unwrap();
            assert_eq!(
                (message.class(), message.method()),
                (Class::Indication, Method::DATA)
            );
            let from = message.find(AttributeType::XOR_PEER_ADDRESS).unwrap();
            assert_eq!(message.address(from), Some(address(peer)));
            assert_eq!(message.find(AttributeType::DATA), Some(payload));
            let traffic = Traffic {
                packets: 1,
                bytes: payload.len() as u64,
            };
            assert_eq!(world.server.stats().to_peers, traffic);
            assert_eq!(world.server.stats().to_clients, traffic);
        }
    }
}

#[test]
fn data_indications_have_transactions_of_their_own() {
    let mut world = World::new();
    let (mut ana, relay) = ana(&mut world, Transport::Udp, MEDIA_V4);
    ana.permit(&mut world, &[MEDIA_V4]);
    let mut next = || {
        let (_, bytes) = world.peer_sends(relay, MEDIA_V4, b"x").unwrap();
        Message::parse(&bytes).unwrap().transaction()
    };
    assert_ne!(next(), next());
}

#[test]
fn payloads_pass_on_channels() {
    for transport in [Transport::Udp, Transport::Tcp, Transport::Tls] {
        for peer in [MEDIA_V4, MEDIA_V6] {
            for payload in [&b""[..], b"x", b"four", &[7; 1201]] {
                let mut world = World::new();
                let (mut ana, relay) = ana(&mut world, transport, peer);
                assert_eq!(ana.bind_channel(&mut world, 0x4123, peer), 0);
                let sent = ana.send_on_channel(&mut world, 0x4123, payload).unwrap();
                assert_eq!(sent, (relay, address(peer), payload.to_vec()));

                let (to, bytes) = world.peer_sends(relay, peer, payload).unwrap();
                assert_eq!(to, ana.tuple);
                let mut expected = channel_data(0x4123, payload);
                if transport.is_stream() {
                    expected.resize(expected.len().next_multiple_of(4), 0);
                }
                assert_eq!(bytes, expected);
            }
        }
    }
}

#[test]
fn padding_on_a_stream_is_no_payload() {
    let mut world = World::new();
    let (mut ana, _) = ana(&mut world, Transport::Tcp, MEDIA_V4);
    ana.bind_channel(&mut world, 0x4000, MEDIA_V4);
    let mut packet = channel_data(0x4000, b"hello");
    packet.resize(12, 0);
    let sent = world.server.handle_client(world.now, ana.tuple, &packet).unwrap();
    assert_eq!(sent.payload, b"hello");
}

#[test]
fn only_peers_and_clients_that_may_are_heard() {
    let mut world = World::new();
    let (mut ana, relay) = ana(&mut world, Transport::Udp, MEDIA_V4);
    ana.bind_channel(&mut world, 0x4000, MEDIA_V4);
    let eve = Client::new("PA_eve", "198.51.100.9:4000");
    assert_eq!(eve.send(&mut world, MEDIA_V4, b"x"), None);
    assert_eq!(eve.send_on_channel(&mut world, 0x4000, b"x"), None);
    assert_eq!(ana.send_on_channel(&mut world, 0x4001, b"x"), None);
    let over_tcp = Client::over(Transport::Tcp, "PA_ana", "198.51.100.7:4000");
    assert_eq!(over_tcp.send_on_channel(&mut world, 0x4000, b"x"), None);
    assert_eq!(world.peer_sends(relay, "203.0.113.1:10000", b"x"), None);
    // The permission is for the address, the policy for the socket.
    assert_eq!(world.peer_sends(relay, "192.0.2.20:53", b"x"), None);
    assert_eq!(world.server.stats().unsolicited, 6);
}

#[test]
fn nothing_passes_once_the_allocation_is_over() {
    let mut world = World::new();
    let (mut ana, relay) = ana(&mut world, Transport::Udp, MEDIA_V4);
    ana.refresh(&mut world, 600);
    world.advance(400);
    ana.bind_channel(&mut world, 0x4000, MEDIA_V4);
    // Even if nobody has called `handle_timeout` yet.
    world.now += std::time::Duration::from_secs(200);
    assert_eq!(ana.send_on_channel(&mut world, 0x4000, b"x"), None);
    assert_eq!(ana.send(&mut world, MEDIA_V4, b"x"), None);
    assert_eq!(world.peer_sends(relay, MEDIA_V4, b"x"), None);
    world.advance(0);
    // A later allocation, perhaps in the same place, is not what the old name means.
    let again = ana.relay(&mut world);
    ana.bind_channel(&mut world, 0x4000, MEDIA_V4);
    assert_ne!(again, relay);
    assert_eq!(world.peer_sends(relay, MEDIA_V4, b"x"), None);
    assert!(world.peer_sends(again, MEDIA_V4, b"x").is_some());
}

#[test]
fn the_wish_not_to_fragment_is_passed_on() {
    let mut world = World::with(|config| config.dont_fragment = true);
    let (mut ana, _) = ana(&mut world, Transport::Udp, MEDIA_V4);
    ana.permit(&mut world, &[MEDIA_V4]);
    let mut writer = tertulia_turn::stun::Writer::new(
        Class::Indication,
        Method::SEND,
        tertulia_turn::stun::TransactionId([1; 12]),
    );
    writer
        .address(AttributeType::XOR_PEER_ADDRESS, address(MEDIA_V4))
        .attribute(AttributeType::DONT_FRAGMENT, &[])
        .attribute(AttributeType::DATA, b"x");
    let packet = writer.finish();
    let send = |world: &mut World, packet: &[u8]| {
        let sent = world.server.handle_client(world.now, ana.tuple, packet);
        sent.map(|sent| sent.dont_fragment)
    };
    assert_eq!(send(&mut world, &packet), Some(true));
    assert_eq!(send(&mut world, &send_indication(MEDIA_V4, b"x")), Some(false));
    // Where the sockets cannot, the attribute is one we do not understand (RFC 8656 §15).
    let mut cannot = World::new();
    let (mut ana, _) = self::ana(&mut cannot, Transport::Udp, MEDIA_V4);
    ana.permit(&mut cannot, &[MEDIA_V4]);
    assert_eq!(cannot.server.handle_client(cannot.now, ana.tuple, &packet), None);
}

#[test]
fn an_indication_that_is_not_understood_is_dropped() {
    let mut world = World::new();
    let (mut ana, _) = ana(&mut world, Transport::Udp, MEDIA_V4);
    ana.permit(&mut world, &[MEDIA_V4]);
    let build = |kinds: &[AttributeType]| {
        let id = tertulia_turn::stun::TransactionId([1; 12]);
        let mut writer = tertulia_turn::stun::Writer::new(Class::Indication, Method::SEND, id);
        for kind in kinds {
            match *kind {
                AttributeType::XOR_PEER_ADDRESS => writer.address(*kind, address(MEDIA_V4)),
                kind => writer.attribute(kind, b"x"),
            };
        }
        writer.finish()
    };
    let (peer, data) = (AttributeType::XOR_PEER_ADDRESS, AttributeType::DATA);
    for (kinds, passes) in [
        (&[peer, data][..], true),
        (&[data, peer], true),
        (&[peer], false),
        (&[data], false),
        (&[], false),
        (&[peer, data, AttributeType(0x7abc)], false),
        (&[peer, data, AttributeType(0xfabc)], true),
    ] {
        let packet = build(kinds);
        let sent = world.server.handle_client(world.now, ana.tuple, &packet);
        assert_eq!(sent.is_some(), passes, "{kinds:?}");
    }
}

#[test]
fn a_buffer_without_room_for_the_header_costs_only_the_packet() {
    let mut world = World::new();
    let (mut ana, relay) = ana(&mut world, Transport::Tcp, MEDIA_V4);
    ana.permit(&mut world, &[MEDIA_V4]);
    let peer = address(MEDIA_V4);
    for (length, range) in [
        (100, 0..100),
        (100, 35..100),
        (HEADROOM + 5, HEADROOM..HEADROOM + 5),
    ] {
        let mut buffer = vec![0; length];
        let sent = world
            .server
            .handle_peer(world.now, relay, peer, &mut buffer, range.clone());
        assert_eq!(sent, None, "{range:?} of {length}");
    }
    let mut huge = vec![0; HEADROOM + 65_536 + 3];
    let range = HEADROOM..HEADROOM + 65_536;
    assert_eq!(
        world.server.handle_peer(world.now, relay, peer, &mut huge, range),
        None
    );
}

#[test]
fn frames_may_be_long_for_those_who_hold_an_allocation() {
    let mut world = World::new();
    let mut ana = Client::over(Transport::Tls, "PA_ana", "198.51.100.7:4000");
    assert_eq!(
        world.server.frame_limit(ana.tuple),
        tertulia_turn::Framer::CONTROL_LIMIT
    );
    ana.relay(&mut world);
    assert_eq!(
        world.server.frame_limit(ana.tuple),
        tertulia_turn::Framer::DATA_LIMIT
    );
}
