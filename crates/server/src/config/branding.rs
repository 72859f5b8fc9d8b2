use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::section::{Value, section};

/// A text for everybody, or one for each language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Text {
    /// The same in every language.
    One(String),
    /// By the language's tag.
    Each(BTreeMap<String, String>),
}

impl Text {
    /// All of its wordings.
    pub fn wordings(&self) -> impl Iterator<Item = &str> {
        let (one, each) = match self {
            Self::One(text) => (Some(text.as_str()), None),
            Self::Each(texts) => (None, Some(texts.values().map(String::as_str))),
        };
        one.into_iter().chain(each.into_iter().flatten())
    }
}

impl Default for Text {
    fn default() -> Self {
        Self::One(String::new())
    }
}

impl Value for Text {
    const KIND: &'static str = "text, or a table of texts by language";

    fn shown(&self) -> Option<String> {
        match self {
            Self::One(text) => Some(format!("{text:?}")),
            Self::Each(_) => None,
        }
    }
}

/// A place the operator leads to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// What it says.
    pub label: Text,
    /// Where it leads.
    pub href: String,
}

impl Value for Vec<Link> {
    const KIND: &'static str = "list of tables";

    fn shown(&self) -> Option<String> {
        self.is_empty().then(|| "[]".to_owned())
    }
}

/// Colours of one theme, as `#rrggbb`; those left out stay Tertulia's.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Colours {
    /// Of buttons, links and whatever is chosen.
    pub accent: Option<String>,
    /// Behind the pages.
    pub background: Option<String>,
    /// Of cards, panels and menus.
    pub surface: Option<String>,
    /// Of texts.
    pub text: Option<String>,
}

impl Value for Colours {
    const KIND: &'static str = "table of colours";

    fn shown(&self) -> Option<String> {
        (*self == Self::default()).then(|| "{}".to_owned())
    }
}

section! {
    /// How the web app looks and what it says, without building anything. Its name is `name` in `[server]`. Files are read at the
    /// start; on SIGHUP (`systemctl reload tertulia`) this section and its files are read again, and pages show it when they
    /// are opened next. What cannot be used then is logged and leaves everything as it was.
    pub struct Branding {
        /// A picture for the head of each page, in place of Tertulia's sign and the name: SVG, PNG, JPEG, WebP or AVIF, of 512 KiB
        /// at most. Shown 40 pixels high, on light and dark ground.
        logo: Option<PathBuf> = None,
        /// A square picture for tabs and for the installed app: SVG, or PNG of 192 pixels at least (better 512), of 512 KiB at
        /// most. Apple's devices want PNG.
        icon: Option<PathBuf> = None,
        /// A picture behind the pages outside meetings, of 4 MiB at most. Texts stand on a veil over it.
        background: Option<PathBuf> = None,
        /// The headline of the front page, of 120 characters at most; for each language `{ en = "…", es = "…" }`. Empty:
        /// Tertulia's own.
        headline: Text = Text::default(),
        /// What stands below it, of 600 characters at most.
        welcome: Text = Text::default(),
        /// Links at the foot of each page, twelve at most, for instance
        /// `[{ label = "Imprint", href = "https://example.org/imprint" }]`. A label may be given for each language.
        links: Vec<Link> = Vec::new(),
        /// Origins whose pages may show meetings in a frame and talk with them, for instance `["https://learn.example.org"]`. The
        /// server's own may always.
        origins: Vec<String> = Vec::new(),
        /// Colours in the light theme: `accent`, `background`, `surface` and `text`, each `#rrggbb`. All other colours
        /// follow from these; `tertulia check` says where something would be hard to read.
        light: Colours = Colours::default(),
        /// Colours in the dark theme, and of panels and menus during a meeting.
        dark: Colours = Colours::default(),
    }
}
