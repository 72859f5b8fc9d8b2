use super::*;

#[test]
fn feedback_is_read_as_written() {
    let arrivals = [
        Some(1_000),
        None,
        Some(1_300),
        Some(900),
        None,
        None,
        Some(20_000),
    ];
    let mut out = Vec::new();
    let count = write_transport_feedback(&mut out, 1, 2, 3, 65_534, &arrivals);
    assert_eq!(count, arrivals.len());
    let mut packets = rtcp_packets(&out);
    let Some(Rtcp::TransportFeedback(feedback)) = packets.next() else {
        panic!("no feedback");
    };
    assert_eq!(packets.next(), None);
    assert_eq!(
        (feedback.sender, feedback.media, feedback.feedback_count),
        (1, 2, 3)
    );
    let base = i64::from(feedback.reference_time) * 256;
    let read: Vec<(u16, Option<i64>)> = feedback
        .iter()
        .map(|(sequence, arrival)| (sequence, arrival.map(|ticks| base + ticks)))
        .collect();
    let expected: Vec<(u16, Option<i64>)> = arrivals
        .iter()
        .enumerate()
        .map(|(at, arrival)| (65_534_u16.wrapping_add(at as u16), *arrival))
        .collect();
    assert_eq!(read, expected);
}
