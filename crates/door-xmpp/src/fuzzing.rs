//! The readers of hostile input, for fuzz targets. No part of the interface.

use tertulia_room::Permission;

use crate::call::{Media, accepted, read_constraints, ssrcs};
use crate::jid::Jid;
use crate::muc::read_contents;
use crate::stanza;
use crate::xml::Element;

/// The endpoint whose sources are read.
const ENDPOINT: &str = "a11e0794";

/// Reads a stanza, writes it, and reads it again; reads what it may be besides.
///
/// # Panics
/// Where what is written is read differently.
pub fn stanza(text: &str) {
    let Ok(element) = Element::parse(text) else { return };
    let again = Element::parse(&element.write());
    assert!(
        again.as_ref() == Ok(&element),
        "a stanza is read differently: {again:?}"
    );
    if let Some(jid) = element.get("to").and_then(Jid::parse) {
        drop(jid.room());
        assert!(
            Jid::parse(&jid.to_string()) == Some(jid),
            "an address is read differently"
        );
    }
    let refusal = stanza::error(&element, stanza::Condition::BadRequest, "");
    assert!(
        Element::parse(&refusal.write()).is_ok(),
        "a refusal cannot be read"
    );
    read_contents(element);
}

/// Reads an accepted session, and describes it to the engine.
///
/// # Panics
/// Where a description is out of bounds.
pub fn jingle(text: &str) {
    let Ok(element) = Element::parse(text) else { return };
    let named = ssrcs(&element);
    let Ok(accepted) = accepted(&element, ENDPOINT) else {
        return;
    };
    let mut media = Media::new(accepted);
    drop(media.unpublished(&Permission::ordinary(), &Default::default()));
    let spec = media.describe();
    assert!(
        spec.media
            .iter()
            .enumerate()
            .all(|(place, section)| section.index == place)
    );
    if let Ok(named) = named {
        media.remove_sources(&named);
    }
    assert!(!media.has_unpublished(), "a source is named by no SSRC");
}

/// Reads constraints of a bridge channel.
pub fn constraints(text: &str) {
    drop(read_constraints(text));
}
