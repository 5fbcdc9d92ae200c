//! Tests that every command reports text that is passed over because searching it takes too much work, and that such text
//! delays none.

use friskey::rules::expand;

use crate::support::{Scratch, key, report};

const REASON: &str = "repeats what keys begin with so often";

/// First halves of keys, and between them what may occur within one, over and over.
fn flood() -> Vec<u8> {
    (0..400).flat_map(|seed| expand("sk-{base62:20}{marker}\\\" \\\"", seed).text).collect()
}

/// A whole key behind that.
fn flooded(number: u64) -> Vec<u8> {
    [&flood()[..], b"\n\n\nkey: ", key(number).as_bytes(), b"\n"].concat()
}

#[test]
fn laborious_text_is_reported_by_every_command() {
    let scratch = Scratch::new();
    scratch.repository("a");
    scratch.write("a/flood", flooded(1));
    scratch.commit("a", "flood");
    scratch.write("a/other", flooded(2));
    scratch.git("a", &["add", "-A"]);
    for command in [&["scan", "."][..], &["history"], &["history", "--range=HEAD"], &["staged"], &["ci"]] {
        let output = scratch.friskey("a", &[command, &["--format", "json"]].concat());
        let report = report(&output);
        let skipped = report["coverage"]["skipped"].to_string();
        assert!(skipped.contains(REASON), "{command:?}: {skipped}");
        assert!(skipped.contains("flood") || skipped.contains("other"), "{command:?}: {skipped}");
        let is_sure = |leak: &serde_json::Value| leak["confidence"] == "high";
        assert!(
            report["leaks"].as_array().unwrap().iter().any(is_sure),
            "{command:?} finds the key behind it"
        );
    }
}

#[test]
fn laborious_text_without_a_key_is_never_clean() {
    let scratch = Scratch::new();
    let flood = (0..800).flat_map(|seed| expand("{base62:16}{marker}\\\" \\\"", seed).text);
    scratch.write("a/flood", flood.collect::<Vec<u8>>());
    assert_eq!(scratch.friskey("a", &["scan", "."]).status.code(), Some(3));
}
