//! What a packet carries so that its receiver can judge it without decoding.

/// Marks a payload as ours.
const MAGIC: u32 = 0x7E27_01BE;

/// Says, at the very end of a payload, where and when it was made. It survives every rewriting of descriptors and
/// redundant encoding, which all happen at the front.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Number of the publishing client.
    pub source: u32,
    /// Simulcast layer, lowest first; zero for audio.
    pub layer: u8,
    /// Whether the packet belongs to a key frame.
    pub key: bool,
    /// Place of the packet in its frame.
    pub packet: u16,
    /// Number of the frame in its layer.
    pub frame: u32,
    /// When it was handed to the socket, in nanoseconds of the generator's clock.
    pub sent_ns: u64,
}

impl Stamp {
    /// Bytes a stamp takes.
    pub const LENGTH: usize = 24;

    /// Writes the stamp over the last bytes of `payload`, which must have room for it; a shorter one stays as it is.
    pub fn write(&self, payload: &mut [u8]) {
        let Some(start) = payload.len().checked_sub(Self::LENGTH) else {
            return;
        };
        let fields = payload[start..].iter_mut().zip(
            (MAGIC.to_be_bytes().into_iter())
                .chain(self.source.to_be_bytes())
                .chain([self.layer, u8::from(self.key)])
                .chain(self.packet.to_be_bytes())
                .chain(self.frame.to_be_bytes())
                .chain(self.sent_ns.to_be_bytes()),
        );
        for (place, byte) in fields {
            *place = byte;
        }
    }

    /// Reads the stamp at the end of `payload`; `None` where there is none, as in padding.
    pub fn read(payload: &[u8]) -> Option<Self> {
        let bytes = payload.last_chunk::<{ Self::LENGTH }>()?;
        let (magic, rest) = bytes.split_first_chunk::<4>()?;
        let (source, rest) = rest.split_first_chunk::<4>()?;
        let ([layer, key], rest) = rest.split_first_chunk::<2>()?;
        let (packet, rest) = rest.split_first_chunk::<2>()?;
        let (frame, rest) = rest.split_first_chunk::<4>()?;
        let sent_ns = rest.first_chunk::<8>()?;
        (u32::from_be_bytes(*magic) == MAGIC).then(|| Self {
            source: u32::from_be_bytes(*source),
            layer: *layer,
            key: *key != 0,
            packet: u16::from_be_bytes(*packet),
            frame: u32::from_be_bytes(*frame),
            sent_ns: u64::from_be_bytes(*sent_ns),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAMP: Stamp = Stamp {
        source: 7,
        layer: 2,
        key: true,
        packet: 513,
        frame: 70_000,
        sent_ns: 9_876_543_210_123,
    };

    #[test]
    fn a_stamp_survives_what_happens_in_front_of_it() {
        let mut payload = vec![0xAA; 80];
        STAMP.write(&mut payload);
        assert_eq!(Stamp::read(&payload), Some(STAMP));
        payload.splice(..3, [1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(Stamp::read(&payload), Some(STAMP));
    }

    #[test]
    fn payloads_of_others_have_no_stamp() {
        let mut short = [0; Stamp::LENGTH - 1];
        STAMP.write(&mut short);
        for payload in [&[][..], &short, &[0; 200]] {
            assert_eq!(Stamp::read(payload), None);
        }
    }
}
