use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;
use tertulia_model::TransportProtocol;

/// Digits of a worker's number at the head of an ICE user name fragment.
const WORKER_DIGITS: usize = 2;
/// Random characters after them. A session keeps these through ICE restarts, which only append to them.
pub(crate) const UFRAG_RANDOM: usize = 10;

/// How long an address stays with the session that last proved to hold it. Clients prove it every few seconds, so
/// that somebody who forges another's address in their own requests does not take it away.
const KEPT: Duration = Duration::from_secs(10);

/// Finds the session a datagram belongs to in constant time: by the address it comes from, else by the user name
/// fragment of a STUN request.
///
/// An address is learned only after the session answered a STUN request from it with success, so that nobody can
/// draw another's packets to their own session by naming an address.
///
/// Addresses are found by a fast keyed hash: only those that passed an authenticated check are in the table, so nobody
/// can fill it with collisions.
#[derive(Debug, Default)]
pub(crate) struct Demux {
    by_address: HashMap<(TransportProtocol, SocketAddr), Holder, RandomState>,
    by_ufrag: HashMap<String, usize>,
}

/// Which worker has the session behind an address, where all workers share one port and the kernel gives each source's
/// datagrams to one of them: the one they reach knows by this whom they are for.
///
/// As in [`Demux`], an address is learned only from sessions that proved it, and kept for as long.
#[derive(Debug, Default)]
pub(crate) struct Steering {
    by_source: HashMap<SocketAddr, Holder, RandomState>,
    /// So many entries, and what nobody proved for long is swept out.
    sweep_at: usize,
}

impl Steering {
    /// Time after which an address nobody proves is forgotten; who is there proves it every few seconds.
    const FORSAKEN: Duration = Duration::from_secs(60);
    /// Fewer entries are not worth sweeping.
    const FEW: usize = 1_024;

    pub(crate) fn find(&self, source: SocketAddr) -> Option<usize> {
        Some(self.by_source.get(&source)?.session)
    }

    /// Notes which worker's session proved to hold an address; false where another's did so a moment ago.
    pub(crate) fn learn(&mut self, source: SocketAddr, worker: usize, now: Instant) -> bool {
        if self.by_source.len() >= self.sweep_at {
            self.by_source
                .retain(|_, holder| now.saturating_duration_since(holder.proved_at) < Self::FORSAKEN);
            self.sweep_at = (2 * self.by_source.len()).max(Self::FEW);
        }
        hold(self.by_source.entry(source), worker, now)
    }
}

/// Notes who proved to hold an address; false where another did so a moment ago.
fn hold<K>(entry: Entry<'_, K, Holder>, session: usize, now: Instant) -> bool {
    let fresh = Holder {
        session,
        proved_at: now,
    };
    match entry {
        Entry::Vacant(entry) => {
            entry.insert(fresh);
            true
        }
        Entry::Occupied(mut entry) => {
            let holder = entry.get_mut();
            let free = now.saturating_duration_since(holder.proved_at) > KEPT;
            if holder.session != session && !free {
                return false;
            }
            *holder = fresh;
            true
        }
    }
}

#[derive(Debug)]
struct Holder {
    /// The session, or in [`Steering`] the worker.
    session: usize,
    proved_at: Instant,
}

impl Demux {
    pub(crate) fn find(
        &self,
        protocol: TransportProtocol,
        source: SocketAddr,
        datagram: &[u8],
    ) -> Option<usize> {
        if let Some(ufrag) = stun_request_ufrag(datagram) {
            return self
                .by_ufrag
                .get(ufrag.get(..WORKER_DIGITS + UFRAG_RANDOM)?)
                .copied();
        }
        Some(self.by_address.get(&(protocol, source))?.session)
    }

    pub(crate) fn add_ufrag(&mut self, ufrag: &str, session: usize) {
        self.by_ufrag.insert(ufrag.to_owned(), session);
    }

    /// Notes that a session proved to hold an address; false where another one did so a moment ago.
    pub(crate) fn learn(
        &mut self,
        protocol: TransportProtocol,
        address: SocketAddr,
        session: usize,
        now: Instant,
    ) -> bool {
        hold(self.by_address.entry((protocol, address)), session, now)
    }

    pub(crate) fn forget_ufrag(&mut self, ufrag: &str) {
        self.by_ufrag.remove(ufrag);
    }

    /// Forgets an address, unless another session has it by now.
    pub(crate) fn forget_address(
        &mut self,
        protocol: TransportProtocol,
        address: SocketAddr,
        session: usize,
    ) {
        let key = (protocol, address);
        if self
            .by_address
            .get(&key)
            .is_some_and(|holder| holder.session == session)
        {
            self.by_address.remove(&key);
        }
    }
}

/// Makes an ICE user name fragment that names its worker.
pub(crate) fn ufrag(worker: usize, random: &str) -> String {
    format!("{worker:02}{random}")
}

/// The worker named by a user name fragment.
pub(crate) fn worker_of(ufrag: &str) -> Option<usize> {
    ufrag.get(..WORKER_DIGITS)?.parse().ok()
}

/// Our user name fragment in a STUN binding request (RFC 8445 §7.2.2: USERNAME is `ours:theirs`), if it is one.
///
/// This only peeks to route the packet; the ICE agent does the checking.
pub(crate) fn stun_request_ufrag(datagram: &[u8]) -> Option<&str> {
    const HEADER: usize = 20;
    const USERNAME: u16 = 0x0006;
    if datagram.len() < HEADER || datagram[..2] != [0x00, 0x01] || datagram[4..8] != [0x21, 0x12, 0xa4, 0x42]
    {
        return None;
    }
    let mut rest = &datagram[HEADER..];
    while let [t0, t1, l0, l1, value @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*l0, *l1]));
        let value = value.get(..length)?;
        if u16::from_be_bytes([*t0, *t1]) == USERNAME {
            return std::str::from_utf8(value).ok()?.split(':').next();
        }
        rest = rest.get(4 + length.next_multiple_of(4)..)?;
    }
    None
}

/// Whether a datagram of ours is a STUN binding success response.
pub(crate) fn is_stun_success(datagram: &[u8]) -> bool {
    datagram.len() >= 20 && datagram[..2] == [0x01, 0x01] && datagram[4..8] == [0x21, 0x12, 0xa4, 0x42]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(username: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x00, 0x01, 0, 0, 0x21, 0x12, 0xa4, 0x42];
        bytes.extend([7; 12]);
        // PRIORITY first, so that the walk has something to step over.
        bytes.extend([0x00, 0x24, 0, 4, 1, 2, 3, 4]);
        bytes.extend([0x00, 0x06, 0, username.len() as u8]);
        bytes.extend(username);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    #[test]
    fn the_ufrag_names_the_session_and_the_worker() {
        let bytes = request(b"03abcdef:remote");
        assert_eq!(stun_request_ufrag(&bytes), Some("03abcdef"));
        assert_eq!(worker_of("03abcdef"), Some(3));
        assert_eq!(worker_of("x"), None);
        assert_eq!(ufrag(3, "abcdef"), "03abcdef");
    }

    #[test]
    fn hostile_attributes_are_stepped_over_or_refused() {
        let mut cut = request(b"03abcdef:remote");
        cut.truncate(36);
        assert_eq!(stun_request_ufrag(&cut), None);
        let mut long = request(b"x:y");
        long[31] = 0xff;
        assert_eq!(stun_request_ufrag(&long), None);
        assert_eq!(stun_request_ufrag(&[0; 20]), None);
    }

    #[test]
    fn addresses_of_strangers_find_nobody_until_learned() {
        let mut demux = Demux::default();
        let address = SocketAddr::from(([192, 0, 2, 1], 5_000));
        demux.add_ufrag(&ufrag(0, "abcdefghij"), 4);
        assert_eq!(demux.find(TransportProtocol::Udp, address, &[0x80, 0, 0]), None);
        assert_eq!(
            demux.find(TransportProtocol::Udp, address, &request(b"00abcdefghijMORE:b")),
            Some(4)
        );
        assert!(demux.learn(TransportProtocol::Udp, address, 4, Instant::now()));
        assert_eq!(
            demux.find(TransportProtocol::Udp, address, &[0x80, 0, 0]),
            Some(4)
        );
        demux.forget_address(TransportProtocol::Udp, address, 5);
        assert_eq!(
            demux.find(TransportProtocol::Udp, address, &[0x80, 0, 0]),
            Some(4)
        );
        demux.forget_address(TransportProtocol::Udp, address, 4);
        assert_eq!(demux.find(TransportProtocol::Udp, address, &[0x80, 0, 0]), None);
    }

    #[test]
    fn an_address_in_use_is_not_taken_away_and_a_forsaken_one_is_given() {
        let mut demux = Demux::default();
        let protocol = TransportProtocol::Udp;
        let address = SocketAddr::from(([192, 0, 2, 1], 5_000));
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        assert!(demux.learn(protocol, address, 1, at(0)));
        assert!(!demux.learn(protocol, address, 2, at(5)));
        assert!(demux.learn(protocol, address, 1, at(8)));
        assert!(!demux.learn(protocol, address, 2, at(15)));
        assert_eq!(demux.find(protocol, address, &[0x80]), Some(1));
        assert!(demux.learn(protocol, address, 2, at(30)));
        assert_eq!(demux.find(protocol, address, &[0x80]), Some(2));
    }

    #[test]
    fn steering_keeps_what_is_proved_and_forgets_what_nobody_proves() {
        let mut steering = Steering::default();
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let of = |n: u32| SocketAddr::from((std::net::Ipv4Addr::from_bits(n), 5_000));
        assert!(steering.learn(of(1), 0, at(0)));
        assert!(!steering.learn(of(1), 1, at(5)), "nobody is drawn away");
        assert_eq!((steering.find(of(1)), steering.find(of(2))), (Some(0), None));
        assert!(steering.learn(of(1), 1, at(20)));
        for n in 2..5_000 {
            steering.learn(of(n), 0, at(30));
        }
        for n in 5_000..20_000 {
            steering.learn(of(n), 0, at(100));
        }
        assert!(steering.by_source.len() <= 15_000 + 1);
        assert_eq!(steering.find(of(4_999)), None);
    }
}
