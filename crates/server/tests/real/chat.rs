//! Finding and taking along what was said, and who did what.

use std::process::Command;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Folder, Guest, Server};

async fn say(server: &Server, guest: &Guest, id: &str, text: &str) {
    let answer = server
        .request(Method::POST, "/api/v1/rooms/Plaza/chat", &guest.token)
        .header("content-type", "application/json")
        .body(json!({"id": id, "text": text}).to_string())
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::CREATED);
}

async fn get(server: &Server, guest: &Guest, path: &str) -> (StatusCode, String) {
    let answer = server
        .request(Method::GET, path, &guest.token)
        .send()
        .await
        .unwrap();
    (answer.status(), answer.text().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn chat_is_searched_and_exported_by_who_is_in_the_room_and_by_nobody_else() {
    let folder = Folder::new();
    let server = Server::start(&folder, &[]).await;
    let ana = server.join("Plaza", "ana").await;
    let elsewhere = server.join("Other", "eve").await;
    for (id, text) in [("1", "Über uns\nzwei"), ("2", "100% sure"), ("3", "nothing")] {
        say(&server, &ana, id, text).await;
    }

    let search = "/api/v1/rooms/Plaza/chat/search?q=";
    let (status, body) = get(&server, &ana, &format!("{search}%C3%BCBER")).await;
    let page: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (status, &page["messages"][0]["id"]),
        (StatusCode::OK, &json!("1"))
    );
    assert_eq!(
        get(&server, &ana, &format!("{search}%20")).await.0,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(
        get(&server, &elsewhere, &format!("{search}x")).await.0,
        StatusCode::FORBIDDEN
    );

    let export = "/api/v1/rooms/Plaza/chat/export";
    let (status, body) = get(&server, &ana, export).await;
    let all: Value = serde_json::from_str(&body).unwrap();
    let ids: Vec<&str> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m["id"].as_str().unwrap())
        .collect();
    assert_eq!((status, ids), (StatusCode::OK, vec!["1", "2", "3"]));
    let (_, text) = get(&server, &ana, &format!("{export}?format=text")).await;
    let first = text.lines().next().unwrap();
    assert!(
        first.ends_with("Z ana: Über uns") && text.lines().nth(1) == Some("    zwei"),
        "{text}"
    );
    assert_eq!(get(&server, &elsewhere, export).await.0, StatusCode::FORBIDDEN);
    server.kill_now();
    server.gone().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_is_printed_and_its_chain_checked() {
    let folder = Folder::new();
    let server = Server::start(&folder, &[]).await;
    let admin = server
        .join_with("Plaza", "ana", |grant| grant.room_admin = true)
        .await;
    let _other = server.join("Plaza", "bo").await;
    let answer = server
        .request(
            Method::POST,
            "/twirp/livekit.RoomService/RemoveParticipant",
            &admin.token,
        )
        .header("content-type", "application/json")
        .body(json!({"room": "Plaza", "identity": "bo"}).to_string())
        .send()
        .await
        .unwrap();
    assert_eq!(
        answer.status(),
        StatusCode::OK,
        "{}",
        answer.text().await.unwrap()
    );
    server.stop().await;

    let audit = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_tertulia"))
            .arg("audit")
            .args(arguments)
            .env("TERTULIA_DATA_DIR", &folder.0)
            .output()
            .unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    };
    let (done, lines) = audit(&["list", "--room", "plaza"]);
    assert!(
        done && lines.contains("\tadmin\tparticipant.") && lines.contains("\tbo\t"),
        "{lines}"
    );
    let (holds, verified) = audit(&["verify"]);
    assert!(holds && verified.starts_with("The audit log holds"), "{verified}");
    let head = verified.trim().rsplit(' ').next().unwrap();
    assert!(audit(&["verify", "--head", head]).0);
    assert!(!audit(&["verify", "--head", &head.replace(['0', '1', '2'], "f")]).0);
}
