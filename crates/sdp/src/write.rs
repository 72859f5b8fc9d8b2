//! Description to text.

use std::fmt::Write as _;

use tertulia_model::{
    CodecSpec, DataSpec, Direction, DtlsRole, EncodingSpec, Feedback, MediaKind, MediaSpec, PeerSpec,
};

/// Whether a text offers or answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An offer: a free choice of DTLS role is written as such.
    Offer,
    /// An answer: a free choice of DTLS role becomes the server's.
    Answer,
}

/// Who wrote a text and which of its versions it is (`o=`, RFC 8866 §5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// Number of the session, the same in all its descriptions.
    pub session: u64,
    /// Number of the description, one more each time.
    pub version: u64,
}

/// Canonical name of our sources in their reports.
const CNAME: &str = "tertulia";

/// Writes a description.
pub fn write(spec: &PeerSpec, kind: Kind, origin: Origin) -> String {
    let mut text = Text(String::with_capacity(4_096));
    // RFC 9429 §5.2.1: the session number fits 63 bits.
    let session = origin.session & (u64::MAX >> 2);
    text.line(format_args!("v=0"));
    text.line(format_args!("o=- {session} {} IN IP4 127.0.0.1", origin.version));
    text.line(format_args!("s=-"));
    text.line(format_args!("t=0 0"));
    let mut sections: Vec<SectionRef<'_>> = spec
        .media
        .iter()
        .map(SectionRef::Media)
        .chain(spec.data.iter().map(SectionRef::Data))
        .collect();
    sections.sort_by_key(SectionRef::index);
    let bundled: Vec<&str> = sections
        .iter()
        .filter(|section| !section.is_stopped())
        .map(SectionRef::mid)
        .collect();
    if !bundled.is_empty() {
        text.line(format_args!("a=group:BUNDLE {}", bundled.join(" ")));
    }
    text.line(format_args!("a=extmap-allow-mixed"));
    text.line(format_args!("a=msid-semantic: WMS *"));
    if spec.ice_lite {
        text.line(format_args!("a=ice-lite"));
    }
    // The section that leads the bundle carries the candidates; all carry the credentials.
    let leading = sections
        .iter()
        .position(|section| !section.is_stopped())
        .unwrap_or(0);
    for (position, section) in sections.iter().enumerate() {
        match section {
            SectionRef::Media(media) => text.media(media),
            SectionRef::Data(data) => text.data(data),
        }
        text.transport(spec, kind, position == leading);
    }
    text.0
}

enum SectionRef<'a> {
    Media(&'a MediaSpec),
    Data(&'a DataSpec),
}

impl SectionRef<'_> {
    fn index(&self) -> usize {
        match self {
            Self::Media(media) => media.index,
            Self::Data(data) => data.index,
        }
    }

    fn mid(&self) -> &str {
        match self {
            Self::Media(media) => media.mid.as_str(),
            Self::Data(data) => data.mid.as_str(),
        }
    }

    fn is_stopped(&self) -> bool {
        match self {
            Self::Media(media) => media.stopped,
            Self::Data(data) => data.stopped,
        }
    }
}

/// The text as it grows. A value with a line break in it would write lines of its own; such bytes are left out.
struct Text(String);

impl Text {
    fn line(&mut self, content: std::fmt::Arguments<'_>) {
        let start = self.0.len();
        // Writing to a string cannot fail.
        let _ = self.0.write_fmt(content);
        if self.0[start..].contains(['\r', '\n', '\0']) {
            let clean: String = self.0[start..]
                .chars()
                .filter(|c| !matches!(c, '\r' | '\n' | '\0'))
                .collect();
            self.0.truncate(start);
            self.0.push_str(&clean);
        }
        self.0.push_str("\r\n");
    }

    fn media(&mut self, media: &MediaSpec) {
        let kind = match media.kind {
            MediaKind::Audio => "audio",
            MediaKind::Video => "video",
        };
        let mut formats: Vec<String> = Vec::new();
        for codec in &media.codecs {
            formats.push(codec.payload_type.to_string());
            formats.extend(codec.rtx.map(|rtx| rtx.to_string()));
        }
        if formats.is_empty() {
            // The grammar wants at least one; a refused section may name any.
            formats.push("0".to_owned());
        }
        let port = if media.stopped { 0 } else { 9 };
        self.line(format_args!(
            "m={kind} {port} UDP/TLS/RTP/SAVPF {}",
            formats.join(" ")
        ));
        self.line(format_args!("c=IN IP4 0.0.0.0"));
        self.line(format_args!("a=rtcp:9 IN IP4 0.0.0.0"));
        self.line(format_args!("a=mid:{}", media.mid));
        let direction = match media.direction {
            Direction::SendRecv => "sendrecv",
            Direction::SendOnly => "sendonly",
            Direction::RecvOnly => "recvonly",
            Direction::Inactive => "inactive",
        };
        self.line(format_args!("a={direction}"));
        self.line(format_args!("a=rtcp-mux"));
        self.line(format_args!("a=rtcp-rsize"));
        for extension in &media.extensions {
            self.line(format_args!(
                "a=extmap:{} {}",
                extension.id,
                extension.extension.uri()
            ));
        }
        for codec in &media.codecs {
            self.codec(codec);
        }
        if media.stream_id.is_some() || media.track_id.is_some() {
            let stream = media.stream_id.as_deref().unwrap_or("-");
            let track = media.track_id.as_deref().unwrap_or("");
            self.line(format_args!(
                "a=msid:{stream}{}{track}",
                if track.is_empty() { "" } else { " " }
            ));
        }
        self.encodings(&media.encodings, media.direction);
    }

    fn codec(&mut self, codec: &CodecSpec) {
        let payload_type = codec.payload_type;
        let channels = if codec.channels > 1 {
            format!("/{}", codec.channels)
        } else {
            String::new()
        };
        self.line(format_args!(
            "a=rtpmap:{payload_type} {}/{}{channels}",
            codec.codec.subtype(),
            codec.clock_rate
        ));
        for feedback in &codec.feedback {
            let name = match feedback {
                Feedback::Nack => "nack",
                Feedback::Pli => "nack pli",
                Feedback::Fir => "ccm fir",
                Feedback::Remb => "goog-remb",
                Feedback::TransportCc => "transport-cc",
            };
            self.line(format_args!("a=rtcp-fb:{payload_type} {name}"));
        }
        if !codec.fmtp.is_empty() {
            self.line(format_args!("a=fmtp:{payload_type} {}", codec.fmtp));
        }
        if let Some(rtx) = codec.rtx {
            self.line(format_args!("a=rtpmap:{rtx} rtx/{}", codec.clock_rate));
            self.line(format_args!("a=fmtp:{rtx} apt={payload_type}"));
        }
    }

    fn encodings(&mut self, encodings: &[EncodingSpec], direction: Direction) {
        let rids: Vec<&str> = encodings
            .iter()
            .filter_map(|encoding| encoding.rid.as_ref())
            .map(|rid| rid.as_str())
            .collect();
        if !rids.is_empty() {
            let word = if direction.sends() { "send" } else { "recv" };
            for rid in &rids {
                self.line(format_args!("a=rid:{rid} {word}"));
            }
            self.line(format_args!("a=simulcast:{word} {}", rids.join(";")));
            return;
        }
        if !direction.sends() {
            return;
        }
        let ssrcs: Vec<String> = encodings
            .iter()
            .filter_map(|encoding| encoding.ssrc)
            .map(|ssrc| ssrc.to_string())
            .collect();
        if ssrcs.len() > 1 {
            self.line(format_args!("a=ssrc-group:SIM {}", ssrcs.join(" ")));
        }
        for encoding in encodings {
            let Some(ssrc) = encoding.ssrc else {
                continue;
            };
            if let Some(rtx) = encoding.rtx_ssrc {
                self.line(format_args!("a=ssrc-group:FID {ssrc} {rtx}"));
            }
            for ssrc in [Some(ssrc), encoding.rtx_ssrc].into_iter().flatten() {
                self.line(format_args!("a=ssrc:{ssrc} cname:{CNAME}"));
            }
        }
    }

    fn data(&mut self, data: &DataSpec) {
        let port = if data.stopped { 0 } else { 9 };
        self.line(format_args!(
            "m=application {port} UDP/DTLS/SCTP webrtc-datachannel"
        ));
        self.line(format_args!("c=IN IP4 0.0.0.0"));
        self.line(format_args!("a=mid:{}", data.mid));
        self.line(format_args!("a=sctp-port:{}", data.port));
        self.line(format_args!("a=max-message-size:{}", data.max_message_size));
    }

    fn transport(&mut self, spec: &PeerSpec, kind: Kind, leads: bool) {
        self.line(format_args!("a=ice-ufrag:{}", spec.ice.ufrag));
        self.line(format_args!("a=ice-pwd:{}", spec.ice.pwd));
        self.line(format_args!("a=ice-options:trickle"));
        let digest: Vec<String> = spec
            .fingerprint
            .bytes
            .iter()
            .map(|byte| format!("{byte:02X}"))
            .collect();
        self.line(format_args!(
            "a=fingerprint:{} {}",
            spec.fingerprint.hash,
            digest.join(":")
        ));
        let setup = match (spec.dtls_role, kind) {
            (DtlsRole::Either, Kind::Offer) => "actpass",
            (DtlsRole::Client, _) => "active",
            (DtlsRole::Server, _) | (DtlsRole::Either, Kind::Answer) => "passive",
        };
        self.line(format_args!("a=setup:{setup}"));
        if leads {
            for candidate in &spec.candidates {
                self.line(format_args!("a=candidate:{}", candidate.text));
            }
        }
    }
}
