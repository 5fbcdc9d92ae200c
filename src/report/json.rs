//! `json`: the whole report as one document, `friskey/report/v1`.
//!
//! The format is a contract (see `docs/formats.md`): fields are added, never changed or removed.

use std::io::{self, Write};

use serde::{Serialize, Serializer};
use serde_json::ser::{Formatter, PrettyFormatter};

use crate::model::{
    Change, Coverage, Excerpt, Finding, Fingerprint, Leak, LeakStatus, Move, Position, RemoteSighting,
    Report, RepositoryInfo, StashEntry, Suppression, TagDate, Verification,
};

use super::next_steps::{NextStep, next_steps};
use super::permalink::Permalinks;
use super::{Style, clock, escape, labels};

pub(super) use crate::model::REPORT_SCHEMA as SCHEMA;

pub(super) fn write(report: &Report, _: &Style, out: &mut dyn Write) -> io::Result<()> {
    let context = JsonContext::new(report);
    write_pretty(&ReportObject::new(&context), out)
}

/// Writes a JSON document with an indent of two spaces and a final line end, and hidden characters escaped.
///
/// # Errors
/// Only what `out` itself reports.
pub fn write_pretty(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    let formatter = SafePretty(PrettyFormatter::new());
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut *out, formatter))?;
    out.write_all(b"\n")
}

/// Writes a JSON value on one line, with hidden characters escaped.
pub(super) fn write_line(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut *out, SafeOneLine))?;
    out.write_all(b"\n")
}

/// A report, and the links into the service that hosts its repository.
pub(super) struct JsonContext<'a> {
    report: &'a Report,
    links: Option<Permalinks>,
}

impl<'a> JsonContext<'a> {
    pub(super) fn new(report: &'a Report) -> Self {
        let url = report.repository().and_then(|repository| repository.url.as_deref());
        Self { report, links: url.and_then(Permalinks::from_remote_url) }
    }

    /// The links for one leak; `None` if its commits may not be there.
    fn links_for(&self, leak: &Leak) -> Option<&Permalinks> {
        self.links.as_ref().filter(|_| labels::may_be_hosted(self.report, leak))
    }
}

#[derive(Serialize)]
struct ReportObject<'a> {
    schema: &'static str,
    tool: ToolObject<'a>,
    command: &'static str,
    #[serde(flatten)]
    request: RequestObject<'a>,
    status: &'static str,
    min_confidence: &'static str,
    leaks: LazyLeaks<'a>,
    unlisted: u64,
    suppressed: u64,
    below_threshold: u64,
    notes: &'a [String],
    coverage: &'a Coverage,
    elapsed_seconds: f64,
}

impl<'a> ReportObject<'a> {
    fn new(context: &'a JsonContext<'a>) -> Self {
        let report = context.report;
        Self {
            schema: SCHEMA,
            tool: ToolObject::new(report),
            command: report.command(),
            request: RequestObject::new(report),
            status: report.status().name(),
            min_confidence: report.min_confidence().name(),
            leaks: LazyLeaks(context),
            unlisted: report.unlisted_findings(),
            suppressed: report.suppressed_findings(),
            below_threshold: report.below_threshold(),
            notes: report.notes(),
            coverage: report.coverage(),
            elapsed_seconds: report.elapsed_seconds(),
        }
    }
}

/// What was scanned, when, and with which command line.
#[derive(Serialize)]
pub(super) struct RequestObject<'a> {
    repository: Option<RepositoryObject<'a>>,
    folder: Option<&'a str>,
    command_line: &'a [String],
    started: String,
}

impl<'a> RequestObject<'a> {
    pub(super) fn new(report: &'a Report) -> Self {
        Self {
            repository: report.repository().map(RepositoryObject::new),
            folder: Some(report.directory()).filter(|path| !path.is_empty()),
            command_line: report.command_line(),
            started: rfc3339_utc(report.started()),
        }
    }
}

#[derive(Serialize)]
struct RepositoryObject<'a> {
    path: &'a str,
    url: Option<&'a str>,
    head: Option<&'a str>,
    branch: Option<&'a str>,
    bare: bool,
    mirror: bool,
}

impl<'a> RepositoryObject<'a> {
    fn new(repository: &'a RepositoryInfo) -> Self {
        Self {
            path: &repository.path,
            url: repository.url.as_deref(),
            head: repository.head.as_deref(),
            branch: repository.branch.as_deref(),
            bare: repository.is_bare,
            mirror: repository.is_mirror,
        }
    }
}

/// Seconds since 1970 in RFC 3339.
fn rfc3339_utc(seconds: i64) -> String {
    format!("{}Z", clock::utc(seconds))
}

/// The tool that wrote the report.
#[derive(Serialize)]
pub(super) struct ToolObject<'a> {
    name: &'static str,
    version: &'static str,
    rules: &'a str,
}

impl<'a> ToolObject<'a> {
    pub(super) fn new(report: &'a Report) -> Self {
        Self { name: "friskey", version: env!("CARGO_PKG_VERSION"), rules: report.rules_digest() }
    }
}

/// The leaks. Each is converted to a JSON object only when it is written, to save memory.
struct LazyLeaks<'a>(&'a JsonContext<'a>);

impl Serialize for LazyLeaks<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.report.leaks().iter().map(|leak| LeakObject::new(self.0, leak)))
    }
}

/// A list whose items may contain links, each converted only when it is written.
struct LazyList<'a, T> {
    permalinks: Option<&'a Permalinks>,
    items: &'a [T],
}

impl Serialize for LazyList<'_, Finding> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.items.iter().map(|finding| FindingObject::new(self.permalinks, finding)))
    }
}

impl Serialize for LazyList<'_, Change> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.items.iter().map(|change| ChangeObject::new(self.permalinks, change)))
    }
}

impl Serialize for LazyList<'_, Move> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.items.iter().map(|moved| MoveObject {
            from: lossy_text(&moved.from),
            change: ChangeObject::new(self.permalinks, &moved.change),
        }))
    }
}

impl Serialize for LazyList<'_, TagDate> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let tag = |tag: &'_ TagDate| TagObject { name: tag.name.clone(), date: rfc3339_utc(tag.seconds) };
        serializer.collect_seq(self.items.iter().map(tag))
    }
}

/// One item of `leaks`.
#[derive(Serialize)]
pub(super) struct LeakObject<'a> {
    fingerprint: Fingerprint,
    redacted: String,
    rule: &'a str,
    kind: &'a str,
    confidence: &'static str,
    evidence: &'a [String],
    length: usize,
    status: LeakStatus,
    introduced: LazyList<'a, Change>,
    removed: LazyList<'a, Change>,
    refs_at_tip: &'a [String],
    refs_in_history: &'a [String],
    held_by: &'a [String],
    severity: &'static str,
    moves: LazyList<'a, Move>,
    tags: LazyList<'a, TagDate>,
    stashes: &'a [StashEntry],
    first_on_remote: Option<RemoteObject<'a>>,
    next_steps: Vec<NextStep>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verification: Option<&'a Verification>,
    exposed_seconds: Option<u64>,
    findings: LazyList<'a, Finding>,
}

impl<'a> LeakObject<'a> {
    pub(super) fn new(context: &'a JsonContext<'a>, leak: &'a Leak) -> Self {
        let detected_key = &leak.detected_key;
        let links = context.links_for(leak);
        Self {
            fingerprint: detected_key.fingerprint,
            redacted: detected_key.secret.redacted(),
            rule: &detected_key.rule,
            kind: &detected_key.kind,
            confidence: detected_key.confidence.name(),
            evidence: &detected_key.evidence,
            length: detected_key.secret.len(),
            status: leak.status,
            introduced: LazyList { permalinks: links, items: &leak.introduced },
            removed: LazyList { permalinks: links, items: &leak.removed },
            refs_at_tip: &leak.reachability.refs_at_tip,
            refs_in_history: &leak.reachability.refs_in_history,
            held_by: &leak.reachability.held_by,
            severity: labels::effective_severity(context.report, leak).name(),
            moves: LazyList { permalinks: links, items: &leak.moves },
            tags: LazyList { permalinks: None, items: &leak.reachability.tags },
            stashes: &leak.reachability.stashes,
            first_on_remote: leak.reachability.on_remote.as_ref().map(RemoteObject::new),
            next_steps: next_steps(context.report, leak),
            verification: leak.verification.as_deref(),
            exposed_seconds: leak.exposed_seconds,
            findings: LazyList { permalinks: links, items: &leak.findings },
        }
    }
}

#[derive(Serialize)]
struct ChangeObject<'a> {
    commit: &'a str,
    author: &'a str,
    date: &'a str,
    committed: String,
    path: Option<String>,
    subject: &'a str,
    url: Option<String>,
}

impl<'a> ChangeObject<'a> {
    fn new(links: Option<&Permalinks>, change: &'a Change) -> Self {
        Self {
            commit: &change.commit,
            author: &change.author,
            date: &change.date,
            committed: rfc3339_utc(change.seconds),
            path: change.path.as_ref().map(|path| lossy_text(path)),
            subject: &change.subject,
            url: links.and_then(|links| links.commit(&change.commit)),
        }
    }
}

#[derive(Serialize)]
struct MoveObject<'a> {
    from: String,
    #[serde(flatten)]
    change: ChangeObject<'a>,
}

#[derive(Serialize)]
struct TagObject {
    name: String,
    date: String,
}

#[derive(Serialize)]
struct RemoteObject<'a> {
    #[serde(rename = "ref")]
    name: &'a str,
    date: String,
    by_push: bool,
}

impl<'a> RemoteObject<'a> {
    fn new(sighting: &'a RemoteSighting) -> Self {
        Self { name: &sighting.name, date: rfc3339_utc(sighting.seconds), by_push: sighting.by_push }
    }
}

#[derive(Serialize)]
struct FindingObject<'a> {
    id: String,
    surface: &'static str,
    path: Option<String>,
    blob: Option<&'a str>,
    commit: Option<&'a str>,
    encoding: &'a str,
    container: Vec<String>,
    versions: u64,
    start: Position,
    end: Position,
    suppressed: Option<&'a Suppression>,
    url: Option<String>,
    excerpt: Option<&'a Excerpt>,
}

impl<'a> FindingObject<'a> {
    fn new(links: Option<&Permalinks>, finding: &'a Finding) -> Self {
        let origin = &finding.origin;
        Self {
            id: finding.id(),
            surface: origin.surface.name(),
            path: labels::path(origin),
            blob: origin.object.as_deref(),
            commit: origin.commit.as_deref(),
            encoding: finding.encoding,
            container: origin.container.iter().map(|part| lossy_text(part)).collect(),
            versions: finding.versions,
            start: finding.span.start,
            end: finding.span.end,
            suppressed: finding.suppressed.as_ref(),
            url: links.and_then(|links| labels::permalink(links, finding)),
            // No report format shows the line of an accepted finding.
            excerpt: finding.excerpt.as_ref().filter(|_| finding.suppressed.is_none()),
        }
    }
}

fn lossy_text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Writes JSON with indentation, and escapes hidden characters.
struct SafePretty(PrettyFormatter<'static>);

/// Defines methods that call those of the inner formatter.
macro_rules! delegate {
    ($($method:ident($($argument:ident: $kind:ty)?);)+) => {
        $(fn $method<W: ?Sized + Write>(&mut self, writer: &mut W $(, $argument: $kind)?) -> io::Result<()> {
            self.0.$method(writer $(, $argument)?)
        })+
    };
}

impl Formatter for SafePretty {
    delegate! {
        begin_array();
        end_array();
        begin_array_value(first: bool);
        end_array_value();
        begin_object();
        end_object();
        begin_object_key(first: bool);
        begin_object_value();
        end_object_value();
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, text: &str) -> io::Result<()> {
        writer.write_all(escape::json_fragment(text).as_bytes())
    }
}

/// Writes JSON without white space, and escapes hidden characters.
struct SafeOneLine;

impl Formatter for SafeOneLine {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, text: &str) -> io::Result<()> {
        writer.write_all(escape::json_fragment(text).as_bytes())
    }
}
