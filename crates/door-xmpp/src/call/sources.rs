//! Which streams the client is told to be whose: in maps over the bridge channel, or for clients whose streams stand for
//! one source for ever as sources that come and go.

use serde_json::{Value, json};
use tertulia_model::{MediaKind, Source, TrackId};

use super::jingle::source_message;
use crate::client::Client;
use crate::muc::{Occupancy, sources};

/// One stream as the client knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mapped {
    track: TrackId,
    owner: String,
    name: String,
    kind: MediaKind,
    screen: bool,
    ssrc: u32,
    rtx: Option<u32>,
}

/// What the client was told.
#[derive(Debug, Default)]
pub(crate) struct Told {
    streams: Vec<Mapped>,
    forwarded: Vec<String>,
}

impl Mapped {
    /// As an entry of a map.
    fn entry(&self) -> Value {
        let mut entry = json!({ "source": self.name, "owner": self.owner, "ssrc": self.ssrc });
        if self.kind == MediaKind::Video
            && let Some(entry) = entry.as_object_mut()
        {
            entry.insert("rtx".to_owned(), json!(self.rtx.unwrap_or(0)));
            let kind = if self.screen { "DESKTOP" } else { "CAMERA" };
            entry.insert("videoType".to_owned(), kind.into());
        }
        entry
    }

    /// As an owner's sources in compact form: video, its groups, audio, its groups.
    fn compact(&self) -> Value {
        let stream = format!("{} {}", self.name, self.track);
        let mut source = json!({ "s": self.ssrc, "n": self.name, "m": stream });
        if self.screen
            && self.kind == MediaKind::Video
            && let Some(source) = source.as_object_mut()
        {
            source.insert("v".to_owned(), "d".into());
        }
        let repair = self
            .rtx
            .map(|rtx| json!({ "s": rtx, "n": self.name, "m": stream }));
        let group = self.rtx.map(|rtx| json!(["f", self.ssrc, rtx]));
        let own: Vec<Value> = [Some(source), repair].into_iter().flatten().collect();
        let groups: Vec<Value> = group.into_iter().collect();
        match self.kind {
            MediaKind::Video => json!([own, groups]),
            MediaKind::Audio => json!([[], [], own, groups]),
        }
    }
}

impl Occupancy {
    /// What the client receives, with whose it is.
    fn mapped(&self) -> Vec<Mapped> {
        let streams = self
            .call
            .session
            .as_ref()
            .and_then(|session| session.media.as_ref());
        let Some(streams) = streams.map(|media| media.streams()) else {
            return Vec::new();
        };
        let mut mapped = Vec::new();
        for seat in self.others() {
            for (name, track) in sources(&seat.nick, &seat.info.tracks) {
                if let Some((ssrc, rtx)) = streams.get(&track.id) {
                    mapped.push(Mapped {
                        track: track.id.clone(),
                        owner: seat.nick.clone(),
                        name,
                        kind: track.kind,
                        screen: track.source == Source::ScreenShare,
                        ssrc: *ssrc,
                        rtx: *rtx,
                    });
                }
            }
        }
        mapped
    }

    /// Sections it takes to receive everything that is there now, audio and video.
    pub(super) fn receivable(&self) -> (usize, usize) {
        let tracks = self.others().flat_map(|seat| &seat.info.tracks);
        tracks.fold((0, 0), |(audio, video), track| match track.kind {
            MediaKind::Audio => (audio + 1, video),
            MediaKind::Video => (audio, video + 1),
        })
    }
}

impl Client {
    /// Tells the client what is new about whose streams are whose.
    pub(crate) async fn tell_sources(&mut self) {
        let Some(own) = &mut self.occupancy else { return };
        let mapped = own.mapped();
        let rewriting = own.call.rewriting.unwrap_or(true);
        let Some(session) = &mut own.call.session else {
            return;
        };
        let before = std::mem::replace(&mut session.told.streams, mapped.clone());
        if before != mapped {
            if rewriting {
                self.tell_maps();
            } else {
                let gone: Vec<Mapped> = before
                    .iter()
                    .filter(|known| !mapped.contains(known))
                    .cloned()
                    .collect();
                let new: Vec<Mapped> = mapped
                    .iter()
                    .filter(|known| !before.contains(known))
                    .cloned()
                    .collect();
                self.tell_change("source-remove", &gone);
                self.tell_change("source-add", &new);
            }
        }
        self.settle_constraints().await;
    }

    fn tell_change(&mut self, action: &'static str, streams: &[Mapped]) {
        let Some(own) = &self.occupancy else { return };
        let Some(session) = &own.call.session else { return };
        let (sid, initiator) = (session.sid.clone(), self.door.config().focus_user());
        for stream in streams {
            let sources = json!({ "sources": { stream.owner.clone(): stream.compact() } });
            self.send_jingle(source_message(action, &sid, &initiator, &sources.to_string()));
        }
    }

    /// Tells the client all of whose streams are whose.
    pub(super) fn tell_maps(&mut self) {
        let Some(own) = &self.occupancy else { return };
        if own.call.rewriting == Some(false) {
            return;
        }
        let Some(session) = &own.call.session else { return };
        let entries = |kind: MediaKind| -> Vec<Value> {
            let streams = session.told.streams.iter().filter(|stream| stream.kind == kind);
            streams.map(Mapped::entry).collect()
        };
        let audio = json!({ "colibriClass": "AudioSourcesMap", "mappedSources": entries(MediaKind::Audio) });
        let video = json!({ "colibriClass": "VideoSourcesMap", "mappedSources": entries(MediaKind::Video) });
        self.say_bridge(&audio);
        self.say_bridge(&video);
    }

    /// Tells the client which pictures are sent to it, where that changed or `anew`.
    pub(super) fn tell_forwarded(&mut self, anew: bool) {
        let Some(own) = &mut self.occupancy else { return };
        let held = &own.call.bridge;
        let Some(session) = &mut own.call.session else {
            return;
        };
        let streams = session.told.streams.iter();
        let forwarded: Vec<String> = streams
            .filter(|stream| stream.kind == MediaKind::Video && held.is_forwarded(&stream.track))
            .map(|stream| stream.name.clone())
            .collect();
        if !anew && session.told.forwarded == forwarded {
            return;
        }
        session.told.forwarded.clone_from(&forwarded);
        self.say_bridge(&json!({ "colibriClass": "ForwardedSources", "forwardedSources": forwarded }));
    }
}
