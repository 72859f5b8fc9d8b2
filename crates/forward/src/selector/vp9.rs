use tertulia_rtp::{Descriptor, Layer, Vp9Descriptor};

use super::history::History;
use super::{Judgement, Pass};

/// How many pictures back a late packet still finds what was decided of its picture.
const PICTURES: usize = 32;
/// Spatial layers that can be told apart.
const MAX_LAYERS: u8 = 8;
/// After so many pictures of which nothing passed, the layer that passes is taken to have ended.
const STARVED: u8 = 4;

/// Which layers of a VP9 stream pass, by the payload descriptor alone (RFC 9628 §4.2).
///
/// A spatial layer is entered at a key picture, or where the publisher takes it up again; it is left at any picture as
/// long as the lower one is whole. Layers that no higher one needs are left out between key pictures (K-SVC, several
/// independent layers); they can be returned to at the next key picture.
#[derive(Debug, Clone)]
pub(super) struct Vp9Gate {
    passing: Passing,
    /// Spatial layers that the publisher makes, counted from the lowest.
    present: u8,
    /// Spatial layers of which nothing that later frames need was left out, one bit each.
    whole: u8,
    /// Whether the highest layer that passes was seen to need none below it between key pictures.
    independent: bool,
    /// Pictures in a row of which a layer was due and nothing passed.
    starved: u8,
    history: History<Picture, PICTURES>,
}

/// Spatial and temporal layers that pass, counted from the lowest.
#[derive(Debug, Clone, Copy, Default)]
struct Passing {
    spatial: u8,
    temporal: u8,
}

#[derive(Debug, Clone, Copy, Default)]
struct Picture {
    passing: Passing,
    /// Spatial layers that were sent on, and those that were left out, one bit each.
    forwarded: u8,
    dropped: u8,
    /// Spatial layers that were whole when it began.
    whole: u8,
    key: bool,
    /// Whether its beginning has come.
    begun: bool,
    /// Whether its temporal layer passes.
    due: bool,
}

impl Picture {
    fn seen(self) -> u8 {
        self.forwarded | self.dropped
    }
}

impl Vp9Gate {
    /// Begins at the picture of `first`, a key picture.
    pub(super) fn new(first: &Descriptor, wanted: Layer) -> Self {
        let before = Picture {
            dropped: u8::MAX,
            ..Picture::default()
        };
        Self {
            passing: Passing {
                spatial: count(wanted.spatial),
                temporal: count(wanted.temporal),
            },
            present: MAX_LAYERS,
            whole: u8::MAX,
            independent: false,
            starved: 0,
            history: History::new(first.picture.unwrap_or(1).saturating_sub(1), before),
        }
    }

    /// Highest layers that pass.
    pub(super) fn layer(&self) -> Layer {
        Layer {
            spatial: self.top() - 1,
            temporal: self.passing.temporal.saturating_sub(1),
        }
    }

    /// Whether what is wanted cannot be reached but by a keyframe.
    pub(super) fn needs_keyframe(&self, wanted: Layer) -> bool {
        let wanted = count(wanted.spatial);
        let above = below(wanted) & !below(self.passing.spatial);
        let newest = self.history.newest();
        let seen = [Some(newest), newest.checked_sub(1)]
            .into_iter()
            .flatten()
            .filter_map(|picture| self.history.get(picture))
            .fold(0, |seen, picture| seen | picture.seen());
        seen & above != 0 || self.reachable(wanted) != Some(wanted.min(self.top()))
    }

    /// Judges a packet, which may be held or not.
    pub(super) fn judge(
        &mut self,
        packet: &Descriptor,
        vp9: &Vp9Descriptor,
        wanted: Layer,
        holds: bool,
    ) -> Judgement {
        let Layer { spatial, temporal } = packet.layer;
        let newest = self.history.newest();
        let begins = packet.starts_frame && spatial == 0;
        let number = packet.picture.unwrap_or(newest + u64::from(begins));
        if number > newest {
            self.begin_picture(number, packet, vp9, wanted);
        } else if number == newest && packet.starts_keyframe {
            self.enter_key_picture(number, vp9, wanted);
        }
        let Some(mut picture) = self.history.get(number) else {
            return Judgement::Drop;
        };
        let bit = 1 << spatial;
        if begins && !picture.begun {
            picture.begun = true;
            self.history.set(number, picture);
        }
        if picture.seen() & bit == 0 {
            // What needs no earlier picture may be of a key picture whose beginning is on its way.
            let may_enter = (picture.passing.spatial..count(wanted.spatial)).contains(&spatial);
            if holds && may_enter && !vp9.inter_predicted && !picture.begun && number == self.history.newest()
            {
                return Judgement::Hold;
            }
            if self.passes(&picture, number, packet, vp9) {
                picture.forwarded |= bit;
                // Of the layer's later frames a late one tells nothing.
                if !vp9.inter_predicted && number == self.history.newest() {
                    self.whole |= bit;
                }
            } else {
                picture.dropped |= bit;
                if temporal < picture.passing.temporal.min(self.passing.temporal) {
                    self.break_layer(bit, number);
                }
            }
            if spatial > 0 && spatial + 1 == self.top() && vp9.inter_predicted {
                self.independent = !vp9.inter_layer;
            }
            picture.due |= temporal < picture.passing.temporal;
            self.history.set(number, picture);
        }
        if picture.forwarded & bit == 0 {
            return Judgement::Drop;
        }
        Judgement::Pass(Pass {
            ends_picture: packet.ends_frame && spatial + 1 == picture.passing.spatial,
        })
    }

    /// A frame of a layer is left out of picture `number` that later ones need.
    fn break_layer(&mut self, bit: u8, number: u64) {
        self.whole &= !bit;
        for later in number + 1..=self.history.newest() {
            if let Some(mut picture) = self.history.get(later) {
                picture.whole &= !bit;
                self.history.set(later, picture);
            }
        }
    }

    fn begin_picture(&mut self, number: u64, packet: &Descriptor, vp9: &Vp9Descriptor, wanted: Layer) {
        let skipped = Picture {
            passing: self.passing,
            whole: self.whole,
            ..Picture::default()
        };
        self.note_last_picture();
        if !packet.starts_keyframe {
            self.move_spatially(count(wanted.spatial));
            self.move_temporally(number, packet, vp9, count(wanted.temporal));
        }
        self.history.advance(number, skipped);
        self.history.set(
            number,
            Picture {
                passing: self.passing,
                whole: self.whole,
                ..skipped
            },
        );
        if packet.starts_keyframe {
            self.enter_key_picture(number, vp9, wanted);
        }
    }

    /// Everything may be entered here; what was decided of the picture's other layers stands.
    fn enter_key_picture(&mut self, number: u64, vp9: &Vp9Descriptor, wanted: Layer) {
        let Some(mut picture) = self.history.get(number).filter(|picture| !picture.key) else {
            return;
        };
        // An upper layer that was sent on before its picture's beginning came needs the ones below.
        let begun = MAX_LAYERS - picture.forwarded.leading_zeros() as u8;
        self.passing = Passing {
            spatial: count(wanted.spatial).max(begun),
            temporal: count(wanted.temporal),
        };
        self.present = vp9.spatial_layers.unwrap_or(MAX_LAYERS);
        self.whole = !picture.dropped;
        self.independent = false;
        self.starved = 0;
        picture.passing = self.passing;
        picture.whole = self.whole;
        picture.key = true;
        self.history.set(number, picture);
    }

    /// Draws the conclusions of the picture that has ended.
    fn note_last_picture(&mut self) {
        let Some(last) = self.history.get(self.history.newest()) else {
            return;
        };
        let layers = MAX_LAYERS - last.seen().leading_zeros() as u8;
        if last.key || layers > self.present {
            self.present = layers.max(1);
        }
        if last.forwarded != 0 {
            self.starved = 0;
        } else if last.due && last.dropped != 0 {
            self.starved += 1;
            if self.starved >= STARVED {
                self.whole &= below(self.top()) >> 1;
                self.starved = 0;
            }
        }
    }

    /// Moves down to what is wanted, or away from a layer that is broken.
    fn move_spatially(&mut self, wanted: u8) {
        if (wanted < self.passing.spatial || !self.is_whole(self.top()))
            && let Some(reachable) = self.reachable(wanted)
        {
            self.passing.spatial = reachable;
        }
    }

    /// The count of spatial layers nearest to the wanted that can go on without a keyframe.
    fn reachable(&self, wanted: u8) -> Option<u8> {
        let most = self.top();
        (1..=wanted.min(most))
            .rev()
            .chain(wanted.saturating_add(1)..=most)
            .find(|layers| self.is_whole(*layers))
    }

    /// Spatial layers that pass and are there.
    fn top(&self) -> u8 {
        self.passing.spatial.min(self.present).max(1)
    }

    fn is_whole(&self, layers: u8) -> bool {
        layers > 0 && self.whole >> (layers - 1) & 1 == 1
    }

    /// Fewer temporal layers at once; more after a lowest frame that says so, or from a frame on that needs none of its
    /// own layer. Encoders differ in which of the two they mean by the U bit.
    fn move_temporally(&mut self, number: u64, packet: &Descriptor, vp9: &Vp9Descriptor, wanted: u8) {
        let temporal = packet.layer.temporal;
        let lowest_says_so = packet.switching_up && temporal == 0;
        if wanted <= self.passing.temporal || lowest_says_so {
            self.passing.temporal = wanted;
            return;
        }
        let enters = packet.switching_up && temporal == self.passing.temporal;
        // The references are those of the lowest spatial layer, which need not be the one that passes.
        let mut references = vp9.references();
        if enters && references.all(|back| self.was_forwarded(number, back)) {
            self.passing.temporal += 1;
        }
    }

    /// Judges the first packet of a layer frame.
    fn passes(&mut self, picture: &Picture, number: u64, packet: &Descriptor, vp9: &Vp9Descriptor) -> bool {
        let Layer { spatial, temporal } = packet.layer;
        let Passing {
            spatial: most,
            temporal: fastest,
        } = picture.passing;
        if spatial >= most || temporal >= fastest {
            return false;
        }
        let needless = self.independent && spatial + 1 < most.min(self.present) && vp9.not_for_upper;
        let broken = picture.whole >> spatial & 1 == 0;
        if vp9.inter_predicted && (needless || broken) {
            return false;
        }
        let lower_missing = vp9.inter_layer && spatial > 0 && {
            let lower = 1 << (spatial - 1);
            // That of a key picture may be on its way still.
            let broken = if vp9.inter_predicted { !picture.whole } else { 0 };
            picture.forwarded & lower == 0 && (picture.dropped | broken) & lower != 0
        };
        if lower_missing
            || vp9
                .references()
                .any(|back| self.was_dropped(number, back, spatial))
        {
            // A faster layer that cannot be decoded is left; the slower ones do not need it.
            if temporal > 0 {
                self.passing.temporal = self.passing.temporal.min(temporal);
            }
            return false;
        }
        true
    }

    fn was_forwarded(&self, number: u64, back: u8) -> bool {
        self.referenced(number, back)
            .is_some_and(|picture| picture.forwarded != 0)
    }

    fn was_dropped(&self, number: u64, back: u8, spatial: u8) -> bool {
        self.referenced(number, back)
            .is_some_and(|picture| picture.dropped >> spatial & 1 == 1)
    }

    fn referenced(&self, number: u64, back: u8) -> Option<Picture> {
        self.history.get(number.checked_sub(u64::from(back))?)
    }
}

fn count(highest: u8) -> u8 {
    highest.min(MAX_LAYERS - 1) + 1
}

/// The bits of so many of the lowest layers.
fn below(layers: u8) -> u8 {
    ((1u16 << layers.min(MAX_LAYERS)) - 1) as u8
}
