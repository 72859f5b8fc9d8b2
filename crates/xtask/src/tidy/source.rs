//! Just enough reading of Rust and TypeScript: code without its comments and literals, words, imports.

/// Blanks comments and, if asked, the insides of string and character literals; line numbers stay as they were.
pub fn code_only(source: &str, keep_strings: bool) -> String {
    let chars: Vec<char> = source.chars().collect();
    let mut code = String::with_capacity(source.len());
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        let next = chars.get(at + 1).copied();
        let end = match (c, next) {
            ('/', Some('/')) => line_end(&chars, at),
            ('/', Some('*')) => block_end(&chars, at),
            ('r', Some('"' | '#')) if !previous_is_word(&chars, at) => match raw_string_end(&chars, at) {
                Some(end) => {
                    literal(&mut code, &chars, at, end, keep_strings);
                    at = end;
                    continue;
                }
                None => at + 1,
            },
            ('"', _) => {
                let end = quoted_end(&chars, at, '"');
                literal(&mut code, &chars, at, end, keep_strings);
                at = end;
                continue;
            }
            ('\'', _) if is_char_literal(&chars, at) => {
                let end = quoted_end(&chars, at, '\'');
                literal(&mut code, &chars, at, end, keep_strings);
                at = end;
                continue;
            }
            _ => {
                code.push(c);
                at += 1;
                continue;
            }
        };
        if end == at + 1 {
            code.push(c);
        } else {
            blank(&mut code, &chars, at, end);
        }
        at = end;
    }
    code
}

fn literal(code: &mut String, chars: &[char], start: usize, end: usize, keep: bool) {
    if keep {
        code.extend(chars.iter().take(end).skip(start));
    } else {
        blank(code, chars, start, end);
    }
}

fn blank(code: &mut String, chars: &[char], start: usize, end: usize) {
    code.extend(
        chars
            .iter()
            .take(end)
            .skip(start)
            .map(|c| if *c == '\n' { '\n' } else { ' ' }),
    );
}

fn line_end(chars: &[char], start: usize) -> usize {
    (start..chars.len())
        .find(|at| chars.get(*at) == Some(&'\n'))
        .unwrap_or(chars.len())
}

fn block_end(chars: &[char], start: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = start;
    while at < chars.len() {
        match (chars.get(at), chars.get(at + 1)) {
            (Some('/'), Some('*')) => {
                depth += 1;
                at += 2;
            }
            (Some('*'), Some('/')) => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    chars.len()
}

fn raw_string_end(chars: &[char], start: usize) -> Option<usize> {
    let hashes = chars.iter().skip(start + 1).take_while(|c| **c == '#').count();
    let open = start + 1 + hashes;
    if chars.get(open) != Some(&'"') {
        return None;
    }
    let mut at = open + 1;
    while at < chars.len() {
        let closes = chars.get(at) == Some(&'"')
            && chars
                .iter()
                .skip(at + 1)
                .take(hashes)
                .filter(|c| **c == '#')
                .count()
                == hashes;
        if closes {
            return Some(at + 1 + hashes);
        }
        at += 1;
    }
    Some(chars.len())
}

fn quoted_end(chars: &[char], start: usize, quote: char) -> usize {
    let mut at = start + 1;
    while let Some(c) = chars.get(at) {
        match *c {
            '\\' => at += 2,
            c if c == quote => return at + 1,
            _ => at += 1,
        }
    }
    chars.len()
}

/// Tells `'a'` and `'\n'` from the lifetime `'a`.
fn is_char_literal(chars: &[char], at: usize) -> bool {
    chars.get(at + 1) == Some(&'\\') || chars.get(at + 2) == Some(&'\'')
}

fn previous_is_word(chars: &[char], at: usize) -> bool {
    at.checked_sub(1)
        .and_then(|before| chars.get(before))
        .is_some_and(|c| is_word(*c))
}

/// Says whether a character belongs to an identifier.
pub fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Yields the line number, from 1, of every place where `word` stands as a whole word.
pub fn lines_with_word<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    text.lines()
        .enumerate()
        .filter(move |(_, line)| has_word(line, word))
        .map(|(index, _)| index + 1)
}

/// Says whether `word` stands in `text` with no identifier character on either side.
pub fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let before = text.get(..at).and_then(|head| head.chars().next_back());
        let after = text.get(at + word.len()..).and_then(|tail| tail.chars().next());
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

/// Lists the names that are taken from a crate: `krate::Name` and `use krate::{A, b::C}` alike, first segment only.
pub fn names_from(code: &str, krate: &str) -> Vec<(usize, String)> {
    let mut names = Vec::new();
    let prefix = format!("{krate}::");
    for (at, _) in code.match_indices(&prefix) {
        let line = code.get(..at).map_or(1, |head| head.matches('\n').count() + 1);
        let rest = code.get(at + prefix.len()..).unwrap_or_default();
        if let Some(group) = rest.strip_prefix('{') {
            names.extend(group_heads(group).into_iter().map(|name| (line, name)));
        } else {
            names.push((
                line,
                rest.chars().take_while(|c| is_word(*c) || *c == '*').collect(),
            ));
        }
    }
    names
}

/// Reads the first identifier of each element of `A, b::{C, D}, E}` up to the closing brace.
fn group_heads(group: &str) -> Vec<String> {
    let mut heads = Vec::new();
    let mut depth = 0_usize;
    let mut head = String::new();
    let mut taking = true;
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                heads.push(std::mem::take(&mut head));
                taking = true;
            }
            c if depth == 0 && taking && (is_word(c) || c == '*') => head.push(c),
            _ if depth == 0 && !head.is_empty() => taking = false,
            _ => {}
        }
    }
    heads.push(head);
    heads.retain(|name| !name.is_empty());
    heads
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_blanked_and_lines_kept() {
        let source = "let a = \"str0m // no\"; // str0m\n/* x /* y */ z */ let b = r#\"q\"q\"#; 'l: loop {}\nlet c = '\"'; d";
        let code = code_only(source, false);
        assert_eq!(code.lines().count(), 3);
        assert!(!code.contains("str0m") && !code.contains('z') && !code.contains('q'));
        assert!(code.contains("let b =") && code.contains("'l: loop") && code.ends_with("d"));
    }

    #[test]
    fn words_are_whole_words() {
        assert!(has_word("use str0m;", "str0m"));
        assert!(!has_word("use my_str0m_thing;", "str0m"));
        assert_eq!(lines_with_word("a\nb c\nbc", "c").collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn names_are_read_from_paths_and_groups() {
        let code =
            "use tertulia_room::{Command, event::{A, B}, Event as E};\nfn f(_: tertulia_room::Room) {}";
        let names = names_from(code, "tertulia_room");
        let expected = [(1, "Command"), (1, "event"), (1, "Event"), (2, "Room")];
        assert_eq!(names, expected.map(|(line, name)| (line, name.to_owned())));
    }
}
