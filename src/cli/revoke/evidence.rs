//! `--evidence`: saves what is known about a key before the key is deleted.

use std::path::Path;

use anyhow::{Result, bail};
use serde::Serialize;

use crate::cli::online::TextRedactor;
use crate::cli::output_file::{check_lasting_file, write_file};
use crate::cli::verify::leaks::LeakedKey;
use crate::model::Verification;
use crate::report::write_json;

/// Checks that the file can be written. An existing file is never overwritten, since it may be evidence.
///
/// # Errors
/// When it exists, or cannot be written.
pub(super) fn check(path: &Path) -> Result<()> {
    if path.symlink_metadata().is_ok() {
        bail!(
            "{} already exists and may be the evidence about another key: name another file with \
             --evidence, or move it",
            path.display()
        );
    }
    check_lasting_file(path)
}

/// What is known about a key before it is deleted.
#[derive(Serialize)]
struct EvidenceDocument<'a> {
    schema: &'static str,
    fingerprint: String,
    redacted: String,
    rule: String,
    host: &'a str,
    #[serde(flatten)]
    verification: &'a Verification,
}

/// Writes the evidence to a file that only the user may read.
///
/// # Errors
/// When it cannot be written.
pub(super) fn write(
    path: &Path,
    (leak, verification): (&LeakedKey, &Verification),
    host: &str,
    redactor: &TextRedactor<'_>,
) -> Result<()> {
    let (mut redacted, mut rule) = (leak.redacted.clone(), leak.rule.clone());
    [&mut redacted, &mut rule].into_iter().for_each(|text| redactor.redact(text));
    let fingerprint = leak.fingerprint.to_string();
    let document =
        EvidenceDocument { schema: "friskey/evidence/v1", fingerprint, redacted, rule, host, verification };
    let mut json = Vec::new();
    write_json(&document, &mut json)?;
    write_file(path, &json, true)
}
