//! Tests that a pushed tag that is named like a branch hides no part of a change from a scan.

use crate::support::{Scratch, key, leak, report};

/// A repository that stores its refs in `ref_format`, with a key in a commit on the branch `change`, and the id of the
/// commit before it, where `origin/main` is.
fn repository_with_change(ref_format: &str) -> (Scratch, String) {
    let scratch = Scratch::new();
    scratch.write(".gitconfig", format!("[init]\n\tdefaultRefFormat = {ref_format}\n"));
    scratch.repository("r");
    let base = scratch.git("r", &["rev-parse", "HEAD"]);
    scratch.git("r", &["update-ref", "refs/remotes/origin/main", "HEAD"]);
    scratch.git("r", &["checkout", "-q", "-b", "change"]);
    scratch.write("r/a.env", key(1));
    scratch.commit("r", "with a key");
    (scratch, base)
}

#[test]
fn a_name_that_fits_two_refs_or_an_id_is_refused() {
    for ref_format in ["files", "reftable"] {
        let (scratch, base) = repository_with_change(ref_format);
        let abbreviated = &base[..10];
        let run = |args: &[&str]| {
            let output = scratch.friskey("r", &[args, &["--format", "json"]].concat());
            (output.status.code().unwrap(), report(&output))
        };
        let commands: [&[&str]; 8] = [
            &["history", "--range", "origin/main..HEAD"],
            &["history", "--range", "HEAD --not origin/main"],
            &["history", "--range", "HEAD ^main"],
            &["history", "--range", &format!("{abbreviated}..HEAD")],
            &["ci", "--base", "origin/main"],
            &["ci", "--base", "main"],
            &["ci", "--base", abbreviated],
            &["ci", "--base", "origin/main~0", "--head", "HEAD"],
        ];
        for args in commands {
            assert_eq!(run(args).0, 1, "{args:?} before there are ambiguous names");
        }
        // Another name for the same target is not ambiguous.
        scratch.git("r", &["tag", "-a", "-m", "same", "origin/main", &base]);
        assert_eq!(run(commands[0]).0, 1, "the same target");
        for name in
            ["origin/main", "main", abbreviated, &base, "HEAD", "refs/remotes/origin/main", "refs/heads/gone"]
        {
            scratch.git("r", &["update-ref", &format!("refs/tags/{name}"), "refs/heads/change"]);
        }
        for args in commands {
            let (status, report) = run(args);
            assert_eq!(status, 3, "{ref_format}, {args:?}: {report:#}");
            let skipped = report["coverage"]["skipped"].to_string();
            assert!(skipped.contains("is ambiguous, it may be "), "{skipped}");
        }
        let (_, report) = run(commands[0]);
        let skipped = report["coverage"]["skipped"].to_string();
        for part in ["refs/tags/origin/main", "refs/remotes/origin/main (", "e.g. `refs/remotes/origin/main`"]
        {
            assert!(skipped.contains(part), "{part}: {skipped}");
        }
        // The end of a range may be ambiguous, too.
        scratch.git("r", &["tag", "change", &base]);
        assert_eq!(run(&["history", "--range", "refs/heads/main..change"]).0, 3);
        // Full names and full ids are never ambiguous.
        let full = format!("{base}..refs/heads/change");
        for range in ["refs/remotes/origin/main..HEAD", &full, "refs/heads/main..@"] {
            let (status, report) = run(&["history", "--range", range]);
            assert_eq!(status, 1, "{range}");
            assert!(leak(&report, &key(1)).is_some(), "{range}");
        }
        // The full name of a missing branch does not fall back to the tag `refs/tags/refs/heads/gone`.
        assert_eq!(run(&["history", "--range", "refs/heads/gone..HEAD"]).0, 3);
    }
}

#[test]
fn an_ambiguous_policy_base_applies_no_policy_of_the_change() {
    let (scratch, _) = repository_with_change("files");
    scratch.write("r/friskey.toml", "exclude = [\"*.env\"]\n");
    scratch.commit("r", "exclude the key");
    let args = ["scan", "--format", "json", "--policy-from", "origin/main"];
    assert_eq!(scratch.friskey("r", &args).status.code(), Some(1));
    scratch.git("r", &["tag", "origin/main", "HEAD"]);
    let output = scratch.friskey("r", &args);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let notes = report(&output)["notes"].to_string();
    assert!(notes.contains("`origin/main` is ambiguous"), "{notes}");
    assert!(notes.contains("no configuration, baseline, rules or ignore files"), "{notes}");
}
