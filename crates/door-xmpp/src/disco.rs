//! What clients ask a server and a room about themselves.

use tertulia_engine::IceServer;
use tertulia_model::ParticipantId;
use tertulia_room::{Actor, Command, Reply, RoomSnapshot};

use crate::client::{Client, Refused};
use crate::component::Component;
use crate::jid::Jid;
use crate::ns;
use crate::stanza::{self, Condition};
use crate::xml::Element;

/// How long TURN credentials are told to last, in seconds. They end with the stay; the client asks again when it reconnects.
const SERVICES_EXPIRE_S: &str = "86400";

fn info(identity: (&'static str, &'static str, &str), features: &[&str]) -> Element {
    let (category, kind, name) = identity;
    let identity = Element::new("identity", ns::DISCO_INFO)
        .attr("category", category)
        .attr("type", kind)
        .attr("name", name);
    let feature = |name: &&str| Element::new("feature", ns::DISCO_INFO).attr("var", *name);
    Element::new("query", ns::DISCO_INFO)
        .child(identity)
        .with(features.iter().map(feature))
}

/// What the server says of itself.
pub(crate) fn server(domain: &str) -> Element {
    let features = [
        ns::DISCO_INFO,
        ns::DISCO_ITEMS,
        ns::PING,
        ns::EXTDISCO_1,
        ns::EXTDISCO_2,
    ];
    let component = |component: Component| {
        Element::new("identity", ns::DISCO_INFO)
            .attr("category", "component")
            .attr("type", component.kind())
            .attr("name", component.address(domain))
    };
    info(("server", "im", "Tertulia"), &features).with(Component::ALL.map(component))
}

/// What the lobby says of itself, under the name of its component.
pub(crate) fn lobby() -> Element {
    let features = ["http://jitsi.org/protocol/lobbyrooms#displayname_required"];
    info(("conference", "text", "Lobby"), &features).attr("node", Component::Lobby.kind())
}

/// What the service of breakout rooms says of itself, under the name of its component.
pub(crate) fn breakouts() -> Element {
    let features = ["http://jitsi.org/protocol/breakout_rooms#rename"];
    info(("conference", "text", "Breakout rooms"), &features).attr("node", Component::Breakouts.kind())
}

/// What the focus says of itself.
pub(crate) fn focus() -> Element {
    info(
        ("component", "generic", "focus"),
        &[ns::DISCO_INFO, ns::PING, ns::FOCUS],
    )
}

/// What the service of rooms says of itself.
pub(crate) fn rooms() -> Element {
    info(
        ("conference", "text", "Rooms"),
        &[ns::DISCO_INFO, ns::PING, ns::MUC],
    )
}

/// What is said of an occupant who came by another door.
pub(crate) fn occupant() -> Element {
    info(("client", "web", "Tertulia"), &[ns::DISCO_INFO])
}

/// What a room says of itself, and whose breakout it is; `None` while nobody is in it.
fn room(state: Option<&RoomSnapshot>, lobby: String, main: Option<&str>) -> Element {
    let rules = state.map(|state| &state.rules);
    let locked = rules.is_some_and(|rules| rules.password.is_some());
    let members_only = rules.is_some_and(|rules| rules.lobby);
    let features = [
        ns::MUC,
        "muc_hidden",
        "muc_nonanonymous",
        "muc_temporary",
        "muc_unmoderated",
        if locked {
            "muc_passwordprotected"
        } else {
            "muc_unsecured"
        },
        if members_only {
            "muc_membersonly"
        } else {
            "muc_open"
        },
    ];
    let name = state.map_or("", |state| state.room.name.as_str());
    let form = stanza::form("result", ns::MUC_ROOM_INFO);
    let form = match state {
        Some(state) => form
            .child(stanza::field(
                "muc#roominfo_meetingId",
                "text-single",
                state.room.id.as_str(),
            ))
            .child(stanza::field(
                "muc#roominfo_created_timestamp",
                "text-single",
                state.room.created_at_ms.to_string(),
            ))
            .child(stanza::field(
                "muc#roominfo_occupants",
                "text-single",
                state.room.participants.to_string(),
            )),
        None => form,
    };
    let form = if members_only {
        form.child(stanza::field("muc#roominfo_lobbyroom", "text-single", lobby))
    } else {
        form
    };
    let form = match main {
        Some(main) => form
            .child(stanza::field("muc#roominfo_isbreakout", "boolean", "1"))
            .child(stanza::field(
                "muc#roominfo_breakout_main_room",
                "text-single",
                main,
            )),
        None => form,
    };
    info(("conference", "text", name), &features).child(form)
}

impl Client {
    /// Answers what a room is asked about itself.
    pub(crate) async fn room_info(&mut self, to: &Jid) -> Result<Element, Refused> {
        let main = self.in_room(to).and_then(|own| self.main_of(own));
        let handle = match self.in_room(to) {
            Some(own) => Some(own.room.clone()),
            None => {
                let name = to.room().ok_or(Condition::ItemNotFound)?;
                self.door.engine().find_room(&name)
            }
        };
        let Some(handle) = handle else {
            return Ok(room(None, String::new(), None));
        };
        let state = handle.command(Actor::System, Command::ReadSnapshot).await;
        Ok(match state {
            Ok(Reply::Snapshot(state)) => {
                let lobby = Component::Lobby.address(&self.door.config().domain);
                room(Some(&state), format!("{}@{lobby}", to.local), main.as_deref())
            }
            _ => room(None, String::new(), None),
        })
    }

    /// The STUN and TURN servers there are.
    pub(crate) fn services(&self, asked: &Element) -> Element {
        let namespace = if asked.is_in(ns::EXTDISCO_1) {
            ns::EXTDISCO_1
        } else {
            ns::EXTDISCO_2
        };
        let who = match &self.occupancy {
            Some(occupancy) => occupancy.id.clone(),
            None => ParticipantId::from_random(rand::random()),
        };
        let servers = self.door.engine().ice_servers(&who);
        let services = servers.iter().flat_map(|server| {
            server
                .urls
                .iter()
                .filter_map(|url| service(namespace, server, url))
        });
        Element::new("services", namespace).with(services)
    }
}

/// A server in the words of XEP-0215: `turn:host:port?transport=udp` in its parts.
fn service(namespace: &'static str, server: &IceServer, url: &str) -> Option<Element> {
    let (kind, rest) = url.split_once(':')?;
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => {
            (host, port)
        }
        _ => (place, if kind.ends_with('s') { "5349" } else { "3478" }),
    };
    let transport = query.strip_prefix("transport=").unwrap_or("udp");
    let service = Element::new("service", namespace)
        .attr("type", kind)
        .attr("host", host.trim_start_matches('[').trim_end_matches(']'))
        .attr("port", port)
        .attr("transport", transport);
    Some(if server.username.is_empty() {
        service
    } else {
        service
            .attr("username", server.username.clone())
            .attr("password", server.credential.clone())
            .attr("expires", SERVICES_EXPIRE_S)
            .attr("restricted", "1")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_servers_come_apart() {
        let server = IceServer {
            urls: Vec::new(),
            username: "u".to_owned(),
            credential: "c".to_owned(),
        };
        let check = |url: &str, expected: Option<[&str; 4]>| {
            let service = service(ns::EXTDISCO_2, &server, url);
            let parts = service.as_ref().map(|service| {
                ["type", "host", "port", "transport"].map(|name| service.get(name).unwrap_or_default())
            });
            assert_eq!(parts, expected, "for {url}");
        };
        check(
            "turn:192.0.2.1:3478?transport=tcp",
            Some(["turn", "192.0.2.1", "3478", "tcp"]),
        );
        check(
            "turns:meet.example.org",
            Some(["turns", "meet.example.org", "5349", "udp"]),
        );
        check(
            "stun:[2001:db8::1]:99",
            Some(["stun", "2001:db8::1", "99", "udp"]),
        );
        check("nonsense", None);
    }
}
