//! Keys inside archives: every format says where, tells entries apart, and trusts no name in them.

use std::collections::BTreeSet;

use friskey::model::{Confidence, Finding, LeakStatus, Report, Surface};
use friskey::report::{REPORTERS, Style, write_brief, write_step_summary};
use serde_json::Value;

use super::sample;

/// The same key in two entries, another one beside it, one in an archive in an archive, one in an object without
/// a path, and one under a name that means harm.
fn packed() -> Report {
    let mut report = sample::clean();
    let within = |tail: &str, path: &[u8], container: &[&[u8]], line| {
        let key = sample::identified(sample::secret(tail), "openai-project-key", Confidence::High);
        let mut finding = sample::finding(&key, Surface::Worktree, path, line);
        finding.origin.container = container.iter().map(|part| part.to_vec()).collect();
        finding
    };
    let mut loose = within("dddd", b"", &["d".repeat(40).as_bytes(), b"x/a"], 1);
    loose.origin.surface = Surface::Unreachable;
    loose.origin.path = None;
    loose.origin.object = Some("d".repeat(40));
    let hostile = "../..\\./etc/\u{202e}x\u{1b}[31m ##vso[task.complete]::error::\n](1)<b>|`";
    for places in [
        vec![
            within("aaaa", b"dist/app.zip", &[b"app.zip", b"config/.env"], 3),
            within("aaaa", b"dist/app.zip", &[b"app.zip", b"config/.env.old"], 3),
        ],
        vec![within("bbbb", b"dist/app.zip", &[b"app.zip", b"config/.env"], 3)],
        vec![within("cccc", b"top.zip", &[b"top.zip", b"inner.tar", b"a/b"], 70_000)],
        vec![loose],
        vec![within("eeee", b"dist/evil.zip", &[b"evil.zip", hostile.as_bytes()], 2)],
    ] {
        let key = places[0].identified.clone();
        report.leaks.push(sample::leak(key, LeakStatus::Present, places));
    }
    report
}

fn written(name: &str, report: &Report) -> String {
    let mut out = Vec::new();
    friskey::report::reporter(name)
        .expect("a format")
        .write(report, &Style::default(), &mut out)
        .expect("a Vec takes everything");
    String::from_utf8(out).expect("UTF-8")
}

fn texts(report: &Report) -> Vec<(&'static str, String)> {
    let mut all: Vec<_> = REPORTERS.iter().map(|entry| (entry.name, written(entry.name, report))).collect();
    let (mut summary, mut brief) = (Vec::new(), Vec::new());
    write_step_summary(report, &mut summary).expect("a Vec takes everything");
    write_brief(report, "the commit is blocked", &[], &mut brief).expect("a Vec takes everything");
    all.push(("summary", String::from_utf8(summary).expect("UTF-8")));
    all.push(("brief", String::from_utf8(brief).expect("UTF-8")));
    all
}

#[test]
fn every_format_names_the_entry() {
    for (format, text) in texts(&packed()) {
        for name in ["config/.env", "inner.tar", "a/b"] {
            assert!(text.contains(name), "{format} leaves out {name}");
        }
        if !["json", "jsonl", "summary", "gitlab"].contains(&format) {
            for place in
                ["dist/app.zip → config/.env", "top.zip → inner.tar → a/b", "unreachable dddddddddd → x/a"]
            {
                let split = format!("{} at ", place);
                assert!(text.contains(&format!("{place}:")) || text.contains(&split), "{format}: {place}");
            }
        }
    }
}

#[test]
fn no_name_inside_an_archive_does_harm() {
    for (format, text) in texts(&packed()) {
        assert!(!text.contains("##vso["), "{format}");
        assert!(!text.contains('\u{202e}') && !text.contains('\u{1b}'), "{format}");
        assert!(text.lines().all(|line| !line.starts_with("::error::")), "{format}");
        // What is data keeps its value; nothing else shows a way out of the archive.
        let climbs = text.contains("../..") || text.contains("..\\");
        assert!(!climbs || ["json", "jsonl"].contains(&format), "{format}");
        assert!(
            !text.contains("<b>")
                || ["json", "jsonl", "sarif", "gitlab", "human", "brief", "github"].contains(&format)
        );
    }
    let sarif = written("sarif", &packed());
    assert!(!sarif.contains("evil.zip/"), "no address leads into an archive");
}

#[test]
fn addresses_and_lines_are_those_of_the_archive() {
    let sarif: Value = serde_json::from_str(&written("sarif", &packed())).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let uris = ["dist/app.zip", "dist/app.zip", "top.zip", &format!(".git/unreachable/{}", "d".repeat(40))];
    for (result, uri) in results.iter().zip(uris) {
        let places = result["locations"].as_array().unwrap().iter();
        for place in places.chain(result["relatedLocations"].as_array().into_iter().flatten()) {
            let physical = &place["physicalLocation"];
            assert_eq!(physical["artifactLocation"]["uri"], uri);
            let region = &physical["region"];
            assert_eq!((&region["startLine"], &region["endLine"]), (&1.into(), &1.into()), "{region}");
        }
    }
    let message = |at: usize| results[at]["message"]["text"].as_str().unwrap();
    assert!(message(0).contains("Stands in dist/app.zip → config/.env at 3:19."), "{}", message(0));
    assert!(message(0).contains("[dist/app.zip → config/.env.old:3:19](1)"), "{}", message(0));
    assert!(message(2).contains("top.zip → inner.tar → a/b at 70000:19."), "{}", message(2));
    let inner = &results[0]["locations"][0]["logicalLocations"][0]["fullyQualifiedName"];
    assert_eq!(inner, "config/.env");
    let github = written("github", &packed());
    assert!(github.contains("::error file=dist/app.zip,title="), "no line of a file that has none: {github}");
}

#[test]
fn entries_do_not_share_an_identity() {
    let report = packed();
    let places: Vec<&Finding> = report.leaks.iter().flat_map(|leak| &leak.findings).collect();
    let ids: BTreeSet<_> = places.iter().map(|place| place.id()).collect();
    assert_eq!(ids.len(), places.len());
    let sarif: Value = serde_json::from_str(&written("sarif", &report)).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let hash = |result: &Value| {
        result["partialFingerprints"]["primaryLocationLineHash"].as_str().unwrap().to_owned()
    };
    let hashes: BTreeSet<_> = results.iter().map(hash).collect();
    assert_eq!(hashes.len(), results.len());
    assert!(hashes.iter().all(|hash| hash.ends_with(":1") && hash.len() == 18));
    let gitlab: Value = serde_json::from_str(&written("gitlab", &report)).unwrap();
    let entries = gitlab["vulnerabilities"].as_array().unwrap();
    let field =
        |name: &str| entries.iter().map(|entry| entry[name].to_string()).collect::<BTreeSet<_>>().len();
    assert_eq!((entries.len(), field("id")), (places.len(), places.len()));
    // The two keys of one entry stand on one line of it.
    assert_eq!(field("location"), places.len() - 1);
    assert_eq!(entries[0]["location"]["file"], "dist/app.zip → config/.env");
    assert_eq!(entries[0]["location"]["start_line"], 3);
    let json: Value = serde_json::from_str(&written("json", &report)).unwrap();
    let first = &json["leaks"][0]["findings"][0];
    assert_eq!(first["container"], serde_json::json!(["app.zip", "config/.env"]));
    assert_eq!(first["path"], "dist/app.zip");
}
