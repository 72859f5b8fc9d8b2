//! Between the room's words and the API's.

pub mod breakouts;
mod event;
pub mod people;

pub use event::event;

use serde_json::value::RawValue;
use tertulia_model::{Codec, Identity, Source};
use tertulia_room::{
    DepartureReason, MediaLimits, ParticipantInfo, Rights, RoomInfo, RoomRules, RoomSnapshot,
};

use crate::error::ApiError;
use crate::state::unix_ms;
use crate::wire::{self, ErrorCode};

pub fn chat(message: &tertulia_room::ChatMessage) -> wire::ChatMessage {
    wire::ChatMessage {
        seq: message.seq,
        id: message.id.clone(),
        identity: message.identity.as_str().to_owned(),
        name: message.name.clone(),
        text: message.text.clone(),
        at: message.at_ms,
        file: message.file.as_ref().map(|file| wire::ChatFile {
            id: file.id.clone(),
            name: file.name.clone(),
            kind: file.kind.clone(),
            size: file.bytes,
        }),
        to: name_of(message.to.as_ref()),
        reply_to: message.reply_to,
        edited_at: message.edited_at_ms,
        deleted: message.deleted,
        reactions: message
            .reactions
            .iter()
            .map(|reaction| wire::ChatReaction {
                kind: reaction.kind.clone(),
                by: texts(&reaction.by),
            })
            .collect(),
    }
}

pub fn board_shown(shown: bool, by: Option<&Identity>) -> wire::BoardShownEvent {
    wire::BoardShownEvent {
        shown,
        by: name_of(by),
    }
}

pub fn board(epoch: u64, elements: &[tertulia_room::BoardElement]) -> serde_json::Result<wire::Board> {
    let bodies = elements
        .iter()
        .map(|element| RawValue::from_string(element.body.to_string()));
    Ok(wire::Board {
        epoch,
        elements: bodies.collect::<Result<_, _>>()?,
    })
}

pub fn poll(poll: &tertulia_room::Poll) -> wire::Poll {
    wire::Poll {
        id: poll.id,
        question: poll.question.clone(),
        options: poll.options.clone(),
        multiple: poll.multiple,
        anonymous: poll.anonymous,
        secret_until_closed: poll.secret_until_closed,
        by: name_of(poll.by.as_ref()),
        name: poll.name.clone(),
        at: poll.at_ms,
        closed_at: poll.closed_at_ms,
        votes: poll.votes,
        counts: poll.counts.clone(),
        ballots: poll
            .ballots
            .iter()
            .map(|(identity, choices)| wire::Ballot {
                identity: identity.as_str().to_owned(),
                choices: choices.clone(),
            })
            .collect(),
    }
}

/// The first event of a stream; `newest` bounds the chat in it.
pub fn state(seq: u64, snapshot: &RoomSnapshot, newest: usize) -> wire::StateEvent {
    let skip = snapshot.chat.len().saturating_sub(newest);
    wire::StateEvent {
        seq,
        chat: snapshot.chat.iter().skip(skip).map(chat).collect(),
        hands: snapshot
            .hands
            .iter()
            .map(|hand| wire::RaisedHand {
                identity: hand.identity.as_str().to_owned(),
                name: hand.name.clone(),
                raised_at: hand.raised_at_ms,
            })
            .collect(),
        room: room(&snapshot.room),
        rules: rules(&snapshot.rules, snapshot.room.max_participants),
        spotlight: texts(&snapshot.spotlight),
        follow_me: snapshot.follow_me.as_ref().map(follow_me),
        timer: snapshot.timer.as_ref().map(timer),
        shared_video: snapshot.shared_video.as_ref().map(shared_video),
        polls: snapshot.polls.iter().map(poll).collect(),
        board: snapshot
            .board_shown
            .as_ref()
            .map(|by| board_shown(true, by.as_ref())),
        votes: snapshot
            .votes
            .iter()
            .map(|(poll, choices)| wire::OwnVote {
                poll: *poll,
                choices: choices.clone(),
            })
            .collect(),
        lobby: snapshot.lobby.iter().map(knocker).collect(),
        bans: snapshot.bans.iter().map(ban).collect(),
        breakouts: breakouts::place(&snapshot.breakout_place),
        breakout_rooms: snapshot.breakouts.as_ref().map(breakouts::all),
        main_room: snapshot
            .rules
            .parent
            .as_ref()
            .map(|parent| parent.as_str().to_owned()),
        own: snapshot.own.map(|(role, rights)| own(role, rights)),
    }
}

pub fn room(info: &RoomInfo) -> wire::StateRoom {
    wire::StateRoom {
        name: info.name.as_str().to_owned(),
        started_at: info.created_at_ms,
        participants: info.participants,
        viewers: info.viewers,
        recording: info.recording,
    }
}

pub fn rules(rules: &RoomRules, capacity: Option<usize>) -> wire::Rules {
    wire::Rules {
        locked: rules.locked,
        password: rules.password.is_some(),
        lobby: rules.lobby,
        admit_signed_in: rules.auto_admit.signed_in,
        capacity,
        switched_off: rights(rules.switched_off),
        start_audio_muted: rules.start_audio_muted,
        start_video_muted: rules.start_video_muted,
        default_role: role(rules.default_role),
        webinar: rules.webinar,
        media: media(&rules.media),
        owned: rules.owner.is_some(),
    }
}

pub fn follow_me(led: &tertulia_room::FollowMe) -> wire::FollowMe {
    wire::FollowMe {
        identity: led.identity.as_str().to_owned(),
        layout: led.layout.clone(),
    }
}

pub fn timer(timer: &tertulia_room::Timer) -> wire::Timer {
    wire::Timer {
        title: timer.title.clone(),
        duration_ms: timer.duration_ms,
        ends_at: timer.ends_at_ms,
        by: name_of(timer.by.as_ref()),
    }
}

pub fn shared_video(shared: &tertulia_room::SharedVideo) -> wire::SharedVideo {
    wire::SharedVideo {
        url: shared.url.clone(),
        by: shared.by.as_str().to_owned(),
        playing: shared.playing,
        // Where it stands as this is written: nobody's clock is compared with ours.
        position_ms: shared.position_at(unix_ms()),
    }
}

pub fn knocker(knocker: &tertulia_room::Knocker) -> wire::Knocker {
    wire::Knocker {
        identity: knocker.identity.as_str().to_owned(),
        name: knocker.name.clone(),
        guest: knocker.guest,
        since: knocker.since_ms,
        suspect: knocker.suspect,
    }
}

pub fn ban(ban: &tertulia_room::Ban) -> wire::Ban {
    wire::Ban {
        identity: ban.identity.as_str().to_owned(),
        name: ban.name.clone(),
        at: ban.at_ms,
    }
}

pub fn own(own_role: tertulia_room::Role, own_rights: Rights) -> wire::Own {
    wire::Own {
        role: role(own_role),
        rights: rights(own_rights),
    }
}

pub fn person(info: &ParticipantInfo) -> wire::Person {
    wire::Person {
        identity: info.identity.as_str().to_owned(),
        name: info.name.clone(),
        role: role(info.role),
        rights: rights(info.rights),
        joined_at: info.joined_at_ms,
        hidden: info.permission.hidden,
    }
}

pub fn role(role: tertulia_room::Role) -> wire::Role {
    match role {
        tertulia_room::Role::Viewer => wire::Role::Viewer,
        tertulia_room::Role::Participant => wire::Role::Participant,
        tertulia_room::Role::Presenter => wire::Role::Presenter,
        tertulia_room::Role::Moderator => wire::Role::Moderator,
        tertulia_room::Role::Owner => wire::Role::Owner,
    }
}

pub fn role_of(role: wire::Role) -> tertulia_room::Role {
    match role {
        wire::Role::Viewer => tertulia_room::Role::Viewer,
        wire::Role::Participant => tertulia_room::Role::Participant,
        wire::Role::Presenter => tertulia_room::Role::Presenter,
        wire::Role::Moderator => tertulia_room::Role::Moderator,
        wire::Role::Owner => tertulia_room::Role::Owner,
    }
}

/// Both lists in one order.
const RIGHTS: [(tertulia_room::Right, wire::Right); 25] = {
    use tertulia_room::Right as R;
    use wire::Right as W;
    [
        (R::Microphone, W::Microphone),
        (R::Camera, W::Camera),
        (R::ShareScreen, W::ShareScreen),
        (R::SendData, W::SendData),
        (R::Chat, W::Chat),
        (R::PrivateChat, W::PrivateChat),
        (R::RaiseHand, W::RaiseHand),
        (R::React, W::React),
        (R::Vote, W::Vote),
        (R::Draw, W::Draw),
        (R::SpeakFreely, W::SpeakFreely),
        (R::Present, W::Present),
        (R::ManagePolls, W::ManagePolls),
        (R::Mute, W::Mute),
        (R::Remove, W::Remove),
        (R::Admit, W::Admit),
        (R::ManageAccess, W::ManageAccess),
        (R::ManageRights, W::ManageRights),
        (R::ManageChat, W::ManageChat),
        (R::ManageFloor, W::ManageFloor),
        (R::ManageRoom, W::ManageRoom),
        (R::ManageBreakouts, W::ManageBreakouts),
        (R::ReadReport, W::ReadReport),
        (R::EnterFreely, W::EnterFreely),
        (R::EndRoom, W::EndRoom),
    ]
};

pub fn rights(rights: Rights) -> Vec<wire::Right> {
    let held = RIGHTS.iter().filter(|(right, _)| rights.has(*right));
    held.map(|(_, wire)| *wire).collect()
}

pub fn rights_of(named: &[wire::Right]) -> Rights {
    let meant = RIGHTS.iter().filter(|(_, wire)| named.contains(wire));
    meant.map(|(right, _)| *right).collect()
}

pub fn source_of(source: wire::Source) -> Source {
    match source {
        wire::Source::Microphone => Source::Microphone,
        wire::Source::Camera => Source::Camera,
        wire::Source::ScreenShare => Source::ScreenShare,
        wire::Source::ScreenShareAudio => Source::ScreenShareAudio,
    }
}

/// What is asked to be opened; a track without a source never is.
pub fn source(source: Source) -> Option<wire::Source> {
    match source {
        Source::Microphone => Some(wire::Source::Microphone),
        Source::Camera => Some(wire::Source::Camera),
        Source::ScreenShare => Some(wire::Source::ScreenShare),
        Source::ScreenShareAudio => Some(wire::Source::ScreenShareAudio),
        Source::Unknown => None,
    }
}

pub fn media(limits: &MediaLimits) -> wire::Media {
    let codecs = limits.video_codecs.iter();
    wire::Media {
        max_height: limits.max_height,
        max_fps: limits.max_fps,
        video_codecs: codecs.map(|codec| codec_name(*codec).to_owned()).collect(),
    }
}

pub fn media_of(media: &wire::Media) -> Result<MediaLimits, ApiError> {
    let codec = |name: &String| {
        VIDEO_CODECS
            .iter()
            .find(|codec| codec_name(**codec) == name)
            .copied()
            .ok_or_else(|| ApiError::new(ErrorCode::InvalidRequest, "no such video codec"))
    };
    Ok(MediaLimits {
        max_height: media.max_height,
        max_fps: media.max_fps,
        video_codecs: media.video_codecs.iter().map(codec).collect::<Result<_, _>>()?,
    })
}

const VIDEO_CODECS: [Codec; 4] = [Codec::Vp8, Codec::Vp9, Codec::H264, Codec::Av1];

fn codec_name(codec: Codec) -> &'static str {
    match codec {
        Codec::Vp8 => "vp8",
        Codec::Vp9 => "vp9",
        Codec::H264 => "h264",
        Codec::Av1 => "av1",
        _ => "",
    }
}

pub fn identity_of(text: &str) -> Result<Identity, ApiError> {
    Identity::parse(text).map_err(|error| ApiError::new(ErrorCode::InvalidRequest, error))
}

pub fn identities_of(texts: &[String]) -> Result<Vec<Identity>, ApiError> {
    texts.iter().map(|text| identity_of(text)).collect()
}

pub fn texts(identities: &[Identity]) -> Vec<String> {
    identities
        .iter()
        .map(|identity| identity.as_str().to_owned())
        .collect()
}

pub fn name_of(identity: Option<&Identity>) -> Option<String> {
    identity.map(|identity| identity.as_str().to_owned())
}

/// What a departure means for the stream of whoever departed; `None` when they may well be back.
pub fn ended(reason: DepartureReason) -> Option<wire::EndedReason> {
    match reason {
        DepartureReason::Removed => Some(wire::EndedReason::Removed),
        DepartureReason::RoomEnded => Some(wire::EndedReason::Ended),
        DepartureReason::ServerShutdown => Some(wire::EndedReason::ServerShutdown),
        DepartureReason::Left
        | DepartureReason::DuplicateIdentity
        | DepartureReason::SignalLost
        | DepartureReason::MediaLost
        | DepartureReason::JoinTimeout
        | DepartureReason::StateMismatch
        | DepartureReason::Moved
        | DepartureReason::Misbehaved => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_right_has_its_word() {
        for right in tertulia_room::Right::ALL {
            let only = Rights::of(&[right]);
            let wire = rights(only);
            assert_eq!(rights_of(&wire), only);
            assert_eq!(serde_json::to_value(&wire).unwrap()[0], right.as_str());
        }
    }
}
