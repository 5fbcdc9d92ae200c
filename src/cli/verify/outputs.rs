//! Where a verification is written, and how.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use super::args::Verify;
use super::format_of;
use crate::cli::args::Global;
use crate::cli::output::{check_file, ignore_broken_pipe, style, write_file};
use crate::report::{Style, VerifiedLeak, write_json, write_verification, write_verification_page};

/// Every place to write to, checked before anything is asked.
pub(super) struct VerificationOutputs {
    stdout: String,
    files: Vec<(String, PathBuf)>,
}

impl VerificationOutputs {
    /// Checks that all of them can be written.
    ///
    /// # Errors
    /// When one cannot.
    pub(super) fn open(verify: &Verify) -> Result<Self> {
        let mut files = Vec::new();
        for output in &verify.output {
            let (format, path) = format_of(output)?;
            check_file(path)?;
            files.push((format.to_owned(), path.to_owned()));
        }
        Ok(Self { stdout: verify.format.clone(), files })
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
        global: &Global,
    ) -> Result<()> {
        add_to_document(&mut document, leaks, summary)?;
        let render = |format: &str, style: &Style| -> io::Result<Vec<u8>> {
            let mut bytes = Vec::new();
            match format {
                "json" => write_json(&document, &mut bytes)?,
                "html" => write_verification_page(leaks, summary, &mut bytes)?,
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

/// Puts `verification` beside each leak that was verified, and what was asked beside them all.
fn add_to_document(document: &mut Value, leaks: &[VerifiedLeak], summary: &[String]) -> Result<()> {
    let listed = document["leaks"].as_array_mut().map(Vec::as_mut_slice).unwrap_or_default();
    for leak in listed {
        let verified = leaks.iter().find(|verified| leak["fingerprint"] == *verified.fingerprint);
        leak["verification"] = match verified {
            Some(verified) => serde_json::to_value(&verified.verification)?,
            None => Value::Null,
        };
    }
    document["verification"] = serde_json::json!({ "summary": summary });
    Ok(())
}
