//! Next steps for a leaked key, according to what the provider says about it.

use super::compare::AS_FAR_AS_LISTED;
use super::has_one_match;
use super::leaks::LeakedKey;
use crate::cli::args::VerifyArgs;
use crate::cli::online::{PRINTED_DIGITS, TextRedactor, shell_word};
use crate::model::{KeyVerdict, ListedKey, MaskMatchCount, Verification};

/// The page on which an organization's owners delete keys.
const PROJECTS_URL: &str = "https://platform.openai.com/settings/organization/projects";

/// Builds commands that the user can run next, with the report and the provider options of this run.
pub(super) struct CommandBuilder<'a> {
    args: &'a VerifyArgs,
    redactor: &'a TextRedactor<'a>,
}

impl<'a> CommandBuilder<'a> {
    pub(super) fn new(args: &'a VerifyArgs, redactor: &'a TextRedactor<'a>) -> Self {
        Self { args, redactor }
    }

    /// `friskey COMMAND REPORT OPTIONS`
    fn command(&self, command: &str, options: &str) -> String {
        self.command_with_options(command, options, self.args.online.options_to_repeat())
    }

    fn command_with_options(&self, command: &str, options: &str, mut online: String) -> String {
        let mut report = match &self.args.report {
            Some(path) => shell_word(&path.to_string_lossy()),
            None => format!("--repo {}", shell_word(&self.args.audited_repo().to_string_lossy())),
        };
        [&mut report, &mut online].into_iter().for_each(|text| self.redactor.redact(text));
        let input = match &self.args.report {
            Some(path) if path.as_os_str() == "-" => " (with the same standard input)",
            _ => "",
        };
        format!("friskey {command} {report}{options}{online}{input}")
    }

    /// The options of a run that sends the leaked keys, with the repository that they are taken from.
    fn send_key_options(&self) -> String {
        let mut repo = match (&self.args.report, &self.args.repo) {
            (Some(path), Some(repo)) if path.as_os_str() != "-" => {
                format!(" --repo {}", shell_word(&repo.to_string_lossy()))
            }
            _ => String::new(),
        };
        self.redactor.redact(&mut repo);
        let trust = if self.args.trust_host { " --trust-host" } else { "" };
        format!(" --send-key{repo}{trust}")
    }
}

/// The steps in order.
pub(super) fn next_steps(
    leak: &LeakedKey,
    verification: &Verification,
    commands: &CommandBuilder<'_>,
) -> Vec<String> {
    let digits = &leak.fingerprint.to_string()[..PRINTED_DIGITS];
    if verification.verdict == KeyVerdict::Dead {
        return vec!["replace it where it is still used; the key itself can no longer be used".to_owned()];
    }
    if has_one_match(verification) {
        return vec![step_for_match(&verification.keys[0], commands, digits)];
    }
    match verification.matching {
        MaskMatchCount::Several if verification.keys.len() == 1 => {
            steps_for_shared_match(verification, commands)
        }
        MaskMatchCount::Several => vec![
            format!(
                "compare owner, creation and last use of the keys above with where the key was used. If they belong to different \
                 projects: {}",
                commands.command("revoke", &format!(" --key {digits} --project PROJECTID"))
            ),
            format!("else delete the right one at {PROJECTS_URL}"),
        ],
        MaskMatchCount::None => steps_without_match(leak, verification, commands, digits),
        _ => steps_without_list(verification, commands),
    }
}

/// Steps if several leaked keys match one listed key: only sending them shows which one it is.
fn steps_for_shared_match(verification: &Verification, commands: &CommandBuilder<'_>) -> Vec<String> {
    let id = &verification.keys[0].id;
    let delete = format!("if this is the one that works, delete {id} at {PROJECTS_URL}");
    if verification.key_sent {
        return vec![delete];
    }
    let send = commands.command("verify", &commands.send_key_options());
    vec![format!("to learn which of the leaked keys works: {send}"), delete]
}

fn step_for_match(key: &ListedKey, commands: &CommandBuilder<'_>, digits: &str) -> String {
    if key.id == ListedKey::UNUSABLE_ID {
        return format!("friskey cannot use its id, so delete it at {PROJECTS_URL}");
    }
    if key.created_after_leak {
        return format!(
            "find out by its creation and last use whether this is the leaked key, which is the case only if the date of \
             the commit is wrong; if so, delete it at {PROJECTS_URL}"
        );
    }
    format!("look at what would be deleted: {}", commands.command("revoke", &format!(" --key {digits}")))
}

fn steps_without_match(
    leak: &LeakedKey,
    verification: &Verification,
    commands: &CommandBuilder<'_>,
    digits: &str,
) -> Vec<String> {
    let report_step = format!(
        "if nobody can be reached who may revoke it, this shows how to report it to OpenAI: {}",
        commands.command("revoke", &format!(" --key {digits} --report"))
    );
    let first_step = match &*leak.shape.kind {
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
            commands.command("verify", &commands.send_key_options())
        ),
    };
    if verification.reason.contains(AS_FAR_AS_LISTED) {
        return vec![format!(
            "it may be one of the keys that could not be listed; when they can: {}",
            commands.command("verify", "")
        )];
    }
    let region_step = step_in_region(verification, commands);
    region_step.into_iter().chain([first_step, report_step]).collect()
}

/// Steps if the organization's keys were not listed.
fn steps_without_list(verification: &Verification, commands: &CommandBuilder<'_>) -> Vec<String> {
    if let Some(step) = step_in_region(verification, commands) {
        return vec![step];
    }
    let list = commands.command("verify", "");
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
        _ if was_sent && !commands.args.trust_host && is_gateway(commands) => format!(
            "if the host passes requests on to OpenAI: {}",
            commands.command("verify", &format!("{} --trust-host", commands.send_key_options()))
        ),
        _ if was_sent => {
            format!(
                "treat it as live, and ask again later: {}",
                commands.command("verify", &commands.send_key_options())
            )
        }
        _ if verification.reason.is_empty() => return Vec::new(),
        _ => format!("treat it as live; when the cause is fixed, repeat: {list}"),
    };
    vec![step]
}

fn is_gateway(commands: &CommandBuilder<'_>) -> bool {
    commands.args.online.host.as_ref().is_some_and(|host| !host.is_known())
}

/// The step if the key works at the host of a region, which then also lists the keys of its organization.
fn step_in_region(verification: &Verification, commands: &CommandBuilder<'_>) -> Option<String> {
    let online = commands.args.online.options_to_repeat_for_host(Some(verification.works_at?));
    Some(format!(
        "revoke it in its region; with OPENAI_ADMIN_KEY of that organization, this shows which key it is: {}",
        commands.command_with_options("verify", "", online)
    ))
}
