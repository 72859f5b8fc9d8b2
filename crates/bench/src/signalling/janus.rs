//! Janus' video room, over its HTTP API: for comparison only.
//!
//! Janus differs from what [`Signalling`] is shaped after: a handle either publishes or subscribes, and to a
//! subscriber it is Janus that offers. A client with `subscribe` set is a subscriber here and receives everything that
//! is published when it joins; any other is a publisher.

use std::net::IpAddr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::{Request, Signal, Signalling, Who};
use crate::error::ClientError;

/// Messages that may wait in either direction.
const QUEUE: usize = 64;
/// How long to wait for somebody to publish, and how often to look.
const PUBLISHER_TIMEOUT: Duration = Duration::from_secs(10);
const PUBLISHER_INTERVAL: Duration = Duration::from_millis(100);
/// How long a request may take; events are waited for up to 30 s by Janus itself.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(45);
/// Janus' code of a room that exists already.
const ROOM_EXISTS: u64 = 427;

/// A running Janus.
#[derive(Debug, Clone)]
pub struct JanusPlace {
    url: String,
    address: IpAddr,
    http: reqwest::Client,
}

impl JanusPlace {
    /// `url` is the base of its HTTP API, `http://host:port/janus`; `address` is where clients bind, which must not be
    /// a loopback address: Janus gathers no candidates there.
    ///
    /// # Errors
    /// [`ClientError::Signalling`] when no HTTP client can be made.
    pub fn new(url: String, address: IpAddr) -> Result<Self, ClientError> {
        let http = reqwest::Client::builder()
            .timeout(REQUEST_TIMEOUT)
            .build()
            .map_err(fault)?;
        Ok(Self { url, address, http })
    }

    /// Asks whether Janus answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), ClientError> {
        self.post("", json!({"janus": "ping"})).await.map(drop)
    }

    async fn post(&self, path: &str, mut body: Value) -> Result<Value, ClientError> {
        body["transaction"] = json!(format!("{:016x}", rand::random::<u64>()));
        let request = self
            .http
            .post(format!("{}{path}", self.url))
            .body(body.to_string());
        let reply = request.send().await.map_err(fault)?.text().await.map_err(fault)?;
        let reply: Value = serde_json::from_str(&reply).map_err(fault)?;
        match reply["error"].as_object() {
            Some(error) => Err(ClientError::Signalling(format!("Janus: {error:?}"))),
            None => Ok(reply),
        }
    }

    async fn events(&self, session: u64) -> Result<Vec<Value>, ClientError> {
        let request = self.http.get(format!("{}/{session}?maxev=8", self.url));
        let reply = request.send().await.map_err(fault)?.text().await.map_err(fault)?;
        match serde_json::from_str(&reply).map_err(fault)? {
            Value::Array(events) => Ok(events),
            event => Ok(vec![event]),
        }
    }
}

/// A handle of the video room.
#[derive(Debug)]
pub struct Janus {
    requests: mpsc::Sender<Request>,
    signals: mpsc::Receiver<Signal>,
    published: mpsc::Sender<Signal>,
    pump: JoinHandle<()>,
}

impl Signalling for Janus {
    type Place = JanusPlace;

    const JOINS_WITH_OFFER: bool = false;

    async fn local_address(place: &JanusPlace) -> Result<IpAddr, ClientError> {
        Ok(place.address)
    }

    async fn join(place: &JanusPlace, who: &Who, _offer: String) -> Result<Self, ClientError> {
        let session = id(&place.post("", json!({"janus": "create"})).await?)?;
        let attach = json!({"janus": "attach", "plugin": "janus.plugin.videoroom"});
        let handle = id(&place.post(&format!("/{session}"), attach).await?)?;
        let (request_sender, requests) = mpsc::channel(QUEUE);
        let (signal_sender, signals) = mpsc::channel(QUEUE);
        let pump = Pump {
            place: place.clone(),
            session,
            handle,
            requests,
            signals: signal_sender.clone(),
        };
        if who.subscribe {
            let streams: Vec<Value> = pump.publishers(&who.room).await?;
            pump.message(
                json!({"request": "join", "ptype": "subscriber", "room": who.room, "streams": streams}),
                None,
            )
            .await?;
        } else {
            pump.create(&who.room).await?;
            pump.message(
                json!({"request": "join", "ptype": "publisher", "room": who.room, "display": who.identity}),
                None,
            )
            .await?;
        }
        Ok(Self {
            requests: request_sender,
            signals,
            published: signal_sender,
            pump: tokio::spawn(pump.run()),
        })
    }

    fn request(&mut self, request: Request) -> Result<(), ClientError> {
        let gone = |_| ClientError::Signalling("the connection does not keep up, or is gone".to_owned());
        match request {
            // Janus learns of a track by the offer that carries it.
            Request::Publish(track) => {
                let published = Signal::Published {
                    id: track.id.clone(),
                    track: track.id,
                };
                self.published
                    .try_send(published)
                    .map_err(|error| gone(error.to_string()))
            }
            Request::Show { .. } => Ok(()),
            other => self
                .requests
                .try_send(other)
                .map_err(|error| gone(error.to_string())),
        }
    }

    async fn next(&mut self) -> Option<Signal> {
        self.signals.recv().await
    }

    async fn leave(self) {
        let Self {
            requests,
            signals,
            published,
            pump,
        } = self;
        drop((requests, signals, published));
        if let Err(error) = pump.await {
            tracing::debug!(%error, "a conversation with Janus broke down");
        }
    }
}

struct Pump {
    place: JanusPlace,
    session: u64,
    handle: u64,
    requests: mpsc::Receiver<Request>,
    signals: mpsc::Sender<Signal>,
}

impl Pump {
    async fn run(mut self) {
        let place = self.place.clone();
        let mut events = Box::pin(place.events(self.session));
        loop {
            let done = tokio::select! {
                request = self.requests.recv() => match request {
                    Some(request) => self.ask(request).await,
                    None => break,
                },
                found = &mut events => {
                    events.set(place.events(self.session));
                    match found {
                        Ok(found) => self.hear(&found).await,
                        Err(error) => Err(error),
                    }
                }
            };
            if let Err(error) = done {
                if self.signals.send(Signal::Ended(error.to_string())).await.is_err() {
                    tracing::trace!("the client has left");
                }
                break;
            }
        }
        let destroyed = self
            .place
            .post(&format!("/{}", self.session), json!({"janus": "destroy"}))
            .await;
        if let Err(error) = destroyed {
            tracing::debug!(%error, "a session was not ended");
        }
    }

    async fn ask(&self, request: Request) -> Result<(), ClientError> {
        match request {
            Request::Offer(sdp) => {
                let body = json!({"request": "publish", "audio": false, "video": true});
                let jsep = json!({"type": "offer", "sdp": for_janus(&sdp)});
                self.message(body, Some(jsep)).await
            }
            Request::Answer(sdp) => {
                let jsep = json!({"type": "answer", "sdp": for_janus(&sdp)});
                self.message(json!({"request": "start"}), Some(jsep)).await
            }
            Request::Publish(_) | Request::Show { .. } => Ok(()),
        }
    }

    async fn hear(&self, events: &[Value]) -> Result<(), ClientError> {
        for event in events {
            if let Some(signal) = signal(event)? {
                // The client may have left; the request queue then says so.
                if self.signals.send(signal).await.is_err() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    async fn message(&self, body: Value, jsep: Option<Value>) -> Result<(), ClientError> {
        self.plugin(body, jsep).await.map(drop)
    }

    async fn plugin(&self, body: Value, jsep: Option<Value>) -> Result<Value, ClientError> {
        let mut message = json!({"janus": "message", "body": body});
        if let Some(jsep) = jsep {
            message["jsep"] = jsep;
        }
        let path = format!("/{}/{}", self.session, self.handle);
        let mut reply = self.place.post(&path, message).await?;
        Ok(reply["plugindata"]["data"].take())
    }

    async fn create(&self, room: &str) -> Result<(), ClientError> {
        let body = json!({
            "request": "create", "room": room, "publishers": 64, "videocodec": "vp8", "bitrate": 0,
            "fir_freq": 0, "notify_joining": false,
        });
        let reply = self.plugin(body, None).await?;
        match reply["error_code"].as_u64() {
            None | Some(ROOM_EXISTS) => Ok(()),
            Some(code) => Err(ClientError::Signalling(format!("Janus refuses a room: {code}"))),
        }
    }

    /// Waits for publishers and names them as a subscription does.
    async fn publishers(&self, room: &str) -> Result<Vec<Value>, ClientError> {
        let deadline = tokio::time::Instant::now() + PUBLISHER_TIMEOUT;
        loop {
            let reply = self
                .plugin(json!({"request": "listparticipants", "room": room}), None)
                .await?;
            let found: Vec<Value> = reply["participants"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|participant| participant["publisher"] == true)
                .map(|participant| json!({"feed": participant["id"]}))
                .collect();
            if !found.is_empty() {
                return Ok(found);
            }
            if tokio::time::Instant::now() > deadline {
                return Err(ClientError::TooLate("a publisher", PUBLISHER_TIMEOUT.as_secs()));
            }
            tokio::time::sleep(PUBLISHER_INTERVAL).await;
        }
    }
}

fn fault(error: impl std::fmt::Display) -> ClientError {
    ClientError::Signalling(format!("Janus: {error}"))
}

fn id(reply: &Value) -> Result<u64, ClientError> {
    let id = reply["data"]["id"].as_u64();
    id.ok_or_else(|| ClientError::Signalling(format!("Janus gave no id: {reply}")))
}

/// What an event means to a client.
fn signal(event: &Value) -> Result<Option<Signal>, ClientError> {
    let data = &event["plugindata"]["data"];
    if let Some(error) = data["error"].as_str() {
        return Err(ClientError::Signalling(format!("Janus: {error}")));
    }
    if event["janus"] == "hangup" {
        let reason = event["reason"].as_str().unwrap_or("no reason");
        return Ok(Some(Signal::Ended(reason.to_owned())));
    }
    let Some(sdp) = event["jsep"]["sdp"].as_str().map(str::to_owned) else {
        return Ok(None);
    };
    Ok(match event["jsep"]["type"].as_str() {
        Some("answer") => Some(Signal::Answer(sdp)),
        Some("offer") => Some(Signal::Offer(sdp)),
        _ => None,
    })
}

/// Janus waits for candidates as long as a description promises more: ours are complete.
fn for_janus(sdp: &str) -> String {
    let mut out = String::with_capacity(sdp.len());
    let mut in_media = false;
    for line in sdp.lines().filter(|line| !line.is_empty()) {
        if line.starts_with("a=ice-options:") || line == "a=end-of-candidates" {
            continue;
        }
        if line.starts_with("m=") && std::mem::replace(&mut in_media, true) {
            out.push_str("a=end-of-candidates\r\n");
        }
        out.push_str(line);
        out.push_str("\r\n");
    }
    if in_media {
        out.push_str("a=end-of-candidates\r\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_promise_no_more_candidates() {
        let sdp = "v=0\r\na=ice-options:trickle\r\nm=audio 9\r\na=mid:0\r\nm=video 9\r\na=mid:1\r\n";
        assert_eq!(
            for_janus(sdp),
            "v=0\r\nm=audio 9\r\na=mid:0\r\na=end-of-candidates\r\nm=video 9\r\na=mid:1\r\na=end-of-candidates\r\n"
        );
    }

    #[test]
    fn events_become_signals() {
        let offer = json!({"janus": "event", "jsep": {"type": "offer", "sdp": "v=0"}});
        assert_eq!(signal(&offer).unwrap(), Some(Signal::Offer("v=0".to_owned())));
        let joined = json!({"janus": "event", "plugindata": {"data": {"videoroom": "joined"}}});
        assert_eq!(signal(&joined).unwrap(), None);
        let refused = json!({"janus": "event", "plugindata": {"data": {"error": "No such room"}}});
        assert!(signal(&refused).is_err());
        let hung_up = json!({"janus": "hangup", "reason": "DTLS alert"});
        assert_eq!(
            signal(&hung_up).unwrap(),
            Some(Signal::Ended("DTLS alert".to_owned()))
        );
    }
}
