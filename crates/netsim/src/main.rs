//! `tertulia-netsim`: stands between clients and a server and is as bad a network as it is told to be.
//!
//! One thread relays; what happens to packets is decided by the library. It needs no rights beyond binding a port.
//! Packets leave up to a millisecond late, which is how finely the thread can be woken; the figures tell how much it was.

mod args;
mod control;
mod figures;
mod tcp;
mod udp;

use std::collections::VecDeque;
use std::error::Error;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use clap::Parser as _;
use mio::{Events, Poll, Token, Waker};
use serde_json::{Value, json};
use tertulia_netsim::{Path, Script, Step};

use args::Arguments;
use control::Command;
use tcp::TcpRelay;
use udp::UdpRelay;

const WAKE: Token = Token(0);
const UDP: Token = Token(1);
const FIRST_CLIENT: usize = 0x1_0000;
const FIRST_TCP: usize = 0x2_0000;
/// Commands waiting to be carried out.
const COMMANDS: usize = 64;
/// Longest sleep.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    match start(&Arguments::parse()).and_then(|program| program.run()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = tell(&json!({ "error": chain(error.as_ref()) }));
            ExitCode::FAILURE
        }
    }
}

struct Program {
    poll: Poll,
    udp: UdpRelay,
    tcp: TcpRelay,
    commands: Receiver<Result<Command, String>>,
    script: VecDeque<Step>,
    script_began: Option<Instant>,
    started: Instant,
    end: Option<Instant>,
    seed: u64,
}

fn start(arguments: &Arguments) -> Result<Program, Box<dyn Error>> {
    let script: Script = match &arguments.script {
        Some(file) => std::fs::read_to_string(file)
            .map_err(|error| format!("{}: {error}", file.display()))?
            .parse()?,
        None => Script::default(),
    };
    let mut path = Path {
        up: arguments.up,
        down: arguments.down,
    };
    // The first packet starts the clock, and meets what holds from the beginning.
    let (beginning, later): (Vec<&Step>, Vec<&Step>) =
        script.steps().iter().partition(|step| step.at.is_zero());
    for step in beginning {
        step.side.apply(&step.change, &mut path);
    }
    let poll = Poll::new()?;
    let registry = poll.registry();
    let udp = UdpRelay::bind(
        arguments.listen,
        arguments.target,
        (path, arguments.seed),
        registry,
        (UDP, FIRST_CLIENT),
    )
    .map_err(|error| format!("UDP {}: {error}", arguments.listen))?;
    let tcp =
        TcpRelay::bind(&arguments.tcp, path, registry, FIRST_TCP).map_err(|error| format!("TCP: {error}"))?;
    let (sender, commands) = sync_channel(COMMANDS);
    if arguments.r#for.is_none() {
        control::read_input(sender, Arc::new(Waker::new(registry, WAKE)?))?;
    }
    let tcp_addresses: Vec<String> = tcp.addresses()?.iter().map(ToString::to_string).collect();
    let address = udp.address()?;
    tell(&json!({ "udp": address.to_string(), "udp_port": address.port(), "tcp": tcp_addresses }))?;
    let started = Instant::now();
    Ok(Program {
        poll,
        udp,
        tcp,
        commands,
        script: later.into_iter().cloned().collect(),
        script_began: None,
        started,
        end: arguments.r#for.map(|length| started + length),
        seed: arguments.seed,
    })
}

impl Program {
    fn run(mut self) -> Result<(), Box<dyn Error>> {
        let mut events = Events::with_capacity(256);
        loop {
            let sleep = self.sleep(Instant::now());
            if let Err(error) = self.poll.poll(&mut events, Some(sleep))
                && error.kind() != io::ErrorKind::Interrupted
            {
                return Err(error.into());
            }
            let now = Instant::now();
            for event in &events {
                match event.token() {
                    WAKE => {}
                    token if token.0 >= FIRST_TCP => self.tcp.ready(token, self.poll.registry(), now),
                    token => self.udp.ready(token, self.poll.registry(), now),
                }
            }
            self.udp.read_on(self.poll.registry(), now);
            self.follow_script(now);
            self.udp.deliver(now);
            self.tcp.deliver(now);
            let quit = self.obey(now)?;
            if quit || self.end.is_some_and(|end| end <= now) {
                tell(&self.stats(now))?;
                return Ok(());
            }
        }
    }

    fn sleep(&self, now: Instant) -> Duration {
        if self.udp.has_unread() {
            return Duration::ZERO;
        }
        let due = [
            self.udp.poll_timeout(),
            self.tcp.poll_timeout(),
            self.next_step(),
            self.end,
        ];
        let next = due.into_iter().flatten().min();
        next.map_or(LONGEST_SLEEP, |next| next.saturating_duration_since(now))
            .min(LONGEST_SLEEP)
    }

    fn next_step(&self) -> Option<Instant> {
        Some(self.script_began? + self.script.front()?.at)
    }

    fn follow_script(&mut self, now: Instant) {
        if self.script_began.is_none() && self.udp.has_begun() {
            self.script_began = Some(now);
        }
        while self.next_step().is_some_and(|due| due <= now)
            && let Some(step) = self.script.pop_front()
        {
            self.udp.change(None, step.side, &step.change, now);
            self.tcp.change(step.side, &step.change, now);
        }
    }

    /// Carries out commands; `true` when one ends the program.
    fn obey(&mut self, now: Instant) -> io::Result<bool> {
        while let Ok(command) = self.commands.try_recv() {
            let answer = match command {
                Err(error) => json!({ "error": error }),
                Ok(Command::Quit) => return Ok(true),
                Ok(Command::Stats) => self.stats(now),
                Ok(Command::Change { only, side, change }) => {
                    let clients = self.udp.change(only, side, &change, now);
                    if only.is_none() {
                        self.tcp.change(side, &change, now);
                    }
                    match only.filter(|_| clients == 0) {
                        Some(port) => json!({ "error": format!("no client has port {port}") }),
                        None => json!({ "ok": true, "clients": clients }),
                    }
                }
            };
            tell(&answer)?;
        }
        Ok(false)
    }

    fn stats(&mut self, now: Instant) -> Value {
        let elapsed = now.saturating_duration_since(self.started);
        json!({
            "seed": self.seed,
            "elapsed_ms": figures::milliseconds(elapsed),
            "udp": self.udp.stats(now),
        })
    }
}

/// Writes one line to whoever started the program.
fn tell(value: &Value) -> io::Result<()> {
    let mut output = io::stdout().lock();
    writeln!(output, "{value}")?;
    output.flush()
}

/// An error with everything that led to it.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
