use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn window() -> SendWindow {
    SendWindow::new(9, 1)
}

fn admits(window: &mut SendWindow, sequence: u64) -> bool {
    window.admit(sequence).is_some_and(|admitted| {
        assert_eq!((admitted.ssrc(), admitted.index()), (9, sequence));
        true
    })
}

#[test]
fn a_number_is_admitted_once() {
    let mut window = window();
    for sequence in [65_530, 65_531, 65_536, 65_533, 65_532] {
        assert!(admits(&mut window, sequence), "{sequence}");
        assert!(!admits(&mut window, sequence), "{sequence} again");
    }
}

#[test]
fn what_a_receiver_would_extend_differently_is_refused() {
    let mut window = window();
    assert!(!admits(&mut window, 65_536));
    assert!(admits(&mut window, 10));
    assert!(!admits(&mut window, 10 + (1 << 15)));
    assert!(admits(&mut window, 10 + (1 << 15) - 1));
}

#[test]
fn the_window_has_1024_places_wherever_it_stands() {
    for newest in 1_100..1_166 {
        let mut window = window();
        assert!(admits(&mut window, 1));
        assert!(admits(&mut window, newest));
        assert!(admits(&mut window, newest - 1023), "the last place");
        assert!(!admits(&mut window, newest - 1024), "older than the window");
        for sequence in newest - 1022..newest {
            assert!(admits(&mut window, sequence), "{sequence} below {newest}");
            assert!(!admits(&mut window, sequence), "{sequence} below {newest} again");
        }
    }
}

/// However the newest moves on, nothing within the window is forgotten.
#[test]
fn a_used_number_stays_used_until_it_is_too_old() {
    for step in [1, 63, 64, 65, 500, 1023] {
        let mut window = window();
        let mut newest = 1_023_u64;
        for sequence in 0..=newest {
            assert!(admits(&mut window, sequence));
        }
        let mut used: Vec<u64> = (0..=newest).collect();
        for _ in 0..130 {
            newest += step;
            assert!(admits(&mut window, newest));
            used.push(newest);
            used.retain(|sequence| sequence + 1024 > newest);
            for sequence in &used {
                assert!(!admits(&mut window, *sequence), "{sequence} again below {newest}");
            }
        }
    }
}

#[test]
fn indices_end_at_48_bits() {
    let mut window = window();
    window.used.newest = Some(INDICES - 2);
    assert!(admits(&mut window, INDICES - 1));
    assert!(!admits(&mut window, INDICES));
    assert!(!admits(&mut window, u64::MAX));
    let mut received = ReceiveWindow::default();
    received.note(INDICES - 1);
    assert_eq!(received.extend(0xffff), Ok(INDICES - 1));
    assert_eq!(received.extend(0), Err(SrtpError::Exhausted));
}

/// RFC 3711 §3.3.1 and its appendix A.
#[test]
fn sequence_numbers_are_extended_to_the_closest() {
    let check = |newest: u64, sequence, expected| {
        let mut window = ReceiveWindow::default();
        window.note(newest);
        assert_eq!(window.extend(sequence), Ok(expected), "{sequence} after {newest}");
    };
    assert_eq!(ReceiveWindow::default().extend(65_535), Ok(65_535));
    check(5, 6, 6);
    check(5, 5 + (1 << 15), 5 + (1 << 15));
    check(65_535, 0, 65_536);
    check(65_536, 65_535, 65_535);
    check(0x1_fff0, 5, 0x2_0005);
    check(0x2_0005, 0xfff0, 0x1_fff0);
    check(0x2_8000, 0, 0x2_0000);
    check(0x2_8001, 0, 0x3_0000);
    // There is nothing before rollover 0.
    check(5, 65_530, 65_530);
}

/// What a sender may do next, with numbers far apart, close by, or used before.
fn steps() -> impl Strategy<Value = Vec<(bool, i64)>> {
    let step = prop_oneof![-40_i64..40, -1_100_i64..1_100, -70_000_i64..70_000];
    prop::collection::vec((any::<bool>(), step), 1..120)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// M18: whatever a sender asks for, no index is given twice, and only the documented ones are refused.
    #[test]
    fn m18_no_index_is_given_twice(first in 0_u64..70_000, steps in steps()) {
        let mut window = window();
        let mut used = BTreeSet::new();
        let mut sequence = first;
        for (follow, step) in steps {
            let newest = used.last().copied();
            let allowed = match newest {
                None => sequence <= 65_535,
                Some(newest) => !used.contains(&sequence) && sequence + 1024 > newest && sequence < newest + (1 << 15),
            };
            let given = window.admit(sequence);
            prop_assert_eq!(given.is_some(), allowed, "{} after {:?}", sequence, newest);
            if given.is_some() {
                prop_assert!(used.insert(sequence));
            }
            let from = if follow { newest.unwrap_or(sequence) } else { sequence };
            sequence = from.saturating_add_signed(step);
        }
    }

    /// What one side admits, the other extends alike and takes once.
    #[test]
    fn a_receiver_follows_what_a_sender_admits(first in 0_u64..=65_535, steps in steps()) {
        let mut sent = window();
        let mut received = ReceiveWindow::default();
        let mut sequence = first;
        for (_, step) in steps {
            if let Some(admitted) = sent.admit(sequence) {
                let index = received.extend(admitted.index() as u16);
                prop_assert_eq!(index, Ok(sequence));
                prop_assert_eq!(received.check(sequence), Ok(()));
                received.note(sequence);
                prop_assert_eq!(received.check(sequence), Err(SrtpError::Replayed));
            }
            sequence = sent.used.newest.unwrap_or(sequence).saturating_add_signed(step);
        }
    }
}
