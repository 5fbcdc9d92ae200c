//! A chain of nested encodings, outermost first, through which the text around a keyword is decoded.

use std::ops::Range;

use super::decoded_text::{DecodedText, EncodingName};
use super::escaped_text;
use super::hit::{DecodeExtent, EncodedHit};
use super::interface::Encoding;
use crate::detect::candidate::Candidate;
use crate::detect::effort::spend;
use crate::model::NESTED_ENCODINGS;

/// Steps (see `effort`) of decoding around a hit, in addition to those for each byte.
const HIT_STEPS: usize = 16;

/// One or more nested encodings.
#[derive(Debug)]
pub(in crate::detect) struct DecodeChain {
    pub(super) steps: Vec<DecodeStep>,
    /// Whether keys begin with the literal of the last step.
    pub(in crate::detect) starts_key: bool,
    /// Maximum match length of the variants that use the literal, if it consists only of key characters.
    pub(in crate::detect) max_key_len: Option<usize>,
    /// Minimum number of key characters on each side of the literal that do not repeat it, if all variants
    /// require that.
    pub(in crate::detect) literal_spacing: usize,
}

/// One layer of the chain.
#[derive(Debug)]
pub(super) struct DecodeStep {
    encoding: &'static dyn Encoding,
    tag: u8,
    /// The text to decode at the hit.
    literal: Vec<u8>,
    /// Whether an outer encoding was written as hex digits.
    in_hex: bool,
}

impl DecodeStep {
    pub(super) fn new(encoding: &'static dyn Encoding, tag: u8, literal: &[u8]) -> Self {
        Self { encoding, tag, literal: literal.to_vec(), in_hex: false }
    }

    pub(super) fn hex(encoding: &'static dyn Encoding, tag: u8, literal: &[u8]) -> Self {
        Self { in_hex: true, ..Self::new(encoding, tag, literal) }
    }
}

impl DecodeChain {
    /// Decodes around a hit at `at`, through every layer.
    pub(in crate::detect) fn decode(
        &self,
        text: &[u8],
        at: usize,
        extent: DecodeExtent,
        visit: &mut dyn FnMut(DecodedText),
    ) {
        self.decode_from(0, text, at, extent, visit);
    }

    /// Whether part of the text around a hit is enough to reject it.
    pub(in crate::detect) fn supports_probing(&self) -> bool {
        self.max_key_len.is_some()
    }

    /// Whether the text around a hit was decoded from decoded text, which may be truncated.
    pub(in crate::detect) fn is_nested(&self) -> bool {
        self.steps.len() > 1
    }

    /// Whether only one value is decoded, so that the key begins and ends where the decoded text does.
    pub(in crate::detect) fn decodes_one_value(&self) -> bool {
        matches!(&self.steps[..], [step] if step.encoding.name() != escaped_text::NAME)
    }

    fn decode_from(
        &self,
        step: usize,
        text: &[u8],
        at: usize,
        extent: DecodeExtent,
        visit: &mut dyn FnMut(DecodedText),
    ) {
        let Some(DecodeStep { encoding, tag, literal, .. }) = self.steps.get(step) else { return };
        spend(HIT_STEPS);
        let is_last = step + 1 == self.steps.len();
        // The characters of an inner encoding are not those of a key.
        let max_key_len = self.max_key_len.filter(|_| is_last);
        let (starts_key, nested) = (self.starts_key, step > 0);
        let inner_extent = extent;
        let extent = match extent {
            // A character takes two of the outer text's characters in UTF-16, and hardly more in other encodings.
            DecodeExtent::Partial(chars) if !is_last => DecodeExtent::Partial(2 * chars + 8 + chars / 6),
            DecodeExtent::Forward(chars) if !is_last => DecodeExtent::Forward(2 * chars + 8),
            extent => extent,
        };
        let hit = EncodedHit { text, start: at, tag: *tag, literal, starts_key, nested, max_key_len, extent };
        encoding.decode(&hit, &mut |decoded| {
            spend(HIT_STEPS + decoded.text.len());
            if !decoded.text.get(decoded.literal_start..).is_some_and(|text| text.starts_with(literal)) {
                return;
            }
            match is_last {
                true => visit(decoded),
                false => self.decode_from(
                    step + 1,
                    &decoded.text,
                    decoded.literal_start,
                    inner_extent,
                    &mut |inner| {
                        visit(inner.map_through(&decoded));
                    },
                ),
            }
        });
    }

    /// The literal in the decoded text at the hit.
    pub(in crate::detect) fn literal(&self) -> &[u8] {
        self.steps.last().map_or(&[], |step| &step.literal)
    }

    /// Whether a secret in this range may be accepted at all.
    pub(in crate::detect) fn may_accept(&self, decoded: &DecodedText, secret: &Range<usize>) -> bool {
        self.steps.last().is_some_and(|step| step.encoding.may_accept(decoded, secret))
    }

    /// Whether the text also contains the key in plain form.
    pub(in crate::detect) fn also_plain(&self, decoded: &DecodedText, secret: &Range<usize>) -> bool {
        self.steps.last().is_some_and(|step| step.encoding.also_plain(decoded, secret))
    }

    /// The name of a match's encoding; `None` if it is rejected.
    pub(in crate::detect) fn accept(
        &self,
        decoded: &DecodedText,
        candidate: &mut Candidate<'_>,
        secret: Range<usize>,
    ) -> Option<EncodingName> {
        let encoding = self.steps.last()?.encoding;
        let name = encoding.accept(decoded, candidate, secret)?;
        debug_assert!(encoding.names().contains(&name), "{name} is not a name of {encoding:?}");
        match (&self.steps[..], name) {
            ([outer, _], _) if outer.in_hex => Some("hex"),
            ([outer, _], name) => nested_name(outer.encoding.name(), name),
            (_, name) => Some(name),
        }
    }
}

/// The name of one encoding within another.
fn nested_name(outer: EncodingName, inner: EncodingName) -> Option<EncodingName> {
    // The alphabet of an inner base64 makes no difference.
    let inner = if inner == "base64url" { "base64" } else { inner };
    NESTED_ENCODINGS.iter().find(|name| name.split_once('+') == Some((outer, inner))).copied()
}
