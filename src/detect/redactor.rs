//! Removes secrets from text for display: paths, names, messages, source lines.

use std::ops::Range;

use aho_corasick::AhoCorasick;

use super::alphabet::key_run;
use super::credential::{TextKind, credentials};
use super::decoded::DecodedMatch;
use super::effort::EffortLimit;
use super::fragments::Fragments;
use super::utf16::ByteOrder;
use super::variant::CompiledVariant;
use super::{Chunk, Detector};
use crate::model::{Excerpt, Secret};

/// Bytes of a source line displayed on each side of a finding.
const EXCERPT_SIDE_BYTES: usize = 72;

/// Additional bytes that are searched for other spellings of the key: about ten characters.
const FRAGMENT_REACH: usize = 96;

/// Maximum distance to which a run of key characters is masked after a match.
const MAX_KEY_TAIL: usize = 512;

/// Redacts everything that the pattern of any rule matches, even if its checks reject it, and everything else
/// that looks like a credential, since other vendors' keys are secrets, too. Also redacts known secrets, whole
/// and in fragments.
#[derive(Debug)]
pub struct Redactor<'d> {
    detector: &'d Detector,
    known: Option<AhoCorasick>,
    /// For each known secret, the length of its prefix.
    known_prefixes: Vec<usize>,
    fragments: Fragments,
}

impl<'d> Redactor<'d> {
    /// A redactor with the rules of `detector`.
    pub fn new(detector: &'d Detector) -> Self {
        Self { detector, known: None, known_prefixes: Vec::new(), fragments: Fragments::default() }
    }

    /// Also masks these secrets everywhere.
    #[must_use]
    pub fn with_known<'s>(mut self, secrets: impl IntoIterator<Item = &'s Secret>) -> Self {
        let secrets: Vec<_> = secrets.into_iter().filter(|secret| !secret.is_empty()).collect();
        self.fragments = Fragments::of(secrets.iter().copied());
        self.known_prefixes = secrets.iter().map(|secret| secret.prefix()).collect();
        // Reports never contain too many to search for at once.
        self.known = AhoCorasick::new(secrets.into_iter().map(Secret::reveal)).ok();
        self
    }

    /// `bytes` as redacted text: a path, a name, a reason or a message. Invalid UTF-8 becomes U+FFFD.
    pub fn redact(&self, bytes: &[u8]) -> String {
        self.redact_if_secret(bytes).unwrap_or_else(|| String::from_utf8_lossy(bytes).into_owned())
    }

    /// The same, or `None` if nothing in `bytes` needs redaction.
    pub fn redact_if_secret(&self, bytes: &[u8]) -> Option<String> {
        self.redact_as(bytes, TextKind::Name)
    }

    /// The same for free text such as people's names, which should contain nothing random.
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

    /// Whether the pattern of any rule matches in `bytes`, or a known secret occurs there.
    pub fn contains_secret(&self, bytes: &[u8]) -> bool {
        !self.spans(bytes).is_empty()
    }

    /// The line around `span` in `bytes`, which contains `secret`, redacted and cut for display.
    pub fn excerpt(&self, bytes: &[u8], span: Range<usize>, secret: &Secret) -> Excerpt {
        let wide = self.around(bytes, &span);
        let masked = self.visible(&bytes[wide.clone()], TextKind::SourceLine);
        let masked = masked.into_iter().map(|(at, text)| (at.start + wide.start..at.end + wide.start, text));
        excerpt(bytes, span, masked.collect(), secret)
    }

    /// The same for several findings of one stream. `cache` remembers what to mask near the last one, so that a
    /// file full of keys is not searched again for each of them.
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
        // Most blocks with a finding have only one.
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

    /// Searches a wider range than is displayed, so that a secret at the cut is masked as well.
    fn around(&self, bytes: &[u8], span: &Range<usize>) -> Range<usize> {
        let extent = EXCERPT_SIDE_BYTES + self.detector.margin() + MAX_KEY_TAIL;
        span.start.saturating_sub(extent)..bytes.len().min(span.end + extent)
    }
}

/// Size of the chunks that are searched for text to mask, in bytes. If time runs out, only the part of a chunk
/// that contains findings is redacted again.
const REDACTION_BLOCK: usize = 1 << 15;

/// The ranges to mask in the part of a stream that contains the last finding.
#[derive(Debug, Default)]
pub struct RedactionCache {
    /// Offset of the chunk, and the number of the block in it.
    block: Option<(u64, usize)>,
    spans: Option<Vec<(Range<usize>, Replacement)>>,
}

/// The line around `span`, with the ranges in `masked` (sorted by position) and fragments of `secret` masked.
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
    // Further than displayed: the cut may leave too little of another spelling to recognize it.
    let before = from.saturating_sub(if from == low { FRAGMENT_REACH } else { 0 });
    let behind = if until == high { bytes.len().min(until + FRAGMENT_REACH) } else { until };
    let fragments = Fragments::of_one(secret);
    for side in [before..span.start, span.end..behind] {
        let found = fragments.find(&bytes[side.clone()]).into_iter();
        add(&mut masked, found.map(|at| (at.start + side.start..at.end + side.start, Replacement::Nothing)));
    }
    let mut spans: Vec<(Range<usize>, Replacement)> = masked
        .into_iter()
        // Masked text that touches the finding ends at its start, or begins at its end.
        .flat_map(|(at, text)| {
            let before = at.start..at.end.min(span.start);
            let after = at.start.max(span.end)..at.end;
            let is_whole = after == at;
            let text = match text {
                Replacement::DecodedText(_) => Replacement::Raw { prefix: 0 },
                other => other,
            };
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
    // Last, so that nothing moves a cut into masked text.
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
    // What follows in the same run of key characters may be part of the key.
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

/// The same `spans` beside `span`, where every other byte begins a character.
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
    /// Spans to redact, each with its replacement, sorted and without overlaps.
    fn spans(&self, bytes: &[u8]) -> Vec<(Range<usize>, Replacement)> {
        let mut spans = Vec::new();
        let mut decoded = Vec::new();
        let passed_over = self.detector.patterns(
            bytes,
            EffortLimit::begin(),
            |_, candidate| {
                let end = candidate.matched.end.max(candidate.secret.end);
                let span = candidate.secret.start..end + key_run(&bytes[end..], MAX_KEY_TAIL);
                spans.push((span, Replacement::Raw { prefix: candidate.prefix_len() }));
            },
            |variant, mut disguised| decoded.extend(in_disguise(variant, &mut disguised)),
        );
        spans.extend(decoded);
        // What could not be looked at is not shown.
        spans.extend(passed_over.first().map(|first| (first..bytes.len(), Replacement::Nothing)));
        if let Some(known) = &self.known {
            spans.extend(known.find_overlapping_iter(bytes).map(|hit| {
                (hit.range(), Replacement::Raw { prefix: self.known_prefixes[hit.pattern().as_usize()] })
            }));
        }
        spans.sort_by_key(|(span, _)| (span.start, span.end));
        let mut merged: Vec<(Range<usize>, Replacement)> = Vec::new();
        for (span, text) in spans {
            match merged.last_mut() {
                Some((last, shown)) if span.start < last.end => {
                    last.end = last.end.max(span.end);
                    *shown = match (&*shown, text) {
                        // Of two rules that match at the same place, the more specific one has the longer prefix.
                        (Replacement::Raw { prefix }, Replacement::Raw { prefix: other }) => {
                            let is_same = span.start == last.start;
                            Replacement::Raw { prefix: if is_same { other.max(*prefix) } else { *prefix } }
                        }
                        // A decoded match is more informative than the raw bytes.
                        (Replacement::Raw { .. }, text) => text,
                        _ => continue,
                    };
                }
                _ => merged.push((span, text)),
            }
        }
        merged
    }
}

impl Redactor<'_> {
    /// All ranges to mask in `bytes`: secrets, and anything else that looks like a credential.
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

/// Adds to `spans` the parts of `more` that they do not cover; both are sorted and without overlaps.
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

/// The replacement of a secret.
#[derive(Clone, Debug)]
enum Replacement {
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
    fn text(&self, raw: &[u8]) -> String {
        match self {
            Self::Nothing => "…".to_owned(),
            Self::Prefix(prefix) => format!("{prefix}…"),
            Self::Raw { prefix } => redacted(raw, *prefix),
            Self::DecodedText(text) => text.clone(),
        }
    }

    /// The displayed form of the rest, if the beginning is already masked.
    fn of_the_rest(&self) -> Self {
        match self {
            Self::Prefix(_) => Self::Nothing,
            Self::Raw { .. } => Self::Raw { prefix: 0 },
            other => other.clone(),
        }
    }
}

/// The range of an encoded match with everything that may belong to the key, and its decoded redaction.
fn in_disguise(
    variant: &CompiledVariant,
    disguised: &mut DecodedMatch<'_>,
) -> Option<(Range<usize>, Replacement)> {
    // A match that its checks reject is masked, too.
    let _ = variant.weigh(&mut disguised.candidate);
    disguised.accept()?;
    let candidate = &disguised.candidate;
    let matched = candidate.matched.end.max(candidate.secret.end);
    let end = matched + key_run(&candidate.bytes[matched..], MAX_KEY_TAIL);
    let text = redacted(&candidate.bytes[candidate.secret.clone()], candidate.prefix_len());
    Some((disguised.span_with_text_column(candidate.secret.start..end), Replacement::DecodedText(text)))
}

/// The displayed form of a secret whose first `prefix` bytes may be shown.
fn redacted(secret: &[u8], prefix: usize) -> String {
    /// For longer text, both ends are enough.
    const LONG: usize = 1 << 10;
    if secret.len() > 2 * LONG {
        return redacted(&[&secret[..LONG], &secret[secret.len() - LONG..]].concat(), prefix.min(LONG));
    }
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
    fn a_custom_rule_shows_its_own_prefix() {
        let rules = "[[rule]]\nid = \"acme-token\"\nname = \"Acme token\"\n\
                     pattern = '(?<prefix>acme_)[A-Za-z0-9]{32}\\b'\n";
        let rules = RuleSet::from_text(rules, "own.toml").unwrap();
        let detector = Detector::new(&rules).unwrap();
        let key = expand("acme_{base62:28}0PMp", 7).text;
        let line = [b"token: ", &key[..], b", again: ", &key[..]].concat();
        let mut found = Vec::new();
        detector.find(&line, |matched| found.push(matched));
        let [first, _] = &found[..] else { panic!("{} matches", found.len()) };
        let secret = &first.identified.secret;
        assert_eq!(secret.redacted(), "acme_…0PMp");
        let redactor = Redactor::new(&detector);
        let masked = "token: acme_…0PMp, again: acme_…0PMp";
        assert_eq!(redactor.redact(&line), masked);
        assert_eq!(redactor.excerpt(&line, first.span.clone(), secret).text, masked);
        // With the rules of another detector, too, if the secret is known.
        let other = Detector::new(&RuleSet::built_in().unwrap()).unwrap();
        assert_eq!(Redactor::new(&other).with_known([secret]).redact(&line), masked);
    }

    #[test]
    fn excerpts_are_the_same_with_and_without_the_cache() {
        let detector = Detector::new(&RuleSet::built_in().unwrap()).unwrap();
        let redactor = Redactor::new(&detector);
        let mut text = Vec::new();
        let mut seed = 0;
        // Several blocks, with a key across each boundary.
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
