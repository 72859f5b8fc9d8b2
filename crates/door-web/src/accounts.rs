//! Signing in and out, and the own account.

use std::net::IpAddr;

use axum::Json;
use axum::extract::{FromRequest, FromRequestParts as _, Request, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use tertulia_engine::source_of;
use tertulia_people::{Account, AccountId, LoginName, Password, SecretToken, Session, display_name, email};
use tertulia_store::AccountRefusal;

use crate::browser;
use crate::convert;
use crate::cookie;
use crate::error::ApiError;
use crate::extract::{Body, Source};
use crate::own_rooms;
use crate::provider;
use crate::signed_in::{SignedIn, Visitor};
use crate::state::{Api, unix_ms};
use crate::stats::up;
use crate::wire::{
    AccountBody, AccountRequest, ErrorBody, ErrorCode, PasswordRequest, SessionAnswer, SignInRequest,
    SignUpRequest, SignedOut,
};

/// Says who is signed in.
#[utoipa::path(get, path = "/api/v1/session", tag = "accounts", responses((status = 200, body = SessionAnswer)))]
pub async fn session(Visitor(stay): Visitor) -> Json<SessionAnswer> {
    Json(SessionAnswer {
        account: stay.map(|stay| convert::people::account(&stay.account)),
    })
}

/// Signs in. The answer sets a cookie that this API reads and no script can.
#[utoipa::path(
    post,
    path = "/api/v1/session",
    tag = "accounts",
    request_body = SignInRequest,
    responses((status = 200, body = SessionAnswer), (status = "4XX", body = ErrorBody)),
)]
pub async fn sign_in(
    State(api): State<Api>,
    Visit {
        source,
        headers,
        request,
    }: Visit<SignInRequest>,
) -> Result<Response, ApiError> {
    let wrong = || {
        ApiError::new(
            ErrorCode::WrongCredentials,
            "no account has this name and password",
        )
    };
    let store = api.store()?;
    let login = LoginName::parse(&request.login).map_err(|_| wrong())?;
    let password = Password::new(&request.password).map_err(|_| wrong())?;
    let from = shown(source);
    api.inner.passwords.attempt(login.as_str(), &from, unix_ms())?;
    let known = store.account_by_login(&login).await?;
    let hash = known.as_ref().and_then(|account| account.password.clone());
    let right = api.inner.passwords.matches(password, hash).await?;
    let Some(account) = known.filter(|account| right && !account.disabled) else {
        up(&api.inner.counters.sign_ins_refused);
        return Err(wrong());
    };
    api.inner.passwords.succeeded(login.as_str(), &from);
    up(&api.inner.counters.sign_ins);
    begin_session(&api, &headers, &account).await
}

/// A number for where somebody comes from would do; the text never leaves the memory of the one who counts.
fn shown(source: IpAddr) -> String {
    source_of(source).to_string()
}

/// Signs out.
#[utoipa::path(delete, path = "/api/v1/session", tag = "accounts", responses((status = 200, body = SignedOut)))]
pub async fn sign_out(
    State(api): State<Api>,
    headers: HeaderMap,
    Visitor(stay): Visitor,
) -> Result<Response, ApiError> {
    let mut continue_at = None;
    if let Some(stay) = stay {
        api.store()?.end_session(&stay.session).await?;
        continue_at = provider::signs_out_at(&api, &stay.account).await;
    }
    let cookie = [(SET_COOKIE, cookie::clear(&headers)?)];
    Ok((cookie, Json(SignedOut { continue_at })).into_response())
}

/// Makes an account, where this server lets people make their own, and signs in.
#[utoipa::path(
    post,
    path = "/api/v1/accounts",
    tag = "accounts",
    request_body = SignUpRequest,
    responses((status = 201, body = SessionAnswer), (status = "4XX", body = ErrorBody)),
)]
pub async fn sign_up(
    State(api): State<Api>,
    Visit {
        source,
        headers,
        request,
    }: Visit<SignUpRequest>,
) -> Result<Response, ApiError> {
    if !api.inner.settings.people.sign_up {
        let message = "this server's accounts are made by its operator";
        return Err(ApiError::new(ErrorCode::Forbidden, message));
    }
    let store = api.store()?;
    api.limit_sign_up(source)?;
    let login = LoginName::parse(&request.login)?;
    let password = Password::new(&request.password)?;
    password.check_for_account(&login)?;
    let (display_name, email) = (display_name(&request.display_name)?, email(&request.email)?);
    let account = Account {
        id: AccountId::from_random(rand::random()),
        login,
        display_name,
        email,
        admin: false,
        disabled: false,
        password: Some(api.inner.passwords.hash(password).await?),
        external: None,
        created_at_ms: unix_ms(),
    };
    store.add_account(&account).await?;
    api.note(&account, None, "account.created", None).await?;
    let mut response = begin_session(&api, &headers, &account).await?;
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

/// Changes the own account.
#[utoipa::path(
    patch,
    path = "/api/v1/account",
    tag = "accounts",
    request_body = AccountRequest,
    responses((status = 200, body = AccountBody), (status = "4XX", body = ErrorBody)),
    security(("session" = [])),
)]
pub async fn change(
    State(api): State<Api>,
    SignedIn(stay): SignedIn,
    Body(request): Body<AccountRequest>,
) -> Result<Json<AccountBody>, ApiError> {
    own_rooms::limit(&api, &stay)?;
    let mut account = stay.account;
    if let Some(name) = request.display_name {
        account.display_name = display_name(&name)?;
    }
    if let Some(text) = request.email {
        account.email = email(&text)?;
    }
    api.store()?.change_account(&account).await?;
    api.note(&account, None, "account.changed", None).await?;
    Ok(Json(convert::people::account(&account)))
}

/// Changes the own password. All other browsers are signed out.
#[utoipa::path(
    put,
    path = "/api/v1/account/password",
    tag = "accounts",
    request_body = PasswordRequest,
    responses((status = 200, body = SessionAnswer), (status = "4XX", body = ErrorBody)),
    security(("session" = [])),
)]
pub async fn change_password(
    State(api): State<Api>,
    Source(source): Source,
    headers: HeaderMap,
    SignedIn(stay): SignedIn,
    Body(request): Body<PasswordRequest>,
) -> Result<Response, ApiError> {
    let mut account = stay.account;
    let wrong = || ApiError::new(ErrorCode::WrongCredentials, "that is not the password until now");
    let (current, new) = (
        Password::new(&request.current).map_err(|_| wrong())?,
        Password::new(&request.new)?,
    );
    new.check_for_account(&account.login)?;
    if !knows_password(&api, source, &account, current).await? {
        return Err(wrong());
    }
    account.password = Some(api.inner.passwords.hash(new).await?);
    let store = api.store()?;
    store.change_account(&account).await?;
    store.end_sessions(&account.id).await?;
    api.note(&account, None, "account.password_changed", None).await?;
    begin_session(&api, &headers, &account).await
}

/// Whether `password` is the account's, asked for again of somebody signed in; guessing is slowed down as at the sign-in.
pub async fn knows_password(
    api: &Api,
    source: IpAddr,
    account: &Account,
    password: Password,
) -> Result<bool, ApiError> {
    let (from, passwords) = (shown(source), &api.inner.passwords);
    passwords.attempt(account.login.as_str(), &from, unix_ms())?;
    let right = passwords.matches(password, account.password.clone()).await?;
    if right {
        passwords.succeeded(account.login.as_str(), &from);
    }
    Ok(right)
}

async fn begin_session(api: &Api, headers: &HeaderMap, account: &Account) -> Result<Response, ApiError> {
    let cookie = new_session(api, account, headers, cookie::came_securely(headers)).await?;
    let body = SessionAnswer {
        account: Some(convert::people::account(account)),
    };
    Ok(([(SET_COOKIE, cookie)], Json(body)).into_response())
}

/// Begins a session, and gives what sets its cookie; `secure` where pages come over HTTPS.
pub async fn new_session(
    api: &Api,
    account: &Account,
    headers: &HeaderMap,
    secure: bool,
) -> Result<HeaderValue, ApiError> {
    let secret = SecretToken::from_random(rand::random());
    let session = Session::begin(
        secret.digest(),
        account.id.clone(),
        browser::named(headers),
        unix_ms(),
    );
    api.store()?.begin_session(&session).await?;
    cookie::set(
        secure,
        &secret,
        api.inner.settings.people.sessions.longest.as_secs(),
    )
}

/// What somebody not signed in sends from a page of ours. Where there is no cookie yet, asking where it comes from keeps others
/// from signing people in as somebody else.
pub struct Visit<T> {
    source: IpAddr,
    headers: HeaderMap,
    request: T,
}

impl<T: DeserializeOwned> FromRequest<Api> for Visit<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, api: &Api) -> Result<Self, ApiError> {
        let (mut parts, body) = request.into_parts();
        cookie::check_origin(&parts)?;
        let Source(source) = Source::from_request_parts(&mut parts, api).await?;
        let headers = parts.headers.clone();
        let Body(request) = Body::from_request(Request::from_parts(parts, body), api).await?;
        Ok(Self {
            source,
            headers,
            request,
        })
    }
}

impl From<AccountRefusal> for ApiError {
    fn from(refusal: AccountRefusal) -> Self {
        match refusal {
            AccountRefusal::Taken => Self::new(ErrorCode::Taken, refusal).at("login"),
            AccountRefusal::Store(error) => error.into(),
            _ => Self::new(ErrorCode::Internal, refusal),
        }
    }
}
