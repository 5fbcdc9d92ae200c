//! The head of the page: what was scanned, how, and the outcome.

use std::io::{self, Write};

use crate::model::{LeakStatus, Report, RepositoryInfo, Surface};
use crate::report::{clock, escape, humanize, receipt};

use super::{PageView, page, parts};

pub(super) fn write(view: &PageView<'_>, out: &mut dyn Write) -> io::Result<()> {
    let report = view.report;
    let name = subject(report);
    let eyebrow = format!("friskey {}", report.command());
    let head = page::PageHead { title: &format!("{name} – {eyebrow}"), eyebrow: &eyebrow, heading: &name };
    page::open(&head, out)?;
    let outcome = escape::xml(&receipt::outcome(report));
    writeln!(out, "<p class=\"outcome {}\">{outcome}</p>", report.status().name())?;
    if let Some(sentence) = count_by_status(view) {
        writeln!(out, "<p class=\"lead\">{}</p>", escape::xml(&sentence))?;
    }
    writeln!(out, "<section class=\"card\" aria-label=\"About this report\"><dl class=\"facts\">")?;
    if let Some(repository) = report.repository() {
        write_repository_facts(view, repository, out)?;
    }
    if report.repository().is_none() {
        write!(out, "{}", fact_in_code("Directory", report.directory()))?;
    }
    let command = humanize::command_line(report.command_line());
    write!(out, "{}", fact_in_code("Command", &command))?;
    let start = clock::utc(report.started()).replace('T', " ");
    let when = format!("{start} UTC, in {}", humanize::human_duration(report.elapsed_seconds()));
    write!(out, "{}", parts::fact("Scanned", &escape::xml(&when)))?;
    let version = env!("CARGO_PKG_VERSION");
    let (digest, rules) = (report.rules_digest(), report.rules().len() as u64);
    let tool = format!(
        "friskey {version} with {} <code>{}</code>",
        humanize::count(rules, "rule"),
        escape::xml(digest.get(..16).unwrap_or(digest))
    );
    write!(out, "{}", parts::fact("Tool", &tool))?;
    write!(out, "{}", parts::fact("Coverage", &escape::xml(&receipt::coverage(report))))?;
    let requests: Vec<String> = view.summary.iter().map(|line| escape::xml(line)).collect();
    write!(out, "{}", parts::fact("Provider", &requests.join("<br>")))?;
    let verified_at = view.leaks.iter().filter_map(|leak| Some(leak.verification.as_ref()?.checked_at)).max();
    if let Some(seconds) = verified_at {
        let when = format!("{} UTC", clock::utc(seconds).replace('T', " "));
        write!(out, "{}", parts::fact("Verified", &escape::xml(&when)))?;
    }
    writeln!(out, "</dl></section>")
}

/// `2 keys are still present; 1 is removed, but still in the history.`; `None` without leaks.
fn count_by_status(view: &PageView<'_>) -> Option<String> {
    let phrases = [
        (LeakStatus::Present, "still present"),
        (LeakStatus::Unknown, "in files whose history was not scanned"),
        (LeakStatus::Removed, "removed, but still in the history"),
        (LeakStatus::Unreachable, "unreachable: no ref leads to it, but it is still in the repository"),
    ];
    let mut clauses = Vec::new();
    for (status, phrase) in phrases {
        match view.leaks.iter().filter(|leak| leak.status == status).count() {
            0 => {}
            n => {
                let verb = if n == 1 { "is" } else { "are" };
                let keys = if clauses.is_empty() {
                    humanize::count(n as u64, "key")
                } else {
                    humanize::thousands(n as u64)
                };
                clauses.push(format!("{keys} {verb} {phrase}"));
            }
        }
    }
    (!clauses.is_empty()).then(|| format!("{}.", clauses.join("; ")))
}

fn write_repository_facts(
    view: &PageView<'_>,
    repository: &RepositoryInfo,
    out: &mut dyn Write,
) -> io::Result<()> {
    if let Some(url) = &repository.url {
        write!(out, "{}", parts::fact("Remote", &parts::link(Some(url), &escape::xml(url))))?;
    }
    write!(out, "{}", fact_in_code("Repository", &repository.path))?;
    let branch = repository.branch.as_deref().map(|branch| format!(" on <bdi>{}</bdi>", escape::xml(branch)));
    let commit = repository.head.as_deref().map(|id| parts::commit(view.links.as_ref(), id));
    let head = match commit {
        Some(commit) => format!("{commit}{}", branch.unwrap_or_default()),
        None => "no commit yet".to_owned(),
    };
    write!(out, "{}", parts::fact("HEAD", &head))?;
    let refs = view.report.coverage().refs;
    let refs = if refs > 0 { humanize::count(refs, "ref") } else { String::new() };
    write!(out, "{}", parts::fact("Refs", &refs))
}

/// A row of a list of facts whose value is shown as code.
fn fact_in_code(name: &str, value: &str) -> String {
    let value = escape::xml(value);
    parts::fact(name, &if value.is_empty() { value } else { format!("<code>{value}</code>") })
}

/// What was scanned, as a heading: the path of a repository at its host, or else the name of a directory.
fn subject(report: &Report) -> String {
    let Some(repository) = report.repository() else {
        let surfaces = &report.coverage().surfaces;
        let is_stdin = surfaces.len() == 1 && surfaces.contains(&Surface::Stdin);
        let directory = report.directory().rsplit(['/', '\\']).next().unwrap_or_default();
        return match directory {
            _ if is_stdin => "Standard input".to_owned(),
            "" => "Files".to_owned(),
            directory => format!("Files in {directory}"),
        };
    };
    let path_at_host = repository.url.as_deref().and_then(|url| url.split("://").nth(1)?.split_once('/'));
    let path_at_host = path_at_host.map(|(_, path)| path.trim_matches('/')).filter(|path| !path.is_empty());
    match path_at_host {
        Some(path) => path.strip_suffix(".git").unwrap_or(path).to_owned(),
        None => {
            let name = repository.path.rsplit(['/', '\\']).find(|part| !part.is_empty() && *part != ".git");
            name.unwrap_or("repository").to_owned()
        }
    }
}
