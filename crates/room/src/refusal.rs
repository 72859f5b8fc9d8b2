/// Why the room did not do what was asked. Each door maps it to its protocol's code in one `match`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The actor lacks the right.
    #[error("not allowed")]
    NotAllowed,
    /// The participant addressed is not in the room.
    #[error("no such participant")]
    NoSuchParticipant,
    /// The track addressed is not published.
    #[error("no such track")]
    NoSuchTrack,
    /// The room holds as many as it may.
    #[error("the room is full")]
    RoomFull,
    /// The room has ended.
    #[error("the room has ended")]
    RoomEnded,
    /// The identity was removed and may not come back with the same credential.
    #[error("removed from the room")]
    Removed,
    /// A value is longer, larger or more numerous than allowed; names the field.
    #[error("{field} exceeds its limit of {limit}")]
    LimitExceeded {
        /// Which value.
        field: &'static str,
        /// The limit, in the unit of the field (bytes for texts).
        limit: usize,
    },
    /// The media type or the combination asked for is not supported.
    #[error("unsupported type")]
    UnsupportedType,
    /// A value makes no sense here; names the field.
    #[error("invalid {field}")]
    Invalid {
        /// Which value.
        field: &'static str,
    },
    /// The room is locked.
    #[error("the room is locked")]
    Locked,
    /// The room asks for a password.
    #[error("a password is needed")]
    PasswordNeeded,
    /// The password is wrong.
    #[error("the password is wrong")]
    WrongPassword,
    /// Whoever comes waits in the lobby first.
    #[error("wait in the lobby")]
    LobbyNeeded,
    /// No more can wait.
    #[error("the lobby is full")]
    LobbyFull,
    /// The identity is banned.
    #[error("banned from the room")]
    Banned,
    /// The message addressed is not kept, or not for the asker.
    #[error("no such message")]
    NoSuchMessage,
    /// The poll addressed is not kept.
    #[error("no such poll")]
    NoSuchPoll,
    /// The breakout addressed does not exist, or there is none to go to.
    #[error("no such breakout")]
    NoSuchBreakout,
    /// Nobody is in breakouts now.
    #[error("the breakouts are closed")]
    BreakoutsClosed,
    /// The poll is closed.
    #[error("the poll is closed")]
    PollClosed,
    /// In an anonymous poll a vote cannot be changed.
    #[error("already voted")]
    AlreadyVoted,
    /// The whiteboard was cleared; what was drawn belongs to the one before.
    #[error("the whiteboard was cleared meanwhile")]
    BoardCleared,
    /// Too many requests in a short time.
    #[error("too many requests")]
    TooMany,
    /// It could not be kept, so nobody was told of it. Worth trying again.
    #[error("it cannot be kept now")]
    NotKept,
}
