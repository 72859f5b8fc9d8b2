//! What a light client receives.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tertulia_model::Extension;
use tertulia_rtp::{
    ExtensionIds, ReportBlock, Rtcp, RtpHeader, SrtpReceiver, is_rtcp, rtcp_packets, write_nack, write_pli,
};
use tokio::sync::mpsc;

use super::feedback::Arrivals;
use super::inbound::{Inbound, Kind, SenderReport};
use super::lane::nanos;
use super::{Note, PayloadTypes, Settings};
use crate::client::Phase;
use crate::media::Stamp;
use crate::peer::MEDIA;
use crate::sink::{Arrival, Counts, Seen, Sink};

/// Streams followed; packets of others are counted as foreign.
const MAX_STREAMS: usize = 1_024;
/// Report blocks in one report (RFC 3550 §6.4.1).
const MAX_BLOCKS: usize = 31;
/// Bytes after which nothing more is asked for in one packet.
const MAX_ASKED: usize = 1_000;

/// The receiving side.
pub(super) struct Receiving {
    receiver: SrtpReceiver,
    ids: ExtensionIds,
    payload_types: PayloadTypes,
    streams: Vec<Inbound>,
    /// Place of the stream the last packet belonged to.
    last: usize,
    arrivals: Arrivals,
    wants_key_frame: Vec<u32>,
    /// Streams of ours that the server wants a key frame of.
    key_frames_asked: Vec<u32>,
    notes: mpsc::Sender<Note>,
    began: Instant,
    saw_packet: bool,
    saw_key_frame: bool,
    /// Judges streams where every packet is decrypted.
    sink: Sink,
    /// Counts where it is not.
    seen: Seen,
    measured: Option<Seen>,
    counting: bool,
}

impl Receiving {
    pub(super) fn new(
        receiver: SrtpReceiver,
        extensions: &[(Extension, u8)],
        payload_types: PayloadTypes,
        began: Instant,
        notes: mpsc::Sender<Note>,
    ) -> Self {
        Self {
            receiver,
            ids: ExtensionIds::new(extensions.iter().copied()),
            payload_types,
            streams: Vec::new(),
            last: 0,
            arrivals: Arrivals::new(began),
            wants_key_frame: Vec::new(),
            key_frames_asked: Vec::new(),
            notes,
            began,
            saw_packet: false,
            saw_key_frame: false,
            sink: Sink::default(),
            seen: Seen::default(),
            measured: None,
            counting: false,
        }
    }

    pub(super) fn payload_types(&self) -> PayloadTypes {
        self.payload_types
    }

    pub(super) fn is_counting(&self) -> bool {
        self.counting
    }

    pub(super) fn enter(&mut self, phase: Phase) {
        match phase {
            Phase::Settle | Phase::Stop => {}
            Phase::Measure => {
                self.take();
            }
            Phase::Rest => self.measured = Some(self.take()).filter(|_| self.counting),
        }
        self.counting = phase == Phase::Measure;
    }

    /// What was seen in the measured time, or at all where nothing was measured.
    pub(super) fn finish(&mut self) -> Seen {
        self.measured.take().unwrap_or_else(|| self.take())
    }

    /// Streams of ours that the server wants a key frame of.
    pub(super) fn key_frames_asked(&mut self) -> impl Iterator<Item = u32> {
        self.key_frames_asked.drain(..)
    }

    /// Writes transport feedback, each packet of which is given to `each`.
    pub(super) fn feed_back(&mut self, own: u32, out: &mut Vec<u8>, each: impl FnMut(&mut Vec<u8>)) {
        let media = self.streams.first().map_or(0, |stream| stream.ssrc);
        self.arrivals.report(own, media, out, each);
    }

    fn take(&mut self) -> Seen {
        let mut seen = std::mem::take(&mut self.seen);
        let judged = self.sink.take();
        // Losses are the streams' own, also where they are judged: they know what was repaired.
        let judged_counts = Counts {
            lost: 0,
            ..judged.counts
        };
        seen.counts.add(&judged_counts);
        seen.audio.merge(&judged.audio);
        seen.video.merge(&judged.video);
        let fresh = self
            .streams
            .iter_mut()
            .filter(|stream| stream.kind != Kind::Repair);
        seen.tracks = fresh
            .map(|stream| usize::from(std::mem::take(&mut stream.fresh)))
            .sum();
        for stream in &mut self.streams {
            seen.counts.lost += std::mem::take(&mut stream.continuity.lost);
            seen.counts.repaired += std::mem::take(&mut stream.continuity.repaired);
        }
        seen
    }

    pub(super) fn datagram(
        &mut self,
        source: SocketAddr,
        contents: &mut [u8],
        now: Instant,
        settings: Settings,
        epoch: Instant,
    ) {
        if !contents.first().is_some_and(|first| MEDIA.contains(first)) {
            let contents = contents.to_vec();
            self.tell(Note::Datagram { source, contents });
        } else if is_rtcp(contents) {
            self.rtcp(contents, now);
        } else {
            self.rtp(contents, now, settings, epoch);
        }
    }

    fn tell(&self, note: Note) {
        if self.notes.try_send(note).is_err() {
            tracing::debug!("a client does not keep up with its notes, or is gone");
        }
    }

    fn rtp(&mut self, packet: &mut [u8], now: Instant, settings: Settings, epoch: Instant) {
        let Some(header) = RtpHeader::parse(packet) else {
            self.seen.counts.foreign += 1;
            return;
        };
        let extensions = self.ids.read(&header, packet);
        if let Some(sequence) = extensions.transport_cc {
            self.arrivals.note(sequence, now);
        }
        let mid = extensions.mid.unwrap_or_default();
        let Some(place) = self.place(&header, mid) else {
            self.seen.counts.foreign += 1;
            return;
        };
        if !std::mem::replace(&mut self.saw_packet, true) {
            self.tell(Note::FirstPacket(now.saturating_duration_since(self.began)));
        }
        let at_ns = nanos(now.saturating_duration_since(epoch));
        if let Some(Kind::Repair) = self.streams.get(place).map(|stream| stream.kind) {
            self.repair(place, &header, packet, at_ns, settings);
            return;
        }
        let Some(stream) = self.streams.get_mut(place) else {
            return;
        };
        stream.fresh = true;
        let Some(sequence) = stream.continuity.note(header.sequence, now) else {
            return;
        };
        if stream.skip > 0 && self.saw_key_frame {
            stream.skip -= 1;
            self.seen.counts.packets += 1;
            self.seen.counts.bytes += header.payload_len as u64;
            return;
        }
        stream.skip = settings.sample.saturating_sub(1);
        let Ok(opened) = self.receiver.unprotect(packet, &header, &mut stream.window) else {
            self.seen.counts.foreign += 1;
            return;
        };
        let payload = packet
            .get(header.header_len..opened.payload_end)
            .unwrap_or_default();
        let arrival = Arrival {
            sequence,
            timestamp: header.timestamp,
            marker: header.marker,
            video: stream.kind == Kind::Video,
            payload,
            at_ns,
        };
        self.judge(header.ssrc, &arrival, settings);
    }

    fn judge(&mut self, ssrc: u32, arrival: &Arrival<'_>, settings: Settings) {
        if !self.saw_key_frame && arrival.begins_key_frame() {
            self.saw_key_frame = true;
            let at = self.began.elapsed();
            self.tell(Note::FirstKeyFrame(at));
        }
        if settings.sample <= 1 {
            if self.sink.accept(ssrc, arrival) {
                self.wants_key_frame.push(ssrc);
            }
            return;
        }
        let counts = &mut self.seen.counts;
        counts.packets += 1;
        counts.bytes += arrival.payload.len() as u64;
        match Stamp::read(arrival.payload) {
            Some(stamp) => {
                let way = Duration::from_nanos(arrival.at_ns.saturating_sub(stamp.sent_ns));
                let histogram = if arrival.video {
                    &mut self.seen.video
                } else {
                    &mut self.seen.audio
                };
                histogram.record(way);
            }
            // Probes are padding alone.
            None if arrival.payload.is_empty() => {}
            None => counts.foreign += 1,
        }
    }

    /// Takes a retransmission: the original sequence number, then the payload (RFC 4588 §4).
    fn repair(
        &mut self,
        place: usize,
        header: &RtpHeader,
        packet: &mut [u8],
        at_ns: u64,
        settings: Settings,
    ) {
        let Some(stream) = self.streams.get_mut(place) else {
            return;
        };
        let Ok(opened) = self.receiver.unprotect(packet, header, &mut stream.window) else {
            self.seen.counts.foreign += 1;
            return;
        };
        let payload = packet
            .get(header.header_len..opened.payload_end)
            .unwrap_or_default();
        let Some((original, payload)) = payload.split_first_chunk::<2>() else {
            return;
        };
        let mid = stream.mid.clone();
        let repaired = |stream: &&mut Inbound| stream.kind == Kind::Video && stream.mid == mid;
        let Some(stream) = self.streams.iter_mut().find(repaired) else {
            return;
        };
        let ssrc = stream.ssrc;
        let Some(sequence) = stream.continuity.repair(u16::from_be_bytes(*original)) else {
            return;
        };
        let arrival = Arrival {
            sequence,
            timestamp: header.timestamp,
            marker: header.marker,
            video: true,
            payload,
            at_ns,
        };
        self.judge(ssrc, &arrival, settings);
    }

    /// Finds the stream of a packet, or makes it.
    fn place(&mut self, header: &RtpHeader, mid: &[u8]) -> Option<usize> {
        if self
            .streams
            .get(self.last)
            .is_some_and(|stream| stream.ssrc == header.ssrc)
        {
            return Some(self.last);
        }
        let found = self.streams.iter().position(|stream| stream.ssrc == header.ssrc);
        self.last = match found {
            Some(place) => place,
            None if self.streams.len() >= MAX_STREAMS => return None,
            None => {
                let types = self.payload_types;
                let payload_type = Some(header.payload_type);
                let kind = if payload_type == types.video {
                    Kind::Video
                } else if payload_type == types.repair {
                    Kind::Repair
                } else if payload_type == types.audio || payload_type == types.red {
                    Kind::Audio
                } else {
                    return None;
                };
                self.streams.push(Inbound::new(header.ssrc, kind, mid));
                self.streams.len() - 1
            }
        };
        Some(self.last)
    }

    fn rtcp(&mut self, packet: &mut [u8], now: Instant) {
        let Ok(length) = self.receiver.unprotect_rtcp(packet) else {
            self.seen.counts.foreign += 1;
            return;
        };
        for packet in rtcp_packets(packet.get(..length).unwrap_or_default()) {
            match packet {
                Rtcp::SenderReport { info, .. } => {
                    let middle = ((info.ntp >> 16) & 0xFFFF_FFFF) as u32;
                    let stream = self.streams.iter_mut().find(|stream| stream.ssrc == info.ssrc);
                    if let Some(stream) = stream {
                        stream.sender_report = Some(SenderReport { middle, at: now });
                    }
                }
                Rtcp::Pli { media, .. } => self.key_frames_asked.push(media),
                Rtcp::Fir { entries, .. } => self.key_frames_asked.extend(entries.map(|entry| entry.ssrc)),
                _ => {}
            }
        }
    }

    /// Appends what is to be asked for now: missing packets and key frames.
    pub(super) fn ask(&mut self, own: u32, now: Instant, out: &mut Vec<u8>) {
        let mut missing = Vec::new();
        for stream in &mut self.streams {
            if stream.continuity.is_whole() {
                continue;
            }
            missing.clear();
            stream.continuity.ask(now, &mut missing);
            // Sound and retransmissions are not sent again.
            if stream.kind == Kind::Video && out.len() < MAX_ASKED {
                write_nack(out, own, stream.ssrc, &missing);
            }
        }
        for ssrc in self.wants_key_frame.drain(..) {
            write_pli(out, own, ssrc);
        }
    }

    pub(super) fn blocks(&mut self, now: Instant) -> Vec<ReportBlock> {
        let streams = self.streams.iter_mut().take(MAX_BLOCKS);
        let block = |stream: &mut Inbound| {
            let reception = stream.reception();
            let report = stream.sender_report;
            let delay = report.map_or(0, |report| {
                let since = now.saturating_duration_since(report.at).as_nanos();
                u32::try_from(since * 65_536 / 1_000_000_000).unwrap_or(u32::MAX)
            });
            ReportBlock {
                ssrc: stream.ssrc,
                fraction_lost: reception.fraction,
                cumulative_lost: reception.lost.cast_signed(),
                highest_sequence: reception.highest,
                jitter: 0,
                last_sender_report: report.map_or(0, |report| report.middle),
                delay_since_last: delay,
            }
        };
        streams.map(block).collect()
    }
}
