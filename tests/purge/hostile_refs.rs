//! Tests refs whose names lead out of the new repository or are not accepted by git: they are not carried over, and the
//! report counts them.

use std::path::PathBuf;

use serde_json::Value;

use crate::support::{Scratch, key};
use crate::treatments::purged;

/// The tables of refs of `repo`.
fn tables(scratch: &Scratch) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(scratch.path("repo/.git/reftable")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "ref")).collect()
}

/// Renames the ref `old` to `new`, of the same length, in the files of the repository, since git would reject the name.
fn patch(scratch: &Scratch, old: &str, new: &str) {
    assert_eq!(old.len(), new.len());
    let mut patched = 0;
    for table in tables(scratch) {
        let mut bytes = std::fs::read(&table).unwrap();
        // A table may store only the part of a name that differs from the previous one.
        let stored = (0..old.len() - 8)
            .find_map(|from| Some((from, memchr::memmem::find(&bytes, &old.as_bytes()[from..])?)));
        if let Some((from, at)) = stored {
            bytes[at..at + old.len() - from].copy_from_slice(&new.as_bytes()[from..]);
            std::fs::remove_file(&table).unwrap();
            std::fs::write(&table, bytes).unwrap();
            patched += 1;
        }
    }
    assert!(patched > 0, "the ref is in a table");
}

fn misnamed(report: &Value) -> Option<u64> {
    let left = report["not_carried_over"].as_array().unwrap();
    left.iter().find(|one| one["what"] == "misnamed-refs").map(|one| one["count"].as_u64().unwrap())
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
        patch(&scratch, &old, new);
        scratch.write("outsider", "precious\n");
        let report = purged(&scratch);
        assert_eq!(std::fs::read(scratch.path("outsider")).unwrap(), b"precious\n");
        assert_eq!(misnamed(&report), Some(1), "{new}");
        assert_eq!(scratch.git("new.git", &["for-each-ref", "--format=%(refname)"]), "refs/heads/main");
    }
}

#[test]
fn names_that_git_does_not_accept_are_not_carried_over() {
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
    let report = purged(&scratch);
    assert_eq!(misnamed(&report), Some(5));
    assert_eq!(scratch.git("new.git", &["for-each-ref", "--format=%(refname)"]), "refs/heads/main");
}

#[test]
fn a_head_that_git_does_not_accept_is_replaced() {
    let scratch = Scratch::new();
    scratch.git("", &["init", "-q", "-b", "main", "repo"]);
    scratch.write("repo/.env", format!("K={}\n", key(92)));
    scratch.commit("repo", "leak");
    scratch.write("repo/.git/HEAD", "ref: refs/heads/../../evil\n");
    let report = purged(&scratch);
    assert_eq!(misnamed(&report), Some(1));
    assert_eq!(scratch.git("new.git", &["symbolic-ref", "HEAD"]), "refs/heads/main");
}
