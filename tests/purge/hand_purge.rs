//! Purges with git's own fast-export and fast-import, and writes a report like that of `friskey purge`, so that the tests of
//! `prove` do not depend on the code of `purge`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::git;
use crate::support::{Scratch, fingerprint};

/// The filler for `key`, of the same length.
pub(crate) fn filler(key: &str) -> String {
    format!("sk-proj-{}", "x".repeat(key.len() - 8))
}

/// Rewrites the repository `old` into the bare repository `new` without `key`, in blobs and messages.
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

/// The ids of all objects that refs lead to, with their kinds.
fn objects(scratch: &Scratch, name: &str) -> BTreeSet<(String, String)> {
    let listed = scratch.git(name, &["rev-list", "--objects", "--no-object-names", "--all"]);
    let format = "--batch-check=%(objectname) %(objecttype)";
    let kinds = scratch.git_with(name, &["cat-file", format], format!("{listed}\n").as_bytes());
    let pair = |line: &str| line.split_once(' ').map(|(id, kind)| (id.to_owned(), kind.to_owned())).unwrap();
    kinds.lines().map(pair).collect()
}

fn report(scratch: &Scratch, old: &str, new: &str, key: &str, format: &str) -> Value {
    let walk = ["rev-list", "--all", "--topo-order", "--reverse"];
    let (before, after) = (scratch.git(old, &walk), scratch.git(new, &walk));
    let pairs = before.lines().zip(after.lines()).filter(|(old, new)| old != new);
    let commits: Vec<Value> = pairs.map(|(old, new)| json!({"old": old, "new": new})).collect();
    let rewritten = objects(scratch, old);
    let kept = objects(scratch, new);
    let gone = |kind: &str| -> Vec<Value> {
        let gone = rewritten.difference(&kept).filter(|(_, own)| own == kind);
        // What became of them does not matter to a proof.
        let zero = "0".repeat(before.lines().next().unwrap().len());
        gone.map(|(id, _)| json!({"old": id, "new": zero})).collect()
    };
    let refs = |name| scratch.git(name, &["for-each-ref", "--format=%(refname) %(objectname)"]);
    let (refs_before, refs_after) = (refs(old), refs(new));
    let of = |list: &str, name: &str| -> Option<String> {
        list.lines()
            .filter_map(|line| line.split_once(' '))
            .find(|(n, _)| *n == name)
            .map(|(_, id)| id.into())
    };
    let changed = refs_before.lines().filter_map(|line| line.split_once(' ')).filter_map(|(name, id)| {
        let now = of(&refs_after, name)?;
        (now != id).then(|| json!({"ref": name, "new_ref": name, "old": id, "new": now}))
    });
    let (blobs, trees, tags) = (gone("blob"), gone("tree"), gone("tag"));
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
        "ref-map": changed.collect::<Vec<_>>(),
        "objects": {"blobs": blobs, "trees": trees, "tags": tags},
    })
}
