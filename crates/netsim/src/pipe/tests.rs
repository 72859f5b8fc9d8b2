use super::*;

const SECOND: Duration = Duration::from_secs(1);
const BYTES: usize = 1_222;

fn pipe(conditions: &str, seed: u64) -> Pipe<u32> {
    Pipe::new(conditions.parse().unwrap(), seed)
}

/// Sends `count` packets of 1,250 bytes with headers, one every `gap`, and gives what arrives and when.
fn run(pipe: &mut Pipe<u32>, count: u32, gap: Duration) -> Vec<(u32, Duration)> {
    let start = Instant::now();
    let mut arrived = Vec::new();
    for number in 0..count {
        let now = start + gap * number;
        collect(pipe, now, start, &mut arrived);
        pipe.handle_packet(number, BYTES, now);
    }
    collect(pipe, start + gap * count + 10 * SECOND, start, &mut arrived);
    assert_eq!(pipe.poll_timeout(), None);
    arrived
}

/// Takes what arrives until `end`, waking only when the pipe asks to be woken.
fn collect(pipe: &mut Pipe<u32>, end: Instant, start: Instant, arrived: &mut Vec<(u32, Duration)>) {
    while let Some(wake) = pipe.poll_timeout().filter(|wake| *wake <= end) {
        while let Some(arrival) = pipe.poll_packet(wake) {
            assert_eq!(arrival.due, wake, "nothing arrives before its time or late");
            arrived.push((arrival.packet, arrival.due - start));
        }
    }
}

#[track_caller]
fn check_share(count: u64, of: u64, expected: f64, tolerance: f64) {
    let share = count as f64 / of as f64;
    assert!(
        (share - expected).abs() < tolerance,
        "{share}, not {expected} ± {tolerance}"
    );
}

#[test]
fn a_perfect_network_passes_everything_at_once() {
    let arrived = run(&mut pipe("clear", 1), 100, Duration::from_millis(1));
    let expected: Vec<_> = (0..100)
        .map(|n| (n, Duration::from_millis(u64::from(n))))
        .collect();
    assert_eq!(arrived, expected);
}

#[test]
fn one_seed_has_one_outcome_whatever_the_bottleneck() {
    let conditions = "loss=10% bursts=1%/20% jitter=30ms duplicate=2%";
    let gap = Duration::from_millis(5);
    let once = run(&mut pipe(conditions, 7), 2_000, gap);
    assert_eq!(once, run(&mut pipe(conditions, 7), 2_000, gap));
    assert_ne!(once, run(&mut pipe(conditions, 8), 2_000, gap));
    let survivors = |arrived: &[(u32, Duration)]| {
        let mut numbers: Vec<u32> = arrived.iter().map(|(number, _)| *number).collect();
        numbers.sort_unstable();
        numbers
    };
    let narrow = run(&mut pipe(&format!("{conditions} rate=3M"), 7), 2_000, gap);
    assert_ne!(once, narrow);
    assert_eq!(survivors(&once), survivors(&narrow));
}

#[test]
fn chance_loses_its_share() {
    let mut pipe = pipe("loss=10%", 3);
    let arrived = run(&mut pipe, 50_000, Duration::from_micros(100));
    let stats = pipe.stats(Instant::now());
    check_share(stats.lost, stats.offered, 0.1, 0.005);
    assert_eq!(stats.lost + arrived.len() as u64, 50_000);
    assert_eq!(stats.dropped, 0);
}

#[test]
fn bursts_lose_their_share_in_spells_of_their_length() {
    let conditions: Conditions = "bursts=2%/25%".parse().unwrap();
    let mut pipe = Pipe::new(conditions, 4);
    let arrived = run(&mut pipe, 100_000, Duration::from_micros(100));
    let mean = conditions.bursts.unwrap().mean_loss();
    check_share(pipe.stats(Instant::now()).lost, 100_000, mean, 0.005);
    let spells = arrived
        .windows(2)
        .filter(|pair| pair[1].0 > pair[0].0 + 1)
        .count();
    let length = pipe.stats(Instant::now()).lost as f64 / spells as f64;
    assert!((length - 4.0).abs() < 0.2, "mean spell of {length}");

    let mut mild = Pipe::new("bursts=2%/25%/1%/50%".parse().unwrap(), 4);
    run(&mut mild, 100_000, Duration::from_micros(100));
    let mean = mild.conditions().bursts.unwrap().mean_loss();
    check_share(mild.stats(Instant::now()).lost, 100_000, mean, 0.005);
}

#[test]
fn jitter_overtakes_unless_it_may_not() {
    let gap = Duration::from_millis(5);
    let mut loose = pipe("delay=50ms jitter=40ms", 5);
    let arrived = run(&mut loose, 1_000, gap);
    assert!(arrived.windows(2).any(|pair| pair[1].0 < pair[0].0));
    assert!(loose.stats(Instant::now()).reordered > 100);
    for (number, at) in &arrived {
        let way = *at - gap * *number;
        assert!((50..=90).contains(&way.as_millis()), "{way:?}");
    }
    let mut strict = pipe("delay=50ms jitter=40ms reorder=no", 5);
    let arrived = run(&mut strict, 1_000, gap);
    assert!(arrived.windows(2).all(|pair| pair[0].0 < pair[1].0));
    assert_eq!(strict.stats(Instant::now()).reordered, 0);
}

#[test]
fn copies_arrive_as_often_as_asked() {
    let mut pipe = pipe("duplicate=5% jitter=10ms", 6);
    let arrived = run(&mut pipe, 20_000, Duration::from_millis(1));
    let stats = pipe.stats(Instant::now());
    check_share(stats.duplicated, stats.offered, 0.05, 0.005);
    assert_eq!(arrived.len() as u64, stats.offered + stats.duplicated);
}

#[test]
fn a_bottleneck_passes_its_rate_and_drops_the_rest() {
    // 1,250 bytes every 5 ms are 2 Mbit/s; half of it fits.
    let mut pipe = pipe("rate=1M queue=200ms", 7);
    let arrived = run(&mut pipe, 2_000, Duration::from_millis(5));
    let stats = pipe.stats(Instant::now());
    // What fits in ten seconds, and what was still waiting at their end.
    assert!((1_000..=1_021).contains(&arrived.len()), "{}", arrived.len());
    assert_eq!(stats.dropped + arrived.len() as u64, 2_000);
    assert!(stats.longest_wait <= Duration::from_millis(210));
    assert!(stats.longest_wait >= Duration::from_millis(190));
    let gaps = arrived.windows(2).map(|pair| pair[1].1 - pair[0].1);
    assert!(gaps.into_iter().all(|gap| gap >= Duration::from_millis(10)));
}

#[test]
fn a_queue_may_be_bounded_in_bytes() {
    let mut pipe = pipe("rate=1M queue=5kB", 8);
    let now = Instant::now();
    for number in 0..10 {
        pipe.handle_packet(number, BYTES, now);
    }
    assert_eq!(pipe.queued_bytes(now), 5_000);
    assert_eq!(pipe.stats(now).dropped, 6);
    let mut tiny = Pipe::new("rate=1M queue=0B".parse().unwrap(), 8);
    tiny.handle_packet(0, BYTES, now);
    assert_eq!(tiny.stats(now).dropped, 0, "a packet alone has room");
}

#[test]
fn what_waits_meets_the_new_rate() {
    let now = Instant::now();
    let ms = Duration::from_millis;
    let mut pipe = pipe("rate=1M queue=10s", 9);
    for number in 0..10 {
        pipe.handle_packet(number, BYTES, now);
    }
    assert_eq!(pipe.wait(now), ms(100));
    // Half of the first is through; what is left, nine and a half packets, takes ten times as long.
    let mut slower = *pipe.conditions();
    slower.rate = Some(100_000);
    pipe.change(slower, now + ms(5));
    assert_eq!(pipe.wait(now + ms(5)), ms(950));
    assert_eq!(pipe.poll_timeout(), Some(now + ms(55)));
    let mut faster = slower;
    faster.rate = Some(10_000_000);
    pipe.change(faster, now + ms(55));
    assert_eq!(pipe.poll_packet(now + ms(55)).unwrap().packet, 0);
    assert_eq!(pipe.wait(now + ms(55)), ms(9));
    let mut open = faster;
    open.rate = None;
    pipe.change(open, now + ms(56));
    let rest: Vec<u32> =
        std::iter::from_fn(|| pipe.poll_packet(now + ms(56)).map(|arrival| arrival.packet)).collect();
    assert_eq!(rest, (1..10).collect::<Vec<_>>());
    assert_eq!(
        (pipe.poll_timeout(), pipe.wait(now + ms(56))),
        (None, Duration::ZERO)
    );
}

#[test]
fn the_recent_wait_is_told_once() {
    let now = Instant::now();
    let mut pipe = pipe("rate=1M queue=1s", 10);
    for number in 0..5 {
        pipe.handle_packet(number, BYTES, now);
    }
    let later = now + SECOND;
    assert_eq!(pipe.take_recent_wait(later), Duration::from_millis(40));
    assert_eq!(pipe.take_recent_wait(later), Duration::ZERO);
    assert_eq!(pipe.stats(later).longest_wait, Duration::from_millis(40));
}

#[test]
fn a_pipe_holds_a_bounded_number_of_packets() {
    let now = Instant::now();
    let mut pipe = pipe("delay=3600s", 11);
    for number in 0..30_000 {
        pipe.handle_packet(number, 0, now);
    }
    assert_eq!(pipe.stats(now).dropped, 30_000 - MOST_HELD as u64);
}
