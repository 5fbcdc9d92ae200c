//! Tests of which findings a baseline accepts, and of its notes.

use super::*;
use crate::globs::Glob;
use crate::model::{DetectedKey, LeakStatus, Origin, Position, Reachability, Span, Surface};

fn leak(key: &str, paths: &[&str]) -> Leak {
    let detected_key = Arc::new(DetectedKey::sample(key));
    let finding = |path: &&str| Finding {
        detected_key: Arc::clone(&detected_key),
        origin: Origin::at_path(Surface::Worktree, *path),
        encoding: "utf-8",
        span: Span { start: Position::START, end: Position::START },
        occurrence: 0,
        versions: 1,
        excerpt: None,
        suppressed: None,
    };
    let findings = paths.iter().map(finding).collect();
    Leak {
        detected_key,
        status: LeakStatus::Present,
        introduced: Vec::new(),
        removed: Vec::new(),
        moves: Vec::new(),
        reachability: Reachability::default(),
        exposed_seconds: None,
        findings,
        verification: None,
    }
}

fn entry(key: &str, path: Option<&str>, expires: Option<&str>) -> BaselineEntry {
    BaselineEntry {
        fingerprint: DetectedKey::sample(key).fingerprint,
        rule: "r".to_owned(),
        reason: "why".to_owned(),
        path: path.map(|path| Glob::new(path).unwrap()),
        owner: None,
        expires: expires.map(|day| Date::parse(day).unwrap()),
        comments: Vec::new(),
    }
}

fn baseline(entries: Vec<BaselineEntry>) -> Baseline {
    Baseline::new(entries, "b.toml", Date::parse("2024-05-05").unwrap())
}

fn is_suppressed(leak: &Leak) -> Vec<bool> {
    leak.findings.iter().map(|finding| finding.suppressed.is_some()).collect()
}

#[test]
fn accepts_a_key_anywhere_and_no_other_key() {
    let mut leaks = [leak("a", &["x", "y/z"]), leak("b", &["x"])];
    let is_used = baseline(vec![entry("a", None, None), entry("c", None, None)]).accept(&mut leaks);
    assert_eq!(is_used, [true, false]);
    assert_eq!(is_suppressed(&leaks[0]), [true, true]);
    assert_eq!(is_suppressed(&leaks[1]), [false]);
    let suppression = leaks[0].findings[0].suppressed.as_ref().unwrap();
    assert_eq!(
        (suppression.by, &*suppression.source, suppression.reason.as_deref()),
        ("baseline", "b.toml", Some("why"))
    );
}

#[test]
fn a_glob_limits_an_entry_to_its_paths() {
    let mut leaks = [leak("a", &["docs/x.md", "src/x.py"])];
    baseline(vec![entry("a", Some("docs/"), None)]).accept(&mut leaks);
    assert_eq!(is_suppressed(&leaks[0]), [true, false]);
}

#[test]
fn an_entry_is_valid_through_its_last_day() {
    for (day, is_valid) in [("2024-05-05", true), ("2024-05-04", false)] {
        let mut leaks = [leak("a", &["x"])];
        let baseline = baseline(vec![entry("a", None, Some(day))]);
        assert_eq!(baseline.accept(&mut leaks), [true], "covers the finding even if expired");
        assert_eq!(is_suppressed(&leaks[0]), [is_valid], "{day}");
        assert_eq!(baseline.notes(None).len(), usize::from(!is_valid));
    }
}

#[test]
fn notes_name_a_few_entries_and_count_the_rest() {
    let entries: Vec<_> = ('a'..='i').map(|key| entry(&key.to_string(), None, None)).collect();
    let baseline = baseline(entries);
    let notes = baseline.notes(Some(&[false; 9]));
    assert_eq!(notes.len(), MAX_NAMED_ENTRIES + 1);
    assert!(notes[0].contains("(r, why) matches no finding in this scan and may be stale"), "{}", notes[0]);
    assert!(notes[MAX_NAMED_ENTRIES].starts_with("4 more baseline entries match no finding in this scan"));
    assert!(baseline.notes(None).is_empty());
}
