//! `friskey trace`: audits a repository for one key.

use anyhow::{Context, Result, bail};
use zeroize::Zeroizing;

use super::args::{CacheArgs, GlobalArgs, TraceArgs};
use super::effective_settings::EffectiveSettings;
use super::exit::Exit;
use super::history::AuditJob;
use super::message::say;
use super::options;
use super::redaction;
use super::secret_input::read_secret;
use super::session::Session;
use super::trace_key::TracedKey;
use crate::rules::{MAX_MATCH_LEN, RuleSet};
use crate::scan::{KeyFilter, MIN_FINGERPRINT_DIGITS, detector_for};
use crate::suppress::Policy;

/// Maximum size of the input, in bytes: a key with whatever was pasted along with it.
const MAX_INPUT: u64 = 16 * MAX_MATCH_LEN as u64;
/// Minimum length of a part of the input that is redacted wherever it occurs, in bytes; shorter ones occur in ordinary words.
const MIN_REDACTED_PART: usize = 8;

pub(super) fn run(args: &TraceArgs, global: &GlobalArgs) -> Result<Exit> {
    if args.repo.path.symlink_metadata().is_err() {
        // It may be the key, in a shape that no rule recognizes, so the message must not repeat it.
        bail!(
            "the argument of trace is a repository, and there is nothing at that path. If it is a key, it is now \
             in the shell's history, and other processes could see it: delete it there, and revoke it. Pipe the key into `friskey trace`, or run that and paste it at the prompt"
        );
    }
    let key_filter = key_filter(args)?;
    let config = options::config_for_repo(global, &args.repo.path)?;
    let files = options::rules_files(global, &config);
    redaction::redact_by_rules(&files);
    let rules = RuleSet::with_files(&files)?;
    let detector = detector_for(&rules)?;
    let (filter, rules, detector) = match key_filter {
        Some(filter) => (filter, rules, detector),
        None => {
            let input = read_input(args)?;
            redact_input(&input);
            let key = TracedKey::extract(&input, &detector)?;
            redaction::redact_key(&key.bytes);
            print_traced_key(&key, global);
            let rules = rules.with_exact_key(&key.bytes, key.prefix, key.rule.as_deref());
            let detector = detector_for(&rules)?;
            (KeyFilter::Fingerprint(key.secret().fingerprint()), rules, detector)
        }
    };
    // The requested key is shown whether or not it is accepted.
    let effective_settings = EffectiveSettings { config, rules, detector, policy: Policy::default() };
    let session = Session::new(effective_settings, &args.reporting.search)?;
    let job = AuditJob {
        command: "trace",
        repo: &args.repo.path,
        ranges: Vec::new(),
        audit: &args.audit,
        cache: &CacheArgs::default(),
        reporting: &args.reporting,
        session: &session,
        exclude: None,
        key_filter: Some(filter),
        note_accepting_markers: false,
    };
    job.run(global)
}

/// The filter for the key, if the user describes the key instead of giving it.
fn key_filter(args: &TraceArgs) -> Result<Option<KeyFilter>> {
    if let Some(text) = &args.fingerprint {
        let Some(filter) = KeyFilter::from_hex(text) else {
            bail!(
                "--fingerprint: expected {MIN_FINGERPRINT_DIGITS} to 64 hex digits, as a report shows them"
            );
        };
        return Ok(Some(filter));
    }
    let Some(text) = &args.last_four else { return Ok(None) };
    // As reports show it, the end of a key may come with what precedes it.
    let end = text.rsplit('…').next().unwrap_or_default();
    match end.as_bytes().try_into() {
        Ok(end) => Ok(Some(KeyFilter::LastFour(end))),
        Err(_) => bail!("--last-four: expected 4 characters, e.g. x9KA"),
    }
}

/// Redacts the input in messages, even before it is known which part of it is the key.
fn redact_input(input: &[u8]) {
    redaction::redact_key(input.trim_ascii());
    let parts = input.split(|byte| byte.is_ascii_whitespace() || b"=\"'`,;".contains(byte));
    let is_name = |part: &&[u8]| part.iter().all(|byte| byte.is_ascii_uppercase() || *byte == b'_');
    parts.filter(|part| part.len() >= MIN_REDACTED_PART && !is_name(part)).for_each(redaction::redact_key);
}

/// Prints which key is traced, so that a wrong paste is noticed.
fn print_traced_key(key: &TracedKey, global: &GlobalArgs) {
    if global.quiet {
        return;
    }
    let redacted = key.secret().redacted();
    match &key.rule {
        Some(rule) => say(&format!("tracing {redacted} ({rule}, {} characters)", key.bytes.len())),
        None => say(&format!(
            "tracing {redacted} ({} characters; no rule recognizes such a key)",
            key.bytes.len()
        )),
    }
}

/// The input that contains the key. It never comes from the command line, where every process of the machine could read
/// it.
fn read_input(args: &TraceArgs) -> Result<Zeroizing<Vec<u8>>> {
    if let Some(name) = &args.env {
        let value = std::env::var_os(name).with_context(|| format!("the variable {name} is not set"))?;
        return Ok(Zeroizing::new(value.as_encoded_bytes().to_vec()));
    }
    read_secret("Key to trace (input is hidden): ", MAX_INPUT)?
        .with_context(|| format!("standard input is longer than {MAX_INPUT} bytes: give only the key"))
}
