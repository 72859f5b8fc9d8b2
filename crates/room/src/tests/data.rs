use bytes::Bytes;

use super::stage::{Stage, hidden, identity, message, only, person};
use crate::{Actor, Command, DataMessage, Event, NewParticipant, Permission, Refusal, limits};

fn payloads(stage: &Stage, who: &tertulia_model::ParticipantId) -> Vec<Bytes> {
    only!(stage.heard(who), Event::Data { message, .. } => message.payload.clone())
}

#[test]
fn data_reaches_everybody_else_in_the_senders_own_name() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    let bo = stage.join("bo");
    stage.forget();
    let forged = DataMessage {
        sender: Some(identity("bo")),
        topic: "t".into(),
        ..message("hi")
    };
    stage.ask(&ana, Command::SendData(forged)).unwrap();
    let got = only!(stage.heard(&bo), Event::Data { from, message } => (from.clone(), message.sender.clone(), message.topic.clone()));
    assert_eq!(got, [(Some(ana.clone()), Some(identity("ana")), "t".to_owned())]);
    assert!(payloads(&stage, &ana).is_empty());
}

#[test]
fn data_for_some_reaches_those_present_only_and_never_its_sender() {
    let mut stage = Stage::new();
    let [ana, bo, cleo] = ["ana", "bo", "cleo"].map(|name| stage.join(name));
    stage.forget();
    let to = |names: &[&str]| {
        let destinations = names.iter().map(|name| identity(name)).collect();
        Command::SendData(DataMessage {
            destinations,
            ..message("psst")
        })
    };
    stage.ask(&ana, to(&["bo", "bo", "ana", "nobody"])).unwrap();
    assert_eq!(
        (
            payloads(&stage, &ana).len(),
            payloads(&stage, &bo).len(),
            payloads(&stage, &cleo).len()
        ),
        (0, 1, 0)
    );
    assert!(
        stage.observed().is_empty(),
        "observers do not read what is meant for some"
    );
    stage.forget();
    stage.ask(&ana, to(&["nobody", "ana"])).unwrap();
    assert!(stage.deliveries.is_empty());
}

#[test]
fn metrics_reach_only_those_who_may_read_them() {
    let mut stage = Stage::new();
    let reads = Permission {
        can_subscribe_metrics: true,
        ..Permission::ordinary()
    };
    let ana = stage
        .join_as(NewParticipant {
            permission: reads.clone(),
            ..person("ana")
        })
        .unwrap();
    let bo = stage.join("bo");
    let cleo = stage
        .join_as(NewParticipant {
            permission: reads,
            ..person("cleo")
        })
        .unwrap();
    stage.forget();
    let metrics = DataMessage {
        metrics: true,
        ..message("m")
    };
    stage.ask(&ana, Command::SendData(metrics.clone())).unwrap();
    assert_eq!(
        (
            payloads(&stage, &ana).len(),
            payloads(&stage, &bo).len(),
            payloads(&stage, &cleo).len()
        ),
        (0, 0, 1)
    );
    let aimed = DataMessage {
        destinations: vec![identity("bo")],
        ..metrics
    };
    stage.ask(&ana, Command::SendData(aimed)).unwrap();
    assert!(payloads(&stage, &bo).is_empty());
}

#[test]
fn a_hidden_sender_stays_unnamed() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    let ghost = stage.join_as(hidden("ghost")).unwrap();
    stage.forget();
    let named = DataMessage {
        sender: Some(identity("ghost")),
        ..message("boo")
    };
    stage.ask(&ghost, Command::SendData(named)).unwrap();
    let got =
        only!(stage.heard(&ana), Event::Data { from, message } => (from.clone(), message.sender.clone()));
    assert_eq!(got, [(None, None)]);
    assert!(payloads(&stage, &ghost).is_empty());
}

#[test]
fn a_server_credential_sends_in_nobodys_name() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    stage.forget();
    stage
        .admin(Command::SendData(DataMessage {
            sender: Some(identity("ana")),
            ..message("api")
        }))
        .unwrap();
    assert_eq!(
        only!(stage.heard(&ana), Event::Data { from, message } => (from.clone(), message.sender.clone())),
        [(None, None)]
    );
}

#[test]
fn reliable_data_sent_again_after_a_resume_is_not_doubled() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    let bo = stage.join("bo");
    for (sequence, reliable) in [
        (1, true),
        (2, true),
        (1, true),
        (2, true),
        (3, true),
        (1, false),
        (0, true),
    ] {
        stage
            .ask(
                &ana,
                Command::SendData(DataMessage {
                    sequence,
                    reliable,
                    ..message("x")
                }),
            )
            .unwrap();
    }
    assert_eq!(payloads(&stage, &bo).len(), 5);
    assert_eq!(
        (stage.room.last_sequence(&ana), stage.room.last_sequence(&bo)),
        (3, 0)
    );
}

#[test]
fn data_beyond_its_limits_is_refused() {
    let mut stage = Stage::new();
    let ana = Actor::Participant(stage.join("ana"));
    let mut check = |message, field, limit| {
        stage.check_refused(
            &ana,
            Command::SendData(message),
            Refusal::LimitExceeded { field, limit },
        );
    };
    let destinations = vec![identity("ana"); limits::DESTINATIONS + 1];
    check(
        DataMessage {
            destinations,
            ..message("")
        },
        "destinations",
        limits::DESTINATIONS,
    );
    check(
        DataMessage {
            topic: "x".repeat(257),
            ..message("")
        },
        "topic",
        limits::TOPIC_BYTES,
    );
    let payload = Bytes::from(vec![0; limits::DATA_BYTES + 1]);
    check(
        DataMessage {
            payload,
            ..message("")
        },
        "payload",
        limits::DATA_BYTES,
    );
}
