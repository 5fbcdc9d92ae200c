//! Purges random histories, and compares each with the old one, object by object, through git.

use std::collections::BTreeSet;

use friskey::git::HashKind;
use serde_json::json;

use crate::comparison::Comparison;
use crate::random_history::{NOTE_KEY, generate};
use crate::support::{Scratch, fingerprint, json as parse, key, stderr};

/// The seeds of the histories to test, unless the environment variable `FRISKEY_SEEDS` is set, for example to `24..1000`.
const DEFAULT_SEEDS: std::ops::Range<u64> = 0..24;

fn seeds() -> std::ops::Range<u64> {
    let variable = std::env::var("FRISKEY_SEEDS").ok();
    let range = variable.as_deref().and_then(|text| text.split_once(".."));
    range.map_or(DEFAULT_SEEDS, |(start, end)| start.parse().unwrap()..end.parse().unwrap())
}

fn purge_and_compare(seed: u64, hash: HashKind) {
    let scratch = Scratch::new();
    let history = generate(&scratch, "old.git", seed, hash, false);

    let purged = scratch.friskey(&["purge", "old.git", "--into", "new.git", "--report", "purge.json"]);
    assert_eq!(purged.status.code(), Some(0), "seed {seed}: {}", stderr(&purged));
    let report: serde_json::Value =
        serde_json::from_slice(&std::fs::read(scratch.path("purge.json")).unwrap()).unwrap();
    assert_eq!(report["status"], "done", "seed {seed}");
    for number in 1..=NOTE_KEY {
        assert!(!report.to_string().contains(&key(number)), "seed {seed}: the report has a key");
    }
    Comparison::new(&scratch, ("old.git", "new.git"), &report, &history).check();
    assert_eq!(
        scratch.git("new.git", &["symbolic-ref", "HEAD"]),
        scratch.git("old.git", &["symbolic-ref", "HEAD"])
    );
    let count = |name: &str| -> u64 { scratch.git(name, &["rev-list", "--all", "--count"]).parse().unwrap() };
    assert!(count("new.git") <= count("old.git"), "seed {seed}: the purge added commits");
    let fsck = scratch.try_git("new.git", &["fsck", "--full", "--strict"]);
    let complaints = [&fsck.stdout[..], &fsck.stderr].concat();
    assert!(fsck.status.success(), "seed {seed}: {}", String::from_utf8_lossy(&complaints));
    assert_eq!(String::from_utf8_lossy(&complaints), "", "seed {seed}");
    let history = scratch.friskey(&["history", "new.git", "--format", "json"]);
    let audit = parse(&history);
    assert_eq!(
        (history.status.code(), &audit["status"]),
        (Some(0), &json!("clean")),
        "seed {seed}: {audit:#}"
    );
    assert_eq!(audit["coverage"]["skipped"], json!([]), "seed {seed}");
    let proof = scratch.friskey(&["prove", "new.git", "--report", "purge.json", "--format", "json"]);
    let proof_object = parse(&proof);
    assert_eq!(proof.status.code(), Some(0), "seed {seed}: {proof_object:#}");
    let proof = scratch.friskey(&["prove", "old.git", "--report", "purge.json", "--format", "json"]);
    let proof_object = parse(&proof);
    assert_eq!(proof.status.code(), Some(1), "seed {seed}: {proof_object:#}");
    let keys: Vec<_> =
        report["keys"].as_array().unwrap().iter().map(|key| key["fingerprint"].clone()).collect();
    assert!(
        keys.iter()
            .all(|fingerprint_of_key| (1..=NOTE_KEY).any(|n| *fingerprint_of_key == fingerprint(&key(n)))),
        "seed {seed}: {keys:?}"
    );
}

#[test]
fn a_purged_random_history_differs_only_where_it_must() {
    for seed in seeds() {
        purge_and_compare(seed, HashKind::Sha1);
    }
}

#[test]
fn a_purged_random_history_with_sha256_ids_differs_only_where_it_must() {
    for seed in seeds().step_by(6) {
        purge_and_compare(1000 + seed, HashKind::Sha256);
    }
}

#[test]
fn random_histories_are_valid_and_have_keys_on_every_surface() {
    // Surfaces and encodings.
    let mut found_in = BTreeSet::new();
    for seed in 0..6 {
        let scratch = Scratch::new();
        generate(&scratch, "old.git", seed, HashKind::Sha1, false);
        let fsck = scratch.try_git("old.git", &["fsck", "--full", "--strict"]);
        assert!(fsck.status.success(), "seed {seed}: {}", stderr(&fsck));
        let audit = parse(&scratch.friskey(&["history", "old.git", "--format", "json"]));
        assert_eq!(audit["status"], "findings", "seed {seed}: {audit:#}");
        assert_eq!(audit["coverage"]["skipped"], json!([]), "seed {seed}");
        let findings =
            audit["leaks"].as_array().unwrap().iter().flat_map(|leak| leak["findings"].as_array().unwrap());
        for finding in findings {
            found_in.insert(finding["surface"].as_str().unwrap().to_owned());
            found_in.insert(finding["encoding"].as_str().unwrap().to_owned());
        }
    }
    for name in [
        "blob",
        "file-name",
        "commit-message",
        "identity",
        "tag-message",
        "note",
        "ref-name",
        "unreachable",
        "base64",
        "hex",
        "utf-16le",
    ] {
        assert!(found_in.contains(name), "{name}: {found_in:?}");
    }
}
