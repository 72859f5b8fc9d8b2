//! The focus: who a client asks for a conference, and the occupant it finds in every room.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use tertulia_model::RoomName;

use crate::client::{Client, Refused};
use crate::component::Component;
use crate::config::DoorConfig;
use crate::credential::Credential;
use crate::entry::judge;
use crate::http::{allow_any_origin, bearer};
use crate::jid::Jid;
use crate::ns;
use crate::stanza::{self, Condition};
use crate::state::{XmppDoor, unix_ms};
use crate::xml::Element;

/// Its nickname in every room; clients take any other sender of sessions for a peer.
pub(crate) const NICK: &str = "focus";

/// A conference somebody asks for over HTTP.
#[derive(Deserialize)]
struct Request {
    room: String,
}

/// The answer to it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Ready {
    ready: bool,
    focus_jid: String,
    room: String,
    properties: Properties,
}

#[derive(Serialize)]
struct Properties {
    authentication: &'static str,
}

impl Client {
    /// Answers a request for a conference.
    pub(crate) async fn conference(&mut self, iq: &Element, asked: &Element) -> Result<Element, Refused> {
        let room = asked.get("room").ok_or(Condition::BadRequest)?;
        let shown = asked.get("session-id").map(ToOwned::to_owned);
        if let Some(session) = &shown
            && !self.take_session(session).await
        {
            return Err(Condition::SessionInvalid.into());
        }
        check(&self.door, &self.credential, room, self.meeting_name()).await?;
        let property = Element::new("property", ns::FOCUS)
            .attr("name", "authentication")
            .attr("value", self.takes_passwords.to_string());
        let identity = self.credential.account.is_some();
        let identity = identity.then(|| self.credential.name.clone());
        let conference = Element::new("conference", ns::FOCUS)
            .attr("room", room)
            .attr("ready", "true")
            .attr("focusjid", self.door.config().focus_user())
            .attr_opt("session-id", shown.or_else(|| self.session()))
            .attr_opt("identity", identity)
            .child(property);
        Ok(stanza::result(iq).child(conference))
    }
}

/// Whether there may be a conference of that address for somebody, who may be of a meeting already.
async fn check(
    door: &XmppDoor,
    credential: &Credential,
    room: &str,
    of: Option<RoomName>,
) -> Result<(), Refused> {
    let jid = Jid::parse(room);
    let breakouts = Component::Breakouts.address(&door.config().domain);
    if jid.as_ref().is_some_and(|jid| jid.domain == breakouts) {
        // Their main room decides when somebody comes.
        return Ok(());
    }
    let jid = jid.filter(|jid| jid.domain == door.config().rooms());
    let name = jid.and_then(|jid| jid.room()).ok_or(Condition::BadRequest)?;
    if !credential.covers(&name) {
        return Err(Refused(
            Condition::NotAuthorized,
            "the token is for another room".to_owned(),
        ));
    }
    match judge(door, credential, &name, None, of.as_ref() == Some(&name)).await {
        // Clients that are told so here wait for somebody who may begin, and ask again.
        Err(Refused(Condition::RoomDoesNotExist | Condition::AuthenticationRequired, text)) => {
            Err(Refused(Condition::NotAuthorized, text))
        }
        // What else is wrong is said to whoever comes.
        _ => Ok(()),
    }
}

/// Answers a request for a conference over HTTP.
pub(crate) async fn over_http(State(door): State<XmppDoor>, headers: HeaderMap, body: Bytes) -> Response {
    allow_any_origin(
        answer(&door, &headers, &body)
            .await
            .unwrap_or_else(|(status, text)| {
                let plain = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
                (status, plain, text).into_response()
            }),
    )
}

async fn answer(door: &XmppDoor, headers: &HeaderMap, body: &[u8]) -> Result<Response, (StatusCode, String)> {
    let request: Request =
        serde_json::from_slice(body).map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()))?;
    let credential = Credential::judge(bearer(headers), door.tokens(), door.config(), unix_ms())
        .await
        .map_err(|error| (StatusCode::FORBIDDEN, error.to_string()))?;
    check(door, &credential, &request.room, None)
        .await
        .map_err(|Refused(condition, text)| {
            let status = match condition {
                Condition::NotAuthorized => StatusCode::FORBIDDEN,
                _ => StatusCode::BAD_REQUEST,
            };
            (status, text)
        })?;
    let ready = Ready {
        ready: true,
        focus_jid: door.config().focus_user(),
        room: request.room,
        properties: Properties {
            authentication: "false",
        },
    };
    Ok(axum::Json(ready).into_response())
}

/// What the focus looks like in a room.
pub(crate) fn presence(config: &DoorConfig, room_jid: &str) -> Element {
    let property = |name: &str, value: &str| {
        Element::new("property", ns::FOCUS)
            .attr("key", name)
            .attr("value", value)
    };
    let component = Element::new("component", ns::JITMEET)
        .attr("name", NICK)
        .text(concat!("Tertulia ", env!("CARGO_PKG_VERSION")));
    let item = Element::new("item", ns::MUC_USER)
        .attr("affiliation", "owner")
        .attr("role", "moderator")
        .attr("jid", format!("{}/{NICK}", config.focus_user()));
    Element::new("presence", ns::CLIENT)
        .attr("from", format!("{room_jid}/{NICK}"))
        .child(Element::new("versions", ns::JITMEET).child(component))
        .child(
            Element::new("conference-properties", ns::FOCUS)
                .child(property("support-terminate-restart", "true")),
        )
        .child(Element::new("x", ns::MUC_USER).child(item))
}
