//! Sections of one and of two connections as things come and go.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod support;

use std::time::Duration;

use support::{Pair, config, packet};
use tertulia_model::{
    Codec, Direction, DtlsRole, Extension, Feedback, MediaKind, PeerSpec, TransportProtocol,
};
use tertulia_session::{AudioOptions, ClientFamily, NegotiationError, TxId, TxState, TxWish};

fn wish(kind: MediaKind, track: &str) -> TxWish {
    TxWish {
        kind,
        codecs: match kind {
            MediaKind::Audio => vec![Codec::Opus],
            MediaKind::Video => vec![Codec::Vp8],
        },
        stream_id: "PA_a|camera".into(),
        track_id: track.into(),
    }
}

/// Sends a few pictures and gives how many arrived.
fn arriving(pair: &mut Pair, tx: TxId) -> usize {
    pair.client.received.clear();
    for sequence in 0..5 {
        let payload_type = pair.session.tx_payload_type(tx, Codec::Vp8).unwrap();
        pair.send(tx, &packet(payload_type, sequence, &[0x10, 0, 0, 0]))
            .unwrap();
        pair.run(Duration::from_millis(20));
    }
    pair.run(Duration::from_millis(50));
    pair.client.received.len()
}

fn directions(description: &PeerSpec) -> Vec<Direction> {
    description
        .media
        .iter()
        .map(|section| section.direction)
        .collect()
}

#[test]
fn an_answer_is_complete() {
    let mut pair = Pair::new();
    pair.client.add_receiving(1, 1);
    pair.client.add(MediaKind::Audio, Direction::SendOnly, &[]);
    pair.client
        .add(MediaKind::Video, Direction::SendOnly, &["q", "h", "f"]);
    pair.session.add_tx(wish(MediaKind::Video, "TR_picture"));
    let answer = pair.negotiate();
    assert_eq!(answer.dtls_role, DtlsRole::Server);
    assert_eq!(answer.ice.ufrag, "w0serv");
    assert!(!answer.ice_lite);
    assert_eq!(answer.candidates.len(), 1);
    assert_eq!(answer.candidates[0].protocol, TransportProtocol::Udp);
    assert_eq!(
        directions(&answer),
        [
            Direction::Inactive,
            Direction::SendOnly,
            Direction::RecvOnly,
            Direction::RecvOnly
        ]
    );
    let sent = &answer.media[1];
    assert_eq!(sent.track_id.as_deref(), Some("TR_picture"));
    assert_eq!(sent.stream_id.as_deref(), Some("PA_a|camera"));
    assert_eq!(
        sent.codecs
            .iter()
            .map(|codec| codec.payload_type)
            .collect::<Vec<_>>(),
        [96]
    );
    assert_eq!(sent.codecs[0].rtx, Some(97));
    assert!(sent.encodings[0].ssrc.is_some() && sent.encodings[0].rtx_ssrc.is_some());
    let picture = &answer.media[3];
    let rids: Vec<_> = picture
        .encodings
        .iter()
        .map(|encoding| encoding.rid.as_ref().unwrap().as_str())
        .collect();
    assert_eq!(rids, ["q", "h", "f"]);
    // Of two H.264 variants the one every receiver decodes.
    assert_eq!(
        picture
            .codecs
            .iter()
            .map(|codec| codec.payload_type)
            .collect::<Vec<_>>(),
        [96, 108, 98]
    );
    assert!(picture.codecs[0].feedback.contains(&Feedback::TransportCc));
    assert!(
        picture
            .extensions
            .iter()
            .any(|spec| spec.extension == Extension::RtpStreamId && spec.id == 10)
    );
    let data = answer.data.unwrap();
    assert_eq!((data.index, data.max_message_size), (4, 64_000));
}

#[test]
fn a_preference_orders_and_limits_what_is_published() {
    let mut pair = Pair::new();
    let index = pair.client.add(MediaKind::Video, Direction::SendOnly, &[]);
    let mid = pair.client.sections[index].mid.clone();
    pair.session.prefer_codecs(&mid, &[Codec::Vp9, Codec::Vp8]);
    let answer = pair.negotiate();
    let codecs: Vec<_> = answer.media[0].codecs.iter().map(|codec| codec.codec).collect();
    assert_eq!(codecs, [Codec::Vp9, Codec::Vp8]);
    pair.session.prefer_codecs(&mid, &[Codec::Av1]);
    let answer = pair.negotiate();
    assert_eq!(
        answer.media[0].codecs.len(),
        3,
        "nothing of it was offered, so all is"
    );
}

#[test]
fn an_encoder_is_asked_for_music_or_for_speech() {
    let mut pair = Pair::new();
    let index = pair.client.add(MediaKind::Audio, Direction::SendOnly, &[]);
    let mid = pair.client.sections[index].mid.clone();
    pair.session.prefer_audio(
        &mid,
        AudioOptions {
            stereo: true,
            dtx: false,
        },
    );
    let answer = pair.negotiate();
    assert_eq!(
        answer.media[0].codecs[0].fmtp,
        "minptime=10;useinbandfec=1;stereo=1;maxaveragebitrate=510000"
    );
    pair.session.prefer_audio(
        &mid,
        AudioOptions {
            stereo: false,
            dtx: true,
        },
    );
    let answer = pair.negotiate();
    assert_eq!(
        answer.media[0].codecs[0].fmtp,
        "minptime=10;useinbandfec=1;usedtx=1"
    );
}

#[test]
fn what_finds_no_section_is_counted() {
    let mut pair = Pair::new();
    pair.client.add_receiving(1, 1);
    for track in ["TR_1", "TR_2", "TR_3"] {
        pair.session.add_tx(wish(MediaKind::Video, track));
    }
    pair.session.add_tx(wish(MediaKind::Audio, "TR_4"));
    pair.negotiate();
    assert_eq!(pair.session.unbound(), (0, 2));
    assert!(pair.session.negotiation_needed());
    assert_eq!(
        pair.session
            .bindings()
            .into_iter()
            .map(|(_, track)| track)
            .collect::<Vec<_>>(),
        ["TR_4", "TR_1"]
    );
    pair.client.add_receiving(0, 2);
    pair.client.data = false;
    // The data section keeps its place: sections are added behind it.
    let mut offer = pair.client.offer();
    for section in offer.media.iter_mut().skip(2) {
        section.index += 1;
    }
    offer.data = Some(tertulia_model::DataSpec {
        mid: tertulia_model::Mid::parse("data").unwrap(),
        index: 2,
        port: 5_000,
        max_message_size: 262_144,
        stopped: false,
    });
    pair.session.accept_offer(&offer, pair.now).unwrap();
    assert_eq!(pair.session.unbound(), (0, 0));
    assert!(!pair.session.negotiation_needed());
    assert_eq!(pair.session.bindings().len(), 4);
}

#[test]
fn a_section_is_inactive_once_before_it_is_used_again() {
    let mut pair = Pair::new();
    pair.client.add_receiving(0, 1);
    let first = pair.session.add_tx(wish(MediaKind::Video, "TR_first"));
    let answer = pair.negotiate();
    let first_ssrc = answer.media[0].encodings[0].ssrc;
    pair.connect();
    assert_eq!(arriving(&mut pair, first), 5);
    pair.session.remove_tx(first);
    let second = pair.session.add_tx(wish(MediaKind::Video, "TR_second"));
    assert_eq!(
        pair.session.unbound(),
        (0, 1),
        "the section is not free before the peer knows"
    );
    assert!(pair.session.bindings().is_empty());
    let answer = pair.negotiate();
    assert_eq!(directions(&answer), [Direction::Inactive]);
    assert_eq!(pair.session.tx_state(second), Some(TxState::Waiting));
    assert_eq!(pair.session.unbound(), (0, 0));
    assert!(pair.session.negotiation_needed());
    let answer = pair.negotiate();
    assert_eq!(directions(&answer), [Direction::SendOnly]);
    assert_ne!(answer.media[0].encodings[0].ssrc, first_ssrc);
    assert_eq!(arriving(&mut pair, second), 5);
    assert_eq!(pair.session.tx_state(first), None);
}

#[test]
fn sound_never_takes_a_picture_s_section() {
    let mut pair = Pair::new();
    pair.client.add_receiving(0, 2);
    let sound = pair.session.add_tx(wish(MediaKind::Audio, "TR_sound"));
    pair.negotiate();
    assert_eq!(pair.session.tx_state(sound), Some(TxState::Waiting));
    assert_eq!(pair.session.unbound(), (1, 0));
}

#[test]
fn what_the_peer_cannot_decode_waits_for_nothing() {
    let mut pair = Pair::new();
    pair.client.add_receiving(0, 1);
    let mut av1 = wish(MediaKind::Video, "TR_av1");
    av1.codecs = vec![Codec::Av1];
    let tx = pair.session.add_tx(av1);
    pair.negotiate();
    assert_eq!(pair.session.tx_state(tx), Some(TxState::Unsupported));
    assert_eq!(pair.session.unbound(), (0, 0));
    assert!(!pair.session.negotiation_needed());
}

#[test]
fn a_publication_that_ends_and_another_that_begins_are_told_apart() {
    let mut pair = Pair::new();
    let section = pair
        .client
        .add(MediaKind::Video, Direction::SendOnly, &["q", "f"]);
    pair.negotiate();
    pair.connect();
    pair.client.send(section, 1, 96, &[0x10, 0, 0]);
    pair.run(Duration::from_millis(50));
    let first = pair.received[0].rx;
    pair.client.sections[section].direction = Direction::Inactive;
    let answer = pair.negotiate();
    assert_eq!(directions(&answer), [Direction::Inactive]);
    assert!(!pair.session.rx_sections()[0].active);
    pair.received.clear();
    pair.client.send(section, 1, 96, &[0x10, 0, 0]);
    pair.run(Duration::from_millis(50));
    assert!(
        pair.received.is_empty(),
        "what is no longer negotiated is not taken"
    );
    pair.client.sections[section].direction = Direction::SendOnly;
    pair.client.sections[section].track_id = Some("cid-new".into());
    pair.negotiate();
    pair.client.send(section, 1, 96, &[0x10, 0, 0]);
    pair.run(Duration::from_millis(50));
    assert_ne!(pair.received[0].rx, first);
    assert_eq!(pair.session.rx_sections()[0].track_id.as_deref(), Some("cid-new"));
}

#[test]
fn a_stopped_section_s_place_is_taken_by_another() {
    let mut pair = Pair::new();
    let section = pair.client.add(MediaKind::Video, Direction::SendOnly, &[]);
    pair.negotiate();
    pair.connect();
    pair.client.sections[section].stopped = true;
    let answer = pair.negotiate();
    assert!(answer.media[0].stopped);
    let mut offer = pair.client.offer();
    offer.media[0].stopped = false;
    offer.media[0].mid = tertulia_model::Mid::parse("again").unwrap();
    let answer = pair.session.accept_offer(&offer, pair.now).unwrap();
    assert!(!answer.media[0].stopped);
    assert_eq!(answer.media[0].direction, Direction::RecvOnly);
    assert_eq!(pair.session.rx_sections().len(), 1);
}

#[test]
fn data_alone_comes_first_and_media_follow() {
    let mut pair = Pair::new();
    let offer = {
        let mut offer = pair.client.offer();
        offer.data.as_mut().unwrap().index = 0;
        offer
    };
    let answer = pair.session.accept_offer(&offer, pair.now).unwrap();
    pair.client.accept_answer(&answer);
    pair.connect();
    let section = pair
        .client
        .add(MediaKind::Video, Direction::SendOnly, &["q", "f"]);
    let mut offer = pair.client.offer();
    offer.data.as_mut().unwrap().index = 0;
    offer.media[0].index = 1;
    let answer = pair.session.accept_offer(&offer, pair.now).unwrap();
    pair.client.accept_answer(&answer);
    pair.client.send(section, 0, 96, &[0x10, 0, 0]);
    pair.run(Duration::from_millis(50));
    assert_eq!(pair.received.len(), 1);
}

#[test]
fn the_second_of_two_connections_is_offered() {
    let mut pair = Pair::new();
    pair.session.open_channel("_reliable", true, None);
    pair.session.open_channel("_lossy", false, Some(0));
    let first = pair.session.add_tx(wish(MediaKind::Video, "TR_first"));
    let offer = pair.negotiate_down();
    assert_eq!(offer.dtls_role, DtlsRole::Either);
    assert_eq!(directions(&offer), [Direction::SendOnly]);
    pair.connect();
    assert_eq!(arriving(&mut pair, first), 5);
    assert!(pair.run_until(Duration::from_secs(2), |pair| pair.client.open.len() == 2));

    let second = pair.session.add_tx(wish(MediaKind::Video, "TR_second"));
    let offer = pair.negotiate_down();
    assert_eq!(offer.media.len(), 2);
    assert_eq!(offer.media[1].index, 2, "behind the data section");
    assert_eq!(arriving(&mut pair, second), 5);

    pair.session.remove_tx(first);
    let offer = pair.negotiate_down();
    assert_eq!(directions(&offer), [Direction::Inactive, Direction::SendOnly]);
    let third = pair.session.add_tx(wish(MediaKind::Video, "TR_third"));
    let offer = pair.negotiate_down();
    assert_eq!(offer.media.len(), 2, "the free section is used again");
    assert_eq!(offer.media[0].track_id.as_deref(), Some("TR_third"));
    assert_eq!(arriving(&mut pair, third), 5);
    assert!(
        pair.session.create_offer(pair.now).unwrap().is_none(),
        "nothing has changed"
    );
}

#[test]
fn one_offer_waits_at_a_time() {
    let mut pair = Pair::new();
    let first = pair.session.add_tx(wish(MediaKind::Video, "TR_first"));
    let offer = pair.session.create_offer(pair.now).unwrap().unwrap();
    pair.session.add_tx(wish(MediaKind::Audio, "TR_sound"));
    assert!(pair.session.create_offer(pair.now).unwrap().is_none());
    pair.session.remove_tx(first);
    let answer = pair.client.accept_offer(&offer);
    pair.session.accept_answer(&answer, pair.now).unwrap();
    let offer = pair.session.create_offer(pair.now).unwrap().unwrap();
    assert_eq!(directions(&offer), [Direction::Inactive, Direction::SendOnly]);
}

#[test]
fn a_receiver_that_declines_is_not_asked_again() {
    let mut pair = Pair::new();
    let tx = pair.session.add_tx(wish(MediaKind::Video, "TR_first"));
    let offer = pair.session.create_offer(pair.now).unwrap().unwrap();
    let mut answer = pair.client.accept_offer(&offer);
    answer.media[0].codecs.retain(|codec| codec.codec != Codec::Vp8);
    pair.session.accept_answer(&answer, pair.now).unwrap();
    assert_eq!(pair.session.tx_state(tx), Some(TxState::Unsupported));
    assert!(pair.session.bindings().is_empty());
}

#[test]
fn firefox_gets_its_own_numbers() {
    let mut pair = Pair::with(config(ClientFamily::Gecko));
    pair.session.add_tx(wish(MediaKind::Video, "TR_first"));
    pair.session.add_tx(wish(MediaKind::Audio, "TR_sound"));
    let offer = pair.session.create_offer(pair.now).unwrap().unwrap();
    assert_eq!(offer.media[0].codecs[0].payload_type, 120);
    assert_eq!(offer.media[0].codecs[0].rtx, Some(124));
    assert_eq!(offer.media[1].codecs[0].payload_type, 109);
}

#[test]
fn offers_and_answers_out_of_turn_are_refused() {
    let mut pair = Pair::new();
    pair.client.add_receiving(1, 0);
    let answer = pair.negotiate();
    assert_eq!(
        pair.session.create_offer(pair.now),
        Err(NegotiationError::WrongState)
    );
    assert_eq!(
        pair.session.accept_answer(&answer, pair.now),
        Err(NegotiationError::WrongState)
    );
    pair.session.close();
    let offer = pair.client.offer();
    assert_eq!(
        pair.session.accept_offer(&offer, pair.now),
        Err(NegotiationError::Closed)
    );
}

#[test]
fn a_crowd_is_asked_for_no_more_sections_than_a_description_holds() {
    let mut pair = Pair::new();
    for index in 0..250 {
        pair.session
            .add_tx(wish(MediaKind::Video, &format!("TR_{index}")));
    }
    let (audio, video) = pair.session.unbound();
    assert_eq!((audio, video), (0, 199));
    pair.client.add_receiving(0, 199);
    pair.negotiate();
    assert_eq!(pair.session.bindings().len(), 199);
    assert!(pair.session.unbound() <= (0, 1));
}
