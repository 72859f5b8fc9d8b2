use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use bytes::Bytes;
use tertulia_engine::ChannelLabel;
use tertulia_model::{Identity, ParticipantId};
use tertulia_room::{Command, DataMessage};

use super::chat::PartialChat;
use super::resume::REPLAY_FOR;
use crate::connection::{Bucket, Participant};
use crate::convert::{Inspected, Payload, Sender, inspect};
use crate::stats::Counters;
use crate::wire::WireError;

/// What a participant may send a second, and for how many seconds at once; everybody else must receive it.
const MESSAGES_PER_SECOND: u32 = 1_000;
const BYTES_PER_SECOND: u32 = 8_000_000;
const BURST_S: u32 = 4;
/// Messages kept for a participant whose channels are not open yet.
const MAX_WAITING: usize = 512;
const MAX_WAITING_BYTES: usize = 1024 * 1024;
/// Reliable messages kept for a participant that may have missed them.
const MAX_REPLAY_BYTES: usize = 1024 * 1024;

/// Where the conversation over data channels stands.
#[derive(Debug)]
pub(crate) struct DataState {
    messages: Bucket,
    bytes: Bucket,
    /// Number of the client's last reliable message.
    last_sequence: u32,
    reliable: Outgoing,
    lossy: Outgoing,
    /// Reliable messages sent lately, for replay after a resume.
    sent: VecDeque<Sent>,
    sent_bytes: usize,
    /// Chat messages whose text is still arriving, by stream.
    pub(super) chats: BTreeMap<String, PartialChat>,
}

/// One channel towards the client.
#[derive(Debug, Default)]
struct Outgoing {
    open: bool,
    waiting: Vec<Bytes>,
    waiting_bytes: usize,
}

#[derive(Debug)]
struct Sent {
    at: Instant,
    publisher: String,
    sequence: u32,
    contents: Bytes,
}

impl DataState {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            messages: Bucket::new(MESSAGES_PER_SECOND, BURST_S, now),
            bytes: Bucket::new(BYTES_PER_SECOND, BURST_S, now),
            last_sequence: 0,
            reliable: Outgoing::default(),
            lossy: Outgoing::default(),
            sent: VecDeque::new(),
            sent_bytes: 0,
            chats: BTreeMap::new(),
        }
    }

    /// Whether the client may send a message of so many bytes now.
    fn admits(&mut self, bytes: usize, now: Instant) -> bool {
        self.messages.take(1, now) && self.bytes.take(bytes, now)
    }

    /// Number of the client's last reliable message.
    pub(crate) fn last_sequence(&self) -> u32 {
        self.last_sequence
    }

    fn outgoing(&mut self, label: ChannelLabel) -> &mut Outgoing {
        if label == ChannelLabel::Lossy {
            &mut self.lossy
        } else {
            &mut self.reliable
        }
    }

    /// Whether a reliable message is new. Unnumbered ones always are.
    fn is_new(&mut self, sequence: u32) -> bool {
        if sequence == 0 {
            return true;
        }
        let new = sequence > self.last_sequence;
        self.last_sequence = self.last_sequence.max(sequence);
        new
    }

    /// Gives back the messages that may be sent now; the rest waits for the channel to open.
    fn pass(&mut self, label: ChannelLabel, contents: Bytes) -> Option<Bytes> {
        let outgoing = self.outgoing(label);
        if outgoing.open {
            return Some(contents);
        }
        let full = outgoing.waiting.len() >= MAX_WAITING
            || outgoing.waiting_bytes + contents.len() > MAX_WAITING_BYTES;
        if !full {
            outgoing.waiting_bytes += contents.len();
            outgoing.waiting.push(contents);
        }
        None
    }

    fn open(&mut self, label: ChannelLabel) -> Vec<Bytes> {
        let outgoing = self.outgoing(label);
        outgoing.open = true;
        outgoing.waiting_bytes = 0;
        std::mem::take(&mut outgoing.waiting)
    }

    fn keep(&mut self, publisher: String, sequence: u32, contents: Bytes, now: Instant) {
        self.sent_bytes += contents.len();
        self.sent.push_back(Sent {
            at: now,
            publisher,
            sequence,
            contents,
        });
        while self.sent.front().is_some_and(|oldest| {
            self.sent_bytes > MAX_REPLAY_BYTES || now.saturating_duration_since(oldest.at) > REPLAY_FOR
        }) {
            if let Some(oldest) = self.sent.pop_front() {
                self.sent_bytes -= oldest.contents.len();
            }
        }
    }

    /// What the client has not seen, given the last number it saw of each publisher.
    fn missed(&self, received: &[(String, u32)]) -> Vec<Bytes> {
        let seen: BTreeMap<&str, u32> = received.iter().map(|(id, last)| (id.as_str(), *last)).collect();
        let missed = |sent: &&Sent| {
            seen.get(sent.publisher.as_str())
                .is_none_or(|last| sent.sequence > *last)
        };
        self.sent
            .iter()
            .filter(missed)
            .map(|sent| sent.contents.clone())
            .collect()
    }
}

impl Participant {
    /// Takes a data packet of the client.
    pub(crate) async fn on_data(&mut self, label: ChannelLabel, contents: Bytes) {
        let reliable = match label {
            ChannelLabel::Reliable => true,
            ChannelLabel::Lossy => false,
            // Nobody can have announced a data track.
            ChannelLabel::DataTrack => return,
        };
        if !self.data.admits(contents.len(), Instant::now()) {
            Counters::up(&self.door.counters().data_refused);
            tracing::debug!(participant = %self.id, "data dropped: more than one may send");
            return;
        }
        if let Err(error) = self.take_packet(reliable, &contents).await {
            Counters::up(&self.door.counters().data_refused);
            tracing::debug!(participant = %self.id, %error, "data packet refused");
        }
    }

    async fn take_packet(&mut self, reliable: bool, contents: &Bytes) -> Result<(), WireError> {
        let packet = inspect(contents)?;
        if reliable && !self.data.is_new(packet.sequence) {
            return Ok(());
        }
        match &packet.payload {
            Payload::RpcAck { request_id } if self.door.awaits_rpc(request_id) => return Ok(()),
            Payload::RpcResponse { request_id, result }
                if self.door.answer_rpc(request_id, result.clone()) =>
            {
                return Ok(());
            }
            Payload::Transcription if !self.info.permission.agent => {
                return Err(WireError::Invalid("sender"));
            }
            Payload::User(_) if !self.door.is_new_message(self.room.name(), &packet.nonce) => return Ok(()),
            _ => {}
        }
        if self.take_chat(&packet).await {
            return Ok(());
        }
        self.forward(&packet, contents, reliable).await
    }

    async fn forward(
        &mut self,
        packet: &Inspected,
        contents: &Bytes,
        reliable: bool,
    ) -> Result<(), WireError> {
        let mut destinations = Vec::new();
        for identity in &packet.destinations {
            destinations.push(Identity::parse(identity).map_err(|_| WireError::Invalid("destination"))?);
        }
        let of_stays = packet
            .destination_sids
            .iter()
            .filter_map(|sid| ParticipantId::parse(sid).and_then(|id| self.roster.identity(&id).cloned()));
        destinations.extend(of_stays);
        let named = !packet.destinations.is_empty() || !packet.destination_sids.is_empty();
        if named && destinations.is_empty() {
            // Everybody it was meant for is gone; an empty list would mean everybody.
            return Ok(());
        }
        let names: Vec<String> = destinations.iter().map(ToString::to_string).collect();
        let sender = Sender {
            identity: self.info.identity.as_str(),
            sid: self.id.as_str(),
            hidden: self.info.permission.hidden,
            agent: self.info.permission.agent,
        };
        let message = DataMessage {
            sender: None,
            reliable,
            destinations,
            topic: packet.topic.clone(),
            payload: packet.forward(contents, sender, reliable, &names)?,
            sequence: if reliable { packet.sequence } else { 0 },
            metrics: packet.payload == Payload::Metrics,
        };
        if let Err(refusal) = self.ask(Command::SendData(message)).await {
            Counters::up(&self.door.counters().data_refused);
            tracing::debug!(participant = %self.id, %refusal, "data refused");
        }
        Ok(())
    }

    /// Sends the client a message of somebody else.
    pub(crate) async fn deliver(&mut self, from: Option<&ParticipantId>, message: &DataMessage) {
        if from == Some(&self.id) {
            return;
        }
        let label = if message.reliable {
            ChannelLabel::Reliable
        } else {
            ChannelLabel::Lossy
        };
        if message.reliable
            && message.sequence > 0
            && let Some(from) = from
        {
            let publisher = from.to_string();
            self.data.keep(
                publisher,
                message.sequence,
                message.payload.clone(),
                Instant::now(),
            );
        }
        self.pass_on(label, message.payload.clone()).await;
    }

    /// Sends a packet down a channel once it is open.
    pub(super) async fn pass_on(&mut self, label: ChannelLabel, contents: Bytes) {
        if let Some(contents) = self.data.pass(label, contents) {
            self.send_channel(label, contents).await;
        }
    }

    pub(crate) async fn on_channel_open(&mut self, label: ChannelLabel) {
        for contents in self.data.open(label) {
            self.send_channel(label, contents).await;
        }
    }

    /// Sends again what the client has not seen of each publisher's reliable messages.
    pub(crate) async fn replay(&mut self, received: &[(String, u32)]) {
        for contents in self.data.missed(received) {
            self.pass_on(ChannelLabel::Reliable, contents).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_reliable_messages_are_told_from_new_ones() {
        let mut data = DataState::new(Instant::now());
        let seen: Vec<bool> = [1, 2, 2, 1, 0, 3]
            .into_iter()
            .map(|number| data.is_new(number))
            .collect();
        assert_eq!(seen, [true, true, false, false, true, true]);
        assert_eq!(data.last_sequence(), 3);
    }

    #[test]
    fn more_than_one_may_send_is_dropped() {
        let now = Instant::now();
        let mut data = DataState::new(now);
        let most = (MESSAGES_PER_SECOND * BURST_S) as usize;
        assert!((0..most).all(|_| data.admits(10, now)));
        assert!(!data.admits(10, now));
        let mut data = DataState::new(now);
        assert!((0..500).all(|_| data.admits(64_000, now)));
        assert!(!data.admits(64_000, now));
    }

    #[test]
    fn messages_wait_for_their_channel_within_bounds() {
        let mut data = DataState::new(Instant::now());
        for number in 0..MAX_WAITING + 10 {
            let byte = u8::try_from(number % 256).unwrap();
            assert_eq!(
                data.pass(ChannelLabel::Reliable, Bytes::copy_from_slice(&[byte])),
                None
            );
        }
        let huge = Bytes::from(vec![0; MAX_WAITING_BYTES + 1]);
        assert_eq!(data.pass(ChannelLabel::Lossy, huge), None);
        assert_eq!(data.open(ChannelLabel::Reliable).len(), MAX_WAITING);
        assert!(data.open(ChannelLabel::Lossy).is_empty());
        let after = Bytes::from_static(b"x");
        assert_eq!(data.pass(ChannelLabel::Reliable, after.clone()), Some(after));
    }

    #[test]
    fn a_resumed_client_gets_what_it_missed_and_nothing_twice() {
        let now = Instant::now();
        let mut data = DataState::new(Instant::now());
        for (publisher, sequence) in [("PA_1", 1), ("PA_1", 2), ("PA_2", 7), ("PA_3", 1)] {
            data.keep(
                publisher.to_owned(),
                sequence,
                Bytes::from(format!("{publisher}/{sequence}")),
                now,
            );
        }
        let missed = data.missed(&[("PA_1".to_owned(), 1), ("PA_2".to_owned(), 7)]);
        assert_eq!(missed, ["PA_1/2", "PA_3/1"]);
    }

    #[test]
    fn old_and_too_many_messages_are_not_kept() {
        let now = Instant::now();
        let mut data = DataState::new(Instant::now());
        data.keep("PA_1".to_owned(), 1, Bytes::from(vec![0; MAX_REPLAY_BYTES]), now);
        data.keep("PA_1".to_owned(), 2, Bytes::from_static(b"a"), now);
        assert_eq!(data.missed(&[]), ["a"]);
        data.keep(
            "PA_1".to_owned(),
            3,
            Bytes::from_static(b"b"),
            now + REPLAY_FOR * 2,
        );
        assert_eq!(data.missed(&[]), ["b"]);
    }
}
