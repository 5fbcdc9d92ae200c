//! Tests keys that no rule finds, because they have no marker and other characters directly before them: a purge and a proof
//! must find them by the key itself.

use friskey::rules::expand_template;
use serde_json::Value;

use crate::replacement::{deflated_gzip, encode_base64};
use crate::support::{Scratch, fingerprint, json, key, stderr, stdout};

/// A project key without the marker.
fn unmarked_key(number: u64) -> String {
    String::from_utf8(expand_template("sk-proj-{base62:48}", number).text).unwrap()
}

/// A repository with `key` in a file where a rule finds it, and in files, names, messages and refs directly after other
/// characters.
fn repository_with_attached_key(key: &str) -> Scratch {
    let scratch = Scratch::new();
    scratch.git("", &["init", "-q", "-b", "main", "repo"]);
    scratch.write("repo/.env", format!("OPENAI_API_KEY={key}\n"));
    scratch.write("repo/url.txt", format!("see https://api.example.com/v1/keys/{key}\n"));
    scratch.write("repo/underscore.txt", format!("Bearer_{key}\n"));
    scratch.write("repo/plus.txt", format!("x+{key}\n"));
    scratch.write(&format!("repo/dir/pre_{key}.txt"), "x\n");
    scratch.commit("repo", "add");
    scratch.commit("repo", &format!("from users/{key}"));
    scratch.git("repo", &["branch", &format!("users/{key}")]);
    scratch.git("repo", &["tag", key]);
    scratch
}

/// All objects and refs of a repository, as text.
fn objects_and_refs(scratch: &Scratch, name: &str) -> String {
    let objects = scratch.try_git(name, &["cat-file", "--batch-all-objects", "--batch"]);
    let refs = scratch.git(name, &["for-each-ref"]);
    format!("{}{refs}", String::from_utf8_lossy(&objects.stdout))
}

#[test]
fn a_key_directly_after_other_characters_is_purged() {
    let key = unmarked_key(1);
    let scratch = repository_with_attached_key(&key);
    assert!(objects_and_refs(&scratch, "repo").contains(&format!("keys/{key}")));
    let output = scratch.friskey(&["purge", "repo", "--into", "new.git", "--report", "report.json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(!objects_and_refs(&scratch, "new.git").contains(&key));
    let fsck = scratch.try_git("new.git", &["fsck", "--full", "--strict"]);
    assert!(fsck.status.success() && fsck.stdout.is_empty(), "{}", stdout(&fsck));
    let text = std::fs::read_to_string(scratch.path("report.json")).unwrap();
    assert!(!text.contains(&key), "the report shows the key");
    assert!(!stdout(&output).contains(&key), "the output shows the key");
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(report["keys"][0]["fingerprint"], *fingerprint(&key));
    assert_eq!(report["keys"].as_array().unwrap().len(), 1);
}

/// `prove` knows only the prefix, the last characters, the length and the fingerprint of a key.
#[test]
fn prove_finds_a_key_directly_after_other_characters() {
    let key = unmarked_key(2);
    let scratch = repository_with_attached_key(&key);
    let output = scratch.friskey(&["purge", "repo", "--into", "new.git", "--report", "report.json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    scratch.git("", &["clone", "-q", "--mirror", "new.git", "clone.git"]);
    let prove = || scratch.friskey(&["prove", "clone.git", "--report", "report.json", "--format", "json"]);
    let proof = prove();
    assert_eq!(proof.status.code(), Some(0), "{:#}", json(&proof));
    // Somebody pushes the key again, directly after another character.
    let blob =
        scratch.git_with("clone.git", &["hash-object", "-w", "--stdin"], format!("x+{key}\n").as_bytes());
    scratch.git("clone.git", &["tag", "again", &blob]);
    let proof = prove();
    assert_eq!(proof.status.code(), Some(1), "{:#}", json(&proof));
    assert_eq!(json(&proof)["keys"][0]["found"], true);
}

#[test]
fn prove_finds_a_key_in_an_archive_in_base64() {
    let key = key(77);
    let scratch = repository_with_attached_key(&key);
    let output = scratch.friskey(&["purge", "repo", "--into", "new.git", "--report", "report.json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    scratch.git("", &["clone", "-q", "--mirror", "new.git", "clone.git"]);
    let packed = encode_base64(&deflated_gzip(format!("K={key}\n").as_bytes()));
    let text = format!("secret: {}\n", String::from_utf8(packed).unwrap());
    let blob = scratch.git_with("clone.git", &["hash-object", "-w", "--stdin"], text.as_bytes());
    scratch.git("clone.git", &["tag", "again", &blob]);
    let proof = scratch.friskey(&["prove", "clone.git", "--report", "report.json", "--format", "json"]);
    assert_eq!(proof.status.code(), Some(1), "{:#}", json(&proof));
    assert_eq!(json(&proof)["keys"][0]["found"], true);
}
