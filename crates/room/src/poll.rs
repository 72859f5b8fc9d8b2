//! Polls: questions to everybody, kept with the room.

use std::time::{Duration, Instant};

use indexmap::{IndexMap, IndexSet};
use tertulia_model::{Identity, ParticipantId};

use crate::limits::{self, within};
use crate::text::clean_line;
use crate::{Actor, Audience, Event, NewPoll, Now, Record, Refusal, Reply, Room};

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

/// A vote to be written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vote {
    /// In which poll.
    pub poll: u64,
    /// Whose.
    pub voter: Identity,
    /// Places among the options.
    pub choices: Vec<usize>,
    /// Only how often each option was chosen may be kept, and that the voter has voted.
    pub anonymous: bool,
    /// When.
    pub at: Now,
}

/// Counts a vote that takes the place of an earlier one, if there was one. What is no place in `counts` counts nowhere.
pub fn recount(counts: &mut [u32], before: &[usize], after: &[usize]) {
    for choice in before {
        if let Some(count) = counts.get_mut(*choice) {
            *count = count.saturating_sub(1);
        }
    }
    for choice in after {
        if let Some(count) = counts.get_mut(*choice) {
            *count = count.saturating_add(1);
        }
    }
}

/// A poll with all the store knows of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptPoll {
    /// The poll, its results in the open.
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
    fn new(poll: Poll) -> Self {
        Self {
            counts: vec![0; poll.options.len()],
            voters: IndexSet::new(),
            ballots: IndexMap::new(),
            poll,
        }
    }

    fn restored(kept: KeptPoll) -> Self {
        let mut poll = kept.poll;
        let mut counts = poll.counts.take().unwrap_or_default();
        counts.resize(poll.options.len(), 0);
        Self {
            counts,
            voters: kept.voters.into_iter().collect(),
            ballots: std::mem::take(&mut poll.ballots).into_iter().collect(),
            poll,
        }
    }

    fn count(&mut self, voter: Identity, choices: Vec<usize>) {
        let before = self.ballots.shift_remove(&voter).unwrap_or_default();
        recount(&mut self.counts, &before, &choices);
        if !self.poll.anonymous {
            self.ballots.insert(voter.clone(), choices);
        }
        self.voters.insert(voter);
    }

    /// As everybody may see it now.
    fn shown(&self) -> Poll {
        let open = self.poll.closed_at_ms.is_none();
        let secret = open && self.poll.secret_until_closed;
        let ballots = self.ballots.iter();
        Poll {
            votes: self.voters.len(),
            counts: (!secret).then(|| self.counts.clone()),
            ballots: if secret || self.poll.anonymous {
                Vec::new()
            } else {
                ballots
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

    /// Begins with what stood before.
    pub(crate) fn restore(&mut self, kept: Vec<KeptPoll>, last: u64) {
        self.last = self.last.max(last);
        for kept in kept {
            let counted = Counted::restored(kept);
            self.last = self.last.max(counted.poll.id);
            self.kept.insert(counted.poll.id, counted);
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
        let made = self.polls.kept.len() + self.records.polls_pending();
        within("polls", made + 1, limits::POLLS)?;
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
        self.keep_and_act(Record::PollMade(Box::new(Poll {
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
        })))
    }

    /// Everybody hears of a poll once it stands.
    pub(crate) fn poll_made(&mut self, poll: Poll) -> Reply {
        let counted = Counted::new(poll);
        let (id, shown) = (counted.poll.id, counted.shown());
        self.polls.kept.insert(id, counted);
        self.tell_poll(id);
        Reply::Poll(Box::new(shown))
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
        let once = counted.poll.anonymous;
        if once && (counted.voters.contains(&identity) || self.records.vote_pending(id, &identity)) {
            return Err(Refusal::AlreadyVoted);
        }
        self.member_mut(who)?.buckets.changes.take(now.instant)?;
        self.keep_and_act(Record::Voted(Vote {
            poll: id,
            voter: identity,
            choices: chosen.into_iter().collect(),
            anonymous: once,
            at: now,
        }))
    }

    /// Counts a vote that stands; everybody hears of it with the others of the same moment.
    pub(crate) fn voted(&mut self, vote: Vote) -> Result<Reply, Refusal> {
        let counted = self.polls.open(vote.poll)?;
        if vote.anonymous && counted.voters.contains(&vote.voter) {
            return Err(Refusal::AlreadyVoted);
        }
        counted.count(vote.voter, vote.choices);
        let shown = counted.shown();
        self.polls.untold.insert(vote.poll);
        let due = vote.at.instant.checked_add(TELLING);
        self.polls.tell_at = self.polls.tell_at.or(due);
        Ok(Reply::Poll(Box::new(shown)))
    }

    pub(crate) fn close_poll(&mut self, id: u64, now: Now) -> Result<Reply, Refusal> {
        let counted = self.polls.kept.get(&id).ok_or(Refusal::NoSuchPoll)?;
        if counted.poll.closed_at_ms.is_some() {
            return Ok(Reply::Poll(Box::new(counted.shown())));
        }
        self.keep_and_act(Record::PollClosed {
            poll: id,
            at_ms: now.unix_ms,
        })
    }

    /// Shows the results of a poll whose end stands.
    pub(crate) fn poll_closed(&mut self, id: u64, at_ms: u64) -> Result<Reply, Refusal> {
        let counted = self.polls.kept.get_mut(&id).ok_or(Refusal::NoSuchPoll)?;
        counted.poll.closed_at_ms.get_or_insert(at_ms);
        let shown = counted.shown();
        self.tell_poll(id);
        Ok(Reply::Poll(Box::new(shown)))
    }

    pub(crate) fn delete_poll(&mut self, actor: &Actor, id: u64) -> Result<Reply, Refusal> {
        self.polls.kept.get(&id).ok_or(Refusal::NoSuchPoll)?;
        let by = self.name_of(actor);
        self.keep_and_act(Record::PollDeleted { poll: id, by })
    }

    /// Forgets a poll, which the store has done already.
    pub(crate) fn poll_deleted(&mut self, id: u64, by: Option<Identity>) -> Result<Reply, Refusal> {
        self.polls.kept.shift_remove(&id).ok_or(Refusal::NoSuchPoll)?;
        self.polls.untold.shift_remove(&id);
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
        let Some(shown) = self.polls.kept.get(&id).map(Counted::shown) else {
            return;
        };
        self.polls.untold.shift_remove(&id);
        self.send(Audience::Everybody, Event::PollChanged(Box::new(shown)));
    }
}
