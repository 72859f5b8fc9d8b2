//! Stanzas and their errors (RFC 6120 §8).

use tertulia_room::Refusal;

use crate::ns;
use crate::xml::Element;

/// Why a stanza is answered with an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Condition {
    /// Not allowed to guests: clients offer to sign in.
    AuthenticationRequired,
    BadRequest,
    Conflict,
    Forbidden,
    ItemNotFound,
    NotAcceptable,
    NotAllowed,
    NotAuthorized,
    RegistrationRequired,
    ResourceConstraint,
    /// Not allowed, since nobody has begun: clients try again.
    RoomDoesNotExist,
    ServiceUnavailable,
    /// The session somebody shows is over: clients ask again without it.
    SessionInvalid,
}

impl Condition {
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::AuthenticationRequired | Self::NotAllowed | Self::RoomDoesNotExist => {
                ("cancel", "not-allowed")
            }
            Self::BadRequest => ("modify", "bad-request"),
            Self::Conflict => ("cancel", "conflict"),
            Self::Forbidden => ("auth", "forbidden"),
            Self::ItemNotFound => ("cancel", "item-not-found"),
            Self::NotAcceptable | Self::SessionInvalid => ("modify", "not-acceptable"),
            Self::NotAuthorized => ("auth", "not-authorized"),
            Self::RegistrationRequired => ("auth", "registration-required"),
            Self::ResourceConstraint => ("wait", "resource-constraint"),
            Self::ServiceUnavailable => ("cancel", "service-unavailable"),
        }
    }

    /// What clients look for beside the condition.
    fn marker(self) -> Option<Element> {
        let name = match self {
            Self::AuthenticationRequired => "authentication-required",
            Self::RoomDoesNotExist => "room-does-not-exist",
            Self::SessionInvalid => return Some(Element::new("session-invalid", ns::FOCUS)),
            _ => return None,
        };
        Some(Element::new(name, ns::JITMEET))
    }
}

impl From<&Refusal> for Condition {
    fn from(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::PasswordNeeded | Refusal::WrongPassword => Self::NotAuthorized,
            Refusal::LobbyNeeded => Self::RegistrationRequired,
            Refusal::RoomFull | Refusal::LobbyFull | Refusal::RoomEnded => Self::ServiceUnavailable,
            Refusal::TooMany | Refusal::NotKept => Self::ResourceConstraint,
            Refusal::LimitExceeded { .. } | Refusal::Invalid { .. } | Refusal::UnsupportedType => {
                Self::NotAcceptable
            }
            Refusal::NoSuchParticipant
            | Refusal::NoSuchTrack
            | Refusal::NoSuchMessage
            | Refusal::NoSuchPoll => Self::ItemNotFound,
            Refusal::Locked | Refusal::Banned | Refusal::Removed => Self::NotAllowed,
            _ => Self::Forbidden,
        }
    }
}

/// The empty positive answer to a request.
pub(crate) fn result(request: &Element) -> Element {
    answer(request, "iq").attr("type", "result")
}

/// The negative answer to a stanza.
pub(crate) fn error(stanza: &Element, condition: Condition, text: &str) -> Element {
    error_with(stanza, condition, text, condition.marker())
}

/// As [`error`], with something of clients' own in it.
pub(crate) fn error_with(
    stanza: &Element,
    condition: Condition,
    text: &str,
    own: impl IntoIterator<Item = Element>,
) -> Element {
    let name = match stanza.name() {
        "message" => "message",
        "presence" => "presence",
        _ => "iq",
    };
    let (kind, condition) = condition.names();
    let mut error = Element::new("error", ns::CLIENT)
        .attr("type", kind)
        .child(Element::new(condition, ns::STANZA_ERRORS));
    if !text.is_empty() {
        error = error.child(Element::new("text", ns::STANZA_ERRORS).text(text));
    }
    answer(stanza, name).attr("type", "error").child(error.with(own))
}

fn answer(stanza: &Element, name: &'static str) -> Element {
    Element::new(name, ns::CLIENT)
        .attr_opt("id", stanza.get("id"))
        .attr_opt("from", stanza.get("to"))
        .attr_opt("to", stanza.get("from"))
}

/// A data form of this kind.
pub(crate) fn form(kind: &'static str, form_type: &'static str) -> Element {
    Element::new("x", ns::DATA_FORMS)
        .attr("type", kind)
        .child(field("FORM_TYPE", "hidden", form_type))
}

/// A field of a data form with one value.
pub(crate) fn field(name: &'static str, kind: &'static str, value: impl Into<String>) -> Element {
    Element::new("field", ns::DATA_FORMS)
        .attr("var", name)
        .attr("type", kind)
        .child(Element::new("value", ns::DATA_FORMS).text(value))
}

/// The value somebody gave a field of a form.
pub(crate) fn submitted(form: &Element, name: &str) -> Option<String> {
    let mut fields = form.children().filter(|child| child.is("field", ns::DATA_FORMS));
    let field = fields.find(|field| field.get("var") == Some(name))?;
    Some(
        field
            .find("value", ns::DATA_FORMS)
            .map(Element::content)
            .unwrap_or_default(),
    )
}
