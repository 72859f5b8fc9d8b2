/// Counts what happened since the start; the owner turns it into metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Binding requests answered.
    pub bindings: u64,
    /// Challenges sent, with 401 or 438.
    pub challenges: u64,
    /// Requests refused with another code.
    pub refusals: u64,
    /// Requests refused because the credential was wrong, expired or revoked.
    pub bad_credentials: u64,
    /// Peers refused, in requests and indications.
    pub forbidden_peers: u64,
    /// Allocations opened.
    pub opened: u64,
    /// Allocations ended, for whatever reason.
    pub closed: u64,
    /// Requests dropped because somebody asked too often.
    pub limited: u64,
    /// Packets that were no message of ours, or a broken one.
    pub malformed: u64,
    /// Data dropped for want of an allocation, permission or channel.
    pub unsolicited: u64,
    /// Payloads passed on to peers.
    pub to_peers: Traffic,
    /// Payloads passed on to clients.
    pub to_clients: Traffic,
}

/// Counts payloads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Packets.
    pub packets: u64,
    /// Bytes of payload.
    pub bytes: u64,
}

impl Traffic {
    pub(crate) fn count(&mut self, payload: usize) {
        self.packets += 1;
        self.bytes += payload as u64;
    }
}

/// Says how much a server holds at the moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Held {
    /// Allocations.
    pub allocations: usize,
    /// Relay sockets, reserved ones included.
    pub relays: usize,
    /// Ports set aside for a second allocation.
    pub reservations: usize,
    /// Sessions whose credentials are no longer taken.
    pub revoked: usize,
    /// Ports that are free, of both families together.
    pub free_ports: usize,
    /// Actions that wait to be polled.
    pub actions: usize,
}
