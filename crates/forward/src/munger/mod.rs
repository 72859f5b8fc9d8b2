//! Rewriting, so that what a subscriber gets looks like one stream, whatever was left out or switched.

mod dependency;
mod numbers;
mod rtp;
mod vp8;
mod vp9;

use std::time::Instant;

use tertulia_rtp::{Descriptor, PayloadDescriptor, Rewrite};

use dependency::DependencyMunger;
use rtp::RtpMunger;
use vp8::Vp8Munger;
use vp9::Vp9Munger;

pub(crate) use rtp::clock_shift;

/// Numbers, times and rewrites what one subscriber gets of one track.
///
/// There are as many of these as subscribers times tracks, and each is looked at for every packet: what few tracks need
/// is kept elsewhere.
#[derive(Debug)]
pub(crate) struct Munger {
    rtp: RtpMunger,
    vp8: Vp8Munger,
    layered: Option<Box<Layered>>,
}

/// For streams with layers of their own.
#[derive(Debug, Default)]
struct Layered {
    vp9: Vp9Munger,
    dependency: DependencyMunger,
}

/// A packet's place in the outgoing stream, and what changes in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Placed {
    pub(crate) sequence: u64,
    pub(crate) timestamp: u32,
    pub(crate) rewrite: Rewrite,
}

impl Munger {
    /// Begins at `first_sequence`, which must leave the upper 48 bits zero: receivers assume a fresh rollover count.
    pub(crate) fn new(clock_rate: u32, first_sequence: u16, first_timestamp: u32) -> Self {
        Self {
            rtp: RtpMunger::new(clock_rate, first_sequence, first_timestamp),
            vp8: Vp8Munger::default(),
            layered: None,
        }
    }

    /// Changes over to a source whose packet `sequence`, `timestamp` is the first to be sent.
    ///
    /// `shift` is the difference between the old source's timeline and the new one's, where both senders' clocks are
    /// known: new timestamp plus shift equals the old source's timestamp of the same moment.
    pub(crate) fn switch(
        &mut self,
        sequence: u64,
        timestamp: u32,
        arrival: Instant,
        shift: Option<u32>,
        packet: &Descriptor,
    ) {
        self.rtp.switch(sequence, timestamp, arrival, shift);
        match &packet.payload {
            PayloadDescriptor::Vp8(vp8) => self.vp8.switch(vp8, packet.picture),
            PayloadDescriptor::Vp9(vp9) => self.layered().vp9.switch(vp9, packet.picture),
            PayloadDescriptor::Empty | PayloadDescriptor::Opaque => {}
        }
        if let Some(dependency) = &packet.dependency {
            self.layered().dependency.switch(dependency);
        }
    }

    fn layered(&mut self) -> &mut Layered {
        self.layered.get_or_insert_default()
    }

    /// Leaves out a packet of the present source, so that what follows closes the gap. False where a gap stays, which
    /// the receiver takes for loss: what came after the packet has its number already.
    pub(crate) fn leave_out(&mut self, sequence: u64, packet: &Descriptor) -> bool {
        if let PayloadDescriptor::Vp8(_) = packet.payload {
            self.vp8.leave_out(packet.picture);
        }
        self.rtp.leave_out(sequence)
    }

    /// As [`Munger::leave_out`], for a packet whose picture is numbered by itself.
    pub(crate) fn leave_out_number(&mut self, sequence: u64) -> bool {
        self.rtp.leave_out(sequence)
    }

    /// Places what comes behind `first`, which was placed just now, up to `last`: with the same timestamp and rewriting.
    /// False where they must be placed one by one.
    #[inline]
    pub(crate) fn place_behind(&mut self, first: u64, last: u64, arrival: Instant) -> bool {
        self.rtp.place_behind(first, last, arrival)
    }

    /// Places a packet of the present source; `None` for one from before the switch, or too late to be numbered.
    ///
    /// `targets` masks the decode targets that the subscriber can decode, as the selector tells.
    #[inline(always)]
    pub(crate) fn place(
        &mut self,
        sequence: u64,
        timestamp: u32,
        arrival: Instant,
        packet: &Descriptor,
        targets: u32,
    ) -> Option<Placed> {
        let place = self.rtp.place(sequence, timestamp, arrival)?;
        let dependency = packet
            .dependency
            .as_ref()
            .map(|dependency| self.layered().dependency.rewrite(dependency, targets));
        let rewrite = match (&packet.payload, dependency) {
            (PayloadDescriptor::Vp8(vp8), dependency) => {
                let rewrite = self.vp8.rewrite(vp8, packet.picture)?;
                dependency.map_or(Rewrite::Vp8(rewrite), |described| {
                    Rewrite::Vp8Described(rewrite, described)
                })
            }
            (PayloadDescriptor::Vp9(vp9), dependency) => {
                let rewrite = self.layered().vp9.rewrite(vp9, packet.picture);
                dependency.map_or(Rewrite::Vp9(rewrite), |described| {
                    Rewrite::Vp9Described(rewrite, described)
                })
            }
            (_, Some(described)) => Rewrite::Descriptor(described),
            (_, None) => Rewrite::None,
        };
        Some(Placed {
            sequence: place.sequence,
            timestamp: place.timestamp,
            rewrite,
        })
    }
}
