//! Tests the detector on generated text: keys of every shape in every context, text that only looks like keys, and
//! invariants.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "detect/cases.rs"]
mod cases;
#[path = "kit/credential_templates.rs"]
mod credential_templates;
#[path = "detect/credentials.rs"]
mod credentials;
#[path = "detect/dumps.rs"]
mod dumps;
#[path = "detect/effort.rs"]
mod effort;
#[path = "detect/encoded.rs"]
mod encoded;
#[expect(dead_code, reason = "the bench and the fuzz target use the rest")]
#[path = "kit/floods.rs"]
mod floods;
#[path = "detect/invariants.rs"]
mod invariants;
#[path = "detect/line_wraps.rs"]
mod line_wraps;
#[path = "detect/matrix.rs"]
mod matrix;
#[path = "detect/neighbors.rs"]
mod neighbors;
#[path = "detect/noise.rs"]
mod noise;
#[path = "detect/oracle.rs"]
mod oracle;
#[path = "detect/spellings.rs"]
mod spellings;
#[path = "detect/split_literals.rs"]
mod split_literals;

use std::sync::LazyLock;

use friskey::detect::{Detector, Match};
use friskey::model::Confidence;
use friskey::rules::RuleSet;

fn detector() -> &'static Detector {
    static DETECTOR: LazyLock<Detector> =
        LazyLock::new(|| Detector::new(&RuleSet::built_in().unwrap()).unwrap());
    &DETECTOR
}

/// All matches in `text`, also those of low confidence.
fn find_all(detector: &Detector, text: &[u8]) -> Vec<Match> {
    let mut matches = Vec::new();
    detector.find(text, |one| matches.push(one));
    matches
}

/// The matches that a scan reports without `--min-confidence`: those of medium or high confidence.
fn find_reported(detector: &Detector, text: &[u8]) -> Vec<Match> {
    find_all(detector, text).into_iter().filter(|m| m.detected_key.confidence >= Confidence::Medium).collect()
}
