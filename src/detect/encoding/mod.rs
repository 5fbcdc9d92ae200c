//! Encoded keys: the ways to write text as other text.
//!
//! Each encoding provides the byte strings that encoded text with a literal must contain (*keywords*, for the
//! one prefilter), and decodes outward from each hit of a keyword. The decoded text records the position of
//! every byte, so that a match is reported where it is in the searched bytes. Which rules match is decided
//! elsewhere.
//!
//! Decoded text depends only on the bytes around the hit, never on where a buffer begins or ends: everything
//! that a match depends on is within the detector's margin.

mod base64;
mod decimal;
mod delimited_hex;
mod dump;
mod escaped_text;
mod escapes;
mod hex;
mod lexer;
mod line_continuation;
mod line_prefix;
mod line_wrap;
mod markup;
mod string_concat;
mod trivia_cursor;
mod utf16;
mod utf32;

use std::fmt;
use std::ops::Range;

use super::candidate::Candidate;
use super::checks::CONTEXT_REACH;
use super::effort::spend;
use crate::model::NESTED_ENCODINGS;
use lexer::TokenKind;

/// Maximum bytes of an encoded key: 259 characters in the longest escape there is, `\\U00000073…`. As `0x73, …`
/// in indented lines of eight, such a key takes about 1,850.
pub(super) const MAX_ENCODED_SPAN: usize = 2880;

/// A match that takes more bytes yields to any overlapping match, which limits how much text around a match
/// must be examined. Only keys whose characters are all escaped take more, and no other match overlaps them.
pub(super) const MAX_REGULAR_SPAN: usize = 480;

/// Bytes to decode on a side on which the key may continue.
const KEY_SIDE_BYTES: usize = MAX_ENCODED_SPAN + CONTEXT_REACH;

/// Bytes to decode on a side where only the context matters.
const CONTEXT_SIDE_BYTES: usize = CONTEXT_REACH;

/// One way of writing text as other text.
pub(super) trait Encoding: Sync + fmt::Debug {
    /// Its name as an outer encoding.
    fn name(&self) -> EncodingName;

    /// The byte strings of which encoded text with `literal` must contain one. `starts_key`: keys begin with
    /// the literal. A literal from inside a key is worth searching for only where a line break can split the
    /// other one.
    fn keywords(&self, literal: &[u8], starts_key: bool) -> Vec<EncodedKeyword>;

    /// Decodes around a hit and hands over every possible reading.
    fn decode(&self, hit: &EncodedHit<'_>, read: &mut dyn FnMut(DecodedText));

    /// Whether a secret at this position may be accepted at all; asked before its checks run.
    fn may_accept(&self, _: &DecodedText, _: &Range<usize>) -> bool {
        true
    }

    /// Whether the key is also in the text in plain form, for readers of the same lines.
    fn also_plain(&self, _: &DecodedText, _: &Range<usize>) -> bool {
        false
    }

    /// The name of a match's encoding; `None` if this encoding must not accept the match. It receives the
    /// candidate after its checks and may add evidence.
    fn accept(
        &self,
        decoded: &DecodedText,
        candidate: &mut Candidate<'_>,
        secret: Range<usize>,
    ) -> Option<EncodingName>;
}

/// The name of an encoding in reports.
pub(super) type EncodingName = &'static str;

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
pub(super) enum DecodeExtent {
    /// This many characters from the hit on.
    Forward(usize),
    /// This many characters from the hit on, and also before it unless keys begin with the literal.
    Partial(usize),
    /// As many as a key has.
    WholeKey,
    /// The context, too.
    Full,
}

/// Characters at the start of keys; after as many again, another one may begin.
const START: usize = 3;

/// Characters before a hit that the rest of an escape or of a group of symbols may encode.
const FEW_BEFORE: usize = 3;

/// Bytes before a hit that the first probe may need: the rest of an escape or of a group of symbols.
const JUST_BEFORE: usize = 80;

impl EncodedHit<'_> {
    /// The first byte that may be decoded.
    fn decode_start(&self) -> usize {
        let far = match self.extent {
            DecodeExtent::Forward(_) => JUST_BEFORE,
            _ if !self.starts_key => KEY_SIDE_BYTES,
            DecodeExtent::Full => CONTEXT_SIDE_BYTES,
            DecodeExtent::Partial(_) | DecodeExtent::WholeKey => JUST_BEFORE,
        };
        self.at.saturating_sub(far)
    }

    /// Number of characters to decode from the hit on.
    fn max_chars(&self) -> usize {
        match (self.extent, self.keys) {
            (DecodeExtent::Forward(most) | DecodeExtent::Partial(most), _) => most,
            (DecodeExtent::WholeKey, Some(keys)) => keys,
            (DecodeExtent::Full, Some(keys)) => keys + CONTEXT_REACH,
            (_, None) => usize::MAX,
        }
    }

    /// Number of characters to decode before the hit.
    fn max_chars_before(&self) -> usize {
        match self.extent {
            DecodeExtent::Forward(_) => FEW_BEFORE,
            DecodeExtent::Partial(_) | DecodeExtent::WholeKey if self.starts_key => FEW_BEFORE,
            _ => self.max_chars(),
        }
    }

    /// The end of the bytes that may be decoded.
    fn decode_end(&self) -> usize {
        self.text.len().min(self.at + KEY_SIDE_BYTES)
    }
}

/// The decoded text around a hit.
#[derive(Clone, Debug, Default)]
pub(super) struct DecodedText {
    pub(super) text: Vec<u8>,
    /// For each byte of `text`, the range that encodes it.
    pub(super) source_map: Vec<(usize, usize)>,
    /// Offset of the literal in `text`.
    pub(super) literal_start: usize,
    /// The name of the encoding, unless tokens in the match determine another.
    name: EncodingName,
    /// Special tokens, each with the offset in `text` of the byte it encodes or precedes.
    annotations: Vec<(usize, TokenKind)>,
    /// For each line of a dump with a text column, the end of its bytes and the end of the line.
    text_columns: Vec<(usize, usize)>,
}

impl DecodedText {
    /// The range of the bytes from which `range` of the text was decoded.
    pub(super) fn span(&self, range: &Range<usize>) -> Range<usize> {
        let start = self.source_map.get(range.start).map_or(0, |place| place.0);
        let last = self.source_map.get(range.end.saturating_sub(1)).map_or(start, |place| place.1);
        start..last.max(start)
    }

    /// The same, including the text column that repeats the last of them.
    pub(super) fn span_with_text_column(&self, range: &Range<usize>) -> Range<usize> {
        let span = self.span(range);
        let line = self.text_columns.iter().find(|line| span.end <= line.0);
        span.start..line.map_or(span.end, |line| line.1)
    }

    /// Offsets at which parts were joined tentatively.
    pub(super) fn join_offsets(&self) -> Vec<usize> {
        let is_seam = |&&(at, kind): &&(usize, TokenKind)| kind.is_tentative() || self.is_end(at, kind);
        self.annotations.iter().filter(is_seam).map(|(at, _)| *at).collect()
    }

    /// The joins at which a key ends unless its halves are equal: another key begins there, or the next part is
    /// more likely the next item of a list.
    pub(super) fn hard_ends(&self) -> Vec<usize> {
        let is_end =
            |&&(at, kind): &&(usize, TokenKind)| kind == TokenKind::CommaSeparated || self.is_end(at, kind);
        self.annotations.iter().filter(is_end).map(|(at, _)| *at).collect()
    }

    /// How many peculiar units stand in it.
    pub(super) fn annotations_len(&self) -> usize {
        self.annotations.len()
    }

    /// Whether `range` of the text contains a tentative join.
    pub(super) fn is_tentative(&self, range: &Range<usize>) -> bool {
        self.annotations
            .iter()
            .any(|(at, kind)| kind.is_tentative() && range.start <= *at && *at <= range.end)
    }

    /// Whether the next part begins like the key itself.
    fn is_end(&self, at: usize, kind: TokenKind) -> bool {
        let start = self.text.get(self.literal_start..self.literal_start + START);
        kind.is_zero_width() && start.is_some() && self.text.get(at..at + START) == start
    }

    /// Maps positions in an outer decoded text to the text from which that was decoded.
    fn through(mut self, outer: &Self) -> Self {
        for place in &mut self.source_map {
            let span = outer.span(&(place.0..place.1));
            *place = (span.start, span.end);
        }
        self.text_columns.clone_from(&outer.text_columns);
        self
    }

    fn push(&mut self, byte: u8, place: (usize, usize)) {
        self.text.push(byte);
        self.source_map.push(place);
    }
}

/// Steps of decoding around a hit in addition to those for each byte.
const HIT_STEPS: usize = 16;

/// One or more nested encodings.
#[derive(Debug)]
pub(super) struct DecodeChain {
    steps: Vec<DecodeStep>,
    /// Whether keys begin with the literal of the last step.
    pub(super) starts_key: bool,
    /// Maximum match length of the variants that use the literal, if it consists only of key characters.
    pub(super) keys: Option<usize>,
    /// Minimum number of key characters on each side of the literal that do not repeat it, if all variants
    /// require that.
    pub(super) apart: usize,
}

/// One layer of the chain.
#[derive(Debug)]
struct DecodeStep {
    encoding: &'static dyn Encoding,
    tag: u8,
    /// The text to decode at the hit.
    literal: Vec<u8>,
    /// Whether an outer encoding was written as hex digits.
    in_hex: bool,
}

impl DecodeStep {
    fn new(encoding: &'static dyn Encoding, tag: u8, literal: &[u8]) -> Self {
        Self { encoding, tag, literal: literal.to_vec(), in_hex: false }
    }

    fn hex(encoding: &'static dyn Encoding, tag: u8, literal: &[u8]) -> Self {
        Self { in_hex: true, ..Self::new(encoding, tag, literal) }
    }
}

impl DecodeChain {
    /// Decodes around a hit at `at`, through every layer.
    pub(super) fn decode(
        &self,
        text: &[u8],
        at: usize,
        extent: DecodeExtent,
        read: &mut dyn FnMut(DecodedText),
    ) {
        self.decode_from(0, text, at, extent, read);
    }

    /// Whether part of the text around a hit is enough to reject it.
    pub(super) fn supports_probing(&self) -> bool {
        self.keys.is_some()
    }

    /// Whether the text around a hit was decoded from decoded text, which may be truncated.
    pub(super) fn is_nested(&self) -> bool {
        self.steps.len() > 1
    }

    /// Whether everything that is decoded belongs together, so that the key ends where it ends.
    pub(super) fn ends_with_key(&self) -> bool {
        matches!(&self.steps[..], [step] if step.encoding.name() != escaped_text::NAME)
    }

    fn decode_from(
        &self,
        step: usize,
        text: &[u8],
        at: usize,
        extent: DecodeExtent,
        read: &mut dyn FnMut(DecodedText),
    ) {
        let Some(DecodeStep { encoding, tag, literal, .. }) = self.steps.get(step) else { return };
        spend(HIT_STEPS);
        let is_last = step + 1 == self.steps.len();
        // The characters of an inner encoding are not those of a key.
        let keys = self.keys.filter(|_| is_last);
        let (starts_key, nested) = (self.starts_key, step > 0);
        let (within, extent) = (
            extent,
            match extent {
                // Two per character in UTF-16, and at most that in most others.
                DecodeExtent::Partial(most) if !is_last => DecodeExtent::Partial(2 * most + 8 + most / 6),
                DecodeExtent::Forward(most) if !is_last => DecodeExtent::Forward(2 * most + 8),
                extent => extent,
            },
        );
        let hit = EncodedHit { text, at, tag: *tag, literal, starts_key, nested, keys, extent };
        encoding.decode(&hit, &mut |decoded| {
            spend(HIT_STEPS + decoded.text.len());
            if !decoded.text.get(decoded.literal_start..).is_some_and(|text| text.starts_with(literal)) {
                return;
            }
            match is_last {
                true => read(decoded),
                false => {
                    self.decode_from(step + 1, &decoded.text, decoded.literal_start, within, &mut |inner| {
                        read(inner.through(&decoded));
                    })
                }
            }
        });
    }

    /// The literal in the decoded text at the hit.
    pub(super) fn literal(&self) -> &[u8] {
        self.steps.last().map_or(&[], |step| &step.literal)
    }

    /// Whether a secret there may be accepted at all.
    pub(super) fn may_accept(&self, decoded: &DecodedText, secret: &Range<usize>) -> bool {
        self.steps.last().is_some_and(|step| step.encoding.may_accept(decoded, secret))
    }

    /// Whether the key is also there in plain form.
    pub(super) fn also_plain(&self, decoded: &DecodedText, secret: &Range<usize>) -> bool {
        self.steps.last().is_some_and(|step| step.encoding.also_plain(decoded, secret))
    }

    /// The name of a match's encoding; `None` if it is rejected.
    pub(super) fn accept(
        &self,
        decoded: &DecodedText,
        candidate: &mut Candidate<'_>,
        secret: Range<usize>,
    ) -> Option<EncodingName> {
        let name = self.steps.last()?.encoding.accept(decoded, candidate, secret)?;
        match (&self.steps[..], name) {
            ([outer, _], _) if outer.in_hex => Some("hex"),
            ([outer, _], name) => nested_name(outer.encoding.name(), name),
            (_, name) => Some(name),
        }
    }
}

/// A literal to be found in encoded form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Literal {
    pub(super) bytes: Vec<u8>,
    /// Whether keys begin with it, rather than contain it.
    pub(super) starts_key: bool,
    /// Maximum length of a key that contains it, if the key consists only of key characters.
    pub(super) keys: Option<usize>,
    /// See [`DecodeChain::apart`].
    pub(super) apart: usize,
}

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

/// The name of one encoding within another.
fn nested_name(outer: EncodingName, inner: EncodingName) -> Option<EncodingName> {
    // The alphabet of an inner base64 makes no difference.
    let inner = if inner == "base64url" { "base64" } else { inner };
    let is_it = |name: &&&str| name.split_once('+') == Some((outer, inner));
    NESTED_ENCODINGS.iter().find(is_it).copied()
}

/// Encodings within base64, and the number of their alignments. Base64 within base64 is a value that was
/// encoded twice, from its first byte on; supporting it within other text would take nine more keywords.
const INSIDE_BASE64: &[(&dyn Encoding, usize)] = &[(&utf16::Utf16, 3), (&base64::Base64, 1)];

/// Encodings as hex digits, within which UTF-16 is searched for, too.
const HEX_ENCODINGS: &[&dyn Encoding] = &[&hex::HexRun, &delimited_hex::DelimitedHex, &dump::Dump];

/// All keywords to search for, each with its decoding chain.
pub(super) fn decode_chains(literals: &[Literal]) -> Vec<(Vec<u8>, DecodeChain)> {
    let mut chains = Vec::new();
    for Literal { bytes: literal, starts_key, keys, apart } in literals {
        let (starts_key, keys, apart) = (starts_key, *keys, *apart);
        let mut add = |keyword, steps| {
            chains.push((keyword, DecodeChain { steps, starts_key: *starts_key, keys, apart }))
        };
        let plain = DecodeStep::new(&escaped_text::EscapedText, escaped_text::AS_IT_IS, literal);
        add(literal.clone(), vec![plain]);
        for &encoding in ALL {
            for keyword in encoding.keywords(literal, *starts_key) {
                add(keyword.bytes, vec![DecodeStep::new(encoding, keyword.tag, literal)]);
            }
        }
        // Text that contains the literal unescaped, escaped or split around it.
        let around: &dyn Encoding = if *starts_key { &utf16::Utf16 } else { &base64::Base64 };
        for keyword in around.keywords(literal, *starts_key) {
            let spelt = DecodeStep::new(&escaped_text::EscapedText, escaped_text::AS_IT_IS, literal);
            add(keyword.bytes, vec![DecodeStep::new(around, keyword.tag, literal), spelt]);
        }
        for &(encoding, ways) in INSIDE_BASE64.iter().filter(|_| *starts_key) {
            for inner in encoding.keywords(literal, true).into_iter().take(ways) {
                for outer in base64::Base64.keywords(&inner.bytes, true).into_iter().take(ways) {
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
                        DecodeStep::new(&utf16::Utf16, utf16::NEAR_BY, literal),
                    ];
                    add(keyword.bytes, steps);
                }
            }
        }
    }
    chains
}
