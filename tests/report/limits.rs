//! What readers of reports take at most, and what a report does when there is more.

use friskey::model::{Confidence, LeakStatus, Report, Skip, Surface};
use friskey::report::{Style, reporter, write_sarif, write_step_summary};
use serde_json::Value;

use super::sample;

/// A report of that many leaks; every hundredth one has a rule that is more severe.
fn many(leaks: usize) -> Report {
    let mut report = sample::clean();
    for n in 0..leaks {
        let rule = if n % 100 == 99 { "openai-project-key" } else { "openai-legacy-key" };
        let identified = sample::identified(sample::secret(&format!("{n:06}")), rule, Confidence::High);
        let path = format!("src/{n}/{}.py", "long/".repeat(20));
        let place = sample::finding(&identified, Surface::Worktree, path.as_bytes(), 1);
        report.leaks.push(sample::leak(identified, LeakStatus::Present, vec![place]));
    }
    report
}

fn written(format: &str, report: &Report, style: &Style) -> String {
    let mut out = Vec::new();
    reporter(format).expect("a known format").write(report, style, &mut out).expect("a Vec takes everything");
    String::from_utf8(out).expect("reports are UTF-8")
}

fn sarif(report: &Report, style: &Style) -> Value {
    serde_json::from_str(&written("sarif", report, style)).expect("SARIF is JSON")
}

#[test]
fn sarif_keeps_the_worst_and_says_so() {
    let log = sarif(&many(6_000), &Style::default());
    let results = log["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results.len(), 5_000);
    assert_eq!(results.iter().filter(|result| result["ruleId"] == "openai-project-key").count(), 60);
    let notes = log["runs"][0]["invocations"][0]["toolExecutionNotifications"].to_string();
    assert!(notes.contains("1,000 leaks left out"), "{notes}");
}

#[test]
fn sarif_leaves_suppressed_leaks_out_unless_asked() {
    let report = sample::tree();
    assert_eq!(sarif(&report, &Style::default())["runs"][0]["results"].as_array().unwrap().len(), 2);
    let all = sarif(&report, &Style { sarif_suppressed: true, ..Style::default() });
    let results = all["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results.len(), 3);
    assert_eq!(results[2]["suppressions"][0]["kind"], "inSource");
    assert!(results[0].get("suppressions").is_none());
}

#[test]
fn sarif_results_can_be_uploaded() {
    for (name, report) in sample::all() {
        for result in sarif(&report, &Style::default())["runs"][0]["results"].as_array().unwrap() {
            let locations = result["locations"].as_array().unwrap();
            assert_eq!(locations.len(), 1, "{name}");
            for location in
                locations.iter().chain(result["relatedLocations"].as_array().into_iter().flatten())
            {
                let place = &location["physicalLocation"];
                let side = |name: &str| place["region"][name].as_u64().unwrap();
                assert!(side("startLine") >= 1 && side("startColumn") >= 1, "{name}");
                let (start, end) =
                    ((side("startLine"), side("startColumn")), (side("endLine"), side("endColumn")));
                assert!(start < end, "{name}");
                assert!(place["artifactLocation"]["uri"].as_str().unwrap().is_ascii(), "{name}");
            }
            assert!(!result["message"]["text"].as_str().unwrap().contains("@example.org"), "{name}");
        }
    }
}

#[test]
fn sarif_hashes_lines_of_the_checkout_only_if_told() {
    let mut out = Vec::new();
    let hash = |_: &_, line: u64| Some(format!("abc:{line}"));
    write_sarif(&sample::tree(), &Style::default(), &hash, &mut out).unwrap();
    let log: Value = serde_json::from_slice(&out).unwrap();
    let prints = |log: &Value, at: usize| log["runs"][0]["results"][at]["partialFingerprints"].clone();
    assert_eq!(prints(&log, 0)["primaryLocationLineHash"], "abc:1");
    // The lines of an archive's entry are not those of the archive, whose first line all of its entries would share.
    let id = sample::tree().leaks[1].findings[0].id();
    assert_eq!(prints(&log, 1)["primaryLocationLineHash"], format!("{id}:1"));
    let plain = sarif(&sample::tree(), &Style::default());
    assert_eq!(prints(&plain, 0).get("primaryLocationLineHash"), None);
    let history = sarif(&sample::history(), &Style::default());
    assert!(prints(&history, 0)["primaryLocationLineHash"].as_str().unwrap().ends_with(":1"));
}

#[test]
fn ten_annotations_at_most() {
    for leaks in [8, 9, 10, 11, 500] {
        for skipped in [false, true] {
            let mut report = many(leaks);
            if skipped {
                report.coverage.skipped.insert(Skip::new("a", "unreadable"));
            }
            let text = written("github", &report, &Style::default());
            let shown: Vec<_> = text.lines().filter(|line| line.starts_with("::")).collect();
            let all = leaks + usize::from(skipped);
            assert_eq!(shown.len(), all.min(10));
            assert_eq!(all > 10, text.contains("more leak"), "{text}");
            if leaks == 500 {
                assert!(shown[usize::from(skipped)].starts_with("::error"), "the worst come first");
            }
        }
    }
}

#[test]
fn the_step_summary_fits() {
    let mut report = many(3_000);
    report.coverage.skipped =
        (0..10_000).map(|n| Skip::new(format!("<{n}>").repeat(100), "*".repeat(5_000))).collect();
    report.notes = (0..1_000).map(|n| format!("{n} {}", "&".repeat(10_000))).collect();
    let mut out = Vec::new();
    write_step_summary(&report, &mut out).unwrap();
    assert!(out.len() <= 1 << 20, "{} bytes", out.len());
    assert!(out.len() > 900_000, "{} bytes: room was wasted", out.len());
    let text = String::from_utf8(out).unwrap();
    assert!(text.contains("more leaks did not fit here"));
    assert!(text.contains("9,950 more things not scanned"));
}

#[test]
fn everything_can_be_listed() {
    let text = written("human", &sample::tree(), &Style { verbose: true, ..Style::default() });
    assert!(text.contains("src/app13.py:13:19") && !text.contains("more place"));
    let text = written("human", &sample::incomplete(), &Style { verbose: true, ..Style::default() });
    assert!(text.contains("data/part14.bin"));
    let text = written("human", &sample::tree(), &Style { verbose: true, ..Style::default() });
    assert!(text.contains("accepted: src/app03.py:3:19: friskey:allow: made up"), "{text}");
    let text = written("human", &sample::narrowed(), &Style { verbose: true, ..Style::default() });
    assert!(text.contains("leaves out z/0900") && text.contains("more things left out"));
}
