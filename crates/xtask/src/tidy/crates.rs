//! Rules about crates: who may import whom, and what the outside world may reach.

use super::Finding;
use super::manifest::{Kind, Manifest, manifests};
use super::source::{code_only, lines_with_word, names_from};
use crate::tree::Tree;

const PREFIX: &str = "tertulia-";

/// Crates without clock, I/O, threads or ambient randomness.
const PURE: [&str; 10] = [
    "model", "rtp", "auth", "session", "forward", "room", "people", "turn", "mixer", "sdp",
];

/// What each crate may import in production, by folder. A crate that is missing here needs its row first.
///
/// Two rows are wider than their neighbours: `engine` introduces the pure crates to one another, and `server` wires
/// everything. The development crates (`sim`, `bench`, `netsim`) may reach anything and are reached by nobody.
const ARROWS: [(&str, &[&str]); 22] = [
    ("model", &[]),
    ("rtp", &["model"]),
    ("auth", &["model"]),
    ("session", &["model", "rtp"]),
    ("forward", &["model", "rtp"]),
    ("room", &["model"]),
    ("people", &["model"]),
    ("turn", &["model"]),
    ("mixer", &["model"]),
    ("sdp", &["model"]),
    ("engine", &PURE),
    ("store", &["model", "auth", "room", "people"]),
    ("trust", &["model", "auth"]),
    ("cluster", &["model", "room", "forward"]),
    ("door-livekit", DOOR),
    ("door-web", DOOR),
    ("door-xmpp", DOOR),
    ("door-sip", DOOR),
    ("door-whip", DOOR),
    ("recorder", DOOR),
    ("server", SERVER),
    ("xtask", &[]),
];

const DOOR: &[&str] = &[
    "model", "auth", "room", "people", "sdp", "engine", "store", "trust",
];

const SERVER: &[&str] = &[
    "model",
    "auth",
    "room",
    "people",
    "turn",
    "engine",
    "store",
    "trust",
    "cluster",
    "door-livekit",
    "door-web",
    "door-xmpp",
    "door-sip",
    "door-whip",
    "recorder",
];

/// Development crates: never a dependency of production, free in what they import.
const DEVELOPMENT: [&str; 3] = ["sim", "bench", "netsim"];

/// Outside crates that only some of ours may use in production, each with its reason.
const GUARDED: [(&str, &[&str], &str); 9] = [
    ("str0m", &["session"], "session alone stands on str0m"),
    (
        "str0m-proto",
        &["session"],
        "session alone stands on str0m's parts",
    ),
    ("is", &["session"], "session alone stands on str0m's parts"),
    ("dimpl", &["session"], "session alone stands on str0m's parts"),
    (
        "sctp-proto",
        &["session"],
        "session alone stands on str0m's parts",
    ),
    (
        "livekit-protocol",
        &["door-livekit"],
        "wire types stay in their door",
    ),
    ("prost", &["door-livekit"], "wire types stay in their door"),
    ("quinn-udp", &["engine"], "sockets belong to the engine"),
    ("anyhow", &["server", "xtask"], "libraries name their errors"),
];

/// Outside crates that bring a clock, a socket, a runtime or entropy. (`rand` itself may be used for its traits and
/// seeded generators; its ambient ones are banned by the pure crates' clippy.toml.)
const IMPURE: [&str; 15] = [
    "tokio",
    "async-trait",
    "futures",
    "futures-util",
    "mio",
    "socket2",
    "quinn-udp",
    "hyper",
    "axum",
    "reqwest",
    "getrandom",
    "chrono",
    "crossbeam-channel",
    "parking_lot",
    "rayon",
];

/// `auth` reads and writes JSON web tokens; no other inner type may be frozen by a format.
const MAY_SERIALISE: [&str; 1] = ["auth"];

/// Room's own machinery, which a door must not hold in its hands.
const ROOM_INSIDES: [&str; 5] = [
    "Room",
    "RouteChange",
    "Participant",
    "Publication",
    "Subscription",
];

/// Crates point down only, and rows never import one another.
pub fn arrows(tree: &Tree) -> Vec<Finding> {
    let (crates, mut findings) = manifests(tree);
    for manifest in &crates {
        let folder = manifest.folder.as_str();
        if DEVELOPMENT.contains(&folder) {
            continue;
        }
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == folder) else {
            findings.push(Finding::new(
                &manifest.path,
                "this crate has no row in xtask's table of arrows",
            ));
            continue;
        };
        for other in manifest
            .production_dependencies()
            .filter_map(|name| name.strip_prefix(PREFIX))
        {
            if !allowed.contains(&other) {
                findings.push(Finding::new(
                    &manifest.path,
                    format!("`{folder}` may not import `{other}`"),
                ));
            }
        }
    }
    findings
}

/// Some outside crates have one place each.
pub fn guarded_dependencies(tree: &Tree) -> Vec<Finding> {
    each_production_dependency(tree, |manifest, name| {
        let (_, allowed, reason) = GUARDED.iter().find(|(guarded, ..)| *guarded == name)?;
        let free = DEVELOPMENT.contains(&manifest.folder.as_str());
        (!free && !allowed.contains(&manifest.folder.as_str()))
            .then(|| format!("`{}` may not depend on `{name}`: {reason}", manifest.folder))
    })
}

/// Pure crates take time and randomness as parameters and know no format.
pub fn pure_dependencies(tree: &Tree) -> Vec<Finding> {
    each_production_dependency(tree, |manifest, name| {
        let folder = manifest.folder.as_str();
        let impure = IMPURE.contains(&name);
        let format = matches!(name, "serde" | "serde_json" | "prost") && !MAY_SERIALISE.contains(&folder);
        (PURE.contains(&folder) && (impure || format)).then(|| format!("`{folder}` is pure: no `{name}`"))
    })
}

/// clippy does not inherit configuration, so the pure crates carry copies, which must not drift.
pub fn pure_clippy(tree: &Tree) -> Vec<Finding> {
    let (crates, _) = manifests(tree);
    let pure: Vec<&str> = crates
        .iter()
        .map(|manifest| manifest.folder.as_str())
        .filter(|folder| PURE.contains(folder))
        .collect();
    let reference = tree.text("crates/model/clippy.toml");
    let differs = |folder: &&str| {
        let copy = tree.text(&format!("crates/{folder}/clippy.toml"));
        copy.is_none() || copy != reference
    };
    pure.into_iter()
        .filter(differs)
        .map(|folder| {
            Finding::new(
                format!("crates/{folder}/clippy.toml"),
                "must equal crates/model/clippy.toml",
            )
        })
        .collect()
}

/// Versions stand once, exact, in the root manifest; crates say `workspace = true`.
pub fn pinned_versions(tree: &Tree) -> Vec<Finding> {
    let (crates, mut findings) = manifests(tree);
    let root = tree
        .text("Cargo.toml")
        .unwrap_or_default()
        .parse::<toml::Table>()
        .unwrap_or_default();
    let shared = root
        .get("workspace")
        .and_then(|workspace| workspace.get("dependencies"))
        .and_then(toml::Value::as_table);
    for (name, value) in shared.into_iter().flatten() {
        let version = value
            .as_str()
            .or_else(|| value.get("version").and_then(toml::Value::as_str));
        let pinned = version.map_or_else(|| value.get("path").is_some(), |version| version.starts_with('='));
        if !pinned {
            findings.push(Finding::new(
                "Cargo.toml",
                format!("`{name}` needs an exact version, `=x.y.z`"),
            ));
        }
    }
    for manifest in &crates {
        for (_, name, value) in manifest.dependencies() {
            if value.get("workspace").and_then(toml::Value::as_bool) != Some(true) {
                findings.push(Finding::new(
                    &manifest.path,
                    format!("`{name}` must say `workspace = true`"),
                ));
            }
        }
    }
    findings
}

/// A dependency that no source names is weight for nothing.
pub fn unused_dependencies(tree: &Tree) -> Vec<Finding> {
    let (crates, mut findings) = manifests(tree);
    for manifest in &crates {
        let folder = format!("crates/{}", manifest.folder);
        // Tests may share their support with another crate's.
        let shared = sources(tree, &folder).flat_map(|(path, text)| included_folders(path, text));
        let code: Vec<String> = std::iter::once(folder.clone())
            .chain(shared)
            .flat_map(|folder| {
                let texts = sources(tree, &folder).map(|(_, text)| code_only(text, false));
                texts.collect::<Vec<_>>()
            })
            .collect();
        for (kind, name, value) in manifest.dependencies() {
            // A dependency may be there only to switch on a feature of something deeper.
            let for_features = value.get("features").is_some() && kind == Kind::Normal;
            let word = name.replace('-', "_");
            let used = code
                .iter()
                .any(|code| lines_with_word(code, &word).next().is_some());
            if !used && !for_features {
                findings.push(Finding::new(&manifest.path, format!("`{name}` is not used")));
            }
        }
    }
    findings
}

fn sources<'a>(tree: &'a Tree, folder: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let below = tree.below(folder);
    below.filter(|(path, _)| path.ends_with(".rs"))
}

/// The folders of the modules that a source takes from elsewhere by `#[path]`.
fn included_folders(path: &str, text: &str) -> Vec<String> {
    let own: Vec<&str> = path.split('/').collect();
    let named = text.lines().filter_map(|line| {
        let rest = line.trim().strip_prefix("#[path = \"")?;
        rest.split_once('"').map(|(named, _)| named)
    });
    named
        .map(|named| {
            let mut folder = own[..own.len() - 1].to_vec();
            for part in named.split('/') {
                match part {
                    ".." => drop(folder.pop()),
                    part => folder.push(part),
                }
            }
            folder.pop();
            folder.join("/")
        })
        .collect()
}

/// Every crate takes the workspace's lints.
pub fn workspace_lints(tree: &Tree) -> Vec<Finding> {
    let (crates, _) = manifests(tree);
    crates
        .iter()
        .filter(|manifest| {
            let lints = manifest
                .table
                .get("lints")
                .and_then(|lints| lints.get("workspace"));
            lints.and_then(toml::Value::as_bool) != Some(true)
        })
        .map(|manifest| Finding::new(&manifest.path, "needs `[lints] workspace = true`"))
        .collect()
}

/// Protobuf types are named in `convert` and `wire` only.
pub fn wire_types(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.below("crates/door-livekit/src") {
        let inside = path
            .trim_start_matches("crates/door-livekit/src/")
            .trim_end_matches(".rs");
        let home = ["convert", "wire"].iter().any(|home| {
            inside
                .strip_prefix(home)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        if home || !path.ends_with(".rs") {
            continue;
        }
        let code = code_only(text, false);
        for line in lines_with_word(&code, "livekit_protocol") {
            let message = "livekit_protocol may be named in convert and wire only";
            findings.push(Finding::new(format!("{path}:{line}"), message));
        }
    }
    findings
}

/// A door speaks to a room in commands and events, never to the room itself.
pub fn doors_and_room(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.below("crates") {
        let door = path.starts_with("crates/door-") && path.contains("/src/") && path.ends_with(".rs");
        if !door {
            continue;
        }
        for (line, name) in names_from(&code_only(text, false), "tertulia_room") {
            if ROOM_INSIDES.contains(&name.as_str()) {
                let message = format!("a door may not use `tertulia_room::{name}`; send a command");
                findings.push(Finding::new(format!("{path}:{line}"), message));
            }
        }
    }
    findings
}

fn each_production_dependency(
    tree: &Tree,
    check: impl Fn(&Manifest, &str) -> Option<String>,
) -> Vec<Finding> {
    let (crates, _) = manifests(tree);
    let mut findings = Vec::new();
    for manifest in &crates {
        let faults = manifest
            .production_dependencies()
            .filter_map(|name| check(manifest, name));
        findings.extend(faults.map(|fault| Finding::new(&manifest.path, fault)));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_dependencies(folder: &str, table: &str, names: &[&str]) -> Tree {
        let list: String = names
            .iter()
            .map(|name| format!("{name} = {{ workspace = true }}\n"))
            .collect();
        Tree::default().with(
            &format!("crates/{folder}/Cargo.toml"),
            &format!("[{table}]\n{list}"),
        )
    }

    fn check(rule: fn(&Tree) -> Vec<Finding>, tree: &Tree, expected: &[&str]) {
        let messages: Vec<String> = rule(tree).iter().map(ToString::to_string).collect();
        assert_eq!(messages.len(), expected.len(), "{messages:?}");
        for (message, part) in messages.iter().zip(expected) {
            assert!(message.contains(part), "{message} should contain {part}");
        }
    }

    #[test]
    fn arrows_point_down_only() {
        check(
            arrows,
            &with_dependencies("room", "dependencies", &["tertulia-model"]),
            &[],
        );
        check(
            arrows,
            &with_dependencies("room", "dependencies", &["tertulia-engine"]),
            &["`room` may not import `engine`"],
        );
        check(
            arrows,
            &with_dependencies("door-web", "dependencies", &["tertulia-door-livekit"]),
            &["`door-web` may not import `door-livekit`"],
        );
        check(
            arrows,
            &with_dependencies("model", "target.'cfg(unix)'.dependencies", &["tertulia-rtp"]),
            &["`model` may not import `rtp`"],
        );
    }

    #[test]
    fn tests_and_development_crates_may_reach_further() {
        check(
            arrows,
            &with_dependencies("session", "dev-dependencies", &["tertulia-sdp"]),
            &[],
        );
        check(
            arrows,
            &with_dependencies("sim", "dependencies", &["tertulia-engine"]),
            &[],
        );
        check(
            arrows,
            &with_dependencies("engine", "dependencies", &["tertulia-sim"]),
            &["`engine` may not import `sim`"],
        );
    }

    #[test]
    fn an_unknown_crate_needs_its_row() {
        check(
            arrows,
            &with_dependencies("helpers", "dependencies", &[]),
            &["no row"],
        );
        check(
            arrows,
            &Tree::default().with("crates/room/Cargo.toml", "[dependencies"),
            &["does not parse"],
        );
    }

    #[test]
    fn str0m_lives_in_session_alone() {
        check(
            guarded_dependencies,
            &with_dependencies("session", "dependencies", &["str0m"]),
            &[],
        );
        check(
            guarded_dependencies,
            &with_dependencies("sim", "dependencies", &["str0m"]),
            &[],
        );
        check(
            guarded_dependencies,
            &with_dependencies("engine", "dev-dependencies", &["str0m"]),
            &[],
        );
        check(
            guarded_dependencies,
            &with_dependencies("door-livekit", "dependencies", &["str0m"]),
            &["session alone"],
        );
    }

    #[test]
    fn pure_crates_take_no_runtime_and_no_format() {
        check(
            pure_dependencies,
            &with_dependencies("room", "dependencies", &["tokio"]),
            &["no `tokio`"],
        );
        check(
            pure_dependencies,
            &with_dependencies("model", "dependencies", &["serde"]),
            &["no `serde`"],
        );
        check(
            pure_dependencies,
            &with_dependencies("auth", "dependencies", &["serde"]),
            &[],
        );
        check(
            pure_dependencies,
            &with_dependencies("engine", "dependencies", &["tokio"]),
            &[],
        );
    }

    #[test]
    fn copies_of_clippy_toml_do_not_drift() {
        let same = with_dependencies("room", "dependencies", &[])
            .with("crates/model/clippy.toml", "a")
            .with("crates/room/clippy.toml", "a");
        check(pure_clippy, &same, &[]);
        check(
            pure_clippy,
            &same.with("crates/room/clippy.toml", "b"),
            &["crates/room/clippy.toml"],
        );
        check(
            pure_clippy,
            &with_dependencies("room", "dependencies", &[]),
            &["crates/room/clippy.toml"],
        );
    }

    #[test]
    fn versions_are_exact_and_stand_once() {
        let root =
            "[workspace.dependencies]\na = \"=1.2.3\"\nb = { version = \"1\" }\nc = { path = \"c\" }\n";
        check(
            pinned_versions,
            &Tree::default().with("Cargo.toml", root),
            &["`b` needs an exact version"],
        );
        let own = Tree::default().with("crates/room/Cargo.toml", "[dependencies]\nbytes = \"=1.0.0\"\n");
        check(pinned_versions, &own, &["`bytes` must say"]);
    }

    #[test]
    fn unused_dependencies_are_found() {
        let tree = with_dependencies("room", "dependencies", &["tertulia-model"]);
        check(unused_dependencies, &tree, &["`tertulia-model` is not used"]);
        let commented = with_dependencies("room", "dependencies", &["bytes"])
            .with("crates/room/src/lib.rs", "// bytes\nuse std::fmt;");
        check(unused_dependencies, &commented, &["`bytes` is not used"]);
        let used = commented.with("crates/room/src/lib.rs", "use bytes::Bytes;");
        check(unused_dependencies, &used, &[]);
        let shared = with_dependencies("sim", "dev-dependencies", &["bytes"])
            .with(
                "crates/sim/tests/a.rs",
                "#[path = \"../../session/tests/support/mod.rs\"]\nmod support;",
            )
            .with("crates/session/tests/support/client.rs", "use bytes::Bytes;");
        check(unused_dependencies, &shared, &[]);
    }

    #[test]
    fn every_crate_takes_the_lints() {
        let tree = with_dependencies("room", "dependencies", &[]);
        check(workspace_lints, &tree, &["lints"]);
        check(
            workspace_lints,
            &tree.with("crates/room/Cargo.toml", "[lints]\nworkspace = true"),
            &[],
        );
    }

    #[test]
    fn protobuf_types_stay_at_the_edge() {
        let uses = "use livekit_protocol as proto;";
        let tree = Tree::default()
            .with("crates/door-livekit/src/convert.rs", uses)
            .with("crates/door-livekit/src/wire/signal.rs", uses);
        check(wire_types, &tree, &[]);
        let leak = tree.with("crates/door-livekit/src/connection.rs", uses);
        check(wire_types, &leak, &["connection.rs:1"]);
        let near = Tree::default().with("crates/door-livekit/src/converter.rs", uses);
        check(wire_types, &near, &["converter.rs:1"]);
    }

    #[test]
    fn doors_send_commands_instead_of_holding_rooms() {
        let fine = Tree::default().with(
            "crates/door-web/src/api.rs",
            "use tertulia_room::{Command, Event};",
        );
        check(doors_and_room, &fine, &[]);
        let holds = fine.with(
            "crates/door-web/src/api.rs",
            "use tertulia_room::{Command,\n Room};",
        );
        check(doors_and_room, &holds, &["tertulia_room::Room"]);
    }
}
