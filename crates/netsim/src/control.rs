//! Commands: text in, one each.

use std::io::{self, BufRead as _, BufReader, Read as _};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use mio::Waker;
use tertulia_netsim::{Change, ScriptError, Side, directed};

/// Bytes of a command at most.
const LONGEST_LINE: u64 = 4_096;

/// What the relay is told to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Change the network of clients, present and later ones, or of one alone.
    Change {
        /// A client's UDP port, its own or the one the server sees; `None` for all.
        only: Option<u16>,
        /// Which direction.
        side: Side,
        /// What becomes different.
        change: Change,
    },
    /// Tell the figures.
    Stats,
    /// End.
    Quit,
}

/// Reads one command.
///
/// # Errors
///
/// When the text is none; the message says what was expected.
pub fn command(line: &str) -> Result<Command, String> {
    let line = line.trim();
    let change = |only, text: &str| {
        let (side, change) = directed(text).map_err(|error: ScriptError| error.to_string())?;
        Ok(Command::Change { only, side, change })
    };
    match line.split_once(' ') {
        None if line == "stats" => Ok(Command::Stats),
        None if line == "quit" => Ok(Command::Quit),
        Some(("only", rest)) => {
            let (port, rest) = rest
                .split_once(' ')
                .ok_or("expected a port and a change after `only`")?;
            let port = port.parse().map_err(|_| format!("`{port}` is no port"))?;
            change(Some(port), rest)
        }
        _ => change(None, line),
    }
}

/// Reads commands from the standard input on a thread of its own until it ends; its end is a `quit`.
///
/// # Errors
///
/// When the thread cannot be started.
pub fn read_input(commands: SyncSender<Result<Command, String>>, waker: Arc<Waker>) -> io::Result<()> {
    std::thread::Builder::new()
        .name("input".to_owned())
        .spawn(move || {
            let mut input = BufReader::new(io::stdin());
            let mut line = Vec::new();
            loop {
                line.clear();
                let read = (&mut input).take(LONGEST_LINE).read_until(b'\n', &mut line);
                let command = match read {
                    Ok(0) | Err(_) => Ok(Command::Quit),
                    Ok(_) => match String::from_utf8_lossy(&line).trim() {
                        "" => continue,
                        text => command(text),
                    },
                };
                let last = command == Ok(Command::Quit);
                let told = commands.send(command).is_ok() && waker.wake().is_ok();
                if last || !told {
                    return;
                }
            }
        })
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read() {
        assert_eq!(command("stats\n"), Ok(Command::Stats));
        assert_eq!(command(" quit "), Ok(Command::Quit));
        let expected = Command::Change {
            only: Some(40_123),
            side: Side::Down,
            change: "rate=500k queue=1s".parse().unwrap(),
        };
        assert_eq!(command("only 40123 down rate=500k queue=1s"), Ok(expected));
        assert!(matches!(
            command("both clear"),
            Ok(Command::Change {
                only: None,
                side: Side::Both,
                ..
            })
        ));
        for wrong in [
            "",
            "statistics",
            "only",
            "only x down clear",
            "only 70000 up clear",
            "both",
        ] {
            assert!(command(wrong).is_err(), "{wrong}");
        }
    }
}
