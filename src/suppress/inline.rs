//! Finds the markers around a key.
//!
//! A marker accepts the keys on its own line. On a line that is only a comment it accepts those of the next
//! line instead, so that a marker meant for its own line never applies to another. A marker must also be close
//! to the key, since lines can be megabytes long.

use std::borrow::Cow;
use std::ops::Range;

use super::marker::{self, MAX_MARKER_BYTES, MAX_REASON_BYTES, OWN_MARKER};

/// Maximum number of bytes between a marker and a key on the same line, and between the start of the line and the key if
/// the marker is on the line before.
const MAX_DISTANCE: usize = 200;

/// Maximum length of the comment on the line before a key, in bytes.
const MAX_COMMENT_BYTES: usize = 400;

/// Bytes examined on each side of a key. Less than the detector keeps around every match, so that the result
/// does not depend on where a stream is split.
const LOOK_BEHIND: usize = MAX_DISTANCE + MAX_COMMENT_BYTES + 3;
const LOOK_AHEAD: usize = MAX_DISTANCE + MAX_MARKER_BYTES + MAX_REASON_BYTES;

/// A marker that applies to a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InlineMarker {
    /// One of [`MARKERS`](super::MARKERS).
    pub marker: &'static str,
    /// The text after it, at most 200 bytes, not yet redacted.
    pub reason: Option<String>,
}

/// The marker that accepts the key at `span` of `bytes`, whose encoding is `encoding`. Of several, markers with a reason
/// are preferred, then friskey's own. `has_key` returns whether a line contains a key: then a marker on that line
/// applies to that key and not to the next line.
pub fn find_marker(
    bytes: &[u8],
    span: Range<usize>,
    encoding: &str,
    has_key: &dyn Fn(&[u8]) -> bool,
) -> Option<InlineMarker> {
    let unit = if encoding.starts_with("utf-16") { 2 } else { 1 };
    let low = span.start.saturating_sub(LOOK_BEHIND * unit);
    let high = bytes.len().min(span.end.saturating_add(LOOK_AHEAD * unit));
    let is_whole_start = low == 0;
    // UTF-16 units are aligned with the key.
    let low = low + (span.start - low) % unit;
    let before = as_utf8(&bytes[low..span.start], encoding);
    let after = as_utf8(&bytes[span.end..high], encoding);
    let mut markers = markers_after_key(&after, high == bytes.len());
    markers.extend(markers_before_key(&before));
    if let Some(line) = line_before(&before, is_whole_start)
        && let Some(line_markers) = comment_markers(line)
        && !has_key(line)
    {
        markers.extend(line_markers);
    }
    markers.into_iter().min_by_key(|found| (found.reason.is_none(), found.marker != OWN_MARKER))
}

/// Converts text in UTF-16 to UTF-8; returns other text unchanged.
fn as_utf8<'a>(bytes: &'a [u8], encoding: &str) -> Cow<'a, [u8]> {
    let unit: fn([u8; 2]) -> u16 = match encoding {
        "utf-16le" => u16::from_le_bytes,
        "utf-16be" => u16::from_be_bytes,
        _ => return Cow::Borrowed(bytes),
    };
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    let text: String = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    Cow::Owned(text.into_bytes())
}

/// Markers on the key's line after it. `is_whole_end`: `after` extends to the end of the text.
fn markers_after_key(after: &[u8], is_whole_end: bool) -> Vec<InlineMarker> {
    let end = memchr::memchr(b'\n', after);
    let line = &after[..end.unwrap_or(after.len())];
    let is_near = |range: &Range<usize>| range.start <= MAX_DISTANCE;
    markers_on(line, end.is_some() || is_whole_end, is_near, |_| true)
}

/// Markers on the key's line before it. The text between such a marker and the key is a reason only if a
/// comment ends there.
fn markers_before_key(before: &[u8]) -> Vec<InlineMarker> {
    let line = &before[memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1)..];
    let is_near = |range: &Range<usize>| line.len() - range.end <= MAX_DISTANCE;
    markers_on(line, true, is_near, |rest| marker::comment_end(rest).is_some())
}

/// The line above the key's line, if that line and the start of the key's are in `before` and short enough.
/// `is_whole_start`: `before` extends to the start of the text.
fn line_before(before: &[u8], is_whole_start: bool) -> Option<&[u8]> {
    let line_end = memchr::memrchr(b'\n', before)?;
    let start = match memchr::memrchr(b'\n', &before[..line_end]) {
        Some(newline) => newline + 1,
        None if is_whole_start => 0,
        None => return None,
    };
    let line = &before[start..line_end];
    (before.len() - line_end - 1 <= MAX_DISTANCE && line.len() <= MAX_COMMENT_BYTES).then_some(line)
}

/// The markers on `line`, if it is only a comment: nothing but comment signs before the first marker, and
/// nothing after the end of the comment.
fn comment_markers(line: &[u8]) -> Option<Vec<InlineMarker>> {
    let matches = marker::find_all(line);
    let (first, _) = matches.first()?;
    let opening = line[..first.start].trim_ascii();
    // A file may start with a byte order mark.
    let opening = opening.strip_prefix("\u{feff}".as_bytes()).unwrap_or(opening).trim_ascii();
    let has_only_signs = opening.iter().all(|byte| b"#/*-;%<!{(.:'|>=@\"\\[+`~$ \t".contains(byte));
    let is_comment_word = [&b"rem"[..], b"dnl", b"@rem", b"\\comment", b"comment", b"//!", b"nb."]
        .iter()
        .any(|word| opening.eq_ignore_ascii_case(word));
    let rest = &line[first.end..];
    let after_comment = marker::comment_end(rest).map_or(&[][..], |end| &rest[end.end..]);
    // JSX wraps comments in braces.
    let is_only_comment = after_comment.iter().all(|byte| byte.is_ascii_whitespace() || *byte == b'}');
    // Comments of Vim start with a quote; but if there is a second quote, this is a string.
    let is_string = opening == b"\"" && rest.contains(&b'"');
    ((has_only_signs || is_comment_word) && is_only_comment && !is_string)
        .then(|| markers_on(line, true, |_| true, |_| true))
}

/// The markers on `line` whose range `is_near` accepts. A reason extends to the next marker; `has_reason` returns whether
/// the text after a marker may be its reason. `is_whole`: `line` extends to the end of the line.
fn markers_on(
    line: &[u8],
    is_whole: bool,
    is_near: impl Fn(&Range<usize>) -> bool,
    has_reason: impl Fn(&[u8]) -> bool,
) -> Vec<InlineMarker> {
    let matches = marker::find_all(line);
    let mut markers = Vec::new();
    for (index, (range, marker)) in matches.iter().enumerate() {
        let next = matches.get(index + 1);
        let rest = &line[range.end..next.map_or(line.len(), |(next, _)| next.start.max(range.end))];
        if is_near(range) {
            let reason = has_reason(rest).then(|| marker::reason(rest, is_whole || next.is_some())).flatten();
            markers.push(InlineMarker { marker, reason });
        }
    }
    markers
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The marker that accepts the key in `text`, written as `KKKK`.
    fn find(text: &str) -> Option<InlineMarker> {
        let start = text.find("KKKK").unwrap();
        find_marker(text.as_bytes(), start..start + 4, "utf-8", &|line| line.windows(4).any(|w| w == b"KKKK"))
    }

    fn friskey_marker(reason: Option<&str>) -> Option<InlineMarker> {
        Some(InlineMarker { marker: OWN_MARKER, reason: reason.map(str::to_owned) })
    }

    #[test]
    fn finds_markers_on_the_same_line() {
        assert_eq!(find("a = KKKK # friskey:allow sample\r\n"), friskey_marker(Some("sample")));
        assert_eq!(find("a = KKKK # friskey:allow"), friskey_marker(None));
        assert_eq!(find("/* friskey:allow sample */ a = KKKK;"), friskey_marker(Some("sample")));
        assert_eq!(find("friskey:allow a = KKKK;"), friskey_marker(None));
        assert_eq!(find("a = KKKK\n# friskey:allow sample"), None);
    }

    #[test]
    fn a_marker_on_the_line_before_applies_if_the_line_is_only_a_comment() {
        for line in [
            "# friskey:allow why",
            "  // friskey:allow why",
            "<!-- friskey:allow why -->",
            "/* friskey:allow why */ ",
            "REM friskey:allow why",
            "-- friskey:allow why\r",
            "friskey:allow why",
            "\u{feff}# friskey:allow why",
            "\" friskey:allow why",
            "{/* friskey:allow why */}",
            "  { /* friskey:allow why */ }",
            "--[[ friskey:allow why ]]",
            "%% friskey:allow why",
            "; friskey:allow why",
            ":: friskey:allow why",
            "@REM friskey:allow why",
            "' friskey:allow why",
            "#= friskey:allow why =#",
            "{- friskey:allow why -}",
            "(* friskey:allow why *)",
            "<# friskey:allow why #>",
            "<%# friskey:allow why %>",
            "{{!-- friskey:allow why --}}",
        ] {
            assert_eq!(find(&format!("x\n{line}\n  a = KKKK\n")), friskey_marker(Some("why")), "{line}");
            assert_eq!(find(&format!("{line}\na = KKKK")), friskey_marker(Some("why")), "{line}, first");
            assert_eq!(find(&format!("{line}\n\na = KKKK")), None, "{line}, a line between");
        }
        for line in [
            "b = 1 # friskey:allow why",
            "#define B 1 // friskey:allow why",
            "/* friskey:allow why */ b = 1",
            "# b = KKKK friskey:allow why",
            "\"x\": \"friskey:allow why\",",
            "\"friskey:allow why\",",
        ] {
            let text = format!("{line}\na = kkkk").replace("kkkk", "KKKK");
            let start = text.rfind("KKKK").unwrap();
            let has_key = |line: &[u8]| line.windows(4).any(|w| w == b"KKKK");
            assert_eq!(find_marker(text.as_bytes(), start..start + 4, "utf-8", &has_key), None, "{line}");
        }
    }

    #[test]
    fn a_marker_in_a_comment_with_a_key_applies_to_that_key_only() {
        let text = "# friskey:allow KKKK\na = LLLL";
        let has_key = |line: &[u8]| line.windows(4).any(|w| w == b"KKKK");
        assert_eq!(find_marker(text.as_bytes(), 25..29, "utf-8", &has_key), None);
        assert_eq!(find_marker(text.as_bytes(), 16..20, "utf-8", &has_key), friskey_marker(None));
    }

    #[test]
    fn a_marker_applies_within_200_bytes() {
        let spaces = |n| " ".repeat(n);
        assert_eq!(find(&format!("KKKK{}friskey:allow x", spaces(200))), friskey_marker(Some("x")));
        assert_eq!(find(&format!("KKKK{}friskey:allow x", spaces(201))), None);
        assert_eq!(find(&format!("friskey:allow{}KKKK", spaces(200))), friskey_marker(None));
        assert_eq!(find(&format!("friskey:allow{}KKKK", spaces(201))), None);
        assert_eq!(find(&format!("# friskey:allow x\n{}KKKK", spaces(200))), friskey_marker(Some("x")));
        assert_eq!(find(&format!("# friskey:allow x\n{}KKKK", spaces(201))), None);
        let comment = |n| format!("\n#{}friskey:allow x\n KKKK", spaces(n));
        assert_eq!(find(&comment(384)), friskey_marker(Some("x")));
        assert_eq!(find(&comment(385)), None);
    }

    #[test]
    fn markers_with_a_reason_are_preferred_then_friskeys_own() {
        let marker = |text| find(text).unwrap().marker;
        assert_eq!(marker("KKKK # gitleaks:allow friskey:allow"), OWN_MARKER);
        assert_eq!(marker("KKKK # friskey:allow gitleaks:allow why"), "gitleaks:allow");
        assert_eq!(marker("KKKK  # pragma: allowlist secret"), "pragma: allowlist secret");
        assert_eq!(marker("# trufflehog:ignore\nKKKK"), "trufflehog:ignore");
    }

    #[test]
    fn reads_utf_16() {
        let text = "x\n# friskey:allow für Tests\nKKKK";
        for (encoding, write) in
            [("utf-16le", u16::to_le_bytes as fn(u16) -> [u8; 2]), ("utf-16be", u16::to_be_bytes)]
        {
            let bytes: Vec<u8> = text.encode_utf16().flat_map(write).collect();
            let span = bytes.len() - 8..bytes.len();
            assert_eq!(
                find_marker(&bytes, span, encoding, &|_| false),
                friskey_marker(Some("für Tests")),
                "{encoding}"
            );
        }
    }

    #[test]
    fn never_panics() {
        let text = b"# friskey:allow \xff\n\xc3KK friskey:allow */ x\n--friskey:allow-->";
        for start in 0..text.len() {
            for end in start..text.len() {
                for encoding in ["utf-8", "utf-16le", "utf-16be"] {
                    let _ = find_marker(text, start..end, encoding, &|_| false);
                }
            }
        }
    }
}
