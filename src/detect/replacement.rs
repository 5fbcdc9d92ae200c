//! What is shown in place of secrets.

use std::ops::Range;

use super::utf16::ByteOrder;
use crate::model::Secret;

/// The replacement of a secret.
#[derive(Clone, Debug)]
pub(super) enum Replacement {
    /// Nothing of the secret.
    Nothing,
    /// The prefix, which shows whose credential it is.
    Prefix(String),
    /// Part of the raw bytes, the first `prefix` of which may be shown.
    Raw { prefix: usize },
    /// Part of the decoded text.
    DecodedText(String),
}

impl Replacement {
    /// The displayed form of the raw bytes.
    pub(super) fn text(&self, raw: &[u8]) -> String {
        match self {
            Self::Nothing => "…".to_owned(),
            Self::Prefix(prefix) => format!("{prefix}…"),
            Self::Raw { prefix } => redacted(raw, *prefix),
            Self::DecodedText(text) => text.clone(),
        }
    }

    /// The displayed form of the rest, if the beginning is already masked.
    pub(super) fn of_the_rest(&self) -> Self {
        match self {
            Self::Prefix(_) => Self::Nothing,
            Self::Raw { .. } => Self::Raw { prefix: 0 },
            other => other.clone(),
        }
    }
}

/// Adds to `spans` the parts of `more` that they do not cover; both are sorted and without overlaps.
pub(super) fn add_uncovered(
    spans: &mut Vec<(Range<usize>, Replacement)>,
    more: impl Iterator<Item = (Range<usize>, Replacement)>,
) {
    let mut left = Vec::new();
    let mut at = 0;
    for (mut span, mut shown) in more {
        while spans.get(at).is_some_and(|(known, _)| known.end <= span.start) {
            at += 1;
        }
        let mut next = at;
        while let Some((known, _)) = spans.get(next).filter(|(known, _)| known.start < span.end) {
            if span.start < known.start {
                left.push((span.start..known.start, shown.clone()));
            }
            shown = shown.of_the_rest();
            span.start = known.end.min(span.end);
            next += 1;
        }
        if !span.is_empty() {
            left.push((span, shown));
        }
    }
    if !left.is_empty() {
        spans.append(&mut left);
        spans.sort_by_key(|(span, _)| (span.start, span.end));
    }
}

/// The displayed form of a secret whose first `prefix` bytes may be shown.
pub(super) fn redacted(secret: &[u8], prefix: usize) -> String {
    /// For longer text, both ends are enough.
    const LONG: usize = 1 << 10;
    if secret.len() > 2 * LONG {
        return redacted(&[&secret[..LONG], &secret[secret.len() - LONG..]].concat(), prefix.min(LONG));
    }
    Secret::new(secret.to_vec(), prefix).redacted()
}

/// Appends the part `range` of `bytes` to `out`, with the `spans` in it replaced; both are offsets in `bytes`. Text that is
/// not UTF-8 is decoded in `order`.
pub(super) fn render(
    bytes: &[u8],
    range: Range<usize>,
    spans: &[(Range<usize>, Replacement)],
    order: Option<ByteOrder>,
    out: &mut String,
) {
    let text = |part: &[u8]| match order {
        Some(order) => order.text(part),
        None => String::from_utf8_lossy(part).into_owned(),
    };
    let mut at = range.start;
    for (span, shown) in spans {
        if span.start < at || span.end > range.end {
            continue;
        }
        out.push_str(&text(&bytes[at..span.start]));
        out.push_str(&shown.text(&bytes[span.clone()]));
        at = span.end;
    }
    if at < range.end {
        out.push_str(&text(&bytes[at..range.end]));
    }
}
