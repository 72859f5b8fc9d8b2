use std::fmt;

use anyhow::Result;
use serde::Serialize;

/// What was found.
#[derive(Debug, Default)]
pub struct Report {
    lines: Vec<(Verdict, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Fine,
    Warning,
    Wrong,
}

impl Report {
    /// Whether the server would not start.
    pub fn failed(&self) -> bool {
        self.lines.iter().any(|(verdict, _)| *verdict == Verdict::Wrong)
    }

    /// Notes that something is as it should be.
    pub fn fine(&mut self, text: impl Into<String>) {
        self.lines.push((Verdict::Fine, text.into()));
    }

    /// Notes something to look at.
    pub fn warn(&mut self, text: impl Into<String>) {
        self.lines.push((Verdict::Warning, text.into()));
    }

    /// Notes why the server would not start.
    pub fn wrong(&mut self, text: impl Into<String>) {
        self.lines.push((Verdict::Wrong, text.into()));
    }

    /// Notes a result: what is fine about it, or why not.
    pub fn note<T>(&mut self, result: Result<T>, fine: impl FnOnce(&T) -> String) -> Option<T> {
        match result {
            Ok(value) => {
                self.fine(fine(&value));
                Some(value)
            }
            Err(error) => {
                self.wrong(format!("{error:#}"));
                None
            }
        }
    }
}

#[derive(Serialize)]
struct Line<'a> {
    verdict: &'static str,
    text: &'a str,
}

impl Report {
    /// The same for programs: `{"starts": …, "findings": [{"verdict": "ok", "text": …}]}`.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn json(&self) -> Result<String> {
        let lines: Vec<Line<'_>> = self
            .lines
            .iter()
            .map(|(verdict, text)| Line {
                verdict: verdict.word(),
                text,
            })
            .collect();
        let json = serde_json::json!({"starts": !self.failed(), "findings": lines});
        Ok(serde_json::to_string_pretty(&json)?)
    }
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Self::Fine => "ok",
            Self::Warning => "warning",
            Self::Wrong => "wrong",
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (verdict, text) in &self.lines {
            writeln!(f, "{:<8}{text}", verdict.word())?;
        }
        let count = |wanted| {
            self.lines
                .iter()
                .filter(|(verdict, _)| *verdict == wanted)
                .count()
        };
        match (count(Verdict::Wrong), count(Verdict::Warning)) {
            (0, 0) => writeln!(f, "\nTertulia can start."),
            (0, warnings) => writeln!(f, "\nTertulia can start; {warnings} to look at."),
            (wrong, _) => writeln!(f, "\nTertulia cannot start like this: {wrong} wrong."),
        }
    }
}
