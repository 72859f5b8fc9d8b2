//! Lock, password, lobby and bans.

use std::time::Duration;

use tertulia_model::ParticipantId;

use super::stage::{Stage, identity, moderator, only, person};
use crate::{
    AccessChange, Actor, Admission, Applicant, Chosen, Command, DepartureReason, Entrance, Event,
    LobbyOutcome, NewParticipant, Origin, Password, Refusal, Reply,
};

fn applicant(name: &str) -> Applicant {
    Applicant {
        identity: identity(name),
        name: name.to_owned(),
        origin: Origin::Guest,
        role: None,
        entrance: Entrance::Usual,
        moderates: false,
        password: None,
        network: None,
        credential_issued_at_ms: u64::MAX,
    }
}

fn guest(name: &str) -> NewParticipant {
    NewParticipant {
        origin: Origin::Guest,
        ..person(name)
    }
}

fn knock(stage: &mut Stage, who: Applicant) -> Result<Admission, Refusal> {
    match stage.handle(&Actor::System, Command::Knock(Box::new(who)))? {
        Reply::Admission(admission) => Ok(admission),
        other => panic!("{other:?}"),
    }
}

fn access(stage: &mut Stage, change: AccessChange) {
    stage.admin(Command::SetAccess(change)).unwrap();
}

/// A room with a host and a lobby.
fn guarded() -> (Stage, ParticipantId) {
    let mut stage = Stage::new();
    let host = stage.join_as(guest("host")).unwrap();
    access(
        &mut stage,
        AccessChange {
            lobby: Some(true),
            ..Default::default()
        },
    );
    stage.forget();
    (stage, host)
}

#[test]
fn whoever_knocks_waits_unheard_of_but_by_the_hosts_and_is_let_in() {
    let (mut stage, host) = guarded();
    let bo = stage.join("bo");
    stage.forget();
    assert_eq!(knock(&mut stage, applicant("ana")), Ok(Admission::Waiting));
    assert_eq!(stage.join_as(guest("ana")), Err(Refusal::LobbyNeeded));
    assert_eq!(
        only!(stage.heard(&host), Event::Knocked(knocker) => knocker.identity.clone()),
        [identity("ana")]
    );
    assert!(stage.heard(&bo).is_empty());
    let admit = Command::Admit {
        who: Chosen::These(vec![identity("ana")]),
    };
    stage.check_refused(&Actor::Participant(bo), admit.clone(), Refusal::NotAllowed);
    stage.ask(&host, admit).unwrap();
    assert_eq!(
        only!(stage.overheard("ana"), Event::WaitingEnded { outcome, .. } => *outcome),
        [LobbyOutcome::Admitted]
    );
    let ana = stage.join_as(guest("ana")).unwrap();
    // A reload is no reason to wait again; being removed is.
    stage
        .ask(
            &ana,
            Command::Leave {
                reason: DepartureReason::Left,
            },
        )
        .unwrap();
    assert_eq!(knock(&mut stage, applicant("ana")), Ok(Admission::Admitted));
    stage.join_as(guest("ana")).unwrap();
    stage
        .ask(
            &host,
            Command::Remove {
                identity: identity("ana"),
                revoke: false,
            },
        )
        .unwrap();
    assert_eq!(knock(&mut stage, applicant("ana")), Ok(Admission::Waiting));
}

/// R3.
#[test]
fn from_the_lobby_nothing_can_be_read_or_done() {
    let (mut stage, _host) = guarded();
    access(
        &mut stage,
        AccessChange {
            password: Some(Password::new("sesame").ok()),
            ..Default::default()
        },
    );
    let open = Applicant {
        password: Some("sesame".into()),
        ..applicant("ana")
    };
    assert_eq!(knock(&mut stage, open), Ok(Admission::Waiting));
    let stranger = Actor::Participant(ParticipantId::from_random(99));
    for command in [
        Command::ReadSnapshot,
        Command::ReadChat {
            before: None,
            limit: 10,
        },
        Command::ListParticipants,
    ] {
        stage.check_refused(&stranger, command, Refusal::NoSuchParticipant);
    }
    let said = format!("{:?}", stage.deliveries);
    assert!(!said.contains("sesame"));
}

#[test]
fn those_denied_hear_it_and_may_knock_again() {
    let (mut stage, host) = guarded();
    for name in ["ana", "bo"] {
        knock(&mut stage, applicant(name)).unwrap();
    }
    stage
        .ask(
            &host,
            Command::TellLobby {
                text: " soon ".into(),
            },
        )
        .unwrap();
    assert_eq!(
        only!(stage.overheard("bo"), Event::LobbyMessage { text, .. } => text.clone()),
        ["soon"]
    );
    stage.ask(&host, Command::Deny { who: Chosen::All }).unwrap();
    for name in ["ana", "bo"] {
        let told = only!(stage.overheard(name), Event::WaitingEnded { outcome, .. } => *outcome);
        assert_eq!(told, [LobbyOutcome::Denied]);
    }
    assert_eq!(knock(&mut stage, applicant("ana")), Ok(Admission::Waiting));
}

#[test]
fn two_hundred_are_let_in_at_once() {
    let (mut stage, host) = guarded();
    let names: Vec<String> = (0..200).map(|number| format!("g{number}")).collect();
    for name in &names {
        assert_eq!(knock(&mut stage, applicant(name)), Ok(Admission::Waiting));
    }
    stage.ask(&host, Command::Admit { who: Chosen::All }).unwrap();
    for name in &names {
        stage.join_as(guest(name)).unwrap();
    }
    assert_eq!(stage.room.info().participants, 201);
}

/// R12.
#[test]
fn the_lobby_is_bounded_and_a_knock_that_nobody_listens_to_is_forgotten() {
    let (mut stage, host) = guarded();
    for number in 0..crate::limits::LOBBY {
        knock(&mut stage, applicant(&format!("g{number}"))).unwrap();
    }
    assert_eq!(knock(&mut stage, applicant("late")), Err(Refusal::LobbyFull));
    let listens = Command::LobbyPresence {
        identity: identity("g7"),
        here: true,
    };
    stage.handle(&Actor::System, listens).unwrap();
    stage.forget();
    stage.pass(Duration::from_secs(31));
    let left = only!(stage.heard(&host), Event::LobbyLeft { identities, .. } => identities.len());
    assert_eq!(left, [crate::limits::LOBBY - 1]);
    assert_eq!(knock(&mut stage, applicant("late")), Ok(Admission::Waiting));
}

#[test]
fn whoever_gives_up_waiting_is_off_the_list_at_once() {
    let (mut stage, host) = guarded();
    knock(&mut stage, applicant("ana")).unwrap();
    stage.forget();
    let leave = Command::LeaveLobby {
        identity: identity("ana"),
    };
    stage.check_refused(
        &Actor::Participant(host.clone()),
        leave.clone(),
        Refusal::NotAllowed,
    );
    stage.handle(&Actor::System, leave.clone()).unwrap();
    let left = only!(stage.heard(&host), Event::LobbyLeft { identities, outcome, .. } => (identities.clone(), *outcome));
    assert_eq!(left, [(vec![identity("ana")], LobbyOutcome::Gone)]);
    stage.check_refused(&Actor::System, leave, Refusal::NoSuchParticipant);
}

#[test]
fn a_credential_from_before_a_removal_does_not_even_knock() {
    let (mut stage, host) = guarded();
    knock(&mut stage, applicant("ana")).unwrap();
    let admit = Command::Admit { who: Chosen::All };
    stage.ask(&host, admit).unwrap();
    let removed_at = stage.now.unix_ms;
    stage.join_as(guest("ana")).unwrap();
    let remove = Command::Remove {
        identity: identity("ana"),
        revoke: true,
    };
    stage.ask(&host, remove).unwrap();
    let issued = |at| Applicant {
        credential_issued_at_ms: at,
        ..applicant("ana")
    };
    assert_eq!(knock(&mut stage, issued(removed_at)), Err(Refusal::Removed));
    assert_eq!(knock(&mut stage, issued(removed_at + 1)), Ok(Admission::Waiting));
}

#[test]
fn somebody_who_waits_for_the_host_keeps_the_room() {
    let (mut stage, host) = guarded();
    knock(&mut stage, applicant("ana")).unwrap();
    stage
        .handle(
            &Actor::System,
            Command::LobbyPresence {
                identity: identity("ana"),
                here: true,
            },
        )
        .unwrap();
    stage
        .ask(
            &host,
            Command::Leave {
                reason: DepartureReason::Left,
            },
        )
        .unwrap();
    stage.pass(Duration::from_secs(3_600));
    assert!(!stage.room.is_ended());
    stage
        .handle(
            &Actor::System,
            Command::LobbyPresence {
                identity: identity("ana"),
                here: false,
            },
        )
        .unwrap();
    stage.pass(Duration::from_secs(60));
    assert!(stage.room.is_ended());
}

#[test]
fn a_locked_room_lets_in_hosts_and_those_who_were_in_it() {
    let mut stage = Stage::new();
    stage.join_as(guest("host")).unwrap();
    let ana = stage.join_as(guest("ana")).unwrap();
    access(
        &mut stage,
        AccessChange {
            locked: Some(true),
            ..Default::default()
        },
    );
    assert_eq!(knock(&mut stage, applicant("bo")), Err(Refusal::Locked));
    assert_eq!(stage.join_as(person("app")), Err(Refusal::Locked));
    stage
        .ask(
            &ana,
            Command::Leave {
                reason: DepartureReason::Left,
            },
        )
        .unwrap();
    stage.join_as(guest("ana")).unwrap();
    stage.join_as(moderator("admin")).unwrap();
}

#[test]
fn a_password_is_asked_of_guests_and_accounts_and_compared_whole() {
    let mut stage = Stage::new();
    stage.join_as(guest("host")).unwrap();
    access(
        &mut stage,
        AccessChange {
            password: Some(Password::new("sesame").ok()),
            ..Default::default()
        },
    );
    assert_eq!(knock(&mut stage, applicant("ana")), Err(Refusal::PasswordNeeded));
    for guess in ["", "s", "sesam", "sesame ", "SESAME"] {
        let who = Applicant {
            password: Some(guess.into()),
            ..applicant("ana")
        };
        assert_eq!(
            knock(&mut stage, who),
            Err(Refusal::WrongPassword),
            "for {guess:?}"
        );
    }
    assert_eq!(stage.join_as(guest("ana")), Err(Refusal::PasswordNeeded));
    let knows = Applicant {
        password: Some("sesame".into()),
        ..applicant("ana")
    };
    assert_eq!(knock(&mut stage, knows), Ok(Admission::Admitted));
    stage.join_as(guest("ana")).unwrap();
    stage.join_as(person("app")).unwrap();
}

#[test]
fn a_ban_holds_whatever_the_credential_and_sends_strangers_from_there_to_the_lobby() {
    let mut stage = Stage::new();
    let host = stage.join_as(guest("host")).unwrap();
    let from = |name: &str, network| Applicant {
        network: Some(network),
        ..applicant(name)
    };
    assert_eq!(knock(&mut stage, from("mal", 7)), Ok(Admission::Admitted));
    let mal = stage.join_as(guest("mal")).unwrap();
    stage.forget();
    stage
        .ask(
            &host,
            Command::Ban {
                identity: identity("mal"),
            },
        )
        .unwrap();
    assert_eq!(
        only!(stage.heard(&mal), Event::Expelled(reason) => *reason),
        [DepartureReason::Removed]
    );
    let late = NewParticipant {
        credential_issued_at_ms: u64::MAX,
        ..guest("mal")
    };
    assert_eq!(stage.join_as(late), Err(Refusal::Banned));
    assert_eq!(knock(&mut stage, from("mal", 8)), Err(Refusal::Banned));
    assert_eq!(knock(&mut stage, from("new", 7)), Ok(Admission::Waiting));
    assert_eq!(knock(&mut stage, from("other", 8)), Ok(Admission::Admitted));
    let known = only!(stage.heard(&host), Event::Knocked(knocker) => knocker.suspect);
    assert_eq!(known, [true]);
    stage
        .ask(
            &host,
            Command::Unban {
                identity: identity("mal"),
            },
        )
        .unwrap();
    assert_eq!(knock(&mut stage, from("mal", 7)), Ok(Admission::Admitted));
    stage.check_refused(
        &Actor::Participant(host),
        Command::Unban {
            identity: identity("x"),
        },
        Refusal::NoSuchParticipant,
    );
}

#[test]
fn switching_the_lobby_off_lets_in_who_waits() {
    let (mut stage, _host) = guarded();
    knock(&mut stage, applicant("ana")).unwrap();
    access(
        &mut stage,
        AccessChange {
            lobby: Some(false),
            ..Default::default()
        },
    );
    stage.join_as(guest("ana")).unwrap();
}

#[test]
fn those_with_an_account_wait_only_where_the_room_says_so() {
    let (mut stage, _host) = guarded();
    let signed_in = |name: &str| Applicant {
        origin: Origin::Account,
        ..applicant(name)
    };
    assert_eq!(knock(&mut stage, signed_in("ana")), Ok(Admission::Admitted));
    let strict = crate::AutoAdmit { signed_in: false };
    access(
        &mut stage,
        AccessChange {
            auto_admit: Some(strict),
            ..Default::default()
        },
    );
    assert_eq!(knock(&mut stage, signed_in("bo")), Ok(Admission::Waiting));
}

#[test]
fn an_invitation_passes_the_lobby_the_first_time_and_knocks_when_it_is_shared() {
    let (mut stage, _host) = guarded();
    let invited = |name: &str, entrance| Applicant {
        entrance,
        ..applicant(name)
    };
    assert_eq!(
        knock(&mut stage, invited("ana", Entrance::Straight)),
        Ok(Admission::Admitted)
    );
    access(
        &mut stage,
        AccessChange {
            lobby: Some(false),
            ..Default::default()
        },
    );
    stage.forget();
    let asks = Command::AskEntry(Box::new(invited("bo", Entrance::Knock)));
    assert_eq!(
        stage.handle(&Actor::System, asks),
        Ok(Reply::Admission(Admission::Waiting))
    );
    assert!(
        stage.room.gate.knockers().is_empty(),
        "who only asks does not wait"
    );
    assert_eq!(
        knock(&mut stage, invited("bo", Entrance::Knock)),
        Ok(Admission::Waiting)
    );
}
