//! Keys in disguise: the ways in which text is written as other text.
//!
//! Each encoding says what must stand in encoded text that holds a literal (an *anchor*, for the one
//! prefilter), and decodes outward from where such an anchor was hit. What was decoded keeps the place of
//! every byte, so that a match is reported where it stands in the bytes that were searched. Which rules
//! match in it is not decided here.
//!
//! A decoded text is a function of the bytes around the hit alone, never of where a buffer begins
//! or ends: what a verdict rests on lies within the detector's margin.

mod apart;
mod base64;
mod breaks;
mod decimal;
mod dump;
mod escapes;
mod glue;
mod hex;
mod lead;
mod lines;
mod markup;
mod seam;
mod spelling;
mod units;
mod utf16;
mod utf32;

use std::fmt;
use std::ops::Range;

use super::candidate::Candidate;
use super::checks::CONTEXT_REACH;
use units::Kind;

/// The most bytes that an encoded key may take: the longest, of 259 characters, as `\\U00000073…`, which is the
/// longest escape there is. As `0x73, …` in indented lines of eight it takes some 1,850.
pub(super) const LONGEST_SPAN: usize = 2880;

/// What takes more bytes than this gives way to whatever overlaps it: only so much must then be looked at
/// around a match to know what becomes of it. Those whose characters are all spelt out take more, and
/// nothing overlaps them.
pub(super) const SETTLED_SPAN: usize = 480;

/// Bytes that are decoded on a side on which the key may go on.
const FAR: usize = LONGEST_SPAN + CONTEXT_REACH;

/// Bytes that are decoded on a side on which only the surroundings matter.
const NEAR: usize = CONTEXT_REACH;

/// One way of writing text as other text.
pub(super) trait Encoding: Sync + fmt::Debug {
    /// What it is called where it is around another.
    fn name(&self) -> Name;

    /// What encoded text holds that holds `literal`: one of these. `starts_key`: keys begin with it; one
    /// from inside a key is worth searching for only where a line wrap can go through the other.
    fn anchors(&self, literal: &[u8], starts_key: bool) -> Vec<Anchor>;

    /// Decodes around a hit and hands over every way to read it.
    fn decode(&self, hit: &Hit<'_>, read: &mut dyn FnMut(Decoded));

    /// Whether a secret there can be claimed at all, which is asked before its checks.
    fn may_claim(&self, _: &Decoded, _: &Range<usize>) -> bool {
        true
    }

    /// Whether it also stands there as it is, for whoever reads the same lines.
    fn is_shown(&self, _: &Decoded, _: &Range<usize>) -> bool {
        false
    }

    /// The name of the encoding of a match; `None` when the match is not one that this encoding may
    /// claim. Sees the candidate after its checks, and may add evidence.
    fn claim(&self, decoded: &Decoded, candidate: &mut Candidate<'_>, secret: Range<usize>) -> Option<Name>;
}

/// The name of an encoding, as reports show it.
pub(super) type Name = &'static str;

/// A literal as it looks when it is encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Anchor {
    /// What to search for.
    pub(super) bytes: Vec<u8>,
    /// How the literal is aligned or written there: the encoding's own affair.
    pub(super) variant: u8,
}

/// An anchor that was hit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hit<'a> {
    pub(super) text: &'a [u8],
    /// Where in `text` the anchor begins.
    pub(super) at: usize,
    pub(super) variant: u8,
    /// What must be read at the hit.
    pub(super) literal: &'a [u8],
    /// Whether the key begins with the literal, so that nothing before it is part of the key.
    pub(super) starts_key: bool,
    /// Whether `text` was itself decoded, and ends where decoding did.
    pub(super) nested: bool,
    /// The most characters of what is looked for, if it is of the key alphabet from end to end.
    pub(super) keys: Option<usize>,
    /// How much is wanted.
    pub(super) reach: Reach,
}

/// How much of the text around a hit is wanted. Most hits are of no use, and a hostile text can be full of them:
/// a little says so sooner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// So many characters from the hit on.
    Ahead(usize),
    /// So many characters from the hit on; before it too, where keys do not begin with what was hit.
    Few(usize),
    /// As many as a key has.
    Key,
    /// The surroundings, too.
    Full,
}

/// Characters with which keys begin; as many again, and another begins.
const START: usize = 3;

/// Characters before a hit of which the rest of an escape or of a group of symbols may be made.
const FEW_BEFORE: usize = 3;

/// Bytes before a hit of which a first look may need some: the rest of an escape or of a group of symbols.
const JUST_BEFORE: usize = 80;

impl Hit<'_> {
    /// The first byte that may be decoded.
    fn low(&self) -> usize {
        let far = match self.reach {
            Reach::Ahead(_) => JUST_BEFORE,
            _ if !self.starts_key => FAR,
            Reach::Full => NEAR,
            Reach::Few(_) | Reach::Key => JUST_BEFORE,
        };
        self.at.saturating_sub(far)
    }

    /// How many characters need be decoded from the hit on.
    fn most(&self) -> usize {
        match (self.reach, self.keys) {
            (Reach::Ahead(most) | Reach::Few(most), _) => most,
            (Reach::Key, Some(keys)) => keys,
            (Reach::Full, Some(keys)) => keys + CONTEXT_REACH,
            (_, None) => usize::MAX,
        }
    }

    /// And how many before it.
    fn most_before(&self) -> usize {
        match self.reach {
            Reach::Ahead(_) => FEW_BEFORE,
            Reach::Few(_) | Reach::Key if self.starts_key => FEW_BEFORE,
            _ => self.most(),
        }
    }

    /// Up to where bytes may be decoded.
    fn high(&self) -> usize {
        self.text.len().min(self.at + FAR)
    }
}

/// What was decoded around a hit.
#[derive(Clone, Debug, Default)]
pub(super) struct Decoded {
    pub(super) text: Vec<u8>,
    /// For each byte of `text`, where what stands for it begins and ends.
    pub(super) places: Vec<(usize, usize)>,
    /// Where in `text` the literal begins.
    pub(super) at: usize,
    /// What the encoding is called if nothing peculiar stands in the match.
    name: Name,
    /// Peculiar units, each with the place in `text` of the byte it stands for, or that comes after it.
    marks: Vec<(usize, Kind)>,
    /// Of each line of a dump that shows its bytes as characters, where those bytes end and where the line does.
    shown: Vec<(usize, usize)>,
}

impl Decoded {
    /// Where the bytes stand that `range` of the text was decoded from.
    pub(super) fn span(&self, range: &Range<usize>) -> Range<usize> {
        let start = self.places.get(range.start).map_or(0, |place| place.0);
        let last = self.places.get(range.end.saturating_sub(1)).map_or(start, |place| place.1);
        start..last.max(start)
    }

    /// The same with what shows the last of them once more as it is.
    pub(super) fn span_with_shown(&self, range: &Range<usize>) -> Range<usize> {
        let span = self.span(range);
        let line = self.shown.iter().find(|line| span.end <= line.0);
        span.start..line.map_or(span.end, |line| line.1)
    }

    /// Where parts were joined that may not belong together.
    pub(super) fn seams(&self) -> Vec<usize> {
        let is_seam = |&&(at, kind): &&(usize, Kind)| kind.is_loose() || self.is_end(at, kind);
        self.marks.iter().filter(is_seam).map(|(at, _)| *at).collect()
    }

    /// Those of them at which a key ends, unless its halves say otherwise: another begins there, or what comes next is
    /// rather the next of a list.
    pub(super) fn ends(&self) -> Vec<usize> {
        let is_end = |&&(at, kind): &&(usize, Kind)| kind == Kind::Listed || self.is_end(at, kind);
        self.marks.iter().filter(is_end).map(|(at, _)| *at).collect()
    }

    /// Whether anything in `range` of the text was joined that may not belong together.
    pub(super) fn is_loose(&self, range: &Range<usize>) -> bool {
        self.marks.iter().any(|(at, kind)| kind.is_loose() && range.start <= *at && *at <= range.end)
    }

    /// Whether the next part begins as the key itself did.
    fn is_end(&self, at: usize, kind: Kind) -> bool {
        let start = self.text.get(self.at..self.at + START);
        kind.is_nothing() && start.is_some() && self.text.get(at..at + START) == start
    }

    /// Replaces places in an outer decoded text by those in what that was decoded from.
    fn through(mut self, outer: &Self) -> Self {
        for place in &mut self.places {
            let span = outer.span(&(place.0..place.1));
            *place = (span.start, span.end);
        }
        self.shown.clone_from(&outer.shown);
        self
    }

    fn push(&mut self, byte: u8, place: (usize, usize)) {
        self.text.push(byte);
        self.places.push(place);
    }
}

/// One or more encodings, one within the other.
#[derive(Debug)]
pub(super) struct Route {
    steps: Vec<Step>,
    /// Whether keys begin with the literal of the last step.
    pub(super) starts_key: bool,
    /// The most that the forms match that want the literal, if that is of the key alphabet alone.
    pub(super) keys: Option<usize>,
    /// Characters of a key that are on each side of the literal and are not it once more, where all forms demand that.
    pub(super) apart: usize,
}

/// One of them.
#[derive(Debug)]
struct Step {
    encoding: &'static dyn Encoding,
    variant: u8,
    /// What is to be read where the hit was.
    literal: Vec<u8>,
    /// Whether another encoding was written as hex digits.
    in_hex: bool,
}

impl Step {
    fn new(encoding: &'static dyn Encoding, variant: u8, literal: &[u8]) -> Self {
        Self { encoding, variant, literal: literal.to_vec(), in_hex: false }
    }

    fn hex(encoding: &'static dyn Encoding, variant: u8, literal: &[u8]) -> Self {
        Self { in_hex: true, ..Self::new(encoding, variant, literal) }
    }
}

impl Route {
    /// Decodes around a hit at `at`, through every layer.
    pub(super) fn decode(&self, text: &[u8], at: usize, reach: Reach, read: &mut dyn FnMut(Decoded)) {
        self.decode_from(0, text, at, reach, read);
    }

    /// Whether less than all around a hit can say that it is of no use.
    pub(super) fn can_be_brief(&self) -> bool {
        self.keys.is_some()
    }

    /// Whether the text around a hit was decoded from text that was itself decoded, and perhaps cut off.
    pub(super) fn is_nested(&self) -> bool {
        self.steps.len() > 1
    }

    /// Whether all that is decoded belongs together: where it ends, the key does.
    pub(super) fn ends_with_key(&self) -> bool {
        matches!(&self.steps[..], [step] if step.encoding.name() != spelling::NAME)
    }

    fn decode_from(&self, step: usize, text: &[u8], at: usize, reach: Reach, read: &mut dyn FnMut(Decoded)) {
        let Some(Step { encoding, variant, literal, .. }) = self.steps.get(step) else { return };
        let is_last = step + 1 == self.steps.len();
        // The characters of a text within are none of a key's.
        let keys = self.keys.filter(|_| is_last);
        let (starts_key, nested) = (self.starts_key, step > 0);
        let (within, reach) = (
            reach,
            match reach {
                // Two to each of UTF-16, and no more to most others.
                Reach::Few(most) if !is_last => Reach::Few(2 * most + 8 + most / 6),
                Reach::Ahead(most) if !is_last => Reach::Ahead(2 * most + 8),
                reach => reach,
            },
        );
        let hit = Hit { text, at, variant: *variant, literal, starts_key, nested, keys, reach };
        encoding.decode(&hit, &mut |decoded| {
            if !decoded.text.get(decoded.at..).is_some_and(|text| text.starts_with(literal)) {
                return;
            }
            match is_last {
                true => read(decoded),
                false => self.decode_from(step + 1, &decoded.text, decoded.at, within, &mut |inner| {
                    read(inner.through(&decoded));
                }),
            }
        });
    }

    /// The literal that stands in the decoded text where the hit was.
    pub(super) fn literal(&self) -> &[u8] {
        self.steps.last().map_or(&[], |step| &step.literal)
    }

    /// Whether a secret there can be claimed at all.
    pub(super) fn may_claim(&self, decoded: &Decoded, secret: &Range<usize>) -> bool {
        self.steps.last().is_some_and(|step| step.encoding.may_claim(decoded, secret))
    }

    /// Whether a secret also stands there as it is.
    pub(super) fn is_shown(&self, decoded: &Decoded, secret: &Range<usize>) -> bool {
        self.steps.last().is_some_and(|step| step.encoding.is_shown(decoded, secret))
    }

    /// The name of the encoding of a match, or nothing if it is none.
    pub(super) fn claim(
        &self,
        decoded: &Decoded,
        candidate: &mut Candidate<'_>,
        secret: Range<usize>,
    ) -> Option<Name> {
        let name = self.steps.last()?.encoding.claim(decoded, candidate, secret)?;
        match (&self.steps[..], name) {
            ([outer, _], _) if outer.in_hex => Some("hex"),
            ([outer, _], name) => both(outer.encoding.name(), name),
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
    /// See [`Route::apart`].
    pub(super) apart: usize,
}

/// Every encoding.
const ALL: &[&dyn Encoding] = &[
    &spelling::Spelling,
    &utf16::Utf16,
    &utf32::Utf32,
    &base64::Base64,
    &hex::Together,
    &apart::Apart,
    &dump::Dump,
    &decimal::Decimal,
];

/// What one encoding within another is called.
fn both(outer: Name, inner: Name) -> Option<Name> {
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
/// twice, from its first byte on; in the midst of other text it would take nine anchors more.
const IN_BASE64: &[(&dyn Encoding, usize)] = &[(&utf16::Utf16, 3), (&base64::Base64, 1)];

/// Encodings as hex digits, in which UTF-16 is looked for, too.
const HEX: &[&dyn Encoding] = &[&hex::Together, &apart::Apart, &dump::Dump];

/// All that is to be searched for, with how to decode what is found.
pub(super) fn routes(literals: &[Literal]) -> Vec<(Vec<u8>, Route)> {
    let mut routes = Vec::new();
    for Literal { bytes: literal, starts_key, keys, apart } in literals {
        let (starts_key, keys, apart) = (starts_key, *keys, *apart);
        let mut add =
            |anchor, steps| routes.push((anchor, Route { steps, starts_key: *starts_key, keys, apart }));
        let plain = Step::new(&spelling::Spelling, spelling::AS_IT_IS, literal);
        add(literal.clone(), vec![plain]);
        for &encoding in ALL {
            for anchor in encoding.anchors(literal, *starts_key) {
                add(anchor.bytes, vec![Step::new(encoding, anchor.variant, literal)]);
            }
        }
        // What holds the literal as it is, and is spelt out or split around it.
        let around: &dyn Encoding = if *starts_key { &utf16::Utf16 } else { &base64::Base64 };
        for anchor in around.anchors(literal, *starts_key) {
            let spelt = Step::new(&spelling::Spelling, spelling::AS_IT_IS, literal);
            add(anchor.bytes, vec![Step::new(around, anchor.variant, literal), spelt]);
        }
        for &(encoding, ways) in IN_BASE64.iter().filter(|_| *starts_key) {
            for inner in encoding.anchors(literal, true).into_iter().take(ways) {
                for outer in base64::Base64.anchors(&inner.bytes, true).into_iter().take(ways) {
                    let steps = vec![
                        Step::new(&base64::Base64, outer.variant, &inner.bytes),
                        Step::new(encoding, inner.variant, literal),
                    ];
                    add(outer.bytes, steps);
                }
            }
        }
        for inner in utf16::Utf16.anchors(literal, *starts_key) {
            for &outer in HEX {
                for anchor in outer.anchors(&inner.bytes, true) {
                    let steps = vec![
                        Step::hex(outer, anchor.variant, &inner.bytes),
                        Step::new(&utf16::Utf16, utf16::NEAR_BY, literal),
                    ];
                    add(anchor.bytes, steps);
                }
            }
        }
    }
    routes
}
