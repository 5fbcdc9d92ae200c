//! The line around a finding, redacted and cut for display.

use std::ops::Range;

use super::Chunk;
use super::alphabet::key_run;
use super::credential::TextKind;
use super::effort::EffortReserve;
use super::fragments::Fragments;
use super::redactor::{MAX_KEY_TAIL, Redactor};
use super::replacement::{Replacement, add_uncovered, render};
use super::utf16::ByteOrder;
use crate::model::{Excerpt, Secret};

/// Bytes of a source line displayed on each side of a finding.
const EXCERPT_SIDE_BYTES: usize = 72;

/// Additional bytes that are searched for other spellings of the key: about ten characters.
const FRAGMENT_REACH: usize = 96;

/// Size of the blocks that are searched for text to mask, in bytes. If the effort of a search is used up in one block, the
/// others are not affected.
const REDACTION_BLOCK: usize = 1 << 15;

/// The ranges to mask in the part of a stream that contains the last finding.
#[derive(Debug, Default)]
pub struct RedactionCache {
    /// Offset of the chunk, and the number of the block in it.
    block: Option<(u64, usize)>,
    spans: Option<Vec<(Range<usize>, Replacement)>>,
}

impl Redactor<'_> {
    /// The line around `span` in `bytes`, which contains `secret`, redacted and cut for display.
    pub fn excerpt(&self, bytes: &[u8], span: Range<usize>, secret: &Secret) -> Excerpt {
        self.excerpt_within(bytes, span, secret, &mut EffortReserve::default())
    }

    fn excerpt_within(
        &self,
        bytes: &[u8],
        span: Range<usize>,
        secret: &Secret,
        reserve: &mut EffortReserve,
    ) -> Excerpt {
        let wide = self.search_range(bytes, &span);
        let masked = self.spans_to_mask(&bytes[wide.clone()], TextKind::SourceLine, reserve);
        let masked = masked
            .into_iter()
            .map(|(range, replacement)| (range.start + wide.start..range.end + wide.start, replacement));
        excerpt(bytes, span, masked.collect(), secret)
    }

    /// Like [`excerpt`](Self::excerpt), for several findings of one stream. `cache` remembers what to mask near the last one,
    /// so that a file full of keys is not searched again for each of them. `reserve` is that of the thread.
    pub fn cached_excerpt(
        &self,
        chunk: Chunk<'_>,
        span: Range<usize>,
        secret: &Secret,
        cache: &mut RedactionCache,
        reserve: &mut EffortReserve,
    ) -> Excerpt {
        let bytes = chunk.bytes;
        let block = (chunk.start.offset, span.start / REDACTION_BLOCK);
        let is_new = cache.block != Some(block);
        if is_new {
            *cache = RedactionCache { block: Some(block), spans: None };
        }
        let start = block.1 * REDACTION_BLOCK;
        let region = self.search_range(bytes, &(start..bytes.len().min(start + REDACTION_BLOCK)));
        let wide = self.search_range(bytes, &span);
        // Most blocks with a finding have only one.
        if is_new || wide.end > region.end {
            return self.excerpt_within(bytes, span, secret, reserve);
        }
        let spans = cache.spans.get_or_insert_with(|| {
            let masked =
                self.spans_to_mask(&bytes[region.clone()], TextKind::SourceLine, reserve).into_iter();
            masked
                .map(|(range, replacement)| {
                    (range.start + region.start..range.end + region.start, replacement)
                })
                .collect()
        });
        let first = spans.partition_point(|(range, _)| range.end <= wide.start);
        let near = spans[first..].iter().take_while(|(range, _)| range.start < wide.end).cloned().collect();
        excerpt(bytes, span, near, secret)
    }

    /// The range to search for secrets: wider than what is displayed, so that a secret at its edge is masked as well.
    fn search_range(&self, bytes: &[u8], span: &Range<usize>) -> Range<usize> {
        let extent = EXCERPT_SIDE_BYTES + self.detector.margin() + MAX_KEY_TAIL;
        span.start.saturating_sub(extent)..bytes.len().min(span.end + extent)
    }
}

/// The line around `span`, with the ranges in `masked` (sorted by position) and fragments of `secret` masked.
fn excerpt(
    bytes: &[u8],
    span: Range<usize>,
    mut masked: Vec<(Range<usize>, Replacement)>,
    secret: &Secret,
) -> Excerpt {
    let order = ByteOrder::detect(&bytes[span.clone()]);
    let side_bytes = if order.is_some() { 2 * EXCERPT_SIDE_BYTES } else { EXCERPT_SIDE_BYTES };
    let low = span.start.saturating_sub(side_bytes);
    let high = bytes.len().min(span.end + side_bytes);
    let (mut from, mut until) = match order {
        Some(order) => {
            let line = order.line(bytes, &span, low..high);
            (line.start, line.end)
        }
        None => (
            memchr::memrchr(b'\n', &bytes[low..span.start]).map_or(low, |newline| low + newline + 1),
            memchr::memchr(b'\n', &bytes[span.end..high]).map_or(high, |length| span.end + length),
        ),
    };
    // Further than displayed: the cut may leave too little of another spelling to recognize it.
    let before = from.saturating_sub(if from == low { FRAGMENT_REACH } else { 0 });
    let behind = if until == high { bytes.len().min(until + FRAGMENT_REACH) } else { until };
    let fragments = Fragments::from_secret(secret);
    for side in [before..span.start, span.end..behind] {
        let ranges = fragments.find(&bytes[side.clone()]).into_iter();
        add_uncovered(
            &mut masked,
            ranges.map(|range| (range.start + side.start..range.end + side.start, Replacement::Nothing)),
        );
    }
    let is_utf32 = span.len().is_multiple_of(4)
        && bytes[span.clone()].chunks(4).all(|unit| unit.iter().filter(|&&byte| byte == 0).count() == 3);
    let char_len = if is_utf32 { 4 } else { 1 + usize::from(order.is_some()) };
    let mut spans: Vec<(Range<usize>, Replacement)> = masked
        .into_iter()
        // Masked text that touches the finding ends at its start, or begins at its end.
        .flat_map(|(range, replacement)| {
            let before = range.start..range.end.min(span.start);
            let after = range.start.max(span.end)..range.end;
            let is_whole = after == range;
            let replacement = match replacement {
                Replacement::Decoded(_) => Replacement::Raw { prefix: 0 },
                other => other,
            };
            let rest = if is_whole { replacement.clone() } else { replacement.for_rest() };
            // A finding in UTF-16 or UTF-32 also matches in the other byte order, a part of a character earlier or later.
            let min_len = if range.start <= span.end && span.start <= range.end { char_len } else { 1 };
            [(before, replacement), (after, rest)].into_iter().filter(move |(part, _)| part.len() >= min_len)
        })
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
    for (range, _) in &spans {
        if range.start < from && from < range.end {
            from = range.end;
        }
        if range.start < until && until < range.end {
            until = range.start;
        }
    }
    spans.retain(|(range, _)| range.start >= from && range.end <= until);
    let mut text = String::new();
    render(bytes, from..span.start, &spans, order, &mut text);
    let start = text.len();
    text.push_str(&secret.redacted());
    let end = text.len();
    // What follows in the same run of key characters may be part of the key.
    let behind = &bytes[span.end..until];
    let mut rest = span.end
        + match order {
            Some(order) => 2 * key_run(order.decode(behind).as_bytes(), MAX_KEY_TAIL),
            None => key_run(behind, MAX_KEY_TAIL),
        };
    for (range, _) in &spans {
        if range.start < rest && range.start >= span.end {
            rest = rest.max(range.end);
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

/// Widens `spans` to whole characters of two bytes, one of which begins at the start of `span`.
fn whole_characters(
    spans: Vec<(Range<usize>, Replacement)>,
    span: &Range<usize>,
) -> Vec<(Range<usize>, Replacement)> {
    let odd = |offset: usize| (offset ^ span.start) & 1;
    let mut widened: Vec<(Range<usize>, Replacement)> = Vec::with_capacity(spans.len());
    for (range, replacement) in spans {
        let range = range.start.saturating_sub(odd(range.start))..range.end + odd(range.end);
        match widened.last_mut() {
            Some((last, _)) if range.start < last.end => last.end = last.end.max(range.end),
            _ => widened.push((range, replacement)),
        }
    }
    widened
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::Detector;
    use crate::model::Position;
    use crate::rules::{RuleSet, expand_template};

    #[test]
    fn excerpts_are_the_same_with_and_without_the_cache() {
        let detector = Detector::new(&RuleSet::built_in().unwrap()).unwrap();
        let redactor = Redactor::new(&detector);
        let mut text = Vec::new();
        let mut seed = 0;
        // Several blocks, with a key across each boundary.
        while text.len() < 3 * REDACTION_BLOCK {
            let end = if seed % 4 == 3 { "\n" } else { " password=hunter2!xQz, " };
            text.extend(
                expand_template("k = '{base62:12}' sk-proj-{base64url:74}{marker}{base64url:74}", seed).text,
            );
            text.extend(end.as_bytes());
            seed += 1;
        }
        let mut cache = RedactionCache::default();
        let chunk = Chunk { bytes: &text, start: Position::default() };
        let mut reserve = EffortReserve::default();
        let mut matches = Vec::new();
        detector.find(&text, |matched| matches.push(matched));
        assert_eq!(matches.len() as u64, seed);
        for matched in matches {
            let secret = &matched.detected_key.secret;
            assert_eq!(
                redactor.cached_excerpt(chunk, matched.span.clone(), secret, &mut cache, &mut reserve),
                redactor.excerpt(&text, matched.span, secret),
            );
        }
    }

    #[test]
    fn an_excerpt_of_wide_characters_shows_the_ones_beside_the_key() {
        let detector = Detector::new(&RuleSet::built_in().unwrap()).unwrap();
        let redactor = Redactor::new(&detector);
        let line = expand_template("K=\"sk-proj-{base64url:74}{marker}{base64url:74}\"  # c\nnext", 1).text;
        for (len, position) in [(2, 0), (2, 1), (4, 0), (4, 3)] {
            let write =
                |byte: &u8| (0..len).map(|at| if at == position { *byte } else { 0 }).collect::<Vec<_>>();
            let text: Vec<u8> = line.iter().flat_map(write).collect();
            let mut excerpts = Vec::new();
            detector.find(&text, |one| {
                excerpts.push(redactor.excerpt(&text, one.span.clone(), &one.detected_key.secret));
            });
            assert_eq!(excerpts.len(), 1, "{len} {position}");
            let shown: String = excerpts[0].text.chars().filter(|&c| c != '\0').collect();
            let key = &excerpts[0].text[excerpts[0].start..excerpts[0].end];
            assert_eq!(shown, format!("K=\"{key}\"  # c"), "{len} {position}");
        }
    }
}
