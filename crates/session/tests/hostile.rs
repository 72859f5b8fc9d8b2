//! Whatever a peer says, a session answers with a typed error or goes on.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod support;

use std::time::Duration;

use support::{Pair, SERVER, rid};
use tertulia_model::{
    Codec, DataSpec, Direction, DtlsRole, EncodingSpec, Extension, ExtensionSpec, MediaKind, Mid, PeerSpec,
};
use tertulia_session::{NegotiationError, Output, SessionError};

/// Content type of an alert (RFC 6347 §4.1).
const ALERT: u8 = 21;

fn pair() -> Pair {
    let mut pair = Pair::new();
    pair.client.add_receiving(1, 1);
    pair.client
        .add(MediaKind::Video, Direction::SendOnly, &["q", "f"]);
    pair
}

fn check(change: impl FnOnce(&mut PeerSpec), expected: NegotiationError) {
    let mut pair = pair();
    let good = pair.client.offer();
    let mut bad = good.clone();
    change(&mut bad);
    assert_eq!(pair.session.accept_offer(&bad, pair.now), Err(expected));
    // Nothing has changed: the right offer still works.
    let answer = pair.session.accept_offer(&good, pair.now).unwrap();
    pair.client.accept_answer(&answer);
    pair.connect();
}

#[test]
fn malformed_offers_are_refused_one_by_one() {
    check(
        |offer| offer.ice.ufrag = "abc".into(),
        NegotiationError::IceCredentials,
    );
    check(
        |offer| offer.ice.pwd = "short".into(),
        NegotiationError::IceCredentials,
    );
    check(
        |offer| offer.ice.pwd = "0123456789abcdef0123456\n".into(),
        NegotiationError::IceCredentials,
    );
    check(
        |offer| offer.fingerprint.hash = "md5".into(),
        NegotiationError::Fingerprint,
    );
    check(
        |offer| offer.fingerprint.bytes.truncate(31),
        NegotiationError::Fingerprint,
    );
    check(
        |offer| offer.dtls_role = DtlsRole::Server,
        NegotiationError::DtlsRole,
    );
    check(|offer| offer.media[1].index = 7, NegotiationError::SectionOrder);
    check(|offer| offer.media[1].index = 0, NegotiationError::SectionOrder);
    check(
        |offer| {
            offer.media.clear();
            offer.data = None;
        },
        NegotiationError::SectionOrder,
    );
    check(
        |offer| offer.media[1].mid = offer.media[0].mid.clone(),
        NegotiationError::DuplicateMid("m0".into()),
    );
    check(
        |offer| offer.media[1].mid = Mid::parse("a-b").unwrap(),
        NegotiationError::UnsupportedMid("a-b".into()),
    );
    check(
        |offer| offer.media[2].encodings[0].rid = Some(rid("waytoolong")),
        NegotiationError::UnsupportedRid("waytoolong".into()),
    );
    check(
        |offer| offer.media[2].encodings = vec![EncodingSpec::default(); 50],
        NegotiationError::TooManyEncodings { max: 6 },
    );
    check(
        |offer| {
            offer.media[2].encodings = vec![EncodingSpec {
                ssrc: Some(0),
                rtx_ssrc: None,
                rid: None,
            }]
        },
        NegotiationError::InvalidSsrc(0),
    );
    check(
        |offer| {
            offer.media[2].encodings = vec![EncodingSpec {
                ssrc: Some(5),
                rtx_ssrc: Some(5),
                rid: None,
            }]
        },
        NegotiationError::InvalidSsrc(5),
    );
    check(
        |offer| {
            let section = offer.media[0].clone();
            for number in 0..300 {
                let mut section = section.clone();
                section.index = 10 + number;
                section.mid = Mid::parse(&format!("x{number}")).unwrap();
                offer.media.push(section);
            }
        },
        NegotiationError::TooManySections { max: 200 },
    );
}

#[test]
fn a_session_is_continued_or_refused() {
    let continue_with = |change: fn(&mut PeerSpec)| {
        let mut pair = pair();
        pair.negotiate();
        pair.connect();
        let mut offer = pair.client.offer();
        change(&mut offer);
        let result = pair.session.accept_offer(&offer, pair.now);
        // Whatever it was, the session goes on.
        pair.run(Duration::from_secs(1));
        result.map(|_| ())
    };
    assert_eq!(
        continue_with(|offer| offer.media[0].kind = MediaKind::Video),
        Err(NegotiationError::SectionChanged(0))
    );
    assert_eq!(
        continue_with(|offer| offer.media[0].mid = Mid::parse("other").unwrap()),
        Err(NegotiationError::SectionChanged(0))
    );
    assert_eq!(
        continue_with(|offer| offer.data = None),
        Err(NegotiationError::SectionChanged(3))
    );
    assert_eq!(
        continue_with(|offer| {
            offer.media.swap(0, 1);
            offer.media[0].index = 0;
            offer.media[1].index = 1;
        }),
        Err(NegotiationError::SectionChanged(0))
    );
    assert_eq!(
        continue_with(|offer| offer.fingerprint.bytes[0] ^= 1),
        Err(NegotiationError::FingerprintChanged)
    );
    assert_eq!(
        continue_with(|offer| offer.media.iter_mut().for_each(|section| section.stopped = true)),
        Ok(())
    );
    assert_eq!(
        continue_with(|offer| offer.media.iter_mut().for_each(|section| section.codecs.clear())),
        Ok(())
    );
    assert_eq!(
        continue_with(|offer| offer.media.iter_mut().for_each(|section| {
            section.direction = Direction::SendRecv;
            section.encodings = vec![EncodingSpec::default(); 3];
        })),
        Ok(())
    );
}

#[test]
fn odd_numbers_are_left_out() {
    let mut pair = pair();
    let mut offer = pair.client.offer();
    for section in &mut offer.media {
        section.extensions = (0..=255)
            .zip(Extension::ALL.into_iter().cycle())
            .map(|(id, extension)| ExtensionSpec { id, extension })
            .collect();
        let mut odd = section.codecs.clone();
        for codec in &mut odd {
            codec.payload_type = codec.payload_type.wrapping_add(100);
            codec.rtx = Some(codec.payload_type);
            codec.channels = 200;
            codec.clock_rate = 0;
        }
        section.codecs.extend(odd);
        let mut again = section.codecs.clone();
        again.iter_mut().for_each(|codec| codec.codec = Codec::Av1);
        section.codecs.extend(again);
    }
    offer.data = Some(DataSpec {
        port: 0,
        max_message_size: 0,
        ..offer.data.unwrap()
    });
    let answer = pair.session.accept_offer(&offer, pair.now).unwrap();
    for section in &answer.media {
        assert!(section.extensions.iter().all(|spec| (1..=14).contains(&spec.id)));
        assert!(section.codecs.iter().all(|codec| codec.payload_type < 128));
        assert!(
            section
                .codecs
                .iter()
                .all(|codec| codec.codec.kind() == section.kind)
        );
    }
    pair.client.accept_answer(&answer);
    pair.connect();
}

#[test]
fn another_certificate_than_announced_ends_the_session() {
    let mut pair = pair();
    let mut offer = pair.client.offer();
    offer.fingerprint.bytes[0] ^= 1;
    let answer = pair.session.accept_offer(&offer, pair.now).unwrap();
    pair.client.accept_answer(&answer);
    let server = SERVER.parse().unwrap();
    let mut alerted = false;
    let broken = (0..400).find_map(|_| {
        pair.now += Duration::from_millis(20);
        pair.client.timeout(pair.now);
        let (_, sent) = pair.client.drain();
        for (source, contents) in sent {
            pair.take(source, contents);
        }
        pair.session.handle_timeout(pair.now).unwrap();
        loop {
            match pair.session.poll_output() {
                Ok(Output::Timeout(_)) => return None,
                // What the client makes of the alert it is sent is its own business.
                Ok(Output::Transmit { contents, .. }) if contents[0] == ALERT => alerted = true,
                Ok(Output::Transmit { contents, .. }) => pair.client.receive(server, &contents, pair.now),
                Ok(Output::Event(_)) => {}
                Err(error) => return Some(error),
            }
        }
    });
    assert!(matches!(broken, Some(SessionError::Peer(_))), "{broken:?}");
    assert!(alerted, "the peer is told");
    assert!(matches!(pair.session.poll_output(), Ok(Output::Timeout(_))));
    assert!(pair.session.is_closed());
}

#[test]
fn noise_changes_nothing() {
    let mut pair = pair();
    let section = 2;
    pair.negotiate();
    let mut seed = 0x1234_5678_9abc_def0_u64;
    let mut noise = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    let throw = |pair: &mut Pair, noise: &mut dyn FnMut() -> u64| {
        for _ in 0..50 {
            let length = usize::try_from(noise() % 300).unwrap();
            let mut contents: Vec<u8> = (0..length).map(|_| noise().to_le_bytes()[0]).collect();
            // Every class of RFC 7983 in turn.
            if let Some(first) = contents.first_mut() {
                *first = [0, 1, 22, 23, 64, 128, 144, 191][usize::try_from(noise() % 8).unwrap()];
            }
            pair.take(pair.client.addr, contents);
            pair.run(Duration::from_millis(1));
        }
    };
    throw(&mut pair, &mut noise);
    pair.connect();
    throw(&mut pair, &mut noise);
    for _ in 0..5 {
        pair.client.send(section, 0, 96, &[0x10, 0, 0]);
        pair.run(Duration::from_millis(20));
    }
    throw(&mut pair, &mut noise);
    pair.run(Duration::from_millis(100));
    assert_eq!(pair.received.len(), 5);
    assert!(pair.session.dropped_datagrams() > 0);
}

#[test]
fn what_comes_before_any_description_is_dropped() {
    let mut pair = Pair::new();
    pair.take(pair.client.addr, vec![0, 1, 0, 0]);
    assert_eq!(pair.session.dropped_datagrams(), 1);
    assert!(matches!(pair.session.poll_output(), Ok(Output::Timeout(_))));
    pair.session.close();
    assert!(matches!(
        pair.session.poll_output(),
        Ok(Output::Event(tertulia_session::SessionEvent::Closed))
    ));
}
