//! Writes for a terminal what the provider says about leaked keys.

use std::io::{self, Write};

use super::{VerifiedLeak, describe_event, describe_uses, format_money, key_facts};
use crate::model::{KeyVerdict, Spending, Verification};
use crate::report::humanize::thousands;
use crate::report::{Style, escape};

/// Width of the bar of the most expensive day, in columns.
const MAX_BAR_WIDTH: f64 = 24.0;

/// Writes all leaks, then `summary`: which requests were sent to the provider.
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
        write_leak(leak, style, &mut out)?;
    }
    for line in summary {
        writeln!(out, "{}", escape::line(line))?;
    }
    out.finish()
}

fn write_leak(leak: &VerifiedLeak, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let verification = &leak.verification;
    let (rule, redacted) = (escape::line(&leak.rule), escape::line(&leak.redacted));
    let verdict = verdict_name(verification.verdict, style.color);
    writeln!(out, "{rule}: {redacted}\n  {verdict}: {}", escape::line(&verification.reason))?;
    for (index, key) in verification.keys.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        for (label, value) in key_facts(key) {
            writeln!(out, "  {label:11}  {}", escape::line(&value))?;
        }
    }
    if let Some(spending) = &verification.spending {
        write_spending(spending, out)?;
    }
    write_details(verification, out)?;
    writeln!(out, "  fingerprint  {}", escape::line(&leak.fingerprint))?;
    for note in &verification.notes {
        writeln!(out, "  note: {}", escape::line(note))?;
    }
    for step in &verification.next_steps {
        writeln!(out, "  next: {}", escape::line(step))?;
    }
    writeln!(out)
}

fn write_details(verification: &Verification, out: &mut dyn Write) -> io::Result<()> {
    for event in &verification.audit_events {
        writeln!(out, "  audit log    {}", escape::line(&describe_event(event)))?;
    }
    for line in &verification.whoami {
        writeln!(out, "  the key says {}", escape::line(line))?;
    }
    Ok(())
}

fn write_spending(spending: &Spending, out: &mut dyn Write) -> io::Result<()> {
    let (since, before) = (
        format_money(spending.since_leak, &spending.currency),
        format_money(spending.per_day_before, &spending.currency),
    );
    writeln!(
        out,
        "  spent        {since} since the leaking commit; {before} a day in the {} days before",
        spending.days_before
    )?;
    if let Some(uses) = describe_uses(spending) {
        writeln!(out, "  used for     {uses}")?;
    }
    let highest = spending.days.iter().map(|day| day.amount).fold(0.0, f64::max);
    for day in &spending.days {
        let width = if highest > 0.0 {
            (day.amount / highest * MAX_BAR_WIDTH).round().clamp(0.0, MAX_BAR_WIDTH) as usize
        } else {
            0
        };
        let remark = if day.since_leak { "" } else { "  before the leak" };
        let amount = format_money(day.amount, &spending.currency);
        let requests = thousands(day.requests);
        writeln!(
            out,
            "    {}  {amount:>10}  {requests:>9} requests  {}{remark}",
            day.date,
            "#".repeat(width)
        )?;
    }
    Ok(())
}

fn verdict_name(verdict: KeyVerdict, is_colored: bool) -> String {
    let code = match verdict {
        _ if !is_colored => return verdict.name().to_owned(),
        KeyVerdict::Dead => "32",
        verdict if verdict.is_live() => "1;31",
        _ => "33",
    };
    format!("\x1b[{code}m{}\x1b[0m", verdict.name())
}
