//! Certificates from a real authority's program, Let's Encrypt's pebble, which runs beside the real binary.
//!
//! Without pebble these tests are skipped and say so: `go install github.com/letsencrypt/pebble/v2/cmd/pebble@v2.10.3`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod pebble;

use pebble::{NAME, Pebble, Server};

#[tokio::test]
async fn a_first_certificate_comes_over_port_80_and_is_kept_for_the_next_start() {
    let Some(pebble) = Pebble::start(7_776_000).await else {
        return;
    };
    let roots = pebble.roots().await;
    let mut server = Server::start(&pebble, NAME, &["http-01"]);
    server.says("got a certificate").await;
    let first = server.connect(&roots).await.unwrap().serial();

    let folder = server.stop();
    // Nobody is there to ask any more.
    let silent = pebble.stop();
    let mut server = Server::start_in(folder, &silent, NAME, &["http-01"]);
    server.says("ready").await;
    assert_eq!(server.connect(&roots).await.unwrap().serial(), first);
}

#[tokio::test]
async fn a_first_certificate_comes_over_port_443_where_the_other_way_is_barred() {
    let Some(pebble) = Pebble::start_barring_http(7_776_000).await else {
        return;
    };
    let mut server = Server::start(&pebble, NAME, &["http-01", "tls-alpn-01"]);
    server.says("got a certificate").await;
    let mut secured = server.connect(&pebble.roots().await).await.unwrap();
    let answer = secured.get("/healthz").await;
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.contains("strict-transport-security"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_renewal_under_load_drops_nobody() {
    let Some(pebble) = Pebble::start(30).await else {
        return;
    };
    let roots = pebble.roots().await;
    let mut server = Server::start(&pebble, NAME, &["tls-alpn-01"]);
    server.says("got a certificate").await;
    let mut staying = server.connect(&roots).await.unwrap();
    let mut requests = 0;
    loop {
        let answer = staying.get("/healthz").await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        let mut newcomer = server.connect(&roots).await.unwrap();
        assert!(newcomer.get("/readyz").await.starts_with("HTTP/1.1 200"));
        requests += 1;
        if newcomer.serial() != staying.serial() {
            break;
        }
    }
    assert!(staying.get("/healthz").await.starts_with("HTTP/1.1 200"));
    assert!(requests > 1, "the first certificate was never seen");
}

#[tokio::test]
async fn a_refusal_is_explained_and_the_server_goes_on() {
    let Some(pebble) = Pebble::start(7_776_000).await else {
        return;
    };
    let mut server = Server::start(&pebble, pebble::BLOCKED, &["tls-alpn-01"]);
    let line = server.says("no certificate could be had").await;
    assert!(
        line.contains("rejectedIdentifier") && line.contains(pebble::BLOCKED),
        "{line}"
    );
    assert!(server.get_plainly("/healthz").await.starts_with("HTTP/1.1 200"));
    let page = server.get_plainly("/").await;
    assert!(
        page.starts_with("HTTP/1.1 503") && page.contains("waiting for its certificate"),
        "{page}"
    );
    assert!(server.connect(&pebble.roots().await).await.is_err());
}
