//! One meeting room as a value: who is here, what they publish, who receives it, and who may do what.
//!
//! A [`Command`] comes in with its [`Actor`] and the time; [`Delivery`]s for the doors and [`RouteChange`]s for the
//! forwarding engine come out, and [`Errand`]s for other rooms. The room is never asked per packet, reads no clock, draws no randomness of its own and
//! does no I/O; every right is decided here and nowhere else, so the same attempt through any door gets the same
//! [`Refusal`]. What must outlive the process comes out as [`Record`]s, and takes effect once it stands.
//!
//! Invariants: identities are unique among the present; a participant's `version` only rises; a route exists exactly
//! for each pair of a live track and a participant that is subscribed, allowed and not its publisher; nobody but
//! observers hears of a hidden participant; a refused command changes nothing that others could notice.
//!
//! ```
//! # #![allow(clippy::disallowed_methods)]
//! # use std::time::{Duration, Instant};
//! # use tertulia_model::{RoomId, RoomName};
//! use tertulia_room::{Actor, Command, Now, Refusal, Room, RoomSettings};
//!
//! # let settings = RoomSettings {
//! #     max_participants: None, ceiling: None, empty_timeout: Duration::from_secs(300), departure_timeout: Duration::from_secs(20),
//! #     metadata: String::new(), chat_history: 100, chat_text_bytes: 2_000, rules: Default::default(),
//! # };
//! let now = Now { instant: Instant::now(), unix_ms: 1_700_000_000_000 };
//! let name = RoomName::parse("Plaza").unwrap();
//! let mut room = Room::new(RoomId::from_random(1), name, settings, [7; 32], now);
//! let reply = room.handle(&Actor::Admin, Command::SetRoomMetadata { metadata: "x".repeat(1 << 20) }, now);
//! assert!(matches!(reply, Err(Refusal::LimitExceeded { field: "metadata", .. })));
//! while let Some(delivery) = room.poll_delivery() { /* to the doors */ }
//! while let Some(change) = room.poll_route() { /* to the forwarding engine */ }
//! assert_eq!(room.poll_timeout(), Some(now.instant + Duration::from_secs(300)));
//! ```

mod act;
mod admission;
mod announced;
mod announcement;
mod attendance;
mod audit;
mod board;
mod breakout;
mod bucket;
mod chat;
mod command;
mod data;
mod dynacast;
mod event;
mod hand;
pub mod limits;
mod member;
mod moderation;
mod mute;
mod participant;
mod permission;
mod poll;
mod presence;
mod profile;
mod publication;
mod publish;
mod record;
mod refusal;
mod report;
mod right;
mod room;
mod rules;
mod shared_video;
mod standing;
mod subscribe;
mod text;

#[cfg(test)]
mod tests;

pub use act::{Act, Need};
pub use admission::{Admission, Ban, Chosen, Knocker, LobbyOutcome};
pub use announced::{Announced, Matched};
pub use attendance::Attendance;
pub use audit::{AuditActor, AuditEntry};
pub use board::{BoardElement, Drawing, Drawn};
pub use breakout::{
    BreakoutCommand, BreakoutName, BreakoutPerson, BreakoutPlace, BreakoutReport, BreakoutTicket,
    BreakoutView, BreakoutsView, Errand, FromParent, HelpCall,
};
pub use command::{
    Actor, Applicant, ChatInput, Command, DataMessage, Fact, NewParticipant, NewPoll, NewTrack, Now, Origin,
    PublisherPermission, Reply, RoomSettings, SharedFile, TrackSettings,
};
pub use event::{
    Audience, ChatFile, ChatMessage, ChatReaction, CodecQualities, Delivery, DepartureReason, Event,
    FollowMe, HandState, QualityReport, Reaction, RoomInfo, RoomSnapshot, RouteChange, Speaker, Timer,
    Wanted,
};
pub use participant::{ConnectionQuality, ParticipantInfo, ParticipantKind, ParticipantState};
pub use permission::Permission;
pub use poll::{KeptPoll, Poll, Vote, recount};
pub use publication::{AudioFeatures, SimulcastCodec, TrackEncryption, TrackInfo, TrackState};
pub use record::{History, Record, Settlement, Ticket};
pub use refusal::Refusal;
pub use right::{Right, Rights};
pub use room::Room;
pub use rules::{AccessChange, AutoAdmit, MediaLimits, Password, RoomRules, RulesChange};
pub use shared_video::SharedVideo;
pub use standing::Standing;
pub use tertulia_model::{Entrance, Role};
