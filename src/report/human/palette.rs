//! The colors of the report, if colors are wanted.

use std::fmt::Display;

use anstyle::{AnsiColor, Color, Style as Ansi};

const fn color(color: AnsiColor) -> Ansi {
    Ansi::new().fg_color(Some(Color::Ansi(color)))
}

pub(super) const ALARM: Ansi = color(AnsiColor::Red).bold();
pub(super) const WARNING: Ansi = color(AnsiColor::Yellow).bold();
pub(super) const GOOD: Ansi = color(AnsiColor::Green).bold();
pub(super) const STRONG: Ansi = Ansi::new().bold();
pub(super) const PLACE: Ansi = color(AnsiColor::Cyan);
pub(super) const GUTTER: Ansi = color(AnsiColor::Blue);
pub(super) const FAINT: Ansi = Ansi::new().dimmed();

/// `text` in that style if `is_colored`, else plain.
pub(super) fn paint(is_colored: bool, style: Ansi, text: impl Display) -> String {
    if is_colored { format!("{style}{text}{style:#}") } else { text.to_string() }
}
