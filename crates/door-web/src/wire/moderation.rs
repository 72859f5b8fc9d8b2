//! Roles, rights and rules.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What somebody is in a room; each may do what the one before may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Viewer,
    Participant,
    Presenter,
    Moderator,
    Owner,
}

/// One thing somebody may do. `docs/permissions.md` says which role has which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Right {
    Microphone,
    Camera,
    ShareScreen,
    SendData,
    Chat,
    PrivateChat,
    RaiseHand,
    React,
    Vote,
    Draw,
    SpeakFreely,
    Present,
    ManagePolls,
    Mute,
    Remove,
    Admit,
    ManageAccess,
    ManageRights,
    ManageChat,
    ManageFloor,
    ManageRoom,
    ManageBreakouts,
    ReadReport,
    EnterFreely,
    EndRoom,
}

/// A source of a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    Microphone,
    Camera,
    ScreenShare,
    ScreenShareAudio,
}

/// The reader's own role and rights; the event `own` when they change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Own {
    pub role: Role,
    pub rights: Vec<Right>,
}

/// The event `standing`: somebody's role or rights were changed.
#[derive(Debug, Serialize, ToSchema)]
pub struct StandingEvent {
    pub identity: String,
    pub role: Role,
    /// Beyond the role.
    pub granted: Vec<Right>,
    /// Of the role, but not theirs.
    pub revoked: Vec<Right>,
    /// Absent where the operator's application or the room itself did it.
    pub by: Option<String>,
}

/// The room's rules.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rules {
    pub locked: bool,
    /// Whether a password is asked for. It is never told.
    pub password: bool,
    pub lobby: bool,
    /// Whether those who signed in pass the lobby.
    pub admit_signed_in: bool,
    /// Absent for no limit.
    pub capacity: Option<usize>,
    /// Rights switched off for everybody without `speak_freely`.
    pub switched_off: Vec<Right>,
    pub start_audio_muted: bool,
    pub start_video_muted: bool,
    pub default_role: Role,
    pub webinar: bool,
    pub media: Media,
    /// Whether the room has an owner.
    pub owned: bool,
}

/// How much media may be sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Media {
    /// Greatest short side of a camera's picture; absent for no limit.
    #[serde(default)]
    pub max_height: Option<u32>,
    /// Greatest frame rate of a camera; absent for no limit.
    #[serde(default)]
    pub max_fps: Option<u32>,
    /// `vp8`, `vp9`, `h264`, `av1`, best first; empty for no preference.
    #[serde(default)]
    pub video_codecs: Vec<String>,
}

/// The event `rules`.
#[derive(Debug, Serialize, ToSchema)]
pub struct RulesEvent {
    #[serde(flatten)]
    pub rules: Rules,
    pub by: Option<String>,
}

/// A change of who may come in; what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccessRequest {
    #[serde(default)]
    pub locked: Option<bool>,
    /// A new password; the empty text takes it away.
    #[serde(default)]
    pub password: Option<String>,
    #[serde(default)]
    pub lobby: Option<bool>,
    #[serde(default)]
    pub admit_signed_in: Option<bool>,
    /// 0 for no limit.
    #[serde(default)]
    pub capacity: Option<usize>,
}

/// A change of what the room allows; what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RulesRequest {
    /// `microphone`, `camera`, `share_screen`, `send_data`, `chat`, `private_chat`, `raise_hand`, `react`, `vote`, `draw`.
    #[serde(default)]
    pub switch_off: Vec<Right>,
    #[serde(default)]
    pub switch_on: Vec<Right>,
    #[serde(default)]
    pub start_audio_muted: Option<bool>,
    #[serde(default)]
    pub start_video_muted: Option<bool>,
    /// `viewer`, `participant` or `presenter`.
    #[serde(default)]
    pub default_role: Option<Role>,
    #[serde(default)]
    pub webinar: Option<bool>,
    #[serde(default)]
    pub media: Option<Media>,
}

/// A role to give.
#[derive(Deserialize, ToSchema)]
pub struct RoleRequest {
    pub role: Role,
}

/// Rights to grant and to take.
#[derive(Deserialize, ToSchema)]
pub struct RightsRequest {
    #[serde(default)]
    pub grant: Vec<Right>,
    #[serde(default)]
    pub revoke: Vec<Right>,
}

/// How to remove somebody.
#[derive(Deserialize, ToSchema)]
pub struct RemoveRequest {
    /// Keep them out for the life of the room.
    #[serde(default)]
    pub ban: bool,
}

/// Somebody's source.
#[derive(Deserialize, ToSchema)]
pub struct SourceRequest {
    pub source: Source,
}

/// Everybody's source.
#[derive(Deserialize, ToSchema)]
pub struct MuteAllRequest {
    pub source: Source,
    /// Identities that are spared.
    #[serde(default)]
    pub except: Vec<String>,
}

/// Whom to give the floor, or whose hand to lower.
#[derive(Deserialize, ToSchema)]
pub struct WhoRequest {
    /// Absent for the first in the queue, or all.
    #[serde(default)]
    pub identity: Option<String>,
}

/// Whom to put in the spotlight.
#[derive(Deserialize, ToSchema)]
pub struct SpotlightRequest {
    /// In order; empty for nobody.
    pub identities: Vec<String>,
}

/// The layout to have everybody follow.
#[derive(Deserialize, ToSchema)]
pub struct FollowMeRequest {
    /// Absent to stop.
    #[serde(default)]
    pub layout: Option<String>,
}

/// The countdown to start.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TimerRequest {
    /// Absent to stop.
    #[serde(default)]
    pub duration_ms: Option<u64>,
    #[serde(default)]
    pub title: String,
}

/// Somebody banned; the event `ban` is one.
#[derive(Debug, Serialize, ToSchema)]
pub struct Ban {
    pub identity: String,
    pub name: String,
    pub at: u64,
}

/// The event `unban`.
#[derive(Debug, Serialize, ToSchema)]
pub struct UnbanEvent {
    pub identity: String,
}

/// The event `unmute_asked`: please open this source. Where it was switched off, it is allowed now.
#[derive(Debug, Serialize, ToSchema)]
pub struct UnmuteAskedEvent {
    pub source: Source,
    pub by: Option<String>,
}

/// The event `floor`: somebody has the floor.
#[derive(Debug, Serialize, ToSchema)]
pub struct FloorEvent {
    pub identity: String,
    pub by: Option<String>,
}

/// The event `spotlight`.
#[derive(Debug, Serialize, ToSchema)]
pub struct SpotlightEvent {
    pub identities: Vec<String>,
    pub by: Option<String>,
}

/// Somebody in the room, as the operators of the meeting see them.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    pub identity: String,
    pub name: String,
    pub role: Role,
    pub rights: Vec<Right>,
    pub joined_at: u64,
    /// Not shown to others.
    pub hidden: bool,
}

/// Everybody in the room whom the asker may see.
#[derive(Debug, Serialize, ToSchema)]
pub struct People {
    pub participants: Vec<Person>,
}
