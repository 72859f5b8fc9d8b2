//! What the compiler and clippy cannot hold: the arrows between crates and folders, and the manners of a file.
//!
//! A rule is a function from a [`Tree`] to findings; each has a test that proves it can fail.

mod crates;
mod manifest;
mod manners;
mod source;
mod web;

use std::fmt;
use std::path::Path;

use anyhow::Result;

use crate::tree::Tree;

/// Names one place that breaks one rule.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    place: String,
    message: String,
}

impl Finding {
    fn new(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            message: message.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

type Rule = fn(&Tree) -> Vec<Finding>;

const RULES: [(&str, Rule); 13] = [
    ("crate arrows", crates::arrows),
    ("where outside crates may be used", crates::guarded_dependencies),
    ("pure crates stay pure", crates::pure_dependencies),
    ("pure crates share one clippy.toml", crates::pure_clippy),
    ("versions pinned once", crates::pinned_versions),
    ("no unused dependency", crates::unused_dependencies),
    ("workspace lints", crates::workspace_lints),
    ("wire types stay in convert and wire", crates::wire_types),
    ("doors know only commands and events", crates::doors_and_room),
    ("crate headers", manners::crate_headers),
    ("file length", manners::file_length),
    ("nothing left undone, no machine paths", manners::words),
    ("web arrows", web::arrows),
];

/// Checks the project and prints what it found; `false` when there is anything.
///
/// # Errors
/// When the project cannot be read.
pub fn run(root: &Path) -> Result<bool> {
    let tree = Tree::load(root)?;
    let mut failed = 0;
    for (name, rule) in RULES {
        let findings = rule(&tree);
        if findings.is_empty() {
            continue;
        }
        failed += 1;
        println!("{name}:");
        for finding in findings {
            println!("  {finding}");
        }
    }
    println!("tidy: {} passed, {failed} failed", RULES.len() - failed);
    Ok(failed == 0)
}
