use proptest::prelude::*;

use super::*;
use crate::rtcp::{Rtcp, rtcp_packets};

fn feedback(compound: &[u8]) -> Option<TransportFeedback<'_>> {
    match rtcp_packets(compound).next()? {
        Rtcp::TransportFeedback(feedback) => Some(feedback),
        _ => None,
    }
}

/// Feedback on `status_count` packets from number 10 on, at reference time 5, with the bytes of chunks and deltas.
fn packet(status_count: u16, rest: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let start = begin(&mut out, packet_type::TRANSPORT_FEEDBACK, format::TRANSPORT_CC);
    put(&mut out, &[1, 2, 10 << 16 | u32::from(status_count), 5 << 8 | 7]);
    out.extend_from_slice(rest);
    finish(&mut out, start);
    out
}

fn statuses(status_count: u16, rest: &[u8]) -> Option<Vec<Option<i64>>> {
    let packet = packet(status_count, rest);
    let feedback = feedback(&packet)?;
    assert_eq!((feedback.sender, feedback.media), (1, 2));
    assert_eq!((feedback.reference_time, feedback.feedback_count), (5, 7));
    let numbers: Vec<u16> = feedback.iter().map(|(sequence, _)| sequence).collect();
    assert_eq!(numbers, (10..10 + status_count).collect::<Vec<_>>());
    let runs: Vec<StatusRun> = feedback.runs().collect();
    let gathered = runs.iter().flat_map(|run| {
        let numbers = (0..run.count).map(|behind| run.first.wrapping_add(behind));
        numbers.map(|number| (number, run.arrival))
    });
    assert!(gathered.eq(feedback.iter()), "the same said together");
    assert!(runs.is_sorted_by(|one, next| one.arrival != next.arrival));
    Some(feedback.iter().map(|(_, arrival)| arrival).collect())
}

#[test]
fn each_form_of_chunk_is_read() {
    // A run of three that arrived, 4 ticks apart.
    assert_eq!(
        statuses(3, &[0x20, 3, 4, 4, 4]),
        Some(vec![Some(4), Some(8), Some(12)])
    );
    // Bits: arrived, missing, arrived.
    assert_eq!(
        statuses(3, &[0xa8, 0, 255, 1]),
        Some(vec![Some(255), None, Some(256)])
    );
    // Pairs of bits: small, large backwards, missing.
    let read = statuses(3, &[0xd8, 0, 9, 0xff, 0xfe]);
    assert_eq!(read, Some(vec![Some(9), Some(7), None]));
    // A run of large ones, then one of missing.
    let read = statuses(4, &[0x40, 2, 0x00, 0x02, 0x01, 0x00, 0x80, 0x00]);
    assert_eq!(read, Some(vec![Some(256), Some(256 - 32_768), None, None]));
    assert_eq!(statuses(0, &[]), Some(vec![]));
}

#[test]
fn chunks_may_say_more_than_is_reported_on() {
    assert_eq!(statuses(1, &[0x3f, 0xff, 4]), Some(vec![Some(4)]));
    assert_eq!(statuses(1, &[0xbf, 0xff, 4]), Some(vec![Some(4)]));
    // An empty run says nothing.
    assert_eq!(statuses(1, &[0x20, 0, 0x20, 1, 4]), Some(vec![Some(4)]));
}

/// M12: chunks or deltas that are missing, and the status that is reserved.
#[test]
fn m12_feedback_that_promises_too_much_is_malformed() {
    for (count, rest) in [
        (1, &[][..]),
        (15, &[0xbf, 0xff]),
        // Whole words, so that no padding can stand for a delta.
        (3, &[0x20, 3, 4, 4]),
        (2, &[0x40, 2, 4, 4]),
        (1, &[0x60, 1, 4, 4]),
        (2, &[0xdc, 0, 4, 4]),
        (14, &[0xbf, 0xff, 4, 4]),
        (u16::MAX, &[0x3f, 0xff, 4, 4]),
    ] {
        assert_eq!(statuses(count, rest), None, "{count} {rest:?}");
        assert_eq!(rtcp_packets(&packet(count, rest)).next(), Some(Rtcp::Malformed));
    }
}

/// M12: 65 535 statuses in a small packet are read one by one, and no more than that.
#[test]
fn m12_as_many_statuses_as_there_can_be_are_bounded() {
    let mut rest = Vec::new();
    for _ in 0..9 {
        rest.extend_from_slice(&0x1fff_u16.to_be_bytes());
    }
    let packet = packet(u16::MAX, &rest);
    assert!(packet.len() < 50);
    let feedback = feedback(&packet).unwrap();
    assert_eq!(feedback.iter().count(), 65_535);
    assert!(feedback.iter().all(|(_, arrival)| arrival.is_none()));
}

#[test]
fn the_reference_time_has_a_sign_and_wraps() {
    for (reference, expected) in [
        (-1, -1),
        (0x7f_ffff, 0x7f_ffff),
        (0x80_0000, -0x80_0000),
        (0x100_0005, 5),
    ] {
        let mut out = Vec::new();
        let arrival = reference * REFERENCE_TICKS + 3;
        assert_eq!(
            write_transport_feedback(&mut out, 1, 2, 3, 4, &[Some(arrival)]),
            1
        );
        let feedback = feedback(&out).unwrap();
        assert_eq!(feedback.reference_time, expected);
        assert_eq!(feedback.iter().collect::<Vec<_>>(), [(4, Some(3))]);
    }
}

#[test]
fn chunks_are_chosen_to_be_few() {
    let check = |arrivals: &[Option<i64>], chunk_bytes: usize| {
        let mut out = Vec::new();
        assert_eq!(
            write_transport_feedback(&mut out, 1, 2, 3, 4, arrivals),
            arrivals.len()
        );
        let read = feedback(&out).unwrap();
        assert_eq!(read.chunks.len(), chunk_bytes, "{arrivals:?}");
        assert!(
            read.iter()
                .map(|(_, arrival)| arrival)
                .eq(arrivals.iter().copied())
        );
    };
    // All in a row, without loss.
    let steady: Vec<Option<i64>> = (0..200).map(Some).collect();
    check(&steady, 2);
    // One lost in the middle: run, vector of 14, run.
    let mut lossy = steady.clone();
    lossy[100] = None;
    check(&lossy, 6);
    // A long gap.
    let mut gap = vec![Some(0)];
    gap.extend(std::iter::repeat_n(None, 9_000));
    gap.push(Some(30_000));
    check(&gap, 8);
}

#[test]
fn what_does_not_fit_is_left_for_another_packet() {
    // More than 16 bits of ticks apart.
    let mut out = Vec::new();
    let apart = [Some(0), Some(32_767), None, Some(32_767 * 2 + 1)];
    assert_eq!(write_transport_feedback(&mut out, 1, 2, 3, 4, &apart), 2);
    assert_eq!(feedback(&out).unwrap().status_count, 2);
    // More than a datagram should hold: each a large step back or ahead.
    let many: Vec<Option<i64>> = (0..2_000).map(|at| Some(at % 2 * 1_000)).collect();
    out.clear();
    let count = write_transport_feedback(&mut out, 1, 2, 3, 4, &many);
    assert!((300..600).contains(&count), "{count}");
    assert!((900..=1_024).contains(&out.len()), "{}", out.len());
    // Nothing arrived.
    out.clear();
    assert_eq!(write_transport_feedback(&mut out, 1, 2, 3, 4, &[None, None]), 0);
    assert_eq!(write_transport_feedback(&mut out, 1, 2, 3, 4, &[]), 0);
    let never = vec![None; 70_000];
    let late: Vec<Option<i64>> = never.into_iter().chain([Some(1)]).collect();
    assert_eq!(write_transport_feedback(&mut out, 1, 2, 3, 4, &late), 0);
    assert!(out.is_empty());
}

fn arrivals() -> impl Strategy<Value = Vec<Option<i64>>> {
    let step = prop_oneof![8 => 0_i64..300, 1 => -3_000_i64..3_000, 1 => -40_000_i64..40_000];
    let runs = prop::collection::vec((0_u8..4, 0_usize..60, step), 1..60);
    (-20_000_000_i64..4_000_000_000, runs).prop_map(|(start, runs)| {
        let mut clock = start;
        let mut arrivals = Vec::new();
        for (kind, count, step) in runs {
            for _ in 0..count {
                clock += step;
                arrivals.push((kind != 0).then_some(clock));
                // Half of the kinds are one of their own between others.
                if kind < 2 {
                    arrivals.push((kind == 0).then_some(clock));
                }
            }
        }
        arrivals
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Packet after packet, everything up to the last arrival is reported as it was.
    #[test]
    fn any_arrivals_are_read_as_written(base: u16, arrivals in arrivals()) {
        let end = arrivals.iter().rposition(Option::is_some).map_or(0, |at| at + 1);
        let mut rest = &arrivals[..];
        let mut sequence = base;
        let mut read = Vec::new();
        loop {
            let mut out = Vec::new();
            let count = write_transport_feedback(&mut out, 1, 2, 3, sequence, rest);
            if count == 0 {
                prop_assert!(out.is_empty());
                break;
            }
            prop_assert!(out.len() <= 1_024);
            let feedback = feedback(&out).unwrap();
            prop_assert_eq!(usize::from(feedback.status_count), count);
            prop_assert_eq!(feedback.base_sequence, sequence);
            let first = rest.iter().flatten().next().unwrap();
            // The reference time has 24 bits; the caller unwraps it.
            let reference = first.div_euclid(256);
            prop_assert_eq!(i64::from(feedback.reference_time), (reference << 40) >> 40);
            read.extend(feedback.iter().map(|(_, arrival)| arrival.map(|ticks| ticks + reference * 256)));
            rest = &rest[count..];
            sequence = sequence.wrapping_add(count as u16);
        }
        prop_assert_eq!(read, &arrivals[..end]);
    }
}
