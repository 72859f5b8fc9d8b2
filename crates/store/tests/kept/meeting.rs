//! Polls and the whiteboard are kept, and go when the chat goes, on both databases alike.

use std::time::Instant;

use crate::chat::message;
use crate::support::on_both;
use tertulia_model::{Identity, RoomName};
use tertulia_room::{BoardElement, Drawing, Drawn, History, KeptPoll, Now, Poll, Record, Settlement, Vote};
use tertulia_store::{Retention, Store};

const HOUR: u64 = 3_600_000;

fn plaza() -> RoomName {
    RoomName::parse("Plaza").unwrap()
}

fn identity(text: &str) -> Identity {
    Identity::parse(text).unwrap()
}

fn at(unix_ms: u64) -> Now {
    Now {
        instant: Instant::now(),
        unix_ms,
    }
}

async fn keep(store: &Store, records: impl IntoIterator<Item = Record>) {
    let records: Vec<_> = records.into_iter().map(|record| (plaza(), record)).collect();
    for outcome in store.keep(&records, Retention::WhileOpen).await {
        assert_eq!(outcome.unwrap(), Settlement::Kept);
    }
}

async fn opened(store: &Store, now_ms: u64) -> History {
    store
        .open_contents(&plaza(), 10, Retention::WhileOpen, now_ms)
        .await
        .unwrap()
}

fn poll(id: u64, anonymous: bool) -> Poll {
    Poll {
        id,
        question: "Tea, o té?".to_owned(),
        options: vec!["Да".to_owned(), "no; --'".to_owned(), "3".to_owned()],
        multiple: true,
        anonymous,
        secret_until_closed: true,
        by: Some(identity("ana")),
        name: "Ana".to_owned(),
        at_ms: HOUR,
        closed_at_ms: None,
        votes: 0,
        counts: None,
        ballots: Vec::new(),
    }
}

fn vote(poll: u64, who: &str, choices: &[usize], anonymous: bool, at_ms: u64) -> Record {
    Record::Voted(Vote {
        poll,
        voter: identity(who),
        choices: choices.to_vec(),
        anonymous,
        at: at(at_ms),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn polls_are_read_back_with_their_votes_as_they_were_left() {
    on_both(|store, place| async move {
        let records = [
            Record::PollMade(Box::new(poll(1, false))),
            Record::PollMade(Box::new(poll(2, true))),
            Record::PollMade(Box::new(poll(3, false))),
            vote(1, "bo", &[0, 2], false, HOUR + 1),
            vote(1, "ana", &[1], false, HOUR + 2),
            vote(1, "bo", &[1], false, HOUR + 3),
            vote(2, "bo", &[0, 1], true, HOUR + 1),
            vote(2, "bo", &[2], true, HOUR + 2),
            vote(3, "bo", &[2], false, HOUR + 2),
            Record::PollClosed {
                poll: 1,
                at_ms: HOUR + 9,
            },
            vote(1, "eve", &[0], false, HOUR + 10),
            Record::PollDeleted { poll: 3, by: None },
            vote(3, "eve", &[0], false, HOUR + 10),
        ];
        keep(&store, records).await;
        store.close().await;
        let store = Store::open(&place).await.unwrap();
        let kept = opened(&store, HOUR + 10).await;
        let open = KeptPoll {
            poll: Poll {
                closed_at_ms: Some(HOUR + 9),
                votes: 2,
                counts: Some(vec![0, 2, 0]),
                ballots: vec![(identity("ana"), vec![1]), (identity("bo"), vec![1])],
                ..poll(1, false)
            },
            voters: vec![identity("ana"), identity("bo")],
        };
        let anonymous = KeptPoll {
            poll: Poll {
                votes: 1,
                counts: Some(vec![1, 1, 0]),
                ..poll(2, true)
            },
            voters: vec![identity("bo")],
        };
        assert_eq!(kept.polls, [open, anonymous]);
        assert_eq!(kept.last_poll, 3);
    })
    .await;
}

fn element(id: &str, version: u64, nonce: u64, deleted: bool) -> BoardElement {
    BoardElement {
        id: id.to_owned(),
        version,
        nonce,
        deleted,
        body: format!(r#"{{"id":"{id}","version":{version},"text":"ñ'; \\ {nonce}"}}"#).into(),
    }
}

fn drawn(epoch: u64, elements: Vec<BoardElement>, at_ms: u64) -> Record {
    Record::Drawn(Drawn {
        epoch,
        elements,
        at: at(at_ms),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whiteboard_is_read_back_and_a_cleared_one_is_not() {
    on_both(|store, _| async move {
        let records = [
            drawn(
                0,
                vec![element("a", 2, 5, false), element("b", 1, 1, false)],
                HOUR,
            ),
            drawn(0, vec![element("a", 2, 3, false)], HOUR),
            drawn(0, vec![element("a", 1, 1, false), element("b", 2, 1, true)], HOUR),
        ];
        keep(&store, records).await;
        let expected = Drawing {
            epoch: 0,
            elements: vec![element("a", 2, 3, false)],
        };
        assert_eq!(opened(&store, HOUR).await.drawing, expected);
        let cleared = Record::BoardCleared {
            epoch: HOUR + 5,
            by: None,
        };
        keep(
            &store,
            [cleared, drawn(0, vec![element("c", 1, 1, false)], HOUR + 6)],
        )
        .await;
        let expected = Drawing {
            epoch: HOUR + 5,
            elements: Vec::new(),
        };
        assert_eq!(opened(&store, HOUR + 6).await.drawing, expected);
    })
    .await;
}

fn a_bit_of_all(at_ms: u64) -> [Record; 4] {
    let mut asked = poll(1, false);
    asked.at_ms = at_ms;
    let mut said = message(1, "m", "hello");
    said.at_ms = at_ms;
    [
        Record::Chat(said),
        Record::PollMade(Box::new(asked)),
        vote(1, "bo", &[0], false, at_ms),
        drawn(0, vec![element("a", 1, 1, false)], at_ms),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_room_holds_goes_with_it() {
    on_both(|store, _| async move {
        keep(&store, a_bit_of_all(HOUR)).await;
        keep(&store, [Record::Ended { at_ms: HOUR }]).await;
        assert_eq!(opened(&store, HOUR).await, History::default());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_meeting_goes_on_whole_and_a_forgotten_one_is_deleted() {
    on_both(|store, _| async move {
        keep(&store, a_bit_of_all(HOUR)).await;
        // Somebody drew a moment ago, so it is still the same meeting.
        keep(&store, [drawn(0, vec![element("b", 1, 1, false)], 3 * HOUR)]).await;
        let kept = opened(&store, 3 * HOUR + 1).await;
        assert_eq!(
            (kept.chat.len(), kept.polls.len(), kept.drawing.elements.len()),
            (1, 1, 2)
        );
        let kept = opened(&store, 5 * HOUR).await;
        assert_eq!(
            (kept.chat.len(), kept.polls.len(), kept.drawing.elements.len()),
            (0, 0, 0)
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_outlived_its_time_goes_while_nobody_looks() {
    on_both(|store, _| async move {
        keep(&store, a_bit_of_all(HOUR)).await;
        let deleted = store
            .expire_contents(Retention::Seconds(60), HOUR + 60_000)
            .await
            .unwrap();
        assert_eq!(deleted, 0);
        let deleted = store
            .expire_contents(Retention::Seconds(60), HOUR + 60_001)
            .await
            .unwrap();
        assert_eq!(deleted, 1);
        let kept = store
            .open_contents(&plaza(), 10, Retention::Seconds(u32::MAX), HOUR)
            .await
            .unwrap();
        assert_eq!((kept.polls, kept.drawing), (Vec::new(), Drawing::default()));
    })
    .await;
}
