//! `friskey fleet report`: merges results into a report.

use std::io;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::plan::refuse_keys;
use super::settings_digest::explicit_config;
use crate::cli::args::{FleetReportArgs, GlobalArgs};
use crate::cli::broken_pipe::ignore_broken_pipe;
use crate::cli::exit::Exit;
use crate::cli::output::style;
use crate::cli::output_file::write_file;
use crate::cli::rules::load_detector;
use crate::fleet::{LoadedResults, ResultsDir, merge};
use crate::model::{FleetReport, Status};
use crate::report::{FLEET_REPORTERS, FleetReporter, Style, fleet_reporter};
use crate::scan::HISTORY_SURFACES;

pub(super) fn run(args: &FleetReportArgs, global: &GlobalArgs) -> Result<Exit> {
    let outputs = parse_outputs(args)?;
    let (_, detector) = load_detector(global, &explicit_config(global)?)?;
    let mut loaded = Vec::new();
    for path in &args.dirs {
        let dir = ResultsDir::open(path);
        let plan = dir.plan()?;
        refuse_keys(&plan, &detector)
            .with_context(|| format!("cannot use the plan in {}", path.display()))?;
        loaded.push(LoadedResults { name: path.display().to_string(), plan, results: dir.results()? });
    }
    let plan = loaded.first().map(|first| first.plan.clone()).context("no state directory is given")?;
    let report = merge(&plan, loaded, HISTORY_SURFACES);
    for (reporter, path) in outputs.files {
        let mut bytes = Vec::new();
        reporter.write(&report, &Style::default(), &mut bytes)?;
        write_file(Path::new(path), &bytes, false)?;
    }
    if !(global.quiet && outputs.stdout.name == "human" && report.status() == Status::Clean) {
        let written = outputs.stdout.write(&report, &style(global), &mut io::stdout().lock());
        ignore_broken_pipe(written).context("cannot write the report to standard output")?;
    }
    Ok(exit(&report))
}

/// The status is that of the whole plan: missing results make it incomplete.
fn exit(report: &FleetReport) -> Exit {
    report.status().into()
}

struct FleetOutputs<'a> {
    stdout: &'static FleetReporter,
    files: Vec<(&'static FleetReporter, &'a str)>,
}

fn parse_outputs(args: &FleetReportArgs) -> Result<FleetOutputs<'_>> {
    let reporter_named = |name: &str| {
        fleet_reporter(name).with_context(|| {
            let names: Vec<_> = FLEET_REPORTERS.iter().map(|reporter| reporter.name).collect();
            format!("unknown format `{name}`; expected one of {}", names.join(", "))
        })
    };
    let mut outputs = FleetOutputs { stdout: reporter_named(&args.format)?, files: Vec::new() };
    for output in &args.output {
        match output.split_once('=') {
            Some((name, "-")) => outputs.stdout = reporter_named(name)?,
            Some((name, path)) if !path.is_empty() => outputs.files.push((reporter_named(name)?, path)),
            _ => bail!("--output {output}: expected FORMAT=PATH, e.g. `json=report.json`"),
        }
    }
    Ok(outputs)
}
