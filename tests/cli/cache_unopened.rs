//! Containers that cannot be opened: the cache keeps where they are as long as nothing that decides it changes.

use std::cell::Cell;
use std::fs;

use proptest::test_runner::{Config, RngSeed, TestRunner};

use crate::cache::{agree, gzip, packs};
use crate::support::{Scratch, key};

/// What `-v` says if the paths were not searched for again.
const KNOWN: &str = "paths of files that could not be opened, found by an earlier audit";

/// A gzip file that ends too early.
fn broken(number: u64) -> Vec<u8> {
    let mut bytes = gzip(format!("{number} ").repeat(200).as_bytes());
    bytes.truncate(bytes.len() / 2 + 6);
    bytes
}

/// A packed repository without a key, with containers that cannot be opened in some of its commits.
fn repository() -> Scratch {
    let scratch = Scratch::new();
    scratch.repository("repo");
    scratch.write("repo/a/b/one.gz", broken(1));
    scratch.commit("repo", "one");
    scratch.git("repo", &["mv", "a/b/one.gz", "a/renamed.gz"]);
    scratch.write("repo/two.gz", broken(2));
    scratch.commit("repo", "moved");
    scratch.git("repo", &["branch", "side"]);
    scratch.git("repo", &["rm", "-q", "two.gz"]);
    scratch.commit("repo", "removed");
    scratch.git("repo", &["repack", "-adq"]);
    scratch
}

fn is_known(scratch: &Scratch, options: &[&str]) -> bool {
    agree(scratch, options).contains(KNOWN)
}

#[test]
fn paths_of_unopened_containers_are_searched_for_once() {
    let scratch = repository();
    assert!(!is_known(&scratch, &[]));
    assert!(is_known(&scratch, &[]));
    // They are those of a pack without loose objects; refs decide what is newest, and other options what is left out.
    type Event = (&'static str, fn(&Scratch));
    let events: &[Event] = &[
        ("a branch moved", |scratch| drop(scratch.git("repo", &["branch", "-f", "side", "HEAD~2"]))),
        ("a branch is gone", |scratch| drop(scratch.git("repo", &["branch", "-qD", "side"]))),
        ("a tag", |scratch| drop(scratch.git("repo", &["tag", "old", "HEAD~1"]))),
        ("reflogs are gone", |scratch| {
            drop(scratch.git("repo", &["reflog", "expire", "--expire=now", "--all"]));
        }),
        ("a commit", |scratch| {
            scratch.write("repo/c/new.gz", broken(1));
            scratch.commit("repo", "again");
            scratch.git("repo", &["repack", "-adq"]);
        }),
    ];
    for (event, happen) in events {
        happen(&scratch);
        assert!(!is_known(&scratch, &[]), "{event}");
        assert!(is_known(&scratch, &[]), "{event}");
    }
    scratch.write("excludes.toml", "exclude = ['/a/']\n");
    for options in [&["--no-unreachable"][..], &["--config", "excludes.toml"], &["--max-depth", "0"]] {
        assert!(!is_known(&scratch, options), "{options:?}");
    }
    // They are kept under the same name, so the last audit counts.
    is_known(&scratch, &[]);
    assert!(is_known(&scratch, &[]));
    // What a loose object, a second copy or another index contains is not certain.
    scratch.git("repo", &["multi-pack-index", "write"]);
    assert!(!is_known(&scratch, &[]));
    fs::remove_file(scratch.path("repo/.git/objects/pack/multi-pack-index")).unwrap();
    assert!(is_known(&scratch, &[]));
    let pack = packs(&scratch).remove(0);
    for end in ["pack", "idx"] {
        fs::copy(pack.with_extension(end), pack.with_file_name(format!("pack-copy.{end}"))).unwrap();
    }
    assert!(!is_known(&scratch, &[]));
    for end in ["pack", "idx"] {
        fs::remove_file(pack.with_file_name(format!("pack-copy.{end}"))).unwrap();
    }
    assert!(is_known(&scratch, &[]));
    scratch.write("repo/key", key(1));
    scratch.commit("repo", "a key");
    scratch.git("repo", &["repack", "-adq"]);
    for _ in 0..2 {
        assert!(!is_known(&scratch, &[]), "what leads to a key is searched for every time");
    }
}

/// Something that happens to a repository between two audits.
fn happen(scratch: &Scratch, what: u8, number: u64) {
    let git = |args: &[&str]| drop(scratch.try_git("repo", args, b""));
    let back = format!("HEAD~{}", number % 3);
    match what {
        0 | 1 => {
            scratch.write(&format!("repo/d-{}/f-{}.gz", number % 2, number % 3), broken(number % 4));
            scratch.commit("repo", "a container");
        }
        2 => {
            git(&["mv", "-f", "a/renamed.gz", &format!("moved-{}.gz", number % 3)]);
            scratch.commit("repo", "moved");
        }
        3 => git(&["update-ref", "refs/heads/side", &back]),
        4 => git(&["update-ref", "-d", "refs/heads/side"]),
        5 => git(&["reset", "-q", "--hard", "HEAD~1"]),
        6 => git(&["reflog", "expire", "--expire=now", "--all"]),
        7 => git(&["gc", "-q", "--prune=now"]),
        8 => git(&["checkout", "-q", "--detach", &back]),
        9 => git(&["tag", "-f", "t", &format!("{back}:two.gz")]),
        10 => git(&["tag", "-f", "t", &format!("{back}^{{tree}}")]),
        11 => git(&["update-ref", "ORIG_HEAD", &back]),
        12 => {
            let mut entries: Vec<_> =
                fs::read_dir(scratch.path("cache")).unwrap().map(|entry| entry.unwrap().path()).collect();
            entries.sort();
            let (from, to) = (number as usize % entries.len(), (number / 7) as usize % entries.len());
            fs::copy(&entries[from], &entries[to]).unwrap();
        }
        _ => git(&["repack", "-dq"]),
    }
}

#[test]
fn a_cached_audit_names_unopened_containers_as_an_uncached_one_after_random_events() {
    let config = Config { cases: 5, rng_seed: RngSeed::Fixed(11), max_shrink_iters: 0, ..Config::default() };
    let events = proptest::collection::vec((0u8..14, 0u64..10_000), 4..8);
    let known = Cell::new(0);
    let count = |is_known: bool| known.set(known.get() + usize::from(is_known));
    let checked = TestRunner::new(config).run(&events, |events| {
        let scratch = repository();
        agree(&scratch, &[]);
        for (what, number) in events {
            happen(&scratch, what, number);
            count(is_known(&scratch, &[]));
            if number % 3 > 0 {
                scratch.git("repo", &["repack", "-adq"]);
                agree(&scratch, &[]);
                let options: &[&str] = if number % 5 == 0 { &["--no-unreachable"] } else { &[] };
                count(is_known(&scratch, options));
            }
        }
        Ok(())
    });
    assert_eq!(checked, Ok(()));
    assert!(known.get() > 5, "{known:?}");
}
