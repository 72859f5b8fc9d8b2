//! Who did what to the room, for the audit log. Never what somebody said, showed or is called.

use tertulia_model::Identity;

use crate::{Actor, BreakoutCommand, Command, Now, Record, Right, Rights, Room};

/// One line of the audit log, as far as the room knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// When, Unix milliseconds.
    pub at_ms: u64,
    /// Who.
    pub by: AuditActor,
    /// What, as `noun.verb`.
    pub action: &'static str,
    /// To whom, where it was done to somebody.
    pub subject: Option<Identity>,
    /// What exactly, where one word says it: a track's id, a right, a number. Never content.
    pub detail: Option<String>,
}

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditActor {
    /// A participant.
    Participant(Identity),
    /// A caller of a server API.
    Admin,
    /// The server itself.
    System,
}

/// What an auditable command is called, whom it concerns and what exactly.
type Deed = (&'static str, Option<Identity>, Option<String>);

/// Says what of a command goes into the log, before it is carried out.
pub(crate) fn deed(command: &Command) -> Option<Deed> {
    Some(match command {
        Command::Remove { identity, revoke } => (
            if *revoke {
                "participant.revoked"
            } else {
                "participant.removed"
            },
            Some(identity.clone()),
            None,
        ),
        Command::MuteTrack {
            identity,
            track,
            muted: true,
        } => ("track.muted", Some(identity.clone()), Some(track.to_string())),
        Command::UpdateParticipant {
            identity,
            permission: Some(_),
            ..
        } => ("participant.rights_changed", Some(identity.clone()), None),
        Command::UpdateSubscriptions { identity, .. } => {
            ("participant.subscriptions_changed", Some(identity.clone()), None)
        }
        Command::Ban { identity } => ("participant.banned", Some(identity.clone()), None),
        Command::Unban { identity } => ("participant.unbanned", Some(identity.clone()), None),
        Command::SetRole { identity, role } => {
            let role = role.name().to_owned();
            ("participant.role_given", Some(identity.clone()), Some(role))
        }
        Command::SetRights {
            identity,
            grant,
            revoke,
        } => {
            let names = |rights: &Rights| rights.iter().map(Right::as_str).collect::<Vec<_>>().join("+");
            let detail = format!("granted {} revoked {}", names(grant), names(revoke));
            ("participant.rights_changed", Some(identity.clone()), Some(detail))
        }
        Command::MuteSource { identity, source } => (
            "participant.muted",
            Some(identity.clone()),
            Some(format!("{source:?}")),
        ),
        Command::MuteAll { source, .. } => ("room.muted", None, Some(format!("{source:?}"))),
        Command::Admit { .. } => ("lobby.admitted", None, None),
        Command::Deny { .. } => ("lobby.denied", None, None),
        Command::SetAccess(_) => ("room.access_changed", None, None),
        Command::SetRules(_) => ("room.rules_changed", None, None),
        Command::DeleteChat { seq } => ("chat.deleted", None, Some(seq.to_string())),
        Command::DeletePoll { poll } => ("poll.deleted", None, Some(poll.to_string())),
        Command::Breakout(BreakoutCommand::Open { .. }) => ("breakouts.opened", None, None),
        Command::Breakout(BreakoutCommand::Close { .. }) => ("breakouts.closed", None, None),
        Command::Breakout(BreakoutCommand::Assign { identities, breakout }) => {
            let place = breakout.map_or_else(|| "main".to_owned(), |id| id.to_string());
            let one = match identities.as_slice() {
                [one] => Some(one.clone()),
                _ => None,
            };
            ("breakouts.assigned", one, Some(place))
        }
        Command::ClearBoard => ("board.cleared", None, None),
        Command::ReadAttendance => ("attendance.read", None, None),
        Command::SetRoomMetadata { .. } => ("room.metadata_changed", None, None),
        Command::End => ("room.ended", None, None),
        _ => return None,
    })
}

impl Room {
    /// Who an actor is, for the log; `None` for somebody who is not here.
    pub(crate) fn audited(&self, actor: &Actor) -> Option<AuditActor> {
        match actor {
            Actor::Participant(id) => {
                let member = self.members.get(id)?;
                Some(AuditActor::Participant(member.info.identity.clone()))
            }
            Actor::Away(identity) => Some(AuditActor::Participant(identity.clone())),
            Actor::Admin => Some(AuditActor::Admin),
            Actor::System => Some(AuditActor::System),
        }
    }

    pub(crate) fn audit(
        &mut self,
        by: AuditActor,
        action: &'static str,
        subject: Option<Identity>,
        detail: Option<String>,
        now: Now,
    ) {
        self.note(Record::Audit(AuditEntry {
            at_ms: now.unix_ms,
            by,
            action,
            subject,
            detail,
        }));
    }
}
