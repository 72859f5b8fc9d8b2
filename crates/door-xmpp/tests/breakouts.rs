//! Breakout rooms: who makes them, who is sent to them, who comes in and how they come back.

#![allow(clippy::unwrap_used, reason = "a test stops where its scene cannot be set")]

mod support;

use serde_json::Value;
use support::{Client, DOMAIN, House};

const ROOM: &str = "weekly@conference.meet.jitsi";
const BLUE: &str = "weekly~1@breakout.meet.jitsi";

/// Tells the component something.
async fn tell(client: &mut Client, attributes: &str) {
    client
        .send(&format!(
            "<message xmlns='jabber:client' to='breakout.{DOMAIN}'><breakout_rooms {attributes}/></message>"
        ))
        .await;
}

/// What the component says of the rooms, once it has these words in it.
async fn rooms(client: &mut Client, words: &[&str]) -> Value {
    let wanted = [&["json-message", "features/breakout-rooms/update"], words].concat();
    let told = client.expect(&wanted).await.replace("&quot;", "\"");
    assert!(told.contains(&format!("from=\"breakout.{DOMAIN}\"")), "{told}");
    let (_, text) = told.split_once("jitmeet\">").unwrap();
    let message: Value = serde_json::from_str(text.split_once("</json-message>").unwrap().0).unwrap();
    message["rooms"].clone()
}

async fn leave(client: &mut Client, room: &str) {
    let nick = client.nick();
    client
        .send(&format!(
            "<presence xmlns='jabber:client' type='unavailable' to='{room}/{nick}'/>"
        ))
        .await;
    client.expect(&["unavailable", room, "code=\"110\""]).await;
}

async fn come(client: &mut Client, room: &str, name: &str) {
    let nick = client.nick();
    client
        .send(&format!(
            "<presence xmlns='jabber:client' to='{room}/{nick}'><x xmlns='http://jabber.org/protocol/muc'/><nick \
             xmlns='http://jabber.org/protocol/nick'>{name}</nick></presence>"
        ))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_is_sent_to_a_breakout_and_called_back() {
    let house = House::open().await;
    let mut ana = house.join("Ana").await;
    let mut bob = house.join("Bob").await;
    // Whoever does not lead makes none.
    tell(&mut bob, "type='features/breakout-rooms/add' subject='Mine'").await;
    bob.expect(&["<message", "type=\"error\"", "<forbidden"]).await;
    tell(&mut ana, "type='features/breakout-rooms/add' subject='Green'").await;
    tell(
        &mut ana,
        &format!("type='features/breakout-rooms/rename' breakoutRoomJid='{BLUE}' subject='Blue'"),
    )
    .await;
    let known = rooms(&mut ana, &["Blue"]).await;
    assert_eq!(known["weekly~1"]["jid"], BLUE);
    assert_eq!(known["weekly"]["isMainRoom"], true);
    assert_eq!(known["weekly"]["participants"][&bob.jid]["displayName"], "Bob");
    rooms(&mut bob, &["Blue"]).await;

    let mut send = format!(
        "type='features/breakout-rooms/move-to-room' participantJid='{}' roomJid='{BLUE}'",
        bob.jid
    );
    tell(&mut ana, &send).await;
    bob.expect(&["json-message", "move-to-room", BLUE]).await;
    leave(&mut bob, ROOM).await;
    let conference = format!("<conference xmlns='http://jitsi.org/protocol/focus' room='{BLUE}'/>");
    let ready = bob.ask("set", "focus.meet.jitsi", &conference).await;
    assert!(ready.contains("ready=\"true\""), "{ready}");
    come(&mut bob, BLUE, "Bob").await;
    bob.expect(&["<presence", BLUE, "code=\"110\""]).await;
    ana.expect(&["<presence", "unavailable", ROOM, &bob.nick()]).await;
    let info = "<query xmlns='http://jabber.org/protocol/disco#info'/>";
    let about = bob.ask("get", BLUE, info).await;
    assert!(
        about.contains("muc#roominfo_isbreakout") && about.contains(&format!("<value>{ROOM}</value>")),
        "{about}"
    );
    // Messages there stay there.
    bob.send(&format!(
        "<message xmlns='jabber:client' type='groupchat' to='{BLUE}' id='m1'><body>Anybody?</body></message>"
    ))
    .await;
    bob.expect(&["<message", BLUE, "Anybody?"]).await;

    // Those who lead see who is where, and call them back by it.
    let there = loop {
        let known = rooms(&mut ana, &["Bob"]).await;
        let there = known["weekly~1"]["participants"].as_object().unwrap().clone();
        if !there.is_empty() {
            break there;
        }
    };
    let (jid, _) = there.iter().next().unwrap();
    send = format!("type='features/breakout-rooms/move-to-room' participantJid='{jid}' roomJid='{ROOM}'");
    tell(&mut ana, &send).await;
    bob.expect(&["json-message", "move-to-room", ROOM]).await;
    leave(&mut bob, BLUE).await;
    bob.join("weekly", "Bob").await;
    ana.expect(&["<presence", &format!("{ROOM}/{}", bob.nick()), "participant"])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_those_of_the_meeting_go_to_its_breakouts_and_by_themselves_too() {
    let house = House::open().await;
    let mut ana = house.join("Ana").await;
    tell(&mut ana, "type='features/breakout-rooms/add' subject='Blue'").await;
    rooms(&mut ana, &["Blue"]).await;
    let mut stranger = house.client("").await;
    come(&mut stranger, BLUE, "Eve").await;
    stranger
        .expect(&["<presence", "type=\"error\"", "<not-allowed"])
        .await;
    stranger.join("monthly", "Eve").await;
    come(&mut stranger, BLUE, "Eve").await;
    stranger
        .expect(&["<presence", "type=\"error\"", "<item-not-found"])
        .await;

    // One who chooses leaves first, and nobody told the room where they go.
    let mut bob = house.join("Bob").await;
    rooms(&mut bob, &["Blue"]).await;
    leave(&mut bob, ROOM).await;
    come(&mut bob, BLUE, "Bob").await;
    bob.expect(&["<presence", BLUE, "code=\"110\""]).await;
    ana.expect(&["<presence", "unavailable", ROOM, &bob.nick()]).await;
    // Where the room is taken away, whoever is in it comes back.
    tell(
        &mut ana,
        &format!("type='features/breakout-rooms/remove' breakoutRoomJid='{BLUE}'"),
    )
    .await;
    bob.expect(&["json-message", "move-to-room", ROOM]).await;
    leave(&mut bob, BLUE).await;
    bob.join("weekly", "Bob").await;
}
