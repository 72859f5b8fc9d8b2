//! Breakouts: a main room and the rooms it opens, as an engine would bring them together.

use std::collections::BTreeMap;
use std::time::Duration;

use tertulia_model::{ParticipantId, RoomName};

use super::stage::{Stage, identity, only, person, settings};
use crate::{
    AccessChange, Actor, BreakoutCommand, BreakoutPlace, BreakoutReport, BreakoutsView, Command,
    DepartureReason, Errand, Event, Fact, FromParent, NewParticipant, Origin, Refusal, Reply, Right, Rights,
    Role, RoomSettings, RulesChange, Standing,
};

fn guest(name: &str) -> NewParticipant {
    NewParticipant {
        origin: Origin::Guest,
        ..person(name)
    }
}

/// A main room with its breakouts.
struct House {
    main: Stage,
    breakouts: BTreeMap<RoomName, Stage>,
    here: BTreeMap<String, ParticipantId>,
}

impl House {
    /// A meeting of a host and some others, with two breakouts that nobody is in yet.
    fn new(others: &[&str]) -> Self {
        Self::with(settings(), others)
    }

    /// One where Ana, among others, is in the first breakout, which is given too.
    fn with_ana_away(others: &[&str]) -> (Self, RoomName) {
        let mut house = Self::new(others);
        house.assign(&["ana"], Some(1));
        house.open();
        let red = house.enter("ana").unwrap();
        (house, red)
    }

    fn with(settings: RoomSettings, others: &[&str]) -> Self {
        let mut house = Self {
            main: Stage::with(settings),
            breakouts: BTreeMap::new(),
            here: BTreeMap::new(),
        };
        for name in ["host"].iter().chain(others) {
            house.come(name);
        }
        let names = vec!["Red".to_owned(), "Blue".to_owned()];
        house.lead(BreakoutCommand::Add { names }).unwrap();
        house
    }

    fn come(&mut self, name: &str) {
        let stay = self.main.join_as(guest(name)).unwrap();
        self.here.insert(name.to_owned(), stay);
        self.run_errands();
    }

    fn leave(&mut self, name: &str, reason: DepartureReason) {
        let stay = self.here.remove(name).unwrap();
        self.main.ask(&stay, Command::Leave { reason }).unwrap();
        self.run_errands();
    }

    /// Asks in the name of somebody in the main room, or away.
    fn ask(&mut self, name: &str, command: BreakoutCommand) -> Result<Reply, Refusal> {
        let actor = match self.here.get(name) {
            Some(stay) => Actor::Participant(stay.clone()),
            None => Actor::Away(identity(name)),
        };
        let reply = self.main.handle(&actor, Command::Breakout(command));
        self.run_errands();
        reply
    }

    fn lead(&mut self, command: BreakoutCommand) -> Result<Reply, Refusal> {
        self.ask("host", command)
    }

    fn assign(&mut self, names: &[&str], breakout: Option<u32>) {
        let identities = names.iter().map(|name| identity(name)).collect();
        self.lead(BreakoutCommand::Assign { identities, breakout })
            .unwrap();
    }

    fn open(&mut self) {
        self.lead(BreakoutCommand::Open { duration: None }).unwrap();
    }

    /// Goes where they are sent, out of the main room or another breakout.
    fn enter(&mut self, name: &str) -> Result<RoomName, Refusal> {
        let enter = BreakoutCommand::Enter {
            identity: identity(name),
            credential_issued_at_ms: 1_000,
        };
        let reply = self.main.handle(&Actor::System, Command::Breakout(enter));
        self.run_errands();
        let room = match reply? {
            Reply::BreakoutTicket(ticket) => ticket.room,
            other => panic!("{other:?}"),
        };
        self.leave_breakouts(name, DepartureReason::Left);
        if self.here.contains_key(name) {
            self.leave(name, DepartureReason::Left);
        }
        self.breakouts.get_mut(&room).unwrap().join_as(guest(name))?;
        self.run_errands();
        Ok(room)
    }

    fn leave_breakouts(&mut self, name: &str, reason: DepartureReason) {
        for stage in self.breakouts.values_mut() {
            let stay = stage.room.participant_by_identity(&identity(name));
            if let Some(stay) = stay.map(|info| info.id.clone()) {
                stage.ask(&stay, Command::Leave { reason }).unwrap();
            }
        }
        self.run_errands();
    }

    fn pass(&mut self, duration: Duration) {
        // In small steps, so that what one room says to another comes in time.
        let step = Duration::from_millis(500);
        let mut left = duration;
        while !left.is_zero() {
            let now = left.min(step);
            left -= now;
            self.main.pass(now);
            for stage in self.breakouts.values_mut() {
                stage.pass(now);
            }
            self.run_errands();
        }
    }

    fn run_errands(&mut self) {
        loop {
            let mut errands = std::mem::take(&mut self.main.errands);
            for stage in self.breakouts.values_mut() {
                errands.append(&mut stage.errands);
            }
            if errands.is_empty() {
                break;
            }
            for errand in errands {
                match errand {
                    Errand::Open { room, settings } => {
                        let stage = Stage::named(room.as_str(), *settings, [9; 32]);
                        let known = self.breakouts.insert(room, stage);
                        assert!(known.is_none(), "a breakout was opened twice");
                    }
                    Errand::Ask { room, command } => {
                        let stage = if room.as_str() == "Plaza" {
                            &mut self.main
                        } else {
                            match self.breakouts.get_mut(&room) {
                                Some(stage) => stage,
                                None => continue,
                            }
                        };
                        if stage.room.is_ended() {
                            continue;
                        }
                        stage.handle(&Actor::System, *command).unwrap();
                    }
                }
            }
        }
        let over: Vec<RoomName> = self
            .breakouts
            .iter()
            .filter(|(_, stage)| stage.room.is_ended())
            .map(|(room, _)| room.clone())
            .collect();
        for room in over {
            self.lose(&room);
        }
    }

    /// A breakout is gone, whatever ended it.
    fn lose(&mut self, room: &RoomName) {
        self.breakouts.remove(room);
        if self.main.room.is_ended() {
            return;
        }
        self.main.fact(Fact::Breakout {
            room: room.clone(),
            report: BreakoutReport::Over,
        });
    }

    fn view(&mut self) -> BreakoutsView {
        match self.lead(BreakoutCommand::Read).unwrap() {
            Reply::Breakouts { all: Some(all), .. } => *all,
            other => panic!("{other:?}"),
        }
    }

    fn place(&mut self, name: &str) -> BreakoutPlace {
        match self.ask(name, BreakoutCommand::Read).unwrap() {
            Reply::Breakouts { place, .. } => *place,
            other => panic!("{other:?}"),
        }
    }

    /// Who is in which breakout, as those who lead see it.
    fn seen(&mut self) -> Vec<Vec<String>> {
        let people =
            |people: &Vec<crate::BreakoutPerson>| people.iter().map(|one| one.name.clone()).collect();
        self.view().rooms.iter().map(|room| people(&room.here)).collect()
    }
}

#[test]
fn people_go_where_they_are_sent_and_come_back_when_called() {
    let mut house = House::new(&["ana", "bo", "cy"]);
    house.assign(&["ana", "bo"], Some(1));
    house.assign(&["cy"], Some(2));
    assert_eq!(house.place("ana").place, None, "not before they are open");
    house.open();
    assert_eq!(house.place("ana").place, Some(1));
    let red = house.enter("ana").unwrap();
    assert_eq!(house.enter("bo").unwrap(), red);
    let blue = house.enter("cy").unwrap();
    assert_ne!(red, blue);
    assert!(red.as_str().starts_with("Plaza~"), "{red}");
    assert_eq!(house.seen(), [vec!["ana", "bo"], vec!["cy"]]);
    assert_eq!(house.breakouts[&red].room.participants().count(), 2);

    let grace = Duration::from_secs(10);
    house.lead(BreakoutCommand::Close { grace }).unwrap();
    assert!(house.place("ana").closing);
    assert_eq!(house.place("ana").place, Some(1), "a moment to finish");
    house.main.forget();
    house.pass(grace);
    let told = only!(house.main.heard_away("ana"), Event::BreakoutPlace(place) => place.place);
    assert_eq!(told.last(), Some(&None));
    assert_eq!(house.enter("ana"), Err(Refusal::BreakoutsClosed));
    for name in ["ana", "bo"] {
        house.leave_breakouts(name, DepartureReason::Left);
        house.come(name);
    }
    house.pass(Duration::from_secs(1));
    assert!(!house.breakouts.contains_key(&red), "nobody is left to wait for");
    // Somebody whose page does nothing is put out.
    assert!(house.breakouts.contains_key(&blue));
    house.pass(Duration::from_secs(9));
    assert!(house.breakouts.is_empty());
}

#[test]
fn nobody_comes_in_whom_the_main_room_did_not_send() {
    let (mut house, red) = House::with_ana_away(&["ana", "bo"]);
    let stage = house.breakouts.get_mut(&red).unwrap();
    assert_eq!(stage.join_as(guest("bo")), Err(Refusal::NotAllowed));
    assert_eq!(stage.join_as(guest("eve")), Err(Refusal::NotAllowed));
    assert_eq!(house.enter("bo"), Err(Refusal::NoSuchBreakout));
    assert_eq!(house.enter("eve"), Err(Refusal::NoSuchBreakout));
    let go = BreakoutCommand::Go { breakout: Some(1) };
    assert_eq!(house.ask("bo", go), Err(Refusal::NotAllowed));
}

#[test]
fn chance_makes_groups_of_even_size_and_leaves_leaders_out() {
    let names: Vec<String> = (0..11).map(|number| format!("p{number:02}")).collect();
    let mut house = House::new(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let third = vec!["Green".to_owned()];
    house.lead(BreakoutCommand::Add { names: third }).unwrap();
    house.lead(BreakoutCommand::Shuffle { all: true }).unwrap();
    let groups = |house: &mut House| -> Vec<Vec<String>> {
        let rooms = house.view().rooms;
        let names = rooms
            .iter()
            .map(|room| room.assigned.iter().map(|one| one.name.clone()).collect());
        names.collect()
    };
    let first = groups(&mut house);
    let sizes: Vec<usize> = first.iter().map(Vec::len).collect();
    assert_eq!(sizes, [4, 4, 3]);
    assert!(!first.concat().contains(&"host".to_owned()));
    house.lead(BreakoutCommand::Shuffle { all: true }).unwrap();
    assert_ne!(groups(&mut house), first, "another draw");
    let before = groups(&mut house);
    house.come("late");
    house.lead(BreakoutCommand::Shuffle { all: false }).unwrap();
    let after = groups(&mut house);
    assert_eq!(after[2].len(), 4, "the smallest group grows");
    for (now, then) in after.iter().zip(&before) {
        assert!(then.iter().all(|name| now.contains(name)), "nobody else moves");
    }
}

#[test]
fn those_who_may_choose_go_where_they_like_and_others_only_home_and_back() {
    let (mut house, _) = House::with_ana_away(&["ana", "bo"]);
    let go = |breakout| BreakoutCommand::Go { breakout };
    assert_eq!(house.ask("ana", go(Some(2))), Err(Refusal::NotAllowed));
    house.ask("ana", go(None)).unwrap();
    assert_eq!(house.place("ana").place, None);
    house.ask("ana", go(Some(1))).unwrap();
    let options = |choose, may_return| BreakoutCommand::SetOptions { choose, may_return };
    house.lead(options(None, Some(false))).unwrap();
    assert!(!house.place("ana").may_return);
    assert_eq!(house.ask("ana", go(None)), Err(Refusal::NotAllowed));
    assert_eq!(house.place("bo").rooms, []);
    house.lead(options(Some(true), None)).unwrap();
    assert_eq!(house.place("bo").rooms.len(), 2);
    house.ask("bo", go(Some(2))).unwrap();
    let blue = house.enter("bo").unwrap();
    house.ask("ana", go(Some(2))).unwrap();
    assert_eq!(house.enter("ana").unwrap(), blue);
    assert_eq!(house.ask("ana", go(Some(7))), Err(Refusal::NoSuchBreakout));
}

#[test]
fn leaders_visit_any_breakout_lead_from_there_and_are_what_they_were() {
    let mut house = House::new(&["ana", "bo"]);
    house.assign(&["ana", "bo"], Some(2));
    house.open();
    house.enter("ana").unwrap();
    house.lead(BreakoutCommand::Go { breakout: Some(2) }).unwrap();
    let blue = house.enter("host").unwrap();
    let there = house.breakouts[&blue]
        .room
        .participant_by_identity(&identity("host"));
    assert_eq!(there.map(|info| info.role), Some(Role::Moderator));
    let here = house.breakouts[&blue]
        .room
        .participant_by_identity(&identity("ana"));
    assert_eq!(here.map(|info| info.role), Some(Role::Participant));
    // Nobody takes the host's place in the main room meanwhile.
    house.pass(Duration::from_secs(60));
    let bo = house.main.room.participant_by_identity(&identity("bo")).unwrap();
    assert_eq!(bo.role, Role::Participant);
    house.assign(&["bo"], Some(1));
    assert_eq!(
        house.place("bo").place,
        Some(1),
        "moved while open, by somebody away"
    );
    assert_eq!(
        house.main.handle(&Actor::Away(identity("host")), Command::End),
        Err(Refusal::NotAllowed),
        "from a breakout nothing else is led"
    );
    house.leave_breakouts("host", DepartureReason::Left);
    house.come("host");
    let host = house
        .main
        .room
        .participant_by_identity(&identity("host"))
        .unwrap();
    assert_eq!(host.role, Role::Moderator);
    assert_eq!(
        house.ask("ana", BreakoutCommand::Shuffle { all: true }),
        Err(Refusal::NotAllowed)
    );
}

#[test]
fn what_was_taken_from_somebody_is_taken_in_breakouts_too() {
    let mut house = House::new(&["ana"]);
    let host = house.here["host"].clone();
    let revoke = Command::SetRights {
        identity: identity("ana"),
        grant: Rights::NONE,
        revoke: Rights::of(&[Right::Microphone]),
    };
    house.main.ask(&host, revoke).unwrap();
    let off = RulesChange {
        switch_off: Rights::of(&[Right::ShareScreen]),
        ..RulesChange::default()
    };
    house.main.ask(&host, Command::SetRules(off)).unwrap();
    house.assign(&["ana"], Some(1));
    house.open();
    let red = house.enter("ana").unwrap();
    let there = house.breakouts[&red]
        .room
        .participant_by_identity(&identity("ana"))
        .unwrap();
    assert!(!there.rights.has(Right::Microphone) && !there.rights.has(Right::ShareScreen));
    assert!(there.rights.has(Right::Camera));
}

#[test]
fn a_call_for_help_reaches_those_who_lead_wherever_they_are_until_one_comes() {
    let mut house = House::new(&["ana", "cohost"]);
    let host = house.here["host"].clone();
    let promote = Command::SetRole {
        identity: identity("cohost"),
        role: Role::Moderator,
    };
    house.main.ask(&host, promote).unwrap();
    house.assign(&["ana"], Some(1));
    house.assign(&["cohost"], Some(2));
    house.open();
    house.enter("ana").unwrap();
    house.enter("cohost").unwrap();
    house.pass(Duration::from_secs(1));
    house.main.forget();
    house
        .ask("ana", BreakoutCommand::CallForHelp { on: true })
        .unwrap();
    house.pass(Duration::from_secs(1));
    for told in [house.main.heard(&host), house.main.heard_away("cohost")] {
        let views = only!(told, Event::Breakouts(view) => view.rooms[0].help.clone());
        let help = views.last().cloned().flatten().expect("help is wanted");
        assert_eq!(help.person.name, "ana");
    }
    assert!(only!(house.main.heard_away("ana"), Event::Breakouts(_) => ()).is_empty());
    assert!(house.place("ana").help_called);
    house.lead(BreakoutCommand::Go { breakout: Some(1) }).unwrap();
    house.enter("host").unwrap();
    assert!(!house.place("ana").help_called, "somebody came");
    house
        .ask("ana", BreakoutCommand::CallForHelp { on: true })
        .unwrap();
    house
        .ask("ana", BreakoutCommand::CallForHelp { on: false })
        .unwrap();
    assert!(!house.place("ana").help_called);
    house
        .ask("ana", BreakoutCommand::CallForHelp { on: true })
        .unwrap();
    house.lead(BreakoutCommand::Dismiss { breakout: 1 }).unwrap();
    assert!(!house.place("ana").help_called);
}

#[test]
fn what_is_said_to_all_breakouts_stands_in_each_chat_and_is_shown_at_once() {
    let mut house = House::new(&["ana", "bo"]);
    house.assign(&["ana"], Some(1));
    house.assign(&["bo"], Some(2));
    let say = |text: &str| BreakoutCommand::Say {
        id: "m1".to_owned(),
        text: text.to_owned(),
    };
    assert_eq!(house.lead(say("early")), Err(Refusal::BreakoutsClosed));
    house.open();
    let rooms = [house.enter("ana").unwrap(), house.enter("bo").unwrap()];
    house.main.forget();
    assert_eq!(house.ask("ana", say("no")), Err(Refusal::NotAllowed));
    assert_eq!(house.lead(say(" ")), Err(Refusal::Invalid { field: "text" }));
    house.lead(say("five minutes more")).unwrap();
    let told = only!(house.main.heard_away("bo"), Event::BreakoutMessage { text, name, .. } => (text.clone(), name.clone()));
    assert_eq!(told, [("five minutes more".to_owned(), "host".to_owned())]);
    for room in rooms {
        let stage = house.breakouts.get_mut(&room).unwrap();
        let read = Command::ReadChat {
            before: None,
            limit: 10,
        };
        let Ok(Reply::ChatHistory(chat, false)) = stage.admin(read) else {
            panic!("no chat");
        };
        let said: Vec<_> = chat
            .iter()
            .map(|one| (one.identity.as_str(), one.text.as_str()))
            .collect();
        assert_eq!(said, [("host", "five minutes more")]);
    }
}

#[test]
fn the_time_that_was_set_calls_everybody_back_and_can_be_changed() {
    let mut house = House::new(&["ana"]);
    house.assign(&["ana"], Some(1));
    let duration = Some(Duration::from_secs(600));
    house.lead(BreakoutCommand::Open { duration }).unwrap();
    house.enter("ana").unwrap();
    let ends = house.place("ana").ends_at_ms.unwrap();
    assert_eq!(ends, house.main.now.unix_ms + 600_000);
    house.pass(Duration::from_secs(590));
    assert!(house.view().open);
    let duration = Some(Duration::from_secs(60));
    house.lead(BreakoutCommand::SetEnd { duration }).unwrap();
    house.pass(Duration::from_secs(59));
    assert_eq!(house.place("ana").place, Some(1));
    house.pass(Duration::from_secs(2));
    assert!(!house.view().open);
    assert_eq!(
        house.place("ana"),
        BreakoutPlace {
            assigned: Some(1),
            may_return: true,
            rooms: house.place("ana").rooms,
            ..BreakoutPlace::default()
        }
    );
    let nothing = Some(Duration::ZERO);
    assert_eq!(
        house.lead(BreakoutCommand::Open { duration: nothing }),
        Err(Refusal::Invalid { field: "duration" })
    );
    let grace = Duration::from_secs(3_600);
    house.open();
    assert_eq!(
        house.lead(BreakoutCommand::Close { grace }),
        Err(Refusal::Invalid { field: "grace" })
    );
}

#[test]
fn whoever_is_lost_comes_back_to_where_they_were() {
    let (mut house, red) = House::with_ana_away(&["ana"]);
    house.leave_breakouts("ana", DepartureReason::SignalLost);
    assert_eq!(house.seen()[0], Vec::<String>::new());
    assert_eq!(house.enter("ana").unwrap(), red, "straight back");
    // A reloaded page comes by the main room, which sends them on.
    house.leave_breakouts("ana", DepartureReason::SignalLost);
    house.come("ana");
    assert_eq!(house.place("ana").place, Some(1));
    assert_eq!(house.enter("ana").unwrap(), red);
}

#[test]
fn a_breakout_that_crashed_is_opened_anew() {
    let mut house = House::new(&["ana", "bo"]);
    house.assign(&["ana", "bo"], Some(1));
    house.open();
    let red = house.enter("ana").unwrap();
    house.lose(&red);
    assert_eq!(house.seen()[0], Vec::<String>::new());
    let again = house.enter("ana").unwrap();
    assert_ne!(again, red);
    assert_eq!(house.enter("bo").unwrap(), again);
}

#[test]
fn the_main_room_stays_while_people_are_in_breakouts_and_no_longer() {
    let (mut house, _) = House::with_ana_away(&["ana"]);
    house.leave("host", DepartureReason::Left);
    house.pass(Duration::from_secs(300));
    assert!(!house.main.room.is_ended());
    house.leave_breakouts("ana", DepartureReason::Left);
    house.pass(Duration::from_secs(21));
    assert!(house.main.room.is_ended());
}

#[test]
fn where_the_host_is_gone_somebody_in_a_breakout_can_call_everybody_back() {
    let mut house = House::new(&["ana", "bo"]);
    house.assign(&["ana", "bo"], Some(1));
    house.open();
    let red = house.enter("ana").unwrap();
    house.enter("bo").unwrap();
    house.leave("host", DepartureReason::Left);
    house.pass(Duration::from_secs(31));
    let there = house.breakouts[&red]
        .room
        .participant_by_identity(&identity("ana"))
        .unwrap();
    assert_eq!(there.role, Role::Moderator);
    let grace = Duration::ZERO;
    house.ask("ana", BreakoutCommand::Close { grace }).unwrap();
    assert!(!house.place("ana").open);
}

#[test]
fn removed_or_banned_in_a_breakout_is_removed_or_banned_from_the_meeting() {
    for ban in [false, true] {
        let mut house = House::new(&["ana"]);
        house.assign(&["ana"], Some(1));
        house.open();
        house.enter("ana").unwrap();
        house.lead(BreakoutCommand::Go { breakout: Some(1) }).unwrap();
        let red = house.enter("host").unwrap();
        let stage = house.breakouts.get_mut(&red).unwrap();
        let who = identity("ana");
        let host = stage
            .room
            .participant_by_identity(&identity("host"))
            .unwrap()
            .id
            .clone();
        let command = if ban {
            Command::Ban { identity: who }
        } else {
            Command::Remove {
                identity: who,
                revoke: true,
            }
        };
        stage.ask(&host, command).unwrap();
        house.run_errands();
        assert_eq!(house.seen()[0], ["host"]);
        let refusal = if ban { Refusal::Banned } else { Refusal::Removed };
        assert_eq!(house.main.join_as(guest("ana")), Err(refusal.clone()));
        // With a fresh credential they are somebody to be let in again.
        let lobby = AccessChange {
            lobby: Some(true),
            ..AccessChange::default()
        };
        house.main.admin(Command::SetAccess(lobby)).unwrap();
        let fresh = NewParticipant {
            credential_issued_at_ms: u64::MAX,
            ..guest("ana")
        };
        let again = if ban {
            Refusal::Banned
        } else {
            Refusal::LobbyNeeded
        };
        assert_eq!(house.main.join_as(fresh), Err(again));
        assert_eq!(house.enter("ana"), Err(refusal));
    }
}

#[test]
fn whoever_is_removed_from_the_main_room_is_out_of_the_breakout_too() {
    let (mut house, red) = House::with_ana_away(&["ana", "bo"]);
    let bo = house.here["bo"].clone();
    let remove = Command::Remove {
        identity: identity("ana"),
        revoke: true,
    };
    assert_eq!(house.main.ask(&bo, remove.clone()), Err(Refusal::NotAllowed));
    let host = house.here["host"].clone();
    house.main.ask(&host, remove).unwrap();
    house.run_errands();
    assert!(
        house.breakouts[&red]
            .room
            .participant_by_identity(&identity("ana"))
            .is_none()
    );
    assert_eq!(house.enter("ana"), Err(Refusal::Removed));
}

#[test]
fn those_in_breakouts_keep_their_seats() {
    let small = RoomSettings {
        max_participants: Some(2),
        ..settings()
    };
    let mut house = House::with(small, &["ana"]);
    house.assign(&["ana"], Some(1));
    house.open();
    house.enter("ana").unwrap();
    assert_eq!(house.main.join_as(guest("eve")), Err(Refusal::RoomFull));
    house.leave_breakouts("ana", DepartureReason::Left);
    house.come("ana");
}

#[test]
fn a_breakout_that_is_taken_away_sends_its_people_home() {
    let (mut house, _) = House::with_ana_away(&["ana"]);
    house.lead(BreakoutCommand::Remove { breakout: 1 }).unwrap();
    assert_eq!(house.place("ana").place, None);
    assert_eq!(house.place("ana").assigned, None);
    assert!(house.view().open, "the other one goes on");
    house.lead(BreakoutCommand::Remove { breakout: 2 }).unwrap();
    assert!(!house.view().open);
}

#[test]
fn what_makes_no_sense_is_refused_and_changes_nothing() {
    let mut house = House::new(&["ana"]);
    let add = |names: Vec<String>| BreakoutCommand::Add { names };
    assert_eq!(
        house.lead(add(Vec::new())),
        Err(Refusal::Invalid { field: "names" })
    );
    assert_eq!(
        house.lead(add(vec![" ".to_owned()])),
        Err(Refusal::Invalid { field: "name" })
    );
    assert!(matches!(
        house.lead(add(vec!["x".to_owned(); 200])),
        Err(Refusal::LimitExceeded {
            field: "breakouts",
            ..
        })
    ));
    let rename = |breakout, name: &str| BreakoutCommand::Rename {
        breakout,
        name: name.to_owned(),
    };
    assert_eq!(house.lead(rename(9, "x")), Err(Refusal::NoSuchBreakout));
    assert!(matches!(
        house.lead(rename(1, &"x".repeat(300))),
        Err(Refusal::LimitExceeded { field: "name", .. })
    ));
    house.lead(rename(1, " Rojo\u{202e} ")).unwrap();
    assert_eq!(house.view().rooms[0].name, "Rojo");
    let nobody = BreakoutCommand::Assign {
        identities: vec![identity("nobody")],
        breakout: Some(1),
    };
    assert_eq!(house.lead(nobody), Err(Refusal::NoSuchParticipant));
    assert_eq!(
        house.lead(BreakoutCommand::Dismiss { breakout: 9 }),
        Err(Refusal::NoSuchBreakout)
    );
    assert_eq!(
        house.lead(BreakoutCommand::SetEnd { duration: None }),
        Err(Refusal::BreakoutsClosed)
    );
    let help = |on| BreakoutCommand::CallForHelp { on };
    assert_eq!(house.ask("ana", help(true)), Err(Refusal::NoSuchBreakout));
    house.ask("ana", help(false)).unwrap();
    let mut empty = Stage::new();
    let host = empty.join_as(guest("host")).unwrap();
    let open = Command::Breakout(BreakoutCommand::Open { duration: None });
    empty.check_refused(&Actor::Participant(host.clone()), open, Refusal::NoSuchBreakout);
    let expect = FromParent::Expect {
        identity: identity("eve"),
        standing: Standing::default(),
    };
    empty.check_refused(
        &Actor::Participant(host),
        Command::FromParent(expect.clone()),
        Refusal::NotAllowed,
    );
    empty.check_refused(&Actor::System, Command::FromParent(expect), Refusal::NotAllowed);
    empty.check_refused(
        &Actor::Away(identity("eve")),
        Command::Breakout(BreakoutCommand::Read),
        Refusal::NoSuchParticipant,
    );
}

#[test]
fn a_breakout_has_no_breakouts() {
    let mut house = House::new(&[]);
    house.open();
    house.lead(BreakoutCommand::Go { breakout: Some(1) }).unwrap();
    let red = house.enter("host").unwrap();
    let stage = house.breakouts.get_mut(&red).unwrap();
    let host = stage
        .room
        .participant_by_identity(&identity("host"))
        .unwrap()
        .id
        .clone();
    let add = BreakoutCommand::Add {
        names: vec!["x".to_owned()],
    };
    stage.check_refused(
        &Actor::Participant(host),
        Command::Breakout(add),
        Refusal::NotAllowed,
    );
}

#[test]
fn time_in_breakouts_is_time_in_the_meeting() {
    let (mut house, _) = House::with_ana_away(&["ana"]);
    house.pass(Duration::from_secs(100));
    house.leave_breakouts("ana", DepartureReason::Left);
    let Reply::Attendance(all) = house.main.admin(Command::ReadAttendance).unwrap() else {
        panic!("no report");
    };
    let ana = all.iter().find(|one| one.identity == identity("ana")).unwrap();
    assert_eq!(ana.present_ms, 100_000);
}

#[test]
fn many_who_go_at_once_are_told_of_in_few_events() {
    let names: Vec<String> = (0..50).map(|number| format!("p{number:02}")).collect();
    let mut house = House::new(&names.iter().map(String::as_str).collect::<Vec<_>>());
    house.lead(BreakoutCommand::Shuffle { all: true }).unwrap();
    house.open();
    house.pass(Duration::from_secs(1));
    house.main.forget();
    for name in &names {
        house.enter(name).unwrap();
    }
    house.pass(Duration::from_secs(1));
    let host = house.here["host"].clone();
    let views = only!(house.main.heard(&host), Event::Breakouts(view) => view.rooms[0].here.len());
    assert!(views.len() <= 3, "{views:?}");
    assert_eq!(views.last(), Some(&25));
}
