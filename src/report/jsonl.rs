//! `jsonl`: the report as one JSON object per line, for readers that process it line by line.
//!
//! The first line has `"type": "start"`, the last `"type": "end"`; a report without the last line is truncated.
//! Leaks and coverage look as they do in `json`.

use std::io::{self, Write};

use serde::Serialize;

use crate::model::{Coverage, Report};

use super::Style;
use super::json::{JsonContext, LeakObject, RequestObject, SCHEMA, ToolObject, write_line};

pub(super) fn write(report: &Report, _: &Style, out: &mut dyn Write) -> io::Result<()> {
    write_line(&TypedLine { kind: "start", body: StartLine::new(report) }, out)?;
    let context = JsonContext::new(report);
    for leak in report.leaks() {
        write_line(&TypedLine { kind: "leak", body: LeakObject::new(&context, leak) }, out)?;
    }
    for skip in &report.coverage().skipped {
        write_line(&TypedLine { kind: "skip", body: skip }, out)?;
    }
    for ignored in report.coverage().ignored.iter() {
        write_line(&TypedLine { kind: "ignored", body: ignored }, out)?;
    }
    write_line(&TypedLine { kind: "end", body: EndLine::new(report) }, out)
}

#[derive(Serialize)]
struct TypedLine<T> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(flatten)]
    body: T,
}

#[derive(Serialize)]
struct StartLine<'a> {
    schema: &'static str,
    tool: ToolObject<'a>,
    command: &'static str,
    #[serde(flatten)]
    request: RequestObject<'a>,
    min_confidence: &'static str,
}

impl<'a> StartLine<'a> {
    fn new(report: &'a Report) -> Self {
        Self {
            schema: SCHEMA,
            tool: ToolObject::new(report),
            command: report.command(),
            request: RequestObject::new(report),
            min_confidence: report.min_confidence().name(),
        }
    }
}

#[derive(Serialize)]
struct EndLine<'a> {
    status: &'static str,
    unlisted: u64,
    suppressed: u64,
    below_threshold: u64,
    notes: &'a [String],
    coverage: &'a Coverage,
    elapsed_seconds: f64,
}

impl<'a> EndLine<'a> {
    fn new(report: &'a Report) -> Self {
        Self {
            status: report.status().name(),
            unlisted: report.unlisted_findings(),
            suppressed: report.suppressed_findings(),
            below_threshold: report.below_threshold(),
            notes: report.notes(),
            coverage: report.coverage(),
            elapsed_seconds: report.elapsed_seconds(),
        }
    }
}
