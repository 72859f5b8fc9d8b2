use std::time::Duration;

use tertulia_model::{Identity, RoomName};

use crate::{Command, DepartureReason, RoomSettings, Standing};

/// What may be asked of a main room about its breakouts. By [`crate::Actor::Away`] too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BreakoutCommand {
    /// Make some.
    Add {
        /// A name for each; they need not differ.
        names: Vec<String>,
    },
    /// Give one another name.
    Rename {
        /// Which.
        breakout: u32,
        /// The new name.
        name: String,
    },
    /// Take one away; whoever is in it is called back.
    Remove {
        /// Which.
        breakout: u32,
    },
    /// Say where people belong. Where the breakouts are open they go there at once.
    Assign {
        /// Who.
        identities: Vec<Identity>,
        /// Where; `None` for nowhere, which is the main room.
        breakout: Option<u32>,
    },
    /// Assign people by chance and evenly; those who lead are left out.
    Shuffle {
        /// Everybody anew; else only those who belong nowhere.
        all: bool,
    },
    /// Change what people may do by themselves. What is `None` stays.
    SetOptions {
        /// Whether everybody may choose a breakout.
        choose: Option<bool>,
        /// Whether everybody may come back before the end.
        may_return: Option<bool>,
    },
    /// Send everybody where they belong.
    Open {
        /// How long; `None` until they are closed.
        duration: Option<Duration>,
    },
    /// Set anew when everybody is called back.
    SetEnd {
        /// From now on; `None` for not by itself.
        duration: Option<Duration>,
    },
    /// Call everybody back.
    Close {
        /// How long they have to finish their sentence.
        grace: Duration,
    },
    /// Write to everybody in every breakout, in the name of the asker.
    Say {
        /// The asker's own id for the message.
        id: String,
        /// The text.
        text: String,
    },
    /// Take a call for help off the list.
    Dismiss {
        /// Whose.
        breakout: u32,
    },
    /// Go to a breakout, or back. Takes effect when the asker enters.
    Go {
        /// Where; `None` for the main room.
        breakout: Option<u32>,
    },
    /// Ask those who lead to come to the breakout the asker is in, or no more.
    CallForHelp {
        /// Whether help is wanted.
        on: bool,
    },
    /// Let somebody into their place ([`crate::Actor::System`]). Answers [`crate::Reply::BreakoutTicket`].
    Enter {
        /// Who.
        identity: Identity,
        /// See [`crate::NewParticipant::credential_issued_at_ms`].
        credential_issued_at_ms: u64,
    },
    /// Ask for the own place, and for all of it where the asker leads. Answers [`crate::Reply::Breakouts`].
    Read,
}

/// Where somebody may come in now, as whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakoutTicket {
    /// The room.
    pub room: RoomName,
    /// Their name in the meeting.
    pub name: String,
    /// What the breakout is called.
    pub breakout: String,
}

/// What a main room tells one of its breakouts ([`crate::Actor::System`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FromParent {
    /// Let somebody in, who is this. Somebody there already is this from now on.
    Expect {
        /// Who.
        identity: Identity,
        /// What they are in the meeting.
        standing: Standing,
    },
    /// Somebody is no longer of the meeting.
    PutOut {
        /// Who.
        identity: Identity,
    },
    /// Something was said to all breakouts.
    Say {
        /// By whom.
        identity: Identity,
        /// Their name.
        name: String,
        /// Their own id for the message.
        id: String,
        /// The text.
        text: String,
    },
    /// Everybody goes back to the main room; who does not is put out soon.
    Recall,
    /// The meeting is over.
    End,
}

/// What a breakout reports to its main room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BreakoutReport {
    /// Somebody came in.
    Came(Identity),
    /// Somebody went.
    Went(Identity, DepartureReason),
    /// Somebody is something else now.
    Stands(Identity, Standing),
    /// Somebody was removed.
    Removed(Identity),
    /// Somebody was banned.
    Banned(Identity),
    /// The room is over, whatever ended it.
    Over,
}

/// Something a room wants done outside itself.
#[derive(Debug, Clone, PartialEq)]
pub enum Errand {
    /// Open a room for a breakout.
    Open {
        /// Its name, which nobody knows yet.
        room: RoomName,
        /// What it is to be.
        settings: Box<RoomSettings>,
    },
    /// Ask another room something, as [`crate::Actor::System`]. Nobody waits for the answer; a room that is gone needs
    /// not be asked.
    Ask {
        /// Which room.
        room: RoomName,
        /// What.
        command: Box<Command>,
    },
}
