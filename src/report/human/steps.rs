//! What to do next about a leak: a word for each step, and its command or a sentence.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use super::Style;
use super::palette::{STRONG, paint};
use super::wrap;
use crate::model::{Leak, Report};
use crate::report::escape;
use crate::report::next_steps::next_steps;

/// On a terminal narrower than this, commands are on separate lines.
const NARROW: usize = 60;

pub(super) fn write(report: &Report, leak: &Leak, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let steps = next_steps(report, leak);
    if steps.is_empty() {
        return Ok(());
    }
    writeln!(out, "{}", paint(style.color, STRONG, "  to do:"))?;
    let longest = steps.iter().map(|step| step.action.width()).max().unwrap_or(0);
    let is_narrow = style.width.is_some_and(|width| width < NARROW);
    let indent = if is_narrow { 6 } else { 4 + longest + 2 };
    for step in &steps {
        let first = match is_narrow {
            true => format!("    {}\n      ", step.action),
            false => format!("    {:longest$}  ", step.action),
        };
        match &step.command {
            // Not wrapped, so that it can be copied.
            Some(command) if step.before.is_empty() => writeln!(out, "{first}{}", escape::line(command))?,
            Some(command) => {
                if is_narrow {
                    writeln!(out, "    {}", step.action)?;
                }
                let first = if is_narrow { "      " } else { &first };
                wrap::write(first, &escape::line(&step.before), indent, style, out)?;
                writeln!(out, "{:indent$}{}", "", escape::line(command))?;
            }
            None if is_narrow => {
                writeln!(out, "    {}", step.action)?;
                wrap::write("      ", &escape::line(&step.text), indent, style, out)?;
            }
            None => wrap::write(&first, &escape::line(&step.text), indent, style, out)?,
        }
    }
    Ok(())
}
