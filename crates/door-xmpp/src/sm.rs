//! What a client must have seen before its connection may be forgotten (XEP-0198).

use std::collections::VecDeque;

use rand::RngExt as _;

use crate::ns;
use crate::xml::Element;

/// Stanzas that may wait for their acknowledgement.
const MAX_UNACKED: usize = 2_048;
/// Bytes of them.
const MAX_UNACKED_BYTES: usize = 4 * 1024 * 1024;
/// After so many stanzas an acknowledgement is asked for.
const ASK_EVERY: usize = 16;

/// The acknowledgements of one stream.
pub(crate) struct Acks {
    /// By which the client comes back; empty where it may not.
    pub id: String,
    /// Stanzas of the client that were handled.
    handled: u32,
    /// Number of the last stanza sent.
    sent: u32,
    unacked: VecDeque<String>,
    bytes: usize,
    since_asked: usize,
}

/// A client claims to have seen what was never sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooMany;

impl Acks {
    pub(crate) fn new(resumable: bool) -> Self {
        let id = if resumable {
            let bits: u128 = rand::rng().random();
            format!("{bits:032x}")
        } else {
            String::new()
        };
        Self {
            id,
            handled: 0,
            sent: 0,
            unacked: VecDeque::new(),
            bytes: 0,
            since_asked: 0,
        }
    }

    /// Counts a stanza of the client.
    pub(crate) fn count(&mut self) {
        self.handled = self.handled.wrapping_add(1);
    }

    /// How many stanzas of the client were handled.
    pub(crate) fn handled(&self) -> u32 {
        self.handled
    }

    /// The answer to a question for acknowledgement.
    pub(crate) fn answer(&self) -> Element {
        Element::new("a", ns::SM).attr("h", self.handled.to_string())
    }

    /// Keeps what is sent. Gives whether to ask for an acknowledgement.
    pub(crate) fn keep(&mut self, text: String) -> bool {
        self.sent = self.sent.wrapping_add(1);
        self.bytes += text.len();
        self.unacked.push_back(text);
        self.since_asked += 1;
        let ask = self.since_asked >= ASK_EVERY;
        if ask {
            self.since_asked = 0;
        }
        ask
    }

    /// Whether more waits than may.
    pub(crate) fn is_full(&self) -> bool {
        self.unacked.len() > MAX_UNACKED || self.bytes > MAX_UNACKED_BYTES
    }

    /// Takes the number of the last stanza the client has seen.
    pub(crate) fn acked(&mut self, seen: u32) -> Result<(), TooMany> {
        let waiting = u32::try_from(self.unacked.len()).unwrap_or(u32::MAX);
        let unseen = self.sent.wrapping_sub(seen);
        if unseen > waiting {
            return Err(TooMany);
        }
        for _ in 0..waiting - unseen {
            if let Some(text) = self.unacked.pop_front() {
                self.bytes -= text.len();
            }
        }
        Ok(())
    }

    /// What the client has not seen, oldest first.
    pub(crate) fn unseen(&self) -> impl Iterator<Item = &String> {
        self.unacked.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_is_forgotten_and_the_rest_sent_again() {
        let mut acks = Acks::new(true);
        for number in 1..=5 {
            acks.keep(number.to_string());
        }
        assert_eq!(acks.acked(3), Ok(()));
        assert_eq!(acks.unseen().collect::<Vec<_>>(), ["4", "5"]);
        assert_eq!(acks.acked(3), Ok(()));
        assert_eq!(acks.acked(6), Err(TooMany));
        assert_eq!(acks.acked(2), Err(TooMany));
        assert_eq!(acks.acked(5), Ok(()));
        assert_eq!(acks.bytes, 0);
    }

    #[test]
    fn numbers_begin_again_after_the_greatest() {
        let mut acks = Acks::new(false);
        (acks.sent, acks.handled) = (u32::MAX, u32::MAX);
        acks.keep("a".to_owned());
        acks.keep("b".to_owned());
        acks.count();
        assert_eq!(acks.acked(0), Ok(()));
        assert_eq!((acks.unseen().count(), acks.handled()), (1, 0));
    }

    #[test]
    fn a_client_that_never_acknowledges_is_noticed() {
        let mut acks = Acks::new(true);
        let asked = (0..MAX_UNACKED).filter(|_| acks.keep("x".to_owned())).count();
        assert_eq!(asked, MAX_UNACKED / ASK_EVERY);
        assert!(!acks.is_full());
        acks.keep("x".to_owned());
        assert!(acks.is_full());
        let mut acks = Acks::new(true);
        acks.keep("x".repeat(MAX_UNACKED_BYTES + 1));
        assert!(acks.is_full());
    }
}
