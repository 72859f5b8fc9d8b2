//! Who comes into which room: asked of `people` for whoever was not judged when their token was given.

use tertulia_model::{Entrance, Role, RoomName};
use tertulia_people::{Arrival, PasswordProof, Turned, Visitor, admit};
use tertulia_room::{Actor, Command, Origin, Reply};

use crate::client::{Client, Refused};
use crate::stanza::Condition;

/// As what somebody comes into a room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Judged {
    pub role: Option<Role>,
    pub entrance: Entrance,
}

impl Client {
    /// Decides whether the client comes into a room, and as what. The password of an owner, of which only a hash is kept,
    /// is not asked for here: who does not come by a token stays out of such a room until moderators set one inside.
    pub(crate) async fn judge_entry(&mut self, name: &RoomName) -> Result<(), Refused> {
        self.judged = Judged {
            role: self.credential.role,
            entrance: self.credential.entrance,
        };
        if self.credential.judged {
            return Ok(());
        }
        let owned = match self.door.store().cloned() {
            Some(store) => store.owned_room(name).await.map_err(|error| {
                tracing::error!(%error, "whose a room is cannot be read");
                Refused::from(Condition::ResourceConstraint)
            })?,
            None => None,
        };
        let open = self.door.engine().find_room(name);
        let asked_inside = match &open {
            Some(room) => {
                let state = room.command(Actor::System, Command::ReadSnapshot).await;
                matches!(state, Ok(Reply::Snapshot(state)) if state.rules.password.is_some())
            }
            None => false,
        };
        let moderates = self.credential.role.map(|role| role >= Role::Moderator);
        let arrival = Arrival {
            visitor: match self.credential.origin {
                Origin::Guest => Visitor::Guest,
                Origin::Token | Origin::Account => Visitor::Vouched { moderator: moderates },
            },
            owned: owned.as_ref().map(|kept| &kept.room),
            open: open.is_some(),
            invitation: None,
            password: if asked_inside {
                PasswordProof::Right
            } else {
                PasswordProof::None
            },
            returning: false,
        };
        let admission = admit(self.door.config().policy, &arrival).map_err(|turned| {
            let condition = match turned {
                Turned::PasswordRequired | Turned::PasswordWrong => Condition::NotAuthorized,
                _ => Condition::NotAllowed,
            };
            Refused(condition, turned.to_string())
        })?;
        if open.is_none() && !admission.opens {
            return Err(Refused(Condition::NotAllowed, Turned::NotBegun.to_string()));
        }
        self.judged = Judged {
            role: Some(admission.role),
            entrance: admission.entrance,
        };
        Ok(())
    }
}
