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

use crate::cli::args::{GlobalArgs, RevokeArgs};
use crate::cli::exit::Exit;
use crate::cli::message::say;
use crate::cli::online::{PRINTED_DIGITS, TextRedactor};
use crate::cli::options;
use crate::cli::output::style;
use crate::cli::receiver::Receiver;
use crate::cli::rules::load_detector;
use crate::cli::verify::compare::{Comparison, add_evidence, compare};
use crate::cli::verify::leaks::{LeakedKey, Leaks};
use crate::cli::verify::shared_matches::SharedMatches;
use crate::cli::verify::{
    AcceptedLeaks, LEAKED_ADMIN_KEY, is_leaked, known_keys, leaks_to_verify, redact_verification,
};
use crate::model::{KeyOwner, ListedKey, Verification};
use crate::provider::{ApiKey, Client, KeyDirectory, LogCoverage, ProviderError, ServiceAccounts};
use crate::report::{VerifiedLeak, write_verification};
use crate::scan::MIN_FINGERPRINT_DIGITS;
use consent::deletion_step;
use deletion::Deletion;
use interruption::Interruption;
use refusal::{refusal, shared_match_reason, uncertainty, wrong_project_reason};
use replace::PlannedReplacement;

/// Maximum number of leaked keys that the error names if several match.
const MAX_NAMED_LEAKS: usize = 10;
/// Why nothing is deleted if there is no evidence to keep.
const NO_EVIDENCE: &str = "neither costs nor audit log could be read, so there is no evidence to keep: see the notes above, \
                           or repeat without --evidence";
/// Time for a change to take effect at the provider.
const DEFAULT_WAIT: Duration = Duration::from_secs(15 * 60);

/// A leak with what is known about its key before it is deleted.
struct KeyToRevoke {
    leak: LeakedKey,
    /// What the provider says, safe to display.
    verification: Verification,
    /// The matching keys as the API lists them, before anything in them was redacted.
    keys: Vec<ListedKey>,
    /// Ids of keys that would match, but were created after the leak.
    later_key_ids: Vec<String>,
    /// How many leaked keys each listed key may be; one that may be several is not deleted.
    shared_matches: SharedMatches,
    /// Whether costs or at least a part of the audit log could be read.
    has_evidence: bool,
}

pub(in crate::cli) fn run(args: &RevokeArgs, global: &GlobalArgs) -> Result<Exit> {
    if args.as_compromised {
        return compromised::run(args, global);
    }
    if let Some(path) = &args.evidence {
        evidence::check(path)?;
    }
    let admin = args.online.required_admin_key()?;
    let leaks = Leaks::load(args.report.as_deref(), args.audited_repo(), global)?;
    let all_leaks = leaks_to_verify(&leaks, AcceptedLeaks::Included)?;
    if is_leaked(&admin, &all_leaks) {
        return refuse(LEAKED_ADMIN_KEY);
    }
    // An explicitly named key is included even if it is accepted.
    let accepted = AcceptedLeaks::included_if(args.key.is_some());
    let (leak, _) = select_leak(leaks_to_verify(&leaks, accepted)?, args.key.as_deref())?;
    let config = options::config(global)?;
    let (_, detector) = load_detector(global, &config)?;
    let redactor = TextRedactor::new(&detector, known_keys(Some(&admin), &leaks));
    let client = args.online.client()?;
    let directory = match KeyDirectory::list(&client, &admin) {
        Ok(directory) => directory,
        Err(error) => return refuse(&args.online.listing_failure(&error)),
    };
    if let Some(reason) = wrong_project_reason(&leak, &directory, args.project.as_deref()) {
        return refuse(&reason);
    }
    let shared_matches = SharedMatches::count(all_leaks.iter().map(|(leak, _)| leak), &directory);
    let mut key_to_revoke = KeyToRevoke::examine(leak, shared_matches, (&client, &admin), &directory, args);
    redact_verification(&mut key_to_revoke.verification, &redactor);
    let mut refusal = key_to_revoke.refusal(&directory, &admin, args);
    let replacement = match plan_replacement(args, &key_to_revoke.keys, &directory, refusal.is_some()) {
        Ok(planned) => planned,
        Err(reason) => {
            refusal = Some(reason);
            None
        }
    };
    let KeyToRevoke { leak, mut verification, keys, has_evidence, .. } = key_to_revoke;
    verification.notes.extend(replacement.iter().map(|(planned, receiver)| planned.preview(receiver)));
    if refusal.is_none() && args.yes.is_none() {
        let step = deletion_step(args, &leak, (&verification.keys[0], has_evidence), &redactor);
        verification.next_steps.push(step);
    }
    print_verification(&leak, &verification, &redactor, global)?;
    if let Some(reason) = refusal {
        return refuse(&reason);
    }
    // From here on, exactly one key matches: anything else was refused.
    let Some(yes) = &args.yes else { return Ok(Exit::Findings) };
    if *yes != keys[0].id {
        bail!("--yes names another key than the one that matches; run the command without --yes and compare");
    }
    if let Some(path) = &args.evidence {
        if !has_evidence {
            return refuse(NO_EVIDENCE);
        }
        evidence::write(path, (&leak, &verification), client.host().name(), &redactor)?;
    }
    let wait = args.wait.map_or(DEFAULT_WAIT, |seconds| seconds.0);
    replace_and_delete((&client, &admin), (&keys[0], &mut verification.keys[0]), replacement, wait)
}

impl KeyToRevoke {
    /// Compares the leak with the listed keys, and reads what the provider knows about the match.
    fn examine(
        leak: LeakedKey,
        shared_matches: SharedMatches,
        (client, admin): (&Client, &ApiKey),
        directory: &KeyDirectory,
        args: &RevokeArgs,
    ) -> Self {
        let Comparison { mut verification, later_key_ids } =
            compare(&leak, directory, args.project.as_deref());
        shared_matches.withdraw_if_shared(&mut verification);
        add_service_account(client, admin, directory, &mut verification);
        let mut leaks = [(leak, verification)];
        let (log_coverage, gaps) = add_evidence(client, admin, &mut leaks);
        let [(leak, mut verification)] = leaks;
        let has_evidence = verification.spending.is_some() || log_coverage > LogCoverage::Nothing;
        let gaps = directory.gaps.iter().chain(&gaps);
        verification.notes.extend(gaps.map(|gap| format!("not read: {gap}")));
        let keys = verification.keys.clone();
        Self { leak, verification, keys, later_key_ids, shared_matches, has_evidence }
    }

    /// Why the key must not be deleted; `None` if it may be.
    fn refusal(&self, directory: &KeyDirectory, admin: &ApiKey, args: &RevokeArgs) -> Option<String> {
        let Self { leak, verification, keys, later_key_ids, shared_matches, .. } = self;
        // First, since the other checks rely on it: refuses unless exactly one key matches.
        refusal(keys, directory, admin)
            .or_else(|| shared_match_reason(shared_matches, verification))
            .or_else(|| uncertainty(leak, keys, later_key_ids, args.project.is_some()))
            // Redaction changed the id, so it contains what looks like a key and must not be shown or named with --yes.
            .or_else(|| {
                (verification.keys[0].id != keys[0].id).then(|| ProviderError::UnusableId.to_string())
            })
    }
}

/// Creates the replacement, if requested, and deletes the key. `redacted_key` is the same key, safe to display.
fn replace_and_delete(
    (client, admin): (&Client, &ApiKey),
    (key, redacted_key): (&ListedKey, &mut ListedKey),
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
    // The replacement belongs to the same service account, so deleting the account would delete it, too.
    redacted_key.account_keys.splice(..0, new.clone());
    let replacement = new.as_ref().map(|new| new.id.as_str());
    Deletion { client, admin, key, redacted_key, limit, replacement, interruption }.run()
}

/// Adds what the project's API says about the service account that owns the key.
fn add_service_account(
    client: &Client,
    admin: &ApiKey,
    directory: &KeyDirectory,
    verification: &mut Verification,
) {
    let [key] = verification.keys.as_mut_slice() else { return };
    let is_of_account = key.owner.as_ref().is_some_and(KeyOwner::is_service_account);
    let Some(project) = key.project.as_ref().filter(|_| is_of_account) else { return };
    let accounts = ServiceAccounts::list(client, admin, std::slice::from_ref(project));
    accounts.complete(key, directory);
    verification.notes.extend(accounts.gaps.into_iter().map(|gap| format!("not read: {gap}")));
}

/// The requested replacement; `None` if there is none or the key will not be deleted.
fn plan_replacement<'d>(
    args: &'d RevokeArgs,
    keys: &[ListedKey],
    directory: &'d KeyDirectory,
    is_refused: bool,
) -> Result<Option<(PlannedReplacement<'d>, &'d Receiver)>, String> {
    match (&args.to, keys) {
        (Some(receiver), [key]) if !is_refused => {
            Ok(Some((PlannedReplacement::plan(key, directory)?, receiver)))
        }
        _ => Ok(None),
    }
}

/// The leak that the options select.
fn select_leak(
    mut open: Vec<(LeakedKey, Verification)>,
    key: Option<&str>,
) -> Result<(LeakedKey, Verification)> {
    if let Some(digits) = key {
        let digits = digits.to_ascii_lowercase();
        if digits.len() < MIN_FINGERPRINT_DIGITS {
            bail!(
                "--key: expected at least {MIN_FINGERPRINT_DIGITS} hex digits of a fingerprint, as a report shows them"
            );
        }
        open.retain(|(leak, _)| leak.fingerprint.to_string().starts_with(&digits));
    }
    match (open.pop(), open.len()) {
        (Some(one), 0) => Ok(one),
        (None, _) => bail!("no leaked key to revoke: none in the report matches"),
        (Some(last), _) => {
            let names = open.iter().chain([&last]).map(|(leak, _)| {
                format!("{:.PRINTED_DIGITS$} ({})", leak.fingerprint.to_string(), leak.redacted)
            });
            let mut names: Vec<String> = names.take(MAX_NAMED_LEAKS).collect();
            let rest = open.len() + 1 - names.len();
            if rest > 0 {
                names.push(format!("and {rest} more"));
            }
            bail!("several leaked keys match: name one with --key FINGERPRINT, e.g. {}", names.join(", "))
        }
    }
}

fn refuse(reason: &str) -> Result<Exit> {
    say(&crate::cli::message::redact_message(&format!("friskey: not revoked: {reason}")));
    Ok(Exit::Incomplete)
}

fn print_verification(
    leak: &LeakedKey,
    verification: &Verification,
    redactor: &TextRedactor<'_>,
    global: &GlobalArgs,
) -> Result<()> {
    let (mut rule, mut redacted) = (leak.rule.clone(), leak.redacted.clone());
    [&mut rule, &mut redacted].into_iter().for_each(|text| redactor.redact(text));
    let fingerprint = leak.fingerprint.to_string();
    let verified = VerifiedLeak { rule, redacted, fingerprint, verification: verification.clone() };
    let mut out = Vec::new();
    write_verification(&[verified], &[], &style(global), &mut out)?;
    crate::cli::broken_pipe::ignore_broken_pipe(std::io::Write::write_all(
        &mut std::io::stdout().lock(),
        &out,
    ))?;
    Ok(())
}
