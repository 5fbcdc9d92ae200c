//! Tests reports of keys in archives: every format names the archive's entry with the key, distinguishes entries of the same
//! archive, and escapes their names.

use std::collections::BTreeSet;

use friskey::model::{Confidence, Draft, Finding, LeakStatus, Report, Surface};
use friskey::report::Style;
use serde_json::Value;

use super::{output, sample};

/// One key in two entries, another key in the first of them, one in a nested archive, one in an object without
/// a path, and one in an entry with a malicious name.
fn report_on_archives() -> Report {
    let mut draft: Draft = sample::clean();
    let finding_in = |tail: &str, path: &[u8], container: &[&[u8]], line| {
        let key = sample::detected_key(sample::secret(tail), "openai-project-key", Confidence::High);
        let mut finding = sample::finding(&key, Surface::Worktree, path, line);
        finding.origin.container = container.iter().map(|part| part.to_vec()).collect();
        finding
    };
    let mut unreachable = finding_in("dddd", b"", &["d".repeat(40).as_bytes(), b"x/a"], 1);
    unreachable.origin.surface = Surface::Unreachable;
    unreachable.origin.path = None;
    unreachable.origin.object = Some("d".repeat(40));
    let hostile_name = "../..\\./etc/\u{202e}x\u{1b}[31m ##vso[task.complete]::error::\n](1)<b>|`";
    for findings in [
        vec![
            finding_in("aaaa", b"dist/app.zip", &[b"app.zip", b"config/.env"], 3),
            finding_in("aaaa", b"dist/app.zip", &[b"app.zip", b"config/.env.old"], 3),
        ],
        vec![finding_in("bbbb", b"dist/app.zip", &[b"app.zip", b"config/.env"], 3)],
        vec![finding_in("cccc", b"top.zip", &[b"top.zip", b"inner.tar", b"a/b"], 70_000)],
        vec![unreachable],
        vec![finding_in("eeee", b"dist/evil.zip", &[b"evil.zip", hostile_name.as_bytes()], 2)],
    ] {
        let key = findings[0].detected_key.clone();
        draft.leaks.push(sample::leak(key, LeakStatus::Present, findings));
    }
    sample::redacted(draft)
}

fn render(format: &str, report: &Report) -> String {
    output::render(format, report, &Style::default())
}

#[test]
fn every_format_names_the_entry() {
    for (format, text) in output::render_all(&report_on_archives(), &Style::default()) {
        for name in ["config/.env", "inner.tar", "a/b"] {
            assert!(text.contains(name), "{format} does not name {name}");
        }
        // These put path and entry into separate fields, or show no position.
        if !["json", "jsonl", "step-summary", "gitlab"].contains(&format) {
            for entry in
                ["dist/app.zip → config/.env", "top.zip → inner.tar → a/b", "unreachable dddddddddd → x/a"]
            {
                let before_line = [format!("{entry}:"), format!("{entry} at ")];
                assert!(
                    before_line.iter().any(|text_before| text.contains(text_before)),
                    "{format}: {entry}"
                );
            }
        }
    }
}

#[test]
fn names_of_entries_are_escaped() {
    for (format, text) in output::render_all(&report_on_archives(), &Style::default()) {
        assert!(!text.contains("##vso["), "{format}");
        assert!(!text.contains('\u{202e}') && !text.contains('\u{1b}'), "{format}");
        assert!(text.lines().all(|line| !line.starts_with("::error::")), "{format}");
        // JSON keeps the original value; no other format displays a path that leaves the archive.
        let leaves_archive = text.contains("../..") || text.contains("..\\");
        assert!(!leaves_archive || ["json", "jsonl"].contains(&format), "{format}");
        // In formats that are not HTML or Markdown, a tag is only text.
        let may_contain_tags =
            ["json", "jsonl", "sarif", "gitlab", "human", "hook-summary", "github"].contains(&format);
        assert!(may_contain_tags || !text.contains("<b>"), "{format}");
    }
    let sarif = render("sarif", &report_on_archives());
    assert!(!sarif.contains("evil.zip/"), "a URI points into an archive");
}

#[test]
fn uris_and_lines_refer_to_the_archive_itself() {
    let sarif: Value = serde_json::from_str(&render("sarif", &report_on_archives())).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let uris = ["dist/app.zip", "dist/app.zip", "top.zip", &format!(".git/unreachable/{}", "d".repeat(40))];
    for (result, uri) in results.iter().zip(uris) {
        let locations = result["locations"].as_array().unwrap().iter();
        for location in locations.chain(result["relatedLocations"].as_array().into_iter().flatten()) {
            let physical = &location["physicalLocation"];
            assert_eq!(physical["artifactLocation"]["uri"], uri);
            let region = &physical["region"];
            assert_eq!((&region["startLine"], &region["endLine"]), (&1.into(), &1.into()), "{region}");
        }
    }
    let message = |index: usize| results[index]["message"]["text"].as_str().unwrap();
    assert!(message(0).contains("Found in dist/app.zip → config/.env at 3:19."), "{}", message(0));
    assert!(message(0).contains("[dist/app.zip → config/.env.old:3:19](1)"), "{}", message(0));
    assert!(message(2).contains("top.zip → inner.tar → a/b at 70000:19."), "{}", message(2));
    let entry = &results[0]["locations"][0]["logicalLocations"][0]["fullyQualifiedName"];
    assert_eq!(entry, "config/.env");
    let github = render("github", &report_on_archives());
    assert!(github.contains("::error file=dist/app.zip,title="), "an archive has no lines: {github}");
}

#[test]
fn entries_of_one_archive_have_distinct_ids() {
    let report = report_on_archives();
    let findings: Vec<&Finding> = report.leaks().iter().flat_map(|leak| &leak.findings).collect();
    let ids: BTreeSet<_> = findings.iter().map(|finding| finding.id()).collect();
    assert_eq!(ids.len(), findings.len());
    let sarif: Value = serde_json::from_str(&render("sarif", &report)).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let hash = |result: &Value| {
        result["partialFingerprints"]["primaryLocationLineHash"].as_str().unwrap().to_owned()
    };
    let hashes: BTreeSet<_> = results.iter().map(hash).collect();
    assert_eq!(hashes.len(), results.len());
    assert!(hashes.iter().all(|hash| hash.ends_with(":1") && hash.len() == 18));
    let gitlab: Value = serde_json::from_str(&render("gitlab", &report)).unwrap();
    let vulnerabilities = gitlab["vulnerabilities"].as_array().unwrap();
    let count_distinct =
        |field: &str| vulnerabilities.iter().map(|one| one[field].to_string()).collect::<BTreeSet<_>>().len();
    assert_eq!((vulnerabilities.len(), count_distinct("id")), (findings.len(), findings.len()));
    // Two keys are on the same line of the same entry.
    assert_eq!(count_distinct("location"), findings.len() - 1);
    assert_eq!(vulnerabilities[0]["location"]["file"], "dist/app.zip → config/.env");
    assert_eq!(vulnerabilities[0]["location"]["start_line"], 3);
    let json: Value = serde_json::from_str(&render("json", &report)).unwrap();
    let first = &json["leaks"][0]["findings"][0];
    assert_eq!(first["container"], serde_json::json!(["app.zip", "config/.env"]));
    assert_eq!(first["path"], "dist/app.zip");
}
