//! Markers that accept the keys next to them, and the reason that follows a marker.

use std::ops::Range;

use super::blank::is_invisible;

/// friskey's own marker.
pub const OWN_MARKER: &str = "friskey:allow";

/// Every marker that is honored: friskey's own and those of other tools.
pub const MARKERS: &[&str] = &[
    OWN_MARKER,
    "gitleaks:allow",
    "betterleaks:allow",
    "trufflehog:ignore",
    "kingfisher:ignore",
    "pragma: allowlist secret",
    "pragma:allowlist secret",
    "pragma: whitelist secret",
    "pragma: allowlist nextline secret",
];

/// Maximum length of a marker, in bytes.
pub(super) const MAX_MARKER_BYTES: usize = 40;

/// Maximum length of a reason, in bytes; the rest is dropped.
pub(super) const MAX_REASON_BYTES: usize = 200;

/// What can end a comment in the middle of a line.
const COMMENT_ENDS: &[&str] =
    &["*/", "-->", "*)", "%>", "#}", "}}", "]]", "=#", "--}}", "-}", "|#", "+/", "#>"];

/// A word of at least this many bytes may be a key.
const MIN_KEY_LIKE_BYTES: usize = 16;

/// A marker and its range in the line.
pub(super) type MarkerMatch = (Range<usize>, &'static str);

/// All markers in `line`, in order.
pub(super) fn find_all(line: &[u8]) -> Vec<MarkerMatch> {
    let mut matches: Vec<MarkerMatch> = MARKERS
        .iter()
        .flat_map(|&marker| {
            memchr::memmem::find_iter(line, marker).map(move |start| (start..start + marker.len(), marker))
        })
        .filter(|(range, _)| is_word(line, range))
        .collect();
    matches.sort_by_key(|(range, _)| range.start);
    matches
}

/// Whether the marker at `range` is a whole word. `friskey:allowed` and `friskey:allow-list` are other words, but
/// `--friskey:allow-->` contains the marker.
fn is_word(line: &[u8], range: &Range<usize>) -> bool {
    let is_word_byte =
        |index: usize| line.get(index).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    let before = range.start.checked_sub(1).is_some_and(is_word_byte);
    let after =
        is_word_byte(range.end) || (line.get(range.end) == Some(&b'-') && is_word_byte(range.end + 1));
    !before && !after
}

/// The range of the first sign in `rest`, the text after a marker, that ends the comment around the marker.
pub(super) fn comment_end(rest: &[u8]) -> Option<Range<usize>> {
    COMMENT_ENDS
        .iter()
        .filter_map(|end| memchr::memmem::find(rest, end.as_bytes()).map(|start| start..start + end.len()))
        .min_by_key(|range| range.start)
}

/// The reason in `rest`, the text after a marker; `None` if it has no visible letter or digit. `is_whole`: `rest` extends to the
/// end of the line. Otherwise the last word may be a fragment of a key, which redaction would not recognize, so it is
/// dropped.
pub(super) fn reason(rest: &[u8], is_whole: bool) -> Option<String> {
    let comment_end = comment_end(rest).map_or(rest.len(), |sign| sign.start);
    let end = comment_end.min(MAX_REASON_BYTES);
    // The minimum length, in bytes, of a last word that is dropped.
    let dropped_word_len = match end {
        _ if end < comment_end || (end == rest.len() && !is_whole) => Some(0),
        // A key may contain the sign that was taken for the end of the comment.
        _ if end < rest.len() => Some(MIN_KEY_LIKE_BYTES),
        _ => None,
    };
    let text = String::from_utf8_lossy(&rest[..end]);
    let text = match dropped_word_len {
        Some(min_len) => {
            let last = text.rfind(char::is_whitespace).map_or(0, |blank| blank + 1);
            if text.len() - last >= min_len { &text[..last] } else { &text }
        }
        None => &text,
    };
    let is_separator = |c: char| c.is_whitespace() || ":-=,–—".contains(c);
    let text = text.trim_start_matches(is_separator);
    let text = text.trim_end_matches(|c: char| c.is_whitespace() || "\"',;}]".contains(c));
    text.chars().any(|c| c.is_alphanumeric() && !is_invisible(c)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_marker_is_longer_than_the_maximum() {
        assert!(MARKERS.iter().all(|marker| marker.len() <= MAX_MARKER_BYTES));
    }

    #[test]
    fn a_marker_must_be_a_whole_word() {
        let count = |line: &str| find_all(line.as_bytes()).len();
        for line in ["friskey:allow", "--friskey:allow x", "<!--friskey:allow-->", "(gitleaks:allow)"] {
            assert_eq!(count(line), 1, "{line}");
        }
        for line in ["friskey:allowed", "xfriskey:allow", "friskey:allow-list", "friskey: allow"] {
            assert_eq!(count(line), 0, "{line}");
        }
        assert_eq!(count("# pragma: allowlist secret, friskey:allow why"), 2);
    }

    #[test]
    fn the_reason_follows_the_marker() {
        let reason = |rest: &str| reason(rest.as_bytes(), true);
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(reason(" revoked sample "), some("revoked sample"));
        assert_eq!(reason(": from the docs (page 3)"), some("from the docs (page 3)"));
        assert_eq!(reason(" sample */ let x = 1;"), some("sample"));
        assert_eq!(reason(" sample-->"), some("sample"));
        assert_eq!(reason(" prüfen\"},"), some("prüfen"));
        assert_eq!(reason(""), None);
        assert_eq!(reason(" -->"), None);
        assert_eq!(reason(" */ code"), None);
        assert_eq!(reason(" !!"), None);
        assert_eq!(reason(" \u{3164}\u{200b}"), None);
    }

    #[test]
    fn a_reason_never_ends_within_a_word() {
        let long = format!(" {} {}", "a".repeat(180), "b".repeat(40));
        assert_eq!(reason(long.as_bytes(), true), Some("a".repeat(180)));
        assert_eq!(reason(b" why not", false).as_deref(), Some("why"));
        let key_like = format!(" why {}-->", "k".repeat(20));
        assert_eq!(reason(key_like.as_bytes(), true).as_deref(), Some("why"));
    }
}
