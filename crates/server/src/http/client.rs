//! Who is at the other end, when a reverse proxy may stand between.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use anyhow::{Context, Result};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{FORWARDED, STRICT_TRANSPORT_SECURITY};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

use super::headers::hsts;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const HTTPS: &str = "https";

/// Stands in a request that came over our own TLS.
#[derive(Debug, Clone, Copy)]
pub struct Encrypted;

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

/// Who asks, and how they came to us.
#[derive(Debug, PartialEq, Eq)]
struct Came {
    client: IpAddr,
    /// Over HTTPS, as a trusted proxy says.
    securely: bool,
}

/// Proxies whose word on who asks, and how, is taken.
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

    /// What the proxies say: the client is the last address listed that is no trusted proxy's. `Forwarded` (RFC 7239)
    /// counts only without the older headers, since proxies that write those pass on what a client wrote into it.
    fn came(&self, peer: IpAddr, headers: &HeaderMap) -> Came {
        let mut came = Came {
            client: peer,
            securely: false,
        };
        if !self.contains(peer) {
            return came;
        }
        let older = headers.contains_key(FORWARDED_FOR) || headers.contains_key(FORWARDED_PROTO);
        if older {
            came.securely = last_first(headers, &FORWARDED_PROTO).next().is_some_and(is_https);
        }
        let name = if older { &FORWARDED_FOR } else { &FORWARDED };
        for hop in last_first(headers, name) {
            let node = if older { Some(hop) } else { parameter(hop, "for") };
            let Some(address) = node.and_then(address) else {
                break;
            };
            if !older {
                came.securely = parameter(hop, "proto").is_some_and(is_https);
            }
            came.client = address;
            if !self.contains(address) {
                break;
            }
        }
        came
    }
}

/// The elements of a list that may be spread over several lines, the last one first.
fn last_first<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let values: Vec<&str> = headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    values
        .into_iter()
        .rev()
        .flat_map(|value| value.rsplit(','))
        .map(str::trim)
}

fn is_https(scheme: &str) -> bool {
    scheme.eq_ignore_ascii_case(HTTPS)
}

/// A parameter of one element of `Forwarded`.
fn parameter<'a>(element: &'a str, name: &str) -> Option<&'a str> {
    element
        .split(';')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| key.trim().eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim().trim_matches('"'))
}

/// `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:4711`.
fn address(node: &str) -> Option<IpAddr> {
    let bare = || node.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let with_port = || Some(node.parse::<SocketAddr>().ok()?.ip());
    node.parse().ok().or_else(bare).or_else(with_port)
}

/// Whom to believe about clients, and what to ask of those who came over HTTPS by a proxy.
#[derive(Clone)]
pub struct Arrival {
    proxies: TrustedProxies,
    hsts: Option<HeaderValue>,
}

impl Arrival {
    /// `hsts_s` is how many seconds browsers are to use nothing but HTTPS; zero asks nothing of them.
    pub fn new(proxies: TrustedProxies, hsts_s: u64) -> Self {
        let hsts = (hsts_s != 0).then(|| hsts(hsts_s)).flatten();
        Self { proxies, hsts }
    }
}

/// Puts the client's address in the place of the proxy's. Of the headers about it, those behind this see none but
/// `x-forwarded-proto: https`, and that only where it is true.
pub async fn find(State(arrival): State<Arrival>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().copied();
    let came = peer.map(|ConnectInfo(peer)| {
        let came = arrival.proxies.came(peer.ip().to_canonical(), request.headers());
        (SocketAddr::new(came.client, peer.port()), came.securely)
    });
    let by_proxy = came.is_some_and(|(_, securely)| securely);
    let encrypted = request.extensions().get::<Encrypted>().is_some();
    let headers = request.headers_mut();
    for name in [FORWARDED_FOR, FORWARDED_PROTO, FORWARDED] {
        headers.remove(name);
    }
    if encrypted || by_proxy {
        headers.insert(FORWARDED_PROTO, HeaderValue::from_static(HTTPS));
    }
    if let Some((client, _)) = came {
        request.extensions_mut().insert(ConnectInfo(client));
    }
    let mut response = next.run(request).await;
    if let Some(hsts) = arrival.hsts.filter(|_| by_proxy && !encrypted) {
        response.headers_mut().insert(STRICT_TRANSPORT_SECURITY, hsts);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn came(proxies: &[&str], peer: &str, headers: &[(HeaderName, &str)]) -> Came {
        let list: Vec<String> = proxies.iter().map(ToString::to_string).collect();
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name, value.parse().unwrap());
        }
        TrustedProxies::parse(&list)
            .unwrap()
            .came(peer.parse().unwrap(), &map)
    }

    fn check(proxies: &[&str], peer: &str, header: &[&str], expected: &str) {
        let headers: Vec<_> = header.iter().map(|value| (FORWARDED_FOR, *value)).collect();
        let client = came(proxies, peer, &headers).client;
        assert_eq!(client.to_string(), expected, "for {header:?}");
    }

    #[test]
    fn the_header_counts_from_trusted_proxies_only() {
        check(&[], "192.0.2.1", &["203.0.113.9"], "192.0.2.1");
        check(&["10.0.0.0/8"], "192.0.2.1", &["203.0.113.9"], "192.0.2.1");
        check(&["10.0.0.0/8"], "10.1.2.3", &["203.0.113.9"], "203.0.113.9");
        check(&["10.0.0.0/8"], "10.1.2.3", &["203.0.113.9:4711"], "203.0.113.9");
        check(&["::1"], "::1", &["2001:db8::9"], "2001:db8::9");
        check(&["::1"], "::1", &["[2001:db8::9]:4711"], "2001:db8::9");
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

    fn check_scheme(peer: &str, headers: &[(HeaderName, &str)], client: &str, securely: bool) {
        let expected = Came {
            client: client.parse().unwrap(),
            securely,
        };
        assert_eq!(came(&["10.0.0.0/8"], peer, headers), expected, "for {headers:?}");
    }

    #[test]
    fn the_scheme_counts_from_trusted_proxies_only() {
        let https = || (FORWARDED_PROTO, "https");
        check_scheme("10.1.2.3", &[https()], "10.1.2.3", true);
        check_scheme("10.1.2.3", &[(FORWARDED_PROTO, "HTTPS")], "10.1.2.3", true);
        check_scheme("192.0.2.1", &[https()], "192.0.2.1", false);
        check_scheme("10.1.2.3", &[(FORWARDED_PROTO, "http")], "10.1.2.3", false);
        check_scheme(
            "10.1.2.3",
            &[https(), (FORWARDED_PROTO, "http")],
            "10.1.2.3",
            false,
        );
        check_scheme("10.1.2.3", &[(FORWARDED_PROTO, "https, http")], "10.1.2.3", false);
    }

    #[test]
    fn the_standards_header_says_the_same_where_the_older_ones_are_absent() {
        let forwarded = |value| (FORWARDED, value);
        let v6 = forwarded("for=\"[2001:db8::9]:4711\";proto=https;host=meet.example.org");
        check_scheme("10.1.2.3", &[v6], "2001:db8::9", true);
        let hops = forwarded("for=1.1.1.1;proto=http, For=203.0.113.9; Proto=https, for=10.9.9.9");
        check_scheme("10.1.2.3", &[hops], "203.0.113.9", true);
        let hidden = forwarded("for=203.0.113.9;proto=https, for=_hidden");
        check_scheme("10.1.2.3", &[hidden], "10.1.2.3", false);
        let by_client = forwarded("for=1.1.1.1;proto=https");
        check_scheme(
            "10.1.2.3",
            &[by_client, (FORWARDED_FOR, "203.0.113.9")],
            "203.0.113.9",
            false,
        );
        check_scheme(
            "192.0.2.1",
            &[forwarded("for=1.1.1.1;proto=https")],
            "192.0.2.1",
            false,
        );
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
