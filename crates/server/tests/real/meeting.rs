//! Votes and strokes that were acknowledged stand after a `kill -9`.

use std::sync::Arc;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tertulia_auth::VideoGrant;

use crate::support::{Folder, Guest, Server};

const ROUNDS: usize = 5;
const PEOPLE: usize = 6;

async fn ask(server: &Server, guest: &Guest, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
    let path = format!("/api/v1/rooms/Plaza/{path}");
    server.ask(method, &path, &guest.token, body).await
}

async fn enter(server: &Server) -> Vec<Guest> {
    let mut guests = Vec::new();
    for n in 0..PEOPLE {
        let leads = |grant: &mut VideoGrant| grant.room_admin = n == 0;
        guests.push(server.join_with("Plaza", &format!("p{n}"), leads).await);
    }
    guests
}

fn stroke(id: &str, version: usize) -> Value {
    json!({"id": id, "type": "line", "version": version, "versionNonce": 1})
}

#[tokio::test(flavor = "multi_thread")]
async fn no_acknowledged_vote_or_stroke_is_lost_or_doubled_by_kills() {
    let folder = Folder::new();
    for round in 1..=ROUNDS {
        let server = Arc::new(Server::start(&folder, &[]).await);
        let guests = enter(&server).await;
        let question = json!({"question": "Tea?", "options": ["yes", "no"], "anonymous": round % 2 == 0});
        let (status, poll) = ask(&server, &guests[0], Method::POST, "polls", question).await;
        assert_eq!(
            (status, poll["id"].as_u64()),
            (StatusCode::OK, Some(round as u64)),
            "{poll}"
        );
        for (n, guest) in guests.iter().enumerate() {
            let vote = json!({"choices": [n % 2]});
            let (status, answer) =
                ask(&server, guest, Method::PUT, &format!("polls/{round}/vote"), vote).await;
            assert_eq!(status, StatusCode::OK, "{answer}");
            let drawing = json!({"epoch": 0, "elements": [stroke(&format!("s{n}"), round)]});
            let (status, answer) = ask(&server, guest, Method::POST, "board/elements", drawing).await;
            assert_eq!(status, StatusCode::NO_CONTENT, "{answer}");
        }
        server.kill_now();
        Arc::into_inner(server).unwrap().gone().await;

        let server = Server::start(&folder, &[]).await;
        let guests = enter(&server).await;
        let path = format!("polls/{round}/close");
        let (status, poll) = ask(&server, &guests[0], Method::POST, &path, Value::Null).await;
        assert_eq!(status, StatusCode::OK, "{poll}");
        let half = PEOPLE / 2;
        assert_eq!(
            (&poll["votes"], &poll["counts"]),
            (&json!(PEOPLE), &json!([half, half]))
        );
        let (_, board) = ask(&server, &guests[0], Method::POST, "board/watch", Value::Null).await;
        let expected: Vec<Value> = (0..PEOPLE).map(|n| stroke(&format!("s{n}"), round)).collect();
        assert_eq!(board["elements"], json!(expected));
        server.stop().await;
    }
}
