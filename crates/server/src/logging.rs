//! The log.

use std::io::IsTerminal;

use anyhow::{Context, Result, bail};
use tracing_subscriber::EnvFilter;

use crate::config::Log;

/// Starts logging to the standard error output.
///
/// # Errors
/// When level or format cannot be understood.
pub fn start(log: &Log) -> Result<()> {
    let filter = filter(log)?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let started = match log.format.as_str() {
        "pretty" => builder.with_ansi(std::io::stderr().is_terminal()).try_init(),
        "json" => builder.json().flatten_event(true).try_init(),
        other => bail!("log.format is `{other}`; it can be `pretty` or `json`"),
    };
    started.map_err(|error| anyhow::anyhow!("the log cannot be started: {error}"))
}

/// Reads the level. A single word speaks of Tertulia itself; the crates below it then tell of trouble only, since some
/// of them name addresses of clients at `info`.
///
/// # Errors
/// When it is no level and no list of directives.
pub fn filter(log: &Log) -> Result<EnvFilter> {
    let directives = match log.level.as_str() {
        level @ ("error" | "warn" | "info" | "debug" | "trace") => format!("warn,tertulia={level}"),
        list => list.to_owned(),
    };
    EnvFilter::builder().parse(directives).with_context(|| {
        format!(
            "log.level is `{}`, which is no level and no list of directives",
            log.level
        )
    })
}
