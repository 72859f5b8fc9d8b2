use std::collections::BTreeMap;

use tertulia_rtp::Vp9Descriptor;

use super::*;

fn shape(mode: Mode, spatial: u8, flexible: bool, up: UpBit) -> Shape {
    Shape {
        kind: Kind::Vp9 { flexible, up },
        mode,
        spatial,
        temporal: 3,
    }
}

fn shapes() -> Vec<(Shape, usize)> {
    let mut shapes = Vec::new();
    for flexible in [false, true] {
        for up in [UpBit::After, UpBit::At] {
            for mode in [Mode::Full, Mode::Key, Mode::Independent] {
                shapes.push((shape(mode, 3, flexible, up), 1));
            }
            shapes.push((shape(Mode::Independent, 1, flexible, up), 3));
        }
    }
    shapes
}

/// Picture ids keep their differences within a source and go on by one behind a switch; level-zero indices rise.
fn check_numbers(rig: &Rig) {
    let mut pictures = BTreeMap::new();
    for sent in &rig.sent {
        let descriptor = Vp9Descriptor::parse(&sent.payload).unwrap();
        let frame = &rig.frames[sent.frame];
        let numbers = (descriptor.picture_id.unwrap(), descriptor.tl0_pic_idx);
        let known = *pictures.entry((sent.epoch, frame.picture)).or_insert(numbers);
        assert_eq!(known, numbers, "a picture is numbered once");
    }
    let pictures: Vec<_> = pictures.into_iter().collect();
    for pair in pictures.windows(2) {
        let [((before, from), one), ((after, to), next)] = [pair[0], pair[1]];
        let step = u64::from(next.0.wrapping_sub(one.0) & 0x7fff);
        if before == after {
            assert_eq!(step, to - from, "references stay right: {pair:?}");
        } else {
            assert_eq!(step, 1, "{pair:?}");
        }
        if let (Some(one), Some(next)) = (one.1, next.1) {
            assert!(next.wrapping_sub(one) < 100, "level-zero indices rise: {pair:?}");
        }
    }
}

#[test]
fn a_dependent_layer_is_left_at_the_next_picture_and_entered_at_a_key_picture() {
    let mut rig = Rig::new(
        shape(Mode::Full, 3, false, UpBit::After),
        1,
        Network::default(),
        1,
    );
    rig.aim(aim(0, 2, 2));
    rig.run(6);
    rig.aim(aim(0, 0, 2));
    assert_eq!(rig.selector.waiting_for(), None);
    rig.run(1);
    assert_eq!(rig.selector.current(), aim(0, 0, 2));
    rig.aim(aim(0, 1, 2));
    assert_eq!(rig.selector.waiting_for(), Some(0));
    rig.run(1);
    assert_eq!(rig.selector.current(), aim(0, 1, 2));
    rig.check_markers();
    rig.check_references();
}

#[test]
fn layers_that_are_independent_between_key_pictures_come_alone_and_are_left_at_one() {
    for mode in [Mode::Key, Mode::Independent] {
        let mut rig = Rig::new(shape(mode, 3, true, UpBit::At), 1, Network::default(), 1);
        rig.aim(aim(0, 2, 2));
        rig.run(6);
        // The first picture behind the key picture shows that the layers are independent.
        let alone = |frame: usize| rig.frames[frame].picture < 2 || rig.frames[frame].layer.spatial == 2;
        assert!(rig.sent.iter().all(|sent| alone(sent.frame)));
        rig.aim(aim(0, 1, 2));
        assert_eq!(rig.selector.waiting_for(), Some(0));
        assert_eq!(rig.selector.current(), aim(0, 2, 2));
        rig.run(2);
        assert_eq!(rig.selector.current(), aim(0, 1, 2));
        rig.check_markers();
    }
}

#[test]
fn an_aim_above_all_layers_is_no_reason_to_ask_for_keyframes() {
    for mode in [Mode::Full, Mode::Key] {
        let mut rig = Rig::new(shape(mode, 2, false, UpBit::After), 1, Network::default(), 1);
        rig.aim(aim(0, 7, 7));
        rig.run(8);
        assert_eq!(rig.selector.waiting_for(), None);
        assert_eq!(rig.selector.current(), aim(0, 1, 7));
        rig.check_settled(
            Aim {
                encoding: 0,
                spatial: 1,
                temporal: 7,
            },
            3,
        );
    }
}

#[test]
fn a_keyframe_is_waited_for_when_the_only_layer_that_passes_ends() {
    let mut rig = Rig::new(shape(Mode::Key, 3, false, UpBit::After), 1, Network::default(), 1);
    rig.aim(aim(0, 2, 2));
    rig.run(6);
    rig.limit(2);
    rig.run(8);
    assert!(
        rig.frames
            .iter()
            .skip(1)
            .any(|frame| frame.key && frame.picture > 6)
    );
    assert_eq!(rig.selector.waiting_for(), None);
    let sent = rig.sent.len();
    rig.run(4);
    assert!(
        rig.sent[sent..]
            .iter()
            .any(|sent| rig.frames[sent.frame].layer.spatial == 1)
    );
}

#[test]
fn a_layer_that_the_publisher_takes_up_again_needs_no_keyframe() {
    take_up_again(Kind::Vp9 {
        flexible: false,
        up: UpBit::At,
    });
}

#[test]
fn a_key_picture_whose_beginning_comes_last_is_entered_at_once() {
    enter_overtaken(Kind::Vp9 {
        flexible: true,
        up: UpBit::At,
    });
}

#[test]
fn every_aim_is_reached() {
    for (shape, encodings) in shapes() {
        for seed in 0..2 {
            reach_all(shape, encodings, seed);
        }
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn nothing_is_sent_without_what_it_needs(
        pick in any::<proptest::sample::Index>(),
        seed in any::<u64>(),
        network in networks(),
    ) {
        let shapes = shapes();
        let (shape, encodings) = shapes[pick.index(shapes.len())];
        let rig = roam(shape, encodings, network, seed);
        check_numbers(&rig);
    }
}
