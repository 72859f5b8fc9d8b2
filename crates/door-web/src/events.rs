use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue};
use axum::response::sse::{Event as SseEvent, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Serialize;
use tertulia_engine::{Observation, RoomHandle};
use tertulia_model::{Identity, RoomName};
use tertulia_room::Event;
use tokio::sync::mpsc;

use crate::access::Holder;
use crate::convert;
use crate::error::ApiError;
use crate::extract::{Bearer, RoomPath};
use crate::places::Place;
use crate::state::Api;
use crate::stats::up;
use crate::wire::{EndedEvent, EndedReason, ErrorBody, ErrorCode, Own, StateEvent};

/// Chat messages in the first event; older ones are read over the chat resource.
const STATE_CHAT: usize = 200;
pub(crate) const PING: Duration = Duration::from_secs(15);
/// How long a stream waits for somebody whose signalling is on its way.
pub(crate) const ARRIVAL: Duration = Duration::from_secs(10);
/// How often to look whether a room has opened meanwhile.
const OPENING_POLL: Duration = Duration::from_millis(50);

/// Follows a room: `state` first, then what happens, and at last `ended`.
#[utoipa::path(
    get,
    path = "/api/v1/rooms/{room}/events",
    tag = "events",
    params(("room" = String, Path, description = "The room's name")),
    responses(
        (status = 200, body = StateEvent, content_type = "text/event-stream",
         description = "Events with `id` rising by one; the data of each is JSON"),
        (status = "4XX", body = ErrorBody),
    ),
    security(("token" = [])),
)]
pub async fn events(
    State(api): State<Api>,
    Bearer(token): Bearer,
    RoomPath(room): RoomPath,
) -> Result<Response, ApiError> {
    let holder = api.holder(token.as_deref(), room)?;
    let place = api.place_for_stream(holder.room.key(), holder.identity.as_str())?;
    let mut observation = observe(&api, &holder).await?;
    let main = main_room(&api, &holder, &mut observation).await;
    let follower = Follower::new(api, holder.identity, observation, main, place);
    let stream = stream::unfold(follower, |mut follower| async move {
        let event = follower.next().await?;
        Some((Ok::<_, Infallible>(event), follower))
    });
    let keep_alive = KeepAlive::new().interval(PING).text("ping");
    Ok(unbuffered(Sse::new(stream).keep_alive(keep_alive)))
}

/// Follows the main room too, from a breakout: what breakouts are to somebody, and who knocks, it alone knows. Without it, because it is
/// over or has given them up, they are where they are.
async fn main_room(
    api: &Api,
    holder: &Holder,
    observation: &mut Observation,
) -> Option<mpsc::Receiver<Arc<Event>>> {
    let parent = holder.own.parent.as_ref()?;
    let main = api.inner.engine.find_room(parent)?;
    match main.follow_away(&holder.identity).await {
        Ok(away) => {
            observation.snapshot.breakout_place = away.place;
            observation.snapshot.breakouts = away.all;
            // A breakout has no lobby of its own.
            observation.snapshot.lobby = away.lobby;
            Some(away.events)
        }
        Err(refusal) => {
            tracing::debug!(%refusal, "a main room knows nothing of somebody in its breakout");
            None
        }
    }
}

/// Some reverse proxies gather a whole answer before they pass it on, unless told.
pub(crate) fn unbuffered(stream: impl IntoResponse) -> Response {
    let mut response = stream.into_response();
    response.headers_mut().insert(
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    );
    response
}

/// Starts to observe the room and waits until the holder is in it, so that nobody reads along from outside.
async fn observe(api: &Api, holder: &Holder) -> Result<Observation, ApiError> {
    match tokio::time::timeout(ARRIVAL, arrive(api, holder)).await {
        Ok(observation) => Ok(observation),
        Err(_) if api.inner.engine.find_room(&holder.room).is_none() => {
            Err(ApiError::new(ErrorCode::NotFound, "the room is not open"))
        }
        Err(_) => Err(ApiError::new(ErrorCode::Forbidden, "you are not in the room")),
    }
}

async fn arrive(api: &Api, holder: &Holder) -> Observation {
    loop {
        let handle = opened(api, &holder.room).await;
        if let Ok(observation) = arrive_in(api, holder, &handle).await {
            return observation;
        }
        // This life of the room is over; the next may be about to begin.
        tokio::time::sleep(OPENING_POLL).await;
    }
}

async fn arrive_in(api: &Api, holder: &Holder, handle: &RoomHandle) -> Result<Observation, ApiError> {
    let mut coming = handle.observe().await?;
    loop {
        if let Some(stay) = api.inner.present.look_up(handle, &holder.identity).await?
            && let Ok(observation) = handle.follow(&stay).await
        {
            return Ok(observation);
        }
        loop {
            let event = coming.events.recv().await;
            let event = event.ok_or_else(|| ApiError::new(ErrorCode::NotFound, "the room is over"))?;
            if matches!(&*event, Event::ParticipantJoined(info) if info.identity == holder.identity) {
                break;
            }
        }
    }
}

/// Waits for a room to open. The page asks for its stream while its signalling is still under way, and whoever comes
/// first opens the room.
pub(crate) async fn opened(api: &Api, room: &RoomName) -> RoomHandle {
    loop {
        if let Some(handle) = api.inner.engine.find_room(room) {
            return handle;
        }
        tokio::time::sleep(OPENING_POLL).await;
    }
}

/// One open stream.
struct Follower {
    api: Api,
    identity: Identity,
    events: mpsc::Receiver<Arc<Event>>,
    /// What the main room tells somebody in a breakout.
    main: Option<mpsc::Receiver<Arc<Event>>>,
    waiting: VecDeque<SseEvent>,
    seq: u64,
    own: Option<Own>,
    over: bool,
    _place: Place<(String, String)>,
}

impl Follower {
    fn new(
        api: Api,
        identity: Identity,
        observation: Observation,
        main: Option<mpsc::Receiver<Arc<Event>>>,
        place: Place<(String, String)>,
    ) -> Self {
        up(&api.inner.counters.streams_opened);
        up(&api.inner.counters.streams);
        let mut follower = Self {
            api,
            identity,
            events: observation.events,
            main,
            waiting: VecDeque::new(),
            seq: 0,
            own: observation
                .snapshot
                .own
                .map(|(role, rights)| convert::own(role, rights)),
            over: false,
            _place: place,
        };
        let state = convert::state(follower.seq + 1, &observation.snapshot, STATE_CHAT);
        follower.push("state", &state);
        follower
    }

    async fn next(&mut self) -> Option<SseEvent> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            if self.over {
                return None;
            }
            let event = match &mut self.main {
                None => self.events.recv().await,
                Some(main) => tokio::select! {
                    // What the main room says before a breakout ends is to be heard.
                    biased;
                    told = main.recv() => {
                        match told {
                            Some(event) => self.take(&event),
                            None => self.main = None,
                        }
                        continue;
                    }
                    event = self.events.recv() => event,
                },
            };
            match event {
                Some(event) => self.take(&event),
                None => {
                    // Whoever leaves is told; only a reader that was too slow is not.
                    up(&self.api.inner.counters.slow_streams);
                    tracing::debug!("an event stream fell behind and was closed");
                    return None;
                }
            }
        }
    }

    fn take(&mut self, event: &Event) {
        match event {
            Event::Expelled(reason) => match convert::ended(*reason) {
                Some(reason) => self.end(reason),
                // The page opens a new stream once it is in again.
                None => self.over = true,
            },
            Event::ParticipantLeft(info, _) if info.identity == self.identity => self.over = true,
            Event::ParticipantChanged(info) if info.identity == self.identity => {
                let own = convert::own(info.role, info.rights);
                if self.own.as_ref() != Some(&own) {
                    self.push("own", &own);
                    self.own = Some(own);
                }
            }
            other => match convert::event(other) {
                Some((kind, Ok(data))) => self.push(kind, &data),
                Some((kind, Err(error))) => self.fail(kind, &error),
                None => {}
            },
        }
    }

    fn end(&mut self, reason: EndedReason) {
        self.push("ended", &EndedEvent { reason });
        self.over = true;
    }

    fn push(&mut self, kind: &'static str, data: &impl Serialize) {
        self.seq += 1;
        match SseEvent::default()
            .event(kind)
            .id(self.seq.to_string())
            .json_data(data)
        {
            Ok(event) => self.waiting.push_back(event),
            Err(error) => self.fail(kind, &error),
        }
    }

    fn fail(&mut self, kind: &'static str, error: &dyn std::fmt::Display) {
        tracing::error!(%error, kind, "an event cannot be written");
        self.over = true;
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.api
            .inner
            .counters
            .streams
            .fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
    }
}
