//! What handlers take out of a request.

use std::net::{IpAddr, SocketAddr};

use axum::Json;
use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use serde::de::DeserializeOwned;
use tertulia_model::{Identity, RoomName};
use tertulia_room::{BreakoutCommand, Command, Reply};

use crate::convert;
use crate::error::ApiError;
use crate::rooms::room_name;
use crate::state::Api;
use crate::wire::ErrorCode;

/// The client's address, as the server that called the router sees it.
pub struct Source(pub IpAddr);

impl<S: Sync> FromRequestParts<S> for Source {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let ConnectInfo(address) = parts
            .extensions
            .get::<ConnectInfo<SocketAddr>>()
            .ok_or_else(|| ApiError::new(ErrorCode::Internal, "the request has no source address"))?;
        Ok(Self(address.ip()))
    }
}

/// The room in the path, under a name that may be opened.
pub struct RoomPath(pub RoomName);

impl<S: Send + Sync> FromRequestParts<S> for RoomPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|_| ApiError::new(ErrorCode::InvalidRoomName, "the room name is not UTF-8"))?;
        room_name(&text).map(Self)
    }
}

/// The room in the path and one more thing in it.
pub struct RoomAnd<T>(pub RoomName, pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for RoomAnd<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Path((text, other)) = Path::<(String, T)>::from_request_parts(parts, state)
            .await
            .map_err(|_| ApiError::new(ErrorCode::InvalidRequest, "the path has the wrong shape"))?;
        Ok(Self(room_name(&text)?, other))
    }
}

/// A room, and the token of whoever asks something of it.
pub struct Asking {
    api: Api,
    token: Option<String>,
    room: RoomName,
}

impl Asking {
    /// Asks, and gives the room's answer.
    pub async fn that(self, command: Command) -> Result<Reply, ApiError> {
        self.api.act(self.token.as_deref(), self.room, command).await
    }

    /// Asks something about breakout rooms, from the main room or from one of them.
    pub async fn of_breakouts(self, command: BreakoutCommand) -> Result<Reply, ApiError> {
        self.of_meeting(Command::Breakout(command)).await
    }

    /// Asks something of the meeting as a whole, from the main room or from one of its breakouts.
    pub async fn of_meeting(self, command: Command) -> Result<Reply, ApiError> {
        self.api
            .act_on_meeting(self.token.as_deref(), self.room, command)
            .await
    }

    /// As [`Asking::of_meeting`], for what has no answer.
    pub async fn meeting_done(self, command: Command) -> Result<StatusCode, ApiError> {
        self.of_meeting(command).await?;
        Ok(StatusCode::NO_CONTENT)
    }

    /// As [`Asking::of_breakouts`], for what has no answer.
    pub async fn breakouts_done(self, command: BreakoutCommand) -> Result<StatusCode, ApiError> {
        self.of_breakouts(command).await?;
        Ok(StatusCode::NO_CONTENT)
    }

    /// Asks for something that has no answer but that it was done.
    pub async fn done(self, command: Command) -> Result<StatusCode, ApiError> {
        self.that(command).await?;
        Ok(StatusCode::NO_CONTENT)
    }
}

impl FromRequestParts<Api> for Asking {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let Bearer(token) = Bearer::from_request_parts(parts, api).await?;
        let RoomPath(room) = RoomPath::from_request_parts(parts, api).await?;
        let api = api.clone();
        Ok(Self { api, token, room })
    }
}

/// As [`Asking`], and the person in the path whom it is about.
pub struct AskingAbout(pub Asking, pub Identity);

impl FromRequestParts<Api> for AskingAbout {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let Bearer(token) = Bearer::from_request_parts(parts, api).await?;
        let RoomAnd(room, identity) = RoomAnd::<String>::from_request_parts(parts, api).await?;
        let identity = convert::identity_of(&identity)?;
        let api = api.clone();
        Ok(Self(Asking { api, token, room }, identity))
    }
}

/// As [`Asking`], and the breakout room in the path.
pub struct AskingIn(pub Asking, pub u32);

impl FromRequestParts<Api> for AskingIn {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let Bearer(token) = Bearer::from_request_parts(parts, api).await?;
        let RoomAnd(room, breakout) = RoomAnd::<u32>::from_request_parts(parts, api).await?;
        let api = api.clone();
        Ok(Self(Asking { api, token, room }, breakout))
    }
}

/// A JSON body.
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let Json(body) = Json::from_request(request, state).await?;
        Ok(Self(body))
    }
}

/// A query.
pub struct Params<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Query(query) = Query::from_request_parts(parts, state).await?;
        Ok(Self(query))
    }
}

/// The token of the `Authorization` header, where there is one.
pub struct Bearer(pub Option<String>);

impl<S: Sync> FromRequestParts<S> for Bearer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let value = parts
            .headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let token = value.and_then(|text| {
            let (scheme, token) = text.split_once(' ')?;
            scheme
                .eq_ignore_ascii_case("bearer")
                .then(|| token.trim().to_owned())
        });
        Ok(Self(token))
    }
}
