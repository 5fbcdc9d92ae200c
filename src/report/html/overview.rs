//! Writes the table of leaks, and their timelines on a common axis.

use std::io::{self, Write};

use crate::model::{Leak, Severity};
use crate::report::next_steps::next_steps;
use crate::report::{escape, events, humanize, labels};

use super::table::{self, Cell, Column};
use super::{PageView, axis, parts, timeline};

/// Maximum number of timelines on the common axis.
const MAX_TIMELINES: usize = 30;

const COLUMNS: [Column; 6] = [
    Column::words("Key"),
    Column::short("State"),
    Column::short("Severity"),
    Column::short("Exposed for"),
    Column::number("Places"),
    Column::words("Next"),
];

pub(super) fn write(view: &PageView<'_>, out: &mut dyn Write) -> io::Result<()> {
    let is_verified = view.leaks.iter().any(|leak| leak.verification.is_some());
    let mut columns = COLUMNS.to_vec();
    if is_verified {
        columns.insert(3, Column::short("Validity"));
    }
    writeln!(out, "<section class=\"card\" aria-labelledby=\"leaks\"><h2 id=\"leaks\">Leaks</h2>")?;
    table::open("Most urgent first", &columns, out)?;
    for (number, leak) in (1..).zip(&view.leaks) {
        table::row(&columns, &leak_cells(view, number, leak, is_verified), out)?;
    }
    table::close(out)?;
    write_timelines(view, out)?;
    writeln!(out, "</section>")
}

fn leak_cells(view: &PageView<'_>, number: usize, leak: &Leak, is_verified: bool) -> Vec<Cell> {
    let report = view.report;
    let title = escape::xml(&labels::title(report, leak));
    let key = parts::key(&leak.detected_key.secret.redacted());
    let severity = labels::effective_severity(report, leak);
    let exposure = leak.exposed_seconds.map(humanize::duration).unwrap_or_default();
    let places = labels::open_findings(leak).count() as u64;
    let mut actions: Vec<&str> = Vec::new();
    for step in next_steps(report, leak) {
        if !actions.contains(&step.action) {
            actions.push(step.action);
        }
    }
    let mut cells = vec![
        Cell::html(format!("<a href=\"#leak-{number}\">{title} {key}</a>")),
        Cell::html(parts::status_badge(leak.status)).sorted_by(labels::status_rank(leak.status)),
        Cell::html(parts::severity_badge(severity)).sorted_by(-(severity_rank(severity))),
        Cell::text(&exposure)
            .sorted_by(leak.exposed_seconds.map_or(-1, |seconds| i64::try_from(seconds).unwrap_or(i64::MAX))),
        Cell::text(&humanize::thousands(places)).sorted_by(i64::try_from(places).unwrap_or(i64::MAX)),
        Cell::text(&actions.join(", ")),
    ];
    if is_verified {
        let verdict = leak.verification.as_ref().map(|answer| super::verification::badge(answer.verdict));
        cells.insert(3, Cell::html(verdict.unwrap_or_default()));
    }
    cells
}

fn severity_rank(severity: Severity) -> i64 {
    match severity {
        Severity::Low => 0,
        Severity::Medium => 1,
        Severity::High => 2,
        Severity::Critical => 3,
    }
}

/// Writes the timelines of the first leaks with known dates below each other, if there are several.
fn write_timelines(view: &PageView<'_>, out: &mut dyn Write) -> io::Result<()> {
    let dated_leaks = (1..).zip(&view.leaks).filter(|(_, leak)| !leak.introduced.is_empty());
    let dated_leaks: Vec<(usize, &&Leak)> = dated_leaks.take(MAX_TIMELINES).collect();
    let Some(axis) =
        axis(dated_leaks.iter().map(|(_, leak)| **leak), view.now()).filter(|_| dated_leaks.len() > 1)
    else {
        return Ok(());
    };
    let dated_count = view.leaks.iter().filter(|leak| !leak.introduced.is_empty()).count();
    writeln!(out, "<h3>Exposure</h3>")?;
    if dated_count > dated_leaks.len() {
        writeln!(out, "<p class=\"quiet small\">The first {} leaks.</p>", dated_leaks.len())?;
    }
    writeln!(out, "<div class=\"lanes\">")?;
    for (number, leak) in &dated_leaks {
        let redacted = leak.detected_key.secret.redacted();
        let name = escape::xml(&redacted);
        writeln!(out, "<a href=\"#leak-{number}\"><code>{name}</code></a>")?;
        write!(out, "{}", timeline::compact_timeline(leak, &events::leak_events(leak), axis, &redacted))?;
    }
    write!(out, "{}", timeline::last_row_and_legend(axis, dated_leaks.iter().map(|(_, leak)| **leak)))
}
