//! Streams over plain requests (XEP-0124, XEP-0206), for clients whose network lets no WebSocket through: a request waits
//! until there is something to tell, and the next one lets it go.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::ExtensionRejection;
use axum::extract::{ConnectInfo, RawQuery, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

use crate::http::{allow_any_origin, encrypted, parameter, place};
use crate::link::Link;
use crate::ns;
use crate::state::XmppDoor;
use crate::stream::{self, Knock, close};
use crate::xml::Element;

/// How long a request may wait for something to tell.
const WAIT: Duration = Duration::from_secs(30);
/// How long a request waits for the one before it, which came by another connection.
const OVERTAKEN: Duration = Duration::from_secs(5);
/// Requests a client may have open.
const REQUESTS: u64 = 2;
/// Stanzas that may wait for the client's task.
const INBOUND: usize = 256;
/// Answers that are given again where the network lost them.
const ANSWERS: usize = 3;

/// What a request brought.
pub(crate) enum Brought {
    /// An element of the stream.
    Text(String),
    /// Nothing, which shows that the client is there.
    Nothing,
}

/// A stream's side towards requests.
pub(crate) struct Session {
    sid: String,
    state: Mutex<Standing>,
    /// A request was taken in.
    taken: Notify,
    /// There is something to tell.
    ready: Notify,
}

struct Standing {
    /// The way to the client's task, until the client does what ends it.
    inbound: Option<mpsc::Sender<Brought>>,
    /// Number of the last request that was taken in.
    rid: u64,
    out: VecDeque<String>,
    bytes: usize,
    over: bool,
    answers: VecDeque<(u64, String)>,
}

/// The door's side of it; the session ends with it.
pub(crate) struct End {
    door: XmppDoor,
    session: Arc<Session>,
    inbound: mpsc::Receiver<Brought>,
}

impl End {
    /// Queues an element for the next request.
    pub(crate) fn push(&self, text: String) {
        let mut state = self.session.lock();
        // The beginning of a stream is told in other words here.
        if text.starts_with("<open ") {
            return;
        }
        if text.starts_with("<close ") {
            state.over = true;
        } else {
            state.bytes += text.len();
            state.out.push_back(text);
        }
        drop(state);
        self.session.ready.notify_waiters();
    }

    /// Bytes that wait to be asked for.
    pub(crate) fn queued_bytes(&self) -> usize {
        self.session.lock().bytes
    }

    /// What the next request brings; `None` where nobody can bring anything any more.
    pub(crate) async fn next(&mut self) -> Option<Brought> {
        self.inbound.recv().await
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.session.lock().over = true;
        self.session.ready.notify_waiters();
        self.door.close_requests(&self.session.sid);
    }
}

/// Why a request ends its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    BadRequest,
    ItemNotFound,
    PolicyViolation,
}

impl Fault {
    fn condition(self) -> &'static str {
        match self {
            Self::BadRequest => "bad-request",
            Self::ItemNotFound => "item-not-found",
            Self::PolicyViolation => "policy-violation",
        }
    }
}

/// A request as it is written.
struct Asked {
    rid: u64,
    sid: Option<String>,
    restart: bool,
    terminate: bool,
    body: Element,
}

/// Answers a request of a stream.
pub(crate) async fn over_http(
    State(door): State<XmppDoor>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    peer: Result<ConnectInfo<SocketAddr>, ExtensionRejection>,
    body: Bytes,
) -> Response {
    let query = query.unwrap_or_default();
    let knock = Knock {
        token: parameter(&query, "token"),
        place: place(&headers, door.config().secure),
        encrypted: encrypted(&headers),
        source: peer.ok().map(|ConnectInfo(peer)| peer.ip()),
    };
    let answer = match read(&body) {
        Ok(asked) => exchange(&door, knock, asked).await,
        Err(fault) => Err(fault),
    };
    let text = answer.unwrap_or_else(|fault| {
        let body = Element::new("body", ns::HTTP_BIND).attr("type", "terminate");
        body.attr("condition", fault.condition()).write()
    });
    let kind = [
        (header::CONTENT_TYPE, "text/xml; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    allow_any_origin((kind, text).into_response())
}

fn read(body: &[u8]) -> Result<Asked, Fault> {
    let text = std::str::from_utf8(body).map_err(|_| Fault::BadRequest)?;
    let body = Element::parse(text).map_err(|_| Fault::BadRequest)?;
    if !body.is("body", ns::HTTP_BIND) {
        return Err(Fault::BadRequest);
    }
    let rid = body.get("rid").and_then(|rid| rid.parse().ok());
    // XEP-0124 §7.1: numbers stay below 2^53.
    let rid = rid.filter(|rid| (1..1_u64 << 53).contains(rid));
    Ok(Asked {
        rid: rid.ok_or(Fault::BadRequest)?,
        sid: body.get("sid").map(ToOwned::to_owned),
        restart: body.get_in("restart", ns::XBOSH) == Some("true"),
        terminate: body.get("type") == Some("terminate"),
        body,
    })
}

async fn exchange(door: &XmppDoor, knock: Knock, asked: Asked) -> Result<String, Fault> {
    let (rid, begins, ends) = (asked.rid, asked.sid.is_none(), asked.terminate);
    let session = match &asked.sid {
        None => begin(door, knock, &asked),
        Some(sid) => door.requests(sid).ok_or(Fault::ItemNotFound)?,
    };
    if !begins && let Some(answer) = session.take(asked, &door.config().domain).await? {
        return Ok(answer);
    }
    Ok(session.answer(rid, begins, ends).await)
}

/// Begins a stream, which waits for its first element at once.
fn begin(door: &XmppDoor, knock: Knock, asked: &Asked) -> Arc<Session> {
    let (inbound, brought) = mpsc::channel(INBOUND);
    let session = Arc::new(Session {
        sid: format!("{:032x}", rand::random::<u128>()),
        state: Mutex::new(Standing {
            inbound: Some(inbound),
            rid: asked.rid,
            out: VecDeque::new(),
            bytes: 0,
            over: false,
            answers: VecDeque::new(),
        }),
        taken: Notify::new(),
        ready: Notify::new(),
    });
    let to = asked.body.get("to").unwrap_or_default();
    session.lock().bring(Brought::Text(open(to)));
    door.open_requests(session.sid.clone(), session.clone());
    let end = End {
        door: door.clone(),
        session: session.clone(),
        inbound: brought,
    };
    let link = Link::over_requests(end, door.config().stanzas_per_second);
    door.tasks().spawn(stream::serve(door.clone(), knock, link));
    session
}

/// The beginning of a stream as a WebSocket would carry it.
fn open(to: &str) -> String {
    Element::new("open", ns::FRAMING)
        .attr("to", to)
        .attr("version", "1.0")
        .write()
}

impl Standing {
    /// Gives the client's task something; false where it is gone or has too much to do.
    fn bring(&self, brought: Brought) -> bool {
        let inbound = self.inbound.as_ref();
        inbound.is_some_and(|inbound| inbound.try_send(brought).is_ok())
    }

    /// Gives it all of a request. Whoever brings more than it takes has ended the stream.
    fn bring_all(&mut self, asked: Asked, domain: &str) -> bool {
        let mut kept = self.bring(Brought::Nothing);
        if asked.restart {
            kept &= self.bring(Brought::Text(open(domain)));
        }
        for element in asked.body.into_children() {
            kept &= self.bring(Brought::Text(element.write()));
        }
        if asked.terminate {
            kept &= self.bring(Brought::Text(close().write()));
        }
        if !kept {
            self.inbound = None;
        }
        kept
    }
}

impl Session {
    fn lock(&self) -> MutexGuard<'_, Standing> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in a request after the one before it. Gives the answer where that is known already.
    async fn take(&self, asked: Asked, domain: &str) -> Result<Option<String>, Fault> {
        let deadline = Instant::now() + OVERTAKEN;
        loop {
            let mut taken = pin!(self.taken.notified());
            taken.as_mut().enable();
            {
                let mut state = self.lock();
                if asked.rid <= state.rid {
                    let known = state.answers.iter().find(|(rid, _)| *rid == asked.rid);
                    return known
                        .map(|(_, answer)| Some(answer.clone()))
                        .ok_or(Fault::ItemNotFound);
                }
                if asked.rid == state.rid + 1 {
                    state.rid = asked.rid;
                    // Under the lock, so that what comes stays in order.
                    let kept = state.bring_all(asked, domain);
                    drop(state);
                    self.taken.notify_waiters();
                    self.ready.notify_waiters();
                    return if kept {
                        Ok(None)
                    } else {
                        Err(Fault::PolicyViolation)
                    };
                }
                if asked.rid > state.rid + REQUESTS {
                    return Err(Fault::ItemNotFound);
                }
            }
            if tokio::time::timeout_at(deadline, taken).await.is_err() {
                return Err(Fault::ItemNotFound);
            }
        }
    }

    /// Waits until there is something to tell, the client asks anew, or the time is over. What ends the stream is
    /// answered when it has ended.
    async fn answer(&self, rid: u64, begins: bool, ends: bool) -> String {
        let deadline = Instant::now() + WAIT;
        let mut late = false;
        loop {
            let mut ready = pin!(self.ready.notified());
            ready.as_mut().enable();
            {
                let mut state = self.lock();
                let displaced = state.rid > rid;
                if late || displaced || state.over || (!ends && !state.out.is_empty()) {
                    return self.tell(&mut state, rid, begins);
                }
            }
            late = tokio::time::timeout_at(deadline, ready).await.is_err();
        }
    }

    fn tell(&self, state: &mut Standing, rid: u64, begins: bool) -> String {
        let mut body = Element::new("body", ns::HTTP_BIND);
        if begins {
            body = body
                .attr("sid", self.sid.clone())
                .attr("wait", WAIT.as_secs().to_string())
                .attr("hold", "1")
                .attr("requests", REQUESTS.to_string())
                .attr("inactivity", "60")
                .attr("polling", "1")
                .attr("ver", "1.11")
                .attr("secure", "true");
        }
        // What is left is told before the end is.
        if state.over {
            body = body.attr("type", "terminate");
        }
        let inside: String = std::mem::take(&mut state.out).into_iter().collect();
        state.bytes = 0;
        let empty = body.write();
        let text = match empty.strip_suffix("/>") {
            Some(start) if !inside.is_empty() => format!("{start}>{inside}</body>"),
            _ => empty,
        };
        if state.answers.len() >= ANSWERS {
            state.answers.pop_front();
        }
        state.answers.push_back((rid, text.clone()));
        text
    }
}
