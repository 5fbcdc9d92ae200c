//! Tests that keys in archives and compressed files are found in every place that friskey scans.

use std::io::Write;

use crate::support::{Scratch, key, leak, report};
use serde_json::Value;

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(data).unwrap();
    writer.finish().unwrap()
}

fn tar(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = Vec::new();
    for (name, data) in entries {
        let mut header = [0u8; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[124..136].copy_from_slice(format!("{:011o}\0", data.len()).as_bytes());
        header[148..156].fill(b' ');
        header[156] = b'0';
        header[257..265].copy_from_slice(b"ustar\x0000");
        let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        tar.extend([&header[..], data, &vec![0; data.len().wrapping_neg() % 512]].concat());
    }
    tar.extend([0; 1024]);
    tar
}

/// A saved image with a key in a layer.
fn image(number: u64) -> Vec<u8> {
    let layer =
        gzip(&tar(&[("etc/motd", b"hello"), ("app/.env", format!("A=1\nK={}\n", key(number)).as_bytes())]));
    tar(&[("manifest.json", b"[]"), ("layer.tar.gz", &layer)])
}

const INSIDE: [&str; 3] = ["image.tar", "layer.tar.gz", "app/.env"];

/// The only finding of the leak `number`.
fn finding(report: &Value, number: u64) -> &Value {
    let findings = leak(report, &key(number)).unwrap()["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 1, "{findings:#?}");
    &findings[0]
}

fn is_in_the_image(finding: &Value) {
    assert_eq!(finding["container"], serde_json::json!(INSIDE), "{finding:#}");
    assert_eq!(finding["start"], serde_json::json!({"offset": 6, "line": 2, "column": 3}), "{finding:#}");
}

#[test]
fn in_a_file_and_on_standard_input() {
    let scratch = Scratch::new();
    scratch.write("d/image.tar", image(1));
    let output = scratch.friskey("d", &["scan", "--format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    is_in_the_image(finding(&report(&output), 1));
    let output = scratch.friskey_with("d", &["scan", "-", "--format", "json"], &image(1));
    let report = report(&output);
    let finding = finding(&report, 1);
    assert_eq!((&finding["surface"], &finding["container"][2]), (&"stdin".into(), &INSIDE[2].into()));
}

#[test]
fn in_the_index_and_in_a_range_and_in_the_history() {
    let scratch = Scratch::new();
    scratch.repository("r");
    let first = scratch.git("r", &["rev-parse", "HEAD"]);
    scratch.write("r/dist/image.tar", image(1));
    scratch.git("r", &["add", "."]);
    let output = scratch.friskey("r", &["staged", "--format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    is_in_the_image(finding(&report(&output), 1));
    // The same again is nothing new, another key is.
    scratch.commit("r", "image");
    scratch.write("r/dist/image.tar", [image(1), vec![0; 512]].concat());
    scratch.git("r", &["add", "."]);
    assert_eq!(scratch.friskey("r", &["staged"]).status.code(), Some(0));
    scratch.commit("r", "longer");
    scratch.write("r/dist/image.tar", image(2));
    let second = scratch.commit("r", "another");
    let output =
        scratch.friskey("r", &["history", "--range", &format!("{first}..{second}"), "--format", "json"]);
    let json = report(&output);
    is_in_the_image(finding(&json, 1));
    is_in_the_image(finding(&json, 2));
    scratch.git("r", &["rm", "-q", "dist/image.tar"]);
    scratch.commit("r", "gone");
    for packed in [false, true] {
        if packed {
            scratch.git("r", &["gc", "-q"]);
        }
        let output = scratch.friskey("r", &["history", "--format", "json"]);
        let json = report(&output);
        for number in [1, 2] {
            is_in_the_image(finding(&json, number));
            assert_eq!(leak(&json, &key(number)).unwrap()["status"], "removed");
            assert_eq!(finding(&json, number)["path"], "dist/image.tar");
        }
        assert_eq!(json["coverage"]["skipped"], serde_json::json!([]));
    }
}

#[test]
fn versions_that_are_deltas_of_each_other() {
    let scratch = Scratch::new();
    scratch.repository("r");
    // A tar changes little from one version to the next, and git stores the difference.
    let filler: Vec<u8> = (0..40_000).flat_map(|n| format!("line {n}\n").into_bytes()).collect();
    for number in 1..=4 {
        let env = gzip(format!("K={}", key(number)).as_bytes());
        let entries: [(&str, &[u8]); 3] = [("a", &filler), ("env.gz", &env), ("z", &filler)];
        let mut content = tar(&entries);
        if number == 3 {
            content = [b"not a tar any more".to_vec(), content].concat();
        }
        scratch.write("r/x", content);
        scratch.commit("r", "version");
    }
    scratch.git("r", &["gc", "-q"]);
    for whole in [&["--whole"][..], &[]] {
        let output = scratch.friskey("r", &[&["history", "--format", "json"], whole].concat());
        let json = report(&output);
        let leaks = json["leaks"].as_array().unwrap();
        assert_eq!(leaks.len(), 3, "{leaks:#?}");
        for number in [1, 2, 4] {
            assert_eq!(finding(&json, number)["container"], serde_json::json!(["x", "env.gz", "env"]));
        }
    }
}

#[test]
fn stored_content_is_reported_once_in_its_entry() {
    let scratch = Scratch::new();
    scratch.write("d/x.tar", tar(&[("config/.env", format!("K={}", key(1)).as_bytes())]));
    let json = report(&scratch.friskey("d", &["scan", "--format", "json"]));
    assert_eq!(finding(&json, 1)["container"], serde_json::json!(["x.tar", "config/.env"]));
    // Bytes outside the entries belong to the container itself.
    let behind = [tar(&[("a", b"b")]), key(2).into_bytes()].concat();
    scratch.write("d/x.tar", &behind);
    let json = report(&scratch.friskey("d", &["scan", "--format", "json"]));
    let found = finding(&json, 2);
    assert!(found["container"].as_array().is_none_or(Vec::is_empty), "{found:#}");
    assert_eq!(found["start"]["offset"].as_u64().unwrap() as usize, behind.len() - key(2).len());
}

#[test]
fn an_unreadable_repository_is_never_clean() {
    let scratch = Scratch::new();
    let packed = gzip(&[b"nothing ".repeat(5000), key(1).into_bytes()].concat());
    scratch.write("d/cut.gz", &packed[..packed.len() - 200]);
    scratch.write("d/x.rar", b"Rar!\x1a\x07\x01\x00 and more");
    let output = scratch.friskey("d", &["scan", "--format", "json"]);
    assert_eq!(output.status.code(), Some(3));
    let json = report(&output);
    let skipped = json["coverage"]["skipped"].to_string();
    assert!(
        skipped.contains("cut.gz → cut") && skipped.contains("RAR archives cannot be opened"),
        "{skipped}"
    );
    scratch.repository("r");
    scratch.write("r/cut.gz", &packed[..packed.len() - 200]);
    scratch.git("r", &["add", "."]);
    let output = scratch.friskey("r", &["staged", "--format", "json"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(report(&output)["coverage"]["skipped"].to_string().contains("cut.gz → "));
    let commit = scratch.commit("r", "cut");
    for args in [&["history"][..], &["history", "--range", &format!("{commit}~1..{commit}")]] {
        let output = scratch.friskey("r", &[args, &["--format", "json"]].concat());
        assert_eq!(output.status.code(), Some(3));
        let skipped = &report(&output)["coverage"]["skipped"];
        assert_eq!(skipped[0]["what"], "cut.gz → content", "{skipped}");
        // Who leaves it out need not hear of it.
        scratch.write("r/friskey.toml", "exclude = ['cut.gz']\n");
        assert_eq!(scratch.friskey("r", args).status.code(), Some(0));
        std::fs::remove_file(scratch.path("r/friskey.toml")).unwrap();
    }
}

#[test]
fn limits_are_options_and_configuration() {
    let scratch = Scratch::new();
    scratch.write("d/image.tar", image(1));
    let deep = |args: &[&str]| scratch.friskey("d", &[&["scan"], args].concat()).status.code();
    assert_eq!(deep(&["--max-depth", "1"]), Some(3));
    // The nested tar is not opened, but its stored bytes are searched.
    assert_eq!(deep(&["--max-depth", "2"]), Some(1));
    assert_eq!(deep(&["--max-depth", "0"]), Some(3));
    assert_eq!(deep(&["--max-unpacked", "1KiB"]), Some(3));
    assert_eq!(deep(&["--max-entries", "1"]), Some(3));
    assert_eq!(deep(&["--max-container-time", "0"]), Some(3));
    assert_eq!(deep(&["--max-unpacked", "much"]), Some(2));
    // However deep it is asked to go, a thread's stack must do.
    assert_eq!(deep(&["--max-depth", "65"]), Some(2));
    let nested = (0..70).fold(b"nothing".to_vec(), |inner, _| gzip(&inner));
    scratch.write("d/nested.gz", nested);
    assert_eq!(deep(&["--max-depth", "64"]), Some(1));
    scratch.write("d/friskey.toml", "containers.max-depth = 1\n");
    assert_eq!(deep(&[]), Some(3));
    assert_eq!(deep(&["--max-depth", "3"]), Some(1));
}

/// Paths and ways into containers of the findings of the leak `number`.
fn places(report: &Value, number: u64) -> Vec<(String, Vec<String>)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let parts = |value: &Value| value.as_array().into_iter().flatten().map(text).collect();
    let leak = leak(report, &key(number)).unwrap_or_else(|| panic!("no leak {number}: {report:#}"));
    let findings = leak["findings"].as_array().unwrap().iter();
    findings.map(|finding| (text(&finding["path"]), parts(&finding["container"]))).collect()
}

/// A repository that stores later versions of a file as deltas, each with a different key.
fn versions(scratch: &Scratch, count: u64) {
    scratch.repository("r");
    let filler: Vec<String> = (0..2000).map(|n| format!("line {n} of {}\n", n * n)).collect();
    for number in 1..=count {
        scratch.write(
            "r/f",
            format!("{}K={}\n{}", filler[..1000].concat(), key(number), filler[1000..].concat()),
        );
        scratch.commit("r", &format!("message {}", key(100 + number)));
    }
    scratch.git("r", &["repack", "-adfq"]);
}

#[test]
fn packs_and_bundles_that_lie_about() {
    for format in ["sha1", "sha256"] {
        let scratch = Scratch::new();
        if format == "sha1" {
            versions(&scratch, 5);
        } else {
            scratch.write("r/x", "");
            scratch.git("r", &["init", "-q", "-b", "main", "--object-format=sha256"]);
            for number in 1..=5 {
                scratch.write("r/f", format!("K={}", key(number)));
                scratch.commit("r", &format!("message {}", key(100 + number)));
            }
            scratch.git("r", &["repack", "-adfq"]);
        }
        std::fs::create_dir(scratch.path("d")).unwrap();
        scratch.git("r", &["bundle", "create", "-q", "../d/all.bundle", "--all"]);
        let output = scratch.friskey("d", &["scan", "--format", "json"]);
        let json = report(&output);
        assert_eq!(json["coverage"]["skipped"], serde_json::json!([]), "{format}");
        for number in (1..=5).chain(101..=105) {
            let places = places(&json, number);
            assert!(places[0].0 == "all.bundle" && places[0].1[1].contains(" at byte "), "{places:?}");
        }
        // A copy of the pack itself, and of an object.
        let packs = scratch.path("r/.git/objects/pack");
        let pack = std::fs::read_dir(packs).unwrap().map(|entry| entry.unwrap().path());
        let pack = pack.into_iter().find(|path| path.extension().is_some_and(|end| end == "pack")).unwrap();
        std::fs::remove_file(scratch.path("d/all.bundle")).unwrap();
        std::fs::copy(&pack, scratch.path("d/p")).unwrap();
        let json = report(&scratch.friskey("d", &["scan", "--format", "json"]));
        assert_eq!(json["leaks"].as_array().unwrap().len(), 10, "{format}");
    }
}

#[test]
fn a_bundle_of_changes_to_what_is_not_in_it() {
    let scratch = Scratch::new();
    versions(&scratch, 3);
    std::fs::create_dir(scratch.path("d")).unwrap();
    scratch.git("r", &["bundle", "create", "-q", "../d/thin.bundle", "HEAD~1..main"]);
    let output = scratch.friskey("d", &["scan", "--format", "json"]);
    let json = report(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(places(&json, 103)[0].1[1].starts_with("commit at byte "), "{json:#}");
    assert!(json["coverage"]["skipped"].to_string().contains("whose bases are not in it"), "{json:#}");
    let tiny = scratch.friskey("d", &["scan", "--max-memory", "0", "--format", "json"]);
    assert!(!report(&tiny)["coverage"]["skipped"].as_array().unwrap().is_empty());
}

#[test]
fn half_a_key_in_a_thin_bundle_is_not_another_key() {
    let scratch = Scratch::new();
    let lines =
        |seed: usize| (0..400).map(|n| format!("line {} of the file\n", n * seed)).collect::<String>();
    let (before, after) = (lines(7), lines(13));
    // A delta inserts at most 127 bytes at once, and the adjacent bytes are in the base, which is not in the
    // bundle.
    let versions = ["none".to_owned(), key(1)];
    scratch.write("r/f", "");
    scratch.git("r", &["init", "-q", "-b", "main"]);
    for version in &versions {
        scratch.write("r/f", format!("{before}K={version}\nwhole: \"{}\"\n{after}", key(9)));
        scratch.commit("r", "message");
    }
    std::fs::create_dir(scratch.path("d")).unwrap();
    scratch.git("r", &["bundle", "create", "-q", "../d/thin.bundle", "HEAD~1..main"]);
    let json = report(&scratch.friskey("d", &["scan", "--min-confidence", "low", "--format", "json"]));
    assert!(json["coverage"]["skipped"].to_string().contains("whose bases are not in it"), "{json:#}");
    let known: Vec<_> = versions.iter().cloned().chain([key(9)]).collect();
    for found in json["leaks"].as_array().unwrap() {
        let is_known = known.iter().any(|key| leak(&json, key).is_some_and(|known| known == found));
        assert!(is_known, "{found:#}");
    }
}

#[test]
fn every_archive_in_a_program() {
    let scratch = Scratch::new();
    let between = b"\0\0\n\x19google/protobuf/any.proto\0\0".repeat(50);
    let mut program = b"\x7fELF\x02\x01\x01".repeat(900);
    for number in 0..6 {
        let text = format!(
            "descriptor {number}\nK={}\n",
            if number % 2 == 0 { "none".to_owned() } else { key(number) }
        );
        program.extend([&gzip(text.as_bytes())[..], &between].concat());
    }
    scratch.write("d/tool", &program);
    let json = report(&scratch.friskey("d", &["scan", "--format", "json"]));
    assert_eq!(json["coverage"]["skipped"], serde_json::json!([]));
    for number in [1, 3, 5] {
        let container = &finding(&json, number)["container"];
        assert!(container[1].as_str().unwrap().starts_with("gzip at byte "), "{container}");
    }
}

#[test]
fn a_compressed_text_in_a_picture() {
    let scratch = Scratch::new();
    let mut writer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(format!("K={}", key(4)).as_bytes()).unwrap();
    let text = [&b"parameters\0\0"[..], &writer.finish().unwrap()].concat();
    let chunk = |kind: &[u8], data: &[u8]| [&(data.len() as u32).to_be_bytes(), kind, data, b"csum"].concat();
    let picture =
        [&b"\x89PNG\r\n\x1a\n"[..], &chunk(b"IHDR", &[0; 13]), &chunk(b"zTXt", &text), &chunk(b"IEND", b"")];
    scratch.write("r/a.png", picture.concat());
    scratch.git("r", &["init", "-q", "-b", "main"]);
    scratch.commit("r", "message");
    for args in [&["scan", "--format", "json"][..], &["history", "--format", "json"]] {
        let json = report(&scratch.friskey("r", args));
        assert_eq!(finding(&json, 4)["container"], serde_json::json!(["a.png", "zTXt parameters"]));
    }
}

#[test]
fn what_git_left_in_its_object_directories() {
    let scratch = Scratch::new();
    versions(&scratch, 3);
    let objects = "r/.git/objects";
    let loose = |number: u64| {
        let id = String::from_utf8(
            scratch.try_git("r", &["hash-object", "-w", "--stdin"], key(number).as_bytes()).stdout,
        );
        let id = id.unwrap();
        (id[..2].to_owned(), id[2..].trim().to_owned())
    };
    let (dir, name) = loose(11);
    std::fs::rename(
        scratch.path(&format!("{objects}/{dir}/{name}")),
        scratch.path(&format!("{objects}/{dir}/tmp_obj_x1y2z3")),
    )
    .unwrap();
    let (dir, name) = loose(12);
    let quarantine = scratch.path(&format!("{objects}/tmp_objdir-incoming-x/{dir}"));
    std::fs::create_dir_all(&quarantine).unwrap();
    std::fs::rename(scratch.path(&format!("{objects}/{dir}/{name}")), quarantine.join(&name)).unwrap();
    // A pack without its index, and what is left of one that was on its way.
    scratch.git("r", &["clone", "-q", "--bare", ".", "../other"]);
    let packs = |name: &str| {
        let all = std::fs::read_dir(scratch.path(name)).unwrap().map(|entry| entry.unwrap().path());
        all.into_iter().find(|path| path.extension().is_some_and(|end| end == "pack")).unwrap()
    };
    scratch.git("other", &["repack", "-adq"]);
    let pack = std::fs::read(packs("other/objects/pack")).unwrap();
    scratch.git("r", &["checkout", "-q", "--orphan", "empty"]);
    scratch.git("r", &["rm", "-rqf", "."]);
    scratch.git("r", &["branch", "-D", "main"]);
    scratch.git("r", &["reflog", "expire", "--expire=now", "--all"]);
    scratch.git("r", &["prune", "--expire=now"]);
    scratch.git("r", &["repack", "-adq"]);
    std::fs::create_dir_all(scratch.path(&format!("{objects}/pack"))).unwrap();
    scratch.write(&format!("{objects}/pack/pack-{}.pack", "1".repeat(40)), &pack);
    scratch.write(&format!("{objects}/pack/tmp_pack_a1b2c3"), &pack[..pack.len() - 40]);
    scratch.write(&format!("{objects}/pack/pack-2.keep"), key(13));
    scratch.write(&format!("{objects}/{dir}/odd"), key(14));
    let output = scratch.friskey("r", &["history", "--format", "json"]);
    let json = report(&output);
    let first = |number: u64| places(&json, number).remove(0).0;
    assert!(first(13).ends_with("pack-2.keep"));
    assert!(first(14).ends_with("/odd"));
    for number in [1, 2, 3, 101, 102, 103] {
        let paths: Vec<String> = places(&json, number).into_iter().map(|(path, _)| path).collect();
        assert!(paths.iter().any(|path| path.ends_with(".pack")), "{number}: {paths:?}");
        // The last message is still in COMMIT_EDITMSG.
        assert!(number == 103 || leak(&json, &key(number)).unwrap()["status"] == "unreachable", "{number}");
    }
    assert!(json["coverage"]["skipped"].to_string().contains("tmp_pack_a1b2c3"), "{json:#}");
}

#[test]
fn a_script_that_unpacks_itself() {
    let scratch = Scratch::new();
    scratch.repository("r");
    let filler: Vec<u8> = (0..9_000).flat_map(|n| format!("echo {n}\n").into_bytes()).collect();
    let script = |number: u64| {
        let archive = gzip(&tar(&[("app/.env", format!("K={}\n", key(number)).as_bytes())]));
        [b"#!/bin/sh\n", &filler[..], &archive].concat()
    };
    let is_inside = |output: &std::process::Output, number: u64| {
        let json = report(output);
        let container = &finding(&json, number)["container"];
        assert!(container[1].as_str().unwrap().starts_with("gzip at byte "), "{container}");
        assert_eq!(container[2], "app/.env");
        assert_eq!(json["coverage"]["skipped"], serde_json::json!([]));
    };
    for number in 1..=3 {
        scratch.write("r/install.run", script(number));
        is_inside(&scratch.friskey("r", &["scan", "--format", "json"]), number);
        scratch.git("r", &["add", "."]);
        is_inside(&scratch.friskey("r", &["staged", "--format", "json"]), number);
        scratch.commit("r", "version");
    }
    is_inside(&scratch.friskey_with("r", &["scan", "-", "--format", "json"], &script(7)), 7);
    is_inside(&scratch.friskey("r", &["history", "--range", "HEAD~1..HEAD", "--format", "json"]), 3);
    for packed in [false, true] {
        if packed {
            scratch.git("r", &["gc", "-q"]);
        }
        let output = scratch.friskey("r", &["history", "--format", "json"]);
        (1..=3).for_each(|number| is_inside(&output, number));
    }
}
