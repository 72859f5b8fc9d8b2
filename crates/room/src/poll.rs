//! Polls: questions to everybody, kept with the room.

use std::time::{Duration, Instant};

use indexmap::{IndexMap, IndexSet};
use tertulia_model::{Identity, ParticipantId};

use crate::limits::{self, within};
use crate::text::clean_line;
use crate::{Actor, Audience, Event, NewPoll, Now, Refusal, Reply, Room};

/// Votes come in crowds; everybody is told of them together, so often at most.
const TELLING: Duration = Duration::from_millis(500);

/// A poll as everybody may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Poll {
    /// Its number in the room, from 1.
    pub id: u64,
    /// The question.
    pub question: String,
    /// What may be chosen.
    pub options: Vec<String>,
    /// Several may be chosen.
    pub multiple: bool,
    /// Nobody learns who chose what, the server neither keeps it.
    pub anonymous: bool,
    /// Results show only when it is closed.
    pub secret_until_closed: bool,
    /// Who asks.
    pub by: Option<Identity>,
    /// Their name then.
    pub name: String,
    /// Since when, Unix milliseconds.
    pub at_ms: u64,
    /// Until when, Unix milliseconds; `None` while it is open.
    pub closed_at_ms: Option<u64>,
    /// How many voted.
    pub votes: usize,
    /// How often each option was chosen; `None` while that is secret.
    pub counts: Option<Vec<u32>>,
    /// Who chose what, by place among the options; empty where that is secret or anonymous.
    pub ballots: Vec<(Identity, Vec<usize>)>,
}

/// A poll as the room keeps it, and the store does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptPoll {
    /// What everybody sees once the poll is closed.
    pub poll: Poll,
    /// Who has voted. In an anonymous poll nothing ties them to what they chose.
    pub voters: Vec<Identity>,
}

#[derive(Debug)]
pub(crate) struct Polls {
    kept: IndexMap<u64, Counted>,
    last: u64,
    /// Polls with votes nobody was told of yet, and when they are told.
    untold: IndexSet<u64>,
    tell_at: Option<Instant>,
}

#[derive(Debug)]
struct Counted {
    poll: Poll,
    counts: Vec<u32>,
    voters: IndexSet<Identity>,
    ballots: IndexMap<Identity, Vec<usize>>,
}

impl Counted {
    /// As everybody may see it now.
    fn shown(&self) -> Poll {
        let open = self.poll.closed_at_ms.is_none();
        let secret = open && self.poll.secret_until_closed;
        self.as_seen(secret)
    }

    fn as_seen(&self, secret: bool) -> Poll {
        Poll {
            votes: self.voters.len(),
            counts: (!secret).then(|| self.counts.clone()),
            ballots: if secret || self.poll.anonymous {
                Vec::new()
            } else {
                self.ballots
                    .iter()
                    .map(|(who, chosen)| (who.clone(), chosen.clone()))
                    .collect()
            },
            ..self.poll.clone()
        }
    }
}

impl Polls {
    pub(crate) fn new() -> Self {
        Self {
            kept: IndexMap::new(),
            last: 0,
            untold: IndexSet::new(),
            tell_at: None,
        }
    }

    pub(crate) fn shown(&self) -> Vec<Poll> {
        self.kept.values().map(Counted::shown).collect()
    }

    /// What somebody chose in each poll they voted in; in an anonymous one only that they did.
    pub(crate) fn votes_of(&self, who: &Identity) -> Vec<(u64, Vec<usize>)> {
        let voted = self
            .kept
            .iter()
            .filter(|(_, counted)| counted.voters.contains(who));
        voted
            .map(|(id, counted)| (*id, counted.ballots.get(who).cloned().unwrap_or_default()))
            .collect()
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.tell_at
    }

    fn open(&mut self, id: u64) -> Result<&mut Counted, Refusal> {
        let found = self.kept.get_mut(&id).ok_or(Refusal::NoSuchPoll)?;
        if found.poll.closed_at_ms.is_some() {
            return Err(Refusal::PollClosed);
        }
        Ok(found)
    }
}

impl Room {
    pub(crate) fn create_poll(
        &mut self,
        who: &ParticipantId,
        new: NewPoll,
        now: Now,
    ) -> Result<Reply, Refusal> {
        within("question", new.question.len(), limits::QUESTION_BYTES)?;
        within("options", new.options.len(), limits::OPTIONS)?;
        within("polls", self.polls.kept.len() + 1, limits::POLLS)?;
        let mut options: Vec<String> = Vec::new();
        for option in &new.options {
            within("option", option.len(), limits::OPTION_BYTES)?;
            let option = clean_line(option);
            if option.is_empty() || options.contains(&option) {
                return Err(Refusal::Invalid { field: "options" });
            }
            options.push(option);
        }
        let question = clean_line(&new.question);
        if question.is_empty() {
            return Err(Refusal::Invalid { field: "question" });
        }
        if options.len() < 2 {
            return Err(Refusal::Invalid { field: "options" });
        }
        let member = self.member_mut(who)?;
        member.buckets.changes.take(now.instant)?;
        let (by, name) = (member.info.identity.clone(), member.info.name.clone());
        self.polls.last += 1;
        let id = self.polls.last;
        let counted = Counted {
            counts: vec![0; options.len()],
            poll: Poll {
                id,
                question,
                options,
                multiple: new.multiple,
                anonymous: new.anonymous,
                secret_until_closed: new.secret_until_closed,
                by: Some(by),
                name,
                at_ms: now.unix_ms,
                closed_at_ms: None,
                votes: 0,
                counts: None,
                ballots: Vec::new(),
            },
            voters: IndexSet::new(),
            ballots: IndexMap::new(),
        };
        let shown = counted.shown();
        self.polls.kept.insert(id, counted);
        self.tell_poll(id);
        Ok(Reply::Poll(Box::new(shown)))
    }

    /// Counts a vote. In an open ballot a later vote takes the place of the earlier; in an anonymous one nobody knows
    /// any more which that was, and the first counts.
    pub(crate) fn vote(
        &mut self,
        who: &ParticipantId,
        id: u64,
        choices: Vec<usize>,
        now: Now,
    ) -> Result<Reply, Refusal> {
        within("choices", choices.len(), limits::OPTIONS)?;
        let identity = self.member(who)?.info.identity.clone();
        let counted = self.polls.open(id)?;
        let chosen: IndexSet<usize> = choices.iter().copied().collect();
        let sensible = chosen.len() == choices.len()
            && !chosen.is_empty()
            && (counted.poll.multiple || chosen.len() == 1)
            && chosen.iter().all(|choice| *choice < counted.poll.options.len());
        if !sensible {
            return Err(Refusal::Invalid { field: "choices" });
        }
        if counted.poll.anonymous && counted.voters.contains(&identity) {
            return Err(Refusal::AlreadyVoted);
        }
        self.member_mut(who)?.buckets.changes.take(now.instant)?;
        let counted = self.polls.open(id)?;
        for choice in counted.ballots.shift_remove(&identity).unwrap_or_default() {
            if let Some(count) = counted.counts.get_mut(choice) {
                *count = count.saturating_sub(1);
            }
        }
        for choice in &chosen {
            if let Some(count) = counted.counts.get_mut(*choice) {
                *count = count.saturating_add(1);
            }
        }
        if !counted.poll.anonymous {
            counted
                .ballots
                .insert(identity.clone(), chosen.into_iter().collect());
        }
        counted.voters.insert(identity);
        let shown = counted.shown();
        let kept = kept(counted);
        self.send(Audience::Observers, Event::PollKept(Box::new(kept)));
        self.polls.untold.insert(id);
        let due = now.instant.checked_add(TELLING);
        self.polls.tell_at = self.polls.tell_at.or(due);
        Ok(Reply::Poll(Box::new(shown)))
    }

    pub(crate) fn close_poll(&mut self, id: u64, now: Now) -> Result<Reply, Refusal> {
        let counted = self.polls.kept.get_mut(&id).ok_or(Refusal::NoSuchPoll)?;
        if counted.poll.closed_at_ms.is_none() {
            counted.poll.closed_at_ms = Some(now.unix_ms);
            self.tell_poll(id);
        }
        let shown = self.polls.kept.get(&id).map(Counted::shown);
        Ok(Reply::Poll(Box::new(shown.ok_or(Refusal::NoSuchPoll)?)))
    }

    pub(crate) fn delete_poll(&mut self, actor: &Actor, id: u64) -> Result<Reply, Refusal> {
        self.polls.kept.shift_remove(&id).ok_or(Refusal::NoSuchPoll)?;
        self.polls.untold.shift_remove(&id);
        let by = self.name_of(actor);
        self.send(Audience::Everybody, Event::PollDeleted { id, by });
        Ok(Reply::Done)
    }

    /// Tells of votes counted since.
    pub(crate) fn settle_polls(&mut self, now: Instant) {
        if self.polls.tell_at.is_none_or(|at| at > now) {
            return;
        }
        self.polls.tell_at = None;
        for id in std::mem::take(&mut self.polls.untold) {
            if let Some(shown) = self.polls.kept.get(&id).map(Counted::shown) {
                self.send(Audience::Everybody, Event::PollChanged(Box::new(shown)));
            }
        }
    }

    fn tell_poll(&mut self, id: u64) {
        let Some(counted) = self.polls.kept.get(&id) else {
            return;
        };
        let (shown, kept) = (counted.shown(), kept(counted));
        self.polls.untold.shift_remove(&id);
        self.send(Audience::Observers, Event::PollKept(Box::new(kept)));
        self.send(Audience::Everybody, Event::PollChanged(Box::new(shown)));
    }
}

fn kept(counted: &Counted) -> KeptPoll {
    KeptPoll {
        poll: counted.as_seen(false),
        voters: counted.voters.iter().cloned().collect(),
    }
}
