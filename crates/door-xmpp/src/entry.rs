//! Who comes into which room: asked of `people` for whoever was not judged when their token was given.

use tertulia_model::{Entrance, Role, RoomName};
use tertulia_people::{Arrival, OwnedRoom, Password, PasswordProof, Turned, Visitor, admit};
use tertulia_room::{Actor, Command, Origin, Reply};

use crate::client::{Client, Refused};
use crate::credential::Credential;
use crate::stanza::Condition;
use crate::state::XmppDoor;

/// As what somebody comes into a room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Judged {
    pub role: Option<Role>,
    pub entrance: Entrance,
}

impl Client {
    /// Decides whether the client comes into a room, and as what.
    pub(crate) async fn judge_entry(
        &mut self,
        name: &RoomName,
        password: Option<&str>,
    ) -> Result<(), Refused> {
        let returning = self.is_of(name);
        self.judged = judge(&self.door, &self.credential, name, password, returning).await?;
        Ok(())
    }
}

/// Decides whether somebody comes into a room, and as what; nothing is asked again of whoever is `returning`.
pub(crate) async fn judge(
    door: &XmppDoor,
    credential: &Credential,
    name: &RoomName,
    password: Option<&str>,
    returning: bool,
) -> Result<Judged, Refused> {
    if credential.judged {
        return Ok(Judged {
            role: credential.role,
            entrance: credential.entrance,
        });
    }
    let owned = match door.store() {
        Some(store) => store.owned_room(name).await.map_err(|error| {
            tracing::error!(%error, "whose a room is cannot be read");
            Refused::from(Condition::ResourceConstraint)
        })?,
        None => None,
    };
    let owned = owned.map(|kept| kept.room);
    let account = match (&credential.account, door.store()) {
        (Some(id), Some(store)) => {
            let account = store.account(id).await.map_err(|error| {
                tracing::error!(%error, "an account cannot be read");
                Refused::from(Condition::ResourceConstraint)
            })?;
            let account = account.filter(|account| !account.disabled);
            Some(account.ok_or_else(|| Refused(Condition::NotAllowed, "the account is closed".to_owned()))?)
        }
        _ => None,
    };
    let open = door.engine().find_room(name);
    let asked_inside = match &open {
        Some(room) => {
            let state = room.command(Actor::System, Command::ReadSnapshot).await;
            matches!(state, Ok(Reply::Snapshot(state)) if state.rules.password.is_some())
        }
        None => false,
    };
    let moderates = credential.role.map(|role| role >= Role::Moderator);
    let arrival = Arrival {
        visitor: match (credential.origin, &account) {
            (_, Some(account)) => Visitor::Account(account),
            (Origin::Guest, _) => Visitor::Guest,
            (Origin::Token | Origin::Account, _) => Visitor::Vouched { moderator: moderates },
        },
        owned: owned.as_ref(),
        open: open.is_some(),
        invitation: None,
        // One that moderators set in the meeting goes before the owner's, and the room itself asks for it.
        password: if asked_inside {
            PasswordProof::Right
        } else {
            proof(door, name, owned.as_ref(), password).await?
        },
        returning,
    };
    let admission = admit(door.config().policy, &arrival).map_err(|turned| {
        let condition = match turned {
            Turned::PasswordRequired | Turned::PasswordWrong => Condition::NotAuthorized,
            Turned::SignInRequired => Condition::AuthenticationRequired,
            Turned::NotBegun => Condition::RoomDoesNotExist,
            _ => Condition::NotAllowed,
        };
        Refused(condition, turned.to_string())
    })?;
    if open.is_none() && !admission.opens {
        return Err(Refused(Condition::RoomDoesNotExist, Turned::NotBegun.to_string()));
    }
    Ok(Judged {
        role: Some(admission.role),
        entrance: admission.entrance,
    })
}

/// Whether somebody knows the password that its owner gave a room.
async fn proof(
    door: &XmppDoor,
    name: &RoomName,
    owned: Option<&OwnedRoom>,
    password: Option<&str>,
) -> Result<PasswordProof, Refused> {
    let hash = owned.and_then(|owned| owned.password.clone());
    let (Some(hash), Some(text)) = (hash, password) else {
        return Ok(PasswordProof::None);
    };
    let Ok(password) = Password::new(text) else {
        return Ok(PasswordProof::Wrong);
    };
    let right = door.compare(name, move || password.matches(&hash)).await?;
    Ok(if right {
        PasswordProof::Right
    } else {
        PasswordProof::Wrong
    })
}
