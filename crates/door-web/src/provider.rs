//! Signing in at the operator's identity provider, by OpenID Connect. The two addresses here are opened by browsers, not asked
//! by scripts: whatever goes wrong leads to the sign-in page, which says so in the reader's language.

use std::time::Instant;

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use tertulia_auth::IdClaims;
use tertulia_model::RoomName;
use tertulia_people::{Account, AccountId, ExternalIdentity, LoginName, SecretToken, display_name, email};
use tertulia_store::{AccountRefusal, Store, StoreError};
use tertulia_trust::{Asking, Provider, ProviderError};

use crate::accounts::new_session;
use crate::away::{Leaving, PATIENCE};
use crate::cookie;
use crate::error::{ApiError, reference};
use crate::extract::{Params, Source};
use crate::rooms::room_name;
use crate::state::{Api, IdentityProvider, ProviderTerms, unix_ms};
use crate::stats::up;
use crate::text::path_segment;
use crate::wire::{ErrorCode, ProviderAnswer, ProviderProblem, SignInAtQuery};

/// Login names tried for a new account before one is made up.
const NAMES_TRIED: u32 = 20;

/// Why somebody who wanted to sign in at the provider is not.
#[derive(Debug, thiserror::Error)]
enum NotSignedIn {
    #[error("this server has no identity provider")]
    NoProvider,
    #[error("the answer belongs to no sign-in that this browser began lately")]
    Stale,
    #[error("the provider says: {0}")]
    Denied(String),
    #[error(transparent)]
    Provider(#[from] ProviderError),
    #[error("the person's e-mail address is of no domain that is let in, or not verified")]
    Domain,
    #[error("nobody has an account here for this person")]
    Unknown,
    #[error("the account is disabled")]
    Disabled,
    #[error("the account could not be kept")]
    Account(#[from] AccountRefusal),
    #[error("the store failed")]
    Store(#[from] StoreError),
    #[error("{0:?}")]
    Here(ApiError),
}

impl NotSignedIn {
    fn problem(&self) -> ProviderProblem {
        match self {
            Self::Stale => ProviderProblem::Stale,
            Self::Denied(_) => ProviderProblem::Denied,
            Self::Domain | Self::Unknown | Self::Disabled => ProviderProblem::Refused,
            _ => ProviderProblem::Failed,
        }
    }

    /// Whether it is neither the visitor's doing nor the operator's decision.
    fn is_fault(&self) -> bool {
        matches!(
            self,
            Self::Provider(_) | Self::Account(_) | Self::Store(_) | Self::Here(_)
        )
    }
}

impl From<ApiError> for NotSignedIn {
    fn from(error: ApiError) -> Self {
        Self::Here(error)
    }
}

/// Leads a browser to the provider.
#[utoipa::path(
    get,
    path = "/api/v1/provider/sign-in",
    tag = "accounts",
    params(SignInAtQuery),
    responses((status = 303, description = "To the provider, or to the sign-in page with what went wrong")),
)]
pub async fn sign_in(
    State(api): State<Api>,
    Source(source): Source,
    Params(query): Params<SignInAtQuery>,
) -> Result<Response, ApiError> {
    api.limit_provider(source)?;
    // Only ever a room of ours: whatever else stands there leads nobody anywhere.
    let to = query.to.and_then(|name| room_name(&name).ok());
    let led = lead(&api, to.clone()).await;
    led.or_else(|problem| tell(&api, &problem, to.as_ref()))
}

async fn lead(api: &Api, to: Option<RoomName>) -> Result<Response, NotSignedIn> {
    let (provider, terms) = provider(api)?;
    let fresh = || SecretToken::from_random(rand::random());
    let (state, browser, nonce, verifier) = (fresh(), fresh(), fresh(), fresh());
    // The digest of a secret is what RFC 7636 calls its S256 challenge.
    let challenge = verifier.digest();
    let place = provider
        .sign_in_at(Asking {
            state: state.expose(),
            nonce: nonce.expose(),
            challenge: challenge.as_str(),
        })
        .await?;
    let leaving = Leaving {
        browser: browser.digest(),
        nonce,
        verifier,
        to,
    };
    api.inner.away.leave(state.digest(), leaving, Instant::now());
    let cookie = cookie::set_away(terms.secure, &browser, PATIENCE.as_secs())?;
    Ok(led_to(&place, cookie)?)
}

/// Takes a browser that comes back from the provider.
#[utoipa::path(
    get,
    path = "/api/v1/provider/answer",
    tag = "accounts",
    params(ProviderAnswer),
    responses((status = 303, description = "To where the sign-in began, or to the sign-in page with what went wrong")),
)]
pub async fn answer(
    State(api): State<Api>,
    Source(source): Source,
    headers: HeaderMap,
    Params(answer): Params<ProviderAnswer>,
) -> Result<Response, ApiError> {
    api.limit_provider(source)?;
    let mut to = None;
    let taken = take(&api, &headers, answer, &mut to).await;
    taken.or_else(|problem| tell(&api, &problem, to.as_ref()))
}

async fn take(
    api: &Api,
    headers: &HeaderMap,
    answer: ProviderAnswer,
    to: &mut Option<RoomName>,
) -> Result<Response, NotSignedIn> {
    let (provider, terms) = provider(api)?;
    let state = answer.state.as_deref().and_then(SecretToken::parse);
    let left = state.and_then(|state| api.inner.away.come_back(&state.digest(), Instant::now()));
    let browser = cookie::away_secret(headers, terms.secure).map(|secret| secret.digest());
    let Some(leaving) = left.filter(|left| browser.as_ref() == Some(&left.browser)) else {
        return Err(NotSignedIn::Stale);
    };
    to.clone_from(&leaving.to);
    provider.check_answer(answer.iss.as_deref()).await?;
    let code = match (answer.code, answer.error) {
        (Some(code), None) => code,
        (_, Some(error)) => return Err(NotSignedIn::Denied(error.chars().take(64).collect())),
        (None, None) => return Err(NotSignedIn::Stale),
    };
    let (verifier, nonce) = (leaving.verifier.expose(), leaving.nonce.expose());
    let claims = provider.redeem(&code, verifier, nonce, unix_ms()).await?;
    let account = account(api, provider.issuer(), terms, &claims).await?;
    up(&api.inner.counters.sign_ins);
    let cookie = new_session(api, &account, headers, terms.secure).await?;
    Ok(led_to(&path_of(to.as_ref()), cookie)?)
}

/// Where somebody who signed out here goes to sign out at the provider as well, where the operator wants that.
pub async fn signs_out_at(api: &Api, account: &Account) -> Option<String> {
    let IdentityProvider { provider, terms } = api.inner.provider.as_ref()?;
    let theirs = account.external.as_ref()?.issuer == provider.issuer();
    if !terms.signs_out || !theirs {
        return None;
    }
    match provider.sign_out_at(&terms.home).await {
        Ok(place) => place,
        Err(error) => {
            // They are signed out here, which is what they asked for.
            tracing::warn!(%error, "the provider could not be asked where one signs out");
            None
        }
    }
}

fn provider(api: &Api) -> Result<(&Provider, &ProviderTerms), NotSignedIn> {
    let provider = api.inner.provider.as_ref().ok_or(NotSignedIn::NoProvider)?;
    Ok((&provider.provider, &provider.terms))
}

/// The account of whoever the provider speaks of, made now where there is none.
async fn account(
    api: &Api,
    issuer: &str,
    terms: &ProviderTerms,
    claims: &IdClaims,
) -> Result<Account, NotSignedIn> {
    let address = claims.text("email").and_then(|text| email(text).ok().flatten());
    if !terms.domains.is_empty() {
        let domain = address.as_deref().and_then(|address| address.rsplit_once('@'));
        let known = domain.is_some_and(|(_, domain)| {
            terms
                .domains
                .iter()
                .any(|listed| listed.eq_ignore_ascii_case(domain))
        });
        if !known || !claims.is("email_verified") {
            return Err(NotSignedIn::Domain);
        }
    }
    let store = api.store()?;
    let external = ExternalIdentity {
        issuer: issuer.to_owned(),
        subject: claims.subject().to_owned(),
    };
    let admin = terms
        .admin
        .as_ref()
        .map(|(claim, values)| values.iter().any(|value| claims.holds(claim, value)));
    let Some(mut account) = store.account_by_external(&external).await? else {
        if !terms.makes_accounts {
            return Err(NotSignedIn::Unknown);
        }
        let account = new_account(store, external, claims, address, admin).await?;
        api.note(&account, None, "account.created", None).await?;
        return Ok(account);
    };
    if account.disabled {
        return Err(NotSignedIn::Disabled);
    }
    if let Some(admin) = admin.filter(|admin| *admin != account.admin) {
        account.admin = admin;
        store.change_account(&account).await?;
        let what = if admin {
            "account.admin_given"
        } else {
            "account.admin_taken"
        };
        api.note(&account, None, what, None).await?;
    }
    Ok(account)
}

/// Makes an account. It is never one that is there already: whoever has the same name or address elsewhere is not the same
/// person for that.
async fn new_account(
    store: &Store,
    external: ExternalIdentity,
    claims: &IdClaims,
    address: Option<String>,
    admin: Option<bool>,
) -> Result<Account, NotSignedIn> {
    let local_part = address.as_deref().and_then(|address| address.split('@').next());
    let wished = [claims.text("preferred_username"), local_part]
        .into_iter()
        .flatten()
        .find_map(LoginName::approximate);
    let mut account = Account {
        id: AccountId::from_random(rand::random()),
        login: wished.clone().map_or_else(made_up, Ok)?,
        display_name: String::new(),
        email: address,
        admin: admin.unwrap_or_default(),
        disabled: false,
        password: None,
        external: Some(external.clone()),
        created_at_ms: unix_ms(),
    };
    let named = claims.text("name").and_then(|name| display_name(name).ok());
    account.display_name = named.unwrap_or_else(|| account.login.as_str().to_owned());
    for number in 2..NAMES_TRIED {
        match store.add_account(&account).await {
            Ok(()) => return Ok(account),
            Err(AccountRefusal::Taken) => {}
            Err(refusal) => return Err(refusal.into()),
        }
        // It may be the person that is there by now: two of their tabs came back together.
        if let Some(account) = store.account_by_external(&external).await? {
            return Ok(account);
        }
        account.login = match &wished {
            Some(login) if number + 1 < NAMES_TRIED => login.numbered(number),
            _ => made_up()?,
        };
    }
    Err(AccountRefusal::Taken.into())
}

fn made_up() -> Result<LoginName, ApiError> {
    Ok(LoginName::parse(&format!("user-{:08x}", rand::random::<u32>()))?)
}

/// Where on our pages somebody goes on.
fn path_of(room: Option<&RoomName>) -> String {
    match room {
        Some(room) => format!("/{}", path_segment(room.as_str())),
        None => "/my".to_owned(),
    }
}

/// Leads to the sign-in page, which tells what went wrong.
fn tell(api: &Api, problem: &NotSignedIn, to: Option<&RoomName>) -> Result<Response, ApiError> {
    let reference = reference();
    up(&api.inner.counters.provider_sign_ins_refused);
    let source = std::error::Error::source(problem).map(ToString::to_string);
    if problem.is_fault() {
        tracing::warn!(reference, reason = %problem, source, "somebody could not sign in at the provider");
    } else {
        tracing::info!(reference, reason = %problem, "somebody was not signed in");
    }
    let to = to.map_or_else(String::new, |room| format!("&to={}", path_segment(room.as_str())));
    let name = problem.problem().name();
    let path = format!("/login?problem={name}&reference={reference}{to}");
    let location = location_of(&path)?;
    Ok((
        StatusCode::SEE_OTHER,
        [(LOCATION, location), (CACHE_CONTROL, NO_STORE)],
    )
        .into_response())
}

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

fn led_to(place: &str, cookie: HeaderValue) -> Result<Response, ApiError> {
    let location = location_of(place)?;
    let headers = [
        (LOCATION, location),
        (CACHE_CONTROL, NO_STORE),
        (SET_COOKIE, cookie),
    ];
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}

fn location_of(place: &str) -> Result<HeaderValue, ApiError> {
    HeaderValue::try_from(place).map_err(|error| ApiError::new(ErrorCode::Internal, error))
}
