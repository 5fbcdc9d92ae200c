//! For a terminal.

use std::io::{self, Write};

use super::{VerifiedLeak, event, facts, money, uses};
use crate::model::{KeyVerdict, Spending, Verification};
use crate::report::humanize::thousands;
use crate::report::{Style, escape};

/// How wide the bar of the most expensive day is, in columns.
const BAR: f64 = 24.0;

/// Writes all leaks, then what was asked (`summary`).
///
/// # Errors
/// Only what `out` itself reports.
pub fn write(
    leaks: &[VerifiedLeak],
    summary: &[String],
    style: &Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut out = escape::LineStarts::new(out);
    for leak in leaks {
        one(leak, style, &mut out)?;
    }
    for line in summary {
        writeln!(out, "{}", escape::line(line))?;
    }
    out.finish()
}

fn one(leak: &VerifiedLeak, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let verification = &leak.verification;
    let (rule, redacted) = (escape::line(&leak.rule), escape::line(&leak.redacted));
    let verdict = colored(verification.verdict, style.color);
    writeln!(out, "{rule}: {redacted}\n  {verdict}: {}", escape::line(&verification.reason))?;
    for (at, key) in verification.keys.iter().enumerate() {
        if at > 0 {
            writeln!(out)?;
        }
        for (what, value) in facts(key) {
            writeln!(out, "  {what:11}  {}", escape::line(&value))?;
        }
    }
    if let Some(spending) = &verification.spending {
        costs(spending, out)?;
    }
    details(verification, out)?;
    writeln!(out, "  fingerprint  {}", escape::line(&leak.fingerprint))?;
    for note in &verification.notes {
        writeln!(out, "  note: {}", escape::line(note))?;
    }
    for step in &verification.next_steps {
        writeln!(out, "  next: {}", escape::line(step))?;
    }
    writeln!(out)
}

fn details(verification: &Verification, out: &mut dyn Write) -> io::Result<()> {
    for one in &verification.audit_events {
        writeln!(out, "  audit log    {}", escape::line(&event(one)))?;
    }
    for line in &verification.whoami {
        writeln!(out, "  the key says {}", escape::line(line))?;
    }
    Ok(())
}

fn costs(spending: &Spending, out: &mut dyn Write) -> io::Result<()> {
    let (since, before) =
        (money(spending.since_leak, &spending.currency), money(spending.per_day_before, &spending.currency));
    writeln!(
        out,
        "  spent        {since} since the leaking commit; {before} a day in the {} days before",
        spending.days_before
    )?;
    if let Some(uses) = uses(spending) {
        writeln!(out, "  used for     {uses}")?;
    }
    let most = spending.days.iter().map(|day| day.amount).fold(0.0, f64::max);
    for day in &spending.days {
        let width = if most > 0.0 { (day.amount / most * BAR).round().clamp(0.0, BAR) as usize } else { 0 };
        let mark = if day.since_leak { "" } else { "  before the leak" };
        let amount = money(day.amount, &spending.currency);
        let requests = thousands(day.requests);
        writeln!(out, "    {}  {amount:>10}  {requests:>9} requests  {}{mark}", day.date, "#".repeat(width))?;
    }
    Ok(())
}

fn colored(verdict: KeyVerdict, color: bool) -> String {
    let code = match verdict {
        _ if !color => return verdict.name().to_owned(),
        KeyVerdict::Dead => "32",
        verdict if verdict.is_live() => "1;31",
        _ => "33",
    };
    format!("\x1b[{code}m{}\x1b[0m", verdict.name())
}
