use std::fmt;

/// Audio or video.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MediaKind {
    /// Sound.
    Audio,
    /// Picture.
    Video,
}

/// What a track shows or sounds of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// A camera.
    Camera,
    /// A microphone.
    Microphone,
    /// A shared screen, window or tab.
    ScreenShare,
    /// The sound of what is shared.
    ScreenShareAudio,
    /// Anything else; carries its kind only by the track.
    Unknown,
}

/// A codec, by its registered media subtype.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Codec {
    /// `audio/opus` (RFC 7587).
    Opus,
    /// `audio/red` (RFC 2198) around Opus.
    Red,
    /// `audio/PCMU`.
    Pcmu,
    /// `audio/PCMA`.
    Pcma,
    /// `video/VP8` (RFC 7741).
    Vp8,
    /// `video/VP9` (RFC 9628).
    Vp9,
    /// `video/H264` (RFC 6184).
    H264,
    /// `video/H265` (RFC 7798).
    H265,
    /// `video/AV1`.
    Av1,
}

impl Codec {
    /// The kind of media it codes.
    pub fn kind(self) -> MediaKind {
        match self {
            Self::Opus | Self::Red | Self::Pcmu | Self::Pcma => MediaKind::Audio,
            Self::Vp8 | Self::Vp9 | Self::H264 | Self::H265 | Self::Av1 => MediaKind::Video,
        }
    }

    /// The media type as registered, for instance `video/VP8`.
    pub fn mime(self) -> &'static str {
        match self {
            Self::Opus => "audio/opus",
            Self::Red => "audio/red",
            Self::Pcmu => "audio/PCMU",
            Self::Pcma => "audio/PCMA",
            Self::Vp8 => "video/VP8",
            Self::Vp9 => "video/VP9",
            Self::H264 => "video/H264",
            Self::H265 => "video/H265",
            Self::Av1 => "video/AV1",
        }
    }

    /// Reads a media type or a bare subtype, in any case.
    pub fn from_mime(text: &str) -> Option<Self> {
        const ALL: [Codec; 9] = [
            Codec::Opus,
            Codec::Red,
            Codec::Pcmu,
            Codec::Pcma,
            Codec::Vp8,
            Codec::Vp9,
            Codec::H264,
            Codec::H265,
            Codec::Av1,
        ];
        let subtype = text.rsplit('/').next().unwrap_or(text);
        ALL.into_iter()
            .find(|codec| codec.subtype().eq_ignore_ascii_case(subtype))
    }

    /// The subtype as registered, for instance `VP8`.
    pub fn subtype(self) -> &'static str {
        let mime = self.mime();
        mime.split_once('/').map_or(mime, |(_, subtype)| subtype)
    }

    /// RTP clock rate in hertz.
    pub fn clock_rate(self) -> u32 {
        match self {
            Self::Opus | Self::Red => 48_000,
            Self::Pcmu | Self::Pcma => 8_000,
            _ => 90_000,
        }
    }
}

/// One of the three qualities a simulcast sender offers, lowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Quality {
    /// The smallest picture (rid `q`).
    Low,
    /// The middle picture (rid `h`).
    Medium,
    /// The full picture (rid `f`).
    High,
}

impl Quality {
    /// All, lowest first.
    pub const ALL: [Quality; 3] = [Quality::Low, Quality::Medium, Quality::High];

    /// Position from the lowest, 0 to 2.
    pub fn index(self) -> usize {
        self as usize
    }

    /// The quality at `index`; anything above 2 is [`Quality::High`].
    pub fn from_index(index: usize) -> Self {
        Self::ALL[index.min(2)]
    }
}

/// Width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct VideoSize {
    /// Pixels across; zero where unknown.
    pub width: u32,
    /// Pixels down; zero where unknown.
    pub height: u32,
}

impl VideoSize {
    /// Number of pixels.
    pub fn area(self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }
}

/// One encoding of a video track as its publisher announced it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layer {
    /// Its place among the qualities.
    pub quality: Quality,
    /// Its announced size.
    pub size: VideoSize,
    /// Its announced bitrate.
    pub bitrate: Bitrate,
    /// The SSRC where signalled, else zero.
    pub ssrc: u32,
}

/// Bits per second.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Bitrate(u64);

impl Bitrate {
    /// No bits.
    pub const ZERO: Bitrate = Bitrate(0);

    /// From bits per second.
    pub const fn from_bps(bps: u64) -> Self {
        Self(bps)
    }

    /// From thousands of bits per second.
    pub const fn from_kbps(kbps: u64) -> Self {
        Self(kbps * 1_000)
    }

    /// In bits per second.
    pub const fn as_bps(self) -> u64 {
        self.0
    }

    /// The sum, held at the greatest value.
    #[must_use]
    pub fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference, held at zero.
    #[must_use]
    pub fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl fmt::Display for Bitrate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bit/s", self.0)
    }
}

impl fmt::Debug for Bitrate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codecs_are_read_in_any_case_with_or_without_their_type() {
        assert_eq!(Codec::from_mime("video/vp8"), Some(Codec::Vp8));
        assert_eq!(Codec::from_mime("VP9"), Some(Codec::Vp9));
        assert_eq!(Codec::from_mime("audio/OPUS"), Some(Codec::Opus));
        assert_eq!(Codec::from_mime("video/"), None);
    }
}
