//! Sound and pictures between Jitsi clients and people of the LiveKit door, over real sockets.

mod support;

use std::time::{Duration, Instant};

use livekit_protocol::TrackSource;
use serde_json::json;
use support::livekit::LiveKitPeer;
use support::peer::JitsiPeer;
use support::{House, token};

/// How long anything expected may take.
const PATIENCE: Duration = Duration::from_secs(40);
/// A packet of sound, a picture of each layer.
const BEAT: Duration = Duration::from_millis(20);

/// Lets everybody live until something holds.
async fn until(
    jitsi: &mut [&mut JitsiPeer],
    livekit: &mut [&mut LiveKitPeer],
    what: &str,
    holds: impl Fn(&mut [&mut JitsiPeer], &mut [&mut LiveKitPeer]) -> bool,
) {
    let begin = Instant::now();
    let mut clock = tokio::time::interval(BEAT / 4);
    let mut turn = 0_u64;
    while !holds(jitsi, livekit) {
        if begin.elapsed() > PATIENCE {
            let known: Vec<_> = jitsi
                .iter()
                .map(|peer| {
                    (
                        &peer.sources,
                        peer.wire.as_ref().map(|wire| (wire.connected, &wire.seen)),
                        &peer.stanzas,
                        &peer.told,
                    )
                })
                .collect();
            panic!("{what} did not come about: {known:#?}");
        }
        clock.tick().await;
        let beat = turn.is_multiple_of(4);
        for peer in jitsi.iter_mut() {
            peer.turn(beat).await;
        }
        for peer in livekit.iter_mut() {
            peer.turn(beat).await;
        }
        turn += 1;
    }
}

fn source(peer: &JitsiPeer, name: &str) -> String {
    format!("{}-{name}", peer.nick())
}

#[tokio::test(flavor = "multi_thread")]
async fn three_jitsi_clients_hear_and_see_one_another_in_both_modes() {
    let house = House::open().await;
    let mut ana = JitsiPeer::join(&house, "Ana", true).await;
    // Whoever is alone is not invited.
    for _ in 0..5 {
        ana.turn(false).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(ana.invited, 0);
    let mut bob = JitsiPeer::join(&house, "Bob", true).await;
    let mut carla = JitsiPeer::join(&house, "Carla", false).await;
    let names = [&ana, &bob, &carla].map(|peer| peer.nick());
    let all = |peers: &mut [&mut JitsiPeer], least: usize| {
        peers.iter().all(|peer| {
            let others = names.iter().filter(|nick| **nick != peer.nick());
            others
                .flat_map(|nick| [format!("{nick}-a0"), format!("{nick}-v0")])
                .all(|name| peer.packets(&name) > least)
        })
    };
    until(
        &mut [&mut ana, &mut bob, &mut carla],
        &mut [],
        "everybody hearing and seeing everybody",
        |peers, _| all(peers, 30),
    )
    .await;
    for peer in [&ana, &bob, &carla] {
        assert_eq!(peer.invited, 1);
        for other in names.iter().filter(|nick| **nick != peer.nick()) {
            let name = format!("{other}-v0");
            let seen = peer.seen(&name);
            assert!(!seen.named, "a packet names a section of ours");
            assert!(seen.began_at_keyframe, "{seen:?}");
            assert_eq!(peer.sources[&name].owner, *other);
        }
    }

    // One goes; the others are told, each in its way.
    let gone = bob.nick();
    bob.client
        .send(&format!(
            "<presence xmlns='jabber:client' type='unavailable' to='weekly@conference.meet.jitsi/{gone}'/>"
        ))
        .await;
    let name = format!("{gone}-v0");
    until(
        &mut [&mut ana, &mut carla],
        &mut [],
        "the farewell",
        |peers, _| {
            let map = peers[0].last("VideoSourcesMap").unwrap();
            !map.to_string().contains(&name) && !peers[1].sources.contains_key(&name)
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jitsi_client_and_somebody_of_the_livekit_door_meet() {
    let house = House::open().await;
    let mut carla = LiveKitPeer::join(house.address, &token("carla", "weekly")).await;
    until(&mut [], &mut [&mut carla], "the first answer", |_, peers| {
        peers[0].wire.connected
    })
    .await;
    let mut ana = JitsiPeer::join(&house, "Ana", true).await;
    let ana_identity = ana.client.jid.split_once('@').unwrap().0.to_owned();
    until(
        &mut [&mut ana],
        &mut [&mut carla],
        "both hearing and seeing",
        |jitsi, livekit| {
            let hears = |livekit: &mut LiveKitPeer, source| {
                livekit
                    .seen(&ana_identity, source)
                    .is_some_and(|seen| seen.packets > 40)
            };
            let carla = jitsi[0]
                .sources
                .keys()
                .find(|name| name.ends_with("-v0"))
                .cloned();
            let sound = jitsi[0]
                .sources
                .keys()
                .find(|name| name.ends_with("-a0"))
                .cloned();
            carla.is_some_and(|name| jitsi[0].packets(&name) > 40)
                && sound.is_some_and(|name| jitsi[0].packets(&name) > 40)
                && hears(livekit[0], TrackSource::Camera)
                && hears(livekit[0], TrackSource::Microphone)
        },
    )
    .await;
    let carla_video = ana
        .sources
        .keys()
        .find(|name| name.ends_with("-v0"))
        .unwrap()
        .clone();
    let carla_nick = carla_video.split_once('-').unwrap().0.to_owned();

    // The highest layer arrives, until the client wants less.
    let layer = |jitsi: &[&mut JitsiPeer]| jitsi[0].seen(&carla_video).layer;
    until(
        &mut [&mut ana],
        &mut [&mut carla],
        "the highest layer",
        |jitsi, _| layer(jitsi) == 2,
    )
    .await;
    ana.want(&carla_video, 180).await;
    until(
        &mut [&mut ana],
        &mut [&mut carla],
        "the lowest layer",
        |jitsi, _| layer(jitsi) == 0,
    )
    .await;
    ana.want(&carla_video, 0).await;
    until(&mut [&mut ana], &mut [&mut carla], "no picture", |jitsi, _| {
        jitsi[0]
            .last("ForwardedSources")
            .is_some_and(|told| told["forwardedSources"] == json!([]))
    })
    .await;
    ana.want(&carla_video, 720).await;
    until(
        &mut [&mut ana],
        &mut [&mut carla],
        "the picture again",
        |jitsi, _| layer(jitsi) == 2,
    )
    .await;

    // The other way round the LiveKit client's wishes reach the sender: what nobody wants is not sent.
    carla.want_none(&ana_identity, TrackSource::Camera).await;
    let own = source(&ana, "v0");
    until(&mut [&mut ana], &mut [&mut carla], "the wish", |jitsi, _| {
        jitsi[0]
            .last("SenderSourceConstraints")
            .is_some_and(|told| told["sourceName"] == own.as_str() && told["maxHeight"] == 0)
    })
    .await;
    let dominant = ana.last("DominantSpeakerEndpointChangeEvent").unwrap();
    let known = [ana.nick(), carla_nick.clone()];
    assert!(
        known
            .iter()
            .any(|nick| dominant["dominantSpeakerEndpoint"] == nick.as_str()),
        "{dominant}"
    );

    // What is muted there is muted here, and the other way round.
    let nick = ana.nick();
    ana.client
        .say_anew(&format!(
            "<SourceInfo>{{\"{nick}-a0\":{{\"muted\":true}},\"{nick}-v0\":{{\"muted\":false}}}}</SourceInfo>"
        ))
        .await;
    until(&mut [&mut ana], &mut [&mut carla], "the mute", |_, livekit| {
        livekit[0]
            .track(&ana_identity, TrackSource::Microphone)
            .is_some_and(|track| track.muted)
    })
    .await;

    // A bridge channel that breaks is opened again and knows everything.
    ana.reopen_bridge().await;
    until(
        &mut [&mut ana],
        &mut [&mut carla],
        "a bridge that knows",
        |jitsi, _| {
            jitsi[0].last("ServerHello").is_some()
                && jitsi[0]
                    .last("VideoSourcesMap")
                    .is_some_and(|map| map.to_string().contains(&carla_video))
        },
    )
    .await;

    // A session that failed is begun again, and media flow again both ways.
    ana.ask_again().await;
    until(
        &mut [&mut ana],
        &mut [&mut carla],
        "another session",
        |jitsi, livekit| {
            let heard = livekit[0].seen(&ana_identity, TrackSource::Camera);
            jitsi[0].invited == 2
                && jitsi[0].packets(&carla_video) > 20
                && heard.is_some_and(|seen| seen.packets > 20)
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_between_endpoints_have_a_true_sender() {
    let house = House::open().await;
    let mut ana = JitsiPeer::join(&house, "Ana", true).await;
    let mut bob = JitsiPeer::join(&house, "Bob", true).await;
    until(&mut [&mut ana, &mut bob], &mut [], "both bridges", |peers, _| {
        peers.iter().all(|peer| peer.last("ServerHello").is_some())
    })
    .await;
    let payload = json!({ "type": "e2e-ping-request", "id": 7 });
    ana.say_bridge(json!({ "colibriClass": "EndpointMessage", "to": bob.nick(), "from": "forged", "msgPayload": payload }))
        .await;
    ana.say_bridge(json!({ "colibriClass": "EndpointStats", "connectionQuality": 100 }))
        .await;
    let nick = ana.nick();
    until(&mut [&mut ana, &mut bob], &mut [], "the message", |peers, _| {
        peers[1].last("EndpointMessage").is_some() && peers[1].last("EndpointStats").is_some()
    })
    .await;
    let message = bob.last("EndpointMessage").unwrap();
    assert_eq!(message["from"], nick.as_str());
    assert_eq!(message["msgPayload"], payload);
    assert_eq!(bob.last("EndpointStats").unwrap()["from"], nick.as_str());

    // Nonsense changes nothing.
    for text in [
        json!([]),
        json!({}),
        json!({ "colibriClass": "ReceiverVideoConstraints", "lastN": "x" }),
    ] {
        ana.say_bridge(text).await;
    }
    let guessed = format!("ws://{}/colibri-ws/tertulia/x/y?pwd=guessed", house.address);
    let refused = tokio_tungstenite::connect_async(guessed)
        .await
        .err()
        .map(|error| error.to_string());
    assert!(
        refused.as_ref().is_some_and(|why| why.contains("403")),
        "{refused:?}"
    );

    // Moderators mute others: the first to come moderates.
    let mute = format!(
        "<iq xmlns='jabber:client' type='set' id='mute-1' to='weekly@conference.meet.jitsi/focus'><mute \
         xmlns='http://jitsi.org/jitmeet/audio' jid='weekly@conference.meet.jitsi/{}'>true</mute></iq>",
        bob.nick()
    );
    ana.client.send(&mute).await;
    until(&mut [&mut ana, &mut bob], &mut [], "the mute", |peers, _| {
        let asked = |text: &String| text.contains("<mute ") && text.contains(">true<");
        peers[1].stanzas.iter().any(asked)
    })
    .await;
}
