//! Every check of the project, in an order that fails early, with one line of totals at the end.

use std::path::Path;
use std::time::Instant;

use anyhow::{Result, bail};

use crate::run::{Counts, command, counted, find, quiet};
use crate::{config_reference, instructions, tidy};

const CARGO_DENY: &str = "0.20.2";
const TYPOS: &str = "1.52.0";

/// Names the steps to run.
pub enum Selection {
    /// Everything.
    All,
    /// What answers within a few minutes: no browsers, no SDKs, no release build.
    Fast,
    /// One step.
    Only(String),
}

/// Says how a step ended.
enum Outcome {
    Ran(Counts),
    /// Left out, with the way to have it.
    Skipped(String),
}

struct Step {
    name: &'static str,
    fast: bool,
    run: fn(&Path) -> Result<Outcome>,
}

const STEPS: [Step; 18] = [
    Step {
        name: "web-install",
        fast: true,
        run: web_install,
    },
    Step {
        name: "web-build",
        fast: false,
        run: |root| make(root, &["web"]),
    },
    Step {
        name: "tidy",
        fast: true,
        run: tidy_step,
    },
    Step {
        name: "fmt",
        fast: true,
        run: |root| cargo(root, 5, &["fmt", "--all", "--check"]),
    },
    Step {
        name: "typos",
        fast: true,
        run: typos,
    },
    Step {
        name: "deny",
        fast: false,
        run: deny,
    },
    Step {
        name: "web-check",
        fast: true,
        run: web_check,
    },
    Step {
        name: "scripts-check",
        fast: true,
        run: scripts_check,
    },
    Step {
        name: "clippy",
        fast: true,
        run: clippy,
    },
    Step {
        name: "rust-tests",
        fast: true,
        run: rust_tests,
    },
    Step {
        name: "rustdoc",
        fast: false,
        run: rustdoc,
    },
    Step {
        name: "fuzz-seeds",
        fast: false,
        run: fuzz_seeds,
    },
    Step {
        name: "release-build",
        fast: false,
        run: |root| make(root, &["build", "netsim"]),
    },
    Step {
        name: "config-reference",
        fast: false,
        run: config_reference_step,
    },
    Step {
        name: "packages",
        fast: false,
        run: packages_step,
    },
    Step {
        name: "instructions",
        fast: false,
        run: instructions_step,
    },
    Step {
        name: "e2e",
        fast: false,
        run: e2e,
    },
    Step {
        name: "interop",
        fast: false,
        run: interop,
    },
];

/// Runs the chosen steps, goes on after a failure, and prints a table; `false` when anything failed.
///
/// # Errors
/// When no step has the asked name.
pub fn run(root: &Path, selection: Selection) -> Result<bool> {
    let chosen: Vec<&Step> = STEPS
        .iter()
        .filter(|step| match &selection {
            Selection::All => true,
            Selection::Fast => step.fast,
            Selection::Only(name) => step.name == name,
        })
        .collect();
    if chosen.is_empty() {
        let names = STEPS.map(|step| step.name).join(" ");
        bail!("no such step; there are: {names}");
    }
    let mut lines = Vec::new();
    let mut failures = Vec::new();
    let mut total = Counts::default();
    for step in chosen {
        println!("\n=== {}", step.name);
        let started = Instant::now();
        let outcome = (step.run)(root).unwrap_or_else(|error| {
            println!("{}: {error:#}", step.name);
            Outcome::Ran(Counts::failure(format!("{error:#}")))
        });
        let seconds = started.elapsed().as_secs();
        let counts = match outcome {
            Outcome::Ran(counts) => {
                let word = if counts.failed == 0 { "ok" } else { "FAILED" };
                lines.push(format!(
                    "{:<17} {word:<8} {:>4} passed {:>3} failed {:>3} skipped {seconds:>5} s",
                    step.name, counts.passed, counts.failed, counts.skipped
                ));
                if counts.failed > 0 {
                    let named = counts.failures.iter().map(|line| format!("    {line}"));
                    failures.push(step.name.to_owned());
                    failures.extend(named);
                }
                counts
            }
            Outcome::Skipped(reason) => {
                println!("SKIPPED: {reason}");
                lines.push(format!("{:<17} SKIPPED  {reason}", step.name));
                Counts {
                    skipped: 1,
                    ..Counts::default()
                }
            }
        };
        total.add(counts);
    }
    if !failures.is_empty() {
        println!("\n=== what failed");
    }
    for line in failures {
        println!("{line}");
    }
    println!("\n=== summary");
    for line in lines {
        println!("{line}");
    }
    println!(
        "{} passed, {} failed, {} skipped",
        total.passed, total.failed, total.skipped
    );
    Ok(total.failed == 0)
}

fn cargo(root: &Path, minutes: u32, args: &[&str]) -> Result<Outcome> {
    counted(command(root, minutes, "cargo", args)).map(Outcome::Ran)
}

fn make(root: &Path, targets: &[&str]) -> Result<Outcome> {
    counted(command(root, 25, "make", targets)).map(Outcome::Ran)
}

fn web_install(root: &Path) -> Result<Outcome> {
    make(root, &["web/node_modules/.package-lock.json"])
}

/// The outcome of a check that holds or does not.
fn judged(holds: bool) -> Outcome {
    Outcome::Ran(Counts {
        passed: u32::from(holds),
        failed: u32::from(!holds),
        ..Counts::default()
    })
}

fn tidy_step(root: &Path) -> Result<Outcome> {
    tidy::run(root).map(judged)
}

/// Checks spelling with the tool's wheel, since building it takes minutes.
fn typos(root: &Path) -> Result<Outcome> {
    let venv = root.join("target/tools/venv");
    let program = venv.join("bin/typos");
    let wanted = format!("typos=={TYPOS}");
    let venv_text = venv.to_string_lossy().into_owned();
    if !program.exists() {
        if !quiet(command(root, 2, "python3", &["-m", "venv", &venv_text])) {
            return Ok(Outcome::Skipped(
                "python3 -m venv does not work: apt-get install python3-venv".to_owned(),
            ));
        }
        let pip = venv.join("bin/pip").to_string_lossy().into_owned();
        let install = ["install", "--quiet", "--disable-pip-version-check", &wanted];
        counted(command(root, 5, &pip, &install))?;
    }
    counted(command(root, 2, &program.to_string_lossy(), &[])).map(Outcome::Ran)
}

fn deny(root: &Path) -> Result<Outcome> {
    let tools = root.join("target/tools");
    let tools_text = tools.to_string_lossy().into_owned();
    let program = tools.join("bin/cargo-deny").to_string_lossy().into_owned();
    if !tools.join("bin/cargo-deny").exists() {
        // An unoptimised cargo-deny takes a minute to build instead of several, and is quick enough.
        let package = format!("cargo-deny@{CARGO_DENY}");
        let install = [
            "install",
            "--locked",
            "--debug",
            "--quiet",
            "--root",
            &tools_text,
            &package,
        ];
        counted(command(root, 15, "cargo", &install))?;
    }
    let mut checks = vec![
        "--locked",
        "check",
        "--hide-inclusion-graph",
        "bans",
        "licenses",
        "sources",
    ];
    let database = "https://github.com/rustsec/advisory-db";
    if quiet(command(
        root,
        1,
        "git",
        &["ls-remote", "--exit-code", database, "HEAD"],
    )) {
        checks.push("advisories");
    } else {
        println!("deny: the advisory database cannot be reached; bans, licences and sources are checked");
    }
    counted(command(root, 5, &program, &checks)).map(Outcome::Ran)
}

fn web_check(root: &Path) -> Result<Outcome> {
    counted(command(root, 10, "npm", &["--prefix", "web", "run", "check"])).map(Outcome::Ran)
}

/// Holds the SDK tests to the web app's formatting and lint rules.
fn scripts_check(root: &Path) -> Result<Outcome> {
    let biome = root
        .join("web/node_modules/.bin/biome")
        .to_string_lossy()
        .into_owned();
    counted(command(
        root,
        2,
        &biome,
        &["check", "--config-path=web", "interop"],
    ))
    .map(Outcome::Ran)
}

fn clippy(root: &Path) -> Result<Outcome> {
    cargo(
        root,
        20,
        &[
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--",
            "-D",
            "warnings",
        ],
    )
}

/// With coturn's clients against the bare TURN server too, where they are installed: 7 s.
fn rust_tests(root: &Path) -> Result<Outcome> {
    let mut tests = command(
        root,
        30,
        "cargo",
        &["test", "--workspace", "--locked", "--no-fail-fast"],
    );
    let clients = ["turnutils_uclient", "turnutils_stunclient"];
    if clients.iter().all(|client| find(root, client).is_some()) {
        tests.env("TERTULIA_COTURN", "1");
    } else {
        println!("rust-tests: SKIPPED in part, no clients of coturn: apt-get install coturn");
    }
    counted(tests).map(Outcome::Ran)
}

fn rustdoc(root: &Path) -> Result<Outcome> {
    let mut doc = command(
        root,
        10,
        "cargo",
        &["doc", "--workspace", "--no-deps", "--locked"],
    );
    doc.env("RUSTDOCFLAGS", "-D warnings");
    counted(doc).map(Outcome::Ran)
}

fn config_reference_step(root: &Path) -> Result<Outcome> {
    config_reference::run(root, false).map(judged)
}

/// Runs every fuzz target over its seeds and some thousand mutations of them, on the stable toolchain.
fn fuzz_seeds(root: &Path) -> Result<Outcome> {
    let manifest = ["--manifest-path", "fuzz/Cargo.toml"];
    let mut counts = counted(command(
        root,
        2,
        "cargo",
        &["fmt", manifest[0], manifest[1], "--check"],
    ))?;
    let test = ["test", "--no-default-features", "--target-dir", "target"];
    counts.add(counted(command(
        root,
        15,
        "cargo",
        &[&test[..], &manifest].concat(),
    ))?);
    Ok(Outcome::Ran(counts))
}

fn packages_step(root: &Path) -> Result<Outcome> {
    if !quiet(command(root, 1, "dpkg-deb", &["--version"])) {
        return Ok(Outcome::Skipped("no dpkg-deb: this is not Debian".to_owned()));
    }
    counted(command(root, 10, "cargo", &["xtask", "packages"])).map(Outcome::Ran)
}

fn instructions_step(root: &Path) -> Result<Outcome> {
    if !quiet(command(root, 1, "valgrind", &["--version"])) {
        return Ok(Outcome::Skipped(
            "no callgrind: apt-get install valgrind".to_owned(),
        ));
    }
    instructions::run(root).map(judged)
}

fn e2e(root: &Path) -> Result<Outcome> {
    if !quiet(command(root, 1, "chromium", &["--version"])) {
        return Ok(Outcome::Skipped(
            "no Chromium: apt-get install chromium firefox-esr ffmpeg".to_owned(),
        ));
    }
    make(root, &["netsim"])?;
    counted(command(root, 35, "npm", &["--prefix", "web", "run", "e2e"])).map(Outcome::Ran)
}

fn interop(root: &Path) -> Result<Outcome> {
    if !quiet(command(root, 1, "chromium", &["--version"])) {
        return Ok(Outcome::Skipped(
            "no Chromium: apt-get install chromium".to_owned(),
        ));
    }
    counted(command(root, 12, "interop/run", &[])).map(Outcome::Ran)
}
