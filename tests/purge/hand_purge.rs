//! Purges a repository with git's fast-export and fast-import, and writes a report like that of `friskey purge`, so that the
//! tests of `prove` do not depend on the code of `purge`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::git;
use crate::support::{Scratch, fingerprint};

/// Text of the same length to replace `key`.
fn filler(key: &str) -> String {
    format!("sk-proj-{}", "x".repeat(key.len() - 8))
}

/// Rewrites the repository `old` into the bare repository `new`, with a filler in place of `key` in blobs and messages.
/// Returns the report.
pub(crate) fn rewrite(scratch: &Scratch, old: &str, new: &str, key: &str) -> Value {
    let export = ["fast-export", "--all", "--signed-tags=strip", "--reencode=no", "--show-original-ids"];
    let stream = git::stdout(scratch.command("git", old).args(export), b"");
    let stream = replace_all(&stream, key.as_bytes(), filler(key).as_bytes());
    let format = scratch.git(old, &["rev-parse", "--show-object-format"]);
    scratch.git("", &["init", "-q", "--bare", "-b", "main", &format!("--object-format={format}"), new]);
    let marks = scratch.path("marks");
    let import = ["fast-import", "--quiet", "--force", &format!("--export-marks={}", marks.display())];
    git::stdout(scratch.command("git", new).args(import), &stream);
    report(scratch, old, new, key, &format)
}

fn replace_all(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at..].starts_with(from) {
            out.extend_from_slice(to);
            at += from.len();
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    out
}

/// The ids of all reachable objects, with their kinds.
fn reachable_objects(scratch: &Scratch, name: &str) -> BTreeSet<(String, String)> {
    let ids = scratch.git(name, &["rev-list", "--objects", "--no-object-names", "--all"]);
    let format = "--batch-check=%(objectname) %(objecttype)";
    let kinds = scratch.git_with(name, &["cat-file", format], format!("{ids}\n").as_bytes());
    let pair = |line: &str| line.split_once(' ').map(|(id, kind)| (id.to_owned(), kind.to_owned())).unwrap();
    kinds.lines().map(pair).collect()
}

fn report(scratch: &Scratch, old: &str, new: &str, key: &str, format: &str) -> Value {
    let list_commits = ["rev-list", "--all", "--topo-order", "--reverse"];
    let (old_commits, new_commits) = (scratch.git(old, &list_commits), scratch.git(new, &list_commits));
    let pairs = old_commits.lines().zip(new_commits.lines()).filter(|(old, new)| old != new);
    let commits: Vec<Value> = pairs.map(|(old, new)| json!({"old": old, "new": new})).collect();
    let old_objects = reachable_objects(scratch, old);
    let new_objects = reachable_objects(scratch, new);
    let rewritten = |kind: &str| -> Vec<Value> {
        let rewritten = old_objects.difference(&new_objects).filter(|(_, other_kind)| other_kind == kind);
        // A proof does not read the new ids.
        let zero = "0".repeat(old_commits.lines().next().unwrap().len());
        rewritten.map(|(id, _)| json!({"old": id, "new": zero})).collect()
    };
    let refs = |name| scratch.git(name, &["for-each-ref", "--format=%(refname) %(objectname)"]);
    let (old_refs, new_refs) = (refs(old), refs(new));
    let target = |refs: &str, name: &str| -> Option<String> {
        refs.lines()
            .filter_map(|line| line.split_once(' '))
            .find(|(other_name, _)| *other_name == name)
            .map(|(_, id)| id.into())
    };
    let changed_refs = old_refs.lines().filter_map(|line| line.split_once(' ')).filter_map(|(name, id)| {
        let new_id = target(&new_refs, name)?;
        (new_id != id).then(|| json!({"ref": name, "new_ref": name, "old": id, "new": new_id}))
    });
    let (blobs, trees, tags) = (rewritten("blob"), rewritten("tree"), rewritten("tag"));
    let count = commits.len() + blobs.len() + trees.len() + tags.len();
    json!({
        "schema": "friskey/purge/v1",
        "command": "purge",
        "status": "done",
        "repository": {"path": old, "into": new, "object_format": format, "head": "refs/heads/main"},
        "keys": [{
            "fingerprint": fingerprint(key),
            "redacted": format!("sk-proj-…{}", &key[key.len() - 4..]),
            "rule": "openai-project-key",
        }],
        "counts": {"rewritten_commits": commits.len(), "rewritten_objects": count},
        "places": blobs
            .iter()
            .map(|blob| json!({"object": blob["old"], "fingerprint": fingerprint(key)}))
            .collect::<Vec<_>>(),
        "commit-map": commits,
        "ref-map": changed_refs.collect::<Vec<_>>(),
        "objects": {"blobs": blobs, "trees": trees, "tags": tags},
    })
}
