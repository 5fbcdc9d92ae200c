//! Builds the SARIF results, one for each leak.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use crate::model::{Confidence, Finding, Leak, Report, Surface};
use crate::report::next_steps::{NextStep, next_steps};
use crate::report::{escape, labels};

use super::location::Location;
use super::{LineHashes, MessageText, message, rules};

/// Maximum number of related locations of one result. GitHub accepts 1,000, but a reader needs fewer, and they would use up
/// much of GitHub's limit on the size of a file.
const MAX_RELATED_LOCATIONS: usize = 100;

/// The results, each created only when it is written.
pub(super) struct Results<'a> {
    pub(super) report: &'a Report,
    pub(super) leaks: Vec<&'a Leak>,
    pub(super) line_hashes: &'a LineHashes<'a>,
}

impl Serialize for Results<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // A leak without findings would have no location, which SARIF requires. Every leak has findings, so none is lost.
        serializer.collect_seq(self.leaks.iter().filter_map(|leak| self.result_object(leak)))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResultObject<'a> {
    rule_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_index: Option<usize>,
    level: &'static str,
    message: MessageText,
    locations: [Location; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<Location>,
    partial_fingerprints: BTreeMap<&'static str, String>,
    rank: f64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suppressions: Vec<SuppressionObject>,
    properties: ResultProperties<'a>,
}

#[derive(Serialize)]
struct SuppressionObject {
    kind: &'static str,
    status: &'static str,
    justification: String,
}

#[derive(Serialize)]
struct ResultProperties<'a> {
    confidence: &'static str,
    status: &'static str,
    kind: &'a str,
    surface: &'static str,
    encoding: &'a str,
    /// Number of different blobs at the primary path that contain the key.
    versions: u64,
    /// Number of findings.
    places: usize,
    #[serde(rename = "nextSteps", skip_serializing_if = "Vec::is_empty")]
    next_steps: Vec<NextStep>,
}

/// Number of hex digits before the colon in a `primaryLocationLineHash`.
const LINE_HASH_LEN: usize = 16;

impl Results<'_> {
    fn result_object<'b>(&self, leak: &'b Leak) -> Option<ResultObject<'b>> {
        let is_suppressed = leak.is_suppressed();
        let findings: Vec<&Finding> = if is_suppressed {
            leak.findings.iter().collect()
        } else {
            labels::open_findings(leak).collect()
        };
        let (&primary, others) = findings.split_first()?;
        let next_steps = next_steps(self.report, leak);
        let related = &others[..others.len().min(MAX_RELATED_LOCATIONS)];
        Some(ResultObject {
            rule_id: &leak.detected_key.rule,
            rule_index: self.report.rules().iter().position(|rule| *rule.id == *leak.detected_key.rule),
            level: rules::level(labels::effective_severity(self.report, leak)),
            message: MessageText::new(message::message(
                self.report,
                leak,
                (primary, others),
                next_steps.first(),
            )),
            locations: [Location::new(self.report, primary, None)],
            related_locations: (1..)
                .zip(related)
                .map(|(id, other)| Location::new(self.report, other, Some(id)))
                .collect(),
            partial_fingerprints: self.fingerprints(leak, primary),
            rank: rank(leak.detected_key.confidence),
            suppressions: if is_suppressed {
                primary.suppressed.iter().map(suppression_object).collect()
            } else {
                Vec::new()
            },
            properties: ResultProperties {
                confidence: leak.detected_key.confidence.name(),
                status: leak.status.name(),
                kind: &leak.detected_key.kind,
                surface: primary.origin.surface.name(),
                encoding: primary.encoding,
                versions: primary.versions,
                places: findings.len(),
                next_steps,
            },
        })
    }

    /// Stable fingerprints for deduplication. GitHub uses only `primaryLocationLineHash`. For files in the checkout, its
    /// upload action computes that hash and warns about different values, so they get one only if `line_hashes` knows it;
    /// names and link targets get none.
    /// Elsewhere it is derived from the fingerprint of the secret or the id of the finding.
    fn fingerprints(&self, leak: &Leak, primary: &Finding) -> BTreeMap<&'static str, String> {
        let fingerprint = leak.detected_key.fingerprint.to_string();
        let origin = &primary.origin;
        let is_in_checkout = matches!(
            origin.surface,
            Surface::Worktree | Surface::Index | Surface::FileName | Surface::Symlink
        );
        let line_hash = if !origin.container.is_empty() {
            // All entries of an archive have the same location, line 1 of the archive.
            Some(format!("{}:1", primary.id()))
        } else if !is_in_checkout {
            Some(format!("{}:1", &fingerprint[..LINE_HASH_LEN]))
        } else if labels::has_positions(origin) {
            (self.line_hashes)(origin, primary.span.start.line)
        } else {
            None
        };
        let mut fingerprints = BTreeMap::from([("friskeyFingerprint/v1", fingerprint)]);
        fingerprints.extend(line_hash.map(|hash| ("primaryLocationLineHash", hash)));
        fingerprints
    }
}

/// SARIF's `rank`, from 0 to 100: the priority of a result.
fn rank(confidence: Confidence) -> f64 {
    match confidence {
        Confidence::High => 95.0,
        Confidence::Medium => 60.0,
        Confidence::Low => 20.0,
    }
}

fn suppression_object(suppression: &crate::model::Suppression) -> SuppressionObject {
    let kind = if suppression.by == "inline" { "inSource" } else { "external" };
    let reason = suppression.reason.as_deref().unwrap_or("no reason given");
    let justification = escape::line(&format!("{}: {reason}", suppression.source)).into_owned();
    SuppressionObject { kind, status: "accepted", justification }
}
