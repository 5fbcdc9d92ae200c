//! The command that carries out what a dry run showed.

use std::path::Path;

use crate::cli::args::Revoke;
use crate::cli::online::{Cleaner, shell_word};
use crate::cli::verify::leaks::LeakedKey;
use crate::model::ListedKey;

/// The whole command that deletes the key, with all options of the dry run.
pub(super) fn consent_step(
    revoke: &Revoke,
    leak: &LeakedKey,
    (key, has_evidence): (&ListedKey, bool),
    cleaner: &Cleaner<'_>,
) -> String {
    let short = &leak.fingerprint.to_string()[..12];
    let word = |text: &str| clean_word(text, cleaner);
    let mut command = beginning(revoke, leak, cleaner);
    if let Some(id) = &revoke.project {
        command.push_str(&format!(" --project {}", word(id)));
    }
    let evidence = revoke.evidence.as_ref().map(|path| path.to_string_lossy().into_owned());
    let evidence = evidence.unwrap_or_else(|| format!("evidence-{short}.json"));
    if has_evidence || revoke.evidence.is_some() {
        command.push_str(&format!(" --evidence {}", word(&evidence)));
    }
    if let Some(receiver) = &revoke.to {
        command.push_str(&format!(" --replace --to {}", word(receiver.text())));
    }
    let mut online = revoke.online.repeated();
    cleaner.text(&mut online);
    command.push_str(&format!("{online} --yes {}", key.id));
    format!("nothing was changed; to delete this key permanently: {command}{}", input(revoke))
}

/// The whole command that reports the key as compromised.
pub(super) fn report_step(revoke: &Revoke, leak: &LeakedKey, cleaner: &Cleaner<'_>) -> String {
    let short = &leak.fingerprint.to_string()[..12];
    let mut command = beginning(revoke, leak, cleaner);
    if let (Some(path), Some(repo)) = (&revoke.report, &revoke.repo)
        && path.as_os_str() != "-"
    {
        command.push_str(&format!(" --repo {}", clean_word(&repo.to_string_lossy(), cleaner)));
    }
    if let Some(email) = &revoke.email {
        command.push_str(&format!(" --email {}", clean_word(email, cleaner)));
    }
    let mut online = revoke.online.repeated();
    cleaner.text(&mut online);
    format!("to send it: {command} --report --consent {short}{online}{}", input(revoke))
}

/// `friskey revoke REPORT --key FINGERPRINT`
fn beginning(revoke: &Revoke, leak: &LeakedKey, cleaner: &Cleaner<'_>) -> String {
    let short = &leak.fingerprint.to_string()[..12];
    let word = |path: &Path| clean_word(&path.to_string_lossy(), cleaner);
    match &revoke.report {
        Some(path) => format!("friskey revoke {} --key {short}", word(path)),
        None => format!("friskey revoke --repo {} --key {short}", word(revoke.audited())),
    }
}

/// Arguments of the user may contain anything; ids have been masked already, and look random.
fn clean_word(text: &str, cleaner: &Cleaner<'_>) -> String {
    let mut text = text.to_owned();
    cleaner.text(&mut text);
    shell_word(&text)
}

fn input(revoke: &Revoke) -> &'static str {
    match &revoke.report {
        Some(path) if path.as_os_str() == "-" => " (with the same standard input)",
        _ => "",
    }
}
