//! `friskey purge`: writes a new repository without the keys found in the history of another one.

use std::cell::Cell;
use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};

use super::args::{ContainerChoice, GlobalArgs, PurgeArgs};
use super::clock::now;
use super::effective_settings::EffectiveSettings;
use super::exit::Exit;
use super::message::{print, redact_message, say};
use super::options::{self, BaselineScope};
use super::output_file::{check_writable, write_file};
use super::progress;
use super::session::Session;
use crate::git::Progress;
use crate::purge::{
    ContainerTreatment, PurgeError, PurgeOptions, PurgeReport, PurgeStep, check_destinations, purge,
};
use crate::report::count;
use crate::scan::{KeyFilter, MIN_FINGERPRINT_DIGITS};

pub(super) fn run(args: &PurgeArgs, global: &GlobalArgs) -> Result<Exit> {
    let into = args.into.clone().filter(|_| !args.dry_run);
    check_destinations(&args.repo.path, into.as_deref(), args.report.as_deref())?;
    if let Some(report) = &args.report {
        check_writable(report)?;
        if args.dry_run && is_of_finished_purge(report) {
            bail!(
                "{} is the report of a finished purge, which `friskey prove` needs; name another file for the plan",
                report.display()
            );
        }
    }
    let config = options::config_for_repo(global, &args.repo.path)?;
    let effective_settings =
        EffectiveSettings::from_checkout(config, &args.suppression, global, BaselineScope::default())?;
    let session = Session::new(effective_settings, &args.search)?;
    let progress = Arc::new(Progress::default());
    let options = PurgeOptions {
        repo: args.repo.path.clone(),
        destination: into,
        keys: key_filters(&args.keys)?,
        containers: match args.containers {
            ContainerChoice::Stub => ContainerTreatment::Stub,
            ContainerChoice::Refuse => ContainerTreatment::Refuse,
        },
        keep_message_ids: args.keep_message_ids,
        rules: session.effective_settings.rules.clone(),
        exclude: options::excludes(&session.effective_settings.config)?,
        threads: session.threads,
        now: now(),
        progress: Some(Arc::clone(&progress)),
    };
    let unit = progress::ProgressUnit::Objects;
    let progress_line = progress::show(unit, &progress, args.no_progress || global.quiet);
    let is_delivered = Cell::new(false);
    let deliver = |report: &PurgeReport| deliver(report, args.report.as_deref(), &is_delivered);
    let purged = purge(&session.settings(), &options, &deliver);
    drop(progress_line);
    if let (Err(_), true, Some(path)) = (&purged, is_delivered.get(), &args.report) {
        // The report describes a repository that does not exist. If it cannot be removed, the error still says so.
        let _ = std::fs::remove_file(path);
    }
    let report = match purged {
        Err(error @ (PurgeError::Incomplete(_) | PurgeError::Stopped)) => {
            say(&redact_message(&format!("friskey: {error}")));
            return Ok(Exit::Incomplete);
        }
        purged => purged?,
    };
    match (global.quiet, report.unmatched_message()) {
        (false, _) => print(report_text(&report).as_bytes()).context("cannot write to standard output")?,
        // It may be a typing error, after which the key would stay unnoticed.
        (true, Some(message)) => say(&format!("friskey: {message}")),
        (true, None) => {}
    }
    Ok(if report.is_blocked() { Exit::Incomplete } else { Exit::Clean })
}

/// Writes the report, if requested.
fn deliver(report: &PurgeReport, path: Option<&Path>, is_delivered: &Cell<bool>) -> Result<(), String> {
    let Some(path) = path else { return Ok(()) };
    if report.status == "nothing" && is_of_finished_purge(path) {
        // The report of the earlier purge, after which there is nothing left to do, is kept.
        return Ok(());
    }
    let mut bytes = serde_json::to_vec_pretty(report).map_err(|error| error.to_string())?;
    bytes.push(b'\n');
    write_file(path, &bytes, true).map_err(|error| format!("{error:#}"))?;
    is_delivered.set(true);
    Ok(())
}

/// Whether the file is the report of a finished purge, which `friskey prove` needs.
fn is_of_finished_purge(path: &Path) -> bool {
    /// Number of bytes at the start of a report that contain its schema and status.
    const START_SIZE: u64 = 4096;
    let mut start = Vec::new();
    let opened = std::fs::File::open(path).and_then(|file| file.take(START_SIZE).read_to_end(&mut start));
    let has = |text: &str| memchr::memmem::find(&start, text.as_bytes()).is_some();
    opened.is_ok() && has("\"friskey/purge/v1\"") && has("\"status\": \"done\"")
}

fn key_filters(keys: &[String]) -> Result<Vec<KeyFilter>> {
    let filter = |text: &String| match KeyFilter::from_hex(text) {
        Some(filter) => Ok(filter),
        None => bail!("--key: expected {MIN_FINGERPRINT_DIGITS} to 64 hex digits, as a report shows them"),
    };
    keys.iter().map(filter).collect()
}

/// The text for standard output.
fn report_text(report: &PurgeReport) -> String {
    let mut text = String::new();
    // Writing to a string never fails.
    let (repo, into) = report.repositories();
    if report.keys.is_empty() {
        let why = match report.accepted_keys {
            0 => "no such key was found".to_owned(),
            accepted => {
                format!("{} accepted; --key or --no-suppress purges accepted keys", count_are(accepted))
            }
        };
        let _ = writeln!(text, "nothing to purge in {repo}: {why}");
        if let Some(line) = report.unmatched_message() {
            let _ = writeln!(text, "{line}");
        }
        write_unsearched_files(&mut text, report);
        return text;
    }
    let keys: Vec<&str> = report.keys.iter().map(|key| key.redacted.as_str()).collect();
    let key_count = count(keys.len() as u64, "key");
    let keys = keys.join(", ");
    let _ = match (&report.proof, into) {
        (Some(proof), Some(into)) => writeln!(
            text,
            "purged {key_count} from {repo} into {into}: {keys}\nproven: complete, none of the keys, none of the old objects, \
             {} compared",
            count(proof.refs_compared, "ref")
        ),
        _ => writeln!(text, "would purge {key_count} from {repo}: {keys}\ndry run: nothing was written"),
    };
    for line in report.summary_lines() {
        let _ = writeln!(text, "{line}");
    }
    let treatments = report.treatment_lines();
    if !treatments.is_empty() {
        let _ = writeln!(text, "\nPlaces:");
        for line in treatments {
            let _ = writeln!(text, "  {line}");
        }
    }
    write_unsearched_files(&mut text, report);
    if !report.not_carried_over.is_empty() {
        let _ = writeln!(text, "\nNot carried over:");
        for item in &report.not_carried_over {
            let _ = writeln!(text, "  {} ({}): {}; {}", item.what, item.count, item.detail, item.advice);
        }
    }
    let _ = writeln!(text, "\nNext:");
    for (number, step) in (1..).zip(&report.next_steps) {
        write_step(&mut text, number, step);
    }
    text
}

/// `1 key is`, `2 keys are`
fn count_are(keys: u64) -> String {
    format!("{} {}", count(keys, "key"), if keys == 1 { "is" } else { "are" })
}

/// Lists the files that could not be opened; the user has to decide what to do with them.
fn write_unsearched_files(text: &mut String, report: &PurgeReport) {
    let files = report.unsearched_lines();
    if files.is_empty() {
        return;
    }
    let _ = writeln!(text, "\nNot searched, since they cannot be opened; they may contain the key:");
    for line in files {
        let _ = writeln!(text, "  {line}");
    }
    if report.is_blocked() {
        let _ = writeln!(
            text,
            "  A purge refuses until each of them is decided: list its path under `exclude` in a friskey.toml, passed with \
             --config, to carry it over as it is, or remove it from the history first"
        );
    }
}

fn write_step(text: &mut String, number: u32, step: &PurgeStep) {
    let PurgeStep { title, commands, text: detail, .. } = step;
    let _ = writeln!(text, "{number}. {title}. {detail}");
    for command in commands {
        let _ = writeln!(text, "     {command}");
    }
}
