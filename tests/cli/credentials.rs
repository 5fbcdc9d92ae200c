//! Tests that no report displays any part of another secret that is on the line of a key or in the reason of a marker.

use crate::credential_templates::{Credential, credentials};
use crate::support::{Scratch, key};

const FORMATS: &[&str] = &["human", "json", "jsonl", "sarif", "github", "gitlab", "junit", "html"];

/// Writes each credential into a file of its own, as a line that `line` makes of it, reports the files in every format, and
/// returns a description of every part of a secret that was displayed.
fn displayed_parts(credentials: &[Credential], line: impl Fn(&str) -> String) -> Vec<String> {
    let scratch = Scratch::new();
    for (number, credential) in credentials.iter().enumerate() {
        scratch.write(&format!("a/{number}.txt"), line(&credential.text) + "\n");
    }
    let mut displayed = Vec::new();
    for format in FORMATS {
        let output = scratch.friskey("a", &["scan", "-v", "--format", format, "."]);
        let text = [&output.stdout[..], &output.stderr[..]].map(String::from_utf8_lossy).concat();
        assert!(!text.contains("nothing was scanned"), "{format}: {text}");
        // Fingerprints may contain six hexadecimal digits of a secret by chance.
        let is_hex = |word: &str| word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        let without_fingerprints: String = text
            .split_inclusive(|c: char| !c.is_ascii_alphanumeric())
            .filter(|word| !is_hex(word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric())))
            .collect();
        let unescaped = without_fingerprints
            .replace("&quot;", "\"")
            .replace("&#39;", "'")
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&");
        for credential in credentials {
            let part = credential.part_in(&without_fingerprints).or_else(|| credential.part_in(&unescaped));
            if let Some(part) = part {
                let report_line = unescaped.lines().find(|line| line.contains(&part)).unwrap_or_default();
                displayed.push(format!("{format}: {}: {report_line:.200}", credential.template));
            }
        }
    }
    displayed
}

#[test]
fn no_part_of_a_credential_beside_a_key_is_in_a_report() {
    let credentials = credentials(1, &key(1));
    assert_eq!(displayed_parts(&credentials, str::to_owned), Vec::<String>::new());
}

#[test]
fn no_part_of_a_credential_in_a_reason_is_in_a_report() {
    let credentials = credentials(2, "K");
    let line = |reason: &str| format!("x = \"{}\" # friskey:allow {reason}", key(2));
    assert_eq!(displayed_parts(&credentials, line), Vec::<String>::new());
}
