//! The same packets relayed by Tertulia and by coturn, in turns.

use tertulia_bench::error::BenchError;
use tertulia_bench::process::Process;
use tertulia_bench::report::Report;
use tertulia_bench::scenario::{Relay, RelayTarget};
use tertulia_bench::server::{COTURN_INSTALL, CoturnServer, Server};

use crate::args::{Arguments, Scenario};

/// What coturn's credentials are signed with.
const SECRET: &str = "north-south-east-west";

/// Runs `relays` on us, on coturn, and on us again, so that what the machine did in between shows.
pub async fn run(
    arguments: &Arguments,
    scenario: &Scenario,
    relays: &[Relay],
) -> Result<Vec<Report>, BenchError> {
    let coturn = CoturnServer::installed();
    if !coturn {
        println!(
            "*** SKIPPED: coturn is not installed, so there is nothing to compare with: {COTURN_INSTALL}"
        );
    }
    let mut reports = Vec::new();
    for relay in relays {
        let mut note = |mut report: Report, server: &str| {
            report.parameters.insert("server", server.to_owned());
            println!("{report}");
            reports.push(report);
        };
        note(on_us(arguments, scenario, relay).await?, "Tertulia");
        if coturn {
            note(on_coturn(arguments, relay).await?, "coturn");
            note(on_us(arguments, scenario, relay).await?, "Tertulia again");
        }
    }
    Ok(reports)
}

async fn on_us(arguments: &Arguments, scenario: &Scenario, relay: &Relay) -> Result<Report, BenchError> {
    let server = Server::start(&arguments.launch(scenario)).await?;
    let target = RelayTarget {
        address: server.relays(),
        secret: server.secret().to_owned(),
        process: watched(server.pid())?,
    };
    let report = measured(relay, target).await;
    let stopped = server.stop().await;
    let report = report?;
    stopped.map(|()| report)
}

async fn on_coturn(arguments: &Arguments, relay: &Relay) -> Result<Report, BenchError> {
    let core = arguments.confines().then_some(arguments.server_core);
    let server = CoturnServer::start(SECRET, core).await?;
    let target = RelayTarget {
        address: server.address(),
        secret: SECRET.to_owned(),
        process: watched(server.pid())?,
    };
    let report = measured(relay, target).await;
    let stopped = server.stop().await;
    let report = report?;
    stopped.map(|()| report)
}

fn watched(pid: Option<u32>) -> Result<Process, BenchError> {
    let gone = || BenchError::Server("ended at once".to_owned());
    pid.map(Process::new).ok_or_else(gone)
}

/// Its clients block.
async fn measured(relay: &Relay, target: RelayTarget) -> Result<Report, BenchError> {
    let relay = relay.clone();
    tokio::task::spawn_blocking(move || relay.run(&target))
        .await
        .map_err(BenchError::Task)?
}
