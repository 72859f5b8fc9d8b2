//! Texts people type about themselves and their rooms.

use crate::FieldError;

/// Longest display name or title, in characters.
const MAX_LINE_CHARS: usize = 128;
/// Longest display name or title, in bytes: what a room keeps of a name.
const MAX_LINE_BYTES: usize = 256;

/// Trims a line and joins its words with single spaces.
///
/// # Errors
/// [`FieldError`] where nothing is left, it is too long, or has characters that break lines or turn the direction of
/// other people's text.
pub(crate) fn line(field: &'static str, text: &str) -> Result<String, FieldError> {
    if text.len() > MAX_LINE_CHARS * 8 {
        return Err(FieldError::TooLong(field));
    }
    if text.trim().chars().any(is_disruptive) {
        return Err(FieldError::Invalid(field));
    }
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() {
        return Err(FieldError::Empty(field));
    }
    if line.chars().count() > MAX_LINE_CHARS || line.len() > MAX_LINE_BYTES {
        return Err(FieldError::TooLong(field));
    }
    Ok(line)
}

/// Trims a text of several lines; its line ends become `\n`.
///
/// # Errors
/// [`FieldError`] where it is longer than `longest` bytes or has other control characters.
pub(crate) fn paragraphs(field: &'static str, text: &str, longest: usize) -> Result<String, FieldError> {
    if text.len() > longest {
        return Err(FieldError::TooLong(field));
    }
    let text = text.trim().replace("\r\n", "\n");
    if text.chars().any(|c| is_disruptive(c) && c != '\n' && c != '\t') {
        return Err(FieldError::Invalid(field));
    }
    Ok(text)
}

/// Zero-width joiners stay: emoji and several scripts need them.
fn is_disruptive(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FFF9}'..='\u{FFFB}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_tidied_and_bounded() {
        assert_eq!(line("title", "  Ana   María ").as_deref(), Ok("Ana María"));
        for text in [
            "",
            " \t ",
            "a\nb",
            "a\u{202e}b",
            "a\u{0}",
            &"x".repeat(129),
            &"漢".repeat(128),
        ] {
            assert!(line("title", text).is_err(), "for {text:?}");
        }
    }

    #[test]
    fn paragraphs_keep_their_lines() {
        assert_eq!(paragraphs("d", " a\r\n\tb\n", 100).as_deref(), Ok("a\n\tb"));
        assert_eq!(paragraphs("d", "a\u{7}", 100), Err(FieldError::Invalid("d")));
        assert_eq!(paragraphs("d", "aaaa", 3), Err(FieldError::TooLong("d")));
    }
}
