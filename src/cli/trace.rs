//! `friskey trace`.

use std::io::{self, IsTerminal, Read, Write};

use anyhow::{Context, Result, bail};
use zeroize::Zeroizing;

use super::args::{Global, Trace};
use super::exit::Exit;
use super::history::Job;
use super::options;
use crate::detect::Detector;
use crate::model::Secret;
use crate::rules::{LONGEST_PATTERN, RuleSet, SHORTEST_TRACED};
use crate::suppress::Policy;

pub(super) fn run(trace: &Trace, global: &Global) -> Result<Exit> {
    let key = read_key(trace)?;
    let config = options::config_about(global, &trace.repo)?;
    let rules = RuleSet::with_files(&options::rules(global, &config))?;
    // What the rules know of such a key: what it is called, and how much of it may be shown.
    let (mut model, mut prefix) = (None, 0);
    Detector::new(&rules)?.find(&key, |found| {
        if found.span == (0..key.len()) {
            model = Some(found.identified.rule.to_string());
            prefix = found.identified.secret.prefix();
        }
    });
    let rules = rules.with_traced(&key, prefix, model.as_deref());
    let detector = Detector::new(&rules)?;
    let job = Job {
        command: "trace",
        repo: &trace.repo,
        range: Vec::new(),
        surfaces: &trace.surfaces,
        reporting: &trace.reporting,
        rules_digest: rules.digest(),
        config: &config,
        // A key that was asked for is shown wherever it is, accepted or not.
        exclude: None,
        policy: &Policy::default(),
        only: Some(Secret::new(key.to_vec(), prefix).fingerprint()),
    };
    job.run(&detector, global)
}

/// The key, without the line end that a pipe brings along. It never comes from the command line, where
/// every process of the machine could read it.
fn read_key(trace: &Trace) -> Result<Zeroizing<Vec<u8>>> {
    let mut key = Zeroizing::new(Vec::new());
    match &trace.env {
        Some(name) => {
            let value = std::env::var_os(name).with_context(|| format!("the variable {name} is not set"))?;
            key.extend_from_slice(value.as_encoded_bytes());
        }
        None => {
            if io::stdin().is_terminal() {
                // Where nobody reads it, the prompt is not needed.
                let _ = writeln!(io::stderr(), "type or paste the key, then Enter and Ctrl-D:");
            }
            let limit = LONGEST_PATTERN as u64 + 3;
            io::stdin().lock().take(limit).read_to_end(&mut key).context("cannot read standard input")?;
        }
    }
    let text = key.trim_ascii().to_vec();
    let key = Zeroizing::new(text);
    if key.is_empty() {
        bail!("no key: give it on standard input, or name a variable with --env");
    }
    if key.len() < SHORTEST_TRACED {
        bail!("a text of {} bytes is too short to be followed; {SHORTEST_TRACED} are needed", key.len());
    }
    if key.len() > LONGEST_PATTERN {
        bail!("the key is longer than {LONGEST_PATTERN} bytes; a key is one word");
    }
    Ok(key)
}
