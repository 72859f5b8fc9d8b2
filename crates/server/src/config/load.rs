use std::path::Path;

use anyhow::{Context, Result, bail};
use toml::{Table, Value};

use super::Config;

const PREFIX: &str = "TERTULIA_";
/// The one variable that names a key outside any table.
const DATA_DIR: &str = "TERTULIA_DATA_DIR";

/// Reads the configuration: defaults, then the file, then the environment.
///
/// # Errors
/// When the file cannot be read, or file or environment have an unknown key or a wrong value.
pub fn load(file: Option<&Path>, environment: impl Iterator<Item = (String, String)>) -> Result<Config> {
    let text = match file {
        Some(path) => std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the configuration {}", path.display()))?,
        None => String::new(),
    };
    // Read once by itself, so that errors point at the line.
    let named = || {
        file.map_or_else(
            || "the configuration".to_owned(),
            |path| path.display().to_string(),
        )
    };
    toml::from_str::<Config>(&text).with_context(|| format!("{} is not valid", named()))?;
    let mut table: Table = toml::from_str(&text).with_context(|| format!("{} is not valid", named()))?;
    let mut variables: Vec<_> = environment.filter(|(name, _)| name.starts_with(PREFIX)).collect();
    variables.sort();
    for (name, value) in variables {
        override_with(&mut table, &name, &value)?;
        let merged: Result<Config, _> = table.clone().try_into();
        merged.with_context(|| format!("the environment variable {name} is not valid"))?;
    }
    table.try_into().context("the configuration is not valid")
}

/// Puts `TERTULIA_SECTION__KEY` into the table. Variables without `__` are not ours, but for the data directory.
fn override_with(table: &mut Table, name: &str, value: &str) -> Result<()> {
    if name == DATA_DIR {
        table.insert("data_dir".to_owned(), Value::String(value.to_owned()));
        return Ok(());
    }
    let Some((section, key)) = name.trim_start_matches(PREFIX).split_once("__") else {
        return Ok(());
    };
    let section = section.to_ascii_lowercase();
    // Ids of API keys keep their case, and secrets of digits are still texts.
    let (key, value) = if section == "keys" {
        (key.to_owned(), Value::String(value.to_owned()))
    } else {
        (key.to_ascii_lowercase(), parse(value))
    };
    match table
        .entry(section.clone())
        .or_insert_with(|| Value::Table(Table::new()))
    {
        Value::Table(entries) => {
            entries.insert(key, value);
            Ok(())
        }
        _ => bail!("`{section}` is not a table, so {name} has no place"),
    }
}

/// Reads a value as TOML where it is TOML, and as a text where it is not.
fn parse(text: &str) -> Value {
    let read = toml::from_str::<Table>(&format!("value = {text}"));
    read.ok()
        .filter(|table| table.len() == 1)
        .and_then(|mut table| table.remove("value"))
        .unwrap_or_else(|| Value::String(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, environment: &[(&str, &str)]) -> Result<Config> {
        let file = std::env::temp_dir().join(format!("tertulia-config-{}", rand::random::<u64>()));
        std::fs::write(&file, text).unwrap();
        let pairs = environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let config = load(Some(&file), pairs);
        std::fs::remove_file(file).unwrap();
        config
    }

    #[test]
    fn an_empty_file_gives_the_defaults() {
        assert_eq!(read("", &[]).unwrap(), Config::default());
        assert_eq!(load(None, std::iter::empty()).unwrap(), Config::default());
    }

    #[test]
    fn unknown_keys_are_refused_by_name() {
        for (text, word) in [
            ("htp = 1", "htp"),
            ("[http]\nlisten_on = \"x\"", "listen_on"),
            ("[http", "expected"),
        ] {
            let error = format!("{:#}", read(text, &[]).unwrap_err());
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn the_environment_goes_before_the_file() {
        let config = read(
            "[http]\nlisten = \"127.0.0.1:1\"\nconnections = 5",
            &[
                ("TERTULIA_HTTP__LISTEN", "127.0.0.1:2"),
                ("TERTULIA_MEDIA__ADVERTISED", "[\"192.0.2.1\"]"),
                ("TERTULIA_ROOMS__OPEN", "false"),
                ("TERTULIA_KEYS__Abc", "12345"),
                ("TERTULIA_DATA_DIR", "/somewhere"),
                ("TERTULIA_BINARY", "not ours"),
                ("PATH", "x"),
            ],
        )
        .unwrap();
        assert_eq!(config.http.listen, "127.0.0.1:2".parse().unwrap());
        assert_eq!(config.http.connections, 5);
        assert_eq!(config.media.advertised, ["192.0.2.1"]);
        assert!(!config.rooms.open);
        assert_eq!(config.keys["Abc"].expose(), "12345");
        assert_eq!(config.data_dir.as_deref(), Some(Path::new("/somewhere")));
    }

    #[test]
    fn a_wrong_variable_is_named() {
        let error = format!("{:#}", read("", &[("TERTULIA_HTTP__PORT", "1")]).unwrap_err());
        assert!(error.contains("TERTULIA_HTTP__PORT"), "{error}");
    }

    #[test]
    fn secrets_are_not_shown() {
        let config = read("[keys]\nabc = \"hush-hush\"", &[]).unwrap();
        assert!(!format!("{config:?}").contains("hush"));
    }
}
