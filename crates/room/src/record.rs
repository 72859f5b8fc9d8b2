//! What must outlive the process, and what waits for it.
//!
//! A room that is kept says of each such thing what to write down ([`Room::poll_record`]), and acts on it only when it
//! is told that it stands ([`Room::settle`]): nobody hears of a message that a crash could still take back. A room that
//! is not kept acts at once.

use std::collections::{BTreeMap, VecDeque};

use tertulia_model::Identity;

use crate::{AuditEntry, ChatMessage, Drawing, Drawn, KeptPoll, Poll, Refusal, Reply, Room, Vote, limits};

/// Something that must outlive the process.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Record {
    /// A chat message.
    Chat(ChatMessage),
    /// A chat message that stood was changed, deleted or reacted to: this is what it is now.
    ChatChanged(ChatMessage),
    /// A poll was made.
    PollMade(Box<Poll>),
    /// Somebody voted.
    Voted(Vote),
    /// A poll was closed.
    PollClosed {
        /// Which.
        poll: u64,
        /// When, Unix milliseconds.
        at_ms: u64,
    },
    /// A poll was deleted, and who voted in it with it.
    PollDeleted {
        /// Which.
        poll: u64,
        /// By whom.
        by: Option<Identity>,
    },
    /// The whiteboard was drawn on.
    Drawn(Drawn),
    /// The whiteboard was cleared.
    BoardCleared {
        /// The new one; see [`Drawing::epoch`].
        epoch: u64,
        /// By whom.
        by: Option<Identity>,
    },
    /// Somebody did something to the room.
    Audit(AuditEntry),
    /// The room is over, and with it what is not to be kept longer.
    Ended {
        /// When, Unix milliseconds.
        at_ms: u64,
    },
}

/// Names a record that waits to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(u64);

/// What became of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settlement {
    /// It stands.
    Kept,
    /// A chat message of this sender and id stood before: this one.
    StoodBefore(Box<ChatMessage>),
    /// It could not be written.
    Failed,
}

/// What a room begins with that had a life before.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct History {
    /// The newest chat messages, ascending.
    pub chat: Vec<ChatMessage>,
    /// The highest sequence number ever given, 0 for none.
    pub last_seq: u64,
    /// Polls, oldest first.
    pub polls: Vec<KeptPoll>,
    /// The highest number ever given to a poll, 0 for none.
    pub last_poll: u64,
    /// The whiteboard.
    pub drawing: Drawing,
}

/// Whether a room is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keeping {
    /// Everything is over with the process.
    Off,
    On,
    /// What stood before is not known, so nothing can be added to it.
    Unknown,
}

/// What waits to be written, and what has been given out to be written.
#[derive(Debug)]
pub(crate) struct Records {
    keeping: Keeping,
    last: u64,
    outgoing: VecDeque<(Option<Ticket>, Record)>,
    pending: BTreeMap<Ticket, Record>,
}

impl Default for Records {
    fn default() -> Self {
        Self {
            keeping: Keeping::Off,
            last: 0,
            outgoing: VecDeque::new(),
            pending: BTreeMap::new(),
        }
    }
}

impl Records {
    /// The ticket of a message of this sender and id that waits.
    pub(crate) fn chat_pending(&self, identity: &Identity, id: &str) -> Option<Ticket> {
        self.pending.iter().find_map(|(ticket, record)| match record {
            Record::Chat(message) if message.identity == *identity && message.id == id => Some(*ticket),
            _ => None,
        })
    }

    /// How many polls wait.
    pub(crate) fn polls_pending(&self) -> usize {
        let made = |record: &&Record| matches!(record, Record::PollMade(_));
        self.pending.values().filter(made).count()
    }

    /// Whether a vote of this person in this poll waits.
    pub(crate) fn vote_pending(&self, poll: u64, voter: &Identity) -> bool {
        self.pending.values().any(|record| match record {
            Record::Voted(vote) => vote.poll == poll && vote.voter == *voter,
            _ => false,
        })
    }
}

impl Room {
    /// Keeps this room from now on: it begins with `history`, or with nothing and without chat where that is not known.
    pub fn keep(&mut self, history: Option<History>) {
        match history {
            Some(history) => {
                self.records.keeping = Keeping::On;
                self.board.restore(history.drawing);
                self.polls.restore(history.polls, history.last_poll);
                self.chat.restore(history.chat, history.last_seq);
            }
            None => self.records.keeping = Keeping::Unknown,
        }
    }

    /// The next thing to write down, oldest first. One with a ticket waits for [`Room::settle`].
    pub fn poll_record(&mut self) -> Option<(Option<Ticket>, Record)> {
        self.records.outgoing.pop_front()
    }

    /// Says what became of a record; the answer is for whoever asked for what it is about.
    ///
    /// # Errors
    /// [`Refusal::NotKept`] where it could not be written; nobody hears of it then. What a record before this one has
    /// made impossible is refused as it would have been after that.
    pub fn settle(&mut self, ticket: Ticket, settlement: Settlement) -> Result<Reply, Refusal> {
        let record = self.records.pending.remove(&ticket).ok_or(Refusal::NotKept)?;
        match settlement {
            Settlement::Kept => self.act(record),
            Settlement::StoodBefore(message) => Ok(Reply::Chat(*message)),
            Settlement::Failed => Err(Refusal::NotKept),
        }
    }

    /// Has `record` written down and then acts on it; at once where nothing is kept.
    pub(crate) fn keep_and_act(&mut self, record: Record) -> Result<Reply, Refusal> {
        match self.records.keeping {
            Keeping::Off => return self.act(record),
            Keeping::Unknown => return Err(Refusal::NotKept),
            Keeping::On if self.records.pending.len() >= limits::PENDING_RECORDS => {
                return Err(Refusal::NotKept);
            }
            Keeping::On => {}
        }
        self.records.last += 1;
        let ticket = Ticket(self.records.last);
        self.records.outgoing.push_back((Some(ticket), record.clone()));
        self.records.pending.insert(ticket, record);
        Ok(Reply::Pending(ticket))
    }

    /// Has something written down that nobody waits for.
    pub(crate) fn note(&mut self, record: Record) {
        if self.records.keeping != Keeping::Off {
            self.records.outgoing.push_back((None, record));
        }
    }

    /// What follows from a record that stands.
    fn act(&mut self, record: Record) -> Result<Reply, Refusal> {
        match record {
            Record::Chat(message) => Ok(self.said(message)),
            Record::PollMade(poll) => Ok(self.poll_made(*poll)),
            Record::Voted(vote) => self.voted(vote),
            Record::PollClosed { poll, at_ms } => self.poll_closed(poll, at_ms),
            Record::PollDeleted { poll, by } => self.poll_deleted(poll, by),
            Record::Drawn(drawn) => self.drawn(drawn),
            Record::BoardCleared { epoch, by } => Ok(self.board_cleared(epoch, by)),
            Record::ChatChanged(_) | Record::Audit(_) | Record::Ended { .. } => Ok(Reply::Done),
        }
    }
}
