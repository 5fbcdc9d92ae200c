//! `friskey prove`.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Args;

use super::args::{Global, ScanArgs};
use super::base_policy::InForce;
use super::exit::Exit;
use super::history::now;
use super::limits::{ContainerArgs, Count, Seconds};
use super::options;
use super::output::{ignore_broken_pipe, style};
use super::progress::{self, ProgressUnit};
use super::rules::detector;
use super::session::Session;
use crate::git::Progress;
use crate::model::{Confidence, ProofStatus};
use crate::prove::{PurgedHistory, prove};
use crate::report::{write_json, write_proof};
use crate::scan::{HistoryOptions, Settings};
use crate::suppress::Policy;

/// What a proof can be written as.
const FORMATS: [&str; 2] = ["human", "json"];

#[derive(Debug, Args)]
pub(super) struct Prove {
    /// Fresh mirror clone (`git clone --mirror URL`), or a repository made of an export
    #[arg(value_name = "CLONE")]
    clone: PathBuf,

    /// Report of the purge, as `friskey purge --report FILE` wrote it
    #[arg(long, value_name = "FILE")]
    report: PathBuf,

    /// Format on standard output
    #[arg(long, value_name = "FORMAT", default_value = "human", value_parser = FORMATS)]
    format: String,

    /// Number of threads; 0, the default, starts one per processor (environment: FRISKEY_THREADS)
    #[arg(long, value_name = "N")]
    threads: Option<Count>,

    /// Stop after SECONDS and report what was not reached: exit status 3, or 1 if something was found
    /// (environment: FRISKEY_MAX_TIME)
    #[arg(long, value_name = "SECONDS")]
    max_time: Option<Seconds>,

    /// Do not show progress on the terminal
    #[arg(long)]
    no_progress: bool,

    #[command(flatten)]
    containers: ContainerArgs,
}

pub(super) fn run(args: &Prove, global: &Global) -> Result<Exit> {
    let report = PurgedHistory::read(&args.report)?;
    let config = options::config_about(global, &args.clone)?;
    let (rules, _) = detector(global, &config)?;
    let detector = report.detector(&rules)?;
    // Nothing is accepted: a purged key is to be gone, whatever a baseline says.
    let in_force = InForce { config, rules, detector, policy: Policy::default() };
    let scan_args = ScanArgs {
        threads: args.threads,
        max_time: args.max_time,
        containers: args.containers.clone(),
        min_confidence: Some(Confidence::Low),
    };
    let session = Session::new(in_force, &scan_args)?;
    let settings = Settings { min_confidence: Confidence::Low, ..session.settings() };
    let progress = Arc::new(Progress::default());
    let audit = HistoryOptions {
        command: "prove",
        progress: Some(Arc::clone(&progress)),
        ..HistoryOptions::everything(args.clone.clone(), session.threads, now())
    };
    let shown = progress::show(ProgressUnit::Objects, &progress, args.no_progress || global.quiet);
    let proof = prove(&settings, &audit, &report);
    drop(shown);
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
