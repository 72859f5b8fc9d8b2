//! Runs one command, lets its output through, and counts the tests it reports.

use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context as _, Result};

/// Counts what a step proved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tests that passed.
    pub passed: u32,
    /// Tests that failed.
    pub failed: u32,
    /// Tests that were left out.
    pub skipped: u32,
    /// The lines that name what failed, the first [`MOST_FAILURES`] of them.
    pub failures: Vec<String>,
}

/// Most lines of a step that are said again at the end.
const MOST_FAILURES: usize = 30;

impl Counts {
    /// Adds another set of counts to this one.
    pub fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.failures.extend(other.failures);
        self.failures.truncate(MOST_FAILURES);
    }

    /// One failure, named.
    pub fn failure(line: String) -> Self {
        Self {
            failed: 1,
            failures: vec![line],
            ..Self::default()
        }
    }
}

/// Builds a command that runs in the project's root, without colours and not longer than `minutes`.
///
/// The limit is coreutils' `timeout`, which also ends what the command has started.
pub fn command(root: &Path, minutes: u32, program: &str, args: &[&str]) -> Command {
    let mut command = Command::new("timeout");
    command
        .arg("--kill-after=20")
        .arg(format!("{minutes}m"))
        .arg(program)
        .args(args);
    command
        .current_dir(root)
        .env("NO_COLOR", "1")
        .env("CARGO_TERM_COLOR", "never")
        .env("FORCE_COLOR", "0");
    command
}

/// Runs a command to its end and returns its counts; without a report of its own it counts as one test.
///
/// # Errors
/// When the command cannot be started.
pub fn counted(mut command: Command) -> Result<Counts> {
    let program = command
        .get_args()
        .nth(2)
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("starting {program}"))?;
    let errors = child
        .stderr
        .take()
        .map(|stderr| thread::spawn(move || relay(stderr)));
    let mut counts = child.stdout.take().map(relay).unwrap_or_default();
    if let Some(errors) = errors {
        counts.add(errors.join().unwrap_or_default());
    }
    let status = child.wait().with_context(|| format!("waiting for {program}"))?;
    if !status.success() && counts.failed == 0 {
        let line = format!("{program} ended with {status}");
        println!("{line}");
        counts.add(Counts::failure(line));
    } else if status.success() && counts.passed == 0 {
        counts.passed = 1;
    }
    Ok(counts)
}

/// Runs a command silently and says whether it succeeded.
pub fn quiet(mut command: Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Looks in the project's own tools, where Go puts programs, and on the path.
pub fn find(root: &Path, program: &str) -> Option<PathBuf> {
    let go = std::env::var_os("HOME").map(|home| PathBuf::from(home).join("go/bin"));
    let own = [root.join("target/tools/bin"), root.join("target/tools/venv/bin")];
    let path = std::env::var_os("PATH").unwrap_or_default();
    own.into_iter()
        .chain(go)
        .chain(std::env::split_paths(&path))
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// Prints each line as it comes and adds up what the lines report.
fn relay(stream: impl Read) -> Counts {
    let mut counts = Counts::default();
    for line in BufReader::new(stream).split(b'\n') {
        let Ok(line) = line else { break };
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        if let Some(found) = report(&line) {
            counts.add(found);
        }
        if names_failure(&line) && counts.failures.len() < MOST_FAILURES {
            counts.failures.push(line.trim().to_owned());
        }
    }
    counts
}

/// Tells a line by which libtest, vitest, `node --test`, a panic or a compiler names what failed.
fn names_failure(line: &str) -> bool {
    let line = line.trim();
    let begins = ["FAIL ", "✖ ", "× ", "error: ", "error["];
    begins.iter().any(|begin| line.starts_with(begin))
        || (line.starts_with("test ") && line.ends_with(" FAILED"))
        || (line.starts_with("thread '") && line.contains(" panicked at "))
}

/// Reads the closing line of libtest, vitest, `node --test` and of our own tools.
fn report(line: &str) -> Option<Counts> {
    let line = line.trim();
    let line = line
        .strip_prefix("test result: ")
        .or_else(|| line.strip_prefix("Tests "))
        .or_else(|| {
            // Ours, as in `tidy: 12 passed, 0 failed`.
            let (name, rest) = line.split_once(": ")?;
            (name.chars().all(|c| c.is_ascii_lowercase() || c == '-') && rest.contains(" passed, "))
                .then_some(rest)
        })?;
    let words: Vec<&str> = line
        .split(|c: char| c.is_whitespace() || matches!(c, ';' | ',' | '|'))
        .filter(|w| !w.is_empty())
        .collect();
    let before = |label: &str| -> u32 {
        let at = words.iter().position(|word| *word == label);
        at.and_then(|at| words.get(at.checked_sub(1)?)?.parse().ok())
            .unwrap_or(0)
    };
    Some(Counts {
        passed: before("passed"),
        failed: before("failed"),
        skipped: before("skipped") + before("ignored"),
        failures: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, passed: u32, failed: u32, skipped: u32) {
        assert_eq!(
            report(line),
            Some(Counts {
                passed,
                failed,
                skipped,
                failures: Vec::new(),
            }),
            "{line}"
        );
    }

    #[test]
    fn closing_lines_are_read() {
        check(
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.1s",
            12,
            0,
            1,
        );
        check("      Tests  1 failed | 30 passed | 2 skipped (33)", 30, 1, 2);
        check("tidy: 13 passed, 0 failed", 13, 0, 0);
        assert_eq!(report("Test Files  3 passed (3)"), None);
        assert_eq!(report("compiling: something passed by"), None);
    }

    #[test]
    fn a_command_without_report_counts_as_one() -> Result<()> {
        let run = |program| counted(command(Path::new("."), 1, program, &[]));
        assert_eq!(
            run("true")?,
            Counts {
                passed: 1,
                ..Counts::default()
            }
        );
        let failed = run("false")?;
        assert_eq!((failed.passed, failed.failed, failed.failures.len()), (0, 1, 1));
        Ok(())
    }

    #[test]
    fn what_failed_is_told_from_what_did_not() {
        assert!(names_failure("test acme::renews ... FAILED"));
        assert!(names_failure(
            "thread 'acme::renews' (12) panicked at crates/server/tests/acme.rs:3:5:"
        ));
        assert!(names_failure(" FAIL  chat.test.ts > a message crosses"));
        assert!(names_failure("error[E0308]: mismatched types"));
        assert!(!names_failure("test acme::renews ... ok"));
        assert!(!names_failure("test result: FAILED. 1 passed; 1 failed"));
    }
}
