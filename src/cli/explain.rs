//! `friskey explain`: explains which rules match a text and what the checks say.

use std::io::Write;

use anyhow::{Context, Result, bail};
use serde_json::json;

use super::args::{ExplainArgs, GlobalArgs, SearchArgs};
use super::exit::Exit;
use super::message;
use super::options;
use super::rules::load_detector;
use super::secret_input::read_secret;
use crate::detect::{Explanation, RuleAssessment};
use crate::model::Confidence;

/// Maximum size of a text, in bytes; `scan -` accepts longer ones.
const MAX_TEXT_SIZE: u64 = 1 << 20;

pub(super) fn run(args: &ExplainArgs, global: &GlobalArgs) -> Result<Exit> {
    if !args.misplaced.is_empty() {
        // The argument may be a key of any shape, so the message must not repeat it.
        bail!(
            "explain takes no argument. If it is a key, it is now in the shell's history, and other processes \
             could see it: delete it there. Pipe the text into `friskey explain`, or run it and paste the text at the \
             prompt"
        );
    }
    let config = options::config(global)?;
    let (_, detector) = load_detector(global, &config)?;
    let threshold = options::min_confidence(&SearchArgs::default(), &config)?;
    let text = read_secret("Text to explain (input is hidden): ", MAX_TEXT_SIZE)?
        .context("standard input is longer than 1 MiB; `friskey scan -` scans any length")?;
    let explanation = detector.explain(&text);
    let mut out = Vec::new();
    match args.json {
        true => serde_json::to_writer_pretty(&mut out, &to_json(&explanation))?,
        false => write_text(&explanation, threshold, &mut out)?,
    }
    let is_above = |assessment: &RuleAssessment| matches!(assessment.outcome, Ok((confidence, _)) if confidence >= threshold);
    let reported =
        explanation.assessments.iter().any(|assessment| assessment.reported && is_above(assessment));
    // JSON is for programs, which expect it.
    if reported || args.json || !global.quiet {
        message::print(&out)?;
    }
    Ok(if reported { Exit::Findings } else { Exit::Clean })
}

fn write_text(explanation: &Explanation, threshold: Confidence, out: &mut Vec<u8>) -> Result<()> {
    if explanation.assessments.is_empty() && explanation.near_misses.is_empty() {
        writeln!(out, "not a key: no rule applies to this text")?;
    }
    for assessment in &explanation.assessments {
        writeln!(
            out,
            "{} at byte {}: {}",
            assessment.redacted,
            assessment.span.start,
            conclusion(assessment, threshold)
        )?;
        writeln!(out, "  {}: {}", assessment.rule, evidence_or_reason(assessment))?;
        for other in &assessment.others {
            let superseded = if other.outcome.is_ok() { ", superseded by a stronger match" } else { "" };
            writeln!(out, "  {}: {}{superseded}", other.rule, evidence_or_reason(other))?;
        }
    }
    for (keyword, rules) in &explanation.near_misses {
        writeln!(
            out,
            "not a key: `{keyword}` occurs, but the text around it matches no pattern of {}",
            rules.join(", ")
        )?;
    }
    Ok(())
}

/// Whether a scan would report it as a key, in one phrase.
fn conclusion(assessment: &RuleAssessment, threshold: Confidence) -> String {
    match &assessment.outcome {
        Ok((confidence, _)) if *confidence >= threshold => {
            format!("reported as {} with {confidence} confidence", assessment.rule)
        }
        Ok((confidence, _)) => {
            format!("{confidence} confidence, reported only with --min-confidence {confidence}")
        }
        Err(_) => "not a key".to_owned(),
    }
}

/// The evidence, or why it was rejected.
fn evidence_or_reason(assessment: &RuleAssessment) -> String {
    match &assessment.outcome {
        Ok((confidence, evidence)) => format!("{confidence} confidence: {}", evidence.join(", ")),
        Err((check, reason)) => format!("rejected by check `{check}`: {reason}"),
    }
}

fn to_json(explanation: &Explanation) -> serde_json::Value {
    json!({
        "assessments": explanation.assessments.iter().map(assessment_to_json).collect::<Vec<_>>(),
        "near_misses": explanation.near_misses.iter()
            .map(|(keyword, rules)| json!({"keyword": keyword, "rules": rules}))
            .collect::<Vec<_>>(),
    })
}

fn assessment_to_json(assessment: &RuleAssessment) -> serde_json::Value {
    let (confidence, evidence, check, reason) = match &assessment.outcome {
        Ok((confidence, evidence)) => (Some(confidence.name()), evidence.clone(), None, None),
        Err((check, reason)) => (None, Vec::new(), Some(*check), Some(reason.clone())),
    };
    json!({
        "rule": assessment.rule,
        "offset": assessment.span.start,
        "redacted": assessment.redacted,
        "reported": assessment.reported,
        "confidence": confidence,
        "evidence": evidence,
        "rejected_by": check,
        "reason": reason,
        "others": assessment.others.iter().map(assessment_to_json).collect::<Vec<_>>(),
    })
}
