//! Files in the data directory that are either as they were or complete, and the owner's only.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use anyhow::{Context, Result};

use super::Certificate;

/// Reads a certificate, its chain and its key from one file; `None` where there is none.
///
/// # Errors
/// When there is one that cannot be read.
pub fn read(path: &Path) -> Result<Option<Certificate>> {
    let Some(text) = text(path)? else {
        return Ok(None);
    };
    Certificate::from_pem(&text, &text)
        .map(Some)
        .with_context(|| format!("cannot use {}", path.display()))
}

/// Reads a file; `None` where there is none.
///
/// # Errors
/// When it cannot be read.
pub fn text(path: &Path) -> Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// Puts `text` in the place of the file: it is written beside it, made durable, and renamed.
///
/// # Errors
/// When any of that fails; the file is then as it was.
pub fn write(path: &Path, text: &str) -> Result<()> {
    let shown = path.display();
    let folder = path
        .parent()
        .with_context(|| format!("{shown} is in no directory"))?;
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("cannot make {}", folder.display()))?;
    let beside = path.with_extension("new");
    let written = || -> std::io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&beside, path)?;
        File::open(folder)?.sync_all()
    };
    written().with_context(|| format!("cannot write {shown}"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_is_its_owners() {
        let folder = std::env::temp_dir().join(format!("tertulia-kept-{}", rand::random::<u64>()));
        let path = folder.join("deep/file.pem");
        assert!(read(&path).unwrap().is_none());
        write(&path, "one").unwrap();
        write(&path, "two").unwrap();
        assert_eq!(text(&path).unwrap().unwrap(), b"two");
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(read(&path).is_err());
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
