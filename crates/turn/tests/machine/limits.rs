use tertulia_turn::stun::{AttributeType, Class, Method, TransactionId, Writer};
use tertulia_turn::{FiveTuple, Rate, Transport};

use crate::support::{Client, World, address};

fn binding(id: u8) -> Vec<u8> {
    Writer::new(Class::Request, Method::BINDING, TransactionId([id; 12])).finish()
}

fn stranger(source: &str) -> FiveTuple {
    Client::new("PA_eve", source).tuple
}

/// N3: the thirteenth allocation, and ten thousand attempts.
#[test]
fn n3_a_session_has_twelve_allocations_at_most_and_the_pool_stays_intact() {
    let mut world = World::new();
    let free = world.server.held().free_ports;
    let mut codes = Vec::new();
    let mut clients: Vec<Client> = (0..13)
        .map(|i| Client::new("PA_ana", &format!("198.51.100.7:{}", 4000 + i)))
        .collect();
    for client in &mut clients {
        codes.push(client.allocate(&mut world, |_| {}).code());
    }
    assert_eq!(codes[..12], [0; 12]);
    assert_eq!(codes[12], 486);
    for i in 0..10_000_u32 {
        world.now += std::time::Duration::from_millis(10);
        let source = format!("198.51.{}.7:{}", i % 100, 10_000 + i / 2);
        let mut client = Client::new("PA_ana", &source);
        let answer = client.allocate(&mut world, |writer| {
            writer.attribute(AttributeType::EVEN_PORT, &[0x80]);
        });
        assert_eq!(answer.code(), 486);
    }
    let held = world.server.held();
    assert_eq!(
        (held.allocations, held.relays, held.free_ports),
        (12, 12, free - 12)
    );
    let mut bob = Client::new("PA_bob", "203.0.113.9:4000");
    assert_eq!(
        bob.allocate(&mut world, |_| {}).code(),
        0,
        "others are not held up"
    );
    assert_eq!(clients[0].refresh(&mut world, 0).code(), 0);
    assert_eq!(
        clients[12].allocate(&mut world, |_| {}).code(),
        0,
        "one may be replaced"
    );
}

#[test]
fn a_port_that_is_set_aside_counts() {
    let mut world = World::with(|config| config.limits.allocations_per_session = 2);
    let pair = |writer: &mut Writer| {
        writer.attribute(AttributeType::EVEN_PORT, &[0x80]);
    };
    let mut first = Client::new("PA_ana", "198.51.100.7:4000");
    assert_eq!(first.allocate(&mut world, pair).code(), 0);
    let mut second = Client::new("PA_ana", "198.51.100.7:4001");
    assert_eq!(second.allocate(&mut world, |_| {}).code(), 486);
    world.advance(30);
    assert_eq!(second.allocate(&mut world, |_| {}).code(), 0);
}

#[test]
fn networks_and_all_together_have_their_limits_too() {
    let mut world = World::with(|config| {
        config.limits.allocations_per_network = 2;
        config.limits.allocations = 3;
    });
    let mut codes = Vec::new();
    for (session, source) in [
        ("PA_a", "198.51.100.7:1"),
        ("PA_b", "198.51.100.8:1"),
        ("PA_c", "198.51.100.9:1"),
        ("PA_c", "203.0.113.9:1"),
        ("PA_d", "192.0.2.77:1"),
    ] {
        codes.push(Client::new(session, source).allocate(&mut world, |_| {}).code());
    }
    assert_eq!(codes, [0, 0, 486, 0, 508]);
}

/// N5: what strangers send is not amplified, does not name us, and leaves nothing behind.
#[test]
fn n5_strangers_get_short_answers_and_leave_no_state() {
    let mut world = World::with(|config| config.realm = "a-realm-of-just-32-bytes.example".into());
    let before = world.server.held();
    let methods = [
        Method::BINDING,
        Method::ALLOCATE,
        Method::REFRESH,
        Method::CREATE_PERMISSION,
        Method::CHANNEL_BIND,
        Method::CONNECT,
        Method::CONNECTION_BIND,
    ];
    let mut answered = 0;
    for method in methods {
        for (source, transport) in [
            ("198.51.100.7", Transport::Udp),
            ("[2001:db8:9::1]", Transport::Udp),
            ("198.51.100.7", Transport::Tls),
        ] {
            for variant in 0..12_u16 {
                let mut writer = Writer::new(Class::Request, method, TransactionId([variant as u8; 12]));
                if variant & 1 != 0 {
                    writer.attribute(AttributeType::REQUESTED_TRANSPORT, &[17, 0, 0, 0]);
                }
                if variant & 2 != 0 {
                    for kind in 0..30 {
                        writer.attribute(AttributeType(0x7a00 + kind), &[]);
                    }
                }
                if variant & 4 != 0 {
                    writer.attribute(AttributeType::MESSAGE_INTEGRITY, &[7; 20]);
                }
                if variant & 8 != 0 {
                    writer.fingerprint();
                }
                let packet = writer.finish();
                let mut tuple = stranger(&format!("{source}:{}", 1000 + variant));
                tuple.transport = transport;
                let Some(answer) = world.send(tuple, &packet) else {
                    continue;
                };
                answered += 1;
                assert!(
                    answer.bytes.len() <= 4 * packet.len(),
                    "{} bytes for {}: {method:?} {variant}",
                    answer.bytes.len(),
                    packet.len()
                );
                assert_eq!(answer.message().find(AttributeType::SOFTWARE), None);
            }
        }
    }
    assert!(answered > 200, "{answered}");
    assert_eq!(world.server.held(), before);
    assert_eq!(world.server.poll_timeout(), None);
}

/// N5: a flood of Binding requests with forged sources.
#[test]
fn n5_a_flood_is_limited_per_network_and_others_are_served() {
    let mut world = World::with(|config| {
        config.limits.unproven = Rate {
            per_second: 100,
            burst: 50,
        };
    });
    let before = world.server.held();
    let answered = |world: &mut World, network: &str, count: u32| {
        (0..count)
            .filter(|i| {
                let source = format!("{network}.{}:{}", i % 256, 1024 + i / 256);
                world.send(stranger(&source), &binding(1)).is_some()
            })
            .count()
    };
    assert_eq!(answered(&mut world, "198.51.100", 20_000), 50);
    assert_eq!(world.server.stats().limited, 19_950);
    assert_eq!(answered(&mut world, "203.0.113", 40), 40, "somebody else");
    world.advance(1);
    assert_eq!(answered(&mut world, "198.51.100", 1000), 50, "the rate goes on");
    assert_eq!(world.server.held(), before);
}

#[test]
fn who_has_returned_a_nonce_is_not_held_up_by_forgers_of_its_network() {
    let mut world = World::new();
    let mut ana = Client::new("PA_ana", "198.51.100.7:4000");
    ana.request(&mut world, Method::REFRESH, |_| {});
    let mut late = Client::new("PA_bob", "198.51.100.8:4000");
    assert_eq!(late.allocate(&mut world, |_| {}).code(), 0);
    for i in 0..2000 {
        world.send(stranger(&format!("198.51.100.{}:9", i % 200)), &binding(1));
    }
    assert!(world.send(stranger("198.51.100.77:9"), &binding(1)).is_none());
    assert_eq!(late.refresh(&mut world, 600).code(), 0);
    let mut tcp = Client::over(Transport::Tcp, "PA_ana", "198.51.100.7:4001");
    assert_eq!(
        tcp.allocate(&mut world, |_| {}).code(),
        0,
        "a connection proves the address"
    );
}

#[test]
fn an_allocation_s_requests_are_limited() {
    let mut world = World::with(|config| {
        config.limits.per_allocation = Rate {
            per_second: 10,
            burst: 20,
        };
    });
    let mut ana = Client::new("PA_ana", "198.51.100.7:4000");
    ana.relay(&mut world);
    let packet = ana.sign(world.transaction(), Method::REFRESH, |_| {});
    let answered = |world: &mut World| {
        (0..100)
            .filter(|_| world.send(ana.tuple, &packet).is_some())
            .count()
    };
    assert_eq!(answered(&mut world), 20);
    world.advance(1);
    assert_eq!(answered(&mut world), 10);
}

#[test]
fn binding_answers_with_the_source() {
    let mut world = World::new();
    for (source, mapped) in [
        ("198.51.100.7:4000", "198.51.100.7:4000"),
        ("[2001:db8:9::1]:4000", "[2001:db8:9::1]:4000"),
        ("[::ffff:198.51.100.7]:4000", "198.51.100.7:4000"),
    ] {
        let answer = world.send(stranger(source), &binding(3)).unwrap();
        assert_eq!(answer.code(), 0);
        assert_eq!(
            answer.addresses(AttributeType::XOR_MAPPED_ADDRESS),
            [address(mapped)]
        );
        assert!(!answer.message().has_fingerprint());
    }
    let mut marked = Writer::new(Class::Request, Method::BINDING, TransactionId([4; 12]));
    marked.fingerprint();
    let answer = world
        .send(stranger("198.51.100.7:4000"), &marked.finish())
        .unwrap();
    assert!(
        answer.message().has_fingerprint(),
        "who marks its messages needs the mark"
    );
}
