//! One participant: joins, publishes, receives, and reports.
//!
//! A full client leaves everything to str0m. A light one shakes hands with it and then gives its socket to the
//! [`Field`](crate::light::Field), which handles packets at a fraction of the cost; str0m keeps ICE, DTLS and the data
//! channels.

mod plan;
mod track;

pub use plan::{ClientReport, Joining, Layout, Milestone, Phase, Plan, Stage, Until};

use std::collections::BTreeSet;
use std::io;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::error::ClientError;
use crate::light::{Lane, Note, Track as LaneTrack};
use crate::media::{Outgoing, Source};
use crate::peer::{Offered, Peer, PeerEvent, Sending};
use crate::signalling::{Request, Signal, Signalling};
use crate::sink::{Arrival, Seen, Sink};
use track::{Track, offered, tracks};

/// How long a client may take until its media flows.
const START_TIMEOUT: Duration = Duration::from_secs(20);
/// Sections to receive on in the first offer, of each kind, as clients of the protocol have them.
const FIRST_SECTIONS: u32 = 3;
/// Tracks announced and offered at a time; servers bound how many may wait for their section.
const ANNOUNCED: usize = 16;

/// Runs a client until its scenario ends.
///
/// # Errors
/// When it cannot join, or is thrown out.
pub async fn run<S: Signalling>(
    plan: Plan,
    place: S::Place,
    stage: Stage,
) -> Result<ClientReport, ClientError> {
    let address = S::local_address(&place).await?;
    let red = plan.audio.is_some_and(|audio| audio.red);
    let mut peer = Peer::new(address, &stage.identity, red, stage.field.is_some())?;
    let offer = if S::JOINS_WITH_OFFER {
        peer.offer(FIRST_SECTIONS, FIRST_SECTIONS, &[], true)?.0
    } else {
        String::new()
    };
    let began = Instant::now();
    let signalling = S::join(&place, &plan.who, offer).await?;
    let joining = Joining {
        joined: Some(began.elapsed()),
        ..Joining::default()
    };
    let mut client = Client::new(plan, peer, signalling, stage, began, joining);
    client.announce()?;
    let ended = client.run().await;
    let report = client.finish().await;
    ended.map(|()| report)
}

struct Client<S> {
    plan: Plan,
    peer: Peer,
    signalling: S,
    stage: Stage,
    began: Instant,
    joining: Joining,
    tracks: Vec<Track>,
    /// How many of the tracks were announced, and how many offered.
    announced: usize,
    offered: usize,
    begun: bool,
    random: StdRng,
    /// Sections the server asked for, to be offered.
    wanted: Option<(u32, u32)>,
    shown: BTreeSet<String>,
    connected: bool,
    lane: Option<Lane>,
    sink: Sink,
    counting: bool,
    measured: Option<Seen>,
    sent: u64,
    offers: u32,
    outgoing: Vec<Outgoing>,
}

/// What a client's media connection brings.
enum Input {
    Readable,
    Note(Note),
}

impl<S: Signalling> Client<S> {
    fn new(plan: Plan, peer: Peer, signalling: S, stage: Stage, began: Instant, joining: Joining) -> Self {
        let mut random = StdRng::seed_from_u64(plan.seed.wrapping_add(u64::from(plan.index)));
        Self {
            tracks: tracks(&plan, began, &mut random),
            plan,
            peer,
            signalling,
            stage,
            began,
            joining,
            announced: 0,
            offered: 0,
            begun: false,
            random,
            wanted: None,
            shown: BTreeSet::new(),
            connected: false,
            lane: None,
            sink: Sink::default(),
            counting: false,
            measured: None,
            sent: 0,
            offers: 1,
            outgoing: Vec::new(),
        }
    }

    /// Announces the next of our tracks.
    fn announce(&mut self) -> Result<(), ClientError> {
        for track in self.tracks.iter().skip(self.announced).take(ANNOUNCED) {
            self.announced += 1;
            self.signalling.request(Request::Publish(track.local.clone()))?;
        }
        Ok(())
    }

    async fn run(&mut self) -> Result<(), ClientError> {
        self.stage.phase.mark_changed();
        loop {
            self.take_events()?;
            if self.has_passed() {
                return Ok(());
            }
            self.offer_if_needed()?;
            self.begin_if_ready();
            if !self.connected && self.began.elapsed() > START_TIMEOUT {
                return Err(ClientError::TooLate(
                    "the media connection",
                    START_TIMEOUT.as_secs(),
                ));
            }
            let deadline = self.deadline();
            if deadline <= Instant::now() {
                self.act()?;
            }
            tokio::select! {
                biased;
                changed = self.stage.phase.changed() => {
                    let phase = if changed.is_ok() { *self.stage.phase.borrow_and_update() } else { Phase::Stop };
                    if !self.enter(phase) {
                        return Ok(());
                    }
                }
                signal = self.signalling.next() => match signal {
                    Some(signal) => self.hear(signal)?,
                    None => return Err(ClientError::Ended("the signalling connection closed".to_owned())),
                },
                input = input(&self.peer, &mut self.lane) => match input? {
                    Input::Readable => self.peer.receive()?,
                    Input::Note(note) => self.note(note)?,
                },
                () = tokio::time::sleep_until(deadline.into()) => {}
            }
        }
    }

    fn has_passed(&self) -> bool {
        self.plan.until.is_some_and(|until| match until {
            Until::Connected => self.joining.connected.is_some(),
            Until::Packet => self.joining.first_packet.is_some(),
            Until::KeyFrame => self.joining.first_key_frame.is_some(),
        })
    }

    fn enter(&mut self, phase: Phase) -> bool {
        match phase {
            Phase::Settle => {}
            Phase::Measure => {
                self.sink.take();
                self.sent = 0;
                self.counting = true;
            }
            Phase::Rest => self.measured = Some(self.sink.take()).filter(|_| self.counting),
            Phase::Stop => return false,
        }
        self.counting &= phase == Phase::Measure;
        true
    }

    /// Begins to send once the connection and all sections are there, each source somewhere in its first beat, so
    /// that neither clients nor tracks march in step.
    fn begin_if_ready(&mut self) {
        let waits = self.tracks.iter().any(|track| track.to.is_none());
        if self.begun || waits || !self.connected || self.plan.silent {
            return;
        }
        self.begun = true;
        let now = Instant::now();
        for track in &mut self.tracks {
            if let Some(source) = &mut track.source {
                let beat = u64::try_from(source.interval().as_micros()).unwrap_or(u64::MAX);
                source.begin(now + Duration::from_micros(self.random.random_range(0..=beat)));
            }
        }
        let Some(lane) = &self.lane else { return };
        for track in &mut self.tracks {
            let (Some(source), Some(to)) = (track.source.take(), &track.to) else {
                continue;
            };
            let streams = self.peer.streams(to);
            lane.publish(LaneTrack::new(source, to.mid(), streams));
        }
    }

    fn deadline(&self) -> Instant {
        let sources = self.tracks.iter().filter_map(|track| track.source.as_ref());
        let media = sources.map(Source::due).filter(|_| self.begun);
        media
            .chain([self.peer.deadline()])
            .min()
            .unwrap_or_else(|| self.peer.deadline())
    }

    /// Does what is due: media, and str0m's own timers.
    fn act(&mut self) -> Result<(), ClientError> {
        let now = Instant::now();
        if self.peer.deadline() <= now {
            self.peer.handle_timeout()?;
        }
        if !self.begun {
            return Ok(());
        }
        let now_ns = self.ns_of(now);
        for track in &mut self.tracks {
            let (Some(source), Some(to)) = (&mut track.source, &track.to) else {
                continue;
            };
            if source.due() > now {
                continue;
            }
            source.make(now, now_ns, &mut self.outgoing);
            self.peer.send(to, &self.outgoing)?;
            let sent = self.outgoing.drain(..).count() as u64;
            self.sent += if self.counting { sent } else { 0 };
        }
        Ok(())
    }

    fn take_events(&mut self) -> Result<(), ClientError> {
        while let Some(event) = self.peer.poll_event() {
            match event {
                PeerEvent::Connected => {
                    self.connected = true;
                    self.joining.connected.get_or_insert_with(|| self.began.elapsed());
                    self.tell(Milestone::Connected(self.plan.index));
                    if let (None, Some(field)) = (&self.lane, &self.stage.field) {
                        let handover = self.peer.hand_over()?;
                        let trains = !self.plan.who.subscribe;
                        self.lane = Some(field.attach(self.plan.index, self.began, handover, trains)?);
                    }
                }
                PeerEvent::Packet { packet, video } => {
                    if self.joining.first_packet.is_none() {
                        self.joining.first_packet = Some(self.began.elapsed());
                        self.tell(Milestone::FirstPacket(self.plan.index));
                    }
                    let arrival = Arrival {
                        sequence: *packet.seq_no,
                        timestamp: packet.header.timestamp,
                        marker: packet.header.marker,
                        video,
                        payload: &packet.payload,
                        at_ns: self.ns_of(packet.timestamp),
                    };
                    if self.joining.first_key_frame.is_none() && arrival.begins_key_frame() {
                        self.joining.first_key_frame = Some(self.began.elapsed());
                    }
                    if self.sink.accept(*packet.header.ssrc, &arrival) {
                        self.peer.request_key_frame(packet.header.ssrc);
                    }
                }
                PeerEvent::KeyFrameWanted { mid, rid } => {
                    let wanted = |to: &Sending| to.mid() == mid;
                    let track = self
                        .tracks
                        .iter_mut()
                        .find(|track| track.to.as_ref().is_some_and(wanted));
                    if let Some(source) = track.and_then(|track| track.source.as_mut()) {
                        source.request_key_frame(rid.as_deref());
                    }
                }
                PeerEvent::Lost => tracing::debug!(client = self.plan.index, "the connection is lost"),
            }
        }
        Ok(())
    }

    fn note(&mut self, note: Note) -> Result<(), ClientError> {
        match note {
            Note::Datagram { source, contents } => self.peer.handle_datagram(source, &contents)?,
            Note::FirstPacket(at) => {
                self.joining.first_packet.get_or_insert(at);
                self.tell(Milestone::FirstPacket(self.plan.index));
            }
            Note::FirstKeyFrame(at) => {
                self.joining.first_key_frame.get_or_insert(at);
            }
        }
        Ok(())
    }

    fn ns_of(&self, at: Instant) -> u64 {
        let since = at.saturating_duration_since(self.stage.epoch);
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }

    fn tell(&self, milestone: Milestone) {
        if self.stage.milestones.send(milestone).is_err() {
            tracing::trace!("nobody waits for milestones any more");
        }
    }

    fn hear(&mut self, signal: Signal) -> Result<(), ClientError> {
        match signal {
            Signal::Answer(sdp) if self.peer.is_offering() => {
                self.peer.accept_answer(&sdp)?;
                for track in &mut self.tracks {
                    track.to = track.offered.take().or(track.to.take());
                }
            }
            Signal::Offer(sdp) => {
                let answer = self.peer.accept_offer(&sdp)?;
                self.signalling.request(Request::Answer(answer))?;
            }
            Signal::Answer(_) => tracing::debug!("an answer to an older offer"),
            Signal::SectionsNeeded { audio, video } => {
                let (more_audio, more_video) = self.wanted.unwrap_or_default();
                self.wanted = Some((more_audio.max(audio), more_video.max(video)));
            }
            Signal::Published { id, track } => {
                let ours = self.tracks.iter_mut().find(|ours| ours.local.id == id);
                if let Some(ours) = ours {
                    ours.published = Some(track);
                }
            }
            Signal::Tracks { identity, videos } => {
                let Some((width, height)) = self.plan.layout.size(&identity) else {
                    return Ok(());
                };
                for track in videos {
                    if self.shown.insert(track.clone()) {
                        self.signalling.request(Request::Show { track, width, height })?;
                    }
                }
            }
            Signal::Layers { track, rids } if self.plan.dynacast => self.set_active(&track, rids),
            Signal::Layers { .. } => {}
            Signal::Ended(reason) => return Err(ClientError::Ended(reason)),
        }
        Ok(())
    }

    fn set_active(&mut self, track: &str, rids: Vec<String>) {
        let ours = |ours: &&mut Track| ours.published.as_deref() == Some(track);
        let Some(ours) = self.tracks.iter_mut().find(ours) else {
            return;
        };
        match (&mut ours.source, &self.lane, &ours.to) {
            (Some(source), ..) => source.set_active(&rids),
            (None, Some(lane), Some(to)) => lane.set_active(to.mid(), rids),
            _ => {}
        }
    }

    /// Makes an offer when there is a reason and none is under way.
    fn offer_if_needed(&mut self) -> Result<(), ClientError> {
        let waiting = self
            .tracks
            .get_mut(self.offered..self.announced)
            .unwrap_or_default();
        let ready = !waiting.is_empty() && waiting.iter().all(|track| track.published.is_some());
        if self.peer.is_offering() || (!ready && self.wanted.is_none()) {
            return Ok(());
        }
        let (audio, video) = self.wanted.take().unwrap_or_default();
        let publish: &mut [Track] = if ready { waiting } else { &mut [] };
        let offered: Vec<Offered> = publish.iter().map(|track| offered(&track.local)).collect();
        let (sdp, sending) = self.peer.offer(audio, video, &offered, false)?;
        for (track, sending) in publish.iter_mut().zip(sending) {
            track.offered = Some(sending);
        }
        self.offers += 1;
        self.signalling.request(Request::Offer(sdp))?;
        if ready {
            self.offered = self.announced;
            self.announce()?;
        }
        Ok(())
    }

    async fn finish(mut self) -> ClientReport {
        let mut key_frames = self.tracks.iter().filter_map(|track| track.source.as_ref());
        let mut report = ClientReport {
            joining: self.joining,
            seen: self.measured.take().unwrap_or_else(|| self.sink.take()),
            sent: self.sent,
            key_frames: key_frames.by_ref().map(Source::key_frames).sum(),
            unsent: self.peer.unsent(),
            offers: self.offers,
        };
        self.peer.close();
        if let Some(lane) = self.lane
            && let Some(seen) = lane.detach().await
        {
            report.seen = seen.seen;
            report.sent += seen.sent;
            report.key_frames += seen.key_frames;
            report.unsent += seen.unsent;
        }
        self.signalling.leave().await;
        report
    }
}

/// Waits for something to come on the media connection. May be dropped without loss.
async fn input(peer: &Peer, lane: &mut Option<Lane>) -> io::Result<Input> {
    match lane {
        Some(lane) => Ok(Input::Note(lane.next().await)),
        None => peer.readable().await.map(|()| Input::Readable),
    }
}
