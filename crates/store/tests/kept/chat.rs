//! What was said is kept, found and forgotten, on both databases alike.

use crate::support::on_both;
use tertulia_model::{Identity, RoomName};
use tertulia_room::{ChatMessage, ChatReaction, History, Record, Settlement};
use tertulia_store::{Retention, Store};

const HOUR: u64 = 3_600_000;

fn room(name: &str) -> RoomName {
    RoomName::parse(name).unwrap()
}

pub fn message(seq: u64, id: &str, text: &str) -> ChatMessage {
    ChatMessage {
        seq,
        id: id.to_owned(),
        identity: Identity::parse("ana").unwrap(),
        name: "Ana María".to_owned(),
        text: text.to_owned(),
        at_ms: seq * HOUR,
        file: None,
        to: None,
        reply_to: None,
        edited_at_ms: None,
        deleted: false,
        reactions: Vec::new(),
    }
}

async fn say(store: &Store, name: &str, message: ChatMessage) -> Settlement {
    let mut settled = store
        .keep(&[(room(name), Record::Chat(message))], Retention::WhileOpen)
        .await;
    settled.remove(0).unwrap()
}

async fn seqs(store: &Store, name: &str, before: Option<u64>, limit: usize) -> (Vec<u64>, bool) {
    let page = store.read_chat(&room(name), before, limit).await.unwrap();
    (
        page.messages.iter().map(|message| message.seq).collect(),
        page.more,
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_read_back_page_by_page_as_they_were() {
    on_both(|store, place| async move {
        let texts = ["one", "två 😀", "  \"';--%_!\n", "four", "five"];
        for (seq, text) in (1..).zip(texts) {
            assert_eq!(
                say(&store, "Plaza", message(seq, &seq.to_string(), text)).await,
                Settlement::Kept
            );
        }
        say(&store, "Other", message(1, "1", "elsewhere")).await;
        store.close().await;
        let store = Store::open(&place).await.unwrap();
        assert_eq!(seqs(&store, "plaza", None, 2).await, (vec![4, 5], true));
        assert_eq!(seqs(&store, "PLAZA", Some(4), 3).await, (vec![1, 2, 3], false));
        assert_eq!(seqs(&store, "Nowhere", None, 3).await, (vec![], false));
        let onwards = store.chat_after(&room("Plaza"), 2, 2).await.unwrap();
        assert_eq!(
            onwards.messages,
            [message(3, "3", texts[2]), message(4, "4", "four")]
        );
        assert!(onwards.more);
        let page = store.read_chat(&room("Plaza"), Some(4), 1).await.unwrap();
        assert_eq!(page.messages, [message(3, "3", texts[2])]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_sent_again_gives_the_one_that_stands() {
    on_both(|store, _| async move {
        say(&store, "Plaza", message(1, "a", "first")).await;
        let again = say(&store, "Plaza", message(2, "a", "second")).await;
        assert_eq!(again, Settlement::StoodBefore(Box::new(message(1, "a", "first"))));
        assert_eq!(seqs(&store, "Plaza", None, 10).await, (vec![1], false));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_cannot_be_kept_does_not_take_the_others_with_it() {
    on_both(|store, _| async move {
        let records = [
            (room("Plaza"), Record::Chat(message(1, "a", "first"))),
            // The number is taken, which no other message may have.
            (room("Plaza"), Record::Chat(message(1, "b", "impossible"))),
            (room("Plaza"), Record::Chat(message(3, "c", "third"))),
        ];
        let settled = store.keep(&records, Retention::WhileOpen).await;
        assert!(matches!(settled[0], Ok(Settlement::Kept)));
        assert!(settled[1].is_err());
        assert!(matches!(settled[2], Ok(Settlement::Kept)));
        assert_eq!(seqs(&store, "Plaza", None, 10).await, (vec![1, 3], false));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn words_are_found_whatever_their_case_and_taken_literally() {
    on_both(|store, _| async move {
        for (seq, text) in (1..).zip(["Über 100% sure", "über", "100 sure", "a_b", "aXb", "bang!"]) {
            say(&store, "Plaza", message(seq, &seq.to_string(), text)).await;
        }
        for (words, expected) in [
            ("ÜBER", vec![1, 2]),
            ("100%", vec![1]),
            ("a_b", vec![4]),
            ("!", vec![6]),
            ("nothing", vec![]),
        ] {
            let page = store.search_chat(&room("Plaza"), words, None, 10).await.unwrap();
            let found: Vec<u64> = page.messages.iter().map(|message| message.seq).collect();
            assert_eq!(found, expected, "for {words}");
        }
        let page = store.search_chat(&room("Plaza"), "sure", None, 1).await.unwrap();
        assert_eq!((page.messages[0].seq, page.more), (3, true));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_that_opens_again_goes_on_with_its_chat() {
    on_both(|store, _| async move {
        for seq in 1..=3 {
            say(&store, "Plaza", message(seq, &seq.to_string(), "x")).await;
        }
        let open = async |retention, now_ms| {
            let history = store
                .open_contents(&room("Plaza"), 2, retention, now_ms)
                .await
                .unwrap();
            let seqs: Vec<u64> = history.chat.iter().map(|message| message.seq).collect();
            (seqs, history.last_seq)
        };
        // A restart: the last message is minutes old, so it is the same meeting, all of it.
        let restarted = 3 * HOUR + 60_000;
        assert_eq!(open(Retention::WhileOpen, restarted).await, (vec![2, 3], 3));
        assert_eq!(seqs(&store, "Plaza", None, 9).await.0, [1, 2, 3]);
        // Messages that stay for ninety minutes.
        assert_eq!(open(Retention::Seconds(5_400), restarted).await, (vec![2, 3], 3));
        assert_eq!(seqs(&store, "Plaza", None, 9).await.0, [2, 3]);
        // The next day somebody else opens a room of that name. Numbers are not given twice.
        assert_eq!(open(Retention::WhileOpen, 30 * HOUR).await, (vec![], 3));
        let unknown = store
            .open_contents(&room("New"), 2, Retention::WhileOpen, 0)
            .await;
        assert_eq!(unknown.unwrap(), History::default());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_goes_with_the_room_unless_it_is_to_stay() {
    on_both(|store, _| async move {
        let end = (room("Plaza"), Record::Ended { at_ms: 0 });
        say(&store, "Plaza", message(1, "a", "x")).await;
        store
            .keep(std::slice::from_ref(&end), Retention::Seconds(60))
            .await;
        assert_eq!(seqs(&store, "Plaza", None, 9).await.0, [1]);
        store.keep(&[end], Retention::WhileOpen).await;
        assert_eq!(seqs(&store, "Plaza", None, 9).await.0, Vec::<u64>::new());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_go_when_their_time_is_over() {
    on_both(|store, _| async move {
        for seq in 1..=4 {
            say(&store, "Plaza", message(seq, &seq.to_string(), "x")).await;
        }
        let now = 26 * HOUR + 1;
        assert_eq!(
            store
                .expire_contents(Retention::Seconds(86_400), now)
                .await
                .unwrap(),
            2
        );
        assert_eq!(seqs(&store, "Plaza", None, 9).await.0, [3, 4]);
        assert_eq!(
            store.expire_contents(Retention::Seconds(60), now).await.unwrap(),
            2
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_read_back_as_it_was_changed_last() {
    on_both(|store, _| async move {
        let mut answer = message(2, "2", "two");
        answer.reply_to = Some(1);
        say(&store, "Plaza", message(1, "1", "one")).await;
        say(&store, "Plaza", answer.clone()).await;
        answer.text = "zwei ÜBER".to_owned();
        answer.edited_at_ms = Some(77);
        let people = ["ana", "bo é 😀"].map(|who| Identity::parse(who).unwrap());
        answer.reactions = vec![
            ChatReaction {
                kind: "heart".to_owned(),
                by: people.to_vec(),
            },
            ChatReaction {
                kind: "clap".to_owned(),
                by: people[..1].to_vec(),
            },
        ];
        let mut gone = message(1, "1", "");
        gone.deleted = true;
        let changes = [
            (room("Plaza"), Record::ChatChanged(answer.clone())),
            (room("Plaza"), Record::ChatChanged(gone)),
        ];
        for outcome in store.keep(&changes, Retention::WhileOpen).await {
            assert!(matches!(outcome, Ok(Settlement::Kept)));
        }
        let page = store.read_chat(&room("Plaza"), None, 9).await.unwrap();
        assert_eq!(page.messages, [answer]);
        let found = store.search_chat(&room("Plaza"), "über", None, 9).await.unwrap();
        assert_eq!(found.messages.len(), 1);
    })
    .await;
}
