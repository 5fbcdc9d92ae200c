//! Layer 5: the command line. Reads arguments and environment variables, writes to the standard streams, and decides the
//! exit status. No lower layer knows about these.

mod args;
mod base_files;
mod baseline;
mod broken_pipe;
mod cache_args;
mod ci;
mod clock;
mod command_line;
mod config;
mod effective_settings;
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
mod message;
#[cfg(feature = "online")]
mod online;
mod options;
mod output;
mod output_file;
mod policy_base;
mod policy_from;
mod progress;
mod prove;
#[cfg(feature = "online")]
mod proxy;
mod purge;
#[cfg(feature = "online")]
mod receiver;
mod redaction;
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
use std::io::{self, IsTerminal, Write};

use clap::Parser;

pub use args::Cli;
use args::Command;
pub use exit::Exit;

/// Runs the command in `args`, whose first element is the program's name, and returns its exit status. All output
/// goes to standard output and standard error.
pub fn run(args: impl IntoIterator<Item = OsString>) -> Exit {
    let args: Vec<OsString> = args.into_iter().collect();
    message::prepare_redaction(&args);
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => return print_help_or_error(&error),
    };
    match dispatch(&cli) {
        Ok(exit) => exit,
        Err(error) => {
            let color = output::wants_color(cli.global.color, io::stderr().is_terminal());
            let prefix = if color { "\x1b[1;31merror\x1b[0m: " } else { "error: " };
            // The error may quote untrusted text, such as names in an invalid file.
            message::say_in_color(prefix, "error: ", &message::redact_message(&format!("{error:#}")));
            Exit::Failed
        }
    }
}

fn dispatch(cli: &Cli) -> anyhow::Result<Exit> {
    let global = &cli.global;
    match &cli.command {
        Command::Scan(args) => scan::run(args, global),
        Command::History(args) => history::run(args, global),
        Command::Staged(args) => staged::run(args, global),
        Command::Ci(args) => ci::run(args, global),
        Command::Hook { command } => hook::run(command, global),
        Command::Trace(args) => trace::run(args, global),
        #[cfg(feature = "online")]
        Command::Verify(args) => verify::run(args, global),
        #[cfg(feature = "online")]
        Command::Revoke(args) => revoke::run(args, global),
        #[cfg(feature = "online")]
        Command::Keys(args) => keys::run(args, global),
        Command::Purge(args) => purge::run(args, global),
        Command::Prove(args) => prove::run(args, global),
        Command::Baseline { command } => baseline::run(command, global),
        Command::Fleet { command } => fleet::run(command, global),
        Command::Explain(args) => explain::run(args, global),
        Command::Rules { command } => rules::run(command, global),
        Command::Completions { shell } => manual::completions(*shell),
        Command::Man { dir } => manual::man(dir.as_deref()),
    }
}

/// Prints what clap produced instead of a parsed command line: the help or the version, which are no failure, or an
/// error.
fn print_help_or_error(error: &clap::Error) -> Exit {
    if error.use_stderr() {
        // If a key was given on the command line by mistake, the message must not repeat it.
        message::say(message::redact_message(&error.render().to_string()).trim_end());
        return Exit::Failed;
    }
    let written = error.print().and_then(|()| io::stdout().flush());
    match broken_pipe::ignore_broken_pipe(written) {
        Ok(()) => Exit::Clean,
        Err(error) => {
            message::say(&format!("error: cannot write to standard output: {error}"));
            Exit::Failed
        }
    }
}
