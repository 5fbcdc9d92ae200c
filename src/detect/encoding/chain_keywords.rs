//! Generates the keywords of encoded keys, each with the chain that decodes around it.

use super::decode_chain::{DecodeChain, DecodeStep};
use super::interface::Encoding;
use super::{ALL, base64, delimited_hex, dump, escaped_text, hex, utf16};

/// A literal to be found in encoded form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::detect) struct Literal {
    pub(in crate::detect) bytes: Vec<u8>,
    /// Whether keys begin with it, rather than contain it.
    pub(in crate::detect) starts_key: bool,
    /// Maximum length of a key that contains it, if the key consists only of key characters.
    pub(in crate::detect) max_key_len: Option<usize>,
    /// See [`DecodeChain::literal_spacing`].
    pub(in crate::detect) literal_spacing: usize,
}

/// Encodings within base64, and the number of their alignments. Base64 within base64 is a value that was
/// encoded twice, from its first byte on; supporting it within other text would take nine more keywords.
const INSIDE_BASE64: &[(&dyn Encoding, usize)] = &[(&utf16::Utf16, 3), (&base64::Base64, 1)];

/// Encodings as hex digits, within which UTF-16 is searched for, too.
const HEX_ENCODINGS: &[&dyn Encoding] = &[&hex::HexRun, &delimited_hex::DelimitedHex, &dump::Dump];

/// All keywords to search for, each with its decoding chain.
pub(in crate::detect) fn decode_chains(literals: &[Literal]) -> Vec<(Vec<u8>, DecodeChain)> {
    let mut chains = Vec::new();
    for Literal { bytes: literal, starts_key, max_key_len, literal_spacing } in literals {
        let (starts_key, max_key_len, literal_spacing) = (starts_key, *max_key_len, *literal_spacing);
        let mut add = |keyword, steps| {
            chains
                .push((keyword, DecodeChain { steps, starts_key: *starts_key, max_key_len, literal_spacing }))
        };
        let plain = DecodeStep::new(&escaped_text::EscapedText, escaped_text::UNESCAPED, literal);
        add(literal.clone(), vec![plain]);
        for &encoding in ALL {
            for keyword in encoding.keywords(literal, *starts_key) {
                add(keyword.bytes, vec![DecodeStep::new(encoding, keyword.tag, literal)]);
            }
        }
        // Text in UTF-16 or base64 that contains the literal unescaped, and is escaped or split around it.
        let outer: &dyn Encoding = if *starts_key { &utf16::Utf16 } else { &base64::Base64 };
        for keyword in outer.keywords(literal, *starts_key) {
            let escaped = DecodeStep::new(&escaped_text::EscapedText, escaped_text::UNESCAPED, literal);
            add(keyword.bytes, vec![DecodeStep::new(outer, keyword.tag, literal), escaped]);
        }
        for &(encoding, alignments) in INSIDE_BASE64.iter().filter(|_| *starts_key) {
            for inner in encoding.keywords(literal, true).into_iter().take(alignments) {
                for outer in base64::Base64.keywords(&inner.bytes, true).into_iter().take(alignments) {
                    let steps = vec![
                        DecodeStep::new(&base64::Base64, outer.tag, &inner.bytes),
                        DecodeStep::new(encoding, inner.tag, literal),
                    ];
                    add(outer.bytes, steps);
                }
            }
        }
        for inner in utf16::Utf16.keywords(literal, *starts_key) {
            for &outer in HEX_ENCODINGS {
                for keyword in outer.keywords(&inner.bytes, true) {
                    let steps = vec![
                        DecodeStep::hex(outer, keyword.tag, &inner.bytes),
                        DecodeStep::new(&utf16::Utf16, utf16::IN_HEX, literal),
                    ];
                    add(keyword.bytes, steps);
                }
            }
        }
    }
    chains
}
