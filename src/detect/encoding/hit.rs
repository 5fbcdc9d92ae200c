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
    pub(super) start: usize,
    pub(super) tag: u8,
    /// The literal that must be decoded at the hit.
    pub(super) literal: &'a [u8],
    /// Whether the key begins with the literal, so that nothing before it is part of the key.
    pub(super) starts_key: bool,
    /// Whether `text` is itself decoded text, which ends where decoding ended.
    pub(super) nested: bool,
    /// Maximum number of characters of the key, if it consists only of key characters.
    pub(super) max_key_len: Option<usize>,
    /// How much to decode.
    pub(super) extent: DecodeExtent,
}

/// How much text around a hit to decode. There is no key at most hits, and hostile text can be full of hits; a few
/// characters usually show that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::detect) enum DecodeExtent {
    /// This many characters from the hit on.
    Forward(usize),
    /// This many characters from the hit on, and also before it unless keys begin with the literal.
    Partial(usize),
    /// As many characters as a key has.
    WholeKey,
    /// A key with its context.
    Full,
}

/// Number of characters to decode before a hit in a probe: those of the escape or group of symbols in which the hit is.
pub(super) const PROBE_CHARS_BEFORE: usize = 3;

/// Number of bytes to decode before a hit in a probe: the escape or group of symbols in which the hit is.
const PROBE_BYTES_BEFORE: usize = 80;

impl EncodedHit<'_> {
    /// The first byte that may be decoded.
    pub(super) fn decode_start(&self) -> usize {
        let reach = match self.extent {
            DecodeExtent::Forward(_) => PROBE_BYTES_BEFORE,
            _ if !self.starts_key => KEY_SIDE_BYTES,
            DecodeExtent::Full => CONTEXT_SIDE_BYTES,
            DecodeExtent::Partial(_) | DecodeExtent::WholeKey => PROBE_BYTES_BEFORE,
        };
        self.start.saturating_sub(reach)
    }

    /// Number of characters to decode from the hit on.
    pub(super) fn max_chars(&self) -> usize {
        match (self.extent, self.max_key_len) {
            (DecodeExtent::Forward(chars) | DecodeExtent::Partial(chars), _) => chars,
            (DecodeExtent::WholeKey, Some(max)) => max,
            (DecodeExtent::Full, Some(max)) => max + CONTEXT_REACH,
            (_, None) => usize::MAX,
        }
    }

    /// Number of characters to decode before the hit.
    pub(super) fn max_chars_before(&self) -> usize {
        match self.extent {
            DecodeExtent::Forward(_) => PROBE_CHARS_BEFORE,
            DecodeExtent::Partial(_) | DecodeExtent::WholeKey if self.starts_key => PROBE_CHARS_BEFORE,
            _ => self.max_chars(),
        }
    }

    /// The end of the bytes that may be decoded.
    pub(super) fn decode_end(&self) -> usize {
        self.text.len().min(self.start + KEY_SIDE_BYTES)
    }
}
