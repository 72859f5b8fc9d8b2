//! Anything at all, and long random stories: nothing panics, nothing leaks, nothing grows beyond its bound.

use proptest::prelude::*;
use tertulia_turn::Transport;
use tertulia_turn::stun::{AttributeType, Method};

use crate::support::{Client, MEDIA_V4, MEDIA_V6, OTHER_V4, World, channel_data, send_indication};

const PEERS: [&str; 4] = [MEDIA_V4, OTHER_V4, MEDIA_V6, "8.8.8.8:53"];

#[derive(Debug, Clone)]
enum Step {
    Allocate(usize, u8),
    Refresh(usize, u32),
    Permit(usize, usize),
    Bind(usize, u16, usize),
    Send(usize, usize),
    Channel(usize, u16),
    Peer(usize, usize),
    Disconnect(usize),
    Revoke(usize),
    Wait(u64),
    Noise(usize, Vec<u8>),
    Mangled(usize, usize, u8),
    Ports(bool),
}

fn step() -> impl Strategy<Value = Step> {
    let client = 0_usize..6;
    let peer = 0_usize..PEERS.len();
    let channel = 0x3ffe_u16..0x4004;
    prop_oneof![
        4 => (client.clone(), 0_u8..5).prop_map(|(c, how)| Step::Allocate(c, how)),
        2 => (client.clone(), prop_oneof![Just(0), Just(600), any::<u32>()]).prop_map(|(c, s)| Step::Refresh(c, s)),
        2 => (client.clone(), peer.clone()).prop_map(|(c, p)| Step::Permit(c, p)),
        2 => (client.clone(), channel.clone(), peer.clone()).prop_map(|(c, n, p)| Step::Bind(c, n, p)),
        2 => (client.clone(), peer.clone()).prop_map(|(c, p)| Step::Send(c, p)),
        2 => (client.clone(), channel).prop_map(|(c, n)| Step::Channel(c, n)),
        2 => (0_usize..8, peer).prop_map(|(r, p)| Step::Peer(r, p)),
        1 => client.clone().prop_map(Step::Disconnect),
        1 => client.clone().prop_map(Step::Revoke),
        2 => (0_u64..400).prop_map(Step::Wait),
        1 => (client.clone(), prop::collection::vec(any::<u8>(), 0..120)).prop_map(|(c, b)| Step::Noise(c, b)),
        2 => (client, any::<usize>(), any::<u8>()).prop_map(|(c, at, x)| Step::Mangled(c, at, x)),
        1 => any::<bool>().prop_map(Step::Ports),
    ]
}

fn clients() -> Vec<Client> {
    let transports = [Transport::Udp, Transport::Tcp, Transport::Tls];
    (0..6)
        .map(|i| {
            Client::over(
                transports[i % 3],
                &format!("PA_{}", i / 2),
                &format!("198.51.100.{i}:4000"),
            )
        })
        .collect()
}

fn take(world: &mut World, clients: &mut [Client], step: Step) {
    match step {
        Step::Allocate(c, how) => {
            clients[c].allocate(world, |writer| {
                match how {
                    1 => writer.attribute(AttributeType::EVEN_PORT, &[0x80]),
                    2 => writer.attribute(AttributeType::ADDITIONAL_ADDRESS_FAMILY, &[2, 0, 0, 0]),
                    3 => writer.attribute(AttributeType::REQUESTED_ADDRESS_FAMILY, &[2, 0, 0, 0]),
                    4 => writer.attribute(AttributeType::RESERVATION_TOKEN, &[7; 8]),
                    _ => writer,
                };
            });
        }
        Step::Refresh(c, seconds) => drop(clients[c].refresh(world, seconds)),
        Step::Permit(c, p) => drop(clients[c].permit(world, &[PEERS[p]])),
        Step::Bind(c, number, p) => drop(clients[c].bind_channel(world, number, PEERS[p])),
        Step::Send(c, p) => {
            if let Some((_, peer, _)) = clients[c].send(world, PEERS[p], b"x") {
                assert_ne!(peer.port(), 53, "no relay reaches a peer that is not permitted");
            }
        }
        Step::Channel(c, number) => drop(clients[c].send_on_channel(world, number, b"x")),
        Step::Peer(r, p) => {
            if let Some(relay) = world.sockets.keys().nth(r).copied() {
                let to = world.peer_sends(relay, PEERS[p], b"x");
                assert!(to.is_none() || PEERS[p] != "8.8.8.8:53");
            }
        }
        Step::Disconnect(c) => {
            world.server.handle_disconnect(clients[c].tuple);
            world.settle();
        }
        Step::Revoke(c) => {
            let (_, session) = clients[c].credential.username.split_once(':').unwrap();
            world.server.revoke(world.now, session);
            world.settle();
            // Whoever comes next is somebody else.
            let session = format!("{session}x");
            for client in &mut clients[c / 2 * 2..][..2] {
                client.credential = Client::new(&session, "198.51.100.1:1").credential;
            }
        }
        Step::Wait(seconds) => world.advance(seconds),
        Step::Noise(c, bytes) => {
            world.server.handle_client(world.now, clients[c].tuple, &bytes);
            world.settle();
        }
        Step::Mangled(c, at, xor) => {
            let id = world.transaction();
            for mut packet in [
                clients[c].sign(id, Method::REFRESH, |_| {}),
                send_indication(MEDIA_V4, b"hello"),
                channel_data(0x4000, b"hello"),
            ] {
                let at = at % packet.len();
                packet[at] ^= xor;
                world.server.handle_client(world.now, clients[c].tuple, &packet);
                world.settle();
            }
        }
        Step::Ports(free) => {
            world.can_bind = if free { |_| true } else { |port| port % 3 == 0 };
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))]

    #[test]
    fn any_story_keeps_the_books(steps in prop::collection::vec(step(), 1..120)) {
        let mut world = World::with(|config| {
            config.ports = 50_000..=50_020;
            config.limits.allocations_per_session = 3;
            config.limits.per_allocation.burst = 10_000;
        });
        let before = world.server.held();
        let mut clients = clients();
        for step in steps {
            take(&mut world, &mut clients, step);
            let held = world.server.held();
            prop_assert_eq!(held.relays, world.sockets.len(), "a socket for each relay, no more");
            prop_assert_eq!(held.free_ports + held.relays, before.free_ports, "no port is lost");
            prop_assert_eq!(held.actions, 0);
            prop_assert!(held.allocations <= 9);
            prop_assert!(world.server.poll_timeout().is_none_or(|at| at > world.now));
        }
        world.advance(25 * 3600);
        prop_assert_eq!(world.server.held(), before, "everything ends");
        prop_assert_eq!(world.server.poll_timeout(), None);
        prop_assert_eq!(world.server.stats().opened, world.server.stats().closed);
    }

    #[test]
    fn any_packet_from_a_stranger_is_answered_briefly_or_not_at_all(
        head in prop_oneof![Just(vec![]), (0_u16..0x200).prop_map(|kind| [&kind.to_be_bytes()[..], &[0, 0], &[0x21, 0x12, 0xa4, 0x42], &[1; 12]].concat())],
        attributes in prop::collection::vec((prop_oneof![0_u16..0x30, 0x8000_u16..0x8030], prop::collection::vec(any::<u8>(), 0..24)), 0..6),
        tail in prop::collection::vec(any::<u8>(), 0..3),
    ) {
        let mut world = World::new();
        let before = world.server.held();
        let mut packet = head;
        for (kind, value) in attributes {
            packet.extend_from_slice(&kind.to_be_bytes());
            packet.extend_from_slice(&(value.len() as u16).to_be_bytes());
            packet.extend_from_slice(&value);
            packet.resize(packet.len().next_multiple_of(4), 0);
        }
        packet.extend_from_slice(&tail);
        if packet.len() >= 20 {
            let length = (packet.len() - 20) as u16;
            packet[2..4].copy_from_slice(&length.to_be_bytes());
        }
        let eve = Client::new("PA_eve", "203.0.113.66:4000");
        if let Some(answer) = world.send(eve.tuple, &packet) {
            prop_assert!(answer.bytes.len() <= 4 * packet.len());
        }
        prop_assert_eq!(world.server.held(), before);
    }
}
