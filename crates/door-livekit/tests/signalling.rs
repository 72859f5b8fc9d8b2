//! Stories of clients on the signalling connection, over real sockets and the real engine.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops where its scene cannot be set"
)]

mod support;

use std::time::Duration;

use livekit_protocol as pb;
use pb::leave_request::Action;
use pb::participant_info::State;
use pb::request_response::Reason;
use pb::signal_request::Message as Request;
use pb::signal_response::Message as Response;
use support::{Client, House, microphone, token};
use tertulia_door_livekit::DoorConfig;
use tertulia_model::RoomName;
use tertulia_room::{Actor, Command, Reply};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

#[tokio::test]
async fn the_first_message_is_join_and_a_token_to_come_back_with_follows() {
    let house = House::open().await;
    let (mut ana, join) = house.join("ana").await;
    let own = join.participant.unwrap();
    assert!(own.sid.starts_with("PA_") && join.room.unwrap().sid.starts_with("RM_"));
    assert_eq!((own.identity.as_str(), own.name.as_str()), ("ana", "ANA"));
    assert_eq!(join.server_info.unwrap().protocol, 17);
    assert!(!join.subscriber_primary);
    let fresh = ana.expect(|message| match message {
        Response::RefreshToken(token) => Some(token),
        other => panic!("after join comes {other:?}"),
    });
    let fresh = fresh.await;
    let again = Client::connect(&house.v1(&fresh, pb::JoinRequest::default()))
        .await
        .next()
        .await;
    assert!(
        matches!(again, Some(Response::Join(_))),
        "the refreshed token joins: {again:?}"
    );
}

#[tokio::test]
async fn those_present_and_the_newcomer_learn_of_each_other() {
    let house = House::open().await;
    let (mut ana, _) = house.join("ana").await;
    let (_bob, join) = house.join("bob").await;
    assert_eq!(join.other_participants[0].identity, "ana");
    let seen = ana
        .expect_participant(|participant| participant.identity == "bob")
        .await;
    assert_ne!(seen.state, i32::from(State::Disconnected));
}

#[tokio::test]
async fn on_two_connections_the_subscribing_one_leads_and_brings_an_offer() {
    let house = House::open().await;
    let mut ana = Client::connect(&house.v0(&token("ana", |_| {}), "")).await;
    let Some(Response::Join(join)) = ana.next().await else {
        panic!()
    };
    assert!(join.subscriber_primary);
    let offer = ana.expect(|message| match message {
        Response::Offer(offer) => Some(offer),
        _ => None,
    });
    let offer = offer.await;
    assert!(offer.id > 0 && offer.sdp.contains("webrtc-datachannel") && offer.r#type == "offer");
}

#[tokio::test]
async fn both_pings_are_answered_in_milliseconds() {
    let house = House::open().await;
    let (mut ana, _) = house.join("ana").await;
    ana.send(Request::Ping(1)).await;
    ana.send(Request::PingReq(pb::Ping {
        timestamp: 42,
        rtt: 7,
    }))
    .await;
    let old = ana.expect(|message| match message {
        Response::Pong(at) => Some(at),
        _ => None,
    });
    let old = old.await;
    assert!(
        (1_600_000_000_000..10_000_000_000_000).contains(&old),
        "{old} is no time in milliseconds"
    );
    let new = ana.expect(|message| match message {
        Response::PongResp(pong) => Some(pong),
        _ => None,
    });
    assert_eq!(new.await.last_ping_timestamp, 42);
}

#[tokio::test]
async fn a_text_frame_turns_the_conversation_to_json() {
    let house = House::open().await;
    let (mut ana, _) = house.join("ana").await;
    ana.send_json(r#"{"pingReq":{"timestamp":"5"}}"#).await;
    let pong = ana.expect(|message| match message {
        Response::PongResp(pong) => Some(pong),
        _ => None,
    });
    assert_eq!(pong.await.last_ping_timestamp, 5);
}

#[tokio::test]
async fn an_announced_track_gets_its_id_and_an_unknown_one_is_not_found() {
    let house = House::open().await;
    let (mut ana, _) = house.join("ana").await;
    ana.send(microphone("cid-1")).await;
    let published = ana.expect(|message| match message {
        Response::TrackPublished(published) => Some(published),
        _ => None,
    });
    let published = published.await;
    assert_eq!(published.cid, "cid-1");
    assert!(published.track.unwrap().sid.starts_with("TR_"));
    ana.send(Request::Mute(pb::MuteTrackRequest {
        sid: "TR_nobody".into(),
        muted: true,
    }))
    .await;
    let outcome = ana.expect_outcome().await;
    assert_eq!(outcome.reason(), Reason::NotFound);
    assert!(matches!(
        outcome.request,
        Some(pb::request_response::Request::Mute(_))
    ));
}

#[tokio::test]
async fn a_source_the_token_does_not_allow_is_refused() {
    let house = House::open().await;
    let only_camera = token("ana", |claims| {
        claims.video.can_publish_sources = vec![tertulia_model::Source::Camera];
    });
    let mut ana = Client::connect(&house.v1(&only_camera, pb::JoinRequest::default())).await;
    ana.send(microphone("cid-1")).await;
    let outcome = ana.expect_outcome().await;
    assert_eq!(outcome.reason(), Reason::NotAllowed);
    assert!(matches!(
        outcome.request,
        Some(pb::request_response::Request::AddTrack(_))
    ));
}

#[tokio::test]
async fn attributes_reach_everybody_and_the_hand_is_one_of_them() {
    let house = House::open().await;
    let (mut ana, _) = house.join("ana").await;
    let (mut bob, _) = house.join("bob").await;
    let update = |key: &str, value: &str| {
        Request::UpdateMetadata(pb::UpdateParticipantMetadata {
            request_id: 9,
            attributes: [(key.to_owned(), value.to_owned())].into(),
            ..Default::default()
        })
    };
    ana.send(update("mood", "calm")).await;
    let outcome = ana.expect_outcome().await;
    assert_eq!((outcome.request_id, outcome.reason()), (9, Reason::Ok));
    bob.expect_participant(|p| p.identity == "ana" && p.attributes.get("mood").is_some_and(|m| m == "calm"))
        .await;
    ana.send(update("tertulia.hand", "up")).await;
    let raised = bob
        .expect_participant(|p| p.attributes.contains_key("tertulia.hand"))
        .await;
    assert!(
        raised.attributes["tertulia.hand"].parse::<u64>().is_ok(),
        "the time of raising, not what was sent"
    );
}

#[tokio::test]
async fn who_may_not_change_metadata_is_told_and_nothing_is_broadcast() {
    let house = House::open().await;
    let fixed = token("ana", |claims| claims.video.can_update_own_metadata = Some(false));
    let mut ana = Client::connect(&house.v1(&fixed, pb::JoinRequest::default())).await;
    ana.send(Request::UpdateMetadata(pb::UpdateParticipantMetadata {
        request_id: 3,
        name: "Admin".into(),
        ..Default::default()
    }))
    .await;
    assert_eq!(ana.expect_outcome().await.reason(), Reason::NotAllowed);
}

#[tokio::test]
async fn a_second_join_of_the_same_identity_replaces_the_first() {
    let house = House::open().await;
    let (mut first, _) = house.join("ana").await;
    let (_second, _) = house.join("ana").await;
    let leave = first.expect_leave().await;
    assert_eq!(
        (leave.reason(), leave.action()),
        (pb::DisconnectReason::DuplicateIdentity, Action::Disconnect)
    );
    first.closed().await;
}

#[tokio::test]
async fn who_leaves_is_gone_for_the_others() {
    let house = House::open().await;
    let (mut ana, _) = house.join("ana").await;
    let (mut bob, _) = house.join("bob").await;
    bob.send(Request::Leave(pb::LeaveRequest::default())).await;
    let gone = ana
        .expect_participant(|p| p.identity == "bob" && p.state == i32::from(State::Disconnected))
        .await;
    assert_eq!(gone.disconnect_reason(), pb::DisconnectReason::ClientInitiated);
    bob.closed().await;
}

#[tokio::test]
async fn a_lost_connection_comes_back_to_the_same_stay_with_reconnect_first() {
    let house = House::open().await;
    let (mut ana, join) = house.join("ana").await;
    let (mut bob, _) = house.join("bob").await;
    let (cesar, _) = house.join("cesar").await;
    let sid = join.participant.unwrap().sid;
    ana.send(microphone("cid-1")).await;
    let track = ana.expect(|message| match message {
        Response::TrackPublished(published) => published.track,
        _ => None,
    });
    let track = track.await;
    ana.cut();
    // Somebody leaves while ana is away.
    let mut cesar = cesar;
    cesar.send(Request::Leave(pb::LeaveRequest::default())).await;
    bob.expect_participant(|p| p.identity == "cesar" && p.state == i32::from(State::Disconnected))
        .await;

    let request = pb::JoinRequest {
        reconnect: true,
        participant_sid: sid.clone(),
        ..Default::default()
    };
    let mut ana = Client::connect(&house.v1(&token("ana", |_| {}), request)).await;
    let first = ana.next().await;
    assert!(
        matches!(first, Some(Response::Reconnect(_))),
        "the first message is {first:?}"
    );
    ana.expect_participant(|p| p.identity == "cesar" && p.state == i32::from(State::Disconnected))
        .await;
    ana.expect_participant(|p| p.sid == sid).await;
    let published = vec![pb::TrackPublishedResponse {
        cid: "cid-1".into(),
        track: Some(track),
    }];
    ana.send(Request::SyncState(pb::SyncState {
        publish_tracks: published,
        ..Default::default()
    }))
    .await;
    ana.send(Request::PingReq(pb::Ping { timestamp: 1, rtt: 0 }))
        .await;
    ana.expect(|message| matches!(message, Response::PongResp(_)).then_some(()))
        .await;
}

#[tokio::test]
async fn who_publishes_what_we_do_not_know_must_begin_afresh() {
    let house = House::open().await;
    let (mut ana, _) = house.join("ana").await;
    let unknown = pb::TrackInfo {
        sid: "TR_ghost".into(),
        ..Default::default()
    };
    let published = vec![pb::TrackPublishedResponse {
        cid: "c".into(),
        track: Some(unknown),
    }];
    ana.send(Request::SyncState(pb::SyncState {
        publish_tracks: published,
        ..Default::default()
    }))
    .await;
    let leave = ana.expect_leave().await;
    assert_eq!(
        (leave.reason(), leave.action()),
        (pb::DisconnectReason::StateMismatch, Action::Reconnect)
    );
}

#[tokio::test]
async fn nobody_comes_back_to_a_stay_that_is_unknown_or_somebody_elses() {
    let house = House::open().await;
    let (_ana, join) = house.join("ana").await;
    let anas = join.participant.unwrap().sid;
    for (identity, sid) in [
        ("ana", "PA_nobody"),
        ("ana", "nonsense"),
        ("mallory", anas.as_str()),
    ] {
        let request = pb::JoinRequest {
            reconnect: true,
            participant_sid: sid.to_owned(),
            ..Default::default()
        };
        let mut client = Client::connect(&house.v1(&token(identity, |_| {}), request)).await;
        let leave = client.expect_leave().await;
        assert_eq!(
            (leave.reason(), leave.action()),
            (pb::DisconnectReason::StateMismatch, Action::Reconnect)
        );
    }
    let v0 = house.v0(&token("ana", |_| {}), "&reconnect=1&sid=PA_nobody");
    assert_eq!(
        Client::connect(&v0).await.expect_leave().await.action(),
        Action::Reconnect
    );
}

#[tokio::test]
async fn who_does_not_come_back_in_time_has_left() {
    let config = DoorConfig {
        resume_window: Duration::from_millis(200),
        ..DoorConfig::default()
    };
    let house = House::open_with(config).await;
    let (mut ana, _) = house.join("ana").await;
    let (bob, _) = house.join("bob").await;
    bob.cut();
    let gone = ana
        .expect_participant(|p| p.identity == "bob" && p.state == i32::from(State::Disconnected))
        .await;
    assert_eq!(gone.disconnect_reason(), pb::DisconnectReason::SignalClose);
}

#[tokio::test]
async fn broken_and_senseless_messages_are_answered_and_the_talk_goes_on() {
    let house = House::open().await;
    let (mut ana, _) = house.join("ana").await;
    let (mut bob, _) = house.join("bob").await;
    ana.send_raw(Message::binary(vec![0xff; 64])).await;
    assert_eq!(ana.expect_outcome().await.reason(), Reason::InvalidRequest);
    ana.send_raw(Message::text("[".repeat(10_000))).await;
    assert_eq!(ana.expect_outcome().await.reason(), Reason::InvalidRequest);
    ana.send(Request::AddTrack(pb::AddTrackRequest {
        r#type: 50,
        ..Default::default()
    }))
    .await;
    let outcome = ana.expect_outcome().await;
    assert!(matches!(
        outcome.request,
        Some(pb::request_response::Request::AddTrack(_))
    ));
    for client in [&mut ana, &mut bob] {
        client
            .send(Request::PingReq(pb::Ping { timestamp: 1, rtt: 0 }))
            .await;
        client
            .expect(|message| matches!(message, Response::PongResp(_)).then_some(()))
            .await;
    }
    assert!(house.door.stats().signals_refused >= 3);
}

#[tokio::test]
async fn a_description_that_cannot_be_followed_sends_its_author_back_to_the_start() {
    let house = House::open().await;
    for sdp in ["", "nonsense", "v=0\r\nm=audio 9 X 0\r\n"] {
        let (mut ana, _) = house.join("ana").await;
        ana.send(Request::Offer(pb::SessionDescription {
            r#type: "offer".into(),
            sdp: sdp.into(),
            id: 1,
            ..Default::default()
        }))
        .await;
        assert_eq!(ana.expect_leave().await.action(), Action::Reconnect);
        ana.closed().await;
    }
}

#[tokio::test]
async fn a_flood_of_messages_ends_the_flooder_only() {
    let house = House::open_with(DoorConfig {
        signals_per_second: 10,
        ..DoorConfig::default()
    })
    .await;
    let (mut bob, _) = house.join("bob").await;
    let (mut ana, _) = house.join("ana").await;
    for number in 0..60 {
        ana.send(Request::Ping(number)).await;
    }
    ana.closed().await;
    bob.expect_participant(|p| p.identity == "ana" && p.state == i32::from(State::Disconnected))
        .await;
    assert_eq!(house.door.stats().flooded, 1);
}

#[tokio::test]
async fn an_oversized_frame_closes_its_connection_only() {
    let house = House::open().await;
    let (mut ana, _) = house.join("ana").await;
    let (mut bob, _) = house.join("bob").await;
    ana.send_raw(Message::binary(vec![0; 3 << 20])).await;
    ana.closed().await;
    bob.send(Request::PingReq(pb::Ping { timestamp: 1, rtt: 0 }))
        .await;
    bob.expect(|message| matches!(message, Response::PongResp(_)).then_some(()))
        .await;
}

/// A WebSocket of somebody who writes their frames by hand, past the answer to the handshake, which is given too.
async fn by_hand(house: &House, identity: &str) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    let target = house.v0(&token(identity, |_| {}), "");
    let path = &target[target.find("/rtc").unwrap()..];
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    (stream, String::from_utf8(head).unwrap())
}

/// Reads until the server closes; it must, in time.
async fn until_closed(mut stream: TcpStream) {
    let mut rest = Vec::new();
    // A connection that the server resets is closed as well.
    let closed = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut rest)).await;
    drop(closed.expect("the server kept the connection"));
}

async fn goes_on(bystander: &mut Client) {
    bystander
        .send(Request::PingReq(pb::Ping { timestamp: 1, rtt: 0 }))
        .await;
    bystander
        .expect(|message| matches!(message, Response::PongResp(_)).then_some(()))
        .await;
}

/// A frame that is not finished, or the header of one, under a mask of zeros.
fn frame(opcode: u8, length: u64, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![opcode, 0xff];
    frame.extend(length.to_be_bytes());
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

#[tokio::test]
async fn w4_a_frame_that_claims_to_be_endless_is_not_waited_for() {
    let house = House::open().await;
    let (mut bob, _) = house.join("bob").await;
    for claimed in [1_u64 << 63, (1 << 63) - 1, 1 << 40] {
        let (mut stream, _) = by_hand(&house, "ana").await;
        stream.write_all(&frame(0x82, claimed, b"x")).await.unwrap();
        until_closed(stream).await;
    }
    goes_on(&mut bob).await;
}

#[tokio::test]
async fn w5_fragments_without_an_end_are_counted_together() {
    let house = House::open().await;
    let (mut bob, _) = house.join("bob").await;
    let (stream, _) = by_hand(&house, "ana").await;
    let (reading, mut writing) = stream.into_split();
    let flood = tokio::spawn(async move {
        let mut opcode = 0x02;
        // Ten megabytes, if they were taken.
        for _ in 0..10_000 {
            if writing
                .write_all(&frame(opcode, 1_000, &[0; 1_000]))
                .await
                .is_err()
            {
                return true;
            }
            opcode = 0x00;
        }
        false
    });
    let mut reading = reading;
    let mut rest = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(20), reading.read_to_end(&mut rest)).await;
    drop(closed.expect("the server kept the connection"));
    drop(reading);
    assert!(flood.await.unwrap(), "all of it was taken");
    goes_on(&mut bob).await;
}

#[tokio::test]
async fn w6_nothing_is_inflated_on_the_way() {
    let house = House::open().await;
    let (_, head) = by_hand(&house, "ana").await;
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    assert!(
        !head.to_lowercase().contains("sec-websocket-extensions"),
        "{head}"
    );
}

#[tokio::test]
async fn w8_who_never_reads_is_let_go() {
    let house = House::open().await;
    let (deaf, _) = by_hand(&house, "deaf").await;
    let (mut ana, _) = house.join("ana").await;
    let mut told = 0;
    let gone = async {
        loop {
            // What everybody is told until the deaf one's share fills every buffer on the way.
            told += 1;
            ana.send(Request::UpdateMetadata(pb::UpdateParticipantMetadata {
                metadata: format!("{told}{}", "x".repeat(200_000)),
                ..Default::default()
            }))
            .await;
            let left = ana.expect(|message| match message {
                Response::Update(update) => Some(update.participants.iter().any(|participant| {
                    participant.identity == "deaf" && participant.state() == State::Disconnected
                })),
                Response::RequestResponse(response) => Some(response.reason() == Reason::NotAllowed),
                _ => None,
            });
            if left.await {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), gone)
        .await
        .expect("the deaf one is kept");
    drop(deaf);
}

/// R5: somebody who names a victim in a token that is wrong, or for another room.
#[tokio::test]
async fn r5_a_bad_token_that_names_somebody_does_them_no_harm() {
    let house = House::open().await;
    let (mut ana, _) = house.join("ana").await;
    let good = token("ana", |_| {});
    let (head, _) = good.rsplit_once('.').unwrap();
    let forged = format!("{head}.{}", "A".repeat(43));
    let elsewhere = token("ana", |claims| {
        claims.video.room = RoomName::parse("elsewhere").ok()
    });
    let barred = token("ana", |claims| claims.video.room_join = false);
    for bad in [&forged, &barred] {
        for url in [house.v0(bad, ""), house.v0(bad, "&reconnect=1&sid=PA_x")] {
            assert!(
                tokio_tungstenite::connect_async(url).await.is_err(),
                "came in with {bad:.20}"
            );
        }
    }
    let mut other = Client::connect(&house.v0(&elsewhere, "")).await;
    assert!(
        matches!(other.next().await, Some(Response::Join(_))),
        "they are somebody else there"
    );
    goes_on(&mut ana).await;
    let room = house
        .engine
        .find_room(&RoomName::parse("weekly").unwrap())
        .unwrap();
    let listed = room
        .command(Actor::Admin, Command::ListParticipants)
        .await
        .unwrap();
    assert!(matches!(listed, Reply::Participants(all) if all.len() == 1));
}

#[tokio::test]
async fn data_tracks_are_refused_in_words_the_client_knows() {
    let house = House::open().await;
    let (mut ana, _) = house.join("ana").await;
    let request = pb::PublishDataTrackRequest {
        pub_handle: 1,
        name: "geo".into(),
        ..Default::default()
    };
    ana.send(Request::PublishDataTrackRequest(request)).await;
    let outcome = ana.expect_outcome().await;
    assert_eq!(outcome.reason(), Reason::NotAllowed);
    assert!(matches!(
        outcome.request,
        Some(pb::request_response::Request::PublishDataTrack(_))
    ));
}

#[tokio::test]
async fn a_client_that_wants_to_see_a_condition_sees_it() {
    use pb::simulate_scenario::Scenario;
    let house = House::open().await;
    let simulate = |scenario| {
        Request::Simulate(pb::SimulateScenario {
            scenario: Some(scenario),
        })
    };

    let (mut ana, _) = house.join("ana").await;
    ana.send(simulate(Scenario::SpeakerUpdate(0))).await;
    let speaking = ana.expect(|message| match message {
        Response::SpeakersChanged(change) => Some(change.speakers[0].active),
        _ => None,
    });
    assert!(speaking.await);
    ana.send(simulate(Scenario::LeaveRequestFullReconnect(true)))
        .await;
    assert_eq!(ana.expect_leave().await.action(), Action::Reconnect);

    let (mut bob, join) = house.join("bob").await;
    bob.send(simulate(Scenario::NodeFailure(true))).await;
    bob.closed().await;
    let sid = join.participant.unwrap().sid;
    let request = pb::JoinRequest {
        reconnect: true,
        participant_sid: sid,
        ..Default::default()
    };
    let mut bob = Client::connect(&house.v1(&token("bob", |_| {}), request)).await;
    assert_eq!(
        bob.expect_leave().await.reason(),
        pb::DisconnectReason::StateMismatch
    );
}

#[tokio::test]
async fn when_the_server_stops_everybody_is_told_to_come_again() {
    let house = House::open().await;
    let (mut ana, _) = house.join("ana").await;
    house.engine.shutdown(Duration::from_secs(5)).await;
    let leave = ana.expect_leave().await;
    assert_eq!(
        (leave.reason(), leave.action()),
        (pb::DisconnectReason::ServerShutdown, Action::Reconnect)
    );
    tokio::time::timeout(Duration::from_secs(5), house.door.closed())
        .await
        .expect("the door did not close");
}
