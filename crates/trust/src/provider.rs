//! Signing in at a provider: OpenID Connect Core 1.0 with the authorization code flow and PKCE (RFC 7636).

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use form_urlencoded::Serializer;
use reqwest::Url;
use serde::Deserialize;
use tertulia_auth::{AuthError, IdClaims, IdTokenTerms};

use crate::cached::{Cached, Care};
use crate::fetch::{Answer, address, ask};
use crate::keys::Keys;
use crate::{FetchError, Fetcher, KeySource};

/// What a provider says of itself is not longer.
const MAX_METADATA_BYTES: usize = 256 * 1024;
/// Nor an answer with tokens, nor what it says of one person.
const MAX_ANSWER_BYTES: usize = 128 * 1024;
/// Longest code of an error that is worth a line in the log.
const MAX_ERROR_CHARS: usize = 64;

/// What the operator agreed with a provider.
#[derive(Clone, PartialEq, Eq)]
pub struct ProviderSettings {
    /// The provider, as it names itself (`iss`).
    pub issuer: String,
    /// Who we are to it.
    pub client_id: String,
    /// How we show that; empty for a client without secret.
    pub client_secret: String,
    /// What we ask for beside `openid`.
    pub scopes: Vec<String>,
    /// Where it sends people back to.
    pub redirect_uri: String,
    /// A claim that is asked for at the provider's user information where the token lacks it, beside the name and address.
    pub wanted_claim: Option<String>,
}

impl fmt::Debug for ProviderSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderSettings")
            .field("issuer", &self.issuer)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// Why somebody could not sign in at the provider.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProviderError {
    /// Its issuer is no address over HTTPS.
    #[error("the provider's issuer is no address that starts with https://")]
    Address,
    /// It could not be asked, or what it answered is not what it should be.
    #[error("the provider could not be asked")]
    Asked(#[from] FetchError),
    /// Its answer came from another provider (RFC 9207).
    #[error("the answer is another provider's")]
    OtherIssuer,
    /// It did not take the code. Names its reason.
    #[error("the provider refused: {0}")]
    Refused(String),
    /// Its identity token is not acceptable.
    #[error("the identity token is not acceptable: {0}")]
    Token(#[from] AuthError),
}

/// What one wish to sign in is known by; each a text that nobody can guess.
#[derive(Debug, Clone, Copy)]
pub struct Asking<'a> {
    /// Comes back with the answer.
    pub state: &'a str,
    /// Comes back within the identity token.
    pub nonce: &'a str,
    /// SHA-256, in base64, of what is shown with the code.
    pub challenge: &'a str,
}

/// A provider of identities.
#[derive(Debug)]
pub struct Provider {
    settings: ProviderSettings,
    care: Care,
    fetcher: Fetcher,
    discovery: Url,
    about: Cached<About>,
}

/// What a provider says of itself (OpenID Connect Discovery 1.0 §3).
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    userinfo_endpoint: Option<String>,
    end_session_endpoint: Option<String>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

/// The same, checked.
#[derive(Debug)]
struct About {
    authorization: Url,
    token: Url,
    user_information: Option<Url>,
    end_session: Option<Url>,
    /// Whether it takes the secret in the header; else it stands in the form.
    takes_header: bool,
    names_itself: bool,
    keys: Keys,
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
    access_token: Option<String>,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
}

impl Provider {
    /// Knows a provider by what the operator says. It is asked when the first person signs in.
    ///
    /// # Errors
    /// [`ProviderError::Address`].
    pub fn new(settings: ProviderSettings, fetcher: Fetcher) -> Result<Self, ProviderError> {
        Self::cared_for(settings, fetcher, Care::default())
    }

    /// As [`Provider::new`], asked about itself and its keys as often as `care` says.
    ///
    /// # Errors
    /// [`ProviderError::Address`].
    pub fn cared_for(
        settings: ProviderSettings,
        fetcher: Fetcher,
        care: Care,
    ) -> Result<Self, ProviderError> {
        let place = format!(
            "{}/.well-known/openid-configuration",
            settings.issuer.trim_end_matches('/')
        );
        let discovery = address(&place).ok_or(ProviderError::Address)?;
        Ok(Self {
            settings,
            care,
            fetcher,
            discovery,
            about: Cached::new("what the identity provider says of itself", care),
        })
    }

    /// Who it is.
    pub fn issuer(&self) -> &str {
        &self.settings.issuer
    }

    /// Where somebody goes who wants to sign in.
    ///
    /// # Errors
    /// [`ProviderError::Asked`].
    pub async fn sign_in_at(&self, asking: Asking<'_>) -> Result<String, ProviderError> {
        let mut url = self.about().await?.authorization.clone();
        let mut scopes = vec!["openid"];
        scopes.extend(
            self.settings
                .scopes
                .iter()
                .map(String::as_str)
                .filter(|scope| *scope != "openid"),
        );
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("redirect_uri", &self.settings.redirect_uri)
            .append_pair("scope", &scopes.join(" "))
            .append_pair("state", asking.state)
            .append_pair("nonce", asking.nonce)
            .append_pair("code_challenge", asking.challenge)
            .append_pair("code_challenge_method", "S256");
        Ok(url.into())
    }

    /// Where somebody goes who signs out here and wants to sign out there as well, and comes back to `home`; `None` where the provider
    /// has no such place.
    ///
    /// # Errors
    /// [`ProviderError::Asked`].
    pub async fn sign_out_at(&self, home: &str) -> Result<Option<String>, ProviderError> {
        let Some(mut url) = self.about().await?.end_session.clone() else {
            return Ok(None);
        };
        url.query_pairs_mut()
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("post_logout_redirect_uri", home);
        Ok(Some(url.into()))
    }

    /// Checks that an answer is this provider's, by the `iss` that came with it.
    ///
    /// # Errors
    /// [`ProviderError::OtherIssuer`] and [`ProviderError::Asked`].
    pub async fn check_answer(&self, issuer: Option<&str>) -> Result<(), ProviderError> {
        let right = match issuer {
            Some(issuer) => issuer == self.settings.issuer,
            None => !self.about().await?.names_itself,
        };
        right.then_some(()).ok_or(ProviderError::OtherIssuer)
    }

    /// Turns a code into what the provider says of whoever brought it. `verifier` is what the challenge was made of.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub async fn redeem(
        &self,
        code: &str,
        verifier: &str,
        nonce: &str,
        now_ms: u64,
    ) -> Result<IdClaims, ProviderError> {
        let about = self.about().await?;
        let tokens = self.tokens(&about, code, verifier).await?;
        let terms = IdTokenTerms {
            issuer: &self.settings.issuer,
            client: &self.settings.client_id,
            nonce,
        };
        let keys = about.keys.current().await?;
        let claims = match keys.verify_id_token(&tokens.id_token, terms, now_ms) {
            Err(AuthError::UnknownKey) => {
                let news = about.keys.again().await.ok_or(AuthError::UnknownKey)?;
                news.verify_id_token(&tokens.id_token, terms, now_ms)
            }
            judged => judged,
        }?;
        match (&about.user_information, tokens.access_token) {
            (Some(place), Some(token)) if self.lacks(&claims) => {
                let answer = ask(self.fetcher.get(place).bearer_auth(token), MAX_ANSWER_BYTES).await?;
                match answer {
                    Answer { status: 200, body } => Ok(claims.and(&body)?),
                    Answer { status, .. } => Err(FetchError::Status(status).into()),
                }
            }
            _ => Ok(claims),
        }
    }

    fn lacks(&self, claims: &IdClaims) -> bool {
        let wanted = self.settings.wanted_claim.as_deref();
        ["name", "email"]
            .into_iter()
            .chain(wanted)
            .any(|claim| !claims.has(claim))
    }

    async fn tokens(&self, about: &About, code: &str, verifier: &str) -> Result<Tokens, ProviderError> {
        let ProviderSettings {
            client_id,
            client_secret,
            redirect_uri,
            ..
        } = &self.settings;
        let header = about.takes_header && !client_secret.is_empty();
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_uri),
            ("code_verifier", verifier),
        ];
        if !header {
            form.push(("client_id", client_id));
            if !client_secret.is_empty() {
                form.push(("client_secret", client_secret));
            }
        }
        let form = Serializer::new(String::new()).extend_pairs(form).finish();
        let mut request = self.fetcher.post(&about.token, form);
        if header {
            request = request.header("authorization", basic(client_id, client_secret));
        }
        let Answer { status, body } = ask(request, MAX_ANSWER_BYTES).await?;
        if status != 200 {
            let reason = serde_json::from_slice::<Refusal>(&body).map(|refusal| refusal.error);
            let reason = reason.ok().filter(|text| is_code(text));
            return Err(match reason {
                Some(reason) => ProviderError::Refused(reason),
                None => FetchError::Status(status).into(),
            });
        }
        serde_json::from_slice(&body)
            // The error's own text would show parts of the tokens.
            .map_err(|_| FetchError::Unusable("it holds no identity token".to_owned()).into())
    }

    async fn about(&self) -> Result<Arc<About>, FetchError> {
        self.about.current(self.discover()).await
    }

    async fn discover(&self) -> Result<About, FetchError> {
        let unusable = |what: &str| FetchError::Unusable(what.to_owned());
        let text = self.fetcher.document(&self.discovery, MAX_METADATA_BYTES).await?;
        let said: Metadata =
            serde_json::from_slice(&text).map_err(|_| unusable("it is no description of a provider"))?;
        if said.issuer != self.settings.issuer {
            return Err(unusable("it describes another issuer"));
        }
        let place = |text: &str| address(text).ok_or_else(|| unusable("an address in it is not https://"));
        let maybe = |text: Option<&str>| text.map(place).transpose();
        let keys = KeySource::Published(place(&said.jwks_uri)?);
        Ok(About {
            authorization: place(&said.authorization_endpoint)?,
            token: place(&said.token_endpoint)?,
            user_information: maybe(said.userinfo_endpoint.as_deref())?,
            end_session: maybe(said.end_session_endpoint.as_deref())?,
            takes_header: said
                .token_endpoint_auth_methods_supported
                .is_none_or(|all| all.iter().any(|method| method == "client_secret_basic")),
            names_itself: said.authorization_response_iss_parameter_supported,
            keys: Keys::new(keys, self.fetcher.clone(), self.care),
        })
    }
}

/// Whether a text is a code of an error (RFC 6749 §5.2), and no more than that.
fn is_code(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.len() <= MAX_ERROR_CHARS && !text.is_empty() && text.chars().all(plain)
}

/// The client's id and secret, each as in a form (RFC 6749 §2.3.1).
fn basic(id: &str, secret: &str) -> String {
    let coded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    format!(
        "Basic {}",
        STANDARD.encode(format!("{}:{}", coded(id), coded(secret)))
    )
}
