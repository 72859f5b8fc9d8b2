//! What any server pays for the same packets on this machine: the cipher and the kernel, and nothing else.
//!
//! One thread, confined as a server would be, sends the packets of a lecture to as many sockets: once sealed for each
//! of them, once as they are. The rest of the generator reads them as its clients do. A server's figure divided by
//! this one says how much of it is the server's, whatever the machine.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use quinn_udp::{Transmit, UdpSockRef, UdpSocketState};
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::thread::{CpuSet, sched_setaffinity};
use tertulia_rtp::{SendWindow, SrtpProfile, SrtpSender};

use crate::error::BenchError;
use crate::process::Process;
use crate::report::Report;

/// Name of the sending thread, by which its time is told from the others'.
const SENDER: &str = "floor";
/// Payload and header of the packets, as the other scenarios send them.
const PACKET: usize = 1_200;
const HEADER: usize = 12;
/// Packets of one train, as the server limits them.
const TRAIN: usize = 10;
/// How long the receiving thread waits before it looks whether it is to end.
const LOOK: Duration = Duration::from_millis(20);

/// The packets of a lecture without a server.
#[derive(Debug, Clone)]
pub struct Floor {
    /// Receiving sockets.
    pub subscribers: u32,
    /// Packets a second for each.
    pub rate: u32,
    /// Packets sent together.
    pub burst: u32,
    /// Measured time of each part.
    pub measure: Duration,
    /// Processor the sending thread is confined to; `None` leaves it to the kernel.
    pub core: Option<usize>,
}

impl Floor {
    /// Sends the packets, sealed and as they are.
    ///
    /// # Errors
    /// When the kernel refuses sockets, threads or its accounting.
    pub fn run(&self) -> Result<Report, BenchError> {
        let parameters = [
            ("subscribers", self.subscribers.to_string()),
            ("rate", self.rate.to_string()),
            ("burst", self.burst.to_string()),
            ("seconds", self.measure.as_secs().to_string()),
        ];
        let mut report = Report::new("floor", parameters);
        for (name, sealed) in [("cipher and kernel", true), ("kernel", false)] {
            let found = self.send(sealed).map_err(BenchError::Floor)?;
            let per_packet = found.cpu_ns as f64 / found.sent as f64;
            report.figure(
                format!("{name}, per packet"),
                Some(per_packet).filter(|ns| ns.is_finite()),
                "ns",
            );
            report.figure(
                format!("{name}: packets received"),
                found.received as f64 / found.sent as f64 * 100.0,
                "%",
            );
        }
        Ok(report)
    }

    fn send(&self, sealed: bool) -> io::Result<Found> {
        let sinks = (0..self.subscribers)
            .map(|_| Sink::bind())
            .collect::<io::Result<Vec<_>>>()?;
        let destinations: Vec<SocketAddr> = sinks.iter().map(|sink| sink.address).collect();
        let over = Arc::new(AtomicBool::new(false));
        let received = Arc::new(AtomicU64::new(0));
        let reader = {
            let (over, received) = (over.clone(), received.clone());
            thread::Builder::new()
                .name("sinks".to_owned())
                .spawn(move || read(&sinks, &over, &received))?
        };
        let this = self.clone();
        let sender = thread::Builder::new()
            .name(SENDER.to_owned())
            .spawn(move || this.send_all(&destinations, sealed))?;
        let sent = join(sender);
        over.store(true, Ordering::Relaxed);
        join(reader)?;
        let (sent, cpu_ns) = sent?;
        Ok(Found {
            sent,
            cpu_ns,
            received: received.load(Ordering::Relaxed),
        })
    }

    /// Sends for the measured time; gives the packets sent and the time on the processor.
    fn send_all(&self, destinations: &[SocketAddr], sealed: bool) -> io::Result<(u64, u64)> {
        if let Some(core) = self.core {
            let mut set = CpuSet::new();
            set.set(core);
            sched_setaffinity(None, &set)?;
        }
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
        let mut subscribers = destinations
            .iter()
            .map(|destination| Subscriber::new(*destination))
            .collect::<io::Result<Vec<_>>>()?;
        let interval = Duration::from_secs(1) * self.burst / self.rate.max(1);
        let most = TRAIN.min(state.max_gso_segments());
        let plain = vec![0x5a; PACKET];
        let mut train = Vec::new();
        let mut sent = 0;
        let process = Process::own();
        let before = process.cpu()?;
        let mut due = Instant::now();
        let end = due + self.measure;
        while due < end {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            due += interval;
            for subscriber in &mut subscribers {
                let mut left = self.burst as usize;
                while left > 0 {
                    let count = left.min(most);
                    left -= count;
                    train.clear();
                    for _ in 0..count {
                        subscriber.append(&plain, sealed, &mut train)?;
                    }
                    let transmit = Transmit {
                        destination: subscriber.destination,
                        ecn: None,
                        contents: &train,
                        segment_size: (count > 1).then(|| train.len() / count),
                        src_ip: None,
                    };
                    if state.try_send(UdpSockRef::from(&socket), &transmit).is_ok() {
                        sent += count as u64;
                    }
                }
            }
        }
        let spent = process.cpu()?.since(&before);
        Ok((sent, spent.get(SENDER).copied().unwrap_or_default()))
    }
}

struct Found {
    sent: u64,
    received: u64,
    cpu_ns: u64,
}

pub(super) fn join<T>(thread: thread::JoinHandle<io::Result<T>>) -> io::Result<T> {
    thread
        .join()
        .unwrap_or_else(|_| Err(io::Error::other("a thread of the generator panicked")))
}

/// Who is sent to, with keys of its own.
struct Subscriber {
    destination: SocketAddr,
    keys: SrtpSender,
    window: SendWindow,
    next: u64,
}

impl Subscriber {
    fn new(destination: SocketAddr) -> io::Result<Self> {
        let key = [destination.port() as u8; 32];
        let mut keys = SrtpSender::new(SrtpProfile::AeadAes256Gcm, &key, &[7; 12])
            .map_err(|error| io::Error::other(error.to_string()))?;
        let window = keys
            .window(1)
            .ok_or_else(|| io::Error::other("no window for the first stream"))?;
        Ok(Self {
            destination,
            keys,
            window,
            next: 0,
        })
    }

    fn append(&mut self, plain: &[u8], sealed: bool, train: &mut Vec<u8>) -> io::Result<()> {
        let start = train.len();
        train.extend_from_slice(plain);
        if !sealed {
            train.extend_from_slice(&[0; 16]);
            return Ok(());
        }
        let admitted = self.window.admit(self.next).ok_or_else(exhausted)?;
        self.next += 1;
        self.keys
            .protect(train, start, HEADER, admitted)
            .map_err(|error| io::Error::other(error.to_string()))
    }
}

fn exhausted() -> io::Error {
    io::Error::other("the packet's index was used")
}

/// A socket that is read.
pub(super) struct Sink {
    socket: UdpSocket,
    address: SocketAddr,
}

impl Sink {
    fn bind() -> io::Result<Self> {
        Self::new(UdpSocket::bind("127.0.0.1:0")?)
    }

    pub(super) fn new(socket: UdpSocket) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        let address = socket.local_addr()?;
        Ok(Self { socket, address })
    }
}

/// Reads what comes, datagram by datagram, until it is over and nothing comes any more.
pub(super) fn read(sinks: &[Sink], over: &AtomicBool, received: &AtomicU64) -> io::Result<()> {
    let epoll: OwnedFd = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    for (key, sink) in sinks.iter().enumerate() {
        let data = epoll::EventData::new_u64(key as u64);
        epoll::add(&epoll, &sink.socket, data, epoll::EventFlags::IN)?;
    }
    let wait = Timespec::try_from(LOOK).unwrap_or_default();
    let mut events = Vec::with_capacity(64);
    let mut buffer = [0; 2_048];
    loop {
        events.clear();
        match epoll::wait(&epoll, spare_capacity(&mut events), Some(&wait)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        if events.is_empty() && over.load(Ordering::Relaxed) {
            return Ok(());
        }
        for event in &events {
            let sink = usize::try_from(event.data.u64())
                .ok()
                .and_then(|key| sinks.get(key));
            while sink.is_some_and(|sink| sink.socket.recv(&mut buffer).is_ok()) {
                received.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_packet_is_sent_and_read() {
        let floor = Floor {
            subscribers: 3,
            rate: 1_000,
            burst: 4,
            measure: Duration::from_millis(60),
            core: None,
        };
        let report = floor.run().unwrap();
        assert_eq!(report.value("cipher and kernel: packets received"), Some(100.0));
        assert_eq!(report.value("kernel: packets received"), Some(100.0));
        assert!(report.value("cipher and kernel, per packet").unwrap() > 0.0);
    }
}
