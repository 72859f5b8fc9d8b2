//! A video that everybody watches together.

use std::time::Duration;

use super::stage::{Stage, moderator, only};
use crate::{Actor, Command, Event, Refusal, Reply, Right, Rights, Role, RulesChange, SharedVideo, limits};

fn share(url: &str) -> Command {
    Command::ShareVideo {
        url: Some(url.to_owned()),
    }
}

fn steer(playing: bool, position_ms: u64) -> Command {
    Command::SteerVideo { playing, position_ms }
}

const STOP: Command = Command::ShareVideo { url: None };

fn shown(stage: &mut Stage, who: &tertulia_model::ParticipantId) -> Option<SharedVideo> {
    match stage.ask(who, Command::ReadSnapshot).unwrap() {
        Reply::Snapshot(snapshot) => snapshot.shared_video,
        other => panic!("{other:?}"),
    }
}

#[test]
fn one_leads_and_whoever_comes_late_finds_where_it_stands() {
    let mut stage = Stage::new();
    let (ana, bo) = (stage.join("ana"), stage.join("bo"));
    stage.ask(&ana, share("https://media.example.org/a.mp4")).unwrap();
    stage.ask(&ana, steer(true, 5_000)).unwrap();
    stage.check_refused(
        &Actor::Participant(bo.clone()),
        steer(false, 0),
        Refusal::NotAllowed,
    );
    stage.pass(Duration::from_secs(7));
    let late = stage.join("late");
    let video = shown(&mut stage, &late).unwrap();
    assert_eq!((video.by.as_str(), video.playing), ("ana", true));
    assert_eq!(video.position_at(stage.now.unix_ms), 12_000);

    stage.forget();
    stage.ask(&ana, steer(false, 3_000)).unwrap();
    let told = only!(stage.heard(&bo), Event::VideoShared(Some(video)) => (video.playing, video.position_ms));
    assert_eq!(told, [(false, 3_000)]);
    stage.pass(Duration::from_secs(7));
    let video = shown(&mut stage, &late).unwrap();
    assert_eq!(video.position_at(stage.now.unix_ms), 3_000);
}

#[test]
fn who_leads_it_ends_it_and_those_who_present_and_it_goes_with_its_leader() {
    let mut stage = Stage::new();
    let ana = stage.join_as(moderator("ana")).unwrap();
    let (bo, eve) = (stage.join("bo"), stage.join("eve"));
    for who in [&bo, &ana] {
        stage.ask(&bo, share("/film.webm")).unwrap();
        for command in [STOP, share("/other.webm")] {
            stage.check_refused(&Actor::Participant(eve.clone()), command, Refusal::NotAllowed);
        }
        stage.forget();
        stage.ask(who, STOP).unwrap();
        let told = only!(stage.heard(&eve), Event::VideoShared(video) => video.is_none());
        assert_eq!(told, [true]);
    }
    stage.ask(&bo, share("/film.webm")).unwrap();
    stage
        .ask(
            &bo,
            Command::Leave {
                reason: crate::DepartureReason::Left,
            },
        )
        .unwrap();
    assert_eq!(shown(&mut stage, &eve), None);

    stage.ask(&eve, share("/film.webm")).unwrap();
    let off = RulesChange {
        switch_off: Rights::of(&[Right::ShareScreen]),
        ..RulesChange::default()
    };
    stage.ask(&ana, Command::SetRules(off)).unwrap();
    assert_eq!(shown(&mut stage, &eve), None, "switched off, it ends at once");
    stage.check_refused(&Actor::Participant(eve), share("/film.webm"), Refusal::NotAllowed);
    assert!(!Rights::of_role(Role::Viewer).has(Right::ShareScreen));
}

#[test]
fn an_address_has_its_limits() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    let actor = Actor::Participant(ana);
    for url in ["", "https://a.org/a b", "https://a.org/\u{7}"] {
        stage.check_refused(&actor, share(url), Refusal::Invalid { field: "url" });
    }
    let refused = Refusal::LimitExceeded {
        field: "url",
        limit: limits::URL_BYTES,
    };
    stage.check_refused(&actor, share(&"x".repeat(limits::URL_BYTES + 1)), refused);
}
