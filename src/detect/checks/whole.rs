//! `whole`: a key without its prefix is recognized only by its length. Therefore nothing adjacent may continue
//! its alphabet, and it must not be base64 of a text with the word `OpenAI`, which is the marker.

use super::{Candidate, Check, CheckSettings, Rejection};
use crate::detect::boundary::begins_without_prefix;
use crate::detect::candidate::WEIGHT_EXACT;

/// Rejects anything but a whole key without its prefix. Must run after `marker-symmetry`, which sets the weight.
#[derive(Debug)]
pub(super) struct Whole;

impl Check for Whole {
    fn name(&self) -> &'static str {
        "whole"
    }

    fn assess(&self, candidate: &mut Candidate<'_>, settings: &CheckSettings) -> Result<(), Rejection> {
        let (bytes, secret) = (candidate.bytes, candidate.secret.clone());
        if candidate.weight != WEIGHT_EXACT
            || !begins_without_prefix(bytes, secret.start, settings.prefix_tails())
        {
            return Err("it is part of a longer text".into());
        }
        // An `=` would be base64 padding.
        if bytes.get(secret.end).is_some_and(|byte| b"+/=".contains(byte)) {
            return Err("it is part of a longer text".into());
        }
        if is_base64_of_text(&bytes[secret]) {
            return Err("it is text in base64".into());
        }
        candidate.note("without its prefix");
        Ok(())
    }
}

/// Whether at least nine tenths of the bytes that `symbols` encode are characters of text.
fn is_base64_of_text(symbols: &[u8]) -> bool {
    let value = |symbol: u8| match symbol {
        b'A'..=b'Z' => symbol - b'A',
        b'a'..=b'z' => symbol - b'a' + 26,
        b'0'..=b'9' => symbol - b'0' + 52,
        b'+' | b'-' => 62,
        _ => 63,
    };
    let bytes = symbols.chunks_exact(4).flat_map(|group| {
        let bits = group.iter().fold(0_u32, |bits, &symbol| bits << 6 | u32::from(value(symbol)));
        bits.to_be_bytes().into_iter().skip(1)
    });
    let (all, text) = bytes.fold((0, 0), |(all, text), byte| {
        (all + 1, text + usize::from(matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t')))
    });
    text * 10 >= all * 9
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{MARKER, expand_template};

    #[test]
    fn base64_of_text_is_distinguished_from_random_characters() {
        for seed in 0..2000 {
            assert!(
                !is_base64_of_text(&expand_template("{base62:20}{marker}{base62:20}", seed).text),
                "{seed}"
            );
        }
        // `This is some`, `OpenAI` as the marker, ` text of a b`.
        let text = format!("VGhpcyBpcyBzb21l{MARKER}IHRleHQgb2YgYSBi");
        assert!(is_base64_of_text(text.as_bytes()));
    }
}
