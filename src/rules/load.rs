//! Reads rules from TOML. Invalid rules are rejected with file, line and reason.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use toml::Spanned;

use super::budget::RuleBudget;
use super::facts::{self, Facts};
use super::known_facts::known_facts;
use super::pattern::{self, Pattern};
use super::rule::{Rule, Variant};
use super::schema::{RawRule, RawVariant, RuleFile};
use crate::untrusted::{ReadError, Symlinks, read_text};

/// Maximum size of a rules file, in bytes.
const MAX_FILE: u64 = 16 << 20;

/// Maximum length of a rule's kind, in characters.
const MAX_KIND: usize = 40;

/// Why a rules file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    /// The file cannot be read.
    #[error("cannot read rules from {path}: {error}")]
    Read {
        /// The file.
        path: String,
        /// The cause.
        error: ReadError,
    },
    /// There are too many files.
    #[error("{path}: more than {} files of rules; put several rules into one file", super::budget::MAX_FILES)]
    TooManyFiles {
        /// The first file beyond the limit.
        path: String,
    },
    /// The file is invalid.
    #[error("{path}:{line}: {reason}")]
    Invalid {
        /// The file.
        path: String,
        /// Line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
}

/// Parses the rules of a built-in file, without the checks of their patterns that a test does.
pub(super) fn parse_built_in(text: &str, path: &str, known_checks: &[&str]) -> Result<Vec<Rule>, RuleError> {
    let loader = Loader { text, path, known_checks, is_built_in: true };
    loader.rules(&mut RuleBudget::default())
}

/// Parses the rules in `text`; `path` is for messages. `known_checks` are the valid names in `checks`. The cost
/// of the rules is added to `budget`.
pub(super) fn parse(
    text: &str,
    path: &str,
    known_checks: &[&str],
    budget: &mut RuleBudget,
) -> Result<Vec<Rule>, RuleError> {
    Loader { text, path, known_checks, is_built_in: false }.rules(budget)
}

/// The text of the file at `path`, and the rules in it.
pub(super) fn read(
    path: &Path,
    known_checks: &[&str],
    budget: &mut RuleBudget,
) -> Result<(String, Vec<Rule>), RuleError> {
    let name = path.display().to_string();
    let text = read_text(path, Symlinks::Follow, MAX_FILE)
        .map_err(|error| RuleError::Read { path: name.clone(), error })?;
    let rules = parse(&text, &name, known_checks, budget)?;
    Ok((text, rules))
}

struct Loader<'a> {
    text: &'a str,
    path: &'a str,
    known_checks: &'a [&'a str],
    is_built_in: bool,
}

impl Loader<'_> {
    fn rules(&self, budget: &mut RuleBudget) -> Result<Vec<Rule>, RuleError> {
        budget.add_text(self.text).map_err(|reason| self.invalid(0, reason))?;
        let file: RuleFile = toml::from_str(self.text).map_err(|error| {
            self.invalid(error.span().map_or(0, |span| span.start), error.message().to_owned())
        })?;
        let mut ids = HashSet::new();
        let mut rules = Vec::with_capacity(file.rule.len());
        for raw in file.rule {
            let start = raw.span().start;
            let rule = raw.into_inner();
            if !ids.insert(rule.id.get_ref().clone()) {
                let reason = format!("there is already a rule with the id `{}`", rule.id.get_ref());
                return Err(self.error_at(&rule.id, reason));
            }
            rules.push(self.rule(rule, start, budget)?);
        }
        if rules.is_empty() {
            return Err(self.invalid(0, "the file contains no [[rule]]".to_owned()));
        }
        Ok(rules)
    }

    fn rule(&self, mut raw: RawRule, start: usize, budget: &mut RuleBudget) -> Result<Rule, RuleError> {
        let id = raw.id.get_ref();
        let is_id_char = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if id.is_empty() || !id.chars().all(is_id_char) {
            return Err(self
                .error_at(&raw.id, format!("`{id}` is not an id: use lower-case letters, digits and `-`")));
        }
        if let Some(kind) = &raw.kind
            && !(1..=MAX_KIND).contains(&kind.get_ref().len()) | !kind.get_ref().chars().all(is_id_char)
        {
            // Reports contain the kind unmasked, so it must not be a key.
            let reason = format!(
                "the kind of rule `{id}` must be one word of at most {MAX_KIND} lower-case letters, digits and `-`"
            );
            return Err(self.error_at(kind, reason));
        }
        budget.add_words(&raw).map_err(|reason| self.error_at(&raw.id, format!("rule `{id}`: {reason}")))?;
        let raw_variants = raw.take_variants();
        let id = raw.id.get_ref();
        if raw_variants.is_empty() {
            return Err(self.invalid(start, format!("rule `{id}` has no pattern")));
        }
        let known: &[Facts] = if self.is_built_in { known_facts(id) } else { &[] };
        let mut known = known.iter();
        let mut variants = Vec::with_capacity(raw_variants.len());
        for variant in raw_variants {
            variants.push(Arc::new(self.variant(&raw, variant, known.next(), budget)?));
        }
        Ok(Rule {
            id: Arc::from(id.as_str()),
            kind: Arc::from(raw.kind.as_ref().map_or(id, Spanned::get_ref).as_str()),
            name: raw.name.unwrap_or_else(|| id.clone()),
            description: raw.description,
            severity: raw.severity,
            advice: raw.advice,
            revoke_url: raw.revoke_url,
            variants,
            examples: raw.examples,
            counter_examples: raw.counter_examples,
            source: Arc::from(self.path),
            line: self.line_at(start),
            built_in: self.is_built_in,
            replaces_built_in: false,
        })
    }

    /// `known` are the facts of the pattern, unless it has to be analyzed.
    fn variant(
        &self,
        rule: &RawRule,
        raw: RawVariant,
        known: Option<&Facts>,
        budget: &mut RuleBudget,
    ) -> Result<Variant, RuleError> {
        let id = rule.id.get_ref();
        let too_much = |reason| self.error_at(&raw.pattern, format!("rule `{id}`: {reason}"));
        budget.add_variant(&raw).map_err(too_much)?;
        let pattern = Pattern::new(raw.pattern.get_ref());
        let keywords = self.keywords(&raw, &pattern)?;
        if raw.keywords.is_none() {
            budget.add_keywords(keywords.iter().map(Vec::len), 1).map_err(too_much)?;
        }
        let except = raw.except.as_ref().map(|except| Pattern::new(except.get_ref()));
        let facts = match known {
            Some(known) => known.clone(),
            None => self.analyze(&raw, &pattern, except.as_ref(), &keywords)?,
        };
        let check_names = raw.checks.as_ref().map(|checks| checks.get_ref().as_slice()).unwrap_or_default();
        let checks: Vec<String> = check_names.iter().map(|name| current_name(name).to_owned()).collect();
        let checks_invalid = |reason| match &raw.checks {
            Some(place) => self.error_at(place, reason),
            None => self.error_at(&raw.pattern, reason),
        };
        if let Some(unknown) = checks.iter().find(|name| !self.known_checks.contains(&name.as_str())) {
            let known = self.known_checks.join(", ");
            return Err(checks_invalid(format!("there is no check `{unknown}`; the checks are {known}")));
        }
        for (check, has_field) in [("context", raw.context.is_some()), ("except", raw.except.is_some())] {
            if checks.iter().any(|name| name == check) != has_field {
                return Err(checks_invalid(format!(
                    "the check `{check}` and the field `{check}` require each other"
                )));
            }
        }
        let has_marker_check = checks.iter().any(|name| name == "marker-symmetry" || name == "unmarked");
        if has_marker_check == raw.half_lengths.is_empty() {
            let reason = "the checks `marker-symmetry` and `unmarked` require the field `half_lengths`, and it requires one \
                          of them";
            return Err(checks_invalid(reason.to_owned()));
        }
        Ok(Variant {
            keywords,
            pattern,
            facts,
            confidence: raw.confidence,
            weight: 0,
            encoded_starts: raw.encoded.into_iter().map(String::into_bytes).collect(),
            checks,
            half_lengths: raw.half_lengths,
            prefix_tails: rule.prefix_tails.iter().map(|tail| tail.as_bytes().to_vec()).collect(),
            owners: rule.owners.clone(),
            except,
            context: raw.context,
        })
    }

    /// Validates the patterns of a variant.
    fn analyze(
        &self,
        raw: &RawVariant,
        pattern: &Pattern,
        except: Option<&Pattern>,
        keywords: &[Vec<u8>],
    ) -> Result<Facts, RuleError> {
        let facts =
            facts::analyze(pattern, keywords).map_err(|reason| self.error_at(&raw.pattern, reason))?;
        if let (Some(place), Some(Err(reason))) = (&raw.except, except.map(Pattern::hir)) {
            return Err(self.error_at(place, reason.to_owned()));
        }
        if !raw.encoded.iter().all(|literal| literal.len() >= pattern::MIN_KEYWORD_LEN)
            || !facts::begins_with_literal(pattern, &raw.encoded)
        {
            let reason =
                "`encoded` must list literals of at least three bytes, one of which begins every match";
            return Err(self.error_at(&raw.pattern, reason.to_owned()));
        }
        Ok(facts)
    }

    fn keywords(&self, raw: &RawVariant, pattern: &Pattern) -> Result<Vec<Vec<u8>>, RuleError> {
        let Some(listed) = &raw.keywords else {
            return pattern::keywords(pattern).map_err(|reason| self.error_at(&raw.pattern, reason));
        };
        let keywords: Vec<Vec<u8>> = listed.get_ref().iter().map(|a| a.as_bytes().to_vec()).collect();
        if keywords.is_empty() || keywords.iter().any(|keyword| keyword.len() < pattern::MIN_KEYWORD_LEN) {
            let reason =
                "`keywords` must list literals of at least three bytes, one of which occurs in every match";
            return Err(self.error_at(listed, reason.to_owned()));
        }
        Ok(keywords)
    }

    fn error_at<T>(&self, value: &Spanned<T>, reason: String) -> RuleError {
        self.invalid(value.span().start, reason)
    }

    /// The line of the byte at `offset`, from 1.
    fn line_at(&self, offset: usize) -> usize {
        let text_before = &self.text.as_bytes()[..offset.min(self.text.len())];
        1 + bytecount::count(text_before, b'\n')
    }

    fn invalid(&self, offset: usize, reason: String) -> RuleError {
        RuleError::Invalid { path: self.path.to_owned(), line: self.line_at(offset), reason }
    }
}

/// The current name of a check, which a rules file may also call by its former name.
fn current_name(check: &str) -> &str {
    match check {
        "halves" => "marker-symmetry",
        "made-up" => "synthetic",
        current => current,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALID_RULE: &str = r#"
[[rule]]
id = "acme-key"
name = "Acme key"
description = "A key of Acme"
severity = "high"
[[rule.variant]]
keywords = ["acme-"]
pattern = 'acme-[a-z]{8}'
"#;

    fn error(text: &str) -> String {
        parse(text, "my.toml", &["boundary"], &mut RuleBudget::default()).unwrap_err().to_string()
    }

    #[test]
    fn a_valid_rule_is_read() {
        let rules = parse(VALID_RULE, "my.toml", &[], &mut RuleBudget::default()).unwrap();
        assert_eq!(&*rules[0].id, "acme-key");
        assert_eq!(&*rules[0].kind, "acme-key");
        assert!(rules[0].variants[0].facts.starts_with_keyword);
    }

    #[test]
    fn former_names_of_fields_and_checks_are_accepted() {
        let former = VALID_RULE.replace("rule.variant", "rule.form").replace("keywords", "anchors");
        let former = format!("{former}checks = ['halves', 'made-up']\nhalves = [20]");
        let rules =
            parse(&former, "my.toml", &["marker-symmetry", "synthetic"], &mut RuleBudget::default()).unwrap();
        let variant = &rules[0].variants[0];
        assert_eq!(variant.keywords, [b"acme-"]);
        assert_eq!(variant.checks, ["marker-symmetry", "synthetic"]);
        assert_eq!(variant.half_lengths, [20]);
    }

    #[test]
    fn errors_name_file_line_and_reason() {
        assert!(
            error(&VALID_RULE.replace("keywords", "keyword"))
                .starts_with("my.toml:8: unknown field `keyword`")
        );
        assert!(error(&VALID_RULE.replace("{8}", "{8")).starts_with("my.toml:9: invalid pattern"));
        assert!(error(&VALID_RULE.replace("\"acme-\"", "\"ac\"")).starts_with("my.toml:8: `keywords`"));
        assert!(
            error(&VALID_RULE.replace("acme-key", "Acme!")).starts_with("my.toml:3: `Acme!` is not an id")
        );
        assert!(
            error(&format!("{VALID_RULE}checks = ['bound']"))
                .contains("my.toml:10: there is no check `bound`")
        );
        assert!(
            error(&format!("{VALID_RULE}{VALID_RULE}"))
                .starts_with("my.toml:12: there is already a rule with the id `acme-key`")
        );
        assert!(error("").contains("no [[rule]]"));
    }

    #[test]
    fn a_kind_is_one_short_word() {
        let with = |kind: &str| VALID_RULE.replace("name =", &format!("kind = '{kind}'\nname ="));
        assert!(parse(&with("service-account2"), "my.toml", &[], &mut RuleBudget::default()).is_ok());
        for kind in ["", "Project", "a b", "acme-abcdefgh_A1", &"k".repeat(41)] {
            let message = error(&with(kind));
            assert!(
                message.starts_with("my.toml:4: the kind of rule `acme-key` must be one word"),
                "{message}"
            );
            assert!(kind.is_empty() || !message.contains(&format!("`{kind}`")), "{message}");
        }
    }

    #[test]
    fn the_total_cost_of_rules_is_limited() {
        let rules = |count: usize, rest: &str| -> String {
            let rule = |n: usize| format!("[[rule]]\nid = 'r{n}'\npattern = 'acme-[a-z]{{8}}'\n{rest}\n");
            (0..count).map(rule).collect()
        };
        let keywords = format!("keywords = [{}]", "'acme',".repeat(5_000));
        let encoded = format!("encoded = [{}]", "'acme-',".repeat(300));
        let long = format!("keywords = ['{}']", "acme".repeat(150_000));
        let words = format!(
            "checks = ['context']\n[rule.context]\nmissing = 'low'\nwords = [{}]",
            "'acme',".repeat(10_001)
        );
        for (text, rule, limit) in [
            (rules(1_001, ""), "r1000", "1001 patterns in all rules"),
            (rules(3, &keywords), "r2", "keywords in all rules"),
            (rules(2, &encoded), "r1", "keywords in all rules"),
            (rules(1, &words), "r0", "keywords in all rules"),
            (rules(2, &long), "r1", "bytes in the keywords of all rules"),
            (VALID_RULE.replace("{8}", &"{8}x".repeat(20_000)), "acme-key", "bytes in a pattern"),
        ] {
            let message = error(&text);
            let rule_prefix = format!("rule `{rule}`: ");
            assert!(
                message.starts_with("my.toml:") && message.contains(&rule_prefix) && message.contains(limit),
                "{message}"
            );
        }
        let mut budget = RuleBudget::default();
        assert!(parse(&rules(600, ""), "a.toml", &[], &mut budget).is_ok());
        let message = parse(&rules(600, ""), "b.toml", &[], &mut budget).unwrap_err().to_string();
        assert!(message.starts_with("b.toml:") && message.contains("1001 patterns"), "{message}");
        let filled = format!("{VALID_RULE}# {}", "x".repeat(16 << 20));
        assert!(error(&filled).contains("bytes in all files of rules"));
    }
}
