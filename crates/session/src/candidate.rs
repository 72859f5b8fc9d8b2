//! Candidates: ours written, the peer's read.

use std::net::{IpAddr, SocketAddr};

use is::Protocol;
use tertulia_model::{Candidate, TransportProtocol};

use crate::LocalCandidate;

/// Greatest number of the peer's candidates looked at in one ICE generation.
pub(crate) const MAX_REMOTE_CANDIDATES: usize = 64;

/// Our candidates as the peer reads them.
pub(crate) fn describe(candidates: &[LocalCandidate]) -> Vec<Candidate> {
    candidates
        .iter()
        .enumerate()
        .map(|(index, candidate)| {
            let address = candidate.advertised;
            // RFC 8445 §5.1.2.1: host type preference 126; libwebrtc takes 90 for TCP, so that UDP wins.
            let (name, type_preference, suffix) = match candidate.protocol {
                TransportProtocol::Udp => ("udp", 126u32, ""),
                TransportProtocol::Tcp => ("tcp", 90, " tcptype passive"),
            };
            let family_preference = if address.is_ipv6() { 65_535 } else { 65_534 - 1_024 };
            let local_preference = family_preference - u32::try_from(index).unwrap_or(1_023).min(1_023);
            let priority = type_preference << 24 | local_preference << 8 | 255;
            let foundation = foundation(address.ip(), candidate.protocol);
            let text = format!(
                "{foundation} 1 {name} {priority} {ip} {port} typ host{suffix}",
                ip = address.ip(),
                port = address.port()
            );
            Candidate {
                text,
                address: Some(address),
                protocol: candidate.protocol,
            }
        })
        .collect()
}

/// Equal for candidates of one address and transport (RFC 8445 §5.1.1.3): FNV-1a over both.
fn foundation(ip: IpAddr, protocol: TransportProtocol) -> u32 {
    let octets: Vec<u8> = match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    let protocol = u8::from(protocol == TransportProtocol::Tcp);
    octets
        .into_iter()
        .chain([protocol])
        .fold(0x811c_9dc5, |hash, octet| {
            (hash ^ u32::from(octet)).wrapping_mul(0x0100_0193)
        })
}

/// Our candidate as the agent takes it.
pub(crate) fn local(candidate: &LocalCandidate) -> Result<is::Candidate, String> {
    let protocol = match candidate.protocol {
        TransportProtocol::Udp => Protocol::Udp,
        TransportProtocol::Tcp => Protocol::Tcp,
    };
    is::Candidate::host(candidate.addr, protocol).map_err(|error| error.to_string())
}

/// The peer's candidate as the agent takes it; `None` for one that is of no use to us: host names, TCP (the peer
/// connects, we never do), other components, unreadable text.
pub(crate) fn remote(candidate: &Candidate) -> Option<is::Candidate> {
    let address = candidate.address?;
    let usable = candidate.protocol == TransportProtocol::Udp && is_routable(address);
    if !usable {
        return None;
    }
    is::Candidate::from_sdp_string(&format!("candidate:{}", candidate.text)).ok()
}

fn is_routable(address: SocketAddr) -> bool {
    let ip = address.ip();
    address.port() != 0 && !ip.is_unspecified() && !ip.is_multicast()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(text: &str, address: Option<&str>, protocol: TransportProtocol) -> Candidate {
        Candidate {
            text: text.to_owned(),
            address: address.map(|text| text.parse().unwrap()),
            protocol,
        }
    }

    #[test]
    fn our_candidates_are_readable_and_udp_comes_first() {
        let addr = "192.0.2.1:7882".parse().unwrap();
        let locals = [
            LocalCandidate {
                addr,
                protocol: TransportProtocol::Udp,
                advertised: addr,
            },
            LocalCandidate {
                addr,
                protocol: TransportProtocol::Tcp,
                advertised: addr,
            },
        ];
        let texts = describe(&locals);
        let priorities: Vec<u32> = texts
            .iter()
            .map(|candidate| {
                is::Candidate::from_sdp_string(&format!("candidate:{}", candidate.text))
                    .unwrap()
                    .prio()
            })
            .collect();
        assert!(priorities[0] > priorities[1]);
        assert!(texts[1].text.ends_with("tcptype passive"));
    }

    #[test]
    fn what_cannot_be_reached_is_left_out() {
        let udp = TransportProtocol::Udp;
        let good = candidate("1 1 udp 1 192.0.2.1 9 typ host", Some("192.0.2.1:9"), udp);
        assert!(remote(&good).is_some());
        let bad = [
            candidate("1 1 udp 1 abc.local 9 typ host", None, udp),
            candidate(
                "1 1 tcp 1 192.0.2.1 9 typ host tcptype active",
                Some("192.0.2.1:9"),
                TransportProtocol::Tcp,
            ),
            candidate("1 1 udp 1 224.0.0.1 9 typ host", Some("224.0.0.1:9"), udp),
            candidate("1 1 udp 1 192.0.2.1 0 typ host", Some("192.0.2.1:0"), udp),
            candidate("nonsense", Some("192.0.2.1:9"), udp),
        ];
        for candidate in bad {
            assert!(remote(&candidate).is_none(), "{}", candidate.text);
        }
    }
}
