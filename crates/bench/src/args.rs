//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use tertulia_bench::error::BenchError;
use tertulia_bench::report::Report;
use tertulia_bench::scenario::{Fanout, Idle, Joins, Meeting, Target};
use tertulia_bench::server::Launch;
use tertulia_bench::signalling::Signalling;

/// Measures a server with WebRTC clients. Without a scenario it runs the standard set.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Arguments {
    /// Address of a running server, ws://host:port. Without it a server is started for each scenario.
    #[arg(long, global = true)]
    pub url: Option<String>,
    /// API key of the running server.
    #[arg(long, global = true, default_value = "devkey")]
    pub api_key: String,
    /// Its secret.
    #[arg(long, global = true, default_value = "secret")]
    pub api_secret: String,
    /// Process id of the running server, to read its use of processors and memory.
    #[arg(long, global = true)]
    pub server_pid: Option<u32>,
    /// Binary of the server to start.
    #[arg(long, global = true, default_value = "target/release/tertulia")]
    pub server: PathBuf,
    /// Media workers of the server to start; 0 leaves it to the server.
    #[arg(long, global = true, default_value_t = 1)]
    pub workers: u16,
    /// Processor the server to start is confined to.
    #[arg(long, global = true)]
    pub server_core: Option<u16>,
    /// Threads of the generator.
    #[arg(long, global = true, default_value_t = 1)]
    pub threads: usize,
    /// Writes the figures as JSON to this file.
    #[arg(long, global = true)]
    pub json: Option<PathBuf>,
    #[command(subcommand)]
    scenario: Option<Scenario>,
}

/// What to measure.
#[derive(Debug, Clone, Subcommand)]
pub enum Scenario {
    /// Everybody publishes 720p simulcast and audio, everybody receives everybody.
    Meeting(MeetingArguments),
    /// One publishes 1,200-byte packets, many receive.
    Fanout(FanoutArguments),
    /// People join, see a key frame begin, and leave.
    Joins(JoinsArguments),
    /// People are connected and say nothing.
    Idle(IdleArguments),
}

/// See [`Meeting`].
#[derive(Debug, Clone, Args)]
pub struct MeetingArguments {
    /// Participants.
    #[arg(long, default_value_t = 10)]
    participants: u32,
    /// Measured seconds.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Seconds before, not measured.
    #[arg(long, default_value_t = 5)]
    settle: u64,
    /// All pictures at 640×360 rather than one at 1280×720 and the others at 320×180.
    #[arg(long)]
    grid: bool,
    /// Redundant audio, as browsers send it.
    #[arg(long)]
    red: bool,
    /// Layers that nobody watches are stopped, as browsers do with dynacast.
    #[arg(long)]
    dynacast: bool,
}

/// See [`Fanout`].
#[derive(Debug, Clone, Args)]
pub struct FanoutArguments {
    /// Receiving clients.
    #[arg(long, default_value_t = 50)]
    subscribers: u32,
    /// Packets a second.
    #[arg(long, default_value_t = 1_000)]
    rate: u32,
    /// Packets that arrive together.
    #[arg(long, default_value_t = 8)]
    burst: u32,
    /// Measured seconds.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Seconds before, not measured.
    #[arg(long, default_value_t = 3)]
    settle: u64,
}

/// See [`Joins`].
#[derive(Debug, Clone, Args)]
pub struct JoinsArguments {
    /// Joins.
    #[arg(long, default_value_t = 100)]
    count: u32,
    /// Joins under way at once.
    #[arg(long, default_value_t = 8)]
    parallel: u32,
    /// Rooms they are spread over.
    #[arg(long, default_value_t = 4)]
    rooms: u32,
}

/// See [`Idle`].
#[derive(Debug, Clone, Args)]
pub struct IdleArguments {
    /// Sessions.
    #[arg(long, default_value_t = 200)]
    sessions: u32,
    /// Sessions in each room.
    #[arg(long, default_value_t = 10)]
    room_size: u32,
    /// Each publishes a camera and a microphone that stay silent.
    #[arg(long)]
    publish: bool,
    /// Measured seconds.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
}

impl Arguments {
    /// What to run.
    pub fn scenarios(&self) -> Vec<Scenario> {
        self.scenario
            .clone()
            .map_or_else(standard, |scenario| vec![scenario])
    }

    /// How to start a server for `scenario`.
    pub fn launch(&self, scenario: &Scenario) -> Launch {
        Launch {
            binary: self.server.clone(),
            workers: self.workers,
            core: self.server_core,
            initial_bitrate_bps: scenario.initial_bitrate_bps(),
        }
    }
}

/// The set behind `docs/benchmarks.md`.
fn standard() -> Vec<Scenario> {
    let sets = [
        "meeting",
        "meeting --dynacast --red",
        "fanout --burst 8",
        "fanout --burst 1",
        "joins",
        "idle",
    ];
    let parse = |set: &str| {
        let words = std::iter::once("tertulia-bench").chain(set.split_whitespace());
        Arguments::try_parse_from(words).ok()?.scenario
    };
    sets.into_iter().filter_map(parse).collect()
}

impl Scenario {
    /// A lecture asks what a packet costs, not how fast an estimator climbs: it starts well above what is sent.
    fn initial_bitrate_bps(&self) -> Option<u64> {
        const PACKET_BITS: u64 = 1_200 * 8;
        match self {
            Self::Fanout(of) => Some(u64::from(of.rate) * PACKET_BITS * 3),
            _ => None,
        }
    }

    /// Runs the scenario against `target`.
    ///
    /// # Errors
    /// When a client or the server fails.
    pub async fn run<S: Signalling>(&self, target: Target<S::Place>) -> Result<Report, BenchError> {
        match self {
            Self::Meeting(of) => {
                let meeting = Meeting {
                    participants: of.participants,
                    measure: Duration::from_secs(of.seconds),
                    settle: Duration::from_secs(of.settle),
                    grid: of.grid,
                    red: of.red,
                    dynacast: of.dynacast,
                };
                meeting.run::<S>(target).await
            }
            Self::Fanout(of) => {
                let fanout = Fanout {
                    subscribers: of.subscribers,
                    rate: of.rate,
                    burst: of.burst,
                    measure: Duration::from_secs(of.seconds),
                    settle: Duration::from_secs(of.settle),
                };
                fanout.run::<S>(target).await
            }
            Self::Joins(of) => {
                let joins = Joins {
                    count: of.count,
                    parallel: of.parallel,
                    rooms: of.rooms,
                };
                joins.run::<S>(target).await
            }
            Self::Idle(of) => {
                let idle = Idle {
                    sessions: of.sessions,
                    room_size: of.room_size,
                    publish: of.publish,
                    measure: Duration::from_secs(of.seconds),
                };
                idle.run::<S>(target).await
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_standard_set_is_complete() {
        assert_eq!(standard().len(), 6);
    }
}
