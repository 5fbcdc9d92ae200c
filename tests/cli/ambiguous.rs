//! Tests that a pushed tag with the name of a branch hides no part of a change from a scan.

use crate::support::{Scratch, key, leak, report};

/// A change with a key, and tags at its end that are called like the branch it goes to.
fn change(refs: &str) -> (Scratch, String) {
    let scratch = Scratch::new();
    scratch.write(".gitconfig", format!("[init]\n\tdefaultRefFormat = {refs}\n"));
    scratch.repository("r");
    let base = scratch.git("r", &["rev-parse", "HEAD"]);
    scratch.git("r", &["update-ref", "refs/remotes/origin/main", "HEAD"]);
    scratch.git("r", &["checkout", "-q", "-b", "change"]);
    scratch.write("r/a.env", key(1));
    scratch.commit("r", "with a key");
    (scratch, base)
}

#[test]
fn a_name_of_several_things_is_refused() {
    for refs in ["files", "reftable"] {
        let (scratch, base) = change(refs);
        let short = &base[..10];
        let status = |args: &[&str]| {
            let output = scratch.friskey("r", &[args, &["--format", "json"]].concat());
            (output.status.code().unwrap(), report(&output))
        };
        let asked: [&[&str]; 8] = [
            &["history", "--range", "origin/main..HEAD"],
            &["history", "--range", "HEAD --not origin/main"],
            &["history", "--range", "HEAD ^main"],
            &["history", "--range", &format!("{short}..HEAD")],
            &["ci", "--base", "origin/main"],
            &["ci", "--base", "main"],
            &["ci", "--base", short],
            &["ci", "--base", "origin/main~0", "--head", "HEAD"],
        ];
        for args in asked {
            assert_eq!(status(args).0, 1, "{args:?} before");
        }
        // Another name for the same target is not ambiguous.
        scratch.git("r", &["tag", "-a", "-m", "same", "origin/main", &base]);
        assert_eq!(status(asked[0]).0, 1, "the same target");
        for name in
            ["origin/main", "main", short, &base, "HEAD", "refs/remotes/origin/main", "refs/heads/gone"]
        {
            scratch.git("r", &["update-ref", &format!("refs/tags/{name}"), "refs/heads/change"]);
        }
        for args in asked {
            let (code, report) = status(args);
            assert_eq!(code, 3, "{refs}, {args:?}: {report:#}");
            let skipped = report["coverage"]["skipped"].to_string();
            assert!(skipped.contains("is ambiguous, it may be "), "{skipped}");
        }
        let (_, json) = status(asked[0]);
        let skipped = json["coverage"]["skipped"].to_string();
        for part in ["refs/tags/origin/main", "refs/remotes/origin/main (", "e.g. `refs/remotes/origin/main`"]
        {
            assert!(skipped.contains(part), "{part}: {skipped}");
        }
        // The end of a range.
        scratch.git("r", &["tag", "change", &base]);
        assert_eq!(status(&["history", "--range", "refs/heads/main..change"]).0, 3);
        // Full names and full ids are never ambiguous.
        let full = format!("{base}..refs/heads/change");
        for range in ["refs/remotes/origin/main..HEAD", &full, "refs/heads/main..@"] {
            let (code, report) = status(&["history", "--range", range]);
            assert_eq!(code, 1, "{range}");
            assert!(leak(&report, &key(1)).is_some(), "{range}");
        }
        assert_eq!(status(&["history", "--range", "refs/heads/gone..HEAD"]).0, 3);
    }
}

#[test]
fn an_ambiguous_base_obeys_nothing_of_the_change() {
    let (scratch, _) = change("files");
    scratch.write("r/friskey.toml", "exclude = [\"*.env\"]\n");
    scratch.commit("r", "excuses itself");
    let args = ["scan", "--format", "json", "--policy-from", "origin/main"];
    assert_eq!(scratch.friskey("r", &args).status.code(), Some(1));
    scratch.git("r", &["tag", "origin/main", "HEAD"]);
    let output = scratch.friskey("r", &args);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let notes = report(&output)["notes"].to_string();
    assert!(notes.contains("`origin/main` is ambiguous"), "{notes}");
    assert!(notes.contains("no configuration, baseline, rules or ignore files"), "{notes}");
}
