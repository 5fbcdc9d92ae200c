//! Tests that no report displays another vendor's secret on the line of a key or in the reason of a marker.

use crate::credential_forms::{Filled, fill};
use crate::support::{Scratch, key};

const FORMATS: &[&str] = &["human", "json", "jsonl", "sarif", "github", "gitlab", "junit", "html"];

/// Writes each text into a file of its own, scans them in every format, and returns what was shown.
fn shown(lines: &[Filled], line: impl Fn(&str) -> String) -> Vec<String> {
    let scratch = Scratch::new();
    for (number, filled) in lines.iter().enumerate() {
        scratch.write(&format!("a/{number}.txt"), line(&filled.text) + "\n");
    }
    let mut shown = Vec::new();
    for format in FORMATS {
        let output = scratch.friskey("a", &["scan", "-v", "--format", format, "."]);
        let text = [&output.stdout[..], &output.stderr[..]].map(String::from_utf8_lossy).concat();
        assert!(!text.contains("nothing was scanned"), "{format}: {text}");
        // Fingerprints are hex as well, and contain any six digits sooner or later.
        let is_hex = |word: &str| word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        let words: String = text
            .split_inclusive(|c: char| !c.is_ascii_alphanumeric())
            .filter(|word| !is_hex(word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric())))
            .collect();
        let plain = words
            .replace("&quot;", "\"")
            .replace("&#39;", "'")
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&");
        for filled in lines {
            if let Some(piece) = filled.piece_in(&words).or_else(|| filled.piece_in(&plain)) {
                let at = plain.lines().find(|line| line.contains(&piece)).unwrap_or_default();
                shown.push(format!("{format}: {}: {at:.200}", filled.form));
            }
        }
    }
    shown
}

#[test]
fn no_form_of_a_credential_is_in_a_report() {
    let lines = fill(1, &key(1));
    assert_eq!(shown(&lines, str::to_owned), Vec::<String>::new());
}

#[test]
fn no_form_of_a_credential_is_in_a_reason() {
    let lines = fill(2, "K");
    let line = |reason: &str| format!("x = \"{}\" # friskey:allow {reason}", key(2));
    assert_eq!(shown(&lines, line), Vec::<String>::new());
}
