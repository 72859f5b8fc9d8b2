//! What `tidy` needs from a `Cargo.toml`.

use toml::Table;
use toml::Value;

use super::Finding;
use crate::tree::Tree;

/// Describes one crate of the workspace as its manifest does.
pub struct Manifest {
    /// The folder's name below `crates/`.
    pub folder: String,
    /// The manifest's own path.
    pub path: String,
    /// The parsed manifest.
    pub table: Table,
}

/// Says which dependency table an entry stands in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `[dependencies]`, also below `[target.…]`.
    Normal,
    /// `[build-dependencies]`.
    Build,
    /// `[dev-dependencies]`, which ships to nobody.
    Dev,
}

impl Manifest {
    /// Lists every dependency with its table and its value.
    pub fn dependencies(&self) -> Vec<(Kind, &str, &Value)> {
        let mut found = Vec::new();
        collect(&self.table, &mut found);
        let targets = self.table.get("target").and_then(Value::as_table);
        for target in targets
            .into_iter()
            .flat_map(Table::values)
            .filter_map(Value::as_table)
        {
            collect(target, &mut found);
        }
        found
    }

    /// Lists the names in `[dependencies]` and `[build-dependencies]`, which reach production.
    pub fn production_dependencies(&self) -> impl Iterator<Item = &str> {
        self.dependencies()
            .into_iter()
            .filter(|(kind, ..)| *kind != Kind::Dev)
            .map(|(_, name, _)| name)
    }
}

fn collect<'a>(table: &'a Table, found: &mut Vec<(Kind, &'a str, &'a Value)>) {
    let kinds = [
        ("dependencies", Kind::Normal),
        ("build-dependencies", Kind::Build),
        ("dev-dependencies", Kind::Dev),
    ];
    for (key, kind) in kinds {
        let entries = table.get(key).and_then(Value::as_table);
        found.extend(
            entries
                .into_iter()
                .flatten()
                .map(|(name, value)| (kind, name.as_str(), value)),
        );
    }
}

/// Parses the manifests of `crates/*`; a manifest that does not parse becomes a finding.
pub fn manifests(tree: &Tree) -> (Vec<Manifest>, Vec<Finding>) {
    let mut manifests = Vec::new();
    let mut findings = Vec::new();
    for (path, text) in tree.below("crates") {
        let Some(folder) = path
            .strip_prefix("crates/")
            .and_then(|rest| rest.strip_suffix("/Cargo.toml"))
        else {
            continue;
        };
        if folder.contains('/') {
            continue;
        }
        match text.parse::<Table>() {
            Ok(table) => {
                manifests.push(Manifest {
                    folder: folder.to_owned(),
                    path: path.to_owned(),
                    table,
                });
            }
            Err(error) => findings.push(Finding::new(path, format!("does not parse: {}", error.message()))),
        }
    }
    (manifests, findings)
}
