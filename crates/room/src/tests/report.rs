use super::stage::{Stage, hidden, microphone, only};
use crate::{Command, ConnectionQuality, DepartureReason, Event, Fact, Speaker};

fn speaker(participant: &tertulia_model::ParticipantId, level: u8) -> Speaker {
    Speaker {
        participant: participant.clone(),
        level,
        active: level > 0,
    }
}

#[test]
fn speakers_are_told_as_they_change_and_once_when_they_stop() {
    let mut stage = Stage::new();
    let [ana, bo] = ["ana", "bo"].map(|name| stage.join(name));
    stage.forget();
    let hear = |stage: &mut Stage, heard: &[(&tertulia_model::ParticipantId, u8)]| {
        let heard = heard
            .iter()
            .map(|(who, level)| ((*who).clone(), *level))
            .collect();
        stage.fact(Fact::Speakers(heard));
        let told = only!(stage.heard(&bo), Event::SpeakersChanged(speakers) => speakers.clone()).concat();
        stage.forget();
        told
    };
    assert_eq!(
        hear(&mut stage, &[(&ana, 90), (&bo, 200)]),
        [speaker(&ana, 90), speaker(&bo, 127)]
    );
    assert_eq!(hear(&mut stage, &[(&bo, 127), (&ana, 90)]), []);
    assert_eq!(
        hear(&mut stage, &[(&bo, 50)]),
        [speaker(&bo, 50), speaker(&ana, 0)]
    );
    assert_eq!(hear(&mut stage, &[(&bo, 0)]), [speaker(&bo, 0)]);
    assert_eq!(hear(&mut stage, &[]), []);
}

#[test]
fn hidden_and_absent_ones_do_not_speak() {
    let mut stage = Stage::new();
    let ghost = stage.join_as(hidden("ghost")).unwrap();
    let ana = stage.join("ana");
    stage
        .ask(
            &ana,
            Command::Leave {
                reason: DepartureReason::Left,
            },
        )
        .unwrap();
    stage.forget();
    stage.fact(Fact::Speakers(vec![(ghost, 90), (ana, 90)]));
    assert!(stage.deliveries.is_empty());
}

#[test]
fn one_whose_media_connects_late_learns_who_speaks() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    stage.fact(Fact::Speakers(vec![(ana.clone(), 60)]));
    let bo = stage.join("bo");
    stage.forget();
    stage.fact(Fact::Connected {
        participant: bo.clone(),
    });
    assert_eq!(
        only!(stage.heard(&bo), Event::SpeakersChanged(speakers) => speakers.clone()),
        [[speaker(&ana, 60)]]
    );
    assert!(only!(stage.heard(&ana), Event::SpeakersChanged(_) => ()).is_empty());
}

#[test]
fn quality_is_told_to_oneself_and_to_those_who_receive_one() {
    let mut stage = Stage::new();
    let [ana, bo, cleo] = ["ana", "bo", "cleo"].map(|name| stage.join(name));
    let track = stage.publish(&ana, microphone("m"));
    stage.publish(&bo, microphone("m"));
    stage
        .ask(
            &cleo,
            Command::Subscribe {
                tracks: vec![track],
                on: false,
            },
        )
        .unwrap();
    stage.forget();
    let gone = tertulia_model::ParticipantId::from_random(9);
    stage.fact(Fact::Quality(vec![
        (ana.clone(), ConnectionQuality::Good, 3.5),
        (bo.clone(), ConnectionQuality::Poor, f32::NAN),
        (gone, ConnectionQuality::Lost, 0.0),
    ]));
    let of = |who| {
        only!(stage.heard(who), Event::QualityChanged(reports) => {
            reports.iter().map(|report| (report.participant.clone(), report.score)).collect::<Vec<_>>()
        })
    };
    assert_eq!(of(&ana), [vec![(ana.clone(), 3.5), (bo.clone(), 0.0)]]);
    assert_eq!(of(&bo), [vec![(ana.clone(), 3.5), (bo.clone(), 0.0)]]);
    assert_eq!(of(&cleo), [vec![(bo.clone(), 0.0)]]);
    assert!(stage.observed().is_empty());
}
