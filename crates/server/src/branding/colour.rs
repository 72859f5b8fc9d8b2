//! Colours: reading, mixing, and whether one can be read on another.

use std::fmt;

use anyhow::{Result, bail};

/// A colour of sRGB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour([u8; 3]);

/// Contrast that WCAG 2.2 asks for of texts (1.4.3).
pub const READABLE: f64 = 4.5;
/// Contrast that WCAG 2.2 asks for of controls and their signs (1.4.11).
pub const VISIBLE: f64 = 3.0;

impl Colour {
    /// Builds `0xRRGGBB`.
    pub const fn of(rgb: u32) -> Self {
        let [_, r, g, b] = rgb.to_be_bytes();
        Self([r, g, b])
    }

    /// Reads `#rrggbb` or `#rgb`.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn parse(text: &str) -> Result<Self> {
        let digits = text.strip_prefix('#').unwrap_or_default();
        let doubled: String = match digits.len() {
            3 => digits.chars().flat_map(|digit| [digit, digit]).collect(),
            _ => digits.to_owned(),
        };
        let plain = doubled.len() == 6 && doubled.bytes().all(|byte| byte.is_ascii_hexdigit());
        match u32::from_str_radix(&doubled, 16) {
            Ok(rgb) if plain => Ok(Self::of(rgb)),
            _ => bail!("`{text}` is no colour; write it as #rrggbb"),
        }
    }

    /// This colour with `percent` of another in it.
    pub fn with(self, percent: u8, other: Self) -> Self {
        let share = |own: u8, other: u8| {
            let (percent, own, other) = (u32::from(percent.min(100)), u32::from(own), u32::from(other));
            let mixed = (own * (100 - percent) + other * percent + 50) / 100;
            u8::try_from(mixed).unwrap_or(u8::MAX)
        };
        let ([r, g, b], [other_r, other_g, other_b]) = (self.0, other.0);
        Self([share(r, other_r), share(g, other_g), share(b, other_b)])
    }

    /// How well one is told from the other, 1 to 21 (WCAG 2.2, "contrast ratio").
    pub fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// The first of a few steps towards `other` that can be read on all of `grounds`; `other` itself where none can.
    pub fn readable_on(self, grounds: &[Self], other: Self) -> Self {
        let steps = (0..100).step_by(5).map(|percent| self.with(percent, other));
        let mut readable =
            steps.filter(|step| grounds.iter().all(|ground| step.contrast(*ground) >= READABLE));
        readable.next().unwrap_or(other)
    }

    /// WCAG 2.2, "relative luminance".
    fn luminance(self) -> f64 {
        let linear = |value: u8| {
            let value = f64::from(value) / 255.0;
            if value <= 0.040_45 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        };
        let [r, g, b] = self.0.map(linear);
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [r, g, b] = self.0;
        write!(f, "#{r:02x}{g:02x}{b:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read_and_nothing_else() {
        assert_eq!(Colour::parse("#0b7A75").unwrap().to_string(), "#0b7a75");
        assert_eq!(Colour::parse("#0bF").unwrap().to_string(), "#00bbff");
        for text in [
            "",
            "red",
            "0b7a75",
            "#0b7a7",
            "#0b7a75ff",
            "#+12345",
            "#ggg",
            "#0b7a75; }",
        ] {
            assert!(Colour::parse(text).is_err(), "for {text}");
        }
    }

    #[test]
    fn contrast_is_as_the_guideline_has_it() {
        let [black, white, grey] = [0x00_0000, 0xff_ffff, 0x76_7676].map(Colour::of);
        assert!((black.contrast(white) - 21.0).abs() < 0.001);
        assert!((white.contrast(white) - 1.0).abs() < 0.001);
        assert!((4.54..4.55).contains(&white.contrast(grey)));
    }

    #[test]
    fn what_cannot_be_read_moves_until_it_can() {
        let [white, yellow, black] = [0xff_ffff, 0xff_d84d, 0x00_0000].map(Colour::of);
        let found = yellow.readable_on(&[white], black);
        assert!(found != black && found.contrast(white) >= READABLE);
        assert_eq!(black.readable_on(&[white], yellow), black);
    }
}
