//! Signing in at an identity provider, and the attacks on it (J12 of the attack list).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod support;

use axum::http::{Method, StatusCode, header};
use serde_json::{Value, json};
use support::provider::FakeProvider;
use support::{Asked, House};
use tertulia_door_web::ProviderTerms;

/// A provider and a house that trusts it.
async fn both(change: impl FnOnce(&mut ProviderTerms)) -> (FakeProvider, House) {
    let provider = FakeProvider::open().await;
    let house = House::with_provider(provider.trusted(change)).await;
    (provider, house)
}

/// A browser on its way to the provider, and what it takes along.
struct Away {
    browser: House,
    place: String,
    state: String,
    nonce: String,
    challenge: String,
}

async fn leave(house: &House, query: &str) -> Away {
    let led = house.get(&format!("/api/v1/provider/sign-in{query}")).await;
    assert_eq!(led.status, StatusCode::SEE_OTHER);
    let place = location(&led);
    let value = |name: &str| {
        let mut pairs = place.split(['?', '&']).filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name).unwrap().1.to_owned()
    };
    Away {
        browser: house.with_cookie(&led),
        state: value("state"),
        nonce: value("nonce"),
        challenge: value("code_challenge"),
        place,
    }
}

fn location(asked: &Asked) -> String {
    asked.headers[header::LOCATION].to_str().unwrap().to_owned()
}

impl Away {
    /// Comes back with this, whatever it is.
    async fn answer(&self, query: &str) -> Asked {
        self.browser
            .get(&format!("/api/v1/provider/answer?{query}"))
            .await
    }

    /// Comes back as somebody of whom the provider says this.
    async fn back(&self, provider: &FakeProvider, says: Value) -> Asked {
        let code = provider.code(&self.challenge, says);
        self.answer(&format!("state={}&code={code}", self.state)).await
    }
}

/// Signs somebody in from a fresh browser.
async fn sign_in(provider: &FakeProvider, house: &House, says: impl FnOnce(&mut Value)) -> Asked {
    let away = leave(house, "").await;
    let mut token = provider.says(&away.nonce, "42");
    token["name"] = json!("Ana");
    token["email"] = json!("ana@example.org");
    says(&mut token);
    away.back(provider, token).await
}

async fn who(house: &House, asked: &Asked) -> Value {
    assert_eq!(asked.status, StatusCode::SEE_OTHER);
    assert!(
        asked.headers.contains_key(header::SET_COOKIE),
        "{}",
        location(asked)
    );
    let signed_in = house.with_cookie(asked);
    signed_in.get("/api/v1/session").await.json["account"].clone()
}

/// Nobody is signed in, and the page is told why.
fn refused(asked: &Asked, problem: &str) {
    assert_eq!(asked.status, StatusCode::SEE_OTHER);
    let place = location(asked);
    assert!(
        place.starts_with(&format!("/login?problem={problem}&reference=")),
        "{place}"
    );
    assert!(!asked.headers.contains_key(header::SET_COOKIE));
}

#[tokio::test]
async fn somebody_comes_for_the_first_time_and_again() {
    let (provider, house) = both(|_| {}).await;
    let config = house.get("/api/v1/config").await;
    assert_eq!(config.json["provider"]["name"], "School");

    let away = leave(&house, "?to=Weekly%20Round").await;
    assert!(
        away.place
            .starts_with(&format!("{}/authorize?theme=plain&", provider.origin))
    );
    for part in [
        "response_type=code",
        "scope=openid+profile+email",
        "code_challenge_method=S256",
        "redirect_uri=https%3A%2F%2Fmeet.example.org%2Fapi%2Fv1%2Fprovider%2Fanswer",
    ] {
        assert!(away.place.contains(part), "{}", away.place);
    }
    provider.knows(
        json!({"sub": "42", "name": "Ana Gil", "preferred_username": "Ana.Gil",
        "email": "ana@example.org"}),
    );
    let first = away.back(&provider, provider.says(&away.nonce, "42")).await;
    assert_eq!(location(&first), "/Weekly%20Round");
    let account = who(&house, &first).await;
    assert_eq!(account["login"], "ana.gil");
    assert_eq!(account["displayName"], "Ana Gil");
    assert_eq!(account["hasPassword"], false);

    let again = sign_in(&provider, &house, |_| {}).await;
    assert_eq!(location(&again), "/my");
    assert_eq!(who(&house, &again).await["id"], account["id"]);
    assert_eq!(house.api.stats().sign_ins, 2);
}

#[tokio::test]
async fn nobody_takes_over_an_account_by_having_its_name_or_address() {
    let (provider, house) = both(|_| {}).await;
    house.account("ana", true).await;
    let asked = sign_in(&provider, &house, |token| {
        token["preferred_username"] = json!("ana");
        token["email_verified"] = json!(true);
    })
    .await;
    let account = who(&house, &asked).await;
    assert_eq!(
        (&account["login"], &account["admin"]),
        (&json!("ana-2"), &json!(false))
    );
}

#[tokio::test]
async fn j12_a_state_of_another_browser_or_none_is_refused() {
    let (provider, house) = both(|_| {}).await;
    let away = leave(&house, "").await;
    let code = provider.code(&away.challenge, provider.says(&away.nonce, "42"));
    // Somebody lures another's browser to the answer that was meant for them.
    let lured = house
        .get(&format!(
            "/api/v1/provider/answer?state={}&code={code}",
            away.state
        ))
        .await;
    refused(&lured, "stale");
    let other = leave(&house, "").await;
    refused(
        &other
            .answer(&format!("state={}&code={code}", "x".repeat(43)))
            .await,
        "stale",
    );
    refused(&other.answer(&format!("code={code}")).await, "stale");
    refused(&other.answer("").await, "stale");
    // What another browser began does not end in this one.
    let third = leave(&house, "").await;
    refused(
        &third.answer(&format!("state={}&code={code}", other.state)).await,
        "stale",
    );
    assert_eq!(house.api.stats().provider_sign_ins_refused, 5);
    assert_eq!(house.api.stats().sign_ins, 0);
}

#[tokio::test]
async fn j12_an_answer_counts_once() {
    let (provider, house) = both(|_| {}).await;
    let away = leave(&house, "").await;
    let code = provider.code(&away.challenge, provider.says(&away.nonce, "42"));
    let query = format!("state={}&code={code}", away.state);
    provider.knows(json!({"sub": "42"}));
    assert_eq!(location(&away.answer(&query).await), "/my");
    refused(&away.answer(&query).await, "stale");
}

#[tokio::test]
async fn j12_a_code_of_somebody_else_is_refused() {
    let (provider, house) = both(|_| {}).await;
    let (thief, victim) = (leave(&house, "").await, leave(&house, "").await);
    // Caught on its way, or put into the victim's answer: it needs what the challenge was made of.
    let code = provider.code(&victim.challenge, provider.says(&victim.nonce, "42"));
    refused(
        &thief.answer(&format!("state={}&code={code}", thief.state)).await,
        "failed",
    );
    refused(
        &victim
            .answer(&format!("state={}&code=made-up", victim.state))
            .await,
        "failed",
    );
}

#[tokio::test]
async fn j12_tokens_for_another_time_party_or_wish_are_refused() {
    let (provider, house) = both(|_| {}).await;
    for (field, value) in [
        ("nonce", json!("another")),
        ("iss", json!("https://evil.example.org")),
        ("aud", json!("another")),
        ("exp", json!(1_000_000)),
        ("sub", json!("")),
    ] {
        let asked = sign_in(&provider, &house, |token| token[field] = value).await;
        refused(&asked, "failed");
    }
    // The provider's own word on somebody else is not taken either.
    provider.knows(json!({"sub": "43", "name": "Bea"}));
    let asked = sign_in(&provider, &house, |token| token["name"] = Value::Null).await;
    assert_eq!(asked.status, StatusCode::SEE_OTHER);
    let away = leave(&house, "").await;
    refused(
        &away.back(&provider, provider.says(&away.nonce, "42")).await,
        "failed",
    );
}

#[tokio::test]
async fn j12_an_answer_of_another_provider_is_refused() {
    let (provider, house) = both(|_| {}).await;
    let other = |query: &str| format!("{query}&iss=https%3A%2F%2Fevil.example.org");
    let away = leave(&house, "").await;
    let code = provider.code(&away.challenge, provider.says(&away.nonce, "42"));
    refused(
        &away
            .answer(&other(&format!("state={}&code={code}", away.state)))
            .await,
        "failed",
    );

    let provider = FakeProvider::open().await;
    provider.names_itself();
    let house = House::with_provider(provider.trusted(|_| {})).await;
    provider.knows(json!({"sub": "42"}));
    let silent = sign_in(&provider, &house, |_| {}).await;
    refused(&silent, "failed");
    let away = leave(&house, "").await;
    let code = provider.code(&away.challenge, provider.says(&away.nonce, "42"));
    let named = provider.origin.replace(':', "%3A").replace('/', "%2F");
    let asked = away
        .answer(&format!("state={}&code={code}&iss={named}", away.state))
        .await;
    assert_eq!(location(&asked), "/my");
}

#[tokio::test]
async fn j12_the_way_back_leads_to_our_pages_alone() {
    let (provider, house) = both(|_| {}).await;
    for (to, expected) in [
        ("https%3A%2F%2Fevil.example.org", "/my"),
        ("%2F%2Fevil.example.org", "/my"),
        ("%5C%5Cevil.example.org", "/my"),
        ("..%2Fadmin", "/my"),
        ("api", "/my"),
        ("a%0D%0ASet-Cookie%3A%20x", "/my"),
        ("javascript%3Aalert(1)", "/javascript%3Aalert%281%29"),
    ] {
        let away = leave(&house, &format!("?to={to}")).await;
        let mut token = provider.says(&away.nonce, "42");
        token["name"] = json!("Ana");
        token["email"] = json!("ana@example.org");
        let back = away.back(&provider, token).await;
        assert_eq!(location(&back), expected, "for {to}");
        assert_eq!(back.headers.get_all(header::SET_COOKIE).iter().count(), 1);
    }
}

#[tokio::test]
async fn what_the_provider_says_no_to_is_told() {
    let (_, house) = both(|_| {}).await;
    let away = leave(&house, "?to=Weekly").await;
    let asked = away
        .answer(&format!(
            "state={}&error=access_denied&error_description=x",
            away.state
        ))
        .await;
    refused(&asked, "denied");
    assert!(location(&asked).ends_with("&to=Weekly"));
}

#[tokio::test]
async fn only_verified_addresses_of_the_listed_domains_come_in() {
    let (provider, house) = both(|terms| terms.domains = vec!["Example.org".to_owned()]).await;
    for (address, verified) in [
        (json!("ana@example.org"), json!(false)),
        (json!("ana@example.org"), Value::Null),
        (json!("ana@evil.example.org"), json!(true)),
        (json!("ana@example.org.evil.net"), json!(true)),
        (json!("ana@example.org@evil.net"), json!(true)),
        (json!(["ana@example.org"]), json!(true)),
    ] {
        let asked = sign_in(&provider, &house, |token| {
            token["email"] = address.clone();
            token["email_verified"] = verified;
        })
        .await;
        refused(&asked, "refused");
    }
    let asked = sign_in(&provider, &house, |token| token["email_verified"] = json!(true)).await;
    assert_eq!(who(&house, &asked).await["email"], "ana@example.org");
}

#[tokio::test]
async fn a_claim_makes_an_admin_for_as_long_as_it_holds() {
    let admin = Some(("groups".to_owned(), vec!["admins".to_owned()]));
    let (provider, house) = both(|terms| terms.admin = admin).await;
    for (groups, expected) in [
        (json!(["staff", "admins"]), true),
        (json!(["staff"]), false),
        (json!("admins"), true),
        (json!([["admins"]]), false),
    ] {
        let asked = sign_in(&provider, &house, |token| token["groups"] = groups.clone()).await;
        assert_eq!(who(&house, &asked).await["admin"], expected, "for {groups}");
    }
    let log = house.store().read_audit(None, None, 99).await.unwrap();
    let taken = log.iter().filter(|line| line.action == "account.admin_taken");
    assert_eq!(taken.count(), 2);
}

#[tokio::test]
async fn strangers_and_the_disabled_stay_out() {
    let (provider, house) = both(|terms| terms.makes_accounts = false).await;
    refused(&sign_in(&provider, &house, |_| {}).await, "refused");

    let (provider, house) = both(|_| {}).await;
    let asked = sign_in(&provider, &house, |_| {}).await;
    who(&house, &asked).await;
    let mut account = house.store().accounts(None, 9).await.unwrap().remove(0);
    account.disabled = true;
    house.store().change_account(&account).await.unwrap();
    refused(&sign_in(&provider, &house, |_| {}).await, "refused");
}

#[tokio::test]
async fn signing_out_leads_on_to_the_provider_where_the_operator_wants_that() {
    for signs_out in [false, true] {
        let (provider, house) = both(|terms| terms.signs_out = signs_out).await;
        let asked = sign_in(&provider, &house, |_| {}).await;
        let ana = house.with_cookie(&asked);
        let out = ana.send(Method::DELETE, "/api/v1/session", None, None).await;
        let expected = format!(
            "{}/end?client_id=tertulia&post_logout_redirect_uri=https%3A%2F%2Fmeet.example.org%2F",
            provider.origin
        );
        let expected = if signs_out { json!(expected) } else { Value::Null };
        assert_eq!(out.json["continueAt"], expected);
    }
}

#[tokio::test]
async fn without_a_provider_there_is_nowhere_to_go() {
    let house = House::with_people(tertulia_door_web::PeopleSettings::default()).await;
    assert_eq!(house.get("/api/v1/config").await.json["provider"], Value::Null);
    refused(&house.get("/api/v1/provider/sign-in").await, "failed");
    refused(
        &house.get("/api/v1/provider/answer?state=x&code=y").await,
        "failed",
    );
}
