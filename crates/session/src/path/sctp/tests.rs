use super::*;
use sctp_proto::{AssociationHandle, ClientConfig};
use std::time::Duration;

/// The peer's end, and what passes between the two.
struct Peer {
    sctp: Sctp,
    endpoint: Endpoint,
    handle: AssociationHandle,
    association: Association,
    now: Instant,
    /// The first and the last packet of the peer's, and all of ours.
    first: Vec<u8>,
    last: Vec<u8>,
    answers: Vec<Vec<u8>>,
    events: Vec<SctpEvent>,
}

#[allow(
    clippy::disallowed_methods,
    reason = "an instant can only be had from the clock; from here on it is virtual"
)]
fn peer() -> Peer {
    let mut endpoint = Endpoint::new(Arc::new(EndpointConfig::default()), None);
    let (handle, association) = endpoint.connect(ClientConfig::default(), PEER).unwrap();
    let mut peer = Peer {
        sctp: Sctp::new(),
        endpoint,
        handle,
        association,
        now: Instant::now(),
        first: Vec::new(),
        last: Vec::new(),
        answers: Vec::new(),
        events: Vec::new(),
    };
    peer.run();
    peer.open(0, "first");
    assert_eq!(
        peer.events.pop(),
        Some(SctpEvent::Opened {
            id: 0,
            label: "first".into()
        })
    );
    peer
}

impl Peer {
    /// Lets packets pass until none does.
    fn run(&mut self) {
        for _ in 0..100 {
            let mut passed = false;
            while let Some(Payload::RawEncode(packets)) =
                self.association.poll_transmit(self.now).map(|sent| sent.payload)
            {
                for packet in packets {
                    passed = true;
                    self.last = packet.to_vec();
                    if self.first.is_empty() {
                        self.first.clone_from(&self.last);
                    }
                    self.sctp.receive(&packet, self.now);
                }
            }
            passed |= self.answer();
            while self.association.poll().is_some() {}
            if !passed {
                break;
            }
        }
        self.events.extend(std::iter::from_fn(|| self.sctp.poll_event()));
    }

    fn answer(&mut self) -> bool {
        let mut passed = false;
        while let Some(packets) = self.sctp.poll_transmit(self.now) {
            for packet in packets {
                passed = true;
                self.answers.push(packet.to_vec());
                if let Some((handle, DatagramEvent::AssociationEvent(event))) =
                    self.endpoint.handle(self.now, PEER, None, None, packet)
                {
                    assert_eq!(handle, self.handle);
                    self.association.handle_event(event);
                }
            }
        }
        passed
    }

    fn open(&mut self, id: u16, label: &str) {
        let open = Open {
            label: label.into(),
            ordered: true,
            reliability: Reliability::Reliable,
        };
        let mut stream = self
            .association
            .open_stream(id, PayloadProtocolIdentifier::Binary)
            .unwrap();
        stream
            .write_with_ppi(&open.write(), PayloadProtocolIdentifier::Dcep)
            .unwrap();
        self.run();
    }

    /// Whether a message still arrives.
    fn works(&mut self) -> bool {
        let written = self
            .association
            .stream(0)
            .and_then(|mut stream| stream.write_with_ppi(b"hello", PayloadProtocolIdentifier::String));
        for _ in 0..10 {
            self.run();
            self.now += Duration::from_secs(1);
            self.association.handle_timeout(self.now);
            self.sctp.handle_timeout(self.now);
        }
        let message = SctpEvent::Message {
            id: 0,
            contents: b"hello".to_vec(),
        };
        written.is_ok() && self.events.contains(&message)
    }

    /// Sends chunks of our making in the peer's name.
    fn inject(&mut self, chunks: &[u8]) {
        let mut packet = self.last[..12].to_vec();
        packet.extend_from_slice(chunks);
        seal(&mut packet);
        self.sctp.receive(&packet, self.now);
        self.run();
    }

    /// The number of the next DATA chunk.
    fn next_tsn(&mut self) -> u32 {
        self.association
            .stream(0)
            .unwrap()
            .write_with_ppi(b"x", PayloadProtocolIdentifier::String)
            .unwrap();
        self.run();
        u32::from_be_bytes(self.last[16..20].try_into().unwrap()) + 1
    }
}

/// Puts the checksum in its place (RFC 9260 §6.8, CRC-32C).
fn seal(packet: &mut [u8]) {
    packet[8..12].fill(0);
    let remainder = packet.iter().fold(u32::MAX, |remainder, byte| {
        (0..8).fold(remainder ^ u32::from(*byte), |remainder, _| {
            (remainder >> 1) ^ (0x82f6_3b78 & (remainder & 1).wrapping_neg())
        })
    });
    packet[8..12].copy_from_slice(&(!remainder).to_le_bytes());
}

fn data(flags: u8, tsn: u32, stream: u16, ordinal: u16, contents: &[u8]) -> Vec<u8> {
    let mut chunk = vec![0, flags];
    chunk.extend_from_slice(&u16::try_from(16 + contents.len()).unwrap().to_be_bytes());
    chunk.extend_from_slice(&tsn.to_be_bytes());
    chunk.extend_from_slice(&stream.to_be_bytes());
    chunk.extend_from_slice(&ordinal.to_be_bytes());
    chunk.extend_from_slice(&53_u32.to_be_bytes());
    chunk.extend_from_slice(contents);
    chunk.resize(chunk.len().next_multiple_of(4), 0);
    chunk
}

fn is_over(peer: &Peer) -> bool {
    peer.sctp.over
}

#[test]
fn channels_open_carry_messages_and_close() {
    let mut peer = peer();
    assert!(peer.works());
    assert_eq!(peer.sctp.send(0, b"and back"), Some(true));
    assert_eq!(peer.sctp.send(0, b""), Some(true));
    assert_eq!(peer.sctp.send(4, b"nowhere"), None);
    peer.run();
    let mut stream = peer.association.stream(0).unwrap();
    let mut read = |length| {
        let chunks = stream.read().unwrap().unwrap();
        let mut contents = vec![0; length];
        chunks.read(&mut contents).unwrap();
        (contents, chunks.ppi)
    };
    assert_eq!(
        read(1).1,
        PayloadProtocolIdentifier::Dcep,
        "the answer to the request"
    );
    assert_eq!(read(8), (b"and back".to_vec(), PayloadProtocolIdentifier::Binary));
    assert_eq!(read(1), (vec![0], PayloadProtocolIdentifier::BinaryEmpty));
    peer.association.stream(0).unwrap().close().unwrap();
    peer.run();
    assert_eq!(peer.events.pop(), Some(SctpEvent::Closed { id: 0 }));
}

#[test]
fn requests_for_other_associations_and_late_ones_change_nothing() {
    let mut peer = peer();
    for tag in 1..5_000_u32 {
        let mut init = vec![0x13, 0x88, 0x13, 0x88, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 20];
        init.extend_from_slice(&tag.to_be_bytes());
        init.extend_from_slice(&[0, 16, 0, 0, 1, 0, 1, 0, 0, 0, 0, 1]);
        seal(&mut init);
        peer.sctp.receive(&init, peer.now);
    }
    peer.answers.clear();
    peer.run();
    assert!(peer.answers.is_empty(), "nobody is answered");
    let again = peer.first.clone();
    peer.sctp.receive(&again, peer.now);
    assert!(peer.works());
}

#[test]
fn a_cookie_that_is_stale_or_forged_changes_nothing() {
    let mut peer = peer();
    let mut echo = vec![10, 0, 0, 36];
    echo.extend_from_slice(&[0xab; 32]);
    peer.inject(&echo);
    assert!(peer.works());
}

#[test]
fn chunks_that_cannot_be_change_nothing() {
    let mut peer = peer();
    for chunk in [
        &[0_u8, 3, 0, 0][..],
        &[0, 3, 0, 16, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 53],
        &[192, 0, 0, 3],
        &[130, 0, 0, 0],
        &[3, 0, 0, 255],
        &[6],
    ] {
        peer.inject(chunk);
    }
    peer.sctp.receive(&[], peer.now);
    peer.sctp.receive(&[0xff; 40], peer.now);
    assert!(peer.works());
}

#[test]
fn skipping_ahead_harms_nobody_else() {
    let mut peer = peer();
    let next = peer.next_tsn();
    let mut jump = vec![192, 0, 0, 8];
    jump.extend_from_slice(&next.wrapping_add(0x7fff_0000).to_be_bytes());
    peer.inject(&jump);
    // What the peer sends by its own count is now old: its channel is dead, and that is all.
    assert!(!peer.works());
    assert_eq!(peer.sctp.send(0, b"from us"), Some(true));
}

#[test]
fn a_message_without_an_end_stops_at_its_bound() {
    let mut peer = peer();
    let first = peer.next_tsn();
    let piece = [7; 1_000];
    for number in 0..1_000_u32 {
        let begins = if number == 0 { 2 } else { 0 };
        peer.inject(&data(begins, first.wrapping_add(number), 0, 3, &piece));
        if is_over(&peer) {
            assert!(number * 1_000 < MAX_MESSAGE + 2_000, "{number} kB were kept");
            assert_eq!(peer.events.pop(), Some(SctpEvent::Closed { id: 0 }));
            return;
        }
    }
    panic!("a megabyte without an end was taken");
}

#[test]
fn pieces_that_are_kept_for_nothing_end_the_association() {
    let mut peer = peer();
    let first = peer.next_tsn();
    for number in 0..20_000_u32 {
        // Whole messages that all wait for one before them.
        let tsn = first.wrapping_add(number + 1);
        peer.inject(&data(7, tsn, 0, 0, b"x"));
        if is_over(&peer) {
            assert!(number > 4_000);
            return;
        }
    }
    panic!("20 000 pieces were kept");
}

#[test]
fn a_stream_beyond_those_agreed_ends_the_association() {
    let mut peer = peer();
    let next = peer.next_tsn();
    peer.inject(&data(3, next, MAX_STREAMS, 0, b"x"));
    assert!(is_over(&peer));
    assert_eq!(peer.events.pop(), Some(SctpEvent::Closed { id: 0 }));
    assert_eq!(peer.sctp.send(0, b"late"), None);
}

#[test]
fn streams_without_a_request_are_refused_and_bounded() {
    let mut peer = peer();
    let first = peer.next_tsn();
    for id in 1..MAX_STREAMS {
        peer.inject(&data(
            3,
            first.wrapping_add(u32::from(id) - 1),
            id,
            0,
            b"no request",
        ));
    }
    assert!(!is_over(&peer));
    assert_eq!(peer.sctp.channels.len(), 1);
    assert!(
        !peer
            .events
            .iter()
            .any(|event| matches!(event, SctpEvent::Message { id, .. } if *id != 0))
    );
}
