//! Writes the table of repositories: the state of each, when it was audited, and its leaks.

use std::collections::HashMap;
use std::io::{self, Write};

use super::code;
use crate::model::{FleetLeak, FleetReport, FleetRepository, RepositoryState};
use crate::report::fleet::summary;
use crate::report::html::parts;
use crate::report::html::table::{self, Cell, Column};
use crate::report::{humanize, labels};

const COLUMNS: &[Column] = &[
    Column::words("Repository"),
    Column::short("Result"),
    Column::number("Leaks"),
    Column::short("Audited (UTC)"),
    Column::short("HEAD"),
    Column::short("Size"),
    Column::words("Keys"),
];
/// Maximum number of keys listed for one repository.
const MAX_KEYS: usize = 20;

pub(super) fn write(report: &FleetReport, leaks: &[&FleetLeak], out: &mut dyn Write) -> io::Result<()> {
    let mut leaks_by_repository: HashMap<usize, Vec<usize>> = HashMap::new();
    for (number, leak) in (1..).zip(leaks) {
        for holder in leak.open_repositories() {
            leaks_by_repository.entry(holder.repository_index).or_default().push(number);
        }
    }
    writeln!(
        out,
        "<section class=\"card\" aria-labelledby=\"repositories\"><h2 id=\"repositories\">Repositories</h2>"
    )?;
    table::open("Every repository of the plan, with its leaks", COLUMNS, out)?;
    for (index, repository) in report.repositories.iter().enumerate() {
        let numbers = leaks_by_repository.get(&index).map(Vec::as_slice).unwrap_or_default();
        let cells = [
            Cell::html(code(&repository.path)),
            Cell::html(state_badge(repository)),
            Cell::text(&humanize::thousands(numbers.len() as u64)).sorted_by(numbers.len() as i64),
            Cell::text(&repository.started.as_deref().map(summary::minute).unwrap_or_default()),
            Cell::html(
                repository.head.as_deref().map(|id| parts::key(&labels::short_id(id))).unwrap_or_default(),
            ),
            Cell::html(format!("<span class=\"nowrap\">{}</span>", humanize::bytes(repository.bytes)))
                .sorted_by(i64::try_from(repository.bytes).unwrap_or(i64::MAX)),
            Cell::html(leak_links(numbers, leaks)),
        ];
        table::row(COLUMNS, &cells, out)?;
    }
    table::close(out)?;
    writeln!(out, "</section>")
}

/// Links to the first leaks of a repository, given by their numbers, counted from 1.
fn leak_links(numbers: &[usize], leaks: &[&FleetLeak]) -> String {
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
