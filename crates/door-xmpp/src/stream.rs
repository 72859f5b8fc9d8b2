//! The beginning of a stream (RFC 6120 over RFC 7395): from the first frame to an address, or back to a stream that
//! was there before.

use std::net::IpAddr;
use std::time::Duration;

use tertulia_engine::source_of;
use tertulia_model::Identity;

use crate::account::sign_in;
use crate::client::Client;
use crate::credential::Credential;
use crate::jid::Jid;
use crate::link::{Heard, Link};
use crate::state::{Attachment, Note, XmppDoor, unix_ms};
use crate::stats::Counters;
use crate::xml::{Element, XmlError};
use crate::{ns, stanza};

/// How long a client may take from connecting to having an address.
const NEGOTIATION: Duration = Duration::from_secs(30);
/// Longest frame before that.
const MAX_EARLY_BYTES: usize = 10 * 1024;
/// Attempts to authenticate on one stream.
const MAX_ATTEMPTS: usize = 3;

/// What came with the address of the WebSocket.
#[derive(Debug, Default, Clone)]
pub(crate) struct Knock {
    pub token: Option<String>,
    /// Where the client found us: `wss://host`.
    pub place: String,
    /// Whether nobody in between reads what it says.
    pub encrypted: bool,
    /// Where it comes from, where that is known.
    pub source: Option<IpAddr>,
}

/// Why a stream ends with an error (RFC 6120 §4.9.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StreamError {
    #[error("not-well-formed")]
    NotWellFormed,
    #[error("restricted-xml")]
    RestrictedXml,
    #[error("policy-violation")]
    PolicyViolation,
    #[error("host-unknown")]
    HostUnknown,
    #[error("not-authorized")]
    NotAuthorized,
    #[error("unsupported-stanza-type")]
    UnsupportedStanza,
    #[error("connection-timeout")]
    Timeout,
    #[error("resource-constraint")]
    ResourceConstraint,
    #[error("system-shutdown")]
    Shutdown,
    #[error("undefined-condition")]
    Undefined,
}

impl StreamError {
    pub(crate) fn element(self) -> Element {
        let condition = match self {
            Self::NotWellFormed => "not-well-formed",
            Self::RestrictedXml => "restricted-xml",
            Self::PolicyViolation => "policy-violation",
            Self::HostUnknown => "host-unknown",
            Self::NotAuthorized => "not-authorized",
            Self::UnsupportedStanza => "unsupported-stanza-type",
            Self::Timeout => "connection-timeout",
            Self::ResourceConstraint => "resource-constraint",
            Self::Shutdown => "system-shutdown",
            Self::Undefined => "undefined-condition",
        };
        Element::new("error", ns::STREAM).child(Element::new(condition, ns::STREAM_ERRORS))
    }
}

impl From<XmlError> for StreamError {
    fn from(error: XmlError) -> Self {
        match error {
            XmlError::NotWellFormed => Self::NotWellFormed,
            XmlError::Restricted => Self::RestrictedXml,
            XmlError::TooComplex => Self::PolicyViolation,
        }
    }
}

/// Somebody with an address.
pub(crate) struct Bound {
    pub credential: Credential,
    pub jid: Jid,
    /// Who they are in rooms.
    pub identity: Identity,
}

/// How a negotiation ends.
enum Outcome {
    /// With an address.
    Bound(Box<Bound>),
    /// With a stream that goes on.
    Resumed { id: String, seen: u32 },
    /// The client went away.
    Gone,
}

/// Serves one connection until its stream is over, or hands it to the stream it comes back to.
pub(crate) async fn serve(door: XmppDoor, knock: Knock, mut link: Link) {
    let Some(seat) = door.seat() else {
        return refuse(&door, link, StreamError::ResourceConstraint).await;
    };
    let negotiation = negotiate(&door, &knock, &mut link);
    let outcome = tokio::time::timeout(NEGOTIATION, negotiation)
        .await
        .unwrap_or(Err(StreamError::Timeout));
    match outcome {
        Ok(Outcome::Bound(bound)) => {
            Counters::up(&door.counters().streams);
            Client::new(door, *bound, knock, link, seat).run().await;
        }
        Ok(Outcome::Resumed { id, seen }) => resume(&door, &id, seen, link).await,
        Ok(Outcome::Gone) => Counters::up(&door.counters().streams_refused),
        Err(error) => refuse(&door, link, error).await,
    }
}

async fn resume(door: &XmppDoor, id: &str, seen: u32, link: Link) {
    let note = Note::Attach(Box::new(Attachment { link, seen }));
    // Whoever was found a moment ago may be ending; the client finds a closed connection and begins afresh.
    let handed = door.resumable(id).is_some_and(|stream| stream.mailbox.tell(note));
    if !handed {
        Counters::up(&door.counters().resumes_refused);
    }
}

async fn refuse(door: &XmppDoor, mut link: Link, error: StreamError) {
    Counters::up(&door.counters().streams_refused);
    tracing::debug!(%error, "a stream is refused");
    link.push(error.element().write());
    link.push(close().write());
    link.finish().await;
}

/// The frame that ends a stream.
pub(crate) fn close() -> Element {
    Element::new("close", ns::FRAMING)
}

/// The next element of a client that has not said who it is; `None` when it went.
async fn next(link: &mut Link) -> Result<Option<Element>, StreamError> {
    loop {
        match link.turn().await {
            Heard::Text(text) if text.len() > MAX_EARLY_BYTES => return Err(StreamError::PolicyViolation),
            Heard::Text(text) => return Ok(Some(Element::parse(&text)?)),
            Heard::Nothing => {}
            Heard::Closed => return Ok(None),
            Heard::Flood => return Err(StreamError::PolicyViolation),
        }
    }
}

async fn negotiate(door: &XmppDoor, knock: &Knock, link: &mut Link) -> Result<Outcome, StreamError> {
    let mut credential: Option<Credential> = None;
    let mut opened = false;
    let mut attempts = 0;
    loop {
        let Some(element) = next(link).await? else {
            return Ok(Outcome::Gone);
        };
        if element.is("close", ns::FRAMING) {
            link.push(close().write());
            return Ok(Outcome::Gone);
        }
        if element.is("open", ns::FRAMING) {
            open(door, knock, link, &element, credential.is_some())?;
            opened = true;
            continue;
        }
        if !opened {
            return Err(StreamError::NotAuthorized);
        }
        match &credential {
            None if element.is("auth", ns::SASL) => {
                attempts += 1;
                credential = authenticate(door, knock, link, &element).await;
                // The stream begins anew under the name that was shown.
                opened = credential.is_none();
                if credential.is_none() && attempts >= MAX_ATTEMPTS {
                    return Err(StreamError::PolicyViolation);
                }
            }
            None if element.is("abort", ns::SASL) => link.push(failure("aborted", "").write()),
            None => return Err(StreamError::NotAuthorized),
            Some(known) if element.is("resume", ns::SM) => match resumption(door, known, &element) {
                Some(outcome) => return Ok(outcome),
                None => {
                    Counters::up(&door.counters().resumes_refused);
                    let gone = Element::new("item-not-found", ns::STANZA_ERRORS);
                    link.push(Element::new("failed", ns::SM).child(gone).write());
                }
            },
            Some(known) if element.is("iq", ns::CLIENT) && element.find("bind", ns::BIND).is_some() => {
                let bound = address(door, known).ok_or(StreamError::Undefined)?;
                let told = Element::new("jid", ns::BIND).text(bound.jid.to_string());
                let answer = stanza::result(&element).child(Element::new("bind", ns::BIND).child(told));
                link.push(answer.write());
                return Ok(Outcome::Bound(Box::new(bound)));
            }
            Some(_) => return Err(StreamError::NotAuthorized),
        }
    }
}

/// Whether passwords of accounts are taken: where there are some, and nobody in between reads along.
pub(crate) fn takes_passwords(door: &XmppDoor, knock: &Knock) -> bool {
    knock.encrypted && door.store().is_some()
}

fn open(
    door: &XmppDoor,
    knock: &Knock,
    link: &mut Link,
    asked: &Element,
    authenticated: bool,
) -> Result<(), StreamError> {
    let domain = &door.config().domain;
    let answer = Element::new("open", ns::FRAMING)
        .attr("from", domain.clone())
        .attr("id", format!("{:016x}", rand::random::<u64>()))
        .attr("version", "1.0");
    link.push(answer.write());
    if asked.get("to").is_some_and(|to| !to.eq_ignore_ascii_case(domain)) {
        return Err(StreamError::HostUnknown);
    }
    let features = Element::new("features", ns::STREAM);
    let features = if authenticated {
        features
            .child(Element::new("bind", ns::BIND))
            .child(Element::new("sm", ns::SM))
    } else {
        let plain = takes_passwords(door, knock).then_some("PLAIN");
        let names = ["ANONYMOUS"].into_iter().chain(plain);
        let mechanisms = names.map(|name| Element::new("mechanism", ns::SASL).text(name));
        features.child(Element::new("mechanisms", ns::SASL).with(mechanisms))
    };
    link.push(features.write());
    Ok(())
}

/// Takes whoever the token in the address says it is, for which Jitsi clients ask for the anonymous mechanism all the
/// same, or whoever a password is of.
async fn authenticate(door: &XmppDoor, knock: &Knock, link: &mut Link, auth: &Element) -> Option<Credential> {
    match auth.get("mechanism") {
        Some("ANONYMOUS") => {}
        Some("PLAIN") if takes_passwords(door, knock) => {
            let source = knock.source.map(|source| source_of(source).to_string());
            return match sign_in(door, &auth.content(), &source.unwrap_or_default()).await {
                Ok(credential) => {
                    link.push(Element::new("success", ns::SASL).write());
                    Some(credential)
                }
                Err(error) => {
                    tracing::debug!(%error, "nobody is signed in");
                    link.push(failure(error.condition(), &error.to_string()).write());
                    None
                }
            };
        }
        _ => {
            link.push(failure("invalid-mechanism", "").write());
            return None;
        }
    }
    let token = knock.token.as_deref();
    match Credential::judge(token, door.tokens(), door.config(), unix_ms()).await {
        Ok(credential) => {
            link.push(Element::new("success", ns::SASL).write());
            Some(credential)
        }
        Err(error) => {
            tracing::debug!(%error, "a credential is refused");
            link.push(failure("not-authorized", &error.to_string()).write());
            None
        }
    }
}

fn failure(condition: &'static str, text: &str) -> Element {
    let failure = Element::new("failure", ns::SASL).child(Element::new(condition, ns::SASL));
    if text.is_empty() {
        failure
    } else {
        failure.child(Element::new("text", ns::SASL).text(text))
    }
}

/// The stream a client may come back to: its number is a secret, and whoever showed a token must show the same again.
fn resumption(door: &XmppDoor, credential: &Credential, asked: &Element) -> Option<Outcome> {
    let id = asked.get("previd")?;
    let seen = asked.get("h")?.parse().ok()?;
    let stream = door.resumable(id)?;
    (stream.principal == credential.principal).then(|| Outcome::Resumed {
        id: id.to_owned(),
        seen,
    })
}

/// A new address. Clients take the first eight digits for their id in calls.
fn address(door: &XmppDoor, credential: &Credential) -> Option<Bound> {
    let bits: u128 = rand::random();
    let hex = format!("{bits:032x}");
    let (a, rest) = hex.split_at(8);
    let (b, rest) = rest.split_at(4);
    let (c, rest) = rest.split_at(4);
    let (d, e) = rest.split_at(4);
    let jid = Jid {
        local: format!("{a}-{b}-{c}-{d}-{e}"),
        domain: door.config().domain.clone(),
        resource: format!("{:08x}", rand::random::<u32>()),
    };
    let anonymous = Identity::parse(&jid.local).ok();
    Some(Bound {
        identity: credential.identity.clone().or(anonymous)?,
        credential: credential.clone(),
        jid,
    })
}
