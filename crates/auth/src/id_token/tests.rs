use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;

use super::*;

const NOW: u64 = 1_790_000_000_000;
const RSA: &[u8] = include_bytes!("../trusted/testdata/rsa.pem");
const RSA_PUBLIC: &[u8] = include_bytes!("../trusted/testdata/rsa.pub.pem");
const EC: &[u8] = include_bytes!("../trusted/testdata/ec.pem");
const EC_PUBLIC: &[u8] = include_bytes!("../trusted/testdata/ec.pub.pem");

fn keys() -> TrustedKeys {
    let rsa = TrustedKeys::from_pem(RSA_PUBLIC).unwrap();
    rsa.and(TrustedKeys::from_pem(EC_PUBLIC).unwrap())
}

fn payload() -> Value {
    json!({
        "iss": "https://id.example.org", "aud": "tertulia", "sub": "42", "nonce": "n-1",
        "iat": NOW / 1_000, "exp": NOW / 1_000 + 300,
        "name": "Ana", "email": "ana@example.org", "email_verified": true,
        "groups": ["staff", "admins"], "realm_access": {"roles": ["host"]}, "a.b": "c"
    })
}

fn with(field: &str, value: Value) -> Value {
    let mut payload = payload();
    payload[field] = value;
    payload
}

fn check(token: &str) -> Result<IdClaims, AuthError> {
    let terms = IdTokenTerms {
        issuer: "https://id.example.org",
        client: "tertulia",
        nonce: "n-1",
    };
    keys().verify_id_token(token, terms, NOW)
}

fn signed(algorithm: Algorithm, payload: &Value) -> String {
    let key = match algorithm {
        Algorithm::RS256 => EncodingKey::from_rsa_pem(RSA).unwrap(),
        Algorithm::ES256 => EncodingKey::from_ec_pem(EC).unwrap(),
        // What somebody has who knows the public key alone.
        _ => EncodingKey::from_secret(RSA_PUBLIC),
    };
    jsonwebtoken::encode(&Header::new(algorithm), payload, &key).unwrap()
}

#[test]
fn both_algorithms_say_who_it_is() {
    for algorithm in [Algorithm::RS256, Algorithm::ES256] {
        let claims = check(&signed(algorithm, &payload())).unwrap();
        assert_eq!(claims.subject(), "42");
        assert_eq!(claims.text("name"), Some("Ana"));
        assert!(claims.is("email_verified") && !claims.is("phone_number_verified"));
        assert!(claims.holds("groups", "admins") && !claims.holds("groups", "adm"));
        assert!(claims.holds("realm_access.roles", "host") && !claims.holds("realm_access", "host"));
        assert!(claims.holds("a.b", "c") && !claims.has("a"));
        assert_eq!(format!("{claims:?}"), "<redacted>");
    }
}

#[test]
fn j1_j2_unsigned_and_wrongly_signed_tokens_are_refused() {
    let body = URL_SAFE_NO_PAD.encode(payload().to_string());
    for algorithm in ["none", "None", "NONE", "nOnE", ""] {
        let header = URL_SAFE_NO_PAD.encode(json!({"alg": algorithm, "typ": "JWT"}).to_string());
        for signature in ["", "AAAA"] {
            let token = format!("{header}.{body}.{signature}");
            assert_eq!(check(&token), Err(AuthError::Algorithm), "for {algorithm}");
        }
    }
    let by_public_key = signed(Algorithm::HS256, &payload());
    assert_eq!(check(&by_public_key), Err(AuthError::Algorithm));
    let (rest, _) = by_public_key.rsplit_once('.').unwrap();
    assert!(check(rest).is_err());

    let token = signed(Algorithm::RS256, &payload());
    let (start, signature) = token.rsplit_once('.').unwrap();
    let (header, _) = start.split_once('.').unwrap();
    let other = URL_SAFE_NO_PAD.encode(with("sub", json!("1")).to_string());
    assert_eq!(
        check(&format!("{header}.{other}.{signature}")),
        Err(AuthError::Signature)
    );
}

#[test]
fn j12_what_was_given_to_another_or_for_another_time_is_refused() {
    let cases = [
        ("iss", json!("https://id.example.org/"), AuthError::UnknownIssuer),
        ("iss", json!("https://evil.example.org"), AuthError::UnknownIssuer),
        ("iss", Value::Null, AuthError::UnknownIssuer),
        ("aud", json!("another"), AuthError::Audience),
        ("aud", json!(["tertulia", "another"]), AuthError::Audience),
        ("aud", json!([]), AuthError::Audience),
        ("aud", Value::Null, AuthError::Audience),
        ("azp", json!("another"), AuthError::Audience),
        ("nonce", json!("n-2"), AuthError::Claim("nonce")),
        ("nonce", Value::Null, AuthError::Claim("nonce")),
        ("exp", json!(NOW / 1_000 - 61), AuthError::Expired),
        ("exp", Value::Null, AuthError::Claim("exp")),
        ("exp", json!("2100-01-01"), AuthError::Malformed),
        ("nbf", json!(NOW / 1_000 + 61), AuthError::NotYetValid),
        ("iat", Value::Null, AuthError::Claim("iat")),
        ("sub", json!(""), AuthError::Claim("sub")),
        ("sub", json!("x".repeat(256)), AuthError::Claim("sub")),
        ("sub", json!(42), AuthError::Malformed),
    ];
    for (field, value, expected) in cases {
        let token = signed(Algorithm::RS256, &with(field, value.clone()));
        assert_eq!(check(&token), Err(expected), "for {field} {value:.50}");
    }
}

#[test]
fn an_audience_of_several_needs_the_party_that_asked() {
    let mut payload = with("aud", json!(["tertulia", "another"]));
    payload["azp"] = json!("tertulia");
    assert!(check(&signed(Algorithm::ES256, &payload)).is_ok());
    assert!(check(&signed(Algorithm::ES256, &with("aud", json!(["tertulia"])))).is_ok());
}

#[test]
fn user_information_adds_to_the_token_and_speaks_of_the_same_person() {
    let claims = check(&signed(Algorithm::RS256, &payload())).unwrap();
    let more = json!({"sub": "42", "name": "Another", "preferred_username": "ana"}).to_string();
    let both = claims.clone().and(more.as_bytes()).unwrap();
    assert_eq!(both.text("name"), Some("Ana"));
    assert_eq!(both.text("preferred_username"), Some("ana"));
    for (text, expected) in [
        (r#"{"sub": "43"}"#, AuthError::Claim("sub")),
        (r#"{"name": "x"}"#, AuthError::Claim("sub")),
        ("[]", AuthError::Malformed),
        ("", AuthError::Malformed),
    ] {
        assert_eq!(claims.clone().and(text.as_bytes()), Err(expected), "for {text}");
    }
}
