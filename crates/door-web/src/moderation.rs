//! What moderators and presenters do.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tertulia_room::{AccessChange, Attendance, AutoAdmit, Command, Password, Reply, RulesChange};

use crate::convert;
use crate::error::ApiError;
use crate::extract::{Asking, AskingAbout, Body};
use crate::wire::{
    AccessRequest, ErrorBody, ErrorCode, FollowMeRequest, MuteAllRequest, People, RemoveRequest,
    RightsRequest, RoleRequest, RulesRequest, SourceRequest, SpotlightRequest, TimerRequest, WhoRequest,
};

/// Lists everybody in the room; viewers of a webinar for those who may manage them.
#[utoipa::path(
    get,
    path = "/api/v1/rooms/{room}/participants",
    tag = "moderation",
    params(("room" = String, Path, description = "The room's name")),
    responses((status = 200, body = People), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn people(asking: Asking) -> Result<Json<People>, ApiError> {
    match asking.that(Command::ListParticipants).await? {
        Reply::Participants(all) => Ok(Json(People {
            participants: all.iter().map(convert::person).collect(),
        })),
        _ => Err(ApiError::new(ErrorCode::Internal, "the room gave no list")),
    }
}

/// Locks the room, or changes its password, lobby and capacity.
#[utoipa::path(
    patch,
    path = "/api/v1/rooms/{room}/access",
    tag = "moderation",
    params(("room" = String, Path, description = "The room's name")),
    request_body = AccessRequest,
    responses((status = 204), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn set_access(asking: Asking, Body(request): Body<AccessRequest>) -> Result<StatusCode, ApiError> {
    let password = request.password.map(|text| match text.as_str() {
        "" => Ok(None),
        text => Password::new(text).map(Some),
    });
    let change = AccessChange {
        locked: request.locked,
        password: password.transpose()?,
        lobby: request.lobby,
        auto_admit: request.admit_signed_in.map(|signed_in| AutoAdmit { signed_in }),
        max_participants: request
            .capacity
            .map(|capacity| (capacity > 0).then_some(capacity)),
    };
    asking.done(Command::SetAccess(change)).await
}

/// Changes what the room allows.
#[utoipa::path(
    patch,
    path = "/api/v1/rooms/{room}/rules",
    tag = "moderation",
    params(("room" = String, Path, description = "The room's name")),
    request_body = RulesRequest,
    responses((status = 204), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn set_rules(asking: Asking, Body(request): Body<RulesRequest>) -> Result<StatusCode, ApiError> {
    let change = RulesChange {
        switch_off: convert::rights_of(&request.switch_off),
        switch_on: convert::rights_of(&request.switch_on),
        start_audio_muted: request.start_audio_muted,
        start_video_muted: request.start_video_muted,
        default_role: request.default_role.map(convert::role_of),
        webinar: request.webinar,
        media: request.media.as_ref().map(convert::media_of).transpose()?,
    };
    asking.done(Command::SetRules(change)).await
}

/// Gives somebody a role.
#[utoipa::path(
    put,
    path = "/api/v1/rooms/{room}/participants/{identity}/role",
    tag = "moderation",
    params(("room" = String, Path, description = "The room's name"), ("identity" = String, Path)),
    request_body = RoleRequest,
    responses((status = 204), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn set_role(
    AskingAbout(asking, identity): AskingAbout,
    Body(request): Body<RoleRequest>,
) -> Result<StatusCode, ApiError> {
    let role = convert::role_of(request.role);
    asking.done(Command::SetRole { identity, role }).await
}

/// Grants rights to somebody and takes others.
#[utoipa::path(
    patch,
    path = "/api/v1/rooms/{room}/participants/{identity}/rights",
    tag = "moderation",
    params(("room" = String, Path, description = "The room's name"), ("identity" = String, Path)),
    request_body = RightsRequest,
    responses((status = 204), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn set_rights(
    AskingAbout(asking, identity): AskingAbout,
    Body(request): Body<RightsRequest>,
) -> Result<StatusCode, ApiError> {
    let command = Command::SetRights {
        identity,
        grant: convert::rights_of(&request.grant),
        revoke: convert::rights_of(&request.revoke),
    };
    asking.done(command).await
}

/// Removes somebody, or bans them, here or not.
#[utoipa::path(
    post,
    path = "/api/v1/rooms/{room}/participants/{identity}/remove",
    tag = "moderation",
    params(("room" = String, Path, description = "The room's name"), ("identity" = String, Path)),
    request_body = RemoveRequest,
    responses((status = 204), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn remove(
    AskingAbout(asking, identity): AskingAbout,
    Body(request): Body<RemoveRequest>,
) -> Result<StatusCode, ApiError> {
    let command = if request.ban {
        Command::Ban { identity }
    } else {
        Command::Remove {
            identity,
            revoke: true,
        }
    };
    asking.done(command).await
}

/// Lifts a ban.
#[utoipa::path(
    delete,
    path = "/api/v1/rooms/{room}/bans/{identity}",
    tag = "moderation",
    params(("room" = String, Path, description = "The room's name"), ("identity" = String, Path)),
    responses((status = 204), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn unban(AskingAbout(asking, identity): AskingAbout) -> Result<StatusCode, ApiError> {
    asking.done(Command::Unban { identity }).await
}

/// Mutes somebody's microphone or camera, or stops their screen. Nobody but themselves opens it again.
#[utoipa::path(
    post,
    path = "/api/v1/rooms/{room}/participants/{identity}/mute",
    tag = "moderation",
    params(("room" = String, Path, description = "The room's name"), ("identity" = String, Path)),
    request_body = SourceRequest,
    responses((status = 204), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn mute(
    AskingAbout(asking, identity): AskingAbout,
    Body(request): Body<SourceRequest>,
) -> Result<StatusCode, ApiError> {
    let source = convert::source_of(request.source);
    asking.done(Command::MuteSource { identity, source }).await
}

/// Asks somebody to open a source, and lets them where it is switched off.
#[utoipa::path(
    post,
    path = "/api/v1/rooms/{room}/participants/{identity}/ask-unmute",
    tag = "moderation",
    params(("room" = String, Path, description = "The room's name"), ("identity" = String, Path)),
    request_body = SourceRequest,
    responses((status = 204), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn ask_unmute(
    AskingAbout(asking, identity): AskingAbout,
    Body(request): Body<SourceRequest>,
) -> Result<StatusCode, ApiError> {
    let source = convert::source_of(request.source);
    asking.done(Command::AskUnmute { identity, source }).await
}

/// Mutes everybody else, or all but some; screens are stopped.
#[utoipa::path(
    post,
    path = "/api/v1/rooms/{room}/mute-all",
    tag = "moderation",
    params(("room" = String, Path, description = "The room's name")),
    request_body = MuteAllRequest,
    responses((status = 204), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn mute_all(asking: Asking, Body(request): Body<MuteAllRequest>) -> Result<StatusCode, ApiError> {
    let command = Command::MuteAll {
        source: convert::source_of(request.source),
        except: convert::identities_of(&request.except)?,
    };
    asking.done(command).await
}

/// Lowers somebody's hand, or all.
#[utoipa::path(
    post,
    path = "/api/v1/rooms/{room}/hands/lower",
    tag = "moderation",
    params(("room" = String, Path, description = "The room's name")),
    request_body = WhoRequest,
    responses((status = 204), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn lower_hand(asking: Asking, Body(request): Body<WhoRequest>) -> Result<StatusCode, ApiError> {
    let identity = request
        .identity
        .as_deref()
        .map(convert::identity_of)
        .transpose()?;
    asking.done(Command::LowerHand { identity }).await
}

/// Gives the floor to somebody, or to the first in the queue of hands.
#[utoipa::path(
    post,
    path = "/api/v1/rooms/{room}/floor",
    tag = "moderation",
    params(("room" = String, Path, description = "The room's name")),
    request_body = WhoRequest,
    responses((status = 204), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn give_floor(asking: Asking, Body(request): Body<WhoRequest>) -> Result<StatusCode, ApiError> {
    let identity = request
        .identity
        .as_deref()
        .map(convert::identity_of)
        .transpose()?;
    asking.done(Command::GiveFloor { identity }).await
}

/// Puts people in the spotlight for everybody.
#[utoipa::path(
    put,
    path = "/api/v1/rooms/{room}/spotlight",
    tag = "moderation",
    params(("room" = String, Path, description = "The room's name")),
    request_body = SpotlightRequest,
    responses((status = 204), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn spotlight(
    asking: Asking,
    Body(request): Body<SpotlightRequest>,
) -> Result<StatusCode, ApiError> {
    let identities = convert::identities_of(&request.identities)?;
    asking.done(Command::Spotlight { identities }).await
}

/// Has everybody follow the own layout, or stops that.
#[utoipa::path(
    put,
    path = "/api/v1/rooms/{room}/follow-me",
    tag = "moderation",
    params(("room" = String, Path, description = "The room's name")),
    request_body = FollowMeRequest,
    responses((status = 204), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn follow_me(asking: Asking, Body(request): Body<FollowMeRequest>) -> Result<StatusCode, ApiError> {
    let command = Command::FollowMe {
        layout: request.layout,
    };
    asking.done(command).await
}

/// Starts a countdown for everybody to see, or stops it.
#[utoipa::path(
    put,
    path = "/api/v1/rooms/{room}/timer",
    tag = "moderation",
    params(("room" = String, Path, description = "The room's name")),
    request_body = TimerRequest,
    responses((status = 204), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn set_timer(asking: Asking, Body(request): Body<TimerRequest>) -> Result<StatusCode, ApiError> {
    let command = Command::SetTimer {
        duration: request.duration_ms.map(Duration::from_millis),
        title: request.title,
    };
    asking.done(command).await
}

/// Ends the room for everybody.
#[utoipa::path(
    post,
    path = "/api/v1/rooms/{room}/end",
    tag = "moderation",
    params(("room" = String, Path, description = "The room's name")),
    responses((status = 204), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn end(asking: Asking) -> Result<StatusCode, ApiError> {
    asking.done(Command::End).await
}

/// Gives the attendance and talk time of everybody who was here, as a table.
#[utoipa::path(
    get,
    path = "/api/v1/rooms/{room}/attendance.csv",
    tag = "moderation",
    params(("room" = String, Path, description = "The room's name")),
    responses((status = 200, body = String, content_type = "text/csv"), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn attendance(asking: Asking) -> Result<Response, ApiError> {
    let Reply::Attendance(all) = asking.that(Command::ReadAttendance).await? else {
        return Err(ApiError::new(ErrorCode::Internal, "the room gave no report"));
    };
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/csv; charset=utf-8"),
        ),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_static("attachment; filename=\"attendance.csv\""),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, table(&all)).into_response())
}

/// RFC 4180, times in Unix milliseconds and seconds.
fn table(all: &[Attendance]) -> String {
    let mut text =
        String::from("identity,name,role,first_joined_ms,last_left_ms,present_s,spoke_s,visits\r\n");
    for one in all {
        let left = one.last_left_ms.map(|at| at.to_string()).unwrap_or_default();
        let fields = [
            cell(one.identity.as_str()),
            cell(&one.name),
            one.role.name().to_owned(),
            one.first_joined_ms.to_string(),
            left,
            (one.present_ms / 1_000).to_string(),
            (one.spoke_ms / 1_000).to_string(),
            one.visits.to_string(),
        ];
        text.push_str(&fields.join(","));
        text.push_str("\r\n");
    }
    text
}

/// A quoted field. What a spreadsheet would take for a formula begins with an apostrophe: people choose their names.
fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let quoted = text.replace('"', "\"\"");
    format!("\"{}{quoted}\"", if formula { "'" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_no_formulas_and_break_no_line() {
        assert_eq!(cell("Ana, \"the\" First"), "\"Ana, \"\"the\"\" First\"");
        assert_eq!(cell("=HYPERLINK(1)"), "\"'=HYPERLINK(1)\"");
    }
}
