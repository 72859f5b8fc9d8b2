//! Asking the running server on this machine.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use axum::body::Body;
use hyper::header::{AUTHORIZATION, HOST};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::own_token;
use crate::config::Config;
use crate::data;

const PATIENCE: Duration = Duration::from_secs(10);
/// Longest answer that is read.
const ANSWER_BYTES: usize = 64 * 1_024 * 1_024;

/// Asks the server that this configuration runs, with a token of its own keys.
///
/// # Errors
/// When there is no such server, or it refuses.
pub fn call(config: &Config, dev: bool, method: Method, path: &str, body: String) -> Result<String> {
    ensure!(
        config.metrics.enabled,
        "metrics.enabled is false: the server has no listener to ask at"
    );
    let directory = data::directory(config);
    let keys = data::existing_api_keys(config, &directory, dev)?.with_context(|| {
        format!(
            "there is no API key in {}; has the server been started?",
            directory.display()
        )
    })?;
    let token = own_token(&keys)?;
    let address = reachable(config.metrics.listen);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let asked = async { tokio::time::timeout(PATIENCE, ask(address, method, path, &token, body)).await };
    match runtime.block_on(asked) {
        Ok(answer) => answer.with_context(|| format!("no answer from {address} (metrics.listen)")),
        Err(_) => bail!(
            "no answer from {address} (metrics.listen) in {} s",
            PATIENCE.as_secs()
        ),
    }
}

fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(v4) if v4.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(v6) if v6.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

async fn ask(address: SocketAddr, method: Method, path: &str, token: &str, body: String) -> Result<String> {
    let stream = TcpStream::connect(address)
        .await
        .context("is Tertulia running?")?;
    let (mut client, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, address.to_string())
        .header(AUTHORIZATION, format!("Bearer {token}"))
        .body(Body::from(body))?;
    let driven = tokio::spawn(connection);
    let response = client.send_request(request).await?;
    let status = response.status();
    let body = axum::body::to_bytes(Body::new(response.into_body()), ANSWER_BYTES).await?;
    driven.abort();
    let answer = String::from_utf8_lossy(&body).into_owned();
    if !status.is_success() {
        let hint = if status == StatusCode::UNAUTHORIZED {
            " (does it run with another configuration or data directory?)"
        } else {
            ""
        };
        bail!("{status}: {}{hint}", answer.trim());
    }
    Ok(answer)
}
