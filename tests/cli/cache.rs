//! Tests `--cache`: an audit with a cache gives the same report as one without, whatever changed since the cache was
//! written.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;

use crate::support::{Scratch, key, report};

/// Audits `repo` with additional arguments. Returns the report without what differs between runs, and the output.
pub(crate) fn audit(scratch: &Scratch, options: &[&str]) -> (Value, Output) {
    let args = [&["history", "repo", "--format", "json", "-v"], options].concat();
    let output = scratch.friskey(".", &args);
    (comparable(report(&output)), output)
}

/// A report without its times and its command line, which differ between runs.
fn comparable(mut report: Value) -> Value {
    for field in ["elapsed_seconds", "started", "command_line"] {
        report[field] = Value::Null;
    }
    for leak in report["leaks"].as_array_mut().unwrap() {
        leak["exposed_seconds"] = Value::Null;
    }
    report
}

/// Audits `repo` with a cache, makes sure that an audit without one gives the same report and status, and returns what
/// the cached audit printed to standard error.
pub(crate) fn audit_cached(scratch: &Scratch, options: &[&str]) -> String {
    let (plain, plain_output) = audit(scratch, options);
    let (cached, cached_output) = audit(scratch, &[options, &["--cache", "cache"]].concat());
    assert_eq!(cached, plain, "{options:?}");
    assert_eq!(cached_output.status.code(), plain_output.status.code());
    String::from_utf8_lossy(&cached_output.stderr).into_owned()
}

/// The packs of `repo`, in no particular order.
pub(crate) fn packs(scratch: &Scratch) -> Vec<PathBuf> {
    let files =
        fs::read_dir(scratch.path("repo/.git/objects/pack")).unwrap().map(|file| file.unwrap().path());
    files.filter(|file| file.extension().is_some_and(|end| end == "pack")).collect()
}

/// A packed repository with deltas, a key in some versions of a file, a gzip file without and one with a key, a tag with
/// a key in its message, and a Git LFS pointer.
pub(crate) fn repository() -> Scratch {
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

pub(crate) fn gzip(content: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_known_pack_is_not_swept_again() {
    let scratch = repository();
    assert!(audit_cached(&scratch, &[]).contains("0 of 1 packs"));
    assert!(audit_cached(&scratch, &[]).contains("1 of 1 packs"));
    // Loose objects and a new pack are swept.
    scratch.write("repo/new", key(4));
    scratch.commit("repo", "a new key");
    audit_cached(&scratch, &[]);
    scratch.git("repo", &["repack", "-dq"]);
    assert!(audit_cached(&scratch, &[]).contains("1 of 2 packs"));
    assert!(audit_cached(&scratch, &[]).contains("2 of 2 packs"));
    // Moving refs changes which commits lead to a key, but not what a sweep finds.
    scratch.git("repo", &["checkout", "-q", "--orphan", "other"]);
    scratch.git("repo", &["rm", "-rfq", "."]);
    scratch.commit("repo", "empty");
    scratch.git("repo", &["branch", "-D", "main"]);
    audit_cached(&scratch, &[]);
    scratch.git("repo", &["repack", "-adfq"]);
    audit_cached(&scratch, &[]);
}

/// The number of objects that an audit did not search since it knew them from a pack before a repack.
fn reused_objects(stderr: &str) -> u64 {
    let (before, _) = stderr.split_once(" objects that were in other packs").expect(stderr);
    before.rsplit(' ').next().unwrap().parse().unwrap()
}

/// After a repack, blobs and trees that are stored as before are not searched again, and everything else is. A sweep
/// also checks that what trees name exists, so trees are searched again if the new pack lacks any object of the old one.
#[test]
fn objects_that_a_repack_copied_are_not_swept_again() {
    let reused_after_repack = |drops_branch: bool| {
        let scratch = repository();
        scratch.git("repo", &["checkout", "-q", "-b", "side"]);
        scratch.write("repo/side", "only here");
        scratch.commit("repo", "side");
        scratch.git("repo", &["checkout", "-q", "main"]);
        scratch.git("repo", &["repack", "-adq"]);
        audit_cached(&scratch, &[]);
        if drops_branch {
            scratch.git("repo", &["branch", "-qD", "side"]);
            scratch.git("repo", &["reflog", "expire", "--expire=now", "--all"]);
        }
        scratch.write("repo/new", key(4));
        scratch.commit("repo", "a new key");
        scratch.git("repo", &["repack", "-adq"]);
        let stderr = audit_cached(&scratch, &[]);
        assert!(stderr.contains("0 of 1 packs"), "{stderr}");
        assert!(audit_cached(&scratch, &[]).contains("1 of 1 packs"));
        reused_objects(&stderr)
    };
    let (blobs_and_trees, blobs) = (reused_after_repack(false), reused_after_repack(true));
    // The repository has at least 6 trees.
    assert!(blobs_and_trees >= blobs + 6 && blobs > 0, "{blobs_and_trees} {blobs}");
}

/// A pack may contain the trees of an earlier pack, but not every object that they name.
#[test]
fn an_object_that_a_repack_lost_is_reported() {
    let scratch = repository();
    audit_cached(&scratch, &[]);
    let old = packs(&scratch).remove(0);
    let lost_id = scratch.git("repo", &["rev-parse", "HEAD:README"]);
    let format = "--batch-check=%(objectname)";
    let ids = scratch.git("repo", &["cat-file", "--batch-all-objects", format]);
    let kept_ids: String = ids.lines().filter(|id| **id != lost_id).map(|id| format!("{id}\n")).collect();
    let args = ["pack-objects", "-q", "--delta-base-offset", ".git/objects/pack/pack"];
    assert!(scratch.try_git("repo", &args, kept_ids.as_bytes()).status.success());
    for extension in ["pack", "idx", "rev"] {
        let _ = fs::remove_file(old.with_extension(extension));
    }
    audit_cached(&scratch, &[]);
    let (report, _) = audit(&scratch, &["--cache", "cache"]);
    assert!(report["coverage"]["skipped"].to_string().contains(&lost_id), "{}", report["coverage"]);
}

/// A container in which nothing was found is opened once, wherever it is stored; with other limits, it is opened again.
#[test]
fn a_clean_container_is_not_opened_again() {
    let scratch = repository();
    scratch.write("repo/noise.gz", gzip(&noise(1)));
    scratch.write("repo/key.gz", gzip(&noise_with_key(5)));
    scratch.commit("repo", "two large archives");
    let one_known = "found nothing in: 1";
    assert!(!audit_cached(&scratch, &[]).contains(one_known));
    assert!(
        audit_cached(&scratch, &[]).contains("found nothing in: 2"),
        "the known pack also has a short clean container"
    );
    scratch.git("repo", &["repack", "-adfq"]);
    assert!(audit_cached(&scratch, &[]).contains(one_known), "in a new pack, only the long one is known");
    assert!(!audit_cached(&scratch, &["--max-unpacked", "100"]).contains(one_known));
    let (report, _) = audit(&scratch, &["--cache", "cache"]);
    assert!(crate::support::leak(&report, &key(5)).is_some());
}

/// If only containers in a pack matched, and all of them are clean, nothing in the pack is read again, however short the
/// containers are.
#[test]
fn a_pack_in_which_all_containers_are_clean_is_not_read_again() {
    let scratch = Scratch::new();
    scratch.repository("repo");
    for name in ["short.gz", "other.gz"] {
        scratch.write(&format!("repo/{name}"), gzip(format!("nothing in {name}").as_bytes()));
    }
    scratch.commit("repo", "two short archives");
    scratch.git("repo", &["repack", "-adq"]);
    let both_known = "found nothing in: 2";
    assert!(!audit_cached(&scratch, &[]).contains(both_known));
    assert!(audit_cached(&scratch, &[]).contains(both_known));
    // Everything is read again if an object has a second copy (here one with other content), if the limits change, or
    // if a file of the cache is missing.
    let id = scratch.git("repo", &["rev-parse", "HEAD:short.gz"]);
    scratch.write("key.gz", gzip(key(8).as_bytes()));
    let other_id = scratch.git("repo", &["hash-object", "-w", "../key.gz"]);
    let second_copy = loose_object(&scratch, &id);
    fs::create_dir_all(second_copy.parent().unwrap()).unwrap();
    fs::copy(loose_object(&scratch, &other_id), &second_copy).unwrap();
    assert!(!audit_cached(&scratch, &[]).contains(both_known));
    fs::remove_file(&second_copy).unwrap();
    assert!(audit_cached(&scratch, &[]).contains(both_known));
    audit_cached(&scratch, &["--max-depth", "0"]);
    let files: Vec<_> = fs::read_dir(scratch.path("cache")).unwrap().collect();
    for file in files {
        let path = file.unwrap().path();
        // Moving a file away and back keeps its mode; with another mode, it would be ignored.
        fs::rename(&path, scratch.path("aside")).unwrap();
        audit_cached(&scratch, &[]);
        fs::rename(scratch.path("aside"), &path).unwrap();
    }
    assert!(audit_cached(&scratch, &[]).contains(both_known));
}

/// The path of a loose object of `repo`.
fn loose_object(scratch: &Scratch, id: &str) -> PathBuf {
    scratch.path(&format!("repo/.git/objects/{}/{}", &id[..2], &id[2..]))
}

/// 9000 bytes that hardly compress, so that their gzip is longer than what the cache ignores as too short.
pub(crate) fn noise(seed: u64) -> Vec<u8> {
    (0..9000).map(|n: u64| ((n.pow(3) % 7919 + n * seed) % 251) as u8).collect()
}

/// Noise with the key `number` at its end.
fn noise_with_key(number: u64) -> Vec<u8> {
    [noise(2), format!(" {} ", key(number)).into_bytes()].concat()
}

/// A container that was clean in its pack is read again if a second copy with its id appears, whatever that contains.
#[test]
fn a_second_copy_of_a_clean_container_is_opened() {
    let scratch = repository();
    scratch.write("repo/noise.gz", gzip(&noise(1)));
    scratch.commit("repo", "a large archive");
    scratch.git("repo", &["repack", "-adq"]);
    for _ in 0..2 {
        audit_cached(&scratch, &[]);
    }
    let id = scratch.git("repo", &["rev-parse", "HEAD:noise.gz"]);
    scratch.write("other.gz", gzip(&noise_with_key(6)));
    let other_id = scratch.git("repo", &["hash-object", "-w", "../other.gz"]);
    let (second_copy, other) = (loose_object(&scratch, &id), loose_object(&scratch, &other_id));
    fs::create_dir_all(second_copy.parent().unwrap()).unwrap();
    fs::copy(&other, &second_copy).unwrap();
    audit_cached(&scratch, &[]);
    fs::remove_file(&other).unwrap();
    audit_cached(&scratch, &[]);
    // The container is also read again after the second copy is gone.
    fs::remove_file(&second_copy).unwrap();
    audit_cached(&scratch, &[]);
}

/// After a repack, a container is recognized by its content, but only together with its id.
#[test]
fn a_clean_container_under_the_id_of_another_is_read() {
    let scratch = Scratch::new();
    scratch.repository("repo");
    scratch.write("repo/one.gz", gzip(&noise(1)));
    scratch.write("repo/two.gz", gzip(&noise(2)));
    scratch.commit("repo", "two archives");
    scratch.git("repo", &["repack", "-adq"]);
    audit_cached(&scratch, &[]);
    // The index of the pack exchanges the offsets of the two.
    let index = packs(&scratch).remove(0).with_extension("idx");
    let mut bytes = fs::read(&index).unwrap();
    let (ids_start, id_len) = (8 + 256 * 4, 20);
    let count = u32::from_be_bytes(bytes[ids_start - 4..ids_start].try_into().unwrap()) as usize;
    let offset_of = |name: &str| {
        let id = scratch.git("repo", &["rev-parse", &format!("HEAD:{name}")]);
        let ids = bytes[ids_start..][..count * id_len].chunks(id_len);
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        ids_start + count * (id_len + 4) + 4 * ids.map(hex).position(|other| other == id.trim()).unwrap()
    };
    let (one, two) = (offset_of("one.gz"), offset_of("two.gz"));
    for at in 0..4 {
        bytes.swap(one + at, two + at);
    }
    fs::remove_file(&index).unwrap();
    fs::write(&index, &bytes).unwrap();
    let (report, _) = audit(&scratch, &[]);
    assert!(report["coverage"]["skipped"].to_string().contains("do not hash to that id"), "{report:#}");
    for _ in 0..3 {
        audit_cached(&scratch, &[]);
    }
}

/// Without an event, `ci` audits the whole history, and stores in the cache what it learned.
#[test]
fn ci_uses_the_cache_as_history_does() {
    let scratch = repository();
    let audit_in_ci = |options: &[&str]| {
        let output = scratch.friskey("repo", &[&["ci", "--format", "json", "-v"], options].concat());
        assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
        (comparable(report(&output)), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (plain, _) = audit_in_ci(&[]);
    for known_packs in ["0 of 1 packs", "1 of 1 packs"] {
        let (cached, stderr) = audit_in_ci(&["--cache", "../cache"]);
        assert_eq!(cached, plain);
        assert!(stderr.contains(known_packs), "{stderr}");
    }
    // `history` audits the same with the same settings, so it shares the facts.
    assert!(audit_cached(&scratch, &[]).contains("1 of 1 packs"));
    // The commits of an event are few, and always searched.
    let (cached, stderr) = audit_in_ci(&["--base", "HEAD~3", "--head", "HEAD", "--cache", "../cache"]);
    assert!(!stderr.contains("cache:") && stderr.contains("--cache is not used for a range"), "{stderr}");
    assert_eq!(cached, audit_in_ci(&["--base", "HEAD~3", "--head", "HEAD"]).0);
    // `--whole` searches every object.
    let (cached, stderr) = audit_in_ci(&["--whole", "--cache", "../cache"]);
    assert!(!stderr.contains("cache:") && stderr.contains("--cache is not used with --whole"), "{stderr}");
    assert_eq!(cached, audit_in_ci(&["--whole"]).0);
    // A cache in the checkout is refused.
    let output = scratch.friskey("repo", &["ci", "--cache", "cache"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(!scratch.path("repo/cache").exists());
}

/// An object with copies in several packs counts once, whichever of the packs are known.
#[test]
fn copies_in_several_packs_count_once() {
    let scratch = repository();
    audit_cached(&scratch, &[]);
    scratch.write("repo/new", "new");
    scratch.commit("repo", "new");
    scratch.git("repo", &["repack", "-aq"]);
    assert_eq!(packs(&scratch).len(), 2);
    audit_cached(&scratch, &[]);
    assert!(audit_cached(&scratch, &[]).contains("2 of 2 packs"));
}

#[test]
fn an_audit_with_other_options_does_not_use_what_the_cache_knows() {
    let scratch = repository();
    audit_cached(&scratch, &[]);
    for options in [
        &["--surfaces", "-blob"][..],
        &["--max-depth", "0"],
        &["--no-unreachable"],
        &["--min-confidence", "high"],
        &["--no-suppress"],
    ] {
        audit_cached(&scratch, options);
        audit_cached(&scratch, options);
    }
    assert!(audit_cached(&scratch, &[]).contains("1 of 1 packs"));
}

/// A pack is recognized by its bytes, not by the name and the time of its file.
#[test]
fn a_pack_whose_bytes_were_exchanged_is_swept() {
    let scratch = repository();
    audit_cached(&scratch, &[]);
    let known_pack = packs(&scratch).remove(0);
    scratch.repository("other");
    scratch.write("other/key", key(9));
    scratch.commit("other", "a key");
    scratch.git("other", &["repack", "-adq"]);
    let dir = scratch.path("other/.git/objects/pack");
    for entry in fs::read_dir(dir).unwrap() {
        let replacement = entry.unwrap().path();
        let target = known_pack.with_extension(replacement.extension().unwrap());
        let time = fs::metadata(&target).ok().map(|metadata| metadata.modified().unwrap());
        let _ = fs::remove_file(&target);
        fs::copy(&replacement, &target).unwrap();
        if let Some(time) = time {
            let mut permissions = fs::metadata(&target).unwrap().permissions();
            #[expect(clippy::permissions_set_readonly_false, reason = "a file of the test")]
            permissions.set_readonly(false);
            fs::set_permissions(&target, permissions).unwrap();
            fs::File::options().write(true).open(&target).unwrap().set_modified(time).unwrap();
        }
    }
    let stderr = audit_cached(&scratch, &[]);
    assert!(stderr.contains("0 of 1 packs"), "{stderr}");
    let (report, _) = audit(&scratch, &["--cache", "cache"]);
    assert!(crate::support::leak(&report, &key(9)).is_some());
}

/// A pack with a different byte, also in its index, is not recognized as the known one.
#[test]
fn a_damaged_pack_is_swept_and_reported() {
    let scratch = repository();
    audit_cached(&scratch, &[]);
    for extension in ["pack", "idx"] {
        let file = packs(&scratch).remove(0).with_extension(extension);
        let whole = fs::read(&file).unwrap();
        for offset in [whole.len() / 3, whole.len() / 2, whole.len() - 30] {
            let mut damaged = whole.clone();
            damaged[offset] ^= 0x10;
            fs::remove_file(&file).unwrap();
            fs::write(&file, &damaged).unwrap();
            let args = ["history", "repo", "--format", "json"];
            let plain = scratch.friskey(".", &args);
            let cached = scratch.friskey(".", &[&args[..], &["--cache", "cache"]].concat());
            assert_eq!(cached.status.code(), plain.status.code(), "{extension} {offset}");
            if plain.status.code() != Some(2) {
                audit_cached(&scratch, &[]);
            }
        }
        fs::remove_file(&file).unwrap();
        fs::write(&file, &whole).unwrap();
    }
    // The facts about the intact pack were removed while it was not there.
    audit_cached(&scratch, &[]);
    assert!(audit_cached(&scratch, &[]).contains("1 of 1 packs"));
}

/// Objects that a known pack names but does not contain must still exist.
#[test]
fn an_object_that_went_missing_is_reported() {
    let scratch = repository();
    scratch.write("repo/new", "new");
    scratch.commit("repo", "new");
    scratch.git("repo", &["repack", "-dq"]);
    audit_cached(&scratch, &[]);
    audit_cached(&scratch, &[]);
    let mut all = packs(&scratch);
    all.sort_by_key(|pack| fs::metadata(pack).unwrap().len());
    let largest = all.pop().unwrap();
    for entry in fs::read_dir(largest.parent().unwrap()).unwrap() {
        let path = entry.unwrap().path();
        if path.file_stem() == largest.file_stem() {
            fs::remove_file(path).unwrap();
        }
    }
    audit_cached(&scratch, &[]);
    let (report, _) = audit(&scratch, &["--cache", "cache"]);
    assert_ne!(report["coverage"]["skipped"], serde_json::json!([]));
}

#[cfg(unix)]
#[test]
fn a_cache_is_private_contains_no_key_and_is_outside_the_repository() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = repository();
    audit_cached(&scratch, &[]);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&scratch.path("cache")), 0o700);
    let mut files = 0;
    for entry in fs::read_dir(scratch.path("cache")).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600);
        let bytes = fs::read(&path).unwrap();
        for number in 1..=3 {
            for piece in key(number).as_bytes().windows(12) {
                assert!(
                    memchr::memmem::find(&bytes, piece).is_none(),
                    "{path:?} contains a part of key {number}"
                );
            }
        }
        assert!(memchr::memmem::find(&bytes, b"repo").is_none(), "{path:?} contains a path");
        files += 1;
    }
    assert!(files >= 2, "{files}");
    for inside in ["repo/cache", "repo/.git/cache", "repo/new/directory"] {
        let output = scratch.friskey(".", &["history", "repo", "--cache", inside]);
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains("which is audited"));
        assert!(!scratch.path(inside).exists(), "nothing is created there");
    }
}

/// The object directory of an alternate belongs to what is audited.
#[test]
fn a_cache_is_refused_within_an_alternate() {
    let scratch = repository();
    scratch.repository("other");
    scratch.write("other/file", "text");
    scratch.commit("other", "first");
    scratch.write("repo/.git/objects/info/alternates", "../../../other/.git/objects\n");
    for inside in ["other/.git/objects/cache", "other/.git/objects/pack"] {
        let output = scratch.friskey(".", &["history", "repo", "--cache", inside]);
        assert_eq!(output.status.code(), Some(2), "{inside}");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            stderr.contains("which is audited") && stderr.contains("name a directory elsewhere"),
            "{stderr}"
        );
    }
    assert!(!scratch.path("other/.git/objects/cache").exists(), "nothing is created there");
    // The work tree of the alternate is not audited, so a cache may be there.
    audit_cached(&scratch, &[]);
    let output = scratch.friskey(".", &["history", "repo", "--cache", "other/cache"]);
    assert_eq!(output.status.code(), Some(1));
}

/// The commits of a range are always searched, and a note says that the cache is not used.
#[test]
fn a_range_of_commits_does_not_use_the_cache() {
    let scratch = repository();
    let scan_range = |options: &[&str]| {
        let args: Vec<&str> = ["history", "repo", "--range", "HEAD~3..HEAD", "--format", "json"].to_vec();
        let output = scratch.friskey(".", &[&args[..], options].concat());
        (comparable(report(&output)), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (plain, stderr) = scan_range(&[]);
    assert!(!stderr.contains("--cache"), "{stderr}");
    let (with_cache, stderr) = scan_range(&["--cache", "cache"]);
    assert_eq!(with_cache, plain);
    assert!(stderr.contains("--cache is not used for a range of commits"), "{stderr}");
    assert!(!scan_range(&["--cache", "cache", "-q"]).1.contains("--cache"));
    assert!(!scratch.path("cache").exists());
}

/// With `-v`, notes name the repository and the pack, and say why the cache stores nothing about a pack.
#[test]
fn verbose_notes_name_the_repository_and_the_pack() {
    let scratch = repository();
    let stderr = audit_cached(&scratch, &[]);
    let note = format!("cache: {}: 0 of 1 packs", scratch.path("repo/.git").display());
    assert!(stderr.contains(&note), "{stderr}");
    // Nothing is stored about a pack with bytes that its index does not list.
    let pack = packs(&scratch).remove(0);
    let mut bytes = fs::read(&pack).unwrap();
    bytes.extend_from_slice(b"more");
    fs::remove_file(&pack).unwrap();
    fs::write(&pack, bytes).unwrap();
    for _ in 0..2 {
        let stderr = audit_cached(&scratch, &[]);
        let note = format!("{}: nothing is kept of this pack", pack.display());
        assert!(stderr.contains(&note) && stderr.contains("it has unlisted bytes"), "{stderr}");
    }
    // The name of a repository (here one without packs) is not shown if it is a key.
    let name = key(7);
    scratch.repository(&name);
    scratch.write(&format!("{name}/file"), "text");
    scratch.commit(&name, "first");
    let output = scratch.friskey(".", &["history", &name, "--cache", "cache", "-v"]);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(stderr.contains("0 of 0 packs") && !stderr.contains(&name), "{stderr}");
}

#[test]
fn damaged_files_of_the_cache_are_ignored_with_a_note_and_replaced() {
    let scratch = repository();
    audit_cached(&scratch, &[]);
    let files: Vec<PathBuf> =
        fs::read_dir(scratch.path("cache")).unwrap().map(|entry| entry.unwrap().path()).collect();
    for file in &files {
        let mut bytes = fs::read(file).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(file, bytes).unwrap();
    }
    let stderr = audit_cached(&scratch, &[]);
    assert!(stderr.contains("is damaged; ignored"), "{stderr}");
    assert!(audit_cached(&scratch, &[]).contains("1 of 1 packs"), "the damaged files were not replaced");
}
