//! `tertulia-bench`: measures a server and prints figures.

#![allow(clippy::print_stdout)] // A table is what this program is for.

mod args;

use std::error::Error;
use std::fs;
use std::process::ExitCode;

use clap::Parser as _;
use tertulia_auth::ApiKey;
use tertulia_bench::error::BenchError;
use tertulia_bench::process::Process;
use tertulia_bench::report::Report;
use tertulia_bench::scenario::Target;
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
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(arguments.threads.max(1))
        .enable_all()
        .build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(run(&arguments)),
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

async fn run(arguments: &Arguments) -> Result<(), BenchError> {
    let mut reports = Vec::new();
    for scenario in arguments.scenarios() {
        let report = measure(arguments, &scenario).await?;
        println!("{report}");
        reports.push(report);
    }
    if let Some(path) = &arguments.json {
        let text = serde_json::to_string_pretty(&reports)
            .map_err(|error| BenchError::File(path.display().to_string(), error.into()))?;
        fs::write(path, text).map_err(|error| BenchError::File(path.display().to_string(), error))?;
    }
    Ok(())
}

/// Runs one scenario, on a server of its own unless an address was given.
async fn measure(arguments: &Arguments, scenario: &Scenario) -> Result<Report, BenchError> {
    if let Some(url) = &arguments.url {
        let place = place(url, &arguments.api_key, &arguments.api_secret)?;
        let process = arguments.server_pid.map(Process::new);
        return scenario.run::<LiveKit>(Target { place, process }).await;
    }
    let server = Server::start(&arguments.launch(scenario)).await?;
    let place = place(server.url(), API_KEY, server.secret())?;
    let process = server.pid().map(Process::new);
    let report = scenario.run::<LiveKit>(Target { place, process }).await;
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
