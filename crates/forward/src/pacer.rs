use std::collections::VecDeque;
use std::time::{Duration, Instant};

use tertulia_model::{Bitrate, MediaKind};

use crate::forwarder::SinkId;
use crate::outgoing::Outgoing;

/// How much unused time may be made up for at once; bounds the burst after a pause.
const CATCH_UP: Duration = Duration::from_millis(10);
/// The same while a probe runs: about one tick of the caller's.
const PROBE_CATCH_UP: Duration = Duration::from_millis(3);
/// Pictures that waited this long are worth nothing any more: all that wait are dropped, and a keyframe is due.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// Packets that may wait, of all kinds of a queue.
const MOST_WAITING: usize = 2_048;
/// Bytes of a padding packet, header included.
const PADDING: usize = 255;
/// Header, extensions, tag and the layers below, taken together with a payload.
const OVERHEAD: u64 = 60;

/// What is to be sent next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Due<'a> {
    /// Packets for the first time.
    Media(&'a Outgoing),
    /// What was asked for again.
    Repair(&'a Outgoing),
    /// Padding of about this many bytes, so that a probe has the rate it wants.
    Padding(usize),
}

#[derive(Debug, Clone, Copy)]
enum Queue {
    Sound,
    Repairs,
    Pictures,
}

/// Spreads what goes to one subscriber over time: sound passes at once, repairs go before pictures, and both keep to a
/// rate.
///
/// Rate and probe are parameters; the caller comes back at its next tick while [`Pacer::is_waiting`].
#[derive(Debug, Default)]
pub struct Pacer {
    sound: VecDeque<Outgoing>,
    repairs: VecDeque<Outgoing>,
    pictures: VecDeque<(Outgoing, Instant)>,
    /// Packets that `pictures` stands for.
    picture_packets: usize,
    /// Whose first entry was given by the last [`Pacer::poll`]; it is taken off with the next.
    given: Option<Queue>,
    /// What was given of pictures for which there was no room together.
    part: Option<Outgoing>,
    /// `None` sends everything at once.
    rate: Option<Bitrate>,
    /// Bytes a running probe still wants.
    probe: usize,
    /// Bits that may be sent; below zero after sound, which is not held back.
    level: i64,
    filled: Option<Instant>,
    /// Pictures thrown away, to be told once.
    overflowed: bool,
}

impl Pacer {
    /// Queues packets.
    #[inline]
    pub fn push(&mut self, packets: Outgoing, now: Instant) {
        match packets.codec.kind() {
            MediaKind::Audio if self.sound.len() < MOST_WAITING => self.sound.push_back(packets),
            MediaKind::Video if self.picture_packets < MOST_WAITING => {
                self.picture_packets += packets.count();
                self.pictures.push_back((packets, now));
            }
            MediaKind::Video => self.overflow(),
            MediaKind::Audio => {}
        }
    }

    /// Queues a packet that is asked for again.
    pub fn push_repair(&mut self, packet: Outgoing) {
        if self.repairs.len() < MOST_WAITING {
            self.repairs.push_back(packet);
        }
    }

    /// Sets the rate from now on; `None` where nothing is known to keep to.
    pub fn set_rate(&mut self, rate: Option<Bitrate>) {
        self.rate = rate;
    }

    /// Begins a probe of that many bytes, or ends one with zero: until they are sent, padding fills what media leaves.
    pub fn set_probe(&mut self, bytes: usize) {
        if self.probe == 0 && bytes > 0 {
            // A probe measures by its spacing: nothing saved up may bunch it.
            self.level = self.level.min(0);
        }
        self.probe = bytes;
    }

    /// Gives what may be sent now; to be called until `None`.
    #[inline]
    pub fn poll(&mut self, now: Instant) -> Option<Due<'_>> {
        self.take_given();
        if self.filled != Some(now) {
            self.fill(now);
        }
        if let Some(packets) = self.sound.front() {
            let (size, count) = (packets.size, packets.count);
            self.give(Queue::Sound, size, count);
            return self.sound.front().map(Due::Media);
        }
        if self.rate.is_some() && self.level <= 0 {
            self.expire(now);
            return None;
        }
        if let Some(packets) = self.repairs.front() {
            let (size, count) = (packets.size, packets.count);
            self.give(Queue::Repairs, size, count);
            return self.repairs.front().map(Due::Repair);
        }
        if let Some((packets, _)) = self.pictures.front() {
            let (size, count) = (packets.size, packets.count);
            let most = self.fitting(size, count);
            self.picture_packets = self.picture_packets.saturating_sub(usize::from(most));
            if most < count {
                return self.give_part(size, most);
            }
            self.give(Queue::Pictures, size, count);
            return self.pictures.front().map(|(packets, _)| Due::Media(packets));
        }
        if self.probe > 0 && self.rate.is_some() {
            self.spend(PADDING as u16, 1);
            return Some(Due::Padding(PADDING));
        }
        None
    }

    /// How many of so many packets may leave now, the last of which may overdraw.
    #[inline]
    fn fitting(&self, size: u16, count: u16) -> u16 {
        let each = i64::from(size).wrapping_add(OVERHEAD as i64).wrapping_mul(8);
        let before_last = each.wrapping_mul(i64::from(count).wrapping_sub(1));
        if self.rate.is_none() || self.level > before_last {
            return count;
        }
        let fitting = self.level.div_euclid(each) + i64::from(self.level.rem_euclid(each) > 0);
        u16::try_from(fitting).unwrap_or(count).clamp(1, count)
    }

    #[inline]
    fn give(&mut self, queue: Queue, size: u16, count: u16) {
        self.spend(size, count);
        self.given = Some(queue);
    }

    /// Gives some of the packets that are next; the others stay.
    fn give_part(&mut self, size: u16, count: u16) -> Option<Due<'_>> {
        self.spend(size, count);
        let (packets, _) = self.pictures.front_mut()?;
        self.part = Some(packets.split_off_front(count));
        self.part.as_ref().map(Due::Media)
    }

    /// Takes off what was given.
    #[inline]
    fn take_given(&mut self) {
        match self.given.take() {
            Some(Queue::Pictures) => {
                self.pictures.pop_front();
            }
            Some(Queue::Sound) => {
                self.sound.pop_front();
            }
            Some(Queue::Repairs) => {
                self.repairs.pop_front();
            }
            None => {}
        }
    }

    /// Forgets what waits for a sink that is no more; its name may become another's.
    pub fn forget(&mut self, sink: SinkId) {
        self.take_given();
        self.sound.retain(|packet| packet.sink != sink);
        self.repairs.retain(|packet| packet.sink != sink);
        self.pictures.retain(|(packets, _)| packets.sink != sink);
        self.picture_packets = self.pictures.iter().map(|(packets, _)| packets.count()).sum();
    }

    /// Forgets all that waits.
    pub fn clear(&mut self) {
        self.given = None;
        self.sound.clear();
        self.repairs.clear();
        self.pictures.clear();
        self.picture_packets = 0;
        self.probe = 0;
    }

    /// Whether something waits for its time.
    pub fn is_waiting(&self) -> bool {
        !self.pictures.is_empty() || !self.repairs.is_empty() || !self.sound.is_empty() || self.probe > 0
    }

    /// Whether pictures were thrown away since the last call; a keyframe is needed then.
    pub fn take_overflow(&mut self) -> bool {
        std::mem::take(&mut self.overflowed)
    }

    fn fill(&mut self, now: Instant) {
        let Some(rate) = self.rate else { return };
        if self.filled.is_some_and(|filled| filled >= now) {
            return;
        }
        let since = self
            .filled
            .map_or(CATCH_UP, |filled| now.saturating_duration_since(filled));
        self.filled = Some(now);
        let bits =
            |time: Duration| (rate.as_bps().saturating_mul(time.as_micros() as u64) / 1_000_000) as i64;
        let most = if self.probe > 0 {
            bits(PROBE_CATCH_UP)
        } else {
            bits(CATCH_UP).max(i64::from(u16::MAX))
        };
        self.level = self
            .level
            .saturating_add(bits(since.min(Duration::from_secs(1))))
            .min(most);
    }

    #[inline]
    fn spend(&mut self, payload: u16, count: u16) {
        let bytes = u64::from(payload)
            .wrapping_add(OVERHEAD)
            .wrapping_mul(u64::from(count));
        self.probe = self.probe.saturating_sub(bytes as usize);
        if self.rate.is_some() {
            self.level = self.level.saturating_sub_unsigned(bytes.wrapping_mul(8));
        }
    }

    fn expire(&mut self, now: Instant) {
        let late = self
            .pictures
            .front()
            .is_some_and(|(_, since)| now.saturating_duration_since(*since) > PATIENCE);
        if late {
            self.overflow();
        }
    }

    fn overflow(&mut self) {
        self.take_given();
        self.pictures.clear();
        self.picture_packets = 0;
        self.overflowed = true;
    }
}

#[cfg(test)]
mod tests {
    use tertulia_model::Codec;

    use super::*;
    use crate::outgoing::tests::outgoing;

    fn sound(sequence: u64) -> Outgoing {
        Outgoing {
            codec: Codec::Opus,
            size: 100,
            ..outgoing(sequence)
        }
    }

    #[derive(Debug, PartialEq)]
    enum Sent {
        Media(Outgoing),
        Repair(Outgoing),
        Padding(usize),
    }

    fn drain(pacer: &mut Pacer, now: Instant) -> Vec<Sent> {
        let owned = |due: Due<'_>| match due {
            Due::Media(packet) => Sent::Media(*packet),
            Due::Repair(packet) => Sent::Repair(*packet),
            Due::Padding(bytes) => Sent::Padding(bytes),
        };
        std::iter::from_fn(|| pacer.poll(now).map(owned)).collect()
    }

    #[test]
    fn pictures_keep_to_the_rate_and_sound_does_not_wait() {
        let start = Instant::now();
        let mut pacer = Pacer::default();
        pacer.set_rate(Some(Bitrate::from_kbps(5_040)));
        drain(&mut pacer, start);
        for sequence in 0..100 {
            pacer.push(outgoing(sequence), start);
        }
        let mut sent = 0;
        for tick in 0..50 {
            let now = start + Duration::from_millis(2 * tick);
            pacer.push(sound(1_000 + tick), now);
            let due = drain(&mut pacer, now);
            assert_eq!(due[0], Sent::Media(sound(1_000 + tick)));
            sent += due.len() - 1;
        }
        // A tenth of a second at 500 packets of 1 260 bytes a second, less what sound took, and what was saved up.
        assert!((40..=56).contains(&sent), "{sent}");
        assert!(pacer.is_waiting());
    }

    #[test]
    fn packets_that_come_together_leave_as_those_do_that_come_singly() {
        let start = Instant::now();
        let (mut together, mut singly) = (Pacer::default(), Pacer::default());
        let run = |first| Outgoing {
            count: 8,
            marker: true,
            ..outgoing(first)
        };
        for pacer in [&mut together, &mut singly] {
            pacer.set_rate(Some(Bitrate::from_kbps(5_040)));
            drain(pacer, start);
        }
        for first in (0..160).step_by(8) {
            together.push(run(first), start);
            run(first).packets().for_each(|packet| singly.push(packet, start));
        }
        let mut parts = 0;
        for tick in 0..200 {
            let now = start + Duration::from_millis(2 * tick);
            let of_one = drain(&mut singly, now);
            let of_many = drain(&mut together, now);
            parts += of_many.len();
            let apart = of_many.iter().flat_map(|sent| match sent {
                Sent::Media(packets) => packets.packets().map(Sent::Media),
                other => panic!("{other:?}"),
            });
            assert_eq!(apart.collect::<Vec<_>>(), of_one, "at {tick}");
        }
        assert!(!together.is_waiting());
        assert!((30..160).contains(&parts), "{parts}");
    }

    #[test]
    fn what_waits_is_bounded_by_its_packets() {
        let start = Instant::now();
        let mut pacer = Pacer::default();
        pacer.set_rate(Some(Bitrate::from_kbps(1)));
        for first in (0..MOST_WAITING as u64).step_by(8) {
            let run = Outgoing {
                count: 8,
                ..outgoing(first)
            };
            pacer.push(run, start);
        }
        assert!(!pacer.take_overflow());
        pacer.push(outgoing(9_000), start);
        assert!(pacer.take_overflow());
    }

    #[test]
    fn repairs_go_before_pictures() {
        let start = Instant::now();
        let mut pacer = Pacer::default();
        pacer.push(outgoing(1), start);
        pacer.push_repair(outgoing(0));
        assert_eq!(
            drain(&mut pacer, start),
            [Sent::Repair(outgoing(0)), Sent::Media(outgoing(1))]
        );
        assert!(!pacer.is_waiting());
    }

    #[test]
    fn a_probe_is_filled_with_padding_and_ends() {
        let start = Instant::now();
        let mut pacer = Pacer::default();
        pacer.set_rate(Some(Bitrate::from_kbps(2_000)));
        drain(&mut pacer, start - Duration::from_secs(1));
        pacer.set_probe(3_000);
        pacer.push(outgoing(1), start);
        let ticks: Vec<Vec<Sent>> = (0..10)
            .map(|tick| drain(&mut pacer, start + Duration::from_millis(2 * tick)))
            .collect();
        assert_eq!(ticks[0], [Sent::Media(outgoing(1))]);
        assert!(ticks.iter().all(|due| due.len() <= 3), "spread over time");
        let padding = ticks.iter().flatten().count() - 1;
        assert_eq!(padding, 6, "of 1 740 bytes left");
        assert!(!pacer.is_waiting());
    }

    #[test]
    fn nothing_is_sent_on_a_sink_that_is_gone() {
        let start = Instant::now();
        let mut pacer = Pacer::default();
        let other = Outgoing {
            sink: SinkId(1),
            ..outgoing(7)
        };
        pacer.push(outgoing(1), start);
        pacer.push(other, start);
        pacer.push(sound(2), start);
        pacer.push_repair(outgoing(0));
        pacer.forget(SinkId(0));
        assert_eq!(drain(&mut pacer, start), [Sent::Media(other)]);
    }

    #[test]
    fn pictures_nobody_can_use_any_more_are_dropped_together() {
        let start = Instant::now();
        let mut pacer = Pacer::default();
        pacer.set_rate(Some(Bitrate::from_kbps(1)));
        for sequence in 0..200 {
            pacer.push(outgoing(sequence), start);
        }
        drain(&mut pacer, start);
        assert!(!pacer.take_overflow());
        drain(&mut pacer, start + Duration::from_millis(1_501));
        assert!(pacer.take_overflow());
        assert!(!pacer.is_waiting());
    }
}
