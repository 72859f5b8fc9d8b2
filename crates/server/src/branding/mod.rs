//! What the operator makes of the web app: name, pictures, colours, texts, links, and who may frame it.

mod colour;
mod palette;
mod picture;

use anyhow::{Result, bail, ensure};
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::cli::ServerArgs;
use crate::config::{self, Branding, Config, Link, Text};
use crate::environment;
use crate::http::WebApp;
use crate::origins;
use palette::Palette;
use picture::{Kind, Picture};

const LOGO_BYTES: u64 = 512 * 1_024;
const BACKGROUND_BYTES: u64 = 4 * 1_024 * 1_024;
/// Chromium installs no app whose icon is smaller.
const SMALLEST_ICON: u32 = 192;
const HEADLINE_CHARS: usize = 120;
const WELCOME_CHARS: usize = 600;
const LABEL_CHARS: usize = 40;
const MOST_LINKS: usize = 12;
const LANGUAGES: [&str; 4] = ["en", "es", "ru", "de"];
/// The name that the built app has of itself.
const OWN_NAME: &str = "Tertulia";

/// A file that stands in the place of one of the app's, or beside them.
pub struct Asset {
    /// Its path, without the leading slash.
    pub name: String,
    /// What is in it.
    pub bytes: Bytes,
    /// Its media type.
    pub kind: &'static str,
    /// Whether it is the operator's picture, which nobody has looked at: it may not do anything by itself.
    pub foreign: bool,
}

/// The brand, read and judged.
pub struct Brand {
    /// What is served of it.
    pub assets: Vec<Asset>,
    /// Origins whose pages may frame the app.
    pub origins: Vec<String>,
    /// What would be hard to read.
    pub complaints: Vec<String>,
}

impl Brand {
    /// Reads the configuration and the files it names; `page` is the app's page as it was built.
    ///
    /// # Errors
    /// When something cannot be used; the message names the setting.
    pub fn read(config: &Config, page: Option<&str>) -> Result<Self> {
        let branding = &config.branding;
        let name = config.server.name.as_str();
        let palette = Palette::read(&branding.light, &branding.dark)?;
        let picture = |key: &str, path: &Option<std::path::PathBuf>, most| {
            path.as_ref()
                .map(|path| Picture::read(key, path, most))
                .transpose()
        };
        let logo = picture("logo", &branding.logo, LOGO_BYTES)?;
        let icon = picture("icon", &branding.icon, LOGO_BYTES)?;
        let background = picture("background", &branding.background, BACKGROUND_BYTES)?;
        let origins = origins::read("branding.origins", &branding.origins)?;
        text("headline", &branding.headline, HEADLINE_CHARS)?;
        text("welcome", &branding.welcome, WELCOME_CHARS)?;
        links(&branding.links)?;

        let icons = icon.as_ref().map(icon_of).transpose()?;
        let address = |key: &str, picture: &Option<Picture>| {
            picture
                .as_ref()
                .map(|picture| format!("/{}", path_of(key, picture)))
        };
        let told = told(
            branding,
            name,
            &origins,
            [address("logo", &logo), address("background", &background)],
        );
        let (light, dark) = palette.grounds();
        let manifest = manifest(name, &dark.to_string(), icons.as_ref());
        let mut assets = vec![
            text_asset("branding/brand.json", "application/json", &told.to_string()),
            text_asset("branding/theme.css", "text/css", &palette.style_sheet()),
            text_asset(
                "manifest.webmanifest",
                "application/manifest+json",
                &manifest.to_string(),
            ),
        ];
        if let Some(page) = page {
            let branded = branded_page(
                page,
                name,
                [&light.to_string(), &dark.to_string()],
                icons.as_ref(),
            );
            if branded != page {
                assets.push(text_asset("index.html", "text/html", &branded));
            }
        }
        for (key, picture) in [("logo", logo), ("icon", icon), ("background", background)] {
            assets.extend(picture.map(|picture| Asset {
                name: path_of(key, &picture),
                kind: picture.kind.names().0,
                bytes: picture.bytes,
                foreign: true,
            }));
        }
        Ok(Self {
            assets,
            origins,
            complaints: palette.complaints(),
        })
    }
}

/// Puts the brand on at the start.
///
/// # Errors
/// When it cannot be used.
pub fn put_on(config: &Config, app: &WebApp) -> Result<()> {
    app.wear(Brand::read(config, app.built_page().as_deref())?);
    Ok(())
}

/// Reads the brand anew at each SIGHUP, until the server stops. What cannot be used changes nothing.
pub async fn follow(args: ServerArgs, app: WebApp, mut stopped: watch::Receiver<bool>) {
    let mut hangup = match signal(SignalKind::hangup()) {
        Ok(hangup) => hangup,
        Err(error) => {
            tracing::error!(%error, "SIGHUP cannot be listened for; the branding is not read again");
            return;
        }
    };
    loop {
        tokio::select! {
            _ = hangup.recv() => {}
            _ = stopped.wait_for(|stopped| *stopped) => return,
        }
        let (args, app) = (args.clone(), app.clone());
        let again = move || {
            let config = config::load(args.config.as_deref(), environment())?;
            put_on(&config, &app)
        };
        match tokio::task::spawn_blocking(again).await {
            Ok(Ok(())) => tracing::info!("read the branding again"),
            Ok(Err(error)) => tracing::warn!(
                error = format!("{error:#}"),
                "the new branding is no good; going on with the old one"
            ),
            Err(error) => tracing::error!(%error, "the branding could not be read again"),
        }
    }
}

fn text_asset(name: &str, kind: &'static str, text: &str) -> Asset {
    Asset {
        name: name.to_owned(),
        bytes: Bytes::from(text.to_owned()),
        kind,
        foreign: false,
    }
}

fn path_of(key: &str, picture: &Picture) -> String {
    format!("branding/{key}.{}", picture.kind.names().1)
}

/// What the app reads before its first paint; `Brand` in `web/src/api/brand.ts`.
fn told(
    branding: &Branding,
    name: &str,
    origins: &[String],
    [logo, background]: [Option<String>; 2],
) -> Value {
    let links: Vec<Value> = branding
        .links
        .iter()
        .map(|link| json!({ "label": link.label, "href": link.href }))
        .collect();
    json!({
        "name": name,
        "logo": logo,
        "background": background,
        "headline": branding.headline,
        "welcome": branding.welcome,
        "links": links,
        "origins": origins,
    })
}

/// How an icon is named to browsers.
struct Icon {
    path: String,
    kind: Kind,
    /// As a manifest says it.
    sizes: String,
}

fn icon_of(picture: &Picture) -> Result<Icon> {
    let sizes = match (picture.kind, picture.png_size()) {
        (Kind::Svg, _) => "any".to_owned(),
        (Kind::Png, Some((width, height))) => {
            ensure!(
                width == height && width >= SMALLEST_ICON,
                "branding.icon has {width} by {height} pixels; it must be square, of {SMALLEST_ICON} at least"
            );
            format!("{width}x{height}")
        }
        _ => bail!("branding.icon must be SVG or PNG"),
    };
    Ok(Icon {
        path: format!("/{}", path_of("icon", picture)),
        kind: picture.kind,
        sizes,
    })
}

fn manifest(name: &str, ground: &str, icon: Option<&Icon>) -> Value {
    let icons = match icon {
        Some(icon) => json!([{ "src": icon.path, "sizes": icon.sizes, "type": icon.kind.names().0 }]),
        None => json!([
            { "src": "/icon-192.png", "sizes": "192x192", "type": "image/png" },
            { "src": "/icon-512.png", "sizes": "512x512", "type": "image/png" },
            { "src": "/icon-maskable.png", "sizes": "512x512", "type": "image/png", "purpose": "maskable" },
        ]),
    };
    json!({
        "name": name,
        "short_name": name,
        "id": "/",
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": ground,
        "theme_color": ground,
        "icons": icons,
    })
}

/// The app's page under the operator's name, with their icon and ground: what shows before any script has run.
fn branded_page(page: &str, name: &str, grounds: [&str; 2], icon: Option<&Icon>) -> String {
    let lines = page.lines().map(|line| {
        let of = |mark: &str| line.contains(mark);
        let indent = &line[..line.len() - line.trim_start().len()];
        match icon {
            Some(icon) if of("rel=\"icon\"") => {
                let (kind, path) = (icon.kind.names().0, &icon.path);
                return format!("{indent}<link rel=\"icon\" href=\"{path}\" type=\"{kind}\" />");
            }
            Some(icon) if of("rel=\"apple-touch-icon\"") => match icon.kind {
                Kind::Png => return format!("{indent}<link rel=\"apple-touch-icon\" href=\"{}\" />", icon.path),
                _ => return String::new(),
            },
            _ => {}
        }
        if of("name=\"theme-color\"") {
            let dark = of("prefers-color-scheme: dark");
            let (ground, scheme) = if dark {
                (grounds[1], "dark")
            } else {
                (grounds[0], "light")
            };
            return format!(
                "{indent}<meta name=\"theme-color\" content=\"{ground}\" media=\"(prefers-color-scheme: {scheme})\" />"
            );
        }
        line.replace(OWN_NAME, &escaped(name))
    });
    let mut text = lines.collect::<Vec<_>>().join("\n");
    if page.ends_with('\n') {
        text.push('\n');
    }
    text
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn text(key: &str, text: &Text, most: usize) -> Result<()> {
    if let Text::Each(texts) = text
        && let Some(unknown) = texts.keys().find(|tag| !LANGUAGES.contains(&tag.as_str()))
    {
        bail!(
            "branding.{key}: the app does not speak `{unknown}`; it speaks {}",
            LANGUAGES.join(", ")
        );
    }
    for wording in text.wordings() {
        let length = wording.chars().count();
        ensure!(
            length <= most,
            "branding.{key} has {length} characters; at most {most} have room"
        );
    }
    Ok(())
}

fn links(links: &[Link]) -> Result<()> {
    ensure!(
        links.len() <= MOST_LINKS,
        "branding.links has {} entries; at most {MOST_LINKS} have room",
        links.len()
    );
    for link in links {
        text("links", &link.label, LABEL_CHARS)?;
        let href = link.href.as_str();
        ensure!(
            link.label.wordings().next().is_some()
                && link.label.wordings().all(|text| !text.trim().is_empty()),
            "branding.links: the link to `{href}` has no label"
        );
        let plain = href.len() <= 2_048 && !href.chars().any(|c| c.is_control() || c.is_whitespace());
        let leads = match href.split_once(':') {
            Some(("https" | "http", rest)) => rest.len() > 2 && rest.starts_with("//"),
            Some(("mailto" | "tel", rest)) => !rest.is_empty(),
            _ => href.starts_with('/') && !href.starts_with("//"),
        };
        ensure!(
            plain && leads,
            "branding.links: `{href}` leads nowhere; write https://…, mailto:…, tel:… or a path of this server"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests;
