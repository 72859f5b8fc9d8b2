//! A light client's socket.

use std::io::{self, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Instant;

use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSockRef, UdpSocketState};

/// The largest datagram read singly.
const DATAGRAM: usize = 2_048;
/// The largest train of datagrams.
const TRAIN: usize = 64 * 1024;
/// Datagrams read from one socket before others get their turn.
const TURN: usize = 256;

/// Packets of one moment, in the order in which they are sent.
#[derive(Debug, Default)]
pub(super) struct Train {
    pub(super) bytes: Vec<u8>,
    /// Where each packet ends.
    pub(super) ends: Vec<usize>,
}

impl Train {
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }
}

/// Room to receive into, shared by all sockets of a thread.
pub(super) struct Buffers {
    single: Vec<u8>,
    trains: Vec<Vec<u8>>,
    metas: Vec<RecvMeta>,
}

impl Buffers {
    pub(super) fn new() -> Self {
        Self {
            single: vec![0; DATAGRAM],
            trains: vec![vec![0; TRAIN]; BATCH_SIZE],
            metas: vec![RecvMeta::default(); BATCH_SIZE],
        }
    }
}

pub(super) struct Wire {
    socket: Arc<UdpSocket>,
    server: SocketAddr,
    /// Present where trains are sent and received.
    trains: Option<UdpSocketState>,
    pub(super) unsent: u64,
}

impl Wire {
    pub(super) fn new(socket: Arc<UdpSocket>, server: SocketAddr) -> Self {
        Self {
            socket,
            server,
            trains: None,
            unsent: 0,
        }
    }

    /// Has trains sent and received from now on.
    pub(super) fn use_trains(&mut self) -> io::Result<()> {
        self.trains = Some(UdpSocketState::new(UdpSockRef::from(&*self.socket))?);
        Ok(())
    }

    pub(super) fn socket(&self) -> &UdpSocket {
        &self.socket
    }

    /// Reads what has come, with the moment it was read; false where more may wait.
    pub(super) fn receive(
        &self,
        buffers: &mut Buffers,
        mut each: impl FnMut(SocketAddr, &mut [u8], Instant),
    ) -> bool {
        let Some(state) = &self.trains else {
            for _ in 0..TURN {
                match self.socket.recv_from(&mut buffers.single) {
                    Ok((length, source)) => {
                        let contents = buffers.single.get_mut(..length).unwrap_or_default();
                        each(source, contents, Instant::now());
                    }
                    // An earlier datagram may have met a closed port; the socket goes on.
                    Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
                    Err(_) => return true,
                }
            }
            return false;
        };
        let mut slices: Vec<IoSliceMut<'_>> = buffers
            .trains
            .iter_mut()
            .map(|buffer| IoSliceMut::new(buffer))
            .collect();
        let socket = UdpSockRef::from(&*self.socket);
        let Ok(count) = state.recv(socket, &mut slices, &mut buffers.metas) else {
            return true;
        };
        drop(slices);
        let now = Instant::now();
        for (meta, buffer) in buffers.metas.iter().zip(&mut buffers.trains).take(count) {
            let contents = buffer.get_mut(..meta.len).unwrap_or_default();
            for datagram in contents.chunks_mut(meta.stride.max(1)) {
                each(meta.addr, datagram, now);
            }
        }
        false
    }

    pub(super) fn send(&mut self, contents: &[u8]) {
        let sent = self.socket.send_to(contents, self.server);
        self.unsent += u64::from(sent.is_err());
    }

    /// Sends a train: equal packets in one call where the socket can.
    pub(super) fn send_train(&mut self, train: &Train) {
        let Some(state) = &self.trains else {
            let mut start = 0;
            for end in &train.ends {
                let contents = train.bytes.get(start..*end).unwrap_or_default();
                let sent = self.socket.send_to(contents, self.server);
                self.unsent += u64::from(sent.is_err());
                start = *end;
            }
            return;
        };
        for (range, segment, count) in runs(&train.ends, state.max_gso_segments()) {
            let transmit = Transmit {
                destination: self.server,
                ecn: None,
                contents: train.bytes.get(range).unwrap_or_default(),
                segment_size: (count > 1).then_some(segment),
                src_ip: None,
            };
            let sent = state.try_send(UdpSockRef::from(&*self.socket), &transmit);
            self.unsent += if sent.is_err() { count as u64 } else { 0 };
        }
    }
}

/// Cuts a train into runs that one call can send: packets of one size, of which the last may be shorter. Gives the
/// bytes of each, the size and the number of packets.
fn runs(ends: &[usize], most: usize) -> Vec<(std::ops::Range<usize>, usize, usize)> {
    let mut runs: Vec<(std::ops::Range<usize>, usize, usize)> = Vec::new();
    let mut start = 0;
    let mut closed = true;
    for end in ends {
        let length = end - start;
        match runs.last_mut() {
            Some((range, segment, count))
                if !closed
                    && length <= *segment
                    && *count < most
                    && end - range.start <= TRAIN - DATAGRAM =>
            {
                range.end = *end;
                *count += 1;
                closed = length < *segment;
            }
            _ => {
                runs.push((start..*end, length, 1));
                closed = false;
            }
        }
        start = *end;
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trains_are_cut_where_a_packet_is_longer_or_follows_a_shorter_one() {
        let sizes = [1_200, 1_200, 1_199, 1_200, 1_201, 40];
        let ends: Vec<usize> = sizes
            .iter()
            .scan(0, |end, size| {
                *end += size;
                Some(*end)
            })
            .collect();
        let runs: Vec<(usize, usize)> = runs(&ends, 64)
            .into_iter()
            .map(|(_, size, count)| (size, count))
            .collect();
        assert_eq!(runs, [(1_200, 3), (1_200, 1), (1_201, 2)]);
    }

    #[test]
    fn a_train_is_no_longer_than_the_kernel_takes() {
        let ends: Vec<usize> = (1..=5).map(|n| n * 1_200).collect();
        assert_eq!(runs(&ends, 2).len(), 3);
        let ends: Vec<usize> = (1..=100).map(|n| n * 1_200).collect();
        assert!(runs(&ends, 1_000).iter().all(|(range, ..)| range.len() < TRAIN));
    }

    #[test]
    fn a_train_arrives_packet_by_packet() {
        let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
        let sender = Arc::new(UdpSocket::bind("127.0.0.1:0").unwrap());
        let mut wire = Wire::new(sender, receiver.local_addr().unwrap());
        wire.use_trains().unwrap();
        let train = Train {
            bytes: vec![7; 2_900],
            ends: vec![1_000, 2_000, 2_900],
        };
        wire.send_train(&train);
        let mut buffer = [0; 2_000];
        let lengths: Vec<usize> = (0..3).map(|_| receiver.recv(&mut buffer).unwrap()).collect();
        assert_eq!((lengths, wire.unsent), (vec![1_000, 1_000, 900], 0));
    }
}
