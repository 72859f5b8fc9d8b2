use tertulia_turn::stun::{AttributeType, Method};

use crate::support::{Client, MEDIA_V4, MEDIA_V6, World, family_attribute};

#[test]
fn an_allocation_ends_unless_it_is_refreshed() {
    let mut world = World::new();
    let before = world.server.held();
    let mut ana = Client::new("PA_ana", "198.51.100.7:4000");
    ana.relay(&mut world);
    world.advance(599);
    let answer = ana.refresh(&mut world, 900);
    assert_eq!((answer.code(), answer.lifetime()), (0, 900));
    world.advance(899);
    assert_eq!(world.server.held().allocations, 1);
    world.advance(1);
    assert_eq!(world.server.held(), before);
    assert!(world.sockets.is_empty());
    assert_eq!(ana.refresh(&mut world, 600).code(), 437);
    assert_eq!((world.server.stats().opened, world.server.stats().closed), (1, 1));
}

#[test]
fn a_lifetime_of_zero_ends_it_at_once() {
    let mut world = World::new();
    let before = world.server.held();
    let mut ana = Client::new("PA_ana", "198.51.100.7:4000");
    ana.relay(&mut world);
    let answer = ana.refresh(&mut world, 0);
    assert_eq!((answer.code(), answer.lifetime()), (0, 0));
    assert_eq!(world.server.held(), before);
    // The client may have another one from the same port.
    ana.relay(&mut world);
}

#[test]
fn without_a_lifetime_it_is_ten_minutes() {
    let mut world = World::new();
    let mut ana = Client::new("PA_ana", "198.51.100.7:4000");
    ana.relay(&mut world);
    assert_eq!(ana.request(&mut world, Method::REFRESH, |_| {}).lifetime(), 600);
}

#[test]
fn an_allocation_belongs_to_the_credential_that_opened_it() {
    let mut world = World::new();
    let mut ana = Client::new("PA_ana", "198.51.100.7:4000");
    ana.relay(&mut world);
    // Somebody else behind the same NAT was given the port: with a right credential, but not this one.
    let mut eve = Client::new("PA_eve", "198.51.100.7:4000");
    assert_eq!(eve.refresh(&mut world, 0).code(), 441);
    assert_eq!(eve.permit(&mut world, &[MEDIA_V4]), 441);
    assert_eq!(eve.bind_channel(&mut world, 0x4000, MEDIA_V4), 441);
    assert_eq!(world.server.held().allocations, 1);
}

#[test]
fn one_of_two_families_can_be_ended() {
    let mut world = World::new();
    let mut ana = Client::new("PA_ana", "198.51.100.7:4000");
    ana.allocate(&mut world, |writer| {
        family_attribute(writer, AttributeType::ADDITIONAL_ADDRESS_FAMILY, 2);
    });
    assert_eq!(ana.bind_channel(&mut world, 0x4000, MEDIA_V4), 0);
    assert_eq!(ana.bind_channel(&mut world, 0x4001, MEDIA_V6), 0);
    let mut end = |world: &mut World, code| {
        let answer = ana.request(world, Method::REFRESH, |writer| {
            writer.word(AttributeType::LIFETIME, 0);
            family_attribute(writer, AttributeType::REQUESTED_ADDRESS_FAMILY, code);
        });
        answer.code()
    };
    assert_eq!(end(&mut world, 3), 443);
    assert_eq!(end(&mut world, 1), 0);
    assert_eq!(end(&mut world, 1), 443, "it is gone already");
    assert_eq!(world.sockets.len(), 1);
    assert_eq!(ana.send_on_channel(&mut world, 0x4000, b"x"), None);
    assert!(ana.send_on_channel(&mut world, 0x4001, b"x").is_some());
    assert_eq!(ana.bind_channel(&mut world, 0x4000, MEDIA_V4), 443);
}
