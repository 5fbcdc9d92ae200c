//! The command that does what a dry run showed.

use super::args::Revoke;
use crate::cli::online::{Cleaner, shell_word};
use crate::cli::verify::leaks::LeakedKey;
use crate::model::ListedKey;

/// What to do to delete the key for real: the whole command, with everything that was given to the dry run.
pub(super) fn consent_step(
    revoke: &Revoke,
    leak: &LeakedKey,
    key: &ListedKey,
    cleaner: &Cleaner<'_>,
) -> String {
    let short = &leak.fingerprint.to_string()[..12];
    // Words that the user gave may hold anything; ids are clean already, and random by nature.
    let word = |text: &str| {
        let mut text = text.to_owned();
        cleaner.text(&mut text);
        shell_word(&text)
    };
    let mut command = match &revoke.report {
        Some(path) => format!("friskey revoke {}", word(&path.to_string_lossy())),
        None => format!("friskey revoke --repo {}", word(&revoke.repo.to_string_lossy())),
    };
    command.push_str(&format!(" --key {short}"));
    if let Some(id) = &revoke.project {
        command.push_str(&format!(" --project {}", word(id)));
    }
    let evidence = revoke.evidence.as_ref().map(|path| path.to_string_lossy().into_owned());
    let evidence = evidence.unwrap_or_else(|| format!("evidence-{short}.json"));
    command.push_str(&format!(" --evidence {}", word(&evidence)));
    if let Some(receiver) = &revoke.to {
        command.push_str(&format!(" --replace --to {}", word(receiver.text())));
    }
    let mut online = revoke.online.repeated();
    cleaner.text(&mut online);
    command.push_str(&format!("{online} --yes {}", key.id));
    let input = match &revoke.report {
        Some(path) if path.as_os_str() == "-" => " (with the same standard input)",
        _ => "",
    };
    format!("nothing was changed; to delete this key for good: {command}{input}")
}
