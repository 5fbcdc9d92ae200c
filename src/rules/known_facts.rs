//! The facts about the built-in patterns, so that none is analyzed when the program starts. A test compares them with those
//! that the analysis computes.

use std::borrow::Cow;

use super::facts::Facts;

/// The facts about the variants of the built-in rule with this id, in order.
pub(super) fn known_facts(rule: &str) -> &'static [Facts] {
    KNOWN.iter().find(|(id, _)| *id == rule).map_or(&[], |(_, facts)| facts)
}

/// Facts of a variant, in the order of the fields.
const fn known(
    max_len: usize,
    starts_with_keyword: bool,
    has_only_key_chars: bool,
    key_chars_before: &'static [usize],
) -> Facts {
    let key_chars_before = Cow::Borrowed(key_chars_before);
    Facts { max_len, starts_with_keyword, has_only_key_chars, key_chars_before }
}

#[rustfmt::skip]
const KNOWN: &[(&str, &[Facts])] = &[
    ("openai-project-key", &[
        known(257, false, true, &[16]),
        known(264, true, true, &[]),
    ]),
    ("openai-service-account-key", &[
        known(260, false, true, &[16]),
        known(267, true, true, &[]),
    ]),
    ("openai-admin-key", &[
        known(258, false, true, &[16]),
        known(265, true, true, &[]),
    ]),
    ("openai-user-key", &[
        known(252, false, true, &[16]),
        known(257, false, true, &[16]),
        known(264, true, true, &[]),
        known(68, true, true, &[]),
    ]),
    ("openai-service-key", &[
        known(95, false, true, &[20]),
    ]),
    ("openai-key-without-prefix", &[
        known(49, false, true, &[20]),
        known(93, false, true, &[42]),
        known(101, false, true, &[46]),
        known(125, false, true, &[58]),
        known(157, false, true, &[74]),
    ]),
    ("openai-session-token", &[
        known(45, true, false, &[]),
    ]),
    ("openai-client-secret", &[
        known(35, true, false, &[]),
    ]),
    ("openai-codex-refresh-token", &[
        known(483, false, false, &[]),
    ]),
    ("azure-openai-key", &[
        known(204, false, false, &[]),
        known(471, false, false, &[]),
        known(672, false, false, &[]),
        known(346, false, false, &[]),
        known(512, false, false, &[]),
        known(84, false, true, &[52]),
    ]),
];

#[cfg(test)]
mod tests {
    use super::super::{BUILT_IN, CHECK_NAMES, RuleBudget, load};
    use super::*;

    /// The lines of the table as they have to be.
    fn computed() -> Vec<String> {
        let mut lines = Vec::new();
        for (path, text) in BUILT_IN {
            for rule in load::parse(text, path, CHECK_NAMES, &mut RuleBudget::default()).unwrap() {
                lines.push(format!("    (\"{}\", &[", rule.id));
                for variant in &rule.variants {
                    let Facts { max_len, starts_with_keyword, has_only_key_chars, key_chars_before } =
                        &variant.facts;
                    lines.push(format!(
                        "        known({max_len}, {starts_with_keyword}, {has_only_key_chars}, &{key_chars_before:?}),"
                    ));
                }
                lines.push("    ]),".to_owned());
            }
        }
        lines
    }

    #[test]
    fn the_table_holds_the_facts_of_the_built_in_patterns() {
        let source = include_str!("known_facts.rs");
        let table = source.split_once("= &[\n").unwrap().1.split_once("];").unwrap().0;
        let computed = computed();
        assert!(table.lines().eq(&computed), "replace the table by\n{}", computed.join("\n"));
    }
}
