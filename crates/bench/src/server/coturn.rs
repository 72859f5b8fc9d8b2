//! A coturn of our own, to be compared with.

use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use rustix::process::Signal;

use super::{Run, confined, fault, free_tcp_port, own_directory};
use crate::error::BenchError;

/// How to have it.
pub const COTURN_INSTALL: &str = "apt-get install coturn";

const BINARY: &str = "/usr/bin/turnserver";

/// A coturn we started. Dropping it kills it.
#[derive(Debug)]
pub struct CoturnServer {
    run: Run,
    address: SocketAddr,
}

impl CoturnServer {
    /// Whether there is one.
    pub fn installed() -> bool {
        Path::new(BINARY).exists()
    }

    /// Starts it with one relaying thread; it takes credentials of `secret`.
    ///
    /// # Errors
    /// When it cannot be started or does not answer.
    pub async fn start(secret: &str, core: Option<u16>) -> Result<Self, BenchError> {
        let directory = own_directory()?;
        let port = free_tcp_port().map_err(|error| fault("a port", &error))?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut command = confined(Path::new(BINARY), core);
        command
            .arg("-n")
            .args(["--listening-ip", "127.0.0.1", "--relay-ip", "127.0.0.1"])
            .args(["--listening-port", &port.to_string()])
            .args([
                "--use-auth-secret",
                "--static-auth-secret",
                secret,
                "--realm",
                "bench",
            ])
            .args(["--relay-threads", "1", "--allow-loopback-peers"])
            .args(["--no-tls", "--no-dtls", "--no-cli", "--simple-log"])
            .arg("--pidfile")
            .arg(directory.join("pid"))
            .arg("--log-file")
            .arg(directory.join("log"))
            .arg("--userdb")
            .arg(directory.join("users"))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut run = Run::start(command, directory)?;
        run.wait_until_it_answers(address).await?;
        Ok(Self { run, address })
    }

    /// Where it answers, over UDP too.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Process id; `None` once it has ended.
    pub fn pid(&self) -> Option<u32> {
        self.run.child.id()
    }

    /// As [`Server::stop`](super::Server::stop); it ends by the signal itself.
    ///
    /// # Errors
    /// As there.
    pub async fn stop(self) -> Result<(), BenchError> {
        let by_signal = |status: &ExitStatus| status.signal() == Some(Signal::TERM.as_raw());
        self.run
            .stop_if(|status| status.success() || by_signal(status))
            .await
    }
}
