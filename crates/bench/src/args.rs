//! The command line.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use tertulia_bench::client::Until;
use tertulia_bench::error::BenchError;
use tertulia_bench::light::Settings;
use tertulia_bench::report::Report;
use tertulia_bench::scenario::{Fanout, Floor, Idle, Joins, Meeting, Relay, Saturation, Target, Xmpp};
use tertulia_bench::server::Launch;
use tertulia_bench::signalling::Signalling;

/// Measures a server with WebRTC clients. Without a scenario it runs the standard set.
#[derive(Debug, Clone, Parser)]
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
    /// Processor the server to start is confined to; the generator takes the others.
    #[arg(long, global = true, default_value_t = 0)]
    pub server_core: u16,
    /// Confines neither server nor generator.
    #[arg(long, global = true)]
    pub unconfined: bool,
    /// Full clients: str0m handles all packets, at a multiple of the cost.
    #[arg(long, global = true)]
    pub full: bool,
    /// Light clients decrypt and time one packet in so many; with 1 they also judge streams as a decoder would.
    #[arg(long, global = true)]
    pub sample: Option<u32>,
    /// Light clients receive coalesced trains (UDP GRO).
    #[arg(long, global = true)]
    pub coalesce: bool,
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
    /// The same packets sealed and sent without a server: what cipher and kernel cost on this machine.
    Floor(FloorArguments),
    /// The same at a rising rate, until packets are late or lost.
    Saturation(SaturationArguments),
    /// People join, see a key frame begin, and leave.
    Joins(JoinsArguments),
    /// People are connected and say nothing.
    Idle(IdleArguments),
    /// The lecture with packets together and singly, on this server and on Janus, in turns.
    Compare(CompareArguments),
    /// Packets between clients of TURN, by this server and by coturn, in turns.
    Relay(RelayArguments),
    /// Stanzas, joins and idle streams of Jitsi clients.
    Xmpp(XmppArguments),
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
    /// Packets a second, on all tracks together.
    #[arg(long, default_value_t = 1_000)]
    rate: u32,
    /// Packets that arrive together.
    #[arg(long, default_value_t = 8)]
    burst: u32,
    /// Tracks everybody receives.
    #[arg(long, default_value_t = 1)]
    tracks: u32,
    /// The tracks share the rate, rather than one having all of it.
    #[arg(long)]
    shared: bool,
    /// Measured seconds.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Seconds before, not measured.
    #[arg(long, default_value_t = 3)]
    settle: u64,
}

/// See [`Floor`].
#[derive(Debug, Clone, Args)]
pub struct FloorArguments {
    /// Receiving sockets.
    #[arg(long, default_value_t = 50)]
    subscribers: u32,
    /// Packets a second.
    #[arg(long, default_value_t = 1_000)]
    rate: u32,
    /// Packets that are sent together.
    #[arg(long, default_value_t = 8)]
    burst: u32,
    /// Measured seconds of each part.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
}

/// See [`Saturation`].
#[derive(Debug, Clone, Args)]
pub struct SaturationArguments {
    /// Receiving clients.
    #[arg(long, default_value_t = 50)]
    subscribers: u32,
    /// Tracks that share the rate.
    #[arg(long, default_value_t = 8)]
    tracks: u32,
    /// Packets that arrive together.
    #[arg(long, default_value_t = 8)]
    burst: u32,
    /// Packets a second to begin with.
    #[arg(long, default_value_t = 1_000)]
    start: u32,
    /// Percent by which the rate rises.
    #[arg(long, default_value_t = 25)]
    step: u32,
    /// Steps at most.
    #[arg(long, default_value_t = 16)]
    steps: u32,
    /// Milliseconds that 99 of 100 packets may be on the way.
    #[arg(long, default_value_t = 5)]
    bound: u64,
    /// Measured seconds of each step.
    #[arg(long, default_value_t = 3)]
    seconds: u64,
}

/// What somebody who joins waits for before leaving.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Goal {
    Connected,
    Packet,
    KeyFrame,
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
    /// People who are in each room already and say nothing.
    #[arg(long, default_value_t = 0)]
    present: u32,
    /// What each waits for before leaving.
    #[arg(long, value_enum, default_value = "connected")]
    until: Goal,
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
    /// Seconds before, not measured.
    #[arg(long, default_value_t = 5)]
    settle: u64,
}

/// The lecture on several servers.
#[derive(Debug, Clone, Args)]
pub struct CompareArguments {
    /// Receiving clients.
    #[arg(long, default_value_t = 50)]
    subscribers: u32,
    /// Packets a second.
    #[arg(long, default_value_t = 1_000)]
    rate: u32,
    /// Measured seconds of each turn.
    #[arg(long, default_value_t = 6)]
    seconds: u64,
}

/// See [`Relay`].
#[derive(Debug, Clone, Args)]
pub struct RelayArguments {
    /// Clients, each with a relay.
    #[arg(long, default_value_t = 10)]
    clients: u32,
    /// Packets a second that each sends.
    #[arg(long, default_value_t = 1_000)]
    rate: u32,
    /// Packets that are sent together; without it the turns are made with 8 and with 1.
    #[arg(long)]
    burst: Option<u32>,
    /// An address of this machine, not loopback and on no interface, where clients have peers without a relay.
    #[arg(long)]
    peer: Option<IpAddr>,
    /// Measured seconds of each turn.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Seconds before, not measured.
    #[arg(long, default_value_t = 5)]
    settle: u64,
}

/// See [`Xmpp`].
#[derive(Debug, Clone, Args)]
pub struct XmppArguments {
    /// Streams that say nothing.
    #[arg(long, default_value_t = 1_000)]
    streams: u32,
    /// Stanzas sent together.
    #[arg(long, default_value_t = 200)]
    batch: u32,
    /// Batches of each kind of stanza.
    #[arg(long, default_value_t = 25)]
    batches: u32,
    /// Joins.
    #[arg(long, default_value_t = 50)]
    joins: u32,
}

impl Arguments {
    /// How to start a server for `scenario`.
    pub fn launch(&self, scenario: &Scenario) -> Launch {
        Launch {
            binary: self.server.clone(),
            workers: self.workers,
            core: self.confines().then_some(self.server_core),
            initial_bitrate_bps: scenario.initial_bitrate_bps(),
            relays: matches!(scenario, Scenario::Relay(_)),
            xmpp: matches!(scenario, Scenario::Xmpp(_)),
            relay_peer: match scenario {
                Scenario::Relay(of) => of.peer,
                _ => None,
            },
        }
    }

    /// How clients of `scenario` are made.
    pub fn light(&self, scenario: &Scenario) -> Option<Settings> {
        (!self.full).then(|| Settings {
            sample: self.sample.unwrap_or_else(|| scenario.sample()).max(1),
            coalesce: self.coalesce,
        })
    }

    /// Whether server and generator have processors of their own.
    pub fn confines(&self) -> bool {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        !self.unconfined && self.url.is_none() && processors > 1
    }
}

/// The set behind `docs/benchmarks.md`.
const STANDARD: [&str; 12] = [
    "floor --burst 8 --seconds 3",
    "floor --burst 1 --seconds 3",
    "meeting --participants 20 --seconds 10",
    "meeting --participants 10 --seconds 8 --dynacast --red --full",
    "fanout --burst 8 --seconds 6",
    "fanout --burst 1 --seconds 6",
    "fanout --tracks 50 --seconds 6",
    "fanout --subscribers 1000 --rate 100 --seconds 6",
    "saturation",
    "joins --count 300 --parallel 32",
    "idle --sessions 1000 --room-size 11 --publish --seconds 10",
    "relay --seconds 3",
];

impl Arguments {
    /// What to run: the asked scenario with these arguments, or the standard set, each with its own.
    pub fn runs(self) -> Vec<(Self, Scenario)> {
        match self.scenario.clone() {
            Some(scenario) => vec![(self, scenario)],
            None => STANDARD.iter().filter_map(|set| self.standard(set)).collect(),
        }
    }

    fn standard(&self, set: &str) -> Option<(Self, Scenario)> {
        let words = std::iter::once("tertulia-bench").chain(set.split_whitespace());
        let mut run = Self::try_parse_from(words).ok()?;
        let scenario = run.scenario.take()?;
        let arguments = Self {
            full: self.full || run.full,
            ..self.clone()
        };
        Some((arguments, scenario))
    }
}

impl Scenario {
    /// The lectures that a comparison consists of; `None` where this is none.
    pub fn compared(&self) -> Option<Vec<Self>> {
        let Self::Compare(of) = self else {
            return None;
        };
        let lecture = |burst| {
            Self::Fanout(FanoutArguments {
                subscribers: of.subscribers,
                rate: of.rate,
                burst,
                tracks: 1,
                shared: false,
                seconds: of.seconds,
                settle: 3,
            })
        };
        Some(vec![lecture(8), lecture(1)])
    }

    /// What is relayed, each in its turn; `None` where nothing is.
    pub fn relayed(&self) -> Option<Vec<Relay>> {
        let Self::Relay(of) = self else {
            return None;
        };
        let relay = |burst| Relay {
            clients: of.clients,
            rate: of.rate,
            burst,
            peer: of.peer,
            measure: Duration::from_secs(of.seconds),
            settle: Duration::from_secs(of.settle),
        };
        let bursts = of.burst.map_or_else(|| vec![8, 1], |burst| vec![burst]);
        Some(bursts.into_iter().map(relay).collect())
    }

    /// What is asked of the XMPP door; `None` where nothing is.
    pub fn xmpp(&self) -> Option<Xmpp> {
        let Self::Xmpp(of) = self else {
            return None;
        };
        Some(Xmpp {
            streams: of.streams,
            batch: of.batch,
            batches: of.batches,
            joins: of.joins,
        })
    }

    /// What needs no server; `None` where this does.
    pub fn floor(&self, core: Option<u16>) -> Option<Floor> {
        let Self::Floor(of) = self else {
            return None;
        };
        Some(Floor {
            subscribers: of.subscribers,
            rate: of.rate,
            burst: of.burst,
            measure: Duration::from_secs(of.seconds),
            core: core.map(usize::from),
        })
    }

    /// A lecture asks what a packet costs, not how fast an estimator climbs: it starts well above what is sent.
    fn initial_bitrate_bps(&self) -> Option<u64> {
        const PACKET_BITS: u64 = 1_200 * 8;
        match self {
            Self::Fanout(of) => Some(u64::from(of.rate) * PACKET_BITS * 3),
            Self::Saturation(of) => {
                let rise = (1.0 + f64::from(of.step) / 100.0).powf(f64::from(of.steps));
                let most = f64::from(of.start) * rise.min(100.0);
                Some(most as u64 * PACKET_BITS * 3)
            }
            _ => None,
        }
    }

    /// One packet in so many is decrypted unless the caller says otherwise: all where streams are to be judged, few
    /// where the generator would otherwise be what is measured.
    fn sample(&self) -> u32 {
        match self {
            Self::Fanout(_) | Self::Compare(_) => 8,
            Self::Saturation(_) => 32,
            Self::Meeting(_)
            | Self::Joins(_)
            | Self::Idle(_)
            | Self::Floor(_)
            | Self::Relay(_)
            | Self::Xmpp(_) => 1,
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
                    tracks: of.tracks,
                    shared: of.shared,
                    rate: of.rate,
                    burst: of.burst,
                    measure: Duration::from_secs(of.seconds),
                    settle: Duration::from_secs(of.settle),
                };
                fanout.run::<S>(target).await
            }
            Self::Saturation(of) => {
                let saturation = Saturation {
                    subscribers: of.subscribers,
                    tracks: of.tracks,
                    burst: of.burst,
                    start: of.start,
                    step: of.step,
                    steps: of.steps,
                    measure: Duration::from_secs(of.seconds),
                    bound: Duration::from_millis(of.bound),
                };
                saturation.run::<S>(target).await
            }
            Self::Compare(_) | Self::Relay(_) => Err(BenchError::Argument(
                "a comparison has several servers".to_owned(),
            )),
            Self::Xmpp(_) => Err(BenchError::Argument(
                "clients of the XMPP door are others".to_owned(),
            )),
            Self::Floor(_) => Err(BenchError::Argument("the floor has no server".to_owned())),
            Self::Joins(of) => {
                let joins = Joins {
                    count: of.count,
                    parallel: of.parallel,
                    rooms: of.rooms,
                    present: of.present,
                    until: match of.until {
                        Goal::Connected => Until::Connected,
                        Goal::Packet => Until::Packet,
                        Goal::KeyFrame => Until::KeyFrame,
                    },
                };
                joins.run::<S>(target).await
            }
            Self::Idle(of) => {
                let idle = Idle {
                    sessions: of.sessions,
                    room_size: of.room_size,
                    publish: of.publish,
                    measure: Duration::from_secs(of.seconds),
                    settle: Duration::from_secs(of.settle),
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
        let arguments = Arguments::try_parse_from(["tertulia-bench", "--sample", "3"]).unwrap();
        let runs = arguments.runs();
        assert_eq!(runs.len(), STANDARD.len());
        assert_eq!(runs.iter().filter(|(arguments, _)| arguments.full).count(), 1);
        assert!(runs.iter().all(|(arguments, scenario)| {
            arguments
                .light(scenario)
                .is_none_or(|settings| settings.sample == 3)
        }));
    }
}
