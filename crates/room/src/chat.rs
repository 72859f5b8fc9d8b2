//! The chat, and what of it late joiners can read.

use std::collections::{BTreeMap, VecDeque};

use tertulia_model::{Identity, ParticipantId};

use crate::limits::{self, within};
use crate::text::clean_text;
use crate::{
    Actor, Audience, ChatFile, ChatInput, ChatMessage, ChatReaction, Event, Now, Record, Refusal, Reply,
    Right, Room, SharedFile,
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
        self.kept.get(self.place(*seq)?)
    }

    fn place(&self, seq: u64) -> Option<usize> {
        self.kept.binary_search_by_key(&seq, |message| message.seq).ok()
    }

    /// Begins with what was said before.
    pub(crate) fn restore(&mut self, messages: Vec<ChatMessage>, last_sequence: u64) {
        self.last_sequence = self.last_sequence.max(last_sequence);
        for message in messages {
            self.last_sequence = self.last_sequence.max(message.seq);
            self.push(message);
        }
    }

    /// The number of the next message. One that is not used leaves a gap, which nobody minds.
    pub(crate) fn next_sequence(&mut self) -> u64 {
        self.last_sequence += 1;
        self.last_sequence
    }

    /// A message that `reader` may read. One that may not be read is none.
    fn readable_mut(&mut self, seq: u64, reader: &Identity) -> Result<&mut ChatMessage, Refusal> {
        let place = self.place(seq);
        let found = place.and_then(|place| self.kept.get_mut(place));
        found
            .filter(|message| message.is_for(reader))
            .ok_or(Refusal::NoSuchMessage)
    }

    fn push(&mut self, message: ChatMessage) {
        self.sequence_by_id
            .insert((message.identity.clone(), message.id.clone()), message.seq);
        // What waited to be written may stand in another order than it was numbered in.
        let place = self.kept.partition_point(|kept| kept.seq < message.seq);
        self.kept.insert(place, message);
        if self.kept.len() > self.history.max(REMEMBERED)
            && let Some(old) = self.kept.pop_front()
        {
            self.sequence_by_id.remove(&(old.identity, old.id));
        }
    }

    /// At most `limit` messages before `before` that `reads` lets through, ascending, and whether older ones can be
    /// read.
    fn page(
        &self,
        before: Option<u64>,
        limit: usize,
        reads: impl Fn(&ChatMessage) -> bool,
    ) -> (Vec<ChatMessage>, bool) {
        let unreadable = self.kept.len().saturating_sub(self.history);
        let older = self
            .kept
            .iter()
            .skip(unreadable)
            .rev()
            .skip_while(|message| before.is_some_and(|before| message.seq >= before))
            .filter(|message| reads(message));
        let mut newest: Vec<ChatMessage> = older.take(limit.saturating_add(1)).cloned().collect();
        let more = newest.len() > limit;
        newest.truncate(limit);
        newest.reverse();
        (newest, more)
    }
}

impl ChatMessage {
    /// Whether somebody may read it: a private message is for its two ends alone.
    pub fn is_for(&self, reader: &Identity) -> bool {
        self.to
            .as_ref()
            .is_none_or(|to| to == reader || self.identity == *reader)
    }
}

impl Room {
    /// Whoever may chat may give files; that they may is checked like any other act.
    pub(crate) fn may_share(&self, who: &ParticipantId) -> Result<Reply, Refusal> {
        self.member(who).map(|_| Reply::Done)
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
            ..ChatInput::default()
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
        let (identity, name) = (member.info.identity.clone(), member.info.name.clone());
        if let Some(to) = &input.to {
            if *to == identity {
                return Err(Refusal::Invalid { field: "to" });
            }
            self.find(to)?;
        }
        if let Some(seq) = input.reply_to {
            let answered = self.chat.readable_mut(seq, &identity)?;
            // An answer in the open would tell of what was said in private.
            let overheard = answered.to.is_some() && input.to.as_ref().is_none_or(|to| !answered.is_for(to));
            if answered.deleted || overheard {
                return Err(Refusal::Invalid { field: "reply_to" });
            }
        }
        self.member_mut(who)?.buckets.chat.take(now.instant)?;
        let message = ChatMessage {
            seq: self.chat.next_sequence(),
            id: input.id,
            identity,
            name,
            text,
            at_ms: now.unix_ms,
            file,
            to: input.to,
            reply_to: input.reply_to,
            edited_at_ms: None,
            deleted: false,
            reactions: Vec::new(),
        };
        if message.to.is_some() {
            // What two people say in private ends with the room.
            return Ok(self.said(message));
        }
        self.keep_and_act(Record::Chat(message))
    }

    /// Everybody whom a message is for hears it once it stands.
    pub(crate) fn said(&mut self, message: ChatMessage) -> Reply {
        self.chat.push(message.clone());
        self.tell_chat(&message, Event::Chat(message.clone()));
        Reply::Chat(message)
    }

    /// Has a message written down as it is now, and tells those it is for.
    fn chat_changed(&mut self, message: &ChatMessage) {
        if message.to.is_none() {
            self.note(Record::ChatChanged(message.clone()));
        }
        self.tell_chat(message, Event::ChatChanged(message.clone()));
    }

    /// Tells those a message is for, and observers.
    fn tell_chat(&mut self, message: &ChatMessage, event: Event) {
        match &message.to {
            None => self.send(Audience::Everybody, event),
            Some(to) => {
                let ends = [&message.identity, to];
                let here = ends
                    .into_iter()
                    .filter_map(|end| self.identities.get(end).cloned());
                let here = here.collect();
                self.send_some_observed(here, event);
            }
        }
    }

    pub(crate) fn edit_chat(
        &mut self,
        who: &ParticipantId,
        seq: u64,
        text: &str,
        now: Now,
    ) -> Result<Reply, Refusal> {
        within("text", text.len(), self.settings.chat_text_bytes)?;
        let text = clean_text(text);
        if text.is_empty() {
            return Err(Refusal::Invalid { field: "text" });
        }
        let member = self.members.get_mut(who).ok_or(Refusal::NoSuchParticipant)?;
        let message = self.chat.readable_mut(seq, &member.info.identity)?;
        if message.identity != member.info.identity {
            return Err(Refusal::NotAllowed);
        }
        if message.deleted {
            return Err(Refusal::NoSuchMessage);
        }
        if message.file.is_some() {
            // Its text is the name of a file.
            return Err(Refusal::NotAllowed);
        }
        if message.text == text {
            return Ok(Reply::Chat(message.clone()));
        }
        member.buckets.chat.take(now.instant)?;
        message.text = text;
        message.edited_at_ms = Some(now.unix_ms);
        let changed = message.clone();
        self.chat_changed(&changed);
        Ok(Reply::Chat(changed))
    }

    /// Deletes a message: an own one, or with the right one that everybody reads.
    pub(crate) fn delete_chat(&mut self, actor: &Actor, seq: u64) -> Result<Reply, Refusal> {
        let (own, manages) = match actor {
            Actor::Participant(id) => {
                let info = &self.member(id)?.info;
                (Some(info.identity.clone()), info.rights.has(Right::ManageChat))
            }
            Actor::Away(_) => return Err(Refusal::NotAllowed),
            Actor::Admin | Actor::System => (None, true),
        };
        let place = self.chat.place(seq).ok_or(Refusal::NoSuchMessage)?;
        let message = self.chat.kept.get_mut(place).ok_or(Refusal::NoSuchMessage)?;
        let reads = match &own {
            Some(own) => message.is_for(own),
            None => message.to.is_none(),
        };
        if !reads {
            return Err(Refusal::NoSuchMessage);
        }
        let author = own.as_ref() == Some(&message.identity);
        let managed = manages && message.to.is_none();
        if !author && !managed {
            return Err(Refusal::NotAllowed);
        }
        if !message.deleted {
            message.deleted = true;
            message.text.clear();
            message.reactions.clear();
            message.file = None;
            let changed = message.clone();
            self.chat_changed(&changed);
        }
        Ok(Reply::Done)
    }

    /// Sets or takes back the asker's reaction to a message.
    pub(crate) fn react_to_chat(
        &mut self,
        who: &ParticipantId,
        seq: u64,
        kind: &str,
        on: bool,
        now: Now,
    ) -> Result<Reply, Refusal> {
        check_reaction(kind)?;
        let member = self.members.get_mut(who).ok_or(Refusal::NoSuchParticipant)?;
        let identity = member.info.identity.clone();
        let message = self.chat.readable_mut(seq, &identity)?;
        if message.deleted {
            return Err(Refusal::NoSuchMessage);
        }
        let place = message
            .reactions
            .iter()
            .position(|reaction| reaction.kind == kind);
        let reacted = place
            .and_then(|place| message.reactions.get(place))
            .is_some_and(|reaction| reaction.by.contains(&identity));
        if reacted == on {
            return Ok(Reply::Chat(message.clone()));
        }
        if place.is_none() {
            within(
                "reactions",
                message.reactions.len() + 1,
                limits::MESSAGE_REACTIONS,
            )?;
        }
        member.buckets.reactions.take(now.instant)?;
        match place.and_then(|place| message.reactions.get_mut(place)) {
            Some(reaction) if on => {
                within("reactions", reaction.by.len() + 1, limits::MESSAGE_REACTORS)?;
                reaction.by.push(identity);
            }
            Some(reaction) => reaction.by.retain(|by| *by != identity),
            None => message.reactions.push(ChatReaction {
                kind: kind.to_owned(),
                by: vec![identity],
            }),
        }
        message.reactions.retain(|reaction| !reaction.by.is_empty());
        let changed = message.clone();
        self.chat_changed(&changed);
        Ok(Reply::Chat(changed))
    }

    pub(crate) fn read_chat(&self, actor: &Actor, before: Option<u64>, limit: usize) -> Reply {
        let (messages, more) = self.chat_page(actor, before, limit.min(limits::CHAT_PAGE));
        Reply::ChatHistory(messages, more)
    }

    pub(crate) fn chat_page(
        &self,
        actor: &Actor,
        before: Option<u64>,
        limit: usize,
    ) -> (Vec<ChatMessage>, bool) {
        let reader = self.name_of(actor);
        self.chat.page(before, limit, |message| match (actor, &reader) {
            (Actor::System, _) => true,
            (_, Some(reader)) => message.is_for(reader),
            _ => message.to.is_none(),
        })
    }
}

/// A reaction is a short plain name.
pub(crate) fn check_reaction(kind: &str) -> Result<(), Refusal> {
    within("reaction", kind.len(), limits::REACTION_BYTES)?;
    let is_name = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'_';
    if kind.is_empty() || !kind.bytes().all(is_name) {
        return Err(Refusal::Invalid { field: "reaction" });
    }
    Ok(())
}
