use std::time::Duration;

use tertulia_turn::stun::{AttributeType, Class, Method, Writer};
use tertulia_turn::{Family, Held, Transport};

use crate::support::{Client, REALM, RELAY_V4, RELAY_V6, World, address, family_attribute};

const V4: u8 = 1;
const V6: u8 = 2;

fn want_family(code: u8) -> impl Fn(&mut Writer) {
    move |writer| family_attribute(writer, AttributeType::REQUESTED_ADDRESS_FAMILY, code)
}

fn want_both(writer: &mut Writer) {
    family_attribute(writer, AttributeType::ADDITIONAL_ADDRESS_FAMILY, V6);
}

fn want_pair(writer: &mut Writer) {
    writer.attribute(AttributeType::EVEN_PORT, &[0x80]);
}

#[test]
fn a_client_is_challenged_and_then_gets_a_relayed_address() {
    let mut world = World::new();
    let mut ana = Client::new("PA_ana", "198.51.100.7:4000");
    let id = world.transaction();
    let mut bare = Writer::new(Class::Request, Method::ALLOCATE, id);
    bare.attribute(AttributeType::REQUESTED_TRANSPORT, &[17, 0, 0, 0]);
    let challenge = world.send(ana.tuple, &bare.finish()).unwrap();
    let message = challenge.message();
    assert_eq!(challenge.code(), 401);
    assert_eq!(message.text(AttributeType::REALM), Some(REALM));
    assert!(
        message
            .text(AttributeType::NONCE)
            .unwrap()
            .starts_with("obMatJos2gAAA")
    );
    let algorithms = message.find(AttributeType::PASSWORD_ALGORITHMS);
    assert_eq!(algorithms, Some(&[0, 2, 0, 0, 0, 1, 0, 0][..]));

    let answer = ana.allocate(&mut world, |_| {});
    assert_eq!(answer.code(), 0);
    let relayed = answer.relayed();
    assert_eq!(relayed.ip(), address("192.0.2.10:0").ip());
    assert!((50_000..=50_099).contains(&relayed.port()));
    assert_eq!(
        answer.addresses(AttributeType::XOR_MAPPED_ADDRESS),
        [ana.tuple.source]
    );
    assert_eq!(answer.lifetime(), 600);
    assert_eq!(
        world.sockets.values().collect::<Vec<_>>(),
        [&(Family::V4, relayed.port())]
    );
}

#[test]
fn an_answer_that_was_lost_is_given_again() {
    let mut world = World::new();
    let mut ana = Client::new("PA_ana", "198.51.100.7:4000");
    ana.nonce = b"stale".to_vec();
    assert_eq!(ana.refresh(&mut world, 600).code(), 437);
    let id = world.transaction();
    let packet = ana.sign(id, Method::ALLOCATE, |writer| {
        writer.attribute(AttributeType::REQUESTED_TRANSPORT, &[17, 0, 0, 0]);
    });
    let first = world.send(ana.tuple, &packet).unwrap();
    world.advance(30);
    let again = world.send(ana.tuple, &packet).unwrap();
    assert_eq!(first.bytes, again.bytes);
    assert_eq!(world.server.held().allocations, 1);
    // Another transaction means another allocation, which one client cannot have.
    assert_eq!(ana.allocate(&mut world, |_| {}).code(), 437);
}

#[test]
fn the_family_is_the_client_s_choice_among_what_is_offered() {
    let mut world = World::new();
    let check = |world: &mut World, port: u16, family: u8, expected: &str| {
        let mut client = Client::new("PA_ana", &format!("198.51.100.7:{port}"));
        let answer = client.allocate(world, want_family(family));
        assert_eq!(answer.relayed().ip().to_string(), expected);
    };
    check(&mut world, 1, V4, RELAY_V4);
    check(&mut world, 2, V6, RELAY_V6);
    let mut odd = Client::new("PA_ana", "198.51.100.7:3");
    assert_eq!(odd.allocate(&mut world, want_family(3)).code(), 440);

    let mut only_v6 = World::with(|config| config.relay_v4 = None);
    let mut ana = Client::new("PA_ana", "[2001:db8:1::7]:4000");
    assert_eq!(
        ana.allocate(&mut only_v6, |_| {}).code(),
        440,
        "IPv4 is what is meant by default"
    );
    assert_eq!(ana.allocate(&mut only_v6, want_family(V6)).code(), 0);
}

#[test]
fn both_families_can_be_had_at_once() {
    let mut world = World::new();
    let mut ana = Client::new("PA_ana", "198.51.100.7:4000");
    let answer = ana.allocate(&mut world, want_both);
    let relayed = answer.addresses(AttributeType::XOR_RELAYED_ADDRESS);
    let ips: Vec<String> = relayed.iter().map(|address| address.ip().to_string()).collect();
    assert_eq!(ips, [RELAY_V4, RELAY_V6]);
    assert_eq!(answer.message().find(AttributeType::ADDRESS_ERROR_CODE), None);

    for (family, code) in [(Family::V4, V4), (Family::V6, V6)] {
        let mut half = World::with(|config| match family {
            Family::V4 => config.relay_v4 = None,
            Family::V6 => config.relay_v6 = None,
        });
        let mut ana = Client::new("PA_ana", "198.51.100.7:4000");
        let answer = ana.allocate(&mut half, want_both);
        assert_eq!(answer.addresses(AttributeType::XOR_RELAYED_ADDRESS).len(), 1);
        let error = answer.message().find(AttributeType::ADDRESS_ERROR_CODE).unwrap();
        assert_eq!(&error[..4], [code, 0, 4, 40]);
    }

    let mut none = World::with(|config| (config.relay_v4, config.relay_v6) = (None, None));
    assert_eq!(ana_anew().allocate(&mut none, want_both).code(), 440);
    assert_eq!(none.server.held().allocations, 0);
}

fn ana_anew() -> Client {
    Client::new("PA_ana", "198.51.100.7:4000")
}

#[test]
fn an_even_port_can_be_asked_for() {
    let mut world = World::new();
    for port in 1..=10 {
        let mut client = Client::new("PA_ana", &format!("198.51.100.7:{port}"));
        let answer = client.allocate(&mut world, |writer| {
            writer.attribute(AttributeType::EVEN_PORT, &[0]);
        });
        assert_eq!(answer.relayed().port() % 2, 0);
        assert_eq!(answer.message().find(AttributeType::RESERVATION_TOKEN), None);
    }
}

#[test]
fn the_next_port_can_be_set_aside_and_had_later() {
    let mut world = World::new();
    let mut ana = Client::new("PA_ana", "198.51.100.7:4000");
    let answer = ana.allocate(&mut world, want_pair);
    let token = answer
        .message()
        .find(AttributeType::RESERVATION_TOKEN)
        .unwrap()
        .to_vec();
    let redeem = |writer: &mut Writer| {
        writer.attribute(AttributeType::RESERVATION_TOKEN, &token);
    };
    assert_eq!(answer.relayed().port() % 2, 0);
    assert_eq!((world.sockets.len(), world.server.held().reservations), (2, 1));

    let mut eve = Client::new("PA_eve", "198.51.100.9:4000");
    assert_eq!(eve.allocate(&mut world, redeem).code(), 508, "it is ana's");
    let mut second = Client::new("PA_ana", "198.51.100.7:4001");
    let later = second.allocate(&mut world, redeem);
    assert_eq!(later.relayed().port(), answer.relayed().port() + 1);
    assert_eq!((world.sockets.len(), world.server.held().reservations), (2, 0));
    let mut third = Client::new("PA_ana", "198.51.100.7:4002");
    assert_eq!(
        third.allocate(&mut world, redeem).code(),
        508,
        "a token is good once"
    );
}

#[test]
fn what_was_set_aside_is_free_again_after_thirty_seconds() {
    let mut world = World::new();
    let free = world.server.held().free_ports;
    let mut ana = ana_anew();
    let answer = ana.allocate(&mut world, want_pair);
    let token = answer
        .message()
        .find(AttributeType::RESERVATION_TOKEN)
        .unwrap()
        .to_vec();
    world.advance(29);
    assert_eq!(world.sockets.len(), 2);
    world.advance(1);
    assert_eq!(
        (world.sockets.len(), world.server.held().free_ports),
        (1, free - 1)
    );
    let mut late = Client::new("PA_ana", "198.51.100.7:4001");
    let answer = late.allocate(&mut world, |writer| {
        writer.attribute(AttributeType::RESERVATION_TOKEN, &token);
    });
    assert_eq!(answer.code(), 508);
}

#[test]
fn lifetimes_are_bounded() {
    for (asked, granted) in [(0, 600), (30, 600), (900, 900), (3600, 3600), (u32::MAX, 3600)] {
        let mut world = World::new();
        let answer = ana_anew().allocate(&mut world, |writer| {
            writer.word(AttributeType::LIFETIME, asked);
        });
        assert_eq!(answer.lifetime(), granted, "{asked} s asked for");
    }
}

#[test]
fn a_port_that_others_use_is_passed_over() {
    let mut world = World::new();
    world.can_bind = |port| port % 4 == 2 || port % 4 == 3;
    let free = world.server.held().free_ports;
    for port in 1..=8 {
        let mut client = Client::new("PA_ana", &format!("198.51.100.7:{port}"));
        let answer = client.allocate(&mut world, |_| {});
        assert_eq!(answer.code(), 0);
    }
    let answer = Client::new("PA_bob", "198.51.100.8:1").allocate(&mut world, want_pair);
    assert_eq!(
        (answer.code(), answer.relayed().port() % 4),
        (0, 2),
        "both of a pair must be free"
    );
    assert_eq!(world.server.held().free_ports, free - 10);
    assert_eq!(world.sockets.len(), 10);
}

#[test]
fn when_no_port_can_be_bound_nothing_is_left_behind() {
    let mut world = World::new();
    let before = world.server.held();
    world.can_bind = |_| false;
    assert_eq!(ana_anew().allocate(&mut world, |_| {}).code(), 508);
    assert_eq!(ana_anew().allocate(&mut world, want_pair).code(), 508);
    assert_eq!(ana_anew().allocate(&mut world, want_both).code(), 508);
    assert_eq!(world.server.held(), before);
    assert!(world.sockets.is_empty());
}

#[test]
fn when_all_ports_are_taken_the_answer_says_so() {
    let mut world = World::with(|config| config.ports = 50_000..=50_001);
    let mut codes = Vec::new();
    for port in 1..=3 {
        codes.push(
            Client::new("PA_ana", &format!("198.51.100.7:{port}"))
                .allocate(&mut world, |_| {})
                .code(),
        );
    }
    assert_eq!(codes, [0, 0, 508]);
}

#[test]
fn binding_that_is_never_answered_ends() {
    let mut world = World::new();
    let before = world.server.held();
    world.binds = false;
    let mut ana = ana_anew();
    ana.nonce = b"stale".to_vec();
    ana.refresh(&mut world, 0);
    let packet = ana.sign(world.transaction(), Method::ALLOCATE, |writer| {
        writer.attribute(AttributeType::REQUESTED_TRANSPORT, &[17, 0, 0, 0]);
    });
    assert!(world.send(ana.tuple, &packet).is_none());
    assert!(
        world.send(ana.tuple, &packet).is_none(),
        "asked again, nothing begins anew"
    );
    assert_eq!(world.server.held().relays, 1);
    assert_eq!(
        world.server.poll_timeout(),
        Some(world.now + Duration::from_secs(10))
    );
    world.advance(10);
    assert_eq!(world.server.held(), before);
}

#[test]
fn dont_fragment_is_refused_where_the_sockets_cannot() {
    let want = |writer: &mut Writer| {
        writer.attribute(AttributeType::DONT_FRAGMENT, &[]);
    };
    let mut cannot = World::new();
    let answer = ana_anew().allocate(&mut cannot, want);
    assert_eq!(answer.code(), 420);
    assert_eq!(
        answer.message().find(AttributeType::UNKNOWN_ATTRIBUTES),
        Some(&[0, 0x1a][..])
    );
    let mut can = World::with(|config| config.dont_fragment = true);
    assert_eq!(ana_anew().allocate(&mut can, want).code(), 0);
}

#[test]
fn what_is_not_understood_is_named() {
    let mut world = World::new();
    let answer = ana_anew().allocate(&mut world, |writer| {
        writer
            .attribute(AttributeType(0x7abc), &[1])
            .attribute(AttributeType(0xfabc), &[1])
            .attribute(AttributeType(0x7abd), &[]);
    });
    assert_eq!(answer.code(), 420);
    let unknown = answer.message().find(AttributeType::UNKNOWN_ATTRIBUTES);
    assert_eq!(unknown, Some(&[0x7a, 0xbc, 0x7a, 0xbd][..]));
}

#[test]
fn a_client_seen_through_a_dual_stack_socket_learns_its_ipv4_address() {
    let mut world = World::new();
    let mut ana = Client::over(Transport::Tcp, "PA_ana", "[::ffff:198.51.100.7]:4000");
    let answer = ana.allocate(&mut world, |_| {});
    assert_eq!(
        answer.addresses(AttributeType::XOR_MAPPED_ADDRESS),
        [address("198.51.100.7:4000")]
    );
}

#[test]
fn a_connection_that_closes_takes_its_allocation_along() {
    let mut world = World::new();
    let before = world.server.held();
    let mut ana = Client::over(Transport::Tls, "PA_ana", "198.51.100.7:4000");
    ana.relay(&mut world);
    world.server.handle_disconnect(ana.tuple);
    world.settle();
    assert_eq!(world.server.held(), Held { ..before });
    assert!(world.sockets.is_empty() && world.hung_up.is_empty());
}
