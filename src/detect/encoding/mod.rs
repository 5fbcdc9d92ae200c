//! Encoded keys: the ways to write text as other text.
//!
//! Each encoding provides the byte strings that encoded text with a literal must contain (*keywords*, for the
//! one prefilter), and decodes outward from each hit of a keyword. The decoded text records the position of
//! every byte, so that a match is reported where it is in the searched bytes. Which rules match is decided
//! elsewhere.
//!
//! Decoded text depends only on the bytes around the hit, never on where a buffer begins or ends: everything
//! that a match depends on is within the detector's margin.

mod backward_lexer;
mod base64;
mod chain_keywords;
mod color_code;
mod decimal;
mod decode_chain;
mod decoded_text;
mod delimited_hex;
mod dump;
mod escaped_text;
mod escapes;
mod hex;
mod hit;
mod interface;
mod lexer;
mod line_continuation;
mod line_prefix;
mod line_wrap;
mod markup;
mod string_concat;
mod token;
mod trivia_cursor;
mod utf16;
mod utf32;

pub(super) use chain_keywords::{Literal, decode_chains};
pub(super) use decode_chain::DecodeChain;
pub(super) use decoded_text::{DecodedText, EncodingName};
pub(super) use hit::DecodeExtent;

use interface::Encoding;

/// All encodings.
const ALL: &[&dyn Encoding] = &[
    &escaped_text::EscapedText,
    &utf16::Utf16,
    &utf32::Utf32,
    &base64::Base64,
    &hex::HexRun,
    &delimited_hex::DelimitedHex,
    &dump::Dump,
    &decimal::Decimal,
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::ALL;
    use crate::model::{NESTED_ENCODINGS, SINGLE_ENCODINGS};

    #[test]
    fn reports_know_every_name() {
        let of_encodings = ALL.iter().flat_map(|encoding| encoding.names()).copied();
        let names: BTreeSet<_> = of_encodings.chain(["utf-8"]).collect();
        assert_eq!(names, SINGLE_ENCODINGS.iter().copied().collect());
        for (outer, inner) in NESTED_ENCODINGS.iter().filter_map(|name| name.split_once('+')) {
            assert!(ALL.iter().any(|encoding| encoding.name() == outer), "{outer}");
            assert!(names.contains(inner), "{inner}");
        }
    }
}
