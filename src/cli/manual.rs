//! `friskey completions` and `friskey man`, from the same definitions as the command line itself.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, Result};
use clap::{Command, CommandFactory};
use clap_mangen::Man;

use super::args::Cli;
use super::broken_pipe::ignore_broken_pipe;
use super::exit::Exit;
use super::help::after_help;
use super::manual_notes::{ENVIRONMENT, FILES};

pub(super) fn completions(shell: clap_complete::Shell) -> Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "friskey", &mut script);
    ignore_broken_pipe(io::stdout().lock().write_all(&script))?;
    Ok(Exit::Clean)
}

pub(super) fn man(dir: Option<&Path>) -> Result<Exit> {
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    match dir {
        Some(dir) => {
            fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
            write_pages(&program, dir)
                .with_context(|| format!("cannot write manual pages to {}", dir.display()))?;
        }
        None => {
            let page = render_page(&Man::new(program.clone()), &program)?;
            ignore_broken_pipe(io::stdout().lock().write_all(&page))?;
        }
    }
    Ok(Exit::Clean)
}

/// Writes the page of `command` and those of its subcommands.
fn write_pages(command: &Command, dir: &Path) -> io::Result<()> {
    let man = Man::new(command.clone());
    fs::write(dir.join(man.get_filename()), render_page(&man, command)?)?;
    command.get_subcommands().filter(|sub| !sub.is_hide_set()).try_for_each(|sub| write_pages(sub, dir))
}

/// One page. `Man::render` would put the end of the long help, as one paragraph, into a section EXTRA.
fn render_page(man: &Man, command: &Command) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    if let Some(after_help) = after_help(command.get_bin_name().unwrap_or_else(|| command.get_name())) {
        let statuses = after_help.statuses.iter().map(|(status, meaning)| (status.to_string(), *meaning));
        write_section(&mut page, "EXIT STATUS", statuses)?;
        write_section(&mut page, "ENVIRONMENT", ENVIRONMENT.iter().copied())?;
        write_section(&mut page, "FILES", FILES.iter().copied())?;
        let examples = after_help.examples.iter();
        write_section(
            &mut page,
            "EXAMPLES",
            examples.map(|(description, command_line)| (format!("{description}:"), *command_line)),
        )?;
    }
    if command.get_version().is_some() {
        man.render_version_section(&mut page)?;
    }
    Ok(page)
}

/// A section that is a list of terms and their explanations.
fn write_section<T: AsRef<str>>(
    page: &mut Vec<u8>,
    title: &str,
    entries: impl Iterator<Item = (T, &'static str)>,
) -> io::Result<()> {
    writeln!(page, ".SH \"{title}\"")?;
    for (term, text) in entries {
        writeln!(page, ".TP\n{}\n{}", escape_roff(term.as_ref()), escape_roff(text))?;
    }
    Ok(())
}

/// `text` as a line of roff that shows it unchanged.
fn escape_roff(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq").replace('`', "\\(ga");
    // A line that starts with a dot is a request; `\&` prints nothing.
    format!("\\&{}", text.replace('~', "\\(ti").replace('^', "\\(ha"))
}
