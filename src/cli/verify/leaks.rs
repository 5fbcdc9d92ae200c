//! The leaks to verify: from a report, from standard input, or from an audit of a repository.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::cli::args::{FileArgs, GlobalArgs, SearchArgs, SuppressionArgs};
use crate::cli::clock::now;
use crate::cli::message::{redact_message, say};
use crate::cli::redaction;
use crate::cli::scan::tree_options;
use crate::cli::secret_input::read_secret;
use crate::cli::session::Session;
use crate::model::{Confidence, DetectedKey, Draft, Fingerprint, Secret};
use crate::provider::KeyShape;
use crate::report::{Style, reporter};
use crate::scan::{HistoryOptions, Settings, redact, scan_history, scan_input, scan_tree};
use crate::suppress::Policy;
use crate::untrusted::{Symlinks, read};

/// Maximum size of a report, in bytes.
const MAX_REPORT_SIZE: u64 = 256 << 20;
/// The schema of reports that can be read.
const SCHEMA: &str = "friskey/report/v1";

/// The keys of an audit, by fingerprint.
pub(in crate::cli) type Secrets = HashMap<Fingerprint, Secret>;

/// A report as a JSON document, and the secrets of its leaks that are known.
pub(in crate::cli) struct Leaks {
    pub(in crate::cli) document: Value,
    pub(in crate::cli) secrets: Secrets,
    /// Where the keys of the report could not be searched for, and why.
    pub(in crate::cli) gaps: Vec<String>,
}

impl Leaks {
    /// Reads what the arguments name.
    ///
    /// # Errors
    /// When a report cannot be read or is none, when the repository cannot be audited, or when standard input is neither a report
    /// nor text with a key.
    pub(in crate::cli) fn load(report: Option<&Path>, repo: &Path, global: &GlobalArgs) -> Result<Self> {
        match report {
            None => Self::audit(repo, global),
            Some(path) if path == Path::new("-") => Self::read_stdin(global),
            Some(path) => Ok(Self::from_document(read_document(path)?)),
        }
    }

    /// The leaks of a repository.
    fn audit(repo: &Path, global: &GlobalArgs) -> Result<Self> {
        let session =
            Session::for_current_repository(&SearchArgs::default(), &SuppressionArgs::default(), global)?;
        let draft = scan_history(
            &session.settings(),
            &HistoryOptions::everything(repo.to_owned(), session.threads, now()),
        )
        .context("cannot audit the repository; name a report or another --repo")?;
        Self::from_draft(draft, &session)
    }

    fn from_draft(draft: Draft, session: &Session) -> Result<Self> {
        let secrets = draft.leaks.iter().map(|leak| secret_entry(&leak.detected_key)).collect();
        let report = redact(draft, &session.effective_settings.detector);
        let mut json = Vec::new();
        let writer = reporter("json").context("there is no JSON format")?;
        writer.write(&report, &Style::default(), &mut json)?;
        Ok(Self { document: serde_json::from_slice(&json)?, secrets, gaps: Vec::new() })
    }

    fn read_stdin(global: &GlobalArgs) -> Result<Self> {
        let input = read_secret("Leaked key (input is hidden): ", MAX_REPORT_SIZE)?
            .context("standard input is longer than 256 MiB")?;
        // Any other input is searched for keys, even if it is JSON.
        if looks_like_report(&input) {
            return Ok(Self::from_document(parse_document(&input, "standard input")?));
        }
        let session =
            Session::for_current_repository(&SearchArgs::default(), &SuppressionArgs::default(), global)?;
        // A user who passes a key wants to know about it, whether it is accepted or not.
        let policy = Policy::default();
        let settings = Settings { min_confidence: Confidence::Low, policy: &policy, ..session.settings() };
        let draft = scan_input(&settings, "verify", &input);
        if draft.leaks.is_empty() {
            bail!("standard input is neither a JSON report of friskey nor text with an OpenAI key");
        }
        Self::from_draft(draft, &session)
    }

    fn from_document(document: Value) -> Self {
        Self { document, secrets: Secrets::new(), gaps: Vec::new() }
    }

    /// The repository in which to search for the keys.
    fn repository_path(&self, repo: Option<&Path>) -> Result<PathBuf> {
        let reported_path = self.document["repository"]["path"].as_str().map(Path::new);
        match (repo, reported_path) {
            (Some(repo), _) => Ok(repo.to_owned()),
            (None, Some(path)) if is_local_dir(path) => Ok(path.to_owned()),
            (None, Some(path)) => bail!(
                "the repository of the report is not at {}; name it, or a clone, with --repo",
                redact_message(&path.to_string_lossy())
            ),
            (None, None) => Ok(PathBuf::from(".")),
        }
    }

    /// Searches a repository and its work tree for the keys of the report. `repo` defaults to the repository that the report
    /// names.
    ///
    /// # Errors
    /// When the repository of the report is not on this machine, when configuration or rules are invalid, or when neither history
    /// nor work tree can be scanned.
    pub(in crate::cli) fn find_secrets(&mut self, repo: Option<&Path>, global: &GlobalArgs) -> Result<()> {
        let repo = &self.repository_path(repo)?;
        say(&redact_message(&format!("friskey: looking for the keys of the report in {}", repo.display())));
        let session =
            Session::for_current_repository(&SearchArgs::default(), &SuppressionArgs::default(), global)?;
        let settings = Settings { min_confidence: Confidence::Low, ..session.settings() };
        let files = FileArgs { no_ignore: true, exclude: Vec::new() };
        let tree =
            tree_options(&[repo.to_owned()], &files, session.threads, &session.effective_settings.config)?;
        let history = HistoryOptions::everything(repo.to_owned(), session.threads, now());
        let tree_draft = scan_tree(&settings, &tree).map_err(|error| format!("the work tree: {error}"));
        let history_draft =
            scan_history(&settings, &history).map_err(|error| format!("the history: {error}"));
        if tree_draft.is_err() && history_draft.is_err() {
            bail!("nothing can be scanned at {}; name the scanned repository with --repo", repo.display());
        }
        for result in [tree_draft, history_draft] {
            match result {
                Ok(draft) => {
                    self.secrets.extend(draft.secrets.iter().map(|detected_key| secret_entry(detected_key)));
                    let skipped = draft.coverage.skipped.iter();
                    self.gaps.extend(skipped.map(|skip| format!("{}: {}", skip.what, skip.reason)));
                }
                Err(error) => self.gaps.push(error),
            }
        }
        Ok(())
    }
}

/// Whether the path of a report's repository leads to a directory on this machine.
fn is_local_dir(path: &Path) -> bool {
    path.is_absolute() && path.is_dir()
}

/// The fingerprint and secret of a key, for [`Secrets`]. From now on, messages redact the key.
fn secret_entry(detected_key: &DetectedKey) -> (Fingerprint, Secret) {
    redaction::redact_key(detected_key.secret.reveal());
    (detected_key.fingerprint, detected_key.secret.clone())
}

fn read_document(path: &Path) -> Result<Value> {
    if path.symlink_metadata().is_err() {
        // It may be a key of an unknown shape, so the message must not repeat it.
        bail!(
            "there is no report at the given path. A key is never an argument, which other processes and the shell's \
             history can see: pipe it into `friskey verify -`"
        );
    }
    let name = path.display().to_string();
    let bytes = read(path, Symlinks::Follow, MAX_REPORT_SIZE)
        .with_context(|| format!("cannot read the report {name}"))?;
    parse_document(&bytes, &name)
}

/// Whether it looks like a report, of any version.
fn looks_like_report(bytes: &[u8]) -> bool {
    parse_json(bytes).is_some_and(|value| value["leaks"].is_array())
}

/// JSON, including JSON redirected by a Windows shell: with a byte order mark, or in UTF-16.
fn parse_json(bytes: &[u8]) -> Option<Value> {
    let decode_utf16 = |bytes: &[u8], unit_from_bytes: fn([u8; 2]) -> u16| -> String {
        let units = bytes.chunks_exact(2).map(|pair| unit_from_bytes([pair[0], pair[1]]));
        char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    };
    match bytes {
        [0xEF, 0xBB, 0xBF, text @ ..] => serde_json::from_slice(text).ok(),
        [0xFF, 0xFE, text @ ..] => serde_json::from_str(&decode_utf16(text, u16::from_le_bytes)).ok(),
        [0xFE, 0xFF, text @ ..] => serde_json::from_str(&decode_utf16(text, u16::from_be_bytes)).ok(),
        text => serde_json::from_slice(text).ok(),
    }
}

fn parse_document(bytes: &[u8], name: &str) -> Result<Value> {
    // The message of serde could quote the file.
    let value = parse_json(bytes);
    let Some(value) = value.filter(|value| value["leaks"].is_array()) else {
        bail!("{name} is not a JSON report of friskey; `--output json=PATH` writes one");
    };
    if value["schema"] != SCHEMA {
        bail!("{name} has a schema that this version does not know");
    }
    Ok(value)
}

/// A leak in a report.
pub(in crate::cli) struct LeakedKey {
    pub(in crate::cli) fingerprint: Fingerprint,
    pub(in crate::cli) rule: String,
    pub(in crate::cli) redacted: String,
    pub(in crate::cli) shape: KeyShape,
}

impl LeakedKey {
    /// Reads one item of `leaks`.
    ///
    /// # Errors
    /// When a field that identifies the key is missing.
    pub(in crate::cli) fn parse(leak: &Value, secrets: &Secrets) -> Result<Self> {
        let text = |field: &str| leak[field].as_str().map(str::to_owned);
        let parse_fields = || {
            let fingerprint = Fingerprint::from_hex(leak["fingerprint"].as_str()?)?;
            let redacted = text("redacted")?;
            let (head, tail) = redacted.split_once('…')?;
            // With the key itself, all eight characters that a mask shows can be compared, even if its public prefix is shorter.
            let known_head = secrets.get(&fingerprint).and_then(|secret| secret.reveal().get(..8));
            let head = known_head
                .and_then(|head| String::from_utf8(head.to_vec()).ok())
                .unwrap_or_else(|| head.to_owned());
            let shape = KeyShape {
                kind: text("kind")?,
                len: usize::try_from(leak["length"].as_u64()?).ok()?,
                head,
                tail: tail.to_owned(),
                leaked_at: leaked_at(leak),
            };
            Some(Self { fingerprint, rule: text("rule")?, redacted, shape })
        };
        parse_fields()
            .context("the report has a leak without a valid fingerprint, rule, kind, length or redacted key")
    }

    /// Whether all of its findings are accepted.
    pub(in crate::cli) fn is_accepted(leak: &Value) -> bool {
        let findings = leak["findings"].as_array().map(Vec::as_slice).unwrap_or_default();
        !findings.is_empty() && findings.iter().all(|finding| finding["suppressed"].is_object())
    }
}

/// When the first commit that contains the key was made, in seconds since 1970.
fn leaked_at(leak: &Value) -> Option<i64> {
    let dates = leak["introduced"].as_array()?.iter().filter_map(|change| change["date"].as_str());
    dates.filter_map(|date| Some(date.parse::<jiff::Timestamp>().ok()?.as_second())).min()
}
