//! What each command needs: the one table that decides, that `docs/permissions.md` is made from, and that the tests
//! of every door compare with.

use tertulia_model::Source;

use crate::{Actor, BreakoutCommand, Command, Right, Rights};

/// What must be true of whoever asks for something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// To be the server itself.
    System,
    /// To be in the room.
    Presence,
    /// To be in the room with this right. The operator's application, which is nobody there, cannot.
    Own(Right),
    /// To be in the room with this right, or the operator's application.
    Right(Right),
}

impl Need {
    /// Whether a participant with these rights has what is needed.
    pub fn is_met_by(self, rights: Rights) -> bool {
        match self {
            Self::System => false,
            Self::Presence => true,
            Self::Own(right) | Self::Right(right) => rights.has(right),
        }
    }

    /// Whether `actor` has what is needed; `rights` are those of a participant.
    pub(crate) fn is_met(self, actor: &Actor, rights: Rights) -> bool {
        match actor {
            Actor::System => true,
            // What only participants can do fails later for want of one.
            Actor::Admin => self != Self::System,
            Actor::Participant(_) | Actor::Away(_) => self.is_met_by(rights),
        }
    }
}

macro_rules! acts {
    ($($act:ident $name:literal $need:expr, $note:literal;)*) => {
        /// The kinds of things that may be asked of a room.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Act {
            $(
                #[doc = $name]
                $act,
            )*
        }

        impl Act {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$act),*];

            /// Its name for people.
            pub fn name(self) -> &'static str {
                match self { $(Self::$act => $name,)* }
            }

            /// What it needs.
            pub fn need(self) -> Need {
                match self { $(Self::$act => $need,)* }
            }

            /// What else holds, for people; may be empty.
            pub fn note(self) -> &'static str {
                match self { $(Self::$act => $note,)* }
            }
        }
    };
}

acts! {
    Join "come in" Need::System, "by lock, password, lobby and ban; see below";
    Knock "ask to come in" Need::System, "";
    WaitInLobby "wait in the lobby" Need::System, "";
    TellFact "tell what the media engine observed" Need::System, "";
    Leave "leave" Need::Presence, "";
    ListParticipants "see who is here" Need::Presence, "viewers of a webinar: with `manage_rights`; hidden ones: the operator's application";
    ReadSnapshot "read the room's state" Need::Presence, "the lobby: with `admit`; private messages: their two ends";
    ReadChat "read the chat" Need::Presence, "private messages: their two ends";
    Subscribe "receive tracks" Need::Presence, "the token's `canSubscribe`, the publisher's consent";
    PublishMicrophone "publish a microphone" Need::Own(Right::Microphone), "the token's `canPublish`, `canPublishSources`";
    PublishCamera "publish a camera" Need::Own(Right::Camera), "the token's `canPublish`, `canPublishSources`";
    PublishScreen "share a screen" Need::Own(Right::ShareScreen), "the token's `canPublish`, `canPublishSources`";
    PublishOther "publish a track without a source" Need::Own(Right::Microphone), "and `camera` and `share_screen`";
    ChangeTrack "mute, unmute, change, withdraw a track" Need::Presence, "its publisher only";
    AllowSubscribers "say who may receive the own tracks" Need::Presence, "";
    UpdateSelf "change the own name, metadata, attributes" Need::Presence, "the token's `canUpdateOwnMetadata`";
    SendData "send data" Need::Right(Right::SendData), "the token's `canPublishData`";
    Chat "write to everybody, show a file" Need::Own(Right::Chat), "";
    PrivateChat "write to one person" Need::Own(Right::PrivateChat), "";
    EditChat "change a message" Need::Own(Right::Chat), "its author only";
    DeleteChat "delete a message" Need::Presence, "its author; others with `manage_chat`, private messages their author only";
    ReactToChat "react to a message" Need::Own(Right::React), "";
    RaiseHand "raise or lower the own hand" Need::Own(Right::RaiseHand), "";
    React "react" Need::Own(Right::React), "";
    Vote "vote in a poll" Need::Own(Right::Vote), "";
    CreatePoll "make a poll" Need::Own(Right::ManagePolls), "";
    ClosePoll "close or delete a poll" Need::Right(Right::ManagePolls), "";
    WatchBoard "see the whiteboard" Need::Presence, "";
    Draw "draw on the whiteboard" Need::Own(Right::Draw), "";
    ShowBoard "show the whiteboard to everybody" Need::Right(Right::ShareScreen), "taking it away: who showed it; others with `present`";
    ShareVideo "share a video by its link" Need::Own(Right::ShareScreen), "ending it, showing another: who leads it; others with `present`";
    SteerVideo "play, pause, move a shared video" Need::Own(Right::ShareScreen), "who leads it";
    ClearBoard "clear the whiteboard" Need::Right(Right::Present), "";
    Spotlight "put people in the spotlight" Need::Right(Right::Present), "";
    FollowMe "lead the layout" Need::Own(Right::Present), "";
    SetTimer "set or stop the timer" Need::Right(Right::Present), "";
    MuteTrack "mute somebody" Need::Right(Right::Mute), "unmuting: nobody but the publisher";
    MuteAll "mute all, stop all shares" Need::Right(Right::Mute), "";
    AskUnmute "ask somebody to unmute" Need::Right(Right::Mute), "";
    Remove "remove somebody" Need::Right(Right::Remove), "nobody of higher role";
    Ban "ban, lift a ban" Need::Right(Right::Remove), "nobody of higher role";
    Admit "admit, deny, message those who wait" Need::Right(Right::Admit), "";
    SetAccess "lock, password, lobby, capacity" Need::Right(Right::ManageAccess), "";
    SetRules "switches, limits, webinar" Need::Right(Right::ManageRoom), "";
    SetMetadata "set the room's metadata" Need::Right(Right::ManageRoom), "";
    SetRole "give a role" Need::Right(Right::ManageRights), "nobody of higher role, none above the own";
    SetRights "grant and revoke rights" Need::Right(Right::ManageRights), "nobody of higher role, only rights held";
    UpdateParticipant "change somebody's name, metadata, permissions" Need::Right(Right::ManageRights), "nobody of higher role, no privilege one lacks";
    UpdateSubscriptions "change what somebody receives" Need::Right(Right::ManageRights), "";
    LowerHand "lower hands of others" Need::Right(Right::ManageFloor), "";
    GiveFloor "give the floor" Need::Right(Right::ManageFloor), "";
    ManageBreakouts "make, fill, open and close breakout rooms" Need::Right(Right::ManageBreakouts), "";
    TellBreakouts "write to all breakout rooms" Need::Own(Right::ManageBreakouts), "";
    GoToBreakout "go to a breakout room, or back" Need::Presence, "the own one; any where one may choose, or with `manage_breakouts`; back where that is allowed";
    CallForHelp "call for help from a breakout room" Need::Presence, "from inside it";
    ReadBreakouts "see the breakout rooms" Need::Presence, "all and who is where: with `manage_breakouts`";
    EnterBreakout "be let into a breakout room" Need::System, "where the main room has sent them";
    LeadBreakout "say what happens in a breakout room's main room" Need::System, "";
    ReadReport "read the attendance report" Need::Right(Right::ReadReport), "";
    End "end the room for everybody" Need::Right(Right::EndRoom), "";
}

impl Command {
    /// Which kind of thing this asks for.
    pub fn act(&self) -> Act {
        match self {
            Self::Join(_) => Act::Join,
            Self::Knock(_) | Self::AskEntry(_) => Act::Knock,
            Self::LobbyPresence { .. } | Self::LeaveLobby { .. } => Act::WaitInLobby,
            Self::Fact(_) => Act::TellFact,
            Self::Leave { .. } => Act::Leave,
            Self::ListParticipants | Self::FindParticipant { .. } => Act::ListParticipants,
            Self::ReadSnapshot => Act::ReadSnapshot,
            Self::ReadChat { .. } => Act::ReadChat,
            Self::Subscribe { .. } | Self::SetTrackSettings { .. } => Act::Subscribe,
            Self::Publish(track) => match track.source {
                Source::Microphone => Act::PublishMicrophone,
                Source::Camera => Act::PublishCamera,
                Source::ScreenShare | Source::ScreenShareAudio => Act::PublishScreen,
                Source::Unknown => Act::PublishOther,
            },
            Self::Unpublish { .. } | Self::SetMuted { .. } | Self::UpdateTrack { .. } => Act::ChangeTrack,
            Self::SetPublisherPermissions { .. } => Act::AllowSubscribers,
            Self::UpdateSelf { .. } => Act::UpdateSelf,
            Self::SendData(_) => Act::SendData,
            Self::Chat(input) if input.to.is_some() => Act::PrivateChat,
            Self::Chat(_) | Self::AskToShare | Self::ShareFile(_) => Act::Chat,
            Self::EditChat { .. } => Act::EditChat,
            Self::DeleteChat { .. } => Act::DeleteChat,
            Self::ReactToChat { .. } => Act::ReactToChat,
            Self::SetHand { .. } => Act::RaiseHand,
            Self::React { .. } => Act::React,
            Self::Vote { .. } => Act::Vote,
            Self::CreatePoll(_) => Act::CreatePoll,
            Self::ClosePoll { .. } | Self::DeletePoll { .. } => Act::ClosePoll,
            Self::WatchBoard { .. } => Act::WatchBoard,
            Self::Draw { .. } => Act::Draw,
            Self::ShowBoard { .. } => Act::ShowBoard,
            Self::ShareVideo { .. } => Act::ShareVideo,
            Self::SteerVideo { .. } => Act::SteerVideo,
            Self::ClearBoard => Act::ClearBoard,
            Self::Spotlight { .. } => Act::Spotlight,
            Self::FollowMe { .. } => Act::FollowMe,
            Self::SetTimer { .. } => Act::SetTimer,
            Self::MuteTrack { .. } | Self::MuteSource { .. } => Act::MuteTrack,
            Self::MuteAll { .. } => Act::MuteAll,
            Self::AskUnmute { .. } => Act::AskUnmute,
            Self::Remove { .. } => Act::Remove,
            Self::Ban { .. } | Self::Unban { .. } => Act::Ban,
            Self::Admit { .. } | Self::Deny { .. } | Self::TellLobby { .. } => Act::Admit,
            Self::SetAccess(_) => Act::SetAccess,
            Self::SetRules(_) => Act::SetRules,
            Self::SetRoomMetadata { .. } => Act::SetMetadata,
            Self::SetRole { .. } => Act::SetRole,
            Self::SetRights { .. } => Act::SetRights,
            Self::UpdateParticipant { .. } => Act::UpdateParticipant,
            Self::UpdateSubscriptions { .. } => Act::UpdateSubscriptions,
            Self::LowerHand { .. } => Act::LowerHand,
            Self::GiveFloor { .. } => Act::GiveFloor,
            Self::Breakout(command) => match command {
                BreakoutCommand::Say { .. } => Act::TellBreakouts,
                BreakoutCommand::Go { .. } => Act::GoToBreakout,
                BreakoutCommand::CallForHelp { .. } => Act::CallForHelp,
                BreakoutCommand::Read => Act::ReadBreakouts,
                BreakoutCommand::Enter { .. } => Act::EnterBreakout,
                BreakoutCommand::Add { .. }
                | BreakoutCommand::Rename { .. }
                | BreakoutCommand::Remove { .. }
                | BreakoutCommand::Assign { .. }
                | BreakoutCommand::Shuffle { .. }
                | BreakoutCommand::SetOptions { .. }
                | BreakoutCommand::Open { .. }
                | BreakoutCommand::SetEnd { .. }
                | BreakoutCommand::Close { .. }
                | BreakoutCommand::Dismiss { .. } => Act::ManageBreakouts,
            },
            Self::FromParent(_) => Act::LeadBreakout,
            Self::ReadAttendance => Act::ReadReport,
            Self::End => Act::End,
        }
    }
}
