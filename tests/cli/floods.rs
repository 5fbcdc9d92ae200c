//! Tests that every command reports text that is passed over because searching it would take too much work.

use friskey::rules::expand_template;

use crate::support::{Scratch, key, report};

/// Part of the reason of the skip.
const REASON: &str = "repeats what keys begin with so often";

/// First halves of keys, each in a string literal of its own, since a key may be split into several: more of them than a search
/// tries to join.
fn flood() -> Vec<u8> {
    (0..400).flat_map(|seed| expand_template("sk-{base62:20}{marker}\\\" \\\"", seed).text).collect()
}

/// A flood, and the key `number` behind it.
fn flood_and_key(number: u64) -> Vec<u8> {
    [&flood()[..], b"\n\n\nkey: ", key(number).as_bytes(), b"\n"].concat()
}

#[test]
fn a_flood_is_reported_and_a_key_behind_it_found_by_every_command() {
    let scratch = Scratch::new();
    scratch.repository("a");
    scratch.write("a/flood", flood_and_key(1));
    scratch.commit("a", "flood");
    scratch.write("a/other", flood_and_key(2));
    scratch.git("a", &["add", "-A"]);
    for command in [&["scan", "."][..], &["history"], &["history", "--range=HEAD"], &["staged"], &["ci"]] {
        let output = scratch.friskey("a", &[command, &["--format", "json"]].concat());
        let report = report(&output);
        let skipped = report["coverage"]["skipped"].to_string();
        assert!(skipped.contains(REASON), "{command:?}: {skipped}");
        assert!(skipped.contains("flood") || skipped.contains("other"), "{command:?}: {skipped}");
        // The flood itself is reported as truncated keys, with less confidence.
        let has_high_confidence = |leak: &serde_json::Value| leak["confidence"] == "high";
        assert!(
            report["leaks"].as_array().unwrap().iter().any(has_high_confidence),
            "{command:?} does not find the key behind the flood"
        );
    }
}

#[test]
fn a_scan_of_a_flood_without_a_key_is_never_clean() {
    let scratch = Scratch::new();
    // Without `sk-`, so that nothing in it is reported as a truncated key.
    let markers = (0..800).flat_map(|seed| expand_template("{base62:16}{marker}\\\" \\\"", seed).text);
    scratch.write("a/flood", markers.collect::<Vec<u8>>());
    assert_eq!(scratch.friskey("a", &["scan", "."]).status.code(), Some(3));
}
