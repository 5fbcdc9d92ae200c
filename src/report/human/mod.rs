//! `human`: text for people, grouped by leak, with excerpts, history and advice.

mod excerpt;
mod footer;
mod history;
mod leak;
mod palette;
mod steps;
mod wrap;

use std::io::{self, Write};

use crate::model::Report;

use super::{Style, labels};

/// How many places, skips and refs are listed without `-v`.
const DEFAULT_LISTED: usize = 10;

pub(super) fn write(report: &Report, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    for leak in labels::open_leaks_by_urgency(report) {
        leak::write(report, leak, style, out)?;
    }
    footer::write(report, style, out)
}

/// How many of `total` things to list.
fn listed_count(total: usize, style: &Style) -> usize {
    // A line that says "and 1 more" is no shorter than the line it replaces.
    if style.verbose || total <= DEFAULT_LISTED + 1 { total } else { DEFAULT_LISTED }
}
