use std::time::Duration;

use tertulia_engine::PeerMode;
use tertulia_room::{Command, DepartureReason, Reply, TrackSettings};

use crate::connection::{Flow, Participant};
use crate::convert;
use crate::entry::Entry;
use crate::signal::{LeaveAction, SyncState};
use crate::stats::Counters;

/// How often a resume is cut without a word when a client wants to see that.
const SILENT_CUTS: u32 = 3;

/// Resumes that shall fail because the client wants to see it.
#[derive(Debug, Default)]
pub(crate) struct Cuts {
    after_first_words: bool,
    silent: u32,
}

impl Cuts {
    pub(crate) fn once(&mut self) {
        self.after_first_words = true;
    }

    pub(crate) fn silently(&mut self) {
        self.silent = SILENT_CUTS;
    }
}

impl Participant {
    /// Takes a client back whose socket has just been attached: first the word that it is back, then what it missed.
    pub(crate) async fn resume(&mut self, entry: Entry) -> Flow {
        let window = self.door.config().resume_window;
        if self.cuts.silent > 0 {
            self.cuts.silent -= 1;
            self.detach(window);
            return Flow::Stay;
        }
        Counters::up(&self.door.counters().resumes);
        tracing::info!(participant = %self.id, "resumed");
        if entry.wishes.protocol > 0 {
            self.protocol = entry.wishes.protocol;
        }
        self.token_expires_at_ms = self.token_expires_at_ms.max(entry.grant.expires_at_ms);
        self.negotiation.reset();
        let servers = self.door.engine().ice_servers(&self.id);
        self.send(convert::reconnected(
            &servers,
            self.door.node(),
            self.data.last_sequence(),
        ));

        self.tell_everybody().await;
        self.send(convert::room(&self.room_info));
        self.send_held();
        self.send_fresh_token();
        if std::mem::take(&mut self.cuts.after_first_words) {
            self.detach(window);
            return Flow::Stay;
        }
        if self.mode == PeerMode::Dual {
            self.room.restart_subscriber(&self.id).await;
        }
        if let Some(state) = entry.wishes.sync {
            let flow = self.sync(state).await;
            if flow == Flow::Gone {
                return flow;
            }
        }
        match entry.wishes.offer {
            Some(offer) => self.on_offer(offer).await,
            None => Flow::Stay,
        }
    }

    /// Tells the client who left while it was away, and everybody who is here, itself included.
    async fn tell_everybody(&mut self) {
        let (_, gone) = self.roster.take();
        let mut present = match self.ask(Command::ListParticipants).await {
            Ok(Reply::Participants(present)) => present,
            Ok(_) | Err(_) => Vec::new(),
        };
        present.retain(|other| !other.permission.hidden || other.id == self.id);
        if let Some(own) = present.iter().find(|other| other.id == self.id) {
            self.info = own.clone();
        } else {
            present.push(self.info.clone());
        }
        if !gone.is_empty() {
            self.send(convert::participants(&[], &gone));
        }
        for participant in &present {
            self.roster.told(participant);
        }
        self.send(convert::participants(&present, &[]));
    }

    /// Checks what the client believes after a resume, and brings both sides together again.
    pub(crate) async fn sync(&mut self, state: SyncState) -> Flow {
        let known = |track: &Option<_>| track.as_ref().is_some_and(|track| self.published.contains(track));
        if !state.published.iter().all(known) {
            tracing::info!(participant = %self.id, "the client publishes a track that is unknown");
            self.say_goodbye(DepartureReason::StateMismatch, LeaveAction::Reconnect);
            return self.leave(DepartureReason::StateMismatch).await;
        }
        if let Some((tracks, on)) = state.subscription
            && !tracks.is_empty()
        {
            self.subscribe(tracks, on).await;
        }
        if !state.disabled.is_empty() {
            let settings = TrackSettings {
                disabled: true,
                ..TrackSettings::default()
            };
            self.set_track_settings(state.disabled, settings).await;
        }
        self.replay(&state.received).await;
        Flow::Stay
    }
}

/// How long a reliable message is kept for a client that may have missed it.
pub(crate) const REPLAY_FOR: Duration = Duration::from_secs(30);
