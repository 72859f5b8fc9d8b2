use tertulia_room::{BreakoutPlace, BreakoutsView};

use crate::wire;

pub fn place(place: &BreakoutPlace) -> wire::BreakoutPlace {
    wire::BreakoutPlace {
        open: place.open,
        choose: place.choose,
        may_return: place.may_return,
        place: place.place,
        assigned: place.assigned,
        rooms: place
            .rooms
            .iter()
            .map(|room| wire::BreakoutName {
                id: room.id,
                name: room.name.clone(),
                people: room.people,
            })
            .collect(),
        ends_at: place.ends_at_ms,
        closing: place.closing,
        help_called: place.help_called,
    }
}

pub fn all(all: &BreakoutsView) -> wire::BreakoutRooms {
    let people = |people: &[tertulia_room::BreakoutPerson]| people.iter().map(person).collect();
    wire::BreakoutRooms {
        open: all.open,
        choose: all.choose,
        may_return: all.may_return,
        ends_at: all.ends_at_ms,
        closing: all.closing,
        rooms: all
            .rooms
            .iter()
            .map(|room| wire::BreakoutRoom {
                id: room.id,
                name: room.name.clone(),
                assigned: people(&room.assigned),
                here: people(&room.here),
                help: room.help.as_ref().map(|help| wire::BreakoutHelp {
                    identity: help.person.identity.as_str().to_owned(),
                    name: help.person.name.clone(),
                    at: help.at_ms,
                }),
            })
            .collect(),
    }
}

fn person(person: &tertulia_room::BreakoutPerson) -> wire::BreakoutPerson {
    wire::BreakoutPerson {
        identity: person.identity.as_str().to_owned(),
        name: person.name.clone(),
    }
}
