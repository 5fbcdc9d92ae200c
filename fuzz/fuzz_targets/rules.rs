//! Loads arbitrary text as a file of rules: must reject it with a reason, or use it, without a panic.

#![no_main]

use friskey::detect::Detector;
use friskey::rules::{RuleError, RuleSet};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match RuleSet::from_text(text, "fuzz.toml") {
        Ok(rules) => {
            // A detector with a pattern that is too large to compile is rejected.
            if let Ok(detector) = Detector::new(&rules) {
                for index in 0..rules.rules().len() {
                    detector.self_test(index);
                }
                detector.find(text.as_bytes(), |_| ());
            }
        }
        Err(RuleError::Invalid { line, reason, .. }) => {
            assert!((1..=text.lines().count() + 1).contains(&line), "there is no line {line}");
            assert!(!reason.is_empty());
        }
        Err(RuleError::Read { .. } | RuleError::TooManyFiles { .. }) => panic!("no file is read"),
    }
});
