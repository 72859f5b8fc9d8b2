use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;
use std::time::Duration;

use thiserror::Error;

use crate::{Peers, Rate, Secret};

/// What a server is started with.
#[derive(Debug, Clone)]
pub struct Config {
    /// The realm of the long-term mechanism, usually the domain name; 1 to 32 visible ASCII characters without quotes,
    /// so that a challenge stays small.
    pub realm: String,
    /// The secrets whose credentials are taken; one, or during a change the old one too.
    pub secrets: Vec<Secret>,
    /// How far in the future a credential may expire.
    pub max_credential_lifetime: Duration,
    /// The IPv4 address that relayed addresses are given out with; `None` offers none.
    pub relay_v4: Option<Ipv4Addr>,
    /// The same for IPv6.
    pub relay_v6: Option<Ipv6Addr>,
    /// The ports of relays, without 0; the standard's range is 49152 to 65535 (RFC 8656 §7.2).
    pub ports: RangeInclusive<u16>,
    /// Whom relays may talk to.
    pub peers: Peers,
    /// Whether the owner of the sockets can set the Don't Fragment bit (RFC 8656 §15).
    pub dont_fragment: bool,
    /// Quotas and rates.
    pub limits: Limits,
}

impl Config {
    /// A configuration that relays to nobody yet, with the standard's ports and our limits.
    pub fn new(realm: &str, secret: Secret) -> Self {
        Self {
            realm: realm.to_owned(),
            secrets: vec![secret],
            max_credential_lifetime: Duration::from_secs(24 * 3600),
            relay_v4: None,
            relay_v6: None,
            ports: 49_152..=65_535,
            peers: Peers::default(),
            dont_fragment: false,
            limits: Limits::default(),
        }
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let plain = |b: u8| b.is_ascii_graphic() && b != b'"' && b != b'\\';
        if !(1..=32).contains(&self.realm.len()) || !self.realm.bytes().all(plain) {
            return Err(ConfigError::Realm);
        }
        if self.secrets.is_empty() || self.secrets.len() > MAX_SECRETS {
            return Err(ConfigError::Secrets);
        }
        if self.ports.is_empty() || *self.ports.start() == 0 {
            return Err(ConfigError::Ports);
        }
        Ok(())
    }
}

/// The most secrets: each costs a signature per wrong password.
const MAX_SECRETS: usize = 4;

/// How much anybody may have or ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Allocations of one session, reserved ports included.
    pub allocations_per_session: usize,
    /// Allocations of one source network (/24 of IPv4, /56 of IPv6): an office behind one address is one.
    pub allocations_per_network: usize,
    /// Allocations of all together.
    pub allocations: usize,
    /// Requests of a source network that has proven nothing: any answer to it may go to somebody else.
    pub unproven: Rate,
    /// Requests of a source network that has returned a nonce or opened a connection.
    pub proven: Rate,
    /// Requests of one allocation.
    pub per_allocation: Rate,
}

impl Default for Limits {
    fn default() -> Self {
        let rate = |per_second, burst| Rate { per_second, burst };
        Self {
            allocations_per_session: 12,
            allocations_per_network: 2_000,
            allocations: 8_000,
            unproven: rate(200, 400),
            proven: rate(500, 1_000),
            per_allocation: rate(50, 200),
        }
    }
}

/// Says why a server cannot be started.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// The realm is empty, too long or has other characters.
    #[error("a realm is 1 to 32 visible ASCII characters without quotes or backslashes")]
    Realm,
    /// No secret, or too many.
    #[error("there must be 1 to {MAX_SECRETS} secrets")]
    Secrets,
    /// The range of ports is empty or contains 0.
    #[error("the range of ports is empty or contains 0")]
    Ports,
}
