//! The addresses clients are told for media.

mod discover;

use std::net::{IpAddr, SocketAddr};

use anyhow::{Context, Result, bail};
use tertulia_engine::AdvertisedAddress;

use crate::config::Media;

/// Works out the advertised addresses: the listed ones, else those of this machine, with the public one in front where
/// a STUN server is to be asked for it.
///
/// # Errors
/// When a listed address cannot be read, the machine's addresses cannot be, or the STUN server does not answer.
pub fn advertised(media: &Media, dev: bool) -> Result<Vec<AdvertisedAddress>> {
    let tcp_port = (media.advertised_tcp_port != 0).then_some(media.advertised_tcp_port);
    let told = |mut address: AdvertisedAddress| {
        address.tcp_port = tcp_port;
        address
    };
    if !media.advertised.is_empty() {
        let listed = media.advertised.iter().map(|text| parse(text).map(told));
        return listed.collect();
    }
    let interfaces = if_addrs::get_if_addrs().context("cannot read this machine's addresses")?;
    let addresses: Vec<IpAddr> = interfaces.iter().map(if_addrs::Interface::ip).collect();
    let own: Vec<AdvertisedAddress> = choose(&addresses, media.bind, dev).into_iter().map(at).collect();
    let mut chosen = match media.discover.as_str() {
        "" => Vec::new(),
        server => discover::public_addresses(server, media, &addresses)?,
    };
    chosen.extend(own);
    if chosen.is_empty() {
        bail!(
            "this machine has no address that media on {} could be reached at; list one in media.advertised",
            media.bind
        );
    }
    Ok(chosen.into_iter().map(told).collect())
}

/// An address without translation.
fn at(address: IpAddr) -> AdvertisedAddress {
    AdvertisedAddress {
        public: address,
        local: address,
        udp_port: None,
        tcp_port: None,
    }
}

/// What somebody on the same network may type to come here: the addresses media is told at, and this machine's own.
pub fn names(advertised: &[AdvertisedAddress]) -> Vec<String> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    for address in advertised {
        names.extend([address.public.to_string(), address.local.to_string()]);
    }
    names.sort();
    names.dedup();
    names
}

fn parse(text: &str) -> Result<AdvertisedAddress> {
    let wrong = || format!("media.advertised: `{text}` is not an IP address, or two with a slash");
    let (public, local) = match text.split_once('/') {
        Some((public, local)) => (public.trim(), Some(local.trim())),
        None => (text.trim(), None),
    };
    let (public, udp_port) = match public.parse::<SocketAddr>() {
        Ok(told) if told.port() == 0 => bail!("media.advertised: `{text}` tells clients port 0"),
        Ok(told) => (told.ip(), Some(told.port())),
        Err(_) => (public.parse().with_context(wrong)?, None),
    };
    Ok(AdvertisedAddress {
        public,
        local: local.map_or(Ok(public), str::parse).with_context(wrong)?,
        udp_port,
        tcp_port: None,
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
        assert_eq!(one.udp_port, None);
        for wrong in [
            "example.org",
            "203.0.113.7/",
            "203.0.113.7/10.0.0.5:1",
            "203.0.113.7:0",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_port_in_front_of_a_translation_may_be_another() {
        let mapped = parse("203.0.113.7:10000 / 10.0.0.5").unwrap();
        assert_eq!(
            (mapped.local.to_string(), mapped.udp_port),
            ("10.0.0.5".into(), Some(10_000))
        );
        let v6 = parse("[2001:db8::7]:443").unwrap();
        assert_eq!((v6.public, v6.udp_port), (v6.local, Some(443)));
    }
}
