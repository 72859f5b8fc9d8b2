use axum::body::Body;
use axum::http::Request;
use tertulia_auth::ApiKey;
use tertulia_engine::AdvertisedAddress;
use tower::ServiceExt as _;

use super::*;
use crate::config::Config;
use crate::{reach, wiring};

const SECRET: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";

fn admin() -> Admin {
    let mut config = Config::default();
    config.media.bind = "127.0.0.1".parse().unwrap();
    (config.media.udp_port, config.media.tcp_port, config.media.workers) = (0, 0, 1);
    let local = config.media.bind;
    let advertised = vec![AdvertisedAddress {
        public: local,
        local,
        udp_port: None,
        tcp_port: None,
    }];
    let keys = ApiKeys::new(vec![ApiKey::new("key", SECRET).unwrap()]).unwrap();
    let reach = reach::reach(&config, Vec::new()).unwrap();
    Admin {
        engine: Engine::start(wiring::engine(&config, advertised, reach)).unwrap(),
        keys: Arc::new(keys),
        level: Level::for_tests(),
    }
}

fn token(admin: &Admin, video: VideoGrant) -> String {
    let now = clock::unix_ms();
    let claims = Claims {
        video,
        ..Claims::default()
    };
    let validity = Validity {
        issued_at_ms: now,
        expires_at_ms: now + 60_000,
    };
    admin.keys.first().sign(&claims, validity).unwrap()
}

async fn asked(
    admin: &Admin,
    method: &str,
    path: &str,
    token: Option<&str>,
    body: &str,
) -> (StatusCode, String) {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let request = request.body(Body::from(body.to_owned())).unwrap();
    let response = router(admin.clone()).oneshot(request).await.unwrap();
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), 100_000).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn only_who_may_list_rooms_and_administer_any_sees_them() {
    let admin = admin();
    let grant = |list, any, room: Option<&str>| VideoGrant {
        room_list: list,
        room_admin: any,
        room: room.map(|room| RoomName::parse(room).unwrap()),
        ..VideoGrant::default()
    };
    let other = ApiKeys::new(vec![ApiKey::new("key", &SECRET.replace('0', "1")).unwrap()]).unwrap();
    let foreign = own_token(&other).unwrap();
    for (given, expected) in [
        (None, StatusCode::UNAUTHORIZED),
        (Some("nonsense".to_owned()), StatusCode::UNAUTHORIZED),
        (Some(foreign), StatusCode::UNAUTHORIZED),
        (
            Some(token(&admin, grant(true, false, None))),
            StatusCode::FORBIDDEN,
        ),
        (
            Some(token(&admin, grant(false, true, None))),
            StatusCode::FORBIDDEN,
        ),
        (
            Some(token(&admin, grant(true, true, Some("Weekly")))),
            StatusCode::FORBIDDEN,
        ),
        (Some(own_token(&admin.keys).unwrap()), StatusCode::OK),
    ] {
        for (method, path) in [("GET", "/debug"), ("GET", "/debug/Weekly"), ("GET", "/log")] {
            let (status, body) = asked(&admin, method, path, given.as_deref(), "").await;
            assert_eq!(status, expected, "{path} {given:?} {body}");
        }
    }
    let (status, _) = asked(&admin, "PUT", "/log", None, "debug").await;
    assert_eq!(
        (status, admin.level.current().as_str()),
        (StatusCode::UNAUTHORIZED, "info")
    );
}

#[tokio::test]
async fn an_open_room_is_shown_and_others_are_not() {
    let admin = admin();
    let own = own_token(&admin.keys).unwrap();
    admin
        .engine
        .open_room(&RoomName::parse("Weekly").unwrap(), None)
        .await
        .unwrap();
    for (path, expected) in [("/debug", 1), ("/debug/weekly", 1), ("/debug/Other", 0)] {
        let (_, body) = asked(&admin, "GET", path, Some(&own), "").await;
        let report: Report = serde_json::from_str(&body).unwrap();
        assert_eq!(report.rooms.len(), expected, "{path}");
    }
}

#[tokio::test]
async fn the_level_is_changed_and_nonsense_is_refused() {
    let admin = admin();
    let own = own_token(&admin.keys).unwrap();
    let (status, _) = asked(&admin, "PUT", "/log", Some(&own), "warn,tertulia_engine=debug\n").await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let (_, shown) = asked(&admin, "GET", "/log", Some(&own), "").await;
    assert_eq!(shown, "warn,tertulia_engine=debug\n");
    let (status, text) = asked(&admin, "PUT", "/log", Some(&own), "tertulia=loud").await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{text}");
    let (status, _) = asked(&admin, "PUT", "/log", Some(&own), &"a".repeat(10_000)).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
}
