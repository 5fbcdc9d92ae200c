//! Layer 5: arguments, environment, standard streams. No lower layer knows about them.

mod args;
mod base_policy;
mod baseline;
mod broken_pipe;
mod cache_args;
mod ci;
mod clock;
mod command_line;
mod config;
mod environment;
mod exit;
mod explain;
mod fleet;
mod git_env;
mod help;
mod history;
mod hook;
mod interrupt;
#[cfg(feature = "online")]
mod keys;
mod limits;
mod manual;
mod manual_notes;
mod masking;
mod message;
mod named_base;
#[cfg(feature = "online")]
mod online;
mod options;
mod output;
mod policy_base;
mod progress;
mod prove;
#[cfg(feature = "online")]
mod proxy;
mod purge;
#[cfg(feature = "online")]
mod receiver;
mod repository_paths;
#[cfg(feature = "online")]
mod revoke;
mod root;
mod rules;
mod scan;
mod secret_input;
mod session;
mod staged;
mod target;
mod trace;
mod trace_key;
#[cfg(feature = "online")]
mod verify;

use std::ffi::OsString;
use std::io::{self, IsTerminal};

use clap::Parser;

pub use args::Cli;
use args::Command;
pub use exit::Exit;

/// Runs the command in `args`, whose first element is the program's name, and returns its exit status. All output
/// goes to standard output and standard error.
pub fn run(args: impl IntoIterator<Item = OsString>) -> Exit {
    let args: Vec<OsString> = args.into_iter().collect();
    message::prepare(&args);
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    match dispatch(&cli) {
        Ok(exit) => exit,
        Err(error) => {
            let color = output::wants_color(cli.global.color, io::stderr().is_terminal());
            let word = if color { "\x1b[1;31merror\x1b[0m: " } else { "error: " };
            // The error may quote untrusted text, such as names in an invalid file.
            message::say_in_color(word, "error: ", &message::masked(&format!("{error:#}")));
            Exit::Failed
        }
    }
}

fn dispatch(cli: &Cli) -> anyhow::Result<Exit> {
    let global = &cli.global;
    match &cli.command {
        Command::Scan(scan) => scan::run(scan, global),
        Command::History(history) => history::run(history, global),
        Command::Staged(staged) => staged::run(staged, global),
        Command::Ci(ci) => ci::run(ci, global),
        Command::Hook { command } => hook::run(command, global),
        Command::Trace(trace) => trace::run(trace, global),
        #[cfg(feature = "online")]
        Command::Verify(verify) => verify::run(verify, global),
        #[cfg(feature = "online")]
        Command::Revoke(revoke) => revoke::run(revoke, global),
        #[cfg(feature = "online")]
        Command::Keys(keys) => keys::run(keys, global),
        Command::Purge(purge) => purge::run(purge, global),
        Command::Prove(args) => prove::run(args, global),
        Command::Baseline { command } => baseline::run(command, global),
        Command::Fleet { command } => fleet::run(command, global),
        Command::Explain(explain) => explain::run(explain, global),
        Command::Rules { command } => rules::run(command, global),
        Command::Completions { shell } => manual::completions(*shell),
        Command::Man { dir } => manual::man(dir.as_deref()),
    }
}

/// Help and version are successful; everything else is an error on the command line.
fn usage(error: &clap::Error) -> Exit {
    if error.use_stderr() {
        // If a key was given on the command line by mistake, the message must not repeat it.
        message::say(message::masked(&error.render().to_string()).trim_end());
        return Exit::Failed;
    }
    // A closed pipe is not an error.
    let _ = error.print();
    Exit::Clean
}
