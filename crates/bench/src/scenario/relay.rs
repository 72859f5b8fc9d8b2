//! What a relayed packet costs: clients with allocations send each other packets by their relays, or exchange them with
//! peers that have none.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tertulia_turn::Secret;

use super::floor::{Sink, join, read};
use crate::error::BenchError;
use crate::process::Process;
use crate::report::Report;
use crate::turn::{Allocation, channel_header};

/// Payload of the packets, as the other scenarios send them.
const PACKET: usize = 1_200;
/// How long packets may be on their way when the last was sent.
const LAST: Duration = Duration::from_millis(200);

/// Clients of a TURN server.
#[derive(Debug, Clone)]
pub struct Relay {
    /// How many there are; with peers each has one, without they talk in pairs.
    pub clients: u32,
    /// Packets a second that each of them, and of the peers, sends.
    pub rate: u32,
    /// Packets sent together, each by itself: nobody coalesces anything.
    pub burst: u32,
    /// Where peers are; without, clients are each other's.
    pub peer: Option<IpAddr>,
    /// Measured time.
    pub measure: Duration,
    /// Time before, not measured, in which servers finish what they do at their start.
    pub settle: Duration,
}

/// The server that is measured.
#[derive(Debug, Clone)]
pub struct RelayTarget {
    /// Where it answers.
    pub address: SocketAddr,
    /// What its credentials are signed with.
    pub secret: String,
    /// Its process.
    pub process: Process,
}

/// A way of packets: the socket they leave by, and for a peer's the relay they go to. A client's are channel data for the
/// server it is connected to.
struct Lane {
    socket: UdpSocket,
    destination: Option<SocketAddr>,
}

impl Relay {
    /// Has the packets relayed.
    ///
    /// # Errors
    /// When the server refuses, or the kernel does.
    pub fn run(&self, target: &RelayTarget) -> Result<Report, BenchError> {
        let fault = |error: io::Error| BenchError::Server(format!("relaying: {error}"));
        let parameters = [
            ("clients", self.clients.to_string()),
            ("rate", self.rate.to_string()),
            ("burst", self.burst.to_string()),
            ("seconds", self.measure.as_secs().to_string()),
            ("peers", self.peer.map_or("relayed", |_| "straight").to_owned()),
        ];
        let mut report = Report::new("relay", parameters);
        let (lanes, sinks) = self.prepare(target).map_err(fault)?;
        let over = Arc::new(AtomicBool::new(false));
        let received = Arc::new(AtomicU64::new(0));
        let reader = {
            let (over, received) = (over.clone(), received.clone());
            thread::Builder::new()
                .name("sinks".to_owned())
                .spawn(move || read(&sinks, &over, &received))
                .map_err(fault)?
        };
        self.send_all(&lanes, self.settle);
        thread::sleep(LAST);
        let before = (
            target.process.cpu().map_err(fault)?,
            received.load(Ordering::Relaxed),
        );
        let began = Instant::now();
        let sent = self.send_all(&lanes, self.measure);
        let elapsed = began.elapsed().as_secs_f64();
        thread::sleep(LAST);
        let spent = target.process.cpu().map_err(fault)?.since(&before.0);
        let received = received.load(Ordering::Relaxed) - before.1;
        over.store(true, Ordering::Relaxed);
        join(reader).map_err(fault)?;
        // What goes from relay to relay is relayed twice.
        let relayed = received as f64 * self.peer.map_or(2.0, |_| 1.0);
        let cpu = spent.values().sum::<u64>() as f64;
        let per_packet = Some(cpu / relayed).filter(|ns| ns.is_finite() && *ns > 0.0);
        report.figure("server CPU per relayed packet", per_packet, "ns");
        report.figure("packets per core", per_packet.map(|ns| 1e9 / ns), "/s");
        report.figure("server CPU", cpu / elapsed / 1e7, "% of a core");
        report.figure("packets relayed", relayed / elapsed, "/s");
        report.figure("packets lost", sent.saturating_sub(received) as f64, "");
        report.threads_ms = spent
            .into_iter()
            .map(|(name, ns)| (name, ns as f64 / 1e6))
            .collect();
        Ok(report)
    }

    fn prepare(&self, target: &RelayTarget) -> io::Result<(Vec<Lane>, Vec<Sink>)> {
        let secret = Secret::new(target.secret.as_bytes()).map_err(io::Error::other)?;
        let mut clients = (0..self.clients.next_multiple_of(2))
            .map(|number| {
                let from = IpAddr::V4(Ipv4Addr::LOCALHOST);
                Allocation::open(from, target.address, &secret, &format!("PA_{number}"))
            })
            .collect::<io::Result<Vec<_>>>()?;
        let relayed: Vec<SocketAddr> = clients.iter().map(|client| client.relayed).collect();
        let (mut lanes, mut sinks) = (Vec::new(), Vec::new());
        for (place, client) in clients.iter_mut().enumerate() {
            let peer = match self.peer {
                Some(address) => {
                    let socket = UdpSocket::bind((address, 0))?;
                    let peer = socket.local_addr()?;
                    sinks.push(Sink::new(socket.try_clone()?)?);
                    lanes.push(Lane {
                        socket,
                        destination: Some(relayed[place]),
                    });
                    peer
                }
                None => relayed[place ^ 1],
            };
            client.bind(peer)?;
            sinks.push(Sink::new(client.socket.try_clone()?)?);
            lanes.push(Lane {
                socket: client.socket.try_clone()?,
                destination: None,
            });
        }
        Ok((lanes, sinks))
    }

    /// Sends for a time; gives the packets sent.
    fn send_all(&self, lanes: &[Lane], time: Duration) -> u64 {
        let bare = vec![0x5a; PACKET];
        let header = channel_header(u16::try_from(PACKET).unwrap_or(u16::MAX));
        let framed = [&header[..], &bare].concat();
        let interval = Duration::from_secs(1) * self.burst / self.rate.max(1);
        let mut sent = 0;
        let mut due = Instant::now();
        let end = due + time;
        while due < end {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            due += interval;
            for lane in lanes {
                for _ in 0..self.burst {
                    // What the kernel has no room for is not sent, and is not missed at the other end.
                    sent += u64::from(lane.send(&framed, &bare).is_ok());
                }
            }
        }
        sent
    }
}

impl Lane {
    fn send(&self, framed: &[u8], bare: &[u8]) -> io::Result<usize> {
        match self.destination {
            Some(relayed) => self.socket.send_to(bare, relayed),
            None => self.socket.send(framed),
        }
    }
}
