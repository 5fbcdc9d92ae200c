//! `friskey verify`: whose a leaked key is, whether it works, what it cost.

pub(super) mod compare;
pub(super) mod leaks;
mod outputs;
mod send;
pub(super) mod shared_matches;
mod steps;

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::Value;

use leaks::{LeakedKey, Leaks};

use super::args::{GlobalArgs, VERIFICATION_FORMATS, VerifyArgs};
use super::exit::Exit;
use super::message::say;
use super::online::TextRedactor;
use super::options;
use super::redaction;
use super::rules::load_detector;
use crate::model::{Fingerprint, KeyVerdict, MaskMatchCount, Secret, Verification};
use crate::provider::{ApiKey, Client, KeyDirectory, ServiceAccounts};
use crate::report::{VerifiedLeak, count};
use outputs::VerificationOutputs;
use shared_matches::SharedMatches;

/// How long to wait before a rejected key is sent again.
const RECHECK_AFTER: Duration = Duration::from_secs(5);
/// Lower limit of the wait, unless a gateway is asked: two rejections at almost the same moment would count as one.
const MIN_RECHECK_AFTER: Duration = Duration::from_secs(2);
/// Maximum number of listed places that could not be searched.
const MAX_LISTED_GAPS: usize = 10;

pub(super) fn run(args: &VerifyArgs, global: &GlobalArgs) -> Result<Exit> {
    let outputs = VerificationOutputs::open(args)?;
    let admin =
        if args.send_key { args.online.admin_key()? } else { Some(args.online.required_admin_key()?) };
    let mut leaks = Leaks::load(args.report.as_deref(), args.audited_repo(), global)?;
    if args.send_key && leaks.secrets.is_empty() {
        leaks.find_secrets(args.repo.as_deref(), global)?;
    }
    let client = args.online.client()?;
    let (mut open, accepted) = open_and_accepted(&leaks, AcceptedLeaks::included_if(args.no_suppress))?;
    if let Some(admin) = admin.as_ref().filter(|admin| !args.send_key && is_leaked(admin, &open)) {
        redaction::redact_key(admin.reveal());
        bail!("{LEAKED_ADMIN_KEY}");
    }
    let mut summary = search_gap_notes(&leaks, &open);
    summary.extend(accepted_note(&accepted));
    if let Some(admin) = admin.as_ref().filter(|_| !open.is_empty()) {
        compare_with_list(args, (&client, admin), (&mut open, &accepted), &mut summary);
    }
    if args.send_key {
        send_leaked_keys(args, &client, &leaks, &mut open);
    }
    let exit = exit_status(&leaks.document, &open);
    summary.push(verdict_counts(&open, &client));
    let config = options::config(global)?;
    let (_, detector) = load_detector(global, &config)?;
    let redactor = TextRedactor::new(&detector, known_keys(admin.as_ref(), &leaks));
    let commands = steps::CommandBuilder::new(args, &redactor);
    let mut verified: Vec<VerifiedLeak> = open
        .into_iter()
        .map(|(leak, mut verification)| {
            redact_verification(&mut verification, &redactor);
            verification.next_steps = steps::next_steps(&leak, &verification, &commands);
            let (mut rule, mut redacted) = (leak.rule, leak.redacted);
            [&mut rule, &mut redacted].into_iter().for_each(|text| redactor.redact(text));
            VerifiedLeak { rule, redacted, fingerprint: leak.fingerprint.to_string(), verification }
        })
        .collect();
    verified.sort_by_key(|leak| !leak.verification.verdict.is_live());
    summary.iter_mut().for_each(|line| redactor.redact(line));
    redact_document(&mut leaks.document, &redactor);
    outputs.write(&verified, &summary, leaks.document, &detector, global)?;
    Ok(exit)
}

/// The leaks that are verified, and those that are not because they are accepted.
type OpenAndAccepted = (Vec<(LeakedKey, Verification)>, Vec<LeakedKey>);

fn open_and_accepted(leaks: &Leaks, accepted: AcceptedLeaks) -> Result<OpenAndAccepted> {
    let open = leaks_to_verify(leaks, accepted)?;
    let open_fingerprints: HashSet<Fingerprint> = open.iter().map(|(leak, _)| leak.fingerprint).collect();
    let accepted = leaks_to_verify(leaks, AcceptedLeaks::Included)?.into_iter().map(|(leak, _)| leak);
    Ok((open, accepted.filter(|leak| !open_fingerprints.contains(&leak.fingerprint)).collect()))
}

/// Whether leaks that a marker or the baseline accepts are verified.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum AcceptedLeaks {
    Included,
    LeftOut,
}

impl AcceptedLeaks {
    pub(super) fn included_if(is_included: bool) -> Self {
        if is_included { Self::Included } else { Self::LeftOut }
    }
}

/// The leaks to verify; each once, even if reports were merged, with the earliest of its dates.
pub(super) fn leaks_to_verify(
    leaks: &Leaks,
    accepted: AcceptedLeaks,
) -> Result<Vec<(LeakedKey, Verification)>> {
    let reported = leaks.document["leaks"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut open: Vec<(LeakedKey, Verification)> = Vec::new();
    let mut index_by_fingerprint: HashMap<Fingerprint, usize> = HashMap::new();
    for leak in
        reported.iter().filter(|leak| accepted == AcceptedLeaks::Included || !LeakedKey::is_accepted(leak))
    {
        let leak = LeakedKey::parse(leak, &leaks.secrets)?;
        match index_by_fingerprint.entry(leak.fingerprint) {
            Entry::Occupied(index) => {
                let first: &mut LeakedKey = &mut open[*index.get()].0;
                let dates = [first.shape.leaked_at, leak.shape.leaked_at];
                first.shape.leaked_at = dates.into_iter().flatten().min();
            }
            Entry::Vacant(entry) => {
                entry.insert(open.len());
                open.push((leak, compare::unknown_verification("")));
            }
        }
    }
    Ok(open)
}

/// Why an admin key is not used.
pub(super) const LEAKED_ADMIN_KEY: &str = "the admin key is one of the leaked keys, so nothing was sent with it: it is the \
     admin key in use, so create another one at https://platform.openai.com/settings/organization/admin-keys and repeat with \
     that";

/// Whether the admin key is one of the leaked keys.
pub(super) fn is_leaked(admin: &ApiKey, open: &[(LeakedKey, Verification)]) -> bool {
    let fingerprint = Secret::new(admin.reveal().to_vec(), 0).fingerprint();
    open.iter().any(|(leak, _)| leak.fingerprint == fingerprint)
}

/// A note about the keys in the report that are accepted and therefore not verified.
fn accepted_note(accepted: &[LeakedKey]) -> Option<String> {
    let keys = count(accepted.len() as u64, "accepted key");
    (!accepted.is_empty()).then(|| {
        format!("not verified: {keys}, by a marker or the baseline; --no-suppress verifies them, too")
    })
}

/// Notes about the places that could not be searched for keys, if a key was not found again.
fn search_gap_notes(leaks: &Leaks, open: &[(LeakedKey, Verification)]) -> Vec<String> {
    if open.iter().all(|(leak, _)| leaks.secrets.contains_key(&leak.fingerprint)) {
        return Vec::new();
    }
    let rest = leaks.gaps.len().saturating_sub(MAX_LISTED_GAPS);
    let notes = leaks.gaps.iter().take(MAX_LISTED_GAPS).map(|gap| format!("not searched for keys: {gap}"));
    notes.chain((rest > 0).then(|| format!("not searched for keys: {rest} more"))).collect()
}

/// Compares the leaks with the list of the administration API, which receives nothing of the leaked keys.
fn compare_with_list(
    args: &VerifyArgs,
    (client, admin): (&Client, &ApiKey),
    (open, accepted): (&mut [(LeakedKey, Verification)], &[LeakedKey]),
    summary: &mut Vec<String>,
) {
    let directory = match KeyDirectory::list(client, admin) {
        Ok(directory) => directory,
        Err(error) => {
            for (_, verification) in open {
                verification.reason = args.online.listing_failure(&error);
            }
            return;
        }
    };
    let accounts = ServiceAccounts::list(client, admin, &directory.projects);
    summary.push(format!(
        "compared with {} in {} with {}",
        count(directory.keys.len() as u64, "key"),
        count(directory.project_count as u64, "project"),
        count(accounts.count() as u64, "service account")
    ));
    for (leak, verification) in open.iter_mut() {
        *verification = compare::compare(leak, &directory, None).verification;
        verification.keys.iter_mut().for_each(|key| accounts.complete(key, &directory));
    }
    let leaks = open.iter().map(|(leak, _)| leak).chain(accepted);
    let shared_matches = SharedMatches::count(leaks, &directory);
    open.iter_mut().for_each(|(_, verification)| shared_matches.withdraw_if_shared(verification));
    let (_, gaps) = compare::add_evidence(client, admin, open);
    let gaps = directory.gaps.iter().chain(&accounts.gaps).chain(&gaps);
    summary.extend(gaps.map(|gap| format!("not read: {gap}")));
}

fn send_leaked_keys(
    args: &VerifyArgs,
    client: &Client,
    leaks: &Leaks,
    open: &mut [(LeakedKey, Verification)],
) {
    say(&format!(
        "sending {} to {}: the provider logs these uses of leaked keys, with your address; send only your own keys",
        count(open.len() as u64, "leaked key"),
        client.host().name()
    ));
    let secret = |leak: &LeakedKey| -> Option<Secret> { leaks.secrets.get(&leak.fingerprint).cloned() };
    let mut pause = args.recheck_after.map_or(RECHECK_AFTER, |seconds| seconds.0);
    if client.host().is_known() {
        pause = pause.max(MIN_RECHECK_AFTER);
    }
    send::send_keys(client, open, secret, (args.whoami, pause));
    if !client.host().is_known() && !args.trust_host {
        for (_, verification) in
            open.iter_mut().filter(|(_, verification)| verification.verdict == KeyVerdict::Dead)
        {
            verification.verdict = KeyVerdict::Unknown;
            verification
                .reason
                .push_str(", but this is not one of OpenAI's hosts (--trust-host if it passes requests on)");
        }
    }
    for (_, verification) in open.iter_mut().filter(|(_, verification)| verification.reason.is_empty()) {
        verification.reason = "it could not be checked".to_owned();
    }
}

/// The keys to redact in all output: the admin key, and the leaked keys as far as they were found.
pub(super) fn known_keys(admin: Option<&ApiKey>, leaks: &Leaks) -> Vec<Secret> {
    let admin = admin.map(|key| Secret::new(key.reveal().to_vec(), 0));
    admin.into_iter().chain(leaks.secrets.values().cloned()).collect()
}

/// 1 if a key is live, 0 if every one is dead, 3 if that is not known. A report that does not list everything cannot
/// end in 0.
fn exit_status(document: &Value, open: &[(LeakedKey, Verification)]) -> Exit {
    let verdicts = || open.iter().map(|(_, verification)| verification.verdict);
    let is_complete = document["unlisted"].as_u64().unwrap_or(0) == 0 && document["status"] != "incomplete";
    if verdicts().any(KeyVerdict::is_live) {
        Exit::Findings
    } else if is_complete && verdicts().all(|verdict| verdict == KeyVerdict::Dead) {
        Exit::Clean
    } else {
        Exit::Incomplete
    }
}

/// The line of the summary that counts the verdicts.
fn verdict_counts(open: &[(LeakedKey, Verification)], client: &Client) -> String {
    let live = open.iter().filter(|(_, verification)| verification.verdict.is_live()).count() as u64;
    let dead =
        open.iter().filter(|(_, verification)| verification.verdict == KeyVerdict::Dead).count() as u64;
    let total = open.len() as u64;
    format!(
        "{}: {live} live, {dead} dead, {} not known; {} to {}",
        count(total, "leak"),
        total - live - dead,
        count(client.requests(), "request"),
        client.host().name()
    )
}

/// Redacts keys in all text of the provider.
pub(super) fn redact_verification(verification: &mut Verification, redactor: &TextRedactor<'_>) {
    redactor.redact(&mut verification.reason);
    verification.keys.iter_mut().for_each(|key| redactor.redact_listed_key(key));
    for event in &mut verification.audit_events {
        redactor.redact(&mut event.event);
        [&mut event.actor, &mut event.ip_address]
            .into_iter()
            .flatten()
            .for_each(|text| redactor.redact(text));
    }
    let lists = [&mut verification.whoami, &mut verification.notes];
    lists.into_iter().flatten().for_each(|line| redactor.redact(line));
}

/// Redacts keys in a report, which may come from anywhere. Digests look random, but are kept.
fn redact_document(value: &mut Value, redactor: &TextRedactor<'_>) {
    match value {
        Value::String(text) if text.bytes().all(|byte| byte.is_ascii_hexdigit()) => {}
        Value::String(text) => redactor.redact(text),
        Value::Array(items) => items.iter_mut().for_each(|item| redact_document(item, redactor)),
        Value::Object(fields) => fields.values_mut().for_each(|field| redact_document(field, redactor)),
        _ => {}
    }
}

/// Splits the value of `--output` into format and path.
///
/// # Errors
/// An unknown format, or no path.
fn parse_output(output: &str) -> Result<(&str, &std::path::Path)> {
    match output.split_once('=') {
        Some((format, path)) if VERIFICATION_FORMATS.contains(&format) && !path.is_empty() => {
            Ok((format, path.as_ref()))
        }
        _ => bail!("--output {output}: expected FORMAT=PATH with the format human, json or html"),
    }
}

/// Whether the key can be revoked by its id.
fn has_one_match(verification: &Verification) -> bool {
    verification.matching == MaskMatchCount::One && verification.keys.len() == 1
}
