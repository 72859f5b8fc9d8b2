//! Webhooks: what happened in any room, told to configured URLs, signed and retried.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use reqwest::redirect::Policy;
use tertulia_auth::{ApiKeys, Claims, Validity};
use tertulia_engine::{Engine, Observed};
use tertulia_model::{Identity, RoomId, TrackId};
use tertulia_room::{DepartureReason, Event, ParticipantInfo, ParticipantState, TrackInfo};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::convert::{WebhookMessage, WebhookRoom, webhook_body};
use crate::state::{DoorError, unix_ms};
use crate::stats::Counters;

/// Events that may wait for one receiver; a receiver that is down for longer loses the newest.
const QUEUE: usize = 1_024;
/// How long a receiver may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Waits before each further attempt.
const RETRIES: [Duration; 5] = [
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
];
/// How long the signature of a webhook is valid.
const SIGNATURE_MS: u64 = 5 * 60 * 1_000;

/// Sends webhooks to every configured URL.
pub(crate) struct Sender {
    client: reqwest::Client,
    urls: Vec<String>,
    keys: ApiKeys,
}

impl Sender {
    /// Makes a sender; `None` where there is nobody to send to.
    pub(crate) fn new(urls: &[String], keys: ApiKeys) -> Result<Option<Self>, DoorError> {
        if urls.is_empty() {
            return Ok(None);
        }
        for url in urls {
            let valid = reqwest::Url::parse(url)
                .is_ok_and(|parsed| matches!(parsed.scheme(), "http" | "https") && parsed.has_host());
            if !valid {
                return Err(DoorError::WebhookUrl(url.clone()));
            }
        }
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .redirect(Policy::none())
            .build()
            .map_err(DoorError::HttpClient)?;
        Ok(Some(Self {
            client,
            urls: urls.to_vec(),
            keys,
        }))
    }

    /// Starts one task that turns events into bodies, and one for each receiver, so that none holds up another.
    pub(crate) fn spawn(
        self,
        engine: &Engine,
        tasks: &TaskTracker,
        counters: &Arc<Counters>,
        closing: &CancellationToken,
    ) {
        let mut queues = Vec::new();
        for url in self.urls {
            let (queue, bodies) = mpsc::channel(QUEUE);
            queues.push(queue);
            let receiver = Receiver {
                client: self.client.clone(),
                url,
                keys: self.keys.clone(),
                counters: counters.clone(),
            };
            tasks.spawn(receiver.run(bodies));
        }
        let events = engine.observe();
        tasks.spawn(compose(
            engine.clone(),
            events,
            queues,
            counters.clone(),
            closing.clone(),
        ));
    }
}

/// Ends when the door closes and nothing waits; the receivers' tasks end when their queues are empty.
async fn compose(
    engine: Engine,
    mut events: mpsc::Receiver<Observed>,
    queues: Vec<mpsc::Sender<Bytes>>,
    counters: Arc<Counters>,
    closing: CancellationToken,
) {
    let mut rooms = Rooms::default();
    loop {
        let observed = tokio::select! {
            biased;
            observed = events.recv() => observed,
            () = closing.cancelled() => return,
        };
        let Some(observed) = observed else {
            Counters::up(&counters.webhooks_lost);
            tracing::error!("webhooks were lost: the engine was faster than they could be written");
            events = engine.observe();
            continue;
        };
        let ended = matches!(*observed.event, Event::RoomEnded { .. });
        for body in rooms.bodies(&observed) {
            for queue in &queues {
                if queue.try_send(body.clone()).is_err() {
                    Counters::up(&counters.webhooks_lost);
                    tracing::error!("a webhook was lost: its receiver is too slow");
                }
            }
        }
        if ended {
            rooms.forget(&observed.room_id);
        }
    }
}

/// What must be remembered of rooms to tell of tracks that are gone.
#[derive(Default)]
struct Rooms {
    rooms: BTreeMap<RoomId, Present>,
}

#[derive(Default)]
struct Present {
    participants: BTreeMap<Identity, ParticipantInfo>,
    tracks: BTreeMap<TrackId, TrackInfo>,
}

impl Rooms {
    fn forget(&mut self, room: &RoomId) {
        self.rooms.remove(room);
    }

    fn bodies(&mut self, observed: &Observed) -> Vec<Bytes> {
        let present = self.rooms.entry(observed.room_id.clone()).or_default();
        let named = WebhookRoom::Named(&observed.room, observed.room_id.to_string());
        let message = |event, room, participant, track, ended| WebhookMessage {
            event,
            id: format!("EV_{:016x}", rand::random::<u64>()),
            created_at_ms: unix_ms(),
            room,
            participant,
            track,
            ended,
        };
        let mut bodies = Vec::new();
        let mut tell = |message: WebhookMessage<'_>| match webhook_body(&message) {
            Ok(body) => bodies.push(Bytes::from(body)),
            Err(error) => tracing::error!(%error, "a webhook cannot be written"),
        };
        match &*observed.event {
            Event::RoomStarted(room) => {
                tell(message(
                    "room_started",
                    WebhookRoom::Whole(room),
                    None,
                    None,
                    None,
                ));
            }
            Event::RoomEnded { room, reason } => {
                tell(message(
                    "room_finished",
                    WebhookRoom::Whole(room),
                    None,
                    None,
                    Some(*reason),
                ));
            }
            Event::ParticipantJoined(participant) => {
                present
                    .participants
                    .insert(participant.identity.clone(), participant.clone());
                tell(message(
                    "participant_joined",
                    named,
                    Some((participant, None)),
                    None,
                    None,
                ));
            }
            Event::ParticipantChanged(participant) => {
                present
                    .participants
                    .insert(participant.identity.clone(), participant.clone());
            }
            Event::ParticipantLeft(participant, reason) => {
                let known = present.participants.get(&participant.identity);
                let same = known.filter(|known| known.id == participant.id);
                let event = departure(same, *reason);
                if same.is_some() {
                    present.participants.remove(&participant.identity);
                }
                tell(message(
                    event,
                    named,
                    Some((participant, Some(*reason))),
                    None,
                    None,
                ));
            }
            Event::TrackStarted(identity, track) => {
                present.tracks.insert(track.id.clone(), track.clone());
                let participant = present.participants.get(identity).map(|info| (info, None));
                tell(message("track_published", named, participant, Some(track), None));
            }
            Event::TrackUnpublished(identity, track) => {
                let track = present.tracks.remove(track);
                let participant = present.participants.get(identity).map(|info| (info, None));
                if let Some(track) = &track {
                    tell(message(
                        "track_unpublished",
                        named,
                        participant,
                        Some(track),
                        None,
                    ));
                }
            }
            _ => {}
        }
        bodies
    }
}

/// Somebody who never got media leaves differently from somebody who was there; `last` is how they last were.
fn departure(last: Option<&ParticipantInfo>, reason: DepartureReason) -> &'static str {
    let unconnected = last.is_some_and(|last| last.state == ParticipantState::Joined);
    if unconnected || reason == DepartureReason::JoinTimeout {
        "participant_connection_aborted"
    } else {
        "participant_left"
    }
}

/// One URL and what is needed to reach it.
struct Receiver {
    client: reqwest::Client,
    url: String,
    keys: ApiKeys,
    counters: Arc<Counters>,
}

impl Receiver {
    async fn run(self, mut bodies: mpsc::Receiver<Bytes>) {
        while let Some(body) = bodies.recv().await {
            if self.deliver(&body).await {
                Counters::up(&self.counters.webhooks_sent);
            } else {
                Counters::up(&self.counters.webhooks_lost);
                tracing::error!("a webhook was given up after several attempts");
            }
        }
    }

    async fn deliver(&self, body: &Bytes) -> bool {
        let mut waits = RETRIES.into_iter();
        loop {
            match self.attempt(body).await {
                Attempt::Delivered => return true,
                Attempt::Refused => return false,
                Attempt::Failed => {}
            }
            let Some(wait) = waits.next() else { return false };
            tokio::time::sleep(wait).await;
        }
    }

    async fn attempt(&self, body: &Bytes) -> Attempt {
        let Some(token) = sign(&self.keys, body) else {
            return Attempt::Failed;
        };
        let sent = self
            .client
            .post(&self.url)
            .header(CONTENT_TYPE, "application/webhook+json")
            .header(AUTHORIZATION, token)
            .body(body.clone())
            .send()
            .await;
        match sent {
            Ok(response) if response.status().is_success() => Attempt::Delivered,
            Ok(response) => {
                let status = response.status();
                tracing::warn!(%status, "a webhook was not accepted");
                // What the receiver calls wrong stays wrong, unless it asks for patience.
                let hopeless = (status.is_client_error() || status.is_redirection())
                    && !matches!(status.as_u16(), 408 | 425 | 429);
                if hopeless {
                    Attempt::Refused
                } else {
                    Attempt::Failed
                }
            }
            Err(error) => {
                let error = error.without_url();
                tracing::warn!(%error, "a webhook could not be sent");
                Attempt::Failed
            }
        }
    }
}

enum Attempt {
    Delivered,
    /// The receiver will not take it however often it comes.
    Refused,
    Failed,
}

/// Signs a body: a token of our key whose `sha256` is the digest of the body.
fn sign(keys: &ApiKeys, body: &[u8]) -> Option<String> {
    let sha256 = STANDARD.encode(digest::digest(&digest::SHA256, body));
    let claims = Claims {
        sha256: Some(sha256),
        ..Claims::default()
    };
    let now = unix_ms();
    match keys.sign(
        &claims,
        Validity {
            issued_at_ms: now,
            expires_at_ms: now + SIGNATURE_MS,
        },
    ) {
        Ok(token) => Some(token),
        Err(error) => {
            tracing::error!(%error, "a webhook cannot be signed");
            None
        }
    }
}
