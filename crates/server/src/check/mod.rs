//! `tertulia check`: what would go wrong, in plain words, before it does.

mod report;
mod secure;

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::unix::fs::MetadataExt as _;

pub use report::Report;

use crate::branding::Brand;
use crate::cli::{CheckArgs, ServerArgs};
use crate::config::{Config, TlsMode};
use crate::http::{TrustedProxies, try_bind};
use crate::{addresses, clock, config, data, environment, limits, logging, origins, reach, trusted, wiring};

/// 2026-01-01: there was no Tertulia before.
const BUILT_AFTER_S: i64 = 1_767_225_600;
/// What file systems and clocks of other machines may differ by.
const CLOCK_SLACK_S: i64 = 300;
/// What the usual keepers of clocks leave behind while they run.
const SYNCHRONISED: [&str; 3] = [
    "/run/systemd/timesync/synchronized",
    "/run/chrony",
    "/run/ntpd.pid",
];
/// Receive and send buffers smaller than this lose packets in bursts.
const COMFORTABLE_BUFFER_BYTES: u64 = 2 * 1_024 * 1_024;

/// Looks at configuration and machine. Makes nothing and keeps nothing.
pub fn check(given: &CheckArgs) -> Report {
    let args = &given.server;
    let mut report = Report::default();
    let source = args
        .config
        .as_ref()
        .map_or_else(|| "defaults".to_owned(), |path| path.display().to_string());
    let read = config::load(args.config.as_deref(), environment());
    let Some(config) = report.note(read, |_| format!("configuration ({source})")) else {
        return report;
    };
    values(&mut report, args, &config);
    secure::configuration(&mut report, &config);
    if given.only_configuration {
        return report;
    }
    data_directory(&mut report, &config);
    keys(&mut report, args, &config);
    ports(&mut report, &config);
    secure::certificate(&mut report, &config);
    secure::names(&mut report, args, &config);
    clock(&mut report, &config);
    machine(&mut report);
    report
}

fn values(report: &mut Report, args: &ServerArgs, config: &Config) {
    if let Err(error) = logging::filter(&config.log.level) {
        report.wrong(format!("{error:#}"));
    }
    if !matches!(config.log.format.as_str(), "pretty" | "json") {
        report.wrong(format!(
            "log.format is `{}`; it can be `pretty` or `json`",
            config.log.format
        ));
    }
    if let Err(error) = TrustedProxies::parse(&config.http.trusted_proxies) {
        report.wrong(format!("{error:#}"));
    }
    if !(1..=64).contains(&wiring::workers(config)) {
        report.wrong("media.workers must be 1 to 64, or 0 for one a processor");
    }
    if let Err(error) = reach::reach(config, Vec::new()) {
        report.wrong(format!("{error:#}"));
    }
    if let Some(directory) = &config.xmpp.meet_dir
        && !directory.join("index.html").is_file()
    {
        let shown = directory.display();
        report.wrong(format!("{shown} has no index.html (xmpp.meet_dir)"));
    }
    if let Err(error) = trusted::all(config) {
        report.wrong(format!("{error:#}"));
    }
    if let Err(error) = origins::read("rooms.video_origins", &config.rooms.video_origins) {
        report.wrong(format!("{error:#}"));
    }
    match Brand::read(config, None) {
        Ok(brand) => brand
            .complaints
            .into_iter()
            .for_each(|complaint| report.warn(complaint)),
        Err(error) => report.wrong(format!("{error:#}")),
    }
    let addresses = addresses::advertised(&config.media, args.dev);
    let shown = |list: &Vec<tertulia_engine::AdvertisedAddress>| {
        let list: Vec<String> = list.iter().map(|address| address.public.to_string()).collect();
        format!("clients are told to send media to {}", list.join(", "))
    };
    if let Some(list) = report.note(addresses, shown) {
        let private = |address: IpAddr| match address {
            IpAddr::V4(v4) => v4.is_private() || v4.is_loopback(),
            IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local(),
        };
        if list.iter().all(|address| private(address.public)) {
            report.warn(
                "all of these are private addresses: people outside this network will not hear each other. \
                 List the public one in media.advertised",
            );
        }
    }
}

fn data_directory(report: &mut Report, config: &Config) {
    let directory = data::directory(config);
    let shown = directory.display();
    match std::fs::metadata(&directory) {
        Ok(metadata) if !metadata.is_dir() => {
            report.wrong(format!("data directory {shown} is not a directory"))
        }
        Ok(metadata) => {
            // It is its owner's only, whoever else the mode lets in: the server sees to that.
            let euid = rustix::process::geteuid().as_raw();
            let writable = euid == 0 || (metadata.uid() == euid && metadata.mode() & 0o300 == 0o300);
            if writable {
                report.fine(format!("data directory {shown}"));
            } else {
                report.wrong(format!(
                    "data directory {shown} cannot be written: it belongs to user {}, with mode {:o}. Run this as the \
                     user the server runs as, or give it to that user",
                    metadata.uid(),
                    metadata.mode() & 0o777
                ));
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let parent = directory
                .ancestors()
                .skip(1)
                .find(|path| path.as_os_str().is_empty() || path.exists());
            match parent {
                Some(_) => report.fine(format!("data directory {shown} will be made at the first start")),
                None => report.wrong(format!("data directory {shown} cannot be made")),
            }
        }
        Err(error) => report.wrong(format!("data directory {shown}: {error}")),
    }
}

fn keys(report: &mut Report, args: &ServerArgs, config: &Config) {
    let existing = data::existing_api_keys(config, &data::directory(config), args.dev);
    let shown = |keys: &Option<tertulia_auth::ApiKeys>| match keys {
        Some(keys) => format!(
            "API keys: {}",
            keys.iter().map(|key| key.id()).collect::<Vec<_>>().join(", ")
        ),
        None => "an API key pair will be made at the first start".to_owned(),
    };
    if let Some(Some(keys)) = report.note(existing, shown)
        && let Err(error) = wiring::webhook_keys(config, &keys)
    {
        report.wrong(format!("{error:#}"));
    }
    if args.dev {
        report.warn("--dev: anybody may sign tokens with the API key devkey; never serve others like this");
    }
}

fn ports(report: &mut Report, config: &Config) {
    let media = |port| SocketAddr::new(config.media.bind, port);
    match config.tls.mode {
        TlsMode::Off => tcp(report, "web app and signalling", config.http.listen),
        _ => {
            tcp(report, "web app and signalling over HTTPS", config.tls.listen);
            tcp(report, "the way to HTTPS", config.http.listen);
        }
    }
    if config.metrics.enabled {
        tcp(report, "metrics", config.metrics.listen);
    }
    if config.media.tcp_port != 0 {
        tcp(report, "media over TCP", media(config.media.tcp_port));
    }
    let turn = &config.turn;
    if turn.enabled && turn.udp_port != 0 {
        let address = media(turn.udp_port);
        bindable(report, "TURN", "UDP", address, UdpSocket::bind(address).map(drop));
    }
    let sockets = if config.media.single_port {
        1
    } else {
        wiring::workers(config)
    };
    for worker in 0..sockets {
        let port = u16::try_from(worker)
            .ok()
            .and_then(|worker| config.media.udp_port.checked_add(worker));
        match port {
            Some(port) => bindable(
                report,
                "media",
                "UDP",
                media(port),
                UdpSocket::bind(media(port)).map(drop),
            ),
            None => report.wrong("media.udp_port leaves no room for all workers below 65536"),
        }
    }
}

fn tcp(report: &mut Report, purpose: &str, address: SocketAddr) {
    bindable(report, purpose, "TCP", address, try_bind(address).map(drop));
}

fn bindable(
    report: &mut Report,
    purpose: &str,
    protocol: &str,
    address: SocketAddr,
    bound: std::io::Result<()>,
) {
    match bound {
        Ok(()) => report.fine(format!("{purpose}: {protocol} {address} is free")),
        Err(error) => {
            let hint = match error.kind() {
                std::io::ErrorKind::AddrInUse => "another process has it; is Tertulia running already?",
                std::io::ErrorKind::PermissionDenied => "ports below 1024 need CAP_NET_BIND_SERVICE",
                std::io::ErrorKind::AddrNotAvailable => "this machine has no such address",
                _ => "see the system's message",
            };
            report.wrong(format!(
                "{purpose}: {protocol} {address} cannot be bound: {error} ({hint})"
            ));
        }
    }
}

/// A clock that stands wrong makes certificates and tokens invalid.
fn clock(report: &mut Report, config: &Config) {
    let now_s = clock::unix_s();
    // Nothing that was kept can be younger than now.
    let kept = std::fs::read_dir(data::directory(config))
        .into_iter()
        .flatten()
        .flatten();
    let newest_s = kept
        .filter_map(|entry| entry.metadata().ok())
        .map(|metadata| metadata.mtime())
        .max();
    if now_s < BUILT_AFTER_S || newest_s.is_some_and(|newest_s| newest_s > now_s + CLOCK_SLACK_S) {
        report.warn(
            "the clock is behind: tokens and certificates will not be valid. Set it, and have it kept right: \
             timedatectl set-ntp true",
        );
    } else if SYNCHRONISED
        .iter()
        .any(|path| std::path::Path::new(path).exists())
    {
        report.fine("clock, kept right over the network");
    } else {
        report.fine("clock: plausible; whether something keeps it right cannot be seen");
    }
}

fn machine(report: &mut Report) {
    let (_, most) = limits::open_files();
    match most {
        Some(most) if most < limits::COMFORTABLE_OPEN_FILES => report.warn(format!(
            "open files are limited to {most}; each participant needs a few. Raise it (systemd: LimitNOFILE=)"
        )),
        _ => report.fine("limit of open files"),
    }
    for (name, direction) in [("rmem_max", "receive"), ("wmem_max", "send")] {
        let path = format!("/proc/sys/net/core/{name}");
        let bytes = std::fs::read_to_string(&path)
            .ok()
            .and_then(|text| text.trim().parse::<u64>().ok());
        match bytes {
            Some(bytes) if bytes < COMFORTABLE_BUFFER_BYTES => report.warn(format!(
                "UDP {direction} buffers may have {bytes} bytes at most; large meetings lose packets in bursts. \
                 sysctl -w net.core.{name}={COMFORTABLE_BUFFER_BYTES}"
            )),
            Some(_) => report.fine(format!("UDP {direction} buffers")),
            None => report.warn(format!("{path} cannot be read, so the UDP {direction} buffers are unknown")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn checked(text: &str) -> String {
        let file = std::env::temp_dir().join(format!("tertulia-check-{}", rand::random::<u64>()));
        std::fs::write(&file, text).unwrap();
        let report = check(&CheckArgs {
            server: ServerArgs {
                config: Some(file.clone()),
                dev: false,
            },
            json: false,
            only_configuration: false,
        });
        std::fs::remove_file(file).unwrap();
        let json: serde_json::Value = serde_json::from_str(&report.json().unwrap()).unwrap();
        assert_eq!(json["starts"], !report.failed());
        report.to_string()
    }

    #[test]
    fn a_port_in_use_is_named_with_a_hint() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let report = checked(&format!("[http]\nlisten = \"{address}\""));
        assert!(
            report.contains(&format!("{address} cannot be bound")) && report.contains("cannot start"),
            "{report}"
        );
    }

    #[test]
    fn colours_that_are_hard_to_read_are_no_reason_not_to_start() {
        let report = checked("[branding]\nlight = { text = \"#aaaaaa\" }");
        assert!(
            report.contains("warning") && report.contains("branding.light: texts (#aaaaaa)"),
            "{report}"
        );
        assert!(!report.contains("wrong   branding"), "{report}");
    }

    #[test]
    fn what_makes_no_sense_is_said() {
        for (text, part) in [
            ("[keys]\nabc = \"secret\"", "`abc` is a sample"),
            ("[log]\nformat = \"xml\"", "log.format"),
            ("[media]\nadvertised = [\"example.org\"]", "example.org"),
            ("[media]\nworkers = 65", "media.workers"),
            (
                "[webhooks]\napi_key = \"zzz\"\n[keys]\nabc = \"0f1e2d3c4b5a69788796a5b4c3d2e1f0\"",
                "`zzz`",
            ),
            ("[http]\ntrusted_proxies = [\"everybody\"]", "everybody"),
            ("[tls]\nmode = \"acme\"", "tls.names"),
            (
                "[tls]\nmode = \"acme\"\nnames = [\"*.example.org\"]",
                "*.example.org",
            ),
            ("[tls]\nmode = \"files\"", "tls.certificate"),
            (
                "[tls]\nmode = \"files\"\ncertificate = \"/nowhere\"\nkey = \"/nowhere\"",
                "/nowhere",
            ),
            ("[tls]\nmode = \"maybe\"", "maybe"),
            ("[branding]\nlogo = \"/nowhere.svg\"", "branding.logo"),
            ("[branding]\ndark = { text = \"white\" }", "branding.dark.text"),
            ("[branding]\norigins = [\"*\"]", "branding.origins"),
            ("[rooms]\nvideo_origins = [\"https:\"]", "rooms.video_origins"),
            ("nonsense = 1", "nonsense"),
        ] {
            let report = checked(text);
            assert!(
                report.contains("wrong") && report.contains(part),
                "{text}: {report}"
            );
        }
    }
}
