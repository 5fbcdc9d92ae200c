//! Tests that a purge does not carry over refs whose names git rejects, some of which lead out of the new repository, and
//! that the report counts them.

use std::path::PathBuf;

use serde_json::Value;

use crate::replacement::purge_and_check;
use crate::support::{Scratch, key};

/// The reftables of `repo`.
fn reftables(scratch: &Scratch) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(scratch.path("repo/.git/reftable")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "ref")).collect()
}

/// Renames the ref `old` to `new`, of the same length, in the reftables of `repo`, since git would reject the name.
fn patch_ref_name(scratch: &Scratch, old: &str, new: &str) {
    assert_eq!(old.len(), new.len());
    let mut patched = 0;
    for table in reftables(scratch) {
        let mut bytes = std::fs::read(&table).unwrap();
        // A table may store only the part of a name that differs from the previous one.
        let suffix = (0..old.len() - 8)
            .find_map(|start| Some((start, memchr::memmem::find(&bytes, &old.as_bytes()[start..])?)));
        if let Some((start, at)) = suffix {
            bytes[at..at + old.len() - start].copy_from_slice(&new.as_bytes()[start..]);
            std::fs::remove_file(&table).unwrap();
            std::fs::write(&table, bytes).unwrap();
            patched += 1;
        }
    }
    assert!(patched > 0, "no reftable contains {old}");
}

/// The number of refs that were not carried over because of their names, according to the report.
fn misnamed_refs(report: &Value) -> Option<u64> {
    let rows = report["not_carried_over"].as_array().unwrap();
    rows.iter().find(|row| row["what"] == "misnamed-refs").map(|row| row["count"].as_u64().unwrap())
}

#[test]
fn a_ref_name_cannot_write_outside_the_new_repository() {
    for new in ["refs/heads/../../../outsider", "refs/../../deep/../outsider/"] {
        let scratch = Scratch::new();
        scratch.git("", &["init", "-q", "-b", "main", "--ref-format=reftable", "repo"]);
        scratch.write("repo/.env", format!("K={}\n", key(90)));
        scratch.commit("repo", "leak");
        let old = format!("refs/heads/{}", "z".repeat(new.len() - 11));
        scratch.git("repo", &["symbolic-ref", &old, "refs/heads/main"]);
        scratch.git("repo", &["pack-refs", "--all"]);
        patch_ref_name(&scratch, &old, new);
        scratch.write("outsider", "precious\n");
        let report = purge_and_check(&scratch);
        assert_eq!(std::fs::read(scratch.path("outsider")).unwrap(), b"precious\n");
        assert_eq!(misnamed_refs(&report), Some(1), "{new}");
        assert_eq!(scratch.git("new.git", &["for-each-ref", "--format=%(refname)"]), "refs/heads/main");
    }
}

#[test]
fn refs_with_names_that_git_rejects_are_not_carried_over() {
    let scratch = Scratch::new();
    scratch.git("", &["init", "-q", "-b", "main", "repo"]);
    scratch.write("repo/.env", format!("K={}\n", key(91)));
    let id = scratch.commit("repo", "leak");
    scratch.git("repo", &["pack-refs", "--all"]);
    let packed = std::fs::read_to_string(scratch.path("repo/.git/packed-refs")).unwrap();
    scratch.write("repo/.git/packed-refs", format!("{packed}{id} refs/heads/../../../outsider\n"));
    for name in ["tmp~", ".x.swp", "a b"] {
        scratch.write(&format!("repo/.git/refs/heads/{name}"), format!("{id}\n"));
    }
    scratch.write("repo/.git/refs/heads/leads-out", "ref: refs/heads/../../../outsider\n");
    let report = purge_and_check(&scratch);
    assert_eq!(misnamed_refs(&report), Some(5));
    assert_eq!(scratch.git("new.git", &["for-each-ref", "--format=%(refname)"]), "refs/heads/main");
}

#[test]
fn a_head_with_a_name_that_git_rejects_becomes_main() {
    let scratch = Scratch::new();
    scratch.git("", &["init", "-q", "-b", "main", "repo"]);
    scratch.write("repo/.env", format!("K={}\n", key(92)));
    scratch.commit("repo", "leak");
    scratch.write("repo/.git/HEAD", "ref: refs/heads/../../evil\n");
    let report = purge_and_check(&scratch);
    assert_eq!(misnamed_refs(&report), Some(1));
    assert_eq!(scratch.git("new.git", &["symbolic-ref", "HEAD"]), "refs/heads/main");
}
