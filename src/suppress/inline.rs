//! Finds the markers around a key.
//!
//! A marker accepts the keys on its own line. On a line that is only a comment it accepts those of the next
//! line instead, so that a marker meant for its own line never applies to another. A marker must also be close
//! to the key, since lines can be megabytes long.

use std::borrow::Cow;
use std::ops::Range;

use super::marker::{self, MAX_MARKER_BYTES, MAX_REASON_BYTES, OWN_MARKER};

/// The most bytes between a marker and a key on the same line, and between the key and the start of its line if
/// the marker is on the line before.
const MAX_DISTANCE: usize = 200;

/// The most bytes of a line that is only a comment.
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

/// The marker that accepts the key at `span` of `bytes`. Of several, markers with a reason come first, then
/// friskey's own. `encoding` is that of the key. `holds_key` says whether a line contains a key, to which a
/// marker on that line then applies.
pub fn find_marker(
    bytes: &[u8],
    span: Range<usize>,
    encoding: &str,
    holds_key: &dyn Fn(&[u8]) -> bool,
) -> Option<InlineMarker> {
    let unit = if encoding.starts_with("utf-16") { 2 } else { 1 };
    let low = span.start.saturating_sub(LOOK_BEHIND * unit);
    let high = bytes.len().min(span.end.saturating_add(LOOK_AHEAD * unit));
    let from_start = low == 0;
    // UTF-16 units are aligned with the key.
    let low = low + (span.start - low) % unit;
    let before = as_utf8(&bytes[low..span.start], encoding);
    let after = as_utf8(&bytes[span.end..high], encoding);
    let mut marks = after_key(&after, high == bytes.len());
    marks.extend(before_key(&before));
    if let Some(line) = line_before(&before, from_start)
        && let Some(found) = comment_markers(line)
        && !holds_key(line)
    {
        marks.extend(found);
    }
    marks.into_iter().min_by_key(|mark| (mark.reason.is_none(), mark.marker != OWN_MARKER))
}

/// The text as UTF-8, or as it is if it is not UTF-16.
fn as_utf8<'a>(bytes: &'a [u8], encoding: &str) -> Cow<'a, [u8]> {
    let read: fn([u8; 2]) -> u16 = match encoding {
        "utf-16le" => u16::from_le_bytes,
        "utf-16be" => u16::from_be_bytes,
        _ => return Cow::Borrowed(bytes),
    };
    let units = bytes.chunks_exact(2).map(|pair| read([pair[0], pair[1]]));
    let text: String = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    Cow::Owned(text.into_bytes())
}

/// Markers on the key's line after it.
fn after_key(after: &[u8], at_end: bool) -> Vec<InlineMarker> {
    let end = memchr::memchr(b'\n', after);
    let line = &after[..end.unwrap_or(after.len())];
    let near = |at: &Range<usize>| at.start <= MAX_DISTANCE;
    markers_on(line, end.is_some() || at_end, near, |_| true)
}

/// Markers on the key's line before it. The text between such a marker and the key is a reason only if a
/// comment ends there.
fn before_key(before: &[u8]) -> Vec<InlineMarker> {
    let line = &before[memchr::memrchr(b'\n', before).map_or(0, |at| at + 1)..];
    let near = |at: &Range<usize>| line.len() - at.end <= MAX_DISTANCE;
    markers_on(line, true, near, |rest| marker::comment_end(rest).is_some())
}

/// The line above the key's line, if the relevant part of both is in `before`.
fn line_before(before: &[u8], from_start: bool) -> Option<&[u8]> {
    let own = memchr::memrchr(b'\n', before)?;
    let start = match memchr::memrchr(b'\n', &before[..own]) {
        Some(at) => at + 1,
        None if from_start => 0,
        None => return None,
    };
    let line = &before[start..own];
    (before.len() - own - 1 <= MAX_DISTANCE && line.len() <= MAX_COMMENT_BYTES).then_some(line)
}

/// The markers on `line`, if it is only a comment: nothing but comment signs before the first marker, and
/// nothing after the end of the comment.
fn comment_markers(line: &[u8]) -> Option<Vec<InlineMarker>> {
    let places = marker::find_all(line);
    let (first, _) = places.first()?;
    let opening = line[..first.start].trim_ascii();
    // A file may start with a byte order mark.
    let opening = opening.strip_prefix("\u{feff}".as_bytes()).unwrap_or(opening).trim_ascii();
    let signs = opening.iter().all(|byte| b"#/*-;%<!{(.:'|>=@\"\\[+`~$ \t".contains(byte));
    let word = [&b"rem"[..], b"dnl", b"@rem", b"\\comment", b"comment", b"//!", b"nb."]
        .iter()
        .any(|word| opening.eq_ignore_ascii_case(word));
    let rest = &line[first.end..];
    let behind = marker::comment_end(rest).map_or(&[][..], |at| &rest[at.end..]);
    // JSX wraps comments in braces.
    let only = behind.iter().all(|byte| byte.is_ascii_whitespace() || *byte == b'}');
    // Comments of Vim start with a quote; but if there is a second quote, this is a string.
    let is_string = opening == b"\"" && rest.contains(&b'"');
    ((signs || word) && only && !is_string).then(|| markers_on(line, true, |_| true, |_| true))
}

/// The markers on `line` that are `near`. A reason extends to the next marker; `has_reason` says whether the
/// text after a marker may be its reason.
fn markers_on(
    line: &[u8],
    whole: bool,
    near: impl Fn(&Range<usize>) -> bool,
    has_reason: impl Fn(&[u8]) -> bool,
) -> Vec<InlineMarker> {
    let places = marker::find_all(line);
    let mut marks = Vec::new();
    for (index, (at, marker)) in places.iter().enumerate() {
        let next = places.get(index + 1);
        let rest = &line[at.end..next.map_or(line.len(), |(next, _)| next.start.max(at.end))];
        if near(at) {
            let reason = has_reason(rest).then(|| marker::reason(rest, whole || next.is_some())).flatten();
            marks.push(InlineMarker { marker, reason });
        }
    }
    marks
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `KKKK` marks the key.
    fn find(text: &str) -> Option<InlineMarker> {
        let at = text.find("KKKK").unwrap();
        find_marker(text.as_bytes(), at..at + 4, "utf-8", &|line| line.windows(4).any(|w| w == b"KKKK"))
    }

    fn own(reason: Option<&str>) -> Option<InlineMarker> {
        Some(InlineMarker { marker: OWN_MARKER, reason: reason.map(str::to_owned) })
    }

    #[test]
    fn finds_markers_on_the_same_line() {
        assert_eq!(find("a = KKKK # friskey:allow sample\r\n"), own(Some("sample")));
        assert_eq!(find("a = KKKK # friskey:allow"), own(None));
        assert_eq!(find("/* friskey:allow sample */ a = KKKK;"), own(Some("sample")));
        assert_eq!(find("friskey:allow a = KKKK;"), own(None));
        assert_eq!(find("a = KKKK\n# friskey:allow sample"), None);
    }

    #[test]
    fn on_the_line_before_only_a_comment_of_its_own_counts() {
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
            assert_eq!(find(&format!("x\n{line}\n  a = KKKK\n")), own(Some("why")), "{line}");
            assert_eq!(find(&format!("{line}\na = KKKK")), own(Some("why")), "{line}, first");
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
            let at = text.rfind("KKKK").unwrap();
            let holds = |line: &[u8]| line.windows(4).any(|w| w == b"KKKK");
            assert_eq!(find_marker(text.as_bytes(), at..at + 4, "utf-8", &holds), None, "{line}");
        }
    }

    #[test]
    fn a_comment_that_contains_a_key_applies_to_it() {
        let text = "# friskey:allow KKKK\na = LLLL";
        let holds = |line: &[u8]| line.windows(4).any(|w| w == b"KKKK");
        assert_eq!(find_marker(text.as_bytes(), 25..29, "utf-8", &holds), None);
        assert_eq!(find_marker(text.as_bytes(), 16..20, "utf-8", &holds), own(None));
    }

    #[test]
    fn applies_within_200_bytes() {
        let gap = |n| " ".repeat(n);
        assert_eq!(find(&format!("KKKK{}friskey:allow x", gap(200))), own(Some("x")));
        assert_eq!(find(&format!("KKKK{}friskey:allow x", gap(201))), None);
        assert_eq!(find(&format!("friskey:allow{}KKKK", gap(200))), own(None));
        assert_eq!(find(&format!("friskey:allow{}KKKK", gap(201))), None);
        assert_eq!(find(&format!("# friskey:allow x\n{}KKKK", gap(200))), own(Some("x")));
        assert_eq!(find(&format!("# friskey:allow x\n{}KKKK", gap(201))), None);
        let comment = |n| format!("\n#{}friskey:allow x\n KKKK", gap(n));
        assert_eq!(find(&comment(384)), own(Some("x")));
        assert_eq!(find(&comment(385)), None);
    }

    #[test]
    fn prefers_markers_with_a_reason_then_its_own() {
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
            assert_eq!(find_marker(&bytes, span, encoding, &|_| false), own(Some("für Tests")), "{encoding}");
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
