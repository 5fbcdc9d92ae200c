//! The head of the page: what was scanned, how, and the verdict.

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
    let verdict = escape::xml(&receipt::verdict(report));
    writeln!(out, "<p class=\"verdict {}\">{verdict}</p>", report.status().name())?;
    if let Some(states) = states(view) {
        writeln!(out, "<p class=\"lead\">{}</p>", escape::xml(&states))?;
    }
    writeln!(out, "<section class=\"card\" aria-label=\"About this report\"><dl class=\"facts\">")?;
    if let Some(repository) = report.repository() {
        repository_facts(view, repository, out)?;
    }
    if report.repository().is_none() {
        write!(out, "{}", fact_in_code("Directory", report.directory()))?;
    }
    let command = humanize::command_line(report.command_line());
    write!(out, "{}", fact_in_code("Command", &command))?;
    let began = clock::utc(report.started()).replace('T', " ");
    let when = format!("{began} UTC, in {}", humanize::elapsed(report.elapsed_seconds()));
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
    let asked: Vec<String> = view.summary.iter().map(|line| escape::xml(line)).collect();
    write!(out, "{}", parts::fact("Provider", &asked.join("<br>")))?;
    let checked = view.leaks.iter().filter_map(|leak| Some(leak.verification.as_ref()?.checked_at)).max();
    if let Some(checked) = checked {
        let when = format!("{} UTC", clock::utc(checked).replace('T', " "));
        write!(out, "{}", parts::fact("Verified", &escape::xml(&when)))?;
    }
    writeln!(out, "</dl></section>")
}

/// `2 keys are still present; 1 is removed, but still in the history.`, or `None` without leaks.
fn states(view: &PageView<'_>) -> Option<String> {
    let phrases = [
        (LeakStatus::Present, "still present"),
        (LeakStatus::Unknown, "in files whose history was not scanned"),
        (LeakStatus::Removed, "removed, but still in the history"),
        (LeakStatus::Unreachable, "unreachable: no ref leads to it, but it is still in the repository"),
    ];
    let mut sentence = Vec::new();
    for (status, phrase) in phrases {
        match view.leaks.iter().filter(|leak| leak.status == status).count() {
            0 => {}
            n => {
                let verb = if n == 1 { "is" } else { "are" };
                let what = if sentence.is_empty() {
                    humanize::count(n as u64, "key")
                } else {
                    humanize::thousands(n as u64)
                };
                sentence.push(format!("{what} {verb} {phrase}"));
            }
        }
    }
    (!sentence.is_empty()).then(|| format!("{}.", sentence.join("; ")))
}

fn repository_facts(view: &PageView<'_>, repository: &RepositoryInfo, out: &mut dyn Write) -> io::Result<()> {
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

fn fact_in_code(name: &str, value: &str) -> String {
    let value = escape::xml(value);
    parts::fact(name, &if value.is_empty() { value } else { format!("<code>{value}</code>") })
}

/// What was scanned, in a few words: the path of a repository at its host, or the name of its directory.
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
    let at_host = repository.url.as_deref().and_then(|url| url.split("://").nth(1)?.split_once('/'));
    let at_host = at_host.map(|(_, path)| path.trim_matches('/')).filter(|path| !path.is_empty());
    match at_host {
        Some(path) => path.strip_suffix(".git").unwrap_or(path).to_owned(),
        None => {
            let name = repository.path.rsplit(['/', '\\']).find(|part| !part.is_empty() && *part != ".git");
            name.unwrap_or("repository").to_owned()
        }
    }
}
