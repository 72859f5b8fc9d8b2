use super::*;

fn point(spatial: usize) -> LayerPoint {
    LayerPoint { spatial, temporal: 3 }
}

fn claim(route: u8, priority: u32, kbps: &[u64]) -> Claim<u8> {
    let choices = kbps.iter().enumerate().map(|(spatial, kbps)| Choice {
        point: point(spatial),
        bitrate: Bitrate::from_kbps(*kbps),
    });
    Claim {
        route,
        priority,
        choices: choices.collect(),
    }
}

fn spatial(verdict: &Verdict<u8>) -> Option<usize> {
    verdict.point.map(|point| point.spatial)
}

fn check(claims: &[Claim<u8>], kbps: u64, expected: &[(u8, Option<usize>)]) {
    let verdicts =
        Allocator::default().allocate(&mut claims.to_vec(), Bitrate::from_kbps(kbps), Instant::now());
    let got: Vec<_> = verdicts
        .iter()
        .map(|verdict| (verdict.route, spatial(verdict)))
        .collect();
    assert_eq!(got, expected, "with {kbps} kbit/s");
}

#[test]
fn everybody_gets_a_small_picture_before_anybody_gets_a_big_one() {
    let claims = [claim(1, 0, &[150, 500, 1_700]), claim(2, 9, &[150, 500, 1_700])];
    check(&claims, 10_000, &[(2, Some(2)), (1, Some(2))]);
    check(&claims, 2_000, &[(2, Some(2)), (1, Some(0))]);
    check(&claims, 700, &[(2, Some(1)), (1, Some(0))]);
    check(&claims, 200, &[(2, Some(0)), (1, None)]);
    check(&claims, 100, &[(2, Some(0)), (1, None)]);
    check(&claims, 40, &[(2, None), (1, None)]);
}

#[test]
fn within_a_class_the_best_step_for_a_bit_goes_first() {
    let claims = [claim(1, 5, &[100, 900]), claim(2, 5, &[100, 300])];
    check(&claims, 500, &[(1, Some(0)), (2, Some(2))]);
    check(&claims, 1_200, &[(1, Some(2)), (2, Some(2))]);
}

#[test]
fn half_the_frames_are_a_step_of_their_own() {
    let choice = |temporal, kbps| Choice {
        point: LayerPoint { spatial: 0, temporal },
        bitrate: Bitrate::from_kbps(kbps),
    };
    let mut claims = [Claim {
        route: 1,
        priority: 0,
        choices: vec![choice(0, 60), choice(1, 90), choice(2, 150)],
    }];
    let verdicts = Allocator::default().allocate(&mut claims, Bitrate::from_kbps(120), Instant::now());
    assert_eq!(verdicts[0].point.map(|point| point.temporal), Some(1));
}

#[test]
fn a_track_without_packets_is_not_paused() {
    check(&[claim(1, 0, &[])], 50, &[(1, Some(2))]);
}

#[test]
fn what_was_lowered_waits_before_it_rises() {
    let start = Instant::now();
    let mut allocator = Allocator::default();
    let mut layer = |kbps, seconds| {
        let mut claims = [claim(1, 0, &[150, 500, 1_700])];
        let now = start + Duration::from_secs(seconds);
        spatial(&allocator.allocate(&mut claims, Bitrate::from_kbps(kbps), now)[0])
    };
    assert_eq!(layer(3_000, 0), Some(2));
    assert_eq!(layer(600, 1), Some(1));
    assert_eq!(layer(3_000, 2), Some(1), "too soon");
    assert_eq!(layer(3_000, 5), Some(2));
}

#[test]
fn a_layer_its_publisher_stopped_does_not_cool() {
    let start = Instant::now();
    let mut allocator = Allocator::default();
    let mut layer = |kbps: &[u64], seconds| {
        let now = start + Duration::from_secs(seconds);
        spatial(&allocator.allocate(&mut [claim(1, 0, kbps)], Bitrate::from_kbps(9_000), now)[0])
    };
    assert_eq!(layer(&[150, 500, 1_700], 0), Some(2));
    assert_eq!(layer(&[150], 1), Some(2), "open-ended");
    assert_eq!(layer(&[150, 500], 2), Some(2));
}

/// Estimates that wander a little do not make pictures change all the time, and no verdict costs more than there is.
#[test]
fn a_wandering_estimate_changes_little() {
    let start = Instant::now();
    let mut allocator = Allocator::default();
    let mut changes = 0;
    let mut before = Vec::new();
    for step in 0..600_u64 {
        let kbps = 2_000 + (step * 7_919) % 400;
        let mut claims = [
            claim(1, 9, &[150, 500, 1_700]),
            claim(2, 0, &[150, 500, 1_700]),
            claim(3, 0, &[150, 500, 1_700]),
        ];
        let now = start + Duration::from_millis(500 * step);
        let verdicts = allocator.allocate(&mut claims, Bitrate::from_kbps(kbps), now);
        let layers: Vec<_> = verdicts
            .iter()
            .map(|verdict| (verdict.route, spatial(verdict)))
            .collect();
        changes += usize::from(!before.is_empty() && before != layers);
        before = layers;
    }
    assert!(changes <= 40, "{changes} changes in five minutes");
}
