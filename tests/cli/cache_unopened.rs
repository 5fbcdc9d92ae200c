//! Tests that the cache remembers the paths of containers that cannot be opened, until a change of the repository or of
//! the options could change these paths.

use std::cell::Cell;
use std::fs;

use proptest::test_runner::{Config, RngSeed, TestRunner};

use crate::cache::{audit_cached, gzip, noise, packs};
use crate::support::{Scratch, key};

/// Part of the note with `-v` if the paths come from the cache.
const PATHS_FROM_CACHE: &str = "paths of files that could not be opened, found by an earlier audit";

/// A gzip file that ends too early; another one for each number.
fn truncated_gzip(number: u64) -> Vec<u8> {
    let mut bytes = gzip(format!("{number} ").repeat(200).as_bytes());
    bytes.truncate(bytes.len() / 2 + 6);
    bytes
}

/// A packed repository without a key, with containers that cannot be opened in some of its commits.
fn repository() -> Scratch {
    let scratch = Scratch::new();
    scratch.repository("repo");
    scratch.write("repo/a/b/one.gz", truncated_gzip(1));
    scratch.commit("repo", "one");
    scratch.git("repo", &["mv", "a/b/one.gz", "a/renamed.gz"]);
    scratch.write("repo/two.gz", truncated_gzip(2));
    scratch.commit("repo", "moved");
    scratch.git("repo", &["branch", "side"]);
    scratch.git("repo", &["rm", "-q", "two.gz"]);
    scratch.commit("repo", "removed");
    scratch.git("repo", &["repack", "-adq"]);
    scratch
}

/// Audits with the cache, and returns whether the paths of unopened containers came from there.
fn uses_known_paths(scratch: &Scratch, options: &[&str]) -> bool {
    audit_cached(scratch, options).contains(PATHS_FROM_CACHE)
}

#[test]
fn paths_of_unopened_containers_are_searched_for_once() {
    let scratch = repository();
    assert!(!uses_known_paths(&scratch, &[]));
    assert!(uses_known_paths(&scratch, &[]));
    // The paths are searched for again after a change of commits, refs or HEAD, since a report names the path in HEAD's tree or
    // else the newest one.
    type Event = (&'static str, fn(&Scratch));
    let events: &[Event] = &[
        ("HEAD is another branch", |scratch| {
            drop(scratch.git("repo", &["symbolic-ref", "HEAD", "refs/heads/side"]));
        }),
        ("HEAD is the first branch", |scratch| {
            drop(scratch.git("repo", &["symbolic-ref", "HEAD", "refs/heads/main"]));
        }),
        ("a branch moved", |scratch| drop(scratch.git("repo", &["branch", "-f", "side", "HEAD~2"]))),
        ("a branch is gone", |scratch| drop(scratch.git("repo", &["branch", "-qD", "side"]))),
        ("a tag", |scratch| drop(scratch.git("repo", &["tag", "old", "HEAD~1"]))),
        ("reflogs are gone", |scratch| {
            drop(scratch.git("repo", &["reflog", "expire", "--expire=now", "--all"]));
        }),
        ("a commit", |scratch| {
            scratch.write("repo/c/new.gz", truncated_gzip(1));
            scratch.commit("repo", "again");
            scratch.git("repo", &["repack", "-adq"]);
        }),
    ];
    for (event, apply) in events {
        apply(&scratch);
        assert!(!uses_known_paths(&scratch, &[]), "{event}");
        assert!(uses_known_paths(&scratch, &[]), "{event}");
    }
    // They are also searched for again with other options.
    scratch.write("excludes.toml", "exclude = ['/a/']\n");
    for options in [&["--no-unreachable"][..], &["--config", "excludes.toml"], &["--max-depth", "0"]] {
        assert!(!uses_known_paths(&scratch, options), "{options:?}");
    }
    // A file of the cache stores the paths for one set of options, those of the last audit.
    uses_known_paths(&scratch, &[]);
    assert!(uses_known_paths(&scratch, &[]));
    // With a multi-pack index, a second copy of the pack, or a key, paths are searched for in every audit.
    scratch.git("repo", &["multi-pack-index", "write"]);
    assert!(!uses_known_paths(&scratch, &[]));
    fs::remove_file(scratch.path("repo/.git/objects/pack/multi-pack-index")).unwrap();
    assert!(uses_known_paths(&scratch, &[]));
    let pack = packs(&scratch).remove(0);
    for end in ["pack", "idx"] {
        fs::copy(pack.with_extension(end), pack.with_file_name(format!("pack-copy.{end}"))).unwrap();
    }
    assert!(!uses_known_paths(&scratch, &[]));
    for end in ["pack", "idx"] {
        fs::remove_file(pack.with_file_name(format!("pack-copy.{end}"))).unwrap();
    }
    assert!(uses_known_paths(&scratch, &[]));
    scratch.write("repo/key", key(1));
    scratch.commit("repo", "a key");
    scratch.git("repo", &["repack", "-adq"]);
    for _ in 0..2 {
        assert!(!uses_known_paths(&scratch, &[]), "the commits with a key are searched for in every audit");
    }
}

/// Of a container with a part that cannot be opened, the cache keeps the reason, but not if it concerns an entry, whose name
/// would be kept, too.
#[test]
fn a_container_is_opened_once_if_only_a_reason_is_kept() {
    let scratch = Scratch::new();
    scratch.repository("repo");
    scratch.write("repo/x.rar", [b"Rar!\x1a\x07\x01\x00", &noise(1).repeat(10)[..]].concat());
    scratch.commit("repo", "a kind of archive that cannot be opened");
    scratch.git("repo", &["repack", "-adq"]);
    let one_known = "found nothing in: 1";
    assert!(!audit_cached(&scratch, &[]).contains(one_known));
    assert!(audit_cached(&scratch, &[]).contains(one_known));
    // With a second pack, it is recognized by its content.
    let mut entry = b"name-of-an-entry".to_vec();
    entry.resize(512, 0);
    entry[124..136].copy_from_slice(b"77777777777\0");
    entry[257..265].copy_from_slice(b"ustar\x0000");
    entry[148..156].fill(b' ');
    let checksum: u32 = entry.iter().map(|&byte| u32::from(byte)).sum();
    entry[148..156].copy_from_slice(format!("{checksum:06o}\0 ").as_bytes());
    scratch.write("repo/cut.tar", [&entry[..], &noise(3)[..]].concat());
    scratch.commit("repo", "a truncated tar");
    scratch.git("repo", &["repack", "-adfq"]);
    for _ in 0..3 {
        assert!(audit_cached(&scratch, &[]).contains(one_known));
    }
    for file in fs::read_dir(scratch.path("cache")).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(16).any(|text| text == b"name-of-an-entry"));
    }
    // Other limits have other reasons.
    assert!(!audit_cached(&scratch, &["--max-depth", "0"]).contains(one_known));
}

/// Makes one of 15 kinds of change to the repository or the cache.
fn apply_event(scratch: &Scratch, kind: u8, number: u64) {
    let git = |args: &[&str]| drop(scratch.try_git("repo", args, b""));
    let ancestor = format!("HEAD~{}", number % 3);
    match kind {
        0 | 1 => {
            scratch.write(&format!("repo/d-{}/f-{}.gz", number % 2, number % 3), truncated_gzip(number % 4));
            scratch.commit("repo", "a container");
        }
        2 => {
            git(&["mv", "-f", "a/renamed.gz", &format!("moved-{}.gz", number % 3)]);
            scratch.commit("repo", "moved");
        }
        3 => git(&["update-ref", "refs/heads/side", &ancestor]),
        4 => git(&["update-ref", "-d", "refs/heads/side"]),
        5 => git(&["reset", "-q", "--hard", "HEAD~1"]),
        6 => git(&["reflog", "expire", "--expire=now", "--all"]),
        7 => git(&["gc", "-q", "--prune=now"]),
        8 => git(&["checkout", "-q", "--detach", &ancestor]),
        9 => git(&["tag", "-f", "t", &format!("{ancestor}:two.gz")]),
        10 => git(&["tag", "-f", "t", &format!("{ancestor}^{{tree}}")]),
        11 => git(&["update-ref", "ORIG_HEAD", &ancestor]),
        12 => {
            let mut entries: Vec<_> =
                fs::read_dir(scratch.path("cache")).unwrap().map(|entry| entry.unwrap().path()).collect();
            entries.sort();
            let (from, to) = (number as usize % entries.len(), (number / 7) as usize % entries.len());
            fs::copy(&entries[from], &entries[to]).unwrap();
        }
        13 => git(&["symbolic-ref", "HEAD", ["refs/heads/side", "refs/heads/main"][number as usize % 2]]),
        _ => git(&["repack", "-dq"]),
    }
}

#[test]
fn audits_with_and_without_a_cache_name_the_same_unopened_containers_after_random_events() {
    let config = Config { cases: 5, rng_seed: RngSeed::Fixed(11), max_shrink_iters: 0, ..Config::default() };
    let events = proptest::collection::vec((0u8..15, 0u64..10_000), 4..8);
    let cache_uses = Cell::new(0);
    let count = |is_use: bool| cache_uses.set(cache_uses.get() + usize::from(is_use));
    let checked = TestRunner::new(config).run(&events, |events| {
        let scratch = repository();
        audit_cached(&scratch, &[]);
        for (kind, number) in events {
            apply_event(&scratch, kind, number);
            count(uses_known_paths(&scratch, &[]));
            if number % 3 > 0 {
                scratch.git("repo", &["repack", "-adq"]);
                audit_cached(&scratch, &[]);
                let options: &[&str] = if number % 5 == 0 { &["--no-unreachable"] } else { &[] };
                count(uses_known_paths(&scratch, options));
            }
        }
        Ok(())
    });
    assert_eq!(checked, Ok(()));
    assert!(cache_uses.get() > 5, "too few audits used the cache to test it: {cache_uses:?}");
}
