//! From the configuration to the ways by which clients get to us.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tertulia_engine::{OtherServer, Reach, TurnConfig, WiderRelaying};
use tertulia_turn::{Network, Secret};

use crate::config::{self, Config};

/// What credentials are said to be for. It is shown to nobody.
const REALM: &str = "tertulia";

/// Reads `[turn]` and what else belongs to it. `tls_urls` are those at which TURN is reached inside TLS.
///
/// # Errors
/// When a value makes no sense; the message names it.
pub fn reach(config: &Config, tls_urls: Vec<String>) -> Result<Reach> {
    let turn = &config.turn;
    let lifetime = Duration::from_secs(turn.credential_lifetime_s);
    let mut ice_servers: Vec<OtherServer> = config
        .livekit
        .ice_servers
        .iter()
        .map(|url| OtherServer {
            urls: vec![url.clone()],
            secret: None,
            lifetime,
        })
        .collect();
    if !turn.external_urls.is_empty() {
        ice_servers.push(OtherServer {
            urls: turn.external_urls.clone(),
            secret: given(&turn.external_secret, "turn.external_secret")?,
            lifetime,
        });
    }
    let own = if turn.enabled {
        let secret = match given(&turn.secret, "turn.secret")? {
            Some(secret) => secret,
            None => Secret::new(&rand::random::<[u8; 32]>()).context("turn.secret")?,
        };
        Some(TurnConfig {
            realm: REALM.to_owned(),
            host: (!turn.host.is_empty()).then(|| turn.host.clone()),
            secrets: vec![secret],
            credential_lifetime: lifetime,
            udp_port: (turn.udp_port != 0).then_some(turn.udp_port),
            urls: tls_urls,
            wider: wider(turn)?,
        })
    } else {
        None
    };
    Ok(Reach {
        single_port: config.media.single_port,
        turn: own,
        ice_servers,
    })
}

fn given(secret: &config::Secret, key: &str) -> Result<Option<Secret>> {
    match secret.expose() {
        "" => Ok(None),
        text => Secret::new(text.as_bytes())
            .map(Some)
            .with_context(|| key.to_owned()),
    }
}

fn wider(turn: &config::Turn) -> Result<Option<WiderRelaying>> {
    let ports = ports(&turn.relay_ports)?;
    if turn.peer_networks.is_empty() && !turn.public_peers {
        return Ok(None);
    }
    let networks: Result<Vec<Network>> = turn.peer_networks.iter().map(|text| network(text)).collect();
    let interfaces = if_addrs::get_if_addrs().context("cannot read this machine's addresses")?;
    Ok(Some(WiderRelaying {
        ports,
        sockets: Vec::new(),
        networks: networks?,
        public: turn.public_peers,
        protected: interfaces.iter().map(if_addrs::Interface::ip).collect(),
    }))
}

fn ports(text: &str) -> Result<RangeInclusive<u16>> {
    let read = text.split_once('-').and_then(|(first, last)| {
        let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        (first != 0 && first <= last).then_some(first..=last)
    });
    read.with_context(|| format!("turn.relay_ports: `{text}` is not a range such as `49152-65535`"))
}

fn network(text: &str) -> Result<Network> {
    let wrong = || format!("turn.peer_networks: `{text}` is neither an address nor a network");
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix.parse::<u8>().with_context(wrong)?)),
        None => (text, None),
    };
    let address: IpAddr = address.trim().parse().with_context(wrong)?;
    let whole = if address.is_ipv4() { 32 } else { 128 };
    match Network::new(address, prefix.unwrap_or(whole)) {
        Some(network) => Ok(network),
        None => bail!(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn by_default_relays_reach_our_own_media_only() {
        let reach = reach(&Config::default(), Vec::new()).unwrap();
        let turn = reach.turn.unwrap();
        assert!(turn.wider.is_none() && turn.udp_port.is_none());
        assert!(!reach.single_port && reach.ice_servers.is_empty());
    }

    #[test]
    fn an_external_server_is_told_instead_of_ours() {
        let text = "[turn]\nenabled = false\nexternal_urls = [\"turn:turn.example.org\"]\n\
                    external_secret = \"north-south-east-west\"";
        let reach = reach(&config(text), Vec::new()).unwrap();
        assert!(reach.turn.is_none());
        assert_eq!(reach.ice_servers[0].urls, ["turn:turn.example.org"]);
        assert!(reach.ice_servers[0].secret.is_some());
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for (text, key) in [
            ("secret = \"short\"", "turn.secret"),
            (
                "external_urls = [\"turn:a\"]\nexternal_secret = \"short\"",
                "turn.external_secret",
            ),
            ("relay_ports = \"9-1\"", "turn.relay_ports"),
            ("relay_ports = \"0-10\"", "turn.relay_ports"),
            ("peer_networks = [\"example.org\"]", "turn.peer_networks"),
            ("peer_networks = [\"10.0.0.0/33\"]", "turn.peer_networks"),
        ] {
            let error = reach(&config(&format!("[turn]\n{text}")), Vec::new()).unwrap_err();
            assert!(format!("{error:#}").contains(key), "{text}: {error:#}");
        }
    }
}
