use serde::Deserialize;
use tertulia_people::RoomPolicy;

use super::section::{Value, section};

/// Who opens rooms that nobody owns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// Anybody.
    Open,
    /// Those with an account; others wait for them.
    SignInToCreate,
    /// Those with an account; others need an invitation.
    InviteOnly,
}

impl Value for Policy {
    const KIND: &'static str = "text";

    fn shown(&self) -> Option<String> {
        let word = match self {
            Self::Open => "open",
            Self::SignInToCreate => "sign-in-to-create",
            Self::InviteOnly => "invite-only",
        };
        Some(format!("{word:?}"))
    }
}

impl From<Policy> for RoomPolicy {
    fn from(policy: Policy) -> Self {
        match policy {
            Policy::Open => Self::Open,
            Policy::SignInToCreate => Self::SignInToCreate,
            Policy::InviteOnly => Self::InviteOnly,
        }
    }
}

section! {
    /// Accounts of people who own rooms. The first is made on the command line: `tertulia account add`.
    pub struct Accounts {
        /// Whether people can make accounts themselves.
        sign_up: bool = false,
        /// How long somebody stays signed in without coming back, in seconds.
        idle_s: u64 = 1_209_600,
        /// How long somebody stays signed in at most, in seconds.
        longest_s: u64 = 7_776_000,
    }
}
