use std::time::{Duration, Instant};

/// How often who speaks is judged.
const PERIOD: Duration = Duration::from_millis(300);
/// Loudness, of 127, from which a voice counts; rises against those who are always loud.
const THRESHOLD: f32 = 35.0;
/// A voice that was heard stays a speaker for this long.
const HOLD: Duration = Duration::from_millis(700);
/// A single source that never pauses for this long is taken for noise until it does.
const TIRELESS: Duration = Duration::from_secs(60);

/// Somebody's loudness.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Loudness<K> {
    /// Whose.
    pub who: K,
    /// 0 to 127.
    pub level: u8,
}

/// Tells from audio levels (RFC 6464) who speaks, loudest first.
#[derive(Debug)]
pub struct SpeakerDetector<K> {
    voices: Vec<Voice<K>>,
    next: Option<Instant>,
    told_silence: bool,
}

#[derive(Debug)]
struct Voice<K> {
    who: K,
    sum: f32,
    packets: u32,
    smoothed: f32,
    heard: Option<Instant>,
    speaking_since: Option<Instant>,
}

impl<K> Default for SpeakerDetector<K> {
    fn default() -> Self {
        Self {
            voices: Vec::new(),
            next: None,
            told_silence: true,
        }
    }
}

impl<K: Clone + PartialEq> SpeakerDetector<K> {
    /// Notes the level of one packet, in dBov from -127 (silence) to 0.
    pub fn note(&mut self, who: &K, level_dbov: i8, now: Instant) {
        let loudness = f32::from(127 + i16::from(level_dbov.clamp(-127, 0)));
        let index = self
            .voices
            .iter()
            .position(|voice| voice.who == *who)
            .unwrap_or_else(|| {
                self.voices.push(Voice {
                    who: who.clone(),
                    sum: 0.0,
                    packets: 0,
                    smoothed: 0.0,
                    heard: None,
                    speaking_since: None,
                });
                self.voices.len() - 1
            });
        let voice = &mut self.voices[index];
        voice.sum += loudness;
        voice.packets += 1;
        self.next.get_or_insert(now + PERIOD);
    }

    /// Forgets somebody.
    pub fn forget(&mut self, who: &K) {
        self.voices.retain(|voice| voice.who != *who);
    }

    /// When to call [`SpeakerDetector::judge`] next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.next
    }

    /// Gives who speaks, loudest first; `None` where it is not time, or nobody spoke before and nobody speaks now.
    pub fn judge(&mut self, now: Instant) -> Option<Vec<Loudness<K>>> {
        if self.next.is_none_or(|due| due > now) {
            return None;
        }
        let mut speaking = Vec::new();
        for voice in &mut self.voices {
            let average = if voice.packets == 0 {
                0.0
            } else {
                voice.sum / voice.packets as f32
            };
            (voice.sum, voice.packets) = (0.0, 0);
            voice.smoothed = voice.smoothed * 0.5 + average * 0.5;
            if voice.smoothed >= THRESHOLD {
                voice.heard = Some(now);
            }
            let held = voice
                .heard
                .is_some_and(|heard| now.saturating_duration_since(heard) < HOLD);
            if !held {
                voice.speaking_since = None;
                continue;
            }
            let since = *voice.speaking_since.get_or_insert(now);
            // Who never takes a breath yields to everybody who does, so that a forged level holds nobody's place.
            let tired = now.saturating_duration_since(since) > TIRELESS;
            let level = voice.smoothed.clamp(1.0, 127.0) as u8;
            speaking.push((
                tired,
                Loudness {
                    who: voice.who.clone(),
                    level,
                },
            ));
        }
        speaking.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.level.cmp(&a.1.level)));
        let silent = speaking.is_empty();
        let quiet = self.voices.iter().all(|voice| voice.smoothed < 1.0);
        self.next = if silent && quiet { None } else { Some(now + PERIOD) };
        if silent && self.told_silence {
            return None;
        }
        self.told_silence = silent;
        Some(speaking.into_iter().map(|(_, loudness)| loudness).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Speaks for `ms` in 20 ms packets and tells the last verdict.
    fn run(
        detector: &mut SpeakerDetector<u8>,
        start: &mut Instant,
        ms: u64,
        levels: &[(u8, i8)],
    ) -> Option<Vec<u8>> {
        let mut verdict = None;
        for _ in 0..ms / 20 {
            *start += Duration::from_millis(20);
            for (who, level) in levels {
                detector.note(who, *level, *start);
            }
            if let Some(speakers) = detector.judge(*start) {
                verdict = Some(speakers.into_iter().map(|loudness| loudness.who).collect());
            }
        }
        verdict
    }

    #[test]
    fn the_loudest_comes_first_and_the_silent_are_not_named() {
        let (mut detector, mut now) = (SpeakerDetector::default(), Instant::now());
        let verdict = run(&mut detector, &mut now, 1_000, &[(1, -50), (2, -20), (3, -127)]);
        assert_eq!(verdict, Some(vec![2, 1]));
    }

    #[test]
    fn silence_is_told_once() {
        let (mut detector, mut now) = (SpeakerDetector::default(), Instant::now());
        run(&mut detector, &mut now, 1_000, &[(1, -20)]);
        assert_eq!(run(&mut detector, &mut now, 3_000, &[(1, -127)]), Some(vec![]));
        assert_eq!(run(&mut detector, &mut now, 3_000, &[(1, -127)]), None);
    }

    #[test]
    fn a_source_that_never_pauses_yields_to_a_person() {
        let (mut detector, mut now) = (SpeakerDetector::default(), Instant::now());
        run(&mut detector, &mut now, 61_000, &[(9, 0)]);
        let verdict = run(&mut detector, &mut now, 1_000, &[(9, 0), (1, -30)]);
        assert_eq!(verdict, Some(vec![1, 9]));
    }
}
