use str0m::Rtc;
use str0m::channel::{ChannelConfig, ChannelId, Reliability};

use crate::ChannelError;

/// Greatest number of channels of one peer; a client needs three.
const MAX_CHANNELS: usize = 16;
/// Greatest message sent, as every client announces or more.
const MAX_MESSAGE: usize = 64_000;

/// The data channels of one session by their label.
#[derive(Debug, Default)]
pub(crate) struct Channels {
    open: Vec<(ChannelId, String)>,
    /// Ours that wait for the transport.
    wanted: Vec<ChannelConfig>,
}

impl Channels {
    /// Wants one of ours.
    pub(crate) fn want(&mut self, label: &str, ordered: bool, max_retransmits: Option<u16>) {
        let reliability = match max_retransmits {
            Some(retransmits) => Reliability::MaxRetransmits { retransmits },
            None => Reliability::Reliable,
        };
        self.wanted.push(ChannelConfig {
            label: label.to_owned(),
            ordered,
            reliability,
            ..ChannelConfig::default()
        });
    }

    /// Whether any is wanted or open.
    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty() && self.wanted.is_empty()
    }

    /// Opens what is wanted.
    pub(crate) fn create(&mut self, rtc: &mut Rtc) {
        for config in self.wanted.drain(..) {
            rtc.direct_api().create_data_channel(config);
        }
    }

    /// Notes one that opened; `false` where the peer has too many.
    pub(crate) fn opened(&mut self, id: ChannelId, label: &str) -> bool {
        if self.open.len() >= MAX_CHANNELS {
            return false;
        }
        self.open.push((id, label.to_owned()));
        true
    }

    /// Notes one that closed and gives its label.
    pub(crate) fn closed(&mut self, id: ChannelId) -> Option<String> {
        let index = self.open.iter().position(|(open, _)| *open == id)?;
        Some(self.open.remove(index).1)
    }

    /// The label of an open one.
    pub(crate) fn label(&self, id: ChannelId) -> Option<&str> {
        self.open
            .iter()
            .find(|(open, _)| *open == id)
            .map(|(_, label)| label.as_str())
    }

    /// Whether one of that label is open.
    pub(crate) fn is_open(&self, label: &str) -> bool {
        self.open.iter().any(|(_, open)| open == label)
    }

    /// Sends on the latest of that label; `Ok(false)` where too much waits already.
    pub(crate) fn send(&self, rtc: &mut Rtc, label: &str, contents: &[u8]) -> Result<bool, ChannelError> {
        let (id, _) = self
            .open
            .iter()
            .rev()
            .find(|(_, open)| open == label)
            .ok_or(ChannelError::NotOpen)?;
        if contents.len() > MAX_MESSAGE {
            return Err(ChannelError::TooLong);
        }
        let mut channel = rtc.channel(*id).ok_or(ChannelError::NotOpen)?;
        channel
            .write(true, contents)
            .map_err(|_| ChannelError::Association)
    }
}
