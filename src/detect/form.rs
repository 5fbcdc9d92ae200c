//! One form of a rule, compiled: where its pattern matches around an anchor.

use std::ops::Range;
use std::sync::OnceLock;

use regex_automata::meta::{BuildError, Regex};
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input};

use super::candidate::{Candidate, Rejection};
use super::checks::{self, Check};
use crate::rules::{Form, Rule};

/// A form with its checks and, once something asked for it, its compiled pattern.
#[derive(Debug)]
pub(super) struct CompiledForm {
    /// The rule's place in the rule set.
    pub(super) rule: usize,
    pub(super) form: Form,
    checks: Vec<&'static dyn Check>,
    /// Compiled on first use: most runs meet few of the forms, and start-up counts.
    pattern: OnceLock<Option<Pattern>>,
    /// Rejects by what stands before a match, which is cheaper than to try the pattern.
    boundary_first: bool,
}

#[derive(Debug)]
struct Pattern {
    regex: Regex,
    except: Option<Regex>,
    groups: Groups,
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
        Self { rule, form: form.clone(), checks, pattern: OnceLock::new(), boundary_first }
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
        let Some(pattern) = self.pattern() else { return };
        let mut slots = vec![None; pattern.regex.group_info().slot_len()];
        let window_end = bytes.len().min(anchor.start + self.form.longest);
        let (mut from, mode) = match self.form.anchored {
            true => (anchor.start, Anchored::Yes),
            false => (anchor.end.saturating_sub(self.form.longest), Anchored::No),
        };
        while from <= anchor.start {
            let input = Input::new(bytes).span(from..window_end).anchored(mode);
            if pattern.regex.search_slots(&input, &mut slots).is_none() {
                return;
            }
            let (Some(start), Some(end)) = (slots[0], slots[1]) else { return };
            let matched = start.get()..end.get();
            if matched.start > anchor.start {
                return;
            }
            if matched.end >= anchor.end {
                found(self.candidate(pattern, bytes, matched.clone(), &slots));
            }
            if self.form.anchored {
                return;
            }
            from = matched.start + 1;
        }
    }

    /// Calls `found` with the match that begins at `start`, if there is one.
    pub(super) fn matches_at<'a>(&self, bytes: &'a [u8], start: usize, found: &mut dyn FnMut(Candidate<'a>)) {
        let Some(pattern) = self.pattern() else { return };
        let mut slots = vec![None; pattern.regex.group_info().slot_len()];
        let end = bytes.len().min(start + self.form.longest);
        let input = Input::new(bytes).span(start..end).anchored(Anchored::Yes);
        if pattern.regex.search_slots(&input, &mut slots).is_none() {
            return;
        }
        if let (Some(start), Some(end)) = (slots[0], slots[1]) {
            found(self.candidate(pattern, bytes, start.get()..end.get(), &slots));
        }
    }

    /// Every match in `bytes`, each start tried by itself, without window or anchor search.
    pub(super) fn matches_plainly<'a>(&self, bytes: &'a [u8], found: &mut dyn FnMut(Candidate<'a>)) {
        let Some(pattern) = self.pattern() else { return };
        let mut slots = vec![None; pattern.regex.group_info().slot_len()];
        for start in 0..bytes.len() {
            let input = Input::new(bytes).span(start..bytes.len()).anchored(Anchored::Yes);
            if pattern.regex.search_slots(&input, &mut slots).is_none() {
                continue;
            }
            let (Some(start), Some(end)) = (slots[0], slots[1]) else { continue };
            let matched = start.get()..end.get();
            let text = &bytes[matched.clone()];
            let has_anchor =
                self.form.anchors.iter().any(|anchor| memchr::memmem::find(text, anchor).is_some());
            if has_anchor {
                found(self.candidate(pattern, bytes, matched, &slots));
            }
        }
    }

    fn candidate<'a>(
        &self,
        pattern: &Pattern,
        bytes: &'a [u8],
        matched: Range<usize>,
        slots: &[Option<regex_automata::util::primitives::NonMaxUsize>],
    ) -> Candidate<'a> {
        let group = |index: Option<usize>| {
            let index = index?;
            Some(slots[2 * index]?.get()..slots[2 * index + 1]?.get())
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
        self.pattern()
            .and_then(|pattern| pattern.except.as_ref())
            .is_some_and(|except| except.is_match(matched))
    }

    fn pattern(&self) -> Option<&Pattern> {
        // The rule loader has parsed the pattern; only its size can still make compiling fail, and
        // `Detector::new` tries those of users' own rules.
        self.pattern.get_or_init(|| compile(&self.form).ok()).as_ref()
    }

    /// Compiles now, to learn whether that works.
    pub(super) fn try_compile(&self) -> Result<(), Box<BuildError>> {
        let pattern = compile(&self.form)?;
        // Somebody else may have been first; both are the same.
        let _ = self.pattern.set(Some(pattern));
        Ok(())
    }
}

fn compile(form: &Form) -> Result<Pattern, Box<BuildError>> {
    let regex = build(&form.pattern)?;
    let except = form.except.as_deref().map(build).transpose()?;
    let info = regex.group_info();
    let number = |name| info.to_index(regex_automata::PatternID::ZERO, name);
    let groups = Groups {
        secret: number("secret"),
        prefix: number("prefix"),
        left: number("left"),
        right: number("right"),
    };
    Ok(Pattern { regex, except, groups })
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
