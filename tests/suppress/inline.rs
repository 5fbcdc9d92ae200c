//! Tests markers: comments on the line of a key, or on the line before it, that accept the key.

use super::{Scratch, key, notes, open_findings};

#[test]
fn a_marker_accepts_keys_on_its_line_or_alone_on_a_line_those_on_the_next() {
    let scratch = Scratch::new();
    scratch.write("same.py", &format!("a = '{}'  # friskey:allow from the docs\nb = '{}'\n", key(1), key(2)));
    scratch.write("above.py", &format!("# friskey:allow sample\na = '{}'\nb = '{}'\n", key(3), key(4)));
    let report = scratch.json(&["scan"]);
    assert_eq!(open_findings(&report), ["above.py:3", "same.py:2"]);
    assert_eq!(report["suppressed"], 2);
    let suppressed = |index: usize| report["leaks"][index]["findings"][0]["suppressed"].clone();
    let suppressions: Vec<_> = (0..4).map(suppressed).filter(|s| !s.is_null()).collect();
    let suppression =
        |reason: &str| serde_json::json!({"by": "inline", "source": "friskey:allow", "reason": reason});
    assert_eq!(suppressions, [suppression("sample"), suppression("from the docs")]);
}

#[test]
fn markers_of_other_tools_accept_a_key_and_are_reported() {
    let scratch = Scratch::new();
    for (number, &marker) in (1..).zip(friskey::suppress::MARKERS) {
        scratch.write("a.py", &format!("a = '{}'  # {marker}\n", key(number)));
        let output = scratch.run(&["scan"]);
        assert_eq!(output.status, 0, "{marker}: {}", output.stdout);
        let report = scratch.json(&["scan"]);
        assert_eq!(report["leaks"][0]["findings"][0]["suppressed"]["source"], marker);
    }
}

#[test]
fn strict_mode_ignores_and_reports_markers_without_a_reason() {
    let scratch = Scratch::new();
    let text = format!(
        "a = '{}'  # friskey:allow\nb = '{}'  # gitleaks:allow\nc = '{}'  # friskey:allow revoked\n",
        key(1),
        key(2),
        key(3)
    );
    scratch.write("a.py", &text);
    assert!(open_findings(&scratch.json(&["scan"])).is_empty());
    let strict = scratch.json(&["scan", "--strict"]);
    assert_eq!(open_findings(&strict), ["a.py:1", "a.py:2"]);
    assert_eq!(
        notes(&strict),
        [
            "a.py:1: `friskey:allow` gives no reason, so strict mode ignores it",
            "a.py:2: `gitleaks:allow` gives no reason, so strict mode ignores it"
        ]
    );
    scratch.write("friskey.toml", "strict = true\n");
    assert_eq!(scratch.run(&["scan"]).status, 1);
    scratch.write("a.py", &format!("a = '{}'  # friskey:allow revoked\n", key(3)));
    let output = scratch.run(&["scan"]);
    assert_eq!(output.status, 0);
    assert!(
        output.stdout.ends_with("clean: no OpenAI key in what was scanned apart from 1 accepted finding\n")
    );
}

#[test]
fn no_suppress_ignores_markers_and_baseline() {
    let scratch = Scratch::new();
    scratch.write("a.py", &format!("a = '{}'  # friskey:allow sample\nb = '{}'\n", key(1), key(2)));
    assert_eq!(scratch.run(&["baseline", "create", "--reason", "old"]).status, 0);
    assert_eq!(scratch.run(&["scan"]).status, 0);
    let report = scratch.json(&["scan", "--no-suppress"]);
    assert_eq!(open_findings(&report), ["a.py:1", "a.py:2"]);
    assert_eq!(notes(&report), ["nothing is accepted: --no-suppress"]);
}

#[test]
fn a_marker_accepts_only_nearby_keys_on_a_long_line() {
    let scratch = Scratch::new();
    let filler = "x=1;".repeat(200);
    let key_with_marker = format!("a='{}';/* friskey:allow sample */{filler}", key(1));
    scratch.write("min.js", &format!("{key_with_marker}b='{}';{filler}\n", key(2)));
    assert_eq!(open_findings(&scratch.json(&["scan"])), ["min.js:1"]);
    let prefix = format!("// friskey:allow sample\n{filler}");
    scratch.write("min.js", &format!("{prefix}b='{}'\n", key(2)));
    assert_eq!(open_findings(&scratch.json(&["scan"])), ["min.js:2"]);
}

#[test]
fn a_reason_never_shows_a_key() {
    let scratch = Scratch::new();
    let (first, second) = (key(1), key(2));
    scratch.write("a.py", &format!("a = '{first}'  # friskey:allow instead of {second} of old\n"));
    scratch.write("b.py", &format!("a = '{first}'  # friskey:allow {} {second}\n", "long ".repeat(30)));
    scratch.write("c.py", &format!("# friskey:allow {first}\na = '{second}'\n"));
    for format in ["json", "sarif", "html", "junit", "gitlab", "github", "human", "jsonl"] {
        let output = scratch.run(&["scan", "--format", format, "-v"]);
        for key in [&first, &second] {
            assert!(
                !output.stdout.contains(&key[8..40]) && !output.stdout.contains(&key[100..130]),
                "{format}"
            );
        }
    }
    // The marker applies to the key after it.
    assert_eq!(open_findings(&scratch.json(&["scan"])), ["c.py:2"]);
}

#[test]
fn markers_in_file_names_do_not_accept_keys() {
    let scratch = Scratch::new();
    scratch.write(&format!("friskey:allow {}.txt", key(1)), "nothing\n");
    assert_eq!(scratch.json(&["scan"])["suppressed"], 0);
    assert_eq!(scratch.run(&["scan"]).status, 1);
}

#[test]
fn a_marker_accepts_a_key_that_is_in_the_next_chunk() {
    let scratch = Scratch::new();
    // A stream is searched in chunks of about a mebibyte. With these lengths, the first ends before, within or after the
    // marker and the key.
    for first_line_len in (1_047_500..1_050_600).step_by(310) {
        let text = format!("{}\n# friskey:allow why\na = '{}'\n", "y".repeat(first_line_len), key(1));
        scratch.write("big.txt", &text);
        let report = scratch.json(&["scan"]);
        assert!(open_findings(&report).is_empty() && report["suppressed"] == 1, "{first_line_len}");
    }
}

#[test]
fn markers_are_found_in_utf16_files() {
    let scratch = Scratch::new();
    let text = format!(
        "# friskey:allow for tests\r\na = '{}'\r\nb = '{}' # gitleaks:allow\r\nc = '{}'\r\n",
        key(1),
        key(2),
        key(3)
    );
    for (name, write) in
        [("utf-16le", u16::to_le_bytes as fn(u16) -> [u8; 2]), ("utf-16be", u16::to_be_bytes)]
    {
        let bytes: Vec<u8> = "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(write).collect();
        std::fs::write(scratch.path("a.ps1"), bytes).unwrap();
        let report = scratch.json(&["scan"]);
        assert_eq!(open_findings(&report), ["a.ps1:4"], "{report}");
        let encodings =
            report["leaks"].as_array().unwrap().iter().map(|leak| &leak["findings"][0]["encoding"]);
        assert!(encodings.clone().all(|encoding| encoding == name) && encodings.count() == 3, "{report}");
    }
}
