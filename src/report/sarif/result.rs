//! SARIF results, one per leak.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use crate::model::{Confidence, Finding, Leak, Report, Surface};
use crate::report::next_steps::{NextStep, next_steps};
use crate::report::{escape, labels};

use super::location::Location;
use super::{LineHashes, Text, message, rules};

/// The most related locations of one result. GitHub accepts a thousand, more than a reader needs, and they take
/// up much of its size limit.
const MAX_RELATED_LOCATIONS: usize = 100;

/// The results, each created only when it is written.
pub(super) struct Results<'a> {
    pub(super) report: &'a Report,
    pub(super) leaks: Vec<&'a Leak>,
    pub(super) line_hashes: &'a LineHashes<'a>,
}

impl Serialize for Results<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // SARIF requires a location, which a leak without findings would not have. Every leak has findings.
        serializer.collect_seq(self.leaks.iter().filter_map(|leak| self.result(leak)))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResultObject<'a> {
    rule_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_index: Option<usize>,
    level: &'static str,
    message: Text,
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
    versions: u64,
    places: usize,
    #[serde(rename = "nextSteps", skip_serializing_if = "Vec::is_empty")]
    next_steps: Vec<NextStep>,
}

impl Results<'_> {
    fn result<'b>(&self, leak: &'b Leak) -> Option<ResultObject<'b>> {
        let suppressed = leak.is_suppressed();
        let places: Vec<&Finding> =
            if suppressed { leak.findings.iter().collect() } else { labels::open_findings(leak).collect() };
        let (&primary, others) = places.split_first()?;
        let next_steps = next_steps(self.report, leak);
        let listed = &others[..others.len().min(MAX_RELATED_LOCATIONS)];
        Some(ResultObject {
            rule_id: &leak.identified.rule,
            rule_index: self.report.rules().iter().position(|rule| *rule.id == *leak.identified.rule),
            level: rules::level(labels::effective_severity(self.report, leak)),
            message: Text::new(message::message(self.report, leak, (primary, others), next_steps.first())),
            locations: [Location::new(self.report, primary, None)],
            related_locations: (1..)
                .zip(listed)
                .map(|(id, other)| Location::new(self.report, other, Some(id)))
                .collect(),
            partial_fingerprints: self.fingerprints(leak, primary),
            rank: rank(leak.identified.confidence),
            suppressions: if suppressed {
                primary.suppressed.iter().map(accepted).collect()
            } else {
                Vec::new()
            },
            properties: ResultProperties {
                confidence: leak.identified.confidence.name(),
                status: leak.status.name(),
                kind: &leak.identified.kind,
                surface: primary.origin.surface.name(),
                encoding: primary.encoding,
                versions: primary.versions,
                places: places.len(),
                next_steps,
            },
        })
    }

    /// Stable fingerprints for deduplication. GitHub uses only the line hash. The upload action computes it for
    /// files in the checkout and warns about other values, so only results elsewhere get one, derived from the
    /// secret.
    fn fingerprints(&self, leak: &Leak, primary: &Finding) -> BTreeMap<&'static str, String> {
        let own = leak.identified.fingerprint.to_string();
        let origin = &primary.origin;
        let in_checkout = matches!(
            origin.surface,
            Surface::Worktree | Surface::Index | Surface::FileName | Surface::Symlink
        );
        let hash = if !origin.container.is_empty() {
            // The location refers to line 1 of the archive, which all of its entries share.
            Some(format!("{}:1", primary.id()))
        } else if !in_checkout {
            Some(format!("{}:1", &own[..16]))
        } else if labels::has_positions(origin) {
            (self.line_hashes)(origin, primary.span.start.line)
        } else {
            None
        };
        let mut fingerprints = BTreeMap::from([("friskeyFingerprint/v1", own)]);
        fingerprints.extend(hash.map(|hash| ("primaryLocationLineHash", hash)));
        fingerprints
    }
}

fn rank(confidence: Confidence) -> f64 {
    match confidence {
        Confidence::High => 95.0,
        Confidence::Medium => 60.0,
        Confidence::Low => 20.0,
    }
}

fn accepted(suppression: &crate::model::Suppression) -> SuppressionObject {
    let kind = if suppression.by == "inline" { "inSource" } else { "external" };
    let reason = suppression.reason.as_deref().unwrap_or("no reason given");
    let justification = escape::line(&format!("{}: {reason}", suppression.source)).into_owned();
    SuppressionObject { kind, status: "accepted", justification }
}
