//! Limits on the cost of globs: the size of the compiled globs, and the time to match a path.

/// Maximum length of a pattern, in bytes: that of a path.
const MAX_PATTERN_BYTES: usize = 4096;
/// Maximum number of wildcards in a pattern.
const MAX_WILDCARDS_IN_PATTERN: usize = 64;
/// Maximum numbers of patterns, wildcards and classes (`[a-z]`) in one list.
const MAX_PATTERNS: usize = 5_000;
const MAX_WILDCARDS: usize = 10_000;
const MAX_CLASSES: usize = 1_000;

/// The cost of a list of patterns.
#[derive(Clone, Copy, Debug, Default)]
pub struct GlobCost {
    patterns: usize,
    wildcards: usize,
    classes: usize,
}

/// Why patterns are not compiled: their cost exceeds a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TooCostly {
    /// The cost of a single pattern.
    #[error("is longer than {MAX_PATTERN_BYTES} bytes or has more than {MAX_WILDCARDS_IN_PATTERN} wildcards")]
    Pattern,
    /// The cost of all patterns of a list together.
    #[error("has more than {MAX_PATTERNS} patterns, {MAX_WILDCARDS} wildcards or {MAX_CLASSES} classes")]
    List,
}

impl GlobCost {
    /// Adds a pattern of the list.
    ///
    /// # Errors
    /// If it, or the list with it, costs too much.
    pub fn add(&mut self, pattern: &[u8]) -> Result<(), TooCostly> {
        let wildcards = pattern.iter().filter(|byte| b"*?[".contains(byte)).count();
        self.patterns += 1;
        self.wildcards += wildcards;
        self.classes += bytecount::count(pattern, b'[');
        if pattern.len() > MAX_PATTERN_BYTES || wildcards > MAX_WILDCARDS_IN_PATTERN {
            return Err(TooCostly::Pattern);
        }
        let is_too_much =
            self.patterns > MAX_PATTERNS || self.wildcards > MAX_WILDCARDS || self.classes > MAX_CLASSES;
        if is_too_much { Err(TooCostly::List) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_and_lists_are_limited() {
        let add = |pattern: &str, times: usize| {
            let mut cost = GlobCost::default();
            (0..times).try_for_each(|_| cost.add(pattern.as_bytes()))
        };
        assert_eq!(add(&"*".repeat(MAX_WILDCARDS_IN_PATTERN), 1), Ok(()));
        assert_eq!(add(&"*".repeat(MAX_WILDCARDS_IN_PATTERN + 1), 1), Err(TooCostly::Pattern));
        assert_eq!(add(&"a".repeat(MAX_PATTERN_BYTES + 1), 1), Err(TooCostly::Pattern));
        assert_eq!(add("a", MAX_PATTERNS), Ok(()));
        assert_eq!(add("a", MAX_PATTERNS + 1), Err(TooCostly::List));
        assert_eq!(add(&"*a".repeat(60), 200), Err(TooCostly::List));
        assert_eq!(add("[ab]", MAX_CLASSES + 1), Err(TooCostly::List));
    }
}
