//! Packets between our types and those of the library underneath.

use str0m::media::{ExtensionValues, MediaTime};
use str0m::rtp::{AbsCaptureTime, RtpPacket, RtpWrite, VideoOrientation, Vp8Descriptor, Vp8Patch};
use tertulia_model::{Codec, Rid};

use crate::descriptor::DescriptorBytes;
use crate::{PassedExtensions, RxId, RxPacket, SendError, TxPacket, Vp8Rewrite};

/// Greatest payload sent; with header, extensions and authentication tag it stays within 1 500 bytes.
const MAX_PAYLOAD: usize = 1_400;

pub(crate) fn received(packet: RtpPacket, rx: RxId, rid: Option<Rid>, codec: Codec) -> RxPacket {
    let header = &packet.header;
    let values = &header.ext_vals;
    let playout_delay = match (values.play_delay_min, values.play_delay_max) {
        (Some(min), Some(max)) => Some((twelve_bits(min), twelve_bits(max))),
        _ => None,
    };
    RxPacket {
        rx,
        rid,
        ssrc: *header.ssrc,
        payload_type: *header.payload_type,
        codec,
        sequence: *packet.seq_no,
        timestamp: header.timestamp,
        marker: header.marker,
        arrival: packet.timestamp,
        audio_level: values.audio_level,
        voice: values.voice_activity,
        ext: PassedExtensions {
            orientation: values.video_orientation.map(|orientation| orientation as u8),
            capture_time: values
                .abs_capture_time
                .as_ref()
                .map(|time| (time.capture_time, time.clock_offset)),
            playout_delay,
            dependency_descriptor: values
                .user_values
                .get::<DescriptorBytes>()
                .map(|DescriptorBytes(bytes)| bytes.clone()),
        },
        sender_clock: packet
            .last_sender_info
            .map(|info| (info.ntp_time, info.rtp_time.numer() as u32)),
        payload: packet.payload,
    }
}

/// The value as it lies in the extension: hundredths of a second in twelve bits.
fn twelve_bits(time: MediaTime) -> u16 {
    (time.numer() & 0xfff) as u16
}

pub(crate) fn to_send(packet: TxPacket, retransmittable: bool) -> Result<RtpWrite, SendError> {
    if packet.payload.len() > MAX_PAYLOAD || packet.payload.is_empty() {
        return Err(SendError::TooLong);
    }
    let patch = packet
        .vp8
        .map(|rewrite| vp8_patch(&packet.payload, rewrite))
        .transpose()?;
    let values = extension_values(&packet);
    let mut write = RtpWrite::new(
        packet.payload_type.into(),
        packet.sequence.into(),
        packet.timestamp,
        packet.arrival,
        packet.payload,
    )
    .marker(packet.marker)
    .nackable(retransmittable)
    .ext_vals(values);
    if let Some(patch) = patch {
        write = write.vp8_patch(patch);
    }
    Ok(write)
}

fn extension_values(packet: &TxPacket) -> ExtensionValues {
    let mut values = ExtensionValues {
        audio_level: packet.audio_level,
        // The level is written only with the flag beside it.
        voice_activity: packet.audio_level.map(|_| packet.voice.unwrap_or(false)),
        video_orientation: packet.ext.orientation.map(VideoOrientation::from),
        ..ExtensionValues::default()
    };
    values.abs_capture_time = packet
        .ext
        .capture_time
        .map(|(capture_time, clock_offset)| AbsCaptureTime {
            capture_time,
            clock_offset,
        });
    if let Some((min, max)) = packet.ext.playout_delay {
        values.play_delay_min = Some(MediaTime::from_hundredths(min.into()));
        values.play_delay_max = Some(MediaTime::from_hundredths(max.into()));
    }
    if let Some(bytes) = &packet.ext.dependency_descriptor {
        values.user_values.set(DescriptorBytes(bytes.clone()));
    }
    values
}

/// Fields the descriptor does not have are left alone; a long picture id is cut to a short field.
fn vp8_patch(payload: &[u8], rewrite: Vp8Rewrite) -> Result<Vp8Patch, SendError> {
    let descriptor = Vp8Descriptor::parse(payload).map_err(|_| SendError::Vp8)?;
    let mut patch = descriptor.patch();
    if let Some(id) = rewrite.picture_id.filter(|_| descriptor.picture_id().is_some()) {
        let long = payload.get(2).is_some_and(|byte| byte & 0x80 != 0);
        patch = patch.picture_id(id & if long { 0x7fff } else { 0x7f });
    }
    if let Some(index) = rewrite.tl0_pic_idx.filter(|_| descriptor.tl0_pic_idx().is_some()) {
        patch = patch.tl0_pic_idx(index);
    }
    if let Some(index) = rewrite.key_idx.filter(|_| descriptor.key_idx().is_some()) {
        patch = patch.key_idx(index & 0x1f);
    }
    patch.build().map_err(|_| SendError::Vp8)
}
