//! `html`: one page on the shell of an audit's page. It loads nothing; its only script sorts and filters its tables.

use std::collections::HashMap;
use std::io::{self, Write};

use super::summary;
use crate::model::{FleetLeak, FleetReport};
use crate::report::html::table::{self, Cell, Column};
use crate::report::html::{page, parts};
use crate::report::{Style, VERSION, escape, humanize};

const LEAKS: &[Column] =
    &[words("Key"), words("Rule"), words("Confidence"), words("Status"), numbers("Repositories")];
const PLACES: &[Column] = &[words("Repository"), words("Status"), words("Path"), words("Commit")];
const REPOSITORIES: &[Column] = &[words("Path"), words("Result"), numbers("Leaks"), numbers("Size")];
const PROBLEMS: &[Column] = &[words("What"), words("Why")];

const fn words(title: &'static str) -> Column {
    Column { title, is_number: false }
}

const fn numbers(title: &'static str) -> Column {
    Column { title, is_number: true }
}

pub(super) fn write(report: &FleetReport, _: &Style, out: &mut dyn Write) -> io::Result<()> {
    let heading = match report.repositories.len() {
        1 => "1 repository".to_owned(),
        many => format!("{} repositories", humanize::thousands(many as u64)),
    };
    let head = page::PageHead {
        title: &format!("{heading} – friskey fleet"),
        eyebrow: "friskey fleet",
        heading: &heading,
    };
    page::open(&head, out)?;
    let verdict = escape::xml(&summary::verdict(report));
    writeln!(out, "<p class=\"verdict {}\">{verdict}</p>", report.status().name())?;
    writeln!(out, "<section class=\"card\" aria-label=\"About this report\"><dl class=\"facts\">")?;
    write!(out, "{}", parts::fact("Coverage", &escape::xml(&summary::coverage(report))))?;
    write!(out, "{}", parts::fact("Plan", &code(&report.plan)))?;
    write!(out, "{}", parts::fact("Tool", &format!("friskey {VERSION}")))?;
    writeln!(out, "</dl></section>")?;
    leaks(report, out)?;
    problems(report, out)?;
    repositories(report, out)?;
    page::close(
        "Keys are shown by prefix and last four characters only. Whoever needs the data behind this page finds it in the \
         format json.",
        out,
    )
}

fn leaks(report: &FleetReport, out: &mut dyn Write) -> io::Result<()> {
    let open: Vec<_> = report.open_leaks().collect();
    if open.is_empty() {
        return Ok(());
    }
    writeln!(out, "<section class=\"card\" aria-label=\"Leaks\"><h2>Leaks</h2>")?;
    table::open("Each leak once, however many repositories contain it", LEAKS, out)?;
    for (number, leak) in (1..).zip(&open) {
        let count = leak.repositories.len();
        let cells = [
            Cell::html(format!("<a href=\"#leak-{number}\">{}</a>", code(&leak.redacted))),
            Cell::text(&leak.rule),
            Cell::text(&leak.confidence),
            Cell::text(&leak.status),
            Cell::text(&humanize::thousands(count as u64)).sorted_by(count as i64),
        ];
        table::row(LEAKS, &cells, out)?;
    }
    table::close(out)?;
    writeln!(out, "</section>")?;
    for (number, leak) in (1..).zip(open) {
        one_leak(number, leak, out)?;
    }
    Ok(())
}

fn one_leak(number: usize, leak: &FleetLeak, out: &mut dyn Write) -> io::Result<()> {
    let key = code(&leak.redacted);
    writeln!(out, "<section class=\"card\" id=\"leak-{number}\"><h2>{key}</h2>\n<dl class=\"facts\">")?;
    write!(out, "{}</dl>", parts::fact("Fingerprint", &code(&leak.fingerprint)))?;
    table::open("Where the key is", PLACES, out)?;
    for here in &leak.repositories {
        let findings = here.leak.get("findings").and_then(|list| list.as_array());
        let status = here.leak.get("status").and_then(|value| value.as_str()).unwrap_or_default();
        for finding in findings.into_iter().flatten() {
            let text = |name: &str| code(finding[name].as_str().unwrap_or_default());
            let cells = [
                Cell::text(&here.repository),
                Cell::text(status),
                Cell::html(text("path")),
                Cell::html(text("commit")),
            ];
            table::row(PLACES, &cells, out)?;
        }
    }
    table::close(out)?;
    writeln!(out, "</section>")
}

fn problems(report: &FleetReport, out: &mut dyn Write) -> io::Result<()> {
    if report.problems.is_empty() {
        return Ok(());
    }
    writeln!(out, "<section class=\"card\" aria-label=\"Problems\"><h2>Problems</h2>")?;
    table::open("What this report cannot vouch for", PROBLEMS, out)?;
    for problem in &report.problems {
        table::row(PROBLEMS, &[Cell::html(code(&problem.what)), Cell::text(&problem.reason)], out)?;
    }
    table::close(out)?;
    writeln!(out, "</section>")
}

fn repositories(report: &FleetReport, out: &mut dyn Write) -> io::Result<()> {
    let mut leaks: HashMap<&str, usize> = HashMap::new();
    for here in report.open_leaks().flat_map(|leak| &leak.repositories) {
        *leaks.entry(&here.repository).or_default() += 1;
    }
    writeln!(out, "<section class=\"card\" aria-label=\"Repositories\"><h2>Repositories</h2>")?;
    table::open("The repositories of the plan", REPOSITORIES, out)?;
    for one in &report.repositories {
        let count = leaks.get(&one.path[..]).copied().unwrap_or(0);
        let cells = [
            Cell::html(code(&one.path)),
            Cell::text(one.state.name()),
            Cell::text(&humanize::thousands(count as u64)).sorted_by(count as i64),
            Cell::text(&humanize::bytes(one.bytes)).sorted_by(i64::try_from(one.bytes).unwrap_or(i64::MAX)),
        ];
        table::row(REPOSITORIES, &cells, out)?;
    }
    table::close(out)?;
    writeln!(out, "</section>")
}

fn code(text: &str) -> String {
    format!("<code>{}</code>", escape::xml(text))
}
