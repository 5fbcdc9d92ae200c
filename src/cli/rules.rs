//! `friskey rules`, and the rules in force for every other command.

use std::io::Write;

use anyhow::{Result, anyhow, bail};

use super::args::{GlobalArgs, RulesCommand};
use super::config::Config;
use super::exit::Exit;
use super::message;
use super::options;
use super::redaction;
use crate::detect::{Detector, Redactor};
use crate::rules::{Rule, RuleError, RuleSet};
use crate::scan::detector_for;

/// The rules selected by options and configuration, and their detector.
pub(super) fn load_detector(global: &GlobalArgs, config: &Config) -> Result<(RuleSet, Detector)> {
    let files = options::rules_files(global, config);
    redaction::redact_by_rules(&files);
    let rules = RuleSet::with_files(&files).map_err(|error| match (&error, &config.path) {
        (RuleError::Read { path, .. }, Some(config_path))
            if config.rules.iter().any(|file| file.display().to_string() == *path) =>
        {
            anyhow!("{error} (named in {})", config_path.display())
        }
        _ => error.into(),
    })?;
    let detector = detector_for(&rules)?;
    Ok((rules, detector))
}

pub(super) fn run(command: &RulesCommand, global: &GlobalArgs) -> Result<Exit> {
    let (rules, detector) = load_detector(global, &options::config(global)?)?;
    let redactor = Redactor::new(&detector);
    let redact = |text: &str| redactor.redact(text.as_bytes());
    let mut text = Vec::new();
    let exit = match command {
        RulesCommand::List => list(&rules, &redact, &mut text)?,
        RulesCommand::Show { id } => match rules.get(id) {
            Some(rule) => show(rule, &redact, &mut text)?,
            None => bail!("unknown rule `{id}`; `friskey rules list` lists all rules"),
        },
        RulesCommand::Check => check(&rules, &detector, &redact, &mut text)?,
    };
    message::print(&text)?;
    Ok(exit)
}

/// Redacts a text from a rules file, which may contain a key.
type RedactText<'s> = dyn Fn(&str) -> String + 's;

fn list(rules: &RuleSet, redact: &RedactText<'_>, out: &mut Vec<u8>) -> Result<Exit> {
    let width = rules.rules().iter().map(|rule| rule.id.len()).max().unwrap_or(0);
    for rule in rules.rules() {
        writeln!(out, "{:width$}  {:8}  {}", rule.id, rule.severity.name(), redact(&rule.name))?;
    }
    Ok(Exit::Clean)
}

fn show(rule: &Rule, redact: &RedactText<'_>, out: &mut Vec<u8>) -> Result<Exit> {
    writeln!(out, "{}: {}", rule.id, redact(&rule.name))?;
    writeln!(out, "{}", redact(&rule.description))?;
    writeln!(out, "kind {}, severity {}, from {}", redact(&rule.kind), rule.severity.name(), rule.source)?;
    for variant in &rule.variants {
        let keywords: Vec<_> =
            variant.keywords.iter().map(|keyword| String::from_utf8_lossy(keyword)).collect();
        writeln!(out, "\nkeywords    {}", redact(&keywords.join("  ")))?;
        writeln!(out, "pattern     {}", redact(variant.pattern.as_str()))?;
        writeln!(out, "checks      {}", variant.checks.join(", "))?;
        writeln!(out, "confidence  {}", variant.confidence)?;
        writeln!(out, "max length  {} bytes", variant.facts.max_len)?;
    }
    if !rule.advice.is_empty() {
        writeln!(out, "\nIf it leaks:")?;
    }
    for (number, step) in rule.advice.iter().enumerate() {
        writeln!(out, "{}. {}", number + 1, redact(step))?;
    }
    Ok(Exit::Clean)
}

fn check(rules: &RuleSet, detector: &Detector, redact: &RedactText<'_>, out: &mut Vec<u8>) -> Result<Exit> {
    let mut failure_count = 0;
    for (index, rule) in rules.rules().iter().enumerate() {
        let failures = detector.self_test(index);
        failure_count += failures.len();
        for failure in &failures {
            writeln!(out, "{}: `{}` {}", failure.rule, redact(&failure.template), failure.reason)?;
        }
        let count = rule.examples.len() + rule.counter_examples.len();
        if failures.is_empty() {
            writeln!(out, "{}: {count} examples pass", rule.id)?;
        }
    }
    Ok(if failure_count == 0 { Exit::Clean } else { Exit::Findings })
}
