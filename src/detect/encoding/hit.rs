//! A hit of a keyword in encoded text, and how much to decode around it.

use crate::detect::limits::{CONTEXT_REACH, MAX_ENCODED_SPAN};

/// Bytes to decode on a side on which the key may continue.
const KEY_SIDE_BYTES: usize = MAX_ENCODED_SPAN + CONTEXT_REACH;

/// Bytes to decode on a side where only the context matters.
const CONTEXT_SIDE_BYTES: usize = CONTEXT_REACH;

/// The encoded form of a literal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct EncodedKeyword {
    /// The byte string to search for.
    pub(super) bytes: Vec<u8>,
    /// How the literal is aligned or written; its meaning is private to the encoding.
    pub(super) tag: u8,
}

/// A keyword that was hit.
#[derive(Clone, Copy, Debug)]
pub(super) struct EncodedHit<'a> {
    pub(super) text: &'a [u8],
    /// Start of the keyword in `text`.
    pub(super) at: usize,
    pub(super) tag: u8,
    /// The literal that must be decoded at the hit.
    pub(super) literal: &'a [u8],
    /// Whether the key begins with the literal, so that nothing before it is part of the key.
    pub(super) starts_key: bool,
    /// Whether `text` was itself decoded and ends where decoding ended.
    pub(super) nested: bool,
    /// Maximum number of characters of the key, if it consists only of key characters.
    pub(super) keys: Option<usize>,
    /// How much to decode.
    pub(super) extent: DecodeExtent,
}

/// How much text around a hit to decode. Most hits lead nowhere, and a hostile text can be full of them; a
/// little text usually shows this sooner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::detect) enum DecodeExtent {
    /// This many characters from the hit on.
    Forward(usize),
    /// This many characters from the hit on, and also before it unless keys begin with the literal.
    Partial(usize),
    /// As many as a key has.
    WholeKey,
    /// The context, too.
    Full,
}

/// Characters before a hit that the rest of an escape or of a group of symbols may encode.
pub(super) const FEW_BEFORE: usize = 3;

/// Bytes before a hit that the first probe may need: the rest of an escape or of a group of symbols.
const JUST_BEFORE: usize = 80;

impl EncodedHit<'_> {
    /// The first byte that may be decoded.
    pub(super) fn decode_start(&self) -> usize {
        let far = match self.extent {
            DecodeExtent::Forward(_) => JUST_BEFORE,
            _ if !self.starts_key => KEY_SIDE_BYTES,
            DecodeExtent::Full => CONTEXT_SIDE_BYTES,
            DecodeExtent::Partial(_) | DecodeExtent::WholeKey => JUST_BEFORE,
        };
        self.at.saturating_sub(far)
    }

    /// Number of characters to decode from the hit on.
    pub(super) fn max_chars(&self) -> usize {
        match (self.extent, self.keys) {
            (DecodeExtent::Forward(most) | DecodeExtent::Partial(most), _) => most,
            (DecodeExtent::WholeKey, Some(keys)) => keys,
            (DecodeExtent::Full, Some(keys)) => keys + CONTEXT_REACH,
            (_, None) => usize::MAX,
        }
    }

    /// Number of characters to decode before the hit.
    pub(super) fn max_chars_before(&self) -> usize {
        match self.extent {
            DecodeExtent::Forward(_) => FEW_BEFORE,
            DecodeExtent::Partial(_) | DecodeExtent::WholeKey if self.starts_key => FEW_BEFORE,
            _ => self.max_chars(),
        }
    }

    /// The end of the bytes that may be decoded.
    pub(super) fn decode_end(&self) -> usize {
        self.text.len().min(self.at + KEY_SIDE_BYTES)
    }
}
