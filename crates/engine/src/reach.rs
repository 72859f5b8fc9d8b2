//! By what ways clients get to us: one UDP port or several, relays, and the servers they are told.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tertulia_model::{ParticipantId, TransportProtocol};
use tertulia_session::LocalCandidate;
use tertulia_turn::{Network, Secret};

/// Settings of the ways to us; by default there is a UDP port for each worker and no relay.
#[derive(Debug, Clone, Default)]
pub struct Reach {
    /// All workers share one UDP port instead of having one each.
    pub single_port: bool,
    /// Our own TURN server.
    pub turn: Option<TurnConfig>,
    /// Other servers that clients are told.
    pub ice_servers: Vec<OtherServer>,
}

/// How our own TURN server is run. It answers on the media ports; what is here adds to that.
#[derive(Debug, Clone)]
pub struct TurnConfig {
    /// The realm of its credentials, usually the domain name.
    pub realm: String,
    /// Host name told to clients; `None` tells them the advertised addresses.
    pub host: Option<String>,
    /// What credentials are signed with: the first signs, all are taken. At least one.
    pub secrets: Vec<Secret>,
    /// How long a credential may open allocations. It ends with the participant's stay in any case.
    pub credential_lifetime: Duration,
    /// A UDP port of its own; zero takes a free one. Only such a port is told to clients for UDP: libwebrtc takes all
    /// that comes from the TURN server's address for TURN, and would lose media that comes from there directly.
    pub udp_port: Option<u16>,
    /// Further URLs it is reached at, such as `turns:meet.example.org:443?transport=tcp`; see [`crate::TurnStreams`].
    pub urls: Vec<String>,
    /// Whom it relays to beside our own media; `None` for nobody, in which case relays need no sockets.
    pub wider: Option<WiderRelaying>,
}

/// Peers beside our own media.
#[derive(Debug, Clone)]
pub struct WiderRelaying {
    /// UDP ports for the relays' sockets.
    pub ports: RangeInclusive<u16>,
    /// Single sockets.
    pub sockets: Vec<SocketAddr>,
    /// Networks, private ones included.
    pub networks: Vec<Network>,
    /// Everything that is a public address.
    pub public: bool,
    /// Addresses of this host, of which nothing but our own media can be reached however wide the rest is.
    pub protected: Vec<IpAddr>,
}

/// Another STUN or TURN server.
#[derive(Debug, Clone)]
pub struct OtherServer {
    /// Its URLs.
    pub urls: Vec<String>,
    /// The secret it shares with us for time-limited credentials; `None` where it needs none.
    pub secret: Option<Secret>,
    /// How long such a credential is valid.
    pub lifetime: Duration,
}

/// A STUN or TURN server as a client is told of it.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct IceServer {
    /// `stun:`, `turn:` and `turns:` URLs.
    pub urls: Vec<String>,
    /// User name for TURN; empty where none is needed.
    pub username: String,
    /// Password for TURN; never logged.
    pub credential: String,
}

impl fmt::Debug for IceServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IceServer")
            .field("urls", &self.urls)
            .finish_non_exhaustive()
    }
}

/// What there is to tell clients; only the credentials are each one's own.
#[derive(Debug, Default)]
pub(crate) struct Offers(Vec<OtherServer>);

impl Offers {
    /// Our own server first: it is nearest, and clients ask only so many.
    pub(crate) fn new(reach: &Reach, candidates: &[LocalCandidate], own_port: Option<u16>) -> Self {
        let own = reach.turn.as_ref().and_then(|turn| {
            let urls = urls(turn, candidates, own_port);
            (!urls.is_empty()).then(|| OtherServer {
                urls,
                secret: turn.secrets.first().cloned(),
                lifetime: turn.credential_lifetime,
            })
        });
        Self(own.into_iter().chain(reach.ice_servers.iter().cloned()).collect())
    }

    /// What a participant is told.
    pub(crate) fn to(&self, who: &ParticipantId) -> Vec<IceServer> {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let server = |offer: &OtherServer| {
            let urls = offer.urls.clone();
            let Some(secret) = &offer.secret else {
                return Some(IceServer {
                    urls,
                    ..IceServer::default()
                });
            };
            match secret.issue(who.as_str(), unix.saturating_add(offer.lifetime).as_secs()) {
                Ok(credential) => Some(IceServer {
                    urls,
                    username: credential.username,
                    credential: credential.password,
                }),
                Err(error) => {
                    tracing::error!(%error, "no TURN credential could be made");
                    None
                }
            }
        };
        self.0.iter().filter_map(server).collect()
    }
}

/// Where our own server is reached: at the first advertised address of each family, or by name.
fn urls(turn: &TurnConfig, candidates: &[LocalCandidate], own_port: Option<u16>) -> Vec<String> {
    let mut urls = Vec::new();
    for (protocol, name) in [(TransportProtocol::Udp, "udp"), (TransportProtocol::Tcp, "tcp")] {
        let told = candidates
            .iter()
            .filter(|candidate| candidate.protocol == protocol)
            .filter_map(|candidate| match protocol {
                TransportProtocol::Udp => Some(SocketAddr::new(candidate.advertised.ip(), own_port?)),
                TransportProtocol::Tcp => Some(candidate.advertised),
            });
        let v4 = told.clone().find(SocketAddr::is_ipv4);
        let v6 = told.clone().find(SocketAddr::is_ipv6);
        match &turn.host {
            Some(host) => {
                let port = v4.or(v6).map(|address| address.port());
                urls.extend(port.map(|port| format!("turn:{host}:{port}?transport={name}")));
            }
            None => urls.extend(
                v4.into_iter()
                    .chain(v6)
                    .map(|address| format!("turn:{address}?transport={name}")),
            ),
        }
    }
    urls.extend(turn.urls.iter().cloned());
    urls
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(host: Option<&str>) -> TurnConfig {
        TurnConfig {
            realm: "meet.example.org".to_owned(),
            host: host.map(str::to_owned),
            secrets: vec![Secret::new(b"north-south-east-west").unwrap()],
            credential_lifetime: Duration::from_secs(60),
            udp_port: None,
            urls: vec!["turns:meet.example.org:443?transport=tcp".to_owned()],
            wider: None,
        }
    }

    fn candidates() -> Vec<LocalCandidate> {
        let of = |protocol, local: &str, advertised: &str| LocalCandidate {
            addr: local.parse().unwrap(),
            protocol,
            advertised: advertised.parse().unwrap(),
        };
        vec![
            of(TransportProtocol::Udp, "10.0.0.5:10000", "203.0.113.7:10000"),
            of(TransportProtocol::Tcp, "10.0.0.5:7881", "203.0.113.7:443"),
            of(TransportProtocol::Udp, "10.0.0.5:10000", "10.0.0.5:10000"),
            of(
                TransportProtocol::Udp,
                "[2001:db8::5]:10000",
                "[2001:db8::5]:10000",
            ),
        ]
    }

    #[test]
    fn the_media_port_is_never_told_as_a_turn_server_for_udp() {
        let told = urls(&turn(None), &candidates(), None);
        let tls = "turns:meet.example.org:443?transport=tcp";
        assert_eq!(told, ["turn:203.0.113.7:443?transport=tcp", tls]);
        let told = urls(&turn(None), &candidates(), Some(3478));
        assert_eq!(
            told,
            [
                "turn:203.0.113.7:3478?transport=udp",
                "turn:[2001:db8::5]:3478?transport=udp",
                "turn:203.0.113.7:443?transport=tcp",
                tls
            ]
        );
        let told = urls(&turn(Some("meet.example.org")), &candidates(), Some(3478));
        assert_eq!(
            told,
            [
                "turn:meet.example.org:3478?transport=udp",
                "turn:meet.example.org:443?transport=tcp",
                tls
            ]
        );
    }

    #[test]
    fn each_participant_has_a_credential_of_its_own_and_open_servers_need_none() {
        let reach = Reach {
            turn: Some(turn(None)),
            ice_servers: vec![OtherServer {
                urls: vec!["stun:stun.example.org".to_owned()],
                secret: None,
                lifetime: Duration::ZERO,
            }],
            ..Reach::default()
        };
        let offers = Offers::new(&reach, &candidates(), None);
        let to = |text: &str| offers.to(&ParticipantId::parse(text).unwrap());
        let (ana, ben) = (to("PA_ana"), to("PA_ben"));
        assert!(ana[0].username.ends_with(":PA_ana"), "{}", ana[0].username);
        assert_ne!(ana[0].credential, ben[0].credential);
        assert_eq!((ana[1].username.as_str(), ana[1].credential.as_str()), ("", ""));
        assert!(!format!("{ana:?}").contains(&ana[0].credential));
    }
}
