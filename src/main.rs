//! The `friskey` command: calls the library and exits with the status that it returns.

use std::process::ExitCode;

fn main() -> ExitCode {
    friskey::cli::run(std::env::args_os()).into()
}
