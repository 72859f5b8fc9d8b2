use std::str::FromStr;
use std::time::Duration;

use crate::conditions::{Bursts, Conditions, Path, QueueLimit};

#[cfg(test)]
mod tests;

/// Steps of a script at most.
const MOST_STEPS: usize = 1_000;
/// Delays longer than this are mistakes.
const LONGEST: Duration = Duration::from_secs(3_600);

/// A network that changes over time: one step a line, `at 5s down rate=500k`.
///
/// Empty lines and what follows `#` are skipped; `docs/netsim.md` lists the settings.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Script {
    steps: Vec<Step>,
}

/// One change of a script.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// When, from the beginning of the script.
    pub at: Duration,
    /// Which direction.
    pub side: Side,
    /// What becomes different.
    pub change: Change,
}

/// A direction, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
    /// Either.
    Both,
}

/// Settings that become different, for instance `loss=5% delay=50ms`; the others stay.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Change {
    settings: Vec<Setting>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Setting {
    Clear,
    Delay(Duration),
    Jitter(Duration),
    Reorder(bool),
    Loss(f64),
    Bursts(Option<Bursts>),
    Duplicate(f64),
    Rate(Option<u64>),
    Queue(QueueLimit),
}

/// Why a text is no script, no step or no change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScriptError {
    /// Something is wrong in one line of a script.
    #[error("line {line}")]
    Line {
        /// Which, from 1.
        line: usize,
        /// What.
        #[source]
        source: Box<ScriptError>,
    },
    /// A line does not begin with `at` and a time.
    #[error("a step begins with `at`, a time and `up`, `down` or `both`")]
    NoTime,
    /// A direction was expected.
    #[error("`{0}` is neither `up`, `down` nor `both`")]
    Side(String),
    /// Nothing is set.
    #[error("there is nothing to change")]
    Empty,
    /// There is no such setting.
    #[error("there is no setting `{0}`")]
    Unknown(String),
    /// A setting has a value it cannot have.
    #[error("`{value}` is no value for {setting}: {expected}")]
    Value {
        /// Of which setting.
        setting: &'static str,
        /// The text.
        value: String,
        /// What it could be.
        expected: &'static str,
    },
    /// The script has too many steps.
    #[error("a script has {MOST_STEPS} steps at most")]
    TooLong,
}

impl Script {
    /// The steps, by their time; those of one time in the order they were written.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }
}

impl FromStr for Script {
    type Err = ScriptError;

    fn from_str(text: &str) -> Result<Self, ScriptError> {
        let mut steps = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.is_empty() {
                continue;
            }
            if steps.len() == MOST_STEPS {
                return Err(ScriptError::TooLong);
            }
            steps.push(step(line).map_err(|source| ScriptError::Line {
                line: index + 1,
                source: Box::new(source),
            })?);
        }
        steps.sort_by_key(|step: &Step| step.at);
        Ok(Self { steps })
    }
}

fn step(line: &str) -> Result<Step, ScriptError> {
    let rest = line.strip_prefix("at ").ok_or(ScriptError::NoTime)?.trim_start();
    let (at, rest) = rest.split_once(' ').ok_or(ScriptError::NoTime)?;
    let at = time("the time of a step", at)?;
    let (side, change) = directed(rest)?;
    Ok(Step { at, side, change })
}

impl FromStr for Side {
    type Err = ScriptError;

    fn from_str(text: &str) -> Result<Self, ScriptError> {
        match text {
            "up" => Ok(Self::Up),
            "down" => Ok(Self::Down),
            "both" => Ok(Self::Both),
            other => Err(ScriptError::Side(other.to_owned())),
        }
    }
}

impl Side {
    /// Changes the conditions of this direction.
    pub fn apply(self, change: &Change, path: &mut Path) {
        if self != Self::Down {
            change.apply(&mut path.up);
        }
        if self != Self::Up {
            change.apply(&mut path.down);
        }
    }
}

/// Reads a direction and what becomes different there: `down rate=500k`.
///
/// # Errors
///
/// When the text is something else.
pub fn directed(text: &str) -> Result<(Side, Change), ScriptError> {
    let (side, change) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    Ok((side.parse()?, change.parse()?))
}

impl Change {
    /// Makes the conditions different.
    pub fn apply(&self, conditions: &mut Conditions) {
        for setting in &self.settings {
            match *setting {
                Setting::Clear => *conditions = Conditions::default(),
                Setting::Delay(delay) => conditions.delay = delay,
                Setting::Jitter(jitter) => conditions.jitter = jitter,
                Setting::Reorder(reorder) => conditions.reorder = reorder,
                Setting::Loss(loss) => conditions.loss = loss,
                Setting::Bursts(bursts) => conditions.bursts = bursts,
                Setting::Duplicate(duplicate) => conditions.duplicate = duplicate,
                Setting::Rate(rate) => conditions.rate = rate,
                Setting::Queue(queue) => conditions.queue = queue,
            }
        }
    }
}

impl FromStr for Change {
    type Err = ScriptError;

    fn from_str(text: &str) -> Result<Self, ScriptError> {
        let settings: Vec<Setting> = text.split_whitespace().map(setting).collect::<Result<_, _>>()?;
        if settings.is_empty() {
            return Err(ScriptError::Empty);
        }
        Ok(Self { settings })
    }
}

impl FromStr for Conditions {
    type Err = ScriptError;

    /// Reads what is different from a perfect network.
    fn from_str(text: &str) -> Result<Self, ScriptError> {
        let mut conditions = Self::default();
        text.parse::<Change>()?.apply(&mut conditions);
        Ok(conditions)
    }
}

fn setting(text: &str) -> Result<Setting, ScriptError> {
    if text == "clear" {
        return Ok(Setting::Clear);
    }
    let unknown = || ScriptError::Unknown(text.to_owned());
    let (key, value) = text.split_once('=').ok_or_else(unknown)?;
    Ok(match key {
        "delay" => Setting::Delay(time("delay", value)?),
        "jitter" => Setting::Jitter(time("jitter", value)?),
        "reorder" => Setting::Reorder(yes_or_no(value)?),
        "loss" => Setting::Loss(share("loss", value)?),
        "bursts" => Setting::Bursts(bursts(value)?),
        "duplicate" => Setting::Duplicate(share("duplicate", value)?),
        "rate" => Setting::Rate(rate(value)?),
        "queue" => Setting::Queue(queue(value)?),
        _ => return Err(unknown()),
    })
}

fn wrong(setting: &'static str, value: &str, expected: &'static str) -> ScriptError {
    ScriptError::Value {
        setting,
        value: value.to_owned(),
        expected,
    }
}

fn time(setting: &'static str, text: &str) -> Result<Duration, ScriptError> {
    let expected = "a time such as 250us, 50ms or 1.5s, an hour at most";
    let units = [("ns", 1e-9), ("us", 1e-6), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0)];
    let (number, unit) = units
        .iter()
        .find_map(|(suffix, unit)| Some((text.strip_suffix(suffix)?, unit)))
        .ok_or_else(|| wrong(setting, text, expected))?;
    positive(number)
        .and_then(|number| Duration::try_from_secs_f64(number * unit).ok())
        .filter(|time| *time <= LONGEST)
        .ok_or_else(|| wrong(setting, text, expected))
}

fn share(setting: &'static str, text: &str) -> Result<f64, ScriptError> {
    let (number, unit) = match text.strip_suffix('%') {
        Some(number) => (number, 0.01),
        None => (text, 1.0),
    };
    positive(number)
        .map(|number| number * unit)
        .filter(|share| *share <= 1.0)
        .ok_or_else(|| wrong(setting, text, "a share such as 5% or 0.05"))
}

fn bursts(text: &str) -> Result<Option<Bursts>, ScriptError> {
    if text == "none" {
        return Ok(None);
    }
    let shares: Vec<f64> = text
        .split('/')
        .take(5)
        .map(|part| share("bursts", part))
        .collect::<Result<_, _>>()?;
    let (begin, end, good_loss, bad_loss) = match shares[..] {
        [begin, end] => (begin, end, 0.0, 1.0),
        [begin, end, good, bad] => (begin, end, good, bad),
        _ => {
            let expected = "`none`, or the shares begin/end or begin/end/loss in good times/loss in bad ones";
            return Err(wrong("bursts", text, expected));
        }
    };
    Ok(Some(Bursts {
        begin,
        end,
        good_loss,
        bad_loss,
    }))
}

fn yes_or_no(text: &str) -> Result<bool, ScriptError> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err(wrong("reorder", text, "`yes` or `no`")),
    }
}

fn rate(text: &str) -> Result<Option<u64>, ScriptError> {
    if text == "none" {
        return Ok(None);
    }
    let bits = scaled(text, &[("k", 1e3), ("M", 1e6), ("G", 1e9), ("", 1.0)]);
    bits.map(Some)
        .ok_or_else(|| wrong("rate", text, "`none`, or bits a second such as 500k or 1.5M"))
}

fn queue(text: &str) -> Result<QueueLimit, ScriptError> {
    if let Some(bytes) = scaled(text, &[("kB", 1e3), ("MB", 1e6), ("B", 1.0)]) {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        return Ok(QueueLimit::Bytes(bytes));
    }
    time("queue", text)
        .map(QueueLimit::Time)
        .map_err(|_| wrong("queue", text, "a time such as 300ms, or bytes such as 64kB"))
}

fn scaled(text: &str, units: &[(&str, f64)]) -> Option<u64> {
    let (number, unit) = units
        .iter()
        .find_map(|(suffix, unit)| Some((text.strip_suffix(suffix)?, unit)))?;
    let number = positive(number)? * unit;
    (number <= 1e12).then_some(number.round() as u64)
}

/// A plain decimal number, neither negative nor infinite.
fn positive(text: &str) -> Option<f64> {
    let plain = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c == '.');
    text.parse().ok().filter(|_| plain)
}
