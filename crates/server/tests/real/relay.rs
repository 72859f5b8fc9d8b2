//! The port of HTTPS is the relay's too: coturn's load client inside TLS, beside people who ask for pages.

use std::io::{self, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Output;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::support::{Folder, Server};
use reqwest::Client;
use tertulia_turn::Secret;
use tokio::process::Command;

const SECRET: &str = "north-south-east-west";
const CLIENT: &str = "/usr/bin/turnutils_uclient";
/// Seconds after which a client is ended; a run takes six on a quiet machine.
const PATIENCE: &str = "90";
const MESSAGES: u64 = 20;
const LOADERS: u64 = 2;

/// Past the test harness, which keeps what a passing test prints to itself.
fn say(text: &str) {
    io::stderr()
        .write_all(format!("\n*** {text}\n\n").as_bytes())
        .unwrap();
}

/// Runs the load client over TLS; its two clients talk to each other by their relayed addresses.
async fn load(port: u16, options: &[&str]) -> Output {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let until = (unix + Duration::from_secs(600)).as_secs();
    let credential = Secret::new(SECRET.as_bytes())
        .unwrap()
        .issue("PA_load", until)
        .unwrap();
    let (messages, loaders) = (MESSAGES.to_string(), LOADERS.to_string());
    Command::new("timeout")
        .args(["-k", "1", PATIENCE, CLIENT, "-t", "-S", "-y", "-c"])
        .args(["-n", &messages, "-m", &loaders, "-z", "5"])
        .args(["-p", &port.to_string()])
        .args(["-u", &credential.username, "-w", &credential.password])
        .args(options)
        .arg(Ipv4Addr::LOCALHOST.to_string())
        .output()
        .await
        .unwrap()
}

fn check_no_loss(output: &Output) {
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let number = |label: &str| -> Option<u64> {
        let (_, rest) = text.rsplit_once(label)?;
        rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    };
    let all = Some(MESSAGES * LOADERS);
    assert!(output.status.success(), "{text}");
    assert_eq!(number("tot_send_msgs="), all, "{text}");
    assert_eq!(number("tot_recv_msgs="), all, "{text}");
    assert_eq!(number("Total lost packets "), Some(0), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_load_client_of_coturn_loses_nothing_inside_tls_on_the_port_of_https() {
    if !Path::new(CLIENT).exists() {
        say("SKIPPED: turnutils_uclient is missing; apt-get install coturn");
        return;
    }
    let folder = Folder::new();
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let settings = [
        ("TERTULIA_TLS__MODE", "self-signed"),
        ("TERTULIA_TLS__LISTEN", &format!("127.0.0.1:{port}")),
        ("TERTULIA_TURN__SECRET", SECRET),
    ];
    let server = Server::start(&folder, &settings).await;
    let browser = Client::builder()
        .tls_danger_accept_invalid_certs(true)
        .build()
        .unwrap();
    let url = format!("https://127.0.0.1:{port}/healthz");
    let loads = async { tokio::join!(load(port, &[]), load(port, &["-s"])) };
    let mut loads = std::pin::pin!(loads);
    let mut pages = 0;
    let (channels, indications) = loop {
        tokio::select! {
            biased;
            done = loads.as_mut() => break done,
            page = browser.get(&url).send() => {
                assert!(page.unwrap().status().is_success());
                pages += 1;
            }
        }
    };
    check_no_loss(&channels);
    check_no_loss(&indications);
    assert!(pages > 0);
    server.stop().await;
}
