//! Purges random histories, and compares each with the old one, object by object, through git.

use std::collections::BTreeSet;

use friskey::git::HashKind;
use serde_json::json;

use crate::comparison::Comparison;
use crate::random_history::{NOTE_KEY, make};
use crate::support::{Scratch, fingerprint, json as parse, key, stderr};

/// The seeds of the histories that are tried, unless `FRISKEY_SEEDS` names others.
const SEEDS: std::ops::Range<u64> = 0..24;

fn seeds() -> std::ops::Range<u64> {
    let asked = std::env::var("FRISKEY_SEEDS").ok();
    let range = asked.as_deref().and_then(|text| text.split_once(".."));
    range.map_or(SEEDS, |(first, end)| first.parse().unwrap()..end.parse().unwrap())
}

fn purge_and_compare(seed: u64, hash: HashKind) {
    let scratch = Scratch::new();
    let history = make(&scratch, "old.git", seed, hash, false);
    let before = scratch.git("old.git", &["rev-list", "--all", "--count"]);
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
    assert!(scratch.git("new.git", &["rev-list", "--all", "--count"]) <= before);
    let fsck = scratch.try_git("new.git", &["fsck", "--full", "--strict"]);
    let said = [&fsck.stdout[..], &fsck.stderr].concat();
    assert!(fsck.status.success(), "seed {seed}: {}", String::from_utf8_lossy(&said));
    assert_eq!(String::from_utf8_lossy(&said), "", "seed {seed}");
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
        keys.iter().all(|one| (1..=NOTE_KEY).any(|n| *one == fingerprint(&key(n)))),
        "seed {seed}: {keys:?}"
    );
}

#[test]
fn a_purged_random_history_differs_in_the_planned_places_and_nowhere_else() {
    for seed in seeds() {
        purge_and_compare(seed, HashKind::Sha1);
    }
}

#[test]
fn histories_with_sha_256_ids_are_purged_alike() {
    for seed in seeds().step_by(6) {
        purge_and_compare(1000 + seed, HashKind::Sha256);
    }
}

/// Git finds no fault in the generated histories, and they contain keys.
#[test]
fn random_histories_are_sound_and_full_of_keys() {
    let mut surfaces = BTreeSet::new();
    for seed in 0..6 {
        let scratch = Scratch::new();
        make(&scratch, "old.git", seed, HashKind::Sha1, false);
        let fsck = scratch.try_git("old.git", &["fsck", "--full", "--strict"]);
        assert!(fsck.status.success(), "seed {seed}: {}", stderr(&fsck));
        let audit = parse(&scratch.friskey(&["history", "old.git", "--format", "json"]));
        assert_eq!(audit["status"], "findings", "seed {seed}: {audit:#}");
        assert_eq!(audit["coverage"]["skipped"], json!([]), "seed {seed}");
        let findings =
            audit["leaks"].as_array().unwrap().iter().flat_map(|leak| leak["findings"].as_array().unwrap());
        for finding in findings {
            surfaces.insert(finding["surface"].as_str().unwrap().to_owned());
            surfaces.insert(finding["encoding"].as_str().unwrap().to_owned());
        }
    }
    for surface in [
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
        assert!(surfaces.contains(surface), "{surface}: {surfaces:?}");
    }
}
