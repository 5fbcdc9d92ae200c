//! Writes what the provider says about a leaked key, if it was asked.

use std::io::{self, Write};

use crate::model::{KeyVerdict, Spending, Verification};
use crate::report::verification::{describe_event, describe_uses, format_money, key_facts};
use crate::report::{escape, humanize};

use super::parts;
use super::table::{self, Cell, Column};

const SPENDING_COLUMNS: &[Column] =
    &[Column::words("Day"), Column::number("Spent"), Column::number("Requests"), Column::short("")];

pub(super) fn badge(verdict: KeyVerdict) -> String {
    let class = match verdict {
        KeyVerdict::Dead => "good",
        verdict if verdict.is_live() => "bad",
        _ => "warn",
    };
    parts::badge(class, verdict.name())
}

pub(super) fn write(verification: &Verification, out: &mut dyn Write) -> io::Result<()> {
    let (verdict, reason) = (verification.verdict.name(), escape::xml(&verification.reason));
    writeln!(out, "<h3>What the provider says</h3>\n<p><strong>{verdict}</strong>: {reason}</p>")?;
    for key in &verification.keys {
        writeln!(out, "<dl class=\"facts\">")?;
        for (label, value) in key_facts(key) {
            write!(out, "{}", parts::fact(label, &escape::xml(&value)))?;
        }
        writeln!(out, "</dl>")?;
    }
    if let Some(spending) = &verification.spending {
        write_spending(spending, out)?;
    }
    let events = verification.audit_events.iter().map(|event| ("Audit log: ", describe_event(event)));
    let whoami = verification.whoami.iter().map(|line| ("The key says: ", line.clone()));
    let notes = verification.notes.iter().map(|note| ("", note.clone()));
    let steps = verification.next_steps.iter().map(|step| ("Next: ", step.clone()));
    let lines: Vec<(&str, String)> = events.chain(whoami).chain(notes).chain(steps).collect();
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(out, "<ul class=\"plain\">")?;
    for (label, text) in lines {
        writeln!(out, "<li>{label}{}</li>", parts::link_urls(&text))?;
    }
    writeln!(out, "</ul>")
}

fn write_spending(spending: &Spending, out: &mut dyn Write) -> io::Result<()> {
    let (since, before) = (
        format_money(spending.since_leak, &spending.currency),
        format_money(spending.per_day_before, &spending.currency),
    );
    writeln!(
        out,
        "<p>Spent {} since the leaking commit; {} a day in the {} before.</p>",
        escape::xml(&since),
        escape::xml(&before),
        humanize::count(u64::from(spending.days_before), "day")
    )?;
    if let Some(uses) = describe_uses(spending) {
        writeln!(out, "<p>Used for {}.</p>", escape::xml(&uses))?;
    }
    if spending.days.is_empty() {
        return Ok(());
    }
    table::open("Spending by day", SPENDING_COLUMNS, out)?;
    for day in &spending.days {
        let cells = [
            Cell::text(&day.date),
            Cell::text(&format_money(day.amount, &spending.currency)).sorted_by((day.amount * 100.0) as i64),
            Cell::text(&humanize::thousands(day.requests))
                .sorted_by(i64::try_from(day.requests).unwrap_or(i64::MAX)),
            Cell::text(if day.since_leak { "since the leak" } else { "" }),
        ];
        table::row(SPENDING_COLUMNS, &cells, out)?;
    }
    table::close(out)
}
