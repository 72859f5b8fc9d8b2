use std::path::PathBuf;

use super::*;

const PAGE: &str = include_str!("../../../../web/index.html");

/// A folder with a logo, an icon and what is none of these.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("tertulia-brand-{}", rand::random::<u64>()));
        std::fs::create_dir(&path).unwrap();
        std::fs::write(
            path.join("logo.svg"),
            "<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
        )
        .unwrap();
        std::fs::write(path.join("small.png"), png(64, 64)).unwrap();
        std::fs::write(path.join("icon.png"), png(512, 512)).unwrap();
        std::fs::write(path.join("note.txt"), "no picture").unwrap();
        std::fs::write(
            path.join("large.svg"),
            format!("<svg>{}</svg>", " ".repeat(600_000)),
        )
        .unwrap();
        Self(path)
    }

    fn read(&self, text: &str) -> Result<Brand> {
        let text = text.replace("DIR", self.0.to_str().unwrap());
        Brand::read(&toml::from_str(&text).unwrap(), Some(PAGE))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
    bytes.extend(width.to_be_bytes());
    bytes.extend(height.to_be_bytes());
    bytes
}

fn asset<'a>(brand: &'a Brand, name: &str) -> &'a str {
    let asset = brand.assets.iter().find(|asset| asset.name == name).unwrap();
    std::str::from_utf8(&asset.bytes).unwrap()
}

#[test]
fn without_a_brand_the_app_is_as_it_was_built() {
    let brand = Brand::read(&Config::default(), Some(PAGE)).unwrap();
    // What was built is served as it is, in the compressed forms that came with it.
    assert!(brand.assets.iter().all(|asset| asset.name != "index.html"));
    assert_eq!(asset(&brand, "branding/theme.css"), "");
    let built: Value =
        serde_json::from_str(include_str!("../../../../web/public/manifest.webmanifest")).unwrap();
    let served: Value = serde_json::from_str(asset(&brand, "manifest.webmanifest")).unwrap();
    assert_eq!(served, built);
    assert!(brand.complaints.is_empty() && brand.origins.is_empty());
}

#[test]
fn a_brand_is_told_to_the_page_the_app_and_the_system() {
    let folder = Folder::new();
    let brand = folder
        .read(
            r##"
            [server]
            name = "Ágora <3"
            [branding]
            logo = "DIR/logo.svg"
            icon = "DIR/icon.png"
            headline = { en = "Talk", es = "Habla" }
            welcome = "Welcome"
            links = [{ label = "Imprint", href = "https://example.org/imprint" }]
            origins = ["https://Learn.example.org:443", "http://localhost:3000"]
            dark = { background = "#001018" }
            light = { accent = "#0b7a75" }
            "##,
        )
        .unwrap();
    let page = asset(&brand, "index.html");
    for part in [
        "<title>Ágora &lt;3</title>",
        "<link rel=\"icon\" href=\"/branding/icon.png\" type=\"image/png\" />",
        "<link rel=\"apple-touch-icon\" href=\"/branding/icon.png\" />",
        "content=\"#001018\" media=\"(prefers-color-scheme: dark)\"",
        "<noscript>Ágora &lt;3 needs JavaScript",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    assert!(!page.contains(OWN_NAME));
    let told: Value = serde_json::from_str(asset(&brand, "branding/brand.json")).unwrap();
    assert_eq!(
        told,
        json!({
            "name": "Ágora <3",
            "logo": "/branding/logo.svg",
            "background": null,
            "headline": { "en": "Talk", "es": "Habla" },
            "welcome": "Welcome",
            "links": [{ "label": "Imprint", "href": "https://example.org/imprint" }],
            "origins": ["https://learn.example.org", "http://localhost:3000"],
        })
    );
    let manifest: Value = serde_json::from_str(asset(&brand, "manifest.webmanifest")).unwrap();
    assert_eq!(manifest["name"], "Ágora <3");
    assert_eq!(manifest["icons"][0]["sizes"], "512x512");
    let style = asset(&brand, "branding/theme.css");
    assert!(
        style.contains("--accent: light-dark(#0b7a75, #f19069);"),
        "{style}"
    );
    assert!(style.contains("--bg: light-dark(#faf5ee, #001018);"), "{style}");
    let logo = brand
        .assets
        .iter()
        .find(|asset| asset.name == "branding/logo.svg")
        .unwrap();
    assert!(logo.foreign && logo.kind == "image/svg+xml");
}

#[test]
fn what_cannot_be_used_is_named() {
    let folder = Folder::new();
    for (text, parts) in [
        ("logo = \"DIR/gone.svg\"", ["branding.logo", "gone.svg"]),
        ("logo = \"DIR/note.txt\"", ["branding.logo", "is no picture"]),
        ("logo = \"DIR/large.svg\"", ["branding.logo", "512 KiB"]),
        ("icon = \"DIR/small.png\"", ["branding.icon", "64 by 64"]),
        ("background = \"DIR\"", ["branding.background", "cannot read"]),
        (
            "light = { accent = \"teal\" }",
            ["branding.light.accent", "`teal`"],
        ),
        ("headline = { fr = \"Salut\" }", ["branding.headline", "`fr`"]),
        (
            "links = [{ label = \"\", href = \"https://a.org\" }]",
            ["branding.links", "no label"],
        ),
        (
            "links = [{ label = \"A\", href = \"javascript:alert(1)\" }]",
            ["branding.links", "javascript"],
        ),
        (
            "links = [{ label = \"A\", href = \"//a.org\" }]",
            ["branding.links", "//a.org"],
        ),
        (
            "links = [{ label = \"A\", href = \"https://\" }]",
            ["branding.links", "leads nowhere"],
        ),
        (
            "origins = [\"learn.example.org\"]",
            ["branding.origins", "learn.example.org"],
        ),
        (
            "origins = [\"https://a.org/page\"]",
            ["branding.origins", "/page"],
        ),
        ("origins = [\"https://*.a.org\"]", ["branding.origins", "*.a.org"]),
        (
            "origins = [\"https://a.org;script-src\"]",
            ["branding.origins", "script-src"],
        ),
        ("origins = [\"ftp://a.org\"]", ["branding.origins", "ftp"]),
        ("origins = [\"https://me@a.org\"]", ["branding.origins", "me@"]),
    ] {
        let error = folder.read(&format!("[branding]\n{text}")).err();
        let error = error.map(|error| format!("{error:#}")).unwrap_or_default();
        assert!(parts.iter().all(|part| error.contains(part)), "{text}: {error}");
    }
    let long = format!("[branding]\nwelcome = \"{}\"", "x".repeat(601));
    assert!(folder.read(&long).is_err());
}
