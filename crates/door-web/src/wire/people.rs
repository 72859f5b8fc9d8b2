//! Accounts, owned rooms and invitations.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Media, Role};

/// Who is signed in.
#[derive(Serialize, ToSchema)]
pub struct SessionAnswer {
    /// Absent where nobody is.
    pub account: Option<AccountBody>,
}

/// An account, for its owner.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccountBody {
    pub id: String,
    /// What they sign in with.
    pub login: String,
    /// What others see.
    pub display_name: String,
    pub email: Option<String>,
    /// Whether they may enter every owned room as a moderator.
    pub admin: bool,
    /// False for those who sign in at an identity provider only.
    pub has_password: bool,
}

/// A sign-in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignInRequest {
    pub login: String,
    pub password: String,
}

/// A new account.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignUpRequest {
    /// 1 to 64 letters, digits and `. _ - + @`.
    pub login: String,
    pub display_name: String,
    #[serde(default)]
    pub email: String,
    /// At least ten characters.
    pub password: String,
}

/// A change of the own account; what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccountRequest {
    #[serde(default)]
    pub display_name: Option<String>,
    /// The empty text takes it away.
    #[serde(default)]
    pub email: Option<String>,
}

/// A new password for the own account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordRequest {
    /// The one until now.
    pub current: String,
    pub new: String,
}

/// A stay of the reader's, signed in with one browser.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OwnSession {
    /// Names it for being ended; opens nothing.
    pub id: String,
    /// Whether it is the one that asks.
    pub current: bool,
    /// When they signed in, Unix milliseconds.
    pub created_at: u64,
    /// When it was used last, to within an hour.
    pub seen_at: u64,
    /// Browser and system, such as "Firefox, Linux"; absent where they were not known.
    pub browser: Option<String>,
}

/// Where the reader is signed in.
#[derive(Serialize, ToSchema)]
pub struct OwnSessions {
    /// The one used last first.
    pub sessions: Vec<OwnSession>,
}

/// How many sessions are over.
#[derive(Serialize, ToSchema)]
pub struct EndedSessions {
    pub ended: u64,
}

/// The end of the own account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveAccountRequest {
    /// For accounts that have one.
    #[serde(default)]
    pub password: Option<String>,
    /// The own login name, for accounts without a password.
    #[serde(default)]
    pub login: Option<String>,
}

/// Who may come into a room without an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoomAccess {
    /// Whoever knows the address, and the password if there is one.
    Anyone,
    /// Those with an account.
    SignedIn,
    /// Nobody.
    Invited,
}

/// How often a meeting comes again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Recurrence {
    Daily,
    Weekdays,
    Weekly,
    Fortnightly,
    Monthly,
}

/// How a meeting comes again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Repeat {
    pub every: Recurrence,
    /// The last time it may begin; absent for ever.
    #[serde(default)]
    pub until: Option<u64>,
}

/// When a room meets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Schedule {
    pub starts_at: u64,
    pub duration_min: u32,
    #[serde(default)]
    pub repeat: Option<Repeat>,
}

/// What an owner decides of a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OwnRoomDetails {
    /// Shown instead of the name; empty for none.
    #[serde(default)]
    pub title: String,
    #[serde(default)]
    pub description: String,
    pub access: RoomAccess,
    /// Whether others may begin without the owner; they moderate nothing for that.
    #[serde(default)]
    pub starts_without_owner: bool,
    /// Greatest number of participants; absent for the server's.
    #[serde(default)]
    pub capacity: Option<u32>,
    /// Others knock.
    #[serde(default)]
    pub lobby: bool,
    /// Microphones are off at first.
    #[serde(default)]
    pub start_muted: bool,
    /// Cameras are off at first.
    #[serde(default)]
    pub start_without_video: bool,
    /// Those without another role watch.
    #[serde(default)]
    pub webinar: bool,
    /// What cameras may send.
    #[serde(default)]
    pub media: Media,
    #[serde(default)]
    pub schedule: Option<Schedule>,
    /// How many seconds messages, polls and drawings are kept; 0 for until the meeting is over, absent for as the server
    /// does.
    #[serde(default)]
    pub keep_s: Option<u32>,
}

/// An owned room, for its owner.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OwnRoom {
    /// Its name, which is its address.
    pub name: String,
    #[serde(flatten)]
    pub details: OwnRoomDetails,
    pub has_password: bool,
    pub created_at: u64,
    /// How many are in it now; absent while nobody is.
    pub participants: Option<usize>,
}

/// All rooms of somebody.
#[derive(Serialize, ToSchema)]
pub struct OwnRooms {
    pub rooms: Vec<OwnRoom>,
}

/// A new room.
#[derive(Deserialize, ToSchema)]
pub struct NewRoomRequest {
    pub name: String,
    #[serde(flatten)]
    pub room: RoomRequest,
}

/// What an owner wants of a room.
#[derive(Deserialize, ToSchema)]
pub struct RoomRequest {
    #[serde(flatten)]
    pub details: OwnRoomDetails,
    /// A new password; the empty text takes it away, absent it stays.
    #[serde(default)]
    pub password: Option<String>,
}

/// A link that lets somebody in.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InvitationBody {
    pub id: String,
    /// Whom it is for.
    pub label: String,
    pub role: Role,
    pub created_at: u64,
    pub expires_at: u64,
    /// How often it may be used; absent for no limit. Whoever comes with one that is used up knocks.
    pub max_uses: Option<u32>,
    pub uses: u32,
    /// False once it is over or taken back.
    pub valid: bool,
}

/// All invitations to a room.
#[derive(Serialize, ToSchema)]
pub struct Invitations {
    pub invitations: Vec<InvitationBody>,
}

/// A new invitation.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InvitationRequest {
    /// Whom it is for, for the owner's list; may be empty.
    #[serde(default)]
    pub label: String,
    /// Anything but `owner`.
    pub role: Role,
    /// How long it lasts, in seconds.
    pub lifetime_s: u64,
    /// Absent for no limit.
    #[serde(default)]
    pub max_uses: Option<u32>,
}

/// A new invitation with its secret, which is not shown again.
#[derive(Serialize, ToSchema)]
pub struct NewInvitation {
    pub invitation: InvitationBody,
    /// What the link ends with: `https://server/Room#invitation=` and this.
    pub secret: String,
}

/// Whom people sign in at beside this server.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProviderBody {
    /// What the button says after "Sign in with"; empty for the operator's own word.
    pub name: String,
}

/// Where a sign-in at the provider leads.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SignInAtQuery {
    /// A room to enter then; otherwise the own rooms are shown.
    pub to: Option<String>,
}

/// What the provider sends a browser back with (RFC 6749 §4.1.2, RFC 9207).
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ProviderAnswer {
    pub state: Option<String>,
    pub code: Option<String>,
    pub iss: Option<String>,
    pub error: Option<String>,
}

/// What the sign-in page is told in `problem` where somebody comes back and is not signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderProblem {
    /// The provider says no, or the person did.
    Denied,
    /// It took too long, was answered before, or began in another browser.
    Stale,
    /// The operator lets nobody in on these terms.
    Refused,
    /// The provider could not be asked or gave an answer that cannot be relied upon.
    Failed,
}

impl ProviderProblem {
    pub fn name(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::Stale => "stale",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// Where to go on after signing out here.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignedOut {
    /// The provider's page that signs out there as well; absent where there is nothing more to do.
    pub continue_at: Option<String>,
}
