use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use serde_json::{Value, json};
use tertulia_model::{Entrance, Identity, Role, RoomName, Source};

use super::*;
use crate::{ClaimedKind, OwnClaims, RoomConfig, SipGrant, VideoGrant};

const SECRET: &str = "h8Zk3vQpL0mX7cRt2yWn5bJd9fGs4aUe";
const NOW: u64 = 1_790_000_000_000;

fn keys() -> ApiKeys {
    ApiKeys::new(vec![
        ApiKey::new("first", SECRET).unwrap(),
        ApiKey::new("second", "another").unwrap(),
    ])
    .unwrap()
}

fn encode(header: &Value, payload: &str) -> String {
    format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header.to_string()),
        URL_SAFE_NO_PAD.encode(payload)
    )
}

/// Signs any header and payload with HMAC-SHA-256, as an attacker who knows `secret` would.
fn forge(header: &Value, payload: &Value, secret: &str) -> String {
    forge_text(header, &payload.to_string(), secret)
}

fn forge_text(header: &Value, payload: &str, secret: &str) -> String {
    let message = encode(header, payload);
    let key = jsonwebtoken::EncodingKey::from_secret(secret.as_bytes());
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
    format!("{message}.{signature}")
}

fn hs256() -> Value {
    json!({"alg": "HS256", "typ": "JWT"})
}

fn payload() -> Value {
    json!({"iss": "first", "sub": "ana", "exp": NOW / 1_000 + 600, "video": {"roomJoin": true, "room": "Weekly"}})
}

fn with(field: &str, value: Value) -> Value {
    let mut payload = payload();
    payload[field] = value;
    payload
}

fn check_header(header: Value, expected: AuthError) {
    let token = forge(&header, &payload(), SECRET);
    assert_eq!(keys().verify(&token, NOW), Err(expected), "for {header}");
}

fn check_payload(payload: Value, expected: AuthError) {
    let token = forge(&hs256(), &payload, SECRET);
    assert_eq!(keys().verify(&token, NOW), Err(expected), "for {payload}");
}

fn check_accepted(payload: Value) -> Grant {
    keys().verify(&forge(&hs256(), &payload, SECRET), NOW).unwrap()
}

fn full_claims() -> Claims {
    Claims {
        identity: Identity::parse("ana").ok(),
        name: "Ana".into(),
        kind: ClaimedKind::Agent,
        kind_details: vec!["cloud_agent".into()],
        metadata: "{}".into(),
        attributes: BTreeMap::from([("a".into(), "b".into())]),
        sha256: Some("abc=".into()),
        room_config: Some(RoomConfig {
            name: "big".into(),
            empty_timeout_s: 1,
            departure_timeout_s: 2,
            max_participants: 3,
            metadata: "m".into(),
            min_playout_delay_ms: 4,
            max_playout_delay_ms: 5,
            sync_streams: true,
            tags: BTreeMap::from([("k".into(), "v".into())]),
        }),
        room_preset: "preset".into(),
        video: VideoGrant {
            room_create: true,
            room_list: true,
            room_record: true,
            room_admin: true,
            room_join: true,
            room: RoomName::parse("Weekly").ok(),
            can_publish: Some(false),
            can_subscribe: Some(true),
            can_publish_data: Some(false),
            can_publish_sources: vec![Source::Camera, Source::ScreenShareAudio],
            can_update_own_metadata: Some(true),
            ingress_admin: true,
            hidden: true,
            recorder: true,
            agent: true,
            can_subscribe_metrics: Some(true),
            can_manage_agent_session: Some(false),
            destination_room: RoomName::parse("Other").ok(),
        },
        sip: SipGrant {
            admin: true,
            call: false,
        },
        own: OwnClaims {
            guest: true,
            account: Some("AC_1".into()),
            role: Some(Role::Presenter),
            opens: Some(false),
            entrance: Entrance::Straight,
            parent: RoomName::parse("Plaza").ok(),
            invitation: Some("IN_1".into()),
            features: BTreeMap::from([("recording".into(), false)]),
        },
    }
}

#[test]
fn signed_claims_come_back_whole() {
    for claims in [Claims::default(), full_claims()] {
        let validity = Validity {
            issued_at_ms: NOW,
            expires_at_ms: NOW + 60_000,
        };
        let grant = keys()
            .verify(&keys().sign(&claims, validity).unwrap(), NOW)
            .unwrap();
        assert_eq!(grant.claims, claims);
        assert_eq!((grant.issued_at_ms, grant.expires_at_ms), (NOW, NOW + 60_000));
        assert_eq!(grant.key_id, "first");
    }
}

#[test]
fn every_key_is_accepted_under_its_own_name_only() {
    let second = forge(&hs256(), &with("iss", json!("second")), "another");
    assert_eq!(keys().verify(&second, NOW).unwrap().key_id, "second");
    let crossed = forge(&hs256(), &with("iss", json!("second")), SECRET);
    assert_eq!(keys().verify(&crossed, NOW), Err(AuthError::Signature));
}

#[test]
fn absent_rights_mean_what_server_sdks_expect() {
    let video = check_accepted(payload()).claims.video;
    assert!(video.can_publish() && video.can_subscribe() && video.can_publish_data());
    assert!(!video.can_update_own_metadata() && !video.can_subscribe_metrics());
    let silent = check_accepted(with("video", json!({"canPublish": false})))
        .claims
        .video;
    assert!(!silent.can_publish() && !silent.can_publish_data());
}

#[test]
fn null_counts_as_absent_and_unknown_claims_are_skipped() {
    let payload = json!({
        "iss": "first", "exp": NOW / 1_000 + 600, "name": null, "attributes": null, "video": {"room": "", "canPublish": null},
        "inference": {"perform": true}, "jti": "x"
    });
    let claims = check_accepted(payload).claims;
    assert_eq!(claims, Claims::default());
}

#[test]
fn the_algorithm_is_hs256_and_nothing_else() {
    for alg in ["none", "None", "NONE", "nOnE", "", "HS257", "hs256"] {
        check_header(json!({"alg": alg, "typ": "JWT"}), AuthError::Algorithm);
    }
    for alg in ["HS384", "HS512", "RS256", "PS256", "ES256", "EdDSA"] {
        check_header(json!({"alg": alg, "typ": "JWT"}), AuthError::Algorithm);
    }
    check_header(json!({"typ": "JWT"}), AuthError::Algorithm);
    let unsigned = format!("{}.", encode(&json!({"alg": "none"}), &payload().to_string()));
    assert_eq!(keys().verify(&unsigned, NOW), Err(AuthError::Algorithm));
    let stripped = format!("{}.", encode(&hs256(), &payload().to_string()));
    assert_eq!(keys().verify(&stripped, NOW), Err(AuthError::Signature));
}

#[test]
fn a_public_key_is_no_secret() {
    let pem = "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A\n-----END PUBLIC KEY-----\n";
    let token = forge(&hs256(), &payload(), pem);
    assert_eq!(keys().verify(&token, NOW), Err(AuthError::Signature));
    check_header(json!({"alg": "RS256", "typ": "JWT"}), AuthError::Algorithm);
}

#[test]
fn a_header_cannot_choose_the_key() {
    for (field, value) in [
        ("kid", json!("../../etc/passwd")),
        ("kid", json!("' OR 1=1 --")),
        ("kid", json!("http://169.254.169.254/")),
        ("jku", json!("https://attacker.example/keys")),
        ("x5u", json!("https://attacker.example/cert")),
        ("x5c", json!(["AAAA"])),
        ("crit", json!(["exp"])),
        ("zip", json!("DEF")),
        ("jwk", json!({"kty": "oct", "k": "c2VjcmV0"})),
        ("b64", json!(false)),
    ] {
        let mut header = hs256();
        header[field] = value;
        check_header(header, AuthError::Header);
    }
    let mut header = hs256();
    header["kid"] = json!("x".repeat(1_000_000));
    check_header(header, AuthError::TooLong);
}

#[test]
fn issuer_and_audience_are_exact() {
    for issuer in [
        json!(null),
        json!(""),
        json!("third"),
        json!("FIRST"),
        json!("first "),
    ] {
        check_payload(with("iss", issuer), AuthError::UnknownIssuer);
    }
    for issuer in [json!(["first"]), json!({"first": 1}), json!(1)] {
        check_payload(with("iss", issuer), AuthError::Malformed);
    }
    for audience in [json!("elsewhere"), json!(["first"]), json!([])] {
        check_payload(with("aud", audience), AuthError::Audience);
    }
}

#[test]
fn dates_are_required_and_sane() {
    let mut endless = payload();
    endless.as_object_mut().unwrap().remove("exp");
    check_payload(endless, AuthError::Claim("exp"));
    check_payload(with("exp", json!(null)), AuthError::Claim("exp"));
    for exp in [
        json!("1790000600"),
        json!(-1),
        json!(1e300),
        json!([]),
        json!(true),
    ] {
        check_payload(with("exp", exp), AuthError::Malformed);
    }
    let huge = payload()
        .to_string()
        .replace(&(NOW / 1_000 + 600).to_string(), "1e400");
    assert_eq!(
        keys().verify(&forge_text(&hs256(), &huge, SECRET), NOW),
        Err(AuthError::Malformed)
    );
    assert_eq!(
        check_accepted(with("exp", json!(NOW as f64 / 1_000.0 + 0.5))).expires_at_ms,
        NOW
    );
}

#[test]
fn clocks_may_differ_by_a_minute() {
    let at = |offset: i64| json!((NOW / 1_000) as i64 + offset);
    check_accepted(with("exp", at(-60)));
    check_payload(with("exp", at(-61)), AuthError::Expired);
    check_accepted(with("nbf", at(60)));
    check_payload(with("nbf", at(61)), AuthError::NotYetValid);
}

#[test]
fn grace_is_for_expiry_alone() {
    let token = forge(&hs256(), &with("exp", json!(NOW / 1_000 - 3_600)), SECRET);
    assert_eq!(keys().verify(&token, NOW), Err(AuthError::Expired));
    assert!(
        keys()
            .verify_lately_expired(&token, NOW, Duration::from_secs(3_600))
            .is_ok()
    );
    assert_eq!(
        keys().verify_lately_expired(&token, NOW, Duration::from_secs(3_000)),
        Err(AuthError::Expired)
    );
    let forged = forge(&hs256(), &payload(), "guess");
    assert_eq!(
        keys().verify_lately_expired(&forged, NOW, Duration::MAX),
        Err(AuthError::Signature)
    );
}

#[test]
fn names_are_canonical_or_refused() {
    let room = |name: &str| with("video", json!({"roomJoin": true, "room": name}));
    assert_eq!(
        check_accepted(room(" WEEKLY ")).claims.video.room,
        RoomName::parse("weekly").ok()
    );
    for name in ["a/b", ".", "a\u{202e}b", &"x".repeat(129)] {
        check_payload(room(name), AuthError::Claim("video.room"));
    }
    // A star is a name like any other, not a pattern.
    assert_ne!(
        check_accepted(room("*")).claims.video.room,
        RoomName::parse("weekly").ok()
    );
    check_payload(with("sub", json!("x".repeat(257))), AuthError::Claim("sub"));
    check_payload(with("kind", json!("emperor")), AuthError::Claim("kind"));
    check_payload(
        with("video", json!({"canPublishSources": ["telepathy"]})),
        AuthError::Claim("video.canPublishSources"),
    );
}

#[test]
fn a_key_given_twice_is_refused() {
    let exp = NOW / 1_000 + 600;
    for text in [
        format!(r#"{{"iss":"first","exp":{exp},"sub":"ana","sub":"bea"}}"#),
        format!(r#"{{"iss":"first","exp":{exp},"video":{{"room":"a","room":"b"}}}}"#),
        format!(r#"{{"iss":"first","exp":{exp},"attributes":{{"a":"1","a":"2"}}}}"#),
        format!(
            r#"{{"iss":"first","exp":{exp},"video":{}1{}}}"#,
            "[".repeat(5_000),
            "]".repeat(5_000)
        ),
    ] {
        assert_eq!(
            keys().verify(&forge_text(&hs256(), &text, SECRET), NOW),
            Err(AuthError::Malformed),
            "for {text:.80}"
        );
    }
}

#[test]
fn storage_credentials_never_travel_in_a_token() {
    let config = |egress: Value| with("roomConfig", json!({"maxParticipants": 4, "egress": egress}));
    for egress in [
        json!({"room": {"fileOutputs": [{"s3": {"accessKey": "a", "secret": "b"}}]}}),
        json!({"tracks": {"gcp": {"credentials": "{}"}}}),
        json!({"participant": {"segmentOutputs": [{"azure": {"accountKey": "k"}}]}}),
        json!({"room": {"streamOutputs": [{"urls": ["rtmp://a/b"]}]}}),
    ] {
        check_payload(config(egress), AuthError::StorageCredentials);
    }
    let harmless = check_accepted(config(
        json!({"room": {"fileOutputs": [{"filepath": "a.mp4", "s3": {"secret": ""}}]}}),
    ));
    assert_eq!(harmless.claims.room_config.unwrap().max_participants, 4);
}

#[test]
fn both_spellings_of_a_room_configuration_are_read() {
    for config in [
        json!({"emptyTimeout": 7, "syncStreams": true}),
        json!({"empty_timeout": 7, "sync_streams": true}),
    ] {
        let config = check_accepted(with("roomConfig", config))
            .claims
            .room_config
            .unwrap();
        assert_eq!((config.empty_timeout_s, config.sync_streams), (7, true));
    }
}

proptest! {
    #[test]
    fn arbitrary_text_is_refused_without_a_panic(text in "\\PC{0,200}") {
        prop_assert!(keys().verify(&text, NOW).is_err());
    }

    #[test]
    fn a_changed_byte_is_noticed(position in 0usize..200, byte in any::<u8>()) {
        let mut token = forge(&hs256(), &payload(), SECRET).into_bytes();
        let position = position % token.len();
        prop_assume!(token[position] != byte);
        token[position] = byte;
        if let Ok(text) = String::from_utf8(token) {
            prop_assert!(keys().verify(&text, NOW).is_err());
        }
    }
}
