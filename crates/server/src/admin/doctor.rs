//! `tertulia doctor`: why somebody has no picture, in plain words.

use std::fmt::Write as _;

use super::report::{Participant, Published, Received, Report, Room};

/// Share of lost packets from which pictures suffer.
const LOSSY: f32 = 0.05;
/// Round trips longer than this are felt in a conversation.
const FAR_MS: u64 = 400;

/// What was found.
#[derive(Debug, Default)]
pub struct Findings {
    text: String,
    troubles: usize,
}

impl Findings {
    /// Whether something is not as it should be.
    pub fn any(&self) -> bool {
        self.troubles > 0
    }

    fn fine(&mut self, text: &str) {
        self.line("ok      ", text);
    }

    fn note(&mut self, text: &str) {
        self.line("note    ", text);
    }

    fn trouble(&mut self, text: &str) {
        self.troubles += 1;
        self.line("TROUBLE ", text);
    }

    fn line(&mut self, word: &str, text: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "  {word}{text}");
    }
}

impl std::fmt::Display for Findings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)?;
        match self.troubles {
            0 => writeln!(f, "\nNothing is wrong that the server can see."),
            troubles => writeln!(f, "\nTroubles: {troubles}."),
        }
    }
}

/// Examines a room, or one participant of it by identity.
pub fn examine(report: &Report, only: Option<&str>) -> Findings {
    let mut findings = Findings::default();
    for room in &report.rooms {
        let chosen: Vec<&Participant> = room
            .participants
            .iter()
            .filter(|participant| only.is_none_or(|only| participant.identity == only))
            .collect();
        let _ = writeln!(
            findings.text,
            "Room {}: {} present",
            room.name,
            room.participants.len()
        );
        if chosen.is_empty() {
            findings.trouble(&match only {
                Some(only) => format!("nobody with the identity {only} is in this room"),
                None => "nobody is in this room".to_owned(),
            });
        }
        for participant in chosen {
            let name = if participant.name.is_empty() {
                "no name"
            } else {
                &participant.name
            };
            let _ = writeln!(findings.text, "\n{} ({name})", participant.identity);
            connection(&mut findings, participant);
            if participant.connected {
                for track in &participant.publishes {
                    published(&mut findings, track);
                }
                for track in room.published_by_others(participant) {
                    watched(&mut findings, participant, track.0, track.1);
                }
            }
        }
    }
    if report.rooms.is_empty() {
        findings.trouble("there is no such room now");
    }
    findings
}

impl Room {
    fn published_by_others<'a>(
        &'a self,
        viewer: &'a Participant,
    ) -> impl Iterator<Item = (&'a Participant, &'a Published)> {
        let others = self.participants.iter().filter(|other| other.id != viewer.id);
        others.flat_map(|other| other.publishes.iter().map(move |track| (other, track)))
    }
}

fn connection(findings: &mut Findings, participant: &Participant) {
    if !participant.offered {
        findings.trouble(
            "has joined, but the page has not begun to connect media: it may be asleep in the background, or an \
             extension keeps it from using WebRTC",
        );
        return;
    }
    if !participant.connected {
        findings.trouble(
            "media does not connect: a firewall stands between, or clients are told an address they cannot reach. \
             See `tertulia check` for what they are told, and media.advertised",
        );
        return;
    }
    if let Some(lost_ms) = participant.lost_ms {
        findings.trouble(&format!(
            "nothing has arrived for {} s: their network is gone or has changed",
            lost_ms / 1_000
        ));
    }
    for connection in &participant.connections {
        match connection.protocol.as_deref() {
            Some("tcp") => findings.note(
                "media goes over TCP: their network lets no UDP through. Expect delay, and worse pictures under loss",
            ),
            Some(_) => findings.fine("media goes over UDP"),
            None => findings.note("one of their connections carries no media at this moment"),
        }
        if let Some(rtt_ms) = connection.rtt_ms.filter(|rtt_ms| *rtt_ms > FAR_MS) {
            findings.note(&format!("a round trip to them takes {rtt_ms} ms"));
        }
    }
    for (loss, way) in [
        (participant.down_loss, "to them"),
        (participant.up_loss, "from them"),
    ] {
        if loss > LOSSY {
            let percent = (loss * 100.0).round();
            findings.trouble(&format!(
                "{percent} % of the packets {way} are lost: their network is overloaded or weak"
            ));
        }
    }
}

fn published(findings: &mut Findings, track: &Published) {
    let what = format!("their {}", track.source);
    let flowing: u64 = track.layers_bps.iter().flatten().sum();
    if track.muted {
        findings.note(&format!("{what} is muted by them or a moderator"));
    } else if !track.bound {
        findings.trouble(&format!(
            "{what} was announced but is not in their connection: negotiation has not finished, or failed"
        ));
    } else if track.layers_bps.iter().all(Option::is_none) {
        findings.trouble(&format!(
            "nothing arrives of {what}: another program may hold the device, the system may bar it, or their upload \
             has broken down"
        ));
    } else {
        let layers = track.layers_bps.iter().flatten().count();
        findings.fine(&format!(
            "{what} arrives with {} kbit/s in {layers} layer(s)",
            flowing / 1_000
        ));
    }
}

fn watched(findings: &mut Findings, viewer: &Participant, publisher: &Participant, track: &Published) {
    let flows = !track.muted && track.layers_bps.iter().any(Option::is_some);
    if track.kind != "video" || !flows {
        return;
    }
    let what = format!("the {} of {}", track.source, publisher.identity);
    let receive = viewer
        .receives
        .iter()
        .find(|receive| receive.track == track.track);
    match receive {
        None => findings.note(&format!("they are not subscribed to {what}")),
        Some(receive) => received(findings, viewer, receive, &what),
    }
}

fn received(findings: &mut Findings, viewer: &Participant, receive: &Received, what: &str) {
    if receive.failed {
        findings.trouble(&format!("they cannot be sent {what}: no codec in common"));
    } else if !receive.bound {
        findings.trouble(&format!("they are not sent {what}: negotiation has not finished"));
    } else if !receive.enabled {
        findings.note(&format!(
            "their page does not ask for {what} now: it is not on their screen"
        ));
    } else if receive.paused {
        let carries = viewer.estimate_bps.unwrap_or_default() / 1_000;
        findings.trouble(&format!(
            "they are not sent {what}: their download carries {carries} kbit/s, which is not enough for it"
        ));
    } else if let Some(layer) = receive.layer {
        findings.fine(&format!(
            "they are sent {what}, layer {layer} of at most {}",
            receive.max_layer
        ));
    } else {
        findings.trouble(&format!(
            "they are not sent {what} yet: its publisher was asked for a keyframe and has not sent one"
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::report::Connection;

    fn person(identity: &str) -> Participant {
        Participant {
            id: format!("PA_{identity}"),
            identity: identity.to_owned(),
            offered: true,
            connected: true,
            connections: vec![Connection {
                connected: true,
                protocol: Some("udp".to_owned()),
                ..Connection::default()
            }],
            ..Participant::default()
        }
    }

    fn camera() -> Published {
        Published {
            track: "TR_1".to_owned(),
            source: "camera".to_owned(),
            kind: "video".to_owned(),
            bound: true,
            layers_bps: vec![Some(150_000), Some(500_000), None],
            ..Published::default()
        }
    }

    fn view() -> Received {
        Received {
            track: "TR_1".to_owned(),
            publisher: "bob".to_owned(),
            source: "camera".to_owned(),
            kind: "video".to_owned(),
            bound: true,
            enabled: true,
            layer: Some(1),
            max_layer: 2,
            ..Received::default()
        }
    }

    /// Ana watches Bob, after `change`.
    fn check(change: fn(&mut Participant, &mut Participant), part: &str, trouble: bool) {
        let (mut ana, mut bob) = (person("ana"), person("bob"));
        bob.publishes.push(camera());
        ana.receives.push(view());
        change(&mut ana, &mut bob);
        let room = Room {
            name: "Weekly".to_owned(),
            participants: vec![ana, bob],
            ..Room::default()
        };
        let report = Report {
            rooms: vec![room],
            ..Report::default()
        };
        let findings = examine(&report, None);
        let text = findings.to_string();
        assert!(text.contains(part), "{part:?} is not in {text}");
        assert_eq!(findings.any(), trouble, "{text}");
    }

    #[test]
    fn where_all_is_well_it_says_so() {
        check(
            |_, _| (),
            "they are sent the camera of bob, layer 1 of at most 2",
            false,
        );
        check(
            |_, _| (),
            "their camera arrives with 650 kbit/s in 2 layer(s)",
            false,
        );
    }

    #[test]
    fn every_reason_for_no_picture_has_its_words() {
        check(|_, bob| bob.offered = false, "has not begun to connect", true);
        check(|ana, _| ana.connected = false, "a firewall stands between", true);
        check(
            |ana, _| ana.lost_ms = Some(7_000),
            "nothing has arrived for 7 s",
            true,
        );
        check(|ana, _| ana.down_loss = 0.2, "20 % of the packets to them", true);
        check(
            |_, bob| bob.publishes[0].bound = false,
            "not in their connection",
            true,
        );
        check(
            |_, bob| bob.publishes[0].layers_bps = vec![None, None],
            "nothing arrives of their camera",
            true,
        );
        check(
            |_, bob| bob.publishes[0].muted = true,
            "their camera is muted",
            false,
        );
        check(|ana, _| ana.receives.clear(), "not subscribed", false);
        check(|ana, _| ana.receives[0].failed = true, "no codec in common", true);
        check(
            |ana, _| ana.receives[0].bound = false,
            "negotiation has not finished",
            true,
        );
        check(
            |ana, _| ana.receives[0].enabled = false,
            "not on their screen",
            false,
        );
        check(
            |ana, _| ana.receives[0].layer = None,
            "asked for a keyframe",
            true,
        );
        check(
            |ana, _| (ana.receives[0].paused, ana.estimate_bps) = (true, Some(90_000)),
            "carries 90 kbit/s",
            true,
        );
        check(
            |ana, _| ana.connections[0].protocol = Some("tcp".to_owned()),
            "lets no UDP through",
            false,
        );
    }

    #[test]
    fn nobody_and_nothing_are_said_too() {
        assert!(
            examine(&Report::default(), None)
                .to_string()
                .contains("no such room")
        );
        let report = Report {
            rooms: vec![Room::default()],
            ..Report::default()
        };
        assert!(examine(&report, Some("eve")).to_string().contains("identity eve"));
    }
}
