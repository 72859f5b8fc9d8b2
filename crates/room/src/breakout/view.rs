use tertulia_model::Identity;

/// What breakouts are to one person.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BreakoutPlace {
    /// Whether people are in them.
    pub open: bool,
    /// Whether everybody may choose one.
    pub choose: bool,
    /// Whether they may go back before the end.
    pub may_return: bool,
    /// Where they are to be now; `None` for the main room.
    pub place: Option<u32>,
    /// Where they belong.
    pub assigned: Option<u32>,
    /// Those they may know of.
    pub rooms: Vec<BreakoutName>,
    /// When everybody is called back, Unix milliseconds.
    pub ends_at_ms: Option<u64>,
    /// Those who lead have closed them.
    pub closing: bool,
    /// Their place waits for help.
    pub help_called: bool,
}

/// A breakout, as far as its name goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakoutName {
    /// Its number in this meeting.
    pub id: u32,
    /// What it is called.
    pub name: String,
    /// How many are in it.
    pub people: usize,
}

/// All breakouts, for those who lead them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BreakoutsView {
    /// Whether people are in them.
    pub open: bool,
    /// Whether everybody may choose one.
    pub choose: bool,
    /// Whether everybody may go back before the end.
    pub may_return: bool,
    /// When everybody is called back, Unix milliseconds.
    pub ends_at_ms: Option<u64>,
    /// They are being closed.
    pub closing: bool,
    /// In the order they were made.
    pub rooms: Vec<BreakoutView>,
}

/// One breakout, for those who lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakoutView {
    /// Its number in this meeting.
    pub id: u32,
    /// What it is called.
    pub name: String,
    /// Who belongs there.
    pub assigned: Vec<BreakoutPerson>,
    /// Who is there.
    pub here: Vec<BreakoutPerson>,
    /// Help is wanted there.
    pub help: Option<HelpCall>,
}

/// Somebody in a breakout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakoutPerson {
    /// Who.
    pub identity: Identity,
    /// Their name.
    pub name: String,
}

/// A call for help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelpCall {
    /// Who calls.
    pub person: BreakoutPerson,
    /// Since when, Unix milliseconds.
    pub at_ms: u64,
}
