//! Tests that reports stay within the limits of the programs that read them, and say what they left out for that.

use friskey::model::{Confidence, Draft, LeakStatus, Report, Skip, Surface};
use friskey::report::{Style, write_sarif};
use serde_json::Value;

use super::output::{render, step_summary};
use super::sample;

/// A draft with `leaks` leaks; every hundredth matches a more severe rule.
fn draft_with(leaks: usize) -> Draft {
    let mut draft = sample::clean();
    for n in 0..leaks {
        let rule = if n % 100 == 99 { "openai-project-key" } else { "openai-legacy-key" };
        let detected_key = sample::detected_key(sample::secret(&format!("{n:06}")), rule, Confidence::High);
        let path = format!("src/{n}/{}.py", "long/".repeat(20));
        let finding = sample::finding(&detected_key, Surface::Worktree, path.as_bytes(), 1);
        draft.leaks.push(sample::leak(detected_key, LeakStatus::Present, vec![finding]));
    }
    draft
}

fn render_sarif(report: &Report, style: &Style) -> Value {
    serde_json::from_str(&render("sarif", report, style)).expect("SARIF is JSON")
}

#[test]
fn sarif_keeps_the_most_severe_results_and_says_how_many_it_left_out() {
    let log = render_sarif(&sample::redacted(draft_with(6_000)), &Style::default());
    let results = log["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results.len(), 5_000);
    assert_eq!(results.iter().filter(|result| result["ruleId"] == "openai-project-key").count(), 60);
    let notes = log["runs"][0]["invocations"][0]["toolExecutionNotifications"].to_string();
    assert!(notes.contains("1,000 leaks left out"), "{notes}");
}

#[test]
fn sarif_omits_suppressed_leaks_unless_requested() {
    let report = sample::redacted(sample::tree());
    assert_eq!(render_sarif(&report, &Style::default())["runs"][0]["results"].as_array().unwrap().len(), 2);
    let all = render_sarif(&report, &Style { sarif_suppressed: true, ..Style::default() });
    let results = all["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results.len(), 3);
    assert_eq!(results[2]["suppressions"][0]["kind"], "inSource");
    assert!(results[0].get("suppressions").is_none());
}

#[test]
fn sarif_results_meet_the_requirements_of_code_scanning() {
    for (name, report) in sample::all() {
        for result in render_sarif(&report, &Style::default())["runs"][0]["results"].as_array().unwrap() {
            let locations = result["locations"].as_array().unwrap();
            assert_eq!(locations.len(), 1, "{name}");
            for location in
                locations.iter().chain(result["relatedLocations"].as_array().into_iter().flatten())
            {
                let physical = &location["physicalLocation"];
                let number = |name: &str| physical["region"][name].as_u64().unwrap();
                let start = (number("startLine"), number("startColumn"));
                let end = (number("endLine"), number("endColumn"));
                assert!(start.0 >= 1 && start.1 >= 1 && start < end, "{name}");
                assert!(physical["artifactLocation"]["uri"].as_str().unwrap().is_ascii(), "{name}");
            }
            assert!(!result["message"]["text"].as_str().unwrap().contains("@example.org"), "{name}");
        }
    }
}

#[test]
fn sarif_has_line_hashes_of_checked_out_files_only_if_given() {
    let tree = sample::redacted(sample::tree());
    let mut out = Vec::new();
    let hash = |_: &_, line: u64| Some(format!("abc:{line}"));
    write_sarif(&tree, &Style::default(), &hash, &mut out).unwrap();
    let log: Value = serde_json::from_slice(&out).unwrap();
    let fingerprints =
        |log: &Value, index: usize| log["runs"][0]["results"][index]["partialFingerprints"].clone();
    assert_eq!(fingerprints(&log, 0)["primaryLocationLineHash"], "abc:1");
    // All entries of an archive would share the hash of its first line.
    let id = tree.leaks()[1].findings[0].id();
    assert_eq!(fingerprints(&log, 1)["primaryLocationLineHash"], format!("{id}:1"));
    let without_hash = render_sarif(&tree, &Style::default());
    assert_eq!(fingerprints(&without_hash, 0).get("primaryLocationLineHash"), None);
    let history = render_sarif(&sample::redacted(sample::history()), &Style::default());
    assert!(fingerprints(&history, 0)["primaryLocationLineHash"].as_str().unwrap().ends_with(":1"));
}

#[test]
fn github_shows_at_most_ten_annotations() {
    for leaks in [8, 9, 10, 11, 500] {
        for skipped in [false, true] {
            let mut draft = draft_with(leaks);
            if skipped {
                draft.coverage.skipped.insert(Skip::new("a", "unreadable"));
            }
            let text = render("github", &sample::redacted(draft), &Style::default());
            let annotations: Vec<_> = text.lines().filter(|line| line.starts_with("::")).collect();
            let total = leaks + usize::from(skipped);
            assert_eq!(annotations.len(), total.min(10));
            assert_eq!(total > 10, text.contains("more leak"), "{text}");
            if leaks == 500 {
                let first = annotations[usize::from(skipped)];
                assert!(first.starts_with("::error"), "the most severe leak comes first");
            }
        }
    }
}

#[test]
fn the_step_summary_fills_its_limit_of_a_mebibyte_and_no_more() {
    let mut draft = draft_with(3_000);
    draft.coverage.skipped =
        (0..10_000).map(|n| Skip::new(format!("<{n}>").repeat(100), "*".repeat(5_000))).collect();
    draft.notes = (0..1_000).map(|n| format!("{n} {}", "&".repeat(10_000))).collect();
    let text = step_summary(&sample::redacted(draft));
    assert!(text.len() <= 1 << 20, "{} bytes", text.len());
    assert!(text.len() > 900_000, "only {} bytes", text.len());
    assert!(text.contains("more leaks did not fit here"));
    assert!(text.contains("9,950 more things not scanned"));
}

#[test]
fn verbose_human_output_lists_everything() {
    let render_verbose =
        |draft| render("human", &sample::redacted(draft), &Style { verbose: true, ..Style::default() });
    let tree = render_verbose(sample::tree());
    assert!(tree.contains("src/app13.py:13:19") && !tree.contains("more place"));
    assert!(tree.contains("suppressed: src/app03.py:3:19: friskey:allow: made up"), "{tree}");
    assert!(render_verbose(sample::incomplete()).contains("data/part14.bin"));
    let narrowed = render_verbose(sample::narrowed_beyond_limits());
    assert!(narrowed.contains("leaves out z/0900") && narrowed.contains("more things left out"));
}
