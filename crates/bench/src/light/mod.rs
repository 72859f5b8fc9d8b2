//! Light clients: one thread that handles the packets of all of them.
//!
//! A client of the full kind costs the generator more than it costs the server, so that beyond a few ten thousand
//! packets a second one measures the generator. A light client shakes hands as a full one does, by ICE and DTLS, and
//! then hands its socket and keys to a [`Field`]. There every packet is counted and its sequence numbers are
//! followed; all or one in n are decrypted, authenticated and judged; transport feedback, receiver reports, negative
//! acknowledgements and key frame requests go back as browsers send them. What it publishes is protected and sent in
//! trains, so that packets of one frame arrive together.
//!
//! It answers no negative acknowledgement and sends no probes: a publisher here is on a lossless path.

mod feedback;
mod field;
mod header;
mod inbound;
mod lane;
mod outbound;
mod receiving;
mod wire;

use std::net::{SocketAddr, UdpSocket};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, eventfd};
use str0m::media::Mid;
use tertulia_model::Extension;
use tokio::sync::{mpsc, oneshot, watch};

use crate::client::Phase;
use crate::error::ClientError;
use crate::keys::Keys;
use crate::media::Source;
use crate::sink::Seen;

/// Datagrams and notes that may wait for a client; what is beyond is lost, as on a network.
const NOTES: usize = 256;

/// How packets are judged.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// One packet in so many is decrypted and its time taken; with 1, all are, and streams are judged as a decoder
    /// would.
    pub sample: u32,
    /// Whether receiving sockets take coalesced trains (UDP GRO). On loopback this spares the server the cutting of
    /// its trains, which a network card may or may not do for it.
    pub coalesce: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            sample: 1,
            coalesce: false,
        }
    }
}

/// What a light client takes over from the handshake.
#[derive(Debug)]
pub struct Handover {
    /// The socket.
    pub socket: Arc<UdpSocket>,
    /// Where the server is.
    pub server: SocketAddr,
    /// Keys of both directions.
    pub keys: Keys,
    /// Header extensions with their ids.
    pub extensions: Vec<(Extension, u8)>,
    /// Payload types.
    pub payload_types: PayloadTypes,
}

/// Payload types in use.
#[derive(Debug, Clone, Copy, Default)]
pub struct PayloadTypes {
    /// Opus.
    pub audio: Option<u8>,
    /// Redundant audio (RFC 2198).
    pub red: Option<u8>,
    /// VP8.
    pub video: Option<u8>,
    /// Retransmitted video (RFC 4588).
    pub repair: Option<u8>,
}

/// A stream we send.
#[derive(Debug, Clone, Copy)]
pub struct Stream {
    /// Name of its layer.
    pub rid: Option<&'static str>,
    /// Its SSRC.
    pub ssrc: u32,
    /// SSRC of its retransmissions.
    pub repair_ssrc: Option<u32>,
}

/// A track to be sent.
pub struct Track {
    source: Source,
    mid: Mid,
    streams: Vec<Stream>,
}

impl Track {
    /// The track that `source` makes, on the section `mid`; `streams` are its layers, lowest first.
    pub fn new(source: Source, mid: Mid, streams: Vec<Stream>) -> Self {
        Self { source, mid, streams }
    }
}

/// Something a client must know of its packets.
#[derive(Debug)]
pub enum Note {
    /// STUN or DTLS came.
    Datagram {
        /// From where.
        source: SocketAddr,
        /// What.
        contents: Vec<u8>,
    },
    /// The first packet of somebody came, so long after the joining began.
    FirstPacket(Duration),
    /// The first key frame of somebody began.
    FirstKeyFrame(Duration),
}

/// What a client's packets amounted to.
#[derive(Debug, Clone, Default)]
pub struct LaneReport {
    /// What was received in the measured time.
    pub seen: Seen,
    /// Packets sent in the measured time.
    pub sent: u64,
    /// Key frames made altogether.
    pub key_frames: u64,
    /// Datagrams the socket did not take.
    pub unsent: u64,
}

/// The thread that handles packets. It ends with the last handle.
#[derive(Clone)]
pub struct Field(Arc<Shared>);

struct Shared {
    settings: Settings,
    commands: Mutex<Option<Sender<Command>>>,
    waker: OwnedFd,
    next: AtomicUsize,
    thread: Mutex<Option<JoinHandle<()>>>,
}

enum Command {
    Attach(usize, Box<lane::Lane>),
    Publish(usize, Box<Track>),
    SetActive(usize, Mid, Vec<String>),
    Detach(usize, oneshot::Sender<LaneReport>),
}

impl Field {
    /// Starts the thread. Stamps count from `epoch`.
    ///
    /// # Errors
    /// When the kernel refuses a thread or a descriptor.
    pub fn start(
        settings: Settings,
        epoch: Instant,
        phase: watch::Receiver<Phase>,
    ) -> Result<Self, ClientError> {
        let waker =
            eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).map_err(std::io::Error::from)?;
        let (commands, receiver) = std::sync::mpsc::channel();
        let thread = field::Thread::new(settings, epoch, phase, waker.try_clone()?, receiver)?;
        let thread = std::thread::Builder::new()
            .name("field".to_owned())
            .spawn(move || thread.run())?;
        Ok(Self(Arc::new(Shared {
            settings,
            commands: Mutex::new(Some(commands)),
            waker,
            next: AtomicUsize::new(0),
            thread: Mutex::new(Some(thread)),
        })))
    }

    /// Takes a client's packets over. `trains` has what it publishes sent in trains (UDP GSO); its socket then also
    /// takes trains, so that it is for clients that receive nothing.
    ///
    /// # Errors
    /// When the socket or the keys are not usable.
    pub fn attach(
        &self,
        client: u32,
        began: Instant,
        handover: Handover,
        trains: bool,
    ) -> Result<Lane, ClientError> {
        let (sender, notes) = mpsc::channel(NOTES);
        let trains = trains || self.0.settings.coalesce;
        let lane = lane::Lane::new(client, began, handover, trains, sender)?;
        let key = self.0.next.fetch_add(1, Ordering::Relaxed);
        self.send(Command::Attach(key, Box::new(lane)));
        Ok(Lane {
            key,
            notes,
            field: self.clone(),
        })
    }

    fn send(&self, command: Command) {
        let commands = self.0.commands.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = commands
            .as_ref()
            .is_some_and(|commands| commands.send(command).is_ok());
        drop(commands);
        if sent {
            self.0.wake();
        }
    }
}

impl Shared {
    fn wake(&self) {
        if let Err(error) = rustix::io::write(&self.waker, &1_u64.to_ne_bytes()) {
            tracing::trace!(%error, "the field is awake already");
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        drop(
            self.commands
                .get_mut()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
        self.wake();
        let thread = self
            .thread
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread of light clients panicked");
        }
    }
}

/// A client's packets in the [`Field`].
pub struct Lane {
    key: usize,
    notes: mpsc::Receiver<Note>,
    field: Field,
}

impl Lane {
    /// Waits for the next note; for ever once the field is gone. May be dropped without loss.
    pub async fn next(&mut self) -> Note {
        match self.notes.recv().await {
            Some(note) => note,
            None => std::future::pending().await,
        }
    }

    /// Begins to send a track.
    pub fn publish(&self, track: Track) {
        self.field.send(Command::Publish(self.key, Box::new(track)));
    }

    /// Sends these layers of a track alone.
    pub fn set_active(&self, mid: Mid, rids: Vec<String>) {
        self.field.send(Command::SetActive(self.key, mid, rids));
    }

    /// Ends the handling of packets; `None` when the field is gone.
    pub async fn detach(self) -> Option<LaneReport> {
        let (sender, report) = oneshot::channel();
        self.field.send(Command::Detach(self.key, sender));
        report.await.ok()
    }
}
