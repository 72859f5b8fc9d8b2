//! The way of a client from the first frame to the last, in the order clients take it.

mod support;

use support::{DOMAIN, House};
use tertulia_engine::PeerEvent;
use tertulia_model::Identity;
use tertulia_room::{Actor, ChatInput, ChatMessage, Command, Event};

const ROOM: &str = "weekly@conference.meet.jitsi";

#[tokio::test(flavor = "multi_thread")]
async fn a_client_walks_in_talks_and_leaves() {
    let house = House::open().await;
    let mut ana = house.client("").await;
    let (node, rest) = ana.jid.split_once('@').unwrap();
    assert!(node.len() == 36 && rest.starts_with(DOMAIN), "{}", ana.jid);

    ana.send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>").await;
    ana.expect(&["<enabled ", "resume=\"true\"", "id=\"", "max=\"60\""])
        .await;
    let services = ana
        .ask("get", DOMAIN, "<services xmlns='urn:xmpp:extdisco:2'/>")
        .await;
    assert!(services.contains("type=\"result\""), "{services}");
    let info = ana
        .ask(
            "get",
            DOMAIN,
            "<query xmlns='http://jabber.org/protocol/disco#info'/>",
        )
        .await;
    assert!(info.contains("urn:xmpp:ping"), "{info}");
    let ready = ana
        .ask(
            "set",
            &format!("focus.{DOMAIN}"),
            &format!("<conference xmlns='http://jitsi.org/protocol/focus' room='{ROOM}' machine-uid='x'/>"),
        )
        .await;
    assert!(
        ready.contains("ready=\"true\"") && ready.contains(&format!("focusjid=\"focus@auth.{DOMAIN}\"")),
        "{ready}"
    );

    let told = ana.join("weekly", "Ana").await;
    assert!(told[0].contains(&format!("from=\"{ROOM}/focus\"")), "{told:#?}");
    assert!(told[0].contains("role=\"moderator\""), "{told:#?}");
    let own = &told[1];
    assert!(
        own.contains("code=\"110\"") && own.contains(&format!("jid=\"{}\"", ana.jid)),
        "{own}"
    );

    let about = ana
        .ask(
            "get",
            ROOM,
            "<query xmlns='http://jabber.org/protocol/disco#info'/>",
        )
        .await;
    assert!(
        about.contains("muc#roominfo_meetingId") && about.contains("muc#roominfo_created_timestamp"),
        "{about}"
    );
    let pong = ana.ask("get", DOMAIN, "<ping xmlns='urn:xmpp:ping'/>").await;
    assert!(pong.contains("type=\"result\""), "{pong}");

    // The second sees the first, and the first the second.
    let mut bob = house.client("").await;
    let told = bob.join("Weekly", "Bob").await;
    let seen = told
        .iter()
        .find(|text| text.contains(&format!("{ROOM}/{}", ana.nick())))
        .unwrap();
    assert!(
        seen.contains(">Ana<") && seen.contains(&format!("jid=\"{}\"", ana.jid)),
        "{seen}"
    );
    let seen = ana
        .expect(&["<presence", &format!("{ROOM}/{}", bob.nick()), ">Bob<"])
        .await;
    assert!(seen.contains("SourceInfo"), "{seen}");

    // What is said anew comes back to everybody.
    ana.say_anew("<SourceInfo>{\"x\":{\"muted\":true}}</SourceInfo><nick xmlns='http://jabber.org/protocol/nick'>Ana B.</nick>")
        .await;
    ana.expect(&["<presence", "code=\"110\"", "muted"]).await;
    bob.expect(&["<presence", &ana.nick(), "muted", "Ana B."]).await;

    // Chat to all, and to one.
    ana.send(&format!(
        "<message xmlns='jabber:client' to='{ROOM}' type='groupchat' id='m1'><body>Good &lt;morning&gt;</body></message>"
    ))
    .await;
    for client in [&mut ana, &mut bob] {
        client
            .expect(&[
                "<message",
                "type=\"groupchat\"",
                "id=\"m1\"",
                "Good &lt;morning&gt;",
            ])
            .await;
    }
    bob.send(&format!(
        "<message xmlns='jabber:client' to='{ROOM}/{}' type='chat' id='m2'><body>Only you</body></message>",
        ana.nick()
    ))
    .await;
    let private = ana.expect(&["type=\"chat\"", "Only you"]).await;
    assert!(
        private.contains(&format!("from=\"{ROOM}/{}\"", bob.nick())),
        "{private}"
    );

    // What means something to these clients alone passes between them, from whoever really sent it.
    bob.send(&format!(
        "<message xmlns='jabber:client' from='{}' to='{ROOM}' type='groupchat'><json-message \
         xmlns='http://jitsi.org/jitmeet'>{{}}</json-message></message>",
        ana.jid
    ))
    .await;
    let passed = ana.expect(&["json-message"]).await;
    assert!(
        passed.contains(&format!("from=\"{ROOM}/{}\"", bob.nick())),
        "{passed}"
    );
    let query = "<query xmlns='http://jabber.org/protocol/disco#info'/>";
    ana.send(&format!(
        "<iq xmlns='jabber:client' type='get' id='peer' to='{ROOM}/{}'>{query}</iq>",
        bob.nick()
    ))
    .await;
    let asked = bob.expect(&["<iq", "disco#info"]).await;
    assert!(
        asked.contains(&format!("from=\"{ROOM}/{}\"", ana.nick())),
        "{asked}"
    );
    bob.send(&format!(
        "<iq xmlns='jabber:client' type='result' id='peer' to='{ROOM}/{}'>{query}</iq>",
        ana.nick()
    ))
    .await;
    ana.expect(&["id=\"peer\"", "type=\"result\""]).await;

    ana.send("<r xmlns='urn:xmpp:sm:3'/>").await;
    ana.expect(&["<a ", "h=\""]).await;

    bob.send(&format!(
        "<presence xmlns='jabber:client' type='unavailable' to='{ROOM}/{}'/>",
        bob.nick()
    ))
    .await;
    bob.expect(&["unavailable", "code=\"110\""]).await;
    ana.expect(&["unavailable", &bob.nick()]).await;
    bob.send("<close xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>")
        .await;
    bob.expect(&["<close "]).await;
    assert_eq!(bob.next().await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn people_of_other_doors_are_occupants_like_any_other() {
    let house = House::open().await;
    let (room, mut joined) = house.stranger("carla").await;
    let mut ana = house.client("").await;
    let told = ana.join("weekly", "Ana").await;
    let seen = told.iter().find(|text| text.contains("CARLA")).unwrap();
    assert!(
        seen.contains("<SourceInfo>{}") && seen.contains("role=\"moderator\""),
        "{seen}"
    );
    let (_, rest) = seen.split_once(&format!("from=\"{ROOM}/")).unwrap();
    let carla = rest[..8].to_owned();

    // Carla writes, to all and to Ana.
    let actor = Actor::Participant(joined.participant.id.clone());
    let ana_identity = Identity::parse(ana.jid.split_once('@').unwrap().0).unwrap();
    for (id, to) in [("c1", None), ("c2", Some(ana_identity.clone()))] {
        let input = ChatInput {
            id: id.to_owned(),
            text: format!("hello {id}"),
            to,
            reply_to: None,
        };
        room.command(actor.clone(), Command::Chat(input)).await.unwrap();
    }
    let from = format!("from=\"{ROOM}/{carla}\"");
    ana.expect(&["type=\"groupchat\"", "hello c1", &from]).await;
    ana.expect(&["type=\"chat\"", "hello c2", &from]).await;

    // Ana answers, raises her hand and is renamed.
    ana.send(&format!(
        "<message xmlns='jabber:client' to='{ROOM}/{carla}' type='chat' id='a1'><body>hello Carla</body></message>"
    ))
    .await;
    let mut heard = async |wanted: &dyn Fn(&Event) -> bool| {
        let next = async {
            loop {
                match joined.events.recv().await.unwrap() {
                    PeerEvent::Room(event) if wanted(&event) => return,
                    _ => {}
                }
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(10), next)
            .await
            .unwrap();
    };
    heard(&|event| matches!(event, Event::Chat(said) if said.text == "hello Carla" && said.to.is_some()))
        .await;
    ana.say_anew(
        "<jitsi_participant_raisedHand>1700000000000</jitsi_participant_raisedHand><nick \
         xmlns='http://jabber.org/protocol/nick'>Anita</nick>",
    )
    .await;
    heard(&|event| matches!(event, Event::ParticipantChanged(info) if info.name == "Anita")).await;
    heard(&|event| {
        matches!(
            event,
            Event::Hand {
                raised_at_ms: Some(_),
                ..
            }
        )
    })
    .await;

    // Carla's hand shows, and a client who comes late reads what was said to all.
    room.command(actor.clone(), Command::SetHand { raised: true })
        .await
        .unwrap();
    ana.expect(&["<presence", &carla, "<jitsi_participant_raisedHand>"])
        .await;
    room.command(actor.clone(), Command::SetHand { raised: false })
        .await
        .unwrap();
    // What is not said stays as it was told before, to these clients.
    ana.expect(&["<presence", &carla, "<jitsi_participant_raisedHand>0<"])
        .await;
    let mut bob = house.client("").await;
    let told = bob.join("weekly", "Bob").await.join("\n");
    assert!(told.contains("hello c1") && told.contains("<delay"), "{told}");
    assert!(
        !told.contains("hello c2") && !told.contains("hello Carla"),
        "{told}"
    );

    // Asked what they can do, they answer through the door.
    let answer = ana
        .ask(
            "get",
            &format!("{ROOM}/{carla}"),
            "<query xmlns='http://jabber.org/protocol/disco#info'/>",
        )
        .await;
    assert!(answer.contains("type=\"result\""), "{answer}");

    // Carla moderates. She removes Ana, and Bob sees it.
    let remove = Command::Remove {
        identity: ana_identity,
        revoke: false,
    };
    room.command(actor, remove).await.unwrap();
    ana.expect(&["unavailable", "code=\"110\"", "code=\"307\"", "<actor"])
        .await;
    bob.expect(&["unavailable", &ana.nick(), "code=\"307\""]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_reactions_and_retractions_cross_between_doors() {
    let house = House::open().await;
    let (room, mut joined) = house.stranger("carla").await;
    let carla = Actor::Participant(joined.participant.id.clone());
    let mut ana = house.join("Ana").await;
    let own = format!("from=\"{ROOM}/{}\"", ana.nick());
    let mut changed = async |wanted: &dyn Fn(&ChatMessage) -> bool| {
        let next = async {
            loop {
                let event = joined.events.recv().await.unwrap();
                let PeerEvent::Room(event) = event else { continue };
                match &*event {
                    Event::Chat(message) | Event::ChatChanged(message) if wanted(message) => {
                        return message.seq;
                    }
                    _ => {}
                }
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(10), next)
            .await
            .unwrap()
    };
    let say = |id: &str, text: &str, reply_to| {
        Command::Chat(ChatInput {
            id: id.to_owned(),
            text: text.to_owned(),
            to: None,
            reply_to,
        })
    };
    room.command(carla.clone(), say("c1", "Who brings coffee?", None))
        .await
        .unwrap();
    ana.expect(&["Who brings coffee?"]).await;

    // She answers and reacts as the clients do, and both are the room's.
    ana.send(&format!(
        "<message xmlns='jabber:client' to='{ROOM}' type='groupchat' id='a1'><body>I do</body><reply to='c1'/></message>"
    ))
    .await;
    let answer = changed(&|message| message.text == "I do" && message.reply_to == Some(1)).await;
    ana.expect(&["I do", "<reply", "to=\"c1\""]).await;
    ana.send(&format!(
        "<message xmlns='jabber:client' to='{ROOM}' type='groupchat'><reactions xmlns='urn:xmpp:reactions:0' \
         id='c1'><reaction>❤️</reaction></reactions></message>"
    ))
    .await;
    changed(&|message| message.seq == 1 && message.reactions.iter().any(|one| one.kind == "heart")).await;
    ana.expect(&["<reactions", "id=\"c1\"", "❤️", &own]).await;

    // What becomes of a message elsewhere is told.
    room.command(
        carla.clone(),
        Command::ReactToChat {
            seq: answer,
            kind: "thumbs_up".to_owned(),
            on: true,
        },
    )
    .await
    .unwrap();
    ana.expect(&["<reactions", "id=\"a1\"", "👍"]).await;
    room.command(
        carla.clone(),
        Command::EditChat {
            seq: 1,
            text: "Who brings tea?".to_owned(),
        },
    )
    .await
    .unwrap();
    ana.expect(&["<retract", "id=\"c1\""]).await;
    ana.expect(&["Who brings tea?", "id=\"c1.1\""]).await;
    room.command(carla, Command::DeleteChat { seq: 1 }).await.unwrap();
    ana.expect(&["<retract", "id=\"c1.1\""]).await;

    // She takes back what she wrote; what was not hers stays.
    ana.send(&format!(
        "<message xmlns='jabber:client' to='{ROOM}' type='groupchat'><retract xmlns='urn:xmpp:message-retract:1' \
         id='a1'/><body>I retracted a previous message</body></message>"
    ))
    .await;
    changed(&|message| message.seq == answer && message.deleted).await;
    ana.expect(&["<retract", "id=\"a1\"", &own]).await;
    ana.send(&format!(
        "<message xmlns='jabber:client' to='{ROOM}' type='groupchat'><retract xmlns='urn:xmpp:message-retract:1' \
         id='nothing'/></message>"
    ))
    .await;
    ana.expect(&["type=\"error\"", "<item-not-found"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn moderators_lock_the_room_give_rights_and_remove() {
    let house = House::open().await;
    let mut ana = house.join("Ana").await;
    let mut bob = house.join("Bob").await;

    let form = ana
        .ask(
            "get",
            ROOM,
            "<query xmlns='http://jabber.org/protocol/muc#owner'/>",
        )
        .await;
    for name in ["roomsecret", "passwordprotectedroom", "membersonly", "whois"] {
        assert!(form.contains(&format!("muc#roomconfig_{name}")), "{form}");
    }
    let secret = "<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'><field \
                  var='FORM_TYPE'><value>http://jabber.org/protocol/muc#roomconfig</value></field><field \
                  var='muc#roomconfig_roomsecret'><value>tertulia</value></field></x></query>";
    let refused = bob.ask("set", ROOM, secret).await;
    assert!(refused.contains("<forbidden"), "{refused}");
    let done = ana.ask("set", ROOM, secret).await;
    assert!(done.contains("type=\"result\""), "{done}");
    bob.expect(&["code=\"104\""]).await;
    let about = bob
        .ask(
            "get",
            ROOM,
            "<query xmlns='http://jabber.org/protocol/disco#info'/>",
        )
        .await;
    assert!(
        about.contains("muc_passwordprotected") && !about.contains("tertulia<"),
        "{about}"
    );

    let mut carla = house.client("").await;
    for inside in ["", "<password>wrong</password>"] {
        carla.send_join("weekly", "Carla", inside).await;
        carla
            .expect(&["<presence", "type=\"error\"", "<not-authorized"])
            .await;
    }
    carla
        .send_join("weekly", "Carla", "<password>tertulia</password>")
        .await;
    carla.expect(&["code=\"110\""]).await;

    // Bob may do nothing of it until he is made a moderator.
    let kick = format!(
        "<query xmlns='http://jabber.org/protocol/muc#admin'><item nick='{}' role='none'><reason>x</reason></item></query>",
        carla.nick()
    );
    let refused = bob.ask("set", ROOM, &kick).await;
    assert!(refused.contains("<forbidden"), "{refused}");
    let bare = bob.jid.split_once('/').unwrap().0.to_owned();
    let grant = format!(
        "<query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='owner' jid='{bare}'/></query>"
    );
    let done = ana.ask("set", ROOM, &grant).await;
    assert!(done.contains("type=\"result\""), "{done}");
    bob.expect(&["<presence", "code=\"110\"", "affiliation=\"owner\""])
        .await;
    ana.expect(&["<presence", &bob.nick(), "affiliation=\"owner\""])
        .await;
    let done = bob.ask("set", ROOM, &kick).await;
    assert!(done.contains("type=\"result\""), "{done}");
    carla
        .expect(&["unavailable", "code=\"110\"", "code=\"307\""])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_over_http_is_answered() {
    let house = House::open().await;
    let (status, body) = house
        .http("GET /xmpp-websocket?room=weekly HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await;
    assert!(status.contains("200") && !body.is_empty(), "{status} {body}");
    let (status, _) = house
        .http("GET /about/health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await;
    assert!(status.contains("200"), "{status}");
    let asked = async |json: &str| {
        house
            .http(&format!(
                "POST /acme/conference-request/v1 HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: \
                 application/json\r\ncontent-length: {}\r\n\r\n{json}",
                json.len()
            ))
            .await
    };
    let (status, body) = asked(&format!(
        "{{\"room\":\"{ROOM}\",\"machineUid\":\"x\",\"properties\":{{}}}}"
    ))
    .await;
    assert!(status.contains("200"), "{status} {body}");
    let ready: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(ready["ready"], true);
    assert_eq!(ready["focusJid"], format!("focus@auth.{DOMAIN}"));
    for bad in ["{}", "{\"room\":\"weekly@elsewhere\"}", "nonsense"] {
        let (status, _) = asked(bad).await;
        assert!(status.contains("400"), "{status} for {bad}");
    }
}
