//! Who was here, how long, and how long they spoke.

use indexmap::IndexMap;
use tertulia_model::{Identity, ParticipantId};

use crate::limits;
use crate::{Now, ParticipantInfo, Role, Room};

/// One person's attendance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attendance {
    /// Who.
    pub identity: Identity,
    /// The name they had last.
    pub name: String,
    /// The role they had last.
    pub role: Role,
    /// When they came first, Unix milliseconds.
    pub first_joined_ms: u64,
    /// When they left last, Unix milliseconds; `None` while they are here.
    pub last_left_ms: Option<u64>,
    /// How long they were here in all, in milliseconds.
    pub present_ms: u64,
    /// How long they spoke in all, in milliseconds.
    pub spoke_ms: u64,
    /// How often they came.
    pub visits: u32,
}

/// The attendance of everybody who was ever here.
#[derive(Debug, Default)]
pub(crate) struct Register {
    people: IndexMap<Identity, Attendance>,
}

impl Register {
    pub(crate) fn came(&mut self, info: &ParticipantInfo, now: Now) {
        if let Some(known) = self.people.get_mut(&info.identity) {
            known.last_left_ms = None;
            known.visits = known.visits.saturating_add(1);
            return;
        }
        if self.people.len() >= limits::REMEMBERED {
            let gone = self
                .people
                .values()
                .position(|known| known.last_left_ms.is_some());
            if let Some(place) = gone {
                self.people.shift_remove_index(place);
            }
        }
        let attendance = Attendance {
            identity: info.identity.clone(),
            name: info.name.clone(),
            role: info.role,
            first_joined_ms: now.unix_ms,
            last_left_ms: None,
            present_ms: 0,
            spoke_ms: 0,
            visits: 1,
        };
        self.people.insert(info.identity.clone(), attendance);
    }

    pub(crate) fn left(&mut self, info: &ParticipantInfo, now: Now) {
        if let Some(known) = self.people.get_mut(&info.identity) {
            known.last_left_ms = Some(now.unix_ms);
            known.name.clone_from(&info.name);
            known.role = info.role;
            let stay = now.unix_ms.saturating_sub(info.joined_at_ms);
            known.present_ms = known.present_ms.saturating_add(stay);
        }
    }

    /// Somebody was in a breakout for some time, until now.
    pub(crate) fn stayed(&mut self, identity: &Identity, ms: u64, now: Now) {
        if let Some(known) = self.people.get_mut(identity) {
            known.present_ms = known.present_ms.saturating_add(ms);
            known.last_left_ms = known.last_left_ms.map(|_| now.unix_ms);
        }
    }

    fn spoke(&mut self, identity: &Identity, ms: u64) {
        if let Some(known) = self.people.get_mut(identity) {
            known.spoke_ms = known.spoke_ms.saturating_add(ms);
        }
    }
}

impl Room {
    /// Notes that somebody began to speak, or stopped.
    pub(crate) fn note_speech(&mut self, who: &ParticipantId, speaks: bool, now: Now) {
        let Some(member) = self.members.get_mut(who) else {
            return;
        };
        match (member.speaks_since_ms, speaks) {
            (None, true) => member.speaks_since_ms = Some(now.unix_ms),
            (Some(since), false) => {
                member.speaks_since_ms = None;
                let identity = member.info.identity.clone();
                self.register.spoke(&identity, now.unix_ms.saturating_sub(since));
            }
            _ => {}
        }
    }

    /// Everybody's attendance up to now, in the order of their first coming. Hidden ones are left out.
    pub(crate) fn attendance(&self, now: Now) -> Vec<Attendance> {
        let mut all = self.register.people.clone();
        for member in self.members.values() {
            if let Some(known) = all.get_mut(&member.info.identity) {
                let stay = now.unix_ms.saturating_sub(member.info.joined_at_ms);
                known.present_ms = known.present_ms.saturating_add(stay);
                known.name.clone_from(&member.info.name);
                known.role = member.info.role;
                if let Some(since) = member.speaks_since_ms {
                    let speech = now.unix_ms.saturating_sub(since);
                    known.spoke_ms = known.spoke_ms.saturating_add(speech);
                }
            }
        }
        all.into_values().collect()
    }
}
