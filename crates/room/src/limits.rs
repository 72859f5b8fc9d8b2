//! How large and how many: what a room takes from one peer before it answers
//! [`Refusal::LimitExceeded`]. Texts are measured in bytes.

use std::time::Duration;

use crate::Refusal;

/// A display name, or the name of a track.
pub const NAME_BYTES: usize = 256;
/// Metadata of a participant or of a room.
pub const METADATA_BYTES: usize = 512 * 1024;
/// All attribute keys and values of a participant together.
pub const ATTRIBUTES_BYTES: usize = 64 * 1024;
/// A publisher's own id for a track, a stream name, a chat message's own id.
pub const ID_BYTES: usize = 256;
/// Capability numbers of a client.
pub const CAPABILITIES: usize = 64;
/// Tracks one participant announced that no media section is bound to yet.
pub const PENDING_TRACKS: usize = 32;
/// Tracks of one participant, pending or live.
pub const TRACKS: usize = 64;
/// Codecs of one track.
pub const CODECS: usize = 4;
/// Layers of one codec.
pub const LAYERS: usize = 3;
/// Mirrored packet trailer features of one track.
pub const TRAILER_FEATURES: usize = 16;
/// Tracks named in one command.
pub const TRACKS_NAMED: usize = 5_000;
/// Participants named in one publisher's list of allowed subscribers.
pub const PUBLISHER_PERMISSIONS: usize = 1_000;
/// Receivers named in one data message.
pub const DESTINATIONS: usize = 1_000;
/// Topic of a data message.
pub const TOPIC_BYTES: usize = 256;
/// Payload of a data message as encoded by its door.
pub const DATA_BYTES: usize = 64 * 1024;
/// Name of a reaction.
pub const REACTION_BYTES: usize = 32;
/// Chat messages in one answer to [`Command::ReadChat`](crate::Command::ReadChat).
pub const CHAT_PAGE: usize = 500;
/// Chat messages in a snapshot.
pub const SNAPSHOT_CHAT: usize = 100;
/// Chat messages kept at most, whatever the settings say.
pub const CHAT_HISTORY: usize = 10_000;
/// Things that wait to be written down.
pub const PENDING_RECORDS: usize = 1_000;
/// Removed identities remembered; the oldest is forgotten first.
pub const REVOCATIONS: usize = 10_000;
/// Identities remembered as admitted, banned, of a standing, or attending; the oldest is forgotten first.
pub const REMEMBERED: usize = 10_000;
/// A room's password.
pub const PASSWORD_BYTES: usize = 256;
/// Those who wait in the lobby.
pub const LOBBY: usize = 500;
/// Those in the spotlight.
pub const SPOTLIGHT: usize = 12;
/// The description of a layout that others follow.
pub const LAYOUT_BYTES: usize = 4 * 1024;
/// The address of a shared video.
pub const URL_BYTES: usize = 2_048;
/// The longest countdown.
pub const TIMER: Duration = Duration::from_secs(24 * 3_600);
/// Different reactions to one message.
pub const MESSAGE_REACTIONS: usize = 20;
/// People with the same reaction to one message.
pub const MESSAGE_REACTORS: usize = 1_000;
/// Polls kept with a room.
pub const POLLS: usize = 50;
/// Options of a poll.
pub const OPTIONS: usize = 20;
/// The question of a poll.
pub const QUESTION_BYTES: usize = 1_000;
/// An option of a poll.
pub const OPTION_BYTES: usize = 400;
/// Elements changed at once on the whiteboard.
pub const BOARD_CHANGES: usize = 500;
/// Elements of the whiteboard.
pub const BOARD_ELEMENTS: usize = 5_000;
/// All elements of the whiteboard together.
pub const BOARD_BYTES: usize = 4 * 1024 * 1024;
/// One element of the whiteboard: a long line drawn by hand.
pub const ELEMENT_BYTES: usize = 96 * 1024;
/// The id of an element of the whiteboard.
pub const ELEMENT_ID_BYTES: usize = 64;

/// Breakouts of a room.
pub const BREAKOUTS: usize = 100;
/// The longest time people are given to finish before they are called back from breakouts.
pub const BREAKOUT_GRACE: Duration = Duration::from_secs(300);

/// How long a lower demand must last before the publisher is told to send less.
pub const DOWNGRADE_DELAY: Duration = Duration::from_secs(5);
/// How long after a track went live its publisher is not yet told to send less.
pub const FIRST_DECISION_DELAY: Duration = Duration::from_secs(10);

/// Refuses a `size` above `limit`.
pub(crate) fn within(field: &'static str, size: usize, limit: usize) -> Result<(), Refusal> {
    if size > limit {
        Err(Refusal::LimitExceeded { field, limit })
    } else {
        Ok(())
    }
}
