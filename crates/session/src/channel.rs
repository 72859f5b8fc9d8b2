use crate::ChannelError;
use crate::path::Path;

/// Greatest number of channels of one peer; a client needs three.
const MAX_CHANNELS: usize = 16;
/// Greatest message sent, as every client announces or more.
const MAX_MESSAGE: usize = 64_000;

/// One of ours that waits for the peer to agree to data channels.
#[derive(Debug)]
struct Wanted {
    label: String,
    ordered: bool,
    max_retransmits: Option<u16>,
}

/// The data channels of one session by their label.
#[derive(Debug, Default)]
pub(crate) struct Channels {
    open: Vec<(u16, String)>,
    wanted: Vec<Wanted>,
}

impl Channels {
    /// Wants one of ours.
    pub(crate) fn want(&mut self, label: &str, ordered: bool, max_retransmits: Option<u16>) {
        self.wanted.push(Wanted {
            label: label.to_owned(),
            ordered,
            max_retransmits,
        });
    }

    /// Whether any is wanted or open.
    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty() && self.wanted.is_empty()
    }

    /// Opens what is wanted.
    pub(crate) fn create(&mut self, path: &mut Path) {
        for wanted in self.wanted.drain(..) {
            path.open_channel(&wanted.label, wanted.ordered, wanted.max_retransmits);
        }
    }

    /// Notes one that opened; `false` where the peer has too many.
    pub(crate) fn opened(&mut self, id: u16, label: &str) -> bool {
        if self.open.len() >= MAX_CHANNELS {
            return false;
        }
        self.open.push((id, label.to_owned()));
        true
    }

    /// Notes one that closed and gives its label.
    pub(crate) fn closed(&mut self, id: u16) -> Option<String> {
        let index = self.open.iter().position(|(open, _)| *open == id)?;
        Some(self.open.remove(index).1)
    }

    /// The label of an open one.
    pub(crate) fn label(&self, id: u16) -> Option<&str> {
        self.open
            .iter()
            .find(|(open, _)| *open == id)
            .map(|(_, label)| label.as_str())
    }

    /// Whether one of that label is open.
    pub(crate) fn is_open(&self, label: &str) -> bool {
        self.open.iter().any(|(_, open)| open == label)
    }

    /// The latest of that label, for a message of that length.
    pub(crate) fn target(&self, label: &str, length: usize) -> Result<u16, ChannelError> {
        let (id, _) = self
            .open
            .iter()
            .rev()
            .find(|(_, open)| open == label)
            .ok_or(ChannelError::NotOpen)?;
        if length > MAX_MESSAGE {
            return Err(ChannelError::TooLong);
        }
        Ok(*id)
    }
}
