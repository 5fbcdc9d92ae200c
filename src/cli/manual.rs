//! `friskey completions` and `friskey man`, from the same definitions as the command line itself.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, Result};
use clap::CommandFactory;

use super::args::Cli;
use super::exit::Exit;
use super::output::ignore_broken_pipe;

pub(super) fn completions(shell: clap_complete::Shell) -> Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "friskey", &mut script);
    ignore_broken_pipe(io::stdout().lock().write_all(&script))?;
    Ok(Exit::Clean)
}

pub(super) fn man(dir: Option<&Path>) -> Result<Exit> {
    match dir {
        Some(dir) => {
            fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
            clap_mangen::generate_to(Cli::command(), dir)
                .with_context(|| format!("cannot write manual pages to {}", dir.display()))?;
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut page)?;
            ignore_broken_pipe(io::stdout().lock().write_all(&page))?;
        }
    }
    Ok(Exit::Clean)
}
