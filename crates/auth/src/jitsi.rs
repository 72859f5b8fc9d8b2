//! Join tokens in Jitsi's form: `room`, `sub` (the tenant) and `context`. One wire form read strictly.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use tertulia_model::RoomName;

use crate::AuthError;

/// Features one token may name.
const MAX_FEATURES: usize = 64;
/// Longest name of a feature.
const MAX_FEATURE_BYTES: usize = 64;
/// Longest id, name, address or group.
const MAX_TEXT_BYTES: usize = 256;
/// Longest address of a picture.
const MAX_URL_BYTES: usize = 2_048;

/// What a token of the Jitsi form says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JitsiClaims {
    /// The rooms it opens (`room`).
    pub room: RoomScope,
    /// The tenant (`sub`); absent for `*`.
    pub tenant: Option<String>,
    /// Who it is (`context.user`).
    pub user: JitsiUser,
    /// Group (`context.group`).
    pub group: Option<String>,
    /// Whether its bearer moderates: `moderator`, `context.user.moderator` or `context.user.affiliation`. Absent where
    /// none of them stands there.
    pub moderator: Option<bool>,
    /// What is switched on or off for its bearer (`context.features`), by Jitsi's names.
    pub features: BTreeMap<String, bool>,
}

/// Which rooms a token opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoomScope {
    /// Any (`*`).
    Any,
    /// One.
    One(RoomName),
}

impl RoomScope {
    /// Whether it opens `room`.
    pub fn covers(&self, room: &RoomName) -> bool {
        match self {
            Self::Any => true,
            Self::One(own) => own == room,
        }
    }
}

/// A person as an application describes them. Texts are as given and bounded; doors clean what they show.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JitsiUser {
    /// The application's own id.
    pub id: Option<String>,
    /// Display name.
    pub name: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Address of a picture. Never loaded by the server; loading it tells its host who looks.
    pub avatar: Option<String>,
    /// Not shown in recordings.
    pub hidden_from_recorder: bool,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct JitsiPayload {
    room: Option<String>,
    sub: Option<String>,
    moderator: Option<Flag>,
    context: Option<ContextPayload>,
}

#[derive(Debug, Default, Deserialize)]
struct ContextPayload {
    user: Option<UserPayload>,
    group: Option<String>,
    features: Option<Switches>,
}

#[derive(Debug, Default, Deserialize)]
struct UserPayload {
    id: Option<TextOrNumber>,
    name: Option<String>,
    email: Option<String>,
    avatar: Option<String>,
    #[serde(rename = "avatarURL")]
    avatar_url: Option<String>,
    moderator: Option<Flag>,
    affiliation: Option<String>,
    #[serde(rename = "hidden-from-recorder")]
    hidden_from_recorder: Option<Flag>,
}

/// `true`, `"true"`, `false`, `"false"`: applications write all four.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Flag(bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FlagVisitor;

        impl Visitor<'_> for FlagVisitor {
            type Value = Flag;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true or false")
            }

            fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Flag, E> {
                Ok(Flag(value))
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Flag, E> {
                match text {
                    "true" => Ok(Flag(true)),
                    "false" => Ok(Flag(false)),
                    _ => Err(E::custom("neither true nor false")),
                }
            }
        }

        deserializer.deserialize_any(FlagVisitor)
    }
}

/// An id, which some applications write as a number.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum TextOrNumber {
    Text(String),
    Number(u64),
}

/// Names that are on or off; a name given twice is an error.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Switches(pub BTreeMap<String, bool>);

impl<'de> Deserialize<'de> for Switches {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SwitchesVisitor;

        impl<'de> Visitor<'de> for SwitchesVisitor {
            type Value = Switches;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of switches")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Switches, A::Error> {
                let mut switches = BTreeMap::new();
                while let Some((name, Flag(on))) = map.next_entry::<String, Flag>()? {
                    if switches.len() >= MAX_FEATURES || name.len() > MAX_FEATURE_BYTES {
                        return Err(A::Error::custom("too many features"));
                    }
                    if switches.insert(name, on).is_some() {
                        return Err(A::Error::custom("a feature is given twice"));
                    }
                }
                Ok(Switches(switches))
            }
        }

        deserializer.deserialize_map(SwitchesVisitor)
    }
}

impl JitsiPayload {
    pub(crate) fn into_claims(self) -> Result<JitsiClaims, AuthError> {
        let room = match self.room.as_deref() {
            Some("*") => RoomScope::Any,
            Some(name) => RoomScope::One(RoomName::parse(name).map_err(|_| AuthError::Claim("room"))?),
            None => return Err(AuthError::Claim("room")),
        };
        let context = self.context.unwrap_or_default();
        let user = context.user.unwrap_or_default();
        let affiliation = match user.affiliation.as_deref() {
            None | Some("") => None,
            Some("owner" | "moderator" | "teacher" | "admin") => Some(true),
            Some(_) => Some(false),
        };
        let moderator = [self.moderator, user.moderator]
            .into_iter()
            .flatten()
            .map(|Flag(on)| on)
            .chain(affiliation)
            .reduce(|one, other| one || other);
        Ok(JitsiClaims {
            room,
            tenant: text(self.sub, MAX_TEXT_BYTES, "sub")?.filter(|tenant| tenant != "*"),
            user: JitsiUser {
                id: text(
                    user.id.map(TextOrNumber::into_text),
                    MAX_TEXT_BYTES,
                    "context.user.id",
                )?,
                name: text(user.name, MAX_TEXT_BYTES, "context.user.name")?,
                email: text(user.email, MAX_TEXT_BYTES, "context.user.email")?,
                avatar: text(
                    user.avatar.or(user.avatar_url),
                    MAX_URL_BYTES,
                    "context.user.avatar",
                )?
                .filter(|address| address.starts_with("https://")),
                hidden_from_recorder: user.hidden_from_recorder.is_some_and(|Flag(on)| on),
            },
            group: text(context.group, MAX_TEXT_BYTES, "context.group")?,
            moderator,
            features: context.features.unwrap_or_default().0,
        })
    }
}

impl TextOrNumber {
    fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Number(number) => number.to_string(),
        }
    }
}

/// An optional text within its bound; empty counts as absent.
fn text(text: Option<String>, longest: usize, claim: &'static str) -> Result<Option<String>, AuthError> {
    match text {
        Some(text) if text.len() > longest || text.chars().any(char::is_control) => {
            Err(AuthError::Claim(claim))
        }
        text => Ok(text.filter(|text| !text.is_empty())),
    }
}
