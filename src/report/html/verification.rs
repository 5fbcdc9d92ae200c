//! The provider's verdict on a leak, if it was requested.

use std::io::{self, Write};

use crate::model::{KeyVerdict, Spending, Verification};
use crate::report::verification::{event, facts, money, uses};
use crate::report::{escape, humanize};

use super::parts;
use super::table::{self, Cell, Column};

const DAYS: &[Column] =
    &[Column::words("Day"), Column::number("Spent"), Column::number("Requests"), Column::short("")];

pub(super) fn badge(verdict: KeyVerdict) -> String {
    let class = match verdict {
        KeyVerdict::Dead => "good",
        verdict if verdict.is_live() => "bad",
        _ => "warn",
    };
    parts::badge(class, verdict.name())
}

pub(super) fn write(found: &Verification, out: &mut dyn Write) -> io::Result<()> {
    let (verdict, reason) = (found.verdict.name(), escape::xml(&found.reason));
    writeln!(out, "<h3>What the provider says</h3>\n<p><strong>{verdict}</strong>: {reason}</p>")?;
    for key in &found.keys {
        writeln!(out, "<dl class=\"facts\">")?;
        for (what, value) in facts(key) {
            write!(out, "{}", parts::fact(what, &escape::xml(&value)))?;
        }
        writeln!(out, "</dl>")?;
    }
    if let Some(spending) = &found.spending {
        costs(spending, out)?;
    }
    let events = found.audit_events.iter().map(|one| ("Audit log: ", event(one)));
    let whoami = found.whoami.iter().map(|line| ("The key says: ", line.clone()));
    let notes = found.notes.iter().map(|note| ("", note.clone()));
    let steps = found.next_steps.iter().map(|step| ("Next: ", step.clone()));
    let lines: Vec<(&str, String)> = events.chain(whoami).chain(notes).chain(steps).collect();
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(out, "<ul class=\"plain\">")?;
    for (what, text) in lines {
        writeln!(out, "<li>{what}{}</li>", parts::linked(&text))?;
    }
    writeln!(out, "</ul>")
}

fn costs(spending: &Spending, out: &mut dyn Write) -> io::Result<()> {
    let (since, before) =
        (money(spending.since_leak, &spending.currency), money(spending.per_day_before, &spending.currency));
    writeln!(
        out,
        "<p>Spent {} since the leaking commit; {} a day in the {} before.</p>",
        escape::xml(&since),
        escape::xml(&before),
        humanize::count(u64::from(spending.days_before), "day")
    )?;
    if let Some(uses) = uses(spending) {
        writeln!(out, "<p>Used for {}.</p>", escape::xml(&uses))?;
    }
    if spending.days.is_empty() {
        return Ok(());
    }
    table::open("Spending by day", DAYS, out)?;
    for day in &spending.days {
        let cells = [
            Cell::text(&day.date),
            Cell::text(&money(day.amount, &spending.currency)).sorted_by((day.amount * 100.0) as i64),
            Cell::text(&humanize::thousands(day.requests))
                .sorted_by(i64::try_from(day.requests).unwrap_or(i64::MAX)),
            Cell::text(if day.since_leak { "since the leak" } else { "" }),
        ];
        table::row(DAYS, &cells, out)?;
    }
    table::close(out)
}
