//! The fine-grained rights that roles stand for.

use std::fmt;

use tertulia_model::Role;

/// One thing somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Right {
    /// Publish a microphone.
    Microphone,
    /// Publish a camera.
    Camera,
    /// Publish a screen and its sound.
    ShareScreen,
    /// Send data.
    SendData,
    /// Write to everybody.
    Chat,
    /// Write to one person.
    PrivateChat,
    /// Raise a hand.
    RaiseHand,
    /// React, to the room or to a message.
    React,
    /// Vote in polls.
    Vote,
    /// Draw on the whiteboard.
    Draw,
    /// Speak whatever the switches say.
    SpeakFreely,
    /// Put people in the spotlight, lead the layout, set the timer.
    Present,
    /// Make, close and delete polls.
    ManagePolls,
    /// Mute others, and ask them to unmute.
    Mute,
    /// Remove and ban others.
    Remove,
    /// Let people in from the lobby.
    Admit,
    /// Lock the room, set its password, lobby and capacity.
    ManageAccess,
    /// Give and take roles and rights, and change others' names.
    ManageRights,
    /// Delete messages of others.
    ManageChat,
    /// Lower hands and give the floor.
    ManageFloor,
    /// Change what the room allows, its limits and its metadata.
    ManageRoom,
    /// Open, fill and close breakout rooms, and enter any of them.
    ManageBreakouts,
    /// Read the report of attendance.
    ReadReport,
    /// Come in past lock, lobby and password.
    EnterFreely,
    /// End the room for everybody.
    EndRoom,
}

impl Right {
    /// All of them.
    pub const ALL: [Self; 25] = [
        Self::Microphone,
        Self::Camera,
        Self::ShareScreen,
        Self::SendData,
        Self::Chat,
        Self::PrivateChat,
        Self::RaiseHand,
        Self::React,
        Self::Vote,
        Self::Draw,
        Self::SpeakFreely,
        Self::Present,
        Self::ManagePolls,
        Self::Mute,
        Self::Remove,
        Self::Admit,
        Self::ManageAccess,
        Self::ManageRights,
        Self::ManageChat,
        Self::ManageFloor,
        Self::ManageRoom,
        Self::ManageBreakouts,
        Self::ReadReport,
        Self::EnterFreely,
        Self::EndRoom,
    ];

    /// Its name in documents, files and attributes.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Microphone => "microphone",
            Self::Camera => "camera",
            Self::ShareScreen => "share_screen",
            Self::SendData => "send_data",
            Self::Chat => "chat",
            Self::PrivateChat => "private_chat",
            Self::RaiseHand => "raise_hand",
            Self::React => "react",
            Self::Vote => "vote",
            Self::Draw => "draw",
            Self::SpeakFreely => "speak_freely",
            Self::Present => "present",
            Self::ManagePolls => "manage_polls",
            Self::Mute => "mute",
            Self::Remove => "remove",
            Self::Admit => "admit",
            Self::ManageAccess => "manage_access",
            Self::ManageRights => "manage_rights",
            Self::ManageChat => "manage_chat",
            Self::ManageFloor => "manage_floor",
            Self::ManageRoom => "manage_room",
            Self::ManageBreakouts => "manage_breakouts",
            Self::ReadReport => "read_report",
            Self::EnterFreely => "enter_freely",
            Self::EndRoom => "end_room",
        }
    }

    /// Reads [`Right::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|right| right.as_str() == text)
    }

    fn bit(self) -> u32 {
        1 << (self as u8)
    }
}

/// A set of [`Right`]s.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Rights(u32);

impl Rights {
    /// None at all.
    pub const NONE: Self = Self(0);

    /// What a role may do before anything is granted, taken away or switched off.
    pub fn of_role(role: Role) -> Self {
        let own: &[Right] = match role {
            Role::Viewer => &[Right::Chat, Right::RaiseHand, Right::React, Right::Vote],
            Role::Participant => &[
                Right::Microphone,
                Right::Camera,
                Right::ShareScreen,
                Right::SendData,
                Right::PrivateChat,
                Right::Draw,
            ],
            Role::Presenter => &[Right::SpeakFreely, Right::Present, Right::ManagePolls],
            Role::Moderator => &[
                Right::Mute,
                Right::Remove,
                Right::Admit,
                Right::ManageAccess,
                Right::ManageRights,
                Right::ManageChat,
                Right::ManageFloor,
                Right::ManageRoom,
                Right::ManageBreakouts,
                Right::ReadReport,
                Right::EnterFreely,
                Right::EndRoom,
            ],
            Role::Owner => &[],
        };
        let below = Role::ALL.into_iter().take_while(|lower| *lower < role).last();
        below.map(Self::of_role).unwrap_or_default().with(Self::of(own))
    }

    /// What a room may switch off for everybody without [`Right::SpeakFreely`].
    pub fn switchable() -> Self {
        Self::of(&[
            Right::Microphone,
            Right::Camera,
            Right::ShareScreen,
            Right::SendData,
            Right::Chat,
            Right::PrivateChat,
            Right::RaiseHand,
            Right::React,
            Right::Vote,
            Right::Draw,
        ])
    }

    /// These.
    pub fn of(rights: &[Right]) -> Self {
        rights.iter().copied().collect()
    }

    /// Whether `right` is among them.
    pub fn has(self, right: Right) -> bool {
        self.0 & right.bit() != 0
    }

    /// Whether all of `others` are among them.
    pub fn include(self, others: Self) -> bool {
        others.0 & !self.0 == 0
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// These and those.
    pub fn with(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// These but those.
    pub fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    /// Those that are in both.
    pub fn common(self, others: Self) -> Self {
        Self(self.0 & others.0)
    }

    /// One after the other, in the order of [`Right::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Right> {
        Right::ALL.into_iter().filter(move |right| self.has(*right))
    }
}

impl FromIterator<Right> for Rights {
    fn from_iter<T: IntoIterator<Item = Right>>(rights: T) -> Self {
        Self(rights.into_iter().fold(0, |bits, right| bits | right.bit()))
    }
}

impl fmt::Debug for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_do_what_the_one_below_may() {
        for (lower, higher) in Role::ALL.iter().zip(Role::ALL.iter().skip(1)) {
            assert!(
                Rights::of_role(*higher).include(Rights::of_role(*lower)),
                "{higher:?}"
            );
        }
        assert!(!Rights::of_role(Role::Presenter).has(Right::Mute));
        assert_eq!(Rights::of_role(Role::Owner), Right::ALL.into_iter().collect());
    }

    #[test]
    fn names_are_read_back() {
        for right in Right::ALL {
            assert_eq!(Right::parse(right.as_str()), Some(right));
        }
    }
}
