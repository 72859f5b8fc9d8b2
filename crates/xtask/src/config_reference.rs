//! Keeps `docs/configuration.md` equal to what the binary prints about its own configuration.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

const REFERENCE: &str = "docs/configuration.md";

/// Compares the file with `tertulia config-reference`, or writes it; `false` when they differ.
///
/// # Errors
/// When the server cannot be built or run, or the file cannot be read.
pub fn run(root: &Path, write: bool) -> Result<bool> {
    let output = Command::new("cargo")
        .args([
            "run",
            "--quiet",
            "--package",
            "tertulia-server",
            "--",
            "config-reference",
        ])
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
