//! Taking secrets out of text that is going to be shown: paths, names, messages, source lines.

use std::ops::Range;

use aho_corasick::AhoCorasick;

use super::alphabet::key_run;
use super::credential::{TextKind, credentials};
use super::decoded::DecodedMatch;
use super::fragments::Fragments;
use super::utf16::ByteOrder;
use super::variant::CompiledVariant;
use super::{Chunk, Detector};
use crate::model::{Excerpt, Secret};

/// Bytes of a source line shown on each side of a finding.
const EXCERPT_SIDE_BYTES: usize = 72;

/// Bytes beyond what is shown in which other spellings of the key are looked for: some ten characters.
const FRAGMENT_REACH: usize = 96;

/// A run of key characters is masked this far behind what a pattern matched.
const MAX_KEY_TAIL: usize = 512;

/// Redacts whatever any rule's pattern matches, also what its checks turn down, and whatever else looks
/// like a credential: another vendor's key is a secret too. And redacts secrets that are known in another
/// way, whole and in fragments.
#[derive(Debug)]
pub struct Redactor<'d> {
    detector: &'d Detector,
    known: Option<AhoCorasick>,
    fragments: Fragments,
}

impl<'d> Redactor<'d> {
    /// A redactor by the rules of `detector`.
    pub fn new(detector: &'d Detector) -> Self {
        Self { detector, known: None, fragments: Fragments::default() }
    }

    /// Masks these too, wherever they stand.
    #[must_use]
    pub fn with_known<'s>(mut self, secrets: impl IntoIterator<Item = &'s Secret>) -> Self {
        let secrets: Vec<_> = secrets.into_iter().filter(|secret| !secret.is_empty()).collect();
        self.fragments = Fragments::of(secrets.iter().copied());
        // Too many to be searched for at once is more than any report holds.
        self.known = AhoCorasick::new(secrets.into_iter().map(Secret::reveal)).ok();
        self
    }

    /// `bytes` as text, redacted: a path, a name, a reason or a message. Bytes that are not UTF-8 become
    /// U+FFFD.
    pub fn redact(&self, bytes: &[u8]) -> String {
        self.redact_if_secret(bytes).unwrap_or_else(|| String::from_utf8_lossy(bytes).into_owned())
    }

    /// The same, if there is anything in `bytes` to redact.
    pub fn redact_if_secret(&self, bytes: &[u8]) -> Option<String> {
        self.redact_as(bytes, TextKind::Name)
    }

    /// The same for what people write freely, such as their names, where nothing random belongs.
    pub fn redact_prose_if_secret(&self, bytes: &[u8]) -> Option<String> {
        self.redact_as(bytes, TextKind::SourceLine)
    }

    fn redact_as(&self, bytes: &[u8], kind: TextKind) -> Option<String> {
        let spans = self.visible(bytes, kind);
        if spans.is_empty() {
            return None;
        }
        let mut out = String::with_capacity(bytes.len());
        render(bytes, 0..bytes.len(), &spans, None, &mut out);
        Some(out)
    }

    /// Whether any rule's pattern matches in `bytes`, or a known secret stands there.
    pub fn contains_secret(&self, bytes: &[u8]) -> bool {
        !self.spans(bytes).is_empty()
    }

    /// The line around `span` in `bytes`, where `secret` stands, redacted, cut to what can be shown.
    pub fn excerpt(&self, bytes: &[u8], span: Range<usize>, secret: &Secret) -> Excerpt {
        let wide = self.around(bytes, &span);
        let masked = self.visible(&bytes[wide.clone()], TextKind::SourceLine);
        let masked = masked.into_iter().map(|(at, text)| (at.start + wide.start..at.end + wide.start, text));
        excerpt(bytes, span, masked.collect(), secret)
    }

    /// The same, where more findings of one stream are to be shown: `cache` remembers what is to be masked near the
    /// last one, so that a file full of keys is searched once and not for each of them.
    pub fn excerpt_of(
        &self,
        chunk: Chunk<'_>,
        span: Range<usize>,
        secret: &Secret,
        cache: &mut RedactionCache,
    ) -> Excerpt {
        let bytes = chunk.bytes;
        let block = (chunk.start.offset, span.start / REDACTION_BLOCK);
        let is_new = cache.block != Some(block);
        if is_new {
            *cache = RedactionCache { block: Some(block), spans: None };
        }
        let start = block.1 * REDACTION_BLOCK;
        let region = self.around(bytes, &(start..bytes.len().min(start + REDACTION_BLOCK)));
        let wide = self.around(bytes, &span);
        // Most blocks with a finding have but one.
        if is_new || wide.end > region.end {
            return self.excerpt(bytes, span, secret);
        }
        let spans = cache.spans.get_or_insert_with(|| {
            let masked = self.visible(&bytes[region.clone()], TextKind::SourceLine).into_iter();
            masked.map(|(at, text)| (at.start + region.start..at.end + region.start, text)).collect()
        });
        let first = spans.partition_point(|(at, _)| at.end <= wide.start);
        let near = spans[first..].iter().take_while(|(at, _)| at.start < wide.end).cloned().collect();
        excerpt(bytes, span, near, secret)
    }

    /// Looks wider than is shown: a secret that the cut goes through is masked as well.
    fn around(&self, bytes: &[u8], span: &Range<usize>) -> Range<usize> {
        let extent = EXCERPT_SIDE_BYTES + self.detector.margin() + MAX_KEY_TAIL;
        span.start.saturating_sub(extent)..bytes.len().min(span.end + extent)
    }
}

/// Bytes of a chunk that are searched at once for what is to be masked. Of a chunk that is not searched to its end, since
/// the time is up, only the part with findings is gone through again.
const REDACTION_BLOCK: usize = 1 << 15;

/// What is to be masked in the part of a stream that holds the last finding.
#[derive(Debug, Default)]
pub struct RedactionCache {
    /// Where the chunk begins, and the number of the block in it.
    block: Option<(u64, usize)>,
    spans: Option<Vec<(Range<usize>, Replacement)>>,
}

/// The line around `span`, with what `masked` lists, by place, masked, and fragments of `secret` beside it.
fn excerpt(
    bytes: &[u8],
    span: Range<usize>,
    mut masked: Vec<(Range<usize>, Replacement)>,
    secret: &Secret,
) -> Excerpt {
    let order = ByteOrder::of(&bytes[span.clone()]);
    let shown = if order.is_some() { 2 * EXCERPT_SIDE_BYTES } else { EXCERPT_SIDE_BYTES };
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
    // Further than is shown: the cut may leave too little of another spelling to recognize it.
    let before = from.saturating_sub(if from == low { FRAGMENT_REACH } else { 0 });
    let behind = if until == high { bytes.len().min(until + FRAGMENT_REACH) } else { until };
    let fragments = Fragments::of_one(secret);
    for side in [before..span.start, span.end..behind] {
        let found = fragments.find(&bytes[side.clone()]).into_iter();
        add(&mut masked, found.map(|at| (at.start + side.start..at.end + side.start, Replacement::Nothing)));
    }
    let mut spans: Vec<(Range<usize>, Replacement)> = masked
        .into_iter()
        // What touches the finding is masked up to it, and from its end on.
        .flat_map(|(at, text)| {
            let before = at.start..at.end.min(span.start);
            let after = at.start.max(span.end)..at.end;
            let is_whole = after == at;
            let text = if matches!(text, Replacement::DecodedText(_)) { Replacement::AsItIs } else { text };
            let rest = if is_whole { text.clone() } else { text.of_the_rest() };
            [(before, text), (after, rest)]
        })
        .filter(|(at, _)| !at.is_empty())
        .collect();
    if order.is_some() {
        spans = whole_characters(spans, &span);
    }
    while order.is_none() && from < span.start && bytes[from] & 0xC0 == 0x80 {
        from += 1;
    }
    while order.is_none() && until > span.end && until < bytes.len() && bytes[until] & 0xC0 == 0x80 {
        until -= 1;
    }
    // Last, so that nothing moves a cut into what is cache.
    for (at, _) in &spans {
        if at.start < from && from < at.end {
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
    text.push_str(&secret.redacted());
    let end = text.len();
    // What follows within the same run of key characters may be more of the key.
    let behind = &bytes[span.end..until];
    let mut rest = span.end
        + match order {
            Some(order) => 2 * key_run(order.text(behind).as_bytes(), MAX_KEY_TAIL),
            None => key_run(behind, MAX_KEY_TAIL),
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

/// The same `spans` beside `span`, where every second byte begins a character.
fn whole_characters(
    spans: Vec<(Range<usize>, Replacement)>,
    span: &Range<usize>,
) -> Vec<(Range<usize>, Replacement)> {
    let odd = |at: usize| (at ^ span.start) & 1;
    let mut whole: Vec<(Range<usize>, Replacement)> = Vec::with_capacity(spans.len());
    for (at, text) in spans {
        let at = at.start.saturating_sub(odd(at.start))..at.end + odd(at.end);
        match whole.last_mut() {
            Some((last, _)) if at.start < last.end => last.end = last.end.max(at.end),
            _ => whole.push((at, text)),
        }
    }
    whole
}

impl Redactor<'_> {
    /// Spans to redact, each with its replacement, in order and without overlaps.
    fn spans(&self, bytes: &[u8]) -> Vec<(Range<usize>, Replacement)> {
        let mut spans = Vec::new();
        let mut decoded = Vec::new();
        self.detector.patterns(
            bytes,
            |_, candidate| {
                let end = candidate.matched.end.max(candidate.secret.end);
                spans.push((
                    candidate.secret.start..end + key_run(&bytes[end..], MAX_KEY_TAIL),
                    Replacement::AsItIs,
                ));
            },
            |variant, mut disguised| decoded.extend(in_disguise(variant, &mut disguised)),
        );
        spans.extend(decoded);
        if let Some(known) = &self.known {
            spans.extend(known.find_overlapping_iter(bytes).map(|hit| (hit.range(), Replacement::AsItIs)));
        }
        spans.sort_by_key(|(span, _)| (span.start, span.end));
        let mut merged: Vec<(Range<usize>, Replacement)> = Vec::new();
        for (span, text) in spans {
            match merged.last_mut() {
                Some((last, shown)) if span.start < last.end => {
                    last.end = last.end.max(span.end);
                    // What was decoded says more than the bytes do.
                    if matches!(shown, Replacement::AsItIs) {
                        *shown = text;
                    }
                }
                _ => merged.push((span, text)),
            }
        }
        merged
    }
}

impl Redactor<'_> {
    /// All that is to be masked in `bytes`: secrets, and what else looks like a credential.
    fn visible(&self, bytes: &[u8], kind: TextKind) -> Vec<(Range<usize>, Replacement)> {
        let mut spans = self.spans(bytes);
        let credentials = credentials(bytes, kind).into_iter().map(|one| {
            let prefix = &bytes[one.span.start..one.span.start + one.shown];
            (one.span.clone(), Replacement::Prefix(String::from_utf8_lossy(prefix).replace('\0', "")))
        });
        add(&mut spans, credentials);
        add(&mut spans, self.fragments.find(bytes).into_iter().map(|at| (at, Replacement::Nothing)));
        spans
    }
}

/// Adds to `spans` what they leave of `more`; both in order, and without overlaps.
fn add(
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

/// What stands in a secret's place.
#[derive(Clone, Debug)]
enum Replacement {
    /// Nothing of it.
    Nothing,
    /// The prefix that says whose credential it is.
    Prefix(String),
    /// Something of the bytes themselves.
    AsItIs,
    /// Something of what they stand for.
    DecodedText(String),
}

impl Replacement {
    /// What is shown of the bytes `cache`.
    fn text(&self, cache: &[u8]) -> String {
        match self {
            Self::Nothing => "…".to_owned(),
            Self::Prefix(prefix) => format!("{prefix}…"),
            Self::AsItIs => redacted(cache),
            Self::DecodedText(text) => text.clone(),
        }
    }

    /// What is shown of what remains when the beginning is cache already.
    fn of_the_rest(&self) -> Self {
        match self {
            Self::Prefix(_) => Self::Nothing,
            other => other.clone(),
        }
    }
}

/// Where a match in disguise stands with all that may be more of the key, and its decoded redaction.
fn in_disguise(
    variant: &CompiledVariant,
    disguised: &mut DecodedMatch<'_>,
) -> Option<(Range<usize>, Replacement)> {
    // A match that its checks turn down is masked, too.
    let _ = variant.weigh(&mut disguised.candidate);
    disguised.accept()?;
    let candidate = &disguised.candidate;
    let matched = candidate.matched.end.max(candidate.secret.end);
    let end = matched + key_run(&candidate.bytes[matched..], MAX_KEY_TAIL);
    let text = redacted(&candidate.bytes[candidate.secret.clone()]);
    Some((disguised.span_with_text_column(candidate.secret.start..end), Replacement::DecodedText(text)))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Position;
    use crate::rules::{RuleSet, expand};

    #[test]
    fn excerpts_are_the_same_with_and_without_the_cache() {
        let detector = Detector::new(&RuleSet::built_in().unwrap()).unwrap();
        let redactor = Redactor::new(&detector);
        let mut text = Vec::new();
        let mut seed = 0;
        // Several blocks, with a key across each edge.
        while text.len() < 3 * REDACTION_BLOCK {
            let end = if seed % 4 == 3 { "\n" } else { " password=hunter2!xQz, " };
            text.extend(expand("k = '{base62:12}' sk-proj-{base64url:74}{marker}{base64url:74}", seed).text);
            text.extend(end.as_bytes());
            seed += 1;
        }
        let mut cache = RedactionCache::default();
        let chunk = Chunk { bytes: &text, start: Position::default() };
        let mut found = Vec::new();
        detector.find(&text, |matched| found.push(matched));
        assert_eq!(found.len() as u64, seed);
        for matched in found {
            let secret = &matched.identified.secret;
            assert_eq!(
                redactor.excerpt_of(chunk, matched.span.clone(), secret, &mut cache),
                redactor.excerpt(&text, matched.span, secret),
            );
        }
    }
}
