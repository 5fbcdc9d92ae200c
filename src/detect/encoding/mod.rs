//! Keys in disguise: the ways in which text is written as other text.
//!
//! Each encoding says what encoded text that contains a literal must contain (a *keyword*, for the one
//! prefilter), and decodes outward from where such a keyword was hit. What was decoded keeps the place of
//! every byte, so that a match is reported where it stands in the bytes that were searched. Which rules
//! match in it is not decided here.
//!
//! A decoded text is a function of the bytes around the hit alone, never of where a buffer begins
//! or ends: what a verdict rests on lies within the detector's margin.

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
use lexer::TokenKind;

/// The most bytes that an encoded key may take: the longest, of 259 characters, as `\\U00000073…`, which is the
/// longest escape there is. As `0x73, …` in indented lines of eight it takes some 1,850.
pub(super) const MAX_ENCODED_SPAN: usize = 2880;

/// What takes more bytes than this gives way to whatever overlaps it: only so much must then be looked at
/// around a match to know what becomes of it. Those whose characters are all spelt out take more, and
/// nothing overlaps them.
pub(super) const MAX_REGULAR_SPAN: usize = 480;

/// Bytes that are decoded on a side on which the key may go on.
const KEY_SIDE_BYTES: usize = MAX_ENCODED_SPAN + CONTEXT_REACH;

/// Bytes that are decoded on a side on which only the surroundings matter.
const CONTEXT_SIDE_BYTES: usize = CONTEXT_REACH;

/// One way of writing text as other text.
pub(super) trait Encoding: Sync + fmt::Debug {
    /// What it is called where it is around another.
    fn name(&self) -> EncodingName;

    /// What encoded text holds that holds `literal`: one of these. `starts_key`: keys begin with it; one
    /// from inside a key is worth searching for only where a line wrap can go through the other.
    fn keywords(&self, literal: &[u8], starts_key: bool) -> Vec<EncodedKeyword>;

    /// Decodes around a hit and hands over every way to read it.
    fn decode(&self, hit: &EncodedHit<'_>, read: &mut dyn FnMut(DecodedText));

    /// Whether a secret there can be claimed at all, which is asked before its checks.
    fn may_accept(&self, _: &DecodedText, _: &Range<usize>) -> bool {
        true
    }

    /// Whether it also stands there as it is, for whoever reads the same lines.
    fn also_plain(&self, _: &DecodedText, _: &Range<usize>) -> bool {
        false
    }

    /// The name of the encoding of a match; `None` when the match is not one that this encoding may
    /// accept. Sees the candidate after its checks, and may add evidence.
    fn accept(
        &self,
        decoded: &DecodedText,
        candidate: &mut Candidate<'_>,
        secret: Range<usize>,
    ) -> Option<EncodingName>;
}

/// The name of an encoding, as reports show it.
pub(super) type EncodingName = &'static str;

/// A literal as it looks when it is encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct EncodedKeyword {
    /// What to search for.
    pub(super) bytes: Vec<u8>,
    /// How the literal is aligned or written there: the encoding's own affair.
    pub(super) tag: u8,
}

/// An keyword that was hit.
#[derive(Clone, Copy, Debug)]
pub(super) struct EncodedHit<'a> {
    pub(super) text: &'a [u8],
    /// Where in `text` the keyword begins.
    pub(super) at: usize,
    pub(super) tag: u8,
    /// What must be read at the hit.
    pub(super) literal: &'a [u8],
    /// Whether the key begins with the literal, so that nothing before it is part of the key.
    pub(super) starts_key: bool,
    /// Whether `text` was itself decoded, and ends where decoding did.
    pub(super) nested: bool,
    /// The most characters of what is looked for, if it is of the key alphabet from end to end.
    pub(super) keys: Option<usize>,
    /// How much is wanted.
    pub(super) extent: DecodeExtent,
}

/// How much of the text around a hit is wanted. Most hits are of no use, and a hostile text can be full of them:
/// a little says so sooner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DecodeExtent {
    /// So many characters from the hit on.
    Forward(usize),
    /// So many characters from the hit on; before it too, where keys do not begin with what was hit.
    Partial(usize),
    /// As many as a key has.
    WholeKey,
    /// The surroundings, too.
    Full,
}

/// Characters with which keys begin; as many again, and another begins.
const START: usize = 3;

/// Characters before a hit of which the rest of an escape or of a group of symbols may be made.
const FEW_BEFORE: usize = 3;

/// Bytes before a hit of which a first look may need some: the rest of an escape or of a group of symbols.
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

    /// How many characters need be decoded from the hit on.
    fn max_chars(&self) -> usize {
        match (self.extent, self.keys) {
            (DecodeExtent::Forward(most) | DecodeExtent::Partial(most), _) => most,
            (DecodeExtent::WholeKey, Some(keys)) => keys,
            (DecodeExtent::Full, Some(keys)) => keys + CONTEXT_REACH,
            (_, None) => usize::MAX,
        }
    }

    /// And how many before it.
    fn max_chars_before(&self) -> usize {
        match self.extent {
            DecodeExtent::Forward(_) => FEW_BEFORE,
            DecodeExtent::Partial(_) | DecodeExtent::WholeKey if self.starts_key => FEW_BEFORE,
            _ => self.max_chars(),
        }
    }

    /// Up to where bytes may be decoded.
    fn decode_end(&self) -> usize {
        self.text.len().min(self.at + KEY_SIDE_BYTES)
    }
}

/// What was decoded around a hit.
#[derive(Clone, Debug, Default)]
pub(super) struct DecodedText {
    pub(super) text: Vec<u8>,
    /// For each byte of `text`, where what stands for it begins and ends.
    pub(super) source_map: Vec<(usize, usize)>,
    /// Where in `text` the literal begins.
    pub(super) literal_start: usize,
    /// What the encoding is called if nothing peculiar stands in the match.
    name: EncodingName,
    /// Peculiar units, each with the place in `text` of the byte it stands for, or that comes after it.
    annotations: Vec<(usize, TokenKind)>,
    /// Of each line of a dump that shows its bytes as characters, where those bytes end and where the line does.
    text_columns: Vec<(usize, usize)>,
}

impl DecodedText {
    /// Where the bytes stand that `range` of the text was decoded from.
    pub(super) fn span(&self, range: &Range<usize>) -> Range<usize> {
        let start = self.source_map.get(range.start).map_or(0, |place| place.0);
        let last = self.source_map.get(range.end.saturating_sub(1)).map_or(start, |place| place.1);
        start..last.max(start)
    }

    /// The same with what shows the last of them once more as it is.
    pub(super) fn span_with_text_column(&self, range: &Range<usize>) -> Range<usize> {
        let span = self.span(range);
        let line = self.text_columns.iter().find(|line| span.end <= line.0);
        span.start..line.map_or(span.end, |line| line.1)
    }

    /// Where parts were joined that may not belong together.
    pub(super) fn join_offsets(&self) -> Vec<usize> {
        let is_seam = |&&(at, kind): &&(usize, TokenKind)| kind.is_tentative() || self.is_end(at, kind);
        self.annotations.iter().filter(is_seam).map(|(at, _)| *at).collect()
    }

    /// Those of them at which a key ends, unless its halves say otherwise: another begins there, or what comes next is
    /// rather the next of a list.
    pub(super) fn hard_ends(&self) -> Vec<usize> {
        let is_end =
            |&&(at, kind): &&(usize, TokenKind)| kind == TokenKind::CommaSeparated || self.is_end(at, kind);
        self.annotations.iter().filter(is_end).map(|(at, _)| *at).collect()
    }

    /// Whether anything in `range` of the text was joined that may not belong together.
    pub(super) fn is_tentative(&self, range: &Range<usize>) -> bool {
        self.annotations
            .iter()
            .any(|(at, kind)| kind.is_tentative() && range.start <= *at && *at <= range.end)
    }

    /// Whether the next part begins as the key itself did.
    fn is_end(&self, at: usize, kind: TokenKind) -> bool {
        let start = self.text.get(self.literal_start..self.literal_start + START);
        kind.is_zero_width() && start.is_some() && self.text.get(at..at + START) == start
    }

    /// Replaces places in an outer decoded text by those in what that was decoded from.
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

/// One or more encodings, one within the other.
#[derive(Debug)]
pub(super) struct DecodeChain {
    steps: Vec<DecodeStep>,
    /// Whether keys begin with the literal of the last step.
    pub(super) starts_key: bool,
    /// The most that the variants match that want the literal, if that is of the key alphabet alone.
    pub(super) keys: Option<usize>,
    /// Characters of a key that are on each side of the literal and are not it once more, where all variants demand that.
    pub(super) apart: usize,
}

/// One of them.
#[derive(Debug)]
struct DecodeStep {
    encoding: &'static dyn Encoding,
    tag: u8,
    /// What is to be read where the hit was.
    literal: Vec<u8>,
    /// Whether another encoding was written as hex digits.
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

    /// Whether less than all around a hit can say that it is of no use.
    pub(super) fn supports_probing(&self) -> bool {
        self.keys.is_some()
    }

    /// Whether the text around a hit was decoded from text that was itself decoded, and perhaps cut off.
    pub(super) fn is_nested(&self) -> bool {
        self.steps.len() > 1
    }

    /// Whether all that is decoded belongs together: where it ends, the key does.
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
        let is_last = step + 1 == self.steps.len();
        // The characters of a text within are none of a key's.
        let keys = self.keys.filter(|_| is_last);
        let (starts_key, nested) = (self.starts_key, step > 0);
        let (within, extent) = (
            extent,
            match extent {
                // Two to each of UTF-16, and no more to most others.
                DecodeExtent::Partial(most) if !is_last => DecodeExtent::Partial(2 * most + 8 + most / 6),
                DecodeExtent::Forward(most) if !is_last => DecodeExtent::Forward(2 * most + 8),
                extent => extent,
            },
        );
        let hit = EncodedHit { text, at, tag: *tag, literal, starts_key, nested, keys, extent };
        encoding.decode(&hit, &mut |decoded| {
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

    /// The literal that stands in the decoded text where the hit was.
    pub(super) fn literal(&self) -> &[u8] {
        self.steps.last().map_or(&[], |step| &step.literal)
    }

    /// Whether a secret there can be claimed at all.
    pub(super) fn may_accept(&self, decoded: &DecodedText, secret: &Range<usize>) -> bool {
        self.steps.last().is_some_and(|step| step.encoding.may_accept(decoded, secret))
    }

    /// Whether a secret also stands there as it is.
    pub(super) fn also_plain(&self, decoded: &DecodedText, secret: &Range<usize>) -> bool {
        self.steps.last().is_some_and(|step| step.encoding.also_plain(decoded, secret))
    }

    /// The name of the encoding of a match, or nothing if it is none.
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

/// A literal to be found in disguise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Literal {
    pub(super) bytes: Vec<u8>,
    /// Whether keys begin with it; else it stands somewhere in them.
    pub(super) starts_key: bool,
    /// The most characters of a key in which it stands, if those are of the key alphabet from end to end.
    pub(super) keys: Option<usize>,
    /// See [`DecodeChain::apart`].
    pub(super) apart: usize,
}

/// Every encoding.
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

/// What one encoding within another is called.
fn nested_name(outer: EncodingName, inner: EncodingName) -> Option<EncodingName> {
    const NAMES: &[&str] = &[
        "base64+utf-16le",
        "base64+base64",
        "base64+split",
        "base64+ansi",
        "base64+unicode-escape",
        "base64+hex-escape",
        "base64+octal-escape",
        "base64+backslash-escape",
        "base64+percent",
        "base64+html-entity",
        "base64+quoted-printable",
        "utf-16+split",
        "utf-16+ansi",
        "utf-16+unicode-escape",
        "utf-16+hex-escape",
        "utf-16+octal-escape",
        "utf-16+backslash-escape",
        "utf-16+percent",
        "utf-16+html-entity",
        "utf-16+quoted-printable",
    ];
    // The two alphabets of base64 within make no difference.
    let inner = if inner == "base64url" { "base64" } else { inner };
    let is_it = |name: &&&str| name.split_once('+') == Some((outer, inner));
    NAMES.iter().find(is_it).copied()
}

/// Encodings within base64, and how many ways to align each. Base64 within base64 is a value that was encoded
/// twice, from its first byte on; in the midst of other text it would take nine keywords more.
const INSIDE_BASE64: &[(&dyn Encoding, usize)] = &[(&utf16::Utf16, 3), (&base64::Base64, 1)];

/// Encodings as hex digits, in which UTF-16 is looked for, too.
const HEX_ENCODINGS: &[&dyn Encoding] = &[&hex::HexRun, &delimited_hex::DelimitedHex, &dump::Dump];

/// All that is to be searched for, with how to decode what is found.
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
        // What holds the literal as it is, and is spelt out or split around it.
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
