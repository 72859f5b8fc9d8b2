//! One worker: a thread with its sockets, its rooms and its sessions.

mod allocate;
mod breakouts;
mod codecs;
mod detour;
mod egress;
mod home;
mod inspect;
mod intake;
mod mailbox;
mod negotiate;
mod outbox;
mod pump;
mod records;
mod relay;
mod sessions;
mod stage;
mod tick;
mod traffic;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::io;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use mio::{Events, Interest, Poll, Token, Waker};
use slab::Slab;
use tertulia_forward::Burst;
use tertulia_model::RoomId;
use tertulia_room::{DepartureReason, Now};
use tertulia_session::{Certificate, LocalCandidate};
use tokio::sync::mpsc;

use crate::config::{EngineConfig, EngineError};
use crate::demux::{Demux, Steering};
use crate::handle::Shared;
use crate::handshake::HandshakePool;
use crate::message::ToWorker;
use crate::net::tcp::{Frame, TcpPorts};
use crate::net::udp::{Inbound, UdpPort};
use crate::room_slot::RoomSlot;
use crate::spread::ToHome;
use crate::stats::Counters;
use crate::turn::MediaPort;
use detour::Detours;
use egress::{Pending, Tick};
use outbox::Outbox;
use sessions::{SessionSlot, Sink};

const WAKE: Token = Token(0);
const UDP: Token = Token(1);
const FIRST_TCP: usize = 2;
/// Messages taken from the mailbox before packets get their turn again.
const MAIL_PER_TURN: usize = 64;
/// Receive batches before timers and mail get their turn.
const BATCHES_PER_TURN: usize = 8;
/// A room is not looked at again sooner than this, so that no deadline of it can starve the packets.
const SOONEST: Duration = Duration::from_millis(1);
/// Longest sleep; bounds the damage of a deadline that was missed.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

/// A worker that has its sockets but not its thread.
pub(crate) struct WorkerStart {
    index: usize,
    poll: Poll,
    waker: Arc<Waker>,
    udp: UdpPort,
    candidates: Vec<LocalCandidate>,
    certificate: Arc<Certificate>,
    mailbox: mpsc::Receiver<ToWorker>,
    load: Arc<AtomicUsize>,
}

impl WorkerStart {
    pub(crate) fn new(
        index: usize,
        config: &EngineConfig,
        mut udp: UdpPort,
        tcp_port: Option<u16>,
        certificate: Arc<Certificate>,
        mailbox: mpsc::Receiver<ToWorker>,
    ) -> Result<Self, EngineError> {
        let poll = Poll::new().map_err(EngineError::Start)?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKE).map_err(EngineError::Start)?);
        poll.registry()
            .register(udp.socket(), UDP, Interest::READABLE)
            .map_err(EngineError::Start)?;
        let candidates = config.candidates(index, udp.port(), tcp_port)?;
        let load = Arc::new(AtomicUsize::new(0));
        Ok(Self {
            index,
            poll,
            waker,
            udp,
            candidates,
            certificate,
            mailbox,
            load,
        })
    }

    pub(crate) fn candidates(&self) -> &[LocalCandidate] {
        &self.candidates
    }

    /// What the TURN server needs of it.
    pub(crate) fn media_port(&self) -> Result<MediaPort, EngineError> {
        Ok(MediaPort {
            worker: self.index,
            udp: self.udp.share().map_err(EngineError::Start)?,
            candidates: self.candidates.clone(),
        })
    }

    pub(crate) fn waker(&self) -> Arc<Waker> {
        self.waker.clone()
    }

    pub(crate) fn load(&self) -> Arc<AtomicUsize> {
        self.load.clone()
    }
}

/// Binds the workers' UDP sockets: a port for each, or one for all.
pub(crate) fn bind_udp(config: &EngineConfig) -> Result<Vec<UdpPort>, EngineError> {
    let failed = |address| {
        move |source| EngineError::Bind {
            protocol: "UDP",
            address,
            source,
        }
    };
    if config.reach.single_port {
        let address = SocketAddr::new(config.bind, config.udp_port);
        return UdpPort::bind_together(address, config.workers).map_err(failed(address));
    }
    let bind = |index: usize| {
        let port = match config.udp_port {
            0 => 0,
            first => first
                .checked_add(index as u16)
                .ok_or(EngineError::Config("the UDP ports of the workers exceed 65535"))?,
        };
        let address = SocketAddr::new(config.bind, port);
        UdpPort::bind(address).map_err(failed(address))
    };
    (0..config.workers).map(bind).collect()
}

/// Gives a worker its thread.
pub(crate) fn spawn(
    start: WorkerStart,
    shared: Arc<Shared>,
    handshakes: HandshakePool,
) -> Result<(), EngineError> {
    let name = format!("media-{}", start.index);
    std::thread::Builder::new()
        .name(name)
        .spawn(move || {
            let index = start.index;
            let worker = Worker::new(start, shared.clone(), handshakes);
            if catch_unwind(AssertUnwindSafe(|| worker.run())).is_err() {
                tracing::error!(index, "a media worker panicked; its rooms are lost");
            }
            shared.lose_worker(index);
        })
        .map(drop)
        .map_err(EngineError::Start)
}

/// What a timer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    Session(usize),
    Room(usize),
}

pub(crate) struct Worker {
    index: usize,
    shared: Arc<Shared>,
    handshakes: HandshakePool,
    /// Number of the session opened last.
    serial: u64,
    poll: Poll,
    udp: UdpPort,
    tcp: TcpPorts,
    candidates: Vec<LocalCandidate>,
    certificate: Arc<Certificate>,
    mailbox: mpsc::Receiver<ToWorker>,
    load: Arc<AtomicUsize>,
    sessions: Slab<SessionSlot>,
    sinks: Slab<Sink>,
    rooms: Slab<RoomSlot>,
    rooms_by_id: HashMap<RoomId, usize>,
    demux: Demux,
    /// Whose the datagrams are that arrive here for sessions on other workers.
    steering: Steering,
    detours: Detours,
    timers: BinaryHeap<Reverse<(Instant, Timer)>>,
    /// Sessions whose output must be drained.
    dirty: Vec<usize>,
    /// Rooms whose packets wait to be distributed.
    pending: Pending,
    /// Sessions whose pacer was given something.
    sending: Vec<usize>,
    /// Sessions whose pacer holds something back until the next tick.
    waiting: Vec<usize>,
    tick: Tick,
    /// Packets for other workers, gathered over a turn.
    bursts: Vec<(RoomId, Arc<Burst>)>,
    outbox: Outbox,
    /// Where redundant sound is put together, and frames for TCP.
    scratch: Vec<u8>,
    frame: Vec<u8>,
    /// Where repairs and padding are sealed.
    aside: Vec<u8>,
    frames: Vec<Frame>,
    tally: Tally,
    stopping: bool,
}

/// Counts of one turn, added to the shared counters at its end.
#[derive(Debug, Default)]
struct Tally {
    received: u64,
    received_bytes: u64,
    forwarded: u64,
    malformed: u64,
    policed: u64,
    unsent: u64,
    relayed: u64,
}

impl Worker {
    fn new(start: WorkerStart, shared: Arc<Shared>, handshakes: HandshakePool) -> Self {
        let outbox = Outbox::new(shared.worker_count());
        let detours = Detours::new(shared.worker_count(), shared.turn.clone());
        Self {
            index: start.index,
            shared,
            handshakes,
            serial: 0,
            poll: start.poll,
            udp: start.udp,
            tcp: TcpPorts::new(FIRST_TCP),
            candidates: start.candidates,
            certificate: start.certificate,
            mailbox: start.mailbox,
            load: start.load,
            sessions: Slab::new(),
            sinks: Slab::new(),
            rooms: Slab::new(),
            rooms_by_id: HashMap::new(),
            demux: Demux::default(),
            steering: Steering::default(),
            detours,
            timers: BinaryHeap::new(),
            dirty: Vec::new(),
            pending: Pending::default(),
            sending: Vec::new(),
            waiting: Vec::new(),
            tick: Tick::default(),
            bursts: Vec::new(),
            outbox,
            scratch: Vec::new(),
            frame: Vec::new(),
            aside: Vec::new(),
            frames: Vec::new(),
            tally: Tally::default(),
            stopping: false,
        }
    }

    fn run(mut self) {
        let mut events = Events::with_capacity(256);
        let mut inbound = Inbound::new();
        let mut udp_waiting = true;
        while !self.stopping {
            let sleep = if udp_waiting || self.tcp.has_unread() {
                Duration::ZERO
            } else {
                self.sleep(Instant::now())
            };
            if let Err(error) = self.poll.poll(&mut events, Some(sleep))
                && error.kind() != io::ErrorKind::Interrupted
            {
                tracing::error!(%error, "a media worker cannot wait for its sockets");
                return;
            }
            let now = Instant::now();
            let mut mail = false;
            for event in &events {
                match event.token() {
                    WAKE => mail = true,
                    UDP => udp_waiting = true,
                    token => self.tcp.ready(
                        self.poll.registry(),
                        token,
                        event.is_readable() || event.is_read_closed(),
                        event.is_writable(),
                        &mut self.frames,
                    ),
                }
            }
            if udp_waiting {
                udp_waiting = self.receive(&mut inbound, now);
            }
            self.tcp.read_on(self.poll.registry(), &mut self.frames);
            self.receive_frames(now);
            self.run_timers(now);
            if mail || !self.mailbox.is_empty() {
                self.read_mail(now);
            }
            self.send_media(now);
            self.send_bursts();
            self.drain(now);
            self.empty_outbox(now);
            self.send_detours();
            self.udp.flush();
            self.count_traffic();
        }
    }

    fn sleep(&self, now: Instant) -> Duration {
        if !self.mailbox.is_empty() {
            return Duration::ZERO;
        }
        let due = self
            .timers
            .peek()
            .map(|Reverse((at, _))| at.saturating_duration_since(now));
        let tick = self.tick.next().map(|at| at.saturating_duration_since(now));
        let outbox = (!self.outbox.is_empty() || self.detours.has_words()).then_some(SOONEST);
        due.into_iter()
            .chain(tick)
            .chain(outbox)
            .fold(LONGEST_SLEEP, Duration::min)
    }

    fn run_timers(&mut self, now: Instant) {
        while let Some(Reverse((at, timer))) = self.timers.peek().copied() {
            if at > now {
                break;
            }
            self.timers.pop();
            match timer {
                Timer::Session(key) => self.session_timeout(key, at, now),
                Timer::Room(key) => {
                    let due = self.rooms.get(key).is_some_and(|slot| slot.scheduled == Some(at));
                    if due {
                        self.rooms[key].scheduled = None;
                        self.turn(key, now, |worker| worker.room_timeout(key, now));
                    }
                }
            }
        }
    }

    /// Does something with a room; a panic in it ends that room alone.
    fn turn(&mut self, key: usize, now: Instant, act: impl FnOnce(&mut Self)) {
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            act(self);
            self.pump(key, now);
        }));
        if outcome.is_err() {
            self.room_panicked(key, now);
        }
        self.schedule_room(key, now);
    }

    /// Ends a room in which something panicked, whatever state that left it in.
    fn room_panicked(&mut self, key: usize, now: Instant) {
        Counters::up(&self.shared.counters.room_panics);
        tracing::error!("a room's turn panicked; the room ends");
        let stage = self
            .rooms
            .get(key)
            .and_then(|slot| Some((slot.away()?, slot.id.clone())));
        let dropped = catch_unwind(AssertUnwindSafe(|| {
            self.drop_room(key, DepartureReason::RoomEnded, now);
        }));
        if dropped.is_err() {
            tracing::error!("a room panicked while it ended");
        }
        if let Some(slot) = self.rooms.try_remove(key) {
            if let Some(home) = slot.home() {
                for _ in 0..slot.peers.len() + home.hosted.len() {
                    Counters::down(&self.shared.counters.participants);
                }
            }
            self.forget_room(&slot);
        }
        if let Some((home, id)) = stage {
            self.tell_home(home, &id, ToHome::Lost);
        }
        self.close_leftovers(key, now);
    }

    fn schedule_room(&mut self, key: usize, now: Instant) {
        let Some(slot) = self.rooms.get_mut(key) else {
            return;
        };
        let Some(deadline) = slot.deadline() else { return };
        let deadline = deadline.max(now + SOONEST);
        if slot.scheduled.is_none_or(|scheduled| deadline < scheduled) {
            slot.scheduled = Some(deadline);
            self.timers.push(Reverse((deadline, Timer::Room(key))));
        }
    }

    fn count_traffic(&mut self) {
        let counters = &self.shared.counters;
        let tally = &mut self.tally;
        for (counter, value) in [
            (&counters.packets_received, &mut tally.received),
            (&counters.bytes_received, &mut tally.received_bytes),
            (&counters.packets_forwarded, &mut tally.forwarded),
            (&counters.packets_policed, &mut tally.policed),
            (&counters.packets_malformed, &mut tally.malformed),
            (&counters.packets_unsent, &mut tally.unsent),
            (&counters.packets_relayed, &mut tally.relayed),
            (&counters.datagrams_sent, &mut self.udp.sent),
            (&counters.bytes_sent, &mut self.udp.sent_bytes),
            (&counters.datagrams_dropped, &mut self.udp.dropped),
        ] {
            if *value > 0 {
                Counters::add(counter, std::mem::take(value));
            }
        }
    }
}

/// The room's clock at a worker's instant.
fn room_now(instant: Instant) -> Now {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Now {
        instant,
        unix_ms: unix.as_millis() as u64,
    }
}
