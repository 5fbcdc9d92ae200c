//! Reads a report in the format `json` back, for commands that add to it.
//!
//! Every field may be hostile, so the result is a [`Draft`], which is redacted again. A report does not contain the keys, so
//! each is replaced by a stand-in with the same redacted form.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use crate::model::{
    Change, Confidence, Coverage, DetectedKey, Draft, Excerpt, Finding, Fingerprint, Ignored, Leak,
    LeakStatus, Move, Origin, Position, Reachability, RemoteSighting, RepositoryInfo, RuleInfo, Secret, Skip,
    Span, StashEntry, Suppression, Surface, TagDate, encoding_from_name,
};

/// Why a report cannot be read back.
#[derive(Debug, thiserror::Error)]
pub enum JsonReadError {
    /// The document is not a report, or lacks fields that every version of friskey writes.
    #[error("it does not have the fields of a report")]
    Fields,
    /// The report has a surface or status that this version does not know.
    #[error("it has a surface or status that this version of friskey does not know")]
    UnknownName,
}

/// Commands that write reports. Any other name is read as the first of them.
const COMMANDS: [&str; 5] = ["history", "scan", "staged", "ci", "trace"];

/// Restores the draft of the report in `document`, whose rules `rules` describe.
///
/// # Errors
/// If it is not a report, or one of a later version.
pub fn read_json(document: &Value, rules: Vec<RuleInfo>) -> Result<Draft, JsonReadError> {
    if !document.is_object() {
        return Err(JsonReadError::Fields);
    }
    let saved = SavedReport::deserialize(document).map_err(|_| JsonReadError::Fields)?;
    let command = COMMANDS.into_iter().find(|name| *name == saved.command).unwrap_or("history");
    let leaks = saved.leaks.into_iter().map(SavedLeak::restore).collect::<Result<_, _>>()?;
    let repository = saved.repository.map(|repository| RepositoryInfo {
        depth: 0,
        argument: repository.path.clone(),
        path: repository.path,
        url: repository.url,
        head: repository.head,
        branch: repository.branch,
        is_bare: repository.bare,
        is_mirror: repository.mirror,
    });
    Ok(Draft {
        command,
        category: None,
        rules_digest: saved.tool.rules,
        rules,
        leaks,
        unlisted_findings: saved.unlisted,
        suppressed_findings: saved.suppressed,
        below_threshold: saved.below_threshold,
        min_confidence: saved.min_confidence.unwrap_or(Confidence::Medium),
        coverage: saved.coverage.restore(),
        notes: saved.notes,
        elapsed_seconds: saved.elapsed_seconds.unwrap_or(f64::NAN),
        started: parse_seconds(&saved.started),
        version_control: None,
        repository,
        directory: saved.folder.unwrap_or_default(),
        command_line: saved.command_line,
        repository_paths: Default::default(),
        secrets: Vec::new(),
    })
}

/// Seconds since 1970 of a date in RFC 3339; 0 for an invalid date.
fn parse_seconds(date: &str) -> i64 {
    date.parse::<jiff::Timestamp>().map(jiff::Timestamp::as_second).unwrap_or(0)
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct SavedTool {
    rules: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct SavedReport {
    command: String,
    tool: SavedTool,
    repository: Option<SavedRepository>,
    folder: Option<String>,
    command_line: Vec<String>,
    started: String,
    min_confidence: Option<Confidence>,
    leaks: Vec<SavedLeak>,
    unlisted: u64,
    suppressed: u64,
    below_threshold: u64,
    notes: Vec<String>,
    coverage: SavedCoverage,
    elapsed_seconds: Option<f64>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct SavedRepository {
    path: String,
    url: Option<String>,
    head: Option<String>,
    branch: Option<String>,
    bare: bool,
    mirror: bool,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct SavedCoverage {
    files: u64,
    commits: u64,
    blobs: u64,
    bytes: u64,
    refs: u64,
    surfaces: Vec<String>,
    skipped: Vec<Skip>,
    ignored: Vec<Ignored>,
}

impl SavedCoverage {
    fn restore(self) -> Coverage {
        Coverage {
            files: self.files,
            commits: self.commits,
            blobs: self.blobs,
            bytes: self.bytes,
            refs: self.refs,
            surfaces: self.surfaces.iter().filter_map(|name| Surface::from_name(name)).collect(),
            skipped: self.skipped.into_iter().collect(),
            ignored: self.ignored.into_iter().collect(),
        }
    }
}

#[derive(Deserialize)]
struct SavedLeak {
    fingerprint: String,
    redacted: String,
    rule: String,
    kind: String,
    confidence: Confidence,
    #[serde(default)]
    evidence: Vec<String>,
    length: usize,
    status: String,
    #[serde(default)]
    introduced: Vec<SavedChange>,
    #[serde(default)]
    removed: Vec<SavedChange>,
    #[serde(default)]
    moves: Vec<SavedMove>,
    #[serde(default)]
    refs_at_tip: Vec<String>,
    #[serde(default)]
    refs_in_history: Vec<String>,
    #[serde(default)]
    held_by: Vec<String>,
    #[serde(default)]
    tags: Vec<SavedTag>,
    #[serde(default)]
    stashes: Vec<StashEntry>,
    #[serde(default)]
    first_on_remote: Option<SavedSighting>,
    exposed_seconds: Option<u64>,
    findings: Vec<SavedFinding>,
}

impl SavedLeak {
    fn restore(self) -> Result<Leak, JsonReadError> {
        let statuses =
            [LeakStatus::Present, LeakStatus::Removed, LeakStatus::Unreachable, LeakStatus::Unknown];
        let status = statuses.into_iter().find(|status| status.name() == self.status);
        let detected_key = Arc::new(DetectedKey {
            secret: Secret::stand_in(&self.redacted, self.length).ok_or(JsonReadError::Fields)?,
            fingerprint: Fingerprint::from_hex(&self.fingerprint).ok_or(JsonReadError::Fields)?,
            rule: self.rule.into(),
            kind: self.kind.into(),
            confidence: self.confidence,
            evidence: self.evidence,
        });
        let findings = self.findings.into_iter().map(|finding| finding.restore(&detected_key));
        let restore_tag = |tag: SavedTag| TagDate { seconds: parse_seconds(&tag.date), name: tag.name };
        Ok(Leak {
            status: status.ok_or(JsonReadError::UnknownName)?,
            findings: findings.collect::<Result<_, _>>()?,
            detected_key,
            introduced: self.introduced.into_iter().map(SavedChange::restore).collect(),
            removed: self.removed.into_iter().map(SavedChange::restore).collect(),
            moves: self.moves.into_iter().map(SavedMove::restore).collect(),
            reachability: Reachability {
                refs_at_tip: self.refs_at_tip,
                refs_in_history: self.refs_in_history,
                held_by: self.held_by,
                tags: self.tags.into_iter().map(restore_tag).collect(),
                stashes: self.stashes,
                on_remote: self.first_on_remote.map(|sighting| RemoteSighting {
                    seconds: parse_seconds(&sighting.date),
                    name: sighting.name,
                    by_push: sighting.by_push,
                }),
            },
            exposed_seconds: self.exposed_seconds,
            verification: None,
        })
    }
}

#[derive(Deserialize)]
struct SavedChange {
    commit: String,
    author: String,
    date: String,
    #[serde(default)]
    committed: Option<String>,
    path: Option<String>,
    #[serde(default)]
    subject: String,
}

impl SavedChange {
    fn restore(self) -> Change {
        Change {
            seconds: parse_seconds(self.committed.as_deref().unwrap_or(&self.date)),
            commit: self.commit,
            author: self.author,
            date: self.date,
            path: self.path.map(String::into_bytes),
            subject: self.subject,
        }
    }
}

#[derive(Deserialize)]
struct SavedMove {
    from: String,
    #[serde(flatten)]
    change: SavedChange,
}

impl SavedMove {
    fn restore(self) -> Move {
        Move { from: self.from.into_bytes(), change: self.change.restore() }
    }
}

#[derive(Deserialize)]
struct SavedTag {
    name: String,
    date: String,
}

#[derive(Deserialize)]
struct SavedSighting {
    #[serde(rename = "ref")]
    name: String,
    date: String,
    by_push: bool,
}

#[derive(Deserialize)]
struct SavedFinding {
    surface: String,
    path: Option<String>,
    blob: Option<String>,
    commit: Option<String>,
    encoding: String,
    #[serde(default)]
    container: Vec<String>,
    #[serde(default)]
    versions: u64,
    start: Position,
    end: Position,
    suppressed: Option<SavedSuppression>,
    #[serde(default)]
    excerpt: Option<Excerpt>,
}

impl SavedFinding {
    fn restore(self, detected_key: &Arc<DetectedKey>) -> Result<Finding, JsonReadError> {
        let surface = Surface::from_name(&self.surface).ok_or(JsonReadError::UnknownName)?;
        Ok(Finding {
            detected_key: Arc::clone(detected_key),
            origin: Origin {
                surface,
                path: self.path.map(String::into_bytes),
                object: self.blob,
                commit: self.commit,
                container: self.container.into_iter().map(String::into_bytes).collect(),
            },
            encoding: encoding_from_name(&self.encoding).unwrap_or("encoded"),
            span: Span { start: self.start, end: self.end },
            occurrence: 0,
            versions: self.versions,
            excerpt: self.excerpt,
            suppressed: self.suppressed.map(|suppression| Suppression {
                by: if suppression.by == "inline" { "inline" } else { "baseline" },
                source: suppression.source,
                reason: suppression.reason,
            }),
        })
    }
}

#[derive(Deserialize)]
struct SavedSuppression {
    by: String,
    source: String,
    reason: Option<String>,
}
