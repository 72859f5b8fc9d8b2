use thiserror::Error;

/// Why a text is no description of a peer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SdpError {
    /// Longer than taken.
    #[error("description is longer than {max} bytes")]
    TooLong {
        /// The greatest length taken.
        max: usize,
    },
    /// More of something than taken.
    #[error("more than {max} {what}")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// The greatest number taken.
        max: usize,
    },
    /// Not SDP.
    #[error("malformed description: {0}")]
    Syntax(String),
    /// An attribute no WebRTC description goes without.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// An attribute with a value that cannot be.
    #[error("{attribute} has an invalid value")]
    Invalid {
        /// The attribute.
        attribute: &'static str,
    },
    /// Something Tertulia does not do.
    #[error("{0} is not supported")]
    Unsupported(&'static str),
}
