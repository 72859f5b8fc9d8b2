//! Builds the Debian package from the release binary: `target/debian/tertulia.deb`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

/// Where the package is put.
pub const PACKAGE: &str = "target/debian/tertulia.deb";
const BINARY: &str = "target/release/tertulia";
const SOURCES: &str = "packaging/debian";
/// The directory of the documentation in the package.
const DOC: &str = "usr/share/doc/tertulia";

/// What goes where, from the project into the package.
const FILES: [(&str, &str, u32); 12] = [
    (BINARY, "usr/bin/tertulia", 0o755),
    (
        "packaging/debian/tertulia.service",
        "usr/lib/systemd/system/tertulia.service",
        0o644,
    ),
    (
        "packaging/debian/sysctl.conf",
        "usr/lib/sysctl.d/50-tertulia.conf",
        0o644,
    ),
    (
        "packaging/debian/tertulia.toml",
        "etc/tertulia/tertulia.toml",
        0o640,
    ),
    (
        "packaging/debian/lintian-overrides",
        "usr/share/lintian/overrides/tertulia",
        0o644,
    ),
    (
        "packaging/debian/copyright",
        "usr/share/doc/tertulia/copyright",
        0o644,
    ),
    (
        "packaging/debian/tertulia.1",
        "usr/share/man/man1/tertulia.1",
        0o644,
    ),
    (
        "docs/operations.md",
        "usr/share/doc/tertulia/operations.md",
        0o644,
    ),
    (
        "docs/configuration.md",
        "usr/share/doc/tertulia/configuration.md",
        0o644,
    ),
    (
        "packaging/monitoring/alerts.yaml",
        "usr/share/doc/tertulia/examples/alerts.yaml",
        0o644,
    ),
    (
        "packaging/monitoring/dashboard.json",
        "usr/share/doc/tertulia/examples/dashboard.json",
        0o644,
    ),
    ("CHANGELOG.md", "usr/share/doc/tertulia/changelog", 0o644),
];

/// Builds the package.
///
/// # Errors
/// When the release binary is missing or one of Debian's tools fails.
pub fn build(root: &Path) -> Result<()> {
    let binary = root.join(BINARY);
    if !binary.exists() {
        bail!("{BINARY} is missing: run `make build` first");
    }
    let tree = root.join("target/debian/tree");
    if tree.exists() {
        fs::remove_dir_all(&tree).context("clearing the last package's tree")?;
    }
    for (from, to, mode) in FILES {
        put(&root.join(from), &tree.join(to), mode)?;
    }
    run(
        &tree,
        "strip",
        &[
            "--strip-unneeded",
            "--remove-section=.comment",
            "usr/bin/tertulia",
        ],
    )?;
    let version = format!("{}-1", version(root)?);
    let changelog = format!(
        "tertulia ({version}) unstable; urgency=medium\n\n  * See changelog.gz.\n\n \
         -- Tertulia maintainers <maintainers@tertulia.example>  Thu, 01 Jan 2026 00:00:00 +0000\n"
    );
    write(&tree.join(DOC).join("changelog.Debian"), &changelog, 0o644)?;
    for name in ["changelog", "changelog.Debian"] {
        run(&tree, "gzip", &["-9n", &format!("{DOC}/{name}")])?;
    }
    run(&tree, "gzip", &["-9n", "usr/share/man/man1/tertulia.1"])?;

    let control = tree.join("DEBIAN");
    let text = fs::read_to_string(root.join(SOURCES).join("control")).context("reading the control file")?;
    let text = text
        .replace("@VERSION@", &version)
        .replace(
            "@ARCHITECTURE@",
            run(&tree, "dpkg", &["--print-architecture"])?.trim(),
        )
        .replace("@SIZE@", &installed_kib(&tree)?.to_string())
        .replace("@GLIBC@", &newest_glibc(&tree)?);
    write(&control.join("control"), &text, 0o644)?;
    write(&control.join("conffiles"), "/etc/tertulia/tertulia.toml\n", 0o644)?;
    let sums = run(
        &tree,
        "sh",
        &["-c", "find usr -type f | LC_ALL=C sort | xargs md5sum"],
    )?;
    write(&control.join("md5sums"), &sums, 0o644)?;
    for script in ["postinst", "prerm", "postrm"] {
        put(&root.join(SOURCES).join(script), &control.join(script), 0o755)?;
    }
    let package = root.join(PACKAGE);
    let (tree_text, package_text) = (tree.to_string_lossy(), package.to_string_lossy());
    run(
        root,
        "dpkg-deb",
        &["--root-owner-group", "-Zxz", "--build", &tree_text, &package_text],
    )?;
    println!("{PACKAGE}");
    Ok(())
}

fn put(from: &Path, to: &Path, mode: u32) -> Result<()> {
    folder_of(to)?;
    fs::copy(from, to).with_context(|| format!("copying {}", from.display()))?;
    set_mode(to, mode)
}

fn write(to: &Path, text: &str, mode: u32) -> Result<()> {
    folder_of(to)?;
    fs::write(to, text).with_context(|| format!("writing {}", to.display()))?;
    set_mode(to, mode)
}

fn set_mode(path: &Path, mode: u32) -> Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .with_context(|| format!("setting the mode of {}", path.display()))
}

/// Makes the folders above a file, with the mode Debian wants whatever the umask.
fn folder_of(file: &Path) -> Result<()> {
    let folders: Vec<PathBuf> = file
        .ancestors()
        .skip(1)
        .take_while(|path| !path.exists())
        .map(Path::to_owned)
        .collect();
    for folder in folders.iter().rev() {
        fs::create_dir(folder).with_context(|| format!("making {}", folder.display()))?;
        set_mode(folder, 0o755)?;
    }
    Ok(())
}

fn version(root: &Path) -> Result<String> {
    let manifest = fs::read_to_string(root.join("Cargo.toml")).context("reading Cargo.toml")?;
    let manifest: toml::Table = manifest.parse().context("Cargo.toml is not valid")?;
    let version = manifest
        .get("workspace")
        .and_then(|workspace| workspace.get("package"))
        .and_then(|package| package.get("version"))
        .and_then(toml::Value::as_str);
    Ok(version.context("Cargo.toml has no version")?.to_owned())
}

fn installed_kib(tree: &Path) -> Result<u64> {
    let shown = run(tree, "du", &["--summarize", "--block-size=1K", "."])?;
    let size = shown.split_whitespace().next().and_then(|size| size.parse().ok());
    size.context("du says nothing")
}

/// The newest version of the C library that the binary asks for.
fn newest_glibc(tree: &Path) -> Result<String> {
    let symbols = run(tree, "objdump", &["-T", "usr/bin/tertulia"])?;
    let versions = symbols.split("GLIBC_").skip(1).filter_map(|rest| {
        let text = rest.split(|c: char| !c.is_ascii_digit() && c != '.').next()?;
        let numbers: Option<Vec<u32>> = text.split('.').map(|part| part.parse().ok()).collect();
        Some((numbers?, text.to_owned()))
    });
    let newest = versions
        .max()
        .context("the binary asks for no version of the C library")?;
    Ok(newest.1)
}

fn run(folder: &Path, program: &str, args: &[&str]) -> Result<String> {
    let output = Command::new(program)
        .args(args)
        .current_dir(folder)
        .output()
        .with_context(|| format!("starting {program}"))?;
    if !output.status.success() {
        bail!("{program} failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
