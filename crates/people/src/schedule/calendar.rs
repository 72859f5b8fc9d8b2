use super::{DAY_MS, Recurrence, Schedule};

/// Longest line, in bytes, without its line break (RFC 5545 §3.1).
const LINE_BYTES: usize = 75;

/// A meeting as a calendar knows it.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    /// Names it for good, so that a calendar replaces what it had.
    pub uid: &'a str,
    /// Rises with every change.
    pub sequence: u64,
    /// When this is written, Unix milliseconds.
    pub now_ms: u64,
    /// When.
    pub schedule: &'a Schedule,
    /// Its title.
    pub title: &'a str,
    /// What it is about; empty for nothing.
    pub description: &'a str,
    /// Where: the address of the room.
    pub address: &'a str,
}

impl Event<'_> {
    /// Writes it as a whole iCalendar object.
    pub fn to_calendar(&self) -> String {
        let mut lines = Lines::default();
        lines.put("BEGIN", "VCALENDAR");
        lines.put("VERSION", "2.0");
        lines.put("PRODID", "-//Tertulia//Tertulia//EN");
        lines.put("CALSCALE", "GREGORIAN");
        lines.put("METHOD", "PUBLISH");
        lines.put("BEGIN", "VEVENT");
        lines.put("UID", &escaped(self.uid));
        lines.put("SEQUENCE", &self.sequence.to_string());
        lines.put("DTSTAMP", &utc(self.now_ms));
        lines.put("DTSTART", &utc(self.schedule.starts_at_ms));
        lines.put("DTEND", &utc(self.schedule.ends_at_ms()));
        if let Some(rule) = rule(self.schedule) {
            lines.put("RRULE", &rule);
        }
        lines.put("SUMMARY", &escaped(self.title));
        if !self.description.is_empty() {
            lines.put("DESCRIPTION", &escaped(self.description));
        }
        lines.put("LOCATION", &escaped(self.address));
        // A URI is no text: nothing in it is escaped (§3.8.4.6).
        lines.put("URL", &without_breaks(self.address));
        lines.put("END", "VEVENT");
        lines.put("END", "VCALENDAR");
        lines.0
    }
}

#[derive(Default)]
struct Lines(String);

impl Lines {
    /// Adds a content line, folded between characters (§3.1).
    fn put(&mut self, name: &str, value: &str) {
        let line = format!("{name}:{value}");
        let mut length = 0;
        for c in line.chars() {
            if length + c.len_utf8() > LINE_BYTES {
                self.0.push_str("\r\n ");
                length = 1;
            }
            self.0.push(c);
            length += c.len_utf8();
        }
        self.0.push_str("\r\n");
    }
}

/// A text as §3.3.11 wants it. Control characters have no place in one.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.replace("\r\n", "\n").chars() {
        match c {
            '\\' | ';' | ',' => escaped.extend(['\\', c]),
            '\n' => escaped.push_str("\\n"),
            '\t' => escaped.push('\t'),
            c if c.is_control() => {}
            c => escaped.push(c),
        }
    }
    escaped
}

fn without_breaks(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

fn rule(schedule: &Schedule) -> Option<String> {
    let repeat = schedule.repeat.as_ref()?;
    let mut rule = match repeat.every {
        Recurrence::Daily => "FREQ=DAILY",
        Recurrence::Weekdays => "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
        Recurrence::Weekly => "FREQ=WEEKLY",
        Recurrence::Fortnightly => "FREQ=WEEKLY;INTERVAL=2",
        Recurrence::Monthly => "FREQ=MONTHLY",
    }
    .to_owned();
    if let Some(until) = repeat.until_ms {
        rule.push_str(";UNTIL=");
        rule.push_str(&utc(until));
    }
    Some(rule)
}

/// A time in UTC (§3.3.5, form 2).
fn utc(ms: u64) -> String {
    let (year, month, day) = date(ms / DAY_MS);
    let second = ms % DAY_MS / 1_000;
    format!(
        "{year:04}{month:02}{day:02}T{:02}{:02}{:02}Z",
        second / 3_600,
        second / 60 % 60,
        second % 60
    )
}

/// The Gregorian date so many days after 1970-01-01, by counting years from 1 March, when leap days come last.
fn date(days: u64) -> (u64, u64, u64) {
    const DAYS_IN_400_YEARS: u64 = 146_097;
    // From 0000-03-01 to 1970-01-01.
    let days = days + 719_468;
    let era = days / DAYS_IN_400_YEARS;
    let day_of_era = days % DAYS_IN_400_YEARS;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / (DAYS_IN_400_YEARS - 1)) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Repeat;

    fn schedule(repeat: Option<Repeat>) -> Schedule {
        Schedule {
            starts_at_ms: 1_795_694_400_000,
            duration_min: 90,
            repeat,
        }
    }

    fn written(title: &str, description: &str, repeat: Option<Repeat>) -> String {
        let schedule = schedule(repeat);
        let event = Event {
            uid: "weekly@example.org",
            sequence: 3,
            now_ms: 0,
            schedule: &schedule,
            title,
            description,
            address: "https://example.org/Weekly;a,b",
        };
        event.to_calendar()
    }

    /// Undoes folding and gives the value of a property.
    fn value(calendar: &str, name: &str) -> Option<String> {
        let unfolded = calendar.replace("\r\n ", "");
        let prefix = format!("{name}:");
        unfolded
            .split("\r\n")
            .find_map(|line| line.strip_prefix(&prefix).map(str::to_owned))
    }

    fn unescaped(text: &str) -> String {
        let mut plain = String::new();
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            match (c, c == '\\') {
                (_, true) => match chars.next() {
                    Some('n') => plain.push('\n'),
                    Some(other) => plain.push(other),
                    None => panic!("a lone backslash"),
                },
                _ => plain.push(c),
            }
        }
        plain
    }

    #[test]
    fn a_meeting_is_a_whole_calendar() {
        let calendar = written("Weekly", "", None);
        assert!(calendar.starts_with("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:"));
        assert!(calendar.ends_with("END:VEVENT\r\nEND:VCALENDAR\r\n"));
        for (name, expected) in [
            ("DTSTART", "20261126T120000Z"),
            ("DTEND", "20261126T133000Z"),
            ("DTSTAMP", "19700101T000000Z"),
            ("UID", "weekly@example.org"),
            ("SEQUENCE", "3"),
            ("LOCATION", r"https://example.org/Weekly\;a\,b"),
            ("URL", "https://example.org/Weekly;a,b"),
        ] {
            assert_eq!(value(&calendar, name).as_deref(), Some(expected), "for {name}");
        }
        assert_eq!(value(&calendar, "RRULE"), None);
        assert_eq!(value(&calendar, "DESCRIPTION"), None);
    }

    #[test]
    fn what_comes_again_has_a_rule() {
        for (every, until_ms, expected) in [
            (Recurrence::Daily, None, "FREQ=DAILY"),
            (Recurrence::Weekdays, None, "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"),
            (Recurrence::Fortnightly, None, "FREQ=WEEKLY;INTERVAL=2"),
            (Recurrence::Monthly, None, "FREQ=MONTHLY"),
            (
                Recurrence::Weekly,
                Some(1_798_286_400_000),
                "FREQ=WEEKLY;UNTIL=20261226T120000Z",
            ),
        ] {
            let calendar = written("Weekly", "", Some(Repeat { every, until_ms }));
            assert_eq!(value(&calendar, "RRULE").as_deref(), Some(expected));
        }
    }

    #[test]
    fn nobody_writes_properties_into_our_file() {
        let calendar = written("a\r\nATTENDEE:mailto:x", "b\n;c,d\\e\r\nEND:VEVENT\u{7}", None);
        assert_eq!(
            value(&calendar, "SUMMARY").as_deref(),
            Some("a\\nATTENDEE:mailto:x")
        );
        assert_eq!(
            value(&calendar, "DESCRIPTION").as_deref(),
            Some("b\\n\\;c\\,d\\\\e\\nEND:VEVENT")
        );
        assert_eq!(calendar.matches("\r\nEND:VEVENT\r\n").count(), 1);
    }

    #[test]
    fn dates_are_gregorian() {
        for (ms, expected) in [
            (951_782_400_000, "20000229T000000Z"),
            (1_709_210_096_000, "20240229T123456Z"),
            (4_107_542_399_000, "21000228T235959Z"),
            (4_107_542_400_000, "21000301T000000Z"),
            (32_503_680_000_000, "30000101T000000Z"),
        ] {
            assert_eq!(utc(ms), expected);
        }
    }

    proptest! {
        #[test]
        fn lines_are_short_and_texts_come_back(title in "\\PC{0,300}", description in "(\\PC|\n){0,300}") {
            let calendar = written(&title, &description, None);
            for line in calendar.split("\r\n") {
                prop_assert!(line.len() <= LINE_BYTES && !line.contains(['\r', '\n']));
            }
            prop_assert_eq!(unescaped(&value(&calendar, "SUMMARY").unwrap()), title);
            let kept = value(&calendar, "DESCRIPTION").unwrap_or_default();
            prop_assert_eq!(unescaped(&kept), description);
        }
    }
}
