//! `friskey revoke`: deletes a leaked key of the organization, after a dry run, and waits until it is gone.

mod compromised;
mod consent;
mod deletion;
mod evidence;
mod hand_over;
mod interruption;
mod refusal;
mod replace;

use std::time::Duration;

use anyhow::{Result, bail};

use crate::cli::args::{Global, Revoke};
use crate::cli::exit::Exit;
use crate::cli::message::say;
use crate::cli::online::Cleaner;
use crate::cli::options;
use crate::cli::output::style;
use crate::cli::receiver::Receiver;
use crate::cli::rules::detector;
use crate::cli::verify::ask::{Comparison, add_evidence, compare};
use crate::cli::verify::leaks::{LeakedKey, Leaks};
use crate::cli::verify::rivals::Rivals;
use crate::cli::verify::{LEAKED_ADMIN_KEY, clean, is_leaked, known_keys, open_leaks};
use crate::model::{KeyOwner, ListedKey, Verification};
use crate::provider::{ApiKey, Client, KeyDirectory, ProviderError, ServiceAccounts};
use crate::report::{VerifiedLeak, write_verification};
use consent::consent_step;
use deletion::Deletion;
use interruption::Interruption;
use refusal::{misplaced, refusal, shared, uncertainty};
use replace::PlannedReplacement;

/// Maximum number of leaked keys that are listed.
const SHOWN_LEAKS: usize = 10;
/// Why nothing is deleted if there is no evidence to keep.
const NO_EVIDENCE: &str = "neither costs nor audit log could be read, so there is no evidence to keep: see the notes above, \
                           or repeat without --evidence";
/// Time for a change to take effect at the provider.
const WAIT: Duration = Duration::from_secs(15 * 60);

/// A leak with what is known about its key before it is deleted.
struct KeyToRevoke {
    leak: LeakedKey,
    /// What the provider says, safe to display.
    verification: Verification,
    /// The matching keys as the API lists them, before anything in them was masked.
    keys: Vec<ListedKey>,
    /// Ids of keys that would match, but were created after the leak.
    created_later: Vec<String>,
    rivals: Rivals,
    /// Whether costs or audit log could be read.
    has_evidence: bool,
}

pub(in crate::cli) fn run(revoke: &Revoke, global: &Global) -> Result<Exit> {
    if revoke.as_compromised {
        return compromised::run(revoke, global);
    }
    if let Some(path) = &revoke.evidence {
        evidence::check(path)?;
    }
    let admin = revoke.online.required_admin_key()?;
    let leaks = Leaks::load(revoke.report.as_deref(), revoke.audited(), global)?;
    let leaked = open_leaks(&leaks, true)?;
    if is_leaked(&admin, &leaked) {
        return refuse(LEAKED_ADMIN_KEY);
    }
    // An explicitly named key is included even if it is accepted.
    let (leak, _) = selected(open_leaks(&leaks, revoke.key.is_some())?, revoke.key.as_deref())?;
    let config = options::config(global)?;
    let (_, detector) = detector(global, &config)?;
    let cleaner = Cleaner::new(&detector, known_keys(Some(&admin), &leaks));
    let client = revoke.online.client()?;
    let directory = match KeyDirectory::list(&client, &admin) {
        Ok(directory) => directory,
        Err(error) => return refuse(&revoke.online.not_listed(&error)),
    };
    if let Some(reason) = misplaced(&leak, &directory, revoke.project.as_deref()) {
        return refuse(&reason);
    }
    let rivals = Rivals::count(leaked.iter().map(|(leak, _)| leak), &directory);
    let mut key_to_revoke = KeyToRevoke::examine(leak, rivals, (&client, &admin), &directory, revoke);
    clean(&mut key_to_revoke.verification, &cleaner);
    let mut refusal = key_to_revoke.refusal(&directory, &admin, revoke);
    let replacement = match planned(revoke, &key_to_revoke.keys, &directory, refusal.is_some()) {
        Ok(planned) => planned,
        Err(reason) => {
            refusal = Some(reason);
            None
        }
    };
    let KeyToRevoke { leak, mut verification, keys, has_evidence, .. } = key_to_revoke;
    verification.notes.extend(replacement.iter().map(|(planned, receiver)| planned.preview(receiver)));
    if refusal.is_none() && revoke.yes.is_none() {
        let step = consent_step(revoke, &leak, (&verification.keys[0], has_evidence), &cleaner);
        verification.next_steps.push(step);
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
        if !has_evidence {
            return refuse(NO_EVIDENCE);
        }
        evidence::keep(path, (&leak, &verification), client.host().name(), &cleaner)?;
    }
    let wait = revoke.wait.map_or(WAIT, |seconds| seconds.0);
    replace_and_delete((&client, &admin), (&keys[0], &mut verification.keys[0]), replacement, wait)
}

impl KeyToRevoke {
    /// Compares the leak with the listed keys, and reads what the provider knows about the match.
    fn examine(
        leak: LeakedKey,
        rivals: Rivals,
        (client, admin): (&Client, &ApiKey),
        directory: &KeyDirectory,
        revoke: &Revoke,
    ) -> Self {
        let Comparison { mut verification, created_later } =
            compare(&leak, directory, revoke.project.as_deref());
        rivals.settle(&mut verification);
        add_account(client, admin, directory, &mut verification);
        let mut all = [(leak, verification)];
        let gaps = add_evidence(client, admin, &mut all);
        let [(leak, mut verification)] = all;
        let has_evidence =
            verification.spending.is_some() || !gaps.iter().any(|gap| gap.starts_with("audit"));
        let gaps = directory.gaps.iter().chain(&gaps);
        verification.notes.extend(gaps.map(|gap| format!("not read: {gap}")));
        let keys = verification.keys.clone();
        Self { leak, verification, keys, created_later, rivals, has_evidence }
    }

    /// Why the key must not be deleted; `None` if it may be.
    fn refusal(&self, directory: &KeyDirectory, admin: &ApiKey, revoke: &Revoke) -> Option<String> {
        let Self { leak, verification, keys, created_later, rivals, .. } = self;
        refusal(keys, directory, admin)
            .or_else(|| shared(rivals, verification))
            .or_else(|| uncertainty(leak, keys, created_later, revoke.project.is_some()))
            .or_else(|| {
                (verification.keys[0].id != keys[0].id).then(|| ProviderError::UnusableId.to_string())
            })
    }
}

/// Creates the replacement, if requested, and deletes the key. `shown` is the same key, safe to display.
fn replace_and_delete(
    (client, admin): (&Client, &ApiKey),
    (key, shown): (&ListedKey, &mut ListedKey),
    replacement: Option<(PlannedReplacement<'_>, &Receiver)>,
    limit: Duration,
) -> Result<Exit> {
    let interruption = &Interruption::watch();
    let new = match replacement {
        Some((planned, receiver)) => match planned.carry_out(client, admin, receiver, interruption) {
            Ok(new) => Some(new),
            Err(reason) => return refuse(&reason),
        },
        None => None,
    };
    // Deleting the account would delete it, too.
    shown.account_keys.splice(..0, new.clone());
    let replacement = new.as_ref().map(|new| new.id.as_str());
    Deletion { client, admin, key, shown, limit, replacement, interruption }.run()
}

/// Adds what the project's API says about the service account that owns the key.
fn add_account(client: &Client, admin: &ApiKey, directory: &KeyDirectory, verification: &mut Verification) {
    let [key] = verification.keys.as_mut_slice() else { return };
    let is_of_account = key.owner.as_ref().is_some_and(KeyOwner::is_service_account);
    let Some(project) = key.project.as_ref().filter(|_| is_of_account) else { return };
    let accounts = ServiceAccounts::list(client, admin, std::slice::from_ref(project));
    accounts.complete(key, directory);
    verification.notes.extend(accounts.gaps.into_iter().map(|gap| format!("not read: {gap}")));
}

/// The requested replacement; `None` if there is none or the key will not be deleted.
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
        (Some(last), _) => {
            let all = open.iter().chain([&last]);
            let names =
                all.map(|(leak, _)| format!("{:.12} ({})", leak.fingerprint.to_string(), leak.redacted));
            let names: Vec<String> = names.take(SHOWN_LEAKS).collect();
            bail!("several leaked keys match: name one with --key FINGERPRINT, e.g. {}", names.join(", "))
        }
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
    crate::cli::broken_pipe::ignore_broken_pipe(std::io::Write::write_all(
        &mut std::io::stdout().lock(),
        &out,
    ))?;
    Ok(())
}
