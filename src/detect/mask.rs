//! Taking secrets out of text that is going to be shown: paths, names, messages, source lines.

use std::ops::Range;

use aho_corasick::AhoCorasick;

use super::alphabet::key_run;
use super::disguise::Disguised;
use super::form::CompiledForm;
use super::wide::Order;
use super::{Chunk, Detector};
use crate::model::{Excerpt, Secret};

/// Bytes of a source line shown on each side of a finding.
const SHOWN: usize = 72;

/// A run of key characters is masked this far behind what a pattern matched.
const RUN: usize = 512;

/// Redacts whatever any rule's pattern matches, also what its checks turn down: another vendor's key
/// is a secret too. And redacts secrets that are known in another way.
#[derive(Debug)]
pub struct Mask<'d> {
    detector: &'d Detector,
    known: Option<AhoCorasick>,
}

impl<'d> Mask<'d> {
    /// A mask by the rules of `detector`.
    pub fn new(detector: &'d Detector) -> Self {
        Self { detector, known: None }
    }

    /// Masks these too, wherever they stand.
    #[must_use]
    pub fn with_known<'s>(mut self, secrets: impl IntoIterator<Item = &'s Secret>) -> Self {
        let secrets = secrets.into_iter().map(Secret::reveal).filter(|secret| !secret.is_empty());
        // Too many to be searched for at once is more than any report holds.
        self.known = AhoCorasick::new(secrets).ok();
        self
    }

    /// `bytes` as text, redacted. Bytes that are not UTF-8 become U+FFFD.
    pub fn text(&self, bytes: &[u8]) -> String {
        let mut out = String::with_capacity(bytes.len());
        render(bytes, 0..bytes.len(), &self.spans(bytes), None, &mut out);
        out
    }

    /// Whether there is anything in `bytes` to redact.
    pub fn hides(&self, bytes: &[u8]) -> bool {
        !self.spans(bytes).is_empty()
    }

    /// The line around `span` in `bytes`, redacted, cut to what can be shown.
    pub fn excerpt(&self, bytes: &[u8], span: Range<usize>) -> Excerpt {
        let wide = self.around(bytes, &span);
        let masked = self.spans(&bytes[wide.clone()]);
        let masked = masked.into_iter().map(|(at, text)| (at.start + wide.start..at.end + wide.start, text));
        excerpt(bytes, span, masked.collect())
    }

    /// The same, where more findings of one stream are to be shown: `hidden` remembers what is to be
    /// masked in a chunk, so that a file full of keys is gone through once and not for each of them.
    pub fn excerpt_of(&self, chunk: Chunk<'_>, span: Range<usize>, hidden: &mut Hidden) -> Excerpt {
        if hidden.chunk != Some(chunk.start.offset) {
            // Most chunks with a finding have but one.
            *hidden = Hidden { chunk: Some(chunk.start.offset), spans: None };
            return self.excerpt(chunk.bytes, span);
        }
        let spans = hidden.spans.get_or_insert_with(|| self.spans(chunk.bytes));
        let wide = self.around(chunk.bytes, &span);
        let first = spans.partition_point(|(at, _)| at.end <= wide.start);
        let near = spans[first..].iter().take_while(|(at, _)| at.start < wide.end).cloned().collect();
        excerpt(chunk.bytes, span, near)
    }

    /// Looks wider than is shown: a secret that the cut goes through is masked as well.
    fn around(&self, bytes: &[u8], span: &Range<usize>) -> Range<usize> {
        let reach = SHOWN + self.detector.margin() + RUN;
        span.start.saturating_sub(reach)..bytes.len().min(span.end + reach)
    }
}

/// What is to be masked in the chunk of a stream that was met last.
#[derive(Debug, Default)]
pub struct Hidden {
    chunk: Option<u64>,
    spans: Option<Vec<(Range<usize>, Shown)>>,
}

/// The line around `span`, with what `masked` lists, by place, masked.
fn excerpt(bytes: &[u8], span: Range<usize>, masked: Vec<(Range<usize>, Shown)>) -> Excerpt {
    let order = Order::of(&bytes[span.clone()]);
    let shown = if order.is_some() { 2 * SHOWN } else { SHOWN };
    let low = span.start.saturating_sub(shown);
    let high = bytes.len().min(span.end + shown);
    let (mut from, mut until) = match order {
        Some(order) => {
            let line = order.line(bytes, &span, low..high);
            (line.start, line.end)
        }
        None => (
            memchr::memrchr(b'\n', &bytes[low..span.start]).map_or(low, |at| low + at + 1),
            memchr::memchr(b'\n', &bytes[span.end..high]).map_or(high, |at| span.end + at),
        ),
    };
    let is_it = |(at, text): &&(Range<usize>, Shown)| {
        matches!(text, Shown::Decoded(_)) && at.start <= span.start && at.end >= span.end
    };
    let decoded = masked.iter().find(is_it).map(|(at, text)| text.text(&bytes[at.clone()]));
    let mut spans: Vec<(Range<usize>, Shown)> = masked
        .into_iter()
        .map(|(at, _)| at)
        // What touches the finding is masked up to it, and from its end on.
        .flat_map(|at| [at.start..at.end.min(span.start), at.start.max(span.end)..at.end])
        .filter(|at| !at.is_empty())
        .map(|at| (at, Shown::AsItIs))
        .collect();
    while order.is_none() && from < span.start && bytes[from] & 0xC0 == 0x80 {
        from += 1;
    }
    while order.is_none() && until > span.end && until < bytes.len() && bytes[until] & 0xC0 == 0x80 {
        until -= 1;
    }
    // Last, so that nothing moves a cut into what is hidden.
    for (at, _) in &spans {
        if at.contains(&from) {
            from = at.end;
        }
        if at.start < until && until < at.end {
            until = at.start;
        }
    }
    spans.retain(|(at, _)| at.start >= from && at.end <= until);
    let mut text = String::new();
    render(bytes, from..span.start, &spans, order, &mut text);
    let start = text.len();
    text.push_str(&decoded.unwrap_or_else(|| redacted(&bytes[span.clone()])));
    let end = text.len();
    // What follows within the same run of key characters may be more of the key.
    let behind = &bytes[span.end..until];
    let mut rest = span.end
        + match order {
            Some(order) => 2 * key_run(order.text(behind).as_bytes(), RUN),
            None => key_run(behind, RUN),
        };
    for (at, _) in &spans {
        if at.start < rest && at.start >= span.end {
            rest = rest.max(at.end);
        }
    }
    if rest > span.end {
        text.push('…');
    }
    render(bytes, rest..until, &spans, order, &mut text);
    let trimmed = text.trim_end_matches(['\r', '\n']).len();
    text.truncate(trimmed.max(end));
    Excerpt { text, start, end }
}

impl Mask<'_> {
    /// Spans to mask with what stands in their place; in order, not overlapping.
    fn spans(&self, bytes: &[u8]) -> Vec<(Range<usize>, Shown)> {
        let mut spans = Vec::new();
        let mut decoded = Vec::new();
        self.detector.patterns(
            bytes,
            |_, candidate| {
                let end = candidate.matched.end.max(candidate.secret.end);
                spans.push((candidate.secret.start..end + key_run(&bytes[end..], RUN), Shown::AsItIs));
            },
            |form, mut disguised| decoded.extend(in_disguise(form, &mut disguised)),
        );
        spans.extend(decoded);
        if let Some(known) = &self.known {
            spans.extend(known.find_overlapping_iter(bytes).map(|hit| (hit.range(), Shown::AsItIs)));
        }
        spans.sort_by_key(|(span, _)| (span.start, span.end));
        let mut merged: Vec<(Range<usize>, Shown)> = Vec::new();
        for (span, text) in spans {
            match merged.last_mut() {
                Some((last, shown)) if span.start < last.end => {
                    last.end = last.end.max(span.end);
                    // What was decoded says more than the bytes do.
                    if matches!(shown, Shown::AsItIs) {
                        *shown = text;
                    }
                }
                _ => merged.push((span, text)),
            }
        }
        merged
    }
}

/// What stands in a secret's place.
#[derive(Clone, Debug)]
enum Shown {
    /// Something of the bytes themselves.
    AsItIs,
    /// Something of what they stand for.
    Decoded(String),
}

impl Shown {
    /// What is shown of the bytes `hidden`.
    fn text(&self, hidden: &[u8]) -> String {
        match self {
            Self::AsItIs => redacted(hidden),
            Self::Decoded(text) => text.clone(),
        }
    }
}

/// Where a match in disguise stands with all that may be more of the key, and its decoded redaction.
fn in_disguise(form: &CompiledForm, disguised: &mut Disguised<'_>) -> Option<(Range<usize>, Shown)> {
    // A match that its checks turn down is masked, too.
    let _ = form.weigh(&mut disguised.candidate);
    disguised.claim()?;
    let candidate = &disguised.candidate;
    let matched = candidate.matched.end.max(candidate.secret.end);
    let end = matched + key_run(&candidate.bytes[matched..], RUN);
    let text = redacted(&candidate.bytes[candidate.secret.clone()]);
    Some((disguised.span_with_shown(candidate.secret.start..end), Shown::Decoded(text)))
}

/// What stands in a secret's place: the prefix that rules know, and `…`.
fn redacted(secret: &[u8]) -> String {
    /// Of what is longer its two ends say as much.
    const LONG: usize = 1 << 10;
    if secret.len() > 2 * LONG {
        return redacted(&[&secret[..LONG], &secret[secret.len() - LONG..]].concat());
    }
    let typed = ["sk-proj-", "sk-svcacct-", "sk-admin-", "sk-None-", "sk-", "sess-", "ek_"];
    let prefix = typed.iter().find(|prefix| secret.starts_with(prefix.as_bytes())).map_or(0, |p| p.len());
    Secret::new(secret.to_vec(), prefix).redacted()
}

fn render(
    bytes: &[u8],
    range: Range<usize>,
    spans: &[(Range<usize>, Shown)],
    order: Option<Order>,
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
