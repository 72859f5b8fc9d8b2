use super::*;
use proptest::prelude::*;

const RATE: u32 = 90_000;

fn started(now: Instant) -> RtpMunger {
    let mut munger = RtpMunger::new(RATE, 100, 5_000);
    munger.switch(1_000, 77, now, None);
    munger
}

#[test]
fn a_source_is_carried_over_by_an_offset() {
    let now = Instant::now();
    let mut munger = started(now);
    assert_eq!(
        munger.place(1_000, 77, now),
        Some(Place {
            sequence: 100,
            timestamp: 5_000
        })
    );
    assert_eq!(
        munger.place(1_001, 80, now),
        Some(Place {
            sequence: 101,
            timestamp: 5_003
        })
    );
    assert_eq!(munger.place(999, 70, now), None, "from before the switch");
}

#[test]
fn a_left_out_packet_leaves_no_gap_and_late_ones_still_find_their_number() {
    let now = Instant::now();
    let mut munger = started(now);
    munger.place(1_000, 77, now);
    munger.place(1_001, 77, now);
    assert!(munger.leave_out(1_002));
    assert_eq!(munger.place(1_003, 77, now).unwrap().sequence, 102);
    assert_eq!(munger.place(1_001, 77, now).unwrap().sequence, 101);
    assert!(!munger.leave_out(1_000), "what came later has its number");
}

#[test]
fn a_switch_goes_on_where_the_last_source_ended() {
    let now = Instant::now();
    let mut munger = started(now);
    munger.place(1_000, 77, now);
    let later = now + Duration::from_millis(100);
    munger.switch(50_000, 1_000_000, later, None);
    let place = munger.place(50_000, 1_000_000, later).unwrap();
    assert_eq!(
        place,
        Place {
            sequence: 101,
            timestamp: 5_000 + 9_000
        }
    );
}

#[test]
fn sender_clocks_align_two_timelines() {
    let old = SenderClock {
        ntp: 10 << 32,
        rtp: 1_000,
    };
    let new = SenderClock {
        ntp: 11 << 32,
        rtp: 500_000,
    };
    assert_eq!(clock_shift(old, new, RATE), (1_000 + RATE).wrapping_sub(500_000));
    let back = SenderClock {
        ntp: 9 << 32,
        rtp: 500_000,
    };
    assert_eq!(
        clock_shift(old, back, RATE),
        1_000u32.wrapping_sub(RATE).wrapping_sub(500_000)
    );
}

#[test]
fn a_switch_does_not_use_a_number_again_that_a_late_packet_took() {
    let now = Instant::now();
    let mut munger = started(now);
    munger.place(1_000, 77, now);
    assert!(munger.leave_out(1_002));
    assert_eq!(munger.place(1_001, 77, now).unwrap().sequence, 101);
    munger.switch(7, 0, now, None);
    assert_eq!(munger.place(7, 0, now).unwrap().sequence, 102);
}

proptest! {
    #[test]
    fn outgoing_numbers_rise_by_one_whatever_is_left_out_or_switched(
        steps in proptest::collection::vec(0u8..10, 1..400),
    ) {
        let now = Instant::now();
        let mut munger = started(now);
        let (mut sequence, mut expected) = (1_000u64, 100u64);
        for step in steps {
            match step {
                0 => {
                    sequence += 100_000;
                    munger.switch(sequence, 0, now, None);
                }
                1 => {
                    munger.leave_out(sequence);
                    sequence += 1;
                }
                _ => {
                    let place = munger.place(sequence, 0, now).unwrap();
                    prop_assert_eq!(place.sequence, expected);
                    expected += 1;
                    sequence += 1;
                }
            }
        }
    }
}
