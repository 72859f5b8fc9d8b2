//! The packet path does not allocate.

use allocation_counter::measure;

use super::wire::{Hand, Packet, TRANSPORT_CC};
use super::*;

/// Rounds before nothing grows any more.
const WARM: u64 = 3_000;

#[test]
fn sealing_does_not_allocate() {
    let mut pair = Pair::new();
    let media = &mut pair.sender.media;
    let payload = [1; 1_100];
    let mut out = Vec::with_capacity(2_000_000);
    let mut sequence = 0;
    let mut round = |media: &mut Media, out: &mut Vec<u8>, now: Instant| {
        let mut packet = picture(sequence, &payload);
        packet.ext.capture_time = Some(&[7; 8]);
        media.seal(PICTURE, &packet, out, now).unwrap();
        media
            .seal(SOUND, &sound(sequence, &payload[..80]), out, now)
            .unwrap();
        media.seal_repair(PICTURE, &packet, out, now).unwrap();
        media.seal_padding(200, None, out, now).unwrap();
        sequence += 1;
    };
    // What was sent is remembered until the peer reports of it, up to a bound.
    for step in 0..WARM {
        out.clear();
        round(media, &mut out, pair.now + ms(step));
    }
    out.clear();
    let counted = measure(|| {
        for step in WARM..WARM + 500 {
            round(media, &mut out, pair.now + ms(step));
        }
    });
    assert_eq!(counted.count_total, 0, "{counted:?}");
}

#[test]
fn receiving_does_not_allocate() {
    let start = Instant::now();
    let mut media = media(1, true, start);
    let mut hand = Hand::new();
    media.declare(&mid("v"), MediaKind::Video, &[]);
    media.receive_as(&mid("v"), Some(RxId(5)));
    media.expect_ssrc(&mid("v"), 1_000, Some(2_000), None, true);
    let mut datagrams = Vec::new();
    for number in 0..1_500_u64 {
        let counter = (number as u16).to_be_bytes();
        let tags = [(TRANSPORT_CC, &counter[..])];
        // Every tenth is lost and repaired five packets later.
        if number % 10 != 0 {
            datagrams.push(hand.make(&Packet {
                sequence: number,
                ext: &tags,
                ..Packet::VIDEO
            }));
        }
        if number % 10 == 5 {
            let lost = (number - 5) as u16;
            datagrams.push(hand.make(&Packet {
                ssrc: 2_000,
                payload_type: 97,
                sequence: number,
                payload: &[&lost.to_be_bytes()[..], b"picture"].concat(),
                ..Packet::VIDEO
            }));
        }
    }
    let mut received = 0;
    let mut allocations = 0;
    let mut out = Vec::new();
    for (number, datagram) in datagrams.iter_mut().enumerate() {
        let now = start + ms(number as u64);
        let counted = measure(|| received += usize::from(media.receive_rtp(datagram, now).is_some()));
        if number >= 1_100 {
            allocations += counted.count_total;
        }
        while media.poll_rtcp(now, &mut out) {}
    }
    assert_eq!(allocations, 0);
    assert_eq!(received, 1_500);
}
