use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use mio::net::UdpSocket;
use quinn_udp::{RecvMeta, Transmit, UdpSockRef, UdpSocketState};

/// Datagram trains taken in one call to the kernel.
const BATCH: usize = 32;
/// Bytes of one receive buffer: a whole train of coalesced datagrams.
const BUFFER: usize = 64 * 1024;
/// Datagrams in one outgoing train at most: short enough not to burst, long enough to save the kernel's path.
const TRAIN: usize = 10;
/// Bytes asked of the kernel for each direction; it grants up to its own limit.
const SOCKET_BUFFER: usize = 4 * 1024 * 1024;

/// The UDP socket of a worker, reading and writing in trains (GRO and GSO where the kernel has them).
pub(crate) struct UdpPort {
    socket: UdpSocket,
    state: UdpSocketState,
    local: SocketAddr,
    buffers: Vec<Vec<u8>>,
    train: Train,
    pub(crate) sent: u64,
    pub(crate) sent_bytes: u64,
    pub(crate) dropped: u64,
}

/// Datagrams of equal size for one destination, waiting to be sent together.
#[derive(Default)]
struct Train {
    destination: Option<(SocketAddr, IpAddr)>,
    bytes: Vec<u8>,
    segment: usize,
    count: usize,
    closed: bool,
}

/// A datagram as received.
pub(crate) struct Received<'a> {
    pub(crate) source: SocketAddr,
    pub(crate) destination: SocketAddr,
    pub(crate) contents: &'a [u8],
}

impl UdpPort {
    pub(crate) fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = UdpSocket::bind(address)?;
        let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
        for (direction, set) in [
            (
                "send",
                UdpSocketState::set_send_buffer_size
                    as fn(&UdpSocketState, UdpSockRef<'_>, usize) -> io::Result<()>,
            ),
            ("receive", UdpSocketState::set_recv_buffer_size),
        ] {
            if let Err(error) = set(&state, UdpSockRef::from(&socket), SOCKET_BUFFER) {
                tracing::warn!(%error, direction, "the UDP socket buffer could not be enlarged");
            }
        }
        let local = socket.local_addr()?;
        let buffers = (0..BATCH).map(|_| vec![0; BUFFER]).collect();
        Ok(Self {
            socket,
            state,
            local,
            buffers,
            train: Train::default(),
            sent: 0,
            sent_bytes: 0,
            dropped: 0,
        })
    }

    pub(crate) fn socket(&mut self) -> &mut UdpSocket {
        &mut self.socket
    }

    pub(crate) fn port(&self) -> u16 {
        self.local.port()
    }

    /// Takes one batch and gives each datagram to `each`; false where nothing was waiting.
    pub(crate) fn receive(
        &mut self,
        metas: &mut [RecvMeta],
        mut each: impl FnMut(Received<'_>),
    ) -> io::Result<bool> {
        let mut slices: Vec<IoSliceMut<'_>> = self
            .buffers
            .iter_mut()
            .map(|buffer| IoSliceMut::new(buffer))
            .collect();
        let count = match self
            .state
            .recv(UdpSockRef::from(&self.socket), &mut slices, metas)
        {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        };
        drop(slices);
        for (meta, buffer) in metas.iter().zip(&self.buffers).take(count) {
            let source = canonical(meta.addr);
            let ip = meta.dst_ip.unwrap_or(self.local.ip()).to_canonical();
            let destination = SocketAddr::new(ip, self.local.port());
            let Some(bytes) = buffer.get(..meta.len) else {
                continue;
            };
            for contents in bytes.chunks(meta.stride.max(1)) {
                each(Received {
                    source,
                    destination,
                    contents,
                });
            }
        }
        Ok(true)
    }

    pub(crate) fn metas() -> Vec<RecvMeta> {
        vec![RecvMeta::default(); BATCH]
    }

    /// Queues a datagram; it leaves with the train, at the latest by [`UdpPort::flush`].
    pub(crate) fn send(&mut self, source: IpAddr, destination: SocketAddr, contents: &[u8]) {
        let limit = TRAIN.min(self.state.max_gso_segments());
        let fits = self.train.destination == Some((destination, source))
            && !self.train.closed
            && self.train.count < limit
            && contents.len() <= self.train.segment;
        if !fits {
            self.flush();
            self.train.destination = Some((destination, source));
            self.train.segment = contents.len();
        }
        // A shorter segment can only be the last of a train.
        self.train.closed = contents.len() < self.train.segment;
        self.train.bytes.extend_from_slice(contents);
        self.train.count += 1;
    }

    /// Sends what is queued. Media that the kernel has no room for is dropped and counted, never waited for.
    pub(crate) fn flush(&mut self) {
        let Some((destination, source)) = self.train.destination.take() else {
            return;
        };
        let (count, bytes) = (self.train.count as u64, self.train.bytes.len() as u64);
        let transmit = Transmit {
            destination: self.on_wire(destination),
            ecn: None,
            contents: &self.train.bytes,
            segment_size: (self.train.count > 1).then_some(self.train.segment),
            src_ip: (!source.is_unspecified()).then(|| self.ip_on_wire(source)),
        };
        match self.state.try_send(UdpSockRef::from(&self.socket), &transmit) {
            Ok(()) => {
                self.sent += count;
                self.sent_bytes += bytes;
            }
            Err(error) => {
                self.dropped += count;
                tracing::trace!(kind = ?error.kind(), "datagrams were not sent");
            }
        }
        self.train.bytes.clear();
        self.train.count = 0;
        self.train.closed = false;
    }

    fn on_wire(&self, address: SocketAddr) -> SocketAddr {
        SocketAddr::new(self.ip_on_wire(address.ip()), address.port())
    }

    /// An IPv6 socket takes IPv4 addresses in their mapped form only.
    fn ip_on_wire(&self, ip: IpAddr) -> IpAddr {
        match ip {
            IpAddr::V4(v4) if self.local.is_ipv6() => IpAddr::V6(v4.to_ipv6_mapped()),
            other => other,
        }
    }
}

fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Whether a local address can be reached through a socket bound to `bind`.
pub(crate) fn reachable(bind: IpAddr, local: IpAddr) -> bool {
    bind == local || (bind.is_unspecified() && (bind == IpAddr::V6(Ipv6Addr::UNSPECIFIED) || local.is_ipv4()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_train_carries_datagrams_of_falling_size_only_and_each_arrives_whole() {
        let mut sender = UdpPort::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let receiver = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let to = receiver.local_addr().unwrap();
        let from = IpAddr::from([127, 0, 0, 1]);
        let sizes = [1_200, 1_200, 1_200, 800, 1_200, 1_201, 40];
        for (index, size) in sizes.iter().enumerate() {
            sender.send(from, to, &vec![index as u8; *size]);
        }
        sender.flush();
        assert_eq!(sender.sent, sizes.len() as u64);
        let mut buffer = [0; 2_000];
        for (index, size) in sizes.iter().enumerate() {
            let length = receiver.recv(&mut buffer).unwrap();
            assert_eq!((length, buffer[0]), (*size, index as u8));
        }
    }

    #[test]
    fn an_unspecified_socket_reaches_its_family() {
        let v4 = IpAddr::from([192, 0, 2, 1]);
        assert!(reachable(IpAddr::from([0, 0, 0, 0]), v4));
        assert!(reachable(IpAddr::V6(Ipv6Addr::UNSPECIFIED), v4));
        assert!(!reachable(
            IpAddr::from([0, 0, 0, 0]),
            IpAddr::V6(Ipv6Addr::LOCALHOST)
        ));
        assert!(!reachable(IpAddr::from([127, 0, 0, 1]), v4));
    }
}
