//! What was written in a room, as the client was told it: messages are spoken of by their numbers in the room and by
//! their ids among clients.

use std::collections::VecDeque;

use tertulia_model::Identity;
use tertulia_room::ChatMessage;

/// Messages remembered; of older ones it is not told that they changed.
const MAX_LINES: usize = 256;
/// Reactions to messages: ours, and the characters clients have for them.
const EMOJI: [(&str, &str); 6] = [
    ("thumbs_up", "👍"),
    ("clap", "👏"),
    ("heart", "❤️"),
    ("laugh", "😂"),
    ("surprised", "😮"),
    ("party", "🎉"),
];
/// Asks for the coloured form of a character, and says nothing else.
const VARIATION: char = '\u{fe0f}';

/// The newest messages.
#[derive(Debug, Default)]
pub(crate) struct Written {
    lines: VecDeque<Line>,
}

#[derive(Debug)]
struct Line {
    seq: u64,
    id: String,
    text: String,
    deleted: bool,
    edits: u32,
    reactions: Vec<(String, Identity)>,
}

/// What became of a message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// It is gone.
    Deleted { id: String },
    /// It says something else, under another id: clients know no changed messages.
    Replaced { old: String, new: String },
    /// Somebody reacted to it.
    Reacted {
        id: String,
        by: Identity,
        emoji: &'static str,
    },
}

/// The reaction a character stands for.
pub(super) fn reaction(emoji: &str) -> Option<&'static str> {
    let plain = |text: &str| text.trim_end_matches(VARIATION).to_owned();
    let mut known = EMOJI.iter();
    known
        .find(|(_, known)| plain(known) == plain(emoji.trim()))
        .map(|(kind, _)| *kind)
}

fn emoji(kind: &str) -> Option<&'static str> {
    EMOJI
        .iter()
        .find(|(known, _)| *known == kind)
        .map(|(_, emoji)| *emoji)
}

fn reactions(message: &ChatMessage) -> Vec<(String, Identity)> {
    message
        .reactions
        .iter()
        .flat_map(|reaction| reaction.by.iter().map(|by| (reaction.kind.clone(), by.clone())))
        .collect()
}

impl Written {
    /// Notes a message that the client is told or said itself.
    pub(super) fn note(&mut self, message: &ChatMessage) {
        if self.lines.iter().any(|line| line.seq == message.seq) {
            return;
        }
        if self.lines.len() >= MAX_LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(Line {
            seq: message.seq,
            id: message.id.clone(),
            text: message.text.clone(),
            deleted: message.deleted,
            edits: 0,
            reactions: Vec::new(),
        });
    }

    /// The number of the message clients know by this id; the latest where several have it.
    pub(super) fn seq(&self, id: &str) -> Option<u64> {
        let mut newest = self.lines.iter().rev();
        newest.find(|line| line.id == id).map(|line| line.seq)
    }

    /// The id clients know a message by.
    pub(super) fn id(&self, seq: u64) -> Option<&str> {
        let mut newest = self.lines.iter().rev();
        newest.find(|line| line.seq == seq).map(|line| line.id.as_str())
    }

    /// Takes what a message is now. Gives what is new about it.
    pub(super) fn changed(&mut self, message: &ChatMessage) -> Vec<Change> {
        let Some(line) = self.lines.iter_mut().find(|line| line.seq == message.seq) else {
            return Vec::new();
        };
        if line.deleted {
            return Vec::new();
        }
        if message.deleted {
            line.deleted = true;
            return vec![Change::Deleted { id: line.id.clone() }];
        }
        let mut changes = Vec::new();
        if line.text != message.text {
            line.text.clone_from(&message.text);
            line.edits += 1;
            let new = format!("{}.{}", message.id, line.edits);
            let old = std::mem::replace(&mut line.id, new.clone());
            changes.push(Change::Replaced { old, new });
        }
        let now = reactions(message);
        let before = std::mem::replace(&mut line.reactions, now.clone());
        for (kind, by) in now {
            if let (Some(emoji), false) = (emoji(&kind), before.contains(&(kind.clone(), by.clone()))) {
                let id = line.id.clone();
                changes.push(Change::Reacted { id, by, emoji });
            }
        }
        changes
    }
}

#[cfg(test)]
mod tests {
    use tertulia_room::ChatReaction;

    use super::*;

    fn message(seq: u64, text: &str) -> ChatMessage {
        ChatMessage {
            seq,
            id: format!("m{seq}"),
            identity: Identity::parse("ana").unwrap(),
            name: String::new(),
            text: text.to_owned(),
            at_ms: 0,
            file: None,
            to: None,
            reply_to: None,
            edited_at_ms: None,
            deleted: false,
            reactions: Vec::new(),
        }
    }

    #[test]
    fn what_becomes_of_a_message_is_told_once() {
        let bela = Identity::parse("bela").unwrap();
        let mut written = Written::default();
        let mut said = message(7, "Hallo");
        written.note(&said);
        assert_eq!((written.seq("m7"), written.id(7)), (Some(7), Some("m7")));
        said.reactions = vec![
            ChatReaction {
                kind: "heart".to_owned(),
                by: vec![bela.clone()],
            },
            ChatReaction {
                kind: "of_another_kind".to_owned(),
                by: vec![bela.clone()],
            },
        ];
        let reacted = Change::Reacted {
            id: "m7".to_owned(),
            by: bela,
            emoji: "❤️",
        };
        assert_eq!(written.changed(&said), [reacted]);
        assert_eq!(written.changed(&said), []);
        said.text = "Hello".to_owned();
        let replaced = Change::Replaced {
            old: "m7".to_owned(),
            new: "m7.1".to_owned(),
        };
        assert_eq!(written.changed(&said), [replaced]);
        assert_eq!((written.seq("m7.1"), written.seq("m7")), (Some(7), None));
        said.deleted = true;
        let gone = Change::Deleted {
            id: "m7.1".to_owned(),
        };
        assert_eq!(written.changed(&said), [gone]);
        assert_eq!(written.changed(&said), []);
        assert_eq!(written.changed(&message(8, "unheard of")), []);
    }

    #[test]
    fn no_more_is_remembered_than_may_be() {
        let mut written = Written::default();
        for seq in 0..(MAX_LINES as u64 + 10) {
            written.note(&message(seq, ""));
        }
        assert_eq!(written.lines.len(), MAX_LINES);
        assert_eq!(written.seq("m0"), None);
    }

    #[test]
    fn characters_stand_for_reactions_in_either_form() {
        assert_eq!(reaction("❤"), Some("heart"));
        assert_eq!(reaction("❤️"), Some("heart"));
        assert_eq!(reaction("👍"), Some("thumbs_up"));
        assert_eq!(reaction("🦀"), None);
    }
}
