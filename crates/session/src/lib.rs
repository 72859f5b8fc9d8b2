//! One peer's WebRTC conversation, without I/O: negotiation, ICE, DTLS, SCTP data channels, SRTP and bandwidth
//! estimation.
//!
//! A [`Session`] takes descriptions as [`PeerSpec`](tertulia_model::PeerSpec), datagrams and the time; it gives
//! descriptions, datagrams, the next deadline and [`SessionEvent`]s. It does not know rooms, tracks of a room or who
//! may hear whom: whoever owns it says what to send ([`Session::add_tx`]) and binds what arrives
//! ([`Session::rx_sections`]).
//!
//! Invariants:
//!
//! - [`Session::receive`] gives media at once and [`Session::seal`] protects it at once; after a batch of either, and
//!   after every other call that changes something, [`Session::poll_output`] is called until it gives
//!   [`Output::Timeout`].
//! - Whatever a peer does wrong ends in a typed error or is dropped; it never panics.
//! - Towards every client we are the DTLS server, so that AES-GCM is chosen.
//! - The offerer of a session never changes: the peer where [`Session::accept_offer`] is used, we where
//!   [`Session::create_offer`] is.
//! - Media and handshakes are taken only from addresses that answered a check of ICE, and nothing is sent to an address
//!   that has not answered one for half a minute.
//! - No packet index is protected twice: [`Session::seal`] refuses a sequence number that was used.
//! - Nothing of the libraries underneath is public.
//!
//! ```no_run
//! use std::sync::Arc;
//! use std::time::Instant;
//! use tertulia_model::{Bitrate, IceCredentials, PeerSpec};
//! use tertulia_session::{Certificate, ClientFamily, Output, Session, SessionConfig};
//!
//! fn answer(offer: &PeerSpec, certificate: Arc<Certificate>, now: Instant) -> Option<PeerSpec> {
//!     let config = SessionConfig {
//!         ice: IceCredentials { ufrag: "w0abcdef".into(), pwd: "0123456789abcdef01234567".into() },
//!         certificate,
//!         ice_lite: false,
//!         local_candidates: Vec::new(),
//!         fallback_family: ClientFamily::WebRtc,
//!         initial_bitrate: Bitrate::from_kbps(800),
//!         offload_handshakes: false,
//!         seed: [7; 32],
//!     };
//!     let mut session = Session::new(config, now);
//!     let answer = session.accept_offer(offer, now).ok()?;
//!     while let Ok(Output::Transmit { .. } | Output::Event(_)) = session.poll_output() {}
//!     Some(answer)
//! }
//! ```

mod candidate;
mod channel;
mod config;
mod drive;
mod error;
mod estimator;
mod event;
mod media;
mod negotiation;
mod path;
mod section;
mod session;
mod table;
mod transport;

pub use config::{Certificate, LocalCandidate, SessionConfig};
pub use error::{CertificateError, ChannelError, NegotiationError, SendError, SessionError};
pub use estimator::{Probe, ProbeId};
pub use event::{
    AudioOptions, MediaPath, Output, Pacing, RxId, RxPacket, RxSection, RxStats, SessionEvent, TxId, TxState,
    TxWish,
};
pub use media::{MAX_SEALED, Sealer, TxPacket};
pub use path::Handshake;
pub use session::Session;
pub use tertulia_model::ClientFamily;
