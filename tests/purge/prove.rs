//! Tests `friskey prove`: its results for each kind of clone, and how it handles damaged and hostile reports.

use serde_json::{Value, json};

use crate::hand_purge;
use crate::support::{Scratch, fingerprint, json as parse, key, stderr, stdout};

/// A server with the purged history on its branches and tags, and the old one on [`HIDDEN_REFS`].
struct Server {
    scratch: Scratch,
    /// The commit that introduced the key.
    leak_commit: String,
    /// The report of the purge.
    report: Value,
}

/// Refs that a plain clone does not fetch.
const HIDDEN_REFS: [&str; 3] = ["refs/pull/7/head", "refs/merge-requests/3/head", "refs/keep-around/abc"];

impl Server {
    fn new() -> Self {
        Self::with_object_format("sha1")
    }

    /// Purges a repository with `sha1` or `sha256` ids. [`Self::push`] creates the server.
    fn with_object_format(format: &str) -> Self {
        let scratch = Scratch::new();
        scratch.git("", &["init", "-q", "-b", "main", &format!("--object-format={format}"), "old"]);
        scratch.write("old/README", "hello\n");
        scratch.commit("old", "before the key");
        scratch.write("old/src/app.py", format!("client(\"{}\")\n", key(1)));
        let leak_commit = scratch.commit("old", "with the key");
        scratch.git("old", &["tag", "-a", "-m", "release", "v1"]);
        scratch.write("old/src/app.py", "client(os.environ)\n");
        scratch.commit("old", "without the key");
        for name in HIDDEN_REFS {
            scratch.git("old", &["update-ref", name, "HEAD"]);
        }
        let report = hand_purge::rewrite(&scratch, "old", "new.git", &key(1));
        assert_eq!(report["commit-map"].as_array().unwrap().len(), 2);
        scratch.write("purge.json", report.to_string());
        Self { scratch, leak_commit, report }
    }

    /// Creates the server as it is after the push: with the purged history, and the refs in `hidden` that lead to the old
    /// one.
    fn push(&self, hidden: &[&str]) {
        let scratch = &self.scratch;
        scratch.git("", &["clone", "-q", "--bare", "new.git", "server.git"]);
        scratch.git("server.git", &["remote", "remove", "origin"]);
        let names = scratch.git("server.git", &["for-each-ref", "--format=%(refname)"]);
        for name in names.lines().filter(|name| HIDDEN_REFS.contains(name)) {
            scratch.git("server.git", &["update-ref", "-d", name]);
        }
        for name in hidden {
            scratch.git("old", &["push", "-q", "../server.git", &format!("HEAD:{name}")]);
        }
    }

    fn url(&self) -> String {
        format!("file://{}", self.scratch.path("server.git").display())
    }

    fn clone(&self, options: &[&str]) {
        let _ = std::fs::remove_dir_all(self.scratch.path("clone"));
        let url = self.url();
        self.scratch.git("", &[&["clone", "-q"], options, &[&*url, "clone"]].concat());
    }

    fn prove(&self) -> (Option<i32>, Value) {
        let output = self.scratch.friskey(&["prove", "clone", "--report", "purge.json", "--format", "json"]);
        (output.status.code(), parse(&output))
    }

    /// The output without `--format json`.
    fn prove_human(&self) -> String {
        stdout(&self.scratch.friskey(&["prove", "clone", "--report", "purge.json"]))
    }
}

/// Why the proof is incomplete.
fn reasons(proof: &Value) -> String {
    proof["not_seen"].to_string()
}

/// The refs that still lead to a key or an old object.
fn ref_names(proof: &Value) -> Vec<&str> {
    proof["refs"].as_array().unwrap().iter().map(|row| row["ref"].as_str().unwrap()).collect()
}

#[test]
fn a_mirror_clone_of_a_purged_server_is_proven() {
    let server = Server::new();
    server.push(&[]);
    server.clone(&["--mirror"]);
    let (status, proof) = server.prove();
    assert_eq!((status, &proof["status"]), (Some(0), &json!("proven")), "{proof:#}");
    assert_eq!(proof["schema"], "friskey/prove/v1");
    assert_eq!(proof["clone"]["kind"], "mirror");
    assert_eq!(proof["keys"][0]["fingerprint"], *fingerprint(&key(1)));
    assert_eq!(proof["keys"][0]["found"], false);
    assert_eq!((&proof["refs"], &proof["not_seen"]), (&json!([]), &json!([])));
    // The commit with the key, its two trees and its blob; the one after it; the tag.
    assert_eq!(proof["old_objects"]["sought"], 6);
    assert!(proof["not_provable"].to_string().contains("forks"));
    let text = server.prove_human();
    assert!(text.starts_with("no clone can prove anything about:\n"), "{text}");
    assert!(text.ends_with("none of the old objects\n"), "{text}");
    let quiet = server.scratch.friskey(&["prove", "clone", "--report", "purge.json", "-q"]);
    assert_eq!((quiet.status.code(), stdout(&quiet)), (Some(0), String::new()));
}

#[test]
fn a_plain_clone_proves_nothing_and_says_why() {
    let server = Server::new();
    server.push(&HIDDEN_REFS);
    for options in [&[][..], &["--bare"], &["--no-tags"]] {
        server.clone(options);
        let (status, proof) = server.prove();
        assert_eq!((status, &proof["status"]), (Some(3), &json!("incomplete")), "{options:?}: {proof:#}");
        assert_eq!(proof["clone"]["kind"], "plain");
        assert!(reasons(&proof).contains("git clone --mirror"), "{}", reasons(&proof));
        for name in HIDDEN_REFS {
            assert!(reasons(&proof).contains(name), "{name}: {}", reasons(&proof));
        }
    }
}

#[test]
fn a_clone_whose_remote_was_removed_is_no_proof_while_it_lacks_hidden_refs() {
    let server = Server::new();
    server.push(&HIDDEN_REFS);
    server.clone(&[]);
    server.scratch.git("clone", &["remote", "remove", "origin"]);
    let (status, proof) = server.prove();
    assert_eq!((status, &proof["clone"]["kind"]), (Some(3), &json!("no-remote")), "{proof:#}");
    // The repository that the purge wrote has these refs, rewritten.
    let output = server.scratch.friskey(&["prove", "new.git", "--report", "purge.json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
}

#[test]
fn refs_of_a_mirror_clone_that_still_lead_to_the_key_are_named() {
    let server = Server::new();
    server.push(&HIDDEN_REFS);
    server.clone(&["--mirror"]);
    let (status, proof) = server.prove();
    assert_eq!((status, &proof["status"]), (Some(1), &json!("still-there")), "{proof:#}");
    assert_eq!(ref_names(&proof), HIDDEN_REFS);
    let kinds = ["pull-request", "merge-request", "keep-around"];
    for (row, kind) in proof["refs"].as_array().unwrap().iter().zip(kinds) {
        assert_eq!(row["kind"], kind);
        assert_eq!(row["keys"], json!([fingerprint(&key(1))]));
        assert_eq!(row["old_objects"], json!([server.leak_commit]));
    }
    assert_eq!(proof["keys"][0]["found"], true);
    assert!(proof["keys"][0]["places"].to_string().contains("src/app.py"));
    let text = server.prove_human();
    for part in [
        "refs/pull/7/head",
        "1 ref of a pull request reaches",
        "ask Support",
        "GitLab",
        &server.leak_commit[..10],
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(text.ends_with("still there: this clone contains purged keys or objects\n"), "{text}");
    assert!(!text.contains(&key(1)) && !proof.to_string().contains(&key(1)));
}

#[test]
fn a_mirror_is_proven_once_the_server_lacks_the_old_refs() {
    let server = Server::new();
    server.push(&HIDDEN_REFS);
    for name in HIDDEN_REFS {
        server.clone(&["--mirror"]);
        assert_eq!(server.prove().0, Some(1), "{name} is still there");
        server.scratch.git("server.git", &["update-ref", "-d", name]);
    }
    server.clone(&["--mirror"]);
    assert_eq!(server.prove().0, Some(0));
}

#[test]
fn a_clone_without_all_objects_is_no_proof() {
    let server = Server::new();
    server.push(&[]);
    server.scratch.git("server.git", &["config", "uploadpack.allowFilter", "true"]);
    for (options, reason) in
        [(&["--mirror", "--depth=1"][..], "shallow"), (&["--mirror", "--filter=blob:none"], "partial")]
    {
        server.clone(options);
        let (status, proof) = server.prove();
        assert_eq!(status, Some(3), "{options:?}: {proof:#}");
        assert!(reasons(&proof).contains(reason), "{}", reasons(&proof));
    }
    server.clone(&["--mirror"]);
    let blob = server.scratch.git("clone", &["rev-parse", "HEAD:README"]);
    unpack_objects(&server.scratch, "clone");
    std::fs::remove_file(server.scratch.path(&format!("clone/objects/{}/{}", &blob[..2], &blob[2..])))
        .unwrap();
    let (status, proof) = server.prove();
    assert_eq!(status, Some(3), "{proof:#}");
    assert!(reasons(&proof).contains(&blob), "{}", reasons(&proof));
}

/// Makes every object of the bare repository `name` loose.
fn unpack_objects(scratch: &Scratch, name: &str) {
    for entry in std::fs::read_dir(scratch.path(name).join("objects/pack")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "pack") {
            let pack = std::fs::read(&path).unwrap();
            for extension in ["pack", "idx", "rev"] {
                let _ = std::fs::remove_file(path.with_extension(extension));
            }
            scratch.git_with(name, &["unpack-objects", "-q"], &pack);
        }
    }
}

#[test]
fn unreachable_old_objects_are_found() {
    let server = Server::new();
    server.push(&[]);
    server.clone(&["--mirror"]);
    // Fetch the old history, and delete the refs that the fetch wrote.
    server.scratch.git("clone", &["fetch", "-q", "../old", "main:refs/heads/old"]);
    server.scratch.git("clone", &["update-ref", "-d", "refs/heads/old"]);
    std::fs::remove_file(server.scratch.path("clone/FETCH_HEAD")).unwrap();
    let (status, proof) = server.prove();
    assert_eq!((status, ref_names(&proof).len()), (Some(1), 0), "{proof:#}");
    assert!(server.prove_human().contains("clone again"), "{}", server.prove_human());
}

#[test]
fn fetch_head_is_reported_as_local_to_the_clone() {
    let server = Server::new();
    server.push(&[]);
    server.clone(&["--mirror"]);
    server.scratch.git("clone", &["fetch", "-q", "../old", "main"]);
    let (status, proof) = server.prove();
    assert_eq!((status, ref_names(&proof)), (Some(1), vec!["FETCH_HEAD"]), "{proof:#}");
    assert_eq!(proof["refs"][0]["kind"], "local");
}

/// An old object without a key must be gone, too, since it names objects that have the key in other clones.
#[test]
fn a_rewritten_object_without_a_key_is_found() {
    let server = Server::new();
    server.push(&[]);
    let scratch = &server.scratch;
    let tree = scratch.git("old", &["rev-parse", "HEAD~1:src"]);
    let blob = scratch.git("old", &["rev-parse", "HEAD~1:src/app.py"]);
    server.clone(&["--mirror"]);
    unpack_objects(scratch, "clone");
    let copy = |id: &str| {
        let (dir, file) = id.split_at(2);
        std::fs::create_dir_all(scratch.path(&format!("clone/objects/{dir}"))).unwrap();
        let path = format!("objects/{dir}/{file}");
        std::fs::copy(scratch.path(&format!("old/.git/{path}")), scratch.path(&format!("clone/{path}")))
            .unwrap();
    };
    copy(&tree);
    let (status, proof) = server.prove();
    assert_eq!((status, &proof["old_objects"]["found"]), (Some(1), &json!([{"id": tree, "kind": "tree"}])));
    assert_eq!(proof["keys"][0]["found"], false);
    // A commit on the new history contains the old file again.
    copy(&blob);
    let top = scratch.git_with("clone", &["mktree"], format!("040000 tree {tree}\tsrc\n").as_bytes());
    let commit = scratch.git("clone", &["commit-tree", "-p", "main", "-m", "again", &top]);
    scratch.git("clone", &["update-ref", "refs/heads/again", &commit]);
    let (status, proof) = server.prove();
    assert_eq!((status, ref_names(&proof)), (Some(1), vec!["refs/heads/again"]), "{proof:#}");
}

#[test]
fn an_old_tag_is_found_and_its_ref_named() {
    let server = Server::new();
    server.push(&[]);
    server.scratch.git("old", &["push", "-q", "-f", "../server.git", "v1:refs/tags/v1"]);
    server.clone(&["--mirror"]);
    let (status, proof) = server.prove();
    let tag = server.scratch.git("old", &["rev-parse", "v1"]);
    assert_eq!((status, ref_names(&proof)), (Some(1), vec!["refs/tags/v1"]), "{proof:#}");
    assert!(proof["refs"][0]["old_objects"].to_string().contains(&tag));
}

#[test]
fn nothing_in_the_clone_accepts_a_purged_key() {
    let server = Server::new();
    server.push(&[]);
    server.clone(&[]);
    let scratch = &server.scratch;
    scratch.git("clone", &["config", "--replace-all", "remote.origin.fetch", "+refs/*:refs/remotes/x/*"]);
    scratch.write("clone/a", format!("k = \"{}\" # friskey:allow\n", key(1)));
    scratch.write("clone/friskey.toml", "exclude = [\"*\"]\nsurfaces = [\"config\"]\n");
    let entry = format!("[[accept]]\nfingerprint = \"{}\"\nreason = \"no\"\n", fingerprint(&key(1)));
    scratch.write("clone/.friskey-baseline.toml", entry);
    scratch.commit("clone", "accept it");
    let (status, proof) = server.prove();
    assert_eq!((status, &proof["keys"][0]["found"]), (Some(1), &json!(true)), "{proof:#}");
}

#[test]
fn another_repository_proves_nothing() {
    let server = Server::new();
    let scratch = &server.scratch;
    scratch.git("", &["init", "-q", "-b", "main", "other"]);
    scratch.write("other/a", "a\n");
    scratch.commit("other", "another history");
    scratch.git("", &["clone", "-q", "--mirror", "other", "clone"]);
    let (status, proof) = server.prove();
    assert_eq!(status, Some(3), "{proof:#}");
    assert!(reasons(&proof).contains("none of the report's objects"), "{}", reasons(&proof));
    let output = scratch.friskey(&["prove", "nowhere", "--report", "purge.json"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
}

#[test]
fn a_key_whose_rule_is_not_in_force_is_not_proven_gone() {
    let server = Server::new();
    server.push(&[]);
    server.clone(&["--mirror"]);
    let mut report = server.report.clone();
    report["keys"][0]["rule"] = json!("our-own-key");
    server.scratch.write("purge.json", report.to_string());
    let (status, proof) = server.prove();
    assert_eq!(status, Some(3), "{proof:#}");
    assert!(reasons(&proof).contains("--rules"), "{}", reasons(&proof));
}

#[test]
fn a_replaced_rule_is_listed_once() {
    let server = Server::new();
    server.push(&[]);
    server.clone(&["--mirror"]);
    let rule = "[[rule]]\nid = 'openai-client-secret'\nkeywords = ['abc']\npattern = 'abc[0-9]{9}'\n";
    server.scratch.write("own.toml", rule);
    let options = ["prove", "clone", "--report", "purge.json", "--format", "json", "--rules", "own.toml"];
    let output = server.scratch.friskey(&options);
    let proof = parse(&output);
    assert_eq!(output.status.code(), Some(3), "{proof:#}");
    assert!(reasons(&proof).contains("openai-client-secret"), "{}", reasons(&proof));
    assert_eq!(proof["left_out"], json!([]), "{proof:#}");
}

#[test]
fn clones_with_sha256_ids_can_be_proven() {
    let server = Server::with_object_format("sha256");
    server.push(&HIDDEN_REFS[..1]);
    server.clone(&["--mirror"]);
    let (status, proof) = server.prove();
    assert_eq!((status, ref_names(&proof)), (Some(1), vec![HIDDEN_REFS[0]]), "{proof:#}");
    server.scratch.git("server.git", &["update-ref", "-d", HIDDEN_REFS[0]]);
    server.clone(&["--mirror"]);
    assert_eq!(server.prove().0, Some(0));
    // A report with SHA-1 ids is about another repository.
    let other = Server::new();
    server.scratch.write("purge.json", other.report.to_string());
    let output = server.scratch.friskey(&["prove", "clone", "--report", "purge.json"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("sha1 ids"), "{}", stderr(&output));
}

/// Each field that a proof reads has a value that no purge writes.
#[test]
fn a_damaged_or_hostile_report_is_refused_with_a_clear_error() {
    let server = Server::new();
    server.push(&[]);
    server.clone(&["--mirror"]);
    let scratch = &server.scratch;
    let valid = &server.report;
    let with = |change: &dyn Fn(&mut Value)| {
        let mut report = valid.clone();
        change(&mut report);
        report.to_string()
    };
    let secret = key(9);
    let old = valid["commit-map"][0]["old"].clone();
    let cases: Vec<(&str, String, &str)> = vec![
        ("empty", String::new(), "ends too early"),
        ("truncated", valid.to_string()[..300].to_owned(), "ends too early"),
        ("not JSON", format!("key = {secret}"), "not valid JSON"),
        ("a list", "[]".to_owned(), "a field is missing"),
        ("deeply nested", format!("{{\"more\": {}", "[".repeat(100_000)), "ends too early"),
        ("another report", with(&|r| r["schema"] = json!("friskey/report/v1")), "another schema"),
        ("nothing purged", with(&|r| r["status"] = json!("nothing")), "nothing was purged"),
        ("no keys", with(&|r| r["keys"] = json!([])), "nothing was purged"),
        ("a key in place of a fingerprint", with(&|r| r["keys"][0]["fingerprint"] = json!(secret)), "line 1"),
        (
            "a path in place of an id",
            with(&|r| r["commit-map"][0]["old"] = json!("../../etc/passwd")),
            "line 1",
        ),
        ("a short id", with(&|r| r["objects"]["blobs"][0]["old"] = json!("abcd")), "line 1"),
        ("an id of SHA-256", with(&|r| r["commit-map"][0]["old"] = json!("ab".repeat(32))), "another length"),
        ("the null id", with(&|r| r["commit-map"][0]["old"] = json!("0".repeat(40))), "kept its id"),
        ("an unchanged commit", with(&|r| r["commit-map"][0]["new"] = old.clone()), "kept its id"),
        ("an unknown hash", with(&|r| r["repository"]["object_format"] = json!("md5")), "object format"),
        ("a long name", with(&|r| r["keys"][0]["redacted"] = json!("x".repeat(5000))), "line 1"),
        ("a number in place of a list", with(&|r| r["ref-map"] = json!(7)), "line 1"),
        (
            "another key",
            with(&|r| r["keys"][0]["fingerprint"] = json!("ab".repeat(32))),
            "contradicts itself",
        ),
        ("an empty map of commits", with(&|r| r["commit-map"] = json!([])), "contradicts itself"),
        ("an empty list of blobs", with(&|r| r["objects"]["blobs"] = json!([])), "contradicts itself"),
    ];
    for (case, text, expected) in cases {
        scratch.write("bad.json", text);
        let output = scratch.friskey(&["prove", "clone", "--report", "bad.json"]);
        let error = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{case}: {error}");
        assert!(error.contains("bad.json") && error.contains(expected), "{case}: {error}");
        assert!(!error.contains(&secret[20..40]) && error.len() < 1000, "{case}: {error}");
    }
    for path in ["missing.json", "clone", "/dev/zero"] {
        let output = scratch.friskey(&["prove", "clone", "--report", path]);
        assert_eq!(output.status.code(), Some(2), "{path}: {}", stderr(&output));
        assert!(stderr(&output).contains(path), "{}", stderr(&output));
    }
}

#[test]
fn text_from_a_hostile_report_is_sanitized() {
    let server = Server::new();
    server.push(&[]);
    server.clone(&[]);
    let mut report = server.report.clone();
    report["keys"][0]["redacted"] = json!(format!("\u{1b}[2J{}", key(9)));
    report["keys"][0]["rule"] = json!("a\n::error::b");
    report["ref-map"][0]["new_ref"] = json!("refs/pull/\u{202e}1/head");
    server.scratch.write("purge.json", report.to_string());
    let output = server.scratch.friskey(&["prove", "clone", "--report", "purge.json"]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}') && !text.contains(&key(9)), "{text}");
    assert!(!text.lines().any(|line| line.starts_with("::")), "{text}");
}

#[test]
fn the_report_is_required() {
    let server = Server::new();
    let output = server.scratch.friskey(&["prove", "new.git"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--report"), "{}", stderr(&output));
}
