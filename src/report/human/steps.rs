//! Writes what to do next about a leak: the kind of each step, and its command or a sentence.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use super::Style;
use super::palette::{STRONG, paint};
use super::wrap;
use crate::model::{Leak, Report};
use crate::report::escape;
use crate::report::next_steps::next_steps;

/// On a terminal with fewer columns, the kind of a step has a line of its own.
const NARROW: usize = 60;

pub(super) fn write(report: &Report, leak: &Leak, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let steps = next_steps(report, leak);
    if steps.is_empty() {
        return Ok(());
    }
    writeln!(out, "{}", paint(style.color, STRONG, "  to do:"))?;
    let action_width = steps.iter().map(|step| step.action.width()).max().unwrap_or(0);
    let is_narrow = style.width.is_some_and(|width| width < NARROW);
    let indent = if is_narrow { 6 } else { 4 + action_width + 2 };
    for step in &steps {
        let opening = match is_narrow {
            true => format!("    {}\n      ", step.action),
            false => format!("    {:action_width$}  ", step.action),
        };
        match &step.command {
            // Not wrapped, so that it can be copied.
            Some(command) if step.caveat.is_empty() => writeln!(out, "{opening}{}", escape::line(command))?,
            Some(command) => {
                if is_narrow {
                    writeln!(out, "    {}", step.action)?;
                }
                let opening = if is_narrow { "      " } else { &opening };
                wrap::write(opening, &escape::line(&step.caveat), indent, style, out)?;
                writeln!(out, "{:indent$}{}", "", escape::line(command))?;
            }
            None if is_narrow => {
                writeln!(out, "    {}", step.action)?;
                wrap::write("      ", &escape::line(&step.text), indent, style, out)?;
            }
            None => wrap::write(&opening, &escape::line(&step.text), indent, style, out)?,
        }
    }
    Ok(())
}
