//! Compares audits with a cache to audits without one after random events in the repository.

use std::fs;
use std::path::PathBuf;

use proptest::test_runner::{Config, RngSeed, TestRunner};

use crate::cache::{audit_cached, gzip, repository};
use crate::support::{Scratch, key};

/// The options of the audits. Three sets are empty, so that audits in a row often have the same options and use the cache.
const OPTIONS: &[&[&str]] = &[
    &[],
    &[],
    &[],
    &["--surfaces", "-index"],
    &["--surfaces", "-blob"],
    &["--min-confidence", "high"],
    &["--no-unreachable"],
    &["--max-depth", "0"],
    &["--max-unpacked", "100"],
    &["--threads", "3"],
];

/// A rule for tokens with `len` characters after their prefix.
fn token_rule(len: usize) -> String {
    format!(
        "[[rule]]\nid = \"acme-token\"\ndescription = \"A token.\"\nexamples = ['acme-{{base62:{len}}}']\n\
         counter_examples = ['acme-']\n[[rule.variant]]\nkeywords = [\"acme-\"]\n\
         pattern = '(?<prefix>acme-)[A-Za-z0-9]{{{len}}}\\b'\n"
    )
}

/// Makes one of 14 kinds of change to the repository, its rules or the cache. Kinds from 13 on are the same.
fn apply_event(scratch: &Scratch, kind: u8, number: u64) {
    let git = |args: &[&str]| drop(scratch.try_git("repo", args, b""));
    match kind {
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
        11 | 12 => {
            // Each version of the rule finds tokens of another length.
            let len = 18 + number as usize % 5;
            scratch.write("repo/token", format!("token = acme-{}\n", "k7".repeat(len / 2)));
            scratch.commit("repo", "a token");
            scratch.write("rules.toml", token_rule(len));
        }
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
                    let shorter_len = number as usize % bytes.len().max(1);
                    bytes.truncate(shorter_len);
                    bytes
                }
            };
            fs::write(file, bytes).unwrap();
        }
    }
}

#[test]
fn a_cached_audit_equals_an_uncached_one_after_random_events() {
    let config = Config { cases: 4, rng_seed: RngSeed::Fixed(7), max_shrink_iters: 0, ..Config::default() };
    let events = proptest::collection::vec((0u8..16, 0u64..10_000), 4..9);
    let checked = TestRunner::new(config).run(&events, |events| {
        let scratch = repository();
        audit_cached(&scratch, &[]);
        for (kind, number) in events {
            apply_event(&scratch, kind, number);
            let options = OPTIONS[number as usize % OPTIONS.len()];
            audit_cached(&scratch, options);
            if scratch.path("rules.toml").exists() {
                audit_cached(&scratch, &[options, &["--rules", "rules.toml"]].concat());
            }
        }
        Ok(())
    });
    assert_eq!(checked, Ok(()));
}
