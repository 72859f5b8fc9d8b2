use tertulia_rtp::{DecodeTargets, Dependency, Layer, MAX_CHAINS};

use super::history::History;
use super::{Judgement, Pass};

/// How many frames back it is remembered what became of one; references and chains seldom reach farther.
const FRAMES: usize = 128;
/// A chain counts as broken when a frame of it has not come while so many later ones have: by then it was asked for
/// again and would be here.
const PATIENCE: u64 = 64;

/// Which frames of a stream with dependency descriptors pass (RTP Payload Format For AV1, appendix A).
///
/// One decode target is served. A target is *whole* while nothing that its later frames need was left out or lost; a
/// frame that switches to a target, and whose own references were sent on, makes it whole. The served target changes
/// only to a whole one, between pictures, and to a higher spatial layer only at a keyframe or where the publisher takes
/// one up again. What has not come is taken to be on its way, until a chain shows that it should long have been here.
#[derive(Debug, Clone)]
pub(super) struct DependencyGate {
    /// Which structure the fields below are about.
    structure: u16,
    targets: DecodeTargets,
    /// Targets the publisher makes at present.
    active: u32,
    /// The target that is served, and the targets of layers not above its own.
    served: u8,
    not_above: u32,
    /// What was wanted and made when the served target was found the best there is.
    settled: Option<(Layer, u32)>,
    whole: u32,
    /// For each chain the oldest frame of it that has not come; 0 for none.
    missing: [u64; MAX_CHAINS],
    /// Spatial layer of the newest frame; a picture's frames come with rising ones.
    last_spatial: u8,
    history: History<Frame, FRAMES>,
}

#[derive(Debug, Clone, Copy)]
struct Frame {
    /// The target that was served when it was its turn.
    served: u8,
    /// The targets that it is due for, as a mask: that one, and where it is late those that were served since.
    due: u32,
    spatial: u8,
    fate: Fate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Nothing of it has come.
    Unknown,
    Forwarded,
    /// Sent on, but it cannot be decoded, because something before it was lost for good.
    Stranded,
    Dropped,
}

impl DependencyGate {
    /// Begins at the frame of `first`, which brings its structure.
    pub(super) fn new(first: &Dependency) -> Self {
        let before = Frame {
            served: 0,
            due: 0,
            spatial: 0,
            fate: Fate::Dropped,
        };
        Self {
            structure: first.structure,
            targets: first.targets,
            active: first.active,
            served: 0,
            not_above: 0,
            settled: None,
            whole: 0,
            missing: [0; MAX_CHAINS],
            last_spatial: 0,
            history: History::new(first.frame.saturating_sub(1), before),
        }
    }

    /// Layer of the target that is served.
    pub(super) fn layer(&self) -> Layer {
        self.targets.layer(self.served)
    }

    /// The targets that this subscriber can decode, as a mask.
    pub(super) fn decode_targets(&self) -> u32 {
        self.whole & self.active & self.not_above | 1 << self.served
    }

    /// Whether what is wanted cannot be reached but by a keyframe.
    pub(super) fn needs_keyframe(&self, wanted: Layer) -> bool {
        let best = self.best(self.active, wanted).unwrap_or(self.served);
        let reachable = self.reachable(wanted);
        reachable
            .is_none_or(|reachable| self.targets.layer(reachable).spatial != self.targets.layer(best).spatial)
    }

    /// Judges a packet, which may be held or not.
    pub(super) fn judge(&mut self, packet: &Dependency, wanted: Layer, holds: bool) -> Judgement {
        let number = packet.frame;
        if number > self.history.newest() {
            // Where the picture before it lets it pass, it need not wait.
            if holds
                && self.overtakes(packet, wanted)
                && self.clone().judge(packet, wanted, false) == Judgement::Drop
            {
                return Judgement::Hold;
            }
            self.begin_frame(packet, wanted);
        }
        let Some(mut frame) = self.history.get(number) else {
            return Judgement::Drop;
        };
        if frame.fate == Fate::Unknown {
            let passes = self.passes(packet, frame);
            frame.spatial = packet.layer.spatial;
            frame.fate = match passes {
                true if self.has_reference(packet, Fate::Stranded) => Fate::Stranded,
                true => Fate::Forwarded,
                false => Fate::Dropped,
            };
            self.history.set(number, frame);
            if packet.structure == self.structure {
                self.note(packet, passes);
            }
        }
        let served = self.targets.layer(frame.served).spatial;
        if !matches!(frame.fate, Fate::Forwarded | Fate::Stranded) {
            return Judgement::Drop;
        }
        Judgement::Pass(Pass {
            ends_picture: packet.ends_frame && packet.layer.spatial == served,
        })
    }

    /// Leaves a frame out that was held.
    pub(super) fn leave_out(&mut self, packet: &Dependency) {
        let skipped = Frame {
            served: self.served,
            due: 1 << self.served,
            spatial: packet.layer.spatial,
            fate: Fate::Unknown,
        };
        if packet.frame > self.history.newest() {
            self.history.advance(packet.frame, skipped);
        }
        let unknown = |frame: &Frame| frame.fate == Fate::Unknown;
        if let Some(frame) = self.history.get(packet.frame).filter(unknown) {
            let fate = Fate::Dropped;
            self.history.set(packet.frame, Frame { fate, ..frame });
            if packet.structure == self.structure {
                self.note(packet, false);
            }
        }
    }

    /// Whether a packet is of an upper layer that is wanted and not served, and needs nothing but what has not come yet:
    /// the beginning of a sequence is on its way.
    fn overtakes(&self, packet: &Dependency, wanted: Layer) -> bool {
        let upper = (self.layer().spatial + 1..=wanted.spatial).contains(&packet.layer.spatial);
        let newest = self.history.newest();
        let ahead = |back| packet.frame.saturating_sub(u64::from(back)) > newest;
        upper
            && packet.structure == self.structure
            && !packet.carries_structure()
            && packet.indications.present >> self.served & 1 == 0
            && !packet.references.is_empty()
            && packet.references.iter().all(ahead)
    }

    fn begin_frame(&mut self, packet: &Dependency, wanted: Layer) {
        if packet.structure != self.structure {
            self.structure = packet.structure;
            self.targets = packet.targets;
            self.whole = 0;
            self.missing = [0; MAX_CHAINS];
            self.settled = None;
        }
        let before = self.active;
        self.active = packet.active & self.targets.all();
        let skipped = Frame {
            served: self.served,
            due: 1 << self.served,
            spatial: 0,
            fate: Fate::Unknown,
        };
        self.history.advance(packet.frame, skipped);
        if begins_sequence(packet) {
            // Whatever comes after the beginning of a sequence needs nothing from before it.
            self.whole = self.targets.all();
            self.missing = [0; MAX_CHAINS];
            self.serve(self.best(self.whole & self.active, wanted), wanted);
        } else {
            if self.are_forwarded(packet) {
                self.whole |= packet.indications.switch;
            }
            if packet.layer.spatial <= self.last_spatial {
                let begun = self.begun(packet, before, wanted);
                self.move_on(begun, wanted);
            }
        }
        self.last_spatial = packet.layer.spatial;
        self.history.set(
            packet.frame,
            Frame {
                served: self.served,
                due: 1 << self.served,
                ..skipped
            },
        );
    }

    /// The best target, if it is one that the publisher takes up again with this picture, before its layer's frame: one
    /// that the served target's frames lead to.
    fn begun(&mut self, packet: &Dependency, before: u32, wanted: Layer) -> Option<u8> {
        let best = self.best(self.active & !before, wanted)?;
        let pair = 1 << best | 1 << self.served;
        let leads = packet.indications.present & pair == pair && self.whole >> self.served & 1 == 1;
        if !leads || self.targets.layer(best).spatial > wanted.spatial {
            return None;
        }
        self.whole |= 1 << best;
        Some(best)
    }

    /// Serves the best target that can be served without a keyframe.
    fn move_on(&mut self, begun: Option<u8>, wanted: Layer) {
        let settled = self.settled == Some((wanted, self.active)) && self.whole >> self.served & 1 == 1;
        if begun.is_none() && settled {
            return;
        }
        self.serve(begun.or_else(|| self.reachable(wanted)), wanted);
        // Of what is late still, some may be lower frames of this picture.
        let served = 1 << self.served;
        self.history.update(|frame| {
            if frame.fate == Fate::Unknown {
                frame.due |= served;
            }
        });
    }

    fn serve(&mut self, target: Option<u8>, wanted: Layer) {
        self.served = target.unwrap_or(self.served);
        let highest = self.layer();
        self.not_above =
            self.mask(|layer| layer.spatial <= highest.spatial && layer.temporal <= highest.temporal);
        let best = self.best(self.active, wanted) == Some(self.served);
        self.settled = best.then_some((wanted, self.active));
    }

    /// Whether a frame whose first packet has come is sent on.
    fn passes(&self, packet: &Dependency, frame: Frame) -> bool {
        // A structure is needed even where its frame is not: independent layers have it with the lowest alone.
        let needed = packet.indications.present & frame.due != 0 || packet.carries_structure();
        needed && !self.has_reference(packet, Fate::Dropped)
    }

    fn has_reference(&self, packet: &Dependency, fate: Fate) -> bool {
        packet
            .references
            .iter()
            .any(|back| self.fate(packet.frame, u64::from(back)) == fate)
    }

    /// Draws the conclusions of what became of a frame.
    fn note(&mut self, packet: &Dependency, passed: bool) {
        if !passed {
            self.whole &= !(packet.indications.present & !packet.indications.discardable);
        }
        for chain in 0..packet.chain_count.min(MAX_CHAINS as u8) {
            let back = u64::from(packet.chains[usize::from(chain)]);
            self.note_chain(chain, packet.frame, back);
        }
    }

    fn note_chain(&mut self, chain: u8, frame: u64, back: u64) {
        let slot = usize::from(chain);
        if self.missing[slot] == frame {
            self.missing[slot] = 0;
        }
        let lacking = back > 0 && self.fate(frame, back) == Fate::Unknown;
        if lacking && self.missing[slot] == 0 {
            self.missing[slot] = frame - back;
        }
        let missing = self.missing[slot];
        if missing > 0 && self.history.newest() > missing + PATIENCE {
            self.missing[slot] = 0;
            self.give_up(chain, missing);
        }
    }

    /// Frame `missing` of a chain will not come.
    fn give_up(&mut self, chain: u8, missing: u64) {
        let mut layers = 0u8;
        for target in 0..self.targets.count() {
            if self.targets.chain(target) == chain {
                self.whole &= !(1 << target);
                layers |= 1 << self.targets.layer(target).spatial;
            }
        }
        let newest = self.history.newest();
        for number in missing.max(newest.saturating_sub(FRAMES as u64))..=newest {
            if let Some(frame) = self.history.get(number)
                && frame.fate == Fate::Forwarded
                && layers >> frame.spatial & 1 == 1
            {
                let fate = Fate::Stranded;
                self.history.set(number, Frame { fate, ..frame });
            }
        }
    }

    fn are_forwarded(&self, packet: &Dependency) -> bool {
        packet
            .references
            .iter()
            .all(|back| self.fate(packet.frame, u64::from(back)) == Fate::Forwarded)
    }

    /// What became of the frame so far back; of one long ago it is not told that it was left out.
    fn fate(&self, frame: u64, back: u64) -> Fate {
        frame
            .checked_sub(back)
            .and_then(|number| self.history.get(number))
            .map_or(Fate::Forwarded, |frame| frame.fate)
    }

    /// The best target that can be served on without a keyframe.
    fn reachable(&self, wanted: Layer) -> Option<u8> {
        let most = self.layer().spatial;
        let whole = self.whole & self.mask(|layer| layer.spatial <= most);
        self.best(whole & self.active, wanted)
            .or_else(|| self.best(whole, wanted))
    }

    /// The targets whose layers satisfy a condition.
    fn mask(&self, condition: impl Fn(Layer) -> bool) -> u32 {
        (0..self.targets.count())
            .filter(|target| condition(self.targets.layer(*target)))
            .fold(0, |mask, target| mask | 1 << target)
    }

    /// The best target among those of a mask: the highest layer not above the wanted, else the lowest above it; spatial
    /// before temporal.
    fn best(&self, among: u32, wanted: Layer) -> Option<u8> {
        let rank = |layer: u8, wanted: u8| {
            if layer <= wanted {
                0x80 | layer
            } else {
                0x7f - layer
            }
        };
        (0..self.targets.count())
            .filter(|target| among >> target & 1 == 1)
            .max_by_key(|target| {
                let layer = self.targets.layer(*target);
                (
                    rank(layer.spatial, wanted.spatial),
                    rank(layer.temporal, wanted.temporal),
                )
            })
    }
}

/// Whether a packet is of a frame with which a coded video sequence begins.
fn begins_sequence(packet: &Dependency) -> bool {
    let all = packet.targets.all();
    packet.references.is_empty() && (packet.carries_structure() || packet.indications.switch == all)
}
