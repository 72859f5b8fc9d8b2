//! The chat, and what of it late joiners can read.

use std::collections::{BTreeMap, VecDeque};

use tertulia_model::{Identity, ParticipantId};

use crate::limits::{self, within};
use crate::text::clean_text;
use crate::{
    Audience, ChatFile, ChatInput, ChatMessage, Event, HandState, History, Now, Record, Refusal, Reply, Room,
    RoomSnapshot, SharedFile,
};

/// Messages remembered for recognising repetitions, even where no history is kept.
const REMEMBERED: usize = 64;

/// Chat as kept for the room's life, bounded.
#[derive(Debug)]
pub(crate) struct ChatLog {
    /// The newest messages, oldest first, with rising sequence numbers.
    kept: VecDeque<ChatMessage>,
    sequence_by_id: BTreeMap<(Identity, String), u64>,
    last_sequence: u64,
    /// How many of `kept` may be read.
    history: usize,
}

impl ChatLog {
    pub(crate) fn new(history: usize) -> Self {
        Self {
            kept: VecDeque::new(),
            sequence_by_id: BTreeMap::new(),
            last_sequence: 0,
            history: history.min(limits::CHAT_HISTORY),
        }
    }

    fn find(&self, identity: &Identity, id: &str) -> Option<&ChatMessage> {
        let seq = self.sequence_by_id.get(&(identity.clone(), id.to_owned()))?;
        let place = self.kept.binary_search_by_key(seq, |message| message.seq).ok()?;
        self.kept.get(place)
    }

    /// Begins with what was said before.
    pub(crate) fn restore(&mut self, history: History) {
        self.last_sequence = self.last_sequence.max(history.last_seq);
        for message in history.chat {
            self.last_sequence = self.last_sequence.max(message.seq);
            self.push(message);
        }
    }

    /// The number of the next message. One that is not used leaves a gap, which nobody minds.
    fn next_sequence(&mut self) -> u64 {
        self.last_sequence += 1;
        self.last_sequence
    }

    fn push(&mut self, message: ChatMessage) {
        self.sequence_by_id
            .insert((message.identity.clone(), message.id.clone()), message.seq);
        self.kept.push_back(message);
        if self.kept.len() > self.history.max(REMEMBERED)
            && let Some(old) = self.kept.pop_front()
        {
            self.sequence_by_id.remove(&(old.identity, old.id));
        }
    }

    /// At most `limit` messages before `before`, ascending, and whether older ones can be read.
    fn page(&self, before: Option<u64>, limit: usize) -> (Vec<ChatMessage>, bool) {
        let unreadable = self.kept.len().saturating_sub(self.history);
        let readable = self.kept.iter().skip(unreadable);
        let older: Vec<&ChatMessage> = readable
            .take_while(|message| before.is_none_or(|before| message.seq < before))
            .collect();
        let start = older.len().saturating_sub(limit);
        (
            older[start..].iter().map(|message| (*message).clone()).collect(),
            start > 0,
        )
    }
}

impl Room {
    /// Whoever may chat may give files.
    pub(crate) fn may_share(&self, who: &ParticipantId) -> Result<Reply, Refusal> {
        if self.member(who)?.info.may_be_heard() {
            Ok(Reply::Done)
        } else {
            Err(Refusal::NotAllowed)
        }
    }

    /// Shows a file under its name, so that readers who know nothing of files read that.
    pub(crate) fn share_file(
        &mut self,
        who: &ParticipantId,
        shared: SharedFile,
        now: Now,
    ) -> Result<Reply, Refusal> {
        within("file", shared.file.name.len(), limits::NAME_BYTES)?;
        let input = ChatInput {
            id: shared.id,
            text: shared.file.name.clone(),
        };
        self.say_with(who, input, Some(shared.file), now)
    }

    pub(crate) fn say(&mut self, who: &ParticipantId, input: ChatInput, now: Now) -> Result<Reply, Refusal> {
        self.say_with(who, input, None, now)
    }

    fn say_with(
        &mut self,
        who: &ParticipantId,
        input: ChatInput,
        file: Option<ChatFile>,
        now: Now,
    ) -> Result<Reply, Refusal> {
        let limit = self.settings.chat_text_bytes;
        let member = self.members.get_mut(who).ok_or(Refusal::NoSuchParticipant)?;
        if !member.info.may_be_heard() {
            return Err(Refusal::NotAllowed);
        }
        within("id", input.id.len(), limits::ID_BYTES)?;
        within("text", input.text.len(), limit)?;
        if input.id.is_empty() || input.id.chars().any(char::is_control) {
            return Err(Refusal::Invalid { field: "id" });
        }
        if let Some(known) = self.chat.find(&member.info.identity, &input.id) {
            return Ok(Reply::Chat(known.clone()));
        }
        if let Some(ticket) = self.records.chat_pending(&member.info.identity, &input.id) {
            return Ok(Reply::Pending(ticket));
        }
        let text = clean_text(&input.text);
        if text.is_empty() {
            return Err(Refusal::Invalid { field: "text" });
        }
        member.buckets.chat.take(now.instant)?;
        let message = ChatMessage {
            seq: self.chat.next_sequence(),
            id: input.id,
            identity: member.info.identity.clone(),
            name: member.info.name.clone(),
            text,
            at_ms: now.unix_ms,
            file,
        };
        self.keep_and_act(Record::Chat(message))
    }

    /// Everybody hears a message that stands.
    pub(crate) fn said(&mut self, message: ChatMessage) -> Reply {
        self.chat.push(message.clone());
        self.send(Audience::Everybody, Event::Chat(message.clone()));
        Reply::Chat(message)
    }

    pub(crate) fn read_chat(&self, before: Option<u64>, limit: usize) -> Reply {
        let (messages, more) = self.chat.page(before, limit.min(limits::CHAT_PAGE));
        Reply::ChatHistory(messages, more)
    }

    pub(crate) fn read_snapshot(&self) -> Reply {
        let hands = self
            .hands
            .iter()
            .filter_map(|id| self.members.get(id))
            .filter_map(|member| {
                let raised_at_ms = member.info.hand_raised_at_ms?;
                Some(HandState {
                    identity: member.info.identity.clone(),
                    raised_at_ms,
                })
            });
        let hands = hands.collect();
        let (chat, _) = self.chat.page(None, limits::SNAPSHOT_CHAT);
        Reply::Snapshot(Box::new(RoomSnapshot {
            room: self.info(),
            chat,
            hands,
        }))
    }
}
