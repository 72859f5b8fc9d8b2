use std::time::{Duration, Instant};

use tertulia_forward::RouteSettings;
use tertulia_model::{Codec, MediaKind, Mid, ParticipantId, PeerSpec, TrackId};
use tertulia_room::Fact;
use tertulia_session::{AudioOptions, RxId, RxSection, TxState};

use super::mailbox::negotiated;
use super::sessions::{Encodings, ReceivedTrack};
use super::{Worker, codecs};
use crate::config::EngineConfig;
use crate::message::{Negotiated, NegotiationFailure, PeerEvent};
use crate::peer::Peer;
use crate::room_slot::Medium;
use crate::stats::Counters;

/// How long a requested offer may take before it is requested again.
const OFFER_PATIENCE: Duration = Duration::from_secs(5);

impl Peer {
    /// Sets the next negotiation, unless one is set for earlier.
    pub(crate) fn want_negotiation(&mut self, at: Instant) {
        self.negotiate_at = Some(self.negotiate_at.map_or(at, |set| set.min(at)));
    }
}

impl Worker {
    /// Takes the client's offer for its primary connection.
    pub(super) fn handle_offer(
        &mut self,
        room_key: usize,
        who: &ParticipantId,
        offer: &PeerSpec,
        now: Instant,
    ) -> Result<Negotiated, NegotiationFailure> {
        let room = self.rooms.get_mut(room_key).ok_or(NegotiationFailure::Gone)?;
        let peer = room.peers.get_mut(who).ok_or(NegotiationFailure::Gone)?;
        let key = peer.primary;
        peer.offer_expected_until = None;
        peer.offered = true;
        peer.connect_by = media_due(&self.shared.config, peer.connected, peer.lost_since, now);
        if peer.subscriber.is_none() {
            peer.negotiate_at = None;
        }
        let slot = self.sessions.get_mut(key).ok_or(NegotiationFailure::Gone)?;
        let known: Vec<Mid> = slot
            .session
            .rx_sections()
            .into_iter()
            .filter(|section| section.active && slot.is_settled(section.rx))
            .map(|section| section.mid)
            .collect();
        let fresh: Vec<_> = offer
            .media
            .iter()
            .filter(|section| section.direction.sends() && !section.stopped && !known.contains(&section.mid))
            .collect();
        let asked: Vec<_> = fresh
            .iter()
            .map(|section| (section.kind, section.track_id.as_deref()))
            .collect();
        for (section, matched) in fresh.iter().zip(room.match_sections(who, &asked)) {
            let Some(matched) = matched else { continue };
            let Some(bound) = room.tracks.get(&matched.track) else {
                continue;
            };
            let info = &bound.info;
            let wanted: Vec<Codec> = match section.kind {
                // Browsers send what the answer names first.
                MediaKind::Audio if info.red => vec![Codec::Red, Codec::Opus],
                MediaKind::Audio => vec![Codec::Opus],
                MediaKind::Video => matched.codec.into_iter().collect(),
            };
            if !wanted.is_empty() {
                slot.session.prefer_codecs(&section.mid, &wanted);
            }
            if section.kind == MediaKind::Audio {
                let options = AudioOptions {
                    stereo: info.audio.stereo,
                    dtx: !info.audio.no_dtx,
                };
                slot.session.prefer_audio(&section.mid, options);
            }
        }
        let outcome = slot.session.accept_offer(offer, now);
        self.touch(key);
        let answer = outcome.map_err(|error| {
            Counters::up(&self.shared.counters.negotiations_refused);
            NegotiationFailure::Refused(error.to_string())
        })?;
        self.bind_received(room_key, who, now);
        self.bind_sent(room_key, who, now);
        let slot = self.sessions.get(key).ok_or(NegotiationFailure::Gone)?;
        let bindings = slot.session.bindings();
        if slot.session.negotiation_needed()
            && let Some(peer) = self
                .rooms
                .get_mut(room_key)
                .and_then(|room| room.peers.get_mut(who))
            && peer.subscriber.is_none()
        {
            peer.want_negotiation(now);
        }
        Ok(negotiated(answer, bindings))
    }

    /// Takes the client's answer for its subscribing connection.
    pub(super) fn handle_answer(
        &mut self,
        room_key: usize,
        who: &ParticipantId,
        answer: &PeerSpec,
        now: Instant,
    ) -> Result<(), NegotiationFailure> {
        let room = self.rooms.get_mut(room_key).ok_or(NegotiationFailure::Gone)?;
        let peer = room.peers.get_mut(who).ok_or(NegotiationFailure::Gone)?;
        let key = peer
            .subscriber
            .ok_or_else(|| NegotiationFailure::Refused("no offer was made".into()))?;
        peer.connect_by = media_due(&self.shared.config, peer.connected, peer.lost_since, now);
        let slot = self.sessions.get_mut(key).ok_or(NegotiationFailure::Gone)?;
        let outcome = slot.session.accept_answer(answer, now);
        self.touch(key);
        outcome.map_err(|error| {
            Counters::up(&self.shared.counters.negotiations_refused);
            NegotiationFailure::Refused(error.to_string())
        })?;
        self.bind_sent(room_key, who, now);
        // What was added while the offer was outstanding needs another one.
        let waiting = self
            .sessions
            .get(key)
            .is_some_and(|slot| slot.session.negotiation_needed());
        if let Some(peer) = self
            .rooms
            .get_mut(room_key)
            .and_then(|room| room.peers.get_mut(who))
        {
            peer.offer_expected_until = None;
            if waiting {
                peer.want_negotiation(now);
            }
        }
        Ok(())
    }

    pub(super) fn restart_subscriber(&mut self, room_key: usize, who: &ParticipantId, now: Instant) {
        let Some(peer) = self
            .rooms
            .get_mut(room_key)
            .and_then(|room| room.peers.get_mut(who))
        else {
            return;
        };
        if peer.subscriber.is_some() {
            peer.restart = true;
            peer.want_negotiation(now);
        }
    }

    /// Makes the offers, or asks for those, that are due.
    pub(super) fn negotiate(&mut self, room_key: usize, now: Instant) {
        let Some(room) = self.rooms.get_mut(room_key) else {
            return;
        };
        let mut due: Vec<ParticipantId> = Vec::new();
        for peer in room.peers.values_mut() {
            if peer.offer_expected_until.is_some_and(|until| until <= now) {
                peer.offer_expected_until = None;
                peer.want_negotiation(now);
            }
            if peer.negotiate_at.is_some_and(|at| at <= now) {
                peer.negotiate_at = None;
                due.push(peer.id.clone());
            }
        }
        for who in due {
            self.negotiate_with(room_key, &who, now);
        }
    }

    fn negotiate_with(&mut self, room_key: usize, who: &ParticipantId, now: Instant) {
        let Some(room) = self.rooms.get_mut(room_key) else {
            return;
        };
        let Some(peer) = room.peers.get_mut(who) else {
            return;
        };
        let Some(key) = peer.subscriber else {
            let Some(slot) = self.sessions.get(peer.primary) else {
                return;
            };
            // Before the client's first offer nothing need be asked for: it will find everything.
            if !peer.offered || !slot.session.negotiation_needed() {
                return;
            }
            let (audio, video) = slot.session.unbound();
            peer.offer_expected_until = Some(now + OFFER_PATIENCE);
            room.tell(who, PeerEvent::SectionsNeeded { audio, video });
            return;
        };
        let Some(slot) = self.sessions.get_mut(key) else {
            return;
        };
        if std::mem::take(&mut peer.restart) {
            slot.session.restart_ice();
        }
        match slot.session.create_offer(now) {
            Ok(Some(spec)) => {
                let bindings = track_bindings(slot.session.bindings());
                room.tell(
                    who,
                    PeerEvent::Offer {
                        spec: Box::new(spec),
                        bindings,
                    },
                );
            }
            // An offer is outstanding; its answer sets the next one.
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "no offer could be made"),
        }
        self.touch(key);
    }

    /// Binds what the client sends to the tracks it announced; tells the room of what it stopped.
    pub(super) fn bind_received(&mut self, room_key: usize, who: &ParticipantId, now: Instant) {
        let Some(key) = self
            .rooms
            .get(room_key)
            .and_then(|room| room.peers.get(who))
            .map(|peer| peer.primary)
        else {
            return;
        };
        let Some(slot) = self.sessions.get_mut(key) else {
            return;
        };
        let sections: Vec<RxSection> = slot
            .session
            .rx_sections()
            .into_iter()
            .filter(|section| section.active)
            .collect();
        let flows = |rx: RxId| sections.iter().any(|section| section.rx == rx);
        slot.retired.retain(|rx| flows(*rx));
        let (gone, flowing): (Vec<_>, Vec<_>) = std::mem::take(&mut slot.received)
            .into_iter()
            .partition(|received| !flows(received.rx));
        slot.received = flowing;
        let is_whole = |track: &TrackId, rx: RxId| {
            let bound = self.rooms.get(room_key).and_then(|room| room.tracks.get(track));
            bound.is_some_and(|bound| bound.primary.source == Some((key, rx)))
        };
        // Without its backup codec a track goes on.
        let gone: Vec<TrackId> = gone
            .into_iter()
            .filter(|received| is_whole(&received.track, received.rx))
            .map(|received| received.track)
            .collect();
        for track in gone {
            self.fact(room_key, Fact::TrackGone { track }, now);
        }
        self.pump(room_key, now);
        let (Some(slot), Some(room)) = (self.sessions.get(key), self.rooms.get(room_key)) else {
            return;
        };
        let fresh: Vec<RxSection> = sections
            .into_iter()
            .filter(|section| !slot.is_settled(section.rx))
            .collect();
        let asked: Vec<_> = fresh
            .iter()
            .map(|section| (section.kind, section.track_id.as_deref()))
            .collect();
        let matches = room.match_sections(who, &asked);
        for (section, matched) in fresh.into_iter().zip(matches) {
            if let Some(matched) = matched {
                self.bind_section(room_key, key, section, matched.track, now);
            }
        }
        self.pump(room_key, now);
    }

    fn bind_section(
        &mut self,
        room_key: usize,
        key: usize,
        section: RxSection,
        track: TrackId,
        now: Instant,
    ) {
        let Some(slot) = self.sessions.get_mut(key) else {
            return;
        };
        let Some(room) = self.rooms.get_mut(room_key) else {
            return;
        };
        let Some(bound) = room.tracks.get_mut(&track) else {
            return;
        };
        let red = section.codecs.contains(&Codec::Red);
        let codec = section.codecs.iter().copied().find(|codec| *codec != Codec::Red);
        let backup_codec = bound.info.backup_codec();
        let fits = |medium: &&mut Medium| medium.source.is_none();
        let free = match &mut bound.primary {
            primary if primary.source.is_none() => Some(primary),
            _ if codec == backup_codec => bound.backup.as_mut().filter(fits),
            _ => None,
        };
        let Some(medium) = free else {
            slot.retired.push(section.rx);
            return;
        };
        medium.source = Some((key, section.rx));
        let simulcast = section.rids.len() > 1;
        slot.received.push(ReceivedTrack {
            rx: section.rx,
            track: track.clone(),
            key: medium.key,
            encodings: Encodings::new(section.rids),
        });
        let Some(codec) = codec else { return };
        self.fact(
            room_key,
            Fact::TrackBound {
                track,
                codec,
                simulcast,
                red,
            },
            now,
        );
    }

    /// Opens the routes whose sections are negotiated by now.
    fn bind_sent(&mut self, room_key: usize, who: &ParticipantId, now: Instant) {
        let Some(room) = self.rooms.get_mut(room_key) else {
            return;
        };
        let (peers, tracks, routes) = (&mut room.peers, &room.tracks, &mut room.routes);
        let Some(peer) = peers.get_mut(who) else {
            return;
        };
        let Some(slot) = self.sessions.get(peer.downlink()) else {
            return;
        };
        let mut facts = Vec::new();
        for (track, receive) in &mut peer.receives {
            match slot.session.tx_state(receive.tx) {
                Some(TxState::Bound(_)) if !receive.bound => {
                    receive.bound = true;
                    let payload_types = payload_types(&slot.session, receive.tx);
                    let accepts_red = payload_types.iter().any(|(codec, _)| *codec == Codec::Red);
                    if let Some(sink) = self.sinks.get_mut(receive.sink) {
                        sink.payload_types = payload_types;
                    }
                    let bound = tracks.get(track);
                    if bound.is_some_and(|bound| codecs::choose(receive, bound, &self.sinks, routes, now)) {
                        facts.push(Fact::BackupNeeded {
                            subscriber: who.clone(),
                            track: track.clone(),
                        });
                    }
                    if let Some(before) = routes.route(receive.route) {
                        let settings = RouteSettings {
                            ready: true,
                            accepts_red,
                            ..before
                        };
                        routes.set_route(receive.route, settings, now);
                    }
                    facts.push(Fact::Subscribed {
                        subscriber: who.clone(),
                        track: track.clone(),
                    });
                }
                Some(TxState::Unsupported) if !receive.failed => {
                    receive.failed = true;
                    facts.push(Fact::CodecUnsupported {
                        subscriber: who.clone(),
                        track: track.clone(),
                    });
                }
                _ => {}
            }
        }
        for fact in facts {
            self.fact(room_key, fact, now);
        }
        self.ask_for_keyframes(room_key, now);
    }
}

/// Until when media must stand after a description was exchanged. One that means to mend a lost connection gets its
/// time, and does not make the loss forgotten.
fn media_due(
    config: &EngineConfig,
    connected: bool,
    lost_since: Option<Instant>,
    now: Instant,
) -> Option<Instant> {
    match (connected, lost_since) {
        (false, _) => Some(now + config.connect_timeout),
        (true, Some(_)) => Some(now + config.media_timeout),
        (true, None) => None,
    }
}

fn payload_types(session: &tertulia_session::Session, tx: tertulia_session::TxId) -> Vec<(Codec, u8)> {
    const ALL: [Codec; 9] = [
        Codec::Opus,
        Codec::Red,
        Codec::Pcmu,
        Codec::Pcma,
        Codec::Vp8,
        Codec::Vp9,
        Codec::H264,
        Codec::H265,
        Codec::Av1,
    ];
    ALL.into_iter()
        .filter_map(|codec| Some((codec, session.tx_payload_type(tx, codec)?)))
        .collect()
}

/// Sections with the tracks we send on them.
pub(super) fn track_bindings(bindings: Vec<(Mid, String)>) -> Vec<(Mid, TrackId)> {
    bindings
        .into_iter()
        .filter_map(|(mid, track)| Some((mid, TrackId::parse(&track)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use tertulia_model::Bitrate;
    use tertulia_room::RoomSettings;

    use super::*;

    #[test]
    fn a_restart_of_lost_media_has_its_time_and_no_more() {
        let second = Duration::from_secs(1);
        let config = EngineConfig {
            workers: 1,
            bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
            udp_port: 0,
            tcp_port: None,
            reach: crate::Reach::default(),
            advertised: Vec::new(),
            room_defaults: RoomSettings {
                max_participants: None,
                ceiling: None,
                empty_timeout: second,
                departure_timeout: second,
                metadata: String::new(),
                chat_history: 0,
                chat_text_bytes: 0,
                rules: tertulia_room::RoomRules::default(),
            },
            initial_bitrate: Bitrate::ZERO,
            media_timeout: second * 15,
            connect_timeout: second * 30,
            spread: crate::Spread::default(),
        };
        let now = Instant::now();
        let due = |connected, lost| media_due(&config, connected, lost, now);
        assert_eq!(due(false, None), Some(now + second * 30));
        assert_eq!(due(true, None), None);
        assert_eq!(due(true, Some(now)), Some(now + second * 15));
    }
}
