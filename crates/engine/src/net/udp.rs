use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::os::fd::AsFd;

use mio::net::UdpSocket;
use quinn_udp::{RecvMeta, Transmit, UdpSockRef, UdpSocketState};
use socket2::{Domain, Protocol, Socket, Type};
use tertulia_session::MAX_SEALED;

/// Datagram trains taken in one call to the kernel.
const BATCH: usize = 32;
/// Bytes of one receive buffer: a whole train of coalesced datagrams.
const BUFFER: usize = 64 * 1024;
/// Datagrams in one outgoing train at most: short enough not to burst, long enough to save the kernel's path.
const TRAIN: usize = 10;
/// Bytes there are for a datagram that is written in place.
const ROOM: usize = MAX_SEALED;
/// Bytes asked of the kernel for each direction; it grants up to its own limit.
const SOCKET_BUFFER: usize = 4 * 1024 * 1024;

/// The UDP socket of a worker, reading and writing in trains (GRO and GSO where the kernel has them).
pub(crate) struct UdpPort {
    socket: UdpSocket,
    state: UdpSocketState,
    local: SocketAddr,
    train: Train,
    pub(crate) sent: u64,
    pub(crate) sent_bytes: u64,
    pub(crate) dropped: u64,
}

/// Datagrams of equal size for one destination, waiting to be sent together.
struct Train {
    destination: Option<(SocketAddr, IpAddr)>,
    /// Room for a whole train; what was sent before stands in it until it is written over.
    bytes: Vec<u8>,
    used: usize,
    segment: usize,
    count: usize,
    closed: bool,
}

impl Train {
    fn new() -> Self {
        Self {
            destination: None,
            bytes: vec![0; (TRAIN + 1) * ROOM],
            used: 0,
            segment: 0,
            count: 0,
            closed: false,
        }
    }
}

/// Where a worker's datagrams are received and opened: the buffers are reused, so nothing is allocated for a packet.
pub(crate) struct Inbound {
    buffers: Vec<Vec<u8>>,
    metas: Vec<RecvMeta>,
    count: usize,
}

/// A datagram as received, to be opened in place.
pub(crate) struct Received<'a> {
    pub(crate) source: SocketAddr,
    pub(crate) destination: SocketAddr,
    pub(crate) contents: &'a mut [u8],
}

impl Inbound {
    pub(crate) fn new() -> Self {
        Self {
            buffers: (0..BATCH).map(|_| vec![0; BUFFER]).collect(),
            metas: vec![RecvMeta::default(); BATCH],
            count: 0,
        }
    }

    /// The datagrams of the last batch, taken by a port bound to `local`.
    pub(crate) fn datagrams(&mut self, local: SocketAddr) -> impl Iterator<Item = Received<'_>> {
        let trains = self.buffers.iter_mut().zip(&self.metas).take(self.count);
        trains.flat_map(move |(buffer, meta)| {
            let source = canonical(meta.addr);
            let ip = meta.dst_ip.unwrap_or(local.ip()).to_canonical();
            let destination = SocketAddr::new(ip, local.port());
            let bytes = buffer.get_mut(..meta.len).unwrap_or_default();
            bytes
                .chunks_mut(meta.stride.max(1))
                .map(move |contents| Received {
                    source,
                    destination,
                    contents,
                })
        })
    }
}

impl UdpPort {
    pub(crate) fn bind(address: SocketAddr) -> io::Result<Self> {
        Self::over(open(address, false)?)
    }

    /// Binds several sockets to one port; the kernel gives each source's datagrams to one of them.
    pub(crate) fn bind_together(address: SocketAddr, count: usize) -> io::Result<Vec<Self>> {
        // The kernel would let another process of ours join in. This finds a port that is taken already.
        let probe = open(address, false)?;
        let address = probe.local_addr()?;
        drop(probe);
        (0..count).map(|_| Self::over(open(address, true)?)).collect()
    }

    /// The same socket for another thread to send from.
    pub(crate) fn share(&self) -> io::Result<Self> {
        let socket = self.socket.as_fd().try_clone_to_owned()?;
        Self::over(socket.into())
    }

    fn over(socket: std::net::UdpSocket) -> io::Result<Self> {
        let socket = UdpSocket::from_std(socket);
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
        Ok(Self {
            socket,
            state,
            local,
            train: Train::new(),
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

    pub(crate) fn local(&self) -> SocketAddr {
        self.local
    }

    /// Takes one batch; true where more may be waiting. A batch that is not full has emptied the socket, which need not
    /// be asked again before it wakes its thread.
    pub(crate) fn receive(&self, inbound: &mut Inbound) -> io::Result<bool> {
        inbound.count = 0;
        let mut buffers = inbound.buffers.iter_mut();
        let mut slices: [IoSliceMut<'_>; BATCH] = std::array::from_fn(|_| match buffers.next() {
            Some(buffer) => IoSliceMut::new(buffer),
            None => IoSliceMut::new(&mut []),
        });
        let received = self
            .state
            .recv(UdpSockRef::from(&self.socket), &mut slices, &mut inbound.metas);
        match received {
            Ok(count) => {
                inbound.count = count;
                Ok(count == BATCH.min(quinn_udp::BATCH_SIZE))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Queues a datagram; it leaves with the train, at the latest by [`UdpPort::flush`].
    pub(crate) fn send(&mut self, source: IpAddr, destination: SocketAddr, contents: &[u8]) {
        let length = contents.len();
        let begin = self.begin(source, destination, length);
        if let Some(room) = self.train.bytes.get_mut(begin..begin + length) {
            room.copy_from_slice(contents);
            self.take(begin, length);
        }
    }

    /// Lets `write` put a datagram to where the train ends, so that it is sealed where it is sent from, and give its
    /// length; of a failed one nothing is sent. There is room for [`ROOM`] bytes.
    #[inline]
    pub(crate) fn write<E>(
        &mut self,
        source: IpAddr,
        destination: SocketAddr,
        write: impl FnOnce(&mut [u8]) -> Result<usize, E>,
    ) -> Result<(), E> {
        let begin = self.begin(source, destination, ROOM);
        let length = write(self.train.bytes.get_mut(begin..).unwrap_or_default())?;
        self.take(begin, length);
        Ok(())
    }

    /// Where the next datagram begins, that has so many bytes at most.
    #[inline]
    fn begin(&mut self, source: IpAddr, destination: SocketAddr, length: usize) -> usize {
        let limit = TRAIN.min(self.state.max_gso_segments());
        let train = &self.train;
        let joins = train.destination == Some((destination, source)) && !train.closed && train.count < limit;
        if !joins {
            self.flush();
            self.train.destination = Some((destination, source));
        }
        let train = &mut self.train;
        if train.bytes.len() < train.used + length {
            train.bytes.resize(train.used + length, 0);
        }
        train.used
    }

    /// Takes a datagram that was written behind the train into it.
    fn take(&mut self, begin: usize, length: usize) {
        let train = &mut self.train;
        train.used = begin + length;
        if train.count > 0 && length > train.segment {
            // A longer datagram cannot follow in the same train; it begins the next one.
            self.send_train(begin);
            let train = &mut self.train;
            train.bytes.copy_within(begin..begin + length, 0);
            train.used = length;
            train.count = 0;
        }
        let train = &mut self.train;
        if train.count == 0 {
            train.segment = length;
        }
        // A shorter segment can only be the last of a train.
        train.closed = length < train.segment;
        train.count += 1;
    }

    /// Sends what is queued. Media that the kernel has no room for is dropped and counted, never waited for.
    pub(crate) fn flush(&mut self) {
        if self.train.count > 0 {
            self.send_train(self.train.used);
        }
        self.train.destination = None;
        self.train.used = 0;
        self.train.count = 0;
        self.train.closed = false;
    }

    /// Throws away what is queued, in whatever state it was left.
    pub(crate) fn abandon(&mut self) {
        self.train = Train::new();
    }

    fn send_train(&mut self, length: usize) {
        let Some((destination, source)) = self.train.destination else {
            return;
        };
        let count = self.train.count as u64;
        let transmit = Transmit {
            destination: self.on_wire(destination),
            ecn: None,
            contents: self.train.bytes.get(..length).unwrap_or_default(),
            segment_size: (self.train.count > 1).then_some(self.train.segment),
            src_ip: (!source.is_unspecified()).then(|| self.ip_on_wire(source)),
        };
        match self.state.try_send(UdpSockRef::from(&self.socket), &transmit) {
            Ok(()) => {
                self.sent += count;
                self.sent_bytes += length as u64;
            }
            Err(error) => {
                self.dropped += count;
                tracing::trace!(kind = ?error.kind(), "datagrams were not sent");
            }
        }
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

fn open(address: SocketAddr, together: bool) -> io::Result<std::net::UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    socket.set_reuse_port(together)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket.into())
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
    fn a_batch_that_is_not_full_was_the_last() {
        let receiver = UdpPort::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let sender = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let full = BATCH.min(quinn_udp::BATCH_SIZE);
        for index in 0..full + 3 {
            sender.send_to(&[index as u8], receiver.local()).unwrap();
        }
        let mut inbound = Inbound::new();
        let mut taken = Vec::new();
        let mut more = true;
        while more {
            more = receiver.receive(&mut inbound).unwrap();
            taken.push(inbound.datagrams(receiver.local()).count());
        }
        assert_eq!(taken, [full, 3]);
    }

    #[test]
    fn several_sockets_share_a_port_that_nobody_else_has() {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let ports = UdpPort::bind_together(any, 3).unwrap();
        let address = ports[0].local();
        assert!(ports.iter().all(|port| port.local() == address));
        assert!(UdpPort::bind_together(address, 2).is_err());
        assert!(UdpPort::bind(address).is_err());
        let mut twin = ports[0].share().unwrap();
        let receiver = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        twin.send(address.ip(), receiver.local_addr().unwrap(), &[7]);
        twin.flush();
        let mut buffer = [0; 8];
        assert_eq!(receiver.recv_from(&mut buffer).unwrap(), (1, address));
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
