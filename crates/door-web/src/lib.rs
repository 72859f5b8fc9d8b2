//! The HTTP API of the web app and of integrators, version 1: tokens for guests, facts about rooms, chat, hands and
//! reactions, and one event stream for each open page.
//!
//! Wire types live in `wire` and are turned into commands and out of events in `convert`; nothing else knows both
//! sides. What somebody may do is decided in the room; this door only finds out who asks. `docs/openapi.json`
//! describes the API and is generated from this crate.
//!
//! Invariants: every error is JSON with a code and a reference that also stands in the log; every list a client can
//! make us keep is bounded; a stream whose reader is too slow is closed and starts over with the whole state.
//!
//! The caller of [`router`] provides the client's address as [`axum::extract::ConnectInfo`].
//!
//! ```no_run
//! # fn example(engine: tertulia_engine::Engine, keys: std::sync::Arc<tertulia_auth::ApiKeys>) -> axum::Router {
//! let api = tertulia_door_web::Api::new(engine, keys, tertulia_door_web::ApiSettings::default());
//! tertulia_door_web::router(api)
//! # }
//! ```

mod access;
mod accounts;
mod away;
mod board;
mod breakouts;
mod browser;
mod chat;
mod convert;
mod cookie;
mod download;
mod error;
mod events;
mod extract;
mod files;
mod history;
mod invitations;
mod join;
mod lobby;
mod moderation;
mod openapi;
mod own_account;
mod own_rooms;
mod passwords;
mod places;
mod polls;
mod presence;
mod provider;
mod rooms;
mod signed_in;
mod sniff;
mod state;
mod stats;
mod text;
mod upload;
mod video;
mod vouched;
mod wire;

pub use openapi::openapi_json;
pub use rooms::RESERVED_ROOM_NAMES;
pub use state::{
    Api, ApiSettings, FileSettings, IdentityProvider, PeopleSettings, ProviderTerms, Shelf, Trusted,
};
pub use stats::WebStats;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, patch, post, put};

/// No body of this API but a drawing is longer; a chat text of the greatest length fits with every character escaped.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// Routes everything below `/api`.
pub fn router(api: Api) -> Router {
    Router::new()
        .route("/api/v1/config", get(rooms::config))
        .route("/api/v1/openapi.json", get(openapi::serve))
        .route("/api/v1/rooms/{room}", get(rooms::room))
        .route("/api/v1/rooms/{room}/join", post(join::join))
        .route("/api/v1/rooms/{room}/events", get(events::events))
        .route("/api/v1/rooms/{room}/chat", get(chat::read).post(chat::say))
        .route("/api/v1/rooms/{room}/chat/search", get(history::search))
        .route("/api/v1/rooms/{room}/chat/export", get(history::export))
        .route("/api/v1/rooms/{room}/files", post(files::begin))
        .route(
            "/api/v1/rooms/{room}/files/{file}",
            get(files::status).patch(files::append).delete(files::cancel),
        )
        .route("/api/v1/rooms/{room}/files/{file}/share", post(files::share))
        .route("/api/v1/rooms/{room}/files/{file}/link", post(download::link))
        .route("/api/v1/files/{link}", get(download::download))
        .route(
            "/api/v1/rooms/{room}/chat/{seq}",
            patch(chat::edit).delete(chat::delete),
        )
        .route(
            "/api/v1/rooms/{room}/chat/{seq}/reactions/{kind}",
            put(chat::react).delete(chat::unreact),
        )
        .route("/api/v1/rooms/{room}/polls", post(polls::create))
        .route(
            "/api/v1/rooms/{room}/polls/{poll}",
            axum::routing::delete(polls::delete),
        )
        .route("/api/v1/rooms/{room}/polls/{poll}/vote", put(polls::vote))
        .route("/api/v1/rooms/{room}/polls/{poll}/close", post(polls::close))
        .route("/api/v1/rooms/{room}/board", axum::routing::delete(board::clear))
        .route("/api/v1/rooms/{room}/board/shown", put(board::show))
        .route(
            "/api/v1/rooms/{room}/board/watch",
            post(board::watch).delete(board::unwatch),
        )
        .route(
            "/api/v1/rooms/{room}/board/elements",
            post(board::draw).layer(DefaultBodyLimit::max(board::MAX_DRAWING_BYTES)),
        )
        .route(
            "/api/v1/rooms/{room}/shared-video",
            put(video::share).patch(video::steer).delete(video::stop),
        )
        .merge(moderators())
        .merge(breakout_rooms())
        .merge(people())
        .route("/api/v1/rooms/{room}/hand", put(presence::hand))
        .route("/api/v1/rooms/{room}/reactions", post(presence::react))
        .route("/api/v1/rooms/{room}/leave", post(presence::leave))
        .route("/api", axum::routing::any(error::no_route))
        .route("/api/{*path}", axum::routing::any(error::no_route))
        .method_not_allowed_fallback(error::no_method)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(api)
}

/// Breakout rooms.
fn breakout_rooms() -> Router<Api> {
    Router::new()
        .route(
            "/api/v1/rooms/{room}/breakouts",
            get(breakouts::read)
                .post(breakouts::add)
                .patch(breakouts::set_options),
        )
        .route(
            "/api/v1/rooms/{room}/breakouts/{breakout}",
            patch(breakouts::rename).delete(breakouts::remove),
        )
        .route(
            "/api/v1/rooms/{room}/breakouts/{breakout}/help",
            axum::routing::delete(breakouts::dismiss),
        )
        .route(
            "/api/v1/rooms/{room}/breakouts/assignments",
            put(breakouts::assign),
        )
        .route("/api/v1/rooms/{room}/breakouts/shuffle", post(breakouts::shuffle))
        .route("/api/v1/rooms/{room}/breakouts/open", post(breakouts::open))
        .route("/api/v1/rooms/{room}/breakouts/end", put(breakouts::set_end))
        .route("/api/v1/rooms/{room}/breakouts/close", post(breakouts::close))
        .route("/api/v1/rooms/{room}/breakouts/message", post(breakouts::say))
        .route("/api/v1/rooms/{room}/breakouts/place", put(breakouts::go))
        .route(
            "/api/v1/rooms/{room}/breakouts/help",
            put(breakouts::call_for_help),
        )
        .route("/api/v1/rooms/{room}/breakouts/enter", post(breakouts::enter))
}

/// Accounts, and what is theirs.
fn people() -> Router<Api> {
    Router::new()
        .route(
            "/api/v1/session",
            get(accounts::session)
                .post(accounts::sign_in)
                .delete(accounts::sign_out),
        )
        .route("/api/v1/provider/sign-in", get(provider::sign_in))
        .route("/api/v1/provider/answer", get(provider::answer))
        .route("/api/v1/accounts", post(accounts::sign_up))
        .route("/api/v1/account", patch(accounts::change))
        .route("/api/v1/account/password", put(accounts::change_password))
        .route("/api/v1/account/remove", post(own_account::remove))
        .route(
            "/api/v1/account/sessions",
            get(own_account::sessions).delete(own_account::end_other_sessions),
        )
        .route(
            "/api/v1/account/sessions/{session}",
            axum::routing::delete(own_account::end_session),
        )
        .route("/api/v1/my/rooms", get(own_rooms::list).post(own_rooms::create))
        .route(
            "/api/v1/my/rooms/{room}",
            get(own_rooms::read)
                .put(own_rooms::change)
                .delete(own_rooms::remove),
        )
        .route("/api/v1/my/rooms/{room}/calendar.ics", get(own_rooms::calendar))
        .route(
            "/api/v1/my/rooms/{room}/invitations",
            get(invitations::list).post(invitations::create),
        )
        .route(
            "/api/v1/my/rooms/{room}/invitations/{invitation}",
            axum::routing::delete(invitations::revoke),
        )
}

/// What those who lead a meeting do.
fn moderators() -> Router<Api> {
    Router::new()
        .route("/api/v1/rooms/{room}/lobby/events", get(lobby::events))
        .route("/api/v1/rooms/{room}/lobby/admit", post(lobby::admit))
        .route("/api/v1/rooms/{room}/lobby/deny", post(lobby::deny))
        .route("/api/v1/rooms/{room}/lobby/message", post(lobby::message))
        .route("/api/v1/rooms/{room}/access", patch(moderation::set_access))
        .route("/api/v1/rooms/{room}/rules", patch(moderation::set_rules))
        .route("/api/v1/rooms/{room}/participants", get(moderation::people))
        .route(
            "/api/v1/rooms/{room}/participants/{identity}/role",
            put(moderation::set_role),
        )
        .route(
            "/api/v1/rooms/{room}/participants/{identity}/rights",
            patch(moderation::set_rights),
        )
        .route(
            "/api/v1/rooms/{room}/participants/{identity}/remove",
            post(moderation::remove),
        )
        .route(
            "/api/v1/rooms/{room}/participants/{identity}/mute",
            post(moderation::mute),
        )
        .route(
            "/api/v1/rooms/{room}/participants/{identity}/ask-unmute",
            post(moderation::ask_unmute),
        )
        .route(
            "/api/v1/rooms/{room}/bans/{identity}",
            axum::routing::delete(moderation::unban),
        )
        .route("/api/v1/rooms/{room}/mute-all", post(moderation::mute_all))
        .route("/api/v1/rooms/{room}/hands/lower", post(moderation::lower_hand))
        .route("/api/v1/rooms/{room}/floor", post(moderation::give_floor))
        .route("/api/v1/rooms/{room}/spotlight", put(moderation::spotlight))
        .route("/api/v1/rooms/{room}/follow-me", put(moderation::follow_me))
        .route("/api/v1/rooms/{room}/timer", put(moderation::set_timer))
        .route("/api/v1/rooms/{room}/end", post(moderation::end))
        .route("/api/v1/rooms/{room}/attendance.csv", get(moderation::attendance))
}
