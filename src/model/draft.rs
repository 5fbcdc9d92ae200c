//! The result of a scan before redaction. Redacting it is the only way to make a [`Report`].

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{
    Change, Confidence, Coverage, DetectedKey, Leak, Report, RepositoryInfo, RuleInfo, Skip, Status,
    VersionControl,
};

/// Maximum length of a commit's subject in a report, in characters.
const MAX_SUBJECT_CHARS: usize = 200;

/// A report under construction. Its paths, names and reasons may still contain secrets.
///
/// Commands add to it and then redact it into a [`Report`], the only thing that can be written.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The command that scanned: `scan`, `history`, ….
    pub command: &'static str,
    /// The category of the report in SARIF, if it is not the command: code scanning replaces earlier reports of the same
    /// category.
    pub category: Option<&'static str>,
    /// Digest of the rules in force.
    pub rules_digest: String,
    /// The rules in force, for formats that list them and for advice.
    pub rules: Vec<RuleInfo>,
    /// Leaks at or above the threshold, including suppressed ones, in a fixed order.
    pub leaks: Vec<Leak>,
    /// Number of unsuppressed findings at or above the threshold that are not listed, since a report has a maximum.
    pub unlisted_findings: u64,
    /// Number of suppressed findings at or above the threshold.
    pub suppressed_findings: u64,
    /// Number of leaks below the threshold, which are not listed.
    pub below_threshold: u64,
    /// The threshold: the lowest confidence of a listed leak.
    pub min_confidence: Confidence,
    /// What was scanned, and what was not.
    pub coverage: Coverage,
    /// Remarks that do not affect the status: the chosen range, a stale baseline entry.
    pub notes: Vec<String>,
    /// Wall time of the scan.
    pub elapsed_seconds: f64,
    /// When the scan began, in seconds since 1970.
    pub started: i64,
    /// The repository that was scanned, if known.
    pub version_control: Option<VersionControl>,
    /// The repository that contains the scanned files, if there is one.
    pub repository: Option<RepositoryInfo>,
    /// The current directory of the run, absolute, if relative paths in the report start from it; else empty.
    pub directory: String,
    /// The command line of the scan, beginning with the program's name; empty if there was none.
    pub command_line: Vec<String>,
    /// Maps each path in the report to the path from the root of its repository, where the two differ. For
    /// formats whose readers look the file up there.
    pub repository_paths: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Every key that was found, reported or not: text in the draft that contains any of them is redacted.
    pub secrets: Vec<Arc<DetectedKey>>,
}

/// Redacts text. The scan implements it, since it has the rules.
pub(crate) trait Redact {
    /// A path, name, reason or message, redacted; `None` if there is nothing to redact.
    fn redact(&mut self, text: &[u8]) -> Option<String>;

    /// Like [`Self::redact`], for free text such as names of people and their reasons, in which any random-looking
    /// word is suspicious.
    fn redact_prose(&mut self, text: &[u8]) -> Option<String>;
}

impl Draft {
    /// Leaks with at least one finding that is not suppressed.
    pub fn open_leaks(&self) -> impl Iterator<Item = &Leak> {
        self.leaks.iter().filter(|leak| !leak.is_suppressed())
    }

    /// The outcome. Findings outweigh gaps in coverage; gaps outweigh a clean result.
    pub fn status(&self) -> Status {
        if self.unlisted_findings > 0 || self.open_leaks().next().is_some() {
            Status::Findings
        } else if self.coverage.is_complete() {
            Status::Clean
        } else {
            Status::Incomplete
        }
    }

    /// Redacts every text that comes from what was scanned.
    ///
    /// The fields are named one by one, so that a new one does not compile before somebody has decided
    /// whether it needs redaction.
    pub(crate) fn into_report(self, redact: &mut dyn Redact) -> Report {
        let Self {
            command,
            category,
            rules_digest,
            mut rules,
            mut leaks,
            unlisted_findings,
            suppressed_findings,
            below_threshold,
            min_confidence,
            mut coverage,
            mut notes,
            elapsed_seconds,
            started,
            mut version_control,
            mut repository,
            mut directory,
            mut command_line,
            repository_paths,
            secrets: _,
        } = self;
        rules.iter_mut().filter(|rule| !rule.built_in).for_each(|rule| redact_rule(rule, redact));
        leaks.iter_mut().for_each(|leak| redact_leak(leak, redact));
        redact_coverage(&mut coverage, redact);
        notes.iter_mut().for_each(|note| redact_text(note, redact));
        if let Some(VersionControl { repository_uri, revision: _, branch }) = &mut version_control {
            redact_text(repository_uri, redact);
            branch.iter_mut().for_each(|branch| redact_text(branch, redact));
        }
        if let Some(RepositoryInfo {
            path,
            url,
            head: _,
            branch,
            argument,
            depth: _,
            is_bare: _,
            is_mirror: _,
        }) = &mut repository
        {
            [Some(path), url.as_mut(), branch.as_mut(), Some(argument)]
                .into_iter()
                .flatten()
                .for_each(|text| redact_text(text, redact));
        }
        redact_text(&mut directory, redact);
        command_line.iter_mut().for_each(|word| redact_text(word, redact));
        let repository_paths = repository_paths.into_iter().map(|(mut reported_path, mut path)| {
            redact_bytes(&mut reported_path, redact);
            redact_bytes(&mut path, redact);
            (reported_path, path)
        });
        let repository_paths = repository_paths.collect();
        Report::from_redacted(Self {
            command,
            category,
            rules_digest,
            rules,
            leaks,
            unlisted_findings,
            suppressed_findings,
            below_threshold,
            min_confidence,
            coverage,
            notes,
            elapsed_seconds,
            started,
            version_control,
            repository,
            directory,
            command_line,
            repository_paths,
            secrets: Vec::new(),
        })
    }
}

/// Redacts the texts of a custom rule, which may contain a key.
fn redact_rule(rule: &mut RuleInfo, redact: &mut dyn Redact) {
    let texts = [&mut rule.name, &mut rule.description]
        .into_iter()
        .chain(&mut rule.advice)
        .chain(&mut rule.revoke_url);
    texts.for_each(|text| redact_text(text, redact));
}

fn redact_leak(leak: &mut Leak, redact: &mut dyn Redact) {
    for finding in &mut leak.findings {
        finding.origin.path.iter_mut().for_each(|path| redact_bytes(path, redact));
        finding.origin.container.iter_mut().for_each(|part| redact_bytes(part, redact));
        if let Some(reason) = finding.suppressed.as_mut().and_then(|by| by.reason.as_mut())
            && let Some(redacted) = redact.redact_prose(reason.as_bytes())
        {
            *reason = redacted;
        }
    }
    leak.introduced.iter_mut().chain(&mut leak.removed).for_each(|change| redact_change(change, redact));
    for moved in &mut leak.moves {
        redact_change(&mut moved.change, redact);
        redact_bytes(&mut moved.from, redact);
    }
    leak.reachability.names_mut().for_each(|name| redact_text(name, redact));
}

fn redact_change(change: &mut Change, redact: &mut dyn Redact) {
    for text in [&mut change.author, &mut change.subject] {
        if let Some(redacted) = redact.redact_prose(text.as_bytes()) {
            *text = redacted;
        }
    }
    // Truncated only after redaction: a truncated key might not be recognized.
    if let Some((end, _)) = change.subject.char_indices().nth(MAX_SUBJECT_CHARS) {
        change.subject.truncate(end);
        change.subject.push('…');
    }
    change.path.iter_mut().for_each(|path| redact_bytes(path, redact));
}

fn redact_coverage(coverage: &mut Coverage, redact: &mut dyn Redact) {
    let skipped = std::mem::take(&mut coverage.skipped).into_iter().map(|Skip { mut what, mut reason }| {
        redact_text(&mut what, redact);
        redact_text(&mut reason, redact);
        Skip { what, reason }
    });
    coverage.skipped = skipped.collect();
    coverage.ignored.rewrite_texts(|text| redact_text(text, redact));
}

fn redact_text(text: &mut String, redact: &mut dyn Redact) {
    if let Some(redacted) = redact.redact(text.as_bytes()) {
        *text = redacted;
    }
}

/// Redacts bytes that need not be UTF-8. Leaves them unchanged if they contain no secret.
fn redact_bytes(bytes: &mut Vec<u8>, redact: &mut dyn Redact) {
    if let Some(redacted) = redact.redact(bytes) {
        *bytes = redacted.into_bytes();
    }
}
