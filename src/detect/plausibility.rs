//! Whether the text around an encoded keyword is worth decoding. Usually it is not, and hostile text can be full of such
//! keywords. So a few characters are checked first, then more; each check is cheap considering how few keywords pass the
//! one before. A keyword rejected here has no match: a test compares with a search without these checks.

use memchr::memmem;

use super::alphabet::{is_key, key_run};
use super::effort::spend;
use super::encoding::{DecodeChain, DecodeExtent, DecodedText};
use super::limits::MAX_PREFIX_REPEATS;
use super::variant::CompiledVariant;
use crate::rules::MARKER;

/// Number of characters in the probes before the one for a whole key. The first shows whether the hit is
/// repeated over and over.
const PROBE_LENGTHS: [usize; 2] = [32, 100];
const FIRST_PREFIX_PROBE: usize = 14;
const FIRST_MARKER_PROBE: usize = 31;

/// Whether a variant may match at a keyword at `at`.
pub(super) fn is_plausible(
    variants: &[CompiledVariant],
    chain: &DecodeChain,
    bytes: &[u8],
    at: usize,
) -> bool {
    if !chain.supports_probing() {
        return true;
    }
    let first = match chain.starts_key {
        true => [Some(DecodeExtent::Partial(FIRST_PREFIX_PROBE)), None],
        // The minimum that must be decoded, and as much on the other side.
        false => [
            Some(DecodeExtent::Partial(chain.literal().len())),
            Some(DecodeExtent::Forward(FIRST_MARKER_PROBE)),
        ],
    };
    let mut looks = first.into_iter().flatten().chain(PROBE_LENGTHS.map(DecodeExtent::Partial));
    let outcome = looks.find_map(|extent| probe(variants, chain, bytes, at, extent));
    outcome.or_else(|| probe(variants, chain, bytes, at, DecodeExtent::WholeKey)).unwrap_or(true)
}

/// The answer from text of this `extent`; `None` if more must be decoded.
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
            let this = judge(variants, chain, &decoded, extent);
            outcome = if this == Some(false) { outcome } else { this };
        }
    });
    outcome
}

fn judge(
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
    if chain.starts_key && chain.apart > 0 && repeats(behind, literal, chain.apart) {
        return Some(false);
    }
    if let DecodeExtent::Forward(_) = extent {
        let again = memmem::find(&behind[..behind.len().min(chain.apart + literal.len() - 1)], literal);
        return (chain.apart > 0 && again.is_some()).then_some(false);
    }
    let begins = chain.starts_key
        || match (at - left).checked_sub(1) {
            Some(before) => !chain.is_nested() || before + 1 >= longest_to(text[before]),
            None => chain.ends_with_key() && !matches!(extent, DecodeExtent::Partial(most) if at >= most),
        };
    if !chain.starts_key && chain.apart > 0 {
        let extent = chain.apart + literal.len() - 1;
        let near = &behind[..behind.len().min(extent)];
        let before = &text[at - left.min(extent)..at];
        let is_again = |part: &[u8]| memmem::find(part, literal).is_some();
        if is_again(near) || is_again(before) || (begins && left < chain.apart) {
            return Some(false);
        }
    }
    let is_match = || has_match(variants, chain, decoded);
    let DecodeExtent::Partial(most) = extent else { return Some(is_match()) };
    if decoded.is_tentative(&(at - left..at + right)) {
        return None;
    }
    let ends = match text.get(at + right) {
        Some(&byte) => !chain.is_nested() || text.len() - at - right >= longest_from(byte),
        None => chain.ends_with_key() && text.len() - at < most,
    };
    (ends && begins).then(is_match)
}

fn has_match(variants: &[CompiledVariant], chain: &DecodeChain, decoded: &DecodedText) -> bool {
    let (text, at, literal) = (&decoded.text[..], decoded.literal_start, chain.literal());
    let mut is_match = false;
    spend(variants.len());
    for variant in variants {
        if chain.starts_key {
            if variant.variant.encoded.iter().any(|start| start == literal) {
                variant.matches_at(text, at, &mut |_| is_match = true);
            }
        } else if !variant.variant.encoded.is_empty()
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

/// Whether `behind`, which follows `literal` in a run of key characters, repeats parts that keys contain once,
/// so that the checks reject every match that begins there, however it continues. All variants must use these
/// checks.
fn repeats(behind: &[u8], literal: &[u8], apart: usize) -> bool {
    // A key of letters and digits may end before all that.
    if behind.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count() >= apart {
        return false;
    }
    let marker = MARKER.as_bytes();
    // The first marker that can be in the middle of a key, and everything before it.
    let first = behind.get(apart..).and_then(|rest| memmem::find(rest, marker)).map(|at| apart + at);
    if memmem::find_iter(&behind[..first.unwrap_or(behind.len())], literal).count() > MAX_PREFIX_REPEATS {
        return true;
    }
    let places: Vec<usize> = match first {
        Some(_) => memmem::find_iter(behind, marker).collect(),
        None => return false,
    };
    let extent = apart + marker.len();
    let is_again = |index: usize| {
        let near = |other: Option<&usize>| other.is_some_and(|&other| other.abs_diff(places[index]) < extent);
        near(places.get(index + 1)) || index.checked_sub(1).is_some_and(|before| near(places.get(before)))
    };
    // Whichever of them a variant uses as the middle, even with the longest prefix.
    let candidates = places.iter().enumerate().filter(|(_, place)| **place >= apart);
    let is_far = places.last().is_some_and(|&last| last >= MAX_PREFIX_TAIL + apart);
    is_far && candidates.map(|(index, _)| index).all(is_again)
}

/// Longest prefix (`sk-`, a name and `-`), not counting its first three bytes.
const MAX_PREFIX_TAIL: usize = 44;

/// Maximum length of a token that begins with `byte`; with fewer bytes available, it may be truncated.
fn longest_from(byte: u8) -> usize {
    match byte {
        b'<' => 340,
        b'"' | b'\'' | b'`' | b'\\' | b'&' => 210,
        b'\r' | b'\n' | b'^' => 110,
        b'%' | b'=' | 0x1b | 0x80.. => 32,
        _ => 1,
    }
}

/// The same for a token that ends with `byte`.
fn longest_to(byte: u8) -> usize {
    match byte {
        b'>' => 340,
        b'"' | b'\'' | b'`' | b';' => 210,
        b' ' | b'\t' | b'\r' | b'\n' | b'\\' | b'+' | b'#' | b'*' | b'/' | b'%' | b'!' => 110,
        b'=' | b'}' => 32,
        0x80.. => 3,
        _ => 1,
    }
}
