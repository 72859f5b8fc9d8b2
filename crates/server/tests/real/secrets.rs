//! Nothing that opens a door stands in the log, however much of it is written.

use std::fs::{File, read_to_string};

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::{Folder, Server, token};

#[tokio::test(flavor = "multi_thread")]
async fn j11_no_secret_stands_in_the_log() {
    let folder = Folder::new();
    std::fs::create_dir_all(&folder.0).unwrap();
    let log = folder.0.join("log");
    let settings = [
        ("TERTULIA_LOG__LEVEL", "trace"),
        ("TERTULIA_ACCOUNTS__SIGN_UP", "true"),
    ];
    let server = Server::start_telling(&folder, &settings, File::create(&log).unwrap().into()).await;
    let mut secrets = vec!["h8Zk3vQpL0mX7cRt2yWn5bJd9fGs4aUe".to_owned()];

    // Somebody comes in, by the API and by the signalling.
    let name = json!({"displayName": "Host"});
    let (status, host) = server
        .ask(Method::POST, "/api/v1/rooms/Plaza/join", "", name)
        .await;
    assert_eq!(status, StatusCode::OK, "{host}");
    let host = host["token"].as_str().unwrap().to_owned();
    let _inside = server.come_in(&host).await;
    secrets.push(host.clone());

    // They set a password, which somebody guesses, and a lobby, in which somebody waits.
    let (password, guess) = ("correct horse battery", "wrong horse battery");
    let access = json!({"password": password, "lobby": true});
    let (status, refused) = server
        .ask(Method::PATCH, "/api/v1/rooms/Plaza/access", &host, access)
        .await;
    assert_eq!(status, StatusCode::NO_CONTENT, "{refused}");
    for (given, expected) in [(guess, StatusCode::FORBIDDEN), (password, StatusCode::ACCEPTED)] {
        let body = json!({"displayName": "Guest", "password": given});
        let (status, answer) = server
            .ask(Method::POST, "/api/v1/rooms/Plaza/join", "", body)
            .await;
        assert_eq!(status, expected, "{answer}");
        secrets.push(given.to_owned());
        secrets.extend(answer["lobbyToken"].as_str().map(str::to_owned));
    }

    // They sign up.
    let body = json!({"login": "ana", "displayName": "Ana", "password": "a pass phrase of hers"});
    let (status, answer) = server.ask(Method::POST, "/api/v1/accounts", "", body).await;
    assert!(status.is_success(), "{answer}");
    secrets.push("a pass phrase of hers".to_owned());

    // Tokens that are for something else, or broken, at every door.
    let good = token("Elsewhere", "ana", |grant| grant.room_admin = true);
    let broken = format!("{good}x");
    for wrong in [&good, &broken] {
        for (path, body) in [
            ("/api/v1/rooms/Plaza/hand", json!({"raised": true})),
            ("/twirp/livekit.RoomService/DeleteRoom", json!({"room": "Plaza"})),
        ] {
            let method = if path.starts_with("/api") {
                Method::PUT
            } else {
                Method::POST
            };
            let (status, answer) = server.ask(method, path, wrong, body).await;
            assert!(status.is_client_error(), "{path}: {status} {answer}");
        }
        for path in ["rtc", "rtc/v1", "xmpp-websocket"] {
            let url = format!(
                "ws://{}/{path}?access_token={wrong}&token={wrong}&room=plaza",
                server.address()
            );
            // Whether it is refused at once or later, it was written down or not.
            drop(tokio_tungstenite::connect_async(url).await);
        }
        secrets.push(wrong.clone());
    }
    server.stop().await;

    let log = read_to_string(&log).unwrap();
    for told in ["TRACE", "joined", "WrongPassword", "signature is wrong"] {
        assert!(log.contains(told), "the log says nothing of {told}: {log}");
    }
    for secret in secrets {
        // A signature alone would do as well.
        let tail = secret.rsplit('.').next().unwrap();
        assert!(!log.contains(tail), "{secret:.12}… stands in the log");
    }
}
