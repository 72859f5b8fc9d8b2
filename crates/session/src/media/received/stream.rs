//! One received encoding.

use tertulia_rtp::ReceiveWindow;

use crate::media::gaps::Gaps;
use crate::media::reception::Reception;

/// One SSRC of the peer, with what replays of it are told by.
#[derive(Debug)]
pub(in crate::media) struct Source {
    pub(in crate::media) ssrc: u32,
    pub(in crate::media) window: ReceiveWindow,
}

/// One encoding of one section: the medium and its retransmissions.
#[derive(Debug)]
pub(in crate::media) struct Stream {
    /// Slot of its section.
    pub(in crate::media) section: usize,
    /// Place among the section's encodings; `None` where it has one only.
    pub(in crate::media) rid: Option<u8>,
    pub(in crate::media) main: Option<Source>,
    pub(in crate::media) repair: Option<Source>,
    /// Whether the peer's description named its SSRC.
    pub(in crate::media) told: bool,
    /// Whether lost packets are asked for.
    pub(in crate::media) asks: bool,
    pub(in crate::media) gaps: Gaps,
    pub(in crate::media) reception: Reception,
    /// A key frame is to be asked for.
    pub(in crate::media) wants_keyframe: bool,
}

impl Stream {
    pub(super) fn new(section: usize, rid: Option<u8>) -> Self {
        Self {
            section,
            rid,
            main: None,
            repair: None,
            told: false,
            asks: false,
            gaps: Gaps::default(),
            reception: Reception::default(),
            wants_keyframe: false,
        }
    }

    pub(in crate::media) fn source(&mut self, role: Role) -> &mut Option<Source> {
        match role {
            Role::Main => &mut self.main,
            Role::Repair => &mut self.repair,
        }
    }

    /// Starts counting anew for another SSRC.
    pub(super) fn begin_anew(&mut self) {
        self.gaps = Gaps::default();
        self.reception.begin_anew();
    }
}

/// What an SSRC carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) enum Role {
    Main,
    Repair,
}
