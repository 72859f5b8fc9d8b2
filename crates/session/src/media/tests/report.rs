//! Reports, feedback and deadlines.

use tertulia_rtp::{ExtensionIds, ReportBlock, Rtcp, RtpHeader, SenderInfo, SrtpReceiver, rtcp_packets};

use super::*;

/// What the sender side says, opened by hand.
struct Ear(SrtpReceiver);

impl Ear {
    fn new(listens_to_server: bool) -> Self {
        let keying = keying();
        let (keys, salts) = keying.split_at(2 * PROFILE.key_len());
        let (key, salt) = if listens_to_server {
            (&keys[PROFILE.key_len()..], &salts[PROFILE.salt_len()..])
        } else {
            (&keys[..PROFILE.key_len()], &salts[..PROFILE.salt_len()])
        };
        Self(SrtpReceiver::new(PROFILE, key, salt).unwrap())
    }

    fn reports(&mut self, datagram: &[u8]) -> (Vec<SenderInfo>, Vec<ReportBlock>) {
        let mut plain = datagram.to_vec();
        let length = self.0.unprotect_rtcp(&mut plain).unwrap();
        let (mut infos, mut reported) = (Vec::new(), Vec::new());
        let mut names = 0;
        for packet in rtcp_packets(&plain[..length]) {
            match packet {
                Rtcp::SenderReport { info, blocks } => {
                    infos.push(info);
                    reported.extend(blocks);
                }
                Rtcp::ReceiverReport { blocks, .. } => reported.extend(blocks),
                Rtcp::SourceDescription(chunks) => {
                    names += chunks.filter(|chunk| chunk.cname == Some(b"tertulia")).count();
                }
                Rtcp::Malformed => panic!("malformed"),
                _ => {}
            }
        }
        assert!(names >= infos.len());
        (infos, reported)
    }
}

/// Runs a media for a time and gives all it says.
fn said(media: &mut Media, from: Instant, duration: Duration) -> Vec<Vec<u8>> {
    let mut said = Vec::new();
    let mut at = from;
    while at <= from + duration {
        let mut out = Vec::new();
        while media.poll_rtcp(at, &mut out) {
            said.push(std::mem::take(&mut out));
        }
        at += ms(10);
    }
    said
}

#[test]
fn sender_reports_follow_the_publishers_clock() {
    let mut pair = Pair::new();
    let media = &mut pair.sender.media;
    let start = pair.now;
    let (ntp, rtp) = (0xe900_0000_8000_0000, 5_000_000_u32);
    let mut out = Vec::new();
    for sequence in 0..100_u64 {
        // The publisher's report was for an instant 200 ms before its first picture.
        let packet = TxPacket {
            timestamp: rtp + 18_000 + sequence as u32 * 900,
            sender_clock: Some((ntp, rtp)),
            ..picture(sequence, &[1; 500])
        };
        media
            .seal(PICTURE, &packet, &mut out, start + ms(sequence * 10))
            .unwrap();
    }
    let mut ear = Ear::new(true);
    let datagrams = said(media, start + ms(990), ms(2_000));
    let infos: Vec<SenderInfo> = datagrams.iter().flat_map(|one| ear.reports(one).0).collect();
    assert_eq!(infos.len(), 1, "one report for what flowed, and none after");
    let info = infos[0];
    assert_eq!((info.ssrc, info.packets, info.octets), (VIDEO, 100, 50_000));
    // On the publisher's line: as far from its report in one clock as in the other.
    let units = i64::from(info.rtp_timestamp.wrapping_sub(rtp));
    let expected = ntp + ((units as u64) << 32) / 90_000;
    assert!(
        info.ntp.abs_diff(expected) < 1 << 16,
        "{:x} {expected:x}",
        info.ntp
    );
    assert!(units >= 18_000 + 99 * 900, "{units}");
}

#[test]
fn without_the_publishers_clock_ours_stands_in_after_a_while() {
    let mut pair = Pair::new();
    let start = pair.now;
    let mut ear = Ear::new(true);
    let mut infos = Vec::new();
    for sequence in 0..900_u64 {
        let now = start + ms(sequence * 10);
        let mut out = Vec::new();
        pair.sender
            .media
            .seal(PICTURE, &picture(sequence, &[1; 10]), &mut out, now)
            .unwrap();
        for datagram in said(&mut pair.sender.media, now, ms(0)) {
            infos.extend(
                ear.reports(&datagram)
                    .0
                    .into_iter()
                    .map(|info| (now - start, info)),
            );
        }
    }
    assert!(infos.len() >= 2, "{}", infos.len());
    assert!(infos[0].0 >= ms(6_000), "{:?}", infos[0].0);
    let (first, last) = (infos[0], infos[infos.len() - 1]);
    let elapsed = (last.0 - first.0).as_millis() as i64;
    let by_ntp = (((last.1.ntp - first.1.ntp) * 1_000) >> 32) as i64;
    assert!((by_ntp - elapsed).abs() <= 1, "{by_ntp} {elapsed}");
    let by_rtp = i64::from(last.1.rtp_timestamp - first.1.rtp_timestamp) / 90;
    assert!((by_rtp - elapsed).abs() <= 1, "{by_rtp} {elapsed}");
}

#[test]
fn round_trips_are_measured_both_ways() {
    let mut pair = Pair::new();
    pair.delay = ms(40);
    for sequence in 0..500 {
        let packet = TxPacket {
            sender_clock: Some((1 << 40, 0)),
            ..picture(sequence, &[1; 100])
        };
        pair.send(PICTURE, &packet);
        pair.run(ms(10));
    }
    let told = pair.sender.events.iter().rev().find_map(|event| match event {
        MediaEvent::TxFeedback {
            tx,
            fraction_lost,
            rtt,
        } if *tx == PICTURE => Some((*fraction_lost, *rtt)),
        _ => None,
    });
    let (lost, rtt) = told.expect("feedback was told");
    assert_eq!(lost, 0.0);
    let rtt = rtt.expect("the round trip is known");
    assert!((ms(79)..ms(82)).contains(&rtt), "{rtt:?}");
}

#[test]
fn the_section_is_named_until_the_peer_has_heard() {
    let mut pair = Pair::new();
    let ids = ExtensionIds::new(tables().extensions());
    let named = |pair: &mut Pair, sequence| {
        let mut out = Vec::new();
        let packet = picture(sequence, &[1; 10]);
        pair.sender
            .media
            .seal(PICTURE, &packet, &mut out, pair.now)
            .unwrap();
        let header = RtpHeader::parse(&out).unwrap();
        let ext = ids.read(&header, &out);
        assert!(ext.transport_cc.is_some() && ext.abs_send_time.is_some());
        let named = ext.mid == Some(b"1");
        pair.transmit(true, out);
        pair.run(ms(10));
        named
    };
    assert!((0..20).all(|sequence| named(&mut pair, sequence)));
    pair.run(ms(1_500));
    assert!(!(20..40).any(|sequence| named(&mut pair, sequence)));
    assert_eq!(pair.receiver.got.len(), 40 - 1, "the last is under way");
}

#[test]
fn losses_and_clocks_stand_in_receiver_reports() {
    let mut pair = Pair::new();
    let mut every_fourth = 0_u32;
    pair.lose = Box::new(move |contents| {
        every_fourth += u32::from(!is_rtcp(contents));
        !is_rtcp(contents) && every_fourth.is_multiple_of(4)
    });
    for sequence in 0..200 {
        let packet = TxPacket {
            sender_clock: Some((1 << 40, 0)),
            ..sound(sequence, &[1; 60])
        };
        pair.send(SOUND, &packet);
        pair.run(ms(20));
    }
    let lost = pair.sender.events.iter().filter_map(|event| match event {
        MediaEvent::TxFeedback {
            tx, fraction_lost, ..
        } if *tx == SOUND => Some(*fraction_lost),
        _ => None,
    });
    let lost: Vec<f32> = lost.collect();
    assert!(
        !lost.is_empty() && lost.iter().all(|lost| (0.2..0.3).contains(lost)),
        "{lost:?}"
    );
    let stats = pair.receiver.events.iter().rev().find_map(|event| match event {
        MediaEvent::RxStats(stats) => Some(*stats),
        _ => None,
    });
    let stats = stats.expect("counts were told");
    assert_eq!((stats.rx, stats.rid), (RxId(10), None));
    assert!(stats.fraction_lost.is_some_and(|lost| (0.2..0.3).contains(&lost)));
    assert_eq!(stats.bytes, stats.packets * 60);
    assert!(stats.jitter < 48, "{}", stats.jitter);
    // Its last report reached the publisher's side with the clock of the sender.
    let clocks = pair
        .receiver
        .got
        .iter()
        .filter(|got| got.sender_clock.is_some())
        .count();
    assert!(clocks > 50, "{clocks}");
}

#[test]
fn arrivals_come_back_as_an_estimate() {
    let mut pair = Pair::new();
    pair.sender
        .media
        .set_desired_bitrate(Bitrate::from_kbps(4_000), pair.now);
    for sequence in 0..2_000 {
        pair.send_picture(sequence, &[1; 1_000]);
        pair.run(ms(4));
    }
    let estimates: Vec<u64> = pair
        .sender
        .events
        .iter()
        .filter_map(|event| match event {
            MediaEvent::EstimatedBitrate(bitrate) => Some(bitrate.as_bps()),
            _ => None,
        })
        .collect();
    assert!(
        estimates.last().is_some_and(|last| *last > 1_600_000),
        "{estimates:?}"
    );
    assert_eq!(pair.sender.media.estimator.unusable().unknown, 0);
}

#[test]
fn a_silent_session_has_no_deadline() {
    let mut pair = Pair::new();
    assert_eq!(pair.sender.media.poll_timeout(), None);
    assert_eq!(pair.receiver.media.poll_timeout(), None);
    for sequence in 0..100 {
        pair.send_picture(sequence, &[1; 100]);
        pair.send(SOUND, &sound(sequence, &[1; 100]));
        pair.run(ms(10));
    }
    pair.run(ms(6_000));
    let (sent, now) = (pair.sent, pair.now);
    assert_eq!(pair.receiver.media.poll_timeout(), None);
    // The estimator may still look for more for a moment, but nothing of ours is due.
    let estimator = pair.sender.media.estimator.poll_timeout();
    assert_eq!(pair.sender.media.poll_timeout(), estimator);
    pair.run(ms(60_000));
    assert_eq!(pair.sent, sent, "nothing was said after {now:?}");
}

#[test]
fn reports_come_about_once_a_second() {
    let mut pair = Pair::new();
    for sequence in 0..1_000 {
        let packet = TxPacket {
            sender_clock: Some((1 << 40, 0)),
            ..sound(sequence, &[1; 60])
        };
        pair.send(SOUND, &packet);
        pair.run(ms(20));
    }
    // Twenty seconds: a report each way a second, and feedback at most twenty times a second.
    let feedback = 20 * 20;
    assert!((30..feedback + 60).contains(&pair.rtcp), "{}", pair.rtcp);
}

#[test]
fn many_streams_report_in_datagrams_that_fit() {
    let start = Instant::now();
    let mut media = media(1, true, start);
    let mut out = Vec::new();
    for number in 0..150_u32 {
        let tx = TxId(number);
        media.declare_sent(
            tx,
            &mid(&number.to_string()),
            1_000 + number,
            None,
            &codecs(&[Codec::Opus]),
        );
        let packet = TxPacket {
            sender_clock: Some((1 << 40, 0)),
            ..sound(1, &[1; 60])
        };
        media.seal(tx, &packet, &mut out, start).unwrap();
    }
    let mut ear = Ear::new(true);
    let datagrams = said(&mut media, start, ms(1_500));
    assert!(datagrams.iter().all(|datagram| datagram.len() <= 1_200));
    let mut ssrcs: Vec<u32> = datagrams
        .iter()
        .flat_map(|one| ear.reports(one).0)
        .map(|info| info.ssrc)
        .collect();
    ssrcs.sort_unstable();
    assert_eq!(ssrcs, (1_000..1_150).collect::<Vec<_>>());
}

#[test]
fn farewell_is_said_for_every_stream() {
    let mut pair = Pair::new();
    pair.send_picture(1, &[1; 100]);
    pair.sender.media.close();
    let mut out = Vec::new();
    assert!(pair.sender.media.poll_rtcp(pair.now, &mut out));
    let mut receiver = Ear::new(true).0;
    let length = receiver.unprotect_rtcp(&mut out).unwrap();
    let mut leaving: Vec<u32> = rtcp_packets(&out[..length])
        .filter_map(|packet| match packet {
            Rtcp::Bye { ssrcs, .. } => Some(ssrcs),
            _ => None,
        })
        .flatten()
        .collect();
    leaving.sort_unstable();
    assert_eq!(leaving, [AUDIO, VIDEO, VIDEO_RTX]);
    assert!(!pair.sender.media.poll_rtcp(pair.now, &mut Vec::new()));
    assert_eq!(pair.sender.media.poll_timeout(), None);
}
