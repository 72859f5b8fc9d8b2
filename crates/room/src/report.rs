//! What the engine measures, told to those it concerns.

use indexmap::IndexMap;
use tertulia_model::ParticipantId;

use crate::{Audience, ConnectionQuality, Event, Now, QualityReport, Room, Speaker};

/// The loudest a speaker is said to be.
const MAX_LEVEL: u8 = 127;

impl Room {
    /// Tells what changed among the speakers, with level 0 for those who stopped.
    pub(crate) fn speakers(&mut self, heard: &[(ParticipantId, u8)], now: Now) {
        let mut speaking: IndexMap<ParticipantId, u8> = IndexMap::new();
        for (participant, level) in heard {
            let shown = self
                .members
                .get(participant)
                .is_some_and(|member| !member.info.permission.hidden);
            if shown && *level > 0 {
                speaking
                    .entry(participant.clone())
                    .or_insert((*level).min(MAX_LEVEL));
            }
        }
        let changed = speaking
            .iter()
            .filter(|(who, level)| self.speaking.get(*who) != Some(level));
        let stopped = self.speaking.keys().filter(|who| !speaking.contains_key(*who));
        let changes: Vec<Speaker> = changed
            .map(|(who, level)| Speaker {
                participant: who.clone(),
                level: *level,
                active: true,
            })
            .chain(stopped.map(|who| Speaker {
                participant: who.clone(),
                level: 0,
                active: false,
            }))
            .collect();
        self.speaking = speaking;
        for change in &changes {
            self.note_speech(&change.participant, change.active, now);
        }
        if !changes.is_empty() {
            self.send(Audience::Everybody, Event::SpeakersChanged(changes));
        }
    }

    /// Tells somebody whose media has just connected who speaks.
    pub(crate) fn tell_speakers_to(&mut self, id: &ParticipantId) {
        let speaking: Vec<Speaker> = self
            .speaking
            .iter()
            .map(|(who, level)| Speaker {
                participant: who.clone(),
                level: *level,
                active: true,
            })
            .collect();
        if !speaking.is_empty() {
            self.send(Audience::One(id.clone()), Event::SpeakersChanged(speaking));
        }
    }

    /// Tells each participant the quality of their own connection and of those whose tracks they receive.
    pub(crate) fn report_quality(&mut self, reports: &[(ParticipantId, ConnectionQuality, f32)]) {
        // By place in `members`: a large room has as many pairs as the square of its people.
        let mut mail: Vec<Vec<QualityReport>> = vec![Vec::new(); self.members.len()];
        let mut receives = vec![false; self.members.len()];
        for (participant, quality, score) in reports {
            let Some((own, _, member)) = self.members.get_full(participant) else {
                continue;
            };
            receives.fill(false);
            receives[own] = true;
            for publication in member.tracks.iter().filter_map(|track| self.tracks.get(track)) {
                for place in publication
                    .routes
                    .keys()
                    .filter_map(|who| self.members.get_index_of(who))
                {
                    receives[place] = true;
                }
            }
            let report = QualityReport {
                participant: participant.clone(),
                quality: *quality,
                score: if score.is_finite() {
                    score.clamp(0.0, 5.0)
                } else {
                    0.0
                },
            };
            for (letters, _) in mail.iter_mut().zip(&receives).filter(|(_, receives)| **receives) {
                letters.push(report.clone());
            }
        }
        let receivers: Vec<ParticipantId> = self.members.keys().cloned().collect();
        for (receiver, reports) in receivers.into_iter().zip(mail) {
            if !reports.is_empty() {
                self.send(Audience::One(receiver), Event::QualityChanged(reports));
            }
        }
    }
}
