//! The addresses clients are told for media.

use std::net::IpAddr;

use anyhow::{Context, Result, bail};
use tertulia_engine::AdvertisedAddress;

use crate::config::Media;

/// Works out the advertised addresses: the listed ones, else those of this machine.
///
/// # Errors
/// When a listed address cannot be read, or the machine's addresses cannot be.
pub fn advertised(media: &Media, dev: bool) -> Result<Vec<AdvertisedAddress>> {
    if !media.advertised.is_empty() {
        return media.advertised.iter().map(|text| parse(text)).collect();
    }
    let interfaces = if_addrs::get_if_addrs().context("cannot read this machine's addresses")?;
    let addresses: Vec<IpAddr> = interfaces.iter().map(if_addrs::Interface::ip).collect();
    let chosen = choose(&addresses, media.bind, dev);
    if chosen.is_empty() {
        bail!(
            "this machine has no address that media on {} could be reached at; list one in media.advertised",
            media.bind
        );
    }
    Ok(chosen
        .into_iter()
        .map(|address| AdvertisedAddress {
            public: address,
            local: address,
        })
        .collect())
}

fn parse(text: &str) -> Result<AdvertisedAddress> {
    let (public, local) = text.split_once('/').unwrap_or((text, text));
    let read = |part: &str| {
        part.trim()
            .parse()
            .with_context(|| format!("media.advertised: `{text}` is not an IP address, or two with a slash"))
    };
    Ok(AdvertisedAddress {
        public: read(public)?,
        local: read(local)?,
    })
}

/// Loopback is for development, and for a machine that has nothing else.
fn choose(addresses: &[IpAddr], bind: IpAddr, dev: bool) -> Vec<IpAddr> {
    let reachable = |address: &&IpAddr| {
        let family = bind.is_ipv6() || address.is_ipv4();
        family && (bind.is_unspecified() || bind == **address)
    };
    let mut chosen: Vec<IpAddr> = addresses.iter().filter(reachable).copied().collect();
    chosen.sort();
    chosen.dedup();
    chosen.retain(|address| !is_link_local(*address));
    let (loopback, others): (Vec<_>, Vec<_>) = chosen.into_iter().partition(IpAddr::is_loopback);
    if dev || others.is_empty() {
        [others, loopback].concat()
    } else {
        others
    }
}

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bind: &str, dev: bool, expected: &[&str]) {
        let machine = [
            "127.0.0.1",
            "::1",
            "192.0.2.5",
            "169.254.1.1",
            "fe80::1",
            "2001:db8::5",
            "192.0.2.5",
        ];
        let machine: Vec<IpAddr> = machine.iter().map(|text| text.parse().unwrap()).collect();
        let chosen: Vec<String> = choose(&machine, bind.parse().unwrap(), dev)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(chosen, expected, "for {bind}");
    }

    #[test]
    fn what_the_sockets_can_be_reached_at_is_told() {
        check("0.0.0.0", false, &["192.0.2.5"]);
        check("0.0.0.0", true, &["192.0.2.5", "127.0.0.1"]);
        check("::", false, &["192.0.2.5", "2001:db8::5"]);
        check("192.0.2.5", false, &["192.0.2.5"]);
        check("127.0.0.1", false, &["127.0.0.1"]);
        check("192.0.2.9", false, &[]);
    }

    #[test]
    fn listed_addresses_may_stand_behind_translation() {
        let both = parse("203.0.113.7/10.0.0.5").unwrap();
        assert_eq!(
            (both.public.to_string(), both.local.to_string()),
            ("203.0.113.7".into(), "10.0.0.5".into())
        );
        let one = parse("203.0.113.7").unwrap();
        assert_eq!(one.public, one.local);
        assert!(parse("example.org").is_err());
    }
}
