//! `html`: one page, with the same frame as the page of an audit. It loads nothing, and its only script is that of an audit's
//! page.

mod coverage;
mod leak;
mod leak_table;
mod repositories;

use std::io::{self, Write};

use super::summary;
use crate::model::{FleetLeak, FleetReport};
use crate::report::html::{page, parts};
use crate::report::{Style, VERSION, escape};

pub(super) fn write(report: &FleetReport, _: &Style, out: &mut dyn Write) -> io::Result<()> {
    let heading = summary::repositories(report.repositories.len() as u64);
    let head = page::PageHead {
        title: &format!("{heading} – friskey fleet"),
        eyebrow: "friskey fleet",
        heading: &heading,
    };
    page::open(&head, out)?;
    let outcome = escape::xml(&summary::outcome(report));
    writeln!(out, "<p class=\"outcome {}\">{outcome}</p>", report.status().name())?;
    writeln!(out, "<section class=\"card\" aria-label=\"About this report\"><dl class=\"facts\">")?;
    write!(out, "{}", parts::fact("Coverage", &escape::xml(&summary::coverage(report))))?;
    for run in &report.audits {
        let text =
            format!("{}<br>{}", escape::xml(&summary::audit_line(run)), code(&summary::audit_command(run)));
        write!(out, "{}", parts::fact("Audited", &text))?;
    }
    write!(out, "{}", parts::fact("Report by", &format!("friskey {VERSION}")))?;
    writeln!(out, "</dl></section>")?;
    let leaks: Vec<&FleetLeak> = report.open_leaks().collect();
    leak_table::write(&leaks, out)?;
    coverage::write_problems(report, out)?;
    repositories::write(report, &leaks, out)?;
    for (number, leak) in (1..).zip(leaks) {
        leak::write(number, leak, out)?;
    }
    coverage::write(report, out)?;
    page::close(
        "Keys are shown by prefix and last four characters only. The format json has the data behind this page.",
        out,
    )
}

/// Text as code.
fn code(text: &str) -> String {
    format!("<code><bdi>{}</bdi></code>", escape::xml(text))
}

/// A severity, in color.
fn severity_badge(severity: &str) -> String {
    let class = match severity {
        "critical" | "high" => "bad",
        "medium" => "warn",
        _ => "",
    };
    parts::badge(class, severity)
}

/// The position of a word in a list that begins with the most urgent.
fn rank(word: &str, order: &[&str]) -> i64 {
    order.iter().position(|candidate| *candidate == word).unwrap_or(order.len()) as i64
}

/// Writes `and 3 more places in the format json`, as a paragraph; nothing if `n` is 0.
fn write_rest(n: usize, singular: &str, out: &mut dyn Write) -> io::Result<()> {
    match n as u64 {
        0 => Ok(()),
        n => {
            let more = crate::report::humanize::count(n, singular);
            writeln!(out, "<p class=\"quiet small\">and {more} in the format json</p>")
        }
    }
}
