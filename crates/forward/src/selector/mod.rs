//! Choosing which packets of a track a subscriber gets.

mod dependency;
mod held;
mod history;
mod temporal;
mod vp9;

#[cfg(test)]
mod tests;

use tertulia_rtp::{Dependency, Descriptor, Layer, PayloadDescriptor};

use dependency::DependencyGate;
pub(crate) use held::Held;
use temporal::TemporalGate;
use vp9::Vp9Gate;

/// What a subscriber is to get of a track, or gets: a simulcast encoding, and the layers of it up to these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Aim {
    pub(crate) encoding: usize,
    /// Highest spatial layer within the encoding; 0 where it has one only.
    pub(crate) spatial: usize,
    /// Highest temporal layer.
    pub(crate) temporal: usize,
}

impl Aim {
    fn layer(self) -> Layer {
        let id = |layer: usize| u8::try_from(layer).unwrap_or(u8::MAX);
        Layer {
            spatial: id(self.spatial),
            temporal: id(self.temporal),
        }
    }
}

/// What to do with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Not for this subscriber.
    Drop,
    /// To be judged again when its picture's beginning comes, which may let it pass; else not for this subscriber.
    Hold,
    /// Send it as the next of the present encoding; a marker bit where it is another than the publisher's.
    Forward { marker: Option<bool> },
    /// Send it; it is the first of another encoding, or the first at all.
    Switch { marker: Option<bool> },
}

/// Chooses, for one subscriber of one track, packet by packet and without a look at other subscribers.
///
/// Nothing is sent on whose references were left out. An encoding is entered at a keyframe; within one, layers are left
/// between pictures and entered where the codec says that this is possible.
#[derive(Debug, Default)]
pub(crate) struct Selector {
    aim: Option<Aim>,
    entered: Option<Entered>,
}

/// The encoding that flows.
#[derive(Debug)]
struct Entered {
    encoding: usize,
    /// Its first packet; what comes late from before it is not sent.
    first: u64,
    /// Highest layers wanted of it.
    wanted: Layer,
    gate: Gate,
    /// Whether packets come that the gate cannot judge.
    stale: bool,
}

/// Which layers pass, by what the packets tell of them.
#[derive(Debug)]
enum Gate {
    /// They tell nothing.
    Whole,
    Vp8(TemporalGate),
    Vp9(Box<Vp9Gate>),
    Described(Box<DependencyGate>),
}

/// What a gate says of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Judgement {
    Drop,
    Hold,
    Pass(Pass),
}

/// Whether what was held of a packet's picture may pass now. Of described frames each packet tells that they need none
/// before; of others the first.
pub(crate) fn begins(packet: &Descriptor) -> bool {
    let described = |dependency: &Dependency| dependency.references.is_empty();
    packet.starts_keyframe || packet.dependency.as_ref().is_some_and(described)
}

/// A packet that is sent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Pass {
    /// Whether it is the last of its picture for this subscriber.
    ends_picture: bool,
}

impl Pass {
    fn marker(self) -> Option<bool> {
        self.ends_picture.then_some(true)
    }
}

impl Selector {
    /// Wants layers; `None` stops at once. Until the encoding aimed at can be entered, the present one flows on.
    pub(crate) fn aim(&mut self, aim: Option<Aim>) {
        self.aim = aim;
        match (aim, &mut self.entered) {
            (None, entered) => *entered = None,
            (Some(aim), Some(entered)) if entered.encoding == aim.encoding => entered.wanted = aim.layer(),
            _ => {}
        }
    }

    /// What flows.
    pub(crate) fn current(&self) -> Option<Aim> {
        let entered = self.entered.as_ref()?;
        let layer = entered.gate.layer();
        Some(Aim {
            encoding: entered.encoding,
            spatial: usize::from(layer.spatial),
            temporal: usize::from(layer.temporal),
        })
    }

    /// The encoding that flows.
    #[inline]
    pub(crate) fn encoding(&self) -> Option<usize> {
        self.entered.as_ref().map(|entered| entered.encoding)
    }

    /// The encoding a keyframe is waited for, because what is aimed at cannot be reached without.
    pub(crate) fn waiting_for(&self) -> Option<usize> {
        let aim = self.aim?;
        let reached = self
            .entered
            .as_ref()
            .is_some_and(|entered| entered.encoding == aim.encoding && !entered.needs_keyframe());
        (!reached).then_some(aim.encoding)
    }

    /// Whether packets of an encoding may be of any use now.
    #[inline]
    pub(crate) fn looks_at(&self, encoding: usize) -> bool {
        let flows = self
            .entered
            .as_ref()
            .is_some_and(|entered| entered.encoding == encoding);
        flows || self.aim.is_some_and(|aim| aim.encoding == encoding)
    }

    /// The decode targets this subscriber can decode, as the mask of a dependency descriptor; 0 where there are none.
    #[inline]
    pub(crate) fn decode_targets(&self) -> u32 {
        match &self.entered {
            Some(Entered {
                gate: Gate::Described(gate),
                ..
            }) => gate.decode_targets(),
            _ => 0,
        }
    }

    /// Whether what was judged of a packet holds for all of its picture: nothing but the picture's layer counts.
    #[inline]
    pub(crate) fn judges_pictures(&self) -> bool {
        let gate = self.entered.as_ref().map(|entered| &entered.gate);
        matches!(gate, Some(Gate::Whole | Gate::Vp8(_)))
    }

    /// Leaves a packet out that was held: what its picture needed did not come in time.
    pub(crate) fn give_up(&mut self, packet: &Descriptor, encoding: usize, sequence: u64) {
        if let Some(entered) = &mut self.entered
            && entered.encoding == encoding
        {
            entered.give_up(packet, sequence);
        }
    }

    /// Judges a packet of a simulcast encoding by what it tells of its frame and its extended sequence number.
    #[inline(always)]
    pub(crate) fn judge(&mut self, packet: &Descriptor, encoding: usize, sequence: u64) -> Verdict {
        let Some(aim) = self.aim else {
            return Verdict::Drop;
        };
        if let Some(entered) = &mut self.entered
            && entered.encoding == encoding
        {
            return match entered.judge(packet, sequence, true) {
                Judgement::Pass(pass) => Verdict::Forward {
                    marker: pass.marker(),
                },
                Judgement::Hold => Verdict::Hold,
                Judgement::Drop => Verdict::Drop,
            };
        }
        if aim.encoding != encoding || !packet.starts_keyframe {
            return Verdict::Drop;
        }
        self.enter(aim, packet, encoding, sequence)
    }

    fn enter(&mut self, aim: Aim, packet: &Descriptor, encoding: usize, sequence: u64) -> Verdict {
        let wanted = aim.layer();
        let mut entered = Entered {
            encoding,
            first: sequence,
            wanted,
            gate: Gate::new(packet, wanted),
            stale: false,
        };
        let Judgement::Pass(pass) = entered.judge(packet, sequence, false) else {
            return Verdict::Drop;
        };
        self.entered = Some(entered);
        Verdict::Switch {
            marker: pass.marker(),
        }
    }
}

impl Entered {
    /// Judges a packet, which may be held or not.
    #[inline]
    fn judge(&mut self, packet: &Descriptor, sequence: u64, holds: bool) -> Judgement {
        if sequence < self.first || matches!(packet.payload, PayloadDescriptor::Empty) {
            return Judgement::Drop;
        }
        if packet.starts_keyframe {
            self.stale = false;
        }
        if !self.gate.knows(packet) {
            if !packet.starts_keyframe {
                self.stale = true;
                return Judgement::Drop;
            }
            self.gate = Gate::new(packet, self.wanted);
        }
        self.gate.judge(packet, self.wanted, holds)
    }

    fn give_up(&mut self, packet: &Descriptor, sequence: u64) {
        match (&mut self.gate, &packet.dependency) {
            (Gate::Described(gate), Some(dependency)) => gate.leave_out(dependency),
            _ => {
                self.judge(packet, sequence, false);
            }
        }
    }

    fn needs_keyframe(&self) -> bool {
        self.stale || self.gate.needs_keyframe(self.wanted)
    }
}

impl Gate {
    fn new(first: &Descriptor, wanted: Layer) -> Self {
        match (&first.payload, &first.dependency) {
            (PayloadDescriptor::Vp8(_), _) => Self::Vp8(TemporalGate::new(first, wanted.temporal)),
            (PayloadDescriptor::Vp9(_), _) => Self::Vp9(Box::new(Vp9Gate::new(first, wanted))),
            (_, Some(dependency)) => Self::Described(Box::new(DependencyGate::new(dependency))),
            (_, None) => Self::Whole,
        }
    }

    /// Whether a packet tells of its layers what this gate judges by.
    #[inline]
    fn knows(&self, packet: &Descriptor) -> bool {
        match (&packet.payload, &packet.dependency) {
            (PayloadDescriptor::Vp8(_), _) => matches!(self, Self::Vp8(_)),
            (PayloadDescriptor::Vp9(_), _) => matches!(self, Self::Vp9(_)),
            (_, Some(_)) => matches!(self, Self::Described(_)),
            (_, None) => matches!(self, Self::Whole),
        }
    }

    #[inline]
    fn judge(&mut self, packet: &Descriptor, wanted: Layer, holds: bool) -> Judgement {
        match (self, &packet.payload, &packet.dependency) {
            (Self::Vp8(gate), _, _) => match gate.judge(packet, wanted.temporal) {
                true => Judgement::Pass(Pass::default()),
                false => Judgement::Drop,
            },
            (Self::Vp9(gate), PayloadDescriptor::Vp9(vp9), _) => gate.judge(packet, vp9, wanted, holds),
            (Self::Described(gate), _, Some(dependency)) => gate.judge(dependency, wanted, holds),
            _ => Judgement::Pass(Pass::default()),
        }
    }

    fn layer(&self) -> Layer {
        match self {
            Self::Whole => Layer::default(),
            Self::Vp8(gate) => Layer {
                spatial: 0,
                temporal: gate.temporal(),
            },
            Self::Vp9(gate) => gate.layer(),
            Self::Described(gate) => gate.layer(),
        }
    }

    fn needs_keyframe(&self, wanted: Layer) -> bool {
        match self {
            Self::Whole | Self::Vp8(_) => false,
            Self::Vp9(gate) => gate.needs_keyframe(wanted),
            Self::Described(gate) => gate.needs_keyframe(wanted),
        }
    }
}
