//! One light client's packets.

use std::net::UdpSocket;
use std::time::{Duration, Instant, SystemTime};

use str0m::crypto::dtls::SrtpProfile as Negotiated;
use str0m::media::Mid;
use tertulia_model::Extension;
use tertulia_rtp::{
    ReportBlock, SrtpProfile, SrtpReceiver, SrtpSender, write_receiver_report, write_sender_report,
};
use tokio::sync::mpsc;

use super::outbound::Outbound;
use super::receiving::Receiving;
use super::wire::{Buffers, Train, Wire};
use super::{Handover, LaneReport, Note, Settings, Track};
use crate::client::Phase;
use crate::error::ClientError;
use crate::keys::Keys;

/// SSRC of the reports of a client that sends nothing.
const OWN_SSRC: u32 = 1;

/// What is due at a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Turn {
    feedback: bool,
    report: bool,
}

impl Turn {
    /// Feedback every tenth tick (100 ms), reports every hundredth (a second).
    pub(super) fn at(tick: u64) -> Self {
        Self {
            feedback: tick.is_multiple_of(10),
            report: tick.is_multiple_of(100),
        }
    }
}

pub(super) struct Lane {
    wire: Wire,
    sender: SrtpSender,
    outbound: Vec<Outbound>,
    extensions: Vec<(Extension, u8)>,
    transport_cc: u16,
    sent: u64,
    side: Receiving,
}

impl Lane {
    pub(super) fn new(
        client: u32,
        began: Instant,
        handover: Handover,
        trains: bool,
        notes: mpsc::Sender<Note>,
    ) -> Result<Self, ClientError> {
        let (sender, receiver) = contexts(&handover.keys)?;
        let mut wire = Wire::new(handover.socket, handover.server);
        if trains {
            wire.use_trains()?;
        }
        tracing::trace!(client, trains, "a light client");
        Ok(Self {
            wire,
            sender,
            outbound: Vec::new(),
            transport_cc: 0,
            sent: 0,
            side: Receiving::new(
                receiver,
                &handover.extensions,
                handover.payload_types,
                began,
                notes,
            ),
            extensions: handover.extensions,
        })
    }

    pub(super) fn socket(&self) -> &UdpSocket {
        self.wire.socket()
    }

    pub(super) fn publish(&mut self, track: Track) {
        let types = self.side.payload_types();
        self.outbound
            .push(Outbound::new(track, &self.extensions, types, &mut self.sender));
    }

    pub(super) fn set_active(&mut self, mid: Mid, rids: &[String]) {
        if let Some(track) = self.outbound.iter_mut().find(|track| track.mid() == mid) {
            track.set_active(rids);
        }
    }

    pub(super) fn enter(&mut self, phase: Phase) {
        if phase == Phase::Measure {
            self.sent = 0;
        }
        self.side.enter(phase);
    }

    pub(super) fn finish(mut self) -> LaneReport {
        LaneReport {
            seen: self.side.finish(),
            sent: self.sent,
            key_frames: self.outbound.iter().map(Outbound::key_frames).sum(),
            unsent: self.wire.unsent,
        }
    }

    /// When something is to be sent.
    pub(super) fn due(&self) -> Option<Instant> {
        self.outbound.iter().map(Outbound::due).min()
    }

    /// Sends the frames that are due, each as a train.
    pub(super) fn send_due(&mut self, now: Instant, epoch: Instant, train: &mut Train) {
        for track in &mut self.outbound {
            if track.due() > now {
                continue;
            }
            train.clear();
            // The time on the way begins with this packet's own turn, not with that of the first client.
            let now_ns = nanos(Instant::now().saturating_duration_since(epoch));
            let made = track.make(now, now_ns, &self.sender, &mut self.transport_cc, train);
            self.sent += if self.side.is_counting() { made } else { 0 };
            self.wire.send_train(train);
        }
        train.clear();
    }

    pub(super) fn receive(&mut self, buffers: &mut Buffers, settings: Settings, epoch: Instant) {
        let Self { wire, side, .. } = self;
        while !wire.receive(buffers, |source, contents, now| {
            side.datagram(source, contents, now, settings, epoch);
        }) {}
        for ssrc in self.side.key_frames_asked() {
            self.outbound
                .iter_mut()
                .any(|track| track.request_key_frame(ssrc));
        }
    }

    /// Sends what is due of feedback; `out` is room to write in.
    pub(super) fn look_after(&mut self, turn: Turn, now: Instant, out: &mut Vec<u8>) {
        let own = self.outbound.iter().find_map(Outbound::ssrc).unwrap_or(OWN_SSRC);
        let Self {
            wire, sender, side, ..
        } = self;
        let mut finish = |out: &mut Vec<u8>| {
            if !out.is_empty() && sender.protect_rtcp(out, 0).is_ok() {
                wire.send(out);
            }
            out.clear();
        };
        out.clear();
        side.ask(own, now, out);
        finish(out);
        if turn.feedback {
            side.feed_back(own, out, &mut finish);
        }
        if turn.report {
            let blocks: Vec<ReportBlock> = side.blocks(now);
            let unix = SystemTime::now()
                .duration_since(SystemTime::UNIX_EPOCH)
                .unwrap_or_default();
            let reports: Vec<_> = self
                .outbound
                .iter()
                .flat_map(|track| track.sender_reports(nanos(unix)))
                .collect();
            let mut blocks = blocks.as_slice();
            for info in &reports {
                write_sender_report(out, info, blocks);
                blocks = &[];
                if out.len() > 1_000 {
                    finish(out);
                }
            }
            if reports.is_empty() && !blocks.is_empty() {
                write_receiver_report(out, own, blocks);
            }
            finish(out);
        }
    }
}

fn contexts(keys: &Keys) -> Result<(SrtpSender, SrtpReceiver), ClientError> {
    let profile = match keys.profile {
        Negotiated::AEAD_AES_256_GCM => SrtpProfile::AeadAes256Gcm,
        Negotiated::AEAD_AES_128_GCM => SrtpProfile::AeadAes128Gcm,
        Negotiated::AES128_CM_SHA1_80 => SrtpProfile::AesCm128HmacSha1_80,
        _ => return Err(ClientError::Keys),
    };
    let sender = SrtpSender::new(profile, &keys.local.0, &keys.local.1);
    let receiver = SrtpReceiver::new(profile, &keys.remote.0, &keys.remote.1);
    sender
        .and_then(|sender| Ok((sender, receiver?)))
        .map_err(|_| ClientError::Keys)
}

pub(super) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
