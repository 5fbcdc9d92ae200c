//! Replaces secrets in text for display.

use std::ops::Range;

use super::utf16::ByteOrder;
use crate::model::Secret;

/// The replacement of a secret.
#[derive(Clone, Debug)]
pub(super) enum Replacement {
    /// An ellipsis that shows nothing of the secret.
    Nothing,
    /// The prefix, which shows whose credential it is.
    Prefix(String),
    /// The redacted form of the raw bytes, of which the first `prefix` may be shown.
    Raw { prefix: usize },
    /// This text: the redacted form of a secret in decoded text.
    Decoded(String),
}

impl Replacement {
    /// The displayed form of the raw bytes.
    pub(super) fn text(&self, raw: &[u8]) -> String {
        match self {
            Self::Nothing => "…".to_owned(),
            Self::Prefix(prefix) => format!("{prefix}…"),
            Self::Raw { prefix } => redact_secret(raw, *prefix),
            Self::Decoded(text) => text.clone(),
        }
    }

    /// The replacement of the rest of a secret whose beginning is already masked.
    pub(super) fn for_rest(&self) -> Self {
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
    let mut uncovered = Vec::new();
    let mut index = 0;
    for (mut span, mut replacement) in more {
        while spans.get(index).is_some_and(|(covered, _)| covered.end <= span.start) {
            index += 1;
        }
        let mut next = index;
        while let Some((covered, _)) = spans.get(next).filter(|(covered, _)| covered.start < span.end) {
            if span.start < covered.start {
                uncovered.push((span.start..covered.start, replacement.clone()));
            }
            replacement = replacement.for_rest();
            span.start = covered.end.min(span.end);
            next += 1;
        }
        if !span.is_empty() {
            uncovered.push((span, replacement));
        }
    }
    if !uncovered.is_empty() {
        spans.append(&mut uncovered);
        spans.sort_by_key(|(span, _)| (span.start, span.end));
    }
}

/// The displayed form of a secret whose first `prefix` bytes may be shown.
pub(super) fn redact_secret(secret: &[u8], prefix: usize) -> String {
    /// Number of bytes of each end that the redacted form of a longer secret is made from.
    const END_BYTES: usize = 1 << 10;
    if secret.len() > 2 * END_BYTES {
        return redact_secret(
            &[&secret[..END_BYTES], &secret[secret.len() - END_BYTES..]].concat(),
            prefix.min(END_BYTES),
        );
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
        Some(order) => order.decode(part),
        None => String::from_utf8_lossy(part).into_owned(),
    };
    let mut at = range.start;
    for (span, replacement) in spans {
        if span.start < at || span.end > range.end {
            continue;
        }
        out.push_str(&text(&bytes[at..span.start]));
        out.push_str(&replacement.text(&bytes[span.clone()]));
        at = span.end;
    }
    if at < range.end {
        out.push_str(&text(&bytes[at..range.end]));
    }
}
