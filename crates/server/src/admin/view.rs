//! From what the engine shows to what `/debug` says.

use std::collections::BTreeMap;
use std::time::Duration;

use tertulia_engine::{ConnectionView, Engine, PeerRole, PeerView, PublishedView, ReceivedView};
use tertulia_model::{Bitrate, MediaKind, ParticipantId, RoomName, Source, TransportProtocol};
use tertulia_room::{Actor, Command, ParticipantInfo, Reply};

use super::report::{Connection, Participant, Published, Received, Report, Room};
use crate::clock;

type Known = BTreeMap<ParticipantId, ParticipantInfo>;

/// Looks at all rooms, or at one.
pub async fn report(engine: &Engine, only: Option<&RoomName>) -> Report {
    let mut rooms: BTreeMap<String, Room> = BTreeMap::new();
    for view in engine.inspect(only).await {
        let known = known(engine, &view.name).await;
        let id = view.id.as_str().to_owned();
        let room = rooms.entry(id.clone()).or_insert_with(|| Room {
            name: view.name.as_str().to_owned(),
            id,
            participants: Vec::new(),
        });
        let seen = view
            .peers
            .iter()
            .map(|peer| participant(peer, view.worker, &known));
        room.participants.extend(seen);
    }
    let mut rooms: Vec<Room> = rooms.into_values().collect();
    rooms.sort_by(|a, b| a.name.cmp(&b.name));
    Report {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        at_ms: clock::unix_ms(),
        rooms,
    }
}

/// Who is in a room; nobody where it ends as we ask.
async fn known(engine: &Engine, name: &RoomName) -> Known {
    let Some(handle) = engine.find_room(name) else {
        return Known::new();
    };
    match handle.command(Actor::Admin, Command::ListParticipants).await {
        Ok(Reply::Participants(all)) => all.into_iter().map(|info| (info.id.clone(), info)).collect(),
        _ => Known::new(),
    }
}

fn participant(peer: &PeerView, worker: usize, known: &Known) -> Participant {
    let info = known.get(&peer.id);
    Participant {
        id: peer.id.as_str().to_owned(),
        identity: identity(&peer.id, known),
        name: info.map(|info| info.name.clone()).unwrap_or_default(),
        worker,
        offered: peer.offered,
        connected: peer.connected,
        lost_ms: peer.lost.map(millis),
        connections: peer.connections.iter().map(connection).collect(),
        estimate_bps: peer.estimate.map(Bitrate::as_bps),
        down_loss: peer.down_loss,
        up_loss: peer.up_loss,
        publishes: peer
            .publishes
            .iter()
            .map(|track| published(track, info))
            .collect(),
        receives: peer.receives.iter().map(|track| received(track, known)).collect(),
    }
}

/// The identity; the id of the stay where it is not known.
fn identity(id: &ParticipantId, known: &Known) -> String {
    known.get(id).map_or_else(
        || id.as_str().to_owned(),
        |info| info.identity.as_str().to_owned(),
    )
}

fn connection(view: &ConnectionView) -> Connection {
    Connection {
        role: match view.role {
            PeerRole::Primary => "primary",
            PeerRole::Subscriber => "subscriber",
        }
        .to_owned(),
        connected: view.connected,
        protocol: view.path.map(|(protocol, ..)| {
            match protocol {
                TransportProtocol::Udp => "udp",
                TransportProtocol::Tcp => "tcp",
            }
            .to_owned()
        }),
        local: view.path.map(|(_, local, _)| local.to_string()),
        remote: view.path.map(|(.., remote)| remote.to_string()),
        rtt_ms: view.rtt.map(millis),
    }
}

fn published(view: &PublishedView, info: Option<&ParticipantInfo>) -> Published {
    let track = info.and_then(|info| info.tracks.iter().find(|track| track.id == view.track));
    Published {
        track: view.track.as_str().to_owned(),
        source: source(view.source).to_owned(),
        kind: kind(view.kind).to_owned(),
        codec: track
            .and_then(|track| track.codec)
            .map(|codec| format!("{codec:?}")),
        muted: view.muted,
        bound: view.bound,
        layers_bps: view
            .layers
            .iter()
            .map(|layer| layer.map(Bitrate::as_bps))
            .collect(),
    }
}

fn received(view: &ReceivedView, known: &Known) -> Received {
    Received {
        track: view.track.as_str().to_owned(),
        publisher: identity(&view.publisher, known),
        source: source(view.source).to_owned(),
        kind: kind(view.kind).to_owned(),
        bound: view.bound,
        failed: view.failed,
        enabled: view.enabled,
        max_layer: view.max_layer,
        paused: view.paused,
        layer: view.layer,
    }
}

fn source(source: Source) -> &'static str {
    match source {
        Source::Camera => "camera",
        Source::Microphone => "microphone",
        Source::ScreenShare => "screen",
        Source::ScreenShareAudio => "screen-sound",
        _ => "other",
    }
}

fn kind(kind: MediaKind) -> &'static str {
    match kind {
        MediaKind::Audio => "audio",
        MediaKind::Video => "video",
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
