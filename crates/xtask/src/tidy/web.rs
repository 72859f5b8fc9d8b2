//! The web app's arrows: app → features → call, actions, api, media, layout → ui; `i18n` serves everyone.

use super::Finding;
use super::source::code_only;
use crate::tree::Tree;

const SOURCE: &str = "web/src";

/// Folders of `web/src` with the folders they may import, besides themselves and `i18n`.
///
/// `i18n` reads the chosen language from the preferences in `media`.
/// `call`, `actions`, `api`, `media` and `layout` form one row: they know each other as listed, and no feature.
const ARROWS: [(&str, &[&str]); 9] = [
    (
        "app",
        &["features", "call", "actions", "api", "media", "layout", "ui"],
    ),
    ("features", &["call", "actions", "api", "media", "layout", "ui"]),
    ("call", &["api", "media", "ui"]),
    ("actions", &["call", "api", "media", "layout", "ui"]),
    ("api", &[]),
    ("media", &["ui"]),
    ("layout", &[]),
    ("ui", &[]),
    ("i18n", &["media"]),
];

/// Imports follow the arrows.
pub fn arrows(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.below(SOURCE) {
        if !(path.ends_with(".ts") || path.ends_with(".tsx")) || is_test(path) {
            continue;
        }
        let Some(from) = folder_of(path) else { continue };
        let Some((_, allowed)) = ARROWS.iter().find(|(folder, _)| *folder == from) else {
            findings.push(Finding::new(
                path,
                format!("`{from}` has no row in xtask's table of web arrows"),
            ));
            continue;
        };
        for (line, specifier) in imports(&code_only(text, true)) {
            let Some(target) = resolve(path, &specifier) else {
                continue;
            };
            let Some(to) = target_folder(&target) else {
                findings.push(Finding::new(
                    format!("{path}:{line}"),
                    format!("imports `{specifier}` from above"),
                ));
                continue;
            };
            if to != from && to != "i18n" && !allowed.contains(&to) {
                findings.push(Finding::new(
                    format!("{path}:{line}"),
                    format!("`{from}` may not import `{to}`"),
                ));
            }
        }
    }
    findings
}

fn is_test(path: &str) -> bool {
    path.contains(".test.") || path.starts_with("web/src/test/")
}

/// Names the first folder below `web/src`; files right in it (`main.tsx`) have none and may import anything.
fn folder_of(path: &str) -> Option<&str> {
    path.strip_prefix(SOURCE)?
        .strip_prefix('/')?
        .split_once('/')
        .map(|(folder, _)| folder)
}

/// Like [`folder_of`], where the folder itself stands for its index module.
fn target_folder(target: &str) -> Option<&str> {
    folder_of(target).or_else(|| {
        let name = target.strip_prefix(SOURCE)?.strip_prefix('/')?;
        ARROWS.iter().any(|(folder, _)| *folder == name).then_some(name)
    })
}

/// Lists what a module imports: static, re-exported, for side effects, dynamic, and in `import('…')` types.
fn imports(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for keyword in ["from", "import", "import("] {
        for (at, _) in code.match_indices(keyword) {
            let boundary = code.get(..at).and_then(|head| head.chars().next_back());
            if boundary.is_some_and(|c| super::source::is_word(c) || c == '.') {
                continue;
            }
            let rest = code.get(at + keyword.len()..).unwrap_or_default().trim_start();
            let Some(quote) = rest.chars().next().filter(|c| matches!(c, '\'' | '"')) else {
                continue;
            };
            let specifier: String = rest
                .chars()
                .skip(1)
                .take_while(|c| *c != quote && *c != '\n')
                .collect();
            let line = code.get(..at).map_or(1, |head| head.matches('\n').count() + 1);
            found.push((line, specifier));
        }
    }
    found
}

/// Turns a relative or `@/` specifier into a path of the project; packages give `None`.
fn resolve(importer: &str, specifier: &str) -> Option<String> {
    if let Some(rest) = specifier.strip_prefix("@/") {
        return Some(format!("{SOURCE}/{rest}"));
    }
    if !specifier.starts_with('.') {
        return None;
    }
    let mut parts: Vec<&str> = importer.split('/').collect();
    parts.pop();
    for part in specifier.split('/') {
        match part {
            "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, text: &str, expected: &[&str]) {
        let findings = arrows(&Tree::default().with(path, text));
        assert_eq!(findings.len(), expected.len(), "{findings:?}");
        for (finding, part) in findings.iter().zip(expected) {
            assert!(finding.message.contains(part), "{finding} should contain {part}");
        }
    }

    #[test]
    fn imports_downwards_pass() {
        check(
            "web/src/features/chat/Chat.tsx",
            "import { Button } from '../../ui/Button';",
            &[],
        );
        check(
            "web/src/app/App.tsx",
            "const Call = lazy(() => import('@/features/call/CallScreen'));",
            &[],
        );
        check(
            "web/src/ui/Button.tsx",
            "import { t } from '../i18n';\nimport 'react';\nimport './b.css';",
            &[],
        );
    }

    #[test]
    fn imports_upwards_are_found() {
        check(
            "web/src/ui/Button.tsx",
            "import { Room } from '../call/room';",
            &["`ui` may not import `call`"],
        );
        check(
            "web/src/call/a.ts",
            "import type { X } from '@/features/x';",
            &["`call` may not import `features`"],
        );
        check(
            "web/src/features/x/a.ts",
            "export * from \"../../app/theme\";",
            &["`features` may not import `app`"],
        );
        check(
            "web/src/layout/a.ts",
            "const x = import( '../app/x' );",
            &["`layout` may not import `app`"],
        );
        check(
            "web/src/api/a.ts",
            "import x from '../../scripts/x';",
            &["from above"],
        );
    }

    #[test]
    fn comments_and_tests_do_not_count() {
        check("web/src/ui/a.ts", "// import x from '../app/x'", &[]);
        check("web/src/ui/a.test.ts", "import x from '../app/x'", &[]);
    }

    #[test]
    fn an_unknown_folder_needs_its_row() {
        check("web/src/helpers/a.ts", "", &["no row"]);
    }
}
