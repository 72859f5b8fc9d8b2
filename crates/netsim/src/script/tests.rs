use super::*;

#[track_caller]
fn check(text: &str, expected: Conditions) {
    let read: Conditions = text.parse().unwrap();
    assert_eq!(read, expected, "{text}");
    let again: Conditions = read.to_string().parse().unwrap();
    assert_eq!(again, read, "{read}");
}

#[test]
fn settings_are_read_and_written_alike() {
    let perfect = Conditions::default();
    check("clear", perfect);
    check(
        "delay=1.5s jitter=250us reorder=no",
        Conditions {
            delay: Duration::from_millis(1_500),
            jitter: Duration::from_micros(250),
            reorder: false,
            ..perfect
        },
    );
    check(
        "loss=5% duplicate=0.25 bursts=1%/25%",
        Conditions {
            loss: 0.05,
            duplicate: 0.25,
            bursts: Some(Bursts {
                begin: 0.01,
                end: 0.25,
                good_loss: 0.0,
                bad_loss: 1.0,
            }),
            ..perfect
        },
    );
    check(
        "rate=1.5M queue=64kB",
        Conditions {
            rate: Some(1_500_000),
            queue: QueueLimit::Bytes(64_000),
            ..perfect
        },
    );
    check(
        "rate=500k rate=none queue=50ms loss=1 loss=0%",
        Conditions {
            queue: QueueLimit::Time(Duration::from_millis(50)),
            ..perfect
        },
    );
}

#[test]
fn a_script_keeps_what_a_step_does_not_name() {
    let script: Script = "
        # A tunnel.
        at 10s both clear
        at 2s  both delay=30ms
        at 5s  down rate=500k   # the tunnel
    "
    .parse()
    .unwrap();
    let mut path = Path::default();
    let mut seen = Vec::new();
    for step in script.steps() {
        step.side.apply(&step.change, &mut path);
        seen.push((
            step.at.as_secs(),
            path.up.delay.as_millis(),
            path.up.rate,
            path.down.delay.as_millis(),
            path.down.rate,
        ));
    }
    assert_eq!(
        seen,
        [
            (2, 30, None, 30, None),
            (5, 30, None, 30, Some(500_000)),
            (10, 0, None, 0, None)
        ]
    );
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    for (text, part) in [
        ("at 1s", "a step begins"),
        ("5s down rate=1M", "a step begins"),
        ("at soon down rate=1M", "time of a step"),
        ("at 1s left rate=1M", "`left`"),
        ("at 1s down", "nothing to change"),
        ("at 1s down speed=1M", "no setting `speed=1M`"),
        ("at 1s down loss=101%", "`101%` is no value for loss"),
        ("at 1s down loss=-1%", "`-1%`"),
        ("at 1s down loss=NaN", "`NaN`"),
        ("at 1s down delay=5", "`5` is no value for delay"),
        ("at 1s down delay=9999999s", "an hour at most"),
        ("at 1s down rate=inf", "`inf`"),
        ("at 1s down rate=9999999G", "`9999999G`"),
        ("at 1s down bursts=1%", "begin/end"),
        ("at 1s down queue=some", "64kB"),
    ] {
        let error = format!("at 0s both clear\n{text}").parse::<Script>().unwrap_err();
        let ScriptError::Line { line: 2, source } = error else {
            panic!("{text}: {error:?}");
        };
        assert!(source.to_string().contains(part), "{text}: {source}");
    }
    let long = "at 1s up clear\n".repeat(MOST_STEPS + 1);
    assert_eq!(long.parse::<Script>(), Err(ScriptError::TooLong));
}
