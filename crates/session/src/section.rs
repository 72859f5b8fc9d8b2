use std::collections::BTreeSet;

use tertulia_model::{CodecSpec, ExtensionSpec, MediaKind, Mid, Rid};

use crate::{RxId, TxId};

/// One place in the order of sections.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "all but one of a session's slots are of the large kind"
)]
pub(crate) enum Slot {
    /// Sound or picture.
    Media(Section),
    /// The data channels.
    Data(DataSlot),
}

impl Slot {
    pub(crate) fn mid(&self) -> &Mid {
        match self {
            Self::Media(section) => &section.mid,
            Self::Data(data) => &data.mid,
        }
    }

    pub(crate) fn is_stopped(&self) -> bool {
        match self {
            Self::Media(section) => section.stopped,
            Self::Data(data) => data.stopped,
        }
    }
}

/// The data-channel section.
#[derive(Debug)]
pub(crate) struct DataSlot {
    pub(crate) mid: Mid,
    pub(crate) stopped: bool,
}

/// One audio or video section as it stands.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) mid: Mid,
    pub(crate) kind: MediaKind,
    /// Refused or stopped for good; its place may be taken by a section with another tag.
    pub(crate) stopped: bool,
    /// Whether the transport knows it.
    pub(crate) declared: bool,
    /// What both sides take, the peer's payload types, best first.
    pub(crate) codecs: Vec<CodecSpec>,
    /// Header extensions both sides take.
    pub(crate) extensions: Vec<ExtensionSpec>,
    /// Whether the peer receives on it, by its last description.
    pub(crate) peer_receives: bool,
    /// Whether our last offer said that we send nothing on it.
    pub(crate) offered_inactive: bool,
    /// What we send on it.
    pub(crate) sending: Sending,
    /// What the peer sends on it.
    pub(crate) receiving: Option<Receiving>,
}

impl Section {
    pub(crate) fn new(mid: Mid, kind: MediaKind) -> Self {
        Self {
            mid,
            kind,
            stopped: false,
            declared: false,
            codecs: Vec::new(),
            extensions: Vec::new(),
            peer_receives: false,
            offered_inactive: false,
            sending: Sending::Free,
            receiving: None,
        }
    }
}

/// Use of a section in our direction.
#[derive(Debug)]
pub(crate) enum Sending {
    /// Nothing, and the peer knows.
    Free,
    /// Something of ours.
    Bound(Stream),
    /// Nothing any more, but the peer has not been told: the next description says inactive.
    Leaving,
}

/// What we send on one section.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) tx: TxId,
    pub(crate) ssrc: u32,
    pub(crate) rtx_ssrc: Option<u32>,
    /// Codecs chosen for it among the section's.
    pub(crate) codecs: Vec<CodecSpec>,
    /// Whether the peer has agreed: at once in an answer of ours, with its answer to an offer of ours.
    pub(crate) agreed: bool,
}

/// What the peer sends on one section.
#[derive(Debug)]
pub(crate) struct Receiving {
    pub(crate) rx: RxId,
    pub(crate) track_id: Option<String>,
    pub(crate) stream_id: Option<String>,
    pub(crate) rids: Vec<Rid>,
    /// SSRCs expected by name, retransmissions not counted.
    pub(crate) ssrcs: BTreeSet<u32>,
    pub(crate) active: bool,
}
