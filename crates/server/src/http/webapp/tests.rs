use super::*;
use crate::branding::Asset;

fn app() -> WebApp {
    let script = "console.log('hello'); ".repeat(200);
    let files = [
        ("index.html", "<!doctype html>", "text/html"),
        ("assets/index-abc.js", script.as_str(), "text/javascript"),
        ("robots.txt", "User-agent: *", "text/plain"),
    ];
    let files = files.map(|(name, text, kind)| {
        let mut file = File::new(name, Bytes::from(text.to_owned()), kind, "abc").unwrap();
        if name.ends_with(".js") {
            file.forms = ["br", "gzip"]
                .map(|coding| (coding, Bytes::from(coding)))
                .to_vec();
        }
        (name.to_owned(), file)
    });
    WebApp::of(BTreeMap::from(files), Framing::default())
}

async fn get(path: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = Request::builder().uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    serve(app(), request.body(Body::empty()).unwrap()).await
}

fn value(response: &Response, name: &str) -> String {
    response
        .headers()
        .get(name)
        .map(|value| value.to_str().unwrap().to_owned())
        .unwrap_or_default()
}

#[tokio::test]
async fn rooms_are_paths_of_the_app() {
    for path in ["/", "/Weekly", "/%C3%A9t%C3%A9", "/settings", "/a/b"] {
        let response = get(path, &[]).await;
        assert_eq!(response.status(), StatusCode::OK, "for {path}");
        assert_eq!(value(&response, "content-type"), "text/html; charset=utf-8");
        assert_eq!(value(&response, "cache-control"), "no-cache");
    }
}

#[tokio::test]
async fn paths_of_the_server_are_never_the_app() {
    for path in [
        "/assets/gone.js",
        "/metrics",
        "/api/v2",
        "/RTC/v9",
        "/agent",
        "/../etc/passwd/../api",
    ] {
        let status = get(path, &[]).await.status();
        let expected = if path.starts_with("/..") {
            StatusCode::OK
        } else {
            StatusCode::NOT_FOUND
        };
        assert_eq!(status, expected, "for {path}");
    }
}

#[tokio::test]
async fn assets_are_compressed_and_kept_for_good() {
    for (accept, encoding) in [
        ("gzip, br", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("identity", ""),
        ("", ""),
    ] {
        let response = get("/assets/index-abc.js", &[("accept-encoding", accept)]).await;
        assert_eq!(value(&response, "content-encoding"), encoding, "for {accept:?}");
        assert_eq!(
            value(&response, "cache-control"),
            "public, max-age=31536000, immutable"
        );
        assert_eq!(value(&response, "vary"), "Accept-Encoding");
    }
    assert_eq!(
        value(
            &get("/robots.txt", &[("accept-encoding", "br")]).await,
            "content-encoding"
        ),
        ""
    );
}

#[tokio::test]
async fn what_the_browser_has_is_not_sent_again() {
    for (tag, expected) in [
        ("\"abc\"", StatusCode::NOT_MODIFIED),
        ("W/\"abc\"", StatusCode::NOT_MODIFIED),
        ("\"x\"", StatusCode::OK),
    ] {
        assert_eq!(
            get("/", &[("if-none-match", tag)]).await.status(),
            expected,
            "for {tag}"
        );
    }
}

#[tokio::test]
async fn the_root_tells_other_origins_that_we_are_here() {
    assert_eq!(value(&get("/", &[]).await, "access-control-allow-origin"), "*");
    assert_eq!(
        value(&get("/Weekly", &[]).await, "access-control-allow-origin"),
        ""
    );
}

#[tokio::test]
async fn nothing_but_reading_is_possible() {
    let request = Request::builder()
        .method(Method::POST)
        .uri("/Weekly")
        .body(Body::empty())
        .unwrap();
    assert_eq!(
        serve(app(), request).await.status(),
        StatusCode::METHOD_NOT_ALLOWED
    );
}

#[tokio::test]
async fn a_binary_without_the_app_says_so() {
    let empty = WebApp::of(BTreeMap::new(), Framing::default());
    let request = Request::builder().uri("/Weekly").body(Body::empty()).unwrap();
    let response = serve(empty, request).await;
    let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
    assert!(String::from_utf8(body.to_vec()).unwrap().contains("make build"));
}

#[tokio::test]
async fn the_brand_stands_before_the_built_app_and_its_pictures_do_nothing_by_themselves() {
    let worn = |name: &str, text: &'static str, kind, foreign| Asset {
        name: name.to_owned(),
        bytes: Bytes::from_static(text.as_bytes()),
        kind,
        foreign,
    };
    let app = app();
    let ask = |path: &'static str| {
        let request = Request::builder().uri(path).body(Body::empty()).unwrap();
        serve(app.clone(), request)
    };
    app.wear(Brand {
        assets: vec![
            worn("index.html", "<title>Agora</title>", "text/html", false),
            worn("branding/logo.svg", "<svg/>", "image/svg+xml", true),
        ],
        origins: Vec::new(),
        complaints: Vec::new(),
    });
    let page = ask("/Weekly").await;
    assert_eq!(value(&page, "content-type"), "text/html; charset=utf-8");
    let etag = value(&page, "etag");
    let body = axum::body::to_bytes(page.into_body(), 10_000).await.unwrap();
    assert_eq!(&body[..], b"<title>Agora</title>");

    let logo = ask("/branding/logo.svg").await;
    assert_eq!(value(&logo, "content-type"), "image/svg+xml");
    assert_eq!(value(&logo, "content-security-policy"), FOREIGN_POLICY);
    assert_eq!(ask("/branding/gone.svg").await.status(), StatusCode::NOT_FOUND);

    app.wear(Brand {
        assets: vec![worn("index.html", "<title>Forum</title>", "text/html", false)],
        origins: Vec::new(),
        complaints: Vec::new(),
    });
    assert_ne!(
        value(&ask("/").await, "etag"),
        etag,
        "browsers see that it is another"
    );
    assert_eq!(ask("/branding/logo.svg").await.status(), StatusCode::NOT_FOUND);
}
