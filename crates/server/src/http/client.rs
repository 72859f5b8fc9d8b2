//! Who is at the other end, when a reverse proxy may stand between.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use anyhow::{Context, Result};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName};
use axum::middleware::Next;
use axum::response::Response;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// A network, or a single address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// Reads `192.0.2.1` or `192.0.2.0/24`.
    ///
    /// # Errors
    /// When it is neither.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = || format!("`{text}` is not an IP address or a network such as 10.0.0.0/8");
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.trim().parse().with_context(wrong)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits
            .map_or(Ok(most), |bits| bits.trim().parse())
            .with_context(wrong)?;
        anyhow::ensure!(bits <= most, wrong());
        Ok(Self { address, bits })
    }

    /// Whether `address` is in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let shift = 32 - u32::from(self.bits);
                own.to_bits().checked_shr(shift) == other.to_bits().checked_shr(shift)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let shift = 128 - u32::from(self.bits);
                own.to_bits().checked_shr(shift) == other.to_bits().checked_shr(shift)
            }
            _ => false,
        }
    }
}

/// Proxies whose word on the client's address is taken.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(Arc<[Network]>);

impl TrustedProxies {
    /// Reads a list of addresses and networks.
    ///
    /// # Errors
    /// When one of them cannot be read.
    pub fn parse(list: &[String]) -> Result<Self> {
        let networks: Result<Vec<_>> = list.iter().map(|text| Network::parse(text)).collect();
        Ok(Self(networks.context("http.trusted_proxies")?.into()))
    }

    /// Whether `address` is one of them.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// The client behind `peer`: the last address in the header that is no trusted proxy's.
    fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        if !self.contains(peer) {
            return peer;
        }
        let values: Vec<&str> = headers
            .get_all(FORWARDED_FOR)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .collect();
        let hops = values.iter().rev().flat_map(|value| value.rsplit(','));
        let mut client = peer;
        for hop in hops {
            let Ok(address) = hop.trim().parse::<IpAddr>() else {
                break;
            };
            client = address;
            if !self.contains(address) {
                break;
            }
        }
        client
    }
}

/// Puts the client's address in the place of the proxy's.
pub async fn find(State(proxies): State<TrustedProxies>, mut request: Request, next: Next) -> Response {
    if let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>().copied() {
        let client = proxies.client(peer.ip().to_canonical(), request.headers());
        request
            .extensions_mut()
            .insert(ConnectInfo(SocketAddr::new(client, peer.port())));
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(proxies: &[&str], peer: &str, header: &[&str], expected: &str) {
        let list: Vec<String> = proxies.iter().map(ToString::to_string).collect();
        let mut headers = HeaderMap::new();
        for value in header {
            headers.append(FORWARDED_FOR, value.parse().unwrap());
        }
        let client = TrustedProxies::parse(&list)
            .unwrap()
            .client(peer.parse().unwrap(), &headers);
        assert_eq!(client.to_string(), expected, "for {header:?}");
    }

    #[test]
    fn the_header_counts_from_trusted_proxies_only() {
        check(&[], "192.0.2.1", &["203.0.113.9"], "192.0.2.1");
        check(&["10.0.0.0/8"], "192.0.2.1", &["203.0.113.9"], "192.0.2.1");
        check(&["10.0.0.0/8"], "10.1.2.3", &["203.0.113.9"], "203.0.113.9");
        check(&["::1"], "::1", &["2001:db8::9"], "2001:db8::9");
    }

    #[test]
    fn what_the_client_wrote_itself_is_passed_over() {
        check(
            &["10.0.0.0/8"],
            "10.1.2.3",
            &["127.0.0.1, 203.0.113.9"],
            "203.0.113.9",
        );
        check(
            &["10.0.0.0/8"],
            "10.1.2.3",
            &["1.1.1.1", "203.0.113.9, 10.9.9.9"],
            "203.0.113.9",
        );
        check(&["10.0.0.0/8"], "10.1.2.3", &["not an address"], "10.1.2.3");
        check(&["10.0.0.0/8"], "10.1.2.3", &[], "10.1.2.3");
    }

    #[test]
    fn networks_are_read_strictly() {
        for text in [
            "",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/-1",
            "example.org",
            "10.0.0/8",
        ] {
            assert!(Network::parse(text).is_err(), "for {text:?}");
        }
        assert!(
            Network::parse("0.0.0.0/0")
                .unwrap()
                .contains("192.0.2.1".parse().unwrap())
        );
        assert!(
            Network::parse("192.0.2.1")
                .unwrap()
                .contains("::ffff:192.0.2.1".parse().unwrap())
        );
    }
}
