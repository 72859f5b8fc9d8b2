//! Packets and repairs from one end to the other.

use super::*;
use crate::SendError;

#[test]
fn all_packets_arrive_where_nothing_is_lost() {
    let mut pair = Pair::new();
    for sequence in 65_500..65_600_u64 {
        pair.send_picture(sequence, &sequence.to_be_bytes());
        let mut packet = sound(sequence, b"hello");
        packet.ext.audio_level = Some(AudioLevel {
            level: -30,
            voice: true,
        });
        pair.send(SOUND, &packet);
        pair.run(ms(10));
    }
    pair.run(ms(100));
    let of = |rx| pair.receiver.got.iter().filter(move |got| got.rx == RxId(rx));
    let pictures: Vec<u64> = of(11).map(|got| got.sequence).collect();
    assert_eq!(pictures, (65_500..65_600).collect::<Vec<_>>());
    assert!(of(11).all(|got| got.payload == got.sequence.to_be_bytes() && got.codec == Codec::Vp8));
    assert_eq!(of(10).count(), 100);
    assert!(of(10).all(|got| got.payload == b"hello" && got.ssrc == AUDIO && got.codec == Codec::Opus));
    assert!(of(10).all(|got| got.level.is_some_and(|level| level.level == -30 && level.voice)));
    assert_eq!(pair.receiver.media.drops().total(), 0);
    assert_eq!(pair.sender.media.drops().total(), 0);
}

#[test]
fn every_tenth_packet_lost_is_repaired() {
    let mut pair = Pair::new();
    let mut state = 12_345_u32;
    pair.lose = Box::new(move |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16).is_multiple_of(10)
    });
    let count = 2_000;
    for sequence in 0..count {
        pair.send_picture(sequence, &[sequence as u8; 900]);
        pair.run(ms(5));
    }
    pair.run(ms(1_500));
    let mut arrived: Vec<u64> = pair.receiver.got.iter().map(|got| got.sequence).collect();
    assert!(pair.sender.repairs > 150, "{}", pair.sender.repairs);
    arrived.sort_unstable();
    let unique = arrived.len();
    arrived.dedup();
    assert_eq!(arrived.len(), unique, "nothing arrives twice");
    // The last ones may have nothing behind them that shows the gap.
    assert!(unique as u64 >= count - 2, "{unique} of {count}");
    let fits =
        |got: &Got| got.payload == [got.sequence as u8; 900] && got.ssrc == VIDEO && got.payload_type == 96;
    assert!(pair.receiver.got.iter().all(fits));
}

#[test]
fn repairs_do_not_outweigh_what_is_sent() {
    let mut pair = Pair::new();
    pair.send_picture(0, &[1; 1_000]);
    let packet = picture(0, &[1; 1_000]);
    let mut out = Vec::new();
    let mut repair = |pair: &mut Pair| {
        pair.sender
            .media
            .seal_repair(PICTURE, &packet, &mut out, pair.now)
    };
    let granted = (0..1_000).take_while(|_| repair(&mut pair).is_ok()).count();
    assert!((30..40).contains(&granted), "{granted}");
    assert_eq!(repair(&mut pair), Err(SendError::Full));
    pair.send_picture(1, &[1; 1_000]);
    assert!(repair(&mut pair).is_ok());
    assert_eq!(repair(&mut pair), Err(SendError::Full));
}

#[test]
fn redundant_audio_shares_the_stream_of_opus() {
    let mut pair = Pair::new();
    for (sequence, payload_type) in [(5, 63), (6, 111), (7, 63)] {
        let mut packet = sound(sequence, b"abc");
        packet.payload_type = payload_type;
        pair.send(SOUND, &packet);
    }
    pair.run(ms(50));
    let got: Vec<_> = pair
        .receiver
        .got
        .iter()
        .map(|got| (got.sequence, got.payload_type, got.codec))
        .collect();
    assert_eq!(
        got,
        [(5, 63, Codec::Red), (6, 111, Codec::Opus), (7, 63, Codec::Red)]
    );
}

#[test]
fn what_cannot_be_sent_is_refused() {
    let mut pair = Pair::new();
    let check = |media: &mut Media, tx, packet: TxPacket<'_>, expected| {
        let mut out = vec![7; 3];
        assert_eq!(media.seal(tx, &packet, &mut out, pair.now), expected);
        if expected.is_err() {
            assert_eq!(out, [7; 3], "nothing is appended");
        }
    };
    let media = &mut pair.sender.media;
    let good = picture(7, &[1; 10]);
    check(media, TxId(9), good, Err(SendError::Unbound));
    let other_type = TxPacket {
        payload_type: 98,
        ..good
    };
    check(media, PICTURE, other_type, Err(SendError::PayloadType));
    check(media, PICTURE, picture(7, &[0; 1_401]), Err(SendError::TooLong));
    check(media, PICTURE, picture(7, &[]), Err(SendError::TooLong));
    check(media, PICTURE, picture(70_000, &[1]), Err(SendError::Sequence));
    let mut out = Vec::new();
    assert!(media.seal(PICTURE, &good, &mut out, pair.now).is_ok());
    check(media, PICTURE, good, Err(SendError::Sequence));
    let repair = media.seal_repair(SOUND, &sound(7, &[1]), &mut out, pair.now);
    assert_eq!(repair, Err(SendError::PayloadType));
    // What the peer is yet to agree to.
    media.declare_sent(TxId(8), &mid("5"), 555, None, &[]);
    check(media, TxId(8), sound(1, &[1]), Err(SendError::Unbound));
    media.declare_sent(TxId(8), &mid("5"), 555, None, &codecs(&[Codec::Opus]));
    assert!(media.seal(TxId(8), &sound(1, &[1]), &mut out, pair.now).is_ok());
    media.remove_sent(555);
    check(media, TxId(8), sound(2, &[1]), Err(SendError::Unbound));
    media.declare_sent(TxId(9), &mid("6"), 556, None, &codecs(&[Codec::Opus]));
    media.forget(&mid("6"));
    check(media, TxId(9), sound(2, &[1]), Err(SendError::Unbound));
    // An SSRC used before would use its indices twice.
    media.declare_sent(TxId(12), &mid("5"), 555, None, &codecs(&[Codec::Opus]));
    check(media, TxId(12), sound(3, &[1]), Err(SendError::Unbound));
}

#[test]
fn without_keys_nothing_passes() {
    let mut pair = Pair::new();
    let mut unkeyed = fresh(9, pair.now);
    unkeyed.declare(&mid("1"), MediaKind::Video, &[]);
    unkeyed.receive_as(&mid("1"), Some(RxId(1)));
    unkeyed.declare_sent(PICTURE, &mid("1"), VIDEO, Some(VIDEO_RTX), &codecs(&[Codec::Vp8]));
    let mut out = Vec::new();
    let sealed = unkeyed.seal(PICTURE, &picture(1, &[1]), &mut out, pair.now);
    assert_eq!(sealed, Err(SendError::Unbound));
    pair.sender
        .media
        .seal(PICTURE, &picture(1, &[1]), &mut out, pair.now)
        .unwrap();
    assert!(unkeyed.receive_rtp(&mut out.clone(), pair.now).is_none());
    assert_eq!(unkeyed.drops().unauthentic, 1);
    assert!(!unkeyed.poll_rtcp(pair.now, &mut out));
    unkeyed.set_keys(PROFILE, &keying(), false).unwrap();
    assert_eq!(
        unkeyed.set_keys(PROFILE, &keying(), false),
        Err(crate::media::KeysError::Again)
    );
    assert!(unkeyed.receive_rtp(&mut out, pair.now).is_some());
    assert!(
        unkeyed
            .seal(PICTURE, &picture(1, &[1]), &mut Vec::new(), pair.now)
            .is_ok()
    );
    let mut other = fresh(9, pair.now);
    assert!(other.set_keys(PROFILE, &keying()[1..], false).is_err());
}

#[test]
fn padding_is_felt_by_the_path_and_given_to_nobody() {
    let mut pair = Pair::new();
    let mut out = Vec::new();
    let padded = pair
        .sender
        .media
        .seal_padding(200, None, &mut out, pair.now)
        .unwrap();
    assert!(padded > 200, "{padded}");
    pair.send_picture(1, &[1; 100]);
    pair.run(ms(30));
    for bytes in [1, 100, 255, 5_000] {
        let mut out = Vec::new();
        pair.sender
            .media
            .seal_padding(bytes, None, &mut out, pair.now)
            .unwrap();
        pair.transmit(true, out);
    }
    pair.run(ms(200));
    assert_eq!(pair.receiver.got.len(), 1);
    assert_eq!(pair.receiver.media.drops().total(), 0);
    let sound_alone = &mut media(5, true, pair.now);
    sound_alone.declare_sent(SOUND, &mid("0"), AUDIO, None, &codecs(&[Codec::Opus]));
    assert_eq!(
        sound_alone.seal_padding(100, None, &mut out, pair.now),
        Err(SendError::Unbound)
    );
}

#[test]
fn key_frames_are_asked_for() {
    let mut pair = Pair::new();
    assert!(!pair.receiver.media.request_keyframe(&mid("1"), None));
    pair.send_picture(1, &[1; 100]);
    pair.run(ms(50));
    for _ in 0..3 {
        assert!(pair.receiver.media.request_keyframe(&mid("1"), None));
    }
    pair.run(ms(50));
    let asked = |event: &&MediaEvent| matches!(event, MediaEvent::KeyframeRequested { tx } if *tx == PICTURE);
    assert_eq!(pair.sender.events.iter().filter(asked).count(), 1);
}

#[test]
fn every_profile_keys_both_directions() {
    let now = Instant::now();
    for profile in [
        SrtpProfile::AeadAes256Gcm,
        SrtpProfile::AeadAes128Gcm,
        SrtpProfile::AesCm128HmacSha1_80,
    ] {
        let material: Vec<u8> = (0..2 * (profile.key_len() + profile.salt_len()))
            .map(|byte| byte as u8 ^ 0x5a)
            .collect();
        let mut ends = [fresh(1, now), fresh(2, now)];
        for (end, is_server) in ends.iter_mut().zip([true, false]) {
            end.set_keys(profile, &material, is_server).unwrap();
            end.declare(&mid("0"), MediaKind::Audio, &[]);
            end.receive_as(&mid("0"), Some(RxId(1)));
            end.declare_sent(SOUND, &mid("0"), AUDIO, None, &codecs(&[Codec::Opus]));
        }
        let [server, client] = &mut ends;
        let pass = |from: &mut Media, to: &mut Media| {
            let mut out = Vec::new();
            from.seal(SOUND, &sound(1, b"hello"), &mut out, now).unwrap();
            assert_eq!(
                to.receive_rtp(&mut out, now).unwrap().payload,
                b"hello",
                "{profile:?}"
            );
        };
        pass(server, client);
        pass(client, server);
    }
}
