//! Tests `friskey trace`: the ways to pass the key, and its output.

use crate::support::{Scratch, fingerprint, key, leak, report};

fn repository_with_two_keys() -> Scratch {
    let scratch = Scratch::new();
    scratch.repository("r");
    scratch.write("r/a", format!("{} {}", key(1), key(2)));
    scratch.commit("r", "in");
    scratch
}

#[test]
fn a_pasted_assignment_traces_the_key_in_it() {
    let scratch = repository_with_two_keys();
    let input = format!("export OPENAI_API_KEY=\"{}\"\n", key(1));
    let output = scratch.friskey_with("r", &["trace", "--format", "json"], input.as_bytes());
    assert_eq!(output.status.code(), Some(1));
    assert!(leak(&report(&output), &key(1)).is_some());
    let message = String::from_utf8_lossy(&output.stderr);
    let end = &key(1)[key(1).len() - 4..];
    assert!(message.starts_with(&format!("tracing sk-proj-…{end} (openai-project-key, ")), "{message}");
    assert!(scratch.friskey_with("r", &["trace", "-q"], input.as_bytes()).stderr.is_empty());
}

#[test]
fn several_keys_are_refused() {
    let scratch = repository_with_two_keys();
    let output = scratch.friskey_with("r", &["trace"], format!("{}\n{}\n", key(1), key(2)).as_bytes());
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(message.contains("2 keys were given") && message.contains("one at a time"), "{message}");
    assert!(output.stdout.is_empty() && !message.contains(&key(1)[8..20]));
}

#[test]
fn a_key_is_traced_by_its_fingerprint_or_last_four_characters() {
    let scratch = repository_with_two_keys();
    let fingerprint = fingerprint(&key(2));
    let end = &key(2)[key(2).len() - 4..];
    let redacted = format!("sk-proj-…{end}");
    for selection in [
        ["--fingerprint", &fingerprint],
        ["--fingerprint", &fingerprint[..12]],
        ["--last-four", end],
        ["--last-four", &redacted],
    ] {
        let arguments = [&["trace", "--format", "json"], &selection[..]].concat();
        let output = scratch.friskey("r", &arguments);
        assert_eq!(output.status.code(), Some(1), "{selection:?}");
        let report = report(&output);
        assert!(leak(&report, &key(2)).is_some() && leak(&report, &key(1)).is_none(), "{selection:?}");
    }
    assert_eq!(scratch.friskey("r", &["trace", "--fingerprint", &"0".repeat(64)]).status.code(), Some(0));
    for invalid in [["--fingerprint", "12345"], ["--fingerprint", "not hex digits"], ["--last-four", "abc"]] {
        let output = scratch.friskey("r", &[&["trace"], &invalid[..]].concat());
        assert_eq!(output.status.code(), Some(2), "{invalid:?}");
    }
}
