//! People and what is theirs: accounts and sessions, owned rooms and invitations, and who comes into which room as what.
//!
//! Values and decisions only. Where they are kept is `store`'s, how they look on a wire the doors', and what a role may do in
//! a meeting the room's. [`admit`] is the one place where it is decided who comes in with which role.
//!
//! Invariants: time and randomness are parameters; secrets are never formatted, and what is kept of one does not let anybody
//! in; a value of these types is within its bounds; a guest never inherits an owned room.
//!
//! ```
//! use tertulia_people::{Arrival, PasswordProof, RoomPolicy, Turned, Visitor, admit};
//! let arrival = Arrival {
//!     visitor: Visitor::Guest,
//!     owned: None,
//!     open: false,
//!     invitation: None,
//!     password: PasswordProof::None,
//!     returning: false,
//! };
//! assert!(admit(RoomPolicy::Open, &arrival).is_ok_and(|admission| admission.opens));
//! assert_eq!(admit(RoomPolicy::SignInToCreate, &arrival), Err(Turned::NotBegun));
//! ```

#![cfg_attr(test, allow(clippy::disallowed_methods))] // Tests begin their virtual time at some instant.

mod account;
mod admission;
mod error;
mod guesses;
mod invitation;
mod owned_room;
mod password;
mod schedule;
mod secret;
mod session;
mod text;
mod throttle;

pub use account::{Account, AccountId, ExternalIdentity, LoginName, display_name, email};
pub use admission::{
    Admission, Arrival, PasswordProof, RoomPolicy, ShownInvitation, Turned, Visitor, admit,
    guests_may_moderate,
};
pub use error::{FieldError, PasswordError};
pub use guesses::Guesses;
pub use invitation::{Invitation, InvitationId, InvitationWish, InvitationWorth};
pub use owned_room::{Access, MeetingDefaults, OwnedRoom, PictureLimits, RoomDetails};
pub use password::{HashCost, MAX_PASSWORD_BYTES, MIN_PASSWORD_CHARS, Password, PasswordHash};
pub use schedule::{Event, Recurrence, Repeat, Schedule};
pub use secret::{SecretDigest, SecretToken};
pub use session::{Session, SessionLife};
pub use throttle::{Patience, Throttle};
