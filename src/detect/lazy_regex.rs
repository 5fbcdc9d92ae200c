//! A regex over bytes that is compiled when first needed.

use std::sync::OnceLock;

use regex_automata::meta::{BuildError, Regex};
use regex_automata::util::syntax;

/// A regex that is compiled when first needed.
#[derive(Debug)]
pub(super) struct LazyRegex {
    pattern: String,
    regex: OnceLock<Option<Regex>>,
}

impl LazyRegex {
    pub(super) fn new(pattern: &str) -> Self {
        Self { pattern: pattern.to_owned(), regex: OnceLock::new() }
    }

    /// The rule loader has parsed the pattern. Only its size can still make compilation fail, and
    /// `Detector::new` tests that for custom rules.
    pub(super) fn get(&self) -> Option<&Regex> {
        self.regex.get_or_init(|| build(&self.pattern).ok()).as_ref()
    }

    /// Memory use of the regex in bytes.
    pub(super) fn try_compile(&self) -> Result<usize, Box<BuildError>> {
        let regex = build(&self.pattern)?;
        let size = regex.memory_usage();
        // Another thread may have been first; both results are the same.
        let _ = self.regex.set(Some(regex));
        Ok(size)
    }
}

fn build(pattern: &str) -> Result<Regex, Box<BuildError>> {
    Regex::builder()
        .syntax(syntax::Config::new().unicode(false).utf8(false))
        .configure(Regex::config().utf8_empty(false).nfa_size_limit(Some(1 << 22)))
        .build(pattern)
        .map_err(Box::new)
}
