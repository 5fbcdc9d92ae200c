//! Tests `--cache`: an audit with a cache gives the same report as one without, whatever happened in between.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;

use crate::support::{Scratch, key, report};

/// An audit of `repo`, with `more` arguments; the report without its times.
pub(crate) fn audit(scratch: &Scratch, more: &[&str]) -> (Value, Output) {
    let args: Vec<&str> = ["history", "repo", "--format", "json", "-v"].iter().chain(more).copied().collect();
    let output = scratch.friskey(".", &args);
    (timeless(report(&output)), output)
}

/// The report without its times and its command line.
fn timeless(mut report: Value) -> Value {
    for field in ["elapsed_seconds", "started", "command_line"] {
        report[field] = Value::Null;
    }
    for leak in report["leaks"].as_array_mut().unwrap() {
        leak["exposed_seconds"] = Value::Null;
    }
    report
}

/// Audits with and without a cache, which must agree; what the former said on standard error.
pub(crate) fn agree(scratch: &Scratch, more: &[&str]) -> String {
    let (plain, status) = audit(scratch, more);
    let with: Vec<&str> = more.iter().copied().chain(["--cache", "cache"]).collect();
    let (cached, output) = audit(scratch, &with);
    assert_eq!(cached, plain, "{more:?}");
    assert_eq!(output.status.code(), status.status.code());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub(crate) fn packs(scratch: &Scratch) -> Vec<PathBuf> {
    let files =
        fs::read_dir(scratch.path("repo/.git/objects/pack")).unwrap().map(|file| file.unwrap().path());
    files.filter(|file| file.extension().is_some_and(|end| end == "pack")).collect()
}

/// A repository with text, a key in some versions of a file, a zip and a key in it, a tag and a pointer; packed.
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

/// How many objects an audit left out after a repack, by what it said.
fn left_out(told: &str) -> u64 {
    let (before, _) = told.split_once(" objects that were in other packs").expect(told);
    before.rsplit(' ').next().unwrap().parse().unwrap()
}

/// After a repack, blobs and trees that are stored as before are not searched again, and everything else is. What trees
/// name must exist: they are searched again if the new pack lacks anything of the old one.
#[test]
fn objects_that_a_repack_copied_are_not_swept_again() {
    let left_out_after = |lost: bool| {
        let scratch = repository();
        scratch.git("repo", &["checkout", "-q", "-b", "side"]);
        scratch.write("repo/side", "only here");
        scratch.commit("repo", "side");
        scratch.git("repo", &["checkout", "-q", "main"]);
        scratch.git("repo", &["repack", "-adq"]);
        agree(&scratch, &[]);
        if lost {
            scratch.git("repo", &["branch", "-qD", "side"]);
            scratch.git("repo", &["reflog", "expire", "--expire=now", "--all"]);
        }
        scratch.write("repo/new", key(4));
        scratch.commit("repo", "a new key");
        scratch.git("repo", &["repack", "-adq"]);
        let told = agree(&scratch, &[]);
        assert!(told.contains("0 of 1 packs"), "{told}");
        assert!(agree(&scratch, &[]).contains("1 of 1 packs"));
        left_out(&told)
    };
    let (with_trees, blobs) = (left_out_after(false), left_out_after(true));
    assert!(with_trees >= blobs + 6 && blobs > 0, "{with_trees} {blobs}");
}

/// A pack that has the trees of another one, but not all of what they name.
#[test]
fn an_object_that_a_repack_lost_is_reported() {
    let scratch = repository();
    agree(&scratch, &[]);
    let old = packs(&scratch).remove(0);
    let lost = scratch.git("repo", &["rev-parse", "HEAD:README"]);
    let format = "--batch-check=%(objectname)";
    let ids = scratch.git("repo", &["cat-file", "--batch-all-objects", format]);
    let kept: String = ids.lines().filter(|id| **id != lost).map(|id| format!("{id}\n")).collect();
    let args = ["pack-objects", "-q", "--delta-base-offset", ".git/objects/pack/pack"];
    assert!(scratch.try_git("repo", &args, kept.as_bytes()).status.success());
    for extension in ["pack", "idx", "rev"] {
        let _ = fs::remove_file(old.with_extension(extension));
    }
    agree(&scratch, &[]);
    let (report, _) = audit(&scratch, &["--cache", "cache"]);
    assert!(report["coverage"]["skipped"].to_string().contains(&lost), "{}", report["coverage"]);
}

/// A container with nothing in it is opened once, wherever it is stored; with other limits, it is opened again.
#[test]
fn a_clean_container_is_not_opened_again() {
    let scratch = repository();
    let noise = |seed: u64| {
        let bytes = (0..9000).map(move |n: u64| ((n.pow(3) % 7919 + n * seed) % 251) as u8);
        bytes.collect::<Vec<u8>>()
    };
    scratch.write("repo/noise.gz", gzip(&noise(1)));
    let with_key: Vec<u8> = noise(2).into_iter().chain(format!(" {} ", key(5)).into_bytes()).collect();
    scratch.write("repo/key.gz", gzip(&with_key));
    scratch.commit("repo", "two large archives");
    let told = "found nothing in: 1";
    assert!(!agree(&scratch, &[]).contains(told));
    assert!(agree(&scratch, &[]).contains("found nothing in: 2"), "also a short one, in the same pack");
    scratch.git("repo", &["repack", "-adfq"]);
    assert!(agree(&scratch, &[]).contains(told));
    assert!(!agree(&scratch, &["--max-unpacked", "100"]).contains(told));
    let (report, _) = audit(&scratch, &["--cache", "cache"]);
    assert!(crate::support::leak(&report, &key(5)).is_some());
}

/// Where all that a pack has are clean containers, however short, nothing in it is read again.
#[test]
fn a_pack_with_clean_containers_is_not_read_again() {
    let scratch = Scratch::new();
    scratch.repository("repo");
    for name in ["short.gz", "other.gz"] {
        scratch.write(&format!("repo/{name}"), gzip(format!("nothing in {name}").as_bytes()));
    }
    scratch.commit("repo", "two short archives");
    scratch.git("repo", &["repack", "-adq"]);
    let told = "found nothing in: 2";
    assert!(!agree(&scratch, &[]).contains(told));
    assert!(agree(&scratch, &[]).contains(told));
    // A second copy, a change of limits, and a loss of what is known of containers: all are read.
    let id = scratch.git("repo", &["rev-parse", "HEAD:short.gz"]);
    let loose = scratch.path(&format!("repo/.git/objects/{}/{}", &id[..2], &id[2..]));
    scratch.write("key.gz", gzip(key(8).as_bytes()));
    let other = scratch.git("repo", &["hash-object", "-w", "../key.gz"]);
    fs::create_dir_all(loose.parent().unwrap()).unwrap();
    fs::copy(scratch.path(&format!("repo/.git/objects/{}/{}", &other[..2], &other[2..])), &loose).unwrap();
    assert!(!agree(&scratch, &[]).contains(told));
    fs::remove_file(&loose).unwrap();
    assert!(agree(&scratch, &[]).contains(told));
    agree(&scratch, &["--max-depth", "0"]);
    let files: Vec<_> = fs::read_dir(scratch.path("cache")).unwrap().collect();
    for file in files {
        let path = file.unwrap().path();
        // With its mode, without which it would be ignored.
        fs::rename(&path, scratch.path("aside")).unwrap();
        agree(&scratch, &[]);
        fs::rename(scratch.path("aside"), &path).unwrap();
    }
    assert!(agree(&scratch, &[]).contains(told));
}

/// A container that was clean in its pack is read again if a second copy of its id appears, whatever that holds.
#[test]
fn a_second_copy_of_a_clean_container_is_opened() {
    let scratch = repository();
    let noise = |seed: u64| (0..9000).map(move |n: u64| ((n.pow(3) % 7919 + n * seed) % 251) as u8);
    scratch.write("repo/noise.gz", gzip(&noise(1).collect::<Vec<u8>>()));
    scratch.commit("repo", "a large archive");
    scratch.git("repo", &["repack", "-adq"]);
    for _ in 0..2 {
        agree(&scratch, &[]);
    }
    let id = scratch.git("repo", &["rev-parse", "HEAD:noise.gz"]);
    let loose = |id: &str| scratch.path(&format!("repo/.git/objects/{}/{}", &id[..2], &id[2..]));
    let with_key: Vec<u8> = noise(2).chain(format!(" {} ", key(6)).into_bytes()).collect();
    scratch.write("other.gz", gzip(&with_key));
    let other = scratch.git("repo", &["hash-object", "-w", "../other.gz"]);
    fs::create_dir_all(loose(&id).parent().unwrap()).unwrap();
    fs::copy(loose(&other), loose(&id)).unwrap();
    agree(&scratch, &[]);
    fs::remove_file(loose(&other)).unwrap();
    agree(&scratch, &[]);
    // Nor does it matter which copy there was first.
    fs::remove_file(loose(&id)).unwrap();
    agree(&scratch, &[]);
}

/// `ci` audits the whole history where no event says otherwise, and keeps what it learned.
#[test]
fn ci_uses_the_cache_as_history_does() {
    let scratch = repository();
    let audit = |more: &[&str]| {
        let args: Vec<&str> = ["ci", "--format", "json", "-v"].iter().chain(more).copied().collect();
        let output = scratch.friskey("repo", &args);
        assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
        (timeless(report(&output)), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (plain, _) = audit(&[]);
    for known in ["0 of 1 packs", "1 of 1 packs"] {
        let (cached, told) = audit(&["--cache", "../cache"]);
        assert_eq!(cached, plain);
        assert!(told.contains(known), "{told}");
    }
    // `history` audits the same with the same settings, so it shares the facts.
    assert!(agree(&scratch, &[]).contains("1 of 1 packs"));
    // The commits of an event are few, and always searched.
    let (cached, told) = audit(&["--base", "HEAD~3", "--head", "HEAD", "--cache", "../cache"]);
    assert!(!told.contains("cache:") && told.contains("--cache is not used for a range"), "{told}");
    assert_eq!(cached, audit(&["--base", "HEAD~3", "--head", "HEAD"]).0);
    let inside = scratch.friskey("repo", &["ci", "--cache", "cache"]);
    assert_eq!(inside.status.code(), Some(2));
    assert!(!scratch.path("repo/cache").exists());
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
    let dir = scratch.path("other/.git/objects/pack");
    for entry in fs::read_dir(dir).unwrap() {
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
fn an_object_that_went_missing_is_reported() {
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
    for inside in ["repo/cache", "repo/.git/cache", "repo/new/directory"] {
        let output = scratch.friskey(".", &["history", "repo", "--cache", inside]);
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains("which is audited"));
        assert!(!scratch.path(inside).exists(), "nothing is created there");
    }
}

/// The object directory of an alternate is audited like the repository's own.
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
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(told.contains("which is audited") && told.contains("name a directory elsewhere"), "{told}");
    }
    assert!(!scratch.path("other/.git/objects/cache").exists(), "nothing is created there");
    // Elsewhere in the other repository nothing is audited.
    agree(&scratch, &[]);
    let output = scratch.friskey(".", &["history", "repo", "--cache", "other/cache"]);
    assert_eq!(output.status.code(), Some(1));
}

/// The commits of a range are searched anyway; whoever asks for both is told.
#[test]
fn a_cache_for_a_range_is_declined() {
    let scratch = repository();
    let audit = |more: &[&str]| {
        let args: Vec<&str> = ["history", "repo", "--range", "HEAD~3..HEAD", "--format", "json"].to_vec();
        let output = scratch.friskey(".", &[&args[..], more].concat());
        (timeless(report(&output)), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (plain, told) = audit(&[]);
    assert!(!told.contains("--cache"), "{told}");
    let (declined, told) = audit(&["--cache", "cache"]);
    assert_eq!(declined, plain);
    assert!(told.contains("--cache is not used for a range of commits"), "{told}");
    assert!(!audit(&["--cache", "cache", "-q"]).1.contains("--cache"));
    assert!(!scratch.path("cache").exists());
}

/// With `-v`, notes say which repository and which pack they are about, and why nothing is kept of a pack.
#[test]
fn notes_name_what_they_are_about() {
    let scratch = repository();
    let told = agree(&scratch, &[]);
    let name = format!("cache: {}: 0 of 1 packs", scratch.path("repo/.git").display());
    assert!(told.contains(&name), "{told}");
    // Bytes that no index lists.
    let pack = packs(&scratch).remove(0);
    let mut bytes = fs::read(&pack).unwrap();
    bytes.extend_from_slice(b"more");
    fs::remove_file(&pack).unwrap();
    fs::write(&pack, bytes).unwrap();
    for _ in 0..2 {
        let told = agree(&scratch, &[]);
        let name = format!("{}: nothing is kept of this pack", pack.display());
        assert!(told.contains(&name) && told.contains("it has unlisted bytes"), "{told}");
    }
    // A repository without packs, and a name that must not be shown.
    let named = key(7);
    scratch.repository(&named);
    scratch.write(&format!("{named}/file"), "text");
    scratch.commit(&named, "first");
    let output = scratch.friskey(".", &["history", &named, "--cache", "cache", "-v"]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("0 of 0 packs") && !told.contains(&named), "{told}");
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
