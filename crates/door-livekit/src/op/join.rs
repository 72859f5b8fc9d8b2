use tertulia_auth::Validity;
use tertulia_engine::PeerMode;
use tertulia_room::{ParticipantInfo, RoomInfo};

use crate::connection::{Flow, Participant};
use crate::convert::JoinAnswer;
use crate::entry::Entry;
use crate::state::unix_ms;

/// How long a fresh token lasts at least; a shorter one would strand a laptop that slept.
const TOKEN_LIFETIME_MS: u64 = 10 * 60 * 1_000;

impl Participant {
    /// Says the first words, and does what came along with the request to join.
    pub(crate) async fn welcome(
        &mut self,
        entry: Entry,
        others: Vec<ParticipantInfo>,
        room: &RoomInfo,
    ) -> Flow {
        tracing::info!(participant = %self.id, room = %self.room.id(), mode = ?self.mode, "joined");
        let ice_servers = self.door.engine().ice_servers(&self.id);
        let answer = JoinAnswer {
            room,
            participant: &self.info,
            others: &others,
            ice_servers: &ice_servers,
            subscriber_primary: self.mode == PeerMode::Dual && self.info.permission.can_subscribe,
            node: self.door.node(),
        };
        let answer = answer.write();
        self.send(answer);
        let info = self.info.clone();
        self.roster.told(&info);
        for other in &others {
            self.roster.told(other);
        }
        self.send_fresh_token();

        // Tracks before the offer, so that the offer finds them announced.
        for (track, echo) in entry.wishes.tracks {
            self.publish(*track, echo).await;
        }
        match entry.wishes.offer {
            Some(offer) => self.on_offer(offer).await,
            None => Flow::Stay,
        }
    }

    /// Signs a token that says what the participant is and may do now.
    pub(crate) fn fresh_token(&self) -> Option<String> {
        let now = unix_ms();
        // Not what role and switches leave of it now, which would outlast them.
        let permission = &self.info.base;
        let mut claims = self.claims.clone();
        claims.name.clone_from(&self.info.name);
        claims.metadata.clone_from(&self.info.metadata);
        claims.attributes = self
            .info
            .attributes
            .iter()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        let video = &mut claims.video;
        video.room = Some(self.room.name().clone());
        video.can_publish = Some(permission.can_publish);
        video.can_subscribe = Some(permission.can_subscribe);
        video.can_publish_data = Some(permission.can_publish_data);
        video.can_publish_sources.clone_from(&permission.publish_sources);
        video.can_update_own_metadata = Some(permission.can_update_own_metadata);
        video.can_subscribe_metrics = Some(permission.can_subscribe_metrics);
        video.hidden = permission.hidden;
        video.recorder = permission.recorder;
        video.agent = permission.agent;
        video.room_admin = permission.room_admin;
        let expires_at_ms = self
            .token_expires_at_ms
            .max(now.saturating_add(TOKEN_LIFETIME_MS));
        match self.door.keys().sign(
            &claims,
            Validity {
                issued_at_ms: now,
                expires_at_ms,
            },
        ) {
            Ok(token) => Some(token),
            Err(error) => {
                tracing::error!(%error, "a token could not be refreshed");
                None
            }
        }
    }
}
