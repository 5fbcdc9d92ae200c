//! The outputs of a verification.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use super::parse_output;
use crate::cli::args::{GlobalArgs, VerifyArgs};
use crate::cli::broken_pipe::ignore_broken_pipe;
use crate::cli::output::style;
use crate::cli::output_file::{check_writable, write_file};
use crate::detect::Detector;
use crate::model::Report;
use crate::report::{Style, VerifiedLeak, read_json, write_json, write_verification, write_verified_page};
use crate::scan::redact;

/// All outputs, checked before anything is sent to the provider.
pub(super) struct VerificationOutputs {
    stdout: String,
    files: Vec<(String, PathBuf)>,
}

impl VerificationOutputs {
    /// Checks that all of them can be written.
    ///
    /// # Errors
    /// When one cannot.
    pub(super) fn open(args: &VerifyArgs) -> Result<Self> {
        let mut files = Vec::new();
        for output in &args.output {
            let (format, path) = parse_output(output)?;
            check_writable(path)?;
            files.push((format.to_owned(), path.to_owned()));
        }
        Ok(Self { stdout: args.format.clone(), files })
    }

    /// Whether one of them is an HTML page.
    fn has_page(&self) -> bool {
        self.stdout == "html" || self.files.iter().any(|(format, _)| format == "html")
    }

    /// Writes all of them.
    ///
    /// # Errors
    /// When a file or standard output cannot be written.
    pub(super) fn write(
        self,
        leaks: &[VerifiedLeak],
        summary: &[String],
        mut document: Value,
        detector: &Detector,
        global: &GlobalArgs,
    ) -> Result<()> {
        let page = self.has_page().then(|| audit_page(&document, leaks, detector)).transpose()?;
        add_to_document(&mut document, leaks, summary)?;
        let render = |format: &str, style: &Style| -> io::Result<Vec<u8>> {
            let mut bytes = Vec::new();
            match format {
                "json" => write_json(&document, &mut bytes)?,
                "html" => {
                    page.as_ref().map_or(Ok(()), |report| write_verified_page(report, summary, &mut bytes))?
                }
                _ => write_verification(leaks, summary, style, &mut bytes)?,
            }
            Ok(bytes)
        };
        for (format, path) in &self.files {
            write_file(Path::new(path), &render(format, &Style::default())?, true)?;
        }
        let bytes = render(&self.stdout, &style(global))?;
        let written = io::Write::write_all(&mut io::stdout().lock(), &bytes);
        ignore_broken_pipe(written).context("cannot write to standard output")
    }
}

/// The report that was verified, with what the provider says about each leak.
fn audit_page(document: &Value, leaks: &[VerifiedLeak], detector: &Detector) -> Result<Report> {
    let rules = detector.rules().iter().map(crate::rules::Rule::info).collect();
    let mut draft = read_json(document, rules).context("cannot write the page of that report")?;
    for leak in &mut draft.leaks {
        let fingerprint = leak.detected_key.fingerprint.to_string();
        let verified = leaks.iter().find(|verified| verified.fingerprint == fingerprint);
        leak.verification = verified.map(|verified| Box::new(verified.verification.clone()));
    }
    Ok(redact(draft, detector))
}

/// Adds `verification` to each leak that was verified, and a summary of the requests to the report.
fn add_to_document(document: &mut Value, leaks: &[VerifiedLeak], summary: &[String]) -> Result<()> {
    let reported = document["leaks"].as_array_mut().map(Vec::as_mut_slice).unwrap_or_default();
    for leak in reported {
        let verified = leaks.iter().find(|verified| leak["fingerprint"] == *verified.fingerprint);
        leak["verification"] = match verified {
            Some(verified) => serde_json::to_value(&verified.verification)?,
            None => Value::Null,
        };
    }
    document["verification"] = serde_json::json!({ "summary": summary });
    Ok(())
}
