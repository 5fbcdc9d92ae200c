//! `json`: the whole report as one document, `friskey/report/v1`.
//!
//! The format is a contract (see `docs/formats.md`): fields are added, never changed or removed.

use std::io::{self, Write};

use serde::{Serialize, Serializer};
use serde_json::ser::{Formatter, PrettyFormatter};

use crate::model::{Change, Coverage, Finding, Fingerprint, Leak, LeakStatus, Position, Report, Suppression};

use super::{Style, escape, labels};

/// The contract's name and version.
pub(super) const SCHEMA: &str = "friskey/report/v1";

pub(super) fn write(report: &Report, _: &Style, out: &mut dyn Write) -> io::Result<()> {
    write_pretty(&ReportObject::new(report), out)
}

/// Writes a JSON document with an indent of two spaces and a final line end, and hidden characters escaped.
///
/// # Errors
/// Only what `out` itself reports.
pub fn write_pretty(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    let formatter = Pretty(PrettyFormatter::new());
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut *out, formatter))?;
    out.write_all(b"\n")
}

/// Writes a JSON value on one line, with hidden characters escaped.
pub(super) fn write_line(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut *out, OneLine))?;
    out.write_all(b"\n")
}

#[derive(Serialize)]
struct ReportObject<'a> {
    schema: &'static str,
    tool: ToolObject<'a>,
    command: &'static str,
    status: &'static str,
    min_confidence: &'static str,
    leaks: Each<'a, Leak>,
    unlisted: u64,
    suppressed: u64,
    below_threshold: u64,
    notes: &'a [String],
    coverage: &'a Coverage,
    elapsed_seconds: f64,
}

impl<'a> ReportObject<'a> {
    fn new(report: &'a Report) -> Self {
        Self {
            schema: SCHEMA,
            tool: ToolObject::new(report),
            command: report.command(),
            status: report.status().name(),
            min_confidence: report.min_confidence().name(),
            leaks: Each(report.leaks()),
            unlisted: report.unlisted_findings(),
            suppressed: report.suppressed_findings(),
            below_threshold: report.below_threshold(),
            notes: report.notes(),
            coverage: report.coverage(),
            elapsed_seconds: report.elapsed_seconds(),
        }
    }
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

/// A list whose items are converted to JSON objects one by one, as they are written.
struct Each<'a, T>(&'a [T]);

impl Serialize for Each<'_, Leak> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(LeakObject::new))
    }
}

impl Serialize for Each<'_, Finding> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(FindingObject::new))
    }
}

impl Serialize for Each<'_, Change> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(ChangeObject::new))
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
    introduced: Each<'a, Change>,
    removed: Each<'a, Change>,
    refs_at_tip: &'a [String],
    refs_in_history: &'a [String],
    held_by: &'a [String],
    exposed_seconds: Option<u64>,
    findings: Each<'a, Finding>,
}

impl<'a> LeakObject<'a> {
    pub(super) fn new(leak: &'a Leak) -> Self {
        let identified = &leak.identified;
        Self {
            fingerprint: identified.fingerprint,
            redacted: identified.secret.redacted(),
            rule: &identified.rule,
            kind: &identified.kind,
            confidence: identified.confidence.name(),
            evidence: &identified.evidence,
            length: identified.secret.len(),
            status: leak.status,
            introduced: Each(&leak.introduced),
            removed: Each(&leak.removed),
            refs_at_tip: &leak.reachability.refs_at_tip,
            refs_in_history: &leak.reachability.refs_in_history,
            held_by: &leak.reachability.held_by,
            exposed_seconds: leak.exposed_seconds,
            findings: Each(&leak.findings),
        }
    }
}

#[derive(Serialize)]
struct ChangeObject<'a> {
    commit: &'a str,
    author: &'a str,
    date: &'a str,
    path: Option<String>,
}

impl<'a> ChangeObject<'a> {
    fn new(change: &'a Change) -> Self {
        let path = change.path.as_ref().map(|path| lossy(path));
        Self { commit: &change.commit, author: &change.author, date: &change.date, path }
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
}

impl<'a> FindingObject<'a> {
    fn new(finding: &'a Finding) -> Self {
        let origin = &finding.origin;
        Self {
            id: finding.id(),
            surface: origin.surface.name(),
            path: labels::path(origin),
            blob: origin.object.as_deref(),
            commit: origin.commit.as_deref(),
            encoding: finding.encoding,
            container: origin.container.iter().map(|part| lossy(part)).collect(),
            versions: finding.versions,
            start: finding.span.start,
            end: finding.span.end,
            suppressed: finding.suppressed.as_ref(),
        }
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Pretty-prints, with hidden characters escaped.
struct Pretty(PrettyFormatter<'static>);

/// Delegates calls to the pretty formatter.
macro_rules! pass_on {
    ($($method:ident($($argument:ident: $kind:ty)?);)+) => {
        $(fn $method<W: ?Sized + Write>(&mut self, writer: &mut W $(, $argument: $kind)?) -> io::Result<()> {
            self.0.$method(writer $(, $argument)?)
        })+
    };
}

impl Formatter for Pretty {
    pass_on! {
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

/// Writes no white space, and escapes hidden characters.
struct OneLine;

impl Formatter for OneLine {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, text: &str) -> io::Result<()> {
        writer.write_all(escape::json_fragment(text).as_bytes())
    }
}
