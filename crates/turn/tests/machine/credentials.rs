use std::time::Duration;

use tertulia_turn::stun::{AttributeType, IntegrityAlgorithm, KeyAlgorithm, Method, Writer};
use tertulia_turn::{Config, ConfigError, Secret, Server, Transport};

use crate::support::{Client, MEDIA_V4, REALM, UNIX, World, secret};

fn transport(writer: &mut Writer) {
    writer.attribute(AttributeType::REQUESTED_TRANSPORT, &[17, 0, 0, 0]);
}

#[test]
fn both_generations_of_clients_authenticate() {
    for algorithm in [None, Some(KeyAlgorithm::Md5), Some(KeyAlgorithm::Sha256)] {
        let mut world = World::new();
        let mut ana = Client::new("PA_ana", "198.51.100.7:4000");
        ana.algorithm = algorithm;
        assert_eq!(ana.allocate(&mut world, |_| {}).code(), 0, "{algorithm:?}");
        assert_eq!(ana.permit(&mut world, &[MEDIA_V4]), 0);
        assert_eq!(ana.refresh(&mut world, 0).code(), 0);
    }
}

/// N4: what is expired, foreign, revoked or too far in the future.
#[test]
fn n4_wrong_credentials_are_refused() {
    let check = |name: &str, change: fn(&mut World, &mut Client)| {
        let mut world = World::new();
        let before = world.server.held();
        let mut ana = Client::new("PA_ana", "198.51.100.7:4000");
        change(&mut world, &mut ana);
        assert_eq!(ana.allocate(&mut world, |_| {}).code(), 401, "{name}");
        assert_eq!(world.server.stats().bad_credentials, 1, "{name}");
        assert_eq!(world.server.held().allocations, before.allocations);
    };
    check("expired", |world, _| world.advance(3601));
    check("of another secret", |_, ana| {
        let foreign = Secret::new(b"another secret altogether").unwrap();
        ana.credential = foreign.issue("PA_ana", UNIX + 3600).unwrap();
    });
    check("for longer than anybody gives", |_, ana| {
        ana.credential = secret().issue("PA_ana", UNIX + 24 * 3600 + 60).unwrap();
    });
    check("prolonged by its holder", |_, ana| {
        ana.credential.username = format!("{}:PA_ana", UNIX + 7200);
    });
    check("of another session", |_, ana| {
        ana.credential.username = format!("{}:PA_bob", UNIX + 3600);
    });
    check("revoked", |world, _| world.server.revoke(world.now, "PA_ana"));
    check("no name of ours", |_, ana| ana.credential.username = "ana".into());
    check("no name at all", |_, ana| ana.credential.username = String::new());
}

#[test]
fn a_secret_can_be_changed_without_throwing_anybody_out() {
    let old = Secret::new(b"the secret of last week").unwrap();
    let mut world = World::with(|config| config.secrets.push(old.clone()));
    let mut ana = Client::new("PA_ana", "198.51.100.7:4000");
    ana.credential = old.issue("PA_ana", UNIX + 60).unwrap();
    assert_eq!(ana.allocate(&mut world, |_| {}).code(), 0);
    let mut bob = Client::new("PA_bob", "198.51.100.8:4000");
    assert_eq!(bob.allocate(&mut world, |_| {}).code(), 0);
}

/// N4: a nonce that is old, or was given to somebody else.
#[test]
fn n4_stale_nonces_are_renewed() {
    let mut world = World::new();
    let mut ana = Client::new("PA_ana", "198.51.100.7:4000");
    ana.relay(&mut world);
    let old = ana.nonce.clone();
    ana.refresh(&mut world, 3600);
    world.advance(1200);
    let packet = ana.sign(world.transaction(), Method::REFRESH, |_| {});
    let stale = world.send(ana.tuple, &packet).unwrap();
    assert_eq!(stale.code(), 438);
    assert_ne!(stale.message().find(AttributeType::NONCE), Some(&old[..]));
    assert_eq!(
        ana.refresh(&mut world, 600).code(),
        0,
        "with the new nonce it goes on"
    );

    let mut eve = Client::new("PA_eve", "203.0.113.66:4000");
    eve.nonce.clone_from(&ana.nonce);
    let packet = eve.sign(world.transaction(), Method::ALLOCATE, transport);
    assert_eq!(world.send(eve.tuple, &packet).unwrap().code(), 438);
}

#[test]
fn incomplete_or_contradictory_credentials_are_bad_requests() {
    let mut world = World::new();
    let mut ana = Client::new("PA_ana", "198.51.100.7:4000");
    ana.relay(&mut world);
    let mut check = |name: &str, expected: u16, add: &dyn Fn(&Client, &mut Writer)| {
        let id = world.transaction();
        let mut writer = Writer::new(tertulia_turn::stun::Class::Request, Method::REFRESH, id);
        add(&ana, &mut writer);
        writer.integrity(IntegrityAlgorithm::Sha1, &ana.key());
        let answer = world.send(ana.tuple, &writer.finish()).unwrap();
        assert_eq!(answer.code(), expected, "{name}");
    };
    let name = |ana: &Client, w: &mut Writer| {
        w.attribute(AttributeType::USERNAME, ana.credential.username.as_bytes());
    };
    let realm = |w: &mut Writer| {
        w.attribute(AttributeType::REALM, REALM.as_bytes());
    };
    let nonce = |ana: &Client, w: &mut Writer| {
        w.attribute(AttributeType::NONCE, &ana.nonce);
    };
    let algorithm = AttributeType::PASSWORD_ALGORITHM;
    let algorithms = AttributeType::PASSWORD_ALGORITHMS;
    check("whole", 0, &|ana, w| (name(ana, w), realm(w), nonce(ana, w)).0);
    check("no name", 400, &|ana, w| (realm(w), nonce(ana, w)).0);
    check("no realm", 400, &|ana, w| (name(ana, w), nonce(ana, w)).0);
    check("no nonce", 400, &|ana, w| (name(ana, w), realm(w)).0);
    check("another realm", 401, &|ana, w| {
        name(ana, w);
        w.attribute(AttributeType::REALM, b"elsewhere");
        nonce(ana, w);
    });
    let whole = |ana: &Client, w: &mut Writer| {
        name(ana, w);
        realm(w);
        nonce(ana, w);
    };
    check("an algorithm without the list", 400, &|ana, w| {
        whole(ana, w);
        w.attribute(algorithm, &[0, 1, 0, 0]);
    });
    check("the list without an algorithm", 400, &|ana, w| {
        whole(ana, w);
        w.attribute(algorithms, &[0, 2, 0, 0, 0, 1, 0, 0]);
    });
    check("a list bid down", 400, &|ana, w| {
        whole(ana, w);
        w.attribute(algorithms, &[0, 1, 0, 0])
            .attribute(algorithm, &[0, 1, 0, 0]);
    });
    check("an algorithm of neither kind", 400, &|ana, w| {
        whole(ana, w);
        w.attribute(algorithms, &[0, 2, 0, 0, 0, 1, 0, 0])
            .attribute(algorithm, &[0, 3, 0, 0]);
    });
    check("a list that is right", 0, &|ana, w| {
        whole(ana, w);
        w.attribute(algorithms, &[0, 2, 0, 0, 0, 1, 0, 0])
            .attribute(algorithm, &[0, 1, 0, 0]);
    });
}

#[test]
fn a_wrong_signature_is_refused() {
    let mut world = World::new();
    let mut ana = Client::new("PA_ana", "198.51.100.7:4000");
    ana.relay(&mut world);
    let mut packet = ana.sign(world.transaction(), Method::REFRESH, |writer| {
        writer.word(AttributeType::LIFETIME, 600);
    });
    // The lifetime, changed on the way to end the allocation.
    packet[24..28].fill(0);
    assert_eq!(world.send(ana.tuple, &packet).unwrap().code(), 401);
    assert_eq!(world.server.held().allocations, 1);
}

/// O8 for TURN: neither a long meeting nor a jumping wall clock ends what is open.
#[test]
fn an_open_allocation_outlives_its_credential_until_the_session_ends() {
    let mut world = World::new();
    let mut ana = Client::new("PA_ana", "198.51.100.7:4000");
    ana.relay(&mut world);
    for _ in 0..20 {
        world.advance(500);
        assert_eq!(ana.refresh(&mut world, 600).code(), 0);
    }
    world.server.set_unix_time(world.now, UNIX + 1_000_000);
    assert_eq!(ana.refresh(&mut world, 600).code(), 0);
    let mut second = Client::new("PA_ana", "198.51.100.7:4001");
    assert_eq!(
        second.allocate(&mut world, |_| {}).code(),
        401,
        "but opens no more"
    );
}

#[test]
fn what_a_session_has_ends_with_it() {
    let mut world = World::new();
    let before = world.server.held();
    let mut udp = Client::new("PA_ana", "198.51.100.7:4000");
    let mut tls = Client::over(Transport::Tls, "PA_ana", "198.51.100.7:4001");
    let mut bob = Client::new("PA_bob", "198.51.100.8:4000");
    udp.relay(&mut world);
    tls.allocate(&mut world, |writer| {
        writer.attribute(AttributeType::EVEN_PORT, &[0x80]);
    });
    let at_bob = bob.relay(&mut world);
    assert_eq!(world.sockets.len(), 4);
    world.server.revoke(world.now, "PA_ana");
    world.settle();
    assert_eq!(world.sockets.keys().collect::<Vec<_>>(), [&at_bob]);
    assert_eq!(world.hung_up, [tls.tuple], "its connection is closed too");
    assert_eq!(udp.refresh(&mut world, 600).code(), 401);
    assert_eq!(bob.refresh(&mut world, 0).code(), 0);
    assert_eq!(world.server.held().revoked, 1);
    world.advance(24 * 3600);
    assert_eq!(
        world.server.held(),
        before,
        "no credential of the session is in time any more"
    );
}

#[test]
fn a_configuration_that_cannot_work_is_refused() {
    let now = std::time::Instant::now();
    let check = |change: fn(&mut Config), expected| {
        let mut config = Config::new(REALM, secret());
        change(&mut config);
        let error = Server::new(config, [0; 32], now, UNIX).unwrap_err();
        assert_eq!(error, expected);
    };
    for realm in [
        "",
        "with space",
        "quote\"",
        "ümlaut",
        "a-realm-that-is-longer-than-32-bytes",
    ] {
        let mut config = Config::new(realm, secret());
        config.max_credential_lifetime = Duration::from_secs(1);
        let error = Server::new(config, [0; 32], now, UNIX).unwrap_err();
        assert_eq!(error, ConfigError::Realm, "{realm:?}");
    }
    check(|config| config.secrets.clear(), ConfigError::Secrets);
    check(|config| config.secrets = vec![secret(); 5], ConfigError::Secrets);
    check(|config| config.ports = 0..=9, ConfigError::Ports);
    #[allow(clippy::reversed_empty_ranges)]
    check(|config| config.ports = 9..=8, ConfigError::Ports);
}
