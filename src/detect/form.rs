//! One form of a rule, compiled: where its pattern matches around an anchor.

use std::ops::Range;
use std::sync::OnceLock;

use aho_corasick::AhoCorasick;
use regex_automata::meta::{BuildError, Regex};
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input};

use super::candidate::{Candidate, Rejection};
use super::checks::{self, Check};
use super::program::Program;
use crate::rules::{Context, Form, Rule};

/// A form with its checks and, once something asked for it, its compiled pattern.
#[derive(Debug)]
pub(super) struct CompiledForm {
    /// The rule's place in the rule set.
    pub(super) rule: usize,
    pub(super) form: Form,
    checks: Vec<&'static dyn Check>,
    /// Compiled on first use: most runs meet few of the forms, and start-up counts.
    pattern: OnceLock<Pattern>,
    /// All words of the context, looked for at once; built on first use, too.
    words: OnceLock<Option<AhoCorasick>>,
    /// Rejects by what stands before a match, which is cheaper than to try the pattern.
    boundary_first: bool,
    /// The same of keys without their prefix.
    pub(super) is_whole: bool,
}

#[derive(Debug)]
struct Pattern {
    /// Where the pattern is simple; the regex is then hardly ever asked.
    program: Option<Program>,
    regex: Lazy,
    except: Option<(Option<Program>, Lazy)>,
    groups: Groups,
}

/// A regex that is compiled once something asks for it.
#[derive(Debug)]
struct Lazy {
    pattern: String,
    regex: OnceLock<Option<Regex>>,
}

impl Lazy {
    fn new(pattern: &str) -> Self {
        Self { pattern: pattern.to_owned(), regex: OnceLock::new() }
    }

    /// The rule loader has parsed the pattern; only its size can still make compiling fail, and
    /// `Detector::new` tries those of users' own rules.
    fn get(&self) -> Option<&Regex> {
        self.regex.get_or_init(|| build(&self.pattern).ok()).as_ref()
    }

    fn try_compile(&self) -> Result<(), Box<BuildError>> {
        let regex = build(&self.pattern)?;
        // Somebody else may have been first; both are the same.
        let _ = self.regex.set(Some(regex));
        Ok(())
    }
}

/// Numbers of the groups that have a meaning.
#[derive(Clone, Copy, Debug)]
struct Groups {
    secret: Option<usize>,
    prefix: Option<usize>,
    left: Option<usize>,
    right: Option<usize>,
}

impl CompiledForm {
    pub(super) fn new(rule: usize, form: &Form) -> Self {
        let checks: Vec<_> = form.checks.iter().filter_map(|name| checks::by_name(name)).collect();
        let boundary_first = form.anchored && form.checks.iter().any(|name| name == "boundary");
        Self {
            rule,
            form: form.clone(),
            checks,
            pattern: OnceLock::new(),
            words: OnceLock::new(),
            boundary_first,
            is_whole: form.checks.iter().any(|name| name == "whole"),
        }
    }

    /// Calls `found` with every match that holds the anchor at `anchor`: one for each place at
    /// which a match can start.
    pub(super) fn matches<'a>(
        &self,
        bytes: &'a [u8],
        anchor: Range<usize>,
        found: &mut dyn FnMut(Candidate<'a>),
    ) {
        if self.boundary_first && !checks::has_boundary(bytes, anchor.start) {
            return;
        }
        self.matches_anywhere(bytes, anchor, found);
    }

    /// The same whatever stands before a match, also where a check would turn it down for that.
    pub(super) fn matches_anywhere<'a>(
        &self,
        bytes: &'a [u8],
        anchor: Range<usize>,
        found: &mut dyn FnMut(Candidate<'a>),
    ) {
        let end = bytes.len().min(anchor.start + self.form.longest);
        let low = anchor.end.saturating_sub(self.form.longest);
        let mut holds_anchor = |candidate: Candidate<'a>| {
            if candidate.matched.end >= anchor.end {
                found(candidate);
            }
        };
        if self.form.anchored {
            self.match_at(bytes, anchor.start, end, &mut holds_anchor);
            return;
        }
        let program = self.pattern().program.as_ref();
        if let Some(lead) = program.and_then(|program| program.lead(&bytes[anchor.clone()])) {
            let start = anchor.start.checked_sub(lead);
            if let Some(start) = start.filter(|&start| !self.is_whole || checks::begins_whole(bytes, start)) {
                self.match_at(bytes, start, end, &mut holds_anchor);
            }
            return;
        }
        if let Some((program, first)) = program.and_then(|program| Some((program, program.first()?))) {
            let earliest = program.earliest(bytes, &bytes[anchor.clone()], anchor.start);
            let Some(low) = earliest.map(|earliest| earliest.max(low)) else { return };
            let text = &bytes[low..end.min(anchor.start + first.needle().len())];
            let mut from = 0;
            while let Some(at) = first.find(&text[from..]) {
                self.match_at(bytes, low + from + at, end, &mut holds_anchor);
                from += at + 1;
            }
            return;
        }
        self.matches_by_regex(bytes, low..end, anchor.start, &mut holds_anchor);
    }

    /// Calls `found` with the match that begins at `start`, if there is one.
    pub(super) fn matches_at<'a>(&self, bytes: &'a [u8], start: usize, found: &mut dyn FnMut(Candidate<'a>)) {
        self.match_at(bytes, start, bytes.len().min(start + self.form.longest), found);
    }

    /// The same with what ends at `end` or before.
    fn match_at<'a>(&self, bytes: &'a [u8], start: usize, end: usize, found: &mut dyn FnMut(Candidate<'a>)) {
        let pattern = self.pattern();
        let mut slots = [None; 16];
        match pattern.program.as_ref().and_then(|program| program.matches(&bytes[..end], start, &mut slots)) {
            Some(true) => {
                if let (Some(start), Some(end)) = (slots[0], slots[1]) {
                    found(self.candidate(pattern, bytes, start..end, |slot| slots[slot]));
                }
            }
            Some(false) => {}
            None => {
                let input = Input::new(bytes).span(start..end).anchored(Anchored::Yes);
                self.search(bytes, &input, found);
            }
        }
    }

    /// Calls `found` with a match for each place in `range`, up to `last`, at which one can start.
    fn matches_by_regex<'a>(
        &self,
        bytes: &'a [u8],
        range: Range<usize>,
        last: usize,
        found: &mut dyn FnMut(Candidate<'a>),
    ) {
        let mut from = range.start;
        while from <= last {
            let mut next = None;
            self.search(bytes, &Input::new(bytes).span(from..range.end), &mut |candidate| {
                let start = candidate.matched.start;
                if start <= last {
                    next = Some(start + 1);
                    found(candidate);
                }
            });
            let Some(next) = next else { return };
            from = next;
        }
    }

    /// Every match in `bytes`, each start tried by itself, without window or anchor search.
    pub(super) fn matches_plainly<'a>(&self, bytes: &'a [u8], found: &mut dyn FnMut(Candidate<'a>)) {
        for start in 0..bytes.len() {
            let input = Input::new(bytes).span(start..bytes.len()).anchored(Anchored::Yes);
            self.search(bytes, &input, &mut |candidate| {
                let text = &bytes[candidate.matched.clone()];
                if self.form.anchors.iter().any(|anchor| memchr::memmem::find(text, anchor).is_some()) {
                    found(candidate);
                }
            });
        }
    }

    /// Calls `found` with what the regex finds.
    fn search<'a>(&self, bytes: &'a [u8], input: &Input<'_>, found: &mut dyn FnMut(Candidate<'a>)) {
        let pattern = self.pattern();
        let Some(regex) = pattern.regex.get() else { return };
        let mut slots = vec![None; regex.group_info().slot_len()];
        if regex.search_slots(input, &mut slots).is_none() {
            return;
        }
        if let (Some(start), Some(end)) = (slots[0], slots[1]) {
            let slot = |slot: usize| slots[slot].map(regex_automata::util::primitives::NonMaxUsize::get);
            found(self.candidate(pattern, bytes, start.get()..end.get(), slot));
        }
    }

    fn candidate<'a>(
        &self,
        pattern: &Pattern,
        bytes: &'a [u8],
        matched: Range<usize>,
        slot: impl Fn(usize) -> Option<usize>,
    ) -> Candidate<'a> {
        let group = |index: Option<usize>| {
            let index = index?;
            Some(slot(2 * index)?..slot(2 * index + 1)?)
        };
        let secret = group(pattern.groups.secret).unwrap_or_else(|| matched.clone());
        let mut candidate = Candidate::new(&self.form, bytes, matched, secret);
        if let Some(prefix) = group(pattern.groups.prefix) {
            candidate.prefix = prefix;
        }
        candidate.halves = group(pattern.groups.left).zip(group(pattern.groups.right));
        candidate
    }

    /// Lets every check weigh in.
    ///
    /// # Errors
    /// The name of the check that turned the candidate down, and its reason.
    pub(super) fn weigh(&self, candidate: &mut Candidate<'_>) -> Result<(), (&'static str, Rejection)> {
        for check in &self.checks {
            check.weigh(candidate, self).map_err(|reason| (check.name(), reason))?;
        }
        Ok(())
    }

    /// Whether the match is one that the form leaves to other rules.
    pub(super) fn is_excepted(&self, matched: &[u8]) -> bool {
        let Some((program, regex)) = &self.pattern().except else { return false };
        let outcome = program.as_ref().and_then(|program| program.matches(matched, 0, &mut [None; 16]));
        outcome.unwrap_or_else(|| regex.get().is_some_and(|regex| regex.is_match(matched)))
    }

    /// Looks for the words of the context, ours first, then those of others.
    pub(super) fn words(&self, context: &Context) -> Option<&AhoCorasick> {
        let build = || {
            let words = context.words.iter().chain(&context.others);
            AhoCorasick::builder().ascii_case_insensitive(true).build(words).ok()
        };
        self.words.get_or_init(build).as_ref()
    }

    fn pattern(&self) -> &Pattern {
        self.pattern.get_or_init(|| compile(&self.form))
    }

    /// Compiles now, to learn whether that works.
    pub(super) fn try_compile(&self) -> Result<(), Box<BuildError>> {
        let pattern = self.pattern();
        pattern.regex.try_compile()?;
        pattern.except.as_ref().map_or(Ok(()), |(_, regex)| regex.try_compile())
    }
}

fn compile(form: &Form) -> Pattern {
    let regex = Lazy::new(&form.pattern);
    // Only one that begins the text can be tried by hand.
    let except = form.except.as_deref().map(|pattern| {
        let program = Program::new(pattern).filter(|_| pattern.starts_with('^'));
        (program.map(|(program, _)| program), Lazy::new(pattern))
    });
    let (program, names) = Program::new(&form.pattern).unzip();
    let number = |name: &str| match &names {
        Some(names) => names.iter().find(|(known, _)| known == name).map(|(_, index)| *index),
        None => regex.get()?.group_info().to_index(regex_automata::PatternID::ZERO, name),
    };
    let groups = Groups {
        secret: number("secret"),
        prefix: number("prefix"),
        left: number("left"),
        right: number("right"),
    };
    Pattern { program, regex, except, groups }
}

fn build(pattern: &str) -> Result<Regex, Box<BuildError>> {
    Regex::builder()
        .syntax(syntax::Config::new().unicode(false).utf8(false))
        .configure(Regex::config().utf8_empty(false).nfa_size_limit(Some(1 << 22)))
        .build(pattern)
        .map_err(Box::new)
}

/// What a rule and its forms look like to the detector.
pub(super) fn compile_all(rules: &[Rule]) -> Vec<CompiledForm> {
    rules
        .iter()
        .enumerate()
        .flat_map(|(index, rule)| rule.forms.iter().map(move |form| CompiledForm::new(index, form)))
        .collect()
}
