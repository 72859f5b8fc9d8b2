//! What becomes of those hosted on a worker that fails.

use super::*;
use crate::Spread;

/// The second of a room is hosted on the other worker.
fn spreading() -> Engine {
    engine_with(
        2,
        Spread {
            participants: 1,
            sessions: 1,
        },
    )
}

/// Ana at home and ben on the other worker.
async fn two(engine: &Engine) -> (RoomHandle, Joined, Joined) {
    let room = engine.open_room(&name("weekly"), None).await.unwrap();
    let ana = room.join(newcomer("ana"), MEDIA).await.unwrap();
    let ben = room.join(newcomer("ben"), MEDIA).await.unwrap();
    assert_eq!(engine.stats().hosted_elsewhere, 1);
    // A worker answers after it has done what it was told before.
    engine.list_rooms().await;
    assert_eq!(engine.stats().sessions, 4);
    (room, ana, ben)
}

fn left(event: &Event) -> Option<(String, DepartureReason)> {
    match event {
        Event::ParticipantLeft(who, reason) => Some((who.name.clone(), *reason)),
        _ => None,
    }
}

#[tokio::test]
async fn a_panic_where_some_are_hosted_ends_their_stay_alone() {
    let engine = spreading();
    let mut seen = engine.observe();
    let (room, ana, mut ben) = two(&engine).await;
    let panic = ToWorker::Panic {
        room: room.id().clone(),
    };
    ben.media.send(panic).await;
    let gone = observed(&mut seen, left).await;
    assert_eq!(gone, ("ben".to_owned(), DepartureReason::MediaLost));
    assert_eq!(expulsions(&mut ben).await, [DepartureReason::MediaLost]);
    assert!(!ana.events.is_closed());
    // The worker is well, and is opened a new stage.
    room.join(newcomer("eva"), MEDIA).await.unwrap();
    // What a worker counts is told at the end of its turn, which may come after its answer.
    let counted = async {
        loop {
            let stats = engine.stats();
            if (stats.participants, stats.sessions) == (2, 4) {
                return stats;
            }
            engine.list_rooms().await;
        }
    };
    let stats = tokio::time::timeout(Duration::from_secs(20), counted)
        .await
        .expect("eva is counted");
    assert_eq!(
        (stats.room_panics, stats.rooms, stats.hosted_elsewhere),
        (1, 1, 2)
    );
}

#[tokio::test]
async fn a_worker_that_ends_takes_those_it_hosts_and_no_others() {
    let engine = spreading();
    let mut seen = engine.observe();
    let (room, ana, mut ben) = two(&engine).await;
    ben.media.send(ToWorker::Stop).await;
    let gone = observed(&mut seen, left).await;
    assert_eq!(gone, ("ben".to_owned(), DepartureReason::MediaLost));
    assert_eq!(expulsions(&mut ben).await, [DepartureReason::MediaLost]);
    assert!(!ana.events.is_closed());
    room.join(newcomer("eva"), MEDIA).await.unwrap();
    assert_eq!(
        engine.stats().hosted_elsewhere,
        1,
        "nobody is hosted there any more"
    );
}

#[tokio::test]
async fn a_home_that_ends_takes_all_its_room_with_it() {
    let engine = spreading();
    let (room, mut ana, mut ben) = two(&engine).await;
    room.link.send(ToWorker::Stop).await;
    expulsions(&mut ana).await;
    expulsions(&mut ben).await;
    engine.list_rooms().await;
    let again = engine.open_room(&name("weekly"), None).await.unwrap();
    assert_ne!(again.id(), room.id());
}

#[tokio::test]
async fn a_panic_at_home_ends_the_stay_of_all() {
    let engine = spreading();
    let mut seen = engine.observe();
    let (room, mut ana, mut ben) = two(&engine).await;
    let panic = ToWorker::Panic {
        room: room.id().clone(),
    };
    room.link.send(panic).await;
    observed(&mut seen, ended).await;
    assert_eq!(expulsions(&mut ana).await, [DepartureReason::RoomEnded]);
    assert_eq!(expulsions(&mut ben).await, [DepartureReason::RoomEnded]);
    engine.list_rooms().await;
    let stats = engine.stats();
    assert_eq!((stats.rooms, stats.participants, stats.sessions), (0, 0, 0));
}

#[tokio::test]
async fn a_second_stay_replaces_one_on_another_worker() {
    let engine = spreading();
    let (room, _ana, mut first) = two(&engine).await;
    let second = room.join(newcomer("ben"), MEDIA).await.unwrap();
    assert_eq!(expulsions(&mut first).await, [DepartureReason::DuplicateIdentity]);
    engine.list_rooms().await;
    let stats = engine.stats();
    assert_eq!((stats.participants, stats.sessions), (2, 4));
    drop(second);
}

#[tokio::test]
async fn a_door_that_is_gone_is_noticed_on_another_worker() {
    let engine = spreading();
    let mut seen = engine.observe();
    let (_room, _ana, ben) = two(&engine).await;
    drop(ben);
    let gone = observed(&mut seen, left).await;
    assert_eq!(gone, ("ben".to_owned(), DepartureReason::SignalLost));
}
