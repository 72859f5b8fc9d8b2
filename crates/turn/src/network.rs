//! Networks, and which of them are nobody's public address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address and how many of its leading bits count.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// Makes a network; `None` where the prefix is longer than the address. Bits behind the prefix do not matter.
    pub const fn new(address: IpAddr, prefix: u8) -> Option<Self> {
        let most = match address {
            IpAddr::V4(_) => 32,
            IpAddr::V6(_) => 128,
        };
        if prefix > most {
            return None;
        }
        Some(Self { address, prefix })
    }

    /// Whether `address` lies within.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let differ = u32::from(own) ^ u32::from(other);
                differ.leading_zeros() >= u32::from(self.prefix)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let differ = u128::from(own) ^ u128::from(other);
                differ.leading_zeros() >= u32::from(self.prefix)
            }
            _ => false,
        }
    }

    /// Whether the two have an address in common.
    pub fn overlaps(&self, other: &Self) -> bool {
        let (wide, narrow) = if self.prefix <= other.prefix {
            (self, other)
        } else {
            (other, self)
        };
        wide.contains(narrow.address)
    }
}

/// Whether an address is reserved for some purpose, so that it is no host of the public Internet: IANA's registries
/// of special-purpose addresses (RFC 6890), multicast, what embeds an IPv4 address, and all of IPv6 that is not
/// global unicast yet.
pub fn is_special(address: IpAddr) -> bool {
    let outside = match address {
        IpAddr::V4(_) => false,
        IpAddr::V6(_) => !GLOBAL_UNICAST.contains(address),
    };
    outside || within(&NEVER, address) || within(&SPECIAL, address)
}

/// Whether no operator can mean this network: it reaches the host itself, its link, many hosts at once, or an IPv4
/// address in disguise.
pub(crate) fn is_never_a_peer(network: &Network) -> bool {
    NEVER.iter().any(|never| never.overlaps(network))
}

fn within(networks: &[Network], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(address))
}

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Network {
    Network {
        address: IpAddr::V4(Ipv4Addr::new(a, b, c, d)),
        prefix,
    }
}

const fn v6(a: u16, b: u16, c: u16, d: u16, prefix: u8) -> Network {
    Network {
        address: IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0)),
        prefix,
    }
}

const GLOBAL_UNICAST: Network = v6(0x2000, 0, 0, 0, 3);

const NEVER: [Network; 14] = [
    v4(0, 0, 0, 0, 8),          // this host on this network
    v4(127, 0, 0, 0, 8),        // loopback
    v4(169, 254, 0, 0, 16),     // link-local, and the metadata service of clouds
    v4(224, 0, 0, 0, 4),        // multicast
    v4(240, 0, 0, 0, 4),        // reserved, and broadcast
    v6(0, 0, 0, 0, 32),         // unspecified, loopback, IPv4-compatible, -mapped and -translated
    v6(0x64, 0xff9b, 0, 0, 96), // NAT64
    v6(0x64, 0xff9b, 1, 0, 48), // NAT64 within one's own network
    v6(0x2001, 0, 0, 0, 32),    // Teredo
    v6(0x2002, 0, 0, 0, 16),    // 6to4
    v6(0x100, 0, 0, 0, 32),     // discard-only
    v6(0xfe80, 0, 0, 0, 10),    // link-local
    v6(0xfec0, 0, 0, 0, 10),    // site-local, deprecated
    v6(0xff00, 0, 0, 0, 8),     // multicast
];

const SPECIAL: [Network; 17] = [
    v4(10, 0, 0, 0, 8),              // private
    v4(100, 64, 0, 0, 10),           // shared by a carrier's customers
    v4(172, 16, 0, 0, 12),           // private
    v4(192, 0, 0, 0, 24),            // protocol assignments
    v4(192, 0, 2, 0, 24),            // documentation
    v4(192, 31, 196, 0, 24),         // AS112
    v4(192, 52, 193, 0, 24),         // automatic multicast tunnelling
    v4(192, 88, 99, 0, 24),          // 6to4 relays, deprecated
    v4(192, 168, 0, 0, 16),          // private
    v4(192, 175, 48, 0, 24),         // AS112
    v4(198, 18, 0, 0, 15),           // benchmarks
    v4(198, 51, 100, 0, 24),         // documentation
    v4(203, 0, 113, 0, 24),          // documentation
    v6(0x2001, 0, 0, 0, 23),         // protocol assignments
    v6(0x2001, 0xdb8, 0, 0, 32),     // documentation
    v6(0x2620, 0x4f, 0x8000, 0, 48), // AS112
    v6(0x3fff, 0, 0, 0, 20),         // documentation
];

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        let (address, prefix) = text.split_once('/').unwrap();
        Network::new(address.parse().unwrap(), prefix.parse().unwrap()).unwrap()
    }

    #[test]
    fn prefixes_decide_what_lies_within() {
        let check = |text, address: &str, expected| {
            assert_eq!(
                network(text).contains(address.parse().unwrap()),
                expected,
                "{address} in {text}"
            );
        };
        check("10.1.0.0/16", "10.1.255.255", true);
        check("10.1.0.0/16", "10.2.0.0", false);
        check("10.1.2.3/32", "10.1.2.3", true);
        check("10.1.2.3/32", "10.1.2.2", false);
        check("0.0.0.0/0", "255.255.255.255", true);
        check("0.0.0.0/0", "::1", false);
        check("2001:db8::/33", "2001:db8:7fff::1", true);
        check("2001:db8::/33", "2001:db8:8000::1", false);
        check("::/0", "ffff::", true);
        assert_eq!(Network::new(Ipv4Addr::LOCALHOST.into(), 33), None);
        assert_eq!(Network::new(Ipv6Addr::LOCALHOST.into(), 129), None);
    }

    #[test]
    fn networks_that_reach_the_host_cannot_be_meant() {
        for text in [
            "127.0.0.1/32",
            "126.0.0.0/7",
            "0.0.0.0/0",
            "169.254.169.254/32",
            "::/0",
            "::ffff:10.0.0.0/104",
            "64:ff9b::a00:0/104",
            "fe80::1/128",
            "224.0.0.0/24",
        ] {
            assert!(is_never_a_peer(&network(text)), "{text}");
        }
        for text in [
            "10.0.0.0/8",
            "192.168.7.0/24",
            "fd00::/8",
            "2001:db8::/32",
            "203.0.113.0/24",
        ] {
            assert!(!is_never_a_peer(&network(text)), "{text}");
        }
    }

    #[test]
    fn public_addresses_are_not_special() {
        for text in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.128.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "223.255.255.255",
            "2606:4700::1",
            "2a00::1",
            "2001:4860::1",
        ] {
            assert!(!is_special(text.parse().unwrap()), "{text}");
        }
    }
}
