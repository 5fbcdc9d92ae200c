//! Tests containers that are encoded as text: base64 of gzip and zip, and git's binary patches.

use std::io::Write;

use serde_json::Value;

use crate::support::{Scratch, key, leak, report};

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    writer.write_all(data).unwrap();
    writer.finish().unwrap()
}

/// A zip with one deflated entry.
fn zip(name: &str, data: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    writer.write_all(data).unwrap();
    let packed = writer.finish().unwrap();
    let mut crc = flate2::Crc::new();
    crc.update(data);
    let numbers = [crc.sum(), packed.len() as u32, data.len() as u32].map(u32::to_le_bytes).concat();
    let common = [&[20, 0, 0, 0, 8, 0, 0, 0, 0x21, 0][..], &numbers, &[name.len() as u8, 0, 0, 0]].concat();
    let local = [b"PK\x03\x04", &common[..], name.as_bytes(), &packed].concat();
    let central = [b"PK\x01\x02\x14\x00", &common[..], &[0; 14], name.as_bytes()].concat();
    let sizes = [central.len() as u32, local.len() as u32].map(u32::to_le_bytes).concat();
    [&local[..], &central, b"PK\x05\x06\0\0\0\0\x01\0\x01\0", &sizes, &[0, 0]].concat()
}

fn base64(bytes: &[u8], url: bool) -> String {
    let digits = format!(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789{}",
        if url { "-_" } else { "+/" }
    );
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = (0..3).fold(0, |all, at| all << 8 | three.get(at).map_or(0, |byte| u32::from(*byte)));
        for at in 0..=three.len() {
            text.push(char::from(digits.as_bytes()[(bits >> (18 - 6 * at)) as usize & 63]));
        }
        text.push_str(&"=="[..if url { 0 } else { 3 - three.len() }]);
    }
    text
}

fn wrapped(text: &str, width: usize, between: &str) -> String {
    let lines: Vec<_> =
        text.as_bytes().chunks(width).map(|line| std::str::from_utf8(line).unwrap()).collect();
    lines.join(between)
}

/// The settings of a program, with a key.
fn settings(number: u64) -> Vec<u8> {
    let lines: String = (0..90).map(|n| format!("name{n} = value {}\n", n * n * 7919)).collect();
    format!("{lines}OPENAI_API_KEY={}\n", key(number)).into_bytes()
}

/// How a packed content is written in a file of text.
fn spellings(packed: &[u8]) -> Vec<(&'static str, String)> {
    let (plain, url) = (base64(packed, false), base64(packed, true));
    vec![
        ("one line", format!("data: {plain}\nother: value\n")),
        ("URL alphabet", format!("data={url}&x=1")),
        ("a data URL", format!("<a href=\"data:application/gzip;base64,{plain}\">")),
        ("76 columns", format!("{}\n", wrapped(&plain, 76, "\n"))),
        ("64 columns, indented", format!("a:\n  data: |\n    {}\n  b: c\n", wrapped(&plain, 64, "\r\n    "))),
        ("JSON", format!("{{\"data\":\"{}\\n\",\"x\":1}}", wrapped(&plain, 76, "\\n"))),
        (
            "JSON in JSON",
            format!("{{\"d\":\"{{\\\"d\\\":\\\"{}\\\\n\\\"}}\"}}", wrapped(&plain, 76, "\\\\n")),
        ),
        ("literals", format!("x = (\"{}\")", wrapped(&plain, 60, "\"\n     \""))),
        ("sums", format!("x = \"{}\";", wrapped(&plain, 60, "\" +\n     \""))),
        ("a patch", format!("+data: |\n+  {}\n+b: c\n", wrapped(&plain, 76, "\n+  "))),
        ("twice", format!("release: {}\n", base64(plain.as_bytes(), false))),
    ]
}

fn findings(report: &Value, number: u64) -> &Vec<Value> {
    let leak = leak(report, &key(number));
    leak.unwrap_or_else(|| panic!("{number} in {report:#}"))["findings"].as_array().unwrap()
}

#[test]
fn base64_of_gzip_and_zip_however_it_is_written() {
    for (number, packed) in [(1, gzip(&settings(1))), (2, zip("app/.env", &settings(2)))] {
        for (how, text) in spellings(&packed) {
            // Helm stores its releases as gzip encoded twice. A zip encoded twice is not supported.
            if how == "twice" && number == 2 {
                continue;
            }
            let scratch = Scratch::new();
            scratch.write("d/values.yaml", &text);
            let output = scratch.friskey("d", &["scan", "--format", "json"]);
            assert_eq!(output.status.code(), Some(1), "{how}");
            let json = report(&output);
            assert_eq!(json["coverage"]["skipped"], serde_json::json!([]), "{how}");
            let container = &findings(&json, number)[0]["container"];
            assert_eq!(container[0], "values.yaml", "{how}");
            let name = container[1].as_str().unwrap();
            assert!(name.starts_with("base64 at byte "), "{how}: {container}");
            let output = scratch.friskey_with("d", &["scan", "-", "--format", "json"], text.as_bytes());
            assert_eq!(findings(&report(&output), number)[0]["surface"], "stdin", "{how}");
        }
    }
}

#[test]
fn in_a_large_file_wherever_reads_end() {
    let scratch = Scratch::new();
    let run = base64(&gzip(&settings(1)), false);
    for before in [(1 << 20) - 3, (1 << 20) + 12_345, 3 << 20] {
        let text =
            [&"a few words\n".repeat(before / 12 + 1)[..before], "\n", &run, "\n", &"words\n".repeat(99_999)]
                .concat();
        scratch.write("d/x", &text);
        let json = report(&scratch.friskey("d", &["scan", "--format", "json"]));
        assert_eq!(findings(&json, 1)[0]["container"][1], format!("base64 at byte {}", before + 1));
        // Input that cannot be read again is reported.
        let output = scratch.friskey_with("d", &["scan", "-"], text.as_bytes());
        assert_eq!(output.status.code(), Some(3));
    }
}

#[test]
fn before_a_zip_at_the_end_of_the_same_file() {
    let scratch = Scratch::new();
    let end = zip("x.env", &settings(2));
    for (size, skips) in [(2_usize << 20, 0), (33 << 20, 1)] {
        let words = "a few words\n".repeat(size / 12);
        let start = format!("K={}\n{}\n{words}", key(3), base64(&gzip(&settings(1)), false));
        scratch.write("d/x", [start.as_bytes(), &end].concat());
        let output = scratch.friskey("d", &["scan", "--format", "json"]);
        let json = report(&output);
        assert_eq!(findings(&json, 2)[0]["container"], serde_json::json!(["x", "x.env"]), "{size}");
        assert_eq!((findings(&json, 2).len(), findings(&json, 3).len()), (1, 1), "{size}");
        // What is encoded as text can be decoded only in memory.
        let skipped = json["coverage"]["skipped"].as_array().unwrap();
        assert_eq!(skipped.len(), skips, "{skipped:?}");
        assert_eq!(leak(&json, &key(1)).is_some(), skips == 0, "{size}");
    }
}

#[test]
fn starts_of_archives_in_base64_without_an_archive_are_not_reported() {
    let scratch = Scratch::new();
    let text = "H4sI UEsDB SDRzSU VUVzREJ\nGIT binary patch\nliteral 5\n\nH4sIAAAAAAAAAAAAAAAA";
    scratch.write("d/x", text.repeat(20));
    let output = scratch.friskey("d", &["scan", "--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{:#}", report(&output));
    // More of it than anyone writes is not all tried.
    scratch.write("d/x", "H4sIAAAAAAAAAAAAAAAA".repeat(60_000));
    let output = scratch.friskey("d", &["scan"]);
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn in_the_index_and_in_a_history_with_its_deltas() {
    let scratch = Scratch::new();
    scratch.repository("r");
    let filler = |n: u64| (0..3000).map(|line| format!("line {line} of {n}\n")).collect::<String>();
    // Successive versions that git stores as deltas.
    for number in 1..=4 {
        let run = wrapped(&base64(&gzip(&settings(number)), false), 76, "\n  ");
        scratch.write("r/values.yaml", format!("{}data: |\n  {run}\nend: 1\n{}", filler(0), filler(1)));
        scratch.git("r", &["add", "."]);
        let json = report(&scratch.friskey("r", &["staged", "--format", "json"]));
        assert_eq!(findings(&json, number).len(), 1);
        scratch.commit("r", "version");
    }
    scratch.git("r", &["rm", "-q", "values.yaml"]);
    scratch.commit("r", "gone");
    for packed in [false, true] {
        if packed {
            scratch.git("r", &["gc", "-q", "--aggressive"]);
        }
        let json = report(&scratch.friskey("r", &["history", "--format", "json"]));
        for number in 1..=4 {
            let found = findings(&json, number);
            assert_eq!((found.len(), &found[0]["path"]), (1, &"values.yaml".into()), "{number} {packed}");
            assert_eq!(leak(&json, &key(number)).unwrap()["status"], "removed");
        }
        assert_eq!(json["coverage"]["skipped"], serde_json::json!([]));
    }
}

#[test]
fn binary_patches_as_git_writes_them() {
    let scratch = Scratch::new();
    scratch.repository("r");
    // Bytes that cannot be compressed make long blocks, with every character of base85.
    let noise = |mut state: u32| -> Vec<u8> {
        let next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            Some((state >> 24) as u8)
        };
        std::iter::from_fn(next).take(9000).collect()
    };
    // Different text after the key keeps it apart from what is copied.
    let line = |number: u64| format!(" {} {number}\n\0\n", key(number)).into_bytes();
    let content = |more: &[u8]| [&noise(1)[..], b"\n\0\n", &line(1), more, &noise(2)].concat();
    for length in [0, 1, 2, 3] {
        let name = format!("{length}.bin");
        scratch.write(&format!("r/{name}"), [content(b""), vec![b'x'; length]].concat());
        scratch.write(&format!("r/{length}.gz"), gzip(&[settings(2), vec![b'\n'; length]].concat()));
    }
    let first = scratch.git("r", &["rev-parse", "HEAD"]);
    let second = scratch.commit("r", "binary");
    for length in [0, 1, 2, 3] {
        scratch.write(&format!("r/{length}.bin"), [content(&line(3)), vec![b'x'; length]].concat());
    }
    let third = scratch.commit("r", "changed");
    let patch = |from: &str, to: &str| scratch.git("r", &["diff", "--binary", from, to]);
    for (from, to, numbers, kind) in [
        (&first, &second, &[1, 2][..], "literal"),
        (&second, &first, &[1, 2], "literal"),
        (&second, &third, &[3], "delta"),
    ] {
        let text = patch(from, to);
        assert!(text.contains(kind));
        let text = format!("{text}\n");
        scratch.write("p/one.patch", &text);
        let output = scratch.friskey("p", &["scan", "--format", "json"]);
        let json = report(&output);
        for number in numbers {
            let found = findings(&json, *number);
            assert_eq!(found.len(), 4, "{found:#?}");
            let container = found[0]["container"][1].as_str().unwrap();
            assert!(container.starts_with("git binary patch at byte "), "{container}");
        }
        assert_eq!(json["coverage"]["skipped"], serde_json::json!([]));
    }
}

#[test]
fn limits_hold() {
    let scratch = Scratch::new();
    let mut text = settings(1);
    for _ in 0..12 {
        text = base64(&gzip(&text), false).into_bytes();
    }
    scratch.write("d/x", &text);
    let output = scratch.friskey("d", &["scan", "--format", "json"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(report(&output)["coverage"]["skipped"][0]["reason"].as_str().unwrap().contains("--max-depth"));
    assert_eq!(scratch.friskey("d", &["scan", "--max-depth", "40"]).status.code(), Some(1));
}
