//! The bytes of files, in a folder: one file each, named by its id and by nothing that people choose.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// The folder in the data directory.
const FOLDER: &str = "files";

/// Names a file: 128 random bits, so that nobody finds one by guessing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(u128);

impl FileId {
    /// Makes an id of random bits.
    pub fn from_random(bits: u128) -> Self {
        Self(bits)
    }

    /// Reads an id as it is shown: 32 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = text.len() == 32
            && text
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        plain
            .then(|| u128::from_str_radix(text, 16).ok())
            .flatten()
            .map(Self)
    }
}

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// The folder of files. Everything here waits for the disk, so it is called from threads that may.
#[derive(Debug, Clone)]
pub struct Blobs {
    folder: PathBuf,
}

/// A file being written.
#[derive(Debug)]
pub struct BlobWriter {
    file: File,
    length: u64,
}

impl Blobs {
    /// Opens the folder in a data directory, making it where there is none.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(data: &Path) -> io::Result<Self> {
        let folder = data.join(FOLDER);
        DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        Ok(Self { folder })
    }

    /// How many bytes of a file are here; 0 where there are none yet.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn length(&self, id: FileId) -> io::Result<u64> {
        match fs::metadata(self.path(id)) {
            Ok(metadata) => Ok(metadata.len()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Opens a file to go on writing where it ends.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn append(&self, id: FileId) -> io::Result<BlobWriter> {
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .read(true)
            .mode(0o600)
            .open(self.path(id))?;
        let length = file.seek(SeekFrom::End(0))?;
        Ok(BlobWriter { file, length })
    }

    /// Opens a file to read it from its beginning.
    ///
    /// # Errors
    /// When it is not here or cannot be read.
    pub fn read(&self, id: FileId) -> io::Result<File> {
        File::open(self.path(id))
    }

    /// Removes a file; one that is not here is no error.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove(&self, id: FileId) -> io::Result<()> {
        match fs::remove_file(self.path(id)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// The files that are here.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn list(&self) -> io::Result<BTreeSet<FileId>> {
        let mut ids = BTreeSet::new();
        for entry in fs::read_dir(&self.folder)? {
            ids.extend(entry?.file_name().to_str().and_then(FileId::parse));
        }
        Ok(ids)
    }

    fn path(&self, id: FileId) -> PathBuf {
        self.folder.join(id.to_string())
    }
}

impl BlobWriter {
    /// How long the file is.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Adds bytes at the end.
    ///
    /// # Errors
    /// When the disk takes no more. What it took of them stays.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let written = self.file.write_all(bytes);
        self.length = self.file.metadata()?.len();
        written
    }

    /// Puts everything written on the disk.
    ///
    /// # Errors
    /// When that fails.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    /// Reads the beginning and the end, at most `most` bytes each.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn ends(&mut self, most: u64) -> io::Result<(Vec<u8>, Vec<u8>)> {
        let (mut head, mut tail) = (Vec::new(), Vec::new());
        self.file.seek(SeekFrom::Start(0))?;
        (&mut self.file).take(most).read_to_end(&mut head)?;
        self.file
            .seek(SeekFrom::Start(self.length.saturating_sub(most)))?;
        (&mut self.file).take(most).read_to_end(&mut tail)?;
        Ok((head, tail))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_shown_as_id_is_read_as_one() {
        let id = FileId::from_random(0xabc);
        assert_eq!(FileId::parse(&id.to_string()), Some(id));
        for text in [
            "",
            "../../etc/passwd",
            "0000000000000000000000000000000/",
            "+0000000000000000000000000000abc",
            "00000000000000000000000000000ABC",
            "000000000000000000000000000000000",
        ] {
            assert_eq!(FileId::parse(text), None, "for {text}");
        }
    }
}
