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
//! - After every call that changes something, [`Session::poll_output`] is called until it gives
//!   [`Output::Timeout`]; [`Session::send`] may be called several times in between.
//! - Whatever a peer does wrong ends in a typed error or is dropped; it never panics.
//! - Towards every client we are the DTLS server, so that AES-GCM is chosen.
//! - The offerer of a session never changes: the peer where [`Session::accept_offer`] is used, we where
//!   [`Session::create_offer`] is.
//! - No packet index is protected twice: [`Session::send`] refuses a sequence number that was used.
//! - Nothing of the library underneath is public.
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
mod convert;
mod descriptor;
mod drive;
mod error;
mod event;
mod negotiation;
mod replay;
mod section;
mod session;
mod table;
mod transport;

pub use config::{Certificate, LocalCandidate, SessionConfig};
pub use error::{CertificateError, ChannelError, NegotiationError, SendError, SessionError};
pub use event::{
    AudioOptions, Input, Output, PassedExtensions, RxId, RxPacket, RxSection, RxStats, SessionEvent, TxId,
    TxPacket, TxState, TxWish,
};
pub use session::Session;
pub use tertulia_model::ClientFamily;
pub use tertulia_rtp::Vp8Rewrite;
