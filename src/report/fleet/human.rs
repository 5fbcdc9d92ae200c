//! `human`: the keys with their repositories, then what is missing, then the verdict.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style as Paint};

use super::summary;
use crate::model::{FleetLeak, FleetReport, Status};
use crate::report::humanize::count;
use crate::report::{Style, escape};

/// How much of each list is shown without `-v`.
const MAX_SHOWN: usize = 10;

pub(super) fn write(report: &FleetReport, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    for leak in report.open_leaks() {
        write_leak(leak, style, out)?;
    }
    let accepted = report.leaks.iter().filter(|leak| leak.is_suppressed).count() as u64;
    if accepted > 0 {
        writeln!(out, "{} accepted in every place", count(accepted, "key"))?;
    }
    let shown = if style.verbose { usize::MAX } else { MAX_SHOWN };
    for problem in report.problems.iter().take(shown) {
        writeln!(out, "  problem: {}: {}", escape::line(&problem.what), escape::line(&problem.reason))?;
    }
    let rest = report.problems.len().saturating_sub(shown);
    if rest > 0 {
        writeln!(out, "  and {} (-v or --format json lists all)", count(rest as u64, "more problem"))?;
    }
    for one in report.ignored.iter().take(shown) {
        writeln!(out, "  left out: {}", escape::line(&summary::ignored(one)))?;
    }
    let rest = report.ignored.len().saturating_sub(shown);
    if rest > 0 {
        writeln!(out, "  and {} left out (-v or --format json lists all)", count(rest as u64, "more thing"))?;
    }
    writeln!(out, "{}", escape::line(&summary::coverage(report)))?;
    let color = match report.status() {
        Status::Findings => AnsiColor::Red,
        Status::Incomplete => AnsiColor::Yellow,
        Status::Clean => AnsiColor::Green,
    };
    let verdict = summary::verdict(report);
    match style.color {
        true => {
            let paint = Paint::new().bold().fg_color(Some(color.into()));
            writeln!(out, "{paint}{verdict}{paint:#}")
        }
        false => writeln!(out, "{verdict}"),
    }
}

fn write_leak(leak: &FleetLeak, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let FleetLeak { redacted, rule, confidence, status, fingerprint, repositories, .. } = leak;
    let open = leak.open_repositories().count();
    let holders = match open {
        1 => "1 repository".to_owned(),
        n => format!("{n} repositories"),
    };
    let accepted = match repositories.len() - open {
        0 => String::new(),
        n => format!(", accepted in {n} more"),
    };
    let title = format!("{redacted} ({rule}, {confidence} confidence): {status} in {holders}{accepted}");
    writeln!(out, "{}", escape::line(&title))?;
    writeln!(out, "  fingerprint {}", escape::line(fingerprint))?;
    let shown = if style.verbose { usize::MAX } else { MAX_SHOWN };
    for here in leak.open_repositories().take(shown) {
        let text = |name: &str| here.leak.get(name).and_then(|value| value.as_str()).unwrap_or_default();
        let all = here.leak.get("findings").and_then(|list| list.as_array()).map_or(&[][..], Vec::as_slice);
        let findings: Vec<_> = all.iter().filter(|one| one["suppressed"].is_null()).collect();
        let paths = findings.iter().filter_map(|one| one["path"].as_str()).take(3);
        let mut places: Vec<&str> = paths.collect();
        places.dedup();
        let places = if places.is_empty() { String::new() } else { format!(": {}", places.join(", ")) };
        let more = match findings.len() {
            0..=3 => String::new(),
            n => format!(" and {} more", n - 3),
        };
        let accepted = match (all.len() - findings.len()) as u64 {
            0 => String::new(),
            n => format!("; {} accepted", count(n, "place")),
        };
        let line = format!("{} ({}){places}{more}{accepted}", here.repository, text("status"));
        writeln!(out, "  {}", escape::line(&line))?;
    }
    let rest = open.saturating_sub(shown);
    if rest > 0 {
        writeln!(out, "  and {rest} more repositories")?;
    }
    writeln!(out)
}
