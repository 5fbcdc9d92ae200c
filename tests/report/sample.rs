//! Builds reports from values: one sample for each situation that a format has to distinguish, and the parts of others.

use std::sync::{Arc, LazyLock};

use friskey::detect::Detector;
use friskey::model::{
    Change, Confidence, Coverage, DetectedKey, Draft, Excerpt, Finding, Ignored, IgnoredKind, Leak,
    LeakStatus, Move, Origin, Position, Reachability, RemoteSighting, Report, RepositoryInfo, RuleInfo,
    Secret, Severity, Skip, Span, Suppression, Surface, TagDate, VersionControl,
};
use friskey::rules::RuleSet;

/// The report that a scan makes of `draft`.
pub(crate) fn redacted(mut draft: Draft) -> Report {
    static DETECTOR: LazyLock<Detector> = LazyLock::new(|| {
        Detector::new(&RuleSet::built_in().expect("the built-in rules load")).expect("they compile")
    });
    draft.secrets = draft.leaks.iter().map(|leak| Arc::clone(&leak.detected_key)).collect();
    friskey::scan::redact(draft, &DETECTOR)
}

/// A fake project key that ends with `tail`, assembled so that this file does not contain it.
pub(crate) fn secret(tail: &str) -> Secret {
    let body = "mN3".repeat(24);
    let key = format!("sk-proj-{body}{}{body}{tail}", concat!("T3Blbk", "FJ"));
    Secret::new(key.into_bytes(), 8)
}

pub(crate) fn detected_key(secret: Secret, rule: &str, confidence: Confidence) -> Arc<DetectedKey> {
    Arc::new(DetectedKey {
        fingerprint: secret.fingerprint(),
        secret,
        rule: rule.into(),
        kind: rule.split('-').nth(1).unwrap_or("project").into(),
        confidence,
        evidence: vec!["marker".to_owned(), "equal halves of 72".to_owned()],
    })
}

/// A finding at column 19 of `line`, within an assignment.
pub(crate) fn finding(detected_key: &Arc<DetectedKey>, surface: Surface, path: &[u8], line: u64) -> Finding {
    let before = "OPENAI_API_KEY = \"";
    let redacted = detected_key.secret.redacted();
    let start = Position { offset: 40 * (line - 1) + 18, line, column: 19 };
    let length = detected_key.secret.len() as u64;
    let end = Position { offset: start.offset + length, line, column: start.column + length };
    let excerpt = Excerpt {
        text: format!("{before}{redacted}\"  # do not commit"),
        start: before.len(),
        end: before.len() + redacted.len(),
    };
    Finding {
        detected_key: Arc::clone(detected_key),
        origin: Origin::at_path(surface, path),
        encoding: "utf-8",
        span: Span { start, end },
        occurrence: 0,
        versions: 1,
        excerpt: Some(excerpt),
        suppressed: None,
    }
}

pub(crate) fn leak(detected_key: Arc<DetectedKey>, status: LeakStatus, findings: Vec<Finding>) -> Leak {
    Leak {
        detected_key,
        status,
        introduced: Vec::new(),
        removed: Vec::new(),
        moves: Vec::new(),
        reachability: Reachability::default(),
        exposed_seconds: None,
        findings,
        verification: None,
    }
}

/// A change by a commit whose id repeats `digit`.
fn change(digit: char, seconds: i64, date: &str, path: Option<&str>) -> Change {
    Change {
        commit: digit.to_string().repeat(40),
        author: "Ada Example <ada@example.org>".to_owned(),
        date: date.to_owned(),
        seconds,
        path: path.map(|path| path.as_bytes().to_vec()),
        subject: "Change how the client is configured".to_owned(),
    }
}

fn rule(id: &str, name: &str, severity: Severity) -> RuleInfo {
    RuleInfo {
        id: id.to_owned(),
        name: name.to_owned(),
        description: format!("{name}: whoever holds it can spend its owner's money."),
        severity,
        advice: vec![
            "Revoke the key now; removing it from the code does not help.".to_owned(),
            "Look at the usage page for requests that are not yours.".to_owned(),
        ],
        revoke_url: Some("https://platform.openai.com/api-keys".to_owned()),
        built_in: true,
    }
}

fn rules() -> Vec<RuleInfo> {
    vec![
        rule("openai-project-key", "OpenAI project key", Severity::Critical),
        rule("openai-admin-key", "OpenAI admin key", Severity::Critical),
        rule("openai-legacy-key", "OpenAI legacy key", Severity::Medium),
    ]
}

pub(crate) fn clean() -> Draft {
    let coverage = Coverage {
        files: 1234,
        bytes: 56_700_000,
        surfaces: [Surface::Worktree, Surface::FileName].into(),
        ..Coverage::default()
    };
    Draft {
        command: "scan",
        category: None,
        rules_digest: "0123456789abcdef".to_owned(),
        rules: rules(),
        leaks: Vec::new(),
        unlisted_findings: 0,
        suppressed_findings: 0,
        below_threshold: 0,
        min_confidence: Confidence::Medium,
        coverage,
        notes: Vec::new(),
        elapsed_seconds: 0.21,
        started: 1_795_221_360,
        version_control: None,
        repository: None,
        directory: String::new(),
        command_line: Vec::new(),
        repository_paths: Default::default(),
        secrets: Vec::new(),
    }
}

pub(crate) fn incomplete() -> Draft {
    let mut draft = clean();
    let skip = |n| Skip::new(format!("data/part{n:02}.bin"), "permission denied");
    draft.coverage.skipped = (1..=14).map(skip).collect();
    draft.below_threshold = 1;
    draft
}

/// A scan that ignore files, options, configuration and rules have narrowed, with more ignored paths than the
/// shorter formats list.
pub(crate) fn narrowed() -> Draft {
    narrowed_by(46)
}

/// The same with more ignored paths than any format lists.
pub(crate) fn narrowed_beyond_limits() -> Draft {
    narrowed_by(2_000)
}

fn narrowed_by(paths: usize) -> Draft {
    let mut draft = clean();
    let ignored = &mut draft.coverage.ignored;
    ignored.extend([
        Ignored::path("node_modules/", ".gitignore:3 `node_modules/`", "--no-ignore"),
        Ignored::path("se\u{202e}cret ::error::x|.env", "sub/.ignore:1 `<*>\u{1b}`", "--no-ignore"),
        Ignored::path("vendor/", "friskey.toml: exclude `vendor/`", "--no-config"),
        Ignored::new(IgnoredKind::Surface, "reflog", "friskey.toml: surfaces", "--no-config"),
        Ignored::new(IgnoredKind::Rule, "openai-project-key", "rules.toml", "--no-config"),
        Ignored::new(IgnoredKind::Limit, "max-depth to 0, default 10", "--max-depth", "--max-depth"),
        Ignored::new(IgnoredKind::Accepted, "2 findings", ".friskey-baseline.toml", "--no-suppress"),
    ]);
    ignored.extend((0..paths).map(|n| Ignored::path(format!("z/{n:04}"), "--exclude `z/*`", "")));
    draft.suppressed_findings = 2;
    draft.below_threshold = 1;
    draft.rules[2].built_in = false;
    draft
}

/// A work tree with three leaks: one in many places, one in an archive, one accepted.
pub(crate) fn tree() -> Draft {
    let mut draft = clean();
    let project = detected_key(secret("x9KA"), "openai-project-key", Confidence::High);
    let mut findings: Vec<_> = (1..=13)
        .map(|n| finding(&project, Surface::Worktree, format!("src/app{n:02}.py").as_bytes(), n))
        .collect();
    findings[2].suppressed = Some(inline_suppression());
    let legacy = detected_key(secret("Zq7w"), "openai-legacy-key", Confidence::Medium);
    let mut archived = finding(&legacy, Surface::Worktree, b"dist/app.zip", 3);
    archived.origin.container = vec![b"app.zip".to_vec(), b"config/.env".to_vec()];
    archived.encoding = "base64";
    let admin = detected_key(secret("aaaa"), "openai-admin-key", Confidence::High);
    let mut accepted = finding(&admin, Surface::Worktree, b"tests/keys.txt", 1);
    accepted.suppressed = Some(inline_suppression());
    draft.leaks = vec![
        leak(project, LeakStatus::Present, findings),
        leak(legacy, LeakStatus::Present, vec![archived]),
        leak(admin, LeakStatus::Present, vec![accepted]),
    ];
    draft.suppressed_findings = 2;
    draft.notes = vec!["baseline entry 3f2a… matches nothing any more".to_owned()];
    draft
}

fn inline_suppression() -> Suppression {
    Suppression { by: "inline", source: "friskey:allow".to_owned(), reason: Some("made up".to_owned()) }
}

/// An incomplete scan of a history with two leaks: one that was removed, re-introduced and removed again,
/// and an unreachable one in a commit message.
pub(crate) fn history() -> Draft {
    let mut draft = clean();
    draft.command = "history";
    draft.version_control = Some(VersionControl {
        repository_uri: "https://host.example/team/app.git".to_owned(),
        revision: Some("4".repeat(40)),
        branch: Some("main".to_owned()),
    });
    draft.repository = Some(RepositoryInfo {
        path: "/home/ada/app".to_owned(),
        url: Some("https://github.com/team/app.git".to_owned()),
        head: Some("4".repeat(40)),
        branch: Some("main".to_owned()),
        depth: 0,
        argument: ".".to_owned(),
        is_bare: false,
        is_mirror: false,
    });
    draft.command_line = ["friskey", "history", "--output", "html=report.html"].map(str::to_owned).to_vec();
    let project = detected_key(secret("x9KA"), "openai-project-key", Confidence::High);
    let mut in_blob = finding(&project, Surface::Blob, b"src/my app.py", 4);
    in_blob.origin.commit = Some("3".repeat(40));
    in_blob.origin.object = Some("b".repeat(40));
    in_blob.versions = 2000;
    let mut removed = leak(project, LeakStatus::Removed, vec![in_blob]);
    removed.introduced = vec![
        change('1', 1_700_000_000, "2023-11-14T22:13:20+00:00", Some("src/app.py")),
        change('3', 1_700_300_000, "2023-11-18T10:33:20+01:00", Some("src/my app.py")),
    ];
    removed.removed = vec![
        change('2', 1_700_100_000, "2023-11-16T02:00:00+00:00", Some("src/app.py")),
        change('4', 1_707_000_000, "2024-02-03T22:40:00+00:00", None),
    ];
    removed.reachability.refs_in_history = vec!["refs/heads/main".to_owned(), "refs/tags/v1".to_owned()];
    removed.exposed_seconds = Some(7_000_000);
    removed.moves = vec![Move {
        from: b"src/app.py".to_vec(),
        change: change('5', 1_700_200_000, "2023-11-17T05:46:40+00:00", Some("lib/app.py")),
    }];
    removed.reachability.tags = vec![TagDate { seconds: 1_700_050_000, name: "refs/tags/v1".to_owned() }];
    removed.reachability.on_remote = Some(RemoteSighting {
        seconds: 1_700_060_000,
        name: "refs/remotes/origin/main".to_owned(),
        by_push: true,
    });

    let admin = detected_key(secret("aaaa"), "openai-admin-key", Confidence::Medium);
    let mut in_message = finding(&admin, Surface::CommitMessage, b"", 1);
    in_message.origin.path = None;
    in_message.origin.commit = Some("5".repeat(40));
    let mut unreachable = leak(admin, LeakStatus::Unreachable, vec![in_message]);
    unreachable.reachability.held_by = vec!["HEAD@{3}".to_owned()];

    let mut in_ref_name = finding(&removed.detected_key, Surface::RefName, b"refs/tags/v1", 1);
    in_ref_name.excerpt = None;
    removed.findings.push(in_ref_name);
    draft.leaks = vec![removed, unreachable];
    draft.coverage = Coverage {
        commits: 12,
        blobs: 345,
        refs: 2,
        bytes: 5_600_000,
        surfaces: [Surface::Blob, Surface::CommitMessage, Surface::Unreachable].into(),
        skipped: [Skip::new("object 6666666666", "missing: the clone is partial")].into(),
        ..Coverage::default()
    };
    draft
}

/// A scan of a hostile repository: paths, names and dates with control characters, markup and workflow commands.
pub(crate) fn hostile() -> Draft {
    let mut draft = clean();
    let legacy = detected_key(secret("Zq7w"), "openai-legacy-key", Confidence::Low);
    let paths: [&[u8]; 5] = [
        b"::error::pwned,a:b%0A",
        "right\u{202e}to\u{200b}left.py".as_bytes(),
        b"<script>alert('&\"')</script>|`x`[a](b)*_]]>.md",
        b"esc\x1b[2J\x07\nline\r\ttwo\xff\x00",
        "##vso[task.complete]/a b/\u{65e5}\u{672c}#?.txt".as_bytes(),
    ];
    let findings = (1..).zip(paths).map(|(n, path)| finding(&legacy, Surface::Worktree, path, n)).collect();
    let mut hostile_leak = leak(legacy, LeakStatus::Removed, findings);
    hostile_leak.introduced = vec![Change {
        commit: "7".repeat(40),
        author: "<b>Eve\u{1b}[31m</b> [x](1) <eve@example.org>".to_owned(),
        date: "not a date \u{202e}".to_owned(),
        seconds: i64::MIN,
        path: Some(b"a\nb".to_vec()),
        subject: "<i>x</i>\u{202e}\n::error::y".to_owned(),
    }];
    hostile_leak.reachability.refs_in_history = vec!["refs/heads/a|b<c>\u{200d}".to_owned()];
    hostile_leak.exposed_seconds = Some(u64::MAX);
    draft.leaks = vec![hostile_leak];
    draft.coverage.skipped = [Skip::new("a\nb\u{1b}]0;x\u{7}", "100% <gone> :: \u{2066}")].into();
    draft.notes = vec!["note\n::warning::x ]]> \u{feff}".to_owned()];
    draft.elapsed_seconds = f64::NAN;
    draft.started = i64::MAX;
    draft
}

/// A key on standard input, which has no history.
pub(crate) fn stdin() -> Draft {
    let mut draft = clean();
    let project = detected_key(secret("x9KA"), "openai-project-key", Confidence::High);
    let mut in_stdin = finding(&project, Surface::Stdin, b"", 7);
    in_stdin.origin.path = None;
    draft.leaks = vec![leak(project, LeakStatus::Unknown, vec![in_stdin])];
    draft.coverage = Coverage { bytes: 4_096, surfaces: [Surface::Stdin].into(), ..Coverage::default() };
    draft
}

/// The report of every sample, with its name.
pub(crate) fn all() -> Vec<(&'static str, Report)> {
    let drafts = [
        ("clean", clean()),
        ("incomplete", incomplete()),
        ("narrowed", narrowed()),
        ("tree", tree()),
        ("history", history()),
        ("stdin", stdin()),
        ("hostile", hostile()),
    ];
    drafts.into_iter().map(|(name, draft)| (name, redacted(draft))).collect()
}
