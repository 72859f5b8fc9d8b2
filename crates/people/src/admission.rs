//! Who comes into which room, and as what. The one place where that is decided; doors ask and translate.

use tertulia_model::{Entrance, Role};

use crate::{Access, Account, Invitation, InvitationWorth, OwnedRoom};

/// The house's rule for rooms nobody owns, and the least for those somebody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RoomPolicy {
    /// Anybody opens any room; whoever comes first moderates.
    #[default]
    Open,
    /// Those with an account open rooms, others wait for them: Jitsi's secure domain.
    SignInToCreate,
    /// Those with an account open rooms, others need an invitation.
    InviteOnly,
}

/// Who asks to come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visitor<'a> {
    /// Nobody we know.
    Guest,
    /// Somebody signed in.
    Account(&'a Account),
    /// Somebody an application vouches for, with what it says about moderating.
    Vouched {
        /// Whether they moderate; absent where the application does not say.
        moderator: Option<bool>,
    },
}

/// What a visitor said when asked for the room's password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordProof {
    /// Nothing.
    None,
    /// The right one.
    Right,
    /// Another one.
    Wrong,
}

/// Somebody at the door of a room.
#[derive(Debug, Clone, Copy)]
pub struct Arrival<'a> {
    /// Who.
    pub visitor: Visitor<'a>,
    /// The room, if somebody owns it.
    pub owned: Option<&'a OwnedRoom>,
    /// Whether a meeting is under way.
    pub open: bool,
    /// The invitation they show or came with. An invitation to another room is none.
    pub invitation: Option<ShownInvitation<'a>>,
    /// Whether they know the room's password.
    pub password: PasswordProof,
    /// Whether they were let in before and only renew what they have. Nothing is asked again.
    pub returning: bool,
}

/// An invitation somebody has.
#[derive(Debug, Clone, Copy)]
pub struct ShownInvitation<'a> {
    /// Which.
    pub invitation: &'a Invitation,
    /// What it is worth now.
    pub worth: InvitationWorth,
    /// Whether they came in with it before, so that it is not used up by coming back.
    pub theirs: bool,
}

/// Somebody may come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admission {
    /// As what.
    pub role: Role,
    /// Whether they open the room if nobody is there.
    pub opens: bool,
    /// How they pass the lobby.
    pub entrance: Entrance,
    /// Whether this is a use of the invitation.
    pub uses_invitation: bool,
}

/// Why somebody may not come in, and what would help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Turned {
    /// An account would help.
    #[error("this room is for people with an account")]
    SignInRequired,
    /// An invitation would help.
    #[error("this room is by invitation")]
    InvitationRequired,
    /// The invitation is over or was taken back.
    #[error("the invitation is no longer valid")]
    InvitationVoid,
    /// The room's password would help.
    #[error("this room has a password")]
    PasswordRequired,
    /// That was not the room's password.
    #[error("the password is wrong")]
    PasswordWrong,
    /// Waiting would help: nobody is there yet who may begin.
    #[error("the meeting has not begun")]
    NotBegun,
}

/// Whether somebody who comes first, or inherits, may be a guest: in rooms that are nobody's, where guests may open them.
/// A guest never inherits an owned room.
pub fn guests_may_moderate(policy: RoomPolicy, owned: bool) -> bool {
    policy == RoomPolicy::Open && !owned
}

/// Decides.
///
/// # Errors
/// [`Turned`].
pub fn admit(policy: RoomPolicy, arrival: &Arrival<'_>) -> Result<Admission, Turned> {
    match arrival.owned {
        Some(room) => into_owned(policy, room, arrival),
        None => into_unowned(policy, arrival),
    }
}

fn into_owned(policy: RoomPolicy, room: &OwnedRoom, arrival: &Arrival<'_>) -> Result<Admission, Turned> {
    match arrival.visitor {
        Visitor::Account(account) if account.id == room.owner => return Ok(host(Role::Owner)),
        // Whoever runs the server answers for it, and can be called into any room.
        Visitor::Account(account) if account.admin => return Ok(host(Role::Moderator)),
        Visitor::Vouched {
            moderator: Some(true),
        } => return Ok(host(Role::Moderator)),
        _ => {}
    }
    let role = if room.details.defaults.webinar {
        Role::Viewer
    } else {
        Role::Participant
    };
    let (role, entrance, uses_invitation) = match arrival.invitation {
        Some(shown) if shown.worth == InvitationWorth::Void => {
            if is_private(policy, room, arrival) {
                return Err(Turned::InvitationVoid);
            }
            by_address(policy, room, arrival)?;
            (role, Entrance::Usual, false)
        }
        Some(shown) if shown.theirs => (shown.invitation.role, Entrance::Straight, false),
        Some(shown) if shown.worth == InvitationWorth::Good => {
            (shown.invitation.role, Entrance::Straight, true)
        }
        // What was given to one came to others too: they may ask, as what everybody is.
        Some(_) => (role, Entrance::Knock, false),
        None => {
            by_address(policy, room, arrival)?;
            (role, Entrance::Usual, false)
        }
    };
    let opens = role >= Role::Moderator || room.details.starts_without_owner;
    begun(arrival, opens)?;
    Ok(Admission {
        role,
        opens,
        entrance,
        uses_invitation,
    })
}

/// Whether the room's address and password do not suffice for this visitor.
fn is_private(policy: RoomPolicy, room: &OwnedRoom, arrival: &Arrival<'_>) -> bool {
    let arrival = Arrival {
        password: PasswordProof::Right,
        returning: false,
        ..*arrival
    };
    by_address(policy, room, &arrival).is_err()
}

/// Somebody who knows no more than the address, and perhaps the password.
fn by_address(policy: RoomPolicy, room: &OwnedRoom, arrival: &Arrival<'_>) -> Result<(), Turned> {
    if arrival.returning {
        return Ok(());
    }
    let known = arrival.visitor != Visitor::Guest;
    match (room.details.access, policy) {
        (Access::Invited, _) => return Err(Turned::InvitationRequired),
        (_, RoomPolicy::InviteOnly) if !known => return Err(Turned::InvitationRequired),
        (Access::SignedIn, _) if !known => return Err(Turned::SignInRequired),
        _ => {}
    }
    match (&room.password, arrival.password) {
        (None, _) | (Some(_), PasswordProof::Right) => Ok(()),
        (Some(_), PasswordProof::None) => Err(Turned::PasswordRequired),
        (Some(_), PasswordProof::Wrong) => Err(Turned::PasswordWrong),
    }
}

fn into_unowned(policy: RoomPolicy, arrival: &Arrival<'_>) -> Result<Admission, Turned> {
    let known = arrival.visitor != Visitor::Guest;
    if let Visitor::Vouched {
        moderator: Some(true),
    } = arrival.visitor
    {
        return Ok(host(Role::Moderator));
    }
    if policy == RoomPolicy::InviteOnly && !known && !arrival.returning {
        return Err(Turned::InvitationRequired);
    }
    let opens = known || policy == RoomPolicy::Open;
    begun(arrival, opens)?;
    Ok(Admission {
        role: Role::Participant,
        opens,
        entrance: Entrance::Usual,
        uses_invitation: false,
    })
}

fn begun(arrival: &Arrival<'_>, opens: bool) -> Result<(), Turned> {
    if arrival.open || opens {
        Ok(())
    } else {
        Err(Turned::NotBegun)
    }
}

fn host(role: Role) -> Admission {
    Admission {
        role,
        opens: true,
        entrance: Entrance::Straight,
        uses_invitation: false,
    }
}

#[cfg(test)]
mod tests;
