//! The data directory and the API key pair kept in it.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use tertulia_auth::{ApiKey, ApiKeys};

use crate::config::{Config, Secret};

/// The pair that `--dev` brings, known to everybody.
pub const DEV_KEY: (&str, &str) = ("devkey", "secret");

const KEY_FILE: &str = "keys.toml";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    keys: BTreeMap<String, Secret>,
}

/// Where the data directory is.
pub fn directory(config: &Config) -> PathBuf {
    let xdg = || std::env::var_os("XDG_DATA_HOME").filter(|home| !home.is_empty());
    config
        .data_dir
        .clone()
        .or_else(|| Some(PathBuf::from(xdg()?).join("tertulia")))
        .unwrap_or_else(|| PathBuf::from("data"))
}

/// Makes the directory if there is none, and keeps everybody but its owner out.
///
/// # Errors
/// When it cannot be made, is no directory, or belongs to somebody else.
pub fn prepare(directory: &Path) -> Result<()> {
    let shown = directory.display();
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .with_context(|| format!("cannot make the data directory {shown}"))?;
    let metadata =
        std::fs::metadata(directory).with_context(|| format!("cannot look at the data directory {shown}"))?;
    if metadata.mode() & 0o077 != 0 {
        std::fs::set_permissions(directory, Permissions::from_mode(0o700)).with_context(|| {
            format!("others may enter the data directory {shown}, and that cannot be changed")
        })?;
    }
    Ok(())
}

/// Gives the API keys: the configured ones, else the pair in the data directory, which is made if need be.
///
/// # Errors
/// When a key is malformed, or too weak outside `dev`, or the pair cannot be read or kept.
pub fn api_keys(config: &Config, directory: &Path, dev: bool) -> Result<ApiKeys> {
    let given = if config.keys.is_empty() {
        kept_pair(directory)?
    } else {
        config.keys.clone()
    };
    assemble(&given, dev)
}

/// As [`api_keys`], but makes nothing: `None` when there is no pair yet.
///
/// # Errors
/// As [`api_keys`].
pub fn existing_api_keys(config: &Config, directory: &Path, dev: bool) -> Result<Option<ApiKeys>> {
    let kept = if config.keys.is_empty() {
        read_pair(&directory.join(KEY_FILE))?
    } else {
        None
    };
    match (kept, config.keys.is_empty()) {
        (Some(pair), _) => assemble(&pair, dev).map(Some),
        (None, false) => assemble(&config.keys, dev).map(Some),
        (None, true) if dev => assemble(&BTreeMap::new(), dev).map(Some),
        (None, true) => Ok(None),
    }
}

fn assemble(given: &BTreeMap<String, Secret>, dev: bool) -> Result<ApiKeys> {
    let mut keys = Vec::new();
    for (id, secret) in given {
        let key = ApiKey::new(id, secret.expose())?;
        if !dev && !key.is_strong() {
            bail!(
                "the secret of API key `{id}` is a sample or shorter than {} bytes; make one with \
                 `openssl rand -hex 32`, or use --dev on a machine that only you can reach",
                ApiKey::STRONG_SECRET_BYTES
            );
        }
        keys.push(key);
    }
    if dev && !given.contains_key(DEV_KEY.0) {
        keys.insert(0, ApiKey::new(DEV_KEY.0, DEV_KEY.1)?);
    }
    Ok(ApiKeys::new(keys)?)
}

fn kept_pair(directory: &Path) -> Result<BTreeMap<String, Secret>> {
    let path = directory.join(KEY_FILE);
    if let Some(pair) = read_pair(&path)? {
        return Ok(pair);
    }
    let (id, secret) = (format!("API{}", random_text(12)), random_text(43));
    let text = format!(
        "# Made by Tertulia at its first start. Whoever knows the secret may do anything.\n\n[keys]\n{id} = \"{secret}\"\n"
    );
    let shown = path.display();
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .with_context(|| format!("cannot keep an API key pair in {shown}"))?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .with_context(|| format!("cannot write {shown}"))?;
    tracing::info!(id, "made an API key pair");
    Ok(BTreeMap::from([(id, Secret::from(secret))]))
}

fn read_pair(path: &Path) -> Result<Option<BTreeMap<String, Secret>>> {
    let shown = path.display();
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot read {shown}")),
    };
    // The parser's own message would quote the line, which holds the secret.
    let Ok(file) = toml::from_str::<KeyFile>(&text) else {
        bail!("{shown} is not a table `[keys]` with a line `id = \"secret\"`");
    };
    if file.keys.is_empty() {
        bail!("{shown} holds no key; remove the file to have one made");
    }
    Ok(Some(file.keys))
}

fn random_text(length: usize) -> String {
    use rand::RngExt as _;
    let mut rng = rand::rng();
    (0..length)
        .map(|_| char::from(rng.sample(rand::distr::Alphanumeric)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Self {
            Self(std::env::temp_dir().join(format!("tertulia-data-{}", rand::random::<u64>())))
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            std::fs::remove_dir_all(&self.0).unwrap();
        }
    }

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn a_pair_is_made_once_and_only_the_owner_may_read_it() {
        let folder = Folder::new();
        prepare(&folder.0).unwrap();
        let first = api_keys(&Config::default(), &folder.0, false).unwrap();
        let second = api_keys(&Config::default(), &folder.0, false).unwrap();
        assert_eq!(first.first().id(), second.first().id());
        assert!(first.first().is_strong());
        assert_eq!((mode(&folder.0), mode(&folder.0.join(KEY_FILE))), (0o700, 0o600));
    }

    #[test]
    fn an_open_directory_is_closed() {
        let folder = Folder::new();
        std::fs::create_dir(&folder.0).unwrap();
        std::fs::set_permissions(&folder.0, Permissions::from_mode(0o755)).unwrap();
        prepare(&folder.0).unwrap();
        assert_eq!(mode(&folder.0), 0o700);
    }

    #[test]
    fn weak_secrets_are_for_development_only() {
        let mut config = Config::default();
        for secret in ["hunter2", "0123456789012345678901234567890"] {
            config.keys = BTreeMap::from([("abc".to_owned(), Secret::from(secret.to_owned()))]);
            let error = api_keys(&config, Path::new("/nowhere"), false)
                .unwrap_err()
                .to_string();
            assert!(error.contains("abc") && !error.contains(secret), "{error}");
            assert!(api_keys(&config, Path::new("/nowhere"), true).is_ok());
        }
    }

    #[test]
    fn development_puts_the_known_pair_before_the_own_one() {
        let keys = BTreeMap::from([("own".to_owned(), Secret::from("x9".repeat(20)))]);
        let config = Config {
            keys,
            ..Config::default()
        };
        let keys = api_keys(&config, Path::new("/nowhere"), true).unwrap();
        assert_eq!(keys.first().id(), "devkey");
        assert!(keys.find("own").is_some());
        assert!(
            api_keys(&config, Path::new("/nowhere"), false)
                .unwrap()
                .find("devkey")
                .is_none()
        );
    }

    #[test]
    fn a_broken_key_file_is_no_reason_to_show_it() {
        let folder = Folder::new();
        prepare(&folder.0).unwrap();
        std::fs::write(folder.0.join(KEY_FILE), "[keys]\nid = \"hush-hush").unwrap();
        let error = format!(
            "{:#}",
            api_keys(&Config::default(), &folder.0, false).unwrap_err()
        );
        assert!(!error.contains("hush"), "{error}");
    }
}
