use std::time::Duration;

use tertulia_model::ParticipantId;

use super::stage::{Stage, identity, only, person, settings};
use crate::{
    Actor, AuditActor, ChatFile, ChatInput, ChatMessage, Command, DepartureReason, Event, History,
    NewParticipant, Permission, Record, Refusal, Reply, RoomSettings, Settlement, SharedFile, Ticket, limits,
};

fn say(id: &str, text: &str) -> Command {
    Command::Chat(ChatInput {
        id: id.to_owned(),
        text: text.to_owned(),
        ..ChatInput::default()
    })
}

fn said(stage: &mut Stage, who: &ParticipantId, id: &str, text: &str) -> ChatMessage {
    match stage.ask(who, say(id, text)).unwrap() {
        Reply::Chat(message) => message,
        other => panic!("{other:?}"),
    }
}

fn page(stage: &mut Stage, before: Option<u64>, limit: usize) -> (Vec<u64>, bool) {
    match stage.admin(Command::ReadChat { before, limit }).unwrap() {
        Reply::ChatHistory(messages, more) => (messages.iter().map(|message| message.seq).collect(), more),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_message_is_numbered_and_reaches_everybody_its_author_too() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    let bo = stage.join("bo");
    stage.forget();
    assert_eq!(said(&mut stage, &ana, "1", "hello").seq, 1);
    assert_eq!(said(&mut stage, &bo, "1", "hi").seq, 2);
    for who in [&ana, &bo] {
        let heard = only!(stage.heard(who), Event::Chat(message) => (message.seq, message.identity.clone(), message.text.clone()));
        assert_eq!(
            heard,
            [
                (1, identity("ana"), "hello".to_owned()),
                (2, identity("bo"), "hi".to_owned())
            ]
        );
    }
}

#[test]
fn the_same_message_again_is_answered_and_not_doubled() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    let first = said(&mut stage, &ana, "1", "hello");
    stage
        .ask(
            &ana,
            Command::Leave {
                reason: DepartureReason::SignalLost,
            },
        )
        .unwrap();
    let ana = stage.join("ana");
    stage.forget();
    assert_eq!(said(&mut stage, &ana, "1", "hello"), first);
    assert!(stage.deliveries.is_empty());
    assert_eq!(page(&mut stage, None, 10), (vec![1], false));
}

#[test]
fn control_characters_and_overrides_do_not_get_into_the_chat() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    assert_eq!(
        said(&mut stage, &ana, "1", " <b>a\u{1b}[1m\r\nb\u{202E}\u{0} ").text,
        "<b>a[1m\nb"
    );
}

#[test]
fn history_is_read_backwards_in_pages() {
    let mut stage = Stage::with(RoomSettings {
        chat_history: 70,
        ..settings()
    });
    let ana = stage.join("ana");
    for n in 1..=80 {
        said(&mut stage, &ana, &n.to_string(), "x");
        stage.pass(Duration::from_secs(1));
    }
    assert_eq!(page(&mut stage, None, 3), (vec![78, 79, 80], true));
    assert_eq!(page(&mut stage, Some(14), 3), (vec![11, 12, 13], false));
    assert_eq!(page(&mut stage, Some(15), 3), (vec![12, 13, 14], true));
    assert_eq!(page(&mut stage, Some(11), 3), (vec![], false));
    assert_eq!(page(&mut stage, Some(u64::MAX), usize::MAX).0.len(), 70);
    assert_eq!(page(&mut stage, Some(0), 3), (vec![], false));
}

#[test]
fn a_room_without_history_still_knows_a_repetition() {
    let mut stage = Stage::with(RoomSettings {
        chat_history: 0,
        ..settings()
    });
    let ana = stage.join("ana");
    let first = said(&mut stage, &ana, "1", "hello");
    assert_eq!(said(&mut stage, &ana, "1", "hello"), first);
    assert_eq!(page(&mut stage, None, 10), (vec![], false));
}

#[test]
fn late_joiners_read_what_was_said_and_whose_hands_are_up() {
    let mut stage = Stage::new();
    let [ana, bo, cleo] = ["ana", "bo", "cleo"].map(|name| stage.join(name));
    said(&mut stage, &ana, "1", "hello");
    for who in [&bo, &ana, &cleo] {
        stage.ask(who, Command::SetHand { raised: true }).unwrap();
    }
    stage.ask(&ana, Command::SetHand { raised: false }).unwrap();
    let late = stage.join("late");
    let Reply::Snapshot(snapshot) = stage.ask(&late, Command::ReadSnapshot).unwrap() else {
        panic!()
    };
    assert_eq!((snapshot.room.participants, snapshot.chat.len()), (4, 1));
    let hands: Vec<_> = snapshot.hands.iter().map(|hand| hand.identity.clone()).collect();
    assert_eq!(hands, [identity("bo"), identity("cleo")]);
    assert!(snapshot.hands[0].raised_at_ms < snapshot.hands[1].raised_at_ms);
}

#[test]
fn nonsense_is_not_chat() {
    let mut stage = Stage::new();
    let ana = Actor::Participant(stage.join("ana"));
    let mut check = |command, refusal| stage.check_refused(&ana, command, refusal);
    check(say("1", " \u{7}\n"), Refusal::Invalid { field: "text" });
    check(say("", "x"), Refusal::Invalid { field: "id" });
    check(say("a\nb", "x"), Refusal::Invalid { field: "id" });
    check(
        say(&"x".repeat(257), "x"),
        Refusal::LimitExceeded {
            field: "id",
            limit: limits::ID_BYTES,
        },
    );
    check(
        say("1", &"x".repeat(2_001)),
        Refusal::LimitExceeded {
            field: "text",
            limit: 2_000,
        },
    );
}

#[test]
fn floods_of_chat_hands_and_reactions_run_dry_each_by_itself() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    let run_dry = |stage: &mut Stage, command: &dyn Fn(usize) -> Command| {
        (0..1_000)
            .take_while(|n| stage.ask(&ana, command(*n)).is_ok())
            .count()
    };
    assert_eq!(run_dry(&mut stage, &|n| say(&n.to_string(), "x")), 10);
    assert_eq!(
        run_dry(&mut stage, &|n| Command::SetHand { raised: n % 2 == 0 }),
        6
    );
    assert_eq!(
        run_dry(&mut stage, &|_| Command::React { kind: "clap".into() }),
        10
    );
    stage.check_refused(
        &Actor::Participant(ana.clone()),
        say("last", "x"),
        Refusal::TooMany,
    );
    stage.pass(Duration::from_secs(1));
    assert_eq!(run_dry(&mut stage, &|n| say(&format!("again {n}"), "x")), 2);
}

#[test]
fn a_hand_is_raised_once_and_shown_with_its_owner() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    let bo = stage.join("bo");
    stage.forget();
    for raised in [true, true, false, false] {
        stage.ask(&ana, Command::SetHand { raised }).unwrap();
    }
    let hands = only!(stage.heard(&bo), Event::Hand { identity: who, raised_at_ms, .. } => (who.clone(), raised_at_ms.is_some()));
    assert_eq!(hands, [(identity("ana"), true), (identity("ana"), false)]);
    let shown = only!(stage.heard(&bo), Event::ParticipantChanged(info) => info.hand_raised_at_ms.is_some());
    assert_eq!(shown, [true, false]);
}

#[test]
fn reactions_are_short_plain_names() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    let bo = stage.join("bo");
    stage.forget();
    stage
        .ask(
            &ana,
            Command::React {
                kind: "thumbs-up".into(),
            },
        )
        .unwrap();
    let seen = only!(stage.heard(&bo), Event::Reaction(reaction) => (reaction.identity.clone(), reaction.kind.clone()));
    assert_eq!(seen, [(identity("ana"), "thumbs-up".to_owned())]);
    let actor = Actor::Participant(ana);
    for kind in ["", "👍", "a b", "<script>"] {
        stage.check_refused(
            &actor,
            Command::React { kind: kind.into() },
            Refusal::Invalid { field: "reaction" },
        );
    }
    let refusal = Refusal::LimitExceeded {
        field: "reaction",
        limit: limits::REACTION_BYTES,
    };
    stage.check_refused(&actor, Command::React { kind: "x".repeat(33) }, refusal);
}

/// A stage whose room is kept, with somebody in it.
fn kept(history: Option<History>) -> (Stage, ParticipantId) {
    let mut stage = Stage::new();
    stage.room.keep(history);
    let ana = stage.join("ana");
    stage.forget();
    (stage, ana)
}

fn pending(stage: &mut Stage, who: &ParticipantId, id: &str) -> Ticket {
    match stage.ask(who, say(id, id)).unwrap() {
        Reply::Pending(ticket) => ticket,
        other => panic!("{other:?}"),
    }
}

#[test]
fn nobody_hears_a_message_before_it_stands() {
    let (mut stage, ana) = kept(Some(History::default()));
    let ticket = pending(&mut stage, &ana, "a");
    assert!(stage.deliveries.is_empty());
    assert_eq!(page(&mut stage, None, 10), (vec![], false));
    let Some((Some(written), Record::Chat(message))) = stage.room.poll_record() else {
        panic!("nothing to write");
    };
    assert_eq!((written, message.seq), (ticket, 1));
    assert_eq!(
        stage.room.settle(ticket, Settlement::Kept),
        Ok(Reply::Chat(message.clone()))
    );
    stage.drain();
    assert_eq!(
        only!(stage.heard(&ana), Event::Chat(heard) => heard.clone()),
        [message]
    );
}

#[test]
fn a_message_that_cannot_be_kept_is_refused_and_never_heard() {
    let (mut stage, ana) = kept(Some(History::default()));
    let lost = pending(&mut stage, &ana, "a");
    let kept = pending(&mut stage, &ana, "b");
    assert_eq!(stage.room.settle(lost, Settlement::Failed), Err(Refusal::NotKept));
    assert!(stage.room.settle(kept, Settlement::Kept).is_ok());
    assert_eq!(stage.room.settle(kept, Settlement::Kept), Err(Refusal::NotKept));
    assert_eq!(page(&mut stage, None, 10), (vec![2], false));
    // It may be said again.
    let again = pending(&mut stage, &ana, "a");
    assert!(stage.room.settle(again, Settlement::Kept).is_ok());
    assert_eq!(page(&mut stage, None, 10), (vec![2, 3], false));
}

#[test]
fn a_message_sent_again_while_it_waits_waits_with_the_first() {
    let (mut stage, ana) = kept(Some(History::default()));
    let first = pending(&mut stage, &ana, "a");
    assert_eq!(pending(&mut stage, &ana, "a"), first);
    assert!(stage.room.poll_record().is_some());
    assert!(stage.room.poll_record().is_none());
}

#[test]
fn a_message_that_stood_before_is_answered_and_not_told_again() {
    let (mut stage, ana) = kept(Some(History::default()));
    let ticket = pending(&mut stage, &ana, "a");
    let stood = ChatMessage {
        seq: 7,
        id: "a".to_owned(),
        identity: identity("ana"),
        name: "ana".to_owned(),
        text: "the first".to_owned(),
        at_ms: 5,
        file: None,
        to: None,
        reply_to: None,
        edited_at_ms: None,
        deleted: false,
        reactions: Vec::new(),
    };
    let settled = stage
        .room
        .settle(ticket, Settlement::StoodBefore(Box::new(stood.clone())));
    assert_eq!(settled, Ok(Reply::Chat(stood)));
    stage.drain();
    assert!(stage.deliveries.is_empty());
}

#[test]
fn a_room_goes_on_where_its_history_ends() {
    let earlier = ChatMessage {
        seq: 40,
        id: "z".to_owned(),
        identity: identity("ana"),
        name: "ana".to_owned(),
        text: "before".to_owned(),
        at_ms: 5,
        file: None,
        to: None,
        reply_to: None,
        edited_at_ms: None,
        deleted: false,
        reactions: Vec::new(),
    };
    let (mut stage, ana) = kept(Some(History {
        chat: vec![earlier.clone()],
        last_seq: 44,
        ..History::default()
    }));
    assert_eq!(stage.ask(&ana, say("z", "before")), Ok(Reply::Chat(earlier)));
    let ticket = pending(&mut stage, &ana, "a");
    assert!(stage.room.settle(ticket, Settlement::Kept).is_ok());
    assert_eq!(page(&mut stage, None, 10), (vec![40, 45], false));
}

#[test]
fn without_knowing_what_stood_before_nothing_is_said() {
    let (mut stage, ana) = kept(None);
    assert_eq!(stage.ask(&ana, say("a", "a")), Err(Refusal::NotKept));
}

#[test]
fn so_much_may_wait_and_no_more() {
    let (mut stage, _) = kept(Some(History::default()));
    let mut asked = 0;
    for n in 0..200 {
        let who = stage.join(&format!("p{n}"));
        for message in 0..10 {
            asked += 1;
            let outcome = stage.ask(&who, say(&message.to_string(), "x"));
            let expected = asked <= limits::PENDING_RECORDS;
            assert_eq!(outcome.is_ok(), expected, "message {asked}");
        }
    }
}

#[test]
fn a_room_that_is_over_says_so_in_its_records_but_not_when_the_server_stops() {
    for (actor, expected) in [(Actor::Admin, true), (Actor::System, false)] {
        let (mut stage, _) = kept(Some(History::default()));
        stage.room.handle(&actor, Command::End, stage.now).unwrap();
        let records: Vec<Record> = std::iter::from_fn(|| stage.room.poll_record())
            .map(|(_, record)| record)
            .collect();
        let ended = records
            .iter()
            .any(|record| matches!(record, Record::Ended { .. }));
        assert_eq!(ended, expected);
        assert!(
            records
                .iter()
                .any(|record| matches!(record, Record::Audit(entry) if entry.action == "room.ended"))
        );
    }
}

#[test]
fn the_audit_log_has_who_did_what_to_whom_and_nothing_that_was_refused() {
    let mut stage = Stage::new();
    stage.room.keep(Some(History::default()));
    let ana = stage.join("ana");
    stage.join("bo");
    let remove = Command::Remove {
        identity: identity("bo"),
        revoke: false,
    };
    assert_eq!(stage.ask(&ana, remove.clone()), Err(Refusal::NotAllowed));
    assert!(stage.room.poll_record().is_none());
    stage.admin(remove).unwrap();
    let Some((None, Record::Audit(entry))) = stage.room.poll_record() else {
        panic!("nothing was written down");
    };
    assert_eq!(
        (entry.by, entry.action, entry.subject),
        (AuditActor::Admin, "participant.removed", Some(identity("bo")))
    );
}

#[test]
fn a_file_is_shown_by_whoever_may_chat() {
    let mut stage = Stage::new();
    let ana = stage.join("ana");
    let file = ChatFile {
        id: "f".to_owned(),
        name: "plan.pdf".to_owned(),
        kind: "application/pdf".to_owned(),
        bytes: 7,
    };
    let share = Command::ShareFile(SharedFile {
        id: "1".to_owned(),
        file: file.clone(),
    });
    assert_eq!(stage.ask(&ana, Command::AskToShare), Ok(Reply::Done));
    let Ok(Reply::Chat(message)) = stage.ask(&ana, share.clone()) else {
        panic!("not shown");
    };
    assert_eq!((message.text.as_str(), message.file), ("plan.pdf", Some(file)));

    let silent = stage.join_as(NewParticipant {
        permission: Permission {
            can_publish_data: false,
            ..Permission::ordinary()
        },
        ..person("bo")
    });
    let actor = Actor::Participant(silent.unwrap());
    stage.check_refused(&actor, Command::AskToShare, Refusal::NotAllowed);
    stage.check_refused(&actor, share, Refusal::NotAllowed);
}
