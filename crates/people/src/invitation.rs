use std::fmt;

use tertulia_model::{Role, RoomName};

use crate::text::line;
use crate::{FieldError, SecretDigest};

/// Longest life of an invitation: a year and a day.
const LONGEST_MS: u64 = 366 * 24 * 3_600 * 1_000;
/// Greatest number of uses that may be allowed.
const MAX_USES: u32 = 10_000;

/// Names an invitation towards its owner; whoever knows it cannot come in with it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InvitationId(String);

impl InvitationId {
    const PREFIX: &'static str = "IN_";

    /// Builds the id from 128 random bits, which the caller supplies.
    pub fn from_random(bits: u128) -> Self {
        Self(format!("{}{bits:032x}", Self::PREFIX))
    }

    /// Reads an id that was written down.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix(Self::PREFIX)?;
        let plain = rest.len() == 32
            && rest
                .bytes()
                .all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'));
        plain.then(|| Self(text.to_owned()))
    }

    /// The whole id, prefix included.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for InvitationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A link that lets somebody into an owned room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// For its owner's list.
    pub id: InvitationId,
    /// Of the secret in the link.
    pub digest: SecretDigest,
    /// Where it leads.
    pub room: RoomName,
    /// Whom it is for, a note of the owner's; empty for anybody.
    pub label: String,
    /// What its bearer is in the room; never [`Role::Owner`].
    pub role: Role,
    /// Unix milliseconds.
    pub created_at_ms: u64,
    /// Unix milliseconds.
    pub expires_at_ms: u64,
    /// How often it lets somebody in without knocking; absent for no limit.
    pub max_uses: Option<u32>,
    /// How often it has.
    pub uses: u32,
    /// Taken back.
    pub revoked: bool,
}

/// What an owner asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvitationWish {
    /// Whom it is for.
    pub label: String,
    /// What its bearer is.
    pub role: Role,
    /// How long it lasts.
    pub lifetime_ms: u64,
    /// How often it may be used.
    pub max_uses: Option<u32>,
}

/// What an invitation is worth at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvitationWorth {
    /// Its bearer comes in.
    Good,
    /// Others have used it up: its bearer may knock.
    UsedUp,
    /// Nothing any more.
    Void,
}

impl Invitation {
    /// Makes one.
    ///
    /// # Errors
    /// [`FieldError`] naming the field.
    pub fn new(
        id: InvitationId,
        digest: SecretDigest,
        room: RoomName,
        wish: InvitationWish,
        now_ms: u64,
    ) -> Result<Self, FieldError> {
        let label = match wish.label.trim() {
            "" => String::new(),
            text => line("label", text)?,
        };
        if wish.role == Role::Owner {
            return Err(FieldError::Invalid("role"));
        }
        if !(1..=LONGEST_MS).contains(&wish.lifetime_ms) {
            return Err(FieldError::Invalid("lifetime"));
        }
        if wish.max_uses.is_some_and(|most| !(1..=MAX_USES).contains(&most)) {
            return Err(FieldError::Invalid("maxUses"));
        }
        Ok(Self {
            id,
            digest,
            room,
            label,
            role: wish.role,
            created_at_ms: now_ms,
            expires_at_ms: now_ms.saturating_add(wish.lifetime_ms),
            max_uses: wish.max_uses,
            uses: 0,
            revoked: false,
        })
    }

    /// What it is worth at `now_ms`.
    pub fn worth(&self, now_ms: u64) -> InvitationWorth {
        if self.revoked || now_ms >= self.expires_at_ms {
            InvitationWorth::Void
        } else if self.max_uses.is_some_and(|most| self.uses >= most) {
            InvitationWorth::UsedUp
        } else {
            InvitationWorth::Good
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SecretToken;

    fn made(wish: InvitationWish) -> Result<Invitation, FieldError> {
        Invitation::new(
            InvitationId::from_random(1),
            SecretToken::from_random([1; 32]).digest(),
            RoomName::parse("Weekly").unwrap(),
            wish,
            1_000,
        )
    }

    fn wish() -> InvitationWish {
        InvitationWish {
            label: " Bea ".into(),
            role: Role::Presenter,
            lifetime_ms: 5_000,
            max_uses: Some(2),
        }
    }

    #[test]
    fn an_invitation_is_worth_something_until_its_end() {
        let mut invitation = made(wish()).unwrap();
        assert_eq!(invitation.label, "Bea");
        assert_eq!(invitation.worth(5_999), InvitationWorth::Good);
        assert_eq!(invitation.worth(6_000), InvitationWorth::Void);
        invitation.uses = 2;
        assert_eq!(invitation.worth(5_999), InvitationWorth::UsedUp);
        invitation.revoked = true;
        assert_eq!(invitation.worth(5_999), InvitationWorth::Void);
        let endless = InvitationWish {
            max_uses: None,
            ..wish()
        };
        let endless = Invitation {
            uses: u32::MAX,
            ..made(endless).unwrap()
        };
        assert_eq!(endless.worth(5_999), InvitationWorth::Good);
    }

    #[test]
    fn wishes_are_bounded_and_give_away_no_room() {
        for (wrong, field) in [
            (
                InvitationWish {
                    role: Role::Owner,
                    ..wish()
                },
                "role",
            ),
            (
                InvitationWish {
                    lifetime_ms: 0,
                    ..wish()
                },
                "lifetime",
            ),
            (
                InvitationWish {
                    lifetime_ms: u64::MAX,
                    ..wish()
                },
                "lifetime",
            ),
            (
                InvitationWish {
                    max_uses: Some(0),
                    ..wish()
                },
                "maxUses",
            ),
            (
                InvitationWish {
                    label: "a\nb".into(),
                    ..wish()
                },
                "label",
            ),
        ] {
            assert_eq!(made(wrong).unwrap_err().field(), field);
        }
    }
}
