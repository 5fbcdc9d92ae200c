//! Tests audits of objects that name others in a way that cannot be followed.

use serde_json::Value;

use crate::cache::{audit, audit_cached};
use crate::support::{Scratch, key, strings};

/// Writes an object as a loose one, whatever it contains.
fn write_object(scratch: &Scratch, kind: &str, content: &[u8]) -> String {
    let args = ["hash-object", "-w", "-t", kind, "--literally", "--stdin"];
    scratch.git_with("repo", &args, content)
}

/// What is skipped, with the reasons.
fn skips(report: &Value) -> Vec<String> {
    let skipped = report["coverage"]["skipped"].as_array().unwrap();
    skipped
        .iter()
        .map(|skip| strings(&serde_json::json!([skip["what"], skip["reason"]])).join(": "))
        .collect()
}

/// Such an object may name a missing one, which may contain a key.
#[test]
fn a_malformed_object_that_nothing_reaches_is_a_skip() {
    let name = [b"\0", &[7; 20][..]].concat();
    for (kind, content) in [
        ("tree", [b"100644 a", &name[..], b"100644 b"].concat()),
        ("tree", [b"100644", &name[..]].concat()),
        ("tree", [b" a", &name[..]].concat()),
        ("commit", b"tree x\n\nmessage\n".to_vec()),
        ("tag", b"object x\n".to_vec()),
    ] {
        let scratch = Scratch::new();
        scratch.repository("repo");
        let malformed = write_object(&scratch, kind, &content);
        let expected = format!("object {malformed}: malformed; run `git fsck` for details");
        let (report, output) = audit(&scratch, &[]);
        assert!(output.status.code() == Some(3) && skips(&report).contains(&expected), "{report:#}");
        // Packed, it stays out of the cache.
        let all = scratch.git("repo", &["cat-file", "--batch-all-objects", "--batch-check=%(objectname)"]);
        scratch.git_with("repo", &["pack-objects", "-q", ".git/objects/pack/pack"], all.as_bytes());
        scratch.git("repo", &["prune-packed"]);
        for _ in 0..2 {
            audit_cached(&scratch, &[]);
            let (report, output) = audit(&scratch, &["--cache", "cache"]);
            assert!(output.status.code() == Some(3) && skips(&report).contains(&expected), "{report:#}");
        }
    }
}

#[test]
fn a_malformed_tree_of_head_is_one_skip() {
    for has_key in [false, true] {
        let scratch = Scratch::new();
        scratch.repository("repo");
        if has_key {
            scratch.write("repo/config", key(1));
            scratch.commit("repo", "with a key");
        }
        let malformed = write_object(&scratch, "tree", b"100644 cut");
        let commit = scratch.git("repo", &["commit-tree", "-m", "malformed", "-p", "HEAD", &malformed]);
        scratch.git("repo", &["update-ref", "refs/heads/main", &commit]);
        let (report, output) = audit(&scratch, &[]);
        assert_eq!(output.status.code(), Some(if has_key { 1 } else { 3 }));
        assert_eq!(skips(&report).iter().filter(|skip| skip.contains(&malformed)).count(), 1, "{report:#}");
    }
}
