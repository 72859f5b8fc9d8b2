use tertulia_model::RoomName;

use super::*;
use crate::{AccountId, InvitationId, InvitationWish, LoginName, PasswordHash, RoomDetails, SecretToken};

fn account(number: u128) -> Account {
    Account {
        id: AccountId::from_random(number),
        login: LoginName::parse(&format!("person{number}")).unwrap(),
        display_name: "Person".into(),
        email: None,
        admin: false,
        disabled: false,
        password: None,
        external: None,
        created_at_ms: 0,
    }
}

fn room() -> OwnedRoom {
    OwnedRoom {
        name: RoomName::parse("Weekly").unwrap(),
        owner: AccountId::from_random(1),
        details: RoomDetails::default(),
        password: None,
        created_at_ms: 0,
    }
}

fn with_access(access: Access) -> OwnedRoom {
    let mut room = room();
    room.details.access = access;
    room
}

fn invitation(role: Role) -> Invitation {
    let wish = InvitationWish {
        label: String::new(),
        role,
        lifetime_ms: 1_000,
        max_uses: Some(1),
    };
    let digest = SecretToken::from_random([1; 32]).digest();
    Invitation::new(InvitationId::from_random(1), digest, room().name, wish, 0).unwrap()
}

fn fresh(invitation: &Invitation) -> ShownInvitation<'_> {
    ShownInvitation {
        invitation,
        worth: InvitationWorth::Good,
        theirs: false,
    }
}

fn arrival<'a>(visitor: Visitor<'a>, owned: Option<&'a OwnedRoom>) -> Arrival<'a> {
    Arrival {
        visitor,
        owned,
        open: true,
        invitation: None,
        password: PasswordProof::None,
        returning: false,
    }
}

fn check(policy: RoomPolicy, arrival: Arrival<'_>, expected: Result<Role, Turned>) {
    assert_eq!(
        admit(policy, &arrival).map(|admission| admission.role),
        expected,
        "{policy:?} {arrival:?}"
    );
}

#[test]
fn the_owner_comes_into_every_room_of_theirs_at_any_time() {
    let owner = account(1);
    for policy in [
        RoomPolicy::Open,
        RoomPolicy::SignInToCreate,
        RoomPolicy::InviteOnly,
    ] {
        for access in [Access::Anyone, Access::SignedIn, Access::Invited] {
            let mut room = with_access(access);
            room.password = Some(PasswordHash::from_kept("x".into()));
            let arrival = Arrival {
                open: false,
                ..arrival(Visitor::Account(&owner), Some(&room))
            };
            let admission = admit(policy, &arrival).unwrap();
            assert_eq!(
                (admission.role, admission.opens, admission.entrance),
                (Role::Owner, true, Entrance::Straight)
            );
        }
    }
}

#[test]
fn an_owned_room_says_who_comes_in_by_address() {
    let other = account(2);
    let known = Visitor::Account(&other);
    let vouched = Visitor::Vouched { moderator: None };
    let open = RoomPolicy::Open;
    for (access, guest, signed_in) in [
        (Access::Anyone, Ok(Role::Participant), Ok(Role::Participant)),
        (
            Access::SignedIn,
            Err(Turned::SignInRequired),
            Ok(Role::Participant),
        ),
        (
            Access::Invited,
            Err(Turned::InvitationRequired),
            Err(Turned::InvitationRequired),
        ),
    ] {
        let room = with_access(access);
        check(open, arrival(Visitor::Guest, Some(&room)), guest);
        check(open, arrival(known, Some(&room)), signed_in);
        check(open, arrival(vouched, Some(&room)), signed_in);
    }
    check(
        RoomPolicy::InviteOnly,
        arrival(Visitor::Guest, Some(&room())),
        Err(Turned::InvitationRequired),
    );
    check(
        RoomPolicy::InviteOnly,
        arrival(known, Some(&room())),
        Ok(Role::Participant),
    );
}

fn early(room: &OwnedRoom) -> Arrival<'_> {
    Arrival {
        open: false,
        ..arrival(Visitor::Guest, Some(room))
    }
}

#[test]
fn nobody_begins_an_owned_room_without_its_owner_unless_they_may() {
    let mut room = room();
    check(RoomPolicy::Open, early(&room), Err(Turned::NotBegun));
    let good = invitation(Role::Participant);
    let invited = Arrival {
        invitation: Some(fresh(&good)),
        ..early(&room)
    };
    check(RoomPolicy::Open, invited, Err(Turned::NotBegun));
    let co_host = invitation(Role::Moderator);
    let moderator = Arrival {
        invitation: Some(fresh(&co_host)),
        ..early(&room)
    };
    check(RoomPolicy::Open, moderator, Ok(Role::Moderator));
    room.details.starts_without_owner = true;
    check(RoomPolicy::Open, early(&room), Ok(Role::Participant));
    assert!(!guests_may_moderate(RoomPolicy::Open, true));
}

#[test]
fn a_password_is_asked_of_those_who_only_know_the_address() {
    let mut room = room();
    room.password = Some(PasswordHash::from_kept("x".into()));
    let says = |password| Arrival {
        password,
        ..arrival(Visitor::Guest, Some(&room))
    };
    check(
        RoomPolicy::Open,
        says(PasswordProof::None),
        Err(Turned::PasswordRequired),
    );
    check(
        RoomPolicy::Open,
        says(PasswordProof::Wrong),
        Err(Turned::PasswordWrong),
    );
    check(
        RoomPolicy::Open,
        says(PasswordProof::Right),
        Ok(Role::Participant),
    );
    let good = invitation(Role::Presenter);
    let invited = Arrival {
        invitation: Some(fresh(&good)),
        ..says(PasswordProof::None)
    };
    check(RoomPolicy::Open, invited, Ok(Role::Presenter));
    let returning = Arrival {
        returning: true,
        ..says(PasswordProof::None)
    };
    check(RoomPolicy::Open, returning, Ok(Role::Participant));
    // A locked door does not tell a stranger whether they guessed the password of a room that is not theirs to enter.
    room.details.access = Access::Invited;
    let says = |password| Arrival {
        password,
        ..arrival(Visitor::Guest, Some(&room))
    };
    for password in [PasswordProof::None, PasswordProof::Wrong, PasswordProof::Right] {
        check(RoomPolicy::Open, says(password), Err(Turned::InvitationRequired));
    }
}

/// R2.
#[test]
fn r2_an_invitation_used_before_leads_to_the_lobby() {
    let invited_only = with_access(Access::Invited);
    let good = invitation(Role::Moderator);
    let shows = |worth, theirs| Arrival {
        invitation: Some(ShownInvitation {
            invitation: &good,
            worth,
            theirs,
        }),
        returning: theirs,
        ..arrival(Visitor::Guest, Some(&invited_only))
    };
    let first = admit(RoomPolicy::Open, &shows(InvitationWorth::Good, false)).unwrap();
    assert_eq!(
        (first.role, first.entrance, first.uses_invitation),
        (Role::Moderator, Entrance::Straight, true)
    );
    for worth in [InvitationWorth::Good, InvitationWorth::UsedUp] {
        let renewal = admit(RoomPolicy::Open, &shows(worth, true)).unwrap();
        assert_eq!(
            (renewal.role, renewal.entrance, renewal.uses_invitation),
            (Role::Moderator, Entrance::Straight, false)
        );
    }
    check(
        RoomPolicy::Open,
        shows(InvitationWorth::Void, true),
        Err(Turned::InvitationVoid),
    );
    let second = admit(RoomPolicy::Open, &shows(InvitationWorth::UsedUp, false)).unwrap();
    assert_eq!(
        (second.role, second.entrance, second.uses_invitation),
        (Role::Participant, Entrance::Knock, false)
    );
    check(
        RoomPolicy::Open,
        shows(InvitationWorth::Void, false),
        Err(Turned::InvitationVoid),
    );
    let anyone = room();
    let late = Arrival {
        invitation: Some(ShownInvitation {
            worth: InvitationWorth::Void,
            ..fresh(&good)
        }),
        ..arrival(Visitor::Guest, Some(&anyone))
    };
    check(RoomPolicy::Open, late, Ok(Role::Participant));
}

#[test]
fn a_webinar_makes_viewers_of_those_without_another_role() {
    let mut room = room();
    room.details.defaults.webinar = true;
    check(
        RoomPolicy::Open,
        arrival(Visitor::Guest, Some(&room)),
        Ok(Role::Viewer),
    );
    let good = invitation(Role::Presenter);
    let presenter = Arrival {
        invitation: Some(fresh(&good)),
        ..arrival(Visitor::Guest, Some(&room))
    };
    check(RoomPolicy::Open, presenter, Ok(Role::Presenter));
}

#[test]
fn rooms_nobody_owns_follow_the_house() {
    let person = account(2);
    let known = Visitor::Account(&person);
    let vouched = Visitor::Vouched {
        moderator: Some(false),
    };
    for (policy, open, guest, signed_in) in [
        (RoomPolicy::Open, false, Ok(true), Ok(true)),
        (RoomPolicy::Open, true, Ok(true), Ok(true)),
        (RoomPolicy::SignInToCreate, false, Err(Turned::NotBegun), Ok(true)),
        (RoomPolicy::SignInToCreate, true, Ok(false), Ok(true)),
        (
            RoomPolicy::InviteOnly,
            false,
            Err(Turned::InvitationRequired),
            Ok(true),
        ),
        (
            RoomPolicy::InviteOnly,
            true,
            Err(Turned::InvitationRequired),
            Ok(true),
        ),
    ] {
        let opens = |visitor| {
            let arrival = Arrival {
                open,
                ..arrival(visitor, None)
            };
            admit(policy, &arrival).map(|admission| admission.opens)
        };
        assert_eq!(opens(Visitor::Guest), guest, "{policy:?} {open}");
        assert_eq!(opens(known), signed_in, "{policy:?} {open}");
        assert_eq!(opens(vouched), signed_in, "{policy:?} {open}");
    }
    assert!(guests_may_moderate(RoomPolicy::Open, false));
    assert!(!guests_may_moderate(RoomPolicy::SignInToCreate, false));
}

#[test]
fn an_application_says_who_moderates() {
    let room = with_access(Access::Invited);
    let moderator = Visitor::Vouched {
        moderator: Some(true),
    };
    for owned in [None, Some(&room)] {
        check(
            RoomPolicy::InviteOnly,
            arrival(moderator, owned),
            Ok(Role::Moderator),
        );
    }
    let other = Visitor::Vouched {
        moderator: Some(false),
    };
    check(RoomPolicy::Open, arrival(other, None), Ok(Role::Participant));
}
