//! `friskey revoke --report`: reports a leaked key to the provider as compromised, for keys that no admin key can delete.

use anyhow::{Context, Result, bail};

use super::consent::report_step;
use super::{refuse, select_leak};
use crate::cli::args::{GlobalArgs, RevokeArgs};
use crate::cli::exit::Exit;
use crate::cli::message::{print, redact_message, say};
use crate::cli::online::TextRedactor;
use crate::cli::options;
use crate::cli::rules::load_detector;
use crate::cli::verify::leaks::Leaks;
use crate::cli::verify::{AcceptedLeaks, known_keys, leaks_to_verify};
use crate::provider::{ApiKey, ProviderError, report_compromised};
use crate::scan::MIN_FINGERPRINT_DIGITS;

/// Kinds of keys that OpenAI issues and revokes.
const REPORTED_KINDS: [&str; 5] = ["project", "service-account", "admin", "user", "service"];

pub(super) fn run(args: &RevokeArgs, global: &GlobalArgs) -> Result<Exit> {
    let mut leaks = Leaks::load(args.report.as_deref(), args.audited_repo(), global)?;
    // An explicitly named key is included even if it is accepted.
    let accepted = AcceptedLeaks::included_if(args.key.is_some());
    let (leak, _) = select_leak(leaks_to_verify(&leaks, accepted)?, args.key.as_deref())?;
    let fingerprint = leak.fingerprint.to_string();
    let kind = leak.shape.kind.as_str();
    if !REPORTED_KINDS.contains(&kind) {
        return refuse(&format!(
            "OpenAI does not accept reports of keys of the kind `{kind}`; revoke it where it was issued"
        ));
    }
    if leaks.secrets.is_empty() {
        leaks.find_secrets(args.repo.as_deref(), global)?;
    }
    // A custom rule may use such a kind for anything.
    let secret = leaks.secrets.get(&leak.fingerprint).filter(|secret| secret.reveal().starts_with(b"sk-"));
    let key = secret.and_then(|secret| ApiKey::new(secret.reveal()));
    let key = key.context(
        "the report needs the key itself, which was not found again: name its repository with --repo, or pipe the key \
         into `friskey revoke - --report`",
    )?;
    let client = args.online.client()?;
    let (redacted, host) = (redact_message(&leak.redacted), client.host().name());
    let Some(consent) = &args.consent else {
        let config = options::config(global)?;
        let (_, detector) = load_detector(global, &config)?;
        let step = report_step(args, &leak, &TextRedactor::new(&detector, known_keys(None, &leaks)));
        print(
            format!(
                "{redacted}\n  nothing was sent. --report would send this key itself to {host}, with no other key, as \
                 compromised.\n  OpenAI does not document this endpoint: it probably disables the key, but whether and \
                 when is not certain.\n  There is no way back: whatever still uses the key may stop working.\n  next: {step}\n"
            )
            .as_bytes(),
        )?;
        return Ok(Exit::Findings);
    };
    if consent.len() < MIN_FINGERPRINT_DIGITS || !fingerprint.starts_with(&consent.to_ascii_lowercase()) {
        bail!(
            "--consent does not name the key that was selected; run the command without --consent and compare"
        );
    }
    let next = "until `friskey verify --send-key` calls it dead, treat it as live";
    match report_compromised(&client, &key, args.email.as_deref()) {
        Ok(()) => print(
            format!("submitted: {host} received the report of {redacted}, which may or may not disable it; {next}\n")
                .as_bytes(),
        )?,
        Err(error @ (ProviderError::TimedOut { .. } | ProviderError::Connection { .. })) => say(&format!(
            "friskey: it is unknown whether the report of {redacted} arrived ({error}); {next}"
        )),
        Err(error) => return refuse(&format!("the report was not accepted: {error}")),
    }
    Ok(Exit::Incomplete)
}
