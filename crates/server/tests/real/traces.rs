//! Traces reach a collector, and nobody's name or address does.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::support::{Folder, Server, token};
use futures_util::{SinkExt as _, StreamExt as _};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use prost::Message as _;
use reqwest::Method;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;

const ROOM: &str = "Quincena";
const WHO: &str = "marta-perez";
/// Ends a test that would never end.
const STUCK: Duration = Duration::from_secs(60);

/// An offer of a data channel and nothing else.
const OFFER: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
    m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=sctp-port:5000\r\n\
    a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=setup:actpass\r\n\
    a=fingerprint:sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\n";

/// What a request brought: its head, and its body.
type Brought = (String, Vec<u8>);

/// Takes what is sent to it, as a collector does.
async fn collector() -> (String, mpsc::UnboundedReceiver<Brought>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let (found, brought) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let found = found.clone();
            tokio::spawn(async move {
                let mut stream = BufReader::new(stream);
                while let Some(request) = take(&mut stream).await {
                    found.send(request).unwrap();
                    stream
                        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                        .await
                        .unwrap();
                }
            });
        }
    });
    (base, brought)
}

/// Reads one request; `None` where the connection is over.
async fn take(stream: &mut BufReader<tokio::net::TcpStream>) -> Option<Brought> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    let head = head.to_lowercase();
    let (_, rest) = head.split_once("content-length: ")?;
    let mut body = vec![0; rest.lines().next()?.parse().ok()?];
    stream.read_exact(&mut body).await.ok()?;
    Some((head, body))
}

/// `SignalRequest { offer: SessionDescription { type, sdp } }` of the LiveKit protocol.
fn offer() -> Vec<u8> {
    let field = |number: u8, bytes: &[u8]| {
        let mut field = vec![number << 3 | 2];
        prost::encoding::encode_varint(bytes.len() as u64, &mut field);
        field.extend_from_slice(bytes);
        field
    };
    field(1, &[field(1, b"offer"), field(2, OFFER.as_bytes())].concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_hears_of_joins_negotiations_and_requests_and_of_nobodys_name() {
    let (base, mut brought) = collector().await;
    let folder = Folder::new();
    let settings = [
        ("TERTULIA_TELEMETRY__OTLP_ENDPOINT", base.as_str()),
        ("TERTULIA_TELEMETRY__OTLP_AUTHORIZATION", "Bearer once-upon"),
    ];
    let server = Server::start(&folder, &settings).await;
    let token = token(ROOM, WHO, |_| ());
    let url = format!("ws://{}/rtc?access_token={token}", server.address());
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    socket.next().await.expect("the door closed").unwrap();
    socket.send(Message::Binary(offer().into())).await.unwrap();
    // The answer, or whatever else comes first: it has been read.
    socket.next().await.expect("the door closed").unwrap();
    let chat = format!("/api/v1/rooms/{ROOM}/chat");
    let answer = server.request(Method::GET, &chat, &token).send().await.unwrap();
    assert!(answer.status().is_success());
    drop(socket);
    server.stop().await;

    let mut spans: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    let wanted = ["join", "negotiation", "GET /api/v1/rooms/{room}/chat", "GET /rtc"];
    while !wanted.iter().all(|name| spans.contains_key(*name)) {
        let next = tokio::time::timeout(STUCK, brought.recv()).await;
        let (head, body) = next
            .unwrap_or_else(|_| panic!("nothing more comes than {spans:?}"))
            .unwrap();
        assert!(head.starts_with("post /v1/traces "), "{head}");
        assert!(head.contains("authorization: bearer once-upon"), "{head}");
        let text = String::from_utf8_lossy(&body).into_owned();
        for private in [ROOM, WHO, "127.0.0.1", &token] {
            assert!(!text.contains(private), "{private} is in {text}");
        }
        let request = ExportTraceServiceRequest::decode(body.as_slice()).unwrap();
        for resource in request.resource_spans {
            let service = &resource.resource.unwrap().attributes;
            assert!(service.iter().any(|pair| pair.key == "service.name"));
            for span in resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
                assert!(span.end_time_unix_nano >= span.start_time_unix_nano);
                let attributes = span.attributes.into_iter().map(|pair| {
                    let value = pair.value.and_then(|value| value.value);
                    let text = match value {
                        Some(Value::StringValue(text)) => text,
                        other => format!("{other:?}"),
                    };
                    (pair.key, text)
                });
                spans.insert(span.name, attributes.collect());
            }
        }
    }
    let participant = &spans["join"]["participant"];
    assert!(participant.starts_with("PA_"), "{participant}");
    assert_eq!(&spans["negotiation"]["participant"], participant);
    assert_eq!(spans["negotiation"]["gave"], "offer");
    assert!(!spans["negotiation"].contains_key("error"));
}
