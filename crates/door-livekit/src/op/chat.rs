use std::time::{Duration, Instant};

use tertulia_engine::ChannelLabel;
use tertulia_room::{ChatInput, ChatMessage, Command};

use crate::connection::Participant;
use crate::convert::{ChatPart, Inspected, MAX_CHAT_BYTES, Payload, chat_packets};
use crate::stats::Counters;

/// Chat messages of one participant whose text may be arriving at the same time.
const MAX_PARTIAL: usize = 8;
/// How long a text may take to arrive.
const MAX_AGE: Duration = Duration::from_secs(60);

/// A chat message whose text is still arriving.
#[derive(Debug)]
pub(super) struct PartialChat {
    began: Instant,
    next: u64,
    bytes: Vec<u8>,
}

impl Participant {
    /// Takes a packet that is a chat message or a piece of one, in any of its forms; false when it is neither.
    ///
    /// A message to some only is no chat of the room and is forwarded as it is.
    pub(super) async fn take_chat(&mut self, packet: &Inspected) -> bool {
        let for_other = self.info.permission.agent
            && !packet.claimed.is_empty()
            && packet.claimed != self.info.identity.as_str();
        let to_all = packet.destinations.is_empty() && packet.destination_sids.is_empty() && !for_other;
        match &packet.payload {
            Payload::Chat {
                plain: Some((id, text)),
                ..
            } if to_all => {
                self.say(id.clone(), text.clone()).await;
                true
            }
            Payload::Stream(ChatPart::Begin { stream_id, text }, _) if to_all => {
                match text {
                    Some(text) => self.say(stream_id.clone(), text.clone()).await,
                    None => self.begin_chat(stream_id.clone()),
                }
                true
            }
            Payload::Stream(
                ChatPart::Chunk {
                    stream_id,
                    index,
                    content,
                },
                _,
            ) => self.continue_chat(stream_id, *index, content),
            Payload::Stream(ChatPart::End { stream_id, broken }, _) => {
                let Some(chat) = self.data.chats.remove(stream_id) else {
                    return false;
                };
                match String::from_utf8(chat.bytes) {
                    Ok(text) if !broken => self.say(stream_id.clone(), text).await,
                    _ => Counters::up(&self.door.counters().data_refused),
                }
                true
            }
            _ => false,
        }
    }

    fn begin_chat(&mut self, stream_id: String) {
        let now = Instant::now();
        self.data
            .chats
            .retain(|_, chat| now.saturating_duration_since(chat.began) < MAX_AGE);
        if self.data.chats.len() >= MAX_PARTIAL {
            Counters::up(&self.door.counters().data_refused);
            return;
        }
        self.data.chats.insert(
            stream_id,
            PartialChat {
                began: now,
                next: 0,
                bytes: Vec::new(),
            },
        );
    }

    fn continue_chat(&mut self, stream_id: &str, index: u64, content: &[u8]) -> bool {
        let Some(chat) = self.data.chats.get_mut(stream_id) else {
            return false;
        };
        if chat.next != index || chat.bytes.len() + content.len() > MAX_CHAT_BYTES {
            Counters::up(&self.door.counters().data_refused);
            self.data.chats.remove(stream_id);
            return true;
        }
        chat.next += 1;
        chat.bytes.extend_from_slice(content);
        true
    }

    async fn say(&mut self, id: String, text: String) {
        if let Err(refusal) = self
            .ask(Command::Chat(ChatInput {
                id,
                text,
                ..ChatInput::default()
            }))
            .await
        {
            Counters::up(&self.door.counters().data_refused);
            tracing::debug!(participant = %self.id, %refusal, "chat refused");
        }
    }

    /// Sends the client what somebody else said, as a text stream.
    pub(crate) async fn deliver_chat(&mut self, message: &ChatMessage) {
        // Clients of this protocol would show a private message among the others and answer it in the open.
        if message.identity == self.info.identity || message.to.is_some() {
            return;
        }
        let sid = self
            .roster
            .id(&message.identity)
            .map(ToString::to_string)
            .unwrap_or_default();
        for packet in chat_packets(message, &sid) {
            self.pass_on(ChannelLabel::Reliable, packet).await;
        }
    }
}
