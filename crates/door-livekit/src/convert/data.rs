use bytes::Bytes;
use livekit_protocol as pb;
use pb::data_packet::Value;
use prost::Message as _;
use serde::Deserialize;
use tertulia_room::ChatMessage;

use super::{MAX_LIST, signed};
use crate::wire::{Forced, WireError, force_sender, inflate_raw};

/// The topic of chat as text streams.
const CHAT_TOPIC: &str = "lk.chat";
/// The topic older component libraries send chat on, as JSON in a user packet.
const LEGACY_CHAT_TOPIC: &str = "lk-chat-topic";
/// The longest text a single chat message may have before the room is asked.
pub(crate) const MAX_CHAT_BYTES: usize = 64 * 1024;
/// Clients take messages of up to 64 000 bytes; text goes out in pieces well below.
const CHUNK_BYTES: usize = 15_000;

/// Field numbers of payloads that are rewritten.
const USER_FIELD: u32 = 2;
const CHAT_FIELD: u32 = 9;
const HEADER_FIELD: u32 = 13;

/// A data packet, read as far as the server must.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Inspected {
    /// Whom the sender names; empty for everybody.
    pub destinations: Vec<String>,
    /// Stays the sender names, in the form clients wrote before identities.
    pub destination_sids: Vec<String>,
    /// The identity the packet claims to come from.
    pub claimed: String,
    pub sequence: u32,
    pub topic: String,
    /// Tells copies of one user message apart from others; may be empty.
    pub nonce: Vec<u8>,
    pub payload: Payload,
}

/// What a data packet carries, as far as it matters.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Payload {
    User(Box<pb::UserPacket>),
    /// A chat message in a form older than text streams; `None` for edits and deletions, which are only forwarded.
    Chat {
        plain: Option<(String, String)>,
        message: Option<Box<pb::ChatMessage>>,
    },
    /// A piece of a text stream on the chat topic, or of any stream.
    Stream(ChatPart, Option<Box<pb::data_stream::Header>>),
    RpcAck {
        request_id: String,
    },
    /// The answer to a remote call: the text, or code, message and data.
    RpcResponse {
        request_id: String,
        result: Result<String, (u32, String, String)>,
    },
    /// Only agents may send it.
    Transcription,
    Metrics,
    /// Forwarded unread.
    Opaque,
}

/// A piece of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ChatPart {
    /// Begins a plain chat message, perhaps with all its text.
    Begin {
        stream_id: String,
        text: Option<String>,
    },
    /// Begins a stream that is not a plain chat message.
    BeginOther,
    Chunk {
        stream_id: String,
        index: u64,
        content: Vec<u8>,
    },
    End {
        stream_id: String,
        broken: bool,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LegacyChat {
    #[serde(default)]
    id: String,
    message: String,
    #[serde(default)]
    ignore_legacy: bool,
}

/// Reads a packet a client sent.
#[expect(deprecated, reason = "older clients still write the fields")]
pub(crate) fn inspect(bytes: &[u8]) -> Result<Inspected, WireError> {
    let packet = pb::DataPacket::decode(bytes).map_err(|_| WireError::Protobuf)?;
    if packet.destination_identities.len() > MAX_LIST {
        return Err(WireError::TooLarge(MAX_LIST));
    }
    let mut inspected = Inspected {
        destinations: packet.destination_identities,
        destination_sids: Vec::new(),
        claimed: packet.participant_identity,
        sequence: packet.sequence,
        topic: String::new(),
        nonce: Vec::new(),
        payload: Payload::Opaque,
    };
    inspected.payload = match packet.value {
        Some(Value::User(user)) => {
            if user.destination_identities.len() > MAX_LIST || user.destination_sids.len() > MAX_LIST {
                return Err(WireError::TooLarge(MAX_LIST));
            }
            if inspected.destinations.is_empty() {
                inspected.destinations.clone_from(&user.destination_identities);
            }
            inspected.destination_sids.clone_from(&user.destination_sids);
            inspected.topic = user.topic.clone().unwrap_or_default();
            inspected.nonce.clone_from(&user.nonce);
            legacy_chat(&inspected.topic, &user.payload).map_or_else(
                || Payload::User(Box::new(user)),
                |plain| Payload::Chat {
                    plain: Some(plain),
                    message: None,
                },
            )
        }
        Some(Value::ChatMessage(chat)) => {
            let plain = (!chat.deleted && chat.edit_timestamp.is_none())
                .then(|| (chat.id.clone(), chat.message.clone()));
            Payload::Chat {
                plain,
                message: Some(Box::new(chat)),
            }
        }
        Some(Value::StreamHeader(header)) => {
            inspected.topic.clone_from(&header.topic);
            Payload::Stream(begin(&header)?, Some(Box::new(header)))
        }
        Some(Value::StreamChunk(chunk)) => Payload::Stream(
            ChatPart::Chunk {
                stream_id: chunk.stream_id,
                index: chunk.chunk_index,
                content: chunk.content,
            },
            None,
        ),
        Some(Value::StreamTrailer(trailer)) => Payload::Stream(
            ChatPart::End {
                stream_id: trailer.stream_id,
                broken: !trailer.reason.is_empty(),
            },
            None,
        ),
        Some(Value::RpcAck(ack)) => Payload::RpcAck {
            request_id: ack.request_id,
        },
        Some(Value::RpcResponse(response)) => read_rpc_response(response),
        Some(Value::Transcription(_)) => Payload::Transcription,
        Some(Value::Metrics(_)) => Payload::Metrics,
        // Speakers are the server's to tell.
        Some(Value::Speaker(_)) => return Err(WireError::Invalid("value")),
        Some(Value::SipDtmf(_) | Value::RpcRequest(_) | Value::EncryptedPacket(_)) | None => Payload::Opaque,
    };
    Ok(inspected)
}

fn legacy_chat(topic: &str, payload: &[u8]) -> Option<(String, String)> {
    if topic != LEGACY_CHAT_TOPIC || payload.len() > MAX_CHAT_BYTES {
        return None;
    }
    let chat: LegacyChat = serde_json::from_slice(payload).ok()?;
    // Newer senders send a text stream as well and say so.
    (!chat.ignore_legacy).then_some((chat.id, chat.message))
}

/// A text stream on the chat topic is a plain chat message when it creates one, has no files and is not a generated
/// text; anything else is forwarded as any stream is.
fn begin(header: &pb::data_stream::Header) -> Result<ChatPart, WireError> {
    use pb::data_stream::{CompressionType, OperationType, header::ContentHeader};
    let plain = match &header.content_header {
        Some(ContentHeader::TextHeader(text)) => {
            text.operation_type == i32::from(OperationType::Create)
                && text.attached_stream_ids.is_empty()
                && text.reply_to_stream_id.is_empty()
                && !text.generated
        }
        _ => false,
    };
    let compressed = header.compression != i32::from(CompressionType::None);
    let short = header
        .total_length
        .is_none_or(|length| length <= MAX_CHAT_BYTES as u64);
    let streamed_compressed = compressed && header.inline_content.is_none();
    if header.topic != CHAT_TOPIC || !plain || !short || streamed_compressed {
        return Ok(ChatPart::BeginOther);
    }
    let text = match (&header.inline_content, compressed) {
        (None, _) => None,
        (Some(content), false) => Some(utf8(content.clone())?),
        (Some(content), true) => Some(utf8(inflate_raw(content, MAX_CHAT_BYTES)?)?),
    };
    Ok(ChatPart::Begin {
        stream_id: header.stream_id.clone(),
        text,
    })
}

fn utf8(bytes: Vec<u8>) -> Result<String, WireError> {
    String::from_utf8(bytes).map_err(|_| WireError::Invalid("text"))
}

fn read_rpc_response(response: pb::RpcResponse) -> Payload {
    use pb::rpc_response::Value;
    let result = match response.value {
        Some(Value::Payload(text)) => Ok(text),
        Some(Value::CompressedPayload(bytes)) => inflate_raw(&bytes, MAX_CHAT_BYTES)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .ok_or((
                1_500,
                "Application error in method handler".to_owned(),
                String::new(),
            )),
        Some(Value::Error(error)) => Err((error.code, error.message, error.data)),
        None => Ok(String::new()),
    };
    Payload::RpcResponse {
        request_id: response.request_id,
        result,
    }
}

/// Who a packet comes from, as the server knows it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sender<'a> {
    pub identity: &'a str,
    pub sid: &'a str,
    pub hidden: bool,
    /// May send chat and text in another's name.
    pub agent: bool,
}

impl Inspected {
    /// Writes the packet as receivers get it: from the sender whom the server knows, whatever it claims.
    #[expect(deprecated, reason = "older clients still read the fields")]
    pub(crate) fn forward(
        &self,
        bytes: &[u8],
        sender: Sender<'_>,
        reliable: bool,
        destinations: &[String],
    ) -> Result<Bytes, WireError> {
        let (own_identity, sid) = if sender.hidden {
            ("", "")
        } else {
            (sender.identity, sender.sid)
        };
        let for_other = sender.agent && !self.claimed.is_empty() && self.claimed != sender.identity;
        let mut identity = own_identity;
        let mut payload = None;
        match &self.payload {
            Payload::User(user) => {
                let mut user = user.clone();
                user.participant_sid = sid.to_owned();
                user.participant_identity = own_identity.to_owned();
                user.destination_identities = destinations.to_vec();
                user.destination_sids.clear();
                payload = Some((USER_FIELD, user.encode_to_vec()));
            }
            Payload::Chat {
                message: Some(message),
                ..
            } if for_other => {
                identity = &self.claimed;
                let generated = pb::ChatMessage {
                    generated: true,
                    ..(**message).clone()
                };
                payload = Some((CHAT_FIELD, generated.encode_to_vec()));
            }
            Payload::Stream(_, Some(header)) if for_other => {
                let mut header = header.clone();
                if let Some(pb::data_stream::header::ContentHeader::TextHeader(text)) =
                    &mut header.content_header
                {
                    text.generated = true;
                    identity = &self.claimed;
                    payload = Some((HEADER_FIELD, header.encode_to_vec()));
                }
            }
            _ => {}
        }
        let sequence = if reliable { self.sequence } else { 0 };
        force_sender(
            bytes,
            &Forced {
                reliable,
                identity,
                sid,
                sequence,
                destinations,
                payload,
            },
        )
    }
}

/// Writes a chat message as the packets of a text stream.
pub(crate) fn chat_packets(message: &ChatMessage, sid: &str) -> Vec<Bytes> {
    use pb::data_stream::{Chunk, Header, TextHeader, Trailer, header::ContentHeader};
    let packet = |value| {
        let packet = pb::DataPacket {
            participant_identity: message.identity.to_string(),
            participant_sid: sid.to_owned(),
            value: Some(value),
            ..Default::default()
        };
        Bytes::from(packet.encode_to_vec())
    };
    let stream_id = message.id.clone();
    let mut packets = vec![packet(Value::StreamHeader(Header {
        stream_id: stream_id.clone(),
        timestamp: signed(message.at_ms),
        topic: CHAT_TOPIC.to_owned(),
        mime_type: "text/plain".to_owned(),
        total_length: Some(message.text.len() as u64),
        content_header: Some(ContentHeader::TextHeader(TextHeader::default())),
        ..Default::default()
    }))];
    for (index, part) in pieces(&message.text).enumerate() {
        packets.push(packet(Value::StreamChunk(Chunk {
            stream_id: stream_id.clone(),
            chunk_index: index as u64,
            content: part.as_bytes().to_vec(),
            ..Default::default()
        })));
    }
    packets.push(packet(Value::StreamTrailer(Trailer {
        stream_id,
        ..Default::default()
    })));
    packets
}

/// Cuts a text between characters into pieces of at most [`CHUNK_BYTES`].
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (piece, tail) = rest.split_at(rest.floor_char_boundary(CHUNK_BYTES));
        rest = tail;
        Some(piece)
    })
}

/// Writes a message the server API sends.
#[expect(deprecated, reason = "older clients still read the fields")]
pub(crate) fn user_packet(
    payload: Vec<u8>,
    reliable: bool,
    topic: Option<String>,
    destinations: &[String],
    nonce: Vec<u8>,
) -> Bytes {
    let kind = if reliable {
        pb::data_packet::Kind::Reliable
    } else {
        pb::data_packet::Kind::Lossy
    };
    let packet = pb::DataPacket {
        kind: kind.into(),
        destination_identities: destinations.to_vec(),
        value: Some(Value::User(pb::UserPacket {
            payload,
            topic,
            destination_identities: destinations.to_vec(),
            nonce,
            ..Default::default()
        })),
        ..Default::default()
    };
    packet.encode_to_vec().into()
}

/// Writes a remote call the server API makes.
pub(crate) fn rpc_request(
    id: &str,
    destination: &str,
    method: String,
    payload: String,
    timeout_ms: u32,
) -> Bytes {
    let packet = pb::DataPacket {
        destination_identities: vec![destination.to_owned()],
        value: Some(Value::RpcRequest(pb::RpcRequest {
            id: id.to_owned(),
            method,
            payload,
            response_timeout_ms: timeout_ms,
            version: 1,
            compressed_payload: Vec::new(),
        })),
        ..Default::default()
    };
    packet.encode_to_vec().into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tertulia_model::Identity;

    use super::*;

    const ANA: Sender<'static> = Sender {
        identity: "ana",
        sid: "PA_1",
        hidden: false,
        agent: false,
    };

    fn encoded(value: Value) -> Vec<u8> {
        let packet = pb::DataPacket {
            participant_identity: "mallory".into(),
            value: Some(value),
            sequence: 4,
            ..Default::default()
        };
        packet.encode_to_vec()
    }

    fn forwarded(bytes: &[u8], sender: Sender<'_>) -> pb::DataPacket {
        let out = inspect(bytes)
            .unwrap()
            .forward(bytes, sender, true, &["bob".to_owned()])
            .unwrap();
        pb::DataPacket::decode(out).unwrap()
    }

    #[test]
    #[expect(deprecated, reason = "the fields exist to be overwritten")]
    fn a_user_message_names_its_true_sender_in_both_places() {
        let bytes = encoded(Value::User(pb::UserPacket {
            participant_sid: "PA_x".into(),
            participant_identity: "mallory".into(),
            payload: vec![1, 2],
            destination_sids: vec!["PA_9".into()],
            ..Default::default()
        }));
        let got = forwarded(&bytes, ANA);
        assert_eq!(
            (got.participant_identity.as_str(), got.participant_sid.as_str()),
            ("ana", "PA_1")
        );
        let Some(Value::User(user)) = got.value else {
            panic!()
        };
        assert_eq!(
            (user.participant_identity.as_str(), user.participant_sid.as_str()),
            ("ana", "PA_1")
        );
        assert_eq!(
            (user.destination_identities, user.payload),
            (vec!["bob".to_owned()], vec![1, 2])
        );
        assert!(user.destination_sids.is_empty());
    }

    #[test]
    fn only_agents_speak_for_others_and_it_shows() {
        let bytes = encoded(Value::ChatMessage(pb::ChatMessage {
            message: "hi".into(),
            ..Default::default()
        }));
        assert_eq!(forwarded(&bytes, ANA).participant_identity, "ana");
        let spoken = forwarded(&bytes, Sender { agent: true, ..ANA });
        assert_eq!(spoken.participant_identity, "mallory");
        let Some(Value::ChatMessage(chat)) = spoken.value else {
            panic!()
        };
        assert!(chat.generated);
    }

    #[test]
    fn a_hidden_sender_stays_hidden() {
        let bytes = encoded(Value::RpcAck(pb::RpcAck::default()));
        let got = forwarded(&bytes, Sender { hidden: true, ..ANA });
        assert_eq!(
            (got.participant_identity.as_str(), got.participant_sid.as_str()),
            ("", "")
        );
    }

    fn header(change: impl FnOnce(&mut pb::data_stream::Header)) -> Result<ChatPart, WireError> {
        let mut header = pb::data_stream::Header {
            stream_id: "s".into(),
            topic: "lk.chat".into(),
            content_header: Some(pb::data_stream::header::ContentHeader::TextHeader(
                Default::default(),
            )),
            ..Default::default()
        };
        change(&mut header);
        match inspect(&encoded(Value::StreamHeader(header)))?.payload {
            Payload::Stream(part, _) => Ok(part),
            other => panic!("read as {other:?}"),
        }
    }

    #[test]
    fn plain_chat_streams_are_told_from_others() {
        let plain = |text: Option<&str>| ChatPart::Begin {
            stream_id: "s".into(),
            text: text.map(str::to_owned),
        };
        assert_eq!(header(|_| {}), Ok(plain(None)));
        assert_eq!(
            header(|h| h.inline_content = Some(b"hi".to_vec())),
            Ok(plain(Some("hi")))
        );
        assert_eq!(header(|h| h.topic = "other".into()), Ok(ChatPart::BeginOther));
        assert_eq!(
            header(|h| h.total_length = Some(1 << 40)),
            Ok(ChatPart::BeginOther)
        );
        assert_eq!(header(|h| h.content_header = None), Ok(ChatPart::BeginOther));
        assert!(header(|h| h.inline_content = Some(vec![0xff])).is_err());
        assert!(
            header(|h| {
                h.compression = 1;
                h.inline_content = Some(vec![0xff, 0xff]);
            })
            .is_err()
        );
    }

    #[test]
    fn legacy_chat_is_read_unless_its_sender_sends_a_stream_too() {
        let user = |json: &str| {
            let bytes = encoded(Value::User(pb::UserPacket {
                payload: json.as_bytes().to_vec(),
                topic: Some(LEGACY_CHAT_TOPIC.into()),
                ..Default::default()
            }));
            inspect(&bytes).unwrap().payload
        };
        let chat = Payload::Chat {
            plain: Some(("1".into(), "hi".into())),
            message: None,
        };
        assert_eq!(user(r#"{"id":"1","timestamp":1,"message":"hi"}"#), chat);
        assert!(matches!(
            user(r#"{"id":"1","message":"hi","ignoreLegacy":true}"#),
            Payload::User(_)
        ));
        assert!(matches!(user("not json"), Payload::User(_)));
    }

    #[test]
    fn a_chat_message_becomes_a_whole_text_stream() {
        let text = "é".repeat(20_000);
        let message = ChatMessage {
            seq: 1,
            id: "m1".into(),
            identity: Identity::parse("ana").unwrap(),
            name: "Ana".into(),
            text: text.clone(),
            at_ms: 5,
            file: None,
            to: None,
            reply_to: None,
            edited_at_ms: None,
            deleted: false,
            reactions: Vec::new(),
        };
        let packets = chat_packets(&message, "PA_1");
        let mut got = String::new();
        for bytes in &packets {
            assert!(bytes.len() < 64_000);
            let packet = pb::DataPacket::decode(&bytes[..]).unwrap();
            assert_eq!(packet.participant_identity, "ana");
            if let Some(Value::StreamChunk(chunk)) = packet.value {
                got.push_str(std::str::from_utf8(&chunk.content).unwrap());
            }
        }
        assert_eq!(got, text);
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
            if let Ok(inspected) = inspect(&bytes) {
                let _ = inspected.forward(&bytes, ANA, true, &[]);
            }
        }
    }
}
