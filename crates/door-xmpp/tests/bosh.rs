//! A stream over plain requests (XEP-0124), and what strangers may try with it (X9).

mod support;

use std::time::Duration;

use support::{DOMAIN, House, attribute};

const ROOM: &str = "weekly@conference.meet.jitsi";
const AUTH: &str = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'/>";
const BIND: &str =
    "<iq xmlns='jabber:client' id='b' type='set'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>";

/// A client that asks.
struct Asking<'a> {
    house: &'a House,
    sid: String,
    rid: u64,
    jid: String,
}

impl<'a> Asking<'a> {
    /// Begins a stream. Gives what it was told too.
    async fn begin(house: &'a House) -> (Self, String) {
        let mut asking = Self {
            house,
            sid: String::new(),
            rid: 1_000,
            jid: String::new(),
        };
        let begun = asking
            .post(&format!("to='{DOMAIN}' wait='60' hold='1' ver='1.6'"), "")
            .await;
        asking.sid = attribute(&begun, "sid");
        (asking, begun)
    }

    /// A client with an address.
    async fn bound(house: &'a House) -> Self {
        let (mut asking, begun) = Self::begin(house).await;
        assert!(begun.contains("<mechanism>ANONYMOUS</mechanism>"), "{begun}");
        let success = asking.say(AUTH).await;
        assert!(success.contains("<success"), "{success}");
        let restart = "xmpp:restart='true' xmlns:xmpp='urn:xmpp:xbosh'";
        let features = asking.post(restart, "").await;
        assert!(
            features.contains("<stream:features") && features.contains("<bind"),
            "{features}"
        );
        let bound = asking.say(BIND).await;
        let (_, rest) = bound.split_once("<jid>").unwrap_or_default();
        rest.split_once("</jid>")
            .unwrap_or_default()
            .0
            .clone_into(&mut asking.jid);
        asking
    }

    fn nick(&self) -> &str {
        &self.jid[..8]
    }

    async fn say(&mut self, inside: &str) -> String {
        self.post("", inside).await
    }

    /// The next request.
    async fn post(&mut self, attributes: &str, inside: &str) -> String {
        self.rid += 1;
        self.ask(self.rid, attributes, inside).await
    }

    /// A request by its number.
    async fn ask(&self, rid: u64, attributes: &str, inside: &str) -> String {
        let sid = match self.sid.as_str() {
            "" => String::new(),
            sid => format!("sid='{sid}'"),
        };
        let body = format!(
            "<body xmlns='http://jabber.org/protocol/httpbind' rid='{rid}' {sid} {attributes}>{inside}</body>"
        );
        post(self.house, &body).await
    }

    /// Asks on until something has all of these in it.
    async fn expect(&mut self, parts: &[&str], first: String) -> String {
        let mut told = first;
        while !parts.iter().all(|part| told.contains(part)) {
            assert!(
                !told.contains("type=\"terminate\""),
                "{parts:?} did not come: {told}"
            );
            told = self.say("").await;
        }
        told
    }
}

async fn post(house: &House, body: &str) -> String {
    let length = body.len();
    let request = format!(
        "POST /http-bind HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: text/xml\r\nContent-Length: \
         {length}\r\n\r\n{body}"
    );
    let (status, answer) = house.http(&request).await;
    assert!(status.contains("200"), "{status}");
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_without_a_websocket_walks_in_and_talks() {
    let house = House::open().await;
    let mut bob = house.join("Bob").await;
    let mut ana = Asking::bound(&house).await;
    let nick = ana.nick().to_owned();
    let join = format!(
        "<presence xmlns='jabber:client' to='{ROOM}/{nick}'><x xmlns='http://jabber.org/protocol/muc'/><nick \
         xmlns='http://jabber.org/protocol/nick'>Ana</nick></presence>"
    );
    let told = ana.say(&join).await;
    ana.expect(&["<subject"], told).await;
    bob.expect(&["<presence", &nick, "Ana"]).await;

    // A request that waits is answered as soon as there is something to tell.
    let hello = format!(
        "<message xmlns='jabber:client' to='{ROOM}' type='groupchat' id='h'><body>Hello</body></message>"
    );
    bob.send(&hello).await;
    bob.expect(&["<message", "Hello"]).await;
    let told = ana.say("").await;
    ana.expect(&["<message", "Hello"], told).await;

    // What the network lost is told again, word for word.
    let last = ana.rid;
    let lost = ana.ask(last, "", "").await;
    assert_eq!(ana.ask(last, "", "").await, lost);

    // Two come in the wrong order and are taken in the right one; the later lets the earlier go.
    let said = |text: &str| {
        format!(
            "<message xmlns='jabber:client' to='{ROOM}' type='groupchat' id='{text}'><body>{text}</body></message>"
        )
    };
    let (two, one) = (said("two"), said("one"));
    let (later, earlier) = tokio::join!(ana.ask(last + 2, "", &two), async {
        tokio::task::yield_now().await;
        ana.ask(last + 1, "", &one).await
    });
    ana.rid = last + 2;
    let heard = bob.expect(&["<message", "<body>"]).await;
    assert!(heard.contains("one"), "{heard}");
    bob.expect(&["<message", "two"]).await;
    drop((later, earlier));

    let gone = ana.post("type='terminate'", "").await;
    assert!(gone.contains("type=\"terminate\""), "{gone}");
    bob.expect(&["<presence", "unavailable", &nick]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn x9_streams_of_others_and_numbers_out_of_order_are_refused() {
    let house = House::open().await;
    let ana = Asking::bound(&house).await;
    let refused = |answer: &str, condition: &str| {
        assert!(
            answer.contains("type=\"terminate\"") && answer.contains(&format!("condition=\"{condition}\"")),
            "{answer}"
        );
    };
    let ping = "<iq xmlns='jabber:client' type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>";
    // Far ahead, far behind, and by another's guess.
    refused(&ana.ask(ana.rid + 10, "", ping).await, "item-not-found");
    refused(&ana.ask(ana.rid - 4, "", ping).await, "item-not-found");
    let stranger = Asking {
        house: &house,
        sid: "0".repeat(32),
        rid: ana.rid,
        jid: String::new(),
    };
    refused(&stranger.ask(ana.rid + 1, "", ping).await, "item-not-found");
    for nonsense in [
        "",
        "<body/>",
        "<body xmlns='http://jabber.org/protocol/httpbind'/>",
        "<body xmlns='http://jabber.org/protocol/httpbind' rid='-1'/>",
        "<!DOCTYPE x><body xmlns='http://jabber.org/protocol/httpbind' rid='1'/>",
    ] {
        refused(&post(&house, nonsense).await, "bad-request");
    }
    // None of it has hurt the stream.
    let answer = ana.ask(ana.rid + 1, "", ping).await;
    assert!(answer.contains("type=\"result\""), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn x9_who_floods_or_never_says_who_they_are_is_let_go() {
    let house = House::open().await;
    let mut ana = Asking::bound(&house).await;
    let ping = "<iq xmlns='jabber:client' type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>";
    let answer = ana.say(&ping.repeat(1_900)).await;
    assert!(answer.contains("policy-violation"), "{answer}");
    let (mut nobody, _) = Asking::begin(&house).await;
    let answer = nobody.say(ping).await;
    assert!(
        answer.contains("not-authorized") && answer.contains("terminate"),
        "{answer}"
    );
    // A request that waits for nothing in particular does not keep the door from closing.
    let mut waits = Asking::bound(&house).await;
    let shut = async {
        house.engine.shutdown(Duration::from_secs(1)).await;
        house.door.closed().await;
    };
    let (told, ()) = tokio::join!(waits.say(""), shut);
    assert!(told.contains("type=\"terminate\""), "{told}");
}
