//! `friskey prove`: searches a clone for the keys and objects that a purge removed.

use std::io::Write;
use std::sync::Arc;

use anyhow::{Context, Result};

use super::args::{GlobalArgs, ProveArgs, SearchArgs};
use super::broken_pipe::ignore_broken_pipe;
use super::clock::now;
use super::effective_settings::EffectiveSettings;
use super::exit::Exit;
use super::options;
use super::output::style;
use super::progress::{self, ProgressUnit};
use super::rules::load_detector;
use super::session::Session;
use crate::git::Progress;
use crate::model::{Confidence, ProofStatus};
use crate::prove::{PurgedHistory, prove};
use crate::report::{write_json, write_proof};
use crate::scan::{HistoryOptions, Settings};
use crate::suppress::Policy;

pub(super) fn run(args: &ProveArgs, global: &GlobalArgs) -> Result<Exit> {
    let purged_history = PurgedHistory::read(&args.report)?;
    let config = options::config_for_repo(global, &args.clone)?;
    let (rules, _) = load_detector(global, &config)?;
    let detector = purged_history.detector(&rules)?;
    // Nothing is accepted: a purged key must be gone even if a baseline accepts it.
    let effective_settings = EffectiveSettings { config, rules, detector, policy: Policy::default() };
    let search = SearchArgs {
        threads: args.threads,
        max_time: args.max_time,
        containers: args.containers.clone(),
        min_confidence: Some(Confidence::Low),
    };
    let session = Session::new(effective_settings, &search)?;
    let settings = Settings { min_confidence: Confidence::Low, ..session.settings() };
    let progress = Arc::new(Progress::default());
    let audit = HistoryOptions {
        command: "prove",
        progress: Some(Arc::clone(&progress)),
        ..HistoryOptions::everything(args.clone.clone(), session.threads, now())
    };
    let progress_line = progress::show(ProgressUnit::Objects, &progress, args.no_progress || global.quiet);
    let proof = prove(&settings, &audit, &purged_history);
    drop(progress_line);
    let proof = proof?;
    let exit = match proof.status {
        ProofStatus::Proven => Exit::Clean,
        ProofStatus::StillThere => Exit::Findings,
        ProofStatus::Incomplete => Exit::Incomplete,
    };
    if !(global.quiet && exit == Exit::Clean) {
        let mut out = Vec::new();
        match args.format.as_str() {
            "json" => write_json(&proof, &mut out)?,
            _ => write_proof(&proof, &style(global), &mut out)?,
        }
        let written = std::io::stdout().lock().write_all(&out);
        ignore_broken_pipe(written).context("cannot write the proof to standard output")?;
    }
    Ok(exit)
}
