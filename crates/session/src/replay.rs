/// Keeps a sender from protecting one packet index twice, which AES-GCM would not survive (RFC 7714 §8.1).
///
/// Holds the highest number sent and which of the 127 below it were.
#[derive(Debug, Clone, Default)]
pub(crate) struct SentWindow {
    highest: Option<u64>,
    sent: u128,
}

impl SentWindow {
    /// Notes a number; `false` where it may not be sent: used, too old, or a first one beyond 65 535 (the receiver
    /// would guess another rollover counter).
    pub(crate) fn admit(&mut self, sequence: u64) -> bool {
        let Some(highest) = self.highest else {
            if sequence > u64::from(u16::MAX) {
                return false;
            }
            self.highest = Some(sequence);
            self.sent = 1;
            return true;
        };
        if sequence > highest {
            let ahead = sequence - highest;
            // Half the 16-bit space ahead, a receiver no longer extends the number as we do (RFC 3711 §3.3.1).
            if ahead >= 1 << 15 {
                return false;
            }
            self.sent = if ahead < 128 { self.sent << ahead | 1 } else { 1 };
            self.highest = Some(sequence);
            return true;
        }
        let behind = highest - sequence;
        if behind >= 128 || self.sent & (1 << behind) != 0 {
            return false;
        }
        self.sent |= 1 << behind;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::SentWindow;

    #[test]
    fn a_number_is_admitted_once() {
        let mut window = SentWindow::default();
        for sequence in [65_530, 65_531, 65_536, 65_533, 65_532] {
            assert!(window.admit(sequence), "{sequence}");
            assert!(!window.admit(sequence), "{sequence} again");
        }
    }

    #[test]
    fn what_a_receiver_would_extend_differently_is_refused() {
        let mut window = SentWindow::default();
        assert!(!window.admit(65_536));
        assert!(window.admit(10));
        assert!(!window.admit(10 + (1 << 15)));
        assert!(window.admit(400));
        assert!(!window.admit(11), "older than the window");
    }
}
