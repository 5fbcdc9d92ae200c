//! `--cache`: an audit with a cache says the same as one without, whatever happened in between.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use proptest::test_runner::{Config, RngSeed, TestRunner};
use serde_json::Value;

use crate::support::{Scratch, key, report};

/// An audit of `repo`, with `more` arguments; the report without its times.
fn audit(scratch: &Scratch, more: &[&str]) -> (Value, Output) {
    let args: Vec<&str> = ["history", "repo", "--format", "json", "-v"].iter().chain(more).copied().collect();
    let output = scratch.friskey(".", &args);
    let mut report = report(&output);
    for field in ["elapsed_seconds", "started", "command_line"] {
        report[field] = Value::Null;
    }
    for leak in report["leaks"].as_array_mut().unwrap() {
        leak["exposed_seconds"] = Value::Null;
    }
    (report, output)
}

/// Audits with and without a cache, which must agree; what the former said on standard error.
fn agree(scratch: &Scratch, more: &[&str]) -> String {
    let (plain, status) = audit(scratch, more);
    let with: Vec<&str> = more.iter().copied().chain(["--cache", "cache"]).collect();
    let (cached, output) = audit(scratch, &with);
    assert_eq!(cached, plain, "{more:?}");
    assert_eq!(output.status.code(), status.status.code());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn packs(scratch: &Scratch) -> Vec<PathBuf> {
    let files =
        fs::read_dir(scratch.path("repo/.git/objects/pack")).unwrap().map(|file| file.unwrap().path());
    files.filter(|file| file.extension().is_some_and(|end| end == "pack")).collect()
}

/// A repository with text, a key in some versions of a file, a zip and a key in it, a tag and a pointer; packed.
fn repository() -> Scratch {
    let scratch = Scratch::new();
    scratch.repository("repo");
    for number in 0..6 {
        let line =
            |n: u64| format!("line {n} of a file that is long enough to be a delta {}\n", n * number % 7);
        scratch.write("repo/text", (0..200).map(line).collect::<String>());
        scratch.write(
            "repo/config",
            format!("a = {number}\nkey = {}\n", if number % 2 == 0 { key(1) } else { String::new() }),
        );
        scratch.commit("repo", &format!("version {number}"));
    }
    scratch.write("repo/clean.gz", gzip(b"nothing here, and again nothing here"));
    scratch.write("repo/found.gz", gzip(key(2).as_bytes()));
    scratch.write("repo/large.bin", "version https://git-lfs.github.com/spec/v1\noid sha256:0000\nsize 3\n");
    scratch.commit("repo", "archives");
    scratch.git("repo", &["tag", "-a", "v1", "-m", &format!("tag with {}", key(3))]);
    scratch.git("repo", &["repack", "-adq"]);
    scratch
}

fn gzip(content: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn what_was_swept_is_not_swept_again() {
    let scratch = repository();
    assert!(agree(&scratch, &[]).contains("0 of 1 packs"));
    assert!(agree(&scratch, &[]).contains("1 of 1 packs"));
    // Loose objects and a new pack are swept.
    scratch.write("repo/new", key(4));
    scratch.commit("repo", "a new key");
    agree(&scratch, &[]);
    scratch.git("repo", &["repack", "-dq"]);
    assert!(agree(&scratch, &[]).contains("1 of 2 packs"));
    assert!(agree(&scratch, &[]).contains("2 of 2 packs"));
    // A move of refs changes what leads to a key, and nothing that was swept.
    scratch.git("repo", &["checkout", "-q", "--orphan", "other"]);
    scratch.git("repo", &["rm", "-rfq", "."]);
    scratch.commit("repo", "empty");
    scratch.git("repo", &["branch", "-D", "main"]);
    agree(&scratch, &[]);
    scratch.git("repo", &["repack", "-adfq"]);
    agree(&scratch, &[]);
}

/// After a repack, blobs that are stored as before are not searched again, and everything else is.
#[test]
fn blobs_that_a_repack_copied_are_not_swept_again() {
    let scratch = repository();
    agree(&scratch, &[]);
    scratch.write("repo/new", key(4));
    scratch.commit("repo", "a new key");
    scratch.git("repo", &["repack", "-adq"]);
    let told = agree(&scratch, &[]);
    assert!(told.contains("0 of 1 packs") && told.contains("blobs that were in other packs"), "{told}");
    assert!(agree(&scratch, &[]).contains("1 of 1 packs"));
}

/// A second copy of an object counts once, whichever pack is known.
#[test]
fn copies_in_several_packs_count_once() {
    let scratch = repository();
    agree(&scratch, &[]);
    scratch.write("repo/new", "new");
    scratch.commit("repo", "new");
    scratch.git("repo", &["repack", "-aq"]);
    assert_eq!(packs(&scratch).len(), 2);
    agree(&scratch, &[]);
    assert!(agree(&scratch, &[]).contains("2 of 2 packs"));
}

#[test]
fn other_rules_limits_and_surfaces_are_another_audit() {
    let scratch = repository();
    agree(&scratch, &[]);
    for options in [
        &["--surfaces", "-blob"][..],
        &["--max-depth", "0"],
        &["--no-unreachable"],
        &["--min-confidence", "high"],
        &["--no-suppress"],
    ] {
        agree(&scratch, options);
        agree(&scratch, options);
    }
    assert!(agree(&scratch, &[]).contains("1 of 1 packs"));
}

/// The name of a pack says nothing about its bytes, and neither does the time of its file.
#[test]
fn a_pack_whose_bytes_were_exchanged_is_swept() {
    let scratch = repository();
    agree(&scratch, &[]);
    let own = packs(&scratch).remove(0);
    scratch.repository("other");
    scratch.write("other/key", key(9));
    scratch.commit("other", "a key");
    scratch.git("other", &["repack", "-adq"]);
    let folder = scratch.path("other/.git/objects/pack");
    for entry in fs::read_dir(folder).unwrap() {
        let theirs = entry.unwrap().path();
        let target = own.with_extension(theirs.extension().unwrap());
        let time = fs::metadata(&target).ok().map(|found| found.modified().unwrap());
        let _ = fs::remove_file(&target);
        fs::copy(&theirs, &target).unwrap();
        if let Some(time) = time {
            let mut permissions = fs::metadata(&target).unwrap().permissions();
            #[expect(clippy::permissions_set_readonly_false, reason = "a file of the test")]
            permissions.set_readonly(false);
            fs::set_permissions(&target, permissions).unwrap();
            fs::File::options().write(true).open(&target).unwrap().set_modified(time).unwrap();
        }
    }
    let told = agree(&scratch, &[]);
    assert!(told.contains("0 of 1 packs"), "{told}");
    let (report, _) = audit(&scratch, &["--cache", "cache"]);
    assert!(crate::support::leak(&report, &key(9)).is_some());
}

/// One byte of a pack or of its index makes it another pack.
#[test]
fn a_damaged_pack_is_swept_and_reported() {
    let scratch = repository();
    agree(&scratch, &[]);
    for extension in ["pack", "idx"] {
        let file = packs(&scratch).remove(0).with_extension(extension);
        let whole = fs::read(&file).unwrap();
        for at in [whole.len() / 3, whole.len() / 2, whole.len() - 30] {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x10;
            fs::remove_file(&file).unwrap();
            fs::write(&file, &damaged).unwrap();
            let args = ["history", "repo", "--format", "json"];
            let plain = scratch.friskey(".", &args);
            let cached = scratch.friskey(".", &[&args[..], &["--cache", "cache"]].concat());
            assert_eq!(cached.status.code(), plain.status.code(), "{extension} {at}");
            if plain.status.code() != Some(2) {
                agree(&scratch, &[]);
            }
        }
        fs::remove_file(&file).unwrap();
        fs::write(&file, &whole).unwrap();
    }
    // What was known about the pack was removed when it was gone.
    agree(&scratch, &[]);
    assert!(agree(&scratch, &[]).contains("1 of 1 packs"));
}

/// What objects name must still exist, though the pack that names them is the same.
#[test]
fn an_object_that_went_missing_is_told() {
    let scratch = repository();
    scratch.write("repo/new", "new");
    scratch.commit("repo", "new");
    scratch.git("repo", &["repack", "-dq"]);
    agree(&scratch, &[]);
    agree(&scratch, &[]);
    let mut all = packs(&scratch);
    all.sort_by_key(|pack| fs::metadata(pack).unwrap().len());
    let largest = all.pop().unwrap();
    for entry in fs::read_dir(largest.parent().unwrap()).unwrap() {
        let path = entry.unwrap().path();
        if path.file_stem() == largest.file_stem() {
            fs::remove_file(path).unwrap();
        }
    }
    agree(&scratch, &[]);
    let (report, _) = audit(&scratch, &["--cache", "cache"]);
    assert_ne!(report["coverage"]["skipped"], serde_json::json!([]));
}

#[cfg(unix)]
#[test]
fn a_cache_is_private_elsewhere_and_holds_no_key() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = repository();
    agree(&scratch, &[]);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&scratch.path("cache")), 0o700);
    let mut files = 0;
    for entry in fs::read_dir(scratch.path("cache")).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600);
        let bytes = fs::read(&path).unwrap();
        for number in 1..=3 {
            for piece in key(number).as_bytes().windows(12) {
                assert!(memchr::memmem::find(&bytes, piece).is_none());
            }
        }
        assert!(memchr::memmem::find(&bytes, b"repo").is_none(), "nor a path");
        files += 1;
    }
    assert!(files >= 2, "{files}");
    for inside in ["repo/cache", "repo/.git/cache", "repo/new/folder"] {
        let output = scratch.friskey(".", &["history", "repo", "--cache", inside]);
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains("within the audited repository"));
        assert!(!scratch.path(inside).exists(), "nothing is created there");
    }
}

#[test]
fn damaged_entries_are_ignored_and_said_so() {
    let scratch = repository();
    agree(&scratch, &[]);
    let files: Vec<PathBuf> =
        fs::read_dir(scratch.path("cache")).unwrap().map(|entry| entry.unwrap().path()).collect();
    for file in &files {
        let mut bytes = fs::read(file).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(file, bytes).unwrap();
    }
    let told = agree(&scratch, &[]);
    assert!(told.contains("is damaged; ignored"), "{told}");
    assert!(agree(&scratch, &[]).contains("1 of 1 packs"), "and replaced");
}

/// Something that happens to a repository between two audits.
fn happen(scratch: &Scratch, what: u8, number: u64) {
    let git = |args: &[&str]| drop(scratch.try_git("repo", args, b""));
    match what {
        0 => {
            scratch
                .write("repo/text", format!("{}\n", number).repeat(usize::try_from(number % 400).unwrap()));
            scratch.commit("repo", "text");
        }
        1 => {
            scratch
                .write(&format!("repo/key-{}", number % 3), format!("k = {}\n{number}\n", key(number % 5)));
            scratch.commit("repo", "a key");
        }
        2 => git(&["repack", "-dq"]),
        3 => git(&["repack", "-adq"]),
        4 => git(&["repack", "-adfq", "--depth=7", "--window=5"]),
        5 => git(&["gc", "-q", "--prune=now"]),
        6 => git(&["update-ref", "refs/heads/side", &format!("HEAD~{}", number % 3)]),
        7 => git(&["reset", "-q", "--hard", "HEAD~1"]),
        8 => git(&["reflog", "expire", "--expire=now", "--all"]),
        9 => {
            scratch.write(
                &format!("repo/a-{}.gz", number % 4),
                gzip(&vec![b'x'; usize::try_from(number % 999).unwrap()]),
            );
            scratch.commit("repo", "an archive");
        }
        10 => git(&["repack", "-aq"]),
        _ => {
            // A cache file is damaged, or is replaced by another.
            let mut files: Vec<PathBuf> = fs::read_dir(scratch.path("cache"))
                .map(|dir| dir.map(|entry| entry.unwrap().path()).collect())
                .unwrap_or_default();
            files.sort();
            let Some(file) = files.get(number as usize % files.len().max(1)) else { return };
            let bytes = match number % 3 {
                0 => fs::read(&files[0]).unwrap(),
                1 => b"foreign".to_vec(),
                _ => {
                    let mut bytes = fs::read(file).unwrap();
                    let at = number as usize % bytes.len().max(1);
                    bytes.truncate(at);
                    bytes
                }
            };
            fs::write(file, bytes).unwrap();
        }
    }
}

#[test]
fn a_cached_audit_equals_an_uncached_one_after_random_events() {
    let config = Config { cases: 6, rng_seed: RngSeed::Fixed(7), max_shrink_iters: 0, ..Config::default() };
    let events = proptest::collection::vec((0u8..13, 0u64..10_000), 4..9);
    let checked = TestRunner::new(config).run(&events, |events| {
        let scratch = repository();
        agree(&scratch, &[]);
        for (what, number) in events {
            happen(&scratch, what, number);
            agree(&scratch, if number % 5 == 0 { &["--surfaces", "-index"] } else { &[] });
        }
        Ok(())
    });
    assert_eq!(checked, Ok(()));
}
