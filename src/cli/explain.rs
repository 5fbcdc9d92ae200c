//! `friskey explain`.

use std::io::{self, Read, Write};

use anyhow::{Context, Result, bail};
use serde_json::json;

use super::args::{Explain, Global};
use super::exit::Exit;
use super::options;
use super::output::ignore_broken_pipe;
use super::rules::detector;
use crate::detect::{Explanation, Verdict};

/// Longer texts are for `scan -`.
const LONGEST: u64 = 1 << 20;

pub(super) fn run(explain: &Explain, global: &Global) -> Result<Exit> {
    let (_, detector) = detector(global, &options::config(global)?)?;
    let mut text = Vec::new();
    io::stdin().lock().take(LONGEST + 1).read_to_end(&mut text).context("cannot read standard input")?;
    if text.len() as u64 > LONGEST {
        bail!("standard input is longer than 1 MiB; `friskey scan -` scans any length");
    }
    let explanation = detector.explain(&text);
    let mut out = Vec::new();
    match explain.json {
        true => serde_json::to_writer_pretty(&mut out, &as_json(&explanation))?,
        false => for_people(&explanation, &mut out)?,
    }
    ignore_broken_pipe(io::stdout().lock().write_all(&out))?;
    let reported = explanation.verdicts.iter().any(|verdict| verdict.reported);
    Ok(if reported { Exit::Findings } else { Exit::Clean })
}

fn for_people(explanation: &Explanation, out: &mut Vec<u8>) -> Result<()> {
    if explanation.verdicts.is_empty() && explanation.near_misses.is_empty() {
        writeln!(out, "Nothing in it is an anchor of any rule.")?;
    }
    for verdict in &explanation.verdicts {
        let Verdict { rule, offset, redacted, outcome, reported } = verdict;
        writeln!(out, "{redacted} at byte {offset}, {rule}:")?;
        match outcome {
            Ok((confidence, evidence)) if *reported => {
                writeln!(out, "  reported, {confidence} confidence: {}", evidence.join(", "))?;
            }
            Ok((confidence, evidence)) => {
                writeln!(out, "  {confidence} confidence: {}", evidence.join(", "))?;
                writeln!(out, "  left to another rule that is better founded here")?;
            }
            Err((check, reason)) => writeln!(out, "  no: {reason} (check `{check}`)")?,
        }
    }
    for (anchor, rules) in &explanation.near_misses {
        writeln!(out, "`{anchor}` stands in it, but what is around it does not fit: {}", rules.join(", "))?;
    }
    Ok(())
}

fn as_json(explanation: &Explanation) -> serde_json::Value {
    let verdict = |verdict: &Verdict| {
        let (confidence, evidence, check, reason) = match &verdict.outcome {
            Ok((confidence, evidence)) => (Some(confidence.name()), evidence.clone(), None, None),
            Err((check, reason)) => (None, Vec::new(), Some(*check), Some(reason.clone())),
        };
        json!({
            "rule": verdict.rule,
            "offset": verdict.offset,
            "redacted": verdict.redacted,
            "reported": verdict.reported,
            "confidence": confidence,
            "evidence": evidence,
            "rejected_by": check,
            "reason": reason,
        })
    };
    json!({
        "verdicts": explanation.verdicts.iter().map(verdict).collect::<Vec<_>>(),
        "near_misses": explanation.near_misses.iter()
            .map(|(anchor, rules)| json!({"anchor": anchor, "rules": rules}))
            .collect::<Vec<_>>(),
    })
}
