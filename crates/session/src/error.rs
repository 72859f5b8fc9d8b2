use thiserror::Error;

/// Why a description of the peer was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NegotiationError {
    /// More sections than a session holds.
    #[error("more than {max} sections")]
    TooManySections {
        /// The greatest number taken.
        max: usize,
    },
    /// Indices that are not 0, 1, 2 … in order, or none at all.
    #[error("section indices have a gap or repeat")]
    SectionOrder,
    /// An identification tag that occurs twice.
    #[error("section tag {0} occurs twice")]
    DuplicateMid(String),
    /// An identification tag with characters that cannot be carried in a header extension here.
    #[error("section tag {0} has characters other than letters, digits and underscore")]
    UnsupportedMid(String),
    /// A simulcast identifier that cannot be carried here.
    #[error("simulcast identifier {0} is longer than 8 or has other characters than letters and digits")]
    UnsupportedRid(String),
    /// More simulcast encodings than a section holds.
    #[error("more than {max} encodings in one section")]
    TooManyEncodings {
        /// The greatest number taken.
        max: usize,
    },
    /// The same SSRC on two things, or the reserved SSRC zero.
    #[error("SSRC {0} is reserved or used twice")]
    InvalidSsrc(u32),
    /// A known section changed its tag or kind, or vanished.
    #[error("section {0} is not the one negotiated before")]
    SectionChanged(usize),
    /// ICE credentials outside RFC 8445 §5.3.
    #[error("ICE credentials are malformed")]
    IceCredentials,
    /// A fingerprint with an unknown hash or of the wrong length.
    #[error("certificate fingerprint is malformed or of an unsupported hash")]
    Fingerprint,
    /// A new certificate in the middle of a session.
    #[error("certificate fingerprint changed")]
    FingerprintChanged,
    /// The peer wants us to be the DTLS client.
    #[error("the peer must be able to be the DTLS client")]
    DtlsRole,
    /// An offer came where we are the offerer, or an answer where none is outstanding.
    #[error("the description does not fit the state of the negotiation")]
    WrongState,
    /// The session has ended.
    #[error("the session is closed")]
    Closed,
    /// Our own configuration or transport failed; not the peer's fault.
    #[error("our transport failed: {0}")]
    Transport(String),
}

/// Why a session cannot go on, or did not do what was asked of it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The peer broke the conversation (for instance another certificate than announced).
    #[error("the peer broke the conversation: {0}")]
    Peer(String),
    /// Our transport failed.
    #[error("our transport failed: {0}")]
    Transport(String),
}

/// Why a packet was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SendError {
    /// What it belongs to is not bound to a section (yet, or any more).
    #[error("not bound to a section")]
    Unbound,
    /// The payload type was not negotiated for this section.
    #[error("payload type was not negotiated")]
    PayloadType,
    /// The payload does not fit a datagram.
    #[error("payload is too long")]
    TooLong,
    /// The sequence number was used before, is far behind, or begins beyond 65 535.
    #[error("sequence number is used, too old or out of range")]
    Sequence,
    /// The VP8 descriptor has no room for what is to be rewritten.
    #[error("VP8 descriptor cannot be rewritten")]
    Vp8,
    /// Too much is waiting for the pacer; the packet was dropped.
    #[error("send queue is full")]
    Full,
}

/// Why a data-channel message was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ChannelError {
    /// There is no open channel of that label.
    #[error("no open channel of that label")]
    NotOpen,
    /// The message is longer than the peer takes.
    #[error("message is too long")]
    TooLong,
    /// The association failed.
    #[error("the association failed")]
    Association,
}

/// Why a certificate could not be made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("certificate generation failed: {0}")]
pub struct CertificateError(pub(crate) String);
