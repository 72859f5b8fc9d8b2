use std::collections::BTreeMap;

use tertulia_rtp::{DependencyReader, Rewrite};

use super::*;

const fn shape(mode: Mode, spatial: u8) -> Shape {
    Shape {
        kind: Kind::Described,
        mode,
        spatial,
        temporal: 3,
    }
}

const SHAPES: [(Shape, usize); 5] = [
    (shape(Mode::Full, 3), 1),
    (shape(Mode::Key, 3), 1),
    (shape(Mode::Independent, 3), 1),
    (shape(Mode::Full, 1), 3),
    (shape(Mode::Key, 2), 2),
];

/// A receiver without losses reads every descriptor, finds each frame's references by number, and is told of the decode
/// target it gets.
fn check_descriptors(rig: &Rig) {
    let mut reader = DependencyReader::default();
    let mut numbers: BTreeMap<(usize, usize), u16> = BTreeMap::new();
    let mut ordered: Vec<_> = rig.sent.iter().collect();
    ordered.sort_by_key(|sent| sent.placed.sequence);
    for sent in ordered {
        let read = reader.read(sent.descriptor.as_ref().unwrap()).unwrap();
        let frame = &rig.frames[sent.frame];
        assert_eq!(read.layer, frame.layer);
        let number = *numbers
            .entry((sent.epoch, sent.frame))
            .or_insert(read.frame as u16);
        assert_eq!(number, read.frame as u16, "a frame is numbered once");
        let found: Vec<u16> = read
            .references
            .iter()
            .map(|back| number.wrapping_sub(back))
            .collect();
        let expected: Vec<u16> = frame
            .references
            .iter()
            .filter_map(|reference| numbers.get(&(sent.epoch, *reference)).copied())
            .collect();
        assert!(
            expected.iter().all(|number| found.contains(number)),
            "{frame:?}: {found:?} are not {expected:?}"
        );
        let gets = |target: u8| read.active >> target & 1 == 1 && read.indications.present >> target & 1 == 1;
        assert!(
            read.carries_structure() || (0..read.targets.count()).any(gets),
            "{frame:?} is of none of the targets {:b}",
            read.active
        );
    }
    let mut all: Vec<u16> = numbers.values().copied().collect();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), numbers.len(), "numbers differ");
}

/// Whatever was lost or left out, frame numbers differ within a source as its publisher's do, and go on by one behind a
/// switch.
fn check_frame_numbers(rig: &Rig) {
    let mut places = BTreeMap::new();
    let mut counts = BTreeMap::<usize, i64>::new();
    for (index, frame) in rig.frames.iter().enumerate() {
        let count = counts.entry(frame.encoding).or_default();
        places.insert(index, *count);
        *count += 1;
    }
    let mut newest: Option<(usize, i64, u16)> = None;
    for sent in &rig.sent {
        let Rewrite::Descriptor(rewrite) = sent.placed.rewrite else {
            panic!("a descriptor is rewritten");
        };
        let (place, number) = (places[&sent.frame], rewrite.frame_number);
        if let Some((epoch, before, known)) = newest {
            let step = i64::from(number.wrapping_sub(known) as i16);
            let expected = if epoch == sent.epoch { place - before } else { 1 };
            assert_eq!(step, expected, "{:?}", rig.frames[sent.frame]);
            if step < 0 {
                continue;
            }
        }
        newest = Some((sent.epoch, place, number));
    }
}

#[test]
fn a_dependent_layer_is_left_at_the_next_picture_and_entered_at_a_keyframe() {
    let mut rig = Rig::new(shape(Mode::Full, 3), 1, Network::default(), 1);
    rig.aim(aim(0, 2, 2));
    rig.run(6);
    rig.aim(aim(0, 0, 1));
    assert_eq!(rig.selector.waiting_for(), None);
    rig.run(1);
    assert_eq!(rig.selector.current(), aim(0, 0, 1));
    assert_eq!(rig.selector.decode_targets(), 0b011);
    rig.aim(aim(0, 1, 2));
    assert_eq!(rig.selector.waiting_for(), Some(0));
    rig.run(1);
    assert_eq!(rig.selector.current(), aim(0, 1, 2));
    rig.check_markers();
    check_descriptors(&rig);
}

#[test]
fn independent_layers_come_alone_but_for_the_structure() {
    for mode in [Mode::Key, Mode::Independent] {
        let mut rig = Rig::new(shape(mode, 3), 1, Network::default(), 1);
        rig.aim(aim(0, 2, 2));
        rig.run(6);
        let alone = |frame: usize| rig.frames[frame].key || rig.frames[frame].layer.spatial == 2;
        assert!(rig.sent.iter().all(|sent| alone(sent.frame)));
        rig.aim(aim(0, 0, 2));
        assert_eq!(rig.selector.waiting_for(), Some(0));
        rig.run(2);
        assert_eq!(rig.selector.current(), aim(0, 0, 2));
        rig.check_markers();
        check_descriptors(&rig);
    }
}

#[test]
fn a_chain_whose_frame_does_not_come_calls_for_a_keyframe() {
    let mut rig = Rig::new(shape(Mode::Full, 1), 1, Network::default(), 1);
    rig.aim(aim(0, 0, 2));
    rig.run(4);
    rig.network.lost = 100;
    rig.run(1);
    rig.network.lost = 0;
    rig.run(40);
    assert_eq!(rig.selector.waiting_for(), None, "it may still be repaired");
    let keys = |rig: &Rig| rig.frames.iter().filter(|frame| frame.key).count();
    let before = keys(&rig);
    rig.run(40);
    assert_eq!(keys(&rig), before + 1);
    assert_eq!(rig.selector.waiting_for(), None);
}

#[test]
fn a_layer_that_the_publisher_takes_up_again_needs_no_keyframe() {
    take_up_again(Kind::Described);
}

#[test]
fn a_key_picture_whose_beginning_comes_last_is_entered_at_once() {
    enter_overtaken(Kind::Described);
}

#[test]
fn every_aim_is_reached() {
    for (shape, encodings) in SHAPES {
        for seed in 0..3 {
            reach_all(shape, encodings, seed);
        }
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn nothing_is_sent_without_what_it_needs(
        pick in 0..SHAPES.len(),
        seed in any::<u64>(),
        network in networks(),
    ) {
        let (shape, encodings) = SHAPES[pick];
        let rig = roam(shape, encodings, network, seed);
        check_frame_numbers(&rig);
        if network.lost + network.repaired + network.jitter == 0 {
            check_descriptors(&rig);
        }
    }
}
