//! Examples and exit statuses of every command, for `--help` and the manual pages.

mod fleet;
mod hook;
mod leaked_keys;
mod scanning;
mod setup;
mod statuses;

use std::fmt::Write;

/// What the long help and the manual page of one command show after its options.
pub(super) struct AfterHelp {
    /// The command with the program's name, e.g. `friskey hook install`.
    command: &'static str,
    /// Each example: a description and a command line.
    pub(super) examples: &'static [(&'static str, &'static str)],
    /// The exit statuses and their meanings.
    pub(super) statuses: &'static [(u8, &'static str)],
}

const AFTER_HELP: &[&[AfterHelp]] =
    &[scanning::AFTER_HELP, hook::AFTER_HELP, leaked_keys::AFTER_HELP, fleet::AFTER_HELP, setup::AFTER_HELP];

/// What follows the options of `command`, given with the program's name.
pub(super) fn after_help(command: &str) -> Option<&'static AfterHelp> {
    AFTER_HELP.iter().copied().flatten().find(|help| help.command == command)
}

/// What follows the options in the long help of `command`, as text; empty if there is nothing.
pub(super) fn after_help_text(command: &str) -> String {
    let mut text = String::new();
    let Some(after_help) = after_help(command) else { return text };
    let heading = if after_help.examples.len() == 1 { "Example:" } else { "Examples:" };
    text.push_str(heading);
    // Writing to a string never fails.
    for (description, command_line) in after_help.examples {
        let _ = write!(text, "\n  {description}:\n    {command_line}\n");
    }
    text.push_str("\nExit status:");
    for (status, meaning) in after_help.statuses {
        let _ = write!(text, "\n  {status}  {meaning}");
    }
    text
}
