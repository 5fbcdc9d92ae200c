//! Builds the commands in the steps for a leak.

use super::leak_facts::LeakFacts;
use super::shell;

impl LeakFacts {
    /// The command that asks the provider about the key.
    pub(super) fn verify_command(&self) -> Option<String> {
        self.online_command("verify", "")
    }

    /// The command that shows what revoking would do.
    pub(super) fn revoke_command(&self) -> Option<String> {
        let key = format!(" --key {}", self.fingerprint);
        // Only keys that an admin key lists can be deleted with it.
        self.is_listed_by_provider.then(|| self.online_command("revoke", &key))?
    }

    fn online_command(&self, command: &str, options: &str) -> Option<String> {
        if !self.is_verifiable {
            return None;
        }
        if let Some(pipe_start) = &self.pipe_start {
            return Some(format!("{pipe_start} friskey {command} -{options}"));
        }
        let repo = match &self.repository[..] {
            "" => String::new(),
            path => format!(" --repo {}", shell::quote(path)?),
        };
        // Without a pipe, the command audits the repository to get the key.
        self.is_in_history.then(|| format!("friskey {command}{repo}{options}"))
    }

    /// The repository argument in a command: a space and the path; empty for the current one.
    pub(super) fn repository_argument(&self) -> Option<String> {
        match &self.repository[..] {
            "" => Some(String::new()),
            path => shell::quote(path).map(|path| format!(" {path}")),
        }
    }

    /// `command`, which has no repository argument, run in this repository.
    pub(super) fn command_in_repository(&self, command: &str) -> Option<String> {
        match &self.repository[..] {
            "" => Some(command.to_owned()),
            path => shell::quote(path).map(|path| format!("(cd {path} && {command})")),
        }
    }

    /// The start of a `git` command for this repository.
    pub(super) fn git_command(&self) -> Option<String> {
        match &self.repository[..] {
            "" => Some("git".to_owned()),
            path => shell::quote(path).map(|path| format!("git -C {path}")),
        }
    }
}
