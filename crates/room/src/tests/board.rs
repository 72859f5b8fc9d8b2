//! The whiteboard.

use std::time::Duration;

use tertulia_model::ParticipantId;

use super::stage::{Stage, identity, moderator, only};
use crate::{
    Actor, BoardElement, Command, Drawing, Event, History, Record, Refusal, Reply, Right, Rights, Role,
    RulesChange, limits,
};

fn element(id: &str, version: u64, nonce: u64, body: &str) -> BoardElement {
    BoardElement {
        id: id.to_owned(),
        version,
        nonce,
        deleted: false,
        body: body.into(),
    }
}

fn draw(epoch: u64, elements: Vec<BoardElement>) -> Command {
    Command::Draw { epoch, elements }
}

fn watched(stage: &mut Stage, who: &ParticipantId) -> Drawing {
    match stage.ask(who, Command::WatchBoard { on: true }).unwrap() {
        Reply::Board(drawing) => drawing,
        other => panic!("{other:?}"),
    }
}

#[test]
fn those_who_watch_are_told_together_and_others_not_at_all() {
    let mut stage = Stage::new();
    let (ana, bo, eve) = (stage.join("ana"), stage.join("bo"), stage.join("eve"));
    assert_eq!(watched(&mut stage, &bo), Drawing::default());
    stage.forget();
    for version in 1..=3 {
        let line = element("a", version, 1, "line");
        stage.ask(&ana, draw(0, vec![line])).unwrap();
    }
    stage.pass(Duration::from_secs(1));
    let told = only!(stage.heard(&bo), Event::Drawn { elements, .. } => elements.clone());
    assert_eq!(told, [vec![element("a", 3, 1, "line")]]);
    assert!(only!(stage.heard(&eve), Event::Drawn { epoch, .. } => *epoch).is_empty());
    stage.ask(&bo, Command::WatchBoard { on: false }).unwrap();
    stage.forget();
    stage
        .ask(&ana, draw(0, vec![element("a", 4, 1, "line")]))
        .unwrap();
    stage.pass(Duration::from_secs(1));
    assert!(only!(stage.heard(&bo), Event::Drawn { epoch, .. } => *epoch).is_empty());
    assert_eq!(watched(&mut stage, &eve).elements, [element("a", 4, 1, "line")]);
}

#[test]
fn whatever_the_order_the_same_version_stays() {
    let versions = [
        element("a", 2, 5, "x"),
        element("a", 2, 3, "y"),
        element("a", 1, 9, "z"),
    ];
    for order in [[0, 1, 2], [1, 0, 2], [2, 1, 0], [0, 2, 1]] {
        let mut stage = Stage::new();
        let ana = stage.join("ana");
        for place in order {
            let version: BoardElement = versions[place].clone();
            stage.ask(&ana, draw(0, vec![version])).unwrap();
        }
        assert_eq!(watched(&mut stage, &ana).elements, [element("a", 2, 3, "y")]);
    }
}

#[test]
fn a_cleared_board_takes_no_stroke_of_the_one_before() {
    let mut stage = Stage::new();
    let ana = stage.join_as(moderator("ana")).unwrap();
    let bo = stage.join("bo");
    watched(&mut stage, &bo);
    stage.ask(&bo, draw(0, vec![element("a", 1, 1, "x")])).unwrap();
    stage.check_refused(
        &Actor::Participant(bo.clone()),
        Command::ClearBoard,
        Refusal::NotAllowed,
    );
    stage.forget();
    stage.ask(&ana, Command::ClearBoard).unwrap();
    let told = only!(stage.heard(&bo), Event::BoardCleared { epoch, by } => (*epoch, by.clone()));
    let [(epoch, by)] = &told[..] else {
        panic!("{told:?}")
    };
    assert_eq!(*by, Some(identity("ana")));
    let late = draw(0, vec![element("a", 2, 1, "x")]);
    stage.check_refused(&Actor::Participant(bo.clone()), late, Refusal::BoardCleared);
    stage.ask(&ana, Command::ClearBoard).unwrap();
    let drawing = watched(&mut stage, &bo);
    assert!(drawing.epoch > *epoch && drawing.elements.is_empty());
}

#[test]
fn who_showed_it_takes_it_away_and_those_who_present() {
    let mut stage = Stage::new();
    let ana = stage.join_as(moderator("ana")).unwrap();
    let (bo, eve) = (stage.join("bo"), stage.join("eve"));
    let away = Command::ShowBoard { on: false };
    for who in [&bo, &ana] {
        stage.ask(&bo, Command::ShowBoard { on: true }).unwrap();
        stage.check_refused(
            &Actor::Participant(eve.clone()),
            away.clone(),
            Refusal::NotAllowed,
        );
        stage.forget();
        stage.ask(who, away.clone()).unwrap();
        let told = only!(stage.heard(&eve), Event::BoardShown { on, .. } => *on);
        assert_eq!(told, [false]);
    }
}

#[test]
fn drawing_can_be_switched_off_and_has_its_limits() {
    let mut stage = Stage::new();
    let ana = stage.join_as(moderator("ana")).unwrap();
    let bo = stage.join("bo");
    let actor = Actor::Participant(bo.clone());
    let long = "x".repeat(limits::ELEMENT_BYTES + 1);
    let refused = Refusal::LimitExceeded {
        field: "element",
        limit: limits::ELEMENT_BYTES,
    };
    stage.check_refused(&actor, draw(0, vec![element("a", 1, 1, &long)]), refused);
    stage.check_refused(
        &actor,
        draw(0, vec![element("", 1, 1, "x")]),
        Refusal::Invalid { field: "id" },
    );
    let full = "x".repeat(limits::ELEMENT_BYTES);
    let fit = limits::BOARD_BYTES / limits::ELEMENT_BYTES;
    for n in 0..fit {
        stage.pass(Duration::from_secs(1));
        stage
            .ask(&bo, draw(0, vec![element(&n.to_string(), 1, 1, &full)]))
            .unwrap();
    }
    let refused = Refusal::LimitExceeded {
        field: "board",
        limit: limits::BOARD_BYTES,
    };
    stage.check_refused(&actor, draw(0, vec![element("more", 1, 1, &full)]), refused);
    stage.ask(&bo, draw(0, vec![element("0", 2, 1, "")])).unwrap();
    stage
        .ask(&bo, draw(0, vec![element("more", 1, 1, &full)]))
        .unwrap();
    let off = RulesChange {
        switch_off: Rights::of(&[Right::Draw]),
        ..RulesChange::default()
    };
    stage.ask(&ana, Command::SetRules(off)).unwrap();
    stage.check_refused(&actor, draw(0, vec![element("1", 2, 1, "")]), Refusal::NotAllowed);
    stage.ask(&ana, draw(0, vec![element("1", 2, 1, "")])).unwrap();
    assert!(!Rights::of_role(Role::Viewer).has(Right::Draw));
}

#[test]
fn a_stroke_is_written_down_before_others_see_it() {
    let mut stage = Stage::new();
    let before = Drawing {
        epoch: 12,
        elements: vec![element("a", 1, 1, "x")],
    };
    stage.room.keep(Some(History {
        drawing: before.clone(),
        ..History::default()
    }));
    let ana = stage.join("ana");
    assert_eq!(watched(&mut stage, &ana), before);
    let Ok(Reply::Pending(ticket)) = stage.ask(&ana, draw(12, vec![element("a", 2, 1, "y")])) else {
        panic!("it does not wait");
    };
    assert_eq!(watched(&mut stage, &ana), before);
    let written = stage.room.poll_record();
    assert!(matches!(written, Some((Some(_), Record::Drawn(drawn))) if drawn.epoch == 12));
    stage.room.settle(ticket, crate::Settlement::Kept).unwrap();
    assert_eq!(watched(&mut stage, &ana).elements, [element("a", 2, 1, "y")]);
}
