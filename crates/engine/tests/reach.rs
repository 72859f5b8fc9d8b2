//! Stories of the ways to us: calls through the TURN server, and workers behind one port. Real sockets, real threads,
//! clients on str0m.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a test stops where its scene cannot be set, and lives in real time"
)]

mod support;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use support::way::{Link, Relay, Way, relaying, server_address};
use support::{Client, Seen, engine_with, room, until};
use tertulia_engine::{Engine, Joined};
use tertulia_model::MediaKind;
use tertulia_room::{Actor, Command};
use tertulia_turn::stun::{AttributeType, Class, Message, Method, TransactionId, Writer};
use tokio::net::TcpStream;

/// The largest of a camera's three encodings.
const BEST: u8 = 2;

async fn link(engine: &Engine, joined: &Joined, transport: &str) -> Link {
    let server = &engine.ice_servers(&joined.participant.id)[0];
    match transport {
        "udp" => Link::udp(server_address(server, "udp")).await,
        "tcp" => Link::stream(TcpStream::connect(server_address(server, "tcp")).await.unwrap()),
        _ => {
            let (ours, theirs) = tokio::io::duplex(64 * 1024);
            let streams = engine.turn_streams().unwrap();
            let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
            tokio::spawn(async move { streams.serve(theirs, at(50_000), at(443)).await });
            Link::stream(ours)
        }
    }
}

async fn relay(engine: &Engine, joined: &Joined, transport: &str) -> Result<Relay, u16> {
    let server = engine.ice_servers(&joined.participant.id).swap_remove(0);
    let media = IpAddr::V4(Ipv4Addr::LOCALHOST);
    Relay::open(link(engine, joined, transport).await, &server, media).await
}

async fn relayed(engine: &Engine, joined: &Joined, transport: &str) -> Way {
    Way::Relayed(Box::new(relay(engine, joined, transport).await.unwrap()))
}

/// Three are in a room, one of them straight; all hear and see each other.
async fn check_call(engine: &Engine, ways: [&str; 3]) {
    let room = room(engine).await;
    let mut clients = Vec::new();
    for (name, way) in ["ana", "ben", "eva"].into_iter().zip(ways) {
        let client = Client::join_by(&room, name, async |joined| match way {
            "straight" => Way::straight().await,
            transport => relayed(engine, joined, transport).await,
        });
        clients.push(client.await);
    }
    let mut tracks = Vec::new();
    for client in &mut clients {
        let sound = client.publish(MediaKind::Audio).await;
        tracks.push((sound, client.publish(MediaKind::Video).await));
    }
    let mut clients: Vec<&mut Client> = clients.iter_mut().collect();
    let seen_by = |place: usize, client: &Client| -> Vec<[Seen; 2]> {
        let others = tracks.iter().enumerate().filter(|(other, _)| *other != place);
        let seen = |track| client.seen.get(track).copied().unwrap_or_default();
        others
            .map(|(_, (sound, picture))| [seen(sound), seen(picture)])
            .collect()
    };
    // Pictures at their best, each packet of which is one of fifty a second: for as long as the sound.
    until(&mut clients, "everybody's sound and picture", |clients| {
        clients.iter().enumerate().all(|(place, client)| {
            seen_by(place, client)
                .iter()
                .all(|[sound, picture]| sound.packets > 100 && picture.packets > 100 && picture.layer == BEST)
        })
    })
    .await;
    for (place, client) in clients.iter().enumerate() {
        for [sound, picture] in seen_by(place, client) {
            assert!(picture.began_at_keyframe, "{place}: {picture:?}");
            assert_eq!(picture.turned_back, 0, "{place}: {picture:?}");
            // A socket whose buffer is full loses a packet, as networks do; a way that works loses next to none.
            assert!(
                sound.missing * 10 < sound.packets as u64,
                "{place} by {}: {sound:?}",
                ways[place]
            );
        }
    }
}

/// Waits for what the threads will have counted soon.
async fn counted(engine: &Engine, what: &str, holds: impl Fn(&tertulia_engine::EngineStats) -> bool) {
    let mut clock = tokio::time::interval(Duration::from_millis(20));
    for _ in 0..500 {
        if holds(&engine.stats()) {
            return;
        }
        clock.tick().await;
    }
    panic!("{what}: {:?}", engine.stats());
}

#[tokio::test]
async fn who_is_relayed_by_udp_tcp_or_tls_takes_part_like_anybody() {
    let engine = engine_with(2, relaying(false));
    check_call(&engine, ["udp", "tcp", "tls"]).await;
    let stats = engine.stats();
    assert!(
        stats.turn_packets_to_peers > 100 && stats.turn_packets_to_clients > 100,
        "{stats:?}"
    );
    assert_eq!((stats.turn_allocations, stats.turn_dropped), (3, 0), "{stats:?}");
}

#[tokio::test]
async fn workers_behind_one_port_serve_whoever_comes_straight_or_relayed() {
    let engine = engine_with(2, relaying(true));
    check_call(&engine, ["straight", "straight", "udp"]).await;
    // Six more, so that some of them reach the other worker's socket whatever the kernel chooses.
    let room = room(&engine).await;
    let mut clients = Vec::new();
    for name in ["fay", "gus", "hal", "ida", "jon", "kim"] {
        clients.push(Client::join(&room, name).await);
    }
    let sound = clients[0].publish(MediaKind::Audio).await;
    let mut clients: Vec<&mut Client> = clients.iter_mut().collect();
    until(&mut clients, "the sound behind one port", |clients| {
        clients.iter().skip(1).all(|client| client.count(&sound) > 20)
    })
    .await;
    let stats = engine.stats();
    assert!(stats.datagrams_handed_over > 0, "{stats:?}");
    assert_eq!(stats.handovers_dropped, 0, "{stats:?}");
}

#[tokio::test]
async fn a_credential_and_its_relays_end_with_the_stay() {
    let engine = engine_with(1, relaying(false));
    let room = room(&engine).await;
    let ana = Client::join(&room, "ana").await;
    let ben = Client::join(&room, "ben").await;
    let mut by_stream = relay(&engine, &ana.joined, "tcp").await.unwrap();
    let _by_udp = relay(&engine, &ana.joined, "udp").await.unwrap();
    let _other = relay(&engine, &ben.joined, "udp").await.unwrap();
    counted(&engine, "three allocations", |stats| stats.turn_allocations == 3).await;
    let identity = ana.joined.participant.identity.clone();
    let kick = Command::Remove {
        identity,
        revoke: false,
    };
    room.command(Actor::Admin, kick).await.unwrap();
    counted(&engine, "ben's allocation alone", |stats| {
        stats.turn_allocations == 1
    })
    .await;
    assert!(
        by_stream.link.receive().await.is_none(),
        "the connection was closed"
    );
    let again = relay(&engine, &ana.joined, "udp").await;
    assert_eq!(again.err(), Some(401));
}

#[tokio::test]
async fn a_relay_ends_with_its_connection() {
    let engine = engine_with(1, relaying(false));
    let room = room(&engine).await;
    let ana = Client::join(&room, "ana").await;
    let open = relay(&engine, &ana.joined, "tcp").await.unwrap();
    counted(&engine, "an allocation and a connection", |stats| {
        (stats.turn_allocations, stats.turn_connections) == (1, 1)
    })
    .await;
    drop(open);
    counted(&engine, "neither", |stats| {
        (stats.turn_allocations, stats.turn_connections) == (0, 0)
    })
    .await;
}

#[tokio::test]
async fn bindings_are_answered_and_nonsense_over_tcp_is_hung_up_on() {
    let engine = engine_with(1, relaying(false));
    let room = room(&engine).await;
    let ana = Client::join(&room, "ana").await;
    for transport in ["udp", "tcp", "tls"] {
        let mut link = link(&engine, &ana.joined, transport).await;
        let request = Writer::new(Class::Request, Method::BINDING, TransactionId([9; 12])).finish();
        link.send(request);
        let answer = link.receive().await.unwrap();
        let answer = Message::parse(&answer).unwrap();
        let mapped = answer.find(AttributeType::XOR_MAPPED_ADDRESS).unwrap();
        assert!(answer.address(mapped).unwrap().ip().is_loopback());
    }
    let mut link = link(&engine, &ana.joined, "tls").await;
    link.send(b"\0\x01GET / HTTP/1.1\r\n\r\n".to_vec());
    assert!(link.receive().await.is_none());
}
