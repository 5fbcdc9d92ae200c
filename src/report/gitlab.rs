//! `gitlab`: GitLab's secret detection report, schema 15.2.1.
//!
//! GitLab tracks each location separately, so each finding is one vulnerability. GitLab rejects the whole file if anything
//! violates the schema: times must have no zone, every location must have a commit, and lengths are limited.

use std::io::{self, Write};
use std::rc::Rc;

use serde::{Serialize, Serializer};

use crate::model::{Change, Confidence, Finding, Leak, Report, Severity};

use super::next_steps::next_steps;
use super::{Style, clock, escape, humanize, json, labels, prose, receipt};

/// The commit of a location if there is none. GitLab's own analyzer writes the same.
const NO_COMMIT: &str = "0000000";
/// Maximum length of a name that GitLab accepts, in characters.
const MAX_NAME_CHARS: usize = 255;
/// Maximum length of a description, in characters, before it is escaped.
const MAX_DESCRIPTION_CHARS: usize = 100_000;
/// Maximum length of a solution that GitLab accepts, in characters.
const MAX_SOLUTION_CHARS: usize = 7_000;
/// Maximum number of listed skips.
const MAX_LISTED_SKIPS: usize = 1_000;

pub(super) fn write(report: &Report, _: &Style, out: &mut dyn Write) -> io::Result<()> {
    let document = Document {
        version: "15.2.1",
        scan: ScanObject::new(report),
        vulnerabilities: Vulnerabilities(report),
        remediations: [],
    };
    json::write_pretty(&document, out)
}

#[derive(Serialize)]
struct Document<'a> {
    version: &'static str,
    scan: ScanObject,
    vulnerabilities: Vulnerabilities<'a>,
    remediations: [(); 0],
}

#[derive(Serialize)]
struct ScanObject {
    analyzer: Analyzer,
    scanner: Analyzer,
    #[serde(rename = "type")]
    kind: &'static str,
    start_time: String,
    end_time: String,
    status: &'static str,
    messages: Vec<Message>,
}

#[derive(Serialize)]
struct Analyzer {
    id: &'static str,
    name: &'static str,
    url: &'static str,
    version: &'static str,
    vendor: Vendor,
}

const TOOL: Analyzer = Analyzer {
    id: "friskey",
    name: "friskey",
    url: env!("CARGO_PKG_REPOSITORY"),
    version: env!("CARGO_PKG_VERSION"),
    vendor: Vendor { name: "friskey" },
};

#[derive(Serialize)]
struct Vendor {
    name: &'static str,
}

#[derive(Serialize)]
struct Message {
    level: &'static str,
    value: String,
}

impl ScanObject {
    fn new(report: &Report) -> Self {
        let is_complete = report.coverage().is_complete();
        Self {
            analyzer: TOOL,
            scanner: TOOL,
            kind: "secret_detection",
            start_time: clock::utc(report.started()),
            end_time: clock::utc(clock::end(report)),
            status: if is_complete { "success" } else { "failure" },
            messages: list_messages(report),
        }
    }
}

fn list_messages(report: &Report) -> Vec<Message> {
    let message = |level, value| Message { level, value };
    let skipped = &report.coverage().skipped;
    let mut messages =
        vec![message("info", receipt::coverage(report)), message("info", receipt::outcome(report))];
    messages.extend(receipt::remarks(report).into_iter().map(|remark| message("info", remark)));
    let not_scanned = |text: String| message("warn", format!("not scanned: {text}"));
    messages.extend(skipped.iter().take(MAX_LISTED_SKIPS).map(|skip| not_scanned(receipt::skip_line(skip))));
    let rest = skipped.len().saturating_sub(MAX_LISTED_SKIPS) as u64;
    if rest > 0 {
        messages.push(not_scanned(humanize::count(rest, "more thing")));
    }
    let ignored = receipt::ignored_list(report, MAX_LISTED_SKIPS).into_iter();
    messages.extend(ignored.map(|text| message("info", format!("ignored: {text}"))));
    messages
}

/// The vulnerabilities, each created only when it is written.
struct Vulnerabilities<'a>(&'a Report);

impl Serialize for Vulnerabilities<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let findings = self.0.open_leaks().flat_map(|leak| {
            let solution: Rc<str> = solution(self.0, leak).into();
            labels::open_findings(leak).map(move |finding| (leak, finding, Rc::clone(&solution)))
        });
        serializer.collect_seq(
            findings.map(|(leak, finding, solution)| Vulnerability::new(self.0, leak, finding, solution)),
        )
    }
}

#[derive(Serialize)]
struct Vulnerability {
    id: String,
    category: &'static str,
    name: String,
    description: String,
    severity: &'static str,
    #[serde(serialize_with = "serialize_shared")]
    solution: Rc<str>,
    scanner: Scanner,
    identifiers: [Identifier; 2],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    links: Vec<Link>,
    location: VulnerabilityLocation,
}

#[derive(Serialize)]
struct Scanner {
    id: &'static str,
    name: &'static str,
}

#[derive(Serialize)]
struct Identifier {
    #[serde(rename = "type")]
    kind: &'static str,
    name: String,
    value: String,
}

#[derive(Serialize)]
struct Link {
    url: String,
}

impl Vulnerability {
    fn new(report: &Report, leak: &Leak, finding: &Finding, solution: Rc<str>) -> Self {
        let detected_key = &leak.detected_key;
        let revoke_url = labels::rule(report, leak).and_then(|rule| rule.revoke_url.clone());
        let description = format!(
            "{} Fingerprint {}.",
            prose::paragraph(report, leak, finding, &[]),
            detected_key.fingerprint
        );
        let id = escape::line(&detected_key.rule);
        Self {
            // The same file may contain the key on several lines.
            id: format!("{}-{}-{}", finding.id(), finding.span.start.line, finding.span.start.column),
            category: "secret_detection",
            name: escape::truncated(&labels::title(report, leak), MAX_NAME_CHARS),
            // GitLab renders this as Markdown.
            description: escape::markdown(&escape::truncated(&description, MAX_DESCRIPTION_CHARS)),
            severity: severity(labels::effective_severity(report, leak)),
            solution,
            scanner: Scanner { id: TOOL.id, name: TOOL.name },
            identifiers: [
                Identifier {
                    kind: "friskey_rule",
                    name: format!("friskey rule {id}"),
                    value: id.into_owned(),
                },
                Identifier { kind: "cwe", name: "CWE-798".to_owned(), value: "798".to_owned() },
            ],
            links: revoke_url
                .filter(|_| detected_key.confidence != Confidence::Low)
                .filter(|url| escape::is_link(url))
                .map(|url| Link { url })
                .into_iter()
                .collect(),
            location: VulnerabilityLocation::new(report, leak, finding),
        }
    }
}

/// Serializes a text that all vulnerabilities of a leak share.
fn serialize_shared<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}

/// The next steps, as many as fit, in one paragraph with numbers: GitLab shows no list here.
fn solution(report: &Report, leak: &Leak) -> String {
    let mut solution = String::new();
    for (number, step) in (1..).zip(next_steps(report, leak)) {
        let separator = if number == 1 { "" } else { " " };
        let step = format!("{separator}({number}) {}", escape::text_or_markdown(&step.sentence()));
        if solution.chars().count() + step.chars().count() > MAX_SOLUTION_CHARS {
            break;
        }
        solution.push_str(&step);
    }
    solution
}

fn severity(effective_severity: Severity) -> &'static str {
    match effective_severity {
        Severity::Critical => "Critical",
        Severity::High => "High",
        Severity::Medium => "Medium",
        Severity::Low => "Low",
    }
}

#[derive(Serialize)]
struct VulnerabilityLocation {
    file: String,
    start_line: u64,
    end_line: u64,
    commit: LocationCommit,
}

#[derive(Serialize)]
struct LocationCommit {
    sha: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<String>,
}

impl VulnerabilityLocation {
    fn new(report: &Report, leak: &Leak, finding: &Finding) -> Self {
        let origin = &finding.origin;
        let mut file = match labels::file_path(origin) {
            Some(path) => String::from_utf8_lossy(report.path_in_repository(path)).into_owned(),
            None => labels::pseudo_path(origin),
        };
        let entry_path = labels::entry_path(origin);
        if !entry_path.is_empty() {
            // GitLab merges vulnerabilities with the same file, lines and rule.
            file.push_str(&format!(" → {entry_path}"));
        }
        let (start, end) = if labels::has_positions(origin) || !entry_path.is_empty() {
            (finding.span.start.line.max(1), finding.span.end.line)
        } else {
            (1, 1)
        };
        Self { file, start_line: start, end_line: end.max(start), commit: location_commit(leak, finding) }
    }
}

/// The commit that introduced a finding: that of its origin, else the first at the same path, else the first of the leak.
fn location_commit(leak: &Leak, finding: &Finding) -> LocationCommit {
    let origin = &finding.origin;
    let is_at_path = |change: &&Change| change.path.is_some() && change.path == origin.path;
    let is_of_origin = |change: &&Change| Some(&change.commit) == origin.commit.as_ref();
    let introduced = &leak.introduced;
    let change = match &origin.commit {
        Some(_) => introduced.iter().find(is_of_origin),
        None => introduced.iter().find(is_at_path).or(introduced.first()),
    };
    let sha = origin.commit.clone().or(change.map(|change| change.commit.clone()));
    LocationCommit {
        sha: sha.filter(|sha| !sha.is_empty()).unwrap_or_else(|| NO_COMMIT.to_owned()),
        author: change.and_then(labels::author),
        date: change.map(|change| change.date.clone()),
    }
}
