//! Tests how a purge replaces a key in each kind of place, checked with real git.

use std::io::Write as _;
use std::process::Output;

use serde_json::Value;

use crate::support::{Scratch, fingerprint, key, stderr, stdout};

/// The filler for a key: its prefix, and an `x` for each other character.
fn filler(key: &str) -> String {
    let prefix = ["sk", "proj", ""].join("-");
    format!("{prefix}{}", "x".repeat(key.len() - prefix.len()))
}

/// A scratch directory with the repository `repo`, which has one commit without a key.
fn scratch() -> Scratch {
    let scratch = Scratch::new();
    scratch.git("", &["init", "-q", "-b", "main", "repo"]);
    scratch.write("repo/README", "hello\n");
    scratch.commit("repo", "root");
    scratch
}

/// Purges `repo` into `new.git`, checks that this succeeds and that git and friskey have no complaints about the result.
/// Returns the report.
pub(crate) fn purge_and_check(scratch: &Scratch) -> Value {
    let output = purge(scratch, &[]);
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    let fsck = scratch.try_git("new.git", &["fsck", "--full", "--strict"]);
    assert!(fsck.status.success() && fsck.stdout.is_empty(), "{}", stdout(&fsck));
    let history = scratch.friskey(&["history", "new.git", "--min-confidence", "low"]);
    assert_eq!(history.status.code(), Some(0), "{}", stdout(&history));
    serde_json::from_slice(&std::fs::read(scratch.path("report.json")).unwrap()).unwrap()
}

fn purge(scratch: &Scratch, options: &[&str]) -> Output {
    let _ = std::fs::remove_dir_all(scratch.path("new.git"));
    scratch.friskey(&[&["purge", "repo", "--into", "new.git", "--report", "report.json"], options].concat())
}

/// The object that `revision` names in the new repository.
fn show(scratch: &Scratch, revision: &str) -> Vec<u8> {
    let output = scratch.try_git("new.git", &["cat-file", "-p", revision]);
    assert!(output.status.success(), "{revision}: {}", stderr(&output));
    output.stdout
}

#[test]
fn a_plain_key_is_replaced_by_a_filler_and_nothing_else_changes() {
    let (scratch, key) = (scratch(), key(1));
    let root = scratch.git("repo", &["rev-parse", "HEAD"]);
    scratch.write("repo/.env", format!("A=1\nOPENAI_API_KEY={key}\nB=2\n"));
    let leak_commit = scratch.commit("repo", "leak");
    scratch.write("repo/README", "hello again\n");
    let later_commit = scratch.commit("repo", "later");
    let report = purge_and_check(&scratch);
    assert_eq!(
        show(&scratch, "main:.env"),
        format!("A=1\nOPENAI_API_KEY={}\nB=2\n", filler(&key)).as_bytes()
    );
    assert_eq!(scratch.git("new.git", &["rev-parse", "main~2"]), root, "the commit before the leak changed");
    for format in ["%an %ae %ad %cn %ce %cd %s", "%B"] {
        let log = |repo: &str| scratch.git(repo, &["log", &format!("--format={format}"), "main"]);
        assert_eq!(log("repo"), log("new.git"));
    }
    for old in [&leak_commit, &later_commit] {
        assert!(
            !scratch.try_git("new.git", &["cat-file", "-e", old]).status.success(),
            "{old} is still there"
        );
    }
    assert_eq!(report["schema"], "friskey/purge/v1");
    assert_eq!(report["status"], "done");
    assert_eq!(report["keys"][0]["fingerprint"], fingerprint(&key).as_str());
    assert_eq!(report["first-changed-commits"], serde_json::json!([leak_commit]));
    let old_ids: Vec<_> =
        report["commit-map"].as_array().unwrap().iter().map(|row| row["old"].as_str().unwrap()).collect();
    assert_eq!(old_ids, [leak_commit.as_str(), later_commit.as_str()], "parents come first");
    let new_tip = scratch.git("new.git", &["rev-parse", "main"]);
    assert_eq!(report["ref-map"][0]["new"], new_tip.as_str());
    assert_eq!(report["counts"]["rewritten_commits"], 2);
    assert!(!std::fs::read_to_string(scratch.path("report.json")).unwrap().contains(&key[20..40]));
}

#[test]
fn encoded_keys_are_replaced_by_a_filler_in_the_same_encoding() {
    let key = key(2);
    let each = |format: fn(u8) -> String| -> String { key.bytes().map(format).collect() };
    let fill = filler(&key);
    let each_filler = |format: fn(u8) -> String| -> String { fill.bytes().map(format).collect() };
    let utf16 = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    let hex = |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
    let split = |text: &str| format!("k = \"{}\" + \\\n    \"{}\"\n", &text[..70], &text[70..]);
    let base64 = |text: &[u8]| -> Vec<u8> { encode_base64(text) };
    let cases: Vec<(&str, Vec<u8>, Vec<u8>)> = vec![
        ("utf-16", utf16(&format!("\u{feff}k={key}\r\n")), utf16(&format!("\u{feff}k={fill}\r\n"))),
        ("hex", hex(key.as_bytes()).into(), hex(fill.as_bytes()).into()),
        ("hex-escape", each(|b| format!("\\x{b:02x}")).into(), each_filler(|b| format!("\\x{b:02x}")).into()),
        (
            "unicode-escape",
            each(|b| format!("\\u{b:04x}")).into(),
            each_filler(|b| format!("\\u{b:04x}")).into(),
        ),
        ("percent", each(|b| format!("%{b:02X}")).into(), each_filler(|b| format!("%{b:02X}")).into()),
        ("octal", each(|b| format!("\\{b:03o}")).into(), each_filler(|b| format!("\\{b:03o}")).into()),
        ("split", split(&key).into(), split(&fill).into()),
        ("base64", base64(format!("user:{key}:x").as_bytes()), base64(format!("user:{fill}:x").as_bytes())),
        ("base64-utf-16", base64(&utf16(&format!("k={key}"))), base64(&utf16(&format!("k={fill}")))),
        ("base64-twice", base64(&base64(key.as_bytes())), base64(&base64(fill.as_bytes()))),
        (
            "binary",
            [b"\0\x01", key.as_bytes(), b"\0\xff"].concat(),
            [b"\0\x01", fill.as_bytes(), b"\0\xff"].concat(),
        ),
    ];
    let scratch = scratch();
    for (name, content, _) in &cases {
        scratch.write(&format!("repo/{name}"), content);
    }
    // In decimal, the filler differs, since each number keeps its count of digits; so only the size is compared.
    scratch.write("repo/decimal", key.bytes().map(|b| format!("{b}, ")).collect::<String>());
    scratch.commit("repo", "leak");
    let old_size = scratch.git("repo", &["cat-file", "-s", "HEAD:decimal"]);
    purge_and_check(&scratch);
    for (name, _, expected) in &cases {
        assert_eq!(&show(&scratch, &format!("main:{name}")), expected, "{name}");
    }
    assert_eq!(scratch.git("new.git", &["cat-file", "-s", "main:decimal"]), old_size);
}

/// A simple base64 encoder, independent of the code under test.
pub(crate) fn encode_base64(bytes: &[u8]) -> Vec<u8> {
    const SYMBOLS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = Vec::new();
    for group in bytes.chunks(3) {
        let bits =
            group.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for at in 0..4 {
            let symbol = SYMBOLS[(bits >> (18 - 6 * at) & 63) as usize];
            out.push(if at <= group.len() { symbol } else { b'=' });
        }
    }
    out
}

#[test]
fn keys_in_messages_authors_and_headers_are_replaced_by_a_filler() {
    let (scratch, key) = (scratch(), key(3));
    scratch.git("repo", &["commit", "-q", "--allow-empty", "-m", &format!("subject {key}")]);
    let author = format!("{key} <{key}@example.org>");
    scratch.git("repo", &["commit", "-q", "--allow-empty", "-m", "author", "--author", &author]);
    let raw = scratch.git("repo", &["cat-file", "commit", "HEAD"]);
    let raw = raw.replacen("\n\n", &format!("\nx-custom {key}\n\n"), 1);
    let id = scratch.git_with("repo", &["hash-object", "-t", "commit", "-w", "--stdin"], raw.as_bytes());
    scratch.git("repo", &["update-ref", "refs/heads/main", &id]);
    scratch.git("repo", &["tag", "-a", "-m", &format!("message {key}"), "v1"]);
    purge_and_check(&scratch);
    let log = scratch.git("new.git", &["log", "--format=%B%an%ae", "main"]);
    assert_eq!(log.matches(&filler(&key)).count(), 3, "{log}");
    let commit = String::from_utf8(show(&scratch, "main")).unwrap();
    assert!(commit.contains(&format!("\nx-custom {}\n", filler(&key))), "{commit}");
    let tag = String::from_utf8(show(&scratch, "v1")).unwrap();
    assert!(tag.ends_with(&format!("message {}\n", filler(&key))), "{tag}");
}

#[test]
fn keys_in_names_of_files_and_refs_are_replaced_by_fillers_that_are_numbered_if_taken() {
    let (scratch, first, second) = (scratch(), key(4), key(5));
    scratch.write(&format!("repo/{first}.txt"), "1");
    scratch.write(&format!("repo/{second}.txt"), "2");
    scratch.write(&format!("repo/dir-{first}/file"), "3");
    scratch.commit("repo", "names");
    for key in [&first, &second] {
        scratch.git("repo", &["branch", &format!("feature/{key}")]);
    }
    scratch.git("repo", &["symbolic-ref", "refs/heads/alias", &format!("refs/heads/feature/{first}")]);
    let report = purge_and_check(&scratch);
    let mut names: Vec<_> = scratch
        .git("new.git", &["ls-tree", "-r", "--name-only", "main"])
        .lines()
        .map(str::to_owned)
        .collect();
    names.sort();
    let fill = filler(&first);
    let mut expected =
        vec!["README".to_owned(), format!("dir-{fill}/file"), format!("{fill}.txt"), format!("{fill}.txt-2")];
    expected.sort();
    assert_eq!(names, expected);
    let refs = scratch.git("new.git", &["for-each-ref", "--format=%(refname)"]);
    let expected =
        format!("refs/heads/alias\nrefs/heads/feature/{fill}\nrefs/heads/feature/{fill}-2\nrefs/heads/main");
    assert_eq!(refs, expected);
    let target = scratch.git("new.git", &["symbolic-ref", "refs/heads/alias"]);
    assert!(target.starts_with(&format!("refs/heads/feature/{fill}")), "{target}");
    let text = report.to_string();
    assert!(
        !text.contains(&first) && !text.contains(&second),
        "the report shows a name with a key unredacted"
    );
}

#[test]
fn notes_on_rewritten_commits_are_moved_to_the_new_ids() {
    let (scratch, key) = (scratch(), key(6));
    let root = scratch.git("repo", &["rev-parse", "HEAD"]);
    scratch.write("repo/.env", format!("K={key}\n"));
    let old = scratch.commit("repo", "leak");
    scratch.git("repo", &["notes", "add", "-m", "about the root", &root]);
    scratch.git("repo", &["notes", "add", "-m", &format!("about {key}"), &old]);
    // Git divides notes among directories once there are many.
    let blob = scratch.git("repo", &["rev-parse", &format!("refs/notes/commits:{old}")]);
    let dir =
        scratch.git_with("repo", &["mktree"], format!("100644 blob {blob}\t{}\n", &old[2..]).as_bytes());
    let root_tree =
        scratch.git_with("repo", &["mktree"], format!("040000 tree {dir}\t{}\n", &old[..2]).as_bytes());
    let notes_commit = scratch.git("repo", &["commit-tree", "-m", "fanned out", &root_tree]);
    scratch.git("repo", &["update-ref", "refs/notes/fanned", &notes_commit]);
    purge_and_check(&scratch);
    let new = scratch.git("new.git", &["rev-parse", "main"]);
    assert_ne!(new, old);
    let expected = format!("about {}", filler(&key));
    assert_eq!(scratch.git("new.git", &["notes", "show", &new]), expected);
    assert_eq!(scratch.git("new.git", &["notes", "--ref", "fanned", "show", &new]), expected);
    assert_eq!(scratch.git("new.git", &["notes", "show", &root]), "about the root");
}

#[test]
fn ids_of_rewritten_commits_in_messages_are_updated() {
    let (scratch, key) = (scratch(), key(7));
    let root = scratch.git("repo", &["rev-parse", "HEAD"]);
    scratch.write("repo/.env", format!("K={key}\n"));
    let old = scratch.commit("repo", "leak");
    let message = format!("Revert {old}\n\nSee {} and {root}, not x{}.", &old[..10], &old[..10]);
    scratch.commit("repo", &message);
    let report = purge_and_check(&scratch);
    let new = scratch.git("new.git", &["rev-parse", "main~1"]);
    let expected = format!("Revert {new}\n\nSee {} and {root}, not x{}.", &new[..10], &old[..10]);
    assert_eq!(scratch.git("new.git", &["log", "-1", "--format=%B", "main"]), expected);
    assert_eq!(report["message_ids"]["rewritten"], 2);
    let output = purge(&scratch, &["--keep-message-ids"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(scratch.git("new.git", &["log", "-1", "--format=%B", "main"]), message);
}

/// A cherry-picked commit names a commit of another branch, whose new id must be known first.
#[test]
fn the_id_of_a_commit_of_another_branch_in_a_message_is_updated() {
    let (scratch, key) = (scratch(), key(8));
    scratch.write("repo/.env", format!("K={key}\n"));
    scratch.commit("repo", "leak");
    scratch.git("repo", &["checkout", "-q", "-b", "zz"]);
    let picked = scratch.commit("repo", "fix");
    scratch.git("repo", &["checkout", "-q", "main"]);
    scratch.commit("repo", &format!("fix\n\n(cherry picked from commit {picked})"));
    purge_and_check(&scratch);
    let new = scratch.git("new.git", &["rev-parse", "zz"]);
    let expected = format!("fix\n\n(cherry picked from commit {new})");
    assert_eq!(scratch.git("new.git", &["log", "-1", "--format=%B", "main"]), expected);
}

#[test]
fn signatures_of_rewritten_commits_and_tags_are_dropped_and_counted() {
    let (scratch, key) = (scratch(), key(9));
    let root = scratch.git("repo", &["rev-parse", "HEAD"]);
    let signature = "-----BEGIN PGP SIGNATURE-----\n abc\n -----END PGP SIGNATURE-----";
    let sign = |id: &str| {
        let raw = scratch.git("repo", &["cat-file", "commit", id]) + "\n";
        let raw = raw.replacen("\n\n", &format!("\ngpgsig {signature}\n\n"), 1);
        scratch.git_with("repo", &["hash-object", "-t", "commit", "-w", "--stdin"], raw.as_bytes())
    };
    let signed_root = sign(&root);
    scratch.git("repo", &["reset", "-q", "--hard", &signed_root]);
    scratch.write("repo/.env", format!("K={key}\n"));
    let leak_commit = scratch.commit("repo", "leak");
    let signed_leak = sign(&leak_commit);
    scratch.git("repo", &["update-ref", "refs/heads/main", &signed_leak]);
    for (name, target) in [("unchanged", &signed_root), ("changed", &signed_leak)] {
        let tag = format!(
            "object {target}\ntype commit\ntag {name}\ntagger A <a@b> 1 +0000\n\nsigned\n-----BEGIN PGP SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----\n"
        );
        let id = scratch.git_with("repo", &["hash-object", "-t", "tag", "-w", "--stdin"], tag.as_bytes());
        scratch.git("repo", &["update-ref", &format!("refs/tags/{name}"), &id]);
    }
    // A merge of both signed tags, which git records as `mergetag` headers.
    let mergetag = |tag: &str| {
        let text = scratch.git("repo", &["cat-file", "tag", tag]);
        format!("mergetag {}\n", text.replace('\n', "\n "))
    };
    let tree = scratch.git("repo", &["rev-parse", "main^{tree}"]);
    let merge = format!(
        "tree {tree}\nparent {signed_leak}\nparent {signed_root}\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n{}{}\nmerge\n",
        mergetag("changed"),
        mergetag("unchanged")
    );
    let id = scratch.git_with("repo", &["hash-object", "-t", "commit", "-w", "--stdin"], merge.as_bytes());
    scratch.git("repo", &["update-ref", "refs/heads/main", &id]);
    let report = purge_and_check(&scratch);
    assert_eq!(
        report["dropped"],
        serde_json::json!({"signatures": {"commits": 1, "tags": 1}, "mergetags": 1})
    );
    assert_eq!(
        scratch.git("new.git", &["rev-parse", "unchanged"]),
        scratch.git("repo", &["rev-parse", "unchanged"])
    );
    let tag = String::from_utf8(show(&scratch, "changed")).unwrap();
    assert!(tag.ends_with("\nsigned\n"), "{tag}");
    let merge = String::from_utf8(show(&scratch, "main")).unwrap();
    assert_eq!(merge.matches("mergetag ").count(), 1, "only the tag of the unchanged commit stays: {merge}");
    let commit = String::from_utf8(show(&scratch, "main^1")).unwrap();
    assert!(!commit.contains("gpgsig"), "{commit}");
    assert!(String::from_utf8(show(&scratch, "unchanged^{commit}")).unwrap().contains("gpgsig"));
}

#[test]
fn a_container_with_a_key_is_replaced_by_a_stub_or_refused() {
    let (scratch, key) = (scratch(), key(10));
    let content = format!("K={key}\n");
    scratch.write("repo/a.gz", stored_gzip(content.as_bytes()));
    let size = scratch.path("repo/a.gz").metadata().unwrap().len();
    scratch.commit("repo", "archive");
    let refused = purge(&scratch, &["--containers", "refuse"]);
    assert_eq!(refused.status.code(), Some(2), "{}", stdout(&refused));
    assert!(
        stderr(&refused).contains("a.gz") && stderr(&refused).contains("--containers stub"),
        "{}",
        stderr(&refused)
    );
    assert!(!scratch.path("new.git").exists());
    let report = purge_and_check(&scratch);
    let stub = String::from_utf8(show(&scratch, "main:a.gz")).unwrap();
    assert!(stub.starts_with("Removed by friskey"), "{stub}");
    for part in ["a.gz", &format!("size {size} bytes"), &fingerprint(&key)] {
        assert!(stub.contains(part), "{part}: {stub}");
    }
    assert_eq!(report["places"][0]["treatment"], "stub");
}

/// Such a text is not replaced by a stub: only the base64 is overwritten.
#[test]
fn an_archive_with_a_key_in_base64_within_a_text_is_overwritten() {
    let (scratch, key) = (scratch(), key(11));
    let gzip = deflated_gzip(format!("{}K={key}\n", "values: ".repeat(50)).as_bytes());
    let encoded = String::from_utf8(encode_base64(&gzip)).unwrap();
    let lines: String = (0..300).map(|line| format!("line {line}: value\n")).collect();
    let text = format!("{lines}secret: {encoded}\nplain: {key}\n{lines}");
    scratch.write("repo/values.yaml", &text);
    scratch.commit("repo", "values");
    let report = purge_and_check(&scratch);
    let overwritten: String = encoded
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "+/".contains(c) { 'x' } else { c })
        .collect();
    let expected = format!("{lines}secret: {overwritten}\nplain: {}\n{lines}", filler(&key));
    assert_eq!(String::from_utf8(show(&scratch, "main:values.yaml")).unwrap(), expected);
    assert_eq!(report["places"][0]["treatment"], "overwritten", "{}", report["places"]);
}

/// A gzip file with compressed content.
pub(crate) fn deflated_gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// A gzip file with uncompressed content.
fn stored_gzip(content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap();
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1];
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&(!length).to_le_bytes());
    bytes.extend_from_slice(content);
    let mut crc = !0u32;
    for byte in content {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    bytes.extend_from_slice(&(!crc).to_le_bytes());
    bytes.extend_from_slice(&u32::from(length).to_le_bytes());
    bytes
}
