//! Files in the chat, with what the attack list says of them.

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{Folder, Guest, Server};

const FILES: &str = "/api/v1/rooms/Plaza/files";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0";

async fn json_of(answer: Response) -> (StatusCode, Value) {
    let status = answer.status();
    (
        status,
        serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default(),
    )
}

async fn post(server: &Server, guest: &Guest, path: &str, body: Value) -> (StatusCode, Value) {
    let request = server.request(Method::POST, path, &guest.token);
    let request = request
        .header("content-type", "application/json")
        .body(body.to_string());
    json_of(request.send().await.unwrap()).await
}

async fn begin(server: &Server, guest: &Guest, name: &str, size: usize) -> (StatusCode, Value) {
    post(server, guest, FILES, json!({"name": name, "size": size})).await
}

async fn append(
    server: &Server,
    guest: &Guest,
    id: &str,
    offset: usize,
    bytes: &[u8],
) -> (StatusCode, Value) {
    let request = server.request(Method::PATCH, &format!("{FILES}/{id}"), &guest.token);
    let request = request
        .header("upload-offset", offset.to_string())
        .header("content-type", "application/offset+octet-stream")
        .body(bytes.to_vec());
    json_of(request.send().await.unwrap()).await
}

/// Uploads a file in one piece and gives its id, with what became of it.
async fn upload(server: &Server, guest: &Guest, name: &str, bytes: &[u8]) -> (String, StatusCode, Value) {
    let (status, begun) = begin(server, guest, name, bytes.len()).await;
    assert_eq!(status, StatusCode::CREATED, "{begun}");
    let id = begun["id"].as_str().unwrap().to_owned();
    let (status, state) = append(server, guest, &id, 0, bytes).await;
    (id, status, state)
}

async fn link(server: &Server, guest: &Guest, id: &str) -> String {
    let (status, link) = post(server, guest, &format!("{FILES}/{id}/link"), json!({})).await;
    assert_eq!(status, StatusCode::OK, "{link}");
    link["url"].as_str().unwrap().to_owned()
}

async fn fetch(server: &Server, path: &str) -> Response {
    server.request(Method::GET, path, "").send().await.unwrap()
}

/// The files in the data directory.
fn on_disk(folder: &Folder) -> Vec<(String, u64)> {
    let entries = std::fs::read_dir(folder.0.join("files")).unwrap();
    let entries = entries.map(|entry| entry.unwrap());
    entries
        .map(|entry| {
            (
                entry.file_name().into_string().unwrap(),
                entry.metadata().unwrap().len(),
            )
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_goes_to_everybody_in_the_room_through_the_chat() {
    let folder = Folder::new();
    let server = Server::start(&folder, &[]).await;
    let (ana, bo) = (
        server.join("Plaza", "ana").await,
        server.join("Plaza", "bo").await,
    );
    let bytes: Vec<u8> = PNG
        .iter()
        .copied()
        .chain((0..300_000).map(|n| (n % 251) as u8))
        .collect();
    let (status, begun) = begin(&server, &ana, "ñandú.png", bytes.len()).await;
    assert_eq!((status, &begun["offset"]), (StatusCode::CREATED, &json!(0)));
    let id = begun["id"].as_str().unwrap();
    // In pieces, one of them sent again and one from the wrong place.
    assert_eq!(
        append(&server, &ana, id, 0, &bytes[..100_000]).await.1["offset"],
        100_000
    );
    let (status, again) = append(&server, &ana, id, 0, &bytes[..100_000]).await;
    assert_eq!(
        (status, &again["error"]["code"]),
        (StatusCode::CONFLICT, &json!("upload_conflict"))
    );
    let state = server
        .request(Method::GET, &format!("{FILES}/{id}"), &ana.token)
        .send()
        .await
        .unwrap();
    assert_eq!(json_of(state).await.1["offset"], 100_000);
    assert_eq!(
        post(&server, &ana, &format!("{FILES}/{id}/share"), json!({"id": "m1"}))
            .await
            .0,
        StatusCode::CONFLICT
    );
    let (status, whole) = append(&server, &ana, id, 100_000, &bytes[100_000..]).await;
    assert_eq!(
        (status, &whole["complete"], &whole["type"]),
        (StatusCode::OK, &json!(true), &json!("image/png"))
    );
    let (status, message) = post(&server, &ana, &format!("{FILES}/{id}/share"), json!({"id": "m1"})).await;
    assert_eq!(status, StatusCode::CREATED);
    let shown = json!({"id": id, "name": "ñandú.png", "type": "image/png", "size": bytes.len()});
    assert_eq!(
        (&message["file"], &message["text"]),
        (&shown, &json!("ñandú.png"))
    );

    let read = server
        .request(Method::GET, "/api/v1/rooms/Plaza/chat", &bo.token)
        .send()
        .await
        .unwrap();
    assert_eq!(json_of(read).await.1["messages"][0]["file"], shown);
    let answer = fetch(&server, &link(&server, &bo, id).await).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let headers = answer.headers().clone();
    assert_eq!(headers["content-type"], "image/png");
    let disposition = headers["content-disposition"].to_str().unwrap();
    assert!(disposition.starts_with("attachment;") && disposition.contains("%C3%B1and%C3%BA.png"));
    assert_eq!(answer.bytes().await.unwrap(), bytes);
    server.kill_now();
    server.gone().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f1_pages_and_drawings_are_given_out_as_attachments_that_nothing_runs() {
    let folder = Folder::new();
    let server = Server::start(&folder, &[]).await;
    let ana = server.join("Plaza", "ana").await;
    for (name, content) in [
        (
            "a.svg",
            &b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"[..],
        ),
        ("a.html", b"<!doctype html><script>alert(1)</script>"),
    ] {
        let (id, status, _) = upload(&server, &ana, name, content).await;
        assert_eq!(status, StatusCode::OK);
        let answer = fetch(&server, &link(&server, &ana, &id).await).await;
        let headers = answer.headers();
        assert_eq!(headers["content-type"], "application/octet-stream");
        assert!(
            headers["content-disposition"]
                .to_str()
                .unwrap()
                .starts_with("attachment;")
        );
        assert_eq!(headers["x-content-type-options"], "nosniff");
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(
            policy.starts_with("sandbox;") && policy.contains("default-src 'none'"),
            "{policy}"
        );
    }
    server.kill_now();
    server.gone().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f2_names_lead_nowhere_and_files_are_stored_by_their_id() {
    let folder = Folder::new();
    let server = Server::start(&folder, &[]).await;
    let ana = server.join("Plaza", "ana").await;
    let (id, _, state) = upload(&server, &ana, "../../../tmp/x\u{0}.txt", b"text").await;
    assert_eq!(state["name"], "x.txt");
    assert_eq!(on_disk(&folder), [(id, 4)]);
    assert_eq!(
        begin(&server, &ana, &"x".repeat(4_096), 4).await.0,
        StatusCode::BAD_REQUEST
    );
    let climbing = format!("{FILES}/..%2F..%2Fkeys.toml");
    let answer = server
        .request(Method::GET, &climbing, &ana.token)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    server.kill_now();
    server.gone().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f3_what_reads_as_two_things_or_is_misnamed_or_runs_is_refused_and_removed() {
    let folder = Folder::new();
    let server = Server::start(&folder, &[]).await;
    let ana = server.join("Plaza", "ana").await;
    for (name, content) in [
        ("a.png", [PNG, b"<script>alert(1)</script>"].concat()),
        ("a.gif", b"GIF89a trailing PK\x05\x06".to_vec()),
        ("a.png", b"\xff\xd8\xff\xe0\0\x10JFIF".to_vec()),
        ("setup.exe", b"MZ\x90\0\x03\0\0\0".to_vec()),
    ] {
        let (id, status, answer) = upload(&server, &ana, name, &content).await;
        assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{name}");
        assert_eq!(answer["error"]["code"], "type_refused");
        assert_eq!(append(&server, &ana, &id, 0, b"").await.0, StatusCode::NOT_FOUND);
    }
    assert_eq!(on_disk(&folder), []);
    server.kill_now();
    server.gone().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f6_cut_uploads_go_on_and_what_is_too_much_is_refused_without_leavings() {
    let folder = Folder::new();
    let settings = [
        ("TERTULIA_FILES__MAX_BYTES", "1000"),
        ("TERTULIA_FILES__ROOM_BYTES", "1500"),
    ];
    let server = Server::start(&folder, &settings).await;
    let ana = server.join("Plaza", "ana").await;

    // Larger than a file may be, than announced, and than the room has left.
    let (status, answer) = begin(&server, &ana, "a.txt", 1_001).await;
    assert_eq!(
        (status, &answer["error"]["code"]),
        (StatusCode::PAYLOAD_TOO_LARGE, &json!("payload_too_large"))
    );
    let (_, begun) = begin(&server, &ana, "a.txt", 10).await;
    let id = begun["id"].as_str().unwrap();
    assert_eq!(
        append(&server, &ana, id, 0, &[b'x'; 11]).await.0,
        StatusCode::PAYLOAD_TOO_LARGE
    );
    let (_, begun) = begin(&server, &ana, "a.txt", 1_000).await;
    let id = begun["id"].as_str().unwrap();
    let (status, answer) = begin(&server, &ana, "b.txt", 501).await;
    assert_eq!(
        (status, &answer["error"]["code"]),
        (StatusCode::INSUFFICIENT_STORAGE, &json!("no_room_left"))
    );

    // A connection that breaks off in the middle.
    let mut socket = TcpStream::connect(server.address()).await.unwrap();
    let head = format!(
        "PATCH {FILES}/{id} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\nupload-offset: 0\r\n\
         content-length: 1000\r\n\r\n{}",
        ana.token,
        "x".repeat(400)
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let path = folder.0.join("files").join(id);
    while std::fs::metadata(&path).map_or(0, |metadata| metadata.len()) < 400 {
        tokio::task::yield_now().await;
    }
    // While it goes on nobody else writes.
    assert_eq!(append(&server, &ana, id, 400, b"y").await.0, StatusCode::CONFLICT);
    socket.shutdown().await.unwrap();
    let _ = socket.read_to_end(&mut Vec::new()).await;
    drop(socket);
    let rest = [b'x'; 600];
    let whole = loop {
        let (status, state) = append(&server, &ana, id, 400, &rest).await;
        if status != StatusCode::CONFLICT {
            break (status, state);
        }
    };
    assert_eq!(
        (whole.0, &whole.1["complete"]),
        (StatusCode::OK, &json!(true)),
        "{}",
        whole.1
    );
    assert_eq!(on_disk(&folder), [(id.to_owned(), 1_000)]);

    // Taken back, it leaves nothing, and makes room.
    let taken = server
        .request(Method::DELETE, &format!("{FILES}/{id}"), &ana.token)
        .send()
        .await
        .unwrap();
    assert_eq!(taken.status(), StatusCode::NO_CONTENT);
    assert_eq!(on_disk(&folder), []);
    assert_eq!(begin(&server, &ana, "b.txt", 501).await.0, StatusCode::CREATED);
    server.kill_now();
    server.gone().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f6_a_full_disk_is_said_and_leaves_nothing() {
    let folder = Folder::new();
    let server = Server::start(&folder, &[("TERTULIA_FILES__ROOM_BYTES", "10")]).await;
    let ana = server.join("Plaza", "ana").await;
    let (_, begun) = begin(&server, &ana, "a.txt", 10).await;
    let id = begun["id"].as_str().unwrap();
    // Every write to it finds the disk full.
    std::os::unix::fs::symlink("/dev/full", folder.0.join("files").join(id)).unwrap();
    let (status, answer) = append(&server, &ana, id, 0, b"0123456789").await;
    assert_eq!(
        (status, &answer["error"]["code"]),
        (StatusCode::INSUFFICIENT_STORAGE, &json!("no_room_left"))
    );
    assert_eq!(on_disk(&folder), []);
    // Its place is free again.
    let (id, _, _) = upload(&server, &ana, "b.txt", b"0123456789").await;
    assert_eq!(on_disk(&folder), [(id, 10)]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f6_what_a_crash_leaves_lying_about_is_removed_at_the_next_start() {
    let folder = Folder::new();
    let server = Server::start(&folder, &[]).await;
    let ana = server.join("Plaza", "ana").await;
    let (id, _, _) = upload(&server, &ana, "a.txt", b"text").await;
    server.kill_now();
    server.gone().await;
    let orphan = folder.0.join("files").join("00000000000000000000000000000abc");
    std::fs::write(&orphan, b"nobody knows of this").unwrap();
    let server = Server::start(&folder, &[]).await;
    while orphan.exists() {
        tokio::task::yield_now().await;
    }
    assert_eq!(on_disk(&folder), [(id, 4)]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f7_links_are_for_who_is_in_the_room_and_every_other_answer_is_the_same() {
    let folder = Folder::new();
    let server = Server::start(&folder, &[]).await;
    let (ana, eve) = (
        server.join("Plaza", "ana").await,
        server.join("Other", "eve").await,
    );
    let (id, _, _) = upload(&server, &ana, "a.txt", b"text").await;
    let good = link(&server, &ana, &id).await;
    assert_eq!(fetch(&server, &good).await.status(), StatusCode::OK);

    // Unsigned, changed, and for somebody who is not there any more.
    let mut refused = Vec::new();
    for path in [
        format!("/api/v1/files/{id}"),
        format!("{good}x"),
        good.replace('.', "A."),
    ] {
        refused.push(fetch(&server, &path).await);
    }
    let left = server
        .request(Method::POST, "/api/v1/rooms/Plaza/leave", &ana.token)
        .send()
        .await
        .unwrap();
    assert_eq!(left.status(), StatusCode::NO_CONTENT);
    refused.push(fetch(&server, &good).await);
    for answer in refused {
        let (status, body) = json_of(answer).await;
        assert_eq!(
            (status, &body["error"]["code"]),
            (StatusCode::NOT_FOUND, &json!("not_found"))
        );
    }

    // From another room, and for another's upload.
    let from_other = format!("/api/v1/rooms/Other/files/{id}/link");
    assert_eq!(
        post(&server, &eve, &from_other, json!({})).await.0,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        post(&server, &eve, &format!("{FILES}/{id}/link"), json!({}))
            .await
            .0,
        StatusCode::FORBIDDEN
    );
    let bo = server.join("Plaza", "bo").await;
    let (status, _) = post(&server, &bo, &format!("{FILES}/{id}/share"), json!({"id": "1"})).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    server.kill_now();
    server.gone().await;
}
