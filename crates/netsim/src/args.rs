//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Parser;
use tertulia_netsim::Conditions;

/// Relays UDP (and TCP) to a server over a network as bad as you ask for.
///
/// Prints where it listens as one line of JSON. Commands are read from the standard input, one a line, and answered
/// with one line of JSON each: `both loss=5% delay=50ms`, `only 40123 down rate=500k`, `stats`, `quit`. When the
/// input ends, or at `quit`, it prints its figures and ends.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Arguments {
    /// Where to listen for UDP. Name an address, not 0.0.0.0: answers leave from it.
    #[arg(long, default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// The server's UDP port.
    #[arg(long)]
    pub target: SocketAddr,
    /// TCP ports to relay, LISTEN=TARGET, with the same delay, jitter and rate but nothing lost.
    #[arg(long, value_name = "LISTEN=TARGET")]
    pub tcp: Vec<Passage>,
    /// Conditions from clients to the server, for instance "delay=50ms loss=5%".
    #[arg(long, default_value = "clear")]
    pub up: Conditions,
    /// Conditions from the server to clients.
    #[arg(long, default_value = "clear")]
    pub down: Conditions,
    /// File with changes over time; its clock starts with the first packet of a client.
    #[arg(long)]
    pub script: Option<PathBuf>,
    /// What chance follows.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Ends after so many seconds and does not read the standard input.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub r#for: Option<Duration>,
}

/// A TCP port and where it leads.
#[derive(Debug, Clone, Copy)]
pub struct Passage {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where to connect to.
    pub target: SocketAddr,
}

impl FromStr for Passage {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (listen, target) = text.split_once('=').ok_or("expected LISTEN=TARGET")?;
        let address = |text: &str| text.parse().map_err(|error| format!("`{text}`: {error}"));
        Ok(Self {
            listen: address(listen)?,
            target: address(target)?,
        })
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "expected a number of seconds")?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}
