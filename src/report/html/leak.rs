//! One leak on the page: its facts, its history and its places.

use std::io::{self, Write};

use crate::model::{Change, Excerpt, Finding, Leak, Report};
use crate::report::{escape, humanize, labels};

use super::class;

/// The most places and commits listed for one leak.
const MAX_LISTED: usize = 1_000;

pub(super) fn write(report: &Report, leak: &Leak, out: &mut dyn Write) -> io::Result<()> {
    let identified = &leak.identified;
    let (title, redacted) =
        (escape::xml(&labels::title(report, leak)), escape::xml(&identified.secret.redacted()));
    let class = class(labels::effective_severity(report, leak));
    writeln!(out, "<article>\n<h2 class=\"{class}\">{title} <code>{redacted}</code></h2>")?;
    facts(leak, out)?;
    changes("Introduced", &leak.introduced, out)?;
    changes("Removed", &leak.removed, out)?;
    places(leak, out)?;
    writeln!(out, "</article>")
}

fn facts(leak: &Leak, out: &mut dyn Write) -> io::Result<()> {
    let identified = &leak.identified;
    writeln!(out, "<dl>")?;
    fact("Rule", &identified.rule, out)?;
    let evidence = match identified.evidence.join(", ") {
        list if list.is_empty() => list,
        list => format!(": {list}"),
    };
    fact("Confidence", &format!("{}{evidence}", identified.confidence), out)?;
    fact("Status", leak.status.name(), out)?;
    fact("Length", &humanize::count(identified.secret.len() as u64, "byte"), out)?;
    fact("Fingerprint", &identified.fingerprint.to_string(), out)?;
    fact("At the tip of", &leak.reachability.refs_at_tip.join(", "), out)?;
    fact("In the history of", &leak.reachability.refs_in_history.join(", "), out)?;
    fact("Held by", &leak.reachability.held_by.join(", "), out)?;
    fact("Exposed for", &leak.exposed_seconds.map(humanize::duration).unwrap_or_default(), out)?;
    writeln!(out, "</dl>")
}

/// One line of the list; nothing if the value is empty.
fn fact(name: &str, value: &str, out: &mut dyn Write) -> io::Result<()> {
    if value.is_empty() {
        return Ok(());
    }
    writeln!(out, "<dt>{name}</dt><dd>{}</dd>", escape::xml(value))
}

fn changes(title: &str, changes: &[Change], out: &mut dyn Write) -> io::Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    writeln!(out, "<h3>{title}</h3>\n<table>")?;
    for change in changes.iter().take(MAX_LISTED) {
        let commit = escape::xml(&change.commit);
        let (date, author) =
            (escape::xml(&change.date), escape::xml(&labels::author(change).unwrap_or_default()));
        let path = change.path.as_deref().map(escape::path).unwrap_or_default();
        writeln!(out, "<tr><td><code>{commit}</code></td><td>{date}</td><td>{author}</td>")?;
        writeln!(out, "<td><code>{}</code></td></tr>", escape::xml(&path))?;
    }
    writeln!(out, "</table>")?;
    more(changes.len(), "more commit", out)
}

fn places(leak: &Leak, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<h3>Places</h3>\n<table>")?;
    for finding in labels::open_findings(leak).take(MAX_LISTED) {
        one_place(finding, out)?;
    }
    writeln!(out, "</table>")?;
    more(labels::open_findings(leak).count(), "more place", out)
}

fn one_place(finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
    let details = escape::xml(&labels::details(finding).join("; "));
    write!(out, "<tr><td><code>{}</code>", escape::xml(&labels::position(finding)))?;
    if !details.is_empty() {
        write!(out, " <small>{details}</small>")?;
    }
    if let Some(text) = &finding.excerpt {
        write!(out, "{}", excerpt(text))?;
    }
    writeln!(out, "</td></tr>")
}

/// The redacted line with the key highlighted, if the positions fit the text.
fn excerpt(excerpt: &Excerpt) -> String {
    let text = &excerpt.text;
    let parts = (text.get(..excerpt.start), text.get(excerpt.start..excerpt.end), text.get(excerpt.end..));
    match parts {
        (Some(before), Some(key), Some(after)) => {
            let [before, key, after] = [before, key, after].map(escape::xml);
            format!("<pre>{before}<mark>{key}</mark>{after}</pre>")
        }
        _ => format!("<pre>{}</pre>", escape::xml(text)),
    }
}

fn more(total: usize, what: &str, out: &mut dyn Write) -> io::Result<()> {
    match total.saturating_sub(MAX_LISTED) as u64 {
        0 => Ok(()),
        rest => writeln!(out, "<p>and {}</p>", humanize::count(rest, what)),
    }
}
