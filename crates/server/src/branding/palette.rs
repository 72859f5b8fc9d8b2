//! From a few colours the operator chooses to all that the app needs of one theme.

use std::fmt::Write as _;

use anyhow::{Context, Result};

use super::colour::{Colour, READABLE, VISIBLE};
use crate::config::Colours;

const WHITE: Colour = Colour::of(0xff_ffff);
const BLACK: Colour = Colour::of(0x00_0000);

/// Tertulia's own colours of one theme, as in `web/src/ui/tokens.css`.
struct Own {
    name: &'static str,
    accent: Colour,
    background: Colour,
    surface: Colour,
    text: Colour,
    /// Colours that do not change and stand on these grounds too.
    signs: [(&'static str, Colour, f64); 4],
    /// What lies on the surface, and what is pressed, is nearer to this.
    light: Colour,
    /// How much of it something raised takes.
    raised: u8,
}

const LIGHT: Own = Own {
    name: "light",
    accent: Colour::of(0xb3_432a),
    background: Colour::of(0xfa_f5ee),
    surface: Colour::of(0xff_fdfa),
    text: Colour::of(0x2b_2023),
    signs: [
        ("errors", Colour::of(0xb3_261e), READABLE),
        ("warnings", Colour::of(0x85_5300), READABLE),
        ("success", Colour::of(0x2b_6a45), READABLE),
        ("the focus", Colour::of(0x1d_5fc4), VISIBLE),
    ],
    light: WHITE,
    raised: 60,
};

const DARK: Own = Own {
    name: "dark",
    accent: Colour::of(0xf1_9069),
    background: Colour::of(0x17_1318),
    surface: Colour::of(0x21_1c24),
    text: Colour::of(0xf6_f0ea),
    signs: [
        ("errors", Colour::of(0xff_8a80), READABLE),
        ("warnings", Colour::of(0xf3_c26b), READABLE),
        ("success", Colour::of(0x83_cf9f), READABLE),
        ("the focus", Colour::of(0x8a_b8ff), VISIBLE),
    ],
    light: WHITE,
    raised: 5,
};

/// The colours of one theme.
struct Scheme {
    own: &'static Own,
    accent: Colour,
    background: Colour,
    surface: Colour,
    text: Colour,
    /// Whether the accent, and whether any of the others, is the operator's.
    chosen: (bool, bool),
}

/// The colours of both themes.
pub struct Palette {
    light: Scheme,
    dark: Scheme,
}

type Token = (&'static str, Colour);

impl Palette {
    /// Reads what the operator has chosen.
    ///
    /// # Errors
    /// When something is no colour.
    pub fn read(light: &Colours, dark: &Colours) -> Result<Self> {
        Ok(Self {
            light: Scheme::read(light, &LIGHT)?,
            dark: Scheme::read(dark, &DARK)?,
        })
    }

    /// What stands behind the pages, light and dark.
    pub fn grounds(&self) -> (Colour, Colour) {
        (self.light.background, self.dark.background)
    }

    /// The style sheet that puts them over Tertulia's own. The theme of high contrast stays as it is.
    pub fn style_sheet(&self) -> String {
        let mut text = String::new();
        let (light, dark) = (&self.light, &self.dark);
        let grounds = light.chosen.1 || dark.chosen.1;
        let mut pairs: Vec<(Token, Token)> = Vec::new();
        if grounds || light.chosen.0 || dark.chosen.0 {
            pairs.extend(light.accents().into_iter().zip(dark.accents()));
        }
        if grounds {
            pairs.extend(light.grounds().into_iter().zip(dark.grounds()));
        }
        if pairs.is_empty() {
            return text;
        }
        // Writing to a String cannot fail.
        let _ = writeln!(text, ":root:not([data-theme=\"contrast\"]) {{");
        for ((name, light), (_, dark)) in pairs {
            let _ = writeln!(text, "  --{name}: light-dark({light}, {dark});");
        }
        text.push_str("}\n");
        text
    }

    /// What would be hard to read or to see.
    pub fn complaints(&self) -> Vec<String> {
        [&self.light, &self.dark]
            .into_iter()
            .flat_map(Scheme::complaints)
            .collect()
    }
}

impl Scheme {
    fn read(chosen: &Colours, own: &'static Own) -> Result<Self> {
        let colour = |key: &str, chosen: &Option<String>, own_colour: Colour| match chosen {
            Some(text) => Colour::parse(text).with_context(|| format!("branding.{}.{key}", own.name)),
            None => Ok(own_colour),
        };
        Ok(Self {
            own,
            accent: colour("accent", &chosen.accent, own.accent)?,
            background: colour("background", &chosen.background, own.background)?,
            surface: colour("surface", &chosen.surface, own.surface)?,
            text: colour("text", &chosen.text, own.text)?,
            chosen: (
                chosen.accent.is_some(),
                chosen.background.is_some() || chosen.surface.is_some() || chosen.text.is_some(),
            ),
        })
    }

    fn accents(&self) -> [Token; 6] {
        let Self { accent, surface, .. } = *self;
        let on_accent = if accent.contrast(WHITE) >= accent.contrast(BLACK) {
            WHITE
        } else {
            BLACK
        };
        let away = if on_accent == WHITE { BLACK } else { WHITE };
        let soft = surface.with(16, accent);
        [
            ("accent", accent),
            // Away from what is written on it, so that it can be read as well.
            ("accent-hover", accent.with(16, away)),
            ("accent-soft", soft),
            (
                "accent-text",
                accent.readable_on(&[self.background, surface, soft], self.text),
            ),
            ("on-accent", on_accent),
            ("bg-glow", self.background.with(12, accent)),
        ]
    }

    fn grounds(&self) -> [Token; 9] {
        let Self {
            background,
            surface,
            text,
            own,
            ..
        } = *self;
        [
            ("bg", background),
            ("surface", surface),
            ("surface-raised", surface.with(own.raised, own.light)),
            ("surface-sunken", background.with(4, BLACK)),
            ("surface-hover", surface.with(8, text)),
            ("border", surface.with(14, text)),
            ("border-strong", surface.with(55, text)),
            ("text", text),
            ("text-muted", text.with(25, background)),
        ]
    }

    fn complaints(&self) -> Vec<String> {
        let name = self.own.name;
        let mut found = Vec::new();
        if !self.chosen.0 && !self.chosen.1 {
            return found;
        }
        let mut judge = |what: &str, colour: Colour, ground: &str, on: Colour, wanted: f64| {
            let contrast = colour.contrast(on);
            if contrast < wanted {
                found.push(format!(
                    "branding.{name}: {what} ({colour}) on {ground} ({on}) have a contrast of {contrast:.1}; {wanted} is needed to \
                     be told apart"
                ));
            }
        };
        let grounds = [("the background", self.background), ("surfaces", self.surface)];
        let [.., (_, muted)] = self.grounds();
        for (ground, on) in grounds {
            judge("texts", self.text, ground, on, READABLE);
            judge("texts of less weight", muted, ground, on, READABLE);
            judge("buttons", self.accent, ground, on, VISIBLE);
            for (what, colour, wanted) in self.own.signs {
                judge(what, colour, ground, on, wanted);
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn palette(light: Colours, dark: Colours) -> Palette {
        Palette::read(&light, &dark).unwrap()
    }

    fn colours(accent: &str) -> Colours {
        Colours {
            accent: Some(accent.to_owned()),
            ..Colours::default()
        }
    }

    #[test]
    fn without_a_choice_nothing_is_said() {
        let own = palette(Colours::default(), Colours::default());
        assert_eq!(own.style_sheet(), "");
        assert!(own.complaints().is_empty());
    }

    #[test]
    fn the_colours_of_our_own_are_as_the_app_has_them() {
        let tokens = include_str!("../../../../web/src/ui/tokens.css");
        for (token, light, dark) in [
            ("bg", LIGHT.background, DARK.background),
            ("surface", LIGHT.surface, DARK.surface),
            ("accent", LIGHT.accent, DARK.accent),
            ("text", LIGHT.text, DARK.text),
            ("danger", LIGHT.signs[0].1, DARK.signs[0].1),
            ("warning", LIGHT.signs[1].1, DARK.signs[1].1),
            ("success", LIGHT.signs[2].1, DARK.signs[2].1),
            ("focus", LIGHT.signs[3].1, DARK.signs[3].1),
        ] {
            let line = format!("--{token}: light-dark({light}, {dark});");
            assert!(tokens.contains(&line), "{line}");
        }
        // Whoever chooses those very colours has nothing to hear about them.
        let same = |own: &Own| Colours {
            accent: Some(own.accent.to_string()),
            background: Some(own.background.to_string()),
            surface: Some(own.surface.to_string()),
            text: Some(own.text.to_string()),
        };
        assert_eq!(palette(same(&LIGHT), same(&DARK)).complaints(), [""; 0]);
    }

    #[test]
    fn whatever_accent_is_chosen_what_is_written_in_it_and_on_it_can_be_read() {
        for accent in ["#0b7a75", "#ffd84d", "#000000", "#ffffff", "#ff0000", "#777777"] {
            for scheme in [
                palette(colours(accent), Colours::default()).light,
                palette(Colours::default(), colours(accent)).dark,
            ] {
                let tokens = scheme.accents();
                let [(_, fill), (_, hover), (_, soft), (_, text), (_, on), _] = tokens;
                for (colour, ground) in [
                    (on, fill),
                    (on, hover),
                    (text, soft),
                    (text, scheme.background),
                    (text, scheme.surface),
                ] {
                    assert!(
                        colour.contrast(ground) >= READABLE,
                        "{accent}: {colour} on {ground}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_cannot_be_read_is_complained_of_by_name() {
        let pale = Colours {
            text: Some("#999999".to_owned()),
            ..colours("#ffe98f")
        };
        let complaints = palette(pale, Colours::default()).complaints().join("\n");
        assert!(
            complaints.contains("branding.light: texts (#999999)"),
            "{complaints}"
        );
        assert!(complaints.contains("buttons (#ffe98f)"), "{complaints}");
        assert!(!complaints.contains("dark"), "{complaints}");
    }

    #[test]
    fn what_is_no_colour_is_named() {
        let error = Palette::read(&Colours::default(), &colours("teal"))
            .err()
            .unwrap();
        let error = format!("{error:#}");
        assert!(
            error.contains("branding.dark.accent") && error.contains("`teal`"),
            "{error}"
        );
    }
}
