use rand::SeedableRng;

use super::*;

fn video() -> (VideoSource, Instant) {
    let start = Instant::now();
    let random = &mut StdRng::seed_from_u64(1);
    (VideoSource::new(3, VideoProfile::camera(), start, random), start)
}

fn frame(source: &mut VideoSource) -> Vec<Outgoing> {
    let mut out = Vec::new();
    source.make(source.due(), 42, &mut out);
    out
}

fn keys(packets: &[Outgoing]) -> Vec<usize> {
    (packets.iter())
        .filter(|packet| Stamp::read(&packet.payload).is_some_and(|stamp| stamp.key && stamp.packet == 0))
        .map(|packet| packet.layer)
        .collect()
}

#[test]
fn a_camera_begins_with_key_frames_and_gives_more_when_asked() {
    let (mut source, _) = video();
    assert_eq!(keys(&frame(&mut source)), [0, 1, 2]);
    assert_eq!(keys(&frame(&mut source)), [0; 0]);
    source.request_key_frame(Some("h"));
    assert_eq!(keys(&frame(&mut source)), [1]);
    source.request_key_frame(None);
    assert_eq!(keys(&frame(&mut source)), [0, 1, 2]);
    assert_eq!(source.key_frames(), 7);
}

#[test]
fn a_layer_that_resumes_begins_with_a_key_frame() {
    let (mut source, _) = video();
    frame(&mut source);
    source.set_active(&["q".to_owned()]);
    assert!(frame(&mut source).iter().all(|packet| packet.layer == 0));
    source.set_active(&["q".to_owned(), "f".to_owned()]);
    assert_eq!(keys(&frame(&mut source)), [2]);
}

#[test]
fn each_layer_counts_on_its_own_and_marks_the_last_packet() {
    let (mut source, _) = video();
    let (first, second) = (frame(&mut source), frame(&mut source));
    for layer in 0..3 {
        let of = |packets: &[Outgoing]| -> Vec<Outgoing> {
            packets
                .iter()
                .filter(|packet| packet.layer == layer)
                .cloned()
                .collect()
        };
        let (first, second) = (of(&first), of(&second));
        let sequences: Vec<u64> = first
            .iter()
            .chain(&second)
            .map(|packet| packet.sequence)
            .collect();
        assert!(sequences.windows(2).all(|pair| pair[1] == pair[0] + 1));
        for packets in [&first, &second] {
            let (last, others) = packets.split_last().unwrap();
            assert!(last.marker && others.iter().all(|packet| !packet.marker));
        }
        assert_eq!(second[0].timestamp.wrapping_sub(first[0].timestamp), 2_999);
        let id = |packets: &[Outgoing]| Vp8Descriptor::read(&packets[0].payload).unwrap().picture_id;
        assert_eq!((id(&first) + 1) % PICTURE_IDS, id(&second));
    }
}

#[test]
fn redundant_audio_ends_with_the_primary_packet() {
    let start = Instant::now();
    let random = &mut StdRng::seed_from_u64(1);
    let mut source = AudioSource::new(0, 2, AudioProfile::speech(true), start, random);
    let mut out = Vec::new();
    for _ in 0..2 {
        source.make(start, 1, &mut out);
    }
    assert!(!out[0].red && out[1].red);
    assert_eq!(out[1].payload.len(), 4 + 1 + 2 * 80);
    assert_eq!(out[1].payload[5..85], out[0].payload[..]);
    assert_eq!(Stamp::read(&out[1].payload).map(|stamp| stamp.frame), Some(1));
}

#[test]
fn clients_take_turns_to_speak() {
    let start = Instant::now();
    let random = &mut StdRng::seed_from_u64(1);
    let mut out = Vec::new();
    for index in 0..2 {
        let mut source = AudioSource::new(index, 2, AudioProfile::speech(false), start, random);
        source.make(start, 5_000_000_000, &mut out);
    }
    let voices: Vec<bool> = out.iter().map(|packet| packet.level.unwrap().1).collect();
    assert_eq!(voices, [false, true]);
}

#[test]
fn a_late_beat_does_not_move_the_next() {
    let start = Instant::now();
    let interval = Duration::from_millis(20);
    let mut beat = Beat {
        next: start,
        interval,
    };
    beat.advance(start + Duration::from_millis(15));
    assert_eq!(beat.next, start + interval);
    beat.advance(start + Duration::from_secs(9));
    assert_eq!(beat.next, start + Duration::from_secs(9) + interval);
}
