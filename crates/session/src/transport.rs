//! The WebRTC transport underneath: one `Rtc` of str0m in RTP mode, used through its direct interface only.
//!
//! That interface panics when misused (unknown sections, a section declared twice); the functions here are the only
//! callers and keep its conditions, so that nothing a peer says reaches them unchecked.

use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::bwe::Bitrate as RtcBitrate;
use str0m::config::Fingerprint as RtcFingerprint;
use str0m::format::{Codec as RtcCodec, CodecConfig, CodecSpec as RtcCodecSpec, FormatParams, PayloadParams};
use str0m::media::{Frequency, KeyframeRequestKind, MediaKind as RtcMediaKind};
use str0m::rtp::{Extension as RtcExtension, ExtensionMap};
use str0m::{IceCreds, Rtc, RtcConfig};
use tertulia_model::{
    Bitrate, Candidate, Codec, CodecSpec, Extension, Feedback, Fingerprint, IceCredentials, MediaKind, Mid,
    Rid,
};

use crate::candidate::{self, MAX_REMOTE_CANDIDATES};
use crate::table::Tables;
use crate::{NegotiationError, SessionConfig, descriptor};

/// Greatest data-channel message taken from a peer.
const MAX_CHANNEL_MESSAGE: u32 = 256 * 1024;
/// Bytes all data channels of a peer may have waiting.
const MAX_CHANNEL_BUFFER: usize = 2 * 1024 * 1024;
/// How often totals of what is received and sent come out.
const STATS_INTERVAL: Duration = Duration::from_secs(2);
/// ICE timing by which a silent peer is noticed after ten to twelve seconds: checks after 0.1, 0.2, 0.4 and so on up to
/// every 2 s. The second check comes early because the first is lost as a rule: it leaves together with our answer, and
/// the peer cannot reply before it has read that. Nothing but ICE is sent until a check has been answered.
const STUN_INITIAL_RTO: Duration = Duration::from_millis(50);
const STUN_MAX_RTO: Duration = Duration::from_secs(2);
const STUN_RETRANSMITS: usize = 9;
/// Packets kept per video stream for retransmission, and for how long.
const RTX_PACKETS: usize = 1_024;
const RTX_AGE: Duration = Duration::from_secs(3);
/// Share of retransmissions above which they stop: the path is then full, not lossy.
const RTX_RATIO: f32 = 0.5;

/// The transport with what is needed to keep its conditions.
pub(crate) struct Transport {
    pub(crate) rtc: Rtc,
    pub(crate) tables: Tables,
    fingerprint: Fingerprint,
    remote_candidates: Vec<str0m::Candidate>,
    remote_ice: Option<IceCredentials>,
    pub(crate) remote_fingerprint: Option<Fingerprint>,
    dtls_started: bool,
    sctp_started: bool,
}

impl Transport {
    /// Builds it; `controlling` is whether our agent nominates (the offerer does, RFC 8445 §6.1.1).
    pub(crate) fn build(
        config: &SessionConfig,
        ice: &IceCredentials,
        tables: Tables,
        controlling: bool,
        now: Instant,
    ) -> Result<Self, NegotiationError> {
        let mut rtc_config = RtcConfig::new()
            .set_crypto_provider(Arc::clone(&config.certificate.provider))
            .set_dtls_cert(config.certificate.certificate.clone())
            .set_local_ice_credentials(ice_creds(ice))
            .set_ice_lite(config.ice_lite)
            .set_rtp_mode(true)
            .set_stats_interval(Some(STATS_INTERVAL))
            .set_sctp_max_message_size(MAX_CHANNEL_MESSAGE)
            .set_sctp_max_buffered_amount(MAX_CHANNEL_BUFFER)
            .set_extension_map(extension_map(&tables));
        rtc_config.set_initial_stun_rto(STUN_INITIAL_RTO);
        rtc_config.set_max_stun_rto(STUN_MAX_RTO);
        rtc_config.set_max_stun_retransmits(STUN_RETRANSMITS);
        *rtc_config.codec_config() = codec_config(&tables);
        if tables.sends_transport_cc {
            rtc_config = rtc_config.enable_bwe(Some(rate(config.initial_bitrate)));
        }
        let mut rtc = rtc_config.build(now);
        // Nothing is probed for before there is something to send (see `Session::send_begins`).
        rtc.bwe().set_bitrate(RtcBitrate::ZERO, RtcBitrate::ZERO);
        for local in &config.local_candidates {
            let local = candidate::local(local).map_err(NegotiationError::Transport)?;
            rtc.add_local_candidate(local);
        }
        let mut direct = rtc.direct_api();
        direct.set_ice_controlling(controlling);
        direct.enable_twcc_feedback();
        let own = direct.local_dtls_fingerprint();
        let fingerprint = Fingerprint {
            hash: own.hash_func.to_ascii_lowercase(),
            bytes: own.bytes.clone(),
        };
        Ok(Self {
            rtc,
            tables,
            fingerprint,
            remote_candidates: Vec::new(),
            remote_ice: None,
            remote_fingerprint: None,
            dtls_started: false,
            sctp_started: false,
        })
    }

    /// Fingerprint of our certificate.
    pub(crate) fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    /// The peer's ICE credentials in force.
    pub(crate) fn remote_ice(&self) -> Option<&IceCredentials> {
        self.remote_ice.as_ref()
    }

    /// Takes the peer's ICE credentials.
    pub(crate) fn set_remote_ice(&mut self, ice: &IceCredentials) {
        self.remote_ice = Some(ice.clone());
        self.rtc.direct_api().set_remote_ice_credentials(ice_creds(ice));
    }

    /// Starts a new ICE generation with our new credentials; the old path carries on until a new one is nominated.
    ///
    /// Taking the local candidates away and back makes the agent forget every pair it had; the peer's old candidates
    /// go with them.
    pub(crate) fn restart_ice(
        &mut self,
        config: &SessionConfig,
        ice: &IceCredentials,
    ) -> Result<(), NegotiationError> {
        let locals = config
            .local_candidates
            .iter()
            .map(candidate::local)
            .collect::<Result<Vec<_>, _>>()
            .map_err(NegotiationError::Transport)?;
        let mut direct = self.rtc.direct_api();
        for local in &locals {
            direct.invalidate_candidate(local);
        }
        for remote in self.remote_candidates.drain(..) {
            direct.invalidate_candidate(&remote);
        }
        direct.set_local_ice_credentials(ice_creds(ice));
        for local in locals {
            self.rtc.add_local_candidate(local);
        }
        Ok(())
    }

    /// Takes one of the peer's candidates, if it is of use and not one too many.
    pub(crate) fn add_remote_candidate(&mut self, candidate: &Candidate) {
        if self.remote_candidates.len() >= MAX_REMOTE_CANDIDATES {
            return;
        }
        let Some(remote) = candidate::remote(candidate) else {
            return;
        };
        if self.remote_candidates.contains(&remote) {
            return;
        }
        self.remote_candidates.push(remote.clone());
        self.rtc.add_remote_candidate(remote);
    }

    /// Waits for the peer's handshake under this fingerprint. We are always the server.
    pub(crate) fn start_dtls(&mut self, fingerprint: &Fingerprint) -> Result<(), NegotiationError> {
        if self.dtls_started {
            return Ok(());
        }
        self.remote_fingerprint = Some(fingerprint.clone());
        let mut direct = self.rtc.direct_api();
        direct.set_remote_fingerprint(RtcFingerprint {
            hash_func: fingerprint.hash.clone(),
            bytes: fingerprint.bytes.clone(),
        });
        direct
            .start_dtls(false)
            .map_err(|error| NegotiationError::Transport(error.to_string()))?;
        self.dtls_started = true;
        Ok(())
    }

    /// Whether handshake records can be taken already.
    pub(crate) fn takes_dtls(&self) -> bool {
        self.dtls_started
    }

    /// Waits for the peer's SCTP association.
    pub(crate) fn start_sctp(&mut self) {
        if !self.sctp_started {
            self.sctp_started = true;
            self.rtc.direct_api().start_sctp(false);
        }
    }

    /// Makes a section known, with the simulcast encodings it may carry; none stands for a single encoding.
    pub(crate) fn declare(&mut self, mid: &Mid, kind: MediaKind, rids: &[Rid]) {
        let mid = rtc_mid(mid);
        if self.rtc.media(mid).is_some() {
            return;
        }
        let mut direct = self.rtc.direct_api();
        let media = direct.declare_media(mid, rtc_kind(kind));
        for rid in rids {
            media.expect_rid_rx(rtc_rid(rid));
        }
    }

    /// Forgets a section with everything on it.
    pub(crate) fn forget(&mut self, mid: &Mid) {
        self.rtc.direct_api().remove_media(rtc_mid(mid));
    }

    /// Expects a stream by its SSRC on a declared section.
    pub(crate) fn expect_ssrc(
        &mut self,
        mid: &Mid,
        ssrc: u32,
        rtx: Option<u32>,
        rid: Option<&Rid>,
        nack: bool,
    ) {
        let mid = rtc_mid(mid);
        if self.rtc.media(mid).is_none() {
            return;
        }
        let mut direct = self.rtc.direct_api();
        let stream = direct.expect_stream_rx(ssrc.into(), rtx.map(Into::into), mid, rid.map(rtc_rid));
        stream.suppress_nack(!nack);
    }

    /// Forgets what the peer sends on a section: the named SSRCs and those found by their tags.
    pub(crate) fn forget_received(&mut self, mid: &Mid, ssrcs: impl Iterator<Item = u32>, rids: &[Rid]) {
        let mid = rtc_mid(mid);
        let mut direct = self.rtc.direct_api();
        for ssrc in ssrcs {
            direct.remove_stream_rx(ssrc.into());
        }
        for rid in rids.iter().map(|rid| Some(rtc_rid(rid))).chain([None]) {
            if let Some(found) = direct.stream_rx_by_mid(mid, rid).map(|stream| stream.ssrc()) {
                direct.remove_stream_rx(found);
            }
        }
    }

    /// Section and encoding of a received SSRC.
    pub(crate) fn received_as(&mut self, ssrc: u32) -> Option<(String, Option<String>)> {
        let mut direct = self.rtc.direct_api();
        let stream = direct.stream_rx(&ssrc.into())?;
        Some((stream.mid().to_string(), stream.rid().map(|rid| rid.to_string())))
    }

    /// Asks the peer for a key frame; `false` where nothing has arrived to ask about.
    pub(crate) fn request_keyframe(&mut self, mid: &Mid, rid: Option<&Rid>) -> bool {
        let mut direct = self.rtc.direct_api();
        let Some(stream) = direct.stream_rx_by_mid(rtc_mid(mid), rid.map(rtc_rid)) else {
            return false;
        };
        stream.request_keyframe(KeyframeRequestKind::Pli);
        true
    }

    /// Declares a stream of ours on a declared section.
    pub(crate) fn declare_sent(&mut self, mid: &Mid, kind: MediaKind, ssrc: u32, rtx: Option<u32>) {
        let mid = rtc_mid(mid);
        if self.rtc.media(mid).is_none() {
            return;
        }
        let mut direct = self.rtc.direct_api();
        let stream = direct.declare_stream_tx(ssrc.into(), rtx.map(Into::into), mid, None);
        if kind == MediaKind::Video {
            stream.set_rtx_cache(RTX_PACKETS, RTX_AGE, Some(RTX_RATIO));
        }
    }

    /// Stops a stream of ours.
    pub(crate) fn remove_sent(&mut self, ssrc: u32) {
        self.rtc.direct_api().remove_stream_tx(ssrc.into());
    }

    /// Tells the estimator how much we would like to send.
    pub(crate) fn set_desired_bitrate(&mut self, desired: Bitrate) {
        self.rtc.bwe().set_bitrate(RtcBitrate::ZERO, rate(desired));
    }
}

fn rate(bitrate: Bitrate) -> RtcBitrate {
    RtcBitrate::bps(bitrate.as_bps())
}

fn ice_creds(ice: &IceCredentials) -> IceCreds {
    IceCreds {
        ufrag: ice.ufrag.clone(),
        pass: ice.pwd.clone(),
    }
}

pub(crate) fn rtc_mid(mid: &Mid) -> str0m::media::Mid {
    mid.as_str().into()
}

pub(crate) fn rtc_rid(rid: &Rid) -> str0m::media::Rid {
    rid.as_str().into()
}

fn rtc_kind(kind: MediaKind) -> RtcMediaKind {
    match kind {
        MediaKind::Audio => RtcMediaKind::Audio,
        MediaKind::Video => RtcMediaKind::Video,
    }
}

fn extension_map(tables: &Tables) -> ExtensionMap {
    let mut map = ExtensionMap::empty();
    for (extension, id) in tables.extensions() {
        let mapped = match extension {
            Extension::AudioLevel => RtcExtension::AudioLevel,
            Extension::AbsSendTime => RtcExtension::AbsoluteSendTime,
            Extension::AbsCaptureTime => RtcExtension::AbsoluteCaptureTime,
            Extension::TransportCc if tables.sends_transport_cc => RtcExtension::TransportSequenceNumber,
            Extension::TransportCc => descriptor::received_transport_cc(),
            Extension::Mid => RtcExtension::RtpMid,
            Extension::RtpStreamId => RtcExtension::RtpStreamId,
            Extension::RepairedRtpStreamId => RtcExtension::RepairedRtpStreamId,
            Extension::VideoOrientation => RtcExtension::VideoOrientation,
            Extension::PlayoutDelay => RtcExtension::PlayoutDelay,
            Extension::DependencyDescriptor => descriptor::dependency_descriptor(),
        };
        map.set(id, mapped);
    }
    map
}

fn codec_config(tables: &Tables) -> CodecConfig {
    CodecConfig::new_from_payload_params(tables.codecs().map(payload_params).collect())
}

/// Redundant audio is declared as a further Opus type: packets pass unread, so only its clock matters here.
fn payload_params(codec: &CodecSpec) -> PayloadParams {
    let (name, frequency, channels) = match codec.codec {
        Codec::Opus | Codec::Red => (RtcCodec::Opus, Frequency::FORTY_EIGHT_KHZ, Some(2)),
        Codec::Pcmu => (RtcCodec::PCMU, Frequency::EIGHT_KHZ, None),
        Codec::Pcma => (RtcCodec::PCMA, Frequency::EIGHT_KHZ, None),
        Codec::Vp8 => (RtcCodec::Vp8, Frequency::NINETY_KHZ, None),
        Codec::Vp9 => (RtcCodec::Vp9, Frequency::NINETY_KHZ, None),
        Codec::H264 => (RtcCodec::H264, Frequency::NINETY_KHZ, None),
        Codec::H265 => (RtcCodec::H265, Frequency::NINETY_KHZ, None),
        Codec::Av1 => (RtcCodec::Av1, Frequency::NINETY_KHZ, None),
    };
    let spec = RtcCodecSpec {
        codec: name,
        clock_rate: frequency,
        channels,
        format: FormatParams::default(),
    };
    let mut params = PayloadParams::new(codec.payload_type.into(), codec.rtx.map(Into::into), spec);
    params.set_fb_transport_cc(codec.feedback.contains(&Feedback::TransportCc));
    params
}
