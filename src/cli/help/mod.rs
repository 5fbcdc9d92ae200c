//! Examples and exit statuses of every command, for `--help` and the manual pages.

mod fleet;
mod hook;
mod leaked_keys;
mod scanning;
mod setup;
mod statuses;

use std::fmt::Write;

/// What the long help and the manual page of one command show after its options.
pub(super) struct Notes {
    /// The command with the program's name, e.g. `friskey hook install`.
    command: &'static str,
    /// Each example: a description and a command line.
    pub(super) examples: &'static [(&'static str, &'static str)],
    /// The exit statuses and their meanings.
    pub(super) statuses: &'static [(u8, &'static str)],
}

const NOTES: &[&[Notes]] = &[scanning::NOTES, hook::NOTES, leaked_keys::NOTES, fleet::NOTES, setup::NOTES];

/// The notes on `command`, given with the program's name.
pub(super) fn notes(command: &str) -> Option<&'static Notes> {
    NOTES.iter().copied().flatten().find(|notes| notes.command == command)
}

/// The end of the long help of `command`.
pub(super) fn text(command: &str) -> String {
    let mut text = String::new();
    let Some(notes) = notes(command) else { return text };
    let heading = if notes.examples.len() == 1 { "Example:" } else { "Examples:" };
    text.push_str(heading);
    // Writing to a string never fails.
    for (purpose, line) in notes.examples {
        let _ = write!(text, "\n  {purpose}:\n    {line}\n");
    }
    text.push_str("\nExit status:");
    for (status, meaning) in notes.statuses {
        let _ = write!(text, "\n  {status}  {meaning}");
    }
    text
}
