//! Runs simple patterns without a regex engine: literals, runs of a class, and choices, tried in the same order
//! as by a regex. Patterns of rules are rarely more complex. Anything more complex, or too slow, is left to the regex.
//!
//! `regex-automata` has engines for this, too. Time for one attempt at a fixed position, with a reused cache (version
//! 0.4.19, best of seven runs on an x86-64 server):
//!
//! | pattern of project keys, and text | this | `meta` | bounded backtracker | `onepass` |
//! |---|---|---|---|---|
//! | with marker, a key | 146 ns | 6,354 ns | 4,389 ns | cannot be built: the pattern is not one-pass |
//! | with marker, a near miss | 20 ns | 33 ns | 142 ns | |
//! | without marker, a key | 106 ns | 1,619 ns | 1,647 ns | 794 ns |
//! | without marker, a near miss | 16 ns | 67 ns | 135 ns | 60 ns |

use std::ops::Range;

use memchr::memmem::Finder;
use regex_syntax::hir::{Class, ClassUnicodeRange, Hir, HirKind, Look};

use super::effort::spend;
use crate::rules::Pattern;

/// Maximum number of branches that an attempt follows, before it is left to the regex, which never backtracks.
const BRANCH_LIMIT: u32 = 2048;

/// The start and end of the match and of each group. A pattern with more groups is left to the regex.
pub(super) type Slots = [Option<usize>; 16];

/// A simple pattern as a program.
#[derive(Debug)]
pub(super) struct Backtracker {
    /// The instructions, in order.
    steps: Vec<Instruction>,
    /// The ranges of steps that a match may leave out: choices, each with its alternatives.
    optional: Vec<Range<usize>>,
    /// Where each of the keywords is in the pattern; `None` if it is not a literal of its own there.
    keywords: Vec<Option<KeywordSite>>,
}

/// Where a literal is in the pattern. It is determined in advance, since text can be full of keywords without a match.
#[derive(Debug)]
struct KeywordSite {
    /// The distance from the start of every match, if it is fixed and not zero.
    offset: Option<usize>,
    /// What precedes it: the maximum length, and the step directly before it, if that is the same in every match. `None`
    /// if that says nothing: nothing precedes it, or a match may leave it out and contain the keyword elsewhere.
    before: Option<(usize, Option<usize>)>,
}

#[derive(Debug)]
enum Instruction {
    /// The start of the text.
    Start,
    /// Prepared for searching, which finds the end of a lazy run before it.
    Literal(Box<Finder<'static>>),
    Run {
        class: Box<[bool; 256]>,
        min: usize,
        max: usize,
        lazy: bool,
    },
    Save(usize),
    /// Alternatives; the first that leads to a match is used.
    Choose(Vec<usize>),
    Jump(usize),
}

impl Backtracker {
    /// The backtracker for `pattern`, which also locates `keywords` in it; `None` if the pattern is not simple enough.
    pub(super) fn new(pattern: &Pattern, keywords: &[Vec<u8>]) -> Option<Self> {
        let mut builder = Builder::default();
        builder.add(pattern.hir().ok()?, true)?;
        let mut backtracker = Self { steps: builder.steps, optional: builder.optional, keywords: Vec::new() };
        backtracker.keywords = keywords.iter().map(|keyword| backtracker.locate(keyword)).collect();
        Some(backtracker)
    }

    fn site(&self, keyword: usize) -> Option<&KeywordSite> {
        self.keywords.get(keyword)?.as_ref()
    }

    /// Whether every match starts where the text does.
    pub(super) fn is_anchored(&self) -> bool {
        matches!(self.steps.first(), Some(Instruction::Start))
    }

    /// Whether every match executes this step.
    fn is_mandatory(&self, step: usize) -> bool {
        !self.optional.iter().any(|range| range.contains(&step))
    }

    fn locate(&self, keyword: &[u8]) -> Option<KeywordSite> {
        let is_keyword =
            |step: &Instruction| matches!(step, Instruction::Literal(literal) if literal.needle() == keyword);
        let pivot = self.steps.iter().position(is_keyword)?;
        let before = &self.steps[..pivot];
        // With choices, the total length of all steps is an overestimate, which does no harm.
        let length = before.iter().try_fold(0_usize, |sum, step| match step {
            Instruction::Literal(literal) => sum.checked_add(literal.needle().len()),
            Instruction::Run { max, .. } => sum.checked_add(*max),
            Instruction::Start | Instruction::Save(_) | Instruction::Choose(_) | Instruction::Jump(_) => {
                Some(sum)
            }
        });
        let says_nothing = pivot == 0 || !self.is_mandatory(pivot);
        let last = before
            .iter()
            .rposition(|step| !matches!(step, Instruction::Save(_)))
            .filter(|&last| self.is_mandatory(last));
        Some(KeywordSite {
            offset: self.fixed_offset(keyword),
            before: (!says_nothing).then_some((length.unwrap_or(usize::MAX), last)),
        })
    }

    /// The literal with which every match begins.
    pub(super) fn first_literal(&self) -> Option<&Finder<'static>> {
        self.steps.iter().find(|step| !matches!(step, Instruction::Save(_))).and_then(|step| match step {
            Instruction::Literal(literal) => Some(&**literal),
            _ => None,
        })
    }

    /// The distance from the start of every match to the keyword with this index, if it is fixed and not zero.
    pub(super) fn keyword_offset(&self, keyword: usize) -> Option<usize> {
        self.site(keyword)?.offset
    }

    fn fixed_offset(&self, keyword: &[u8]) -> Option<usize> {
        let mut offset = 0;
        for step in &self.steps {
            match step {
                Instruction::Save(_) => {}
                Instruction::Run { min, max, .. } if min == max => offset += min,
                Instruction::Literal(literal) if literal.needle() == keyword => {
                    return Some(offset).filter(|&offset| offset > 0);
                }
                _ => return None,
            }
        }
        None
    }

    /// The first possible start of a match whose keyword, which has the index `keyword`, is at `at`, or `None` if the bytes
    /// directly before the keyword exclude it. A match that contains these bytes elsewhere than at its keyword is found
    /// when the search reaches that keyword.
    pub(super) fn earliest_start(&self, bytes: &[u8], keyword: usize, at: usize) -> Option<usize> {
        let Some((length, last)) = self.site(keyword).and_then(|site| site.before) else { return Some(0) };
        let fits = match last.map(|step| &self.steps[step]) {
            Some(Instruction::Run { class, min, .. }) => at
                .checked_sub(*min)
                .is_some_and(|start| bytes[start..at].iter().rev().all(|&byte| class[usize::from(byte)])),
            _ => true,
        };
        fits.then(|| at.saturating_sub(length))
    }

    /// Whether a match begins at `at`; its range is stored in the first two slots. `None` if that takes too many branches, so
    /// that the regex must decide.
    pub(super) fn matches(&self, bytes: &[u8], at: usize, slots: &mut Slots) -> Option<bool> {
        *slots = [None; 16];
        slots[0] = Some(at);
        self.follow(bytes, 0, at, slots, &mut BRANCH_LIMIT.clone())
    }

    /// Follows the steps from `pc` on, at the position `at`, to the end of the pattern.
    fn follow(
        &self,
        bytes: &[u8],
        mut pc: usize,
        mut at: usize,
        slots: &mut Slots,
        branches_left: &mut u32,
    ) -> Option<bool> {
        *branches_left = branches_left.checked_sub(1)?;
        spend(2);
        loop {
            let Some(step) = self.steps.get(pc) else {
                slots[1] = Some(at);
                return Some(true);
            };
            pc += 1;
            match step {
                Instruction::Start if at > 0 => return Some(false),
                Instruction::Start => {}
                Instruction::Literal(literal) if bytes[at..].starts_with(literal.needle()) => {
                    at += literal.needle().len();
                }
                Instruction::Literal(_) => return Some(false),
                Instruction::Save(slot) => slots[*slot] = Some(at),
                Instruction::Jump(to) => pc = *to,
                Instruction::Choose(places) => {
                    for &place in places {
                        let mut own = *slots;
                        if self.follow(bytes, place, at, &mut own, branches_left)? {
                            *slots = own;
                            return Some(true);
                        }
                    }
                    return Some(false);
                }
                Instruction::Run { class, min, max, lazy } => {
                    let rest = bytes[at..].iter().take(*max);
                    let length = rest.take_while(|&&byte| class[usize::from(byte)]).count();
                    spend(length / 4);
                    if length < *min {
                        return Some(false);
                    }
                    if min == max {
                        at += length;
                    } else if !lazy
                        && self.steps[pc..].iter().all(|step| matches!(step, Instruction::Save(_)))
                    {
                        // Nothing after it can fail.
                        at += length;
                    } else {
                        return self.lengths(bytes, pc, at, (*min, length, *lazy), slots, branches_left);
                    }
                }
            }
        }
    }

    /// Tries every length of a run from `min` to `max`, in order.
    fn lengths(
        &self,
        bytes: &[u8],
        pc: usize,
        at: usize,
        (min, max, lazy): (usize, usize, bool),
        slots: &mut Slots,
        branches_left: &mut u32,
    ) -> Option<bool> {
        let next = self.steps[pc..].iter().find(|step| !matches!(step, Instruction::Save(_)));
        if let (Some(Instruction::Literal(finder)), true) = (next, lazy) {
            let literal = finder.needle();
            let end = bytes.len().min(at + max + literal.len());
            // The literal may overlap itself.
            let mut from = at + min;
            while let Some(place) = finder.find(&bytes[from..end]) {
                if self.follow(bytes, pc, from + place, slots, branches_left)? {
                    return Some(true);
                }
                from += place + 1;
            }
            return Some(false);
        }
        for extra in 0..=max - min {
            let length = if lazy { min + extra } else { max - extra };
            if self.follow(bytes, pc, at + length, slots, branches_left)? {
                return Some(true);
            }
        }
        Some(false)
    }
}

#[derive(Default)]
struct Builder {
    steps: Vec<Instruction>,
    optional: Vec<Range<usize>>,
}

impl Builder {
    /// Adds the steps for `hir`; `first` means that nothing precedes it.
    fn add(&mut self, hir: &Hir, first: bool) -> Option<()> {
        match hir.kind() {
            HirKind::Empty => {}
            HirKind::Literal(literal) => {
                self.steps.push(Instruction::Literal(Box::new(Finder::new(&literal.0).into_owned())))
            }
            HirKind::Class(class) => self.add_class(class, 1, 1, false)?,
            HirKind::Look(Look::Start) if first => self.steps.push(Instruction::Start),
            HirKind::Look(_) => return None,
            HirKind::Repetition(repetition) => {
                let max = repetition.max.map_or(usize::MAX, |max| max as usize);
                let (min, lazy) = (repetition.min as usize, !repetition.greedy);
                match repetition.sub.kind() {
                    HirKind::Class(class) => self.add_class(class, min, max, lazy)?,
                    HirKind::Literal(one) if one.0.len() == 1 => {
                        self.add_run([(one.0[0], one.0[0])].into_iter(), min, max, lazy);
                    }
                    _ if (min, max) == (0, 1) => {
                        let choice = self.steps.len();
                        self.steps.push(Instruction::Choose(Vec::new()));
                        self.add(&repetition.sub, false)?;
                        let mut places = vec![choice + 1, self.steps.len()];
                        if lazy {
                            places.reverse();
                        }
                        self.set_choice(choice, places);
                    }
                    _ => return None,
                }
            }
            HirKind::Capture(capture) => {
                let slot = 2 * capture.index as usize;
                if slot + 1 >= Slots::default().len() {
                    return None;
                }
                self.steps.push(Instruction::Save(slot));
                self.add(&capture.sub, first)?;
                self.steps.push(Instruction::Save(slot + 1));
            }
            HirKind::Concat(parts) => {
                for (index, part) in parts.iter().enumerate() {
                    self.add(part, first && index == 0)?;
                }
            }
            HirKind::Alternation(parts) => {
                let choice = self.steps.len();
                self.steps.push(Instruction::Choose(Vec::new()));
                let (mut places, mut jumps) = (Vec::new(), Vec::new());
                for part in parts {
                    places.push(self.steps.len());
                    self.add(part, false)?;
                    jumps.push(self.steps.len());
                    self.steps.push(Instruction::Jump(0));
                }
                let end = self.steps.len();
                jumps.into_iter().for_each(|jump| self.steps[jump] = Instruction::Jump(end));
                self.set_choice(choice, places);
            }
        }
        Some(())
    }

    /// Sets the alternatives of the choice at the step `choice`, which ends with the last step so far.
    fn set_choice(&mut self, choice: usize, places: Vec<usize>) {
        self.steps[choice] = Instruction::Choose(places);
        self.optional.push(choice..self.steps.len());
    }

    /// Adds a run of `class`; `None` if a character of it may take more than one byte.
    fn add_class(&mut self, class: &Class, min: usize, max: usize, lazy: bool) -> Option<()> {
        match class {
            Class::Bytes(ranges) => {
                self.add_run(ranges.iter().map(|range| (range.start(), range.end())), min, max, lazy);
            }
            // Patterns are parsed without Unicode, but `(?u)` turns it on.
            Class::Unicode(ranges) => {
                let ends = |range: &ClassUnicodeRange| Some((ascii(range.start())?, ascii(range.end())?));
                let ranges = ranges.iter().map(ends).collect::<Option<Vec<_>>>()?;
                self.add_run(ranges.into_iter(), min, max, lazy);
            }
        }
        Some(())
    }

    /// Adds a run of bytes that are in one of `ranges`, which include their ends.
    fn add_run(&mut self, ranges: impl Iterator<Item = (u8, u8)>, min: usize, max: usize, lazy: bool) {
        let mut class = Box::new([false; 256]);
        ranges.for_each(|(start, end)| class[usize::from(start)..=usize::from(end)].fill(true));
        self.steps.push(Instruction::Run { class, min, max, lazy });
    }
}

fn ascii(char: char) -> Option<u8> {
    u8::try_from(char).ok().filter(u8::is_ascii)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::MARKER;
    use regex_automata::{Anchored, Input, meta::Regex, util::syntax};

    #[test]
    fn the_backtracker_agrees_with_the_regex() {
        let patterns = [
            "(?<a>a-(?:xy|x|yz)-)(?<b>[a-z-]{2,6}?)MM(?<c>[a-z]{0,4})",
            "a(?<a>[ab]{0,3})(?<b>[bc]{1,2})c?d",
            "^(?:(?:ab|b)-[ab]{2}M|(?:[ab-]*-)?ab-)",
            "(?<a>ab|a)(?<b>[bM]{0,3})",
            "a(?<a>[a-zM-]{0,6}?)MM(?<b>[xyz])",
        ];
        let mut state = 7_u64;
        for pattern in patterns {
            let regex = Regex::builder()
                .syntax(syntax::Config::new().unicode(false).utf8(false))
                .configure(Regex::config().utf8_empty(false))
                .build(pattern)
                .unwrap();
            let backtracker = Backtracker::new(&Pattern::new(pattern), &[]).unwrap();
            for _ in 0..20_000 {
                let text: Vec<u8> = (0..14)
                    .map(|_| {
                        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                        b"aabbcdxyz--MM"[(state >> 33) as usize % 13]
                    })
                    .collect();
                let mut slots = [None; 16];
                let matched = backtracker.matches(&text, 0, &mut slots).unwrap();
                let mut expected = vec![None; regex.group_info().slot_len()];
                let input = Input::new(&text).anchored(Anchored::Yes);
                assert_eq!(
                    regex.search_slots(&input, &mut expected).is_some(),
                    matched,
                    "{pattern} {text:?}"
                );
                let expected: Vec<_> = expected.into_iter().map(|slot| slot.map(|at| at.get())).collect();
                assert!(!matched || slots.starts_with(&expected), "{pattern} {text:?}");
            }
        }
        for pattern in ["a\\b", "(?:ab){2}", "a$", "a|^b", "(?u:[aé])"] {
            assert!(Backtracker::new(&Pattern::new(pattern), &[]).is_none());
        }
    }

    #[test]
    fn built_in_patterns_without_boundaries_are_simple() {
        let mut with_run = 0;
        for variant in
            crate::rules::RuleSet::built_in().unwrap().rules().iter().flat_map(|rule| &rule.variants)
        {
            let backtracker = Backtracker::new(&variant.pattern, &variant.keywords);
            let looks = variant.pattern.hir().unwrap().properties().look_set();
            assert_eq!(backtracker.is_some(), looks.is_empty(), "{}", variant.pattern.as_str());
            // The bytes before a marker must still rule out most of them.
            if variant.keywords == [MARKER.as_bytes()] {
                let (length, last) =
                    backtracker.as_ref().unwrap().keywords[0].as_ref().unwrap().before.unwrap();
                let step = &backtracker.as_ref().unwrap().steps[last.unwrap()];
                assert!(
                    matches!(step, Instruction::Run { .. }) && length < 256,
                    "{}",
                    variant.pattern.as_str()
                );
                with_run += 1;
            }
            let is_simple =
                |except| Backtracker::new(except, &[]).is_some_and(|backtracker| backtracker.is_anchored());
            assert!(variant.except.as_ref().is_none_or(is_simple), "{:?}", variant.except);
        }
        assert!(with_run > 10, "{with_run}");
    }
}
