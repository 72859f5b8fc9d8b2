//! Polls, and the chat beyond saying something.

use std::time::Duration;

use tertulia_model::ParticipantId;

use super::stage::{Stage, identity, moderator, only};
use crate::{
    Actor, ChatInput, ChatMessage, Command, Event, History, KeptPoll, NewPoll, Poll, Record, Refusal, Reply,
    Settlement, Ticket,
};

fn poll(stage: &mut Stage, who: &ParticipantId, command: Command) -> Result<Poll, Refusal> {
    match stage.ask(who, command)? {
        Reply::Poll(poll) => Ok(*poll),
        other => panic!("{other:?}"),
    }
}

fn tea_or_coffee() -> NewPoll {
    NewPoll {
        question: "Which?".into(),
        options: vec!["Tea".into(), "Coffee".into()],
        ..NewPoll::default()
    }
}

fn vote(poll: u64, choices: &[usize]) -> Command {
    Command::Vote {
        poll,
        choices: choices.to_vec(),
    }
}

fn say(id: &str, to: Option<&str>, reply_to: Option<u64>) -> Command {
    Command::Chat(ChatInput {
        id: id.into(),
        text: format!("text {id}"),
        to: to.map(identity),
        reply_to,
    })
}

fn said(stage: &mut Stage, who: &ParticipantId, command: Command) -> ChatMessage {
    match stage.ask(who, command).unwrap() {
        Reply::Chat(message) => message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn votes_are_counted_told_together_and_may_be_changed() {
    let mut stage = Stage::new();
    let ana = stage.join_as(moderator("ana")).unwrap();
    let bo = stage.join("bo");
    let id = poll(&mut stage, &ana, Command::CreatePoll(tea_or_coffee()))
        .unwrap()
        .id;
    stage.forget();
    poll(&mut stage, &bo, vote(id, &[0])).unwrap();
    poll(&mut stage, &ana, vote(id, &[0])).unwrap();
    poll(&mut stage, &bo, vote(id, &[1])).unwrap();
    stage.pass(Duration::from_secs(1));
    let told = only!(stage.heard(&bo), Event::PollChanged(poll) => (poll.votes, poll.counts.clone(), poll.ballots.len()));
    assert_eq!(told, [(2, Some(vec![1, 1]), 2)]);
    let Ok(Reply::Snapshot(late)) = stage.ask(&bo, Command::ReadSnapshot) else {
        panic!()
    };
    assert_eq!((late.polls.len(), late.votes), (1, vec![(id, vec![1])]));
    stage.check_refused(
        &Actor::Participant(bo.clone()),
        Command::ClosePoll { poll: id },
        Refusal::NotAllowed,
    );
    poll(&mut stage, &ana, Command::ClosePoll { poll: id }).unwrap();
    stage.check_refused(&Actor::Participant(bo), vote(id, &[0]), Refusal::PollClosed);
}

#[test]
fn an_anonymous_poll_ties_nobody_to_a_choice_and_counts_each_once() {
    let mut stage = Stage::new();
    let ana = stage.join_as(moderator("ana")).unwrap();
    let bo = stage.join("bo");
    let new = NewPoll {
        anonymous: true,
        secret_until_closed: true,
        multiple: true,
        ..tea_or_coffee()
    };
    let id = poll(&mut stage, &ana, Command::CreatePoll(new)).unwrap().id;
    stage.forget();
    let shown = poll(&mut stage, &bo, vote(id, &[0, 1])).unwrap();
    assert_eq!((shown.votes, shown.counts, shown.ballots.len()), (1, None, 0));
    stage.check_refused(&Actor::Participant(bo), vote(id, &[0]), Refusal::AlreadyVoted);
    let closed = poll(&mut stage, &ana, Command::ClosePoll { poll: id }).unwrap();
    assert_eq!((closed.counts, closed.ballots.len()), (Some(vec![1, 1]), 0));
}

/// What a room wants written down next.
fn written(stage: &mut Stage) -> (Ticket, Record) {
    match stage.room.poll_record() {
        Some((Some(ticket), record)) => (ticket, record),
        other => panic!("{other:?}"),
    }
}

fn pending(stage: &mut Stage, who: &ParticipantId, command: Command) -> (Ticket, Record) {
    assert!(matches!(stage.ask(who, command), Ok(Reply::Pending(_))));
    written(stage)
}

#[test]
fn nobody_hears_of_a_poll_or_a_vote_before_it_stands() {
    let mut stage = Stage::new();
    stage.room.keep(Some(History::default()));
    let ana = stage.join_as(moderator("ana")).unwrap();
    let (made, _) = pending(&mut stage, &ana, Command::CreatePoll(tea_or_coffee()));
    stage.check_refused(
        &Actor::Participant(ana.clone()),
        vote(1, &[0]),
        Refusal::NoSuchPoll,
    );
    assert!(matches!(
        stage.room.settle(made, Settlement::Kept),
        Ok(Reply::Poll(_))
    ));
    let (lost, _) = pending(&mut stage, &ana, vote(1, &[0]));
    assert_eq!(stage.room.settle(lost, Settlement::Failed), Err(Refusal::NotKept));
    let (kept, record) = pending(&mut stage, &ana, vote(1, &[1]));
    assert!(matches!(record, Record::Voted(vote) if vote.choices == [1]));
    let (closed, _) = pending(&mut stage, &ana, Command::ClosePoll { poll: 1 });
    // Asked for while the end was being written: it comes after it.
    let (late, _) = pending(&mut stage, &ana, vote(1, &[0]));
    let Ok(Reply::Poll(shown)) = stage.room.settle(kept, Settlement::Kept) else {
        panic!("the vote was not counted");
    };
    assert_eq!(shown.counts, Some(vec![0, 1]));
    assert!(stage.room.settle(closed, Settlement::Kept).is_ok());
    assert_eq!(
        stage.room.settle(late, Settlement::Kept),
        Err(Refusal::PollClosed)
    );
    let (gone, _) = pending(&mut stage, &ana, Command::DeletePoll { poll: 1 });
    assert_eq!(stage.room.settle(gone, Settlement::Kept), Ok(Reply::Done));
}

#[test]
fn an_anonymous_vote_that_is_being_written_counts_as_given() {
    let mut stage = Stage::new();
    stage.room.keep(Some(History::default()));
    let ana = stage.join_as(moderator("ana")).unwrap();
    let new = NewPoll {
        anonymous: true,
        ..tea_or_coffee()
    };
    let (made, _) = pending(&mut stage, &ana, Command::CreatePoll(new));
    assert!(stage.room.settle(made, Settlement::Kept).is_ok());
    pending(&mut stage, &ana, vote(1, &[0]));
    stage.check_refused(&Actor::Participant(ana), vote(1, &[0]), Refusal::AlreadyVoted);
}

#[test]
fn polls_go_on_with_what_stood_before() {
    let mut stage = Stage::new();
    let ana = stage.join_as(moderator("ana")).unwrap();
    let before = poll(&mut stage, &ana, Command::CreatePoll(tea_or_coffee())).unwrap();
    let before = KeptPoll {
        poll: Poll {
            id: 7,
            counts: Some(vec![1, 0]),
            ballots: vec![(identity("ana"), vec![0])],
            ..before
        },
        voters: vec![identity("ana")],
    };
    let mut stage = Stage::new();
    stage.room.keep(Some(History {
        polls: vec![before],
        last_poll: 9,
        ..History::default()
    }));
    let ana = stage.join_as(moderator("ana")).unwrap();
    let (vote, _) = pending(&mut stage, &ana, vote(7, &[1]));
    let Ok(Reply::Poll(shown)) = stage.room.settle(vote, Settlement::Kept) else {
        panic!("the vote was not counted");
    };
    assert_eq!((shown.votes, shown.counts), (1, Some(vec![0, 1])));
    let (_, made) = pending(&mut stage, &ana, Command::CreatePoll(tea_or_coffee()));
    assert!(matches!(made, Record::PollMade(poll) if poll.id == 10));
}

#[test]
fn nonsense_is_no_poll_and_no_vote() {
    let mut stage = Stage::new();
    let ana = stage.join_as(moderator("ana")).unwrap();
    let id = poll(&mut stage, &ana, Command::CreatePoll(tea_or_coffee()))
        .unwrap()
        .id;
    let actor = Actor::Participant(ana);
    for choices in [&[][..], &[2], &[0, 1], &[0, 0]] {
        stage.check_refused(&actor, vote(id, choices), Refusal::Invalid { field: "choices" });
    }
    stage.check_refused(&actor, vote(9, &[0]), Refusal::NoSuchPoll);
    for options in [vec![], vec!["a"], vec!["a", " a "], vec!["a", ""]] {
        let options = options.into_iter().map(str::to_owned).collect();
        let new = NewPoll {
            options,
            ..tea_or_coffee()
        };
        stage.check_refused(
            &actor,
            Command::CreatePoll(new),
            Refusal::Invalid { field: "options" },
        );
    }
}

#[test]
fn a_private_message_is_for_its_two_ends_alone() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    let bo = stage.join("bo");
    let eve = stage.join_as(moderator("eve")).unwrap();
    stage.forget();
    let seq = said(&mut stage, &ana, say("1", Some("bo"), None)).seq;
    assert_eq!(
        only!(stage.heard(&bo), Event::Chat(message) => message.seq),
        [seq]
    );
    assert!(only!(stage.heard(&eve), Event::Chat(message) => message.seq).is_empty());
    let reads = |stage: &mut Stage, who: &ParticipantId| {
        let read = Command::ReadChat {
            before: None,
            limit: 10,
        };
        match stage.ask(who, read).unwrap() {
            Reply::ChatHistory(messages, _) => messages.len(),
            other => panic!("{other:?}"),
        }
    };
    let read = [&ana, &bo, &eve].map(|who| reads(&mut stage, who));
    assert_eq!(read, [1, 1, 0]);
    let eve = Actor::Participant(eve);
    let react = Command::ReactToChat {
        seq,
        kind: "heart".into(),
        on: true,
    };
    for command in [react, Command::DeleteChat { seq }, say("2", None, Some(seq))] {
        stage.check_refused(&eve, command, Refusal::NoSuchMessage);
    }
    let tell = say("3", None, Some(seq));
    stage.check_refused(
        &Actor::Participant(bo.clone()),
        tell,
        Refusal::Invalid { field: "reply_to" },
    );
    stage.ask(&bo, say("4", Some("ana"), Some(seq))).unwrap();
    stage.check_refused(
        &Actor::Participant(bo),
        say("5", Some("nobody"), None),
        Refusal::NoSuchParticipant,
    );
}

/// R4, R6.
#[test]
fn only_authors_change_and_only_authors_and_moderators_delete() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    let bo = stage.join("bo");
    let max = stage.join_as(moderator("max")).unwrap();
    let seq = said(&mut stage, &ana, say("1", None, None)).seq;
    let edit = Command::EditChat {
        seq,
        text: "better".into(),
    };
    for who in [&bo, &max] {
        stage.check_refused(
            &Actor::Participant(who.clone()),
            edit.clone(),
            Refusal::NotAllowed,
        );
    }
    stage.check_refused(
        &Actor::Participant(bo.clone()),
        Command::DeleteChat { seq },
        Refusal::NotAllowed,
    );
    let changed = said(&mut stage, &ana, edit);
    assert_eq!(
        (changed.text.as_str(), changed.edited_at_ms.is_some()),
        ("better", true)
    );
    let react = |on| Command::ReactToChat {
        seq,
        kind: "heart".into(),
        on,
    };
    assert_eq!(
        said(&mut stage, &bo, react(true)).reactions[0].by,
        [identity("bo")]
    );
    assert!(said(&mut stage, &bo, react(false)).reactions.is_empty());
    said(&mut stage, &bo, react(true));
    stage.forget();
    stage.ask(&max, Command::DeleteChat { seq }).unwrap();
    let told = only!(stage.heard(&bo), Event::ChatChanged(message) => message.clone());
    assert!(told[0].deleted && told[0].text.is_empty() && told[0].reactions.is_empty());
    stage.check_refused(
        &Actor::Participant(bo),
        say("2", None, Some(seq)),
        Refusal::Invalid { field: "reply_to" },
    );
}
