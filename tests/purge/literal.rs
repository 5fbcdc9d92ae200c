//! Tests keys that no rule finds, since they have no marker and touch other characters: only a search for the exact key
//! finds them.

use friskey::rules::expand;
use serde_json::Value;

use crate::support::{Scratch, fingerprint, json, key, stderr, stdout};
use crate::treatments::{deflated_gzip, encode_base64};

/// A project key without the marker.
fn unmarked(number: u64) -> String {
    String::from_utf8(expand("sk-proj-{base62:48}", number).text).unwrap()
}

/// A repository with the key in a place where a rule finds it, and in places where it touches other characters.
fn repository_with_touching_key(key: &str) -> Scratch {
    let scratch = Scratch::new();
    scratch.git("", &["init", "-q", "-b", "main", "repo"]);
    scratch.write("repo/.env", format!("OPENAI_API_KEY={key}\n"));
    scratch.write("repo/url.txt", format!("see https://api.example.com/v1/keys/{key}\n"));
    scratch.write("repo/repository_with_touching_key.txt", format!("Bearer_{key}\n"));
    scratch.write("repo/plus.txt", format!("x+{key}\n"));
    scratch.write(&format!("repo/dir/pre_{key}.txt"), "x\n");
    scratch.commit("repo", "add");
    scratch.commit("repo", &format!("from users/{key}"));
    scratch.git("repo", &["branch", &format!("users/{key}")]);
    scratch.git("repo", &["tag", key]);
    scratch
}

/// All objects and refs of a repository, as text.
fn everything(scratch: &Scratch, name: &str) -> String {
    let objects = scratch.try_git(name, &["cat-file", "--batch-all-objects", "--batch"]);
    let refs = scratch.git(name, &["for-each-ref"]);
    format!("{}{refs}", String::from_utf8_lossy(&objects.stdout))
}

#[test]
fn a_key_that_no_rule_finds_next_to_other_characters_is_purged() {
    let key = unmarked(1);
    let scratch = repository_with_touching_key(&key);
    assert!(everything(&scratch, "repo").contains(&format!("keys/{key}")));
    let output = scratch.friskey(&["purge", "repo", "--into", "new.git", "--report", "report.json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(!everything(&scratch, "new.git").contains(&key));
    let fsck = scratch.try_git("new.git", &["fsck", "--full", "--strict"]);
    assert!(fsck.status.success() && fsck.stdout.is_empty(), "{}", stdout(&fsck));
    let text = std::fs::read_to_string(scratch.path("report.json")).unwrap();
    assert!(!text.contains(&key), "the report shows the key");
    assert!(!stdout(&output).contains(&key), "the output shows the key");
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(report["keys"][0]["fingerprint"], *fingerprint(&key));
    assert_eq!(report["keys"].as_array().unwrap().len(), 1);
}

/// `prove` knows only the ends, the length and the fingerprint of a key.
#[test]
fn prove_finds_a_key_next_to_other_characters() {
    let key = unmarked(2);
    let scratch = repository_with_touching_key(&key);
    let output = scratch.friskey(&["purge", "repo", "--into", "new.git", "--report", "report.json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    scratch.git("", &["clone", "-q", "--mirror", "new.git", "clone.git"]);
    let prove = || scratch.friskey(&["prove", "clone.git", "--report", "report.json", "--format", "json"]);
    let proof = prove();
    assert_eq!(proof.status.code(), Some(0), "{:#}", json(&proof));
    // Somebody pushes it again, in a place where no rule looks.
    let blob =
        scratch.git_with("clone.git", &["hash-object", "-w", "--stdin"], format!("x+{key}\n").as_bytes());
    scratch.git("clone.git", &["tag", "again", &blob]);
    let proof = prove();
    assert_eq!(proof.status.code(), Some(1), "{:#}", json(&proof));
    assert_eq!(json(&proof)["keys"][0]["found"], true);
}

/// An archive that is encoded in a text does not hide a key from a proof.
#[test]
fn prove_finds_a_key_in_an_archive_in_base64() {
    let key = key(77);
    let scratch = repository_with_touching_key(&key);
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
