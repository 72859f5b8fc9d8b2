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
    /// Too many requests in a short time.
    #[error("too many requests")]
    TooMany,
    /// It could not be kept, so nobody was told of it. Worth trying again.
    #[error("it cannot be kept now")]
    NotKept,
}
