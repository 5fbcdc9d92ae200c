//! Decides whether there can be a match at an encoded keyword before all of the text around it is decoded.
//!
//! There usually is none, and hostile text can be full of keywords. So *probes* decode a few characters first, then more
//! if these are not enough. There is no match at a rejected keyword: tests compare with a search without probes.

use memchr::memmem;

use super::alphabet::{is_key, key_run};
use super::effort::{EffortLimit, spend};
use super::encoding::{DecodeChain, DecodeExtent, DecodedText};
use super::limits::MAX_PREFIX_REPEATS;
use super::variant::CompiledVariant;
use crate::rules::MARKER;

/// Number of characters in the probes between the first and the one for a whole key.
const PROBE_LENGTHS: [usize; 2] = [32, 100];
/// Number of characters in the first probe, if keys begin with the literal and if not. It shows whether the text repeats
/// the literal over and over.
const FIRST_PREFIX_PROBE: usize = 14;
const FIRST_MARKER_PROBE: usize = 31;

/// Whether a variant may match at a keyword at `at`; `None` if finding out takes more effort than `limit` allows.
pub(super) fn is_plausible(
    variants: &[CompiledVariant],
    chain: &DecodeChain,
    bytes: &[u8],
    at: usize,
    limit: &EffortLimit,
) -> Option<bool> {
    if !chain.supports_probing() {
        return Some(true);
    }
    let first = match chain.starts_key {
        true => [Some(DecodeExtent::Partial(FIRST_PREFIX_PROBE)), None],
        // As much as the literal on both sides, then only the text behind it, which shows repetitions.
        false => [
            Some(DecodeExtent::Partial(chain.literal().len())),
            Some(DecodeExtent::Forward(FIRST_MARKER_PROBE)),
        ],
    };
    let longer = PROBE_LENGTHS.map(DecodeExtent::Partial).into_iter().chain([DecodeExtent::WholeKey]);
    for extent in first.into_iter().flatten().chain(longer) {
        if !limit.allows_decoding(at) {
            return None;
        }
        let outcome = probe(variants, chain, bytes, at, extent);
        if outcome.is_some() {
            return outcome;
        }
    }
    Some(true)
}

/// Whether a variant may match, according to text of this `extent`; `None` if more must be decoded.
fn probe(
    variants: &[CompiledVariant],
    chain: &DecodeChain,
    bytes: &[u8],
    at: usize,
    extent: DecodeExtent,
) -> Option<bool> {
    let mut outcome = Some(false);
    chain.decode(bytes, at, extent, &mut |decoded| {
        if outcome != Some(true) {
            let verdict = may_match(variants, chain, &decoded, extent);
            outcome = if verdict == Some(false) { outcome } else { verdict };
        }
    });
    outcome
}

/// Whether a variant may match in one decoded text; `None` if more must be decoded.
fn may_match(
    variants: &[CompiledVariant],
    chain: &DecodeChain,
    decoded: &DecodedText,
    extent: DecodeExtent,
) -> Option<bool> {
    let (text, at, literal) = (&decoded.text[..], decoded.literal_start, chain.literal());
    let (left, right) = (key_run_before(&text[..at]), key_run(&text[at..], usize::MAX));
    spend((left + right) / 2);
    let behind =
        &text[(at + literal.len()).min(text.len())..at + right.max(literal.len()).min(text.len() - at)];
    if chain.starts_key
        && chain.literal_spacing > 0
        && repeats_too_much(behind, literal, chain.literal_spacing)
    {
        return Some(false);
    }
    if let DecodeExtent::Forward(_) = extent {
        let recurrence =
            memmem::find(&behind[..behind.len().min(chain.literal_spacing + literal.len() - 1)], literal);
        return (chain.literal_spacing > 0 && recurrence.is_some()).then_some(false);
    }
    // Whether the run of key characters really begins here, and not in a token that is only partly available.
    let is_start_known = chain.starts_key
        || match (at - left).checked_sub(1) {
            Some(before) => !chain.is_nested() || before + 1 >= max_token_ending_with(text[before]),
            None => {
                chain.decodes_one_value() && !matches!(extent, DecodeExtent::Partial(chars) if at >= chars)
            }
        };
    if !chain.starts_key && chain.literal_spacing > 0 {
        let reach = chain.literal_spacing + literal.len() - 1;
        let near = &behind[..behind.len().min(reach)];
        let before = &text[at - left.min(reach)..at];
        let recurs_in = |part: &[u8]| memmem::find(part, literal).is_some();
        if recurs_in(near) || recurs_in(before) || (is_start_known && left < chain.literal_spacing) {
            return Some(false);
        }
    }
    let is_match = || has_match(variants, chain, decoded);
    let DecodeExtent::Partial(chars) = extent else { return Some(is_match()) };
    if decoded.is_tentative(&(at - left..at + right)) {
        return None;
    }
    let is_end_known = match text.get(at + right) {
        Some(&byte) => !chain.is_nested() || text.len() - at - right >= max_token_starting_with(byte),
        None => chain.decodes_one_value() && text.len() - at < chars,
    };
    (is_end_known && is_start_known).then(is_match)
}

fn has_match(variants: &[CompiledVariant], chain: &DecodeChain, decoded: &DecodedText) -> bool {
    let (text, at, literal) = (&decoded.text[..], decoded.literal_start, chain.literal());
    let mut is_match = false;
    spend(variants.len());
    for variant in variants {
        if chain.starts_key {
            if variant.variant.encoded_starts.iter().any(|start| start == literal) {
                variant.matches_at(text, at, &mut |_| is_match = true);
            }
        } else if !variant.variant.encoded_starts.is_empty()
            && variant.variant.keywords.iter().any(|keyword| keyword == literal)
        {
            variant.matches(text, at..at + literal.len(), &mut |_| is_match = true);
        }
        if is_match {
            return true;
        }
    }
    false
}

fn key_run_before(text: &[u8]) -> usize {
    text.iter().rev().take_while(|&&byte| is_key(byte)).count()
}

/// Whether `behind`, which follows `literal` in a run of key characters, repeats parts that keys contain once, so that
/// the checks reject every match that begins with the literal, however it continues. Requires that all variants with the
/// literal use these checks.
fn repeats_too_much(behind: &[u8], literal: &[u8], spacing: usize) -> bool {
    // A key of letters and digits only may end before any repetition.
    if behind.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count() >= spacing {
        return false;
    }
    let marker = MARKER.as_bytes();
    // The first marker that can be in the middle of a key, and everything before it.
    let first = behind.get(spacing..).and_then(|rest| memmem::find(rest, marker)).map(|at| spacing + at);
    if memmem::find_iter(&behind[..first.unwrap_or(behind.len())], literal).count() > MAX_PREFIX_REPEATS {
        return true;
    }
    let places: Vec<usize> = match first {
        Some(_) => memmem::find_iter(behind, marker).collect(),
        None => return false,
    };
    let reach = spacing + marker.len();
    let recurs_nearby = |index: usize| {
        let is_near =
            |other: Option<&usize>| other.is_some_and(|&other| other.abs_diff(places[index]) < reach);
        is_near(places.get(index + 1))
            || index.checked_sub(1).is_some_and(|before| is_near(places.get(before)))
    };
    // Every marker that may be in the middle of a key.
    let candidates = places.iter().enumerate().filter(|(_, place)| **place >= spacing);
    // Whether one of them may be so even in a key with the longest prefix.
    let is_last_far = places.last().is_some_and(|&last| last >= MAX_PREFIX_TAIL + spacing);
    is_last_far && candidates.map(|(index, _)| index).all(recurs_nearby)
}

/// Maximum length of a prefix (`sk-`, a name and `-`) without its first three bytes.
const MAX_PREFIX_TAIL: usize = 44;

// Upper bounds on the tokens that `encoding` reads as one, somewhat above the limits there.

/// A run of tags: `MAX_TAGS_LEN` in `encoding::markup`.
const MAX_TAGS: usize = 340;
/// The text between two parts of a split literal: `MAX_CONCAT_LEN` in `encoding::string_concat`.
const MAX_CONCATENATION: usize = 210;
/// A line end with the indentation and the prefix of the next line: `encoding::line_continuation`.
const MAX_LINE_BREAK: usize = 110;
/// A color code (`encoding::color_code`) or a short escape.
const MAX_SHORT_TOKEN: usize = 32;
/// A character of UTF-8 that is ignored, such as a zero-width space, ends at its last byte; the bytes before are not ASCII.
const MAX_UTF8_TAIL: usize = 3;

/// Maximum length of a token that begins with `byte`, in bytes. If fewer are available, the token may be truncated.
fn max_token_starting_with(byte: u8) -> usize {
    match byte {
        b'<' => MAX_TAGS,
        b'"' | b'\'' | b'`' | b'\\' | b'&' => MAX_CONCATENATION,
        b'\r' | b'\n' | b'^' => MAX_LINE_BREAK,
        b'%' | b'=' | 0x1b | 0x80.. => MAX_SHORT_TOKEN,
        _ => 1,
    }
}

/// The same for a token that ends with `byte`.
fn max_token_ending_with(byte: u8) -> usize {
    match byte {
        b'>' => MAX_TAGS,
        b'"' | b'\'' | b'`' | b';' => MAX_CONCATENATION,
        b' ' | b'\t' | b'\r' | b'\n' | b'\\' | b'+' | b'#' | b'*' | b'/' | b'%' | b'!' => MAX_LINE_BREAK,
        b'=' | b'}' => MAX_SHORT_TOKEN,
        0x80.. => MAX_UTF8_TAIL,
        _ => 1,
    }
}
