//! `tertulia-bench`: measures a server and prints figures.

#![allow(clippy::print_stdout)] // A table is what this program is for.

mod args;
mod compare;
mod relay;

use std::error::Error;
use std::fs;
use std::process::ExitCode;

use clap::Parser as _;
use rustix::thread::{sched_getaffinity, sched_setaffinity};
use tertulia_auth::ApiKey;
use tertulia_bench::error::BenchError;
use tertulia_bench::process::Process;
use tertulia_bench::report::Report;
use tertulia_bench::scenario::{Target, Xmpp};
use tertulia_bench::server::{API_KEY, Server};
use tertulia_bench::signalling::{LiveKit, LiveKitPlace};
use tracing_subscriber::EnvFilter;

use args::{Arguments, Scenario};

fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,str0m=error"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let arguments = Arguments::parse();
    if arguments.confines()
        && let Err(error) = leave(usize::from(arguments.server_core))
    {
        tracing::error!(%error, "the generator cannot leave the server's processor");
        return ExitCode::FAILURE;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(arguments.threads.max(1))
        .enable_all()
        .build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(run(arguments)),
        Err(error) => Err(BenchError::Argument(format!("no runtime: {error}"))),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{}", chain(&error));
            ExitCode::FAILURE
        }
    }
}

/// Confines this process, and the threads it will start, to all processors but one.
fn leave(processor: usize) -> std::io::Result<()> {
    let mut set = sched_getaffinity(None)?;
    set.unset(processor);
    Ok(sched_setaffinity(None, &set)?)
}

async fn run(arguments: Arguments) -> Result<(), BenchError> {
    let json = arguments.json.clone();
    let mut reports = Vec::new();
    for (arguments, scenario) in arguments.runs() {
        if let Some(lectures) = scenario.compared() {
            reports.extend(compare::run(&arguments, &lectures).await?);
            continue;
        }
        if let Some(relays) = scenario.relayed() {
            reports.extend(relay::run(&arguments, &scenario, &relays).await?);
            continue;
        }
        if let Some(xmpp) = scenario.xmpp() {
            let report = on_the_xmpp_door(&arguments, &scenario, &xmpp).await?;
            println!("{report}");
            reports.push(report);
            continue;
        }
        let core = arguments.confines().then_some(arguments.server_core);
        let report = match scenario.floor(core) {
            Some(floor) => floor.run()?,
            None => measure(&arguments, &scenario).await?,
        };
        println!("{report}");
        reports.push(report);
    }
    if let Some(path) = &json {
        let text = serde_json::to_string_pretty(&reports)
            .map_err(|error| BenchError::File(path.display().to_string(), error.into()))?;
        fs::write(path, text).map_err(|error| BenchError::File(path.display().to_string(), error))?;
    }
    Ok(())
}

/// Runs what is asked of the XMPP door on a server of its own.
async fn on_the_xmpp_door(
    arguments: &Arguments,
    scenario: &Scenario,
    xmpp: &Xmpp,
) -> Result<Report, BenchError> {
    let server = Server::start(&arguments.launch(scenario)).await?;
    let gone = || BenchError::Server("ended at once".to_owned());
    let process = Process::new(server.pid().ok_or_else(gone)?);
    let report = xmpp.run(server.url(), &process).await;
    let stopped = server.stop().await;
    let report = report?;
    stopped.map(|()| report)
}

/// Runs one scenario, on a server of its own unless an address was given.
async fn measure(arguments: &Arguments, scenario: &Scenario) -> Result<Report, BenchError> {
    let light = arguments.light(scenario);
    if let Some(url) = &arguments.url {
        let place = place(url, &arguments.api_key, &arguments.api_secret)?;
        let process = arguments.server_pid.map(Process::new);
        return scenario
            .run::<LiveKit>(Target {
                place,
                process,
                light,
            })
            .await;
    }
    let server = Server::start(&arguments.launch(scenario)).await?;
    let place = place(server.url(), API_KEY, server.secret())?;
    let process = server.pid().map(Process::new);
    let report = scenario
        .run::<LiveKit>(Target {
            place,
            process,
            light,
        })
        .await;
    let stopped = server.stop().await;
    let report = report?;
    stopped.map(|()| report)
}

fn place(url: &str, key: &str, secret: &str) -> Result<LiveKitPlace, BenchError> {
    let key = ApiKey::new(key, secret).map_err(|error| BenchError::Argument(error.to_string()))?;
    LiveKitPlace::new(url, key).map_err(|error| BenchError::Argument(error.to_string()))
}

/// An error with its causes.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
