//! Writes the receipt: what was scanned, what was left out or accepted, and why the report may be incomplete.

use std::io::{self, Write};

use super::{code, write_rest};
use crate::model::{FleetReport, Skip};
use crate::report::fleet::{leak_json, summary};
use crate::report::html::parts;
use crate::report::html::table::{self, Cell, Column};
use crate::report::{escape, humanize};

/// Maximum number of rows of a table.
const MAX_ROWS: usize = 5_000;
const SKIP_COLUMNS: &[Column] = &[Column::words("What"), Column::words("Why")];
const IGNORED_COLUMNS: &[Column] = &[
    Column::words("What"),
    Column::words("By"),
    Column::words("Included by"),
    Column::number("Repositories"),
];
const ACCEPTED_COLUMNS: &[Column] = &[
    Column::words("Repository"),
    Column::words("Place"),
    Column::words("Key"),
    Column::words("Accepted by"),
    Column::words("Reason"),
];

pub(super) fn write_problems(report: &FleetReport, out: &mut dyn Write) -> io::Result<()> {
    write_skips("Problems", "Why this report is incomplete", &report.problems, out)
}

pub(super) fn write(report: &FleetReport, out: &mut dyn Write) -> io::Result<()> {
    let coverage = &report.coverage;
    writeln!(out, "<section class=\"card\" aria-label=\"Coverage\"><h2>Coverage</h2>\n<dl class=\"facts\">")?;
    let fact = |name: &str, text: &str| parts::fact(name, &escape::xml(text));
    let surfaces: Vec<&str> = coverage.surfaces.iter().map(String::as_str).collect();
    write!(out, "{}", fact("Surfaces", &surfaces.join(", ")))?;
    let things = |n: u64| if n == 0 { "nothing".to_owned() } else { humanize::count(n, "thing") };
    write!(out, "{}", fact("Skipped", &things(coverage.skipped)))?;
    let left_out = format!("{}{}", summary::at_least(report), things(report.ignored.len() as u64));
    write!(out, "{}", fact("Left out", &left_out))?;
    let rules: Vec<&str> = report.rules.iter().map(|digest| digest.get(..16).unwrap_or(digest)).collect();
    write!(out, "{}", fact("Rules", &rules.join(", ")))?;
    writeln!(out, "{}</dl></section>", parts::fact("Plan", &code(&report.plan)))?;
    write_ignored(report, out)?;
    write_accepted(report, out)?;
    write_skips("Notes", "What may surprise", &report.notes, out)
}

fn write_ignored(report: &FleetReport, out: &mut dyn Write) -> io::Result<()> {
    if report.ignored.is_empty() {
        return Ok(());
    }
    writeln!(out, "<section class=\"card\" aria-label=\"Left out\"><h2>Left out</h2>")?;
    table::open("What options, configuration and rules left out", IGNORED_COLUMNS, out)?;
    for ignored in report.ignored.iter().take(MAX_ROWS) {
        let repository_count = i64::try_from(ignored.repositories).unwrap_or(i64::MAX);
        let cells = [
            Cell::html(code(&ignored.what)),
            Cell::text(&ignored.by),
            Cell::html(code(&ignored.include_with)),
            Cell::text(&humanize::thousands(ignored.repositories)).sorted_by(repository_count),
        ];
        table::row(IGNORED_COLUMNS, &cells, out)?;
    }
    table::close(out)?;
    write_rest(report.ignored.len().saturating_sub(MAX_ROWS), "more thing", out)?;
    writeln!(out, "</section>")
}

fn write_accepted(report: &FleetReport, out: &mut dyn Write) -> io::Result<()> {
    let holders =
        report.leaks.iter().flat_map(|leak| leak.repositories.iter().map(move |holder| (leak, holder)));
    let mut accepted = holders
        .flat_map(|(leak, holder)| {
            leak_json::accepted_findings(holder).map(move |finding| (leak, holder, finding))
        })
        .peekable();
    if accepted.peek().is_none() {
        return Ok(());
    }
    writeln!(out, "<section class=\"card\" aria-label=\"Accepted\"><h2>Accepted</h2>")?;
    table::open("Places whose keys are accepted", ACCEPTED_COLUMNS, out)?;
    for (leak, holder, finding) in accepted.by_ref().take(MAX_ROWS) {
        let text = |name: &str| finding["suppressed"][name].as_str().unwrap_or_default();
        let cells = [
            Cell::html(code(&holder.repository)),
            Cell::html(code(&leak_json::place(finding))),
            Cell::html(parts::key(&leak.redacted)),
            Cell::html(code(text("source"))),
            Cell::text(text("reason")),
        ];
        table::row(ACCEPTED_COLUMNS, &cells, out)?;
    }
    table::close(out)?;
    write_rest(accepted.count(), "more place", out)?;
    writeln!(out, "</section>")
}

fn write_skips(title: &str, caption: &str, skips: &[Skip], out: &mut dyn Write) -> io::Result<()> {
    if skips.is_empty() {
        return Ok(());
    }
    writeln!(out, "<section class=\"card\" aria-label=\"{title}\"><h2>{title}</h2>")?;
    table::open(caption, SKIP_COLUMNS, out)?;
    for skip in skips.iter().take(MAX_ROWS) {
        table::row(SKIP_COLUMNS, &[Cell::html(code(&skip.what)), Cell::text(&skip.reason)], out)?;
    }
    table::close(out)?;
    write_rest(skips.len().saturating_sub(MAX_ROWS), "more row", out)?;
    writeln!(out, "</section>")
}
