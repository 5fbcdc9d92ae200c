//! Tests the HTML page of a report: of every sample, with hostile text in every field, and with ten thousand findings. Saves
//! the pages in `target/tmp/pages`, from which `scripts/test-pages.sh` opens them in a browser.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use friskey::model::{
    Change, Confidence, Draft, Ignored, IgnoredKind, KeyVerdict, LeakStatus, ListedKey, MaskMatchCount, Move,
    RemoteSighting, Report, RepositoryInfo, Skip, Suppression, Surface, TagDate, Verification,
};
use friskey::report::{Style, read_json};

use super::{output, sample};

/// The size that a page with ten thousand findings must not reach, in bytes.
pub(crate) const MAX_PAGE_BYTES: usize = 20_000_000;

fn page(draft: Draft) -> String {
    output::render("html", &sample::redacted(draft), &Style::default())
}

/// Saves a page for the test in a browser.
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
pub(crate) fn save_page(name: &str, text: &str) {
    let dir: PathBuf = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join(format!("{name}.html")), text).unwrap();
}

/// What the provider said about a key, with `text` at the end of each field that others write.
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

/// Text that would run scripts if it were not escaped.
pub(crate) const HOSTILE: &str = "\"'><script>globalThis.pwned=1</script><img src=x onerror=globalThis.pwned=2>\u{202e}</title></style>\
                       <a href=javascript:globalThis.pwned=3>&lt;\u{0}\u{1b}[31m\n-->{{7*7}}";

/// A report with [`HOSTILE`] in every field that others write.
fn hostile_draft() -> Draft {
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
    let reachability = &mut leak.reachability;
    reachability.refs_at_tip = vec![format!("refs/heads/{X}"), X.to_owned()];
    reachability.refs_in_history = vec![format!("refs/remotes/{X}"), format!("refs/tags/{X}")];
    reachability.held_by = vec![format!("{X}@{{1}}")];
    reachability.tags = vec![TagDate { seconds: 1_700_000_001, name: format!("refs/tags/{X}") }];
    reachability.on_remote =
        Some(RemoteSighting { seconds: 1_700_000_002, name: X.to_owned(), by_push: false });
    for surface in [Surface::Blob, Surface::Index, Surface::Worktree, Surface::Config, Surface::Reflog] {
        let mut finding = leak.findings[0].clone();
        finding.origin.surface = surface;
        finding.origin.path = Some(bytes());
        finding.origin.container = vec![bytes(), bytes()];
        finding.origin.commit = Some(X.to_owned());
        finding.origin.object = Some(X.to_owned());
        if let Some(excerpt) = &mut finding.excerpt {
            excerpt.text = X.to_owned();
            (excerpt.start, excerpt.end) = (1, 9);
        }
        leak.findings.push(finding.clone());
        finding.suppressed =
            Some(Suppression { by: "inline", source: X.to_owned(), reason: Some(X.to_owned()) });
        leak.findings.push(finding);
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
fn every_sample_can_be_written_as_a_page() {
    for (name, report) in sample::all() {
        save_page(name, &output::render("html", &report, &Style::default()));
    }
}

#[test]
fn a_page_lists_live_keys_before_dead_ones() {
    let mut verified = sample::history();
    verified.leaks[0].verification = Some(verification(KeyVerdict::LiveRestricted, ""));
    verified.leaks[1].verification = Some(verification(KeyVerdict::Dead, ""));
    let text = page(verified);
    assert!(text.contains("Revoke the key now") && text.contains("Nothing to revoke"), "{text}");
    assert!(text.find("live, but restricted") < text.find(">dead<"), "the dead key comes last");
    save_page("verified", &text);
}

#[test]
fn markup_in_any_field_is_escaped() {
    let text = page(hostile_draft());
    save_page("payloads", &text);
    assert_no_markup_from_fields(&text);
}

/// Asserts that a page with [`HOSTILE`] in its fields has no script, style or element but its own.
pub(crate) fn assert_no_markup_from_fields(text: &str) {
    assert_eq!(text.matches("<script").count(), 1);
    for tag in ["<img", "<a href=javascript", "<a href=\"javascript", "onerror=\"", "<title></title>"] {
        assert!(!text.contains(tag), "{tag}");
    }
    assert_eq!(text.matches("</style>").count(), 1);
    assert!(text.contains("\\u{202e}") && !text.contains('\u{202e}'), "a hidden character is not escaped");
}

#[test]
fn the_content_security_policy_allows_only_the_style_and_script_of_the_page() {
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
        let text = output::render(format, &sample::redacted(draft.clone()), &Style::default());
        assert!(text.find("src/app01.py") < text.find("src/my app.py"), "{format}");
    }
}

#[test]
fn findings_beyond_twenty_are_folded() {
    let mut draft = sample::tree();
    draft.leaks.truncate(1);
    let detected_key = Arc::clone(&draft.leaks[0].detected_key);
    let finding =
        |n: u64| sample::finding(&detected_key, Surface::Worktree, format!("src/{n:02}.py").as_bytes(), n);
    draft.leaks[0].findings = (1..=30).map(finding).collect();
    let text = page(draft);
    let (before, after) = text.split_once("<summary>10 more places</summary>").unwrap();
    assert!(before.contains("src/20.py") && !before.contains("src/21.py") && after.contains("src/21.py"));
}

#[test]
fn the_size_of_a_page_with_ten_thousand_findings_is_limited() {
    let key = |n: u64| {
        sample::detected_key(sample::secret(&format!("{n:05}")), "openai-project-key", Confidence::High)
    };
    let mut many_leaks = sample::history();
    let template = many_leaks.leaks.swap_remove(0);
    many_leaks.leaks.clear();
    for n in 0..10_000 {
        let mut leak = template.clone();
        leak.detected_key = key(n);
        leak.status = if n % 3 == 0 { LeakStatus::Present } else { LeakStatus::Removed };
        leak.findings =
            vec![sample::finding(&leak.detected_key, Surface::Blob, format!("src/{n}.py").as_bytes(), 1 + n)];
        many_leaks.leaks.push(leak);
    }
    let mut many_findings = sample::tree();
    many_findings.leaks.truncate(1);
    let detected_key = Arc::clone(&many_findings.leaks[0].detected_key);
    let finding =
        |n: u64| sample::finding(&detected_key, Surface::Worktree, format!("src/{n}.py").as_bytes(), 1 + n);
    many_findings.leaks[0].findings = (0..10_000).map(finding).collect();
    for (name, draft) in [("many-leaks", many_leaks), ("many-places", many_findings)] {
        let text = page(draft);
        save_page(name, &text);
        assert!(text.len() < MAX_PAGE_BYTES, "{name} has {} bytes", text.len());
    }
}

#[test]
fn a_page_from_a_json_report_equals_the_page_of_the_scan() {
    for (name, report) in sample::all() {
        // It has dates and bytes that JSON cannot represent.
        if name == "hostile" {
            continue;
        }
        let page = |report: &Report| output::render("html", report, &Style::default());
        let json = output::render("json", &report, &Style::default());
        let document = serde_json::from_str(&json).unwrap();
        let read = read_json(&document, report.rules().to_vec()).unwrap();
        assert_eq!(page(&sample::redacted(read)), page(&report), "{name}");
    }
}

#[test]
fn invalid_values_in_a_json_report_are_rejected_or_harmless() {
    let json = output::render("json", &sample::redacted(sample::history()), &Style::default());
    let mut document: serde_json::Value = serde_json::from_str(&json).unwrap();
    document["leaks"][0]["length"] = u64::MAX.into();
    document["leaks"][0]["findings"][0]["excerpt"]["end"] = u64::MAX.into();
    document["leaks"][0]["introduced"][0]["committed"] = "9999-99-99T99:99:99Z".into();
    let read = read_json(&document, Vec::new()).unwrap();
    assert!(output::render("html", &sample::redacted(read), &Style::default()).contains("x9KA"));
    for (field, value) in [("status", "gone"), ("redacted", "no key"), ("fingerprint", "0")] {
        let mut document = document.clone();
        document["leaks"][0][field] = value.into();
        assert!(read_json(&document, Vec::new()).is_err(), "{field}");
    }
    assert!(read_json(&serde_json::json!([]), Vec::new()).is_err());
}
