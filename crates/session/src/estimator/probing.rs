//! Short bursts above the estimate that find out whether the way carries more.

use tertulia_model::Bitrate;

use super::history::SentPacket;

/// How long a burst lasts, and of how many packets it is at least.
const BURST_US: u64 = 15_000;
const MIN_PACKETS: usize = 5;
const PACKET_BYTES: usize = 1_200;
/// A burst that is not sent by then never will be.
const SENDING_US: u64 = 500_000;
/// A burst that is not reported by then says nothing.
const WAITING_US: u64 = 1_500_000;
/// The first bursts, as multiples of the first estimate.
const FIRST: [f64; 2] = [3.0, 6.0];
/// A later burst, as a multiple of the estimate.
const STEP: f64 = 2.0;
/// A burst that got through at this share of its rate is followed by the next.
const GOT_THROUGH: f64 = 0.7;
/// Bursts aim so far above what is wanted, so that what is wanted lies safely below what they find.
const ABOVE_DESIRED: f64 = 1.2;
/// Time between bursts where one found nothing.
const PAUSE_US: u64 = 3_000_000;
const MAX_PAUSE_US: u64 = 30_000_000;
/// The first burst after a rate was reduced.
const RECOVERY_US: u64 = 1_000_000;
/// A source that has been silent for so long is probed no further until it sends again.
pub(super) const SILENCE_US: u64 = 1_000_000;

/// Bursts whose reports are awaited at once.
const CLUSTERS: usize = 4;
/// Share of a burst that must arrive.
const MIN_ARRIVED: f64 = 0.8;
/// No burst finds more than this share of what it aimed at, however it was sent.
const MOST_FOUND: f64 = 1.2;
/// A burst that arrives so much faster than it was sent was held up and let go of at once.
const MAX_COMPRESSION: f64 = 2.0;
/// Arriving slower than this, a burst filled the way; what it found is taken with this reserve.
const FULL: f64 = 0.9;
const RESERVE: f64 = 0.95;

/// Names a burst of packets that measures the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProbeId(std::num::NonZeroU16);

impl ProbeId {
    fn first() -> Self {
        Self(std::num::NonZeroU16::MIN)
    }

    fn following(self) -> Self {
        Self(self.0.checked_add(1).unwrap_or(std::num::NonZeroU16::MIN))
    }
}

/// What is still to be sent of a burst that measures the way: media first, padding for the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    /// Goes with each packet of the burst.
    pub id: ProbeId,
    /// The rate at which all packets leave until the burst is over.
    pub rate: Bitrate,
    /// Bytes to send yet, at least.
    pub bytes: usize,
    /// Packets to send yet, at least.
    pub packets: usize,
}

/// What a burst found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Found {
    pub(super) bps: f64,
    /// The burst filled the way: more than this it does not carry.
    pub(super) full: bool,
    /// The rate the burst aimed at.
    pub(super) aim_bps: f64,
}

/// When to probe depends on this.
#[derive(Debug, Clone, Copy)]
pub(super) struct Situation {
    pub(super) estimate_bps: f64,
    pub(super) desired_bps: f64,
    /// Nothing speaks against more packets now.
    pub(super) calm: bool,
    pub(super) last_sent_us: Option<u64>,
    pub(super) now_us: u64,
}

/// A burst of which reports are awaited.
#[derive(Debug, Clone, Copy)]
struct Cluster {
    id: ProbeId,
    aim_bps: f64,
    ended_us: Option<u64>,
    sent: Span,
    arrived: Span,
    reported: usize,
}

/// Packets between two times.
#[derive(Debug, Clone, Copy, Default)]
struct Span {
    packets: usize,
    bytes: u64,
    first: (i64, u16),
    last: (i64, u16),
}

impl Span {
    fn add(&mut self, at_us: i64, bytes: u16) {
        if self.packets == 0 || at_us < self.first.0 {
            self.first = (at_us, bytes);
        }
        if self.packets == 0 || at_us >= self.last.0 {
            self.last = (at_us, bytes);
        }
        self.packets += 1;
        self.bytes += u64::from(bytes);
    }

    /// Bits per second, without the packet that begins or ends the time.
    fn bps(&self, uncounted: u16) -> Option<f64> {
        let span_us = self.last.0 - self.first.0;
        let bytes = self.bytes.saturating_sub(u64::from(uncounted));
        (1..=1_000_000)
            .contains(&span_us)
            .then(|| bytes as f64 * 8.0 * 1e6 / span_us as f64)
    }
}

#[derive(Debug, Clone, Copy)]
struct Active {
    probe: Probe,
    began_us: u64,
}

#[derive(Debug)]
pub(super) struct Probing {
    next_id: ProbeId,
    active: Option<Active>,
    clusters: [Option<Cluster>; CLUSTERS],
    next_cluster: usize,
    /// Multiples of the first estimate that are still to be tried.
    first: std::slice::Iter<'static, f64>,
    first_bps: f64,
    due_us: Option<u64>,
    pause_us: u64,
}

impl Probing {
    pub(super) fn new(first_bps: f64) -> Self {
        Self {
            next_id: ProbeId::first(),
            active: None,
            clusters: [None; CLUSTERS],
            next_cluster: 0,
            first: FIRST.iter(),
            first_bps,
            due_us: None,
            pause_us: PAUSE_US,
        }
    }

    /// Begins anew, as on a way that is not known.
    pub(super) fn restart(&mut self, first_bps: f64) {
        self.active = None;
        self.clusters = [None; CLUSTERS];
        self.first = FIRST.iter();
        self.first_bps = first_bps;
    }

    /// The burst to send now. Begins one where it is due.
    pub(super) fn poll(&mut self, situation: &Situation) -> Option<Probe> {
        let now_us = situation.now_us;
        if let Some(active) = self.active {
            if now_us.saturating_sub(active.began_us) < SENDING_US {
                return Some(active.probe);
            }
            self.abandon(now_us);
        }
        self.due_us.filter(|due| *due <= now_us)?;
        self.due_us = None;
        let silent = situation
            .last_sent_us
            .is_none_or(|at| now_us.saturating_sub(at) > SILENCE_US);
        if silent {
            return None;
        }
        if !situation.calm {
            self.due_us = Some(now_us + RECOVERY_US);
            return None;
        }
        let aim_bps = self.aim(situation)?;
        Some(self.begin(aim_bps, now_us))
    }

    /// Whether [`Probing::poll`] has nothing to do now.
    pub(super) fn is_idle(&self, now_us: u64) -> bool {
        self.active.is_none() && self.due_us.is_none_or(|due| due > now_us)
    }

    /// When [`Probing::poll`] has something to do, unless something changes before.
    pub(super) fn poll_timeout(&self) -> Option<u64> {
        let abandoned = self.active.map(|active| active.began_us + SENDING_US);
        abandoned.or(self.due_us)
    }

    /// The burst under way.
    pub(super) fn active(&self) -> Option<Probe> {
        self.active.map(|active| active.probe)
    }

    /// Makes sure that the next burst is due some time: more is wanted than is known to be there.
    pub(super) fn arm(&mut self, now_us: u64) {
        if self.active.is_none() && self.due_us.is_none() {
            let first = self.first.len() == FIRST.len();
            let pause_us = if first { 0 } else { self.pause_us };
            self.due_us = Some(now_us + pause_us);
        }
    }

    /// Brings the next burst forward: more is wanted than before.
    pub(super) fn hasten(&mut self, now_us: u64) {
        self.due_us = self.due_us.map(|due| due.min(now_us));
    }

    /// Puts the next burst off after the rate was reduced, but no longer than it takes to recover.
    pub(super) fn note_reduced(&mut self, now_us: u64) {
        self.due_us = Some(now_us + RECOVERY_US);
    }

    /// Notes a packet of the burst under way.
    pub(super) fn sent(&mut self, id: ProbeId, at_us: u64, bytes: u16) {
        let Some(cluster) = self
            .clusters
            .iter_mut()
            .flatten()
            .find(|cluster| cluster.id == id)
        else {
            return;
        };
        if cluster.ended_us.is_some() {
            return;
        }
        cluster.sent.add(at_us as i64, bytes);
        let Some(active) = self.active.as_mut().filter(|active| active.probe.id == id) else {
            return;
        };
        active.probe.bytes = active.probe.bytes.saturating_sub(usize::from(bytes));
        active.probe.packets = active.probe.packets.saturating_sub(1);
        if active.probe.bytes == 0 && active.probe.packets == 0 {
            cluster.ended_us = Some(at_us);
            self.active = None;
            // The next of the first bursts does not wait for what the one before found.
            self.due_us = Some(at_us + if self.first.len() > 0 { 0 } else { WAITING_US });
        }
    }

    /// Notes what was reported of a packet of a burst; the arrival is in microseconds of the receiver's clock.
    pub(super) fn reported(&mut self, packet: &SentPacket, arrival_us: Option<i64>, first_report: bool) {
        let Some(id) = packet.probe else { return };
        let Some(cluster) = self
            .clusters
            .iter_mut()
            .flatten()
            .find(|cluster| cluster.id == id)
        else {
            return;
        };
        // Numbers come round: a packet of an earlier burst of this name is none of this one's.
        if (packet.sent_us as i64) < cluster.sent.first.0 {
            return;
        }
        cluster.reported += usize::from(first_report);
        if let Some(arrival_us) = arrival_us {
            cluster.arrived.add(arrival_us, packet.bytes);
        }
    }

    /// What a burst found that is reported in full. Asked until there is nothing.
    pub(super) fn poll_found(&mut self, situation: &Situation) -> Option<Found> {
        let slot = self.clusters.iter_mut().find(|slot| {
            slot.is_some_and(|cluster| {
                let ended = cluster.ended_us.is_some();
                ended && cluster.reported >= cluster.sent.packets
            })
        })?;
        let cluster = slot.take()?;
        let found = cluster.found();
        let through = found.is_some_and(|found| found.bps >= GOT_THROUGH * found.aim_bps);
        if through {
            self.pause_us = PAUSE_US;
            self.due_us = Some(situation.now_us);
        } else if self.active.is_none() && self.first.len() == 0 {
            self.due_us = Some(situation.now_us + self.pause_us);
        }
        found
    }

    fn aim(&mut self, situation: &Situation) -> Option<f64> {
        let most = ABOVE_DESIRED * situation.desired_bps;
        if situation.estimate_bps >= situation.desired_bps {
            return None;
        }
        if let Some(multiple) = self.first.next() {
            let aim_bps = multiple * self.first_bps;
            if aim_bps >= most {
                self.first = [].iter();
            }
            return Some(aim_bps.min(most));
        }
        Some((STEP * situation.estimate_bps).min(most))
    }

    fn begin(&mut self, aim_bps: f64, now_us: u64) -> Probe {
        let bytes = (aim_bps * BURST_US as f64 / 8e6) as usize;
        let id = self.next_id;
        self.next_id = id.following();
        let probe = Probe {
            id,
            rate: Bitrate::from_bps(aim_bps as u64),
            bytes,
            packets: MIN_PACKETS.max(bytes.div_ceil(PACKET_BYTES)),
        };
        self.active = Some(Active {
            probe,
            began_us: now_us,
        });
        let index = self.next_cluster;
        self.next_cluster = (index + 1) % CLUSTERS;
        if let Some(slot) = self.clusters.get_mut(index) {
            *slot = Some(Cluster {
                id,
                aim_bps,
                ended_us: None,
                sent: Span::default(),
                arrived: Span::default(),
                reported: 0,
            });
        }
        probe
    }

    /// Gives up a burst that nobody sends: there may be no stream to send padding on.
    fn abandon(&mut self, now_us: u64) {
        self.active = None;
        self.first = [].iter();
        self.pause_us = (self.pause_us * 2).min(MAX_PAUSE_US);
        self.due_us = Some(now_us + self.pause_us);
    }
}

impl Cluster {
    fn found(&self) -> Option<Found> {
        let enough = |arrived: f64, sent: f64| arrived >= MIN_ARRIVED * sent;
        if !enough(self.arrived.packets as f64, self.sent.packets as f64)
            || !enough(self.arrived.bytes as f64, self.sent.bytes as f64)
        {
            return None;
        }
        let sent = self.sent.bps(self.sent.last.1)?;
        let arrived = self.arrived.bps(self.arrived.first.1)?;
        if arrived > MAX_COMPRESSION * sent {
            return None;
        }
        let full = arrived < FULL * sent;
        Some(Found {
            bps: if full { RESERVE * arrived } else { arrived }
                .min(sent)
                .min(MOST_FOUND * self.aim_bps),
            full,
            aim_bps: self.aim_bps,
        })
    }
}
