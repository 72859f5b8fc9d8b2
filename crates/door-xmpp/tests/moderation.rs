//! What moderators do beside a room: the lobby, moderation of sound and pictures, polls, muted beginnings, the end.

mod support;

use support::{Client, DOMAIN, House};
use tertulia_room::{AccessChange, Actor, Command, Reply};

const ROOM: &str = "weekly@conference.meet.jitsi";
const LOBBY: &str = "weekly@lobby.meet.jitsi";

/// Says something to a component.
async fn tell(client: &mut Client, component: &str, contents: &str) {
    client
        .send(&format!(
            "<message xmlns='jabber:client' to='{component}.{DOMAIN}'>{contents}</message>"
        ))
        .await;
}

async fn come_to_lobby(client: &mut Client, name: &str) {
    let nick = client.nick();
    client
        .send(&format!(
            "<presence xmlns='jabber:client' to='{LOBBY}/{nick}'><x xmlns='http://jabber.org/protocol/muc'/><nick \
             xmlns='http://jabber.org/protocol/nick'>{name}</nick></presence>"
        ))
        .await;
    client.expect(&["<presence", LOBBY, "code=\"110\""]).await;
}

async fn lobby_on(ana: &mut Client) {
    let on = "<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'><field \
              var='muc#roomconfig_membersonly'><value>1</value></field></x></query>";
    let done = ana.ask("set", ROOM, on).await;
    assert!(done.contains("type=\"result\""), "{done}");
    ana.expect(&["code=\"104\""]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_knocks_waits_until_a_moderator_lets_them_in() {
    let house = House::open().await;
    let mut ana = house.join("Ana").await;
    let info = "<query xmlns='http://jabber.org/protocol/disco#info'/>";
    let server = ana.ask("get", DOMAIN, info).await;
    for (kind, name) in [
        ("lobbyrooms", "lobby"),
        ("av_moderation", "avmoderation"),
        ("end_conference", "endconference"),
        ("polls", "polls"),
        ("room_metadata", "metadata"),
    ] {
        let identity = format!("category=\"component\" type=\"{kind}\" name=\"{name}.{DOMAIN}\"");
        assert!(server.contains(&identity), "{server}");
    }
    lobby_on(&mut ana).await;
    let about = ana.ask("get", ROOM, info).await;
    assert!(
        about.contains("muc_membersonly") && about.contains(LOBBY),
        "{about}"
    );
    come_to_lobby(&mut ana, "Ana").await;

    let mut bob = house.client("").await;
    bob.send_join("weekly", "Bob", "").await;
    let refused = bob.expect(&["type=\"error\"", "<registration-required"]).await;
    // Clients look for it inside the error, and nowhere else.
    let lobby = format!("<lobbyroom xmlns=\"http://jitsi.org/jitmeet\">{LOBBY}</lobbyroom></error>");
    assert!(refused.contains(&lobby), "{refused}");
    // Whoever was refused waits once they come to the lobby, and not before.
    let waiting = house.room().command(Actor::Admin, Command::ReadSnapshot).await;
    assert!(matches!(waiting, Ok(Reply::Snapshot(state)) if state.lobby.is_empty()));
    come_to_lobby(&mut bob, "Bob").await;
    let knocks = ana
        .expect(&["<presence", &format!("{LOBBY}/{}", bob.nick()), "Bob"])
        .await;
    let jid = {
        let (_, item) = knocks.split_once("<item ").unwrap_or_default();
        support::attribute(&format!(" {item}"), "jid")
    };
    let invite = format!(
        "<message xmlns='jabber:client' to='{ROOM}'><x xmlns='http://jabber.org/protocol/muc#user'><invite \
         to='{jid}'/></x></message>"
    );
    // Nobody lets themselves in.
    bob.send(&invite).await;
    bob.expect(&["<message", "type=\"error\""]).await;
    // Several may be let in at once; one of whom nobody knows does not keep the others out.
    let several = invite.replace("<invite ", "<invite to='nobody@elsewhere'/><invite ");
    ana.send(&several).await;
    bob.expect(&["<message", &format!("from=\"{ROOM}\""), "<invite"])
        .await;
    ana.expect(&["unavailable", LOBBY, &bob.nick()]).await;
    // Clients wait for their goodbye though they are out of the lobby already.
    bob.send(&format!(
        "<presence xmlns='jabber:client' type='unavailable' to='{LOBBY}/{}'/>",
        bob.nick()
    ))
    .await;
    bob.expect(&["<presence", "unavailable", LOBBY, "code=\"110\""])
        .await;
    bob.join("weekly", "Bob").await;
    ana.expect(&["<presence", &format!("{ROOM}/{}", bob.nick())])
        .await;
    // Whoever may not let others in does not see who waits.
    let nick = bob.nick();
    bob.send(&format!("<presence xmlns='jabber:client' to='{LOBBY}/{nick}'/>"))
        .await;
    bob.expect(&["<presence", "type=\"error\"", "<forbidden"]).await;

    let mut carla = house.client("").await;
    come_to_lobby(&mut carla, "Carla").await;
    ana.expect(&["<presence", &format!("{LOBBY}/{}", carla.nick())])
        .await;
    let deny = format!(
        "<query xmlns='http://jabber.org/protocol/muc#admin'><item nick='{}' role='none'/></query>",
        carla.nick()
    );
    let denied = ana.ask("set", LOBBY, &deny).await;
    assert!(denied.contains("type=\"result\""), "{denied}");
    carla.expect(&["unavailable", LOBBY, "code=\"307\""]).await;

    // Those who wait when the lobby is closed come in.
    let mut dora = house.client("").await;
    come_to_lobby(&mut dora, "Dora").await;
    let off = Command::SetAccess(AccessChange {
        lobby: Some(false),
        ..AccessChange::default()
    });
    assert!(house.room().command(Actor::Admin, off).await.is_ok());
    dora.expect(&["<message", "<invite"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn moderation_of_sound_is_told_and_kept() {
    let house = House::open().await;
    let mut ana = house.join("Ana").await;
    let mut bob = house.join("Bob").await;
    tell(
        &mut bob,
        "avmoderation",
        "<av_moderation enable='true' mediaType='audio'/>",
    )
    .await;
    bob.expect(&["<message", "type=\"error\"", "<forbidden"]).await;
    tell(
        &mut ana,
        "avmoderation",
        "<av_moderation enable='true' mediaType='audio'/>",
    )
    .await;
    for client in [&mut ana, &mut bob] {
        let told = client
            .expect(&["json-message", "av_moderation", "enabled&quot;:true"])
            .await;
        assert!(
            told.contains(&format!("from=\"avmoderation.{DOMAIN}\"")),
            "{told}"
        );
        assert!(told.contains("mediaType&quot;:&quot;audio"), "{told}");
    }
    let allow = format!(
        "<av_moderation jidToWhitelist='{ROOM}/{}' mediaType='audio'/>",
        bob.nick()
    );
    tell(&mut ana, "avmoderation", &allow).await;
    bob.expect(&["json-message", "approved&quot;:true"]).await;
    // Moderators see who is on the list, and who is on it no more.
    ana.expect(&["json-message", "whitelists", &format!("{ROOM}/{}", bob.nick())])
        .await;
    tell(&mut ana, "avmoderation", &allow.replace("Whitelist", "Blacklist")).await;
    bob.expect(&["json-message", "removed&quot;:true"]).await;
    ana.expect(&[
        "json-message",
        "removed&quot;:true",
        "whitelists&quot;:{&quot;audio&quot;:[]}",
    ])
    .await;
    // Somebody who comes later is told at once.
    let mut carla = house.client("").await;
    carla.send_join("weekly", "Carla", "").await;
    carla
        .expect(&["json-message", "av_moderation", "enabled&quot;:true"])
        .await;
    tell(
        &mut ana,
        "avmoderation",
        "<av_moderation enable='false' mediaType='audio'/>",
    )
    .await;
    bob.expect(&["json-message", "enabled&quot;:false"]).await;

    let muted = "<room_metadata xmlns='http://jitsi.org/jitmeet'>{\"key\":\"startMuted\",\"data\":{\"audio\":true,\
                 \"video\":false}}</room_metadata>";
    tell(&mut ana, "metadata", muted).await;
    carla.expect(&["room_metadata", "audio&quot;:true"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn polls_are_made_answered_and_told_to_who_comes_later() {
    let house = House::open().await;
    let mut ana = house.join("Ana").await;
    let mut bob = house.join("Bob").await;
    let poll = |command: &str, id: &str, rest: &str| {
        format!(
            "<json-message xmlns='http://jitsi.org/jitmeet'>{{\"type\":\"polls\",\"command\":\"{command}\",\"pollId\":\
             \"{id}\",{rest}}}</json-message>"
        )
    };
    let question = "\"question\":\"Tea?\",\"answers\":[{\"name\":\"Yes\"},{\"name\":\"No\"}]";
    tell(&mut ana, "polls", &poll("new-poll", "abc", question)).await;
    ana.expect(&["new-poll", "pollId&quot;:&quot;abc"]).await;
    let seen = bob.expect(&["new-poll", "Tea?"]).await;
    assert!(
        seen.contains(&format!("from=\"polls.{DOMAIN}\"")) && seen.contains(&ana.nick()),
        "{seen}"
    );
    tell(
        &mut bob,
        "polls",
        &poll("answer-poll", "1", "\"answers\":[false,true]"),
    )
    .await;
    let told = ana.expect(&["answer-poll", "[false,true]"]).await;
    assert!(told.contains(&bob.nick()) && told.contains("abc"), "{told}");
    let mut carla = house.client("").await;
    carla.send_join("weekly", "Carla", "").await;
    let told = carla.expect(&["old-polls", "Tea?"]).await;
    assert!(told.contains(&bob.nick()), "{told}");
    for nonsense in [
        "nonsense",
        "{}",
        "{\"command\":\"answer-poll\",\"pollId\":\"9\",\"answers\":[true]}",
    ] {
        tell(
            &mut bob,
            "polls",
            &format!("<json-message xmlns='http://jitsi.org/jitmeet'>{nonsense}</json-message>"),
        )
        .await;
        bob.expect(&["<message", "type=\"error\""]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_is_for_everybody_and_for_moderators_to_say() {
    let house = House::open().await;
    let mut ana = house.join("Ana").await;
    let mut bob = house.join("Bob").await;
    tell(&mut bob, "endconference", "<end_conference/>").await;
    bob.expect(&["<message", "type=\"error\"", "<forbidden"]).await;
    tell(&mut ana, "endconference", "<end_conference/>").await;
    for client in [&mut ana, &mut bob] {
        client.expect(&["unavailable", "code=\"110\"", "<destroy"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_find_their_configuration() {
    let house = House::open().await;
    for (path, base) in [("/config.js?room=x", ""), ("/acme/config.js?room=x", "/acme")] {
        let (status, body) = house
            .http(&format!("GET {path} HTTP/1.1\r\nhost: meet.example.org\r\nx-forwarded-proto: https\r\nconnection: close\r\n\r\n"))
            .await;
        assert!(status.contains("200"), "{status}");
        let json = body
            .strip_prefix("var config = ")
            .and_then(|text| text.trim_end().strip_suffix(';'));
        let config: serde_json::Value = serde_json::from_str(json.unwrap_or_default()).unwrap_or_default();
        assert_eq!(
            config["websocket"],
            format!("wss://meet.example.org{base}/xmpp-websocket")
        );
        assert_eq!(
            config["conferenceRequestUrl"],
            format!("https://meet.example.org{base}/conference-request/v1")
        );
        assert_eq!(config["hosts"]["muc"], "conference.meet.jitsi");
    }
}
