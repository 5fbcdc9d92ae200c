//! Tests markers beside a key.

use super::{Scratch, key, notes, open};

#[test]
fn a_marker_accepts_its_own_line_or_as_a_comment_the_next() {
    let scratch = Scratch::new();
    scratch.write("same.py", &format!("a = '{}'  # friskey:allow from the docs\nb = '{}'\n", key(1), key(2)));
    scratch.write("above.py", &format!("# friskey:allow sample\na = '{}'\nb = '{}'\n", key(3), key(4)));
    let report = scratch.json(&["scan"]);
    assert_eq!(open(&report), ["above.py:3", "same.py:2"]);
    assert_eq!(report["suppressed"], 2);
    let suppressed = |index: usize| report["leaks"][index]["findings"][0]["suppressed"].clone();
    let reasons: Vec<_> = (0..4).map(suppressed).filter(|s| !s.is_null()).collect();
    let expected =
        |reason: &str| serde_json::json!({"by": "inline", "source": "friskey:allow", "reason": reason});
    assert_eq!(reasons, [expected("sample"), expected("from the docs")]);
}

#[test]
fn markers_of_other_tools_count_and_are_named() {
    let scratch = Scratch::new();
    for (number, &marker) in (1..).zip(friskey::suppress::MARKERS) {
        scratch.write("a.py", &format!("a = '{}'  # {marker}\n", key(number)));
        let output = scratch.run(&["scan"]);
        assert_eq!(output.status, 0, "{marker}: {}", output.out);
        let report = scratch.json(&["scan"]);
        assert_eq!(report["leaks"][0]["findings"][0]["suppressed"]["source"], marker);
    }
}

#[test]
fn strict_mode_requires_a_reason_and_reports_its_absence() {
    let scratch = Scratch::new();
    let text = format!(
        "a = '{}'  # friskey:allow\nb = '{}'  # gitleaks:allow\nc = '{}'  # friskey:allow revoked\n",
        key(1),
        key(2),
        key(3)
    );
    scratch.write("a.py", &text);
    assert!(open(&scratch.json(&["scan"])).is_empty());
    let strict = scratch.json(&["scan", "--strict"]);
    assert_eq!(open(&strict), ["a.py:1", "a.py:2"]);
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
    assert!(output.out.ends_with("clean: no OpenAI key in what was scanned apart from 1 accepted finding\n"));
}

#[test]
fn no_suppress_honors_nothing() {
    let scratch = Scratch::new();
    scratch.write("a.py", &format!("a = '{}'  # friskey:allow sample\nb = '{}'\n", key(1), key(2)));
    assert_eq!(scratch.run(&["baseline", "create", "--reason", "old"]).status, 0);
    assert_eq!(scratch.run(&["scan"]).status, 0);
    let report = scratch.json(&["scan", "--no-suppress"]);
    assert_eq!(open(&report), ["a.py:1", "a.py:2"]);
    assert_eq!(notes(&report), ["nothing is accepted: --no-suppress"]);
}

#[test]
fn a_marker_in_a_minified_file_does_not_accept_all_of_it() {
    let scratch = Scratch::new();
    let filler = "x=1;".repeat(200);
    let near = format!("a='{}';/* friskey:allow sample */{filler}", key(1));
    scratch.write("min.js", &format!("{near}b='{}';{filler}\n", key(2)));
    assert_eq!(open(&scratch.json(&["scan"])), ["min.js:1"]);
    let prefix = format!("// friskey:allow sample\n{filler}");
    scratch.write("min.js", &format!("{prefix}b='{}'\n", key(2)));
    assert_eq!(open(&scratch.json(&["scan"])), ["min.js:2"]);
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
            assert!(!output.out.contains(&key[8..40]) && !output.out.contains(&key[100..130]), "{format}");
        }
    }
    // The marker applies to the key after it.
    assert_eq!(open(&scratch.json(&["scan"])), ["c.py:2"]);
}

#[test]
fn markers_in_names_do_not_count() {
    let scratch = Scratch::new();
    scratch.write(&format!("friskey:allow {}.txt", key(1)), "nothing\n");
    assert_eq!(scratch.json(&["scan"])["suppressed"], 0);
    assert_eq!(scratch.run(&["scan"]).status, 1);
}

#[test]
fn a_marker_far_into_a_stream_counts() {
    let scratch = Scratch::new();
    // Sizes around that of the chunks in which a stream is searched.
    for lead in (1_047_500..1_050_600).step_by(310) {
        let text = format!("{}\n# friskey:allow why\na = '{}'\n", "y".repeat(lead), key(1));
        scratch.write("big.txt", &text);
        let report = scratch.json(&["scan"]);
        assert!(open(&report).is_empty() && report["suppressed"] == 1, "{lead}");
    }
}

#[test]
fn a_marker_counts_in_the_encoding_of_the_file() {
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
        assert_eq!(open(&report), ["a.ps1:4"], "{report}");
        let encodings =
            report["leaks"].as_array().unwrap().iter().map(|leak| &leak["findings"][0]["encoding"]);
        assert!(encodings.clone().all(|encoding| encoding == name) && encodings.count() == 3, "{report}");
    }
}
