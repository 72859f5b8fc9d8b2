//! Accounts, owned rooms and invitations over the API: what people get, and what those get whose they are not.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod support;

use axum::http::{Method, StatusCode, header};
use serde_json::{Value, json};
use support::{Asked, CHEAP, House, now};
use tertulia_door_web::PeopleSettings;
use tertulia_people::RoomPolicy;
use tertulia_room::Origin;

fn settings(policy: RoomPolicy) -> PeopleSettings {
    PeopleSettings {
        policy,
        hash_cost: CHEAP,
        ..PeopleSettings::default()
    }
}

async fn house() -> House {
    House::with_people(settings(RoomPolicy::Open)).await
}

async fn ask(house: &House, method: Method, path: &str, body: Value) -> Asked {
    let body = (!body.is_null()).then(|| body.to_string());
    house
        .send(method, &format!("/api/v1/{path}"), None, body.as_deref())
        .await
}

fn code(asked: &Asked) -> &str {
    asked.json["error"]["code"].as_str().unwrap_or_default()
}

async fn make_room(owner: &House, name: &str, more: Value) -> Value {
    let mut body = json!({"name": name, "access": "anyone"});
    if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
        body.extend(more);
    }
    let made = ask(owner, Method::POST, "my/rooms", body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.json);
    made.json
}

async fn invite(owner: &House, room: &str, body: Value) -> (String, String) {
    let path = format!("my/rooms/{room}/invitations");
    let made = ask(owner, Method::POST, &path, body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.json);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&made.json["secret"]), text(&made.json["invitation"]["id"]))
}

fn claims(house: &House, asked: &Asked) -> tertulia_auth::Claims {
    let token = asked.json["token"]
        .as_str()
        .unwrap_or_else(|| panic!("{}", asked.json));
    house.keys.verify(token, now()).unwrap().claims
}

#[tokio::test]
async fn signing_in_lasts_until_signing_out() {
    let house = house().await;
    house.account("ana", false).await;
    let ana = house.signed_in("ana").await;
    let who = ask(&ana, Method::GET, "session", Value::Null).await;
    assert_eq!(who.json["account"]["login"], "ana");
    let nobody = ask(&house, Method::GET, "session", Value::Null).await;
    assert_eq!(
        (nobody.status, &nobody.json["account"]),
        (StatusCode::OK, &Value::Null)
    );

    let out = ask(&ana, Method::DELETE, "session", Value::Null).await;
    assert_eq!(out.status, StatusCode::OK);
    assert_eq!(out.json, json!({"continueAt": null}));
    assert!(
        out.headers[header::SET_COOKIE]
            .to_str()
            .unwrap()
            .contains("Max-Age=0")
    );
    // The cookie itself is worth nothing any more.
    let who = ask(&ana, Method::GET, "session", Value::Null).await;
    assert_eq!(who.json["account"], Value::Null);
    assert_eq!(
        code(&ask(&ana, Method::GET, "my/rooms", Value::Null).await),
        "sign_in_needed"
    );
}

#[tokio::test]
async fn wrong_names_and_wrong_passwords_are_told_apart_by_nobody_and_slow_down() {
    let house = house().await;
    house.account("ana", false).await;
    let attempt = async |house: &House, login: &str, password: &str| {
        ask(
            house,
            Method::POST,
            "session",
            json!({"login": login, "password": password}),
        )
        .await
    };
    let mut answers = Vec::new();
    for login in ["ana", "bea", "not a name"] {
        let mut asked = attempt(&house, login, "wrong wrong wrong").await;
        asked.json["error"]["reference"] = Value::Null;
        answers.push((asked.status, asked.json));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0], answers[2]);
    assert_eq!(answers[0].0, StatusCode::UNAUTHORIZED);

    let mut slowed = None;
    for _ in 0..10 {
        let asked = attempt(&house, "ana", "wrong wrong wrong").await;
        if asked.status == StatusCode::TOO_MANY_REQUESTS {
            slowed = Some(asked);
            break;
        }
    }
    assert!(slowed.unwrap().headers.contains_key(header::RETRY_AFTER));
    assert_eq!(
        attempt(&house, "ana", "anaanaanaana").await.status,
        StatusCode::TOO_MANY_REQUESTS
    );
    let elsewhere = house.from("198.51.100.7");
    assert_eq!(
        attempt(&elsewhere, "ana", "anaanaanaana").await.status,
        StatusCode::OK
    );
    assert_eq!(house.api.stats().sign_ins, 1);
    assert!(house.api.stats().sign_ins_refused >= 2);
}

#[tokio::test]
async fn a_page_of_another_origin_does_nothing_with_the_cookie() {
    let house = house().await;
    house.account("ana", false).await;
    let ana = house.signed_in("ana").await;
    let room = json!({"name": "Weekly", "access": "anyone"});
    for origin in ["https://evil.example", "http://sub.meet.example.org", "null"] {
        let foreign = ana.on_page(origin);
        let asked = ask(&foreign, Method::POST, "my/rooms", room.clone()).await;
        assert_eq!(
            (asked.status, code(&asked)),
            (StatusCode::FORBIDDEN, "forbidden"),
            "{origin}"
        );
        let login = json!({"login": "ana", "password": "anaanaanaana"});
        let asked = ask(&house.on_page(origin), Method::POST, "session", login).await;
        assert_eq!(
            asked.status,
            StatusCode::FORBIDDEN,
            "nobody is signed in from elsewhere"
        );
        let asked = foreign.join("Weekly", json!({"displayName": "Ana"})).await;
        assert_eq!(asked.status, StatusCode::FORBIDDEN);
    }
    let own = ana.on_page("http://meet.example.org");
    assert_eq!(
        ask(&own, Method::POST, "my/rooms", room).await.status,
        StatusCode::CREATED
    );
}

#[tokio::test]
async fn people_sign_up_only_where_the_operator_lets_them() {
    let house = house().await;
    let body = json!({"login": "Bea", "displayName": "Bea", "password": "a long walk home"});
    let asked = ask(&house, Method::POST, "accounts", body.clone()).await;
    assert_eq!(asked.status, StatusCode::FORBIDDEN);

    let open = House::with_people(PeopleSettings {
        sign_up: true,
        ..settings(RoomPolicy::Open)
    })
    .await;
    let asked = ask(&open, Method::POST, "accounts", body.clone()).await;
    assert_eq!(asked.status, StatusCode::CREATED, "{}", asked.json);
    assert_eq!(asked.json["account"]["admin"], false);
    let who = ask(&open.with_cookie(&asked), Method::GET, "session", Value::Null).await;
    assert_eq!(who.json["account"]["login"], "bea");
    let again = ask(&open, Method::POST, "accounts", body).await;
    assert_eq!(
        (code(&again), &again.json["error"]["field"]),
        ("taken", &json!("login"))
    );
    let weak = json!({"login": "cleo", "displayName": "Cleo", "password": "password123"});
    let weak = ask(&open, Method::POST, "accounts", weak).await;
    assert_eq!(
        (code(&weak), &weak.json["error"]["field"]),
        ("weak_password", &json!("password"))
    );
    let line = &open.store().read_audit(None, None, 9).await.unwrap()[0];
    assert_eq!(
        (line.actor.as_str(), line.action.as_str()),
        ("account:bea", "account.created")
    );
}

#[tokio::test]
async fn sessions_are_listed_for_whose_they_are_and_end_one_by_one_or_all_but_this() {
    let house = house().await;
    house.account("ana", false).await;
    house.account("bea", false).await;
    let signed_in = async |login: &'static str| house.signed_in(login).await;
    let (here, there, third) = (
        signed_in("ana").await,
        signed_in("ana").await,
        signed_in("ana").await,
    );
    let bea = signed_in("bea").await;
    let listed = async |house: &House| {
        let asked = ask(house, Method::GET, "account/sessions", Value::Null).await;
        asked.json["sessions"].as_array().cloned().unwrap_or_default()
    };
    let own = |sessions: &[Value]| {
        let current = sessions.iter().find(|session| session["current"] == true);
        current.unwrap()["id"].as_str().unwrap().to_owned()
    };
    let sessions = listed(&here).await;
    assert_eq!(sessions.len(), 3);
    assert_eq!(
        sessions
            .iter()
            .filter(|session| session["current"] == true)
            .count(),
        1
    );
    let (hers, theirs) = (own(&listed(&there).await), own(&listed(&bea).await));

    // Nobody ends what is not theirs, nor learns that it is there.
    for id in [theirs.as_str(), "nothing"] {
        let asked = ask(
            &here,
            Method::DELETE,
            &format!("account/sessions/{id}"),
            Value::Null,
        )
        .await;
        assert_eq!((asked.status, code(&asked)), (StatusCode::NOT_FOUND, "not_found"));
    }
    let path = format!("account/sessions/{hers}");
    let foreign = ask(
        &here.on_page("https://evil.example"),
        Method::DELETE,
        &path,
        Value::Null,
    )
    .await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    assert_eq!(
        ask(&here, Method::DELETE, &path, Value::Null).await.status,
        StatusCode::NO_CONTENT
    );
    assert!(listed(&there).await.is_empty(), "that browser is signed out");
    assert_eq!(listed(&here).await.len(), 2);

    let ended = ask(&here, Method::DELETE, "account/sessions", Value::Null).await;
    assert_eq!(ended.json, json!({"ended": 1}));
    assert!(listed(&third).await.is_empty());
    assert_eq!((listed(&here).await.len(), listed(&bea).await.len()), (1, 1));
    let log = house.store().read_audit(None, None, 99).await.unwrap();
    let actions: Vec<_> = log.iter().map(|line| line.action.as_str()).collect();
    assert!(
        actions.contains(&"account.session_ended") && actions.contains(&"account.sessions_ended"),
        "{actions:?}"
    );
}

#[tokio::test]
async fn an_account_goes_with_its_password_alone_and_takes_its_rooms_along() {
    let house = house().await;
    let account = house.account("ana", false).await;
    let (ana, there) = (house.signed_in("ana").await, house.signed_in("ana").await);
    make_room(&ana, "Weekly", json!({})).await;
    let remove = async |body: Value| ask(&ana, Method::POST, "account/remove", body).await;
    for body in [
        json!({}),
        json!({"login": "ana"}),
        json!({"password": "not the password"}),
    ] {
        let asked = remove(body).await;
        assert_eq!(
            (code(&asked), &asked.json["error"]["field"]),
            ("wrong_credentials", &json!("password"))
        );
    }
    let asked = remove(json!({"password": "anaanaanaana"})).await;
    assert_eq!(asked.status, StatusCode::NO_CONTENT, "{}", asked.json);
    assert!(
        asked.headers[header::SET_COOKIE]
            .to_str()
            .unwrap()
            .contains("Max-Age=0")
    );
    assert!(house.store().account(&account.id).await.unwrap().is_none());
    let who = ask(&there, Method::GET, "session", Value::Null).await;
    assert_eq!(who.json["account"], Value::Null);
    // The room's name is free again.
    house.account("bea", false).await;
    make_room(&house.signed_in("bea").await, "Weekly", json!({})).await;

    // Who has no password says who they are.
    let mut cleo = house.account("cleo", false).await;
    let signed_in = house.signed_in("cleo").await;
    cleo.password = None;
    house.store().change_account(&cleo).await.unwrap();
    let remove = async |body: Value| ask(&signed_in, Method::POST, "account/remove", body).await;
    assert_eq!(
        remove(json!({"password": "cleocleocleo"})).await.json["error"]["field"],
        "login"
    );
    assert_eq!(
        remove(json!({"login": "cleo"})).await.status,
        StatusCode::NO_CONTENT
    );
    let log = house.store().read_audit(None, None, 99).await.unwrap();
    let removed = log.iter().filter(|line| line.action == "account.removed").count();
    assert_eq!(removed, 2);
}

#[tokio::test]
async fn a_new_password_signs_out_everywhere_else() {
    let house = house().await;
    house.account("ana", false).await;
    let (here, there) = (house.signed_in("ana").await, house.signed_in("ana").await);
    let change = |current: &str| json!({"current": current, "new": "a long walk home"});
    let asked = ask(
        &here,
        Method::PUT,
        "account/password",
        change("wrong wrong wrong"),
    )
    .await;
    assert_eq!(code(&asked), "wrong_credentials");
    let asked = ask(&here, Method::PUT, "account/password", change("anaanaanaana")).await;
    assert_eq!(asked.status, StatusCode::OK);
    let who = ask(&there, Method::GET, "session", Value::Null).await;
    assert_eq!(who.json["account"], Value::Null);
    let who = ask(&house.with_cookie(&asked), Method::GET, "session", Value::Null).await;
    assert_eq!(who.json["account"]["login"], "ana");
    let old = json!({"login": "ana", "password": "anaanaanaana"});
    assert_eq!(
        code(&ask(&house, Method::POST, "session", old).await),
        "wrong_credentials"
    );
}

#[tokio::test]
async fn an_owner_decides_what_cameras_send_and_how_long_messages_stay() {
    let house = house().await;
    house.account("ana", false).await;
    let ana = house.signed_in("ana").await;
    let media = json!({"maxHeight": 720, "maxFps": 15, "videoCodecs": ["av1", "vp8"]});
    make_room(&ana, "Weekly", json!({"media": media, "keepS": 86_400})).await;
    let kept = ask(&ana, Method::GET, "my/rooms/Weekly", Value::Null).await;
    assert_eq!(
        (&kept.json["media"], &kept.json["keepS"]),
        (&media, &json!(86_400))
    );
    for (wrong, field) in [
        (
            json!({"access": "anyone", "media": {"videoCodecs": ["divx"]}}),
            "media",
        ),
        (json!({"access": "anyone", "media": {"maxFps": 0}}), "media"),
        (json!({"access": "anyone", "keepS": 4_000_000_000_u32}), "keepS"),
    ] {
        let asked = ask(&ana, Method::PUT, "my/rooms/Weekly", wrong).await;
        assert_eq!(asked.status, StatusCode::BAD_REQUEST, "{}", asked.json);
        assert_eq!(asked.json["error"]["field"], field, "{}", asked.json);
    }
    let change = json!({"access": "anyone"});
    let changed = ask(&ana, Method::PUT, "my/rooms/Weekly", change).await;
    assert_eq!(
        (&changed.json["media"]["maxFps"], &changed.json["keepS"]),
        (&Value::Null, &Value::Null),
        "everything is given anew"
    );
}

#[tokio::test]
async fn rooms_are_their_owners_alone() {
    let house = house().await;
    house.account("ana", false).await;
    house.account("bea", false).await;
    let (ana, bea) = (house.signed_in("ana").await, house.signed_in("bea").await);
    let schedule =
        json!({"startsAt": 1_795_694_400_000_u64, "durationMin": 60, "repeat": {"every": "weekly"}});
    let made = make_room(
        &ana,
        "Weekly",
        json!({"title": " Our  week ", "password": "77", "schedule": schedule}),
    )
    .await;
    assert_eq!(
        (&made["title"], &made["hasPassword"]),
        (&json!("Our week"), &json!(true))
    );
    assert!(made.get("password").is_none());

    let wanted = json!({"name": "WEEKLY", "access": "anyone"});
    assert_eq!(code(&ask(&bea, Method::POST, "my/rooms", wanted).await), "taken");
    let change = json!({"access": "invited", "capacity": 5});
    for (method, path, body) in [
        (Method::GET, "my/rooms/Weekly", Value::Null),
        (Method::PUT, "my/rooms/Weekly", change.clone()),
        (Method::DELETE, "my/rooms/Weekly", Value::Null),
        (Method::GET, "my/rooms/Weekly/calendar.ics", Value::Null),
        (Method::GET, "my/rooms/Weekly/invitations", Value::Null),
        (
            Method::POST,
            "my/rooms/Weekly/invitations",
            json!({"role": "viewer", "lifetimeS": 60}),
        ),
        (
            Method::DELETE,
            "my/rooms/Weekly/invitations/IN_00000000000000000000000000000001",
            Value::Null,
        ),
    ] {
        let hers = ask(&bea, method.clone(), path, body.clone()).await;
        assert_eq!(
            (hers.status, code(&hers)),
            (StatusCode::NOT_FOUND, "not_found"),
            "{path}"
        );
        let nobodys = ask(&house, method, path, body).await;
        assert_eq!(code(&nobodys), "sign_in_needed", "{path}");
    }

    let file = ana.text("/api/v1/my/rooms/Weekly/calendar.ics").await;
    assert!(file.contains("SUMMARY:Our week\r\n") && file.contains("RRULE:FREQ=WEEKLY\r\n"));
    assert!(file.contains("URL:http://meet.example.org/Weekly\r\n"), "{file}");
    let changed = ask(&ana, Method::PUT, "my/rooms/Weekly", change).await;
    assert_eq!(changed.json["hasPassword"], true, "what is absent stays");
    let open = json!({"access": "anyone", "password": ""});
    let changed = ask(&ana, Method::PUT, "my/rooms/Weekly", open).await;
    assert_eq!(changed.json["hasPassword"], false);
    let wrong = json!({"access": "anyone", "title": "a\nb"});
    let wrong = ask(&ana, Method::PUT, "my/rooms/Weekly", wrong).await;
    assert_eq!(wrong.json["error"]["field"], "title");

    assert_eq!(
        ask(&ana, Method::DELETE, "my/rooms/Weekly", Value::Null)
            .await
            .status,
        StatusCode::NO_CONTENT
    );
    make_room(&bea, "Weekly", json!({})).await;
    let log = house.store().read_audit(None, None, 99).await.unwrap();
    let done: Vec<(&str, &str)> = log
        .iter()
        .map(|l| (l.actor.as_str(), l.action.as_str()))
        .collect();
    assert_eq!(
        done,
        [
            ("account:ana", "room.created"),
            ("account:ana", "room.changed"),
            ("account:ana", "room.changed"),
            ("account:ana", "room.removed"),
            ("account:bea", "room.created"),
        ]
    );
}

#[tokio::test]
async fn a_room_with_people_in_it_is_not_taken_from_them() {
    let house = house().await;
    house.account("ana", false).await;
    let ana = house.signed_in("ana").await;
    house.enter_as("Weekly", "guest", Origin::Guest).await;
    let wanted = json!({"name": "weekly", "access": "anyone"});
    assert_eq!(code(&ask(&ana, Method::POST, "my/rooms", wanted).await), "taken");
}

#[tokio::test]
async fn an_owned_room_waits_for_its_owner_and_knows_its_password() {
    let house = house().await;
    house.account("ana", false).await;
    let ana = house.signed_in("ana").await;
    make_room(&ana, "Weekly", json!({"password": "77", "title": "Our week"})).await;
    let guest = json!({"displayName": "Guest", "password": "77"});
    assert_eq!(code(&house.join("Weekly", guest.clone()).await), "not_begun");

    let owner = ana.join("Weekly", json!({"displayName": "Ana"})).await;
    let claimed = claims(&house, &owner);
    assert_eq!(claimed.own.role, Some(tertulia_model::Role::Owner));
    assert_eq!((claimed.own.opens, claimed.own.guest), (Some(true), false));
    assert_eq!(owner.json["title"], "Our week");
    house.enter("Weekly", "somebody").await;

    let asked = house.join("Weekly", json!({"displayName": "Guest"})).await;
    assert_eq!(code(&asked), "password_needed");
    let asked = house
        .join("Weekly", json!({"displayName": "Guest", "password": "78"}))
        .await;
    assert_eq!(code(&asked), "wrong_password");
    let asked = house.join("Weekly", guest).await;
    let claimed = claims(&house, &asked);
    assert_eq!((claimed.own.role, claimed.own.guest), (None, true));
    assert_eq!(claimed.own.opens, Some(false), "without the owner it is over");
    // Whoever was in already is not asked again.
    let back = json!({"displayName": "Guest", "previousToken": asked.json["token"]});
    let back = house.join("Weekly", back).await;
    assert_eq!(back.json["identity"], asked.json["identity"]);
}

#[tokio::test]
async fn signed_in_and_out_are_two_people() {
    let house = house().await;
    house.account("ana", false).await;
    let ana = house.signed_in("ana").await;
    let guest = house.join("Weekly", json!({"displayName": "Ana"})).await;
    let with_guests = json!({"displayName": "Ana", "previousToken": guest.json["token"]});
    let account = ana.join("Weekly", with_guests).await;
    assert_ne!(account.json["identity"], guest.json["identity"]);
    assert!(account.json["identity"].as_str().unwrap().starts_with("AC_"));
    let with_accounts = json!({"displayName": "Ana", "previousToken": account.json["token"]});
    let out = house.join("Weekly", with_accounts).await;
    assert!(
        out.json["identity"].as_str().unwrap().starts_with("guest-"),
        "{}",
        out.json
    );
}

#[tokio::test]
async fn policies_say_who_opens_a_room() {
    for (policy, guest_alone, guest_later) in [
        (RoomPolicy::Open, "", ""),
        (RoomPolicy::SignInToCreate, "not_begun", ""),
        (RoomPolicy::InviteOnly, "invitation_needed", "invitation_needed"),
    ] {
        let house = House::with_people(settings(policy)).await;
        house.account("ana", false).await;
        let ana = house.signed_in("ana").await;
        let guest = json!({"displayName": "Guest"});
        assert_eq!(
            code(&house.join("Weekly", guest.clone()).await),
            guest_alone,
            "{policy:?}"
        );
        let opened = ana.join("Weekly", json!({"displayName": "Ana"})).await;
        assert_eq!(claims(&house, &opened).own.opens, Some(true), "{policy:?}");
        house.enter("Weekly", "ana").await;
        assert_eq!(
            code(&house.join("Weekly", guest).await),
            guest_later,
            "{policy:?}"
        );
    }
}

/// R2: what was given to one and used by many.
#[tokio::test]
async fn r2_a_personal_link_lets_one_in_and_the_others_knock() {
    let house = House::with_people(settings(RoomPolicy::InviteOnly)).await;
    house.account("ana", false).await;
    let ana = house.signed_in("ana").await;
    make_room(&ana, "Weekly", json!({"access": "invited"})).await;
    house.enter("Weekly", "ana").await;
    let wish = json!({"label": "Bea", "role": "presenter", "lifetimeS": 3600, "maxUses": 1});
    let (secret, id) = invite(&ana, "Weekly", wish).await;

    let stranger = house.join("Weekly", json!({"displayName": "Stranger"})).await;
    assert_eq!(code(&stranger), "invitation_needed");
    let with = |secret: &str| json!({"displayName": "Bea", "invitation": secret});
    assert_eq!(
        code(&house.join("Weekly", with(&"x".repeat(43))).await),
        "invitation_void"
    );
    let first = house.join("Weekly", with(&secret)).await;
    let claimed = claims(&house, &first);
    assert_eq!(claimed.own.role, Some(tertulia_model::Role::Presenter));
    assert_eq!(claimed.own.invitation.as_deref(), Some(id.as_str()));
    for _ in 0..3 {
        let other = house.join("Weekly", with(&secret)).await;
        assert_eq!(other.status, StatusCode::ACCEPTED, "they wait: {}", other.json);
    }
    // The first may come back, with the link or without.
    for invitation in [json!(secret), Value::Null] {
        let back =
            json!({"displayName": "Bea", "previousToken": first.json["token"], "invitation": invitation});
        let back = house.join("Weekly", back).await;
        assert_eq!(back.json["identity"], first.json["identity"], "{}", back.json);
    }
    let listed = ask(&ana, Method::GET, "my/rooms/Weekly/invitations", Value::Null).await;
    assert_eq!(listed.json["invitations"][0]["uses"], 1);
    assert!(!listed.json.to_string().contains(&secret));

    let path = format!("my/rooms/Weekly/invitations/{id}");
    assert_eq!(
        ask(&ana, Method::DELETE, &path, Value::Null).await.status,
        StatusCode::NO_CONTENT
    );
    let back = json!({"displayName": "Bea", "previousToken": first.json["token"]});
    assert_eq!(code(&house.join("Weekly", back).await), "invitation_void");
}

#[tokio::test]
async fn an_invitation_opens_its_own_room_alone_and_nobody_gives_ownership_away() {
    let house = house().await;
    house.account("ana", false).await;
    let ana = house.signed_in("ana").await;
    make_room(&ana, "Weekly", json!({"access": "invited"})).await;
    make_room(&ana, "Other", json!({"access": "invited"})).await;
    let (secret, _) = invite(&ana, "Weekly", json!({"role": "moderator", "lifetimeS": 60})).await;
    let with = json!({"displayName": "Bea", "invitation": secret});
    assert_eq!(code(&house.join("Other", with.clone()).await), "invitation_void");
    // A moderator begins the meeting.
    let claimed = claims(&house, &house.join("Weekly", with).await);
    assert_eq!(claimed.own.opens, Some(true));
    let owner = json!({"role": "owner", "lifetimeS": 60});
    let asked = ask(&ana, Method::POST, "my/rooms/Weekly/invitations", owner).await;
    assert_eq!(asked.json["error"]["field"], "role");
}

#[tokio::test]
async fn whoever_knocks_keeps_who_they_are() {
    let house = house().await;
    house.account("ana", false).await;
    house.account("bea", false).await;
    let (ana, bea) = (house.signed_in("ana").await, house.signed_in("bea").await);
    make_room(&ana, "Weekly", json!({"lobby": true, "startsWithoutOwner": true})).await;
    house.enter("Weekly", "ana").await;
    let change = tertulia_room::AccessChange {
        lobby: Some(true),
        ..Default::default()
    };
    house
        .command("Weekly", tertulia_room::Command::SetAccess(change))
        .await;
    let waits = house.join("Weekly", json!({"displayName": "Guest"})).await;
    assert_eq!(waits.status, StatusCode::ACCEPTED, "{}", waits.json);
    let lobby_token = waits.json["lobbyToken"].as_str().unwrap();
    let mut lobby = house
        .stream_of("/api/v1/rooms/Weekly/lobby/events", lobby_token)
        .await;
    assert_eq!(lobby.next().await.kind, "waiting");
    let who = tertulia_room::Chosen::All;
    house
        .command("Weekly", tertulia_room::Command::Admit { who })
        .await;
    let admitted = lobby.next().await;
    assert_eq!(admitted.kind, "admitted");
    let token = admitted.data["token"].as_str().unwrap();
    let claimed = house.keys.verify(token, now()).unwrap().claims;
    assert!(claimed.own.guest && claimed.video.room_join);
    // Signed in, one does not wait.
    let known = bea.join("Weekly", json!({"displayName": "Bea"})).await;
    assert_eq!(known.status, StatusCode::OK);
}
