//! Writes the table of all leaks.

use std::io::{self, Write};

use super::{code, rank, severity_badge};
use crate::model::{Confidence, FleetLeak};
use crate::report::fleet::leak_json;
use crate::report::html::parts;
use crate::report::html::table::{self, Cell, Column};
use crate::report::{escape, humanize};

const COLUMNS: &[Column] = &[
    Column::words("Key"),
    Column::short("State"),
    Column::short("Severity"),
    Column::short("Confidence"),
    Column::short("Exposed for"),
    Column::number("Repositories"),
    Column::number("Places"),
    Column::words("In"),
    Column::words("Next steps"),
];
/// Maximum number of repositories that a cell names.
const MAX_NAMED_REPOSITORIES: usize = 5;

pub(super) fn write(leaks: &[&FleetLeak], out: &mut dyn Write) -> io::Result<()> {
    if leaks.is_empty() {
        return Ok(());
    }
    writeln!(out, "<section class=\"card\" aria-labelledby=\"leaks\"><h2 id=\"leaks\">Leaks</h2>")?;
    table::open("Each key once, however many repositories contain it", COLUMNS, out)?;
    for (number, leak) in (1..).zip(leaks) {
        table::row(COLUMNS, &leak_cells(number, leak), out)?;
    }
    table::close(out)?;
    writeln!(out, "</section>")
}

fn leak_cells(number: usize, leak: &FleetLeak) -> Vec<Cell> {
    let count = |n: usize| Cell::text(&humanize::thousands(n as u64)).sorted_by(n as i64);
    let (rule, key) = (escape::xml(&leak.rule), parts::key(&leak.redacted));
    let holders = leak.open_repositories().count();
    let mut names: Vec<String> = leak
        .open_repositories()
        .take(MAX_NAMED_REPOSITORIES)
        .map(|holder| code(&holder.repository))
        .collect();
    if holders > MAX_NAMED_REPOSITORIES {
        names.push(format!("and {} more", humanize::thousands((holders - MAX_NAMED_REPOSITORIES) as u64)));
    }
    let exposure = leak.exposed_seconds.map(humanize::duration).unwrap_or_default();
    let seconds = leak.exposed_seconds.map_or(-1, |seconds| i64::try_from(seconds).unwrap_or(i64::MAX));
    let confidence = Confidence::ALL.iter().position(|level| level.name() == leak.confidence);
    vec![
        Cell::html(format!("<a href=\"#leak-{number}\">{key}</a> {rule}")),
        Cell::html(parts::status_badge_by_name(&leak.status))
            .sorted_by(rank(&leak.status, &["present", "unknown", "removed", "unreachable"])),
        Cell::html(severity_badge(&leak.severity))
            .sorted_by(rank(&leak.severity, &["critical", "high", "medium", "low"])),
        Cell::text(&leak.confidence).sorted_by(-(confidence.unwrap_or(0) as i64)),
        Cell::text(&exposure).sorted_by(seconds),
        count(holders),
        count(leak.open_repositories().map(|holder| leak_json::open_findings(holder).count()).sum()),
        Cell::html(names.join(", ")),
        Cell::text(&leak_json::actions(leak.open_repositories()).join(", ")),
    ]
}
