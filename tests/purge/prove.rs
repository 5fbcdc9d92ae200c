//! Tests `friskey prove`: its results for each kind of clone, and its treatment of damaged and hostile reports.

use serde_json::{Value, json};

use crate::hand_purge;
use crate::support::{Scratch, fingerprint, json as parse, key, stderr, stdout};

/// A server with the purged history on its branches and tags, and the old one on refs that a plain clone does not see.
struct Server {
    scratch: Scratch,
    /// The commit that introduced the key.
    first: String,
    report: Value,
}

const HIDDEN: [&str; 3] = ["refs/pull/7/head", "refs/merge-requests/3/head", "refs/keep-around/abc"];

impl Server {
    fn new() -> Self {
        Self::with_format("sha1")
    }

    fn with_format(format: &str) -> Self {
        let scratch = Scratch::new();
        scratch.git("", &["init", "-q", "-b", "main", &format!("--object-format={format}"), "old"]);
        scratch.write("old/README", "hello\n");
        scratch.commit("old", "before the key");
        scratch.write("old/src/app.py", format!("client(\"{}\")\n", key(1)));
        let first = scratch.commit("old", "with the key");
        scratch.git("old", &["tag", "-a", "-m", "release", "v1"]);
        scratch.write("old/src/app.py", "client(os.environ)\n");
        scratch.commit("old", "without the key");
        for name in HIDDEN {
            scratch.git("old", &["update-ref", name, "HEAD"]);
        }
        let report = hand_purge::rewrite(&scratch, "old", "new.git", &key(1));
        assert_eq!(report["commit-map"].as_array().unwrap().len(), 2);
        scratch.write("purge.json", report.to_string());
        Self { scratch, first, report }
    }

    /// Creates the server as it is after the push: with the purged history, and the refs in `hidden` that lead to the old one.
    fn push(&self, hidden: &[&str]) {
        let scratch = &self.scratch;
        scratch.git("", &["clone", "-q", "--bare", "new.git", "server.git"]);
        scratch.git("server.git", &["remote", "remove", "origin"]);
        let listed = scratch.git("server.git", &["for-each-ref", "--format=%(refname)"]);
        for name in listed.lines().filter(|name| HIDDEN.contains(name)) {
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

fn reasons(proof: &Value) -> String {
    proof["not_seen"].to_string()
}

fn ref_names(proof: &Value) -> Vec<&str> {
    proof["refs"].as_array().unwrap().iter().map(|one| one["ref"].as_str().unwrap()).collect()
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
    assert!(text.ends_with("none of the rewritten objects\n"), "{text}");
    let quiet = server.scratch.friskey(&["prove", "clone", "--report", "purge.json", "-q"]);
    assert_eq!((quiet.status.code(), stdout(&quiet)), (Some(0), String::new()));
}

#[test]
fn a_plain_clone_proves_nothing_and_says_why() {
    let server = Server::new();
    server.push(&HIDDEN);
    for options in [&[][..], &["--bare"], &["--no-tags"]] {
        server.clone(options);
        let (status, proof) = server.prove();
        assert_eq!((status, &proof["status"]), (Some(3), &json!("incomplete")), "{options:?}: {proof:#}");
        assert_eq!(proof["clone"]["kind"], "plain");
        assert!(reasons(&proof).contains("git clone --mirror"), "{}", reasons(&proof));
        for name in HIDDEN {
            assert!(reasons(&proof).contains(name), "{name}: {}", reasons(&proof));
        }
    }
}

#[test]
fn a_clone_whose_remote_was_removed_is_no_proof_while_it_lacks_hidden_refs() {
    let server = Server::new();
    server.push(&HIDDEN);
    server.clone(&[]);
    server.scratch.git("clone", &["remote", "remove", "origin"]);
    let (status, proof) = server.prove();
    assert_eq!((status, &proof["clone"]["kind"]), (Some(3), &json!("no-remote")), "{proof:#}");
    // What the purge itself wrote has them, rewritten.
    let output = server.scratch.friskey(&["prove", "new.git", "--report", "purge.json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
}

#[test]
fn refs_of_a_mirror_clone_that_still_lead_to_the_key_are_named() {
    let server = Server::new();
    server.push(&HIDDEN);
    server.clone(&["--mirror"]);
    let (status, proof) = server.prove();
    assert_eq!((status, &proof["status"]), (Some(1), &json!("still-there")), "{proof:#}");
    assert_eq!(ref_names(&proof), HIDDEN);
    let kinds = ["pull-request", "merge-request", "keep-around"];
    for (one, kind) in proof["refs"].as_array().unwrap().iter().zip(kinds) {
        assert_eq!(one["kind"], kind);
        assert_eq!(one["keys"], json!([fingerprint(&key(1))]));
        assert_eq!(one["old_objects"], json!([server.first]));
    }
    assert_eq!(proof["keys"][0]["found"], true);
    assert!(proof["keys"][0]["places"].to_string().contains("src/app.py"));
    let text = server.prove_human();
    for part in
        ["refs/pull/7/head", "1 ref of a pull request reaches", "ask Support", "GitLab", &server.first[..10]]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(text.ends_with("still there: this clone contains purged keys or objects\n"), "{text}");
    assert!(!text.contains(&key(1)) && !proof.to_string().contains(&key(1)));
}

#[test]
fn a_mirror_is_proven_once_the_server_lacks_the_old_refs() {
    let server = Server::new();
    server.push(&HIDDEN);
    for name in HIDDEN {
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
    for (options, word) in
        [(&["--mirror", "--depth=1"][..], "shallow"), (&["--mirror", "--filter=blob:none"], "partial")]
    {
        server.clone(options);
        let (status, proof) = server.prove();
        assert_eq!(status, Some(3), "{options:?}: {proof:#}");
        assert!(reasons(&proof).contains(word), "{}", reasons(&proof));
    }
    server.clone(&["--mirror"]);
    let blob = server.scratch.git("clone", &["rev-parse", "HEAD:README"]);
    unpack(&server.scratch, "clone");
    std::fs::remove_file(server.scratch.path(&format!("clone/objects/{}/{}", &blob[..2], &blob[2..])))
        .unwrap();
    let (status, proof) = server.prove();
    assert_eq!(status, Some(3), "{proof:#}");
    assert!(reasons(&proof).contains(&blob), "{}", reasons(&proof));
}

/// Makes every object of the bare repository `name` loose.
fn unpack(scratch: &Scratch, name: &str) {
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
fn old_objects_to_which_nothing_leads_are_still_there() {
    let server = Server::new();
    server.push(&[]);
    server.clone(&["--mirror"]);
    // A fetch that brought the old history, and whose ref is gone.
    server.scratch.git("clone", &["fetch", "-q", "../old", "main:refs/heads/old"]);
    server.scratch.git("clone", &["update-ref", "-d", "refs/heads/old"]);
    std::fs::remove_file(server.scratch.path("clone/FETCH_HEAD")).unwrap();
    let (status, proof) = server.prove();
    assert_eq!((status, ref_names(&proof).len()), (Some(1), 0), "{proof:#}");
    assert!(server.prove_human().contains("clone again"), "{}", server.prove_human());
}

#[test]
fn names_that_only_the_clone_has_are_distinguished_from_refs_of_the_server() {
    let server = Server::new();
    server.push(&[]);
    server.clone(&["--mirror"]);
    server.scratch.git("clone", &["fetch", "-q", "../old", "main"]);
    let (status, proof) = server.prove();
    assert_eq!((status, ref_names(&proof)), (Some(1), vec!["FETCH_HEAD"]), "{proof:#}");
    assert_eq!(proof["refs"][0]["kind"], "local");
}

/// A key is not all that must be gone: an old commit, tag or tree without any key in it leads to it elsewhere.
#[test]
fn a_rewritten_object_without_a_key_is_found() {
    let server = Server::new();
    server.push(&[]);
    let scratch = &server.scratch;
    let tree = scratch.git("old", &["rev-parse", "HEAD~1:src"]);
    let blob = scratch.git("old", &["rev-parse", "HEAD~1:src/app.py"]);
    server.clone(&["--mirror"]);
    unpack(scratch, "clone");
    let from = |id: &str| scratch.path(&format!("old/.git/objects/{}/{}", &id[..2], &id[2..]));
    let to = |id: &str| scratch.path(&format!("clone/objects/{}/{}", &id[..2], &id[2..]));
    std::fs::create_dir_all(to(&tree).parent().unwrap()).unwrap();
    std::fs::copy(from(&tree), to(&tree)).unwrap();
    let (status, proof) = server.prove();
    assert_eq!((status, &proof["old_objects"]["found"]), (Some(1), &json!([{"id": tree, "kind": "tree"}])));
    assert_eq!(proof["keys"][0]["found"], false);
    // A colleague committed the old file again, on the new history.
    std::fs::create_dir_all(to(&blob).parent().unwrap()).unwrap();
    std::fs::copy(from(&blob), to(&blob)).unwrap();
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
fn a_key_whose_rule_is_not_in_force_is_not_proven() {
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
fn repositories_with_sha_256_ids_are_proven_alike() {
    let server = Server::with_format("sha256");
    server.push(&HIDDEN[..1]);
    server.clone(&["--mirror"]);
    let (status, proof) = server.prove();
    assert_eq!((status, ref_names(&proof)), (Some(1), vec![HIDDEN[0]]), "{proof:#}");
    server.scratch.git("server.git", &["update-ref", "-d", HIDDEN[0]]);
    server.clone(&["--mirror"]);
    assert_eq!(server.prove().0, Some(0));
    // A report about ids of the other kind is about another repository.
    let other = Server::new();
    server.scratch.write("purge.json", other.report.to_string());
    let output = server.scratch.friskey(&["prove", "clone", "--report", "purge.json"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("sha1 ids"), "{}", stderr(&output));
}

/// Every field that a proof reads, as nobody's purge writes it.
#[test]
fn a_damaged_or_hostile_report_is_refused_with_a_clear_error() {
    let server = Server::new();
    server.push(&[]);
    server.clone(&["--mirror"]);
    let scratch = &server.scratch;
    let good = &server.report;
    let with = |change: &dyn Fn(&mut Value)| {
        let mut report = good.clone();
        change(&mut report);
        report.to_string()
    };
    let secret = key(9);
    let old = good["commit-map"][0]["old"].clone();
    let cases: Vec<(&str, String, &str)> = vec![
        ("empty", String::new(), "ends too early"),
        ("cut off", good.to_string()[..300].to_owned(), "ends too early"),
        ("no JSON", format!("key = {secret}"), "not valid JSON"),
        ("a list", "[]".to_owned(), "a field is missing"),
        ("deeply nested", format!("{{\"more\": {}", "[".repeat(100_000)), "ends too early"),
        ("another report", with(&|r| r["schema"] = json!("friskey/report/v1")), "another schema"),
        ("nothing purged", with(&|r| r["status"] = json!("nothing")), "nothing was purged"),
        ("no keys", with(&|r| r["keys"] = json!([])), "nothing was purged"),
        ("a key for a fingerprint", with(&|r| r["keys"][0]["fingerprint"] = json!(secret)), "line 1"),
        ("a path for an id", with(&|r| r["commit-map"][0]["old"] = json!("../../etc/passwd")), "line 1"),
        ("a short id", with(&|r| r["objects"]["blobs"][0]["old"] = json!("abcd")), "line 1"),
        ("an id of SHA-256", with(&|r| r["commit-map"][0]["old"] = json!("ab".repeat(32))), "another length"),
        ("the null id", with(&|r| r["commit-map"][0]["old"] = json!("0".repeat(40))), "kept its id"),
        ("what kept its id", with(&|r| r["commit-map"][0]["new"] = old.clone()), "kept its id"),
        ("an unknown hash", with(&|r| r["repository"]["object_format"] = json!("md5")), "object format"),
        ("a long name", with(&|r| r["keys"][0]["redacted"] = json!("x".repeat(5000))), "line 1"),
        ("a number for a list", with(&|r| r["ref-map"] = json!(7)), "line 1"),
        (
            "another key",
            with(&|r| r["keys"][0]["fingerprint"] = json!("ab".repeat(32))),
            "contradicts itself",
        ),
        ("a map that lost its commits", with(&|r| r["commit-map"] = json!([])), "contradicts itself"),
        ("a list that lost its blobs", with(&|r| r["objects"]["blobs"] = json!([])), "contradicts itself"),
    ];
    for (what, text, expected) in cases {
        scratch.write("bad.json", text);
        let output = scratch.friskey(&["prove", "clone", "--report", "bad.json"]);
        let error = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{what}: {error}");
        assert!(error.contains("bad.json") && error.contains(expected), "{what}: {error}");
        assert!(!error.contains(&secret[20..40]) && error.len() < 1000, "{what}: {error}");
    }
    for path in ["missing.json", "clone", "/dev/zero"] {
        let output = scratch.friskey(&["prove", "clone", "--report", path]);
        assert_eq!(output.status.code(), Some(2), "{path}: {}", stderr(&output));
        assert!(stderr(&output).contains(path), "{}", stderr(&output));
    }
}

#[test]
fn texts_of_a_hostile_report_are_sanitized() {
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
