use super::structure::MAX_TARGETS;
use super::*;
use crate::descriptor::DescriptorError;
use proptest::prelude::*;

/// Indications from the letters of the specification's tables: `-` not present, D, S, R; the first is target 0.
fn indications(letters: &str) -> Indications {
    let mut indications = Indications::default();
    for (target, letter) in letters.chars().enumerate() {
        let bit = 1 << target;
        indications.present |= if letter == '-' { 0 } else { bit };
        indications.switch |= if letter == 'S' { bit } else { 0 };
        indications.discardable |= if letter == 'D' { bit } else { 0 };
    }
    indications
}

fn references(differences: &[u16]) -> References {
    let mut references = References::default();
    for difference in differences {
        assert!(references.push(*difference));
    }
    references
}

fn template(spatial: u8, temporal: u8, letters: &str, differences: &[u16], chains: &[u8]) -> Template {
    Template {
        spatial,
        temporal,
        indications: indications(letters),
        references: references(differences),
        chains: chains.to_vec(),
    }
}

/// One spatial and two temporal layers, as RTP Payload Format For AV1 §A.10.1 shows it.
fn l1t2() -> DependencyStructure {
    DependencyStructure {
        template_offset: 0,
        targets: 2,
        protected_by: vec![0, 0],
        chains: 1,
        templates: vec![
            template(0, 0, "SS", &[], &[0]),
            template(0, 0, "SS", &[2], &[2]),
            template(0, 1, "-D", &[1], &[1]),
        ],
        resolutions: vec![(639, 359)],
    }
}

/// Two spatial and two temporal layers, all dependent.
fn l2t2() -> DependencyStructure {
    DependencyStructure {
        template_offset: 60,
        targets: 4,
        protected_by: vec![0, 0, 1, 1],
        chains: 2,
        templates: vec![
            template(0, 0, "SSSS", &[], &[0, 0]),
            template(0, 0, "SSRR", &[4], &[4, 3]),
            template(0, 1, "-D-R", &[2], &[2, 1]),
            template(1, 0, "--SS", &[1], &[1, 1]),
            template(1, 0, "--SS", &[4, 1], &[1, 1]),
            template(1, 1, "---D", &[2, 1], &[3, 2]),
        ],
        resolutions: Vec::new(),
    }
}

fn written(frame: &FrameDescription, structure: &DependencyStructure) -> Vec<u8> {
    let mut buffer = [0xaa; 256];
    write_descriptor(frame, structure, &mut buffer).unwrap().to_vec()
}

fn key(frame_number: u16) -> FrameDescription {
    FrameDescription {
        starts_frame: true,
        frame_number,
        attach: true,
        ..FrameDescription::default()
    }
}

#[test]
fn bytes_are_those_of_the_specification() {
    let structure = l1t2();
    // Mandatory fields; flags 10000; offset 0, two targets, layers 0 1 3; indications SS SS -D; differences none, 2, 1;
    // one chain that protects both, differences 0 2 1; a size.
    let bits = "10 000000 0000000000000111 10000 000000 00001 00 01 11 1010 1010 0001 0 100010 100000 \
                10 0000 0010 0001 1 0000001001111111 0000000101100111";
    let bits: Vec<u8> = bits
        .bytes()
        .filter(|bit| *bit != b' ')
        .map(|bit| bit - b'0')
        .collect();
    let expected: Vec<u8> = bits
        .chunks(8)
        .map(|byte| {
            byte.iter()
                .enumerate()
                .fold(0, |sum, (at, bit)| sum | bit << (7 - at))
        })
        .collect();
    assert_eq!(written(&key(7), &structure), expected);
    let delta = FrameDescription {
        ends_frame: true,
        template: 2,
        frame_number: 0x0102,
        ..FrameDescription::default()
    };
    assert_eq!(written(&delta, &structure), [0x42, 0x01, 0x02]);
}

#[test]
fn a_packet_is_described_by_its_template() {
    let structure = l2t2();
    let mut reader = DependencyReader::default();
    let first = reader.read(&written(&key(0xfffe), &structure)).unwrap();
    assert!(first.starts_keyframe() && first.carries_structure() && !first.carries_active);
    assert_eq!(first.targets.count(), 4);
    assert_eq!(first.active, 0b1111);
    assert_eq!(
        first.targets.layer(2),
        Layer {
            spatial: 1,
            temporal: 0
        }
    );
    assert_eq!(
        first.targets.layer(3),
        Layer {
            spatial: 1,
            temporal: 1
        }
    );
    assert_eq!((first.targets.chain(1), first.targets.chain(2)), (0, 1));
    let upper = FrameDescription {
        template: 5,
        frame_number: 3,
        ends_frame: true,
        ..FrameDescription::default()
    };
    let upper = reader.read(&written(&upper, &structure)).unwrap();
    assert_eq!(upper.frame, first.frame + 5, "numbers go on beyond 16 bits");
    assert_eq!(
        upper.layer,
        Layer {
            spatial: 1,
            temporal: 1
        }
    );
    assert_eq!(upper.indications, indications("---D"));
    assert_eq!(upper.references.iter().collect::<Vec<_>>(), [2, 1]);
    assert_eq!(upper.chains[..2], [3, 2]);
    assert_eq!(upper.structure, first.structure);
    assert!(!upper.starts_frame && upper.ends_frame);
}

#[test]
fn what_a_frame_says_itself_goes_before_its_template() {
    let structure = l2t2();
    let mut reader = DependencyReader::default();
    reader.read(&written(&key(1), &structure)).unwrap();
    let own = FrameDescription {
        template: 4,
        frame_number: 9,
        indications: Some(indications("S-RD")),
        references: Some(references(&[1, 17, 300, 4096])),
        chains: Some(vec![200, 5]),
        active: Some(0b0011),
        ..FrameDescription::default()
    };
    let read = reader.read(&written(&own, &structure)).unwrap();
    assert_eq!(read.indications, indications("S-RD"));
    assert_eq!(read.references.iter().collect::<Vec<_>>(), [1, 17, 300, 4096]);
    assert_eq!(read.chains[..2], [200, 5]);
    assert!(read.carries_active);
    assert_eq!(read.active, 0b0011);
    let plain = FrameDescription {
        template: 1,
        frame_number: 10,
        ..FrameDescription::default()
    };
    let read = reader.read(&written(&plain, &structure)).unwrap();
    assert_eq!(read.active, 0b0011, "stays until it is told again");
    let again = reader.read(&written(&key(11), &structure)).unwrap();
    assert_eq!(again.active, 0b1111, "a structure makes every target active");
}

#[test]
fn a_late_packet_is_described_by_the_structure_of_its_time() {
    let mut reader = DependencyReader::default();
    let (old, new) = (l1t2(), l2t2());
    let first = reader.read(&written(&key(10), &old)).unwrap();
    let second = reader.read(&written(&key(20), &new)).unwrap();
    assert_ne!(first.structure, second.structure);
    let late = FrameDescription {
        template: 2,
        frame_number: 12,
        ..FrameDescription::default()
    };
    let read = reader.read(&written(&late, &old)).unwrap();
    assert_eq!((read.structure, read.targets.count()), (first.structure, 2));
    assert_eq!(reader.structure(), Some(&new));
    let again = reader.read(&written(&key(10), &old)).unwrap();
    assert_eq!(again.structure, first.structure, "its beginning may be repeated");
    let other = DependencyStructure {
        template_offset: 9,
        ..l1t2()
    };
    assert_eq!(
        reader.read(&written(&key(15), &other)),
        Err(DescriptorError::NoStructure)
    );
    let again = reader.read(&written(&key(30), &new)).unwrap();
    assert_eq!(
        again.structure, second.structure,
        "the same structure again is no other"
    );
}

#[test]
fn refuses_what_no_structure_describes() {
    let structure = l1t2();
    let mut reader = DependencyReader::default();
    let delta = written(
        &FrameDescription {
            template: 1,
            ..FrameDescription::default()
        },
        &structure,
    );
    assert_eq!(reader.read(&delta), Err(DescriptorError::NoStructure));
    reader.read(&written(&key(1), &structure)).unwrap();
    assert_eq!(reader.read(&[0x03, 0, 2]), Err(DescriptorError::UnknownTemplate));
    assert_eq!(reader.read(&[0x3f, 0, 2]), Err(DescriptorError::UnknownTemplate));
    let bytes = written(&key(2), &structure);
    for cut in (0..bytes.len()).filter(|cut| *cut != 3) {
        let read = DependencyReader::default().read(&bytes[..cut]);
        assert_eq!(read, Err(DescriptorError::CutShort), "cut at {cut}");
    }
}

#[test]
fn refuses_layers_templates_and_references_without_end() {
    let mandatory = "1000000000000000000000001000000000000000";
    let read = |bits: &str| {
        let bits: Vec<u8> = bits.bytes().map(|bit| bit - b'0').chain([0; 2_000]).collect();
        let bytes: Vec<u8> = bits
            .chunks(8)
            .map(|byte| {
                byte.iter()
                    .enumerate()
                    .fold(0, |sum, (at, bit)| sum | bit << (7 - at))
            })
            .collect();
        DependencyReader::default().read(&bytes)
    };
    let spatial = format!("{mandatory}{}", "10".repeat(4));
    assert_eq!(read(&spatial), Err(DescriptorError::LayerOutOfRange));
    let temporal = format!("{mandatory}{}", "01".repeat(8));
    assert_eq!(read(&temporal), Err(DescriptorError::LayerOutOfRange));
    assert_eq!(read(mandatory), Err(DescriptorError::TooManyTemplates));
    let references = format!("{mandatory}1110{}", "10000".repeat(9));
    assert_eq!(read(&references), Err(DescriptorError::TooManyReferences));
}

#[test]
fn a_rewrite_changes_numbers_in_place() {
    let structure = l2t2();
    let bytes = written(&key(0x1234), &structure);
    let rewrite = DescriptorRewrite {
        frame_number: 0xbeef,
        template_shift: 7,
        ..DescriptorRewrite::default()
    };
    let mut buffer = [0; 255];
    let changed = rewrite.write(&bytes, &mut buffer).unwrap();
    let expected = DependencyStructure {
        template_offset: 3,
        ..structure
    };
    assert_eq!(changed, written(&key(0xbeef), &expected));
}

#[test]
fn a_mask_is_put_in_changed_and_kept() {
    let structure = l2t2();
    let custom = FrameDescription {
        template: 4,
        frame_number: 9,
        references: Some(references(&[5, 300])),
        chains: Some(vec![200, 5]),
        ..FrameDescription::default()
    };
    let masked = FrameDescription {
        active: Some(0b1110),
        ..custom.clone()
    };
    let plain = FrameDescription {
        template: 3,
        frame_number: 9,
        ..FrameDescription::default()
    };
    let mut reader = DependencyReader::default();
    for frame in [custom, masked, plain, key(9)] {
        let bytes = written(&frame, &structure);
        let read = if frame.attach {
            reader.read(&bytes).unwrap()
        } else {
            reader.read(&written(&key(1), &structure)).unwrap();
            reader.read(&bytes).unwrap()
        };
        let rewrite = DescriptorRewrite {
            frame_number: 77,
            structure_bits: read.structure_bits,
            template_shift: 0,
            targets: 4,
            active: 0b0101,
        };
        let mut buffer = [0; 255];
        let changed = rewrite.write(&bytes, &mut buffer).unwrap();
        let expected = FrameDescription {
            frame_number: 77,
            active: Some(0b0101),
            ..frame
        };
        let expected = written(&expected, &structure);
        assert_eq!(&changed[..expected.len()], expected);
        assert!(
            changed[expected.len()..].iter().all(|byte| *byte == 0),
            "only padding follows"
        );
        assert!(changed.len() <= expected.len() + 1);
    }
}

/// Any structure that can be written: layers in order, bounded counts.
fn structures() -> impl Strategy<Value = DependencyStructure> {
    let layers = proptest::collection::vec(0u8..3, 0..12);
    let counts = (1u8..=MAX_TARGETS as u8, 0u8..64, any::<bool>());
    (layers, counts, any::<u64>()).prop_map(|(steps, (targets, template_offset, sized), seed)| {
        let mut state = seed | 1;
        let mut draw = move |bound: u32| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as u32 % bound
        };
        let chains = draw(u32::from(targets) + 1) as u8;
        let mut layer = (0, 0);
        let mut templates = Vec::new();
        for step in std::iter::once(0).chain(steps) {
            layer = match step {
                1 if layer.1 < 7 => (layer.0, layer.1 + 1),
                2 if layer.0 < 3 => (layer.0 + 1, 0),
                _ => layer,
            };
            let letters: String = (0..targets)
                .map(|_| ['-', 'D', 'S', 'R'][draw(4) as usize])
                .collect();
            let differences: Vec<u16> = (0..draw(4)).map(|_| draw(16) as u16 + 1).collect();
            let chain_differences: Vec<u8> = (0..chains).map(|_| draw(16) as u8).collect();
            templates.push(template(
                layer.0,
                layer.1,
                &letters,
                &differences,
                &chain_differences,
            ));
        }
        let protected_by = if chains == 0 {
            Vec::new()
        } else {
            (0..targets).map(|_| draw(u32::from(chains)) as u8).collect()
        };
        let sizes = if sized { layer.0 + 1 } else { 0 };
        DependencyStructure {
            template_offset,
            targets,
            protected_by,
            chains,
            templates,
            resolutions: (0..sizes)
                .map(|_| (draw(65_536) as u16, draw(65_536) as u16))
                .collect(),
        }
    })
}

proptest! {
    #[test]
    fn any_structure_is_read_as_it_was_written(structure in structures(), number in any::<u16>()) {
        let mut buffer = [0x55; 2_000];
        let bytes = write_descriptor(&key(number), &structure, &mut buffer).unwrap();
        let mut reader = DependencyReader::default();
        let read = reader.read(bytes).unwrap();
        prop_assert_eq!(reader.structure(), Some(&structure));
        prop_assert_eq!(read.frame as u16, number);
        let rest = bytes.len() * 8 - usize::from(read.structure_bits) - 29;
        prop_assert!(rest < 8, "the structure's bits are counted");
    }

    #[test]
    fn any_frame_is_read_as_it_was_written_and_rewritten(
        structure in structures(),
        pick in any::<proptest::sample::Index>(),
        number in any::<u16>(),
        custom in (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>()),
        values in (any::<u32>(), 1u16..=4096, any::<u8>()),
        shift in 0u8..64,
    ) {
        let targets = structure.targets;
        let all = (u64::from(u32::MAX) >> (32 - targets)) as u32;
        let present = values.0 & all;
        let frame = FrameDescription {
            starts_frame: true,
            template: pick.index(structure.templates.len()) as u8,
            frame_number: number,
            active: custom.0.then_some(values.0 & all),
            indications: custom.1.then_some(Indications { present, switch: present & 0x5555_5555, discardable: 0 }),
            references: custom.2.then(|| references(&[values.1, 1])),
            chains: custom.3.then(|| vec![values.2; usize::from(structure.chains)]),
            ..FrameDescription::default()
        };
        let mut attached = [0; 2_000];
        let attached = write_descriptor(&key(number), &structure, &mut attached).unwrap();
        let mut reader = DependencyReader::default();
        reader.read(attached).unwrap();
        let bytes = written(&frame, &structure);
        let read = reader.read(&bytes).unwrap();
        let own = &structure.templates[usize::from(frame.template)];
        prop_assert_eq!(read.indications, frame.indications.unwrap_or(own.indications));
        prop_assert_eq!(read.references, frame.references.unwrap_or(own.references));
        prop_assert_eq!(read.active, frame.active.unwrap_or(all));

        let rewrite = DescriptorRewrite {
            frame_number: number ^ 0xffff,
            structure_bits: read.structure_bits,
            template_shift: shift,
            targets,
            active: !values.0 & all,
        };
        let moved = DependencyStructure {
            template_offset: (structure.template_offset + shift) & 0x3f,
            ..structure.clone()
        };
        let mut introduction = [0; 2_000];
        let introduction = write_descriptor(&key(rewrite.frame_number), &moved, &mut introduction).unwrap();
        let mut receiver = DependencyReader::default();
        receiver.read(introduction).unwrap();
        let mut buffer = [0; 255];
        let changed = rewrite.write(&bytes, &mut buffer).unwrap();
        let seen = receiver.read(changed).unwrap();
        prop_assert_eq!(seen.frame as u16, number ^ 0xffff);
        prop_assert_eq!(seen.active, !values.0 & all);
        prop_assert_eq!(
            (seen.layer, seen.indications, seen.references, seen.chains),
            (read.layer, read.indications, read.references, read.chains)
        );
    }

    #[test]
    fn any_bytes_are_survived(
        first in proptest::collection::vec(any::<u8>(), 0..64),
        second in proptest::collection::vec(any::<u8>(), 0..16),
        rewrite in (any::<u16>(), any::<u16>(), any::<u8>(), any::<u8>(), any::<u32>()),
    ) {
        let mut reader = DependencyReader::default();
        let _ = reader.read(&written(&key(1), &l2t2()));
        let _ = reader.read(&first);
        let _ = reader.read(&second);
        let (frame_number, structure_bits, template_shift, targets, active) = rewrite;
        let rewrite = DescriptorRewrite { frame_number, structure_bits, template_shift, targets, active };
        let mut buffer = [0; 255];
        let _ = rewrite.write(&first, &mut buffer);
        let _ = DescriptorRewrite { targets: 0, ..rewrite }.write(&first, &mut buffer);
    }
}
