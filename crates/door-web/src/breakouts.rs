//! Breakout rooms, from the main room or from one of them.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use tertulia_auth::OwnClaims;
use tertulia_room::{Actor, BreakoutCommand, Command, Reply};

use crate::convert;
use crate::error::ApiError;
use crate::events::{ARRIVAL, opened};
use crate::extract::{Asking, AskingIn, Bearer, Body, RoomPath};
use crate::join::Pass;
use crate::state::Api;
use crate::wire::{
    AssignmentRequest, BreakoutCloseRequest, BreakoutEndRequest, BreakoutMessageRequest,
    BreakoutOptionsRequest, BreakoutPlaceRequest, BreakoutRequest, Breakouts, BreakoutsRequest, ErrorBody,
    ErrorCode, HelpRequest, JoinAnswer, ShuffleRequest,
};

/// Gives the breakout rooms as the asker may know them.
#[utoipa::path(
    get,
    path = "/api/v1/rooms/{room}/breakouts",
    tag = "breakouts",
    params(("room" = String, Path, description = "The room's name")),
    responses((status = 200, body = Breakouts), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn read(asking: Asking) -> Result<Json<Breakouts>, ApiError> {
    match asking.of_breakouts(BreakoutCommand::Read).await? {
        Reply::Breakouts { place, all, .. } => Ok(Json(Breakouts {
            place: convert::breakouts::place(&place),
            all: all.as_deref().map(convert::breakouts::all),
        })),
        _ => Err(ApiError::new(
            ErrorCode::Internal,
            "the room gave no breakout rooms",
        )),
    }
}

/// Makes breakout rooms.
#[utoipa::path(
    post,
    path = "/api/v1/rooms/{room}/breakouts",
    tag = "breakouts",
    params(("room" = String, Path, description = "The room's name")),
    request_body = BreakoutsRequest,
    responses((status = 204), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn add(asking: Asking, Body(request): Body<BreakoutsRequest>) -> Result<StatusCode, ApiError> {
    asking
        .breakouts_done(BreakoutCommand::Add { names: request.names })
        .await
}

/// Says what people may do by themselves.
#[utoipa::path(
    patch,
    path = "/api/v1/rooms/{room}/breakouts",
    tag = "breakouts",
    params(("room" = String, Path, description = "The room's name")),
    request_body = BreakoutOptionsRequest,
    responses((status = 204), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn set_options(
    asking: Asking,
    Body(request): Body<BreakoutOptionsRequest>,
) -> Result<StatusCode, ApiError> {
    asking
        .breakouts_done(BreakoutCommand::SetOptions {
            choose: request.choose,
            may_return: request.may_return,
        })
        .await
}

/// Gives a breakout room another name.
#[utoipa::path(
    patch,
    path = "/api/v1/rooms/{room}/breakouts/{breakout}",
    tag = "breakouts",
    params(("room" = String, Path, description = "The room's name"), ("breakout" = u32, Path)),
    request_body = BreakoutRequest,
    responses((status = 204), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn rename(
    AskingIn(asking, breakout): AskingIn,
    Body(request): Body<BreakoutRequest>,
) -> Result<StatusCode, ApiError> {
    asking
        .breakouts_done(BreakoutCommand::Rename {
            breakout,
            name: request.name,
        })
        .await
}

/// Takes a breakout room away; whoever is in it comes back.
#[utoipa::path(
    delete,
    path = "/api/v1/rooms/{room}/breakouts/{breakout}",
    tag = "breakouts",
    params(("room" = String, Path, description = "The room's name"), ("breakout" = u32, Path)),
    responses((status = 204), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn remove(AskingIn(asking, breakout): AskingIn) -> Result<StatusCode, ApiError> {
    asking.breakouts_done(BreakoutCommand::Remove { breakout }).await
}

/// Says where people belong. Where breakout rooms are open they go there at once.
#[utoipa::path(
    put,
    path = "/api/v1/rooms/{room}/breakouts/assignments",
    tag = "breakouts",
    params(("room" = String, Path, description = "The room's name")),
    request_body = AssignmentRequest,
    responses((status = 204), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn assign(asking: Asking, Body(request): Body<AssignmentRequest>) -> Result<StatusCode, ApiError> {
    let identities = convert::identities_of(&request.identities)?;
    asking
        .breakouts_done(BreakoutCommand::Assign {
            identities,
            breakout: request.breakout,
        })
        .await
}

/// Assigns people by chance, evenly.
#[utoipa::path(
    post,
    path = "/api/v1/rooms/{room}/breakouts/shuffle",
    tag = "breakouts",
    params(("room" = String, Path, description = "The room's name")),
    request_body = ShuffleRequest,
    responses((status = 204), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn shuffle(asking: Asking, Body(request): Body<ShuffleRequest>) -> Result<StatusCode, ApiError> {
    asking
        .breakouts_done(BreakoutCommand::Shuffle { all: request.all })
        .await
}

/// Sends everybody to the breakout room they belong to.
#[utoipa::path(
    post,
    path = "/api/v1/rooms/{room}/breakouts/open",
    tag = "breakouts",
    params(("room" = String, Path, description = "The room's name")),
    request_body = BreakoutEndRequest,
    responses((status = 204), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn open(asking: Asking, Body(request): Body<BreakoutEndRequest>) -> Result<StatusCode, ApiError> {
    let duration = request.duration_ms.map(Duration::from_millis);
    asking.breakouts_done(BreakoutCommand::Open { duration }).await
}

/// Sets anew when everybody is called back.
#[utoipa::path(
    put,
    path = "/api/v1/rooms/{room}/breakouts/end",
    tag = "breakouts",
    params(("room" = String, Path, description = "The room's name")),
    request_body = BreakoutEndRequest,
    responses((status = 204), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn set_end(
    asking: Asking,
    Body(request): Body<BreakoutEndRequest>,
) -> Result<StatusCode, ApiError> {
    let duration = request.duration_ms.map(Duration::from_millis);
    asking.breakouts_done(BreakoutCommand::SetEnd { duration }).await
}

/// Calls everybody back to the main room.
#[utoipa::path(
    post,
    path = "/api/v1/rooms/{room}/breakouts/close",
    tag = "breakouts",
    params(("room" = String, Path, description = "The room's name")),
    request_body = BreakoutCloseRequest,
    responses((status = 204), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn close(
    asking: Asking,
    Body(request): Body<BreakoutCloseRequest>,
) -> Result<StatusCode, ApiError> {
    let grace = Duration::from_millis(request.grace_ms);
    asking.breakouts_done(BreakoutCommand::Close { grace }).await
}

/// Writes to everybody in every breakout room.
#[utoipa::path(
    post,
    path = "/api/v1/rooms/{room}/breakouts/message",
    tag = "breakouts",
    params(("room" = String, Path, description = "The room's name")),
    request_body = BreakoutMessageRequest,
    responses((status = 204), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn say(
    asking: Asking,
    Body(request): Body<BreakoutMessageRequest>,
) -> Result<StatusCode, ApiError> {
    asking
        .breakouts_done(BreakoutCommand::Say {
            id: request.id,
            text: request.text,
        })
        .await
}

/// Takes a call for help off the list.
#[utoipa::path(
    delete,
    path = "/api/v1/rooms/{room}/breakouts/{breakout}/help",
    tag = "breakouts",
    params(("room" = String, Path, description = "The room's name"), ("breakout" = u32, Path)),
    responses((status = 204), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn dismiss(AskingIn(asking, breakout): AskingIn) -> Result<StatusCode, ApiError> {
    asking.breakouts_done(BreakoutCommand::Dismiss { breakout }).await
}

/// Says where the asker wants to be. The event `breakouts` follows, and then `enter`.
#[utoipa::path(
    put,
    path = "/api/v1/rooms/{room}/breakouts/place",
    tag = "breakouts",
    params(("room" = String, Path, description = "The room's name")),
    request_body = BreakoutPlaceRequest,
    responses((status = 204), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn go(asking: Asking, Body(request): Body<BreakoutPlaceRequest>) -> Result<StatusCode, ApiError> {
    asking
        .breakouts_done(BreakoutCommand::Go {
            breakout: request.breakout,
        })
        .await
}

/// Asks those who lead to come, or no more.
#[utoipa::path(
    put,
    path = "/api/v1/rooms/{room}/breakouts/help",
    tag = "breakouts",
    params(("room" = String, Path, description = "The room's name")),
    request_body = HelpRequest,
    responses((status = 204), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn call_for_help(asking: Asking, Body(request): Body<HelpRequest>) -> Result<StatusCode, ApiError> {
    asking
        .breakouts_done(BreakoutCommand::CallForHelp { on: request.on })
        .await
}

/// Gives a token for the breakout room in which the asker is to be now. Takes a token of the main room or of a breakout.
#[utoipa::path(
    post,
    path = "/api/v1/rooms/{room}/breakouts/enter",
    tag = "breakouts",
    params(("room" = String, Path, description = "The room's name")),
    responses((status = 200, body = JoinAnswer), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn enter(
    State(api): State<Api>,
    Bearer(token): Bearer,
    RoomPath(room): RoomPath,
) -> Result<Json<JoinAnswer>, ApiError> {
    let holder = api.holder(token.as_deref(), room)?;
    api.limit_action(holder.room.key(), holder.identity.as_str())?;
    let parent = holder.own.parent.clone().unwrap_or(holder.room);
    let enter = BreakoutCommand::Enter {
        identity: holder.identity.clone(),
        credential_issued_at_ms: holder.issued_at_ms,
    };
    let main = api.main_room(&parent)?;
    let reply = main.command(Actor::System, Command::Breakout(enter)).await?;
    let Reply::BreakoutTicket(ticket) = reply else {
        return Err(ApiError::new(ErrorCode::Internal, "the room gave no ticket"));
    };
    // The room opens on a worker of its own choice; whoever comes must find it.
    if tokio::time::timeout(ARRIVAL, opened(&api, &ticket.room))
        .await
        .is_err()
    {
        return Err(ApiError::new(
            ErrorCode::Unavailable,
            "the breakout room did not open",
        ));
    }
    let name = if ticket.name.is_empty() {
        holder.name
    } else {
        ticket.name
    };
    let pass = Pass {
        room: ticket.room,
        identity: holder.identity,
        name,
        own: OwnClaims {
            // What they are, the main room has told the breakout.
            role: None,
            opens: Some(false),
            parent: Some(parent),
            ..holder.own
        },
        issued_at_ms: holder.issued_at_ms,
    };
    Ok(Json(pass.sign(&api).await?))
}
