//! How soon somebody who comes late to a room of five hundred knows it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops where its scene cannot be set"
)]

mod support;

use std::time::{Duration, Instant};

use livekit_protocol as pb;
use pb::signal_response::Message as Response;
use support::{Client, House, house, token};
use tertulia_model::{Codec, RoomName};
use tertulia_room::{Actor, Command, Fact, Reply};

const PEOPLE: usize = 500;
const SPEAKERS: usize = 20;
/// Of so many who come one after the other, the one is counted who was disturbed least by what else the machine does.
const LATE: usize = 20;
/// The project's figure, here with the handshake of the connection and without any optimisation of the code.
const BOUND: Duration = Duration::from_millis(50);

#[tokio::test(flavor = "multi_thread")]
async fn a_late_joiner_among_five_hundred_is_told_the_room_in_time() {
    let house = House::open().await;
    let room = house
        .engine
        .open_room(&RoomName::parse("weekly").unwrap(), None)
        .await
        .unwrap();
    for number in 0..PEOPLE {
        let name = format!("someone-{number}");
        let joined = room
            .join(house::newcomer(&name), house::one_connection())
            .await
            .unwrap();
        let id = joined.participant.id.clone();
        // Whoever does not listen is let go.
        tokio::spawn(async move {
            let mut events = joined.events;
            while events.recv().await.is_some() {}
        });
        if number < SPEAKERS {
            let publish = Command::Publish(Box::new(house::sound("mic")));
            let Reply::Track(track) = room.command(Actor::Participant(id), publish).await.unwrap() else {
                panic!("a track is answered with itself");
            };
            let flows = Fact::TrackBound {
                track: track.id.clone(),
                codec: Codec::Opus,
                simulcast: false,
                red: false,
            };
            room.command(Actor::System, Command::Fact(flows)).await.unwrap();
        }
    }
    let mut took = Vec::new();
    for number in 0..LATE {
        let late = house.v1(
            &token(&format!("late-{number}"), |_| {}),
            pb::JoinRequest::default(),
        );
        let began = Instant::now();
        let mut client = Client::connect(&late).await;
        let Some(Response::Join(join)) = client.next().await else {
            panic!("the first message tells the room");
        };
        took.push(began.elapsed());
        assert!(join.other_participants.len() >= PEOPLE);
        let tracks = join.other_participants.iter().map(|other| other.tracks.len());
        assert_eq!(tracks.sum::<usize>(), SPEAKERS);
        client.cut();
    }
    took.sort_unstable();
    assert!(took[0] < BOUND, "{took:?}");
}
