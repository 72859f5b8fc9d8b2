/// Cleans a text of several lines: line ends become `\n`, other control characters but the tab go, and so do the
/// bidirectional overrides that make a text read as something else. Spaces around it go.
pub(crate) fn clean_text(text: &str) -> String {
    let unified = text.replace("\r\n", "\n").replace('\r', "\n");
    let kept: String = unified
        .chars()
        .filter(|&c| matches!(c, '\n' | '\t') || !(c.is_control() || is_override(c)))
        .collect();
    kept.trim().to_owned()
}

/// Cleans a text of one line: control characters and bidirectional overrides go, and so do spaces around it.
pub(crate) fn clean_line(text: &str) -> String {
    let kept: String = text
        .chars()
        .filter(|&c| !(c.is_control() || is_override(c)))
        .collect();
    kept.trim().to_owned()
}

/// Embeddings, overrides, and the line and paragraph separators. Isolates and marks stay: right-to-left writers
/// need them, and they cannot turn round what stands outside.
fn is_override(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_and_overrides_go_and_lines_stay() {
        assert_eq!(clean_text(" a\r\nb\rc\td\u{0}\u{1b}[31m "), "a\nb\nc\td[31m");
        assert_eq!(clean_text("invoice\u{202E}fdp.exe"), "invoicefdp.exe");
        assert_eq!(clean_text("\u{7}\n "), "");
        assert_eq!(clean_line("Ana\n\u{202A}\u{9}María "), "AnaMaría");
    }

    #[test]
    fn joined_emoji_and_right_to_left_text_stay_whole() {
        for text in ["👩‍👩‍👧", "שלום", "\u{2067}א\u{2069} b"] {
            assert_eq!(clean_text(text), text);
        }
    }
}
