use std::sync::Arc;

use axum::body::Body;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::*;
use crate::tls::{ALPN_ACME, ALPN_TURN, testing};

const NAME: &str = "meet.example.org";

struct Rig {
    served: Served,
    tls: Tls,
}

fn rig(relay: Option<Relay>) -> Rig {
    let tls = testing::tls(&[NAME]);
    let served = served_as(Site {
        router: router(),
        limits: few(10),
        tls: Some(tls.clone()),
        proxy_protocol: false,
        relay,
    });
    Rig { served, tls }
}

impl Rig {
    async fn connect(&self, protocols: &[&[u8]]) -> io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        let certificate = self.tls.current.get().unwrap();
        roots.add(certificate.key().cert[0].clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        let stream = TcpStream::connect(self.served.address).await?;
        let name = ServerName::try_from(NAME).unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }
}

async fn exchanged(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), request: &[u8]) -> String {
    stream.write_all(request).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

const GET: &[u8] = b"GET /address HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn clients_without_and_with_alpn_get_http1() {
    let rig = rig(None);
    for protocols in [&[][..], &[b"http/1.1".as_slice()]] {
        let mut stream = rig.connect(protocols).await.unwrap();
        let answer = exchanged(&mut stream, GET).await;
        assert!(answer.ends_with("127.0.0.1"), "{answer}");
    }
    assert_eq!(rig.tls.stats.read().handshakes, 2);
}

#[tokio::test]
async fn browsers_get_http2_and_many_requests_on_one_connection() {
    let rig = rig(None);
    let stream = rig.connect(&[b"h2", b"http/1.1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
    let (client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    let driven = tokio::spawn(connection);
    for (path, expected) in [("/host", "Some(\"meet.example.org\")")]
        .into_iter()
        .chain([("/address", "127.0.0.1"); 20])
    {
        let request = hyper::Request::get(format!("https://{NAME}{path}"))
            .body(Body::empty())
            .unwrap();
        let response = client.clone().send_request(request).await.unwrap();
        assert_eq!(response.version(), hyper::Version::HTTP_2);
        let body = axum::body::to_bytes(Body::new(response.into_body()), 1_000)
            .await
            .unwrap();
        assert_eq!(body, expected);
    }
    assert_eq!(rig.served.connections.count(), 1);
    rig.served.stop.send_replace(true);
    driven.await.unwrap().unwrap();
    rig.served.connections.none_left().await;
}

/// A frame of HTTP/2 (RFC 9113 §4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// Floods a connection of HTTP/2 and says how the server ends it; it must, in time.
async fn flooded(rig: &Rig, flood: impl Fn(u32) -> Vec<u8> + Send + 'static) -> bool {
    const GOAWAY: u8 = 7;
    let stream = rig.connect(&[b"h2"]).await.unwrap();
    let (mut reading, mut writing) = tokio::io::split(stream);
    let writer = tokio::spawn(async move {
        let mut opening = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        opening.extend(frame(4, 0, 0, &[]));
        if writing.write_all(&opening).await.is_err() {
            return;
        }
        for number in 0..200_000 {
            if writing.write_all(&flood(number)).await.is_err() {
                return;
            }
        }
    });
    let mut goodbye = false;
    let read = async {
        loop {
            let mut head = [0; 9];
            if reading.read_exact(&mut head).await.is_err() {
                return;
            }
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let mut payload = vec![0; usize::try_from(length).unwrap()];
            if reading.read_exact(&mut payload).await.is_err() {
                return;
            }
            goodbye |= head[3] == GOAWAY;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), read)
        .await
        .expect("the server lets itself be flooded");
    writer.abort();
    goodbye
}

/// `GET /address`, with static entries of HPACK only (RFC 7541, appendix A).
const HEADERS: &[u8] = b"\x82\x87\x04\x08/address\x41\x01x";

#[tokio::test(flavor = "multi_thread")]
async fn w9_requests_taken_back_at_once_end_the_connection() {
    let rig = rig(None);
    let ended = flooded(&rig, |number| {
        let stream = 2 * number + 1;
        let mut both = frame(1, 0x5, stream, HEADERS);
        both.extend(frame(3, 0, stream, &8_u32.to_be_bytes()));
        both
    });
    assert!(ended.await, "without a word");
    let answer = exchanged(&mut rig.connect(&[b"http/1.1"]).await.unwrap(), GET).await;
    assert!(answer.ends_with("127.0.0.1"), "others are served: {answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn w9_headers_without_an_end_close_the_connection() {
    let rig = rig(None);
    let ended = flooded(&rig, |number| {
        let kind = if number == 0 { 1 } else { 9 };
        // A field that is never indexed, again and again.
        frame(kind, 0, 1, b"\x10\x01a\x01b")
    });
    assert!(ended.await, "without a word");
    let answer = exchanged(&mut rig.connect(&[b"http/1.1"]).await.unwrap(), GET).await;
    assert!(answer.ends_with("127.0.0.1"), "others are served: {answer}");
}

#[tokio::test]
async fn a_stream_that_speaks_stun_is_handed_over_whole() {
    let echo = Relay::new(|mut stream: Secured, _peer, local: SocketAddr| async move {
        let mut request = [0; 20];
        stream.read_exact(&mut request).await.unwrap();
        stream.write_all(&request).await.unwrap();
        stream.write_all(local.ip().to_string().as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
    });
    let rig = rig(Some(echo));
    let mut allocate = [0; 20];
    allocate[1] = 3;
    for protocols in [&[][..], &[ALPN_TURN]] {
        let mut stream = rig.connect(protocols).await.unwrap();
        stream.write_all(&allocate).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer, [&allocate[..], b"127.0.0.1"].concat());
    }
    let mut stream = rig.connect(&[]).await.unwrap();
    assert!(
        exchanged(&mut stream, GET).await.ends_with("127.0.0.1"),
        "HTTP is not the relay's"
    );
}

#[tokio::test]
async fn an_authority_sees_the_proof_and_others_the_certificate() {
    let rig = rig(None);
    assert!(
        rig.connect(&[ALPN_ACME]).await.is_err(),
        "there is no proof without a challenge"
    );
    // The proof is a certificate of its own; this one is as good for the test, and its client trusts it.
    rig.tls
        .challenges
        .answer_tls("MEET.example.org", rig.tls.current.get().unwrap().key());
    let mut stream = rig.connect(&[ALPN_ACME]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(ALPN_ACME));
    let mut nothing = Vec::new();
    stream.read_to_end(&mut nothing).await.unwrap();
    assert!(nothing.is_empty());
    let mixed = rig.connect(&[b"h2", ALPN_ACME]).await.unwrap();
    assert_eq!(mixed.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
}

#[tokio::test]
async fn open_connections_outlive_a_new_certificate() {
    let rig = rig(None);
    let mut old = rig.connect(&[]).await.unwrap();
    let first = rig.tls.current.get().unwrap().facts().serial.clone();
    let renewed = testing::tls(&[NAME]).current.get().unwrap();
    rig.tls.current.set(renewed);
    assert_ne!(rig.tls.current.get().unwrap().facts().serial, first);
    let mut new = rig.connect(&[]).await.unwrap();
    for stream in [&mut old, &mut new] {
        assert!(exchanged(stream, GET).await.ends_with("127.0.0.1"));
    }
}

#[tokio::test(start_paused = true)]
async fn n12_whoever_stalls_in_or_after_the_handshake_is_closed() {
    let rig = rig(None);
    for hello in [&b""[..], &[0x16, 3, 1, 2, 0]] {
        let mut stream = TcpStream::connect(rig.served.address).await.unwrap();
        stream.write_all(hello).await.unwrap();
        let mut rest = Vec::new();
        let _closed = stream.read_to_end(&mut rest).await;
    }
    assert_eq!(rig.tls.stats.read().handshake_failures, 2);
    rig.served.connections.none_left().await;
}

#[tokio::test]
async fn what_is_no_tls_is_closed() {
    let rig = rig(None);
    let answer = exchange(rig.served.address, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(!answer.contains("HTTP"), "{answer}");
    rig.served.connections.none_left().await;
    assert_eq!(rig.tls.stats.read().handshake_failures, 1);
}
