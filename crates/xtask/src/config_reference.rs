//! Keeps `docs/configuration.md` equal to what the binary prints about its own configuration.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::run::command;

const REFERENCE: &str = "docs/configuration.md";

/// Compares the file with `tertulia config-reference`, or writes it; `false` when they differ.
///
/// It is compared with what the released binary prints, which the checks have built by then, and written from a debug
/// build, which is there sooner.
///
/// # Errors
/// When the server cannot be built or run, or the file cannot be read.
pub fn run(root: &Path, write: bool) -> Result<bool> {
    let mut build = vec!["build", "--quiet", "--locked", "--workspace", "--bin", "tertulia"];
    let folder = if write {
        "debug"
    } else {
        build.push("--release");
        "release"
    };
    if !command(root, 25, "cargo", &build).status()?.success() {
        bail!("the server does not build");
    }
    let output = Command::new(root.join("target").join(folder).join("tertulia"))
        .arg("config-reference")
        .current_dir(root)
        .output()
        .context("running the server")?;
    if !output.status.success() {
        bail!(
            "`tertulia config-reference` failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let path = root.join(REFERENCE);
    if write {
        fs::write(&path, &output.stdout).context("writing the reference")?;
        return Ok(true);
    }
    let same = fs::read(&path).is_ok_and(|written| written == output.stdout);
    if !same {
        println!("{REFERENCE} is behind the code: run `cargo xtask config-reference --write`");
    }
    Ok(same)
}
