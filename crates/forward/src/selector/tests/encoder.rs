//! Encoders of layered streams, as far as their packets' descriptors go.

use tertulia_rtp::{
    DependencyStructure, FrameDescription, Indications, Layer, References, Template, write_descriptor,
};

use super::Random;

/// What packets tell of their layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Vp8,
    Vp9 {
        flexible: bool,
        up: UpBit,
    },
    /// AV1 with a dependency descriptor.
    Described,
}

/// What an encoder means by VP9's U bit: higher layers can be entered after the frame, or at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UpBit {
    After,
    At,
}

/// Which frames upper spatial layers need of lower ones: of every picture, of key pictures, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Full,
    Key,
    Independent,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) kind: Kind,
    pub(super) mode: Mode,
    pub(super) spatial: u8,
    pub(super) temporal: u8,
}

/// A frame and the frames that it truly needs.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    pub(super) encoding: usize,
    pub(super) picture: u64,
    pub(super) layer: Layer,
    pub(super) key: bool,
    pub(super) references: Vec<usize>,
}

/// A packet on its way to the server.
#[derive(Debug, Clone)]
pub(super) struct Packet {
    pub(super) frame: usize,
    pub(super) sequence: u64,
    pub(super) timestamp: u32,
    pub(super) marker: bool,
    pub(super) payload: Vec<u8>,
    pub(super) descriptor: Option<Vec<u8>>,
}

#[derive(Debug)]
pub(super) struct Encoder {
    shape: Shape,
    encoding: usize,
    /// Spatial layers that are made, and those that are to be made.
    made: u8,
    limit: u8,
    picture: u64,
    sequence: u64,
    picture_id: u16,
    tl0: u8,
    key_idx: u8,
    frame_number: u16,
    /// Place in the pattern of temporal layers.
    position: usize,
    /// Whether the second temporal layer refers to its frame before, in this group and in the next.
    deep: [bool; 2],
    /// The newest frame of each spatial and temporal layer since the last key picture: index, picture, frame number.
    last: [[Option<Past>; 3]; 3],
    /// The frame numbers of each chain's newest frame.
    chains: [Option<u16>; 3],
    /// The mask of active decode targets that was told last.
    told: u32,
}

#[derive(Debug, Clone, Copy)]
struct Past {
    index: usize,
    picture_id: u16,
    number: u16,
}

impl Encoder {
    pub(super) fn new(shape: Shape, encoding: usize, random: &mut Random) -> Self {
        Self {
            shape,
            encoding,
            made: shape.spatial,
            limit: shape.spatial,
            picture: 0,
            sequence: 1_000 + random.below(100_000),
            // Wraps come soon.
            picture_id: 0x7ff0 | random.below(0x10) as u16,
            tl0: 250,
            key_idx: random.below(32) as u8,
            frame_number: 0xffe0 | random.below(0x20) as u16,
            position: 0,
            deep: [false; 2],
            last: [[None; 3]; 3],
            chains: [None; 3],
            told: (1 << (shape.spatial * shape.temporal)) - 1,
        }
    }

    /// Makes so many spatial layers only, from the next group on and without a keyframe.
    pub(super) fn limit(&mut self, layers: u8) {
        self.limit = layers;
    }

    /// Makes the packets of the next picture.
    pub(super) fn encode(
        &mut self,
        key: bool,
        frames: &mut Vec<Frame>,
        random: &mut Random,
        out: &mut Vec<Packet>,
    ) {
        let pattern: &[u8] = match self.shape.temporal {
            1 => &[0],
            2 => &[0, 1],
            _ => &[0, 2, 1, 2],
        };
        if key {
            self.position = 0;
            self.last = [[None; 3]; 3];
            self.chains = [None; 3];
            self.key_idx = self.key_idx.wrapping_add(1) & 0x1f;
        }
        let temporal = pattern[self.position % pattern.len()];
        if temporal == 0 {
            self.tl0 = self.tl0.wrapping_add(1);
            self.deep = [self.deep[1] && !key, random.below(2) == 0];
            for ended in self.limit..self.made {
                self.last[usize::from(ended)] = [None; 3];
            }
            self.made = self.limit;
        }
        for spatial in 0..self.made {
            let layer = Layer { spatial, temporal };
            self.encode_frame(layer, key, frames, random, out);
        }
        self.picture += 1;
        self.position += 1;
        self.picture_id = (self.picture_id + 1) & 0x7fff;
    }

    fn encode_frame(
        &mut self,
        layer: Layer,
        key: bool,
        frames: &mut Vec<Frame>,
        random: &mut Random,
        out: &mut Vec<Packet>,
    ) {
        let own = self.last[usize::from(layer.spatial)];
        let mut earlier: Vec<Past> = Vec::new();
        if !key {
            earlier.extend(match (layer.temporal, self.position % 4) {
                (0, _) => own[0],
                (2, 3) => own[1],
                _ => own[0],
            });
            if layer.temporal == 1 && self.deep[0] {
                earlier.extend(own[1]);
            }
        }
        let dependent =
            layer.spatial > 0 && (self.shape.mode == Mode::Full || self.shape.mode == Mode::Key && key);
        let lower = dependent.then(|| frames.len() - 1);
        let index = frames.len();
        let past = Past {
            index,
            picture_id: self.picture_id,
            number: self.frame_number,
        };
        frames.push(Frame {
            encoding: self.encoding,
            picture: self.picture,
            layer,
            key,
            references: earlier.iter().map(|past| past.index).chain(lower).collect(),
        });
        let parts = 1 + random.below(3);
        let top = layer.spatial + 1 == self.made;
        for part in 0..parts {
            let (starts, ends) = (part == 0, part + 1 == parts);
            let payload = match self.shape.kind {
                Kind::Vp8 => self.vp8(layer, key, starts, earlier.len()),
                Kind::Vp9 { flexible, up } => self.vp9(layer, key, (starts, ends), &earlier, (flexible, up)),
                Kind::Described => vec![if key && starts && layer.spatial == 0 {
                    0x18
                } else {
                    0x10
                }],
            };
            let descriptor = (self.shape.kind == Kind::Described)
                .then(|| self.described(layer, key, (starts, ends), &earlier, dependent));
            out.push(Packet {
                frame: index,
                sequence: self.sequence,
                timestamp: self.picture as u32 * 3_000,
                marker: ends && top,
                payload,
                descriptor,
            });
            self.sequence += 1;
        }
        self.last[usize::from(layer.spatial)][usize::from(layer.temporal)] = Some(past);
        if layer.temporal == 0 {
            for chain in 0..self.shape.spatial {
                if self.is_in_chain(layer, key, chain) {
                    self.chains[usize::from(chain)] = Some(self.frame_number);
                }
            }
        }
        self.frame_number = self.frame_number.wrapping_add(1);
    }

    fn is_in_chain(&self, layer: Layer, key: bool, chain: u8) -> bool {
        let within = layer.spatial == chain
            || layer.spatial < chain
                && (self.shape.mode == Mode::Full || self.shape.mode == Mode::Key && key);
        layer.temporal == 0 && within
    }

    fn vp8(&self, layer: Layer, key: bool, starts: bool, references: usize) -> Vec<u8> {
        // The frame depends on the lowest layer only.
        let sync = layer.temporal > 0 && references == 1 && !(layer.temporal == 2 && self.position % 4 == 3);
        vec![
            0x80 | u8::from(starts) << 4,
            0xf0,
            0x80 | (self.picture_id >> 8) as u8,
            self.picture_id as u8,
            self.tl0,
            layer.temporal << 6 | u8::from(sync) << 5 | self.key_idx,
            u8::from(!key),
        ]
    }

    fn vp9(
        &self,
        layer: Layer,
        key: bool,
        (starts, ends): (bool, bool),
        earlier: &[Past],
        (flexible, up): (bool, UpBit),
    ) -> Vec<u8> {
        let full = self.shape.mode == Mode::Full || self.shape.mode == Mode::Key && key;
        let top = layer.spatial + 1 == self.made;
        let structure = key && starts && layer.spatial == 0;
        let mut bytes = vec![
            0xa0 | u8::from(!earlier.is_empty()) << 6
                | u8::from(flexible) << 4
                | u8::from(starts) << 3
                | u8::from(ends) << 2
                | u8::from(structure) << 1
                | u8::from(top || !full),
            0x80 | (self.picture_id >> 8) as u8,
            self.picture_id as u8,
        ];
        let switching_up = match up {
            UpBit::After => layer.temporal == 0 && !self.deep[0],
            UpBit::At => layer.temporal > 0 && earlier.len() == 1,
        };
        let inter_layer = layer.spatial > 0 && full;
        bytes.push(
            layer.temporal << 5 | u8::from(switching_up) << 4 | layer.spatial << 1 | u8::from(inter_layer),
        );
        if !flexible {
            bytes.push(self.tl0);
        } else {
            for (at, past) in earlier.iter().enumerate() {
                let back = (self.picture_id.wrapping_sub(past.picture_id) & 0x7fff) as u8;
                bytes.push(back << 1 | u8::from(at + 1 < earlier.len()));
            }
        }
        if structure {
            bytes.push((self.made - 1) << 5);
        }
        bytes.push(0xff);
        bytes
    }

    fn described(
        &mut self,
        layer: Layer,
        key: bool,
        (starts, ends): (bool, bool),
        earlier: &[Past],
        dependent: bool,
    ) -> Vec<u8> {
        let structure = structure(self.shape);
        let active = (1 << (self.made * self.shape.temporal)) - 1;
        // Told whenever it is another, and with every lowest frame while it is not all.
        let tells = starts && layer.spatial == 0 && (active != self.told || self.made < self.shape.spatial);
        self.told = active;
        let mut references = References::default();
        for past in earlier {
            references.push(self.frame_number.wrapping_sub(past.number));
        }
        if dependent {
            references.push(1);
        }
        let chain = |last: Option<u16>| last.map_or(0, |last| self.frame_number.wrapping_sub(last) as u8);
        let template = structure
            .templates
            .iter()
            .position(|template| (template.spatial, template.temporal) == (layer.spatial, layer.temporal))
            .unwrap();
        let frame = FrameDescription {
            starts_frame: starts,
            ends_frame: ends,
            template: template as u8,
            frame_number: self.frame_number,
            attach: key && starts && layer.spatial == 0,
            active: tells.then_some(active),
            indications: Some(self.indications(layer, key)),
            references: Some(references),
            chains: Some(
                self.chains[..usize::from(self.shape.spatial)]
                    .iter()
                    .copied()
                    .map(chain)
                    .collect(),
            ),
        };
        let mut buffer = [0; 255];
        write_descriptor(&frame, &structure, &mut buffer)
            .unwrap()
            .to_vec()
    }

    fn indications(&self, layer: Layer, key: bool) -> Indications {
        let mut indications = Indications::default();
        let mut bit = 1;
        for spatial in 0..self.shape.spatial {
            for temporal in 0..self.shape.temporal {
                let upper = spatial > layer.spatial;
                let needed = match self.shape.mode {
                    Mode::Full => upper,
                    Mode::Key => upper && key,
                    Mode::Independent => false,
                };
                let present = temporal >= layer.temporal && (needed || spatial == layer.spatial);
                if present {
                    indications.present |= bit;
                }
                let own_deep = layer.temporal == 0 && temporal > 0 && self.deep[0];
                let last_of_layer = layer.temporal > 0 && temporal == layer.temporal;
                let discardable = last_of_layer && !(layer.temporal == 1 && self.deep[1]);
                if present && !upper && discardable {
                    indications.discardable |= bit;
                } else if present && (key || !upper && !own_deep && !last_of_layer) {
                    indications.switch |= bit;
                }
                bit <<= 1;
            }
        }
        indications
    }
}

/// A structure with one template for each layer; what frames are beyond that, they say themselves.
fn structure(shape: Shape) -> DependencyStructure {
    let mut templates = Vec::new();
    for spatial in 0..shape.spatial {
        for temporal in 0..shape.temporal {
            let mut present = 0;
            for upper in spatial..shape.spatial {
                for faster in temporal..shape.temporal {
                    if shape.mode != Mode::Independent || upper == spatial {
                        present |= 1 << (upper * shape.temporal + faster);
                    }
                }
            }
            templates.push(Template {
                spatial,
                temporal,
                indications: Indications {
                    present,
                    switch: 0,
                    discardable: 0,
                },
                references: References::default(),
                chains: vec![0; usize::from(shape.spatial)],
            });
        }
    }
    DependencyStructure {
        template_offset: 0,
        targets: shape.spatial * shape.temporal,
        protected_by: (0..shape.spatial)
            .flat_map(|spatial| vec![spatial; usize::from(shape.temporal)])
            .collect(),
        chains: shape.spatial,
        templates,
        resolutions: Vec::new(),
    }
}
