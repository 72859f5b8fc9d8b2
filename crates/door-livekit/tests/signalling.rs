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
