//! `human`: the leaks with their repositories, then what is missing, then the outcome.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style as Paint};

use super::{leak_json, summary};
use crate::model::{FleetLeak, FleetReport, LeakInRepository, Skip, Status};
use crate::report::humanize::count;
use crate::report::{Style, escape, thousands};

/// Maximum number of lines of a list without `-v`.
const MAX_LISTED: usize = 10;
/// Maximum number of places of a key that are named for one repository.
const MAX_PLACES: usize = 3;

pub(super) fn write(report: &FleetReport, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    for leak in report.open_leaks() {
        write_leak(leak, style, out)?;
    }
    let accepted = report.leaks.iter().filter(|leak| leak.is_suppressed).count() as u64;
    if accepted > 0 {
        writeln!(out, "{} accepted in every place", count(accepted, "key"))?;
    }
    let skip = |skip: &Skip| format!("{}: {}", skip.what, skip.reason);
    write_list("problem", report.problems.iter().map(skip), style, out)?;
    let ignored = report.ignored.iter().map(summary::ignored_line);
    write_list("left out", ignored, style, out)?;
    write_list("note", report.notes.iter().map(skip), style, out)?;
    writeln!(out, "{}", escape::line(&summary::coverage(report)))?;
    for run in &report.audits {
        let line = format!("{}: {}", summary::audit_line(run), summary::audit_command(run));
        writeln!(out, "  {}", escape::line(&line))?;
    }
    let color = match report.status() {
        Status::Findings => AnsiColor::Red,
        Status::Incomplete => AnsiColor::Yellow,
        Status::Clean => AnsiColor::Green,
    };
    let outcome = summary::outcome(report);
    match style.color {
        true => {
            let paint = Paint::new().bold().fg_color(Some(color.into()));
            writeln!(out, "{paint}{outcome}{paint:#}")
        }
        false => writeln!(out, "{outcome}"),
    }
}

/// Writes the first lines of a list, and how many more there are.
fn write_list(
    title: &str,
    lines: impl Iterator<Item = String>,
    style: &Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let limit = if style.verbose { usize::MAX } else { MAX_LISTED };
    let mut rest = 0;
    for (index, line) in lines.enumerate() {
        match index < limit {
            true => writeln!(out, "  {title}: {}", escape::line(&line))?,
            false => rest += 1,
        }
    }
    match rest {
        0 => Ok(()),
        rest => writeln!(out, "  {title}: {} more (-v or --format json lists all)", thousands(rest)),
    }
}

fn write_leak(leak: &FleetLeak, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let FleetLeak { redacted, rule, confidence, severity, status, fingerprint, repositories, .. } = leak;
    let open = leak.open_repositories().count();
    let holders = summary::repositories(open as u64);
    let accepted = match repositories.len() - open {
        0 => String::new(),
        n => format!(", accepted in {n} more"),
    };
    let with_status =
        leak.open_repositories().filter(|holder| leak_json::text(&holder.leak, "status") == *status);
    let holders = match with_status.count() {
        number if number == open => holders,
        number => format!("{} of {holders}", thousands(number as u64)),
    };
    let title = format!(
        "{redacted} ({rule}, {confidence} confidence, {severity} severity): {status} in {holders}{accepted}"
    );
    writeln!(out, "{}", escape::line(&title))?;
    writeln!(out, "  fingerprint {}", escape::line(fingerprint))?;
    let limit = if style.verbose { usize::MAX } else { MAX_LISTED };
    for holder in leak.open_repositories().take(limit) {
        writeln!(out, "  {}", escape::line(&place_line(holder)))?;
    }
    match open.saturating_sub(limit) as u64 {
        0 => {}
        1 => writeln!(out, "  and 1 more repository (-v or --format json lists all)")?,
        rest => writeln!(out, "  and {rest} more repositories (-v or --format json lists all)")?,
    }
    let actions = leak_json::actions(leak.open_repositories()).join(", ");
    if !actions.is_empty() {
        let line = format!("next steps: {actions} (--format html has the commands for each repository)");
        writeln!(out, "  {}", escape::line(&line))?;
    }
    writeln!(out)
}

/// `group/app (present): .env:3:7 and 2 more`: a repository with a key, and the first places in it.
fn place_line(holder: &LeakInRepository) -> String {
    let mut places: Vec<String> = leak_json::open_findings(holder).map(leak_json::place).collect();
    places.dedup();
    let more = match places.len().saturating_sub(MAX_PLACES) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    places.truncate(MAX_PLACES);
    let accepted = match leak_json::accepted_findings(holder).count() as u64 {
        0 => String::new(),
        n => format!("; {} accepted", count(n, "place")),
    };
    let status = leak_json::text(&holder.leak, "status");
    format!("{} ({status}): {}{more}{accepted}", holder.repository, places.join(", "))
}
