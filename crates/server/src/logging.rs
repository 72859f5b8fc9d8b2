//! The log.

use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

use crate::config::Log;
use crate::telemetry::Traces;

type Change = dyn Fn(EnvFilter) -> Result<()> + Send + Sync;

/// The level, which may be changed while the server runs; cheap to clone.
#[derive(Clone)]
pub struct Level {
    current: Arc<Mutex<String>>,
    change: Arc<Change>,
}

impl Level {
    fn new(level: &str, change: impl Fn(EnvFilter) -> Result<()> + Send + Sync + 'static) -> Self {
        Self {
            current: Arc::new(Mutex::new(level.to_owned())),
            change: Arc::new(change),
        }
    }

    /// What it is now, as it was written.
    pub fn current(&self) -> String {
        self.current
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Changes it until the next change or start.
    ///
    /// # Errors
    /// When it cannot be understood; the level stays.
    pub fn set(&self, level: &str) -> Result<()> {
        (self.change)(filter(level)?)?;
        level.clone_into(&mut self.current.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(())
    }

    /// One that changes nothing but what it says it is.
    #[cfg(test)]
    pub fn for_tests() -> Self {
        Self::new("info", |_| Ok(()))
    }
}

/// Starts logging to the standard error output, and tracing where there is somewhere to trace to.
///
/// # Errors
/// When level or format cannot be understood.
pub fn start(log: &Log, traces: Option<&Traces>) -> Result<Level> {
    let (filter, handle) = reload::Layer::new(filter(&log.level)?);
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match log.format.as_str() {
        "pretty" => lines.with_ansi(std::io::stderr().is_terminal()).boxed(),
        "json" => lines.json().flatten_event(true).boxed(),
        other => bail!("log.format is `{other}`; it can be `pretty` or `json`"),
    };
    Registry::default()
        .with(lines.with_filter(filter))
        .with(traces.map(Traces::layer))
        .try_init()
        .context("the log cannot be started")?;
    Ok(Level::new(&log.level, move |filter| Ok(handle.reload(filter)?)))
}

/// Reads a level. A single word speaks of Tertulia itself; the crates below it then tell of trouble only, since some
/// of them name addresses of clients at `info`.
///
/// # Errors
/// When it is no level and no list of directives.
pub fn filter(level: &str) -> Result<EnvFilter> {
    let directives = match level {
        level @ ("error" | "warn" | "info" | "debug" | "trace") => format!("warn,tertulia={level}"),
        list => list.to_owned(),
    };
    EnvFilter::builder()
        .parse(directives)
        .with_context(|| format!("log.level is `{level}`, which is no level and no list of directives"))
}
