use std::collections::BTreeMap;

use tertulia_rtp::Vp8Descriptor;

use super::*;

const SHAPE: Shape = Shape {
    kind: Kind::Vp8,
    mode: Mode::Independent,
    spatial: 1,
    temporal: 3,
};

/// Picture ids, level-zero and key indices in the order of the pictures.
fn check_numbers(rig: &Rig, perfect: bool) {
    let mut pictures = BTreeMap::new();
    for sent in &rig.sent {
        let descriptor = Vp8Descriptor::parse(&sent.payload).unwrap();
        let frame = &rig.frames[sent.frame];
        let numbers = (
            descriptor.picture_id.unwrap(),
            descriptor.tl0_pic_idx.unwrap(),
            descriptor.key_idx.unwrap(),
            frame.layer.temporal,
            frame.key,
        );
        let place = (sent.epoch, frame.picture);
        let known = *pictures.entry(place).or_insert(numbers);
        assert_eq!(known, numbers, "a picture is numbered once");
    }
    let pictures: Vec<_> = pictures.into_values().collect();
    for pair in pictures.windows(2) {
        let step = pair[1].0.wrapping_sub(pair[0].0) & 0x7fff;
        let lowest = pair[1].1.wrapping_sub(pair[0].1);
        let keys = pair[1].2.wrapping_sub(pair[0].2) & 0x1f;
        assert!((1..100).contains(&step), "ids rise: {pair:?}");
        assert!(lowest < 100, "level-zero indices rise: {pair:?}");
        if perfect {
            assert_eq!(step, 1, "ids have no gap: {pair:?}");
            assert_eq!(lowest, u8::from(pair[1].3 == 0), "{pair:?}");
            assert_eq!(keys, u16::from(pair[1].4) as u8, "{pair:?}");
        }
    }
}

#[test]
fn the_old_encoding_flows_until_the_new_one_can_be_entered() {
    let mut rig = Rig::new(SHAPE, 3, Network::default(), 1);
    rig.aim(aim(0, 0, 2));
    rig.run(5);
    assert_eq!(rig.selector.current(), aim(0, 0, 2));
    rig.aim(aim(2, 0, 2));
    assert_eq!(rig.selector.waiting_for(), Some(2));
    assert!(rig.selector.looks_at(0) && rig.selector.looks_at(2) && !rig.selector.looks_at(1));
    assert_eq!(rig.selector.current(), aim(0, 0, 2));
    rig.run(1);
    assert_eq!(rig.selector.current(), aim(2, 0, 2));
    assert_eq!(rig.selector.waiting_for(), None);
}

#[test]
fn aiming_at_nothing_stops_at_once_and_goes_on_at_a_keyframe() {
    let mut rig = Rig::new(SHAPE, 1, Network::default(), 1);
    rig.aim(aim(0, 0, 2));
    rig.run(5);
    let sent = rig.sent.len();
    rig.aim(None);
    rig.run(5);
    assert_eq!(rig.sent.len(), sent);
    assert_eq!(rig.selector.current(), None);
    rig.aim(aim(0, 0, 2));
    rig.run(5);
    let again = &rig.frames[rig.sent[sent].frame];
    assert!(again.key);
    rig.check_sequences();
    check_numbers(&rig, true);
}

#[test]
fn a_faster_layer_is_left_at_once_and_entered_where_it_needs_none_of_itself() {
    let mut rig = Rig::new(SHAPE, 1, Network::default(), 3);
    rig.aim(aim(0, 0, 2));
    rig.run(8);
    rig.aim(aim(0, 0, 0));
    let from = rig.frames.len();
    rig.run(8);
    let slow = |frame: usize| rig.frames[frame].layer.temporal == 0;
    assert!(
        rig.sent
            .iter()
            .filter(|sent| sent.frame >= from)
            .all(|sent| slow(sent.frame))
    );
    rig.aim(aim(0, 0, 2));
    rig.run(60);
    assert_eq!(rig.selector.current(), aim(0, 0, 2));
    rig.check_references();
    check_numbers(&rig, true);
}

#[test]
fn every_aim_is_reached() {
    for seed in 0..6 {
        reach_all(SHAPE, 3, seed);
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn nothing_is_sent_without_what_it_needs(seed in any::<u64>(), network in networks()) {
        let rig = roam(SHAPE, 3, network, seed);
        check_numbers(&rig, network.lost + network.repaired + network.jitter == 0);
    }
}
