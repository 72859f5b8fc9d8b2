/// Most spatial layers that three bits tell.
const MAX_LAYERS: usize = 8;

/// The scalability structure of a VP9 stream (RFC 9628 §4.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vp9Structure {
    /// Bytes it takes.
    pub length: usize,
    /// Count of spatial layers, 1 to 8.
    pub spatial_layers: u8,
    /// Pictures in the group it describes; 0 where it describes none.
    pub group: u8,
    sizes: Option<[(u16, u16); MAX_LAYERS]>,
}

impl Vp9Structure {
    /// Reads the structure at the head of `bytes`; `None` where it is cut short or refers to no picture.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let first = *bytes.first()?;
        let mut at = 1;
        let mut structure = Self {
            length: 0,
            spatial_layers: (first >> 5) + 1,
            group: 0,
            sizes: None,
        };
        if first & 0x10 != 0 {
            let mut sizes = [(0, 0); MAX_LAYERS];
            for size in sizes.iter_mut().take(usize::from(structure.spatial_layers)) {
                let [w1, w0, h1, h0] = *bytes.get(at..)?.first_chunk()?;
                *size = (u16::from_be_bytes([w1, w0]), u16::from_be_bytes([h1, h0]));
                at += 4;
            }
            structure.sizes = Some(sizes);
        }
        if first & 0x08 != 0 {
            structure.group = *bytes.get(at)?;
            at += 1;
            for _ in 0..structure.group {
                let references = usize::from(*bytes.get(at)? >> 2 & 0x03);
                at += 1;
                if bytes.get(at..at + references)?.contains(&0) {
                    return None;
                }
                at += references;
            }
        }
        structure.length = at;
        Some(structure)
    }

    /// Width and height of each spatial layer in pixels, where they are told; the lowest first.
    pub fn sizes(&self) -> Option<&[(u16, u16)]> {
        self.sizes.as_ref()?.get(..usize::from(self.spatial_layers))
    }
}
