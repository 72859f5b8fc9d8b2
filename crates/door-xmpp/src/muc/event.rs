//! What happens in a room, told to an occupant.

use tertulia_engine::PeerEvent;
use tertulia_model::Identity;
use tertulia_room::{DepartureReason, Event, RoomRules};

use super::presence::status;
use crate::client::{Client, Flow};
use crate::focus;
use crate::ns;
use crate::stream::StreamError;
use crate::xml::Element;

impl Client {
    pub(crate) async fn on_room_event(&mut self, event: Option<PeerEvent>) -> Flow {
        let event = match event {
            Some(PeerEvent::Room(event)) => event,
            Some(PeerEvent::SectionsNeeded { audio, video }) => {
                self.add_sections(audio, video).await;
                return Flow::Stay;
            }
            Some(_) => return Flow::Stay,
            None => {
                // The engine let go of us without a word.
                self.put_out(DepartureReason::StateMismatch);
                return Flow::Stay;
            }
        };
        match &*event {
            Event::ParticipantJoined(info) => {
                self.take_seat(info).await;
                self.invite().await;
            }
            Event::ParticipantChanged(info) if info.identity == self.identity => {
                let Some(own) = &mut self.occupancy else {
                    return Flow::Stay;
                };
                let anew = own.info.role != info.role || own.info.rights != info.rights;
                let allowed = own.info.permission != info.permission;
                let before = std::mem::replace(&mut own.info, info.clone()).rights;
                self.tell_approval(before, info.rights);
                if anew {
                    self.show_own();
                    self.tell_allowed();
                }
                if allowed && self.has_unpublished() {
                    self.negotiate().await;
                }
            }
            Event::ParticipantChanged(info) => self.take_seat(info).await,
            Event::ParticipantLeft(info, reason) => {
                self.see_off(&info.identity, *reason);
                self.tell_allowed();
                self.tell_breakouts();
                self.tell_sources().await;
            }
            Event::MuteRequested { track, muted: true } => self.close_source(track),
            Event::TrackUnpublished(identity, track) if *identity == self.identity => {
                self.withdraw_source(track);
            }
            Event::QualitiesWanted { track, codecs } => self.see_demand(track, codecs),
            Event::StreamState { track, paused, .. } => self.see_paused(track, *paused),
            Event::SpeakersChanged(speakers) => self.see_speakers(speakers),
            Event::QualityChanged(reports) => self.see_quality(reports),
            Event::Reaction(reaction) => self.see_reaction(reaction),
            Event::Expelled(reason) => return self.put_out(*reason),
            Event::Chat(message) => self.deliver_chat(message),
            Event::ChatChanged(message) => self.tell_chat_change(message),
            Event::RulesChanged { rules, by, .. } => {
                self.see_rules(rules);
                self.tell_rules(rules, by.as_ref());
            }
            Event::BreakoutPlace(place) => self.see_place(place),
            Event::Breakouts(all) => self.see_breakouts(all),
            Event::PollChanged(poll) => self.tell_poll(poll),
            Event::Knocked(knocker) => self.see_knockers(std::slice::from_ref(knocker)),
            Event::Lobby(knockers) => self.see_knockers(knockers),
            Event::LobbyLeft { identities, .. } => self.see_lobby_left(identities),
            _ => {}
        }
        Flow::Stay
    }

    async fn take_seat(&mut self, info: &tertulia_room::ParticipantInfo) {
        let door = self.door.clone();
        if let Some(own) = &mut self.occupancy {
            own.sit(&door, info.clone());
            self.show(&info.identity);
            self.tell_allowed();
            self.tell_breakouts();
            self.tell_sources().await;
        }
    }

    fn see_off(&mut self, who: &Identity, reason: DepartureReason) {
        let Some(own) = &mut self.occupancy else { return };
        let Some(seat) = own.seats.remove(who) else { return };
        own.call.bridge.forget(&seat.nick);
        let mut x = Element::new("x", ns::MUC_USER);
        let jid = format!("{}@{}/web", seat.nick, self.door.config().domain);
        x = x.child(nobody(reason).attr("jid", jid));
        if reason == DepartureReason::Removed {
            x = x.child(status("307"));
        }
        let presence = Element::new("presence", ns::CLIENT)
            .attr("type", "unavailable")
            .attr("from", format!("{}/{}", own.jid, seat.nick))
            .child(x);
        self.send(presence);
    }

    /// The client is out of its room already, and is told why.
    pub(super) fn put_out(&mut self, reason: DepartureReason) -> Flow {
        let Some(own) = self.occupancy.take() else {
            return Flow::Stay;
        };
        self.bridge = None;
        if reason != DepartureReason::Moved {
            self.meeting = None;
        }
        tracing::info!(participant = %own.id, ?reason, "out of the room");
        self.door
            .drop_card(own.room.id(), &self.identity, &self.jid.to_string());
        let mut x = Element::new("x", ns::MUC_USER)
            .child(nobody(reason))
            .child(status("110"));
        x = match reason {
            DepartureReason::Removed => x.child(status("307")),
            DepartureReason::RoomEnded => x.child(
                Element::new("destroy", ns::MUC_USER)
                    .child(Element::new("reason", ns::MUC_USER).text("The meeting was ended.")),
            ),
            DepartureReason::ServerShutdown => x.child(status("332")),
            _ => x.child(status("333")),
        };
        let presence = Element::new("presence", ns::CLIENT)
            .attr("type", "unavailable")
            .attr("from", own.address())
            .child(x);
        self.send(presence);
        if reason == DepartureReason::ServerShutdown {
            return Flow::Failed(StreamError::Shutdown);
        }
        Flow::Stay
    }

    /// Clients ask a room again what it wants of whoever comes, once they hear that it changed.
    fn see_rules(&mut self, rules: &RoomRules) {
        let Some(own) = &mut self.occupancy else { return };
        let gate = (rules.password.is_some(), rules.lobby);
        if std::mem::replace(&mut own.gate, gate) == gate {
            return;
        }
        let message = Element::new("message", ns::CLIENT)
            .attr("type", "groupchat")
            .attr("from", own.jid.clone())
            .child(Element::new("x", ns::MUC_USER).child(status("104")));
        self.send(message);
    }
}

/// Somebody who is here no more.
fn nobody(reason: DepartureReason) -> Element {
    let item = Element::new("item", ns::MUC_USER)
        .attr("affiliation", "none")
        .attr("role", "none");
    if reason == DepartureReason::Removed {
        item.child(Element::new("actor", ns::MUC_USER).attr("nick", focus::NICK))
    } else {
        item
    }
}
