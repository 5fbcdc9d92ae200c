//! Writes the receipt: what was scanned, what was not and why, what was left out, and what is accepted.

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::model::{Coverage, Report, Suppression};
use crate::report::{escape, humanize, labels, receipt};

use super::parts;

/// Maximum number of listed skips, ignored things and accepted places.
const MAX_LISTED: usize = 10_000;
/// Maximum number of names or lines of one list that are not folded.
const MAX_UNFOLDED: usize = 20;

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    write_accepted(report, out)?;
    writeln!(out, "<section class=\"card\" aria-labelledby=\"coverage\"><h2 id=\"coverage\">Coverage</h2>")?;
    let coverage = report.coverage();
    write_counts(coverage, out)?;
    let remarks = receipt::remarks(report);
    if !remarks.is_empty() {
        writeln!(out, "<h3>Notes</h3>\n<ul class=\"plain\">")?;
        for remark in remarks {
            writeln!(out, "<li>{}</li>", escape::xml(&remark))?;
        }
        writeln!(out, "</ul>")?;
    }
    write_skipped(coverage, out)?;
    write_left_out(report, out)?;
    writeln!(out, "</section>")
}

fn write_counts(coverage: &Coverage, out: &mut dyn Write) -> io::Result<()> {
    let counts = [
        ("Files", coverage.files),
        ("Commits", coverage.commits),
        ("Blobs", coverage.blobs),
        ("Refs", coverage.refs),
    ];
    writeln!(out, "<dl class=\"facts\">")?;
    for (name, count) in counts.into_iter().filter(|&(_, count)| count > 0) {
        write!(out, "{}", parts::fact(name, &humanize::thousands(count)))?;
    }
    write!(out, "{}", parts::fact("Bytes", &humanize::bytes(coverage.bytes)))?;
    let surfaces: Vec<_> = coverage.surfaces.iter().map(|surface| surface.name()).collect();
    write!(out, "{}", parts::fact("Surfaces", &surfaces.join(", ")))?;
    writeln!(out, "</dl>")
}

/// Writes what could not be scanned, grouped by reason.
fn write_skipped(coverage: &Coverage, out: &mut dyn Write) -> io::Result<()> {
    let skipped = &coverage.skipped;
    if skipped.is_empty() {
        return writeln!(out, "<h3>Not scanned</h3>\n<p>Nothing was skipped.</p>");
    }
    let mut by_reason: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for skip in skipped.iter().take(MAX_LISTED) {
        by_reason.entry(&skip.reason).or_default().push(&skip.what);
    }
    writeln!(out, "<h3>Not scanned: {}</h3>", humanize::count(skipped.len() as u64, "thing"))?;
    writeln!(
        out,
        "<table class=\"rows\" role=\"table\"><thead role=\"rowgroup\"><tr role=\"row\"><th scope=\"col\" role=\"columnheader\">Reason</th>"
    )?;
    writeln!(
        out,
        "<th scope=\"col\" role=\"columnheader\">What</th></tr></thead>\n<tbody role=\"rowgroup\">"
    )?;
    for (reason, names) in by_reason {
        write!(out, "<tr role=\"row\"><td role=\"cell\">{}</td>", escape::xml(reason))?;
        writeln!(out, "<td role=\"cell\" data-label=\"What\">{}</td></tr>", fold_names(&names))?;
    }
    writeln!(out, "</tbody></table>")?;
    match skipped.len().saturating_sub(MAX_LISTED) as u64 {
        0 => Ok(()),
        rest => writeln!(out, "<p>and {} not scanned</p>", humanize::count(rest, "more thing")),
    }
}

/// Names, one per line. Those after the first [`MAX_UNFOLDED`] are folded.
fn fold_names(names: &[&str]) -> String {
    let line = |name: &&str| format!("<code><bdi>{}</bdi></code>", escape::xml(name));
    let unfolded = if names.len() <= MAX_UNFOLDED + 1 { names.len() } else { MAX_UNFOLDED };
    let mut html = names[..unfolded].iter().map(line).collect::<Vec<_>>().join("<br>");
    if names.len() > unfolded {
        let rest = names[unfolded..].iter().map(line).collect::<Vec<_>>().join("<br>");
        let more = humanize::count((names.len() - unfolded) as u64, "more thing");
        html.push_str(&format!("<details><summary>{more}</summary>{rest}</details>"));
    }
    html
}

/// Writes what was left out on purpose.
fn write_left_out(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let lines = receipt::ignored_list(report, MAX_LISTED);
    if lines.is_empty() {
        return Ok(());
    }
    let total = humanize::count(report.coverage().ignored.len(), "thing");
    writeln!(out, "<h3>Ignored or accepted on purpose: {total}</h3>")?;
    let unfolded = if lines.len() <= MAX_UNFOLDED + 1 { lines.len() } else { MAX_UNFOLDED };
    let list = |lines: &[String], out: &mut dyn Write| {
        writeln!(out, "<ul class=\"plain\">")?;
        lines.iter().try_for_each(|line| writeln!(out, "<li>{}</li>", escape::xml(line)))?;
        writeln!(out, "</ul>")
    };
    list(&lines[..unfolded], out)?;
    if lines.len() > unfolded {
        writeln!(out, "<details><summary>{} more</summary>", lines.len() - unfolded)?;
        list(&lines[unfolded..], out)?;
        writeln!(out, "</details>")?;
    }
    Ok(())
}

/// Writes every suppressed finding, what accepts it, and the reason.
fn write_accepted(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let findings =
        report.leaks().iter().flat_map(|leak| leak.findings.iter().map(move |finding| (leak, finding)));
    let mut accepted =
        findings.filter_map(|(leak, finding)| Some((leak, finding, finding.suppressed.as_ref()?)));
    let Some(first) = accepted.next() else { return Ok(()) };
    writeln!(out, "<section class=\"card\" aria-labelledby=\"accepted\"><h2 id=\"accepted\">Accepted</h2>")?;
    writeln!(
        out,
        "<table class=\"rows sortable\" role=\"table\"><thead role=\"rowgroup\"><tr role=\"row\">"
    )?;
    for title in ["Key", "Place", "By", "Reason"] {
        write!(out, "<th scope=\"col\" role=\"columnheader\">{title}</th>")?;
    }
    writeln!(out, "</tr></thead>\n<tbody role=\"rowgroup\">")?;
    for (leak, finding, Suppression { source, reason, .. }) in
        std::iter::once(first).chain(accepted).take(MAX_LISTED)
    {
        let redacted = escape::xml(&leak.detected_key.secret.redacted());
        let position = escape::xml(&labels::position(finding));
        let (source, reason) = (escape::xml(source), escape::xml(reason.as_deref().unwrap_or("none given")));
        write!(out, "<tr role=\"row\"><th scope=\"row\" role=\"rowheader\"><code>{redacted}</code></th>")?;
        write!(out, "<td role=\"cell\" data-label=\"Place\"><code><bdi>{position}</bdi></code></td>")?;
        write!(out, "<td role=\"cell\" data-label=\"By\">{source}</td>")?;
        writeln!(out, "<td role=\"cell\" data-label=\"Reason\">{reason}</td></tr>")?;
    }
    writeln!(out, "</tbody></table></section>")
}
