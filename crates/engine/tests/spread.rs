//! Stories of rooms whose participants are hosted on several workers: real sockets, real threads, clients on str0m.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a test stops where its scene cannot be set, and lives in real time"
)]

mod support;

use support::{Client, engine, room, until};
use tertulia_model::{MediaKind, ParticipantId};
use tertulia_room::{Actor, Command, DepartureReason};

#[tokio::test]
async fn all_hear_and_see_each_other_wherever_they_are_hosted() {
    let engine = engine(2);
    let room = room(&engine).await;
    let mut ana = Client::join(&room, "ana").await;
    let mut ben = Client::join(&room, "ben").await;
    let mut eva = Client::join(&room, "eva").await;
    assert_eq!(engine.stats().hosted_elsewhere, 1);
    let mut sounds = Vec::new();
    let mut pictures = Vec::new();
    for client in [&mut ana, &mut ben, &mut eva] {
        sounds.push(client.publish(MediaKind::Audio).await);
        pictures.push(client.publish(MediaKind::Video).await);
    }
    let mut clients = [&mut ana, &mut ben, &mut eva];
    until(&mut clients, "everybody's sound and best picture", |clients| {
        let gets_all = |(place, client): (usize, &&mut Client)| {
            let others = (0..3).filter(|other| *other != place);
            others.into_iter().all(|other| {
                client.count(&sounds[other]) > 40
                    && client.count(&pictures[other]) > 40
                    && client.layer(&pictures[other]) == Some(2)
            })
        };
        clients.iter().enumerate().all(gets_all)
    })
    .await;
    for (place, client) in clients.iter().enumerate() {
        for other in (0..3).filter(|other| *other != place) {
            let picture = client.seen[&pictures[other]];
            assert!(picture.began_at_keyframe, "{picture:?}");
        }
        assert_eq!(client.count(&sounds[place]), 0, "nobody hears themselves");
    }
    // All three speak, and all are told so, whichever worker heard them.
    until(&mut clients, "word of every speaker", |clients| {
        let speakers: Vec<_> = clients.iter().map(|client| client.id().clone()).collect();
        clients.iter().all(|client| {
            let told = |who: &ParticipantId| {
                client
                    .speakers
                    .iter()
                    .any(|speaker| speaker.active && speaker.participant == *who)
            };
            speakers.iter().all(told)
        })
    })
    .await;
    assert!(engine.stats().packets_relayed > 100);
}

#[tokio::test]
async fn a_late_joiner_on_another_worker_begins_at_a_keyframe() {
    let engine = engine(3);
    let room = room(&engine).await;
    let mut ana = Client::join(&room, "ana").await;
    let mut ben = Client::join(&room, "ben").await;
    let picture = ben.publish(MediaKind::Video).await;
    until(&mut [&mut ana, &mut ben], "the picture at home", |clients| {
        clients[0].count(&picture) > 20
    })
    .await;
    let mut eva = Client::join(&room, "eva").await;
    assert_eq!(engine.stats().hosted_elsewhere, 2);
    until(
        &mut [&mut ana, &mut ben, &mut eva],
        "the best picture on a third worker",
        |clients| clients[2].layer(&picture) == Some(2),
    )
    .await;
    assert!(eva.seen[&picture].began_at_keyframe);
}

#[tokio::test]
async fn who_is_muted_is_heard_nowhere_and_who_speaks_again_everywhere() {
    let engine = engine(2);
    let room = room(&engine).await;
    let mut ana = Client::join(&room, "ana").await;
    let mut ben = Client::join(&room, "ben").await;
    let sound = ben.publish(MediaKind::Audio).await;
    let other = ana.publish(MediaKind::Audio).await;
    until(&mut [&mut ana, &mut ben], "the sounds", |clients| {
        clients[0].count(&sound) > 10 && clients[1].count(&other) > 10
    })
    .await;
    // Whatever is under way arrives before what is sent after it, so another's sound tells the time.
    room.command(
        ben.actor(),
        Command::SetMuted {
            track: sound.clone(),
            muted: true,
        },
    )
    .await
    .unwrap();
    let mark = ben.count(&other);
    until(&mut [&mut ana, &mut ben], "a moment", |clients| {
        clients[1].count(&other) > mark + 25
    })
    .await;
    let (muted_at, mark) = (ana.count(&sound), ben.count(&other));
    until(&mut [&mut ana, &mut ben], "another moment", |clients| {
        clients[1].count(&other) > mark + 25
    })
    .await;
    assert_eq!(
        ana.count(&sound),
        muted_at,
        "ben goes on sending, and nobody hears"
    );
    ben.set_muted(&sound, false).await;
    until(&mut [&mut ana, &mut ben], "the sound again", |clients| {
        clients[0].count(&sound) > muted_at + 10
    })
    .await;
}

#[tokio::test]
async fn messages_go_both_ways_on_another_worker() {
    let engine = engine(2);
    let room = room(&engine).await;
    let mut ana = Client::join(&room, "ana").await;
    let mut ben = Client::join(&room, "ben").await;
    until(&mut [&mut ana, &mut ben], "the channel", |clients| {
        clients[1].channel_open()
    })
    .await;
    ben.message_to_server(b"up");
    ben.message_from_server(b"down").await;
    // Through a handle that knows only the room, it is passed on.
    let (who, label) = (ben.id().clone(), tertulia_engine::ChannelLabel::Reliable);
    room.send_channel(&who, label, b"around"[..].into()).await;
    until(&mut [&mut ana, &mut ben], "the messages", |clients| {
        clients[1].told == [b"up".to_vec()] && clients[1].messages.len() == 2
    })
    .await;
    let mut messages = ben.messages.clone();
    messages.sort();
    assert_eq!(messages, [b"around".to_vec(), b"down".to_vec()]);
}

#[tokio::test]
async fn who_leaves_another_worker_leaves_nothing_behind_and_the_end_reaches_all() {
    let engine = engine(2);
    let room = room(&engine).await;
    let mut ana = Client::join(&room, "ana").await;
    let mut ben = Client::join(&room, "ben").await;
    let picture = ben.publish(MediaKind::Video).await;
    until(&mut [&mut ana, &mut ben], "the picture", |clients| {
        clients[0].count(&picture) > 10
    })
    .await;
    let reason = DepartureReason::Left;
    room.command(ben.actor(), Command::Leave { reason })
        .await
        .unwrap();
    until(&mut [&mut ana, &mut ben], "the goodbye", |clients| {
        clients[1].gone && clients[0].events == ["left: ben"]
    })
    .await;
    let mut eva = Client::join(&room, "eva").await;
    until(&mut [&mut ana, &mut eva], "another guest", |clients| {
        clients[1].connected
    })
    .await;
    let stats = engine.stats();
    assert_eq!(
        (stats.participants, stats.sessions, stats.hosted_elsewhere),
        (2, 2, 2)
    );
    room.command(Actor::Admin, Command::End).await.unwrap();
    until(&mut [&mut ana, &mut eva], "the end", |clients| {
        clients.iter().all(|client| client.gone)
    })
    .await;
    assert_eq!(eva.events, ["expelled: RoomEnded"]);
    // Each worker answers after it has done what was said before.
    engine.list_rooms().await;
    let stats = engine.stats();
    assert_eq!((stats.rooms, stats.participants, stats.sessions), (0, 0, 0));
}
