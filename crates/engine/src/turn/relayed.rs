use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};

const WORDS: usize = (u16::MAX as usize + 1) / 64;

/// Which relayed addresses are open, for the media threads to ask of each datagram they send: no lock, one read.
#[derive(Debug)]
pub(crate) struct Relayed {
    v4: Option<Ipv4Addr>,
    v6: Option<Ipv6Addr>,
    v4_ports: Box<[AtomicU64]>,
    v6_ports: Box<[AtomicU64]>,
}

impl Relayed {
    pub(crate) fn new(v4: Option<Ipv4Addr>, v6: Option<Ipv6Addr>) -> Self {
        let ports = || (0..WORDS).map(|_| AtomicU64::new(0)).collect();
        Self {
            v4,
            v6,
            v4_ports: ports(),
            v6_ports: ports(),
        }
    }

    /// Whether what is for this address goes to the TURN server instead of a socket.
    pub(crate) fn contains(&self, address: SocketAddr) -> bool {
        self.word(address)
            .is_some_and(|word| word.load(Ordering::Relaxed) & bit(address) != 0)
    }

    pub(crate) fn insert(&self, address: SocketAddr) {
        if let Some(word) = self.word(address) {
            word.fetch_or(bit(address), Ordering::Relaxed);
        }
    }

    pub(crate) fn remove(&self, address: SocketAddr) {
        if let Some(word) = self.word(address) {
            word.fetch_and(!bit(address), Ordering::Relaxed);
        }
    }

    fn word(&self, address: SocketAddr) -> Option<&AtomicU64> {
        let ports = match address.ip() {
            IpAddr::V4(ip) if self.v4 == Some(ip) => &self.v4_ports,
            IpAddr::V6(ip) if self.v6 == Some(ip) => &self.v6_ports,
            _ => return None,
        };
        ports.get(usize::from(address.port()) / 64)
    }
}

fn bit(address: SocketAddr) -> u64 {
    1 << (address.port() % 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_opened_at_our_addresses_is_ours() {
        let relayed = Relayed::new(Some(Ipv4Addr::new(203, 0, 113, 7)), None);
        let at = |text: &str| text.parse().unwrap();
        for address in ["203.0.113.7:20000", "203.0.113.7:65535", "[2001:db8::1]:20000"] {
            relayed.insert(at(address));
        }
        assert!(relayed.contains(at("203.0.113.7:20000")) && relayed.contains(at("203.0.113.7:65535")));
        for other in [
            "203.0.113.7:20001",
            "203.0.113.7:0",
            "203.0.113.8:20000",
            "[2001:db8::1]:20000",
        ] {
            assert!(!relayed.contains(at(other)), "{other}");
        }
        relayed.remove(at("203.0.113.7:20000"));
        assert!(!relayed.contains(at("203.0.113.7:20000")) && relayed.contains(at("203.0.113.7:65535")));
    }
}
