//! Tests the HTML pages: of every sample, with hostile text in every field, and with ten thousand findings. Leaves them in
//! `target/tmp/pages`, where `scripts/test-pages.sh` opens them in a browser.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use friskey::model::{
    AuditRun, Change, Confidence, Draft, FleetCoverage, FleetLeak, FleetReport, FleetRepository, Ignored,
    IgnoredKind, KeyVerdict, LeakInRepository, LeakStatus, ListedKey, MaskMatchCount, Move, RemoteSighting,
    Report, RepositoryInfo, RepositoryState, Skip, Suppression, Surface, TagDate, Verification,
};
use friskey::report::{Style, fleet_reporter, read_json};

use super::{output, sample};

/// What it may take for ten thousand findings.
const MAX_BYTES: usize = 20_000_000;

fn page(draft: Draft) -> String {
    output::formatted("html", &sample::redacted(draft), &Style::default())
}

#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
fn keep(name: &str, text: &str) {
    let dir: PathBuf = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join(format!("{name}.html")), text).unwrap();
}

fn verification(verdict: KeyVerdict, text: &str) -> Box<Verification> {
    let key = ListedKey {
        id: format!("key_1{text}"),
        name: format!("backend{text}"),
        project: None,
        owner: None,
        created_at: Some(1_690_000_000),
        last_used_at: None,
        expires_at: None,
        created_after_leak: false,
        account_keys: Vec::new(),
        short_mask: false,
    };
    Box::new(Verification {
        verdict,
        reason: format!("the provider says so{text}"),
        works_at: None,
        key_sent: false,
        matching: MaskMatchCount::One,
        keys: vec![key],
        spending: None,
        audit_events: Vec::new(),
        whoami: Vec::new(),
        notes: Vec::new(),
        next_steps: Vec::new(),
        checked_at: 1_795_221_360,
    })
}

/// Text that would run if it were not escaped.
const HOSTILE: &str = "\"'><script>globalThis.pwned=1</script><img src=x onerror=globalThis.pwned=2>\u{202e}</title></style>\
                       <a href=javascript:globalThis.pwned=3>&lt;\u{0}\u{1b}[31m\n-->{{7*7}}";

/// [`HOSTILE`] in every field that others write.
fn payloads() -> Draft {
    const X: &str = HOSTILE;
    let bytes = || X.as_bytes().to_vec();
    let change = |seconds| Change {
        commit: "a".repeat(40),
        author: format!("{X} <{X}>"),
        date: X.to_owned(),
        seconds,
        path: Some(bytes()),
        subject: X.to_owned(),
    };
    let mut draft = sample::history();
    let mut leak = draft.leaks[0].clone();
    let mut detected_key = (*leak.detected_key).clone();
    detected_key.evidence = vec![X.to_owned()];
    leak.detected_key = Arc::new(detected_key);
    leak.introduced = vec![change(1_700_000_000)];
    leak.removed = vec![change(1_700_500_000)];
    leak.moves = vec![Move { from: bytes(), change: change(1_700_400_000) }];
    let reached = &mut leak.reachability;
    reached.refs_at_tip = vec![format!("refs/heads/{X}"), X.to_owned()];
    reached.refs_in_history = vec![format!("refs/remotes/{X}"), format!("refs/tags/{X}")];
    reached.held_by = vec![format!("{X}@{{1}}")];
    reached.tags = vec![TagDate { seconds: 1_700_000_001, name: format!("refs/tags/{X}") }];
    reached.on_remote = Some(RemoteSighting { seconds: 1_700_000_002, name: X.to_owned(), by_push: false });
    for surface in [Surface::Blob, Surface::Index, Surface::Worktree, Surface::Config, Surface::Reflog] {
        let mut place = leak.findings[0].clone();
        place.origin.surface = surface;
        place.origin.path = Some(bytes());
        place.origin.container = vec![bytes(), bytes()];
        place.origin.commit = Some(X.to_owned());
        place.origin.object = Some(X.to_owned());
        if let Some(excerpt) = &mut place.excerpt {
            excerpt.text = X.to_owned();
            (excerpt.start, excerpt.end) = (1, 9);
        }
        leak.findings.push(place.clone());
        place.suppressed =
            Some(Suppression { by: "inline", source: X.to_owned(), reason: Some(X.to_owned()) });
        leak.findings.push(place);
    }
    leak.verification = Some(verification(KeyVerdict::Live, X));
    draft.leaks.push(leak);
    draft.repository = Some(RepositoryInfo {
        path: X.to_owned(),
        url: Some(format!("https://github.com/{X}")),
        head: Some(X.to_owned()),
        branch: Some(X.to_owned()),
        depth: 0,
        argument: X.to_owned(),
        is_bare: false,
        is_mirror: true,
    });
    draft.directory = X.to_owned();
    draft.command_line = vec![X.to_owned()];
    draft.notes = vec![X.to_owned()];
    draft.rules_digest = X.to_owned();
    for rule in &mut draft.rules {
        (rule.name, rule.advice, rule.revoke_url) =
            (X.to_owned(), vec![X.to_owned()], Some(format!("https://a.example/{X}")));
    }
    draft.coverage.skipped.insert(Skip::new(X, X));
    draft.coverage.ignored.insert(Ignored::new(IgnoredKind::Path, X, X, X));
    draft
}

#[test]
fn every_sample_makes_a_page() {
    for (name, report) in sample::all() {
        keep(name, &output::formatted("html", &report, &Style::default()));
    }
    let mut verified = sample::history();
    verified.leaks[0].verification = Some(verification(KeyVerdict::LiveRestricted, ""));
    verified.leaks[1].verification = Some(verification(KeyVerdict::Dead, ""));
    let text = page(verified);
    assert!(text.contains("Revoke the key now") && text.contains("Nothing to revoke"), "{text}");
    assert!(text.find("live, but restricted") < text.find(">dead<"), "the dead key comes last");
    keep("verified", &text);
}

/// The page of a fleet of `repositories`, each of which has `leaks` leaks in a place each, and with `text` in every
/// field that others write.
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
fn fleet(repositories: usize, leaks: usize, text: &str) -> String {
    let path = |n: usize| format!("/srv/mirrors/team{}/service-{n}.git{text}", n % 7);
    let here = |leak: usize, n: usize| {
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
        repositories: (0..repositories).map(|n| here(number, n)).collect(),
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
    let text = fleet(12, 3, "");
    keep("fleet", &text);
    keep("fleet-clean", &fleet(2, 0, ""));
    keep("payloads-fleet", &fleet(8, 2, HOSTILE));
    keep("many-in-a-fleet", &fleet(100, 100, ""));
    let (_, by_repository) = text.split_once("id=\"repositories\"").unwrap();
    let row = by_repository.split("<tr").find(|row| row.contains("service-5.git")).unwrap();
    for number in 1..=3 {
        assert!(row.contains(&format!("href=\"#leak-{number}\"")), "{row}");
        let (_, leak) = text.split_once(&format!("id=\"leak-{number}\"")).unwrap();
        let (leak, _) = leak.split_once("</article>").unwrap();
        let (places, steps) = leak.split_once("<h3>Next steps</h3>").unwrap();
        assert_eq!(
            (places.matches("/srv/mirrors/").count(), steps.matches("/srv/mirrors/").count()),
            (12, 5)
        );
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
    assert!(!text.contains("ann@example.org"));
    assert!(fleet(100, 100, "").len() < MAX_BYTES);
}

#[test]
fn markup_in_any_field_is_text() {
    assert_is_text(&fleet(8, 2, HOSTILE));
    let text = page(payloads());
    keep("payloads", &text);
    assert_is_text(&text);
}

fn assert_is_text(text: &str) {
    assert_eq!(text.matches("<script").count(), 1);
    for tag in ["<img", "<a href=javascript", "<a href=\"javascript", "onerror=\"", "<title></title>"] {
        assert!(!text.contains(tag), "{tag}");
    }
    assert_eq!(text.matches("</style>").count(), 1);
    assert!(text.contains("\\u{202e}") && !text.contains('\u{202e}'), "hidden characters are made visible");
}

#[test]
fn only_the_page_s_own_style_and_script_may_run() {
    let text = page(sample::history());
    let (_, policy) = text.split_once("Content-Security-Policy\" content=\"").unwrap();
    let (policy, _) = policy.split_once('"').unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(policy.contains("; script-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
}

#[test]
fn a_page_about_a_removed_and_a_present_leak_shows_the_present_one_first() {
    let mut draft = sample::history();
    let mut present = sample::tree().leaks.remove(0);
    present.status = LeakStatus::Present;
    draft.leaks.push(present);
    for format in ["html", "human"] {
        let text = output::formatted(format, &sample::redacted(draft.clone()), &Style::default());
        assert!(text.find("src/app01.py") < text.find("src/my app.py"), "{format}");
    }
}

#[test]
fn places_beyond_twenty_are_folded() {
    let mut draft = sample::tree();
    draft.leaks.truncate(1);
    let detected_key = Arc::clone(&draft.leaks[0].detected_key);
    let place =
        |n: u64| sample::finding(&detected_key, Surface::Worktree, format!("src/{n:02}.py").as_bytes(), n);
    draft.leaks[0].findings = (1..=30).map(place).collect();
    let text = page(draft);
    let (before, after) = text.split_once("<summary>10 more places</summary>").unwrap();
    assert!(before.contains("src/20.py") && !before.contains("src/21.py") && after.contains("src/21.py"));
}

#[test]
fn ten_thousand_findings_make_a_small_page() {
    let key = |n: u64| {
        sample::detected_key(sample::secret(&format!("{n:05}")), "openai-project-key", Confidence::High)
    };
    let history = sample::history();
    let mut leaks = sample::history();
    leaks.leaks.clear();
    for n in 0..10_000 {
        let mut leak = history.leaks[0].clone();
        leak.detected_key = key(n);
        leak.status = if n % 3 == 0 { LeakStatus::Present } else { LeakStatus::Removed };
        leak.findings =
            vec![sample::finding(&leak.detected_key, Surface::Blob, format!("src/{n}.py").as_bytes(), 1 + n)];
        leaks.leaks.push(leak);
    }
    let mut places = sample::tree();
    places.leaks.truncate(1);
    let detected_key = Arc::clone(&places.leaks[0].detected_key);
    let place =
        |n: u64| sample::finding(&detected_key, Surface::Worktree, format!("src/{n}.py").as_bytes(), 1 + n);
    places.leaks[0].findings = (0..10_000).map(place).collect();
    for (name, draft) in [("many-leaks", leaks), ("many-places", places)] {
        let text = page(draft);
        keep(name, &text);
        assert!(text.len() < MAX_BYTES, "{name} has {} bytes", text.len());
    }
}

#[test]
fn a_page_from_a_json_report_is_the_same() {
    for (name, report) in sample::all() {
        // Dates and bytes that JSON cannot hold.
        if name == "hostile" {
            continue;
        }
        let page = |report: &Report| output::formatted("html", report, &Style::default());
        let json = output::formatted("json", &report, &Style::default());
        let document = serde_json::from_str(&json).unwrap();
        let read = read_json(&document, report.rules().to_vec()).unwrap();
        assert_eq!(page(&sample::redacted(read)), page(&report), "{name}");
    }
}

#[test]
fn a_json_report_from_elsewhere_is_no_danger() {
    let json = output::formatted("json", &sample::redacted(sample::history()), &Style::default());
    let mut document: serde_json::Value = serde_json::from_str(&json).unwrap();
    document["leaks"][0]["length"] = u64::MAX.into();
    document["leaks"][0]["findings"][0]["excerpt"]["end"] = u64::MAX.into();
    document["leaks"][0]["introduced"][0]["committed"] = "9999-99-99T99:99:99Z".into();
    let read = read_json(&document, Vec::new()).unwrap();
    assert!(output::formatted("html", &sample::redacted(read), &Style::default()).contains("x9KA"));
    for (field, value) in [("status", "gone"), ("redacted", "no key"), ("fingerprint", "0")] {
        let mut document = document.clone();
        document["leaks"][0][field] = value.into();
        assert!(read_json(&document, Vec::new()).is_err(), "{field}");
    }
    assert!(read_json(&serde_json::json!([]), Vec::new()).is_err());
}
