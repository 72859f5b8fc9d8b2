//! The project's text files in memory, so that every rule of `tidy` can be tried on a made-up project.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

/// Folders that hold nothing written by hand.
const SKIPPED_FOLDERS: [&str; 9] = [
    ".git",
    ".venv",
    "target",
    "node_modules",
    "dist",
    "coverage",
    "corpus",
    "artifacts",
    "__pycache__",
];

/// Holds text files by their path from the project's root, with forward slashes.
#[derive(Default)]
pub struct Tree {
    files: BTreeMap<String, String>,
}

impl Tree {
    /// Reads a project from disk, leaving out build products and whatever is not UTF-8.
    ///
    /// # Errors
    /// When a folder or a file cannot be read.
    pub fn load(root: &Path) -> Result<Self> {
        let mut tree = Self::default();
        tree.load_folder(root, root)?;
        Ok(tree)
    }

    fn load_folder(&mut self, root: &Path, folder: &Path) -> Result<()> {
        let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
        for entry in entries {
            let entry = entry?;
            let path = entry.path();
            let name = entry.file_name();
            let kind = entry.file_type()?;
            if kind.is_dir() {
                if !SKIPPED_FOLDERS.iter().any(|skipped| name == *skipped) {
                    self.load_folder(root, &path)?;
                }
            // In a linked worktree `.git` is a file that says where the repository is.
            } else if kind.is_file() && name != ".git" {
                let bytes = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
                if let (Ok(text), Ok(relative)) = (String::from_utf8(bytes), path.strip_prefix(root)) {
                    self.files
                        .insert(relative.to_string_lossy().replace('\\', "/"), text);
                }
            }
        }
        Ok(())
    }

    /// Adds or replaces one file.
    #[cfg(test)]
    pub fn with(mut self, path: &str, text: &str) -> Self {
        self.files.insert(path.to_owned(), text.to_owned());
        self
    }

    /// Yields every file in the order of its path.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// Yields the files below a folder, which is given without its closing slash.
    pub fn below<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.files().filter(move |(path, _)| {
            path.strip_prefix(folder)
                .is_some_and(|rest| rest.starts_with('/'))
        })
    }

    /// Returns one file's text.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// Says whether a file is there.
    pub fn contains(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }
}
