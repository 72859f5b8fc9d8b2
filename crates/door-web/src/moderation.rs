//! What moderators and presenters do.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tertulia_room::{AccessChange, Attendance, AutoAdmit, Command, Password, Reply, RulesChange};

use crate::convert;
use crate::error::ApiError;
use crate::extract::{Bearer, Body, RoomAnd, RoomPath};
use crate::state::Api;
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
pub async fn people(
    State(api): State<Api>,
    Bearer(token): Bearer,
    RoomPath(room): RoomPath,
) -> Result<Json<People>, ApiError> {
    match api.act(token.as_deref(), room, Command::ListParticipants).await? {
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
pub async fn set_access(
    State(api): State<Api>,
    Bearer(token): Bearer,
    RoomPath(room): RoomPath,
    Body(request): Body<AccessRequest>,
) -> Result<StatusCode, ApiError> {
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
    api.act(token.as_deref(), room, Command::SetAccess(change))
        .await?;
    Ok(StatusCode::NO_CONTENT)
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
pub async fn set_rules(
    State(api): State<Api>,
    Bearer(token): Bearer,
    RoomPath(room): RoomPath,
    Body(request): Body<RulesRequest>,
) -> Result<StatusCode, ApiError> {
    let change = RulesChange {
        switch_off: convert::rights_of(&request.switch_off),
        switch_on: convert::rights_of(&request.switch_on),
        start_audio_muted: request.start_audio_muted,
        start_video_muted: request.start_video_muted,
        default_role: request.default_role.map(convert::role_of),
        webinar: request.webinar,
        media: request.media.as_ref().map(convert::media_of).transpose()?,
    };
    api.act(token.as_deref(), room, Command::SetRules(change)).await?;
    Ok(StatusCode::NO_CONTENT)
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
    State(api): State<Api>,
    Bearer(token): Bearer,
    RoomAnd(room, identity): RoomAnd<String>,
    Body(request): Body<RoleRequest>,
) -> Result<StatusCode, ApiError> {
    let identity = convert::identity_of(&identity)?;
    let role = convert::role_of(request.role);
    api.act(token.as_deref(), room, Command::SetRole { identity, role })
        .await?;
    Ok(StatusCode::NO_CONTENT)
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
    State(api): State<Api>,
    Bearer(token): Bearer,
    RoomAnd(room, identity): RoomAnd<String>,
    Body(request): Body<RightsRequest>,
) -> Result<StatusCode, ApiError> {
    let identity = convert::identity_of(&identity)?;
    let command = Command::SetRights {
        identity,
        grant: convert::rights_of(&request.grant),
        revoke: convert::rights_of(&request.revoke),
    };
    api.act(token.as_deref(), room, command).await?;
    Ok(StatusCode::NO_CONTENT)
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
    State(api): State<Api>,
    Bearer(token): Bearer,
    RoomAnd(room, identity): RoomAnd<String>,
    Body(request): Body<RemoveRequest>,
) -> Result<StatusCode, ApiError> {
    let identity = convert::identity_of(&identity)?;
    let command = if request.ban {
        Command::Ban { identity }
    } else {
        Command::Remove {
            identity,
            revoke: true,
        }
    };
    api.act(token.as_deref(), room, command).await?;
    Ok(StatusCode::NO_CONTENT)
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
pub async fn unban(
    State(api): State<Api>,
    Bearer(token): Bearer,
    RoomAnd(room, identity): RoomAnd<String>,
) -> Result<StatusCode, ApiError> {
    let identity = convert::identity_of(&identity)?;
    api.act(token.as_deref(), room, Command::Unban { identity })
        .await?;
    Ok(StatusCode::NO_CONTENT)
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
    State(api): State<Api>,
    Bearer(token): Bearer,
    RoomAnd(room, identity): RoomAnd<String>,
    Body(request): Body<SourceRequest>,
) -> Result<StatusCode, ApiError> {
    let identity = convert::identity_of(&identity)?;
    let source = convert::source_of(request.source);
    api.act(token.as_deref(), room, Command::MuteSource { identity, source })
        .await?;
    Ok(StatusCode::NO_CONTENT)
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
    State(api): State<Api>,
    Bearer(token): Bearer,
    RoomAnd(room, identity): RoomAnd<String>,
    Body(request): Body<SourceRequest>,
) -> Result<StatusCode, ApiError> {
    let identity = convert::identity_of(&identity)?;
    let source = convert::source_of(request.source);
    api.act(token.as_deref(), room, Command::AskUnmute { identity, source })
        .await?;
    Ok(StatusCode::NO_CONTENT)
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
pub async fn mute_all(
    State(api): State<Api>,
    Bearer(token): Bearer,
    RoomPath(room): RoomPath,
    Body(request): Body<MuteAllRequest>,
) -> Result<StatusCode, ApiError> {
    let command = Command::MuteAll {
        source: convert::source_of(request.source),
        except: convert::identities_of(&request.except)?,
    };
    api.act(token.as_deref(), room, command).await?;
    Ok(StatusCode::NO_CONTENT)
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
pub async fn lower_hand(
    State(api): State<Api>,
    Bearer(token): Bearer,
    RoomPath(room): RoomPath,
    Body(request): Body<WhoRequest>,
) -> Result<StatusCode, ApiError> {
    let identity = request
        .identity
        .as_deref()
        .map(convert::identity_of)
        .transpose()?;
    api.act(token.as_deref(), room, Command::LowerHand { identity })
        .await?;
    Ok(StatusCode::NO_CONTENT)
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
pub async fn give_floor(
    State(api): State<Api>,
    Bearer(token): Bearer,
    RoomPath(room): RoomPath,
    Body(request): Body<WhoRequest>,
) -> Result<StatusCode, ApiError> {
    let identity = request
        .identity
        .as_deref()
        .map(convert::identity_of)
        .transpose()?;
    api.act(token.as_deref(), room, Command::GiveFloor { identity })
        .await?;
    Ok(StatusCode::NO_CONTENT)
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
    State(api): State<Api>,
    Bearer(token): Bearer,
    RoomPath(room): RoomPath,
    Body(request): Body<SpotlightRequest>,
) -> Result<StatusCode, ApiError> {
    let identities = convert::identities_of(&request.identities)?;
    api.act(token.as_deref(), room, Command::Spotlight { identities })
        .await?;
    Ok(StatusCode::NO_CONTENT)
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
pub async fn follow_me(
    State(api): State<Api>,
    Bearer(token): Bearer,
    RoomPath(room): RoomPath,
    Body(request): Body<FollowMeRequest>,
) -> Result<StatusCode, ApiError> {
    let command = Command::FollowMe {
        layout: request.layout,
    };
    api.act(token.as_deref(), room, command).await?;
    Ok(StatusCode::NO_CONTENT)
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
pub async fn set_timer(
    State(api): State<Api>,
    Bearer(token): Bearer,
    RoomPath(room): RoomPath,
    Body(request): Body<TimerRequest>,
) -> Result<StatusCode, ApiError> {
    let command = Command::SetTimer {
        duration: request.duration_ms.map(Duration::from_millis),
        title: request.title,
    };
    api.act(token.as_deref(), room, command).await?;
    Ok(StatusCode::NO_CONTENT)
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
pub async fn end(
    State(api): State<Api>,
    Bearer(token): Bearer,
    RoomPath(room): RoomPath,
) -> Result<StatusCode, ApiError> {
    api.act(token.as_deref(), room, Command::End).await?;
    Ok(StatusCode::NO_CONTENT)
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
pub async fn attendance(
    State(api): State<Api>,
    Bearer(token): Bearer,
    RoomPath(room): RoomPath,
) -> Result<Response, ApiError> {
    let Reply::Attendance(all) = api.act(token.as_deref(), room, Command::ReadAttendance).await? else {
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
