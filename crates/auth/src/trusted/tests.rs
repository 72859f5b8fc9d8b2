use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use proptest::prelude::*;
use serde_json::{Value, json};
use tertulia_model::RoomName;

use super::*;
use crate::{JitsiUser, KeyError, MAX_KEY_SET_BYTES, RoomScope};

const SECRET: &str = "h8Zk3vQpL0mX7cRt2yWn5bJd9fGs4aUe";
const NOW: u64 = 1_790_000_000_000;
const RSA: &[u8] = include_bytes!("testdata/rsa.pem");
const RSA_PUBLIC: &[u8] = include_bytes!("testdata/rsa.pub.pem");
const EC: &[u8] = include_bytes!("testdata/ec.pem");
const EC_PUBLIC: &[u8] = include_bytes!("testdata/ec.pub.pem");
const SHORT_RSA_PUBLIC: &[u8] = include_bytes!("testdata/small.pub.pem");

fn issuer(keys: TrustedKeys) -> TrustedIssuer {
    let list = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
    TrustedIssuer::new(list(&["portal"]), list(&["jitsi", "portal"]), list(&[]), keys)
}

fn by_secret() -> TrustedIssuer {
    issuer(TrustedKeys::from_secret(SECRET).unwrap())
}

fn rsa() -> EncodingKey {
    EncodingKey::from_rsa_pem(RSA).unwrap()
}

fn ec() -> EncodingKey {
    EncodingKey::from_ec_pem(EC).unwrap()
}

fn header(algorithm: Algorithm, key_id: Option<&str>) -> Header {
    Header {
        kid: key_id.map(str::to_owned),
        ..Header::new(algorithm)
    }
}

fn signed(header: &Header, payload: &Value, key: &EncodingKey) -> String {
    jsonwebtoken::encode(header, payload, key).unwrap()
}

/// A token with any header at all, signed with the secret.
fn forged(header: &Value, payload: &str) -> String {
    let message = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header.to_string()),
        URL_SAFE_NO_PAD.encode(payload)
    );
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
    format!("{message}.{signature}")
}

fn payload() -> Value {
    json!({
        "iss": "portal", "aud": "jitsi", "sub": "*", "room": "Weekly", "exp": NOW / 1_000 + 600,
        "context": {"user": {"id": "42", "name": "Ana"}}
    })
}

fn with(field: &str, value: Value) -> Value {
    let mut payload = payload();
    payload[field] = value;
    payload
}

fn check(payload: &Value) -> Result<TrustedGrant, AuthError> {
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    by_secret().verify(&signed(&header(Algorithm::HS256, None), payload, &key), NOW)
}

fn refused(payload: &Value, expected: AuthError) {
    assert_eq!(check(payload), Err(expected), "for {payload:.200}");
}

fn accepted(payload: &Value) -> JitsiGrant {
    match check(payload) {
        Ok(TrustedGrant::Jitsi(grant)) => *grant,
        other => panic!("{other:?} for {payload}"),
    }
}

/// The public halves as an issuer would publish them, under the ids `r` and `e`.
fn key_set() -> Value {
    let mut keys = Vec::new();
    for (id, key, algorithm) in [("r", rsa(), Algorithm::RS256), ("e", ec(), Algorithm::ES256)] {
        let mut jwk =
            serde_json::to_value(jsonwebtoken::jwk::Jwk::from_encoding_key(&key, algorithm).unwrap())
                .unwrap();
        jwk["kid"] = json!(id);
        jwk["use"] = json!("sig");
        keys.push(jwk);
    }
    json!({ "keys": keys })
}

fn published(set: &Value) -> TrustedIssuer {
    issuer(TrustedKeys::from_key_set(set.to_string().as_bytes()).unwrap())
}

#[test]
fn a_person_comes_as_the_application_describes_them() {
    let mut payload = payload();
    payload["sub"] = json!("school");
    payload["iat"] = json!(NOW / 1_000);
    payload["context"] = json!({
        "user": {
            "id": "42", "name": "Ana", "email": "ana@example.org", "avatar": "https://example.org/a.png",
            "moderator": "true", "hidden-from-recorder": false
        },
        "group": "staff",
        "features": {"recording": "false", "screen-sharing": true}
    });
    let grant = accepted(&payload);
    assert_eq!(grant.issuer, "portal");
    assert_eq!((grant.issued_at_ms, grant.expires_at_ms), (NOW, NOW + 600_000));
    let claims = grant.claims;
    assert_eq!(claims.room, RoomScope::One(RoomName::parse("weekly").unwrap()));
    assert_eq!(claims.tenant.as_deref(), Some("school"));
    assert_eq!(
        claims.user,
        JitsiUser {
            id: Some("42".into()),
            name: Some("Ana".into()),
            email: Some("ana@example.org".into()),
            avatar: Some("https://example.org/a.png".into()),
            hidden_from_recorder: false,
        }
    );
    assert_eq!(claims.group.as_deref(), Some("staff"));
    assert_eq!(claims.moderator, Some(true));
    let features = [("recording", false), ("screen-sharing", true)];
    assert_eq!(
        claims.features,
        features
            .map(|(name, on)| (name.to_owned(), on))
            .into_iter()
            .collect::<BTreeMap<_, _>>()
    );
}

#[test]
fn whoever_is_not_said_to_moderate_does_not() {
    for (user, expected) in [
        (json!({}), None),
        (json!({"moderator": true}), Some(true)),
        (json!({"moderator": "false"}), Some(false)),
        (json!({"affiliation": "owner"}), Some(true)),
        (json!({"affiliation": "member"}), Some(false)),
        (json!({"affiliation": "emperor"}), Some(false)),
        (json!({"affiliation": "member", "moderator": true}), Some(true)),
    ] {
        let grant = accepted(&with("context", json!({"user": user})));
        assert_eq!(grant.claims.moderator, expected, "for {user}");
    }
    assert_eq!(
        accepted(&with("moderator", json!(true))).claims.moderator,
        Some(true)
    );
    for odd in [json!(1), json!("yes"), json!([true]), json!({})] {
        refused(&with("moderator", odd), AuthError::Malformed);
    }
}

#[test]
fn pictures_come_over_https_or_not_at_all() {
    for (address, kept) in [
        ("https://example.org/a.png", true),
        ("http://example.org/a.png", false),
        ("javascript:alert(1)", false),
        ("data:text/html,x", false),
    ] {
        let grant = accepted(&with("context", json!({"user": {"avatar": address}})));
        assert_eq!(grant.claims.user.avatar.is_some(), kept, "for {address}");
    }
}

#[test]
fn livekits_form_is_read_from_a_trusted_issuer_too() {
    let payload = json!({
        "iss": "portal", "aud": "jitsi", "sub": "ana", "exp": NOW / 1_000 + 600,
        "video": {"roomJoin": true, "room": "Weekly"}, "tertulia": {"role": "owner", "entrance": "straight"}
    });
    let Ok(TrustedGrant::LiveKit(grant)) = check(&payload) else {
        panic!("not in LiveKit's form");
    };
    assert_eq!(grant.claims.identity.unwrap().as_str(), "ana");
    assert_eq!(
        grant.claims.own,
        crate::OwnClaims::default(),
        "what is ours to say is not theirs"
    );
    let both = json!({
        "iss": "portal", "aud": "jitsi", "exp": NOW / 1_000 + 600, "room": "a", "video": {"roomJoin": true, "room": "b"}
    });
    refused(&both, AuthError::Malformed);
}

/// J1.
#[test]
fn j1_the_key_decides_the_algorithm() {
    for alg in ["none", "None", "NONE", "nOnE", "", "hs256"] {
        let unsigned = format!(
            "{}.{}.",
            URL_SAFE_NO_PAD.encode(json!({"alg": alg, "typ": "JWT"}).to_string()),
            URL_SAFE_NO_PAD.encode(payload().to_string())
        );
        assert_eq!(
            by_secret().verify(&unsigned, NOW),
            Err(AuthError::Algorithm),
            "for {alg:?}"
        );
    }
    for alg in ["HS384", "HS512", "RS256", "PS256", "ES256", "EdDSA"] {
        let token = forged(&json!({"alg": alg, "typ": "JWT"}), &payload().to_string());
        assert_eq!(
            by_secret().verify(&token, NOW),
            Err(AuthError::Algorithm),
            "for {alg}"
        );
    }
    let token = forged(&json!({"typ": "JWT"}), &payload().to_string());
    assert_eq!(by_secret().verify(&token, NOW), Err(AuthError::Algorithm));
}

/// J2.
#[test]
fn j2_a_public_key_is_no_secret() {
    let set = key_set().to_string();
    let public: [&[u8]; 3] = [RSA_PUBLIC, EC_PUBLIC, set.as_bytes()];
    for secret in public {
        let token = signed(
            &header(Algorithm::HS256, None),
            &payload(),
            &EncodingKey::from_secret(secret),
        );
        let by_pem = issuer(TrustedKeys::from_pem(RSA_PUBLIC).unwrap());
        assert_eq!(by_pem.verify(&token, NOW), Err(AuthError::Algorithm));
        assert_eq!(
            published(&key_set()).verify(&token, NOW),
            Err(AuthError::Algorithm)
        );
        // Even beside a real secret.
        let mixed = issuer(
            TrustedKeys::from_pem(RSA_PUBLIC)
                .unwrap()
                .and(TrustedKeys::from_secret(SECRET).unwrap()),
        );
        assert_eq!(mixed.verify(&token, NOW), Err(AuthError::Signature));
    }
}

/// J3.
#[test]
fn j3_a_header_brings_no_key() {
    for (field, value) in [
        ("jku", json!("https://attacker.example/keys")),
        ("x5u", json!("https://attacker.example/cert")),
        ("x5c", json!(["AAAA"])),
        ("crit", json!(["exp"])),
        ("zip", json!("DEF")),
        ("jwk", json!({"kty": "oct", "k": "c2VjcmV0"})),
        ("b64", json!(false)),
        ("kid", json!("x".repeat(257))),
    ] {
        let mut header = json!({"alg": "HS256", "typ": "JWT"});
        header[field] = value;
        assert_eq!(
            by_secret().verify(&forged(&header, &payload().to_string()), NOW),
            Err(AuthError::Header),
            "for {field}"
        );
    }
    for id in ["../../etc/passwd", "' OR 1=1 --", "http://169.254.169.254/", ""] {
        let token = signed(&header(Algorithm::RS256, Some(id)), &payload(), &rsa());
        assert_eq!(
            published(&key_set()).verify(&token, NOW),
            Err(AuthError::UnknownKey),
            "for {id:?}"
        );
    }
    let endless = json!({"alg": "HS256", "kid": "x".repeat(1_000_000)});
    assert_eq!(
        by_secret().verify(&forged(&endless, &payload().to_string()), NOW),
        Err(AuthError::TooLong)
    );
}

/// J4.
#[test]
fn j4_issuer_audience_and_tenant_are_exact() {
    for name in [
        json!(null),
        json!(""),
        json!("PORTAL"),
        json!("portal "),
        json!("other"),
    ] {
        refused(&with("iss", name), AuthError::UnknownIssuer);
    }
    for name in [json!(null), json!(""), json!("JITSI"), json!("elsewhere")] {
        refused(&with("aud", name), AuthError::Audience);
    }
    for odd in [json!(["portal"]), json!({"portal": 1}), json!(1)] {
        refused(&with("iss", odd.clone()), AuthError::Malformed);
        refused(&with("aud", odd), AuthError::Malformed);
    }
    accepted(&with("sub", json!("anywhere")));
    let tenants = TrustedIssuer::new(
        vec!["portal".into()],
        vec!["jitsi".into()],
        vec!["school".into()],
        TrustedKeys::from_secret(SECRET).unwrap(),
    );
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    for (tenant, taken) in [("school", true), ("other", false), ("*", false), ("", false)] {
        let token = signed(&header(Algorithm::HS256, None), &with("sub", json!(tenant)), &key);
        assert_eq!(tenants.verify(&token, NOW).is_ok(), taken, "for {tenant:?}");
    }
}

/// J5.
#[test]
fn j5_dates_are_required_and_sane() {
    let at = |offset: i64| json!((NOW / 1_000) as i64 + offset);
    refused(&with("exp", json!(null)), AuthError::Claim("exp"));
    refused(&with("exp", at(-61)), AuthError::Expired);
    accepted(&with("exp", at(-60)));
    refused(&with("nbf", at(61)), AuthError::NotYetValid);
    accepted(&with("nbf", at(60)));
    for odd in [
        json!("1790000600"),
        json!(-1),
        json!(1e300),
        json!([]),
        json!(true),
    ] {
        refused(&with("exp", odd), AuthError::Malformed);
    }
    let huge = payload()
        .to_string()
        .replace(&(NOW / 1_000 + 600).to_string(), "1e400");
    let token = forged(&json!({"alg": "HS256", "typ": "JWT"}), &huge);
    assert_eq!(by_secret().verify(&token, NOW), Err(AuthError::Malformed));
}

/// J6 and J7.
#[test]
fn j6_j7_a_token_opens_its_room_and_a_star_alone_means_all() {
    let other = RoomName::parse("other").unwrap();
    let weekly = RoomName::parse("WEEKLY").unwrap();
    let scope = |room: &str| accepted(&with("room", json!(room))).claims.room;
    assert!(scope("*").covers(&other));
    assert!(scope(" weekly ").covers(&weekly) && !scope("weekly").covers(&other));
    for pattern in ["**", "w*", "w.*y", "[a-z]+", "%"] {
        assert!(!scope(pattern).covers(&weekly), "for {pattern}");
    }
    // Cyrillic letters that look Latin are other letters.
    assert!(!scope("w\u{435}\u{435}kly").covers(&weekly));
    for name in ["", "a/b", "weekly.", ".*", "a\u{202e}b", &"x".repeat(129)] {
        refused(&with("room", json!(name)), AuthError::Claim("room"));
    }
    refused(&with("room", json!(null)), AuthError::Claim("room"));
    refused(&with("room", json!(["weekly"])), AuthError::Malformed);
}

#[test]
fn texts_and_features_are_bounded() {
    let long = "x".repeat(257);
    let user = |user: Value| with("context", json!({"user": user}));
    refused(&user(json!({"id": long})), AuthError::Claim("context.user.id"));
    refused(
        &user(json!({"name": long})),
        AuthError::Claim("context.user.name"),
    );
    refused(
        &user(json!({"name": "a\nb"})),
        AuthError::Claim("context.user.name"),
    );
    refused(
        &user(json!({"email": long})),
        AuthError::Claim("context.user.email"),
    );
    assert_eq!(
        accepted(&user(json!({"id": 7}))).claims.user.id.as_deref(),
        Some("7")
    );
    let many: BTreeMap<String, bool> = (0..65).map(|n| (n.to_string(), true)).collect();
    refused(&with("context", json!({"features": many})), AuthError::Malformed);
    refused(
        &with("context", json!({"features": {"recording": 1}})),
        AuthError::Malformed,
    );
    let twice = payload()
        .to_string()
        .replace(r#""room":"Weekly""#, r#""room":"a","room":"b""#);
    let token = forged(&json!({"alg": "HS256"}), &twice);
    assert_eq!(by_secret().verify(&token, NOW), Err(AuthError::Malformed));
    let deep = payload().to_string().replace(
        r#""name":"Ana""#,
        &format!(r#""name":{}{}"#, "[".repeat(5_000), "]".repeat(5_000)),
    );
    let token = forged(&json!({"alg": "HS256"}), &deep);
    assert_eq!(by_secret().verify(&token, NOW), Err(AuthError::Malformed));
}

#[test]
fn public_keys_verify_what_their_private_halves_signed() {
    let rsa_token = signed(&header(Algorithm::RS256, None), &payload(), &rsa());
    let ec_token = signed(&header(Algorithm::ES256, None), &payload(), &ec());
    let by_rsa = issuer(TrustedKeys::from_pem(RSA_PUBLIC).unwrap());
    let by_ec = issuer(TrustedKeys::from_pem(EC_PUBLIC).unwrap());
    assert!(by_rsa.verify(&rsa_token, NOW).is_ok());
    assert!(by_ec.verify(&ec_token, NOW).is_ok());
    assert_eq!(by_rsa.verify(&ec_token, NOW), Err(AuthError::Algorithm));
    assert_eq!(by_ec.verify(&rsa_token, NOW), Err(AuthError::Algorithm));
    assert_eq!(by_secret().verify(&rsa_token, NOW), Err(AuthError::Algorithm));
    let changed = signed(
        &header(Algorithm::RS256, None),
        &with("room", json!("other")),
        &rsa(),
    );
    let (body, _) = changed.rsplit_once('.').unwrap();
    let (_, signature) = rsa_token.rsplit_once('.').unwrap();
    assert_eq!(
        by_rsa.verify(&format!("{body}.{signature}"), NOW),
        Err(AuthError::Signature)
    );
}

#[test]
fn a_key_set_is_searched_by_key_id() {
    let set = published(&key_set());
    for (id, key, algorithm) in [
        (Some("r"), rsa(), Algorithm::RS256),
        (None, rsa(), Algorithm::RS256),
        (Some("e"), ec(), Algorithm::ES256),
    ] {
        assert!(
            set.verify(&signed(&header(algorithm, id), &payload(), &key), NOW)
                .is_ok(),
            "for {id:?}"
        );
    }
    let rotated = signed(&header(Algorithm::RS256, Some("next")), &payload(), &rsa());
    assert_eq!(set.verify(&rotated, NOW), Err(AuthError::UnknownKey));
    let crossed = signed(&header(Algorithm::RS256, Some("e")), &payload(), &rsa());
    assert_eq!(set.verify(&crossed, NOW), Err(AuthError::UnknownKey));
}

/// J13, as far as it is decided without a network.
#[test]
fn j13_key_sets_are_bounded_and_keep_public_signature_keys_only() {
    let read = |set: &Value| TrustedKeys::from_key_set(set.to_string().as_bytes());
    let first = key_set()["keys"][0].clone();
    let altered = |field: &str, value: Value| {
        let mut key = first.clone();
        key[field] = value;
        json!({"keys": [key]})
    };
    assert!(read(&json!({"keys": [first.clone(), {"kty": "unheard of"}, 7]})).is_ok());
    for set in [
        json!({"keys": []}),
        altered("use", json!("enc")),
        altered("alg", json!("PS256")),
        altered("n", json!("AQAB")),
        altered("n", json!("not base64 !")),
        json!({"keys": [{"kty": "oct", "k": "c2VjcmV0", "alg": "HS256"}]}),
    ] {
        assert_eq!(read(&set).err(), Some(KeyError::None), "for {set:.80}");
    }
    let many = json!({"keys": vec![first.clone(); 65]});
    for set in [json!([]), json!({}), many] {
        assert_eq!(read(&set).err(), Some(KeyError::KeySet), "for {set:.80}");
    }
    let endless = vec![b' '; MAX_KEY_SET_BYTES + 1];
    assert_eq!(TrustedKeys::from_key_set(&endless).err(), Some(KeyError::KeySet));
    assert_eq!(TrustedKeys::from_pem(b"-----BEGIN").err(), Some(KeyError::Pem));
    assert_eq!(
        TrustedKeys::from_pem(RSA).err(),
        Some(KeyError::Pem),
        "a private key is not for here"
    );
    assert_eq!(TrustedKeys::from_pem(SHORT_RSA_PUBLIC).err(), Some(KeyError::Pem));
}

#[test]
fn keys_show_nothing() {
    let shown = format!("{:?}", TrustedKeys::from_secret("hush-hush-hush").unwrap());
    assert!(!shown.contains("hush"), "{shown}");
}

proptest! {
    #[test]
    fn arbitrary_claims_never_panic(text in "\\PC{0,300}") {
        let token = forged(&json!({"alg": "HS256", "typ": "JWT"}), &text);
        prop_assert!(by_secret().verify(&token, NOW).is_err());
        prop_assert!(by_secret().verify(&text, NOW).is_err());
    }
}
