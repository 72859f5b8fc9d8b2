use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use crate::error::ApiError;
use crate::wire::{self, ErrorCode};
use crate::{
    accounts, board, breakouts, chat, download, events, files, history, invitations, join, lobby, moderation,
    own_account, own_rooms, polls, presence, provider, rooms, video,
};

#[derive(OpenApi)]
#[openapi(
    info(title = "Tertulia", description = "The HTTP API of a Tertulia server, version 1."),
    paths(
        rooms::config, rooms::room, join::join, events::events, chat::read, chat::say, history::search,
        history::export, files::begin, files::status, files::append, files::cancel, files::share,
        download::link, download::download, presence::hand,
        presence::react, presence::leave, chat::edit, chat::delete, chat::react, chat::unreact, polls::create,
        polls::vote, polls::close, polls::delete, board::show, board::watch,
        board::unwatch, board::draw, board::clear, video::share, video::steer, video::stop, lobby::events, lobby::admit, lobby::deny, lobby::message,
        moderation::people, moderation::set_access, moderation::set_rules, moderation::set_role,
        moderation::set_rights, moderation::remove, moderation::unban, moderation::mute, moderation::ask_unmute,
        moderation::mute_all, moderation::lower_hand, moderation::give_floor, moderation::spotlight,
        moderation::follow_me, moderation::set_timer, moderation::end, moderation::attendance,
        accounts::session, accounts::sign_in, accounts::sign_out, accounts::sign_up, accounts::change,
        accounts::change_password, own_account::sessions, own_account::end_session,
        own_account::end_other_sessions, own_account::remove, provider::sign_in, provider::answer, own_rooms::list, own_rooms::create,
        own_rooms::read, own_rooms::change, own_rooms::remove, own_rooms::calendar, invitations::list, invitations::create, invitations::revoke,
        breakouts::read, breakouts::add, breakouts::set_options, breakouts::rename, breakouts::remove,
        breakouts::assign, breakouts::shuffle, breakouts::open, breakouts::set_end, breakouts::close, breakouts::say,
        breakouts::dismiss, breakouts::go, breakouts::call_for_help, breakouts::enter
    ),
    components(schemas(
        wire::HandEvent, wire::ReactionEvent, wire::EndedEvent, wire::StandingEvent, wire::RulesEvent,
        wire::UnmuteAskedEvent, wire::FloorEvent, wire::SpotlightEvent, wire::PollDeletedEvent,
        wire::BoardShownEvent, wire::BoardClearedEvent,
        wire::LobbyEvent, wire::LobbyLeftEvent, wire::UnbanEvent, wire::LobbyMessageEvent,
        wire::AdmittedEvent, wire::BreakoutMessageEvent
    )),
    modifiers(&Token),
)]
struct Document;

struct Token;

impl Modify for Token {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some("A token of a participant of the room"))
            .build();
        let components = document.components.get_or_insert_with(Default::default);
        components.add_security_scheme("token", SecurityScheme::Http(scheme));
        let lobby = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some("The token of somebody who waits in a lobby"))
            .build();
        components.add_security_scheme("lobbyToken", SecurityScheme::Http(lobby));
        let cookie = ApiKeyValue::with_description(
            "__Host-tertulia",
            "The cookie of a sign-in; `tertulia` where the page came over plain HTTP",
        );
        components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    }
}

/// Describes the API as OpenAPI 3.1, pretty-printed JSON with a final newline.
///
/// # Errors
/// When the document cannot be written as JSON.
pub fn openapi_json() -> Result<String, serde_json::Error> {
    Ok(Document::openapi().to_pretty_json()? + "\n")
}

/// Serves the description.
pub async fn serve() -> Result<Response, ApiError> {
    let text = openapi_json().map_err(|error| ApiError::new(ErrorCode::Internal, error))?;
    let json = HeaderValue::from_static("application/json");
    Ok(([(header::CONTENT_TYPE, json)], text).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Set this variable to write the file instead of comparing it.
    const WRITE: &str = "TERTULIA_UPDATE_DOCS";

    #[test]
    fn the_checked_in_description_is_the_current_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
        let current = openapi_json().unwrap();
        if std::env::var_os(WRITE).is_some() {
            std::fs::write(path, &current).unwrap();
        }
        let checked_in = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            checked_in == current,
            "docs/openapi.json is stale: run the tests once with {WRITE}=1"
        );
    }
}
