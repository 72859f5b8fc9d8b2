/// The part somebody has in a room. What each part may do is the room's to say; who gets which on entry is decided
/// when their token is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Role {
    /// Watches and listens.
    Viewer,
    /// Takes part.
    #[default]
    Participant,
    /// Speaks and shows, in a webinar.
    Presenter,
    /// Moderates.
    Moderator,
    /// The room is theirs.
    Owner,
}

impl Role {
    /// All of them, least first.
    pub const ALL: [Self; 5] = [
        Self::Viewer,
        Self::Participant,
        Self::Presenter,
        Self::Moderator,
        Self::Owner,
    ];

    /// The name it has in tokens and in our own API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Participant => "participant",
            Self::Presenter => "presenter",
            Self::Moderator => "moderator",
            Self::Owner => "owner",
        }
    }

    /// The role of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// How somebody passes the lobby of a room, if it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Entrance {
    /// As the room's rules say.
    #[default]
    Usual,
    /// Without waiting: an owner, or somebody with a personal invitation.
    Straight,
    /// By knocking, whatever the rules say: an invitation that others have used before.
    Knock,
}

impl Entrance {
    const ALL: [Self; 3] = [Self::Usual, Self::Straight, Self::Knock];

    /// The name it has in tokens.
    pub fn name(self) -> &'static str {
        match self {
            Self::Usual => "usual",
            Self::Straight => "straight",
            Self::Knock => "knock",
        }
    }

    /// The entrance of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|entrance| entrance.name() == name)
    }
}
