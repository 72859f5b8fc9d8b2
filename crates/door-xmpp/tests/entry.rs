//! Who comes in: rooms that are somebody's, people who were sent away, and those who ask too often.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};
use support::drawer::Drawer;
use support::{Client, House, now_ms};
use tertulia_auth::{TrustedIssuer, TrustedKeys};
use tertulia_door_xmpp::DoorConfig;
use tertulia_engine::RateLimit;
use tertulia_model::Identity;
use tertulia_people::RoomPolicy;
use tertulia_room::{Actor, Command};
use tertulia_trust::{Fetcher, KeySource, TrustedParty};

const ROOM: &str = "weekly@conference.meet.jitsi";

async fn ask_focus(client: &mut Client) -> String {
    let conference = format!("<conference xmlns='http://jitsi.org/protocol/focus' room='{ROOM}'/>");
    client.ask("set", "focus.meet.jitsi", &conference).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owners_password_opens_the_room_and_nothing_else_does() {
    let drawer = Drawer::open().await;
    drawer.own_weekly(true, Some("sesame")).await;
    let house = House::kept(drawer.store().clone()).await;
    let mut ana = house.client("").await;
    // Only whoever comes is asked for it.
    let ready = ask_focus(&mut ana).await;
    assert!(ready.contains("ready=\"true\""), "{ready}");
    for inside in ["", "<password>open</password>"] {
        ana.send_join("weekly", "Ana", inside).await;
        ana.expect(&["type=\"error\"", "type=\"auth\"", "<not-authorized"])
            .await;
    }
    ana.send_join("weekly", "Ana", "<password>sesame</password>")
        .await;
    ana.expect(&["<presence", "code=\"110\""]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_before_the_owner_is_told_to_wait() {
    let drawer = Drawer::open().await;
    drawer.own_weekly(false, None).await;
    let house = House::kept(drawer.store().clone()).await;
    let mut ana = house.client("").await;
    // Clients wait for somebody who may begin when the focus says so, and ask again.
    let answer = ask_focus(&mut ana).await;
    assert!(
        answer.contains("type=\"error\"") && answer.contains("<not-authorized"),
        "{answer}"
    );
    ana.send_join("weekly", "Ana", "").await;
    ana.expect(&["type=\"error\"", "<not-allowed", "<room-does-not-exist"])
        .await;
    let (_room, _owner) = house.stranger("olga").await;
    let answer = ask_focus(&mut ana).await;
    assert!(answer.contains("ready=\"true\""), "{answer}");
    ana.join("weekly", "Ana").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_banned_guest_who_comes_back_as_another_is_looked_at_first() {
    let house = House::open().await;
    let (room, _moderator) = house.stranger("carla").await;
    let ana = house.join("Ana").await;
    let identity = Identity::parse(ana.jid.split_once('@').unwrap().0).unwrap();
    room.command(Actor::Admin, Command::Ban { identity })
        .await
        .unwrap();
    drop(ana);
    let mut again = house.client("").await;
    again.send_join("weekly", "Somebody Else", "").await;
    again.expect(&["type=\"error\"", "<registration-required"]).await;
}

/// What an application's tokens are signed with.
const SHARED: &str = "h8Zk3vQpL0mX7cRt2yWn5bJd9fGs4aUe";

fn portal() -> TrustedParty {
    let names = |name: &str| vec![name.to_owned()];
    let terms = TrustedIssuer::new(
        names("portal"),
        names("jitsi"),
        names("school"),
        TrustedKeys::default(),
    );
    let source = KeySource::Given(TrustedKeys::from_secret(SHARED).unwrap());
    TrustedParty::new(terms, source, &Fetcher::new().unwrap())
}

/// The query of somebody with a token of the application.
fn sent(room: &str, tenant: &str, moderator: bool) -> String {
    let claims: Value = json!({
        "iss": "portal", "aud": "jitsi", "sub": tenant, "room": room, "exp": now_ms() / 1_000 + 600,
        "context": { "user": { "id": "42", "name": "Ana Gil", "moderator": moderator } }
    });
    let key = EncodingKey::from_secret(SHARED.as_bytes());
    let token = jsonwebtoken::encode(&Header::default(), &claims, &key).unwrap();
    format!("&token={token}")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_applications_token_says_where_one_comes_in_and_as_what() {
    let config = DoorConfig {
        guests: false,
        policy: RoomPolicy::SignInToCreate,
        ..DoorConfig::default()
    };
    let house = House::trusting(config, vec![portal()]).await;
    let told = |told: Vec<String>| told.concat();
    let mut pupil = house.client(&sent("weekly", "school", false)).await;
    pupil.send_join("yearly", "Ana", "").await;
    pupil
        .expect(&["type=\"error\"", "<not-allowed", "another room"])
        .await;
    let mut teacher = house.client(&sent("*", "school", true)).await;
    let first = told(teacher.join("weekly", "Tea").await);
    let owner = format!("affiliation=\"owner\" role=\"moderator\" jid=\"{}\"", teacher.jid);
    assert!(first.contains(&owner), "{first}");
    let second = told(pupil.join("weekly", "Ana").await);
    assert!(
        second.contains("affiliation=\"none\" role=\"participant\""),
        "{second}"
    );

    // Somebody who was of another tenant, or showed nothing the application signed.
    let forged = sent("weekly", "school", true).replace("&token=", "&token=x");
    for query in [sent("weekly", "firm", true), forged] {
        let mut client = house.connect(&query).await;
        client.open().await;
        client
            .send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'/>")
            .await;
        client.expect(&["<failure", "<not-authorized"]).await;
    }
}

/// Signs in over HTTPS. Gives the answer.
async fn sign_in(client: &mut Client, name: &str, password: &str) -> String {
    let features = client.open().await;
    assert!(features.contains("<mechanism>PLAIN</mechanism>"), "{features}");
    let answer = STANDARD.encode(format!("\0{name}\0{password}"));
    client
        .send(&format!(
            "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{answer}</auth>"
        ))
        .await;
    client.next().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_signs_in_and_begins() {
    let drawer = Drawer::open().await;
    drawer.own_weekly(false, None).await;
    drawer.let_olga_sign_in("correct horse battery").await;
    let house = House::kept(drawer.store().clone()).await;
    let mut guest = house.connect_over("https", "").await;
    guest.open().await;
    guest
        .send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'/>")
        .await;
    guest.expect(&["<success "]).await;
    guest.open().await;
    guest.bind().await;
    let answer = ask_focus(&mut guest).await;
    assert!(answer.contains("<not-authorized"), "{answer}");

    // As clients do it: another connection signs in, and the first becomes that person by the session it got.
    let mut olga = house.connect_over("https", "").await;
    let refused = sign_in(&mut olga, "olga", "wrong horse").await;
    assert!(refused.contains("<failure") && refused.contains("<not-authorized"));
    let told = sign_in(&mut olga, "Olga", "correct horse battery").await;
    assert!(told.contains("<success "), "{told}");
    olga.open().await;
    olga.bind().await;
    let ready = ask_focus(&mut olga).await;
    assert!(
        ready.contains("identity=\"Olga\"") && ready.contains("value=\"true\""),
        "{ready}"
    );
    let session = support::attribute(&ready, "session-id");
    let again = |session: &str| {
        format!("<conference xmlns='http://jitsi.org/protocol/focus' room='{ROOM}' session-id='{session}'/>")
    };
    let made_up = guest.ask("set", "focus.meet.jitsi", &again("0123")).await;
    assert!(made_up.contains("<session-invalid"), "{made_up}");
    let ready = guest.ask("set", "focus.meet.jitsi", &again(&session)).await;
    assert!(ready.contains("ready=\"true\""), "{ready}");
    let told = guest.join("weekly", "Olga").await.concat();
    let own = format!("affiliation=\"owner\" role=\"moderator\" jid=\"{}\"", guest.jid);
    assert!(told.contains(&own), "{told}");

    // Signed out, the session is worth nothing.
    let out = format!("<logout xmlns='http://jitsi.org/protocol/focus' session-id='{session}'/>");
    let done = guest.ask("set", "focus.meet.jitsi", &out).await;
    assert!(done.contains("type=\"result\""), "{done}");
    let mut other = house.client("").await;
    let gone = other.ask("set", "focus.meet.jitsi", &again(&session)).await;
    assert!(gone.contains("<session-invalid"), "{gone}");
}

#[tokio::test(flavor = "multi_thread")]
async fn x8_whoever_guesses_passwords_is_slowed_down() {
    let drawer = Drawer::open().await;
    drawer.own_weekly(true, None).await;
    drawer.let_olga_sign_in("correct horse battery").await;
    let house = House::kept(drawer.store().clone()).await;
    let mut refused = Vec::new();
    for _ in 0..3 {
        let mut client = house.connect_over("https", "").await;
        for _ in 0..2 {
            refused.push(sign_in(&mut client, "olga", "guess").await);
        }
    }
    let slowed = refused.pop().unwrap();
    assert!(slowed.contains("<temporary-auth-failure"), "{slowed}");
    assert!(refused.iter().all(|told| told.contains("<not-authorized")));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_asks_to_come_in_again_and_again() {
    let house = House::open_with(DoorConfig {
        joins: RateLimit {
            burst: 2,
            per_minute: 1,
        },
        ..DoorConfig::default()
    })
    .await;
    let mut ana = house.join("Ana").await;
    ana.join("monthly", "Ana").await;
    ana.send_join("yearly", "Ana", "").await;
    ana.expect(&["type=\"error\"", "type=\"wait\"", "<resource-constraint"])
        .await;
}
