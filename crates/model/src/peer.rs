use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::{Codec, MediaKind};

macro_rules! short_token {
    ($(#[$doc:meta])* $name:ident, $max:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Reads an SDP token; `None` where it is empty, too long or has other characters than RFC 8866 token-char.
            pub fn parse(text: &str) -> Option<Self> {
                let valid = (1..=$max).contains(&text.len())
                    && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`{|}~".contains(&b));
                valid.then(|| Self(text.into()))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

short_token!(
    /// Media identification tag of one section (RFC 5888), at most 16 bytes so that it fits a one-byte header extension.
    Mid,
    16
);
short_token!(
    /// Restriction identifier of one simulcast encoding (RFC 8851).
    Rid,
    16
);

/// The family of WebRTC implementation a peer belongs to, which decides what is assumed where it is silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientFamily {
    /// libwebrtc: Chromium, Safari, the native SDKs.
    #[default]
    WebRtc,
    /// Firefox.
    Gecko,
    /// Any that we described ourselves to before it did (Jingle): what it answers is read as an offer all the same. It
    /// says all it takes, so nothing is assumed, and it leaves the choice of the path to us, as RFC 8445 §6.1.1 has it.
    Invited,
}

/// What one side of a WebRTC conversation says of itself, in no protocol's words.
///
/// A door fills it from SDP, Jingle or WHIP; a session reads it and answers with another. Media sections keep the
/// order of the description, which is also their index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerSpec {
    /// Credentials of the speaker's ICE agent.
    pub ice: IceCredentials,
    /// Whether the speaker is an ICE-lite agent.
    pub ice_lite: bool,
    /// Candidates known so far; more may trickle.
    pub candidates: Vec<Candidate>,
    /// Fingerprint of the speaker's DTLS certificate.
    pub fingerprint: Fingerprint,
    /// The DTLS role the speaker takes or offers.
    pub dtls_role: DtlsRole,
    /// Sections in order; the data section's place is [`DataSpec::index`].
    pub media: Vec<MediaSpec>,
    /// The data-channel section, if any.
    pub data: Option<DataSpec>,
}

/// ICE user name fragment and password (RFC 8445 §5.3).
#[derive(Clone, PartialEq, Eq)]
pub struct IceCredentials {
    /// 4 to 256 ice-chars.
    pub ufrag: String,
    /// 22 to 256 ice-chars; never logged.
    pub pwd: String,
}

impl fmt::Debug for IceCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IceCredentials")
            .field("ufrag", &self.ufrag)
            .finish_non_exhaustive()
    }
}

/// How a datagram travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TransportProtocol {
    /// UDP.
    Udp,
    /// TCP with RFC 4571 framing; our side is passive (RFC 6544).
    Tcp,
}

/// An ICE candidate as its owner wrote it (the value of `candidate:`, RFC 8839 §5.1), address kept out of logs.
///
/// The text stays whole because the ICE agent reads it; [`Candidate::address`] is `None` for host names, which are
/// never resolved.
#[derive(Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The attribute value without the leading `candidate:`.
    pub text: String,
    /// Address and port, where the candidate has a literal one.
    pub address: Option<SocketAddr>,
    /// Its transport.
    pub protocol: TransportProtocol,
}

impl fmt::Debug for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Candidate({:?}, <redacted>)", self.protocol)
    }
}

/// A certificate fingerprint (RFC 8122).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    /// Hash name in lower case, for instance `sha-256`.
    pub hash: String,
    /// The digest.
    pub bytes: Vec<u8>,
}

/// DTLS role (`a=setup`, RFC 8842).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DtlsRole {
    /// Offers both (`actpass`).
    Either,
    /// DTLS client (`active`).
    Client,
    /// DTLS server (`passive`).
    Server,
}

/// Who sends in a section, seen by whoever wrote the description.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Both.
    SendRecv,
    /// The writer sends.
    SendOnly,
    /// The writer receives.
    RecvOnly,
    /// Nobody.
    Inactive,
}

impl Direction {
    /// Whether the writer sends.
    pub fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// Whether the writer receives.
    pub fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    /// The same section seen by the other side.
    #[must_use]
    pub fn reversed(self) -> Self {
        match self {
            Self::SendOnly => Self::RecvOnly,
            Self::RecvOnly => Self::SendOnly,
            same => same,
        }
    }
}

/// One audio or video section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaSpec {
    /// Its identification tag.
    pub mid: Mid,
    /// Position among all sections of the description, the data section counted.
    pub index: usize,
    /// Audio or video.
    pub kind: MediaKind,
    /// Who sends, seen by the writer.
    pub direction: Direction,
    /// Port zero: the section is refused or stopped.
    pub stopped: bool,
    /// Codecs in order of preference.
    pub codecs: Vec<CodecSpec>,
    /// Header extensions.
    pub extensions: Vec<ExtensionSpec>,
    /// What the writer sends: one entry a simulcast encoding, or one entry in all. Where it only receives: the
    /// simulcast encodings it is ready to receive.
    pub encodings: Vec<EncodingSpec>,
    /// Stream id of what the writer sends (first word of `msid`).
    pub stream_id: Option<String>,
    /// Track id of what the writer sends (second word of `msid`).
    pub track_id: Option<String>,
}

/// One payload type of a section, with its retransmission payload type folded in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodecSpec {
    /// Payload type, 0 to 127.
    pub payload_type: u8,
    /// The codec.
    pub codec: Codec,
    /// RTP clock rate in hertz.
    pub clock_rate: u32,
    /// Audio channels; 1 for video.
    pub channels: u8,
    /// Format parameters as written (the value of `a=fmtp`), empty where none.
    pub fmtp: String,
    /// Payload type of RTX for this codec (RFC 4588).
    pub rtx: Option<u8>,
    /// Feedback the writer offers.
    pub feedback: Vec<Feedback>,
}

/// RTCP feedback kinds (RFC 4585, RFC 5104, transport-wide congestion control).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Feedback {
    /// `nack`.
    Nack,
    /// `nack pli`.
    Pli,
    /// `ccm fir`.
    Fir,
    /// `goog-remb`.
    Remb,
    /// `transport-cc`.
    TransportCc,
}

/// RTP header extensions Tertulia knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Extension {
    /// `urn:ietf:params:rtp-hdrext:ssrc-audio-level` (RFC 6464).
    AudioLevel,
    /// `http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time`.
    AbsSendTime,
    /// `http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time`.
    AbsCaptureTime,
    /// `http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01`.
    TransportCc,
    /// `urn:ietf:params:rtp-hdrext:sdes:mid`.
    Mid,
    /// `urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id`.
    RtpStreamId,
    /// `urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id`.
    RepairedRtpStreamId,
    /// `urn:3gpp:video-orientation`.
    VideoOrientation,
    /// `http://www.webrtc.org/experiments/rtp-hdrext/playout-delay`.
    PlayoutDelay,
    /// `https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension`.
    DependencyDescriptor,
}

impl Extension {
    /// All that are known.
    pub const ALL: [Extension; 10] = [
        Self::AudioLevel,
        Self::AbsSendTime,
        Self::AbsCaptureTime,
        Self::TransportCc,
        Self::Mid,
        Self::RtpStreamId,
        Self::RepairedRtpStreamId,
        Self::VideoOrientation,
        Self::PlayoutDelay,
        Self::DependencyDescriptor,
    ];

    /// Its URI as registered or as deployed.
    pub fn uri(self) -> &'static str {
        match self {
            Self::AudioLevel => "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
            Self::AbsSendTime => "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
            Self::AbsCaptureTime => "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
            Self::TransportCc => "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
            Self::Mid => "urn:ietf:params:rtp-hdrext:sdes:mid",
            Self::RtpStreamId => "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
            Self::RepairedRtpStreamId => "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
            Self::VideoOrientation => "urn:3gpp:video-orientation",
            Self::PlayoutDelay => "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
            Self::DependencyDescriptor => {
                "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"
            }
        }
    }

    /// Reads a URI.
    pub fn from_uri(uri: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|extension| extension.uri() == uri)
    }
}

/// One negotiated header extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExtensionSpec {
    /// Local identifier, 1 to 255 (RFC 8285); 15 and 16 up need the two-byte form.
    pub id: u8,
    /// Which one.
    pub extension: Extension,
}

/// One stream of packets a section sends.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EncodingSpec {
    /// Its SSRC, where signalled.
    pub ssrc: Option<u32>,
    /// SSRC of its retransmissions, where signalled.
    pub rtx_ssrc: Option<u32>,
    /// Its simulcast identifier.
    pub rid: Option<Rid>,
}

/// The data-channel section (RFC 8841).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataSpec {
    /// Its identification tag.
    pub mid: Mid,
    /// Position among all sections.
    pub index: usize,
    /// SCTP port.
    pub port: u16,
    /// Greatest message the writer receives, in bytes.
    pub max_message_size: u32,
    /// Whether the section is refused or stopped.
    pub stopped: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mids_are_short_tokens() {
        assert!(Mid::parse("0").is_some());
        assert!(Mid::parse("audio-1").is_some());
        for text in ["", "a b", "0123456789abcdefg", "a\r\n", "é"] {
            assert_eq!(Mid::parse(text), None, "for {text:?}");
        }
    }

    #[test]
    fn candidates_and_credentials_show_no_secret() {
        let ice = IceCredentials {
            ufrag: "abcd".into(),
            pwd: "hush".into(),
        };
        assert!(!format!("{ice:?}").contains("hush"));
        let candidate = Candidate {
            text: "1 1 udp 1 192.0.2.1 9 typ host".into(),
            address: None,
            protocol: TransportProtocol::Udp,
        };
        assert!(!format!("{candidate:?}").contains("192.0.2.1"));
    }

    #[test]
    fn extension_uris_round_trip() {
        for extension in Extension::ALL {
            assert_eq!(Extension::from_uri(extension.uri()), Some(extension));
        }
    }
}
