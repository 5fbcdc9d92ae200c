//! One HTML page, which loads nothing and runs nothing.

use std::io::{self, Write};

use super::{VerifiedLeak, event, facts, money, uses};
use crate::model::{KeyVerdict, Spending};
use crate::report::escape;
use crate::report::html::page::{self, PageHead};

/// Writes the whole page.
///
/// # Errors
/// Only what `out` itself reports.
pub fn write(leaks: &[VerifiedLeak], summary: &[String], out: &mut dyn Write) -> io::Result<()> {
    let heading = PageHead { title: "friskey verify", eyebrow: "friskey verify", heading: "Leaked keys" };
    page::open(&heading, out)?;
    for line in summary {
        writeln!(out, "<p>{}</p>", escape::xml(line))?;
    }
    for leak in leaks {
        one(leak, out)?;
    }
    page::close("Keys are shown by prefix and last four characters only.", out)
}

fn one(leak: &VerifiedLeak, out: &mut dyn Write) -> io::Result<()> {
    let verification = &leak.verification;
    let class = match verification.verdict {
        KeyVerdict::Dead => "good",
        verdict if verdict.is_live() => "bad",
        _ => "warn",
    };
    let (rule, redacted) = (escape::xml(&leak.rule), escape::xml(&leak.redacted));
    writeln!(out, "<article class=\"card\">\n<h2>{rule} <code>{redacted}</code></h2>")?;
    let (verdict, reason) = (verification.verdict.name(), escape::xml(&verification.reason));
    writeln!(out, "<p><span class=\"badge {class}\">{verdict}</span> {reason}</p>")?;
    writeln!(out, "<dl class=\"facts\">\n<dt>Fingerprint</dt><dd>{}</dd>", escape::xml(&leak.fingerprint))?;
    for (what, value) in verification.keys.iter().flat_map(facts) {
        writeln!(out, "<dt>{what}</dt><dd>{}</dd>", escape::xml(&value))?;
    }
    writeln!(out, "</dl>")?;
    if let Some(spending) = &verification.spending {
        costs(spending, out)?;
    }
    let events = verification.audit_events.iter().map(|one| ("Audit log", event(one)));
    let whoami = verification.whoami.iter().map(|line| ("The key says", line.clone()));
    let notes = verification.notes.iter().map(|note| ("Note", note.clone()));
    let steps = verification.next_steps.iter().map(|step| ("Next", step.clone()));
    writeln!(out, "<ul>")?;
    for (what, text) in events.chain(whoami).chain(notes).chain(steps) {
        writeln!(out, "<li>{what}: {}</li>", escape::xml(&text))?;
    }
    writeln!(out, "</ul>\n</article>")
}

fn costs(spending: &Spending, out: &mut dyn Write) -> io::Result<()> {
    let (since, before) =
        (money(spending.since_leak, &spending.currency), money(spending.per_day_before, &spending.currency));
    writeln!(
        out,
        "<p>Spent {} since the leaking commit; {} a day in the {} days before.</p>",
        escape::xml(&since),
        escape::xml(&before),
        spending.days_before
    )?;
    if let Some(uses) = uses(spending) {
        writeln!(out, "<p>Used for {}.</p>", escape::xml(&uses))?;
    }
    writeln!(out, "<table>\n<tr><th>Day</th><th>Spent</th><th>Requests</th><th></th></tr>")?;
    for day in &spending.days {
        let mark = if day.since_leak { "" } else { "before the leak" };
        let amount = money(day.amount, &spending.currency);
        writeln!(
            out,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{mark}</td></tr>",
            escape::xml(&day.date),
            escape::xml(&amount),
            day.requests
        )?;
    }
    writeln!(out, "</table>")
}
