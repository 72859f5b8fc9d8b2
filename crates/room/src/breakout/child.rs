//! Being a breakout: who is let in, and what the main room hears and says.

use std::time::{Duration, Instant};

use tertulia_model::Identity;

use super::{BreakoutReport, Errand, FromParent};
use crate::{
    ChatMessage, Command, DepartureReason, Fact, Now, ParticipantInfo, Record, Refusal, Reply, Room,
};

/// How long those who do not go back by themselves are let be.
const RECALL: Duration = Duration::from_secs(8);

/// Everybody here was called back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recall {
    since: Instant,
    /// When those who are still here are put out.
    until: Option<Instant>,
}

impl Room {
    pub(crate) fn hear_parent(&mut self, what: FromParent, now: Now) -> Result<Reply, Refusal> {
        if self.settings.rules.parent.is_none() {
            return Err(Refusal::NotAllowed);
        }
        match what {
            FromParent::Expect { identity, standing } => {
                self.gate.admit(&identity, None);
                self.revoked.shift_remove(&identity);
                let here = self.identities.get(&identity).cloned();
                match here.and_then(|id| Some((id.clone(), self.members.get_mut(&id)?))) {
                    Some((id, member)) if member.standing != standing => {
                        member.standing = standing;
                        self.standing_changed(&id, None, now);
                    }
                    Some(_) => {}
                    None => self.remember_standing(identity, standing),
                }
            }
            FromParent::PutOut { identity } => {
                self.gate.forget(&identity);
                self.standings.shift_remove(&identity);
                if let Some(id) = self.identities.get(&identity).cloned() {
                    self.depart(&id, DepartureReason::Removed, now);
                }
            }
            FromParent::Say {
                identity,
                name,
                id,
                text,
            } => {
                let message = ChatMessage {
                    seq: self.chat.next_sequence(),
                    id,
                    identity,
                    name,
                    text,
                    at_ms: now.unix_ms,
                    file: None,
                    to: None,
                    reply_to: None,
                    edited_at_ms: None,
                    deleted: false,
                    reactions: Vec::new(),
                };
                return self.keep_and_act(Record::Chat(message));
            }
            FromParent::Recall => {
                self.recall = Some(Recall {
                    since: now.instant,
                    until: now.instant.checked_add(RECALL),
                });
            }
            FromParent::End => self.end(DepartureReason::RoomEnded, now),
        }
        Ok(Reply::Done)
    }

    /// Ends a breakout that was called back once nobody is in it, or those in it have not gone.
    pub(super) fn settle_recall(&mut self, now: Now) {
        if self.recalled_at().is_some_and(|at| at <= now.instant) {
            self.end(DepartureReason::Moved, now);
        }
    }

    pub(super) fn recalled_at(&self) -> Option<Instant> {
        let recall = self.recall?;
        if self.members.is_empty() {
            Some(recall.since)
        } else {
            recall.until
        }
    }

    pub(crate) fn report_coming(&mut self, info: &ParticipantInfo) {
        if !info.base.hidden {
            self.report(BreakoutReport::Came(info.identity.clone()));
        }
    }

    pub(crate) fn report_going(&mut self, info: &ParticipantInfo, reason: DepartureReason) {
        if !info.base.hidden {
            self.report(BreakoutReport::Went(info.identity.clone(), reason));
        }
    }

    /// Tells the main room something, where there is one.
    pub(crate) fn report(&mut self, report: BreakoutReport) {
        let Some(parent) = self.settings.rules.parent.clone() else {
            return;
        };
        let fact = Fact::Breakout {
            room: self.name.clone(),
            report,
        };
        self.errand(Errand::Ask {
            room: parent,
            command: Box::new(Command::Fact(fact)),
        });
    }

    /// In a breakout is who was sent there.
    pub(crate) fn is_unexpected(&self, identity: &Identity) -> bool {
        self.settings.rules.parent.is_some() && !self.gate.is_admitted(identity)
    }
}
