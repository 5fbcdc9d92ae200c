//! `friskey fleet plan`: prints a plan. Also checks plans for keys.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail};

use super::settings_digest::explicit_config;
use crate::cli::args::GlobalArgs;
use crate::cli::broken_pipe::ignore_broken_pipe;
use crate::cli::exit::Exit;
use crate::cli::message::say;
use crate::cli::rules::load_detector;
use crate::detect::{Detector, Redactor};
use crate::fleet::discover;
use crate::model::FleetPlan;
use crate::report::{count as counted, human_bytes, thousands, write_json};

pub(super) fn run(roots: &[PathBuf], global: &GlobalArgs) -> Result<Exit> {
    let (_, detector) = load_detector(global, &explicit_config(global)?)?;
    let redactor = Redactor::new(&detector);
    // Only keys are masked: a repository must not be left out because its name looks random.
    let redacted_path = |path: &Path| {
        let bytes = path.as_os_str().as_encoded_bytes();
        redactor.contains_secret(bytes).then(|| redactor.redact(bytes))
    };
    let plan = discover(roots, &redacted_path).map_err(|(root, error)| {
        anyhow!(
            "{} cannot be searched for repositories: {error}; name a directory that can be read",
            root.display()
        )
    })?;
    ignore_broken_pipe(write_json(&plan, &mut io::stdout().lock()))?;
    if !global.quiet {
        summarize(&plan, global.verbose);
    }
    Ok(match plan.skipped.is_empty() && !plan.repositories.is_empty() {
        true => Exit::Clean,
        false => Exit::Incomplete,
    })
}

/// Maximum number of skips listed without `-v`.
const MAX_LISTED: usize = 10;

/// Refuses a plan with a path that contains a key, since every format would show it. `discover` never writes one.
pub(super) fn refuse_keys(plan: &FleetPlan, detector: &Detector) -> Result<()> {
    let redactor = Redactor::new(detector);
    let skips = plan.skipped.iter().chain(&plan.ignored).chain(&plan.notes);
    let mut texts = skips.flat_map(|skip| [&skip.what, &skip.reason]).chain(&plan.roots).chain(
        plan.repositories.iter().flat_map(|repository| {
            let alternates = repository.alternates.iter().map(|alternate| &alternate.path);
            [&repository.path].into_iter().chain(&repository.work_trees).chain(alternates)
        }),
    );
    match texts.any(|text| redactor.contains_secret(text.as_bytes())) {
        true => bail!(
            "a path in it contains what looks like a key; rename the directory, and run `friskey fleet plan` again"
        ),
        false => Ok(()),
    }
}

fn summarize(plan: &FleetPlan, verbose: bool) {
    let bytes = plan.repositories.iter().map(|repository| repository.bytes).sum();
    let count = plan.repositories.len() as u64;
    let noun = if count == 1 { "repository" } else { "repositories" };
    say(&format!("planned: {} {noun}, {}", thousands(count), human_bytes(bytes)));
    if count == 0 {
        say(&format!(
            "no repository found below {}; name the directory that contains them",
            plan.roots.join(", ")
        ));
    }
    let max_listed = if verbose { usize::MAX } else { MAX_LISTED };
    for skip in plan.skipped.iter().take(max_listed) {
        say(&format!("not searched: {}: {}", skip.what, skip.reason));
    }
    let rest = plan.skipped.len().saturating_sub(max_listed);
    if rest > 0 {
        say(&format!("and {rest} more; the plan lists all under `skipped`"));
    }
    if !verbose && !plan.ignored.is_empty() {
        say(&format!(
            "not followed: {} to directories outside the roots; -v lists them, and the plan does under `ignored`",
            counted(plan.ignored.len() as u64, "link")
        ));
    }
    plan.notes.iter().for_each(|note| say(&format!("note: {}: {}", note.what, note.reason)));
    if verbose {
        plan.ignored.iter().for_each(|link| say(&format!("ignored: {}: {}", link.what, link.reason)));
    }
}
