//! What a file is, by its content and not by what it is called.

/// Bytes at either end that are looked at.
pub const ENDS: u64 = 64 * 1024;
/// A type nothing else is known of.
const UNKNOWN: &str = "application/octet-stream";
/// Where readers of PDF still find its beginning.
const PDF_REACH: usize = 1_024;
/// How far into a text browsers look for markup.
const MARKUP_REACH: usize = 4_096;

/// Beginnings of contents: how far in, the bytes, and the media type.
const SIGNATURES: [(usize, &[u8], &str); 33] = [
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (8, b"WAVE", "audio/wav"),
    (8, b"AVI ", "video/x-msvideo"),
    (4, b"ftypavif", "image/avif"),
    (4, b"ftypheic", "image/heic"),
    (4, b"ftypM4A", "audio/mp4"),
    (4, b"ftypqt", "video/quicktime"),
    (4, b"ftyp", "video/mp4"),
    (0, b"\x1a\x45\xdf\xa3", "video/webm"),
    (0, b"OggS", "audio/ogg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"\xff\xf3", "audio/mpeg"),
    (0, b"BM", "image/bmp"),
    (0, b"II*\0", "image/tiff"),
    (0, b"MM\0*", "image/tiff"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"PK\x05\x06", "application/zip"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"Rar!\x1a\x07", "application/vnd.rar"),
    (0, b"\x1f\x8b", "application/gzip"),
    (0, b"{\\rtf", "application/rtf"),
    (
        0,
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "application/x-ole-storage",
    ),
    (0, b"MZ", "application/vnd.microsoft.portable-executable"),
    (0, b"\x7fELF", "application/x-executable"),
    (0, b"\xca\xfe\xba\xbe", "application/x-executable"),
    (0, b"\xcf\xfa\xed\xfe", "application/x-executable"),
];

/// Contents that run on their own, refused unless the operator lists them.
pub const PROGRAMS: [&str; 2] = [
    "application/vnd.microsoft.portable-executable",
    "application/x-executable",
];

/// Names that promise a type, which the content must keep.
const PROMISES: [(&str, &[&str]); 24] = [
    ("png", &["image/png"]),
    ("jpg", &["image/jpeg"]),
    ("jpeg", &["image/jpeg"]),
    ("gif", &["image/gif"]),
    ("webp", &["image/webp"]),
    ("avif", &["image/avif"]),
    ("heic", &["image/heic"]),
    ("bmp", &["image/bmp"]),
    ("pdf", &["application/pdf"]),
    ("zip", &["application/zip"]),
    ("docx", &["application/zip"]),
    ("xlsx", &["application/zip"]),
    ("pptx", &["application/zip"]),
    ("odt", &["application/zip"]),
    ("ods", &["application/zip"]),
    ("odp", &["application/zip"]),
    ("mp3", &["audio/mpeg"]),
    ("wav", &["audio/wav"]),
    ("flac", &["audio/flac"]),
    ("ogg", &["audio/ogg"]),
    ("mp4", &["video/mp4", "video/quicktime", "audio/mp4"]),
    ("mov", &["video/mp4", "video/quicktime"]),
    ("webm", &["video/webm"]),
    ("avi", &["video/x-msvideo"]),
];

/// Why a content is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TypeRefusal {
    /// It can be read as two things.
    Polyglot,
    /// It is not what its name promises.
    Misnamed,
    /// Such contents are not shared on this server.
    NotAllowed,
}

/// Finds the media type of a content by its beginning `head` and its end `tail`, and judges it. `allowed` lists types,
/// or `image/*` and the like; empty allows all but programs.
pub fn judge(name: &str, head: &[u8], tail: &[u8], allowed: &[String]) -> Result<&'static str, TypeRefusal> {
    let kind = kind_of(head);
    if is_polyglot(kind, head, tail) {
        return Err(TypeRefusal::Polyglot);
    }
    let extension = name
        .rsplit_once('.')
        .map(|(_, extension)| extension.to_ascii_lowercase());
    let promised = PROMISES
        .iter()
        .find(|(promise, _)| extension.as_deref() == Some(promise));
    // An empty archive or a picture without content is harmless; everything else keeps its promise.
    if promised.is_some_and(|(_, kinds)| !kinds.contains(&kind)) {
        return Err(TypeRefusal::Misnamed);
    }
    let matches = |pattern: &String| match pattern.strip_suffix("/*") {
        Some(family) => kind.split_once('/').is_some_and(|(own, _)| own == family),
        None => pattern == kind,
    };
    let fine = if allowed.is_empty() {
        !PROGRAMS.contains(&kind)
    } else {
        allowed.iter().any(matches)
    };
    if fine {
        Ok(kind)
    } else {
        Err(TypeRefusal::NotAllowed)
    }
}

/// How a file is called when it is given out: what a browser would run or draw as a page is nothing in particular.
pub fn served_as(kind: &str) -> &str {
    match kind {
        "text/html" | "image/svg+xml" | "text/xml" => UNKNOWN,
        "text/plain" => "text/plain; charset=utf-8",
        kind => kind,
    }
}

fn kind_of(head: &[u8]) -> &'static str {
    let signed = SIGNATURES.iter().find(|(at, bytes, kind)| {
        let riff = *at != 8 || head.starts_with(b"RIFF");
        // Two bytes are soon met by chance; what follows them must not be a text.
        let sure = bytes.len() > 2 || !is_text(head);
        head.get(*at..).is_some_and(|rest| rest.starts_with(bytes)) && riff && sure && !kind.is_empty()
    });
    match signed {
        Some((_, _, kind)) => kind,
        None if !is_text(head) => UNKNOWN,
        None => markup(head).unwrap_or("text/plain"),
    }
}

/// Whether a content reads as something else too: then its reader, not its type, decides what it does.
fn is_polyglot(kind: &str, head: &[u8], tail: &[u8]) -> bool {
    let text = kind.starts_with("text/") || kind == "image/svg+xml";
    let start = &head[..head.len().min(PDF_REACH)];
    let pdf_too = kind != "application/pdf" && contains(start, b"%PDF-");
    // An archive is found from its end, so that anything may stand before it.
    let archive = kind == "application/zip";
    let zip_too = !archive && contains(tail, b"PK\x05\x06");
    // Pictures carry descriptions in XML; what a browser takes for a page is another thing. Archives may hold pages.
    let may_hold_pages = text || archive || kind == UNKNOWN;
    let markup_too = !may_hold_pages && page_like(&head[..head.len().min(MARKUP_REACH)]);
    pdf_too || zip_too || markup_too
}

fn page_like(head: &[u8]) -> bool {
    let lower = head.to_ascii_lowercase();
    [&b"<script"[..], b"<html", b"<!doctype html", b"<svg", b"<iframe"]
        .iter()
        .any(|word| contains(&lower, word))
}

fn markup(head: &[u8]) -> Option<&'static str> {
    let lower = head[..head.len().min(MARKUP_REACH)].to_ascii_lowercase();
    if contains(&lower, b"<svg") {
        return Some("image/svg+xml");
    }
    if page_like(&lower) || contains(&lower, b"<body") || contains(&lower, b"<head") {
        return Some("text/html");
    }
    lower
        .trim_ascii_start()
        .starts_with(b"<?xml")
        .then_some("text/xml")
}

/// UTF-8 without control characters, but for a last character that is cut.
fn is_text(head: &[u8]) -> bool {
    let valid = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    valid
        .chars()
        .all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t' | '\u{c}'))
}

fn contains(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, content: &[u8], expected: Result<&str, TypeRefusal>) {
        assert_eq!(judge(name, content, content, &[]), expected, "for {name}");
    }

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01";

    #[test]
    fn content_decides_and_not_the_name() {
        check("a", PNG, Ok("image/png"));
        check("a.bin", b"\xff\xd8\xff\xe0\0\x10JFIF", Ok("image/jpeg"));
        check("a.pdf", b"%PDF-1.7\n1 0 obj", Ok("application/pdf"));
        check("a.docx", b"PK\x03\x04\x14\0\x06\0", Ok("application/zip"));
        check("notes.txt", "Über alles\n".as_bytes(), Ok("text/plain"));
        check("BMW.txt", b"BMW is a car maker", Ok("text/plain"));
        check("cut.txt", &"ü".as_bytes()[..1], Ok("text/plain"));
        check("a.dat", &[0, 1, 2, 3], Ok(UNKNOWN));
        check("empty", b"", Ok("text/plain"));
    }

    #[test]
    fn f1_pages_are_known_as_pages_and_given_out_as_nothing_in_particular() {
        for (content, kind) in [
            (
                &b"<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>"[..],
                "image/svg+xml",
            ),
            (b"  <!DOCTYPE html><p>", "text/html"),
            (b"plain <SCRIPT>alert(1)</script>", "text/html"),
            (b"<?xml version='1.0'?><a/>", "text/xml"),
        ] {
            check("a.txt", content, Ok(kind));
            assert_eq!(served_as(kind), UNKNOWN);
        }
    }

    #[test]
    fn f3_what_reads_as_two_things_is_refused() {
        let both = |first: &[u8], second: &[u8]| [first, second].concat();
        for content in [
            both(PNG, b"<script>alert(1)</script>"),
            both(b"GIF89a", b"/*<html>"),
            both(PNG, b"....PK\x05\x06 an archive at the end"),
            both(b"GIF89a", b"%PDF-1.4"),
            both(b"harmless text ", b"PK\x05\x06"),
            both(b"PK\x03\x04", b"%PDF-1.4"),
        ] {
            assert_eq!(judge("a", &content, &content, &[]), Err(TypeRefusal::Polyglot));
        }
    }

    #[test]
    fn a_name_that_promises_something_else_is_refused() {
        check("a.png", b"\xff\xd8\xff\xe0", Err(TypeRefusal::Misnamed));
        check("a.PDF", b"just text", Err(TypeRefusal::Misnamed));
        check("holiday.jpg", b"MZ\x90\0\x03\0", Err(TypeRefusal::Misnamed));
    }

    #[test]
    fn programs_are_refused_unless_they_are_listed() {
        check("setup.exe", b"MZ\x90\0\x03\0", Err(TypeRefusal::NotAllowed));
        check("tool", b"\x7fELF\x02\x01\x01\0", Err(TypeRefusal::NotAllowed));
        let listed = [PROGRAMS[1].to_owned(), "image/*".to_owned()];
        assert!(judge("tool", b"\x7fELF\x02", b"", &listed).is_ok());
        assert!(judge("a.png", PNG, PNG, &listed).is_ok());
        assert_eq!(
            judge("a.txt", b"text", b"", &listed),
            Err(TypeRefusal::NotAllowed)
        );
    }
}
