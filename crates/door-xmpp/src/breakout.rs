//! Breakout rooms as these clients know them: rooms at an address of their own beside their meeting, told of and managed by
//! a component. The main room says who is to be where (ADR 0025); a client is told to move, leaves the one room and comes to
//! the other, and its place in the first is held meanwhile.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use tertulia_engine::{Joined, RoomHandle};
use tertulia_model::{Identity, RoomName};
use tertulia_room::{
    Actor, BreakoutCommand, BreakoutPerson, BreakoutPlace, BreakoutsView, Command, DepartureReason, Event,
    Reply,
};
use tokio::sync::mpsc;

use crate::client::{Client, Refused};
use crate::component::Component;
use crate::jid::{self, Jid};
use crate::muc::{Occupancy, moderates};
use crate::stanza::Condition;
use crate::state::Card;
use crate::xml::Element;

/// Between the main room's name and the number of a breakout in its address.
const SEPARATOR: char = '~';
/// How long the place of somebody is held who leaves a room of a meeting, perhaps for another of it.
const PARTING: Duration = Duration::from_secs(10);
/// How long a breakout may take to open, and how often it is looked for.
const OPENING: Duration = Duration::from_secs(10);
const OPENING_POLL: Duration = Duration::from_millis(50);
/// What messages of the component begin with.
const FEATURE: &str = "features/breakout-rooms/";

/// The meeting a client is in, with its breakouts.
pub(crate) struct Meeting {
    main: RoomHandle,
    /// The main room's address.
    jid: String,
    place: BreakoutPlace,
    /// All breakouts, where the client leads them.
    all: Option<BreakoutsView>,
    /// What the main room tells a client in a breakout.
    events: Option<mpsc::Receiver<Arc<Event>>>,
    /// Where the client was told to go and has not come yet.
    sent: Option<Option<u32>>,
    /// Whom the addresses it was told are of.
    people: BTreeMap<String, Identity>,
    /// What it was told of the breakouts last.
    told: String,
}

/// A room a client left, where its place is held.
pub(crate) struct Parting {
    own: Occupancy,
    until: Instant,
}

impl Meeting {
    fn new(main: RoomHandle, jid: String) -> Self {
        Self {
            main,
            jid,
            place: BreakoutPlace::default(),
            all: None,
            events: None,
            sent: None,
            people: BTreeMap::new(),
            told: String::new(),
        }
    }

    fn local(&self) -> &str {
        self.jid.split('@').next().unwrap_or_default()
    }

    /// The address of a breakout, or of the main room.
    fn address(&self, breakout: Option<u32>, domain: &str) -> String {
        match breakout {
            Some(id) => {
                let component = Component::Breakouts.address(domain);
                format!("{}{SEPARATOR}{id}@{component}", self.local())
            }
            None => self.jid.clone(),
        }
    }

    /// The number of the breakout an address is of.
    fn number(&self, jid: &Jid, domain: &str) -> Option<u32> {
        let (main, number) = jid.local.rsplit_once(SEPARATOR)?;
        let here = main == self.local() && jid.domain == Component::Breakouts.address(domain);
        here.then(|| number.parse().ok()).flatten()
    }
}

/// What the main room tells next; never, where nothing is to be heard.
pub(crate) async fn meeting_event(meeting: &mut Option<Meeting>) -> Option<Arc<Event>> {
    match meeting.as_mut().and_then(|meeting| meeting.events.as_mut()) {
        Some(events) => events.recv().await,
        None => std::future::pending().await,
    }
}

impl Client {
    /// Whether it is a breakout's address.
    pub(crate) fn is_breakout(&self, jid: &Jid) -> bool {
        jid.domain == Component::Breakouts.address(&self.door.config().domain)
    }

    /// Whether the client was let into a room already, and is of its meeting still.
    pub(crate) fn is_of(&self, name: &RoomName) -> bool {
        self.meeting_name().as_ref() == Some(name)
    }

    /// The name of the main room of the client's meeting.
    pub(crate) fn meeting_name(&self) -> Option<RoomName> {
        let meeting = self.meeting.as_ref()?;
        Some(meeting.main.name().clone())
    }

    /// The main room's address, for a client in a breakout.
    pub(crate) fn main_of(&self, own: &Occupancy) -> Option<String> {
        let meeting = self.meeting.as_ref()?;
        (meeting.main.id() != own.room.id()).then(|| meeting.jid.clone())
    }

    fn is_in_main(&self) -> bool {
        match (&self.meeting, &self.occupancy) {
            (Some(meeting), Some(own)) => meeting.main.id() == own.room.id(),
            _ => false,
        }
    }

    /// Begins a meeting with the main room the client came to, unless it came back to it.
    pub(crate) fn begin_meeting(&mut self) {
        let Some(own) = &self.occupancy else { return };
        let (main, jid) = (own.room.clone(), own.jid.clone());
        match &mut self.meeting {
            Some(meeting) if meeting.main.id() == main.id() => {
                meeting.events = None;
                meeting.sent = None;
                meeting.told.clear();
            }
            _ => self.meeting = Some(Meeting::new(main, jid)),
        }
    }

    /// The breakout of the client's own meeting that an address is of.
    pub(crate) fn breakout_at(&self, to: &Jid) -> Result<u32, Refused> {
        let meeting = self.meeting.as_ref().ok_or(Condition::NotAllowed)?;
        let id = meeting.number(to, &self.door.config().domain);
        id.ok_or_else(|| Condition::ItemNotFound.into())
    }

    /// Opens a breakout for the client and comes into it.
    pub(crate) async fn enter_breakout(
        &mut self,
        to: &Jid,
        name: &str,
        card: &Card,
    ) -> Result<(RoomHandle, Joined), Refused> {
        let id = self.breakout_at(to)?;
        let meeting = self.meeting.as_ref().ok_or(Condition::NotAllowed)?;
        let (main, place) = (meeting.main.clone(), meeting.place.place);
        if place != Some(id) {
            self.ask_breakouts(BreakoutCommand::Go { breakout: Some(id) })
                .await?;
        }
        let enter = BreakoutCommand::Enter {
            identity: self.identity.clone(),
            credential_issued_at_ms: self.credential.issued_at_ms,
        };
        let reply = main.command(Actor::System, Command::Breakout(enter)).await?;
        let Reply::BreakoutTicket(ticket) = reply else {
            return Err(Condition::ServiceUnavailable.into());
        };
        // The room opens on a worker of its own choice.
        let opened = tokio::time::timeout(OPENING, async {
            loop {
                if let Some(room) = self.door.engine().find_room(&ticket.room) {
                    return room;
                }
                tokio::time::sleep(OPENING_POLL).await;
            }
        });
        let room = opened.await.map_err(|_| Condition::ServiceUnavailable)?;
        let name = if ticket.name.is_empty() {
            name.to_owned()
        } else {
            ticket.name
        };
        let joined = self.join_expected(&room, name, card).await?;
        let told = main.follow_away(&self.identity).await;
        if let Some(meeting) = &mut self.meeting {
            meeting.sent = None;
            meeting.told.clear();
            match told {
                Ok(away) => {
                    meeting.place = away.place;
                    meeting.all = away.all;
                    meeting.events = Some(away.events);
                }
                Err(refusal) => {
                    tracing::debug!(%refusal, "a main room knows nothing of somebody in its breakout")
                }
            }
        }
        Ok((room, joined))
    }

    /// Asks something about the breakouts in the client's name, from wherever it is.
    async fn ask_breakouts(&mut self, command: BreakoutCommand) -> Result<(), Refused> {
        let meeting = self.meeting.as_ref().ok_or(Condition::NotAcceptable)?;
        let here = [
            self.occupancy.as_ref(),
            self.parting.as_ref().map(|parting| &parting.own),
        ];
        let mut stays = here.into_iter().flatten();
        let actor = match stays.find(|own| own.room.id() == meeting.main.id()) {
            Some(own) => Actor::Participant(own.id.clone()),
            None => Actor::Away(self.identity.clone()),
        };
        let main = meeting.main.clone();
        main.command(actor, Command::Breakout(command)).await?;
        Ok(())
    }

    /// Does what the component is told.
    pub(crate) async fn take_breakouts(&mut self, asked: &Element) -> Result<(), Refused> {
        let domain = self.door.config().domain.clone();
        let meeting = self.meeting.as_ref().ok_or(Condition::NotAcceptable)?;
        let kind = asked.get("type").and_then(|kind| kind.strip_prefix(FEATURE));
        let number = |name: &str| {
            let jid = asked.get(name).and_then(Jid::parse)?;
            meeting.number(&jid, &domain)
        };
        let subject = asked.get("subject").unwrap_or_default().to_owned();
        let breakout = || number("breakoutRoomJid").ok_or(Condition::ItemNotFound);
        let commands = match kind {
            Some("add") => {
                let add = BreakoutCommand::Add { names: vec![subject] };
                // To these clients a room that is there can be gone to.
                let open = (!meeting.place.open).then_some([
                    BreakoutCommand::SetOptions {
                        choose: Some(true),
                        may_return: Some(true),
                    },
                    BreakoutCommand::Open { duration: None },
                ]);
                [add].into_iter().chain(open.into_iter().flatten()).collect()
            }
            Some("remove") => vec![BreakoutCommand::Remove {
                breakout: breakout()?,
            }],
            Some("rename") => vec![BreakoutCommand::Rename {
                breakout: breakout()?,
                name: subject,
            }],
            Some("move-to-room") => {
                let who = asked.get("participantJid").unwrap_or_default();
                let who = self.person(who).ok_or(Condition::ItemNotFound)?;
                let to_main = asked.get("roomJid") == Some(meeting.jid.as_str());
                let breakout = number("roomJid");
                if !to_main && breakout.is_none() {
                    return Err(Condition::ItemNotFound.into());
                }
                vec![BreakoutCommand::Assign {
                    identities: vec![who],
                    breakout,
                }]
            }
            _ => return Err(Condition::BadRequest.into()),
        };
        for command in commands {
            self.ask_breakouts(command).await?;
        }
        Ok(())
    }

    /// Whom an address is of: as it was told with the breakouts, or of somebody in the client's own room.
    fn person(&self, jid: &str) -> Option<Identity> {
        let told = self.meeting.as_ref().and_then(|meeting| meeting.people.get(jid));
        let own = self.occupancy.as_ref()?;
        let by_nick = || {
            let jid = Jid::parse(jid).filter(|jid| jid.bare() == own.jid)?;
            Some(own.by_nick(&jid.resource)?.info.identity.clone())
        };
        told.cloned().or_else(by_nick)
    }

    /// Takes what the main room tells a client in a breakout.
    pub(crate) fn on_meeting_event(&mut self, event: Option<Arc<Event>>) {
        match event.as_deref() {
            Some(Event::BreakoutPlace(place)) => self.see_place(place),
            Some(Event::Breakouts(all)) => self.see_breakouts(all),
            Some(_) => {}
            None => {
                if let Some(meeting) = &mut self.meeting {
                    meeting.events = None;
                }
            }
        }
    }

    pub(crate) fn see_place(&mut self, place: &BreakoutPlace) {
        if let Some(meeting) = &mut self.meeting {
            meeting.place = place.clone();
        }
        self.tell_breakouts();
        self.send_to_place();
    }

    pub(crate) fn see_breakouts(&mut self, all: &BreakoutsView) {
        if let Some(meeting) = &mut self.meeting {
            meeting.all = Some(all.clone());
        }
        self.tell_breakouts();
    }

    /// Notes what breakouts there are, of a main room the client came to.
    pub(crate) fn read_breakouts(&mut self, place: BreakoutPlace, all: Option<BreakoutsView>) {
        if self.is_in_main()
            && let Some(meeting) = &mut self.meeting
        {
            meeting.place = place;
            meeting.all = all;
        }
        self.tell_breakouts();
        self.send_to_place();
    }

    /// Tells the client to go where it is to be, unless it is there or on the way.
    fn send_to_place(&mut self) {
        let domain = self.door.config().domain.clone();
        let (Some(own), Some(meeting)) = (&self.occupancy, &mut self.meeting) else {
            return;
        };
        let here = Jid::parse(&own.jid).and_then(|jid| meeting.number(&jid, &domain));
        let to = meeting.place.place;
        if to == here {
            meeting.sent = None;
            return;
        }
        if meeting.sent == Some(to) {
            return;
        }
        meeting.sent = Some(to);
        let message = json!({
            "type": "breakout_rooms",
            "event": format!("{FEATURE}move-to-room"),
            "roomJid": meeting.address(to, &domain),
        });
        self.say_component(Component::Breakouts, &message);
    }

    /// Tells the client which rooms there are and who is in them, where that changed.
    pub(crate) fn tell_breakouts(&mut self) {
        let in_main = self.is_in_main();
        let door = self.door.clone();
        let domain = &door.config().domain;
        let (Some(own), Some(meeting)) = (&self.occupancy, &mut self.meeting) else {
            return;
        };
        let names: Vec<(u32, &str, &[BreakoutPerson])> = match &meeting.all {
            Some(all) => {
                let rooms = all.rooms.iter();
                rooms.map(|room| (room.id, &*room.name, &*room.here)).collect()
            }
            None => {
                let rooms = meeting.place.rooms.iter();
                rooms.map(|room| (room.id, &*room.name, &[][..])).collect()
            }
        };
        if names.is_empty() && meeting.told.is_empty() {
            return;
        }
        let mut people = BTreeMap::new();
        let mut entry = |jid: String, identity: &Identity, name: &str, moderator: bool| {
            people.insert(jid.clone(), identity.clone());
            let role = if moderator { "moderator" } else { "participant" };
            let value = json!({ "jid": jid.clone(), "role": role, "displayName": name });
            (jid, value)
        };
        // Whoever is in the client's own room has the address it knows them by.
        let mut here = Map::new();
        let own_jid = self.jid.to_string();
        here.extend([entry(
            own_jid,
            &self.identity,
            &own.info.name,
            moderates(&own.info),
        )]);
        for seat in own.others() {
            let jid = seat.jid(door.card(own.room.id(), &seat.info.identity).as_ref(), domain);
            here.extend([entry(
                jid,
                &seat.info.identity,
                &seat.info.name,
                moderates(&seat.info),
            )]);
        }
        let here_id = Jid::parse(&own.jid).and_then(|jid| meeting.number(&jid, domain));
        let mut rooms = Map::new();
        rooms.insert(
            meeting.local().to_owned(),
            json!({
                "id": meeting.local(),
                "jid": meeting.jid,
                "name": meeting.main.name().as_str(),
                "isMainRoom": true,
                "participants": if in_main { here.clone() } else { Map::new() },
            }),
        );
        for (id, name, there) in names {
            let participants = if here_id == Some(id) {
                here.clone()
            } else {
                let person = |person: &BreakoutPerson| {
                    let jid = format!("{}@{domain}/web", jid::endpoint_id(&person.identity, |_| false));
                    entry(jid, &person.identity, &person.name, false)
                };
                there.iter().map(person).collect()
            };
            let jid = meeting.address(Some(id), domain);
            let key = jid.split('@').next().unwrap_or_default().to_owned();
            let room = json!({ "id": key.clone(), "jid": jid, "name": name, "participants": participants });
            rooms.insert(key, room);
        }
        let message: Value = json!({
            "type": "breakout_rooms",
            "event": format!("{FEATURE}update"),
            "rooms": rooms,
        });
        meeting.people = people;
        let text = message.to_string();
        if meeting.told != text {
            meeting.told = text;
            self.say_component(Component::Breakouts, &message);
        }
    }

    /// Whether a client that leaves its room may be on the way to another of its meeting.
    pub(crate) fn may_move(&self) -> bool {
        let meeting = self.meeting.as_ref();
        meeting.is_some_and(|meeting| meeting.place.open || meeting.sent.is_some() || !self.is_in_main())
    }

    /// Has the client leave its room and holds its place. Gives the address it had there.
    pub(crate) async fn part(&mut self) -> Option<String> {
        self.settle_parting(None).await;
        let own = self.occupancy.take()?;
        self.bridge = None;
        self.knockers.clear();
        let address = own.address();
        let until = Instant::now() + PARTING;
        self.parting = Some(Parting { own, until });
        Some(address)
    }

    /// When the place of a client that parted is held no longer.
    pub(crate) fn parting_deadline(&self) -> Option<Instant> {
        self.parting.as_ref().map(|parting| parting.until)
    }

    /// Gives up the room a client parted from, now that it has come to another, or at `due` for good.
    pub(crate) async fn settle_parting(&mut self, due: Option<Instant>) {
        let waits = |parting: &Parting| due.is_some_and(|due| parting.until > due);
        if self.parting.as_ref().is_none_or(waits) {
            return;
        }
        let Some(Parting { own, .. }) = self.parting.take() else {
            return;
        };
        let again = self
            .occupancy
            .as_ref()
            .is_some_and(|now| now.room.id() == own.room.id());
        if !again {
            self.depart(&own, DepartureReason::Left).await;
        }
        if self.occupancy.is_none() {
            self.meeting = None;
        }
    }
}
