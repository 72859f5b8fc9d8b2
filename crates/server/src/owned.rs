//! How a room that somebody owns begins.

use tertulia_model::Identity;
use tertulia_people::OwnedRoom;
use tertulia_room::{MediaLimits, RoomSettings};

/// The settings of an owned room: the server's, with what its owner decided. Its password is not among them, since only
/// its hash is kept: it is asked for where tokens are given.
///
/// What an owner gives no limit for keeps the server's, and no limit goes beyond it.
pub fn settings(room: &OwnedRoom, mut settings: RoomSettings) -> RoomSettings {
    let details = &room.details;
    let capacity = details.capacity.and_then(|most| usize::try_from(most).ok());
    settings.max_participants = match (capacity, settings.max_participants) {
        (Some(own), Some(most)) => Some(own.min(most)),
        (own, most) => own.or(most),
    };
    let rules = &mut settings.rules;
    rules.owner = Identity::parse(room.owner.as_str()).ok();
    // Whoever it is that owns it: it is not for those who come first.
    rules.self_moderating = false;
    rules.lobby = details.defaults.lobby;
    rules.start_audio_muted = details.defaults.start_muted;
    rules.start_video_muted = details.defaults.start_without_video;
    rules.webinar = details.defaults.webinar;
    let picture = &details.defaults.picture;
    rules.media = MediaLimits {
        max_height: picture.max_height,
        max_fps: picture.max_fps,
        video_codecs: picture.codecs.clone(),
    };
    settings
}

#[cfg(test)]
mod tests {
    use tertulia_model::{Codec, RoomName};
    use tertulia_people::{AccountId, MeetingDefaults, PictureLimits, RoomDetails};

    use super::*;
    use crate::config::Config;

    #[test]
    fn a_room_begins_as_its_owner_decided_within_what_the_server_allows() {
        let begun = |capacity: Option<u32>, most: usize| {
            let room = OwnedRoom {
                name: RoomName::parse("Weekly").unwrap(),
                owner: AccountId::from_random(7),
                details: RoomDetails {
                    capacity,
                    defaults: MeetingDefaults {
                        lobby: true,
                        start_muted: true,
                        start_without_video: false,
                        webinar: true,
                        picture: PictureLimits {
                            max_height: Some(720),
                            max_fps: Some(15),
                            codecs: vec![Codec::Av1],
                        },
                    },
                    ..RoomDetails::default()
                },
                password: None,
                created_at_ms: 0,
            };
            let mut config = Config::default();
            config.rooms.max_participants = most;
            settings(&room, crate::wiring::rooms(&config.rooms))
        };
        let rules = begun(None, 0).rules;
        assert_eq!(
            rules.owner.as_ref().map(Identity::as_str),
            Some(AccountId::from_random(7).as_str())
        );
        assert!(!rules.self_moderating && rules.lobby && rules.start_audio_muted && rules.webinar);
        assert!(!rules.start_video_muted);
        let media = (
            rules.media.max_height,
            rules.media.max_fps,
            rules.media.video_codecs,
        );
        assert_eq!(media, (Some(720), Some(15), vec![Codec::Av1]));
        for (own, most, expected) in [
            (None, 0, None),
            (Some(5), 0, Some(5)),
            (Some(5), 3, Some(3)),
            (None, 3, Some(3)),
        ] {
            assert_eq!(begun(own, most).max_participants, expected);
        }
    }
}
