//! Stories of tracks in two codecs: who gets which, and how the publisher is told. Real sockets, clients on str0m.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a test stops where its scene cannot be set, and lives in real time"
)]

mod support;

use support::{Client, engine, room, until};
use tertulia_model::{Codec, TrackId};

const BOTH: [Codec; 2] = [Codec::Vp9, Codec::Vp8];
/// The publisher's policies: encode twice, encode once.
const SIMULCAST: i32 = 1;
const REGRESSION: i32 = 2;

/// Whether a client gets the best picture in a codec by now, and whole.
fn gets(client: &Client, track: &TrackId, codec: Codec) -> bool {
    let seen = client.seen.get(track).copied().unwrap_or_default();
    assert_eq!(seen.turned_back, 0, "{seen:?}");
    assert!(seen.packets == 0 || seen.began_at_keyframe, "{seen:?}");
    seen.codec == Some(codec) && seen.layer == 2 && seen.packets > 40
}

/// The qualities wanted of a codec.
fn wanted(client: &Client, track: &TrackId, codec: Codec) -> Option<[bool; 3]> {
    let demands = client.demands.get(track)?;
    let found = demands.iter().find(|qualities| qualities.codec == codec);
    found.map(|qualities| qualities.wanted)
}

/// Who can only decode the backup codec gets it, and the others the primary, wherever they are hosted.
async fn each_gets_what_it_decodes(workers: usize) {
    let engine = engine(workers);
    let room = room(&engine).await;
    let mut ana = Client::join_with(&room, "ana", &BOTH).await;
    let mut ben = Client::join_with(&room, "ben", &BOTH).await;
    let mut eva = Client::join_with(&room, "eva", &[Codec::Vp8]).await;
    let mut kim = Client::join_with(&room, "kim", &[Codec::Vp8]).await;
    let track = ana.publish_in(&BOTH, SIMULCAST).await;
    let mut clients = [&mut ana, &mut ben, &mut eva, &mut kim];
    until(&mut clients, "the picture in everybody's codec", |clients| {
        gets(clients[1], &track, Codec::Vp9)
            && gets(clients[2], &track, Codec::Vp8)
            && gets(clients[3], &track, Codec::Vp8)
    })
    .await;
    assert!(clients.iter().all(|client| {
        let seen = client.seen.get(&track).copied().unwrap_or_default();
        seen.changes == 0
    }));
    assert_eq!(wanted(&ana, &track, Codec::Vp8), Some([true; 3]));
    assert!(engine.stats().hosted_elsewhere > 0 || workers == 1);
}

#[tokio::test]
async fn who_cannot_decode_the_primary_codec_gets_the_backup() {
    each_gets_what_it_decodes(1).await;
}

#[tokio::test]
async fn codecs_reach_subscribers_on_other_workers() {
    each_gets_what_it_decodes(2).await;
}

#[tokio::test]
async fn all_follow_to_the_backup_where_the_publisher_encodes_once() {
    let engine = engine(2);
    let room = room(&engine).await;
    let mut ana = Client::join_with(&room, "ana", &BOTH).await;
    let mut ben = Client::join_with(&room, "ben", &BOTH).await;
    let mut kim = Client::join_with(&room, "kim", &BOTH).await;
    let track = ana.publish_in(&BOTH, REGRESSION).await;
    until(
        &mut [&mut ana, &mut ben, &mut kim],
        "the picture in the primary codec",
        |clients| clients[1..].iter().all(|client| gets(client, &track, Codec::Vp9)),
    )
    .await;
    let before = ben.count(&track);
    let mut eva = Client::join_with(&room, "eva", &[Codec::Vp8]).await;
    until(
        &mut [&mut ana, &mut ben, &mut kim, &mut eva],
        "the picture in the backup codec, and the end of the primary",
        |clients| {
            clients[1..].iter().all(|client| gets(client, &track, Codec::Vp8))
                && wanted(clients[0], &track, Codec::Vp9) == Some([false; 3])
        },
    )
    .await;
    for client in [&ben, &kim] {
        let seen = client.seen[&track];
        assert!(seen.packets > before + 40, "{seen:?}");
        assert_eq!(seen.changes, 1, "{seen:?}");
        assert!(
            seen.missing < 5,
            "the numbers go on over the change of codec: {seen:?}"
        );
    }
    // A pause of the publisher's picture is one in either codec.
    ana.set_muted(&track, true).await;
    ana.set_muted(&track, false).await;
    let mark = eva.count(&track);
    until(
        &mut [&mut ana, &mut ben, &mut kim, &mut eva],
        "the picture after the pause",
        |clients| clients[3].count(&track) > mark + 40,
    )
    .await;
}
