//! The life of rooms and participants, through the handles doors use.

use std::net::{IpAddr, Ipv4Addr};

use tertulia_model::{Bitrate, ClientFamily, Identity};
use tertulia_room::{DepartureReason, ParticipantKind, Permission};

use super::*;
use crate::message::PeerMode;
use crate::{AdvertisedAddress, EngineConfig};

fn engine() -> Engine {
    engine_with(1, crate::Spread::default())
}

fn engine_with(workers: usize, spread: crate::Spread) -> Engine {
    let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
    Engine::start(EngineConfig {
        workers,
        bind: loopback,
        udp_port: 0,
        tcp_port: None,
        reach: crate::Reach::default(),
        advertised: vec![AdvertisedAddress {
            public: loopback,
            local: loopback,
            udp_port: None,
            tcp_port: None,
        }],
        room_defaults: RoomSettings {
            max_participants: None,
            ceiling: None,
            empty_timeout: Duration::from_secs(300),
            departure_timeout: Duration::ZERO,
            metadata: String::new(),
            chat_history: 10,
            chat_text_bytes: 1_000,
            rules: tertulia_room::RoomRules::default(),
        },
        initial_bitrate: Bitrate::from_kbps(1_000),
        media_timeout: Duration::from_secs(15),
        connect_timeout: Duration::from_secs(30),
        spread,
    })
    .unwrap()
}

fn name(text: &str) -> RoomName {
    RoomName::parse(text).unwrap()
}

fn newcomer(identity: &str) -> NewParticipant {
    NewParticipant {
        identity: Identity::parse(identity).unwrap(),
        name: identity.to_owned(),
        kind: ParticipantKind::Standard,
        metadata: String::new(),
        attributes: Default::default(),
        permission: Permission::ordinary(),
        auto_subscribe: true,
        client_protocol: 0,
        capabilities: Vec::new(),
        credential_issued_at_ms: 0,
        origin: tertulia_room::Origin::Token,
        role: None,
        entrance: tertulia_room::Entrance::Usual,
        network: None,
    }
}

const MEDIA: MediaSetup = MediaSetup {
    mode: PeerMode::Dual,
    family: ClientFamily::WebRtc,
    ice_lite: false,
};

/// Waits for what `wanted` picks out of everything that happens.
async fn observed<T>(seen: &mut mpsc::Receiver<Observed>, wanted: impl Fn(&Event) -> Option<T>) -> T {
    let found = async {
        loop {
            let observed = seen.recv().await.unwrap();
            if let Some(found) = wanted(&observed.event) {
                return found;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), found)
        .await
        .unwrap()
}

/// Why somebody was expelled, once nothing more is said to them.
async fn expulsions(stay: &mut Joined) -> Vec<DepartureReason> {
    let mut reasons = Vec::new();
    while let Some(event) = stay.events.recv().await {
        if let PeerEvent::Room(event) = event
            && let Event::Expelled(reason) = *event
        {
            reasons.push(reason);
        }
    }
    reasons
}

fn ended(event: &Event) -> Option<()> {
    matches!(event, Event::RoomEnded { .. }).then_some(())
}

#[tokio::test]
async fn an_opening_that_was_given_up_is_taken_over() {
    let engine = engine();
    // Whoever asked first went away between noting the room and telling its worker.
    let (_, entry) = engine.shared.place(&name("Weekly"));
    assert!(!entry.open);
    assert!(engine.find_room(&name("Weekly")).is_none());
    let room = engine.open_room(&name("weekly"), None).await.unwrap();
    assert_eq!((room.id(), room.name().as_str()), (&entry.id, "Weekly"));
    room.join(newcomer("ana"), MEDIA).await.unwrap();
    assert_eq!(engine.stats().rooms, 1);
}

#[tokio::test]
async fn a_room_that_ended_is_opened_anew() {
    let engine = engine();
    let mut seen = engine.observe();
    let first = engine.open_room(&name("weekly"), None).await.unwrap();
    drop(first.join(newcomer("ana"), MEDIA).await.unwrap());
    first.command(Actor::Admin, Command::End).await.unwrap();
    observed(&mut seen, ended).await;
    let refused = first.join(newcomer("ana"), MEDIA).await.map(|_| ());
    assert_eq!(refused, Err(Refusal::RoomEnded));
    let second = engine.open_room(&name("weekly"), None).await.unwrap();
    assert_ne!(first.id(), second.id());
    second.join(newcomer("ana"), MEDIA).await.unwrap();
}

#[tokio::test]
async fn somebody_whose_door_is_gone_leaves_and_nothing_stays_behind() {
    let engine = engine();
    let mut seen = engine.observe();
    let room = engine.open_room(&name("weekly"), None).await.unwrap();
    // The door gives up before it has read its answer; alone in the room, nobody would ever tell it anything.
    drop(room.join(newcomer("ana"), MEDIA).await.unwrap());
    let reason = observed(&mut seen, |event| match event {
        Event::ParticipantLeft(_, reason) => Some(*reason),
        _ => None,
    })
    .await;
    assert_eq!(reason, DepartureReason::SignalLost);
    observed(&mut seen, ended).await;
    engine.list_rooms().await;
    let stats = engine.stats();
    assert_eq!((stats.rooms, stats.participants, stats.sessions), (0, 0, 0));
}

#[tokio::test]
async fn a_second_stay_replaces_the_first() {
    let engine = engine();
    let room = engine.open_room(&name("weekly"), None).await.unwrap();
    let mut first = room.join(newcomer("ana"), MEDIA).await.unwrap();
    let second = room.join(newcomer("ana"), MEDIA).await.unwrap();
    assert!(second.others.is_empty());
    assert_eq!(expulsions(&mut first).await, [DepartureReason::DuplicateIdentity]);
    let stats = engine.stats();
    assert_eq!((stats.participants, stats.sessions), (1, 2));
}

#[tokio::test]
async fn a_panic_ends_one_room_and_no_other() {
    let engine = engine();
    let mut seen = engine.observe();
    let doomed = engine.open_room(&name("doomed"), None).await.unwrap();
    let mut ana = doomed.join(newcomer("ana"), MEDIA).await.unwrap();
    let other = engine.open_room(&name("other"), None).await.unwrap();
    let mut bea = other.join(newcomer("bea"), MEDIA).await.unwrap();
    doomed
        .link
        .send(ToWorker::Panic {
            room: doomed.id().clone(),
        })
        .await;
    observed(&mut seen, ended).await;
    assert_eq!(expulsions(&mut ana).await, [DepartureReason::RoomEnded]);
    assert!(!bea.events.is_closed());
    let actor = Actor::Participant(bea.participant.id.clone());
    other
        .command(actor, Command::SetHand { raised: true })
        .await
        .unwrap();
    bea.events.recv().await.unwrap();
    let stats = engine.stats();
    assert_eq!(
        (stats.room_panics, stats.rooms, stats.participants, stats.sessions),
        (1, 1, 1, 2)
    );
    engine.open_room(&name("doomed"), None).await.unwrap();
}

#[tokio::test]
async fn after_shutdown_nothing_opens() {
    let engine = engine();
    let room = engine.open_room(&name("weekly"), None).await.unwrap();
    let mut ana = room.join(newcomer("ana"), MEDIA).await.unwrap();
    engine.shutdown(Duration::from_secs(10)).await;
    assert_eq!(expulsions(&mut ana).await, [DepartureReason::ServerShutdown]);
    let refused = engine.open_room(&name("late"), None).await.map(|_| ());
    assert!(matches!(refused, Err(EngineError::ShuttingDown)));
}

mod spread;
