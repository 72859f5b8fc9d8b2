//! Accounts, owned rooms and invitations, inside and on the wire.

use tertulia_people as people;
use tertulia_room::MediaLimits;

use crate::error::ApiError;
use crate::wire;

pub fn policy(policy: people::RoomPolicy) -> wire::RoomPolicy {
    match policy {
        people::RoomPolicy::Open => wire::RoomPolicy::Open,
        people::RoomPolicy::SignInToCreate => wire::RoomPolicy::SignInToCreate,
        people::RoomPolicy::InviteOnly => wire::RoomPolicy::InviteOnly,
    }
}

pub fn account(account: &people::Account) -> wire::AccountBody {
    wire::AccountBody {
        id: account.id.as_str().to_owned(),
        login: account.login.as_str().to_owned(),
        display_name: account.display_name.clone(),
        email: account.email.clone(),
        admin: account.admin,
        has_password: account.password.is_some(),
    }
}

/// Both lists in one order.
const RECURRENCES: [(people::Recurrence, wire::Recurrence); 5] = [
    (people::Recurrence::Daily, wire::Recurrence::Daily),
    (people::Recurrence::Weekdays, wire::Recurrence::Weekdays),
    (people::Recurrence::Weekly, wire::Recurrence::Weekly),
    (people::Recurrence::Fortnightly, wire::Recurrence::Fortnightly),
    (people::Recurrence::Monthly, wire::Recurrence::Monthly),
];

fn recurrence(every: people::Recurrence) -> wire::Recurrence {
    RECURRENCES
        .iter()
        .find(|(inner, _)| *inner == every)
        .map_or(wire::Recurrence::Daily, |(_, wire)| *wire)
}

fn recurrence_of(every: wire::Recurrence) -> people::Recurrence {
    RECURRENCES
        .iter()
        .find(|(_, wire)| *wire == every)
        .map_or(people::Recurrence::Daily, |(inner, _)| *inner)
}

pub fn details(details: &people::RoomDetails) -> wire::OwnRoomDetails {
    wire::OwnRoomDetails {
        title: details.title.clone(),
        description: details.description.clone(),
        access: match details.access {
            people::Access::Anyone => wire::RoomAccess::Anyone,
            people::Access::SignedIn => wire::RoomAccess::SignedIn,
            people::Access::Invited => wire::RoomAccess::Invited,
        },
        starts_without_owner: details.starts_without_owner,
        capacity: details.capacity,
        lobby: details.defaults.lobby,
        start_muted: details.defaults.start_muted,
        start_without_video: details.defaults.start_without_video,
        webinar: details.defaults.webinar,
        media: super::media(&MediaLimits {
            max_height: details.defaults.picture.max_height,
            max_fps: details.defaults.picture.max_fps,
            video_codecs: details.defaults.picture.codecs.clone(),
        }),
        keep_s: details.keep_s,
        schedule: details.schedule.as_ref().map(|schedule| wire::Schedule {
            starts_at: schedule.starts_at_ms,
            duration_min: schedule.duration_min,
            repeat: schedule.repeat.as_ref().map(|repeat| wire::Repeat {
                every: recurrence(repeat.every),
                until: repeat.until_ms,
            }),
        }),
    }
}

pub fn details_of(details: wire::OwnRoomDetails) -> Result<people::RoomDetails, ApiError> {
    let media = super::media_of(&details.media).map_err(|error| error.at("media"))?;
    Ok(people::RoomDetails {
        title: details.title,
        description: details.description,
        access: match details.access {
            wire::RoomAccess::Anyone => people::Access::Anyone,
            wire::RoomAccess::SignedIn => people::Access::SignedIn,
            wire::RoomAccess::Invited => people::Access::Invited,
        },
        starts_without_owner: details.starts_without_owner,
        capacity: details.capacity,
        defaults: people::MeetingDefaults {
            lobby: details.lobby,
            start_muted: details.start_muted,
            start_without_video: details.start_without_video,
            webinar: details.webinar,
            picture: people::PictureLimits {
                max_height: media.max_height,
                max_fps: media.max_fps,
                codecs: media.video_codecs,
            },
        },
        schedule: details.schedule.map(|schedule| people::Schedule {
            starts_at_ms: schedule.starts_at,
            duration_min: schedule.duration_min,
            repeat: schedule.repeat.map(|repeat| people::Repeat {
                every: recurrence_of(repeat.every),
                until_ms: repeat.until,
            }),
        }),
        keep_s: details.keep_s,
    })
}

pub fn invitation(invitation: &people::Invitation, now_ms: u64) -> wire::InvitationBody {
    wire::InvitationBody {
        id: invitation.id.as_str().to_owned(),
        label: invitation.label.clone(),
        role: super::role(invitation.role),
        created_at: invitation.created_at_ms,
        expires_at: invitation.expires_at_ms,
        max_uses: invitation.max_uses,
        uses: invitation.uses,
        valid: invitation.worth(now_ms) != people::InvitationWorth::Void,
    }
}

#[cfg(test)]
mod tests {
    use tertulia_model::Codec;

    use super::*;

    #[test]
    fn what_an_owner_decides_comes_back() {
        for (every, _) in RECURRENCES {
            for access in [
                people::Access::Anyone,
                people::Access::SignedIn,
                people::Access::Invited,
            ] {
                let decided = people::RoomDetails {
                    title: "Weekly round".into(),
                    description: "Bring coffee".into(),
                    access,
                    starts_without_owner: true,
                    capacity: Some(7),
                    defaults: people::MeetingDefaults {
                        lobby: true,
                        start_muted: false,
                        start_without_video: true,
                        webinar: false,
                        picture: people::PictureLimits {
                            max_height: Some(720),
                            max_fps: Some(15),
                            codecs: vec![Codec::Av1, Codec::Vp8],
                        },
                    },
                    keep_s: Some(60),
                    schedule: Some(people::Schedule {
                        starts_at_ms: 5,
                        duration_min: 6,
                        repeat: Some(people::Repeat {
                            every,
                            until_ms: Some(9),
                        }),
                    }),
                };
                let text = serde_json::to_string(&details(&decided)).unwrap();
                let read = details_of(serde_json::from_str(&text).unwrap());
                assert_eq!(read.unwrap(), decided);
            }
        }
    }
}
