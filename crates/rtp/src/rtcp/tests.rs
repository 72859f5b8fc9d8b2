use proptest::prelude::*;

use super::*;

/// Reads a compound that holds one packet.
fn one(compound: &[u8]) -> Rtcp<'_> {
    let mut packets = rtcp_packets(compound);
    let packet = packets.next().unwrap();
    assert_eq!(packets.next(), None, "after {packet:?}");
    packet
}

fn block(ssrc: u32) -> ReportBlock {
    ReportBlock {
        ssrc,
        fraction_lost: 255,
        cumulative_lost: -3,
        highest_sequence: 0x0001_ffff,
        jitter: 7,
        last_sender_report: 0xaabb_ccdd,
        delay_since_last: 65_536,
    }
}

const INFO: SenderInfo = SenderInfo {
    ssrc: 1,
    ntp: 0x0102_0304_0506_0708,
    rtp_timestamp: 9,
    packets: 10,
    octets: 11,
};

#[test]
fn a_compound_is_read_packet_by_packet() {
    let mut out = Vec::new();
    write_sender_report(&mut out, &INFO, &[block(2), block(3)]);
    write_sdes_cname(&mut out, 1, "name");
    write_nack(&mut out, 1, 2, &[5]);
    let mut packets = rtcp_packets(&out);
    let Some(Rtcp::SenderReport { info, blocks }) = packets.next() else {
        panic!("no report");
    };
    assert_eq!(info, INFO);
    assert_eq!(blocks.collect::<Vec<_>>(), [block(2), block(3)]);
    let Some(Rtcp::SourceDescription(chunks)) = packets.next() else {
        panic!("no description");
    };
    let chunk = SdesChunk {
        ssrc: 1,
        cname: Some(b"name"),
    };
    assert_eq!(chunks.collect::<Vec<_>>(), [chunk]);
    assert!(matches!(packets.next(), Some(Rtcp::Nack { .. })));
    assert_eq!(packets.next(), None);
}

#[test]
fn receiver_reports_are_read_as_written() {
    let mut out = Vec::new();
    let many: Vec<ReportBlock> = (0..40).map(block).collect();
    write_receiver_report(&mut out, 1, &many);
    let Rtcp::ReceiverReport { ssrc: 1, blocks } = one(&out) else {
        panic!("no report");
    };
    assert_eq!(blocks.collect::<Vec<_>>(), many[..31]);
    for (lost, expected) in [(i32::MAX, 0x7f_ffff), (i32::MIN, -0x80_0000), (0, 0)] {
        let mut out = Vec::new();
        let lossy = ReportBlock {
            cumulative_lost: lost,
            ..block(2)
        };
        write_receiver_report(&mut out, 1, &[lossy]);
        let Rtcp::ReceiverReport { mut blocks, .. } = one(&out) else {
            panic!("no report");
        };
        assert_eq!(blocks.next().unwrap().cumulative_lost, expected);
    }
}

#[test]
fn names_of_any_length_are_padded() {
    for length in 0..300 {
        let name = "n".repeat(length);
        let mut out = Vec::new();
        write_sdes_cname(&mut out, 7, &name);
        assert_eq!(out.len() % 4, 0);
        let Rtcp::SourceDescription(mut chunks) = one(&out) else {
            panic!("no description of {length}");
        };
        let expected = &name.as_bytes()[..length.min(255)];
        assert_eq!(chunks.next().unwrap().cname, Some(expected));
    }
}

#[test]
fn descriptions_of_several_sources_are_read() {
    let packet = [
        &[0x82, 202, 0, 6][..],
        // NOTE before CNAME, then the end and padding.
        &[0, 0, 0, 1, 7, 1, b'x', 1, 2, b'a', b'b', 0],
        // No items at all.
        &[0, 0, 0, 2, 0, 0, 0, 0],
        &[0, 0, 0, 0],
    ]
    .concat();
    let Rtcp::SourceDescription(chunks) = one(&packet) else {
        panic!("no description");
    };
    let read: Vec<_> = chunks.map(|chunk| (chunk.ssrc, chunk.cname)).collect();
    assert_eq!(read, [(1, Some(&b"ab"[..])), (2, None)]);
}

#[test]
fn farewells_are_read_as_written() {
    let mut out = Vec::new();
    write_bye(&mut out, &[1, 2]);
    let Rtcp::Bye { ssrcs, reason: None } = one(&out) else {
        panic!("no farewell");
    };
    assert_eq!(ssrcs.collect::<Vec<_>>(), [1, 2]);
    let with_reason = [0x81, 203, 0, 2, 0, 0, 0, 1, 3, b'b', b'y', b'e'];
    let Rtcp::Bye { reason, .. } = one(&with_reason) else {
        panic!("no farewell");
    };
    assert_eq!(reason, Some(&b"bye"[..]));
}

#[test]
fn losses_are_read_as_written() {
    let check = |sequences: &[u16], bytes: usize| {
        let mut out = Vec::new();
        assert_eq!(write_nack(&mut out, 1, 2, sequences), sequences.len());
        assert_eq!(out.len(), bytes);
        let Rtcp::Nack {
            sender: 1,
            media: 2,
            sequences: read,
        } = one(&out)
        else {
            panic!("no losses");
        };
        assert_eq!(read.collect::<Vec<_>>(), sequences);
    };
    check(&[7], 16);
    check(&[65_530, 65_535, 0, 10], 16);
    check(&[100, 116], 16);
    check(&[100, 117], 20);
    check(&(0..17).collect::<Vec<_>>(), 16);
    check(&(0..18).collect::<Vec<_>>(), 20);
}

#[test]
fn so_many_losses_as_fit_are_named() {
    let far_apart: Vec<u16> = (0..300).map(|at| at * 100).collect();
    let mut out = Vec::new();
    assert_eq!(write_nack(&mut out, 1, 2, &far_apart), 256);
    assert_eq!(out.len(), 12 + 256 * 4);
    let mut none = Vec::new();
    assert_eq!(write_nack(&mut none, 1, 2, &[]), 0);
    assert!(none.is_empty());
    let mut twice = Vec::new();
    assert_eq!(write_nack(&mut twice, 1, 2, &[5, 5, 6]), 3);
    let Rtcp::Nack { sequences, .. } = one(&twice) else {
        panic!("no losses");
    };
    assert_eq!(sequences.collect::<Vec<_>>(), [5, 6]);
}

#[test]
fn requests_for_pictures_are_read_as_written() {
    let mut out = Vec::new();
    write_pli(&mut out, 1, 2);
    assert_eq!(one(&out), Rtcp::Pli { sender: 1, media: 2 });
    assert_eq!(out, [0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2]);
    out.clear();
    write_fir(&mut out, 1, 2, 200);
    let Rtcp::Fir { sender: 1, entries } = one(&out) else {
        panic!("no request");
    };
    let entry = FirEntry { ssrc: 2, number: 200 };
    assert_eq!(entries.collect::<Vec<_>>(), [entry]);
}

#[test]
fn estimates_keep_18_significant_bits() {
    let check = |bitrate: u64, expected: u64| {
        let mut out = Vec::new();
        write_remb(&mut out, 1, bitrate, &[2, 3]);
        let Rtcp::Remb {
            sender: 1,
            bitrate_bps,
            ssrcs,
        } = one(&out)
        else {
            panic!("no estimate");
        };
        assert_eq!(bitrate_bps, expected, "{bitrate}");
        assert_eq!(ssrcs.collect::<Vec<_>>(), [2, 3]);
    };
    check(0, 0);
    check(262_143, 262_143);
    check(262_145, 262_144);
    check(2_500_000, 2_500_000 / 16 * 16);
    check(u64::MAX, 0x3_ffff << 46);
    // The mantissa of 18 bits may be shifted by 63.
    let most = [
        0x8f, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, b'R', b'E', b'M', b'B', 0, 0xff, 0xff, 0xff,
    ];
    assert!(matches!(
        one(&most),
        Rtcp::Remb {
            bitrate_bps: u64::MAX,
            ..
        }
    ));
}

#[test]
fn what_is_not_read_here_is_named() {
    let application = [0x80, 204, 0, 2, 0, 0, 0, 1, b'n', b'a', b'm', b'e'];
    let unknown = |packet_type, format| Rtcp::Unknown { packet_type, format };
    assert_eq!(one(&application), unknown(204, 0));
    let other_feedback = [0x8f, 206, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0, b'O', b'T', b'H', b'R'];
    assert_eq!(one(&other_feedback), unknown(206, 15));
    assert_eq!(one(&[0x83, 205, 0, 0]), unknown(205, 3));
}

#[test]
fn padding_of_a_packet_is_no_content() {
    let padded = [0xa1, 203, 0, 2, 0, 0, 0, 1, 0, 0, 0, 4];
    assert!(matches!(one(&padded), Rtcp::Bye { reason: None, .. }));
    for impossible in [0, 9, 255] {
        let mut packet = padded;
        packet[11] = impossible;
        assert_eq!(one(&packet), Rtcp::Malformed, "{impossible}");
    }
    assert_eq!(one(&[0xa1, 203, 0, 0]), Rtcp::Malformed);
}

/// M12: lengths that lie, and counts that want more than there is.
#[test]
fn m12_impossible_lengths_are_malformed() {
    // Longer than the compound: nothing behind it can be read either.
    for words in [3, 4, 0xffff_u16] {
        let mut packet = [0x81, 206, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2];
        packet[2..4].copy_from_slice(&words.to_be_bytes());
        assert_eq!(one(&packet), Rtcp::Malformed, "{words}");
    }
    // Shorter than the contents: the packet is, and the next one is read.
    let contents: [&[u8]; 12] = [
        &[0x80, 200, 0, 0],
        &[
            0x81, 200, 0, 6, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
        ],
        &[0x80, 201, 0, 0],
        &[0x9f, 201, 0, 1, 0, 0, 0, 1],
        &[0x81, 202, 0, 0],
        &[0x81, 203, 0, 0],
        &[0x9f, 203, 0, 1, 0, 0, 0, 1],
        &[0x81, 205, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2],
        &[0x81, 206, 0, 1, 0, 0, 0, 1],
        &[0x84, 206, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3],
        &[0x8f, 206, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0, b'R', b'E', b'M', b'B'],
        &[
            0x8f, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, b'R', b'E', b'M', b'B', 1, 0, 0, 0,
        ],
    ];
    for packet in contents {
        let mut compound = packet.to_vec();
        write_pli(&mut compound, 1, 2);
        let read: Vec<_> = rtcp_packets(&compound).collect();
        assert_eq!(
            read,
            [Rtcp::Malformed, Rtcp::Pli { sender: 1, media: 2 }],
            "{packet:?}"
        );
    }
    for rest in [&[0x80][..], &[0x80, 200, 0], &[0x40, 200, 0, 0], &[0, 0, 0, 0]] {
        assert_eq!(one(rest), Rtcp::Malformed, "{rest:?}");
    }
    assert_eq!(rtcp_packets(&[]).count(), 0);
}

/// M12: a reason that reaches beyond its packet.
#[test]
fn m12_a_reason_beyond_the_packet_is_malformed() {
    for length in [4, 5, 255] {
        let packet = [0x81, 203, 0, 2, 0, 0, 0, 1, length, b'b', b'y', b'e'];
        assert_eq!(one(&packet), Rtcp::Malformed, "{length}");
    }
}

/// M12: items that do not end, or not within their packet.
#[test]
fn m12_endless_descriptions_are_malformed() {
    for items in [
        [1, 2, b'a', b'b'],
        [1, 255, b'a', 0],
        [1, 0, 1, 0],
        [9, 9, 9, 9],
        [1, 1, b'a', 1],
    ] {
        let packet = [&[0x81, 202, 0, 2, 0, 0, 0, 1][..], &items].concat();
        assert_eq!(one(&packet), Rtcp::Malformed, "{items:?}");
    }
}

/// Reads everything there is to read and gives how many things that were.
fn exhaust(packet: Rtcp<'_>) -> usize {
    match packet {
        Rtcp::SenderReport { blocks, .. } | Rtcp::ReceiverReport { blocks, .. } => blocks.count(),
        Rtcp::SourceDescription(chunks) => chunks.count(),
        Rtcp::Bye { ssrcs, .. } | Rtcp::Remb { ssrcs, .. } => ssrcs.count(),
        Rtcp::Nack { sequences, .. } => sequences.count(),
        Rtcp::Fir { entries, .. } => entries.count(),
        Rtcp::TransportFeedback(feedback) => {
            let read = feedback.iter().count();
            assert_eq!(read, usize::from(feedback.status_count));
            0
        }
        Rtcp::Pli { .. } | Rtcp::Unknown { .. } | Rtcp::Malformed => 0,
    }
}

proptest! {
    #[test]
    fn no_bytes_panic_and_little_comes_of_few(
        packet_type in prop_oneof![200_u8..208, any::<u8>()],
        format in 0_u8..32,
        padding in prop_oneof![9 => Just(0_u8), 1 => Just(0x20)],
        mut body in prop::collection::vec(any::<u8>(), 0..120),
    ) {
        body.truncate(body.len() / 4 * 4);
        let words = (body.len() / 4) as u8;
        let compound = [&[0x80 | padding | format, packet_type, 0, words][..], &body].concat();
        let read: usize = rtcp_packets(&compound).map(exhaust).sum();
        // The densest is a word that names 17 lost packets.
        prop_assert!(read <= compound.len() / 4 * 17);
        let read: usize = rtcp_packets(&body).map(exhaust).sum();
        prop_assert!(read <= body.len() / 4 * 17);
    }

    #[test]
    fn any_losses_are_read_as_written(first: u16, steps in prop::collection::vec(1_u16..40, 1..100)) {
        let mut sequence = first;
        let sequences: Vec<u16> = steps
            .into_iter()
            .map(|step| {
                sequence = sequence.wrapping_add(step);
                sequence
            })
            .collect();
        let mut out = Vec::new();
        let count = write_nack(&mut out, 1, 2, &sequences);
        let Rtcp::Nack { sequences: read, .. } = one(&out) else {
            panic!("no losses");
        };
        prop_assert_eq!(read.collect::<Vec<_>>(), &sequences[..count]);
    }
}
