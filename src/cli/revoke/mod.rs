//! `friskey revoke`: deletes a leaked key of the organization, after a dry run, and waits until it is gone.

mod compromised;
mod hand_over;
mod refusal;
mod replace;

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args;

use crate::cli::args::Global;
use crate::cli::exit::Exit;
use crate::cli::limits::Seconds;
use crate::cli::message::{print, say};
use crate::cli::online::{Cleaner, OnlineArgs};
use crate::cli::options;
use crate::cli::output::{check_file, style, write_file};
use crate::cli::rules::detector;
use crate::cli::verify::ask::{add_evidence, compare};
use crate::cli::verify::leaks::{LeakedKey, Leaks};
use crate::cli::verify::{clean, known_keys, open_leaks};
use crate::model::{ListedKey, Verification};
use crate::provider::{ApiKey, Client, KeyDirectory, ProviderError};
use crate::report::{VerifiedLeak, elapsed, write_json, write_verification};
use hand_over::Receiver;
use refusal::{refusal, refused, uncertainty};
use replace::PlannedReplacement;

/// How long a change may take to spread at the provider.
const WAIT: Duration = Duration::from_secs(15 * 60);
/// The time between two looks at the list.
const POLL: Duration = Duration::from_secs(5);

#[derive(Debug, Args)]
pub(in crate::cli) struct Revoke {
    /// A JSON report of friskey; `-` reads the report, or the leaked key itself, from standard input
    /// [default: audit the repository given by --repo]
    #[arg(value_name = "REPORT")]
    report: Option<PathBuf>,

    /// The leaked key: its fingerprint or the first digits of it, at least 8. Needed if there are several leaks
    #[arg(long, value_name = "FINGERPRINT")]
    key: Option<String>,

    /// Repository to audit if there is no report
    #[arg(long, value_name = "REPO", default_value = ".")]
    repo: PathBuf,

    /// Consider only keys of this project, since the leaked key was used for it. Needed if the API shows only short forms
    /// of keys, which do not tell them apart
    #[arg(long, value_name = "PROJECTID")]
    project: Option<String>,

    /// Delete the key with this id, which a run without this option shows. This cannot be undone
    #[arg(long, value_name = "KEYID")]
    yes: Option<String>,

    /// Before deleting, write what is known of the key to FILE as JSON: owner, costs, audit log
    #[arg(long, value_name = "FILE")]
    evidence: Option<PathBuf>,

    /// How long to wait until the key is gone from the list [default: 900]
    #[arg(long, value_name = "SECONDS")]
    wait: Option<Seconds>,

    /// Before deleting a service account's key, make a new one for the same account, with the same permissions where the
    /// API tells them, and give it to --to. If that fails, nothing is deleted
    #[arg(long, requires = "to")]
    replace: bool,

    /// With --replace, write the new key to the standard input of this program, which is run without a shell; the key is
    /// shown and stored nowhere else, and what the program prints is not shown
    #[arg(long, value_name = "PROGRAM ARGS", requires = "replace")]
    to: Option<Receiver>,

    /// Instead of deleting the key, report it to OpenAI as compromised, without an admin key: for a user's own key, or one
    /// of another organization. OpenAI does not document how, so the outcome is not certain; shows what would be sent
    /// unless --consent is given
    #[arg(long = "report", id = "as_compromised", conflicts_with_all = ["project", "yes", "evidence", "wait", "replace"])]
    as_compromised: bool,

    /// With --report, send the leaked key itself, named by the first digits of its fingerprint, at least 8. There is no
    /// way back
    #[arg(long, value_name = "FINGERPRINT", requires = "as_compromised")]
    consent: Option<String>,

    /// With --report, the address that OpenAI may answer to
    #[arg(long, value_name = "ADDRESS", requires = "as_compromised")]
    email: Option<String>,

    #[command(flatten)]
    online: OnlineArgs,
}

pub(in crate::cli) fn run(revoke: &Revoke, global: &Global) -> Result<Exit> {
    if revoke.as_compromised {
        return compromised::run(revoke, global);
    }
    if let Some(path) = &revoke.evidence {
        check_file(path)?;
    }
    let admin = revoke.online.required_admin_key()?;
    let leaks = Leaks::load(revoke.report.as_deref(), &revoke.repo, global)?;
    let (leak, _) = selected(open_leaks(&leaks)?, revoke.key.as_deref())?;
    let config = options::config(global)?;
    let (_, detector) = detector(global, &config)?;
    let cleaner = Cleaner::new(&detector, known_keys(Some(&admin), &leaks));
    let client = revoke.online.client();
    let directory = match KeyDirectory::list(&client, &admin) {
        Ok(directory) => directory,
        Err(error) => return refuse(&format!("the organization's keys cannot be listed: {error}")),
    };
    let verification = compare(&leak, &directory, revoke.project.as_deref());
    let mut all = [(leak, verification)];
    let gaps = add_evidence(&client, &admin, &mut all);
    let [(leak, mut verification)] = all;
    verification.notes.extend(gaps.into_iter().map(|gap| format!("not read: {gap}")));
    let keys = verification.keys.clone();
    clean(&mut verification, &cleaner);
    let mut refusal = refusal(&keys, &directory, &admin)
        .or_else(|| uncertainty(&leak, &keys, &directory, revoke.project.as_deref()))
        .or_else(|| {
            (verification.keys[0].id != keys[0].id).then(|| "the id of the key is not valid".to_owned())
        });
    let replacement = match planned(revoke, &keys, &directory, refusal.is_some()) {
        Ok(planned) => planned,
        Err(reason) => {
            refusal = Some(reason);
            None
        }
    };
    verification.notes.extend(replacement.iter().map(|(planned, receiver)| planned.preview(receiver)));
    if refusal.is_none() && revoke.yes.is_none() {
        verification.next_steps.push(consent_step(revoke, &leak, &verification.keys[0].id));
    }
    show(&leak, &verification, &cleaner, global)?;
    if let Some(reason) = refusal {
        return refuse(&reason);
    }
    let Some(yes) = &revoke.yes else { return Ok(Exit::Findings) };
    if *yes != keys[0].id {
        bail!("--yes names another key than the one that matches; run the command without --yes and compare");
    }
    if let Some(path) = &revoke.evidence {
        let mut json = Vec::new();
        write_json(&verification, &mut json)?;
        write_file(path, &json, true)?;
    }
    if let Some((planned, receiver)) = replacement
        && let Err(reason) = planned.carry_out(&client, &admin, receiver)
    {
        return refuse(&reason);
    }
    delete(revoke, &client, &admin, (&keys[0], &directory))
}

/// The replacement that the options ask for, unless the key is not deleted anyway.
fn planned<'d>(
    revoke: &'d Revoke,
    keys: &[ListedKey],
    directory: &'d KeyDirectory,
    is_refused: bool,
) -> Result<Option<(PlannedReplacement<'d>, &'d Receiver)>, String> {
    match (&revoke.to, keys) {
        (Some(receiver), [key]) if !is_refused => {
            Ok(Some((PlannedReplacement::plan(key, directory)?, receiver)))
        }
        _ => Ok(None),
    }
}

/// What to do to delete the key for real.
fn consent_step(revoke: &Revoke, leak: &LeakedKey, id: &str) -> String {
    let short = &leak.fingerprint.to_string()[..12];
    let project = revoke.project.as_ref().map(|id| format!("--project {id} ")).unwrap_or_default();
    format!("nothing was changed; to delete this key for good, repeat with --key {short} {project}--yes {id}")
}

/// The leak that the options select.
fn selected(
    mut open: Vec<(LeakedKey, Verification)>,
    key: Option<&str>,
) -> Result<(LeakedKey, Verification)> {
    if let Some(start) = key {
        let start = start.to_ascii_lowercase();
        if start.len() < 8 {
            bail!("--key: expected at least 8 hex digits of a fingerprint, as a report shows them");
        }
        open.retain(|(leak, _)| leak.fingerprint.to_string().starts_with(&start));
    }
    match (open.pop(), open.len()) {
        (Some(one), 0) => Ok(one),
        (None, _) => bail!("no leaked key to revoke: none in the report matches"),
        _ => bail!("several leaked keys match: name one with --key FINGERPRINT"),
    }
}

fn refuse(reason: &str) -> Result<Exit> {
    say(&crate::cli::message::masked(&format!("friskey: not revoked: {reason}")));
    Ok(Exit::Incomplete)
}

fn show(leak: &LeakedKey, verification: &Verification, cleaner: &Cleaner<'_>, global: &Global) -> Result<()> {
    let (mut rule, mut redacted) = (leak.rule.clone(), leak.redacted.clone());
    [&mut rule, &mut redacted].into_iter().for_each(|text| cleaner.text(text));
    let fingerprint = leak.fingerprint.to_string();
    let shown = VerifiedLeak { rule, redacted, fingerprint, verification: verification.clone() };
    let mut out = Vec::new();
    write_verification(&[shown], &[], &style(global), &mut out)?;
    crate::cli::output::ignore_broken_pipe(std::io::Write::write_all(&mut std::io::stdout().lock(), &out))?;
    Ok(())
}

/// Deletes the key and waits until the list no longer has it.
fn delete(
    revoke: &Revoke,
    client: &Client,
    admin: &ApiKey,
    (key, directory): (&ListedKey, &KeyDirectory),
) -> Result<Exit> {
    match KeyDirectory::delete(client, admin, key) {
        Ok(()) => {}
        // Somebody else was faster; the list tells.
        Err(error) if error.status() == Some(404) => {}
        Err(error) if may_have_arrived(&error) => {
            say(&format!(
                "friskey: it is not known whether the deletion went through ({error}); checking the list"
            ));
        }
        Err(error) => return refuse(&refused(key, directory, &error)),
    }
    let limit = revoke.wait.map_or(WAIT, |seconds| seconds.0);
    let started = Instant::now();
    let project = key.project.as_ref().map(|project| project.id.as_str());
    loop {
        let waited = elapsed(started.elapsed().as_secs_f64());
        match KeyDirectory::ids(client, admin, project) {
            Ok(ids) if !ids.contains(&key.id) => {
                print(format!("revoked: {} is gone from the list after {waited}\n", key.id).as_bytes())?;
                return Ok(Exit::Clean);
            }
            Ok(_) => say(&format!("{} is still listed after {waited}", key.id)),
            Err(error) => say(&format!("the list cannot be read after {waited}: {error}")),
        }
        let left = limit.saturating_sub(started.elapsed());
        if left.is_zero() {
            print(
                format!(
                    "submitted: {} is still listed after {waited}; run `friskey verify` again later\n",
                    key.id
                )
                .as_bytes(),
            )?;
            return Ok(Exit::Incomplete);
        }
        thread::sleep(POLL.min(left));
    }
}

/// Whether the key may be deleted in spite of `error`.
fn may_have_arrived(error: &ProviderError) -> bool {
    error.status().is_some_and(|status| status >= 500)
        || matches!(
            error,
            ProviderError::TimedOut { .. }
                | ProviderError::Connection { .. }
                | ProviderError::Unreadable { .. }
        )
}
