mod secure;

use axum::extract::ConnectInfo;
use axum::http::HeaderMap;
use axum::routing::{get, post};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

struct Served {
    address: SocketAddr,
    connections: Connections,
    stop: watch::Sender<bool>,
}

fn served(limits: ListenerLimits) -> Served {
    served_as(Site {
        router: router(),
        limits,
        tls: None,
        proxy_protocol: false,
        relay: None,
    })
}

fn router() -> Router {
    Router::new()
        .route("/", get(|| async { "hello" }))
        .route(
            "/length",
            post(|body: String| async move { body.len().to_string() }),
        )
        .route(
            "/address",
            get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.ip().to_string() }),
        )
        .route(
            "/host",
            get(|headers: HeaderMap| async move { format!("{:?}", headers.get("host")) }),
        )
}

fn served_as(site: Site) -> Served {
    let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = watch::channel(false);
    let connections = Connections::default();
    tokio::spawn(serve(listener, site, connections.clone(), stopped));
    Served {
        address,
        connections,
        stop,
    }
}

fn few(per_address: usize) -> ListenerLimits {
    ListenerLimits {
        connections: 100,
        per_address,
        exempt: TrustedProxies::default(),
    }
}

async fn exchange(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The server may close before it has read all of a hostile request.
    let _sent = stream.write_all(request).await;
    let mut answer = Vec::new();
    let _read = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("none")
}

async fn check(request: impl AsRef<[u8]>, expected: &str) {
    let served = served(few(10));
    let answer = exchange(served.address, request.as_ref()).await;
    assert_eq!(
        status(&answer),
        expected,
        "{:.300}",
        String::from_utf8_lossy(request.as_ref())
    );
}

#[tokio::test]
async fn requests_are_answered_with_their_peer_known() {
    let served = served(few(10));
    let answer = exchange(
        served.address,
        b"GET /address HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    )
    .await;
    assert!(answer.ends_with("127.0.0.1"), "{answer}");
}

#[tokio::test]
async fn long_addresses_pass_and_longer_ones_do_not() {
    let request = |length| {
        format!(
            "GET /?{} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
            "a".repeat(length)
        )
    };
    check(request(20 * 1_024), "200").await;
    check(request(70 * 1_024), "414").await;
}

#[tokio::test]
async fn heads_are_bounded() {
    let many: String = (0..10_000).map(|index| format!("h{index}: x\r\n")).collect();
    check(format!("GET / HTTP/1.1\r\n{many}\r\n"), "431").await;
    check(
        format!(
            "GET / HTTP/1.1\r\nhost: x\r\nbig: {}\r\n\r\n",
            "x".repeat(1_000_000)
        ),
        "431",
    )
    .await;
}

#[tokio::test]
async fn ambiguous_requests_are_refused() {
    check("GET / HTTP/1.1\r\nhost: x\r\nfolded: a\r\n b\r\n\r\n", "400").await;
    check("GET /\0 HTTP/1.1\r\nhost: x\r\n\r\n", "400").await;
    let post = |headers| format!("POST /length HTTP/1.1\r\nhost: x\r\n{headers}\r\n\r\n0\r\n\r\n");
    check(post("content-length: 1\r\ncontent-length: 2"), "400").await;
    check(post("transfer-encoding: chunked, gzip"), "400").await;
    check(post("content-length: -1"), "400").await;
}

#[tokio::test]
async fn a_request_with_two_lengths_is_the_last_of_its_connection() {
    for headers in [
        "transfer-encoding: chunked\r\ncontent-length: 60",
        "content-length: 60\r\ntransfer-encoding: chunked",
    ] {
        let served = served(few(10));
        let request = format!(
            "POST /length HTTP/1.1\r\nhost: x\r\n{headers}\r\n\r\n0\r\n\r\nGET /address HTTP/1.1\r\nhost: x\r\n\r\n"
        );
        let answer = exchange(served.address, request.as_bytes()).await;
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
        assert!(answer.contains("connection: close"), "{answer}");
    }
}

#[tokio::test]
async fn one_address_holds_so_many_connections_and_no_more() {
    let served = served(few(2));
    let held = [
        TcpStream::connect(served.address).await.unwrap(),
        TcpStream::connect(served.address).await.unwrap(),
    ];
    let mut count = served.connections.count.subscribe();
    count.wait_for(|count| *count == 2).await.unwrap();
    let answer = exchange(served.address, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(answer, "");
    assert_eq!(served.connections.refused(), 1);
    drop(held);
    served.connections.none_left().await;
    let answer = exchange(
        served.address,
        b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    )
    .await;
    assert_eq!(status(&answer), "200");
}

#[tokio::test]
async fn a_request_under_way_is_finished_and_idle_connections_close() {
    let served = served(few(10));
    let mut idle = TcpStream::connect(served.address).await.unwrap();
    let mut busy = TcpStream::connect(served.address).await.unwrap();
    busy.write_all(b"POST /length HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nab")
        .await
        .unwrap();
    let mut count = served.connections.count.subscribe();
    count.wait_for(|count| *count == 2).await.unwrap();
    // The head has been read once the service asks for the rest of the body; a second request proves the order.
    let first = exchange(
        served.address,
        b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    )
    .await;
    assert_eq!(status(&first), "200");
    served.stop.send_replace(true);
    let mut rest = String::new();
    idle.read_to_string(&mut rest).await.unwrap();
    assert_eq!(rest, "");
    busy.write_all(b"cd").await.unwrap();
    busy.read_to_string(&mut rest).await.unwrap();
    assert!(rest.ends_with('4'), "{rest}");
    served.connections.none_left().await;
}

#[tokio::test(start_paused = true)]
async fn a_head_that_does_not_come_ends_the_connection() {
    let served = served(few(10));
    let mut stream = TcpStream::connect(served.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.is_empty() || status(&answer) == "408", "{answer}");
}

#[tokio::test]
async fn a_proxy_says_who_comes_and_the_limits_are_theirs() {
    let site = Site {
        router: router(),
        limits: ListenerLimits {
            exempt: TrustedProxies::parse(&["127.0.0.1".to_owned()]).unwrap(),
            ..few(1)
        },
        tls: None,
        proxy_protocol: true,
        relay: None,
    };
    let served = served_as(site);
    let asked = |client: &str| {
        let header = format!("PROXY TCP4 {client} 192.0.2.1 51000 443\r\n");
        format!("{header}GET /address HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    };
    let mut held = TcpStream::connect(served.address).await.unwrap();
    held.write_all(b"PROXY TCP4 203.0.113.9 192.0.2.1 51000 443\r\nGET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let mut first = [0; 12];
    held.read_exact(&mut first).await.unwrap();
    let other = exchange(served.address, asked("203.0.113.10").as_bytes()).await;
    assert!(other.ends_with("203.0.113.10"), "{other}");
    assert_eq!(
        exchange(served.address, asked("203.0.113.9").as_bytes()).await,
        ""
    );
    let bare = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";
    assert_eq!(
        exchange(served.address, bare).await,
        "",
        "a proxy that does not say who comes"
    );
}
