//! A video that everybody watches together. It lies elsewhere, at a place the operator trusts, and never passes through here.

use axum::extract::State;
use axum::http::StatusCode;
use tertulia_room::Command;

use crate::error::ApiError;
use crate::extract::{Asking, Body};
use crate::state::Api;
use crate::wire::{ErrorBody, ErrorCode, ShareVideoRequest, SteerVideoRequest};

/// Has everybody watch a video together, which the asker leads.
#[utoipa::path(
    put,
    path = "/api/v1/rooms/{room}/shared-video",
    tag = "shared video",
    params(("room" = String, Path, description = "The room's name")),
    request_body = ShareVideoRequest,
    responses((status = 204), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn share(
    State(api): State<Api>,
    asking: Asking,
    Body(request): Body<ShareVideoRequest>,
) -> Result<StatusCode, ApiError> {
    // Every browser in the room is about to ask there.
    if !lies_at(&request.url, &api.inner.settings.video_origins) {
        let message = "this server shows no videos from there";
        return Err(ApiError::new(ErrorCode::InvalidRequest, message).at("url"));
    }
    let url = Some(request.url);
    asking.done(Command::ShareVideo { url }).await
}

/// Ends the shared video.
#[utoipa::path(
    delete,
    path = "/api/v1/rooms/{room}/shared-video",
    tag = "shared video",
    params(("room" = String, Path, description = "The room's name")),
    responses((status = 204), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn stop(asking: Asking) -> Result<StatusCode, ApiError> {
    asking.done(Command::ShareVideo { url: None }).await
}

/// Plays, pauses or moves the shared video. Whoever leads it says now and then where it stands.
#[utoipa::path(
    patch,
    path = "/api/v1/rooms/{room}/shared-video",
    tag = "shared video",
    params(("room" = String, Path, description = "The room's name")),
    request_body = SteerVideoRequest,
    responses((status = 204), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn steer(asking: Asking, Body(request): Body<SteerVideoRequest>) -> Result<StatusCode, ApiError> {
    let command = Command::SteerVideo {
        playing: request.playing,
        position_ms: request.position_ms,
    };
    asking.done(command).await
}

/// Whether an address is of one of these origins, which are written as browsers do.
fn lies_at(url: &str, origins: &[String]) -> bool {
    origins.iter().any(|origin| {
        let (Some(own), Some(rest)) = (url.get(..origin.len()), url.get(origin.len()..)) else {
            return false;
        };
        own.eq_ignore_ascii_case(origin) && rest.starts_with('/')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_of_its_own_origin_alone() {
        let origins = [
            "https://media.example.org".to_owned(),
            "https://b.org:8443".to_owned(),
        ];
        for (url, expected) in [
            ("https://media.example.org/a.mp4", true),
            ("HTTPS://Media.example.org/a.mp4", true),
            ("https://b.org:8443/a.mp4", true),
            ("https://b.org/a.mp4", false),
            ("http://media.example.org/a.mp4", false),
            ("https://media.example.org.evil.org/a.mp4", false),
            ("https://media.example.org@evil.org/a.mp4", false),
            ("https://media.example.org:444/a.mp4", false),
            ("https://media.example.org", false),
            ("/a.mp4", false),
            ("", false),
            ("https://media.exämple.org/", false),
        ] {
            assert_eq!(lies_at(url, &origins), expected, "for {url}");
        }
        assert!(!lies_at("https://media.example.org/a.mp4", &[]));
    }
}
