//! The house's chores, written in Rust rather than shell: `cargo xtask <chore>`.
//!
//! - `tidy` holds what the compiler cannot: which crate may know which, where wire types live, file sizes,
//!   headers, and the same for the web app's folders.
//! - `ci` runs every check of the project, goes on after a failure, and closes with a table and one line of totals.
//!   `ci --fast` leaves out browsers, SDKs and the release build; `ci --only NAME` runs a single step.
//! - `config-reference` compares `docs/configuration.md` with what the binary says about itself (`--write` mends it).
//! - `deb` builds the Debian package, and `packages` tries it and what else is in `packaging/`.
//! - `instructions` counts what forwarding a packet costs, under callgrind, and holds it to a bar.
//!
//! It does not install system packages (`.ci/prerequisites` does) and nothing in production depends on it.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool speaks on its terminal"
)]

mod ci;
mod config_reference;
mod deb;
mod instructions;
mod packages;
mod run;
mod tidy;
mod tree;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};

const USAGE: &str = "\
usage: cargo xtask <chore>

  tidy                       hold the arrows and the manners of the house
  ci [--fast] [--only NAME]  run every check (or the quick ones, or one)
  config-reference [--write] compare docs/configuration.md with the binary
  deb                        build the Debian package from the release binary
  packages                   build it, hold packaging/ to its linters, install and run it
  instructions               hold the instructions a forwarded packet costs";

fn main() -> ExitCode {
    match dispatch(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the chore that the arguments name; `Ok(false)` means that it ran and found faults.
fn dispatch(args: &[String]) -> Result<bool> {
    let root = project_root()?;
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["tidy"] => tidy::run(&root),
        ["ci"] => ci::run(&root, ci::Selection::All),
        ["ci", "--fast"] => ci::run(&root, ci::Selection::Fast),
        ["ci", "--only", name] => ci::run(&root, ci::Selection::Only((*name).to_owned())),
        ["instructions"] => instructions::run(&root),
        ["deb"] => deb::build(&root).map(|()| true),
        ["packages"] => packages::run(&root),
        ["config-reference"] => config_reference::run(&root, false),
        ["config-reference", "--write"] => config_reference::run(&root, true),
        _ => bail!("{USAGE}"),
    }
}

fn project_root() -> Result<PathBuf> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = manifest
        .ancestors()
        .nth(2)
        .context("crates/xtask has lost its workspace")?;
    Ok(root.to_owned())
}
