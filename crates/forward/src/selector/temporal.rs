use tertulia_rtp::Descriptor;

use super::history::History;

/// How many pictures back a late packet still finds what was decided of its picture.
const PICTURES: usize = 64;

/// Which temporal layers of a stream without spatial ones pass: VP8 (RFC 7741 §4.2).
#[derive(Debug, Clone)]
pub(super) struct TemporalGate {
    /// Layers that pass, counted from the lowest.
    layers: u8,
    /// The same for each of the newest pictures.
    history: History<u8, PICTURES>,
}

impl TemporalGate {
    /// Begins at the picture of `first`, a keyframe.
    pub(super) fn new(first: &Descriptor, wanted: u8) -> Self {
        Self {
            layers: count(wanted),
            history: History::new(first.picture.unwrap_or(1).saturating_sub(1), 0),
        }
    }

    /// Highest temporal layer that passes.
    pub(super) fn temporal(&self) -> u8 {
        self.layers.saturating_sub(1)
    }

    /// Whether a packet passes.
    #[inline]
    pub(super) fn judge(&mut self, packet: &Descriptor, wanted: u8) -> bool {
        let newest = self.history.newest();
        let picture = packet.picture.unwrap_or(newest + u64::from(packet.starts_frame));
        if picture > newest {
            let before = self.layers;
            self.layers = self.next(packet, count(wanted));
            self.history.advance(picture, before);
            self.history.set(picture, self.layers);
        } else if picture == newest && packet.starts_keyframe {
            // The rest of the keyframe came before its beginning.
            self.layers = count(wanted);
            self.history.set(picture, self.layers);
        }
        self.history
            .get(picture)
            .is_some_and(|layers| packet.layer.temporal < layers)
    }

    /// How many layers pass from a new picture on: fewer at once, more where a frame needs none of its own layer.
    fn next(&self, packet: &Descriptor, wanted: u8) -> u8 {
        if packet.starts_keyframe || wanted < self.layers {
            return wanted;
        }
        let enters = packet.switching_up && packet.layer.temporal == self.layers && self.layers < wanted;
        self.layers + u8::from(enters)
    }
}

fn count(highest: u8) -> u8 {
    highest.saturating_add(1)
}
