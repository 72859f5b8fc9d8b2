//! Checks on texts people type.

/// Longest display name, in characters.
pub const MAX_DISPLAY_NAME_CHARS: usize = 128;
/// Longest display name, in bytes: what the room keeps of a name.
const MAX_DISPLAY_NAME_BYTES: usize = 256;
/// Longest name of a file, in bytes: what the room keeps of a name.
const MAX_FILE_NAME_BYTES: usize = 255;

/// Trims a display name and joins its words with single spaces; `None` when it is empty, too long, or has
/// characters that break lines or turn the direction of other people's text.
pub fn display_name(text: &str) -> Option<String> {
    if text.len() > MAX_DISPLAY_NAME_CHARS * 8 || text.trim().chars().any(is_disruptive) {
        return None;
    }
    let name = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let fits = !name.is_empty()
        && name.chars().count() <= MAX_DISPLAY_NAME_CHARS
        && name.len() <= MAX_DISPLAY_NAME_BYTES;
    fits.then_some(name)
}

/// Keeps the last part of a file's name, without what breaks lines or turns the direction of other people's text; `None`
/// when nothing is left or it is too long.
pub fn file_name(text: &str) -> Option<String> {
    if text.len() > MAX_FILE_NAME_BYTES * 4 {
        return None;
    }
    let last = text.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept: String = last.chars().filter(|c| !is_disruptive(*c)).collect();
    let name = kept.trim().trim_start_matches('.').trim();
    (!name.is_empty() && name.len() <= MAX_FILE_NAME_BYTES).then(|| name.to_owned())
}

/// Writes a text as one segment of a path (RFC 3986).
pub fn path_segment(text: &str) -> String {
    let mut segment = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            segment.push(char::from(byte));
        } else {
            segment.push_str(&format!("%{byte:02X}"));
        }
    }
    segment
}

/// Checks an id made by a client.
pub fn is_client_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// Zero-width joiners stay: emoji and several scripts need them.
fn is_disruptive(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FFF9}'..='\u{FFFB}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_tidied() {
        for (text, expected) in [
            (" Ana  María ", Some("Ana María")),
            ("👩‍💻 Bea", Some("👩‍💻 Bea")),
            ("", None),
            (" \t ", None),
            ("a\u{202e}b", None),
            ("a\nb", None),
            ("a\u{0}", None),
        ] {
            assert_eq!(display_name(text).as_deref(), expected, "for {text:?}");
        }
    }

    #[test]
    fn names_are_bounded_in_characters_and_bytes() {
        assert!(display_name(&"x".repeat(128)).is_some());
        assert!(display_name(&"x".repeat(129)).is_none());
        assert!(display_name(&"я".repeat(128)).is_some());
        assert!(display_name(&"漢".repeat(128)).is_none());
        assert!(display_name(&"x".repeat(10_000_000)).is_none());
    }

    #[test]
    fn f2_names_of_files_lead_nowhere() {
        for (text, expected) in [
            ("../../etc/passwd", Some("passwd")),
            ("C:\\dir\\plan.pdf", Some("plan.pdf")),
            ("a\0b\n\u{202e}c.txt", Some("abc.txt")),
            (" .hidden ", Some("hidden")),
            ("ñandú 😀.png", Some("ñandú 😀.png")),
            ("..", None),
            ("a/", None),
            ("", None),
        ] {
            assert_eq!(file_name(text).as_deref(), expected, "for {text:?}");
        }
        assert!(file_name(&"x".repeat(255)).is_some());
        assert!(file_name(&"x".repeat(256)).is_none());
        assert!(file_name(&"x".repeat(4_096)).is_none());
    }

    #[test]
    fn client_ids_are_plain() {
        assert!(is_client_id("2f1b6c1e-8f63-4b8f-9d0e-3c1d5a7e9b10"));
        for text in ["", "a b", "é", &"x".repeat(65)] {
            assert!(!is_client_id(text), "for {text:?}");
        }
    }
}
