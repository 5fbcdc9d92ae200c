//! What to do next about a key, according to what the provider says about it.

use super::ask::PARTLY;
use super::has_one_match;
use super::leaks::LeakedKey;
use crate::cli::args::Verify;
use crate::cli::online::{Cleaner, shell_word};
use crate::model::{KeyVerdict, ListedKey, MaskMatchCount, Verification};

const PROJECTS: &str = "https://platform.openai.com/settings/organization/projects";

/// Builds commands with the same report and the same options for the provider.
pub(super) struct Again<'a> {
    verify: &'a Verify,
    cleaner: &'a Cleaner<'a>,
}

impl<'a> Again<'a> {
    pub(super) fn new(verify: &'a Verify, cleaner: &'a Cleaner<'a>) -> Self {
        Self { verify, cleaner }
    }

    /// `friskey COMMAND REPORT OPTIONS`
    fn command(&self, command: &str, options: &str) -> String {
        self.command_at(command, options, self.verify.online.repeated())
    }

    fn command_at(&self, command: &str, options: &str, mut online: String) -> String {
        let mut report = match &self.verify.report {
            Some(path) => shell_word(&path.to_string_lossy()),
            None => format!("--repo {}", shell_word(&self.verify.audited().to_string_lossy())),
        };
        [&mut report, &mut online].into_iter().for_each(|text| self.cleaner.text(text));
        let input = match &self.verify.report {
            Some(path) if path.as_os_str() == "-" => " (with the same standard input)",
            _ => "",
        };
        format!("friskey {command} {report}{options}{online}{input}")
    }

    /// The options of a run that sends the leaked keys, with the repository that they are taken from.
    fn send_key(&self) -> String {
        let mut repo = match (&self.verify.report, &self.verify.repo) {
            (Some(path), Some(repo)) if path.as_os_str() != "-" => {
                format!(" --repo {}", shell_word(&repo.to_string_lossy()))
            }
            _ => String::new(),
        };
        self.cleaner.text(&mut repo);
        let trust = if self.verify.trust_host { " --trust-host" } else { "" };
        format!(" --send-key{repo}{trust}")
    }
}

/// The steps in order.
pub(super) fn next_steps(leak: &LeakedKey, verification: &Verification, again: &Again<'_>) -> Vec<String> {
    let short = &leak.fingerprint.to_string()[..12];
    if verification.verdict == KeyVerdict::Dead {
        return vec!["replace it where it is still used; the key itself can no longer be used".to_owned()];
    }
    if has_one_match(verification) {
        return vec![of_match(&verification.keys[0], again, short)];
    }
    match verification.matching {
        MaskMatchCount::Several if verification.keys.len() == 1 => of_shared_match(verification, again),
        MaskMatchCount::Several => vec![
            format!(
                "compare owner, creation and last use of the keys above with where the key was used. If the project distinguishes \
                 them apart: {}",
                again.command("revoke", &format!(" --key {short} --project PROJECTID"))
            ),
            format!("else delete the right one at {PROJECTS}"),
        ],
        MaskMatchCount::None => of_no_match(leak, verification, again, short),
        _ => without_list(verification, again),
    }
}

/// If several leaked keys match one listed key, only the key itself shows which one it is.
fn of_shared_match(verification: &Verification, again: &Again<'_>) -> Vec<String> {
    let id = &verification.keys[0].id;
    let delete = format!("if this is the one that works, delete {id} at {PROJECTS}");
    if verification.key_sent {
        return vec![delete];
    }
    let send = again.command("verify", &again.send_key());
    vec![format!("to learn which of the leaked keys works: {send}"), delete]
}

fn of_match(key: &ListedKey, again: &Again<'_>, short: &str) -> String {
    if key.id == ListedKey::UNUSABLE_ID {
        return format!("friskey cannot use its id, so delete it at {PROJECTS}");
    }
    if key.created_after_leak {
        return format!(
            "find out by its creation and last use whether this is the leaked key, which is the case only if the date of \
             the commit is wrong; if so, delete it at {PROJECTS}"
        );
    }
    format!("look at what would be deleted: {}", again.command("revoke", &format!(" --key {short}")))
}

fn of_no_match(leak: &LeakedKey, verification: &Verification, again: &Again<'_>, short: &str) -> Vec<String> {
    let report = format!(
        "if nobody can be reached who may revoke it, this shows how to report it to OpenAI: {}",
        again.command("revoke", &format!(" --key {short} --report"))
    );
    let first = match &*leak.shape.kind {
        "user" | "service" => {
            "a user's own key is in no organization's list: its user revokes it at https://platform.openai.com/api-keys"
                .to_owned()
        }
        _ if verification.key_sent => {
            "if it may belong to another of your organizations, repeat with that organization's admin key".to_owned()
        }
        _ => format!(
            "if it may belong to another of your organizations, repeat with that organization's admin key; to learn \
             whether it works: {}",
            again.command("verify", &again.send_key())
        ),
    };
    if verification.reason.contains(PARTLY) {
        return vec![format!(
            "it may be one of the keys that could not be listed; when they can: {}",
            again.command("verify", "")
        )];
    }
    let there = elsewhere(verification, again);
    there.into_iter().chain([first, report]).collect()
}

/// If the organization's keys were not listed.
fn without_list(verification: &Verification, again: &Again<'_>) -> Vec<String> {
    if let Some(step) = elsewhere(verification, again) {
        return vec![step];
    }
    let list = again.command("verify", "");
    let (is_live, was_sent) = (verification.verdict.is_live(), verification.key_sent);
    let step = match verification.verdict {
        _ if is_live => {
            format!(
                "revoke it now; with OPENAI_ADMIN_KEY set, this shows which key of the organization it is: {list}"
            )
        }
        KeyVerdict::Deactivated => format!(
            "revoke it before its account is activated again; with OPENAI_ADMIN_KEY set, this shows which key of the \
             organization it is: {list}"
        ),
        _ if was_sent && !again.verify.trust_host && is_gateway(again) => format!(
            "if the host passes requests on to OpenAI: {}",
            again.command("verify", &format!("{} --trust-host", again.send_key()))
        ),
        _ if was_sent => {
            format!("treat it as live, and ask again later: {}", again.command("verify", &again.send_key()))
        }
        _ if verification.reason.is_empty() => return Vec::new(),
        _ => format!("treat it as live; when the cause is mended, repeat: {list}"),
    };
    vec![step]
}

fn is_gateway(again: &Again<'_>) -> bool {
    again.verify.online.host.as_ref().is_some_and(|host| !host.is_known())
}

/// The host that accepts the key also has the list of its organization.
fn elsewhere(verification: &Verification, again: &Again<'_>) -> Option<String> {
    let online = again.verify.online.repeated_at(Some(verification.works_at?));
    Some(format!(
        "revoke it in its region; with OPENAI_ADMIN_KEY of that organization, this shows which key it is: {}",
        again.command_at("verify", "", online)
    ))
}
