//! What is measured.

mod crew;
mod fanout;
mod floor;
mod idle;
mod joins;
mod meeting;
mod relay;
mod saturation;
mod xmpp;

pub use crew::{Crew, Target};
pub use fanout::Fanout;
pub use floor::Floor;
pub use idle::Idle;
pub use joins::Joins;
pub use meeting::Meeting;
pub use relay::{Relay, RelayTarget};
pub use saturation::Saturation;
pub use xmpp::Xmpp;

use std::time::Duration;

use crate::client::{ClientReport, Layout, Plan};
use crate::histogram::Histogram;
use crate::report::Report;
use crate::signalling::Who;
use crew::Measured;

/// How long clients may take to get going.
const GATHER_TIMEOUT: Duration = Duration::from_secs(60);

/// A plan of a client that neither publishes nor says what it watches.
fn plan(index: u32, room: &str) -> Plan {
    Plan {
        index,
        who: Who {
            room: room.to_owned(),
            identity: identity(index),
            subscribe: true,
            adaptive: false,
        },
        speakers: 1,
        audio: None,
        videos: Vec::new(),
        layout: Layout::Unsaid,
        silent: false,
        until: None,
        dynacast: false,
        seed: 20_261_120,
    }
}

fn identity(index: u32) -> String {
    format!("bench-{index}")
}

/// Figures every scenario with media has.
fn media_figures(report: &mut Report, measured: &Measured, clients: &[ClientReport]) {
    let seconds = measured.elapsed.as_secs_f64();
    let (mut audio, mut video) = (Histogram::default(), Histogram::default());
    for client in clients {
        report.counts.add(&client.seen.counts);
        audio.merge(&client.seen.audio);
        video.merge(&client.seen.video);
    }
    let sent: u64 = clients.iter().map(|client| client.sent).sum();
    let forwarded = report.counts.packets as f64;
    if let Some(server) = &measured.server {
        let cpu: u64 = server.cpu_ns.values().sum();
        report.figure("server CPU", cpu as f64 / seconds / 1e7, "% of a core");
        report.figure(
            "server CPU per forwarded packet",
            Some(cpu as f64 / forwarded).filter(|ns| ns.is_finite()),
            "ns",
        );
        report.figure("server memory", mebibytes(server.resident_bytes), "MiB");
        report.threads_ms = server
            .cpu_ns
            .iter()
            .map(|(name, ns)| (name.clone(), *ns as f64 / 1e6))
            .collect();
    }
    report.figure("packets to the server", sent as f64 / seconds, "/s");
    report.figure("packets forwarded", forwarded / seconds, "/s");
    report.figure(
        "payload forwarded",
        report.counts.bytes as f64 * 8.0 / seconds / 1e6,
        "Mbit/s",
    );
    report.percentiles("audio on the way", &audio, &[0.5, 0.99]);
    report.percentiles("video on the way", &video, &[0.5, 0.99]);
    report.figure("packets lost", report.counts.lost as f64, "");
    report.figure("packets repaired", report.counts.repaired as f64, "");
    report.figure("faults of continuity", report.counts.faults() as f64, "");
    report.figure("layer switches", report.counts.switches as f64, "");
    let unsent: u64 = clients.iter().map(|client| client.unsent).sum();
    report.figure("datagrams the generator dropped", unsent as f64, "");
    report.figure(
        "generator CPU",
        measured.generator_ns as f64 / seconds / 1e7,
        "% of a core",
    );
}

/// Figures of joining.
fn joining_figures(report: &mut Report, clients: &[ClientReport]) {
    type Pick = fn(&ClientReport) -> Option<Duration>;
    let of = |pick: Pick| {
        let mut histogram = Histogram::default();
        clients
            .iter()
            .filter_map(pick)
            .for_each(|duration| histogram.record(duration));
        histogram
    };
    let shares = [0.5, 0.95, 0.99];
    let picks: [(&str, Pick); 4] = [
        ("join response", |client| client.joining.joined),
        ("media connected", |client| client.joining.connected),
        ("first packet", |client| client.joining.first_packet),
        ("first key frame", |client| client.joining.first_key_frame),
    ];
    for (name, pick) in picks {
        report.percentiles(name, &of(pick), &shares);
    }
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
