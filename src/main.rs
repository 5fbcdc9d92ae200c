//! The `friskey` command: parse, call, exit status; nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    friskey::cli::run(std::env::args_os()).into()
}
