use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use tertulia_auth::{Claims, Grant, OwnClaims, Validity, VideoGrant};
use tertulia_engine::origin_of;
use tertulia_model::{Identity, RoomName};
use tertulia_people::{
    Account, Admission, Arrival, Invitation, InvitationId, InvitationWorth, OwnedRoom, Password,
    PasswordProof, SecretToken, ShownInvitation, admit,
};
use tertulia_room::{Applicant, Entrance, Origin, Refusal, Right, Rights, Role};

use crate::error::ApiError;
use crate::extract::{Body, RoomPath, Source};
use crate::lobby;
use crate::rooms::{OpenRoom, open_room};
use crate::signed_in::Visitor;
use crate::state::{Api, unix_ms};
use crate::stats::up;
use crate::text::display_name;
use crate::vouched::{self, Shown, Vouched};
use crate::wire::{ErrorBody, ErrorCode, JoinAnswer, JoinRequest, LobbyAnswer};

/// How long after its expiry a token still proves who somebody was.
const PREVIOUS_TOKEN_GRACE: Duration = Duration::from_secs(24 * 3_600);

/// Gives a token for a room, which need not be open yet: to somebody signed in, by the cookie, or else to a guest.
#[utoipa::path(
    post,
    path = "/api/v1/rooms/{room}/join",
    tag = "rooms",
    params(("room" = String, Path, description = "The room's name")),
    request_body = JoinRequest,
    responses(
        (status = 200, body = JoinAnswer),
        (status = 202, body = LobbyAnswer, description = "Wait in the lobby"),
        (status = "4XX", body = ErrorBody),
    ),
)]
pub async fn join(
    State(api): State<Api>,
    Source(source): Source,
    Visitor(stay): Visitor,
    RoomPath(room): RoomPath,
    Body(request): Body<JoinRequest>,
) -> Result<Response, ApiError> {
    api.limit_join(source)?;
    let vouched = match request.token.as_deref() {
        None | Some("") => None,
        Some(token) => match vouched::shown(&api, token, &room).await? {
            Shown::Entry(answer) => return Ok(answer.into_response()),
            Shown::Person(vouched) => Some(vouched),
        },
    };
    if !api.inner.settings.open && vouched.is_none() {
        return Err(ApiError::new(
            ErrorCode::Forbidden,
            "this server gives tokens to nobody by itself",
        ));
    }
    let told = vouched.as_ref().and_then(|vouched| vouched.name.clone());
    let name = told
        .or_else(|| display_name(&request.display_name))
        .ok_or_else(|| {
            ApiError::new(
                ErrorCode::InvalidDisplayName,
                "the display name is not acceptable",
            )
        })?;
    // Whoever is sent by an application is who it says, whatever account this browser has.
    let account = stay.map(|stay| stay.account).filter(|_| vouched.is_none());
    let previous = request
        .previous_token
        .as_deref()
        .and_then(|token| previous_stay(&api, token, &room, account.as_ref(), vouched.as_deref()));
    let open = open_room(&api, &room).await?;
    let full = open.as_ref().is_some_and(|open| {
        let most = open.info.max_participants;
        most.is_some_and(|most| open.info.participants >= most)
    });
    // Somebody who was here a moment ago may still hold the seat that is counted; the room decides then.
    if full && previous.is_none() {
        return Err(ApiError::new(ErrorCode::RoomFull, "the room is full"));
    }
    let comer = Comer {
        account: account.as_ref(),
        vouched: vouched.as_deref(),
        previous: previous.as_ref(),
        open: open.as_ref(),
    };
    let owned = match api.store() {
        Ok(store) => store.owned_room(&room).await?.map(|kept| kept.room),
        Err(_) => None,
    };
    let (admission, invitation) = comer.admitted(&api, &room, owned.as_ref(), &request).await?;

    let pass = Pass {
        identity: match (&account, &vouched, &previous) {
            (Some(account), ..) => account_identity(account)?,
            (None, Some(vouched), _) => vouched.identity.clone(),
            (None, None, Some(previous)) => previous.identity.clone(),
            (None, None, None) => new_identity()?,
        },
        issued_at_ms: match (&vouched, &previous) {
            (Some(vouched), None) => vouched.issued_at_ms,
            (_, Some(previous)) => previous.issued_at_ms,
            (None, None) => unix_ms(),
        },
        room: open.as_ref().map_or(room, |open| open.info.name.clone()),
        name,
        own: own_claims(account.as_ref(), vouched.as_deref(), admission, invitation),
    };
    let knocks =
        owned.is_some_and(|room| room.details.defaults.lobby) && admission.entrance != Entrance::Straight;
    if open.is_some() || knocks {
        let applicant = pass.applicant(request.password, Some(origin_of(source)));
        if lobby::knock(&api, &pass.room, applicant, knocks).await? == tertulia_room::Admission::Waiting {
            return lobby::answer(&api, pass);
        }
    }
    Ok(Json(pass.sign(&api).await?).into_response())
}

/// Somebody at the door, as far as the request tells.
struct Comer<'a> {
    account: Option<&'a Account>,
    vouched: Option<&'a Vouched>,
    previous: Option<&'a Previous>,
    open: Option<&'a OpenRoom>,
}

impl Comer<'_> {
    /// Decides whether they come in, and uses up what they come in with.
    async fn admitted(
        &self,
        api: &Api,
        room: &RoomName,
        owned: Option<&OwnedRoom>,
        request: &JoinRequest,
    ) -> Result<(Admission, Option<InvitationId>), ApiError> {
        let invitation = self.invitation(api, room, request).await?;
        let mut arrival = Arrival {
            visitor: match (self.account, self.vouched) {
                (Some(account), _) => tertulia_people::Visitor::Account(account),
                (None, Some(Vouched { moderator, .. })) => tertulia_people::Visitor::Vouched {
                    moderator: *moderator,
                },
                (None, None) => tertulia_people::Visitor::Guest,
            },
            owned,
            open: self.open.is_some(),
            invitation: invitation.as_ref().map(|(invitation, theirs)| ShownInvitation {
                invitation,
                worth: invitation.worth(unix_ms()),
                theirs: *theirs,
            }),
            password: self.proof(api, room, owned, request).await?,
            returning: self.previous.is_some(),
        };
        let policy = api.inner.settings.people.policy;
        let mut admission = admit(policy, &arrival)?;
        if admission.uses_invitation
            && let Some(shown) = &mut arrival.invitation
        {
            let locked = self.open.is_some_and(|open| open.locked);
            if locked && !Rights::of_role(admission.role).has(Right::EnterFreely) {
                return Err(Refusal::Locked.into());
            }
            if !api
                .store()?
                .use_invitation(&shown.invitation.id, unix_ms())
                .await?
            {
                // Another was quicker.
                shown.worth = InvitationWorth::UsedUp;
                admission = admit(policy, &arrival)?;
            }
        }
        let theirs = arrival.invitation.is_some_and(|shown| shown.theirs);
        let with = invitation.filter(|_| admission.uses_invitation || theirs);
        Ok((admission, with.map(|(invitation, _)| invitation.id)))
    }

    /// The invitation they show, else the one they came with before, and whether it is theirs. One to another room is none;
    /// one that nobody knows any more is as good as taken back.
    async fn invitation(
        &self,
        api: &Api,
        room: &RoomName,
        request: &JoinRequest,
    ) -> Result<Option<(Invitation, bool)>, ApiError> {
        let Ok(store) = api.store() else {
            return Ok(None);
        };
        let before = self.previous.and_then(|previous| previous.invitation.as_ref());
        let shown = match (&request.invitation, before) {
            (Some(text), _) => {
                let unknown = || ApiError::new(ErrorCode::InvitationVoid, "there is no such invitation");
                let secret = SecretToken::parse(text).ok_or_else(unknown)?;
                let known = store.invitation_by_digest(&secret.digest()).await?;
                Some(known.filter(|known| known.room == *room).ok_or_else(unknown)?)
            }
            (None, Some(id)) => store.invitation(id).await?.filter(|known| known.room == *room),
            (None, None) => None,
        };
        Ok(shown.map(|shown| {
            let theirs = before == Some(&shown.id);
            (shown, theirs)
        }))
    }

    /// Whether they know the password that the owner gave the room. One that moderators set in the meeting goes before
    /// it, and the room itself asks for it.
    async fn proof(
        &self,
        api: &Api,
        room: &RoomName,
        owned: Option<&OwnedRoom>,
        request: &JoinRequest,
    ) -> Result<PasswordProof, ApiError> {
        let hash = owned.and_then(|owned| owned.password.clone());
        let (Some(hash), Some(text)) = (hash, &request.password) else {
            let asked_inside = self.open.is_some_and(|open| open.asks_password);
            return Ok(if asked_inside {
                PasswordProof::Right
            } else {
                PasswordProof::None
            });
        };
        if self.open.is_some_and(|open| open.asks_password) {
            return Ok(PasswordProof::Right);
        }
        api.limit_password(room.key())?;
        let Ok(password) = Password::new(text) else {
            return Ok(PasswordProof::Wrong);
        };
        Ok(if api.inner.passwords.matches(password, Some(hash)).await? {
            PasswordProof::Right
        } else {
            PasswordProof::Wrong
        })
    }
}

fn own_claims(
    account: Option<&Account>,
    vouched: Option<&Vouched>,
    admission: Admission,
    invitation: Option<InvitationId>,
) -> OwnClaims {
    OwnClaims {
        guest: account.is_none() && vouched.is_none(),
        account: account.map(|account| account.id.as_str().to_owned()),
        role: (admission.role != Role::Participant).then_some(admission.role),
        // For guests the server's setting decides where this one does not forbid it.
        opens: match (
            admission.opens,
            account.is_some() || vouched.is_some() || admission.role >= Role::Moderator,
        ) {
            (false, _) => Some(false),
            (true, true) => Some(true),
            (true, false) => None,
        },
        entrance: admission.entrance,
        invitation: invitation.map(|id| id.as_str().to_owned()),
        features: vouched
            .map(|vouched| vouched.features.clone())
            .unwrap_or_default(),
        ..OwnClaims::default()
    }
}

/// What somebody who may come in is given a token for.
pub(crate) struct Pass {
    pub(crate) room: RoomName,
    pub(crate) identity: Identity,
    pub(crate) name: String,
    pub(crate) own: OwnClaims,
    /// A room refuses credentials issued before it removed somebody.
    pub(crate) issued_at_ms: u64,
}

impl Pass {
    fn applicant(&self, password: Option<String>, network: Option<u64>) -> Applicant {
        Applicant {
            identity: self.identity.clone(),
            name: self.name.clone(),
            origin: match (self.own.guest, &self.own.account) {
                (true, _) => Origin::Guest,
                (false, Some(_)) => Origin::Account,
                (false, None) => Origin::Token,
            },
            role: self.own.role,
            entrance: self.own.entrance,
            moderates: false,
            password,
            network,
            credential_issued_at_ms: self.issued_at_ms,
        }
    }

    /// A token, and what a join answers with it.
    pub(crate) async fn sign(self, api: &Api) -> Result<JoinAnswer, ApiError> {
        let title = title_of(api, &self.room).await;
        self.sign_titled(api, title)
    }

    /// As [`Pass::sign`], where the room's title is known.
    pub(crate) fn sign_titled(self, api: &Api, title: Option<String>) -> Result<JoinAnswer, ApiError> {
        let now = unix_ms();
        let lifetime = u64::try_from(api.inner.settings.guest_token.as_millis()).unwrap_or(u64::MAX);
        let validity = Validity {
            issued_at_ms: self.issued_at_ms,
            expires_at_ms: now.saturating_add(lifetime),
        };
        let claims = Claims {
            identity: Some(self.identity.clone()),
            name: self.name.clone(),
            own: self.own,
            video: VideoGrant {
                room_join: true,
                room: Some(self.room.clone()),
                can_update_own_metadata: Some(true),
                ..VideoGrant::default()
            },
            ..Claims::default()
        };
        let token = api
            .inner
            .keys
            .sign(&claims, validity)
            .map_err(|error| ApiError::new(ErrorCode::Internal, error))?;
        up(&api.inner.counters.tokens_issued);
        Ok(JoinAnswer {
            token,
            room: self.room.as_str().to_owned(),
            identity: self.identity.as_str().to_owned(),
            display_name: self.name,
            expires_at: validity.expires_at_ms,
            title,
        })
    }
}

/// What the room's owner calls it. Nobody is kept out for want of a title.
pub(crate) async fn title_of(api: &Api, room: &RoomName) -> Option<String> {
    let kept = match api.store() {
        Ok(store) => store.owned_room(room).await,
        Err(_) => return None,
    };
    match kept {
        Ok(kept) => {
            let title = kept.map(|kept| kept.room.details.title);
            title.filter(|title| !title.is_empty())
        }
        Err(error) => {
            tracing::error!(%error, "the title of a room cannot be read");
            None
        }
    }
}

/// Who somebody was in a room.
struct Previous {
    identity: Identity,
    issued_at_ms: u64,
    invitation: Option<InvitationId>,
}

/// What a token of ours for this room says of the same visitor: the same account, or a guest. Anything else is no
/// reason to refuse anybody: they come as somebody new. The new token keeps the time of issue, since a room refuses
/// credentials issued before it removed somebody.
fn previous_stay(
    api: &Api,
    token: &str,
    room: &RoomName,
    account: Option<&Account>,
    vouched: Option<&Vouched>,
) -> Option<Previous> {
    let Grant {
        claims, issued_at_ms, ..
    } = api
        .inner
        .keys
        .verify_lately_expired(token, unix_ms(), PREVIOUS_TOKEN_GRACE)
        .ok()?;
    let same = match (account, vouched) {
        (Some(account), _) => claims.own.account.as_deref() == Some(account.id.as_str()),
        (None, Some(vouched)) => claims.identity.as_ref() == Some(&vouched.identity),
        (None, None) => claims.own.guest,
    };
    if !same || !claims.video.room_join || claims.video.room.as_ref() != Some(room) {
        return None;
    }
    Some(Previous {
        identity: claims.identity?,
        issued_at_ms,
        invitation: claims.own.invitation.as_deref().and_then(InvitationId::parse),
    })
}

/// Everywhere the same, so that a room knows its owner.
fn account_identity(account: &Account) -> Result<Identity, ApiError> {
    Identity::parse(account.id.as_str()).map_err(|error| ApiError::new(ErrorCode::Internal, error))
}

/// 128 random bits, so that nobody becomes somebody else by guessing.
fn new_identity() -> Result<Identity, ApiError> {
    let bits: u128 = rand::random();
    Identity::parse(&format!("guest-{bits:032x}")).map_err(|error| ApiError::new(ErrorCode::Internal, error))
}
