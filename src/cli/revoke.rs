//! `friskey revoke`: deletes a leaked key of the organization, after a dry run, and waits until it is gone.

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args;

use super::args::Global;
use super::exit::Exit;
use super::limits::Seconds;
use super::message::{print, say};
use super::online::{Cleaner, OnlineArgs};
use super::options;
use super::output::{check_file, style, write_file};
use super::rules::detector;
use super::verify::ask::{add_evidence, compare};
use super::verify::leaks::{LeakedKey, Leaks};
use super::verify::{clean, known_keys, open_leaks};
use crate::model::{ListedKey, Verification};
use crate::provider::{ApiKey, Client, KeyDirectory, KeyShape, ProviderError, matching_keys};
use crate::report::{VerifiedLeak, elapsed, write_json, write_verification};

/// How long a change may take to spread at the provider.
const WAIT: Duration = Duration::from_secs(15 * 60);
/// The time between two looks at the list.
const POLL: Duration = Duration::from_secs(5);

#[derive(Debug, Args)]
pub(super) struct Revoke {
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

    /// Delete the key with this id, which a run without this option shows. This cannot be undone
    #[arg(long, value_name = "KEYID")]
    yes: Option<String>,

    /// Before deleting, write what is known of the key to FILE as JSON: owner, costs, audit log
    #[arg(long, value_name = "FILE")]
    evidence: Option<PathBuf>,

    /// How long to wait until the key is gone from the list [default: 900]
    #[arg(long, value_name = "SECONDS")]
    wait: Option<Seconds>,

    #[command(flatten)]
    online: OnlineArgs,
}

pub(super) fn run(revoke: &Revoke, global: &Global) -> Result<Exit> {
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
    let verification = compare(&leak, &directory);
    let mut all = [(leak, verification)];
    let gaps = add_evidence(&client, &admin, &mut all);
    let [(leak, mut verification)] = all;
    verification.notes.extend(gaps.into_iter().map(|gap| format!("not read: {gap}")));
    let keys = verification.keys.clone();
    clean(&mut verification, &cleaner);
    let refusal =
        refusal(&keys, &directory, &admin).or_else(|| uncertainty(&leak, &keys, &directory)).or_else(|| {
            (verification.keys[0].id != keys[0].id).then(|| "the id of the key is not valid".to_owned())
        });
    if refusal.is_none() && revoke.yes.is_none() {
        let short = &leak.fingerprint.to_string()[..12];
        verification.next_steps.push(format!(
            "nothing was changed; to delete this key for good, repeat with --key {short} --yes {}",
            verification.keys[0].id
        ));
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
    delete(revoke, &client, &admin, (&keys[0], &directory))
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

/// Why the key must not be deleted.
fn refusal(keys: &[ListedKey], directory: &KeyDirectory, admin: &ApiKey) -> Option<String> {
    let [key] = keys else {
        return Some(match keys {
            [] => "no key of this organization matches. A user's own key is revoked by its user at \
                   https://platform.openai.com/api-keys; for other organizations, use their admin key"
                .to_owned(),
            _ => "several keys match, and deleting the wrong one would break what uses it; find out which it is, and \
                  delete it at https://platform.openai.com/settings/organization/projects"
                .to_owned(),
        });
    };
    if directory.is_own(key, admin) {
        return Some(
            "the leaked key is the admin key in use: create another one at \
             https://platform.openai.com/settings/organization/admin-keys and repeat with that"
                .to_owned(),
        );
    }
    if key.created_after_leak {
        return Some(
            "the only match was created after the commit that leaked the key, so it is another key"
                .to_owned(),
        );
    }
    let gap = directory.gaps.first()?;
    Some(format!("not all keys could be listed, and another one may match as well ({gap})"))
}

/// Why a single match may still be another key.
fn uncertainty(leak: &LeakedKey, keys: &[ListedKey], directory: &KeyDirectory) -> Option<String> {
    let undated = KeyShape { leaked_at: None, ..leak.shape.clone() };
    let why = if keys.iter().any(|key| key.short_mask) {
        "the API shows only a short form of the key"
    } else if leak.shape.kind == "unknown" {
        "the key was found without its prefix"
    } else if matching_keys(&undated, &directory.keys).len() > 1 {
        "several keys match but for their dates, and dates of commits can be wrong"
    } else {
        return None;
    };
    Some(format!(
        "{why}, so the match is not certain; delete the right key at \
         https://platform.openai.com/settings/organization/projects"
    ))
}

fn refuse(reason: &str) -> Result<Exit> {
    say(&super::message::masked(&format!("friskey: not revoked: {reason}")));
    Ok(Exit::Incomplete)
}

fn show(leak: &LeakedKey, verification: &Verification, cleaner: &Cleaner<'_>, global: &Global) -> Result<()> {
    let (mut rule, mut redacted) = (leak.rule.clone(), leak.redacted.clone());
    [&mut rule, &mut redacted].into_iter().for_each(|text| cleaner.text(text));
    let fingerprint = leak.fingerprint.to_string();
    let shown = VerifiedLeak { rule, redacted, fingerprint, verification: verification.clone() };
    let mut out = Vec::new();
    write_verification(&[shown], &[], &style(global), &mut out)?;
    super::output::ignore_broken_pipe(std::io::Write::write_all(&mut std::io::stdout().lock(), &out))?;
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

/// What a refusal means, and what deleting the service account instead would break.
fn refused(key: &ListedKey, directory: &KeyDirectory, error: &ProviderError) -> String {
    let account = key
        .owner
        .as_ref()
        .filter(|owner| owner.kind == "service-account")
        .and_then(|owner| owner.id.as_deref());
    let Some(account) = account else { return error.to_string() };
    let owned_by =
        |one: &ListedKey| one.owner.as_ref().and_then(|owner| owner.id.as_deref()) == Some(account);
    let others = directory.keys.iter().map(|one| &one.listed).filter(|one| one.id != key.id && owned_by(one));
    let others: Vec<&str> = others.map(|one| one.id.as_str()).collect();
    let broken = if others.is_empty() { "no other key".to_owned() } else { others.join(", ") };
    format!(
        "{error}. The key belongs to the service account {account}; deleting the account at \
         https://platform.openai.com/settings/organization/projects would delete {broken} as well"
    )
}
