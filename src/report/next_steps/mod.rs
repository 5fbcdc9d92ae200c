//! The next steps for a leak, depending on where it still is, whether it was pushed, and whether the key works.
//!
//! Formats differ only in how they write the steps. Nothing in them is escaped yet.

mod places;
mod shell;
mod state;

use serde::Serialize;

use crate::model::{KeyVerdict, Leak, Report};

use state::{LeakState, Pushed};

/// Maximum number of names in a sentence.
const MAX_NAMED: usize = 3;

/// A step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct NextStep {
    /// The kind of step in a word or two: `revoke`, `unstage`, `rewrite history`.
    pub(super) action: &'static str,
    /// What to do, in a sentence or two.
    pub(super) text: String,
    /// The command that does it, for a POSIX shell in the repository; `None` if there is none, or if a name in it
    /// cannot be shown verbatim.
    pub(super) command: Option<String>,
    /// A short warning to read before the command is run, for formats that leave out the text; empty if there is
    /// none.
    #[serde(skip)]
    pub(super) before: String,
}

/// The directory that commands are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StepDirectory {
    /// The one in which the scan was run, where the reader is.
    OfTheScan,
    /// Any: the reader did not run the scan.
    Any,
}

impl NextStep {
    fn new(action: &'static str, text: impl Into<String>, command: Option<String>) -> Self {
        Self { action, text: text.into(), command, before: String::new() }
    }

    /// Adds a warning to read before the command is run.
    fn but(self, before: impl Into<String>) -> Self {
        Self { before: before.into(), ..self }
    }

    /// The text and the command, on one line.
    pub(super) fn sentence(&self) -> String {
        match &self.command {
            Some(command) => format!("{} Run: {command}", self.text),
            None => self.text.clone(),
        }
    }
}

/// The steps for one leak, most urgent first; none for an accepted one.
pub(super) fn next_steps(report: &Report, leak: &Leak) -> Vec<NextStep> {
    next_steps_in(StepDirectory::OfTheScan, report, leak)
}

/// Like [`next_steps`], for a reader in that directory.
pub(super) fn next_steps_in(dir: StepDirectory, report: &Report, leak: &Leak) -> Vec<NextStep> {
    if leak.is_suppressed() {
        return Vec::new();
    }
    steps(&LeakState::of(report, leak, dir))
}

fn steps(state: &LeakState) -> Vec<NextStep> {
    let mut steps = Vec::new();
    if state.is_doubtful {
        steps.push(NextStep::new(
            "identify",
            "Find out whether this is one of your keys: confidence is low, so it may be an example or another vendor's key. \
             If it is not, accept it with a reason.",
            state.inside(&format!("friskey baseline add {} --reason 'not a key'", state.whole_fingerprint)),
        ));
    }
    // A key that is only in the index can still be kept from leaking.
    let is_only_staged = state.is_only_staged();
    if !is_only_staged {
        contain(state, &mut steps);
    }
    places::clean(state, &mut steps);
    if is_only_staged {
        steps.push(NextStep::new(
            "check",
            "It is in no commit yet. Revoke the key only if it was shared in another way, and check what you commit next.",
            state.inside("friskey staged"),
        ));
    }
    steps
}

/// The steps that disable the key, which no change to the repository can do.
fn contain(state: &LeakState, steps: &mut Vec<NextStep>) {
    match state.verdict {
        Some(KeyVerdict::Dead) => steps.push(NextStep::new(
            "replace",
            "Nothing to revoke: the provider no longer accepts the key. Replace it where it is still used.",
            None,
        )),
        Some(KeyVerdict::Deactivated) => steps.push(NextStep::new(
            "revoke",
            "Its account is deactivated, but the key was not revoked: revoke it, so that it does not come back to life \
             with the account.",
            state.revoke_command(),
        )),
        Some(verdict) if verdict.is_live() => {
            steps.push(NextStep::new(
                "revoke",
                format!("Revoke the key now{}: it works. {REPLACE}", if_pushed(&state.pushed)),
                state.revoke_command(),
            ));
            steps.extend(state.revoke_page());
        }
        _ if state.is_listed => {
            let first = if state.is_doubtful { "If it is one, treat it as live." } else { "Treat the key as live." };
            let revoke = if state.is_doubtful { "Then revoke it" } else { "Revoke the key now" };
            steps.push(NextStep::new(
                "verify",
                format!(
                    "{first} With an admin key in OPENAI_ADMIN_KEY, find out whose it is, who used it last and what it \
                     spent; the leaked key itself is not sent."
                ),
                state.verify_command(),
            ));
            steps.push(NextStep::new(
                "revoke",
                format!("{revoke}{}. {REPLACE}", if_pushed(&state.pushed)),
                state.revoke_command(),
            ));
            steps.extend(state.revoke_page());
        }
        _ if state.is_doubtful => {
            steps.push(NextStep::new("revoke", "If it is one, revoke it where it was issued.", None));
            steps.extend(state.revoke_page());
        }
        _ => steps.extend(state.advice()),
    }
}

const REPLACE: &str = "Put its replacement into a secret manager, not into the repository.";

fn if_pushed(pushed: &Pushed) -> &'static str {
    match pushed {
        Pushed::OnRemote { .. } | Pushed::Served => ", since others may have fetched it",
        Pushed::NotSeen => "",
    }
}

#[cfg(test)]
mod tests;
