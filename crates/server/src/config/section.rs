//! One definition of each setting gives its type, its default, its place in the file and its documentation.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

/// A setting as the reference shows it.
pub struct Setting {
    /// The key.
    pub key: &'static str,
    /// Its documentation, one entry a line.
    pub doc: &'static [&'static str],
    /// What kind of value it takes.
    pub kind: &'static str,
    /// Its default as written in the file; `None` where there is none.
    pub default: Option<String>,
}

/// Something that may stand on the right side of a setting.
pub trait Value {
    /// What the reference calls it.
    const KIND: &'static str;

    /// The default as written in the file.
    fn shown(&self) -> Option<String>;
}

macro_rules! value {
    ($($type:ty => $kind:literal, $shown:expr;)*) => {
        $(impl Value for $type {
            const KIND: &'static str = $kind;

            fn shown(&self) -> Option<String> {
                let shown: fn(&$type) -> Option<String> = $shown;
                shown(self)
            }
        })*
    };
}

value! {
    bool => "boolean", |value| Some(value.to_string());
    u16 => "integer", |value| Some(value.to_string());
    u32 => "integer", |value| Some(value.to_string());
    u64 => "integer", |value| Some(value.to_string());
    usize => "integer", |value| Some(value.to_string());
    String => "text", |value| Some(format!("{value:?}"));
    SocketAddr => "address and port", |value| Some(format!("\"{value}\""));
    IpAddr => "IP address", |value| Some(format!("\"{value}\""));
    Vec<String> => "list of texts", |value| Some(format!("{value:?}"));
    Option<PathBuf> => "path", |_| None;
    super::Secret => "text", |_| Some("\"\"".to_owned());
    BTreeMap<String, super::Secret> => "table", |_| None;
}

/// Defines a section: a struct that is read from a TOML table, refuses unknown keys, has defaults and documentation.
macro_rules! section {
    (
        $(#[doc = $about:literal])*
        pub struct $name:ident {
            $($(#[doc = $doc:literal])+ $field:ident: $type:ty = $default:expr,)*
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Debug, Clone, PartialEq, serde::Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            $($(#[doc = $doc])+ pub $field: $type,)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }

        impl $name {
            /// The section's own documentation, one entry a line.
            pub const ABOUT: &'static [&'static str] = &[$($about),*];

            /// Lists the settings in order.
            pub fn settings() -> Vec<$crate::config::section::Setting> {
                let defaults = Self::default();
                vec![$($crate::config::section::Setting {
                    key: stringify!($field),
                    doc: &[$($doc),+],
                    kind: <$type as $crate::config::section::Value>::KIND,
                    default: $crate::config::section::Value::shown(&defaults.$field),
                },)*]
            }
        }
    };
}

pub(crate) use section;
