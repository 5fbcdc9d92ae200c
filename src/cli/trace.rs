//! `friskey trace`.

use anyhow::{Context, Result, bail};
use zeroize::Zeroizing;

use super::args::{CacheArgs, Global, Trace};
use super::base_policy::EffectiveSettings;
use super::exit::Exit;
use super::history::AuditJob;
use super::masking;
use super::message::say;
use super::options;
use super::secret_input::read_secret;
use super::session::Session;
use super::trace_key::TracedKey;
use crate::rules::{MAX_MATCH_LEN, RuleSet};
use crate::scan::{KeyFilter, MIN_FINGERPRINT_DIGITS, compile};
use crate::suppress::Policy;

/// Bytes of input that are read: a key with whatever was pasted along with it.
const MAX_INPUT: u64 = 16 * MAX_MATCH_LEN as u64;

pub(super) fn run(trace: &Trace, global: &Global) -> Result<Exit> {
    if trace.repo.path.symlink_metadata().is_err() {
        // It may be the key, in a shape that no mask knows, so the message must not repeat it.
        bail!(
            "the argument of trace is a repository, and there is nothing at that path. If it is a key, it is now \
             in the shell's history, and other processes could see it: delete it there, and revoke it. Pipe the key into `friskey trace`, or run that and paste it at the prompt"
        );
    }
    let selected = selected(trace)?;
    let config = options::config_about(global, &trace.repo.path)?;
    let files = options::rules(global, &config);
    masking::mask_by_rules(&files);
    let rules = RuleSet::with_files(&files)?;
    let detector = compile(&rules)?;
    let (only, rules, detector) = match selected {
        Some(only) => (only, rules, detector),
        None => {
            let input = read_input(trace)?;
            mask(&input);
            let key = TracedKey::extract(&input, &detector)?;
            masking::mask_key(&key.bytes);
            announce(&key, global);
            let rules = rules.with_exact_key(&key.bytes, key.prefix, key.rule.as_deref());
            let detector = compile(&rules)?;
            (KeyFilter::Fingerprint(key.secret().fingerprint()), rules, detector)
        }
    };
    // The requested key is shown whether or not it is accepted.
    let effective = EffectiveSettings { config, rules, detector, policy: Policy::default() };
    let session = Session::new(effective, &trace.reporting.scan_args)?;
    let job = AuditJob {
        command: "trace",
        repo: &trace.repo.path,
        range: Vec::new(),
        audit: &trace.audit,
        cache: &CacheArgs::default(),
        reporting: &trace.reporting,
        session: &session,
        exclude: None,
        only: Some(only),
        note_accepting_markers: false,
    };
    job.run(global)
}

/// What selects the key if the key itself is not given.
fn selected(trace: &Trace) -> Result<Option<KeyFilter>> {
    if let Some(text) = &trace.fingerprint {
        let Some(only) = KeyFilter::from_hex(text) else {
            bail!(
                "--fingerprint: expected {MIN_FINGERPRINT_DIGITS} to 64 hex digits, as a report shows them"
            );
        };
        return Ok(Some(only));
    }
    let Some(text) = &trace.last_four else { return Ok(None) };
    // As reports show it, the end of a key may come with what precedes it.
    let end = text.rsplit('…').next().unwrap_or_default();
    match end.as_bytes().try_into() {
        Ok(end) => Ok(Some(KeyFilter::LastFour(end))),
        Err(_) => bail!("--last-four: expected 4 characters, e.g. x9KA"),
    }
}

/// Keeps the input out of messages, even before it is known which part of it is the key.
fn mask(input: &[u8]) {
    masking::mask_key(input.trim_ascii());
    let parts = input.split(|byte| byte.is_ascii_whitespace() || b"=\"'`,;".contains(byte));
    let is_name = |part: &&[u8]| part.iter().all(|byte| byte.is_ascii_uppercase() || *byte == b'_');
    parts.filter(|part| part.len() >= 8 && !is_name(part)).for_each(masking::mask_key);
}

/// Prints which key is traced, so that a wrong paste is noticed.
fn announce(key: &TracedKey, global: &Global) {
    if global.quiet {
        return;
    }
    let shown = key.secret().redacted();
    match &key.rule {
        Some(rule) => say(&format!("tracing {shown} ({rule}, {} characters)", key.bytes.len())),
        None => {
            say(&format!("tracing {shown} ({} characters; no rule recognizes such a key)", key.bytes.len()))
        }
    }
}

/// The input that contains the key. It never comes from the command line, where every process of the machine could read
/// it.
fn read_input(trace: &Trace) -> Result<Zeroizing<Vec<u8>>> {
    if let Some(name) = &trace.env {
        let value = std::env::var_os(name).with_context(|| format!("the variable {name} is not set"))?;
        return Ok(Zeroizing::new(value.as_encoded_bytes().to_vec()));
    }
    read_secret("Key to trace (input is hidden): ", MAX_INPUT)?
        .with_context(|| format!("standard input is longer than {MAX_INPUT} bytes: give only the key"))
}
