use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use unicode_normalization::UnicodeNormalization;

/// The name of a room: NFKC, trimmed, 1 to 128 characters, compared by case fold and shown as first written.
///
/// Every door builds room names through [`RoomName::parse`], so the same text reaches the same room everywhere.
#[derive(Clone)]
pub struct RoomName {
    shown: String,
    folded: String,
}

/// Why a text is not a room name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RoomNameError {
    /// Nothing is left after trimming.
    #[error("the room name is empty")]
    Empty,
    /// More than [`RoomName::MAX_CHARS`] characters after normalisation.
    #[error("the room name has more than 128 characters")]
    TooLong,
    /// A control, format (bidi, zero-width) or line-separating character.
    #[error("the room name has a control character")]
    ControlCharacter,
    /// A slash or backslash.
    #[error("the room name has a slash")]
    Slash,
    /// A dot at the start or the end.
    #[error("the room name begins or ends with a dot")]
    EdgeDot,
}

impl RoomName {
    /// The greatest length, in characters after normalisation.
    pub const MAX_CHARS: usize = 128;

    /// Normalises and checks `text`.
    ///
    /// # Errors
    /// One of [`RoomNameError`]; input of any size is refused without being copied whole.
    pub fn parse(text: &str) -> Result<Self, RoomNameError> {
        // NFKC grows a character to at most 18; a text this long cannot come down to 128 characters.
        if text.len() > Self::MAX_CHARS * 32 {
            return Err(RoomNameError::TooLong);
        }
        let normal: String = text.nfkc().collect();
        let shown = normal.trim();
        if shown.is_empty() {
            return Err(RoomNameError::Empty);
        }
        if shown.chars().count() > Self::MAX_CHARS {
            return Err(RoomNameError::TooLong);
        }
        if shown.chars().any(is_invisible) {
            return Err(RoomNameError::ControlCharacter);
        }
        if shown.contains(['/', '\\']) {
            return Err(RoomNameError::Slash);
        }
        if shown.starts_with('.') || shown.ends_with('.') {
            return Err(RoomNameError::EdgeDot);
        }
        let folded = caseless::default_case_fold_str(shown).nfkc().collect();
        Ok(Self {
            shown: shown.to_owned(),
            folded,
        })
    }

    /// The name as first written, for people.
    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// The folded form, for keys and comparison.
    pub fn key(&self) -> &str {
        &self.folded
    }
}

/// Control characters, separators and the zero-width and bidirectional format characters that make two names look alike.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

impl PartialEq for RoomName {
    fn eq(&self, other: &Self) -> bool {
        self.folded == other.folded
    }
}

impl Eq for RoomName {}

impl Hash for RoomName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.folded.hash(state);
    }
}

impl PartialOrd for RoomName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for RoomName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.folded.cmp(&other.folded)
    }
}

impl fmt::Display for RoomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for RoomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RoomName({:?})", self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<(&str, &str), RoomNameError>) {
        let got = RoomName::parse(text);
        assert_eq!(
            got.as_ref().map(|n| (n.as_str(), n.key())).map_err(|e| *e),
            expected,
            "for {text:?}"
        );
    }

    #[test]
    fn folds_case_and_compatibility_forms_but_shows_what_was_written() {
        check("  Weekly ", Ok(("Weekly", "weekly")));
        check("Ｃafé", Ok(("Café", "café")));
        check("STRASSE", Ok(("STRASSE", "strasse")));
        check("straße", Ok(("straße", "strasse")));
    }

    #[test]
    fn refuses_what_could_confuse_a_path_or_an_eye() {
        check("", Err(RoomNameError::Empty));
        check(" \t ", Err(RoomNameError::Empty));
        check("a/b", Err(RoomNameError::Slash));
        check("a\\b", Err(RoomNameError::Slash));
        check(".hidden", Err(RoomNameError::EdgeDot));
        check("end.", Err(RoomNameError::EdgeDot));
        check("a\u{0}b", Err(RoomNameError::ControlCharacter));
        check("a\u{202E}b", Err(RoomNameError::ControlCharacter));
        check("a\u{200B}b", Err(RoomNameError::ControlCharacter));
    }

    #[test]
    fn bounds_the_length_before_and_after_normalisation() {
        check(&"x".repeat(128), Ok((&"x".repeat(128), &"x".repeat(128))));
        check(&"x".repeat(129), Err(RoomNameError::TooLong));
        check(&"x".repeat(10_000_000), Err(RoomNameError::TooLong));
        // One ligature becomes eighteen characters.
        check(&"\u{FDFA}".repeat(8), Err(RoomNameError::TooLong));
    }
}
