//! Tests the detector on generated text: every shape in every context, look-alikes, and invariants.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "detect/cases.rs"]
mod cases;
#[path = "kit/credential_forms.rs"]
mod credential_forms;
#[path = "detect/credentials.rs"]
mod credentials;
#[path = "detect/dumps.rs"]
mod dumps;
#[path = "detect/encoded.rs"]
mod encoded;
#[path = "detect/floods.rs"]
mod flooded;
#[expect(dead_code, reason = "the bench and the fuzz target use the rest")]
#[path = "kit/floods.rs"]
mod floods;
#[path = "detect/invariants.rs"]
mod invariants;
#[path = "detect/matrix.rs"]
mod matrix;
#[path = "detect/neighbours.rs"]
mod neighbours;
#[path = "detect/noise.rs"]
mod noise;
#[path = "detect/oracle.rs"]
mod oracle;
#[path = "detect/respelled.rs"]
mod respelled;
#[path = "detect/split_literals.rs"]
mod split_literals;
#[path = "detect/wrapped.rs"]
mod wrapped;

use std::sync::LazyLock;

use friskey::detect::{Detector, Match};
use friskey::model::Confidence;
use friskey::rules::RuleSet;

fn detector() -> &'static Detector {
    static DETECTOR: LazyLock<Detector> =
        LazyLock::new(|| Detector::new(&RuleSet::built_in().unwrap()).unwrap());
    &DETECTOR
}

fn found(detector: &Detector, text: &[u8]) -> Vec<Match> {
    let mut all = Vec::new();
    detector.find(text, |found| all.push(found));
    all
}

/// What a scan would report by default.
fn reported(detector: &Detector, text: &[u8]) -> Vec<Match> {
    found(detector, text).into_iter().filter(|m| m.detected_key.confidence >= Confidence::Medium).collect()
}
