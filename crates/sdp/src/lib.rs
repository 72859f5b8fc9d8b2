//! SDP text read into and written from the neutral description of a peer.
//!
//! The grammar is a parser crate's; this crate gives meaning to the attributes WebRTC endpoints write (RFC 8829,
//! RFC 8839, RFC 8841, RFC 8853) and leaves the others unread. It negotiates nothing.
//!
//! Invariants: whatever the text, reading ends in a description or an [`SdpError`], within the bounds of [`Limits`];
//! what [`write()`] writes, [`parse`] reads back as the same description.
//!
//! ```
//! use tertulia_sdp::{Kind, Origin, parse, write};
//! let text = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
//!     m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=ice-ufrag:abcd\r\n\
//!     a=ice-pwd:0123456789abcdef01234567\r\na=fingerprint:sha-1 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33\r\n\
//!     a=setup:actpass\r\na=sctp-port:5000\r\n";
//! let spec = parse(text).unwrap();
//! assert_eq!(parse(&write(&spec, Kind::Offer, Origin { session: 1, version: 2 })).unwrap(), spec);
//! ```

mod error;
mod read;
mod write;

pub use error::SdpError;
pub use read::{Limits, parse, parse_candidate, parse_within};
pub use write::{Kind, Origin, write};
