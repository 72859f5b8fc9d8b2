//! What can be said about HTTPS before it is tried.

use std::net::{IpAddr, ToSocketAddrs as _};

use super::Report;
use crate::cli::ServerArgs;
use crate::config::{Config, TlsMode};
use crate::tls::{self, Certificate, Tls};
use crate::{addresses, clock, data};

const DAY_S: i64 = 86_400;
/// A certificate so near its end should have been renewed.
const LATE_DAYS: i64 = 10;

/// Looks at `[tls]` and `[acme]`.
pub fn configuration(report: &mut Report, config: &Config) {
    let tls = &config.tls;
    if tls.mode == TlsMode::Off {
        if config.http.proxy_protocol && config.http.trusted_proxies.is_empty() {
            report.warn("http.proxy_protocol is on, but http.trusted_proxies lists nobody who may speak it");
        }
        if config.http.trusted_proxies.is_empty() && !config.http.listen.ip().is_loopback() {
            report.warn(
                "there is no HTTPS: browsers give cameras and microphones to pages from localhost only. Set tls.mode, or \
                 put a reverse proxy in front and list it in http.trusted_proxies",
            );
        }
        return;
    }
    if let Err(error) = Tls::understood(config) {
        report.wrong(format!("{error:#}"));
        return;
    }
    if tls.mode == TlsMode::SelfSigned {
        report.warn(
            "tls.mode is self-signed: browsers warn, and some refuse. For real meetings get a domain name and set tls.mode \
             to acme",
        );
    }
    let tries = |challenge: &str| config.acme.challenges.iter().any(|own| own == challenge);
    if tls.mode == TlsMode::Acme {
        if tries("http-01") && config.http.listen.port() != 80 {
            report.warn(format!(
                "for http-01 the authority asks at port 80, and http.listen is at {}: set it to [::]:80, or lead port 80 there",
                config.http.listen.port()
            ));
        }
        if tries("tls-alpn-01") && tls.listen.port() != 443 {
            report.warn(format!(
                "for tls-alpn-01 the authority asks at port 443, and tls.listen is at {}: set it to [::]:443, or lead port \
                 443 there",
                tls.listen.port()
            ));
        }
    }
}

/// Looks at the certificate that would be served.
pub fn certificate(report: &mut Report, config: &Config) {
    if config.tls.mode == TlsMode::Off {
        return;
    }
    match Tls::at_hand(config, &data::directory(config)) {
        Ok(Some(certificate)) => judge(report, config, &certificate),
        Ok(None) if config.tls.mode == TlsMode::Acme => {
            report.fine("there is no certificate yet; the server will ask for one");
        }
        Ok(None) => report.fine("a certificate will be made at the first start"),
        Err(error) if config.tls.mode == TlsMode::Files => report.wrong(format!("{error:#}")),
        Err(error) => report.warn(format!("{error:#}; another will be had")),
    }
}

fn judge(report: &mut Report, config: &Config, certificate: &Certificate) {
    let (facts, now_s) = (certificate.facts(), clock::unix_s());
    let days = facts.left_s(now_s) / DAY_S;
    let renews = config.tls.mode != TlsMode::Files;
    if facts.left_s(now_s) <= 0 {
        report.warn(format!(
            "the certificate ended {} days ago: {}",
            -days,
            remedy(renews)
        ));
    } else if facts.not_before_s > now_s {
        report.warn("the certificate is not valid yet: the clock is behind, or it was made for later");
    } else if days < LATE_DAYS {
        report.warn(format!("the certificate ends in {days} days: {}", remedy(renews)));
    } else {
        report.fine(format!(
            "certificate for {}, {days} days left",
            facts.names.join(", ")
        ));
    }
    if facts.self_signed && config.tls.mode == TlsMode::Files {
        report.warn("the certificate vouches for itself: browsers warn");
    } else if facts.chain == 0 && !facts.self_signed {
        report.warn(
            "the certificate's file has no chain: some clients cannot tell who vouches for it. Use the file that has it, \
             often fullchain.pem",
        );
    }
    let names = tls::names(&config.tls).unwrap_or_default();
    for name in names.iter().filter(|name| !facts.covers(name)) {
        report.warn(format!(
            "the certificate is not for {name}, which is in tls.names"
        ));
    }
}

fn remedy(renews: bool) -> &'static str {
    if renews {
        "the server will see to another; its log says what keeps it"
    } else {
        "renew it, and the server takes it up"
    }
}

/// Looks whether the names lead here.
pub fn names(report: &mut Report, args: &ServerArgs, config: &Config) {
    if config.tls.mode != TlsMode::Acme {
        return;
    }
    let Ok(own) = addresses::advertised(&config.media, args.dev) else {
        return;
    };
    for name in tls::names(&config.tls).unwrap_or_default() {
        let found: Vec<IpAddr> = match (name.as_str(), 443).to_socket_addrs() {
            Ok(found) => found.map(|address| address.ip()).collect(),
            Err(error) => {
                report.warn(format!(
                    "{name} leads nowhere ({error}): set its A or AAAA record to this server's public address"
                ));
                continue;
            }
        };
        let here = |address: &IpAddr| {
            own.iter()
                .any(|own| own.public == *address || own.local == *address)
        };
        if found.iter().any(here) {
            report.fine(format!("{name} leads here"));
        } else {
            let shown: Vec<String> = found.iter().map(ToString::to_string).collect();
            report.warn(format!(
                "{name} leads to {}, which is none of the addresses clients are told: fine only where something in front \
                 passes ports 80 and 443 on",
                shown.join(", ")
            ));
        }
    }
}
