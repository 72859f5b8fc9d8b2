//! The binary `tertulia`: reads the configuration, wires engine and doors, serves the web app, and stops in order.
//!
//! What it does not do: decide anything about rooms (`room`), media (`engine`) or protocols (the doors).
//!
//! Invariants: it runs without configuration and asks nothing of the outside; a configuration that cannot mean what
//! it says is refused at the start with the reason; secrets, tokens and clients' addresses are not logged at the
//! default level; a shutdown ends within its bound.

mod account;
mod addresses;
mod admin;
mod ask;
mod audit;
mod branding;
mod check;
mod cli;
mod clock;
mod config;
mod data;
mod http;
mod keeper;
mod limits;
mod logging;
mod metrics;
mod origins;
mod owned;
mod reach;
mod serve;
mod telemetry;
mod tls;
mod token;
mod trusted;
mod wiring;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser as _;

use crate::cli::{Cli, Command, ServerArgs, TokenCommand};
use crate::config::Config;

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what a command prints is its result"
)]
fn run(cli: &Cli) -> Result<ExitCode> {
    match &cli.command {
        Command::Serve(args) => {
            serve::run(args, &load(args)?)?;
        }
        Command::Token(TokenCommand::Create(args)) => {
            println!("{}", token::create(args, &load(&args.server)?)?);
        }
        Command::Audit(command) => print!("{}", audit::run(command, &load(command.server())?)?),
        Command::Account(command) => print!("{}", account::run(command, &load(command.server())?)?),
        Command::Check(args) => {
            let report = check::check(args);
            if args.json {
                println!("{}", report.json()?);
            } else if report.failed() {
                eprint!("{report}");
            } else {
                print!("{report}");
            }
            if report.failed() {
                return Ok(ExitCode::FAILURE);
            }
        }
        Command::Doctor(args) => {
            let report = ask::report(args, &load(&args.server)?)?;
            if args.json {
                println!("{}", serde_json::to_string_pretty(&report)?);
                return Ok(ExitCode::SUCCESS);
            }
            let findings = admin::doctor::examine(&report, args.participant.as_deref());
            print!("{findings}");
            if findings.any() {
                return Ok(ExitCode::FAILURE);
            }
        }
        Command::LogLevel(args) => print!("{}", ask::log_level(args, &load(&args.server)?)?),
        Command::ConfigReference => print!("{}", config::reference()),
    }
    Ok(ExitCode::SUCCESS)
}

fn load(args: &ServerArgs) -> Result<Config> {
    config::load(args.config.as_deref(), environment())
}

/// The environment's variables whose name and value are text; others cannot be ours.
fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

#[expect(clippy::print_stderr, reason = "the log may not have been started")]
fn complain(error: &anyhow::Error) {
    eprintln!("tertulia: {error:#}");
}
