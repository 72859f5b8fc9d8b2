//! A lobby full of people whom the host lets in all at once.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::support::{Folder, Server};

const PEOPLE: usize = 200;
/// How long anything expected may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// An event stream, read event by event.
struct Stream {
    answer: Response,
    text: String,
}

impl Stream {
    /// The next event and its data.
    async fn next(&mut self) -> (String, Value) {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    let mut lines = event.lines();
                    lines
                        .find_map(|line| line.strip_prefix(name))
                        .unwrap_or_default()
                        .trim()
                        .to_owned()
                };
                let told = (
                    field("event:"),
                    serde_json::from_str(&field("data:")).unwrap_or_default(),
                );
                self.text = rest.to_owned();
                return told;
            }
            let piece = tokio::time::timeout(PATIENCE, self.answer.chunk()).await;
            let piece = piece
                .expect("an event in time")
                .unwrap()
                .expect("the stream goes on");
            self.text.push_str(std::str::from_utf8(&piece).unwrap());
        }
    }
}

async fn ask(server: &Server, method: Method, path: &str, token: &str, body: Value) -> (StatusCode, Value) {
    server
        .ask(method, &format!("/api/v1/rooms/Plaza/{path}"), token, body)
        .await
}

/// Somebody who has knocked and listens.
async fn wait(server: &Server, number: usize) -> Stream {
    let knock = json!({"displayName": format!("Guest {number}")});
    let (status, place) = ask(server, Method::POST, "join", "", knock).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{place}");
    let token = place["lobbyToken"].as_str().unwrap();
    let stream = server.request(Method::GET, "/api/v1/rooms/Plaza/lobby/events", token);
    let answer = stream.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let mut stream = Stream {
        answer,
        text: String::new(),
    };
    assert_eq!(stream.next().await.0, "waiting");
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_who_wait_are_let_in_at_once_and_all_come_in() {
    let folder = Folder::new();
    let server = Server::start(
        &folder,
        &[
            // They all come from this machine.
            ("TERTULIA_LIMITS__JOINS_BURST", "1000"),
            ("TERTULIA_LIMITS__LOOKUPS_BURST", "1000"),
            ("TERTULIA_HTTP__CONNECTIONS_PER_ADDRESS", "2000"),
        ],
    )
    .await;
    let (status, host) = ask(&server, Method::POST, "join", "", json!({"displayName": "Host"})).await;
    assert_eq!(status, StatusCode::OK, "{host}");
    let host = host["token"].as_str().unwrap().to_owned();
    let _host = server.come_in(&host).await;
    let (status, refused) = ask(&server, Method::PATCH, "access", &host, json!({"lobby": true})).await;
    assert_eq!(status, StatusCode::NO_CONTENT, "{refused}");

    let waiting = join_all((0..PEOPLE).map(|number| wait(&server, number))).await;
    let (status, refused) = ask(&server, Method::POST, "lobby/admit", &host, json!({})).await;
    assert_eq!(status, StatusCode::NO_CONTENT, "{refused}");
    let come = waiting.into_iter().map(async |mut stream| {
        let (event, answer) = stream.next().await;
        assert_eq!(event, "admitted", "{answer}");
        let token = answer["token"].as_str().unwrap().to_owned();
        let guest = server.come_in(&token).await;
        let (status, refused) = ask(&server, Method::PUT, "hand", &token, json!({"raised": true})).await;
        assert_eq!(status, StatusCode::NO_CONTENT, "{refused}");
        guest
    });
    let inside = join_all(come).await;
    let (status, people) = ask(&server, Method::GET, "participants", &host, json!({})).await;
    assert_eq!(
        (status, people["participants"].as_array().unwrap().len()),
        (StatusCode::OK, PEOPLE + 1)
    );
    drop(inside);
    server.stop().await;
}
