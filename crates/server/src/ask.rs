//! The commands that ask a running server.

use anyhow::{Context, Result};
use hyper::Method;
use tertulia_model::RoomName;

use crate::admin::{Report, call};
use crate::cli::{DoctorArgs, LogLevelArgs};
use crate::config::Config;

/// Gets what the server sees of a room.
///
/// # Errors
/// When the room cannot have this name, or there is no server to ask.
pub fn report(args: &DoctorArgs, config: &Config) -> Result<Report> {
    let room = RoomName::parse(&args.room).context("the room")?;
    let path = format!("/debug/{}", escaped(room.as_str()));
    let answer = call(config, args.server.dev, Method::GET, &path, String::new())?;
    serde_json::from_str(&answer).context("the server's answer cannot be read; is it of another version?")
}

/// Shows or changes the log level; gives what to print.
///
/// # Errors
/// When the level makes no sense, or there is no server to ask.
pub fn log_level(args: &LogLevelArgs, config: &Config) -> Result<String> {
    let (method, body) = match &args.level {
        Some(level) => (Method::PUT, level.clone()),
        None => (Method::GET, String::new()),
    };
    call(config, args.server.dev, method, "/log", body)
}

/// Writes a text as one segment of a path (RFC 3986).
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_room_is_one_segment() {
        assert_eq!(super::escaped("Café 1"), "Caf%C3%A9%201");
    }
}
