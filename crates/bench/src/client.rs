//! One participant: joins, publishes, receives, and reports.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::sync::{mpsc, watch};

use crate::error::ClientError;
use crate::media::{AudioProfile, AudioSource, Outgoing, VideoProfile, VideoSource};
use crate::peer::{Identity, Offered, Peer, PeerEvent, Sending};
use crate::signalling::{LocalTrack, Request, Signal, Signalling, Who};
use crate::sink::{Arrival, Seen, Sink};

/// How long a client may take until its media flows.
const START_TIMEOUT: Duration = Duration::from_secs(20);
/// Sections to receive on in the first offer, of each kind, as clients of the protocol have them.
const FIRST_SECTIONS: u32 = 3;

/// What a client does.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Number of the client.
    pub index: u32,
    /// Who it is and where it goes.
    pub who: Who,
    /// Clients that take turns to speak.
    pub speakers: u32,
    /// Audio it publishes.
    pub audio: Option<AudioProfile>,
    /// Video it publishes.
    pub video: Option<VideoProfile>,
    /// What it watches.
    pub layout: Layout,
    /// Whether its tracks stay silent.
    pub silent: bool,
    /// Whether it leaves as soon as a key frame of somebody begins.
    pub passing: bool,
    /// Whether it stops layers that nobody watches, if the server says so.
    pub dynacast: bool,
    /// Seed of sequence numbers, times and ids.
    pub seed: u64,
}

/// How large remote videos are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Layout {
    /// Nothing is said to the server.
    Unsaid,
    /// All at 640×360.
    Grid,
    /// One at 1280×720, the others at 320×180.
    Speaker {
        /// Identity of the large one.
        large: String,
    },
}

impl Layout {
    fn size(&self, identity: &str) -> Option<(u32, u32)> {
        match self {
            Self::Unsaid => None,
            Self::Grid => Some((640, 360)),
            Self::Speaker { large } if large == identity => Some((1280, 720)),
            Self::Speaker { .. } => Some((320, 180)),
        }
    }
}

/// What all clients are to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Join, publish and receive, without counting.
    Settle,
    /// Count.
    Measure,
    /// Count no more.
    Rest,
    /// Leave.
    Stop,
}

/// How long a client's joining took, from the moment its token was made.
#[derive(Debug, Clone, Copy, Default)]
pub struct Joining {
    /// Until the server let it in.
    pub joined: Option<Duration>,
    /// Until media could flow.
    pub connected: Option<Duration>,
    /// Until the first packet of somebody came.
    pub first_packet: Option<Duration>,
    /// Until the first key frame of somebody began.
    pub first_key_frame: Option<Duration>,
}

/// What a client did and saw.
#[derive(Debug, Clone)]
pub struct ClientReport {
    /// Its joining.
    pub joining: Joining,
    /// What it received in the measured time.
    pub seen: Seen,
    /// Media packets it sent in the measured time.
    pub sent: u64,
    /// Key frames it made altogether.
    pub key_frames: u64,
    /// Datagrams its own socket did not take: a measurement with any of them says little.
    pub unsent: u64,
    /// Offers it made.
    pub offers: u32,
}

/// What a scenario hears from its clients while they run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Milestone {
    /// Media may flow.
    Connected(u32),
    /// The first packet of somebody came.
    FirstPacket(u32),
}

/// What clients of a scenario share.
#[derive(Clone)]
pub struct Stage {
    /// Zero of all stamps.
    pub epoch: Instant,
    /// What to do.
    pub phase: watch::Receiver<Phase>,
    /// Where milestones go.
    pub milestones: mpsc::UnboundedSender<Milestone>,
    /// The certificate all use.
    pub identity: Identity,
}

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
    let mut peer = Peer::new(address, &stage.identity, red)?;
    let (offer, _) = peer.offer(FIRST_SECTIONS, FIRST_SECTIONS, &[], true)?;
    let began = Instant::now();
    let signalling = S::join(&place, &plan.who, offer).await?;
    let joining = Joining {
        joined: Some(began.elapsed()),
        ..Joining::default()
    };
    let mut client = Client::new(plan, peer, signalling, stage, began, joining);
    client.publish()?;
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
    /// Announced, to be offered once the server has taken all.
    announced: Vec<Offered>,
    published: Vec<(String, String)>,
    /// Offered, to be sent on once the server has answered.
    offered: Vec<(bool, Sending)>,
    audio: Option<AudioSource>,
    video: Option<VideoSource>,
    audio_to: Option<Sending>,
    video_to: Option<Sending>,
    begun: bool,
    random: StdRng,
    /// Sections the server asked for, to be offered.
    wanted: Option<(u32, u32)>,
    shown: BTreeSet<String>,
    connected: bool,
    sink: Sink,
    counting: bool,
    measured: Option<Seen>,
    sent: u64,
    offers: u32,
    outgoing: Vec<Outgoing>,
}

impl<S: Signalling> Client<S> {
    fn new(plan: Plan, peer: Peer, signalling: S, stage: Stage, began: Instant, joining: Joining) -> Self {
        let mut random = StdRng::seed_from_u64(plan.seed.wrapping_add(u64::from(plan.index)));
        let audio = (plan.audio)
            .map(|profile| AudioSource::new(plan.index, plan.speakers, profile, began, &mut random));
        let video = plan
            .video
            .clone()
            .map(|profile| VideoSource::new(plan.index, profile, began, &mut random));
        Self {
            plan,
            peer,
            signalling,
            stage,
            began,
            joining,
            announced: Vec::new(),
            published: Vec::new(),
            offered: Vec::new(),
            audio,
            video,
            audio_to: None,
            video_to: None,
            begun: false,
            random,
            wanted: None,
            shown: BTreeSet::new(),
            connected: false,
            sink: Sink::default(),
            counting: false,
            measured: None,
            sent: 0,
            offers: 1,
            outgoing: Vec::new(),
        }
    }

    /// Announces our tracks.
    fn publish(&mut self) -> Result<(), ClientError> {
        if let Some(source) = &self.video {
            let profile = source.profile();
            let bits = |bytes: usize| {
                let bits = bytes as f64 * 8.0 / profile.interval.as_secs_f64();
                bits as u32
            };
            let layers = profile.layers.iter();
            let track = LocalTrack {
                id: format!("camera-{}", self.plan.index),
                layers: layers
                    .map(|l| (l.rid, l.width, l.height, bits(l.frame_bytes)))
                    .collect(),
                red: false,
            };
            self.announce(track)?;
        }
        if let Some(profile) = self.plan.audio {
            let id = format!("microphone-{}", self.plan.index);
            self.announce(LocalTrack {
                id,
                layers: Vec::new(),
                red: profile.red,
            })?;
        }
        Ok(())
    }

    fn announce(&mut self, track: LocalTrack) -> Result<(), ClientError> {
        self.announced.push(Offered {
            id: track.id.clone(),
            video: !track.layers.is_empty(),
            rids: track.layers.iter().map(|(rid, ..)| *rid).collect(),
        });
        self.signalling.request(Request::Publish(track))
    }

    async fn run(&mut self) -> Result<(), ClientError> {
        self.stage.phase.mark_changed();
        loop {
            self.take_events();
            if self.plan.passing && self.joining.first_key_frame.is_some() {
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
                readable = self.peer.readable() => {
                    readable?;
                    self.peer.receive()?;
                }
                () = tokio::time::sleep_until(deadline.into()) => {}
            }
        }
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
    /// that clients do not march in step.
    fn begin_if_ready(&mut self) {
        let waits = (self.audio.is_some() && self.audio_to.is_none())
            || (self.video.is_some() && self.video_to.is_none());
        if self.begun || waits || !self.connected || self.plan.silent {
            return;
        }
        self.begun = true;
        let now = Instant::now();
        if let Some(source) = &mut self.audio {
            source.begin(now + Duration::from_micros(self.random.random_range(0..20_000)));
        }
        if let Some(source) = &mut self.video {
            source.begin(now + Duration::from_micros(self.random.random_range(0..33_000)));
        }
    }

    fn deadline(&self) -> Instant {
        let audio = self.audio.as_ref().map(AudioSource::due);
        let video = self.video.as_ref().map(VideoSource::due);
        let media = [audio, video].into_iter().flatten().filter(|_| self.begun);
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
        if let (Some(source), Some(to)) = (&mut self.audio, &self.audio_to)
            && source.due() <= now
        {
            source.make(now, now_ns, &mut self.outgoing);
            self.peer.send(to, &self.outgoing)?;
        }
        self.count_sent();
        if let (Some(source), Some(to)) = (&mut self.video, &self.video_to)
            && source.due() <= now
        {
            source.make(now, now_ns, &mut self.outgoing);
            self.peer.send(to, &self.outgoing)?;
        }
        self.count_sent();
        Ok(())
    }

    fn count_sent(&mut self) {
        let sent = self.outgoing.drain(..).count();
        if self.counting {
            self.sent += sent as u64;
        }
    }

    fn take_events(&mut self) {
        while let Some(event) = self.peer.poll_event() {
            match event {
                PeerEvent::Connected => {
                    self.connected = true;
                    self.joining.connected.get_or_insert_with(|| self.began.elapsed());
                    self.tell(Milestone::Connected(self.plan.index));
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
                    if let (Some(source), Some(to)) = (&mut self.video, &self.video_to)
                        && to.mid() == mid
                    {
                        source.request_key_frame(rid.as_deref());
                    }
                }
                PeerEvent::Lost => tracing::debug!(client = self.plan.index, "the connection is lost"),
            }
        }
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
                for (video, to) in self.offered.drain(..) {
                    let place = if video {
                        &mut self.video_to
                    } else {
                        &mut self.audio_to
                    };
                    *place = Some(to);
                }
            }
            Signal::Answer(_) => tracing::debug!("an answer to an older offer"),
            Signal::SectionsNeeded { audio, video } => {
                let (more_audio, more_video) = self.wanted.unwrap_or_default();
                self.wanted = Some((more_audio.max(audio), more_video.max(video)));
            }
            Signal::Published { id, track } => self.published.push((id, track)),
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
            Signal::Layers { track, rids } => {
                let ours = self.published.iter().any(|(_, published)| *published == track);
                if let (true, true, Some(source)) = (self.plan.dynacast, ours, &mut self.video) {
                    source.set_active(&rids);
                }
            }
            Signal::Ended(reason) => return Err(ClientError::Ended(reason)),
        }
        Ok(())
    }

    /// Makes an offer when there is a reason and none is under way.
    fn offer_if_needed(&mut self) -> Result<(), ClientError> {
        let ready = !self.announced.is_empty() && self.published.len() == self.announced.len();
        if self.peer.is_offering() || (!ready && self.wanted.is_none()) {
            return Ok(());
        }
        let (audio, video) = self.wanted.take().unwrap_or_default();
        let publish = if ready {
            std::mem::take(&mut self.announced)
        } else {
            Vec::new()
        };
        let (sdp, sending) = self.peer.offer(audio, video, &publish, false)?;
        self.offers += 1;
        self.offered = publish.iter().map(|track| track.video).zip(sending).collect();
        self.signalling.request(Request::Offer(sdp))
    }

    async fn finish(mut self) -> ClientReport {
        let seen = self.measured.take().unwrap_or_else(|| self.sink.take());
        self.peer.close();
        self.signalling.leave().await;
        ClientReport {
            joining: self.joining,
            seen,
            sent: self.sent,
            key_frames: self.video.as_ref().map_or(0, VideoSource::key_frames),
            unsent: self.peer.unsent(),
            offers: self.offers,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speaker_layout_shows_one_large_and_the_others_small() {
        let layout = Layout::Speaker {
            large: "b".to_owned(),
        };
        assert_eq!(layout.size("b"), Some((1280, 720)));
        assert_eq!(layout.size("a"), Some((320, 180)));
        assert_eq!(Layout::Grid.size("a"), Some((640, 360)));
        assert_eq!(Layout::Unsaid.size("a"), None);
    }
}
