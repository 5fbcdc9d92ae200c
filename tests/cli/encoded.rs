//! Tests that keys are found in containers that are encoded as text: base64 of gzip and zip, and git's binary patches.

use std::io::Write;

use serde_json::Value;

use crate::support::{Scratch, key, leak, report};

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    writer.write_all(content).unwrap();
    writer.finish().unwrap()
}

/// A zip archive with one deflated entry.
fn zip(entry_name: &str, content: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    writer.write_all(content).unwrap();
    let compressed = writer.finish().unwrap();
    let mut crc = flate2::Crc::new();
    crc.update(content);
    let crc_and_sizes =
        [crc.sum(), compressed.len() as u32, content.len() as u32].map(u32::to_le_bytes).concat();
    // The fields that the local and the central header have in common.
    let common =
        [&[20, 0, 0, 0, 8, 0, 0, 0, 0x21, 0][..], &crc_and_sizes, &[entry_name.len() as u8, 0, 0, 0]]
            .concat();
    let local = [b"PK\x03\x04", &common[..], entry_name.as_bytes(), &compressed].concat();
    let central = [b"PK\x01\x02\x14\x00", &common[..], &[0; 14], entry_name.as_bytes()].concat();
    let central_size_and_offset = [central.len() as u32, local.len() as u32].map(u32::to_le_bytes).concat();
    [&local[..], &central, b"PK\x05\x06\0\0\0\0\x01\0\x01\0", &central_size_and_offset, &[0, 0]].concat()
}

/// Base64, or its URL alphabet without padding.
fn base64(bytes: &[u8], is_url: bool) -> String {
    let digits = format!(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789{}",
        if is_url { "-_" } else { "+/" }
    );
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = (0..3).fold(0, |all, nth| all << 8 | three.get(nth).map_or(0, |byte| u32::from(*byte)));
        for nth in 0..=three.len() {
            text.push(char::from(digits.as_bytes()[(bits >> (18 - 6 * nth)) as usize & 63]));
        }
        text.push_str(&"=="[..if is_url { 0 } else { 3 - three.len() }]);
    }
    text
}

/// Splits a text into lines of `width` characters, with `separator` between them.
fn wrap(text: &str, width: usize, separator: &str) -> String {
    let lines: Vec<_> =
        text.as_bytes().chunks(width).map(|line| std::str::from_utf8(line).unwrap()).collect();
    lines.join(separator)
}

/// A settings file that contains the key `number`, long enough to be worth compressing.
fn settings(number: u64) -> Vec<u8> {
    let lines: String = (0..90).map(|n| format!("name{n} = value {}\n", n * n * 7919)).collect();
    format!("{lines}OPENAI_API_KEY={}\n", key(number)).into_bytes()
}

/// Ways to write the bytes of a container in a text file, each with a description.
fn base64_spellings(container: &[u8]) -> Vec<(&'static str, String)> {
    let (plain, url) = (base64(container, false), base64(container, true));
    vec![
        ("one line", format!("data: {plain}\nother: value\n")),
        ("URL alphabet", format!("data={url}&x=1")),
        ("a data URL", format!("<a href=\"data:application/gzip;base64,{plain}\">")),
        ("76 columns", format!("{}\n", wrap(&plain, 76, "\n"))),
        ("64 columns, indented", format!("a:\n  data: |\n    {}\n  b: c\n", wrap(&plain, 64, "\r\n    "))),
        ("JSON", format!("{{\"data\":\"{}\\n\",\"x\":1}}", wrap(&plain, 76, "\\n"))),
        ("JSON in JSON", format!("{{\"d\":\"{{\\\"d\\\":\\\"{}\\\\n\\\"}}\"}}", wrap(&plain, 76, "\\\\n"))),
        ("adjacent literals", format!("x = (\"{}\")", wrap(&plain, 60, "\"\n     \""))),
        ("literals joined by +", format!("x = \"{}\";", wrap(&plain, 60, "\" +\n     \""))),
        ("a patch", format!("+data: |\n+  {}\n+b: c\n", wrap(&plain, 76, "\n+  "))),
        ("encoded twice", format!("release: {}\n", base64(plain.as_bytes(), false))),
    ]
}

/// The findings of the key `number`.
fn findings(report: &Value, number: u64) -> &Vec<Value> {
    let leak = leak(report, &key(number));
    leak.unwrap_or_else(|| panic!("{number} in {report:#}"))["findings"].as_array().unwrap()
}

#[test]
fn containers_in_every_spelling_of_base64_are_opened() {
    for (number, container) in [(1, gzip(&settings(1))), (2, zip("app/.env", &settings(2)))] {
        for (spelling, text) in base64_spellings(&container) {
            // Helm stores its releases as gzip encoded twice. A zip encoded twice is not supported.
            if spelling == "encoded twice" && number == 2 {
                continue;
            }
            let scratch = Scratch::new();
            scratch.write("d/values.yaml", &text);
            let output = scratch.friskey("d", &["scan", "--format", "json"]);
            assert_eq!(output.status.code(), Some(1), "{spelling}");
            let json = report(&output);
            assert_eq!(json["coverage"]["skipped"], serde_json::json!([]), "{spelling}");
            let container = &findings(&json, number)[0]["container"];
            assert_eq!(container[0], "values.yaml", "{spelling}");
            let name = container[1].as_str().unwrap();
            assert!(name.starts_with("base64 at byte "), "{spelling}: {container}");
            let output = scratch.friskey_with("d", &["scan", "-", "--format", "json"], text.as_bytes());
            assert_eq!(findings(&report(&output), number)[0]["surface"], "stdin", "{spelling}");
        }
    }
}

#[test]
fn base64_in_a_large_file_is_found_at_and_beyond_the_limits_of_reads() {
    let scratch = Scratch::new();
    let encoded = base64(&gzip(&settings(1)), false);
    // A file is read in parts of 1 MiB.
    for offset in [(1 << 20) - 3, (1 << 20) + 12_345, 3 << 20] {
        let before = &"a few words\n".repeat(offset / 12 + 1)[..offset - 1];
        let text = [before, "\n", &encoded, "\n", &"words\n".repeat(99_999)].concat();
        scratch.write("d/x", &text);
        let json = report(&scratch.friskey("d", &["scan", "--format", "json"]));
        assert_eq!(findings(&json, 1)[0]["container"][1], format!("base64 at byte {offset}"));
        // The container cannot be decoded from standard input, which cannot be read again; this is reported.
        let output = scratch.friskey_with("d", &["scan", "-"], text.as_bytes());
        assert_eq!(output.status.code(), Some(3));
    }
}

#[test]
fn base64_before_a_zip_in_the_same_file_is_decoded_unless_the_file_is_too_large() {
    let scratch = Scratch::new();
    let zip_at_end = zip("x.env", &settings(2));
    for (size, skips) in [(2_usize << 20, 0), (33 << 20, 1)] {
        let words = "a few words\n".repeat(size / 12);
        let start = format!("K={}\n{}\n{words}", key(3), base64(&gzip(&settings(1)), false));
        scratch.write("d/x", [start.as_bytes(), &zip_at_end].concat());
        let output = scratch.friskey("d", &["scan", "--format", "json"]);
        let json = report(&output);
        assert_eq!(findings(&json, 2)[0]["container"], serde_json::json!(["x", "x.env"]), "{size}");
        assert_eq!((findings(&json, 2).len(), findings(&json, 3).len()), (1, 1), "{size}");
        // Base64 is decoded only if the file fits into memory.
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
    // There is a limit for the number of such starts that are tried in a file.
    scratch.write("d/x", "H4sIAAAAAAAAAAAAAAAA".repeat(60_000));
    let output = scratch.friskey("d", &["scan"]);
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn containers_in_base64_are_opened_in_the_index_and_in_a_history_with_deltas() {
    let scratch = Scratch::new();
    scratch.repository("r");
    let filler = |n: u64| (0..3000).map(|line| format!("line {line} of {n}\n")).collect::<String>();
    // Successive versions that git stores as deltas.
    for number in 1..=4 {
        let encoded = wrap(&base64(&gzip(&settings(number)), false), 76, "\n  ");
        scratch.write("r/values.yaml", format!("{}data: |\n  {encoded}\nend: 1\n{}", filler(0), filler(1)));
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
            let findings = findings(&json, number);
            assert_eq!(
                (findings.len(), &findings[0]["path"]),
                (1, &"values.yaml".into()),
                "{number} {packed}"
            );
            assert_eq!(leak(&json, &key(number)).unwrap()["status"], "removed");
        }
        assert_eq!(json["coverage"]["skipped"], serde_json::json!([]));
    }
}

#[test]
fn keys_in_binary_patches_of_git_are_found() {
    let scratch = Scratch::new();
    scratch.repository("r");
    // Pseudorandom bytes cannot be compressed, so their base85 is long and has every character of the alphabet.
    let noise = |seed: u32| -> Vec<u8> {
        let mut state = seed;
        let next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            Some((state >> 24) as u8)
        };
        std::iter::from_fn(next).take(9000).collect()
    };
    // The number after the key differs, so that a delta inserts the whole line instead of copying its end.
    let line = |number: u64| format!(" {} {number}\n\0\n", key(number)).into_bytes();
    let content = |insertion: &[u8]| [&noise(1)[..], b"\n\0\n", &line(1), insertion, &noise(2)].concat();
    // Base85 encodes groups of four bytes, so the files have every length modulo 4.
    for length in [0, 1, 2, 3] {
        scratch.write(&format!("r/{length}.bin"), [content(b""), vec![b'x'; length]].concat());
        scratch.write(&format!("r/{length}.gz"), gzip(&[settings(2), vec![b'\n'; length]].concat()));
    }
    let first = scratch.git("r", &["rev-parse", "HEAD"]);
    let second = scratch.commit("r", "binary");
    for length in [0, 1, 2, 3] {
        scratch.write(&format!("r/{length}.bin"), [content(&line(3)), vec![b'x'; length]].concat());
    }
    let third = scratch.commit("r", "changed");

    for (from, to, numbers, kind) in [
        (&first, &second, &[1, 2][..], "literal"),
        (&second, &first, &[1, 2], "literal"),
        (&second, &third, &[3], "delta"),
    ] {
        let patch = scratch.git("r", &["diff", "--binary", from, to]);
        assert!(patch.contains(kind));
        scratch.write("p/one.patch", format!("{patch}\n"));
        let output = scratch.friskey("p", &["scan", "--format", "json"]);
        let json = report(&output);
        for number in numbers {
            let findings = findings(&json, *number);
            assert_eq!(findings.len(), 4, "{findings:#?}");
            let container = findings[0]["container"][1].as_str().unwrap();
            assert!(container.starts_with("git binary patch at byte "), "{container}");
        }
        assert_eq!(json["coverage"]["skipped"], serde_json::json!([]));
    }
}

/// A hunk of a binary patch: `head`, then `data` compressed and in base85.
fn hunk(head: &str, data: &[u8]) -> String {
    let digits: Vec<char> =
        ('0'..='9').chain('A'..='Z').chain('a'..='z').chain("!#$%&()*+-;<=>?@^_`{|}~".chars()).collect();
    let mut writer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    writer.write_all(data).unwrap();
    let mut text = format!("{head}\n");
    // At most 26 bytes a line, whose number is a capital letter.
    for line in writer.finish().unwrap().chunks(26) {
        text.push(char::from(b'A' + line.len() as u8 - 1));
        for group in line.chunks(4) {
            let bytes = [0, 1, 2, 3].map(|index| group.get(index).copied().unwrap_or(0));
            let number = u32::from_be_bytes(bytes);
            text.extend([4, 3, 2, 1, 0].map(|place| digits[(number / 85u32.pow(place) % 85) as usize]));
        }
        text.push('\n');
    }
    text + "\n"
}

/// The exit status of a scan of a binary patch with these hunks, the reasons of its skips, and whether it found the key 1.
fn scan_patch(hunks: &[String]) -> (i32, Vec<String>, bool) {
    let scratch = Scratch::new();
    scratch.write("p/one.patch", format!("diff --git a/h b/h\nGIT binary patch\n{}", hunks.concat()));
    let output = scratch.friskey("p", &["scan", "--format", "json"]);
    let json = report(&output);
    let skips = json["coverage"]["skipped"].as_array().unwrap();
    let reasons = skips.iter().map(|skip| skip["reason"].as_str().unwrap().to_owned()).collect();
    (output.status.code().unwrap(), reasons, leak(&json, &key(1)).is_some())
}

const EMPTY_HUNK: &str = "literal 0\nHcmV?d00001\n\n";

#[test]
fn words_left_out_of_a_delta_in_a_binary_patch_are_listed_as_skipped() {
    let copy = [0x90, 9];
    let insert = |text: &str| -> Vec<u8> {
        text.as_bytes().chunks(127).flat_map(|part| [&[part.len() as u8][..], part].concat()).collect()
    };
    for (before, after) in [("", ""), ("\"", ""), ("", ";")] {
        let inserted = insert(&format!("{before}{}{after}", key(1)));
        let delta = [&[200, 1, 200, 2][..], &copy, &inserted, &copy].concat();
        let (status, reasons, _) = scan_patch(&[hunk(&format!("delta {}", delta.len()), &delta)]);
        assert_eq!((status, reasons.len()), (3, 1), "{reasons:?}");
        assert!(reasons[0].contains("may continue in the base"), "{reasons:?}");
    }
    for delta in [[&[9, 9][..], &copy, &[0], &insert(&key(1))].concat(), vec![9, 9, 90, b'x']] {
        let (status, reasons, _) = scan_patch(&[hunk(&format!("delta {}", delta.len()), &delta)]);
        assert_eq!((status, reasons.len()), (3, 1), "{reasons:?}");
        assert!(reasons[0].contains("malformed or truncated"), "{reasons:?}");
    }
}

#[test]
fn data_of_a_binary_patch_is_searched_whatever_size_it_declares() {
    let data = format!("text\nkey = {}\ntext\n", key(1)).into_bytes();
    let right = data.len().to_string();
    assert_eq!(scan_patch(&[hunk(&format!("literal {right}"), &data), EMPTY_HUNK.into()]), (1, vec![], true));
    for size in ["0", "5", "300", "99999999999999999999999"] {
        for hunks in [
            vec![hunk(&format!("literal {size}"), &data)],
            vec![EMPTY_HUNK.into(), hunk(&format!("literal {size}"), &data)],
        ] {
            let (_, reasons, is_found) = scan_patch(&hunks);
            assert!(is_found && reasons.len() == 1 && reasons[0].contains("declares"), "{size}: {reasons:?}");
        }
    }
    assert_eq!(scan_patch(&[EMPTY_HUNK.into(), EMPTY_HUNK.into()]), (0, vec![], false));
}

#[test]
fn containers_in_base64_count_towards_the_maximum_depth() {
    let scratch = Scratch::new();
    let mut nested = settings(1);
    for _ in 0..12 {
        nested = base64(&gzip(&nested), false).into_bytes();
    }
    scratch.write("d/x", &nested);
    let output = scratch.friskey("d", &["scan", "--format", "json"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(report(&output)["coverage"]["skipped"][0]["reason"].as_str().unwrap().contains("--max-depth"));
    assert_eq!(scratch.friskey("d", &["scan", "--max-depth", "40"]).status.code(), Some(1));
}

#[test]
fn positions_in_containers_in_commit_messages_are_those_in_the_container() {
    let scratch = Scratch::new();
    scratch.repository("r");
    let encoded = base64(&gzip(&settings(1)), false);
    scratch.commit("r", &format!("add\n\n{}\n\n{encoded}", key(1)));
    let output = scratch.friskey("r", &["history", "--format", "json"]);
    let json = report(&output);
    let findings = findings(&json, 1);
    assert_eq!(findings[0]["surface"], "commit-message", "{findings:#?}");
    let lines: Vec<_> = findings.iter().map(|finding| finding["start"]["line"].as_u64().unwrap()).collect();
    assert!(lines.iter().all(|line| [3, 91].contains(line)), "{findings:#?}");
}
