//! `html`: one page on the shell of an audit's page. It loads nothing; its only script sorts and filters its tables.

use std::collections::HashMap;
use std::io::{self, Write};

use super::places;
use super::summary;
use crate::model::{Confidence, FleetLeak, FleetReport, FleetRepository, RepositoryState};
use crate::report::html::table::{self, Cell, Column};
use crate::report::html::{page, parts};
use crate::report::{Style, VERSION, escape, humanize};

const LEAKS: &[Column] = &[
    Column::words("Key"),
    Column::short("State"),
    Column::short("Confidence"),
    Column::short("Exposed for"),
    Column::number("Repositories"),
    Column::number("Places"),
];
const REPOSITORIES: &[Column] = &[
    Column::words("Repository"),
    Column::short("Result"),
    Column::number("Leaks"),
    Column::short("Size"),
    Column::words("Keys"),
];
const IGNORED: &[Column] = &[
    Column::words("What"),
    Column::words("By"),
    Column::words("Included by"),
    Column::number("Repositories"),
];
const PROBLEMS: &[Column] = &[Column::words("What"), Column::words("Why")];
/// The most keys that are named beside one repository.
const MAX_KEYS: usize = 20;

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
    let rules: Vec<String> =
        report.rules.iter().map(|digest| code(digest.get(..16).unwrap_or(digest))).collect();
    write!(out, "{}", parts::fact("Tool", &format!("friskey {VERSION}")))?;
    write!(out, "{}", parts::fact("Rules", &rules.join(", ")))?;
    writeln!(out, "</dl></section>")?;
    let leaks: Vec<&FleetLeak> = report.open_leaks().collect();
    write_leaks(&leaks, out)?;
    write_problems(report, out)?;
    write_ignored(report, out)?;
    write_repositories(report, &leaks, out)?;
    for (number, leak) in (1..).zip(leaks) {
        places::write(number, leak, out)?;
    }
    page::close(
        "Keys are shown by prefix and last four characters only. The format json has the data behind this page.",
        out,
    )
}

fn write_leaks(leaks: &[&FleetLeak], out: &mut dyn Write) -> io::Result<()> {
    if leaks.is_empty() {
        return Ok(());
    }
    writeln!(out, "<section class=\"card\" aria-labelledby=\"leaks\"><h2 id=\"leaks\">Leaks</h2>")?;
    table::open("Each key once, however many repositories contain it", LEAKS, out)?;
    for (number, leak) in (1..).zip(leaks) {
        let count = |n: usize| Cell::text(&humanize::thousands(n as u64)).sorted_by(n as i64);
        let (rule, key) = (escape::xml(&leak.rule), parts::key(&leak.redacted));
        let exposed = leak.exposed_seconds.map(humanize::duration).unwrap_or_default();
        let cells = [
            Cell::html(format!("<a href=\"#leak-{number}\">{key}</a> {rule}")),
            Cell::html(parts::status_badge_of(&leak.status)).sorted_by(status_rank(&leak.status)),
            Cell::text(&leak.confidence).sorted_by(-confidence_rank(&leak.confidence)),
            Cell::text(&exposed).sorted_by(
                leak.exposed_seconds.map_or(-1, |seconds| i64::try_from(seconds).unwrap_or(i64::MAX)),
            ),
            count(leak.open_repositories().count()),
            count(places::total(leak)),
        ];
        table::row(LEAKS, &cells, out)?;
    }
    table::close(out)?;
    writeln!(out, "</section>")
}

/// The order of states: the most urgent first.
fn status_rank(status: &str) -> i64 {
    let ranks = ["present", "unknown", "removed", "unreachable"];
    ranks.iter().position(|name| *name == status).unwrap_or(ranks.len()) as i64
}

fn confidence_rank(confidence: &str) -> i64 {
    Confidence::ALL.iter().position(|level| level.name() == confidence).unwrap_or(0) as i64
}

fn write_problems(report: &FleetReport, out: &mut dyn Write) -> io::Result<()> {
    if report.problems.is_empty() {
        return Ok(());
    }
    writeln!(out, "<section class=\"card\" aria-labelledby=\"problems\"><h2 id=\"problems\">Problems</h2>")?;
    table::open("Why this report is incomplete", PROBLEMS, out)?;
    for problem in &report.problems {
        table::row(PROBLEMS, &[Cell::html(code(&problem.what)), Cell::text(&problem.reason)], out)?;
    }
    table::close(out)?;
    writeln!(out, "</section>")
}

fn write_ignored(report: &FleetReport, out: &mut dyn Write) -> io::Result<()> {
    if report.ignored.is_empty() {
        return Ok(());
    }
    writeln!(out, "<section class=\"card\" aria-labelledby=\"ignored\"><h2 id=\"ignored\">Left out</h2>")?;
    table::open("What options, configuration and rules left out", IGNORED, out)?;
    for one in &report.ignored {
        let holders = i64::try_from(one.repositories).unwrap_or(i64::MAX);
        let cells = [
            Cell::html(code(&one.what)),
            Cell::text(&one.by),
            Cell::html(code(&one.include_with)),
            Cell::text(&humanize::thousands(one.repositories)).sorted_by(holders),
        ];
        table::row(IGNORED, &cells, out)?;
    }
    table::close(out)?;
    writeln!(out, "</section>")
}

fn write_repositories(report: &FleetReport, leaks: &[&FleetLeak], out: &mut dyn Write) -> io::Result<()> {
    let mut found: HashMap<&str, Vec<usize>> = HashMap::new();
    for (number, leak) in (1..).zip(leaks) {
        for here in leak.open_repositories() {
            found.entry(&here.repository).or_default().push(number);
        }
    }
    writeln!(
        out,
        "<section class=\"card\" aria-labelledby=\"repositories\"><h2 id=\"repositories\">Repositories</h2>"
    )?;
    table::open("Every repository of the plan, with its leaks", REPOSITORIES, out)?;
    for one in &report.repositories {
        let numbers = found.get(&one.path[..]).map(Vec::as_slice).unwrap_or_default();
        let cells = [
            Cell::html(code(&one.path)),
            Cell::html(state_badge(one)),
            Cell::text(&humanize::thousands(numbers.len() as u64)).sorted_by(numbers.len() as i64),
            Cell::html(format!("<span class=\"nowrap\">{}</span>", humanize::bytes(one.bytes)))
                .sorted_by(i64::try_from(one.bytes).unwrap_or(i64::MAX)),
            Cell::html(keys(numbers, leaks)),
        ];
        table::row(REPOSITORIES, &cells, out)?;
    }
    table::close(out)?;
    writeln!(out, "</section>")
}

/// Links to the first leaks of a repository.
fn keys(numbers: &[usize], leaks: &[&FleetLeak]) -> String {
    let link = |number: &usize| {
        let key = leaks.get(number - 1).map(|leak| parts::key(&leak.redacted)).unwrap_or_default();
        format!("<a href=\"#leak-{number}\">{key}</a>")
    };
    let mut html = numbers.iter().take(MAX_KEYS).map(link).collect::<Vec<_>>().join(", ");
    if numbers.len() > MAX_KEYS {
        html.push_str(&format!(" and {} more", humanize::thousands((numbers.len() - MAX_KEYS) as u64)));
    }
    html
}

fn state_badge(repository: &FleetRepository) -> String {
    let class = match repository.state {
        RepositoryState::Findings => "bad",
        RepositoryState::Incomplete | RepositoryState::Failed | RepositoryState::Missing => "warn",
        RepositoryState::Clean => "good",
    };
    parts::badge(class, repository.state.name())
}

fn code(text: &str) -> String {
    format!("<code><bdi>{}</bdi></code>", escape::xml(text))
}
