use tertulia_rtp::{Dependency, DescriptorRewrite};

use super::numbers::FAR;

/// Keeps frame numbers and template ids of dependency descriptors in one order across sources, and tells receivers which
/// decode targets they get (RTP Payload Format For AV1, appendix A).
///
/// References are differences of frame numbers, so the numbers of frames that are left out stay out.
#[derive(Debug, Default)]
pub(super) struct DependencyMunger {
    frame_offset: u64,
    /// Next frame number, extended.
    next_frame: Option<u64>,
    template_shift: u8,
    /// The template id behind the newest structure's last.
    next_template: u8,
    /// The mask that was told last; `None` where the structure told that all are active.
    told: Option<u32>,
}

impl DependencyMunger {
    /// Changes over to a source whose first packet to be sent has `dependency`.
    pub(super) fn switch(&mut self, dependency: &Dependency) {
        if let Some(next) = self.next_frame {
            self.frame_offset = dependency.frame.wrapping_sub(next);
            // Ids that follow those of the old source's structure: who misses the new one cannot mistake it.
            self.template_shift = self.next_template.wrapping_sub(dependency.template_offset) & 0x3f;
        }
        self.told = None;
    }

    /// What to change in a packet's descriptor. `targets` masks the decode targets that the subscriber can decode; 0
    /// leaves what the publisher says of them.
    pub(super) fn rewrite(&mut self, dependency: &Dependency, targets: u32) -> DescriptorRewrite {
        let mut outgoing = dependency.frame.wrapping_sub(self.frame_offset);
        if let Some(next) = self.next_frame
            && outgoing > next + FAR
        {
            self.switch(dependency);
            outgoing = next;
        }
        if self.next_frame.is_none_or(|next| outgoing >= next) {
            self.next_frame = Some(outgoing + 1);
            self.next_template = dependency
                .template_offset
                .wrapping_add(self.template_shift)
                .wrapping_add(dependency.template_count);
        }
        let mut rewrite = DescriptorRewrite {
            frame_number: outgoing as u16,
            structure_bits: dependency.structure_bits,
            template_shift: self.template_shift,
            ..DescriptorRewrite::default()
        };
        if targets != 0 && self.tells(dependency, targets) {
            rewrite.targets = dependency.targets.count();
            rewrite.active = targets & dependency.targets.all();
        }
        rewrite
    }

    /// Whether a packet tells the mask: where it tells one anyway, where it is another than was told before, and with
    /// every lowest frame as long as receivers cannot take it for granted, so that the loss of one does no harm.
    fn tells(&mut self, dependency: &Dependency, targets: u32) -> bool {
        let all = dependency.targets.all();
        if dependency.carries_structure() {
            self.told = (targets != all).then_some(targets);
            return self.told.is_some() || dependency.carries_active;
        }
        let changed = dependency.starts_frame && self.told.unwrap_or(all) != targets;
        let again = dependency.starts_frame && self.told.is_some() && dependency.layer.temporal == 0;
        let tells = dependency.carries_active || changed || again;
        if tells {
            self.told = Some(targets);
        }
        tells
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tertulia_rtp::{
        DependencyReader, DependencyStructure, FrameDescription, Indications, Template, write_descriptor,
    };

    /// Packets of a stream with two decode targets, whose frames are all of the lowest layer.
    struct Stream {
        structure: DependencyStructure,
        reader: DependencyReader,
    }

    impl Stream {
        fn new() -> Self {
            let indications = Indications {
                present: 3,
                switch: 3,
                discardable: 0,
            };
            let template = Template {
                indications,
                ..Template::default()
            };
            Self {
                structure: DependencyStructure {
                    template_offset: 0,
                    targets: 2,
                    templates: vec![template.clone(), template.clone(), template],
                    ..DependencyStructure::default()
                },
                reader: DependencyReader::default(),
            }
        }

        fn packet(&mut self, frame_number: u16, attach: bool, active: Option<u32>) -> (Vec<u8>, Dependency) {
            let frame = FrameDescription {
                starts_frame: true,
                template: 1,
                frame_number,
                attach,
                active,
                ..FrameDescription::default()
            };
            let mut buffer = [0; 64];
            let bytes = write_descriptor(&frame, &self.structure, &mut buffer)
                .unwrap()
                .to_vec();
            let read = self.reader.read(&bytes).unwrap();
            (bytes, read)
        }
    }

    #[test]
    fn frames_go_on_by_one_over_a_switch_and_template_ids_differ() {
        let mut munger = DependencyMunger::default();
        let (mut first, mut second) = (Stream::new(), Stream::new());
        let (_, key) = first.packet(0xffff, true, None);
        munger.switch(&key);
        let rewrite = munger.rewrite(&key, 0);
        assert_eq!((rewrite.frame_number, rewrite.template_shift), (0xffff, 0));
        let (_, later) = first.packet(4, false, None);
        assert_eq!(munger.rewrite(&later, 0).frame_number, 4);
        let (_, late) = first.packet(2, false, None);
        assert_eq!(munger.rewrite(&late, 0).frame_number, 2);
        let (bytes, key) = second.packet(900, true, None);
        munger.switch(&key);
        let rewrite = munger.rewrite(&key, 0);
        assert_eq!((rewrite.frame_number, rewrite.template_shift), (5, 3));
        let mut buffer = [0; 255];
        let sent = rewrite.write(&bytes, &mut buffer).unwrap();
        let seen = DependencyReader::default().read(sent).unwrap();
        assert_eq!((seen.frame as u16, seen.template_offset), (5, 3));
    }

    #[test]
    fn the_mask_is_told_as_long_as_it_cannot_be_taken_for_granted() {
        let mut munger = DependencyMunger::default();
        let mut stream = Stream::new();
        let mut told = |number, attach, active, targets| {
            let (_, packet) = stream.packet(number, attach, active);
            let rewrite = munger.rewrite(&packet, targets);
            (rewrite.targets > 0).then_some(rewrite.active)
        };
        assert_eq!(told(1, true, None, 3), None, "a structure means all");
        assert_eq!(told(2, false, None, 3), None);
        assert_eq!(told(3, false, None, 1), Some(1));
        assert_eq!(told(4, false, None, 3), Some(3), "all again");
        assert_eq!(told(5, true, None, 3), None);
        assert_eq!(told(6, false, None, 3), None);
        assert_eq!(told(7, false, Some(2), 1), Some(1), "the publisher told one");
        assert_eq!(told(8, true, None, 1), Some(1));
        assert_eq!(
            told(9, false, None, 0),
            None,
            "nothing is known of the subscriber's"
        );
    }
}
