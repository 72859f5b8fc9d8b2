//! Pictures the operator gives: what they are is judged by what is in them.

use std::path::Path;

use anyhow::{Context, Result, bail};
use bytes::Bytes;

/// What a picture may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Scalable Vector Graphics.
    Svg,
    /// Portable Network Graphics.
    Png,
    /// JPEG.
    Jpeg,
    /// WebP.
    WebP,
    /// AV1 Image File Format.
    Avif,
}

impl Kind {
    /// The media type, and how its file's name ends.
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Svg => ("image/svg+xml", "svg"),
            Self::Png => ("image/png", "png"),
            Self::Jpeg => ("image/jpeg", "jpg"),
            Self::WebP => ("image/webp", "webp"),
            Self::Avif => ("image/avif", "avif"),
        }
    }

    fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Some(Self::Png),
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::WebP),
            [
                _,
                _,
                _,
                _,
                b'f',
                b't',
                b'y',
                b'p',
                b'a',
                b'v',
                b'i',
                b'f' | b's',
                ..,
            ] => Some(Self::Avif),
            _ => {
                let text = std::str::from_utf8(bytes).ok()?;
                let text = text.trim_start_matches('\u{feff}').trim_start();
                (text.starts_with('<') && text.contains("<svg")).then_some(Self::Svg)
            }
        }
    }
}

/// A picture that was read.
pub struct Picture {
    /// What it is.
    pub kind: Kind,
    /// The file as it is.
    pub bytes: Bytes,
}

impl Picture {
    /// Reads a file of at most `most` bytes; `key` is the setting that names it.
    ///
    /// # Errors
    /// When it cannot be read, is too large or no picture.
    pub fn read(key: &str, path: &Path, most: u64) -> Result<Self> {
        let shown = path.display();
        let named = || format!("branding.{key}: cannot read {shown}");
        let size = std::fs::metadata(path).with_context(named)?.len();
        if size > most {
            bail!(
                "branding.{key}: {shown} has {size} bytes; at most {} KiB are served",
                most / 1_024
            );
        }
        let bytes = std::fs::read(path).with_context(named)?;
        let Some(kind) = Kind::of(&bytes) else {
            bail!("branding.{key}: {shown} is no picture: SVG, PNG, JPEG, WebP and AVIF are served");
        };
        Ok(Self {
            kind,
            bytes: bytes.into(),
        })
    }

    /// Width and height in pixels, where it is PNG.
    pub fn png_size(&self) -> Option<(u32, u32)> {
        // The header chunk comes first and begins with both (PNG, third edition, 11.2.1).
        let number = |at: usize| {
            let four = self.bytes.get(at..at + 4)?;
            Some(u32::from_be_bytes(four.try_into().ok()?))
        };
        (self.kind == Kind::Png)
            .then(|| Some((number(16)?, number(20)?)))
            .flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_what_is_in_it() {
        for (bytes, kind) in [
            (&b"\x89PNG\r\n\x1a\n...."[..], Some(Kind::Png)),
            (b"\xff\xd8\xff\xe0", Some(Kind::Jpeg)),
            (b"RIFF\0\0\0\0WEBPVP8 ", Some(Kind::WebP)),
            (b"\0\0\0\x20ftypavif", Some(Kind::Avif)),
            (b"\xef\xbb\xbf<?xml version=\"1.0\"?>\n<svg/>", Some(Kind::Svg)),
            (b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>", Some(Kind::Svg)),
            (b"<!doctype html><p>Hello", None),
            (b"GIF89a", None),
            (b"", None),
        ] {
            assert_eq!(Kind::of(bytes), kind, "for {bytes:?}");
        }
    }

    #[test]
    fn the_size_of_a_png_is_in_its_head() {
        let picture = |bytes: &'static [u8], kind| Picture {
            kind,
            bytes: Bytes::from_static(bytes),
        };
        let bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\x02\0\0\0\0\xc0";
        assert_eq!(picture(bytes, Kind::Png).png_size(), Some((512, 192)));
        assert_eq!(picture(&bytes[..20], Kind::Png).png_size(), None);
        assert_eq!(picture(b"<svg/>", Kind::Svg).png_size(), None);
    }
}
