//! Tests that keys in archives and compressed files are found in every place that friskey scans.

use std::io::Write;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::{Scratch, key, leak, report};

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(content).unwrap();
    writer.finish().unwrap()
}

/// A tar archive with entries of these names and contents.
fn tar(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = Vec::new();
    for (name, content) in entries {
        let mut header = [0u8; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[124..136].copy_from_slice(format!("{:011o}\0", content.len()).as_bytes());
        header[148..156].fill(b' ');
        header[156] = b'0';
        header[257..265].copy_from_slice(b"ustar\x0000");
        // The checksum of a header is computed with blanks in its own field.
        let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        tar.extend([&header[..], content, &vec![0; content.len().wrapping_neg() % 512]].concat());
    }
    tar.extend([0; 1024]);
    tar
}

/// An image as `docker save` writes it, with the key `number` in a layer.
fn image(number: u64) -> Vec<u8> {
    let layer =
        gzip(&tar(&[("etc/motd", b"hello"), ("app/.env", format!("A=1\nK={}\n", key(number)).as_bytes())]));
    tar(&[("manifest.json", b"[]"), ("layer.tar.gz", &layer)])
}

/// The containers and entries that lead to the key in an image.
const IMAGE_ENTRIES: [&str; 3] = ["image.tar", "layer.tar.gz", "app/.env"];

/// The only finding of the key `number`.
fn only_finding(report: &Value, number: u64) -> &Value {
    let findings = leak(report, &key(number)).unwrap()["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 1, "{findings:#?}");
    &findings[0]
}

fn assert_in_image(finding: &Value) {
    assert_eq!(finding["container"], serde_json::json!(IMAGE_ENTRIES), "{finding:#}");
    assert_eq!(finding["start"], serde_json::json!({"offset": 6, "line": 2, "column": 3}), "{finding:#}");
}

#[test]
fn a_key_in_an_image_is_found_in_a_file_and_on_standard_input() {
    let scratch = Scratch::new();
    scratch.write("d/image.tar", image(1));
    let output = scratch.friskey("d", &["scan", "--format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    assert_in_image(only_finding(&report(&output), 1));
    let output = scratch.friskey_with("d", &["scan", "-", "--format", "json"], &image(1));
    let report = report(&output);
    let finding = only_finding(&report, 1);
    assert_eq!((&finding["surface"], &finding["container"][2]), (&"stdin".into(), &IMAGE_ENTRIES[2].into()));
}

#[test]
fn a_key_in_an_image_is_found_in_the_index_a_range_and_the_history() {
    let scratch = Scratch::new();
    scratch.repository("r");
    let first = scratch.git("r", &["rev-parse", "HEAD"]);
    scratch.write("r/dist/image.tar", image(1));
    scratch.git("r", &["add", "."]);
    let output = scratch.friskey("r", &["staged", "--format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    assert_in_image(only_finding(&report(&output), 1));
    // An image with the same key is not new, but one with another key is.
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
    assert_in_image(only_finding(&json, 1));
    assert_in_image(only_finding(&json, 2));
    scratch.git("r", &["rm", "-q", "dist/image.tar"]);
    scratch.commit("r", "gone");
    for packed in [false, true] {
        if packed {
            scratch.git("r", &["gc", "-q"]);
        }
        let output = scratch.friskey("r", &["history", "--format", "json"]);
        let json = report(&output);
        for number in [1, 2] {
            assert_in_image(only_finding(&json, number));
            assert_eq!(leak(&json, &key(number)).unwrap()["status"], "removed");
            assert_eq!(only_finding(&json, number)["path"], "dist/image.tar");
        }
        assert_eq!(json["coverage"]["skipped"], serde_json::json!([]));
    }
}

#[test]
fn containers_are_opened_in_versions_that_git_stores_as_deltas() {
    let scratch = Scratch::new();
    scratch.repository("r");
    // The versions of the tar differ little, so git stores them as deltas.
    let filler: Vec<u8> = (0..40_000).flat_map(|n| format!("line {n}\n").into_bytes()).collect();
    for number in 1..=4 {
        let env = gzip(format!("K={}", key(number)).as_bytes());
        let entries: [(&str, &[u8]); 3] = [("a", &filler), ("env.gz", &env), ("z", &filler)];
        let mut content = tar(&entries);
        if number == 3 {
            content = [b"no longer a tar".to_vec(), content].concat();
        }
        scratch.write("r/x", content);
        scratch.commit("r", "version");
    }
    scratch.git("r", &["gc", "-q"]);
    for options in [&["--whole"][..], &[]] {
        let output = scratch.friskey("r", &[&["history", "--format", "json"], options].concat());
        let json = report(&output);
        let leaks = json["leaks"].as_array().unwrap();
        assert_eq!(leaks.len(), 3, "{leaks:#?}");
        for number in [1, 2, 4] {
            assert_eq!(only_finding(&json, number)["container"], serde_json::json!(["x", "env.gz", "env"]));
        }
    }
}

#[test]
fn a_key_in_an_uncompressed_entry_is_reported_once() {
    let scratch = Scratch::new();
    scratch.write("d/x.tar", tar(&[("config/.env", format!("K={}", key(1)).as_bytes())]));
    let json = report(&scratch.friskey("d", &["scan", "--format", "json"]));
    assert_eq!(only_finding(&json, 1)["container"], serde_json::json!(["x.tar", "config/.env"]));
    // Bytes outside the entries belong to the container itself.
    let with_appended_key = [tar(&[("a", b"b")]), key(2).into_bytes()].concat();
    scratch.write("d/x.tar", &with_appended_key);
    let json = report(&scratch.friskey("d", &["scan", "--format", "json"]));
    let finding = only_finding(&json, 2);
    assert!(finding["container"].as_array().is_none_or(Vec::is_empty), "{finding:#}");
    let offset = finding["start"]["offset"].as_u64().unwrap() as usize;
    assert_eq!(offset, with_appended_key.len() - key(2).len());
}

#[test]
fn a_scan_with_an_unreadable_container_is_never_clean() {
    let scratch = Scratch::new();
    let compressed = gzip(&[b"nothing ".repeat(5000), key(1).into_bytes()].concat());
    let truncated = &compressed[..compressed.len() - 200];
    scratch.write("d/cut.gz", truncated);
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
    scratch.write("r/cut.gz", truncated);
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
        // A file that the configuration excludes does not make the scan incomplete.
        scratch.write("r/friskey.toml", "exclude = ['cut.gz']\n");
        assert_eq!(scratch.friskey("r", args).status.code(), Some(0));
        std::fs::remove_file(scratch.path("r/friskey.toml")).unwrap();
    }
}

#[test]
fn container_limits_come_from_options_and_the_configuration() {
    let scratch = Scratch::new();
    scratch.write("d/image.tar", image(1));
    let status = |args: &[&str]| scratch.friskey("d", &[&["scan"], args].concat()).status.code();
    assert_eq!(status(&["--max-depth", "1"]), Some(3));
    // The nested tar is not opened, but its stored bytes are searched.
    assert_eq!(status(&["--max-depth", "2"]), Some(1));
    assert_eq!(status(&["--max-depth", "0"]), Some(3));
    assert_eq!(status(&["--max-unpacked", "1KiB"]), Some(3));
    assert_eq!(status(&["--max-entries", "1"]), Some(3));
    assert_eq!(status(&["--max-container-time", "0"]), Some(3));
    assert_eq!(status(&["--max-unpacked", "much"]), Some(2));
    // The largest accepted depth must not overflow the stack of a thread.
    assert_eq!(status(&["--max-depth", "65"]), Some(2));
    let nested = (0..70).fold(b"nothing".to_vec(), |inner, _| gzip(&inner));
    scratch.write("d/nested.gz", nested);
    assert_eq!(status(&["--max-depth", "64"]), Some(1));
    scratch.write("d/friskey.toml", "containers.max-depth = 1\n");
    assert_eq!(status(&[]), Some(3));
    assert_eq!(status(&["--max-depth", "3"]), Some(1));
}

/// The path of each finding of the key `number`, and the containers and entries that lead to it.
fn finding_places(report: &Value, number: u64) -> Vec<(String, Vec<String>)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let texts = |value: &Value| value.as_array().into_iter().flatten().map(text).collect();
    let leak = leak(report, &key(number)).unwrap_or_else(|| panic!("no leak {number}: {report:#}"));
    let findings = leak["findings"].as_array().unwrap().iter();
    findings.map(|finding| (text(&finding["path"]), texts(&finding["container"]))).collect()
}

/// Creates a packed repository with `count` versions of a file, stored as deltas. Version `n` contains key `n`, and its
/// commit message key `100 + n`.
fn repository_with_deltas(scratch: &Scratch, count: u64) {
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

/// The path of the pack in a directory that contains only one.
fn only_pack(scratch: &Scratch, dir: &str) -> PathBuf {
    let files = std::fs::read_dir(scratch.path(dir)).unwrap().map(|entry| entry.unwrap().path());
    let mut packs = files.filter(|path| path.extension().is_some_and(|extension| extension == "pack"));
    let pack = packs.next().unwrap();
    assert!(packs.next().is_none(), "{dir} contains several packs");
    pack
}

#[test]
fn keys_in_copies_of_packs_and_bundles_are_found() {
    for format in ["sha1", "sha256"] {
        let scratch = Scratch::new();
        if format == "sha1" {
            repository_with_deltas(&scratch, 5);
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
            let places = finding_places(&json, number);
            assert!(places[0].0 == "all.bundle" && places[0].1[1].contains(" at byte "), "{places:?}");
        }
        // A copy of the pack itself, without a file extension.
        let pack = only_pack(&scratch, "r/.git/objects/pack");
        std::fs::remove_file(scratch.path("d/all.bundle")).unwrap();
        std::fs::copy(&pack, scratch.path("d/p")).unwrap();
        let json = report(&scratch.friskey("d", &["scan", "--format", "json"]));
        assert_eq!(json["leaks"].as_array().unwrap().len(), 10, "{format}");
    }
}

#[test]
fn a_thin_bundle_is_searched_and_its_missing_delta_bases_are_reported() {
    let scratch = Scratch::new();
    repository_with_deltas(&scratch, 3);
    std::fs::create_dir(scratch.path("d")).unwrap();
    scratch.git("r", &["bundle", "create", "-q", "../d/thin.bundle", "HEAD~1..main"]);
    let output = scratch.friskey("d", &["scan", "--format", "json"]);
    let json = report(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(finding_places(&json, 103)[0].1[1].starts_with("commit at byte "), "{json:#}");
    assert!(json["coverage"]["skipped"].to_string().contains("whose bases are not in it"), "{json:#}");
    let output = scratch.friskey("d", &["scan", "--max-memory", "0", "--format", "json"]);
    assert!(!report(&output)["coverage"]["skipped"].as_array().unwrap().is_empty());
}

#[test]
fn a_part_of_a_key_in_a_thin_bundle_is_not_reported_as_another_key() {
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
    for reported in json["leaks"].as_array().unwrap() {
        let is_genuine = [key(1), key(9)].iter().any(|key| leak(&json, key) == Some(reported));
        assert!(is_genuine, "{reported:#}");
    }
}

#[test]
fn every_compressed_stream_in_a_program_is_searched() {
    let scratch = Scratch::new();
    // Programs in Go contain such gzipped descriptions of protocol buffers.
    let separator = b"\0\0\n\x19google/protobuf/any.proto\0\0".repeat(50);
    let mut program = b"\x7fELF\x02\x01\x01".repeat(900);
    for number in 0..6 {
        let text = format!(
            "descriptor {number}\nK={}\n",
            if number % 2 == 0 { "none".to_owned() } else { key(number) }
        );
        program.extend([&gzip(text.as_bytes())[..], &separator].concat());
    }
    scratch.write("d/tool", &program);
    let json = report(&scratch.friskey("d", &["scan", "--format", "json"]));
    assert_eq!(json["coverage"]["skipped"], serde_json::json!([]));
    for number in [1, 3, 5] {
        let container = &only_finding(&json, number)["container"];
        assert!(container[1].as_str().unwrap().starts_with("gzip at byte "), "{container}");
    }
}

#[test]
fn compressed_text_in_a_png_is_searched() {
    let scratch = Scratch::new();
    let mut writer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(format!("K={}", key(4)).as_bytes()).unwrap();
    let text = [&b"parameters\0\0"[..], &writer.finish().unwrap()].concat();
    // The last four bytes of a chunk are a checksum, which friskey does not verify.
    let chunk = |kind: &[u8], content: &[u8]| {
        [&(content.len() as u32).to_be_bytes(), kind, content, b"csum"].concat()
    };
    let png =
        [&b"\x89PNG\r\n\x1a\n"[..], &chunk(b"IHDR", &[0; 13]), &chunk(b"zTXt", &text), &chunk(b"IEND", b"")];
    scratch.write("r/a.png", png.concat());
    scratch.git("r", &["init", "-q", "-b", "main"]);
    scratch.commit("r", "message");
    for args in [&["scan", "--format", "json"][..], &["history", "--format", "json"]] {
        let json = report(&scratch.friskey("r", args));
        assert_eq!(only_finding(&json, 4)["container"], serde_json::json!(["a.png", "zTXt parameters"]));
    }
}

#[test]
fn files_that_git_left_behind_in_its_object_directories_are_searched() {
    let scratch = Scratch::new();
    repository_with_deltas(&scratch, 3);
    let objects = "r/.git/objects";
    // Writes a loose object with the key `number`, and returns the directory and the name of its file.
    let write_loose = |number: u64| {
        let id = scratch.git_with("r", &["hash-object", "-w", "--stdin"], key(number).as_bytes());
        (id[..2].to_owned(), id[2..].to_owned())
    };
    // An object that was not yet renamed to its name, and one in a push that was not yet accepted.
    let (dir, name) = write_loose(11);
    std::fs::rename(
        scratch.path(&format!("{objects}/{dir}/{name}")),
        scratch.path(&format!("{objects}/{dir}/tmp_obj_x1y2z3")),
    )
    .unwrap();
    let (dir, name) = write_loose(12);
    let quarantine = scratch.path(&format!("{objects}/tmp_objdir-incoming-x/{dir}"));
    std::fs::create_dir_all(&quarantine).unwrap();
    std::fs::rename(scratch.path(&format!("{objects}/{dir}/{name}")), quarantine.join(&name)).unwrap();
    // A pack without an index, and a part of a pack from a fetch that was interrupted.
    scratch.git("r", &["clone", "-q", "--bare", ".", "../other"]);
    scratch.git("other", &["repack", "-adq"]);
    let pack = std::fs::read(only_pack(&scratch, "other/objects/pack")).unwrap();
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
    let first_path = |number: u64| finding_places(&json, number).remove(0).0;
    assert!(first_path(13).ends_with("pack-2.keep"));
    assert!(first_path(14).ends_with("/odd"));
    for number in [1, 2, 3, 101, 102, 103] {
        let paths: Vec<String> = finding_places(&json, number).into_iter().map(|(path, _)| path).collect();
        assert!(paths.iter().any(|path| path.ends_with(".pack")), "{number}: {paths:?}");
        // The last commit message is also in COMMIT_EDITMSG, so its key counts as present.
        assert!(number == 103 || leak(&json, &key(number)).unwrap()["status"] == "unreachable", "{number}");
    }
    assert!(json["coverage"]["skipped"].to_string().contains("tmp_pack_a1b2c3"), "{json:#}");
}

#[test]
fn a_key_in_the_archive_of_a_self_extracting_script_is_found() {
    let scratch = Scratch::new();
    scratch.repository("r");
    let filler: Vec<u8> = (0..9_000).flat_map(|n| format!("echo {n}\n").into_bytes()).collect();
    let script = |number: u64| {
        let archive = gzip(&tar(&[("app/.env", format!("K={}\n", key(number)).as_bytes())]));
        [b"#!/bin/sh\n", &filler[..], &archive].concat()
    };
    let assert_in_archive = |output: &std::process::Output, number: u64| {
        let json = report(output);
        let container = &only_finding(&json, number)["container"];
        assert!(container[1].as_str().unwrap().starts_with("gzip at byte "), "{container}");
        assert_eq!(container[2], "app/.env");
        assert_eq!(json["coverage"]["skipped"], serde_json::json!([]));
    };
    for number in 1..=3 {
        scratch.write("r/install.run", script(number));
        assert_in_archive(&scratch.friskey("r", &["scan", "--format", "json"]), number);
        scratch.git("r", &["add", "."]);
        assert_in_archive(&scratch.friskey("r", &["staged", "--format", "json"]), number);
        scratch.commit("r", "version");
    }
    assert_in_archive(&scratch.friskey_with("r", &["scan", "-", "--format", "json"], &script(7)), 7);
    assert_in_archive(&scratch.friskey("r", &["history", "--range", "HEAD~1..HEAD", "--format", "json"]), 3);
    for packed in [false, true] {
        if packed {
            scratch.git("r", &["gc", "-q"]);
        }
        let output = scratch.friskey("r", &["history", "--format", "json"]);
        (1..=3).for_each(|number| assert_in_archive(&output, number));
    }
}
