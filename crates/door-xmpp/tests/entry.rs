//! Who comes in: rooms that are somebody's, people who were sent away, and those who ask too often.

mod support;

use support::drawer::Drawer;
use support::{Client, House};
use tertulia_door_xmpp::DoorConfig;
use tertulia_engine::RateLimit;
use tertulia_model::Identity;
use tertulia_room::{Actor, Command};

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
