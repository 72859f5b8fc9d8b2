//! Rules about any file: its header, its length, and words that must not be left in it.

use super::Finding;
use super::manifest::manifests;
use super::source::{code_only, is_word, lines_with_word};
use crate::tree::Tree;

const MAX_LINES: usize = 800;

/// Extensions of files that people write and read as code.
const SOURCES: [&str; 9] = ["rs", "ts", "tsx", "css", "mjs", "js", "py", "sh", "toml"];

/// Written by tools; their length and words are not ours.
const GENERATED: [&str; 4] = [
    "Cargo.lock",
    "package-lock.json",
    "docs/openapi.json",
    "web/src/api/schema.ts",
];

/// Marks of unfinished work. Spelt in halves so that this file passes its own rule.
const LEFT_UNDONE: [&str; 4] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("X", "XX"),
    concat!("HA", "CK"),
];

/// Macros that stand where code should.
const STUBS: [&str; 2] = [concat!("todo", "!"), concat!("unimplemented", "!")];

/// Starts of paths that exist on one machine only, in halves as above.
const MACHINE_PATHS: [&str; 5] = [
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/Us", "ers/"),
    concat!("/tmp/", "lab"),
];

/// Each crate opens by saying what it is.
pub fn crate_headers(tree: &Tree) -> Vec<Finding> {
    let (crates, _) = manifests(tree);
    let mut findings = Vec::new();
    for manifest in &crates {
        let entries = ["lib.rs", "main.rs"].map(|name| format!("crates/{}/src/{name}", manifest.folder));
        let present: Vec<&String> = entries.iter().filter(|path| tree.contains(path)).collect();
        if present.is_empty() {
            findings.push(Finding::new(
                &manifest.path,
                "has neither src/lib.rs nor src/main.rs",
            ));
        }
        for path in present {
            if !tree.text(path).unwrap_or_default().starts_with("//! ") {
                findings.push(Finding::new(path, "must open with a `//!` header"));
            }
        }
    }
    findings
}

/// Files stay short enough to be read in one sitting.
pub fn file_length(tree: &Tree) -> Vec<Finding> {
    sources(tree)
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > MAX_LINES)
        .map(|(path, lines)| Finding::new(path, format!("{lines} lines; the most is {MAX_LINES}")))
        .collect()
}

/// Nothing is left for later, and nothing points into somebody's own machine.
pub fn words(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.files().filter(|(path, _)| !GENERATED.contains(path)) {
        for mark in LEFT_UNDONE {
            for line in lines_with_word(text, mark) {
                findings.push(Finding::new(
                    format!("{path}:{line}"),
                    format!("`{mark}` is left"),
                ));
            }
        }
        for (index, line) in text.lines().enumerate() {
            if let Some(start) = MACHINE_PATHS.iter().find(|start| has_path(line, start)) {
                let message = format!("`{start}…` exists on one machine only");
                findings.push(Finding::new(format!("{path}:{}", index + 1), message));
            }
        }
        if path.ends_with(".rs") {
            let code = code_only(text, false);
            for (index, line) in code.lines().enumerate() {
                if let Some(stub) = STUBS.iter().find(|stub| line.contains(*stub)) {
                    findings.push(Finding::new(
                        format!("{path}:{}", index + 1),
                        format!("`{stub}` is a stub"),
                    ));
                }
            }
        }
    }
    findings
}

/// A path starts where no word, dot or slash stands before it; so `https://host/home/x` is not one.
fn has_path(line: &str, start: &str) -> bool {
    line.match_indices(start).any(|(at, _)| {
        let before = line.get(..at).and_then(|head| head.chars().next_back());
        !before.is_some_and(|c| is_word(c) || matches!(c, '.' | '/' | '-' | '}' | ')' | '*' | '~'))
    })
}

fn sources(tree: &Tree) -> impl Iterator<Item = (&str, &str)> {
    tree.files().filter(|(path, _)| {
        let extension = path.rsplit_once('.').map(|(_, extension)| extension);
        extension.is_some_and(|extension| SOURCES.contains(&extension)) && !GENERATED.contains(path)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rule: fn(&Tree) -> Vec<Finding>, path: &str, text: &str, expected: usize) {
        let tree = Tree::default()
            .with("crates/room/Cargo.toml", "")
            .with(path, text);
        let findings = rule(&tree);
        assert_eq!(findings.len(), expected, "{findings:?}");
    }

    #[test]
    fn a_crate_without_header_is_found() {
        check(crate_headers, "crates/room/src/lib.rs", "//! Room.\n", 0);
        check(crate_headers, "crates/room/src/lib.rs", "mod a;\n", 1);
        check(crate_headers, "crates/room/src/other.rs", "", 1);
    }

    #[test]
    fn a_long_file_is_found() {
        check(file_length, "web/src/a.ts", &"x\n".repeat(MAX_LINES), 0);
        check(file_length, "web/src/a.ts", &"x\n".repeat(MAX_LINES + 1), 1);
        check(file_length, "docs/openapi.json", &"x\n".repeat(MAX_LINES + 1), 0);
        check(file_length, "docs/long.md", &"x\n".repeat(MAX_LINES + 1), 0);
    }

    #[test]
    fn unfinished_work_is_found() {
        check(words, "a.rs", &format!("// {}: later", LEFT_UNDONE[0]), 1);
        check(words, "a.py", &format!("# {}", LEFT_UNDONE[1]), 1);
        check(words, "a.rs", &format!("fn f() {{ {}() }}", STUBS[0]), 1);
        check(words, "a.rs", &format!("// {}", STUBS[1]), 0);
        check(words, "a.rs", "fn todo_list() {}", 0);
    }

    #[test]
    fn machine_paths_are_found() {
        check(words, "a.md", &format!("see {}ana/notes", MACHINE_PATHS[2]), 1);
        check(words, "a.sh", &format!("cd {}main", MACHINE_PATHS[0]), 1);
        check(
            words,
            "a.md",
            &format!("https://example.org{}index", MACHINE_PATHS[2]),
            0,
        );
    }
}
