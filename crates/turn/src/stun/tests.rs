use std::net::SocketAddr;

use proptest::prelude::*;

use super::*;

/// RFC 5769 §2.1.
const REQUEST: &str = "000100582112a442b7e7a701bc34d686fa87dfae\
    802200105354554e207465737420636c69656e74\
    002400046e0001ff80290008932ff9b151263b36\
    000600096576746a3a68367659202020\
    000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2\
    80280004e57a3bcf";

/// RFC 5769 §2.2.
const IPV4_RESPONSE: &str = "0101003c2112a442b7e7a701bc34d686fa87dfae\
    8022000b7465737420766563746f7220\
    002000080001a147e112a643\
    000800142b91f599fd9e90c38c7489f92af9ba53f06be7d7\
    80280004c07d4c96";

/// RFC 5769 §2.3.
const IPV6_RESPONSE: &str = "010100482112a442b7e7a701bc34d686fa87dfae\
    8022000b7465737420766563746f7220\
    002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9\
    00080014a382954e4be67bf11784c97c8292c275bfe3ed41\
    80280004c8fb0b4c";

/// RFC 5769 §2.4.
const LONG_TERM_REQUEST: &str = "000100602112a44278ad3433c6ad72c029da412e\
    00060012e3839ee38388e383aae38383e382afe382b90000\
    0015001c662f2f3439396b39353464364f4c33346f4c394653547679363473410014000b\
    6578616d706c652e6f726700\
    00080014f67024656dd64a3e02b8e0712e85c9a28ca89666";

/// RFC 8489 appendix B.1, with erratum 6268.
const SHA256_REQUEST: &str = "000100902112a44278ad3433c6ad72c029da412e\
    001e00204a3cf38fef6992bda952c6780417da0f24819415569e60b205c46e41407f1704\
    001500296f624d61744a6f7332414141\
    43662f2f3439396b39353464364f4c33346f4c39465354767936347341000000\
    0014000b6578616d706c652e6f726700\
    001d000400020000\
    001c0020b5c7bf005b6c52a21c51c5e892f819241362\
    96cb927c43149309278cc6518e65";

const PASSWORD: &str = "VOkJxbRl1RmTxUk/WvJxBt";

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |c: u8| char::from(c).to_digit(16).unwrap() as u8;
    hex.as_bytes()
        .chunks(2)
        .map(|pair| digit(pair[0]) << 4 | digit(pair[1]))
        .collect()
}

fn transaction(hex: &str) -> TransactionId {
    TransactionId(bytes(hex).try_into().unwrap())
}

#[test]
fn rfc5769_sample_request() {
    let packet = bytes(REQUEST);
    let message = Message::parse(&packet).unwrap();
    assert_eq!(
        (message.class(), message.method()),
        (Class::Request, Method::BINDING)
    );
    assert_eq!(message.transaction(), transaction("b7e7a701bc34d686fa87dfae"));
    assert_eq!(message.text(AttributeType::USERNAME), Some("evtj:h6vY"));
    assert_eq!(message.text(AttributeType::SOFTWARE), Some("STUN test client"));
    assert!(message.has_fingerprint());
    assert!(message.verify(&Key::short_term(PASSWORD)));
    assert!(!message.verify(&Key::short_term("VOkJxbRl1RmTxUk/WvJxBu")));
}

#[test]
fn rfc5769_sample_responses() {
    for (hex, address) in [
        (IPV4_RESPONSE, "192.0.2.1:32853"),
        (IPV6_RESPONSE, "[2001:db8:1234:5678:11:2233:4455:6677]:32853"),
    ] {
        let packet = bytes(hex);
        let message = Message::parse(&packet).unwrap();
        assert_eq!(
            (message.class(), message.method()),
            (Class::Success, Method::BINDING)
        );
        let value = message.find(AttributeType::XOR_MAPPED_ADDRESS).unwrap();
        let address: SocketAddr = address.parse().unwrap();
        assert_eq!(message.address(value), Some(address));
        assert!(message.has_fingerprint());
        assert!(message.verify(&Key::short_term(PASSWORD)));

        // The same message, written: the RFC pads with a space where we pad with zero, so it is signed anew.
        let mut writer = Writer::new(Class::Success, Method::BINDING, message.transaction());
        writer
            .attribute(AttributeType::SOFTWARE, b"test vector")
            .address(AttributeType::XOR_MAPPED_ADDRESS, address)
            .integrity(IntegrityAlgorithm::Sha1, &Key::short_term(PASSWORD))
            .fingerprint();
        let written = writer.finish();
        let mut unpadded = packet.clone();
        unpadded[35] = 0;
        let signed = packet.len() - 32;
        assert_eq!(written[..signed], unpadded[..signed]);
        assert!(
            Message::parse(&written)
                .unwrap()
                .verify(&Key::short_term(PASSWORD))
        );
    }
}

#[test]
fn rfc5769_sample_request_with_long_term_authentication() {
    let packet = bytes(LONG_TERM_REQUEST);
    let message = Message::parse(&packet).unwrap();
    let username = "マトリックス";
    assert_eq!(message.text(AttributeType::USERNAME), Some(username));
    assert_eq!(message.text(AttributeType::REALM), Some("example.org"));
    assert_eq!(
        message.text(AttributeType::NONCE),
        Some("f//499k954d6OL34oL9FSTvy64sA")
    );
    assert!(!message.has_fingerprint());
    // The RFC's password holds a soft hyphen and such; what SASLprep makes of it is "TheMatrIX".
    let key = Key::long_term(KeyAlgorithm::Md5, username, "example.org", "TheMatrIX");
    assert!(message.verify(&key));

    let mut writer = Writer::new(Class::Request, Method::BINDING, message.transaction());
    writer
        .attribute(AttributeType::USERNAME, username.as_bytes())
        .attribute(AttributeType::NONCE, b"f//499k954d6OL34oL9FSTvy64sA")
        .attribute(AttributeType::REALM, b"example.org")
        .integrity(IntegrityAlgorithm::Sha1, &key);
    assert_eq!(writer.finish(), packet);
}

#[test]
fn rfc8489_sample_request_with_sha256() {
    let packet = bytes(SHA256_REQUEST);
    let message = Message::parse(&packet).unwrap();
    assert_eq!(message.integrity(), Some(IntegrityAlgorithm::Sha256));
    let key = Key::long_term(KeyAlgorithm::Sha256, "マトリックス", "example.org", "TheMatrIX");
    assert!(message.verify(&key));
    assert!(!message.verify(&Key::long_term(
        KeyAlgorithm::Md5,
        "マトリックス",
        "example.org",
        "TheMatrIX"
    )));
}

#[test]
fn rfc8489_key_of_the_long_term_mechanism() {
    let key = Key::long_term(KeyAlgorithm::Md5, "user", "realm", "pass");
    let mut with = Writer::new(Class::Request, Method::BINDING, TransactionId([0; 12]));
    with.integrity(IntegrityAlgorithm::Sha1, &key);
    // HMAC-SHA1 under the sixteen bytes that RFC 8489 §9.2.2 gives, computed from the definition.
    let given = bytes("8493fbc53ba582fb4c044c456bdc40eb");
    let hmac = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &given);
    let written = with.finish();
    let tag = aws_lc_rs::hmac::sign(&hmac, &written[..HEADER_BYTES]);
    assert_eq!(&written[HEADER_BYTES + 4..], tag.as_ref());
}

#[test]
fn classes_and_methods_share_the_type_without_collision() {
    for class in [Class::Request, Class::Indication, Class::Success, Class::Error] {
        for method in 0..0x1000 {
            let kind = message_type(class, Method(method));
            assert!(kind < 0x4000);
            assert_eq!(class_and_method(kind), (class, Method(method)));
        }
    }
}

fn check_refused(packet: &[u8], expected: ParseError) {
    assert_eq!(Message::parse(packet).unwrap_err(), expected, "{packet:02x?}");
}

fn plain() -> Writer {
    Writer::new(Class::Request, Method::ALLOCATE, TransactionId([7; 12]))
}

/// N6: bad lengths.
#[test]
fn n6_wrong_lengths_are_refused() {
    let whole = bytes(REQUEST);
    for length in 0..HEADER_BYTES {
        check_refused(&whole[..length], ParseError::NotStun);
    }
    for length in HEADER_BYTES..whole.len() {
        check_refused(&whole[..length], ParseError::Length);
    }
    let mut longer = whole.clone();
    longer.push(0);
    check_refused(&longer, ParseError::Length);
    let mut odd = plain().finish();
    odd.extend_from_slice(&[0, 1]);
    odd[3] = 2;
    check_refused(&odd, ParseError::Length);
    // An attribute that claims more than there is.
    let mut over = plain();
    over.word(AttributeType::LIFETIME, 600);
    let mut over = over.finish();
    over[HEADER_BYTES + 3] = 5;
    check_refused(&over, ParseError::AttributeLength);
    let mut integrity = plain();
    integrity.attribute(AttributeType::MESSAGE_INTEGRITY, &[0; 16]);
    check_refused(&integrity.finish(), ParseError::AttributeLength);
    // Truncated SHA-256 values are not for TURN.
    let mut integrity = plain();
    integrity.attribute(AttributeType::MESSAGE_INTEGRITY_SHA256, &[0; 16]);
    check_refused(&integrity.finish(), ParseError::AttributeLength);
}

/// N6: a second MESSAGE-INTEGRITY.
#[test]
fn n6_a_second_integrity_attribute_is_refused() {
    let key = Key::short_term("p");
    let mut twice = plain();
    twice
        .integrity(IntegrityAlgorithm::Sha1, &key)
        .integrity(IntegrityAlgorithm::Sha1, &key);
    check_refused(&twice.finish(), ParseError::Order);
    let mut twice = plain();
    twice
        .integrity(IntegrityAlgorithm::Sha256, &key)
        .integrity(IntegrityAlgorithm::Sha256, &key);
    check_refused(&twice.finish(), ParseError::Order);
    let mut both = plain();
    both.integrity(IntegrityAlgorithm::Sha1, &key)
        .integrity(IntegrityAlgorithm::Sha256, &key)
        .fingerprint();
    assert!(Message::parse(&both.finish()).unwrap().verify(&key));
}

/// N6: a FINGERPRINT that does not match, or is not last.
#[test]
fn n6_wrong_fingerprints_are_refused() {
    let whole = bytes(REQUEST);
    // Another type (bytes 100 and 101) makes it an attribute behind the signature, which nobody reads.
    for at in (0..whole.len()).filter(|at| !(100..102).contains(at)) {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        assert!(Message::parse(&damaged).is_err(), "byte {at}");
    }
    let mut early = plain();
    early.fingerprint().word(AttributeType::LIFETIME, 1);
    check_refused(&early.finish(), ParseError::Fingerprint);
}

#[test]
fn what_follows_the_integrity_attribute_is_not_shown() {
    let key = Key::short_term("p");
    let mut writer = plain();
    writer
        .word(AttributeType::LIFETIME, 600)
        .integrity(IntegrityAlgorithm::Sha1, &key)
        .attribute(AttributeType::DATA, b"unsigned");
    let packet = writer.finish();
    let message = Message::parse(&packet).unwrap();
    assert!(message.verify(&key));
    assert_eq!(message.find(AttributeType::DATA), None);
    assert_eq!(message.attributes().count(), 1);
}

#[test]
fn attributes_are_counted() {
    let mut writer = plain();
    for _ in 0..64 {
        writer.attribute(AttributeType(0x8fff), &[]);
    }
    assert!(Message::parse(&writer.clone().finish()).is_ok());
    writer.attribute(AttributeType(0x8fff), &[]);
    check_refused(&writer.finish(), ParseError::TooManyAttributes);
}

#[test]
fn a_message_cannot_be_written_longer_than_its_length_field_can_say() {
    let mut writer = plain();
    writer.attribute(AttributeType::DATA, &[1; 65_000]);
    let before = writer.clone().finish();
    writer.attribute(AttributeType::DATA, &[1; 65_000]);
    assert_eq!(writer.finish(), before);
}

fn any_address() -> impl Strategy<Value = SocketAddr> {
    let v4 = (any::<[u8; 4]>(), any::<u16>()).prop_map(SocketAddr::from);
    let v6 = (any::<[u8; 16]>(), any::<u16>()).prop_map(SocketAddr::from);
    prop_oneof![v4, v6]
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_harm(packet in prop::collection::vec(any::<u8>(), 0..600)) {
        if let Ok(message) = Message::parse(&packet) {
            for attribute in message.attributes() {
                let _ = message.address(attribute.value);
            }
        }
    }

    #[test]
    fn a_damaged_message_never_verifies(at in 0_usize..108, bit in 0_u8..8) {
        let mut packet = bytes(LONG_TERM_REQUEST);
        prop_assume!(at < packet.len());
        packet[at] ^= 1 << bit;
        let key = Key::long_term(KeyAlgorithm::Md5, "マトリックス", "example.org", "TheMatrIX");
        prop_assert!(!Message::parse(&packet).is_ok_and(|message| message.verify(&key)));
    }

    #[test]
    fn what_is_written_can_be_read(
        attributes in prop::collection::vec((any::<u16>(), prop::collection::vec(any::<u8>(), 0..50)), 0..20),
        address in any_address(),
        id in any::<[u8; 12]>(),
        fingerprint in any::<bool>(),
    ) {
        let checks = [0x0008, 0x001c, 0x8028];
        let attributes: Vec<_> = attributes.into_iter().filter(|(kind, _)| !checks.contains(kind)).collect();
        let mut writer = Writer::new(Class::Indication, Method::DATA, TransactionId(id));
        for (kind, value) in &attributes {
            writer.attribute(AttributeType(*kind), value);
        }
        writer.address(AttributeType::XOR_PEER_ADDRESS, address);
        let key = Key::short_term("secret");
        writer.integrity(IntegrityAlgorithm::Sha256, &key);
        if fingerprint {
            writer.fingerprint();
        }
        let packet = writer.finish();
        let message = Message::parse(&packet).unwrap();
        prop_assert!(message.verify(&key));
        prop_assert_eq!(message.has_fingerprint(), fingerprint);
        let read: Vec<_> = message.attributes().collect();
        prop_assert_eq!(read.len(), attributes.len() + 1);
        for (read, (kind, value)) in read.iter().zip(&attributes) {
            prop_assert_eq!(read.kind, AttributeType(*kind));
            prop_assert_eq!(read.value, &value[..]);
        }
        prop_assert_eq!(message.address(read[attributes.len()].value), Some(address));
    }
}
