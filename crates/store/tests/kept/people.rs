//! Accounts, sessions, owned rooms and invitations, on both databases alike.

use std::time::Duration;

use crate::chat::message;
use crate::support::on_both;
use tertulia_model::{Codec, Role, RoomName};
use tertulia_people::{
    Access, Account, AccountId, ExternalIdentity, Invitation, InvitationId, InvitationWish, LoginName,
    MeetingDefaults, OwnedRoom, PasswordHash, PictureLimits, Recurrence, Repeat, RoomDetails, Schedule,
    SecretToken, Session, SessionLife,
};
use tertulia_room::{ChatMessage, Record};
use tertulia_store::{AccountRefusal, Retention, RoomRefusal, Store};

fn account(number: u128, login: &str) -> Account {
    Account {
        id: AccountId::from_random(number),
        login: LoginName::parse(login).unwrap(),
        display_name: "Ana María".to_owned(),
        email: Some("ana@example.org".to_owned()),
        admin: false,
        disabled: false,
        password: Some(PasswordHash::from_kept("$argon2id$x".to_owned())),
        external: None,
        created_at_ms: 5,
    }
}

fn room(name: &str, owner: &Account) -> OwnedRoom {
    OwnedRoom {
        name: RoomName::parse(name).unwrap(),
        owner: owner.id.clone(),
        details: RoomDetails {
            title: "Weekly ñ".to_owned(),
            description: "Bring\ncoffee".to_owned(),
            access: Access::Invited,
            starts_without_owner: true,
            capacity: Some(7),
            defaults: MeetingDefaults {
                lobby: true,
                start_muted: false,
                start_without_video: true,
                webinar: false,
                picture: PictureLimits {
                    max_height: Some(720),
                    max_fps: Some(15),
                    codecs: vec![Codec::Av1, Codec::Vp8],
                },
            },
            schedule: Some(Schedule {
                starts_at_ms: 1_795_694_400_000,
                duration_min: 90,
                repeat: Some(Repeat {
                    every: Recurrence::Fortnightly,
                    until_ms: Some(1_798_286_400_000),
                }),
            }),
            keep_s: Some(3_600),
        },
        password: Some(PasswordHash::from_kept("$argon2id$y".to_owned())),
        created_at_ms: 6,
    }
}

fn invitation(number: u8, room: &OwnedRoom, max_uses: Option<u32>) -> Invitation {
    let wish = InvitationWish {
        label: "Bea".to_owned(),
        role: Role::Presenter,
        lifetime_ms: 1_000,
        max_uses,
    };
    Invitation::new(
        InvitationId::from_random(number.into()),
        SecretToken::from_random([number; 32]).digest(),
        room.name.clone(),
        wish,
        0,
    )
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_found_by_each_of_their_names_and_have_them_alone() {
    on_both(|store, _| async move {
        let mut ana = account(1, "ana");
        ana.external = Some(ExternalIdentity {
            issuer: "https://id.example.org".to_owned(),
            subject: "7".to_owned(),
        });
        store.add_account(&ana).await.unwrap();
        let bea = account(2, "bea");
        store.add_account(&bea).await.unwrap();
        assert_eq!(store.account(&ana.id).await.unwrap().as_ref(), Some(&ana));
        assert_eq!(
            store.account_by_login(&bea.login).await.unwrap(),
            Some(bea.clone())
        );
        let external = ana.external.clone().unwrap();
        assert_eq!(
            store.account_by_external(&external).await.unwrap(),
            Some(ana.clone())
        );

        let twin = account(3, "ana");
        assert!(matches!(
            store.add_account(&twin).await,
            Err(AccountRefusal::Taken)
        ));
        let same_person = Account {
            external: ana.external.clone(),
            ..account(3, "other")
        };
        assert!(matches!(
            store.add_account(&same_person).await,
            Err(AccountRefusal::Taken)
        ));
        // Those without a provider are not taken for one another.
        store.add_account(&account(4, "cleo")).await.unwrap();

        let changed = Account {
            display_name: "Ana".to_owned(),
            email: None,
            admin: true,
            password: None,
            ..ana.clone()
        };
        assert!(store.change_account(&changed).await.unwrap());
        assert_eq!(store.account(&ana.id).await.unwrap(), Some(changed));
        assert!(!store.change_account(&account(9, "nobody")).await.unwrap());

        let logins = async |after: Option<&LoginName>, limit| {
            let page = store.accounts(after, limit).await.unwrap();
            page.iter()
                .map(|a| a.login.as_str().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(logins(None, 2).await, ["ana", "bea"]);
        assert_eq!(logins(Some(&bea.login), 2).await, ["cleo"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_with_its_account_and_its_time() {
    on_both(|store, _| async move {
        let ana = account(1, "ana");
        store.add_account(&ana).await.unwrap();
        let begun = async |number: u8, now| {
            let session = Session::begin(
                SecretToken::from_random([number; 32]).digest(),
                ana.id.clone(),
                Some("Firefox, Linux".to_owned()),
                now,
            );
            store.begin_session(&session).await.unwrap();
            session
        };
        let first = begun(1, 10).await;
        assert_eq!(
            store.session(&first.digest).await.unwrap(),
            Some((first.clone(), ana.clone()))
        );
        store.note_session_use(&first.digest, 90).await.unwrap();
        assert_eq!(
            store.session(&first.digest).await.unwrap().unwrap().0.seen_at_ms,
            90
        );
        assert!(store.end_session(&first.digest).await.unwrap());
        assert_eq!(store.session(&first.digest).await.unwrap(), None);

        let (old, idle, fresh) = (begun(2, 0).await, begun(3, 40).await, begun(4, 95).await);
        store.note_session_use(&old.digest, 99).await.unwrap();
        let (bea, theirs) = (account(2, "bea"), SecretToken::from_random([9; 32]).digest());
        store.add_account(&bea).await.unwrap();
        let theirs = Session::begin(theirs, bea.id.clone(), None, 95);
        store.begin_session(&theirs).await.unwrap();
        let listed = store.sessions_of(&ana.id).await.unwrap();
        let order: Vec<_> = listed.iter().map(|session| session.digest.clone()).collect();
        assert_eq!(
            order,
            [old.digest.clone(), fresh.digest.clone(), idle.digest.clone()]
        );
        assert_eq!(listed[1], fresh);
        assert_eq!(
            store.end_other_sessions(&bea.id, &theirs.digest).await.unwrap(),
            0
        );
        let life = SessionLife {
            idle: Duration::from_millis(50),
            longest: Duration::from_millis(90),
        };
        assert_eq!(store.expire_sessions(life, 100).await.unwrap(), 2);
        assert_eq!(store.session(&idle.digest).await.unwrap(), None);
        assert!(store.session(&fresh.digest).await.unwrap().is_some());

        let kept = begun(5, 96).await;
        assert_eq!(store.end_other_sessions(&ana.id, &kept.digest).await.unwrap(), 1);
        assert_eq!(store.sessions_of(&ana.id).await.unwrap(), [kept]);
        assert_eq!(store.sessions_of(&bea.id).await.unwrap(), [theirs]);
        store.begin_session(&fresh).await.unwrap();

        let disabled = Account {
            disabled: true,
            ..ana.clone()
        };
        store.change_account(&disabled).await.unwrap();
        assert_eq!(store.session(&fresh.digest).await.unwrap(), None);
        store.change_account(&ana).await.unwrap();
        assert_eq!(
            store.session(&fresh.digest).await.unwrap(),
            None,
            "it does not come back"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_have_one_owner_and_come_back_as_they_were() {
    on_both(|store, _| async move {
        let (ana, bea) = (account(1, "ana"), account(2, "bea"));
        store.add_account(&ana).await.unwrap();
        store.add_account(&bea).await.unwrap();
        let mut weekly = room("Weekly", &ana);
        store.add_room(&weekly, 2).await.unwrap();
        assert!(matches!(
            store.add_room(&room("WEEKLY", &bea), 2).await,
            Err(RoomRefusal::Taken)
        ));
        store.add_room(&room("Other", &ana), 2).await.unwrap();
        assert!(matches!(
            store.add_room(&room("Third", &ana), 2).await,
            Err(RoomRefusal::TooMany)
        ));
        let kept = async |name| store.owned_room(&RoomName::parse(name).unwrap()).await.unwrap();
        let found = kept("weekly").await.unwrap();
        assert_eq!((found.room, found.changes), (weekly.clone(), 0));

        weekly.details = RoomDetails::default();
        weekly.password = None;
        assert!(store.change_room(&weekly).await.unwrap());
        let found = kept("Weekly").await.unwrap();
        assert_eq!((found.room, found.changes), (weekly.clone(), 1));
        let stolen = OwnedRoom {
            owner: bea.id.clone(),
            ..weekly.clone()
        };
        assert!(
            !store.change_room(&stolen).await.unwrap(),
            "only the owner changes it"
        );
        assert!(!store.remove_room(&weekly.name, &bea.id).await.unwrap());
        let names = |rooms: Vec<tertulia_store::KeptRoom>| {
            rooms
                .into_iter()
                .map(|kept| kept.room.name.to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(names(store.rooms_of(&ana.id).await.unwrap()), ["Other", "Weekly"]);
        assert!(store.remove_account(&ana.id).await.unwrap());
        assert_eq!(kept("Weekly").await, None, "it goes with its owner");
    })
    .await;
}

async fn said(store: &Store, name: &RoomName) -> usize {
    store.read_chat(name, None, 10).await.unwrap().messages.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_reads_what_was_said_before_the_room_was_theirs() {
    on_both(|store, _| async move {
        let ana = account(1, "ana");
        store.add_account(&ana).await.unwrap();
        let weekly = room("Weekly", &ana);
        let say = async |seq| {
            let message = message(seq, &format!("m{seq}"), "hello");
            let record = [(weekly.name.clone(), Record::Chat(message))];
            store.keep(&record, Retention::Seconds(60)).await;
        };
        say(1).await;
        assert_eq!(said(&store, &weekly.name).await, 1);
        store.add_room(&weekly, 9).await.unwrap();
        assert_eq!(said(&store, &weekly.name).await, 0);
        say(2).await;
        store.remove_room(&weekly.name, &ana.id).await.unwrap();
        assert_eq!(said(&store, &weekly.name).await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_a_room_stays_as_long_as_its_owner_decided() {
    on_both(|store, _| async move {
        let ana = account(1, "ana");
        store.add_account(&ana).await.unwrap();
        let mut weekly = room("Weekly", &ana);
        weekly.details.keep_s = Some(60);
        store.add_room(&weekly, 9).await.unwrap();
        let server = Retention::Seconds(24 * 3_600);
        // The first is said at one o'clock, see `message`.
        let (said_at, mut last) = (3_600_000, 0);
        let say = async |seq| {
            let said = ChatMessage {
                at_ms: said_at,
                ..message(seq, &seq.to_string(), "x")
            };
            store
                .keep(&[(weekly.name.clone(), Record::Chat(said))], server)
                .await;
        };
        let decide = async |keep_s| {
            let mut decided = weekly.clone();
            decided.details.keep_s = keep_s;
            assert!(store.change_room(&decided).await.unwrap());
        };
        let end = [(weekly.name.clone(), Record::Ended { at_ms: said_at })];
        for (keep_s, ended, after_s, left) in [
            // Shorter than the server's.
            (Some(60), false, 59, 1),
            (Some(60), false, 61, 0),
            (Some(60), true, 1, 1),
            // Longer.
            (Some(48 * 3_600), false, 25 * 3_600, 1),
            // Until the meeting is over, a day at most.
            (Some(0), true, 1, 0),
            (Some(0), false, 23 * 3_600, 1),
            (Some(0), false, 25 * 3_600, 0),
            // As the server does.
            (None, true, 23 * 3_600, 1),
            (None, false, 25 * 3_600, 0),
        ] {
            last += 1;
            decide(Some(0)).await;
            store.keep(&end, server).await;
            decide(keep_s).await;
            say(last).await;
            if ended {
                store.keep(&end, server).await;
            }
            store
                .expire_contents(server, said_at + after_s * 1_000)
                .await
                .unwrap();
            assert_eq!(
                said(&store, &weekly.name).await,
                left,
                "{keep_s:?}, after {after_s} s"
            );
        }
        let thief = OwnedRoom {
            owner: AccountId::from_random(2),
            ..weekly.clone()
        };
        decide(Some(60)).await;
        assert!(!store.change_room(&thief).await.unwrap());
        let kept = store.owned_room(&weekly.name).await.unwrap().unwrap();
        assert_eq!(kept.room.details.keep_s, Some(60), "nobody else decides");
        store.remove_room(&weekly.name, &ana.id).await.unwrap();
        say(last + 1).await;
        store.keep(&end, server).await;
        assert_eq!(
            said(&store, &weekly.name).await,
            1,
            "the decision goes with the room"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_is_used_so_often_and_no_more() {
    on_both(|store, _| async move {
        let ana = account(1, "ana");
        store.add_account(&ana).await.unwrap();
        let weekly = room("Weekly", &ana);
        store.add_room(&weekly, 9).await.unwrap();
        let (twice, endless) = (invitation(1, &weekly, Some(2)), invitation(2, &weekly, None));
        store.add_invitation(&twice, 2).await.unwrap();
        store.add_invitation(&endless, 2).await.unwrap();
        assert!(matches!(
            store.add_invitation(&invitation(3, &weekly, None), 2).await,
            Err(RoomRefusal::TooMany)
        ));
        assert_eq!(
            store.invitation_by_digest(&twice.digest).await.unwrap(),
            Some(twice.clone())
        );

        // Many at once with two uses: two get in.
        let tries = (0..8).map(|_| {
            let (store, id) = (store.clone(), twice.id.clone());
            tokio::spawn(async move { store.use_invitation(&id, 5).await.unwrap() })
        });
        let mut used = 0;
        for attempt in tries.collect::<Vec<_>>() {
            used += usize::from(attempt.await.unwrap());
        }
        assert_eq!(used, 2);
        assert_eq!(store.invitation(&twice.id).await.unwrap().unwrap().uses, 2);
        assert!(store.use_invitation(&endless.id, 999).await.unwrap());
        assert!(
            !store.use_invitation(&endless.id, 1_000).await.unwrap(),
            "it is over"
        );

        let other = RoomName::parse("Other").unwrap();
        assert!(!store.revoke_invitation(&other, &endless.id).await.unwrap());
        assert!(store.revoke_invitation(&weekly.name, &endless.id).await.unwrap());
        assert!(!store.use_invitation(&endless.id, 5).await.unwrap());
        assert_eq!(store.invitations_to(&weekly.name).await.unwrap().len(), 2);
        assert_eq!(store.expire_invitations(1_000).await.unwrap(), 2);
        store.add_invitation(&twice, 2).await.unwrap();
        store.remove_room(&weekly.name, &ana.id).await.unwrap();
        assert_eq!(
            store.invitation(&twice.id).await.unwrap(),
            None,
            "it goes with its room"
        );
    })
    .await;
}
