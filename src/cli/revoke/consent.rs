//! The commands by which a user consents to what a dry run showed: to delete a key, or to report it to OpenAI.

use std::path::Path;

use crate::cli::args::RevokeArgs;
use crate::cli::online::{PRINTED_DIGITS, TextRedactor, shell_word};
use crate::cli::verify::leaks::LeakedKey;
use crate::model::ListedKey;

/// The whole command that deletes `key`, with all options of the dry run. `has_evidence` says whether there is anything to
/// write to a file of evidence.
pub(super) fn deletion_step(
    args: &RevokeArgs,
    leak: &LeakedKey,
    (key, has_evidence): (&ListedKey, bool),
    redactor: &TextRedactor<'_>,
) -> String {
    let digits = &leak.fingerprint.to_string()[..PRINTED_DIGITS];
    let word = |text: &str| redacted_word(text, redactor);
    let mut command = command_start(args, leak, redactor);
    if let Some(id) = &args.project {
        command.push_str(&format!(" --project {}", word(id)));
    }
    let evidence = args.evidence.as_ref().map(|path| path.to_string_lossy().into_owned());
    let evidence = evidence.unwrap_or_else(|| format!("evidence-{digits}.json"));
    if has_evidence || args.evidence.is_some() {
        command.push_str(&format!(" --evidence {}", word(&evidence)));
    }
    if let Some(receiver) = &args.to {
        command.push_str(&format!(" --replace --to {}", word(receiver.text())));
    }
    let mut online = args.online.options_to_repeat();
    redactor.redact(&mut online);
    command.push_str(&format!("{online} --yes {}", key.id));
    format!("nothing was changed; to delete this key permanently: {command}{}", stdin_note(args))
}

/// The whole command that reports the key as compromised.
pub(super) fn report_step(args: &RevokeArgs, leak: &LeakedKey, redactor: &TextRedactor<'_>) -> String {
    let digits = &leak.fingerprint.to_string()[..PRINTED_DIGITS];
    let mut command = command_start(args, leak, redactor);
    if let (Some(path), Some(repo)) = (&args.report, &args.repo)
        && path.as_os_str() != "-"
    {
        command.push_str(&format!(" --repo {}", redacted_word(&repo.to_string_lossy(), redactor)));
    }
    if let Some(email) = &args.email {
        command.push_str(&format!(" --email {}", redacted_word(email, redactor)));
    }
    let mut online = args.online.options_to_repeat();
    redactor.redact(&mut online);
    format!("to send it: {command} --report --consent {digits}{online}{}", stdin_note(args))
}

/// `friskey revoke REPORT --key FINGERPRINT`
fn command_start(args: &RevokeArgs, leak: &LeakedKey, redactor: &TextRedactor<'_>) -> String {
    let digits = &leak.fingerprint.to_string()[..PRINTED_DIGITS];
    let word = |path: &Path| redacted_word(&path.to_string_lossy(), redactor);
    match &args.report {
        Some(path) => format!("friskey revoke {} --key {digits}", word(path)),
        None => format!("friskey revoke --repo {} --key {digits}", word(args.audited_repo())),
    }
}

/// Arguments of the user may contain anything; ids have been redacted already, and look random.
fn redacted_word(text: &str, redactor: &TextRedactor<'_>) -> String {
    let mut text = text.to_owned();
    redactor.redact(&mut text);
    shell_word(&text)
}

fn stdin_note(args: &RevokeArgs) -> &'static str {
    match &args.report {
        Some(path) if path.as_os_str() == "-" => " (with the same standard input)",
        _ => "",
    }
}
