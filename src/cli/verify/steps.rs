//! What to do next about a key, by what the provider says of it.

use super::args::Verify;
use super::has_one_match;
use super::leaks::LeakedKey;
use crate::cli::online::{Cleaner, shell_word};
use crate::model::{KeyVerdict, Matching, Verification};

/// How the commands of the next steps begin: with the same report and the same way to the provider.
pub(super) struct Again {
    /// The report or repository.
    report: String,
    /// The options that lead to the provider.
    online: String,
}

impl Again {
    pub(super) fn new(verify: &Verify, cleaner: &Cleaner<'_>) -> Self {
        let mut report = match &verify.report {
            Some(path) => shell_word(&path.to_string_lossy()),
            None => format!("--repo {}", shell_word(&verify.repo.to_string_lossy())),
        };
        let mut online = verify.online.repeated();
        [&mut report, &mut online].into_iter().for_each(|text| cleaner.text(text));
        Self { report, online }
    }

    /// `friskey COMMAND REPORT`
    fn command(&self, command: &str) -> String {
        format!("friskey {command} {}", self.report)
    }
}

/// The steps in order.
pub(super) fn next_steps(leak: &LeakedKey, verification: &Verification, again: &Again) -> Vec<String> {
    let online = &again.online;
    let short = &leak.fingerprint.to_string()[..12];
    if verification.verdict == KeyVerdict::Dead {
        return vec!["replace it where it is still used; the key itself can no longer be used".to_owned()];
    }
    if has_one_match(verification) {
        let revoke = again.command("revoke");
        return vec![format!("look at what would be deleted: {revoke} --key {short}{online}")];
    }
    let report = format!(
        "if nobody can be reached who may revoke it, {} --key {short} --report{online} shows how to report it to OpenAI",
        again.command("revoke")
    );
    match verification.matching {
        Matching::Several => vec![
            format!(
                "compare owner, creation and last use of the keys above with where the key was used. If the project tells \
                 them apart: {} --key {short} --project PROJECTID{online}",
                again.command("revoke")
            ),
            "else delete the right one at https://platform.openai.com/settings/organization/projects".to_owned(),
        ],
        Matching::None if leak.shape.kind == "user" || leak.shape.kind == "service" => vec![
            "a user's own key is in no organization's list: its user revokes it at https://platform.openai.com/api-keys"
                .to_owned(),
            report,
        ],
        Matching::None => vec![
            format!(
                "if it may belong to another of your organizations, repeat with that organization's admin key; to learn \
                 whether it works: {} --send-key{online}",
                again.command("verify")
            ),
            report,
        ],
        Matching::NotAsked if verification.verdict.is_live() => vec![format!(
            "revoke it now; with OPENAI_ADMIN_KEY set, {}{online} tells which key of the organization it is",
            again.command("verify")
        )],
        _ => Vec::new(),
    }
}
