//! What was acknowledged stands, whatever happens to the process.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::{Folder, Guest, Server};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::timeout;

const KILLS: usize = 50;
const MESSAGES: usize = 1_000;
const PEOPLE: usize = 8;
/// Ends a test that would never end.
const STUCK: Duration = Duration::from_secs(120);
/// The room lets everybody say so many at once; more would only be refused.
const BURST: usize = 8;

const SETTINGS: [(&str, &str); 3] = [
    ("TERTULIA_LIMITS__CHAT_BURST", "100000"),
    ("TERTULIA_LIMITS__CHAT_PER_MINUTE", "100000"),
    // Most of what is read at the end comes from the store and not from the room.
    ("TERTULIA_ROOMS__CHAT_HISTORY", "50"),
];

/// What somebody knows of what they said.
#[derive(Default)]
struct Said {
    next: usize,
    /// Sent, and no answer came.
    unanswered: Vec<String>,
    /// Acknowledged, by id, with the number the server gave.
    acknowledged: BTreeMap<String, u64>,
}

/// Says one thing after the other, first again what had no answer, until the server is gone or the room has had enough.
async fn speak(
    server: Arc<Server>,
    guest: Arc<Guest>,
    mut said: Said,
    count: Arc<(AtomicUsize, Notify)>,
) -> Said {
    for _ in 0..BURST {
        let id = match said.unanswered.first() {
            Some(id) => id.clone(),
            None => {
                said.next += 1;
                let id = format!("m{}", said.next);
                said.unanswered.push(id.clone());
                id
            }
        };
        let sent = server
            .request(Method::POST, "/api/v1/rooms/Plaza/chat", &guest.token)
            .header("content-type", "application/json")
            .body(json!({"id": id, "text": format!("text of {id}")}).to_string())
            .send()
            .await;
        let Ok(answer) = sent else { break };
        let status = answer.status();
        let Ok(body) = answer.text().await else { break };
        assert_eq!(status, StatusCode::CREATED, "{body}");
        let message: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(message["id"], id.as_str());
        said.unanswered.remove(0);
        let before = said.acknowledged.insert(id, message["seq"].as_u64().unwrap());
        assert_eq!(before, None);
        count.0.fetch_add(1, Ordering::Relaxed);
        count.1.notify_one();
    }
    said
}

/// Everything that was said, page by page.
async fn read_all(server: &Server, guest: &Guest) -> Vec<Value> {
    let mut all = Vec::new();
    let mut before = None;
    loop {
        let query = before.map_or_else(String::new, |before: u64| format!("&before={before}"));
        let path = format!("/api/v1/rooms/Plaza/chat?limit=200{query}");
        let answer = server
            .request(Method::GET, &path, &guest.token)
            .send()
            .await
            .unwrap();
        let page: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        let messages = page["messages"].as_array().unwrap().clone();
        before = messages.first().and_then(|message| message["seq"].as_u64());
        all.splice(0..0, messages);
        if page["more"] != true {
            return all;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_acknowledged_message_is_lost_or_doubled_by_fifty_kills() {
    let folder = Folder::new();
    let mut people: Vec<Said> = (0..PEOPLE).map(|_| Said::default()).collect();
    let acknowledged = |people: &[Said]| people.iter().map(|said| said.acknowledged.len()).sum::<usize>();
    let mut kills = 0;
    while kills < KILLS || acknowledged(&people) < MESSAGES {
        let server = Arc::new(Server::start(&folder, &SETTINGS).await);
        let count = Arc::new((AtomicUsize::new(0), Notify::new()));
        let mut guests = Vec::new();
        for n in 0..PEOPLE {
            guests.push(Arc::new(server.join("Plaza", &format!("p{n}")).await));
        }
        let speaking: Vec<_> = std::mem::take(&mut people)
            .into_iter()
            .zip(&guests)
            .map(|(said, guest)| tokio::spawn(speak(server.clone(), guest.clone(), said, count.clone())))
            .collect();
        // Another moment each time, so that the process dies in every state of a message.
        let moment = 10 + kills % 37;
        let reached = async {
            while count.0.load(Ordering::Relaxed) < moment {
                count.1.notified().await;
            }
        };
        timeout(STUCK, reached)
            .await
            .expect("nobody gets an answer any more");
        server.kill_now();
        for spoken in speaking {
            people.push(spoken.await.unwrap());
        }
        Arc::into_inner(server).unwrap().gone().await;
        kills += 1;
    }

    let server = Server::start(&folder, &SETTINGS).await;
    let guest = server.join("Plaza", "p0").await;
    let stored = read_all(&server, &guest).await;
    let seqs: Vec<u64> = stored
        .iter()
        .map(|message| message["seq"].as_u64().unwrap())
        .collect();
    assert!(seqs.is_sorted_by(|a, b| a < b), "numbers do not rise");
    let mut seen = BTreeSet::new();
    for message in &stored {
        let key = (
            message["identity"].as_str().unwrap(),
            message["id"].as_str().unwrap(),
        );
        assert!(seen.insert(key), "doubled: {key:?}");
        assert_eq!(message["text"], format!("text of {}", key.1));
    }
    let by_key: BTreeMap<_, _> = stored
        .iter()
        .map(|message| {
            (
                (
                    message["identity"].as_str().unwrap(),
                    message["id"].as_str().unwrap(),
                ),
                message["seq"].as_u64(),
            )
        })
        .collect();
    for (n, said) in people.iter().enumerate() {
        let identity = format!("p{n}");
        for (id, seq) in &said.acknowledged {
            let found = by_key.get(&(identity.as_str(), id.as_str())).copied().flatten();
            assert_eq!(found, Some(*seq), "lost: {identity} {id}");
        }
    }
    assert!(acknowledged(&people) >= MESSAGES);
    // What had no answer may stand or not; nothing else does.
    let unanswered: usize = people.iter().map(|said| said.unanswered.len()).sum();
    assert!(stored.len() <= acknowledged(&people) + unanswered);
}
