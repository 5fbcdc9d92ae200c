//! Tests the HTML page of a fleet, also with hostile text in every field. Saves pages like `pages.rs`.

use friskey::model::{
    AuditRun, FleetCoverage, FleetLeak, FleetReport, FleetRepository, LeakInRepository, RepositoryState, Skip,
};
use friskey::report::{Style, fleet_reporter};

use super::pages::{HOSTILE, MAX_PAGE_BYTES, assert_no_markup_from_fields, save_page};

/// The page of a fleet in which each of `leaks` keys is in one file of each of `repositories`. `text` is in every field that
/// others write.
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
fn fleet_page(repositories: usize, leaks: usize, text: &str) -> String {
    let path = |n: usize| format!("/srv/mirrors/team{}/service-{n}.git{text}", n % 7);
    let leak_in = |n: usize, leak: usize| {
        LeakInRepository {
        repository: path(n),
        repository_index: n,
        is_suppressed: false,
        leak: serde_json::from_value(serde_json::json!({
            "status": "present",
            "introduced": [{
                "commit": "a".repeat(40), "date": format!("2023-11-14T22:13:20+01:00{text}"),
                "author": format!("Ann{text} <ann@example.org>"), "subject": format!("a subject{text}"),
                "path": format!("src/{leak}/{n}.py{text}"),
            }],
            "next_steps": [{"action": format!("revoke{text}"), "text": format!("revoke the key{text}"),
                "command": format!("friskey revoke{text}")}],
            "findings": [{
                "surface": format!("blob{text}"), "path": format!("src/{leak}/{n}.py{text}"), "suppressed": null,
                "commit": format!("{}{text}", "b".repeat(40)), "container": ["x.zip", format!("é/日本語{text}")],
                "start": {"offset": 1, "line": 3, "column": 7},
                "url": format!("https://github.com/team/app/blob/{}/x{text}", "b".repeat(40)),
            }],
        }))
        .unwrap(),
    }
    };
    let leak = |number: usize| FleetLeak {
        fingerprint: format!("{number:064x}"),
        redacted: format!("sk-proj-…{number:04}{text}"),
        rule: format!("openai-project-key{text}"),
        kind: "project".to_owned(),
        confidence: "high".to_owned(),
        evidence: vec![format!("marker{text}")],
        length: 164,
        severity: ["critical", "medium", "low"][number % 3].to_owned(),
        status: ["present", "removed", "unreachable"][number % 3].to_owned(),
        exposed_seconds: Some(86_400 * number as u64),
        is_suppressed: false,
        repositories: (0..repositories).map(|n| leak_in(n, number)).collect(),
    };
    let repository = |n: usize| FleetRepository {
        path: path(n),
        state: if leaks > 0 { RepositoryState::Findings } else { RepositoryState::Clean },
        bytes: 1_000_000 * n as u64,
        reason: Some(text.to_owned()),
        started: None,
        head: None,
        elapsed_seconds: Some(0.5),
        coverage: None,
        notes: vec![text.to_owned()],
        sarif_run: None,
    };
    let report = FleetReport {
        plan: format!("0123456789abcdef{text}"),
        rules: [format!("0123456789abcdef{text}")].into(),
        leaks: (0..leaks).map(leak).collect(),
        repositories: (0..repositories).map(repository).collect(),
        audits: vec![AuditRun {
            version: format!("1.0{text}"),
            command_line: vec!["friskey".to_owned(), format!("fleet{text}")],
            first_started: format!("2030-01-02T03:04:05Z{text}"),
            last_started: "2030-01-02T03:05:06Z".to_owned(),
            repositories: repositories as u64,
        }],
        coverage: FleetCoverage { planned: repositories as u64, ..FleetCoverage::default() },
        ignored: Vec::new(),
        notes: vec![Skip::new(format!("a note{text}"), format!("a reason{text}"))],
        problems: (1..8).map(|n| Skip::new(format!("{}/{n}", path(n)), format!("no result{text}"))).collect(),
    };
    let mut page = Vec::new();
    fleet_reporter("html").unwrap().write(&report, &Style::default(), &mut page).unwrap();
    String::from_utf8(page).unwrap()
}

#[test]
fn the_page_of_a_fleet_has_repositories_by_leak_and_leaks_by_repository() {
    let text = fleet_page(12, 3, "");
    save_page("fleet", &text);
    save_page("fleet-clean", &fleet_page(2, 0, ""));
    let (_, by_repository) = text.split_once("id=\"repositories\"").unwrap();
    let row = by_repository.split("<tr").find(|row| row.contains("service-5.git")).unwrap();
    for number in 1..=3 {
        assert!(row.contains(&format!("href=\"#leak-{number}\"")), "{row}");
        let (_, leak) = text.split_once(&format!("id=\"leak-{number}\"")).unwrap();
        let (leak, _) = leak.split_once("</article>").unwrap();
        let (findings, steps) = leak.split_once("<h3>Next steps</h3>").unwrap();
        assert_eq!(findings.matches("/srv/mirrors/").count(), 12);
        // The steps name five of the repositories.
        assert_eq!(steps.matches("/srv/mirrors/").count(), 5);
    }
    assert!(text.contains("src/1/5.py → x.zip → é/日本語:3:7"));
    for part in [
        "friskey fleet</bdi>",
        "on 2023-11-14 in",
        "by <bdi>Ann</bdi>",
        "a subject",
        "friskey revoke",
        "critical",
    ] {
        assert!(text.contains(part), "{part}");
    }
    assert!(!text.contains("ann@example.org"), "a page shows no e-mail addresses");
}

#[test]
fn the_size_of_a_fleet_page_with_ten_thousand_findings_is_limited() {
    let text = fleet_page(100, 100, "");
    save_page("many-in-a-fleet", &text);
    assert!(text.len() < MAX_PAGE_BYTES, "{} bytes", text.len());
}

#[test]
fn markup_in_any_field_is_escaped() {
    let text = fleet_page(8, 2, HOSTILE);
    save_page("payloads-fleet", &text);
    assert_no_markup_from_fields(&text);
}
