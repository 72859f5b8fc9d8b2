/// Why a text somebody typed is not taken; names the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FieldError {
    /// Nothing is left of it.
    #[error("{0} is empty")]
    Empty(&'static str),
    /// Longer than it may be.
    #[error("{0} is too long")]
    TooLong(&'static str),
    /// Characters it may not have, or a value that makes no sense.
    #[error("{0} is not acceptable")]
    Invalid(&'static str),
}

impl FieldError {
    /// The field.
    pub fn field(self) -> &'static str {
        match self {
            Self::Empty(field) | Self::TooLong(field) | Self::Invalid(field) => field,
        }
    }
}

/// Why a password is not taken, or nothing can be made of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordError {
    /// Shorter than it must be.
    #[error("the password is too short")]
    TooShort,
    /// Longer than it may be.
    #[error("the password is too long")]
    TooLong,
    /// Among the first that are guessed: the own name, one character again and again, or a famous one.
    #[error("the password is too easy to guess")]
    TooEasy,
    /// The hash could not be computed, for instance for want of memory.
    #[error("the password could not be hashed")]
    Hashing,
}
