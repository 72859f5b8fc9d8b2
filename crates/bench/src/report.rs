//! Figures as a table for people and as JSON for programs.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::histogram::Histogram;
use crate::sink::Counts;

/// One figure.
#[derive(Debug, Clone, Serialize)]
pub struct Figure {
    /// What it says.
    pub name: String,
    /// Its value; `None` where it could not be measured.
    pub value: Option<f64>,
    /// Its unit.
    pub unit: &'static str,
}

/// What a scenario found.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Name of the scenario.
    pub scenario: &'static str,
    /// What it was run with.
    pub parameters: BTreeMap<&'static str, String>,
    /// The figures in the order of the table.
    pub figures: Vec<Figure>,
    /// The server's milliseconds on processors, by kind of thread.
    pub threads_ms: BTreeMap<String, f64>,
    /// What all sinks saw together.
    pub counts: Counts,
}

impl Report {
    /// An empty report.
    pub fn new<const N: usize>(scenario: &'static str, parameters: [(&'static str, String); N]) -> Self {
        Self {
            scenario,
            parameters: parameters.into_iter().collect(),
            figures: Vec::new(),
            threads_ms: BTreeMap::new(),
            counts: Counts::default(),
        }
    }

    /// Appends a figure.
    pub fn figure(&mut self, name: impl Into<String>, value: impl Into<Option<f64>>, unit: &'static str) {
        self.figures.push(Figure {
            name: name.into(),
            value: value.into(),
            unit,
        });
    }

    /// The value of the figure called `name`; `None` where there is none.
    pub fn value(&self, name: &str) -> Option<f64> {
        let figure = self.figures.iter().find(|figure| figure.name == name)?;
        figure.value
    }

    /// Appends percentiles in milliseconds.
    pub fn percentiles(&mut self, name: &str, histogram: &Histogram, shares: &[f64]) {
        for share in shares {
            let value = histogram.quantile(*share).map(millis);
            self.figure(format!("{name} p{}", share * 100.0), value, "ms");
        }
    }
}

/// A duration in milliseconds.
pub fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parameters: Vec<String> = self
            .parameters
            .iter()
            .map(|(name, value)| format!("{name} {value}"))
            .collect();
        writeln!(f, "{} ({})", self.scenario, parameters.join(", "))?;
        let width = self
            .figures
            .iter()
            .map(|figure| figure.name.len())
            .max()
            .unwrap_or(0);
        for figure in &self.figures {
            let value = figure.value.map_or_else(|| "–".to_owned(), readable);
            writeln!(f, "  {:<width$}  {value:>12} {}", figure.name, figure.unit)?;
        }
        if !self.threads_ms.is_empty() {
            let threads: Vec<String> = self
                .threads_ms
                .iter()
                .map(|(name, ms)| format!("{name} {} ms", readable(*ms)))
                .collect();
            writeln!(f, "  server's threads: {}", threads.join(", "))?;
        }
        Ok(())
    }
}

/// A number with as many places as it deserves.
fn readable(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 || v.fract() == 0.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        v if v >= 0.1 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_a_line_for_each_figure_and_a_dash_for_what_is_unknown() {
        let mut report = Report::new("meeting", [("participants", "2".to_owned())]);
        report.figure("CPU", 12.345, "%");
        report.figure("memory", None, "MiB");
        let text = report.to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "meeting (participants 2)");
        assert_eq!(
            lines[1].split_whitespace().collect::<Vec<_>>(),
            ["CPU", "12.3", "%"]
        );
        assert_eq!(
            lines[2].split_whitespace().collect::<Vec<_>>(),
            ["memory", "–", "MiB"]
        );
    }

    #[test]
    fn numbers_have_the_places_they_deserve() {
        for (value, text) in [
            (1234.5, "1234"),
            (100.0, "100"),
            (45.67, "45.7"),
            (1.234, "1.23"),
            (0.0123, "0.012"),
        ] {
            assert_eq!(readable(value), text);
        }
    }
}
