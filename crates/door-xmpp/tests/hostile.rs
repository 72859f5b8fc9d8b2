//! What strangers try at this door, by the numbers of `docs/attacks.md` where they have one.

mod support;

use std::time::Duration;

use support::{Client, DOMAIN, House, token};
use tertulia_door_xmpp::DoorConfig;
use tertulia_people::RoomPolicy;

const ROOM: &str = "weekly@conference.meet.jitsi";

async fn dies_of(house: &House, frame: &str, condition: &str) {
    let mut client = house.client("").await;
    client.send(frame).await;
    client.expect(&["<stream:error", condition]).await;
    client.expect(&["<close "]).await;
    assert_eq!(client.next().await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn x1_x3_x4_restricted_or_huge_xml_ends_that_stream_alone() {
    let house = House::open().await;
    let mut other = house.join("Ana").await;
    dies_of(
        &house,
        "<!DOCTYPE a [<!ENTITY x 'y'>]><message>&x;</message>",
        "<restricted-xml",
    )
    .await;
    dies_of(
        &house,
        "<message xmlns='jabber:client'>&xxe;</message>",
        "<restricted-xml",
    )
    .await;
    dies_of(
        &house,
        "<message xmlns='jabber:client'><!-- x --></message>",
        "<restricted-xml",
    )
    .await;
    dies_of(
        &house,
        "<message xmlns='jabber:client'><?php x?></message>",
        "<restricted-xml",
    )
    .await;
    dies_of(
        &house,
        "<message xmlns='jabber:client'>&#0;</message>",
        "<not-well-formed",
    )
    .await;
    dies_of(
        &house,
        "<message xmlns='jabber:client'><b></message>",
        "<not-well-formed",
    )
    .await;
    dies_of(
        &house,
        "<presence xmlns='jabber:server'/>",
        "<unsupported-stanza-type",
    )
    .await;
    let deep = format!("{}{}", "<a>".repeat(10_000), "</a>".repeat(10_000));
    dies_of(&house, &deep, "<policy-violation").await;
    let many: String = (0..10_000).map(|number| format!(" a{number}=''")).collect();
    dies_of(&house, &format!("<a{many}/>"), "<policy-violation").await;
    // Longer than a message may be: the socket is closed under it.
    let mut client = house.client("").await;
    let huge = format!(
        "<message xmlns='jabber:client'>{}</message>",
        "x".repeat(1_000_000)
    );
    client.send_in_vain(&huge).await;
    while client.next().await.is_some() {}
    let pong = other.ask("get", DOMAIN, "<ping xmlns='urn:xmpp:ping'/>").await;
    assert!(pong.contains("type=\"result\""), "{pong}");
}

#[tokio::test(flavor = "multi_thread")]
async fn x2_whoever_does_not_say_who_they_are_gets_little() {
    let house = House::open().await;
    let mut client = house.connect("").await;
    client
        .send(&format!(
            "<message xmlns='jabber:client'>{}</message>",
            "x".repeat(20_000)
        ))
        .await;
    client.expect(&["<stream:error", "<policy-violation"]).await;
    let mut client = house.connect("").await;
    client.open().await;
    client.send("<message xmlns='jabber:client'/>").await;
    client.expect(&["<stream:error", "<not-authorized"]).await;
    let mut client = house.connect("").await;
    client
        .send("<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='elsewhere.example' version='1.0'/>")
        .await;
    client.expect(&["<stream:error", "<host-unknown"]).await;
    assert_eq!(house.door.stats().streams, 0);

    let house = House::open_with(DoorConfig {
        streams: 1,
        ..DoorConfig::default()
    })
    .await;
    let _first = house.client("").await;
    let mut second = house.connect("").await;
    second.expect(&["<stream:error", "<resource-constraint"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn x5_forged_senders_and_requests_beyond_ones_rights() {
    let house = House::open().await;
    let mut ana = house.join("Ana").await;
    let mut bob = house.join("Bob").await;
    bob.send(&format!(
        "<message xmlns='jabber:client' from='{ROOM}/{}' to='{ROOM}' type='groupchat' id='f'><body>forged</body></message>",
        ana.nick()
    ))
    .await;
    let said = ana.expect(&["forged"]).await;
    assert!(
        said.contains(&format!("from=\"{ROOM}/{}\"", bob.nick())),
        "{said}"
    );
    let elsewhere = [
        (DOMAIN, "<query xmlns='http://jabber.org/protocol/muc#admin'/>"),
        (
            "admin.meet.jitsi",
            "<query xmlns='http://jabber.org/protocol/disco#info'/>",
        ),
        ("example.org", "<ping/>"),
    ];
    for (to, contents) in elsewhere {
        let refused = bob.ask("set", to, contents).await;
        assert!(refused.contains("<service-unavailable"), "{refused}");
    }
    let mute = format!(
        "<mute xmlns='http://jitsi.org/jitmeet/audio' jid='{ROOM}/{}'>true</mute>",
        ana.nick()
    );
    let refused = bob.ask("set", &format!("{ROOM}/focus"), &mute).await;
    assert!(refused.contains("<forbidden"), "{refused}");
    // Somebody who is not in the room asks nothing of it.
    let mut carla = house.client("").await;
    for contents in [
        "<query xmlns='http://jabber.org/protocol/muc#owner'/>",
        "<query xmlns='http://jabber.org/protocol/muc#admin'><item nick='x' role='none'/></query>",
    ] {
        let refused = carla.ask("set", ROOM, contents).await;
        assert!(refused.contains("<not-acceptable"), "{refused}");
    }
    carla
        .send(&format!(
            "<message xmlns='jabber:client' to='{ROOM}' type='groupchat'><body>x</body></message>"
        ))
        .await;
    carla.expect(&["<message", "type=\"error\""]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn x6_nobody_is_called_focus_or_like_somebody_else() {
    let house = House::open().await;
    let ana = house.join("Ana").await;
    let mut eve = house.client("").await;
    for (nick, condition) in [
        ("focus", "<not-acceptable"),
        ("FOCUS", "<not-acceptable"),
        (&*ana.nick(), "<conflict"),
    ] {
        eve.send(&format!(
            "<presence xmlns='jabber:client' to='{ROOM}/{nick}'><x xmlns='http://jabber.org/protocol/muc'/></presence>"
        ))
        .await;
        eve.expect(&["<presence", "type=\"error\"", condition]).await;
    }
    eve.send(
        "<presence xmlns='jabber:client' to='jvbbrewery@internal-muc.meet.jitsi/jvb'><x \
         xmlns='http://jabber.org/protocol/muc'/></presence>",
    )
    .await;
    eve.expect(&["<presence", "type=\"error\"", "<service-unavailable"])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn x8_guests_stay_out_where_they_are_not_wanted() {
    let house = House::open_with(DoorConfig {
        guests: false,
        ..DoorConfig::default()
    })
    .await;
    let refused = async |query: &str, mechanism: &str, condition: &str| {
        let mut client = house.connect(query).await;
        client.open().await;
        client
            .send(&format!(
                "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='{mechanism}'>AHgAeA==</auth>"
            ))
            .await;
        client.expect(&["<failure", condition]).await
    };
    let told = refused("", "ANONYMOUS", "<not-authorized").await;
    assert!(told.contains("a token is needed"), "{told}");
    refused("", "PLAIN", "<invalid-mechanism").await;
    refused("&token=nonsense", "ANONYMOUS", "<not-authorized").await;

    let mut ana = house.client(&format!("&token={}", token("ana", "weekly"))).await;
    ana.send_join("weekly", "Ana", "").await;
    ana.expect(&["code=\"110\""]).await;
    let mut bob = house
        .client(&format!("&token={}", token("bob", "elsewhere")))
        .await;
    bob.send_join("weekly", "Bob", "").await;
    bob.expect(&["<presence", "type=\"error\"", "<not-allowed"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guests_open_no_rooms_where_others_do() {
    let open = async |policy| {
        House::open_with(DoorConfig {
            policy,
            ..DoorConfig::default()
        })
        .await
    };
    let house = open(RoomPolicy::SignInToCreate).await;
    let mut ana = house.client("").await;
    ana.send_join("weekly", "Ana", "").await;
    ana.expect(&["<presence", "type=\"error\"", "<not-allowed", "has not begun"])
        .await;
    let (_room, _carla) = house.stranger("carla").await;
    ana.join("weekly", "Ana").await;
    // A token of ours was given by whoever decides.
    let mut bob = house
        .client(&format!("&token={}", token("bob", "elsewhere")))
        .await;
    bob.join("elsewhere", "Bob").await;

    let house = open(RoomPolicy::InviteOnly).await;
    let (_room, _carla) = house.stranger("carla").await;
    let mut ana = house.client("").await;
    ana.send_join("weekly", "Ana", "").await;
    ana.expect(&["<presence", "type=\"error\"", "<not-allowed", "by invitation"])
        .await;
    let nick = ana.nick();
    ana.send(&format!(
        "<presence xmlns='jabber:client' to='weekly@lobby.{DOMAIN}/{nick}'/>"
    ))
    .await;
    ana.expect(&["<presence", "type=\"error\"", "<not-allowed"]).await;
}

async fn resumable(house: &House, query: &str) -> (Client, String) {
    let mut client = house.client(query).await;
    client.send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>").await;
    let enabled = client.expect(&["<enabled "]).await;
    (client, support::attribute(&enabled, "id"))
}

#[tokio::test(flavor = "multi_thread")]
async fn x10_a_stream_is_resumed_by_who_began_it_with_what_it_missed() {
    let house = House::open().await;
    let (mut ana, id) = resumable(&house, "").await;
    ana.join("weekly", "Ana").await;
    let (jid, nick) = (ana.jid.clone(), ana.nick());
    let mut bob = house.join("Bob").await;
    ana.expect(&["<presence", &bob.nick()]).await;
    ana.cut();
    bob.send(&format!(
        "<message xmlns='jabber:client' to='{ROOM}' type='groupchat' id='m1'><body>while you were out</body></message>"
    ))
    .await;
    bob.expect(&["while you were out"]).await;

    let mut ana = house.connect("&previd=x").await;
    ana.authenticate().await;
    ana.send(&format!("<resume xmlns='urn:xmpp:sm:3' previd='{id}' h='4'/>"))
        .await;
    let resumed = ana.expect(&["<resumed "]).await;
    // One presence was sent after counting began.
    assert!(resumed.contains("h=\"1\"") && resumed.contains(&id), "{resumed}");
    ana.jid = jid;
    ana.expect(&["while you were out"]).await;
    ana.say_anew("<nick xmlns='http://jabber.org/protocol/nick'>Ana again</nick>")
        .await;
    let seen = bob.expect(&["Ana again", &nick]).await;
    assert!(!seen.contains("unavailable"), "{seen}");
    assert_eq!(house.door.stats().resumes, 1);

    // Unknown streams and streams of somebody else are no streams.
    let (_carla, id) = resumable(&house, &format!("&token={}", token("carla", "weekly"))).await;
    for (query, previd) in [
        (String::new(), id.clone()),
        (format!("&token={}", token("dora", "weekly")), id.clone()),
        (String::new(), "0".repeat(32)),
    ] {
        let mut eve = house.connect(&query).await;
        eve.authenticate().await;
        eve.send(&format!(
            "<resume xmlns='urn:xmpp:sm:3' previd='{previd}' h='0'/>"
        ))
        .await;
        eve.expect(&["<failed ", "<item-not-found"]).await;
        eve.bind().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_come_back_in_time_has_left() {
    let house = House::open_with(DoorConfig {
        resume_window: Duration::from_millis(50),
        ..DoorConfig::default()
    })
    .await;
    let mut bob = house.join("Bob").await;
    let (mut ana, _) = resumable(&house, "").await;
    ana.join("weekly", "Ana").await;
    let nick = ana.nick();
    ana.cut();
    bob.expect(&["unavailable", &nick]).await;
    // Who cannot come back has left at once.
    let carla = house.join("Carla").await;
    let nick = carla.nick();
    carla.cut();
    bob.expect(&["unavailable", &nick]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn floods_and_wrong_acknowledgements_end_the_stream() {
    let house = House::open_with(DoorConfig {
        stanzas_per_second: 10,
        ..DoorConfig::default()
    })
    .await;
    let mut client = house.client("").await;
    for _ in 0..60 {
        client.send("<presence xmlns='jabber:client'/>").await;
    }
    client.expect(&["<stream:error", "<policy-violation"]).await;
    let (mut client, _) = resumable(&house, "").await;
    client.send("<a xmlns='urn:xmpp:sm:3' h='7'/>").await;
    client.expect(&["<stream:error", "<undefined-condition"]).await;
}
