//! The next steps for a leak, depending on where it still is, whether it was pushed, and whether the key works.
//!
//! Formats differ only in how they write the steps. Nothing in a step is escaped.

mod commands;
mod leak_facts;
mod places;
mod shell;

use serde::Serialize;

use crate::model::{KeyVerdict, Leak, Report};

use leak_facts::{LeakFacts, PushState};

/// Maximum number of names that a sentence lists.
const MAX_NAMED: usize = 3;

/// One thing to do about a leak.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct NextStep {
    /// The kind of step in a word or two: `revoke`, `unstage`, `rewrite history`.
    pub(super) action: &'static str,
    /// What to do, in a sentence or two.
    pub(super) text: String,
    /// The command that does it, for a POSIX shell in the repository; `None` if there is none, or if a name in it
    /// cannot be shown verbatim.
    pub(super) command: Option<String>,
    /// What to do or to know before the command is run, in a few words, for formats that leave out the text; empty if there
    /// is nothing.
    #[serde(skip)]
    pub(super) caveat: String,
}

/// The directory in which the reader will run the commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StepDirectory {
    /// That in which the scan was run.
    OfTheScan,
    /// Unknown: the reader did not run the scan.
    Any,
}

impl NextStep {
    fn new(action: &'static str, text: impl Into<String>, command: Option<String>) -> Self {
        Self { action, text: text.into(), command, caveat: String::new() }
    }

    /// Adds what to do or to know before the command is run.
    fn with_caveat(self, caveat: impl Into<String>) -> Self {
        Self { caveat: caveat.into(), ..self }
    }

    /// The text and the command, on one line.
    pub(super) fn sentence(&self) -> String {
        match &self.command {
            Some(command) => format!("{} Run: {command}", self.text),
            None => self.text.clone(),
        }
    }
}

/// The steps for one leak, most urgent first; none for an accepted leak.
pub(super) fn next_steps(report: &Report, leak: &Leak) -> Vec<NextStep> {
    next_steps_in(StepDirectory::OfTheScan, report, leak)
}

/// Like [`next_steps`], for a reader who runs commands in that directory.
pub(super) fn next_steps_in(directory: StepDirectory, report: &Report, leak: &Leak) -> Vec<NextStep> {
    if leak.is_suppressed() {
        return Vec::new();
    }
    steps(&LeakFacts::new(report, leak, directory))
}

fn steps(facts: &LeakFacts) -> Vec<NextStep> {
    let mut steps = Vec::new();
    if facts.is_doubtful {
        steps.push(NextStep::new(
            "identify",
            "Find out whether this is one of your keys: confidence is low, so it may be an example or another vendor's key. \
             If it is not, accept it with a reason.",
            facts.command_in_repository(&format!("friskey baseline add {} --reason 'not a key'", facts.full_fingerprint)),
        ));
    }
    // A key that is only in the index can still be kept from leaking.
    let is_only_staged = facts.is_only_staged();
    if !is_only_staged {
        add_revocation_steps(facts, &mut steps);
    }
    places::add_removal_steps(facts, &mut steps);
    if is_only_staged {
        steps.push(NextStep::new(
            "check",
            "It is in no commit yet. Revoke the key only if it was shared in another way, and check what you commit next.",
            facts.command_in_repository("friskey staged"),
        ));
    }
    steps
}

/// Adds the steps that disable the key. No change to the repository can do that.
fn add_revocation_steps(facts: &LeakFacts, steps: &mut Vec<NextStep>) {
    match facts.verdict {
        Some(KeyVerdict::Dead) => steps.push(NextStep::new(
            "replace",
            "Nothing to revoke: the provider no longer accepts the key. Replace it where it is still used.",
            None,
        )),
        Some(KeyVerdict::Deactivated) => steps.push(NextStep::new(
            "revoke",
            "The account is deactivated, but the key is not revoked. Revoke it, or it works again when the account is \
             reactivated.",
            facts.revoke_command(),
        )),
        Some(verdict) if verdict.is_live() => {
            steps.push(NextStep::new(
                "revoke",
                format!("Revoke the key now{}: it works. {REPLACE}", push_reason(&facts.push_state)),
                facts.revoke_command(),
            ));
            steps.extend(facts.revoke_page());
        }
        _ if facts.is_listed_by_provider => {
            let first = if facts.is_doubtful { "If it is one, treat it as live." } else { "Treat the key as live." };
            let revoke = if facts.is_doubtful { "Then revoke it" } else { "Revoke the key now" };
            steps.push(NextStep::new(
                "verify",
                format!(
                    "{first} With an admin key in OPENAI_ADMIN_KEY, find out whose it is, who used it last and what it \
                     spent; the leaked key itself is not sent."
                ),
                facts.verify_command(),
            ));
            steps.push(NextStep::new(
                "revoke",
                format!("{revoke}{}. {REPLACE}", push_reason(&facts.push_state)),
                facts.revoke_command(),
            ));
            steps.extend(facts.revoke_page());
        }
        _ if facts.is_doubtful => {
            steps.push(NextStep::new("revoke", "If it is one, revoke it where it was issued.", None));
            steps.extend(facts.revoke_page());
        }
        _ => steps.extend(facts.advice()),
    }
}

const REPLACE: &str = "Put its replacement into a secret manager, not into the repository.";

/// Why it is urgent, if others may have the key.
fn push_reason(push_state: &PushState) -> &'static str {
    match push_state {
        PushState::OnRemote { .. } | PushState::Served => ", since others may have fetched it",
        PushState::NotSeen => "",
    }
}

#[cfg(test)]
mod tests;
