//! A small tree of elements over a restricted tokenizer, and its text.

use std::borrow::Cow;
use std::sync::Arc;

use rxml::error::EndOrError;
use rxml::{Event, Options, Parse as _, Parser, WithOptions as _};

/// Deepest nesting of an element.
const MAX_DEPTH: usize = 24;
/// Elements in one stanza.
const MAX_ELEMENTS: usize = 4_096;
/// Attributes of one element.
const MAX_ATTRIBUTES: usize = 48;
/// Longest name or attribute value, in bytes.
const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// An element with everything below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Element {
    name: Cow<'static, str>,
    namespace: Name,
    attributes: Vec<Attribute>,
    children: Vec<Node>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Attribute {
    /// Empty where it has none, as nearly all.
    namespace: Name,
    name: Cow<'static, str>,
    value: String,
}

/// A piece of an element's content.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    Element(Element),
    Text(String),
}

/// A namespace: one of ours, or what a peer wrote.
#[derive(Debug, Clone)]
enum Name {
    Known(&'static str),
    Other(Arc<str>),
}

impl Name {
    fn as_str(&self) -> &str {
        match self {
            Self::Known(name) => name,
            Self::Other(name) => name,
        }
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Name {}

/// Why a text is not one element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum XmlError {
    /// Not XML, or not with namespaces in order.
    #[error("not well-formed")]
    NotWellFormed,
    /// A document type, entity, comment or processing instruction, which XMPP forbids (RFC 6120 §11.1), or a name or
    /// value longer than any.
    #[error("restricted XML")]
    Restricted,
    /// Too deep, too many elements or too many attributes.
    #[error("too complex")]
    TooComplex,
}

impl Element {
    /// An element without content.
    pub(crate) fn new(name: &'static str, namespace: &'static str) -> Self {
        Self {
            name: Cow::Borrowed(name),
            namespace: Name::Known(namespace),
            attributes: Vec::new(),
            children: Vec::new(),
        }
    }

    /// Reads a text that is one element.
    ///
    /// # Errors
    /// [`XmlError`]; nothing in the text is fetched, expanded or kept beyond its bounds.
    pub(crate) fn parse(text: &str) -> Result<Self, XmlError> {
        let mut parser = Parser::with_options(Options {
            max_token_length: MAX_TOKEN_BYTES,
            ..Options::default()
        });
        let mut left = text.as_bytes();
        let mut open: Vec<Self> = Vec::new();
        let mut root = None;
        let mut count = 0;
        loop {
            let event = match parser.parse(&mut left, true) {
                Ok(Some(event)) => event,
                Ok(None) => return root.ok_or(XmlError::NotWellFormed),
                Err(EndOrError::NeedMoreData) => return Err(XmlError::NotWellFormed),
                Err(EndOrError::Error(error)) => return Err(cause(&error, text)),
            };
            match event {
                Event::XmlDeclaration(..) => {}
                Event::StartElement(_, (namespace, name), attributes) => {
                    count += 1;
                    if open.len() >= MAX_DEPTH || count > MAX_ELEMENTS || attributes.len() > MAX_ATTRIBUTES {
                        return Err(XmlError::TooComplex);
                    }
                    // What is reserved for attributes cannot be declared, hence not written.
                    if matches!(namespace.as_str(), rxml::XMLNS_XML | rxml::XMLNS_XMLNS) {
                        return Err(XmlError::NotWellFormed);
                    }
                    let parent = open.last().map(|parent| &parent.namespace);
                    // Children mostly have their parent's, which is shared.
                    let namespace = match parent {
                        Some(parent) if parent.as_str() == namespace.as_str() => parent.clone(),
                        _ => Name::Other(namespace.as_str().into()),
                    };
                    open.push(Self {
                        name: Cow::Owned(name.to_string()),
                        namespace,
                        attributes: attributes
                            .into_iter()
                            .map(|((namespace, name), value)| Attribute {
                                namespace: match namespace.as_str() {
                                    "" => Name::Known(""),
                                    other => Name::Other(other.into()),
                                },
                                name: Cow::Owned(name.to_string()),
                                value,
                            })
                            .collect(),
                        children: Vec::new(),
                    });
                }
                Event::EndElement(_) => match (open.pop(), open.last_mut()) {
                    (Some(done), Some(parent)) => parent.children.push(Node::Element(done)),
                    (Some(done), None) => root = Some(done),
                    (None, _) => return Err(XmlError::NotWellFormed),
                },
                Event::Text(_, text) => {
                    let Some(parent) = open.last_mut() else { continue };
                    // Text comes in pieces where it is long or marked as such.
                    match parent.children.last_mut() {
                        Some(Node::Text(known)) => known.push_str(&text),
                        _ => parent.children.push(Node::Text(text)),
                    }
                }
            }
        }
    }

    /// Sets an attribute.
    #[must_use]
    pub(crate) fn attr(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.set(name, value);
        self
    }

    /// Sets an attribute where there is a value.
    #[must_use]
    pub(crate) fn attr_opt(self, name: &'static str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.attr(name, value),
            None => self,
        }
    }

    /// Adds a child.
    #[must_use]
    pub(crate) fn child(mut self, child: Self) -> Self {
        self.children.push(Node::Element(child));
        self
    }

    /// Adds children.
    #[must_use]
    pub(crate) fn with(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.children.extend(children.into_iter().map(Node::Element));
        self
    }

    /// Adds text. Characters XML cannot carry are left out.
    #[must_use]
    pub(crate) fn text(mut self, text: impl Into<String>) -> Self {
        self.children.push(Node::Text(text.into()));
        self
    }

    /// Replaces an attribute, or adds it.
    pub(crate) fn set(&mut self, name: &'static str, value: impl Into<String>) {
        self.remove(name);
        self.attributes.push(Attribute {
            namespace: Name::Known(""),
            name: Cow::Borrowed(name),
            value: value.into(),
        });
    }

    /// Takes an attribute away.
    pub(crate) fn remove(&mut self, name: &str) {
        self.attributes
            .retain(|known| known.name != name || !known.namespace.as_str().is_empty());
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is this element.
    pub(crate) fn is(&self, name: &str, namespace: &str) -> bool {
        self.name == name && self.namespace.as_str() == namespace
    }

    /// Whether it is in this namespace.
    pub(crate) fn is_in(&self, namespace: &str) -> bool {
        self.namespace.as_str() == namespace
    }

    /// The value of an attribute without a namespace.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let mut attributes = self.attributes.iter();
        attributes
            .find(|known| known.name == name && known.namespace.as_str().is_empty())
            .map(|known| known.value.as_str())
    }

    /// The value of an attribute in a namespace.
    pub(crate) fn get_in(&self, name: &str, namespace: &str) -> Option<&str> {
        let mut attributes = self.attributes.iter();
        attributes
            .find(|known| known.name == name && known.namespace.as_str() == namespace)
            .map(|known| known.value.as_str())
    }

    /// The elements directly below.
    pub(crate) fn children(&self) -> impl Iterator<Item = &Self> {
        self.children.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    /// Takes the elements directly below.
    pub(crate) fn into_children(self) -> impl Iterator<Item = Self> {
        self.children.into_iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    /// The first child of that name and namespace.
    pub(crate) fn find(&self, name: &str, namespace: &str) -> Option<&Self> {
        self.children().find(|child| child.is(name, namespace))
    }

    /// The text directly below.
    pub(crate) fn content(&self) -> String {
        let texts = self.children.iter().filter_map(|node| match node {
            Node::Text(text) => Some(text.as_str()),
            Node::Element(_) => None,
        });
        texts.collect()
    }

    /// Its text as it stands alone.
    pub(crate) fn write(&self) -> String {
        let mut out = String::with_capacity(256);
        self.write_into(&mut out, "");
        out
    }

    fn write_into(&self, out: &mut String, inherited: &str) {
        out.push('<');
        // Clients look for these by their prefixed name as well as by namespace.
        let prefixed = self.namespace.as_str() == crate::ns::STREAM;
        if prefixed {
            out.push_str("stream:");
        }
        out.push_str(&self.name);
        let namespace = self.namespace.as_str();
        let inner = if prefixed {
            attribute(out, "xmlns:stream", namespace);
            inherited
        } else {
            if namespace != inherited {
                attribute(out, "xmlns", namespace);
            }
            namespace
        };
        for (place, known) in self.attributes.iter().enumerate() {
            match known.namespace.as_str() {
                "" => attribute(out, &known.name, &known.value),
                rxml::XMLNS_XML => attribute(out, &format!("xml:{}", known.name), &known.value),
                other => {
                    attribute(out, &format!("xmlns:a{place}"), other);
                    attribute(out, &format!("a{place}:{}", known.name), &known.value);
                }
            }
        }
        if self.children.is_empty() {
            out.push_str("/>");
            return;
        }
        out.push('>');
        for child in &self.children {
            match child {
                Node::Element(element) => element.write_into(out, inner),
                Node::Text(text) => escape(out, text),
            }
        }
        out.push_str("</");
        if prefixed {
            out.push_str("stream:");
        }
        out.push_str(&self.name);
        out.push('>');
    }
}

/// The tokenizer takes what XMPP forbids for bad syntax where it begins; the difference is told to clients.
fn cause(error: &rxml::Error, text: &str) -> XmlError {
    let declares = |(at, _): (usize, &str)| !text[at..].starts_with("<![CDATA[");
    let instructs = |(at, _): (usize, &str)| at > 0 || !text.starts_with("<?xml");
    match error {
        rxml::Error::RestrictedXml(_) | rxml::Error::UndeclaredEntity => XmlError::Restricted,
        _ if text.match_indices("<!").any(declares) => XmlError::Restricted,
        _ if text.match_indices("<?").any(instructs) => XmlError::Restricted,
        _ => XmlError::NotWellFormed,
    }
}

fn attribute(out: &mut String, name: &str, value: &str) {
    out.push(' ');
    out.push_str(name);
    out.push_str("=\"");
    escape(out, value);
    out.push('"');
}

fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // Kept through the normalisation of attribute values and line ends.
            '\n' | '\t' | '\r' => out.push_str(match c {
                '\n' => "&#10;",
                '\t' => "&#9;",
                _ => "&#13;",
            }),
            '\u{0}'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}' => {}
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_is_what_it_was_after_writing_and_reading() {
        let text = "<iq xmlns=\"jabber:client\" type='set' xml:lang='de'><a xmlns=\"urn:a\" x:y=\"1 &lt; 2&#10;\" \
                    xmlns:x=\"urn:x\"><b/>text &amp; more<x:c/></a></iq>";
        let element = Element::parse(text).unwrap();
        assert_eq!(Element::parse(&element.write()).unwrap(), element);
        assert_eq!(element.get("type"), Some("set"));
        let inner = element.find("a", "urn:a").unwrap();
        assert_eq!(inner.content(), "text & more");
        assert!(inner.find("b", "urn:a").is_some() && inner.find("c", "urn:x").is_some());
        assert_eq!(inner.get("y"), None);
    }

    #[test]
    fn what_xmpp_forbids_is_refused() {
        let check = |text: &str, error| assert_eq!(Element::parse(text), Err(error), "for {text:.60}");
        check("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", XmlError::Restricted);
        check("<a>&b;</a>", XmlError::Restricted);
        check("<a><!-- c --></a>", XmlError::Restricted);
        check("<a><?php ?></a>", XmlError::Restricted);
        check("<?php ?><a/>", XmlError::Restricted);
        check("<?xml version='1.0'?><a><b></a>", XmlError::NotWellFormed);
        check("<a><![CDATA[x]]></b>", XmlError::NotWellFormed);
        check("<a>\u{0}</a>", XmlError::NotWellFormed);
        check("<a>&#0;</a>", XmlError::NotWellFormed);
        check("<a>", XmlError::NotWellFormed);
        check("<a></b>", XmlError::NotWellFormed);
        check("<a/><b/>", XmlError::NotWellFormed);
        check("<a b='1' b='2'/>", XmlError::NotWellFormed);
        check("", XmlError::NotWellFormed);
        check(
            &format!("<a b='{}'/>", "x".repeat(MAX_TOKEN_BYTES + 1)),
            XmlError::Restricted,
        );
    }

    #[test]
    fn size_is_bounded_in_every_direction() {
        let deep = format!("{}{}", "<a>".repeat(10_000), "</a>".repeat(10_000));
        let wide = format!("<a>{}</a>", "<b/>".repeat(100_000));
        let many: String = (0..100).map(|number| format!(" a{number}='1'")).collect();
        for text in [deep, wide, format!("<a{many}/>")] {
            assert_eq!(Element::parse(&text), Err(XmlError::TooComplex));
        }
    }

    #[test]
    fn long_text_arrives_whole() {
        let text = "é&".repeat(50_000);
        let element = Element::new("body", "jabber:client").text(text.clone());
        assert_eq!(Element::parse(&element.write()).unwrap().content(), text);
    }

    #[test]
    fn stream_features_have_the_name_clients_look_for() {
        let features =
            Element::new("features", crate::ns::STREAM).child(Element::new("bind", crate::ns::BIND));
        assert_eq!(
            features.write(),
            "<stream:features xmlns:stream=\"http://etherx.jabber.org/streams\"><bind \
             xmlns=\"urn:ietf:params:xml:ns:xmpp-bind\"/></stream:features>"
        );
    }
}
