//! `html`: one page. Like the page of a single audit it loads nothing and runs nothing.

use std::io::{self, Write};

use super::summary;
use crate::model::{FleetLeak, FleetReport};
use crate::report::{Style, VERSION, escape, html::STYLE, humanize};

pub(super) fn write(report: &FleetReport, _: &Style, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">")?;
    let policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";
    writeln!(out, "<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">")?;
    writeln!(out, "<meta name=\"referrer\" content=\"no-referrer\">")?;
    writeln!(out, "<meta name=\"viewport\" content=\"width=device-width\">")?;
    writeln!(
        out,
        "<title>friskey fleet</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<h1>friskey fleet</h1>"
    )?;
    let (verdict, status) = (escape::xml(&summary::verdict(report)), report.status().name());
    writeln!(out, "<p class=\"verdict {status}\">{verdict}</p>")?;
    writeln!(out, "<p>{}.</p>", escape::xml(&summary::coverage(report)))?;
    let plan = escape::xml(&report.plan);
    writeln!(out, "<p><small>Version \"{VERSION}\", plan <code>{plan}</code>.")?;
    writeln!(out, "Keys are shown by prefix and last four characters only.</small></p>")?;
    for leak in report.open_leaks() {
        write_leak(leak, out)?;
    }
    problems(report, out)?;
    repositories(report, out)?;
    writeln!(out, "</body>\n</html>")
}

fn write_leak(leak: &FleetLeak, out: &mut dyn Write) -> io::Result<()> {
    let (redacted, rule) = (escape::xml(&leak.redacted), escape::xml(&leak.rule));
    writeln!(out, "<section class=\"findings\">\n<h2><code>{redacted}</code></h2>")?;
    let (confidence, status) = (escape::xml(&leak.confidence), escape::xml(&leak.status));
    writeln!(out, "<p>{rule}, {confidence} confidence, {status}.</p>")?;
    writeln!(out, "<p><small>Fingerprint <code>{}</code></small></p>", escape::xml(&leak.fingerprint))?;
    writeln!(out, "<table>\n<tr><th>Repository</th><th>Status</th><th>Path</th><th>Commit</th></tr>")?;
    for here in &leak.repositories {
        let findings =
            here.leak.get("findings").and_then(|list| list.as_array()).map_or(&[][..], Vec::as_slice);
        let status = here.leak.get("status").and_then(|value| value.as_str()).unwrap_or_default();
        for finding in findings {
            let text = |name: &str| escape::xml(finding[name].as_str().unwrap_or_default());
            writeln!(
                out,
                "<tr><td>{}</td><td>{}</td><td><code>{}</code></td><td><code>{}</code></td></tr>",
                escape::xml(&here.repository),
                escape::xml(status),
                text("path"),
                text("commit"),
            )?;
        }
    }
    writeln!(out, "</table>\n</section>")
}

fn problems(report: &FleetReport, out: &mut dyn Write) -> io::Result<()> {
    if report.problems.is_empty() {
        return Ok(());
    }
    writeln!(out, "<h3>Problems</h3>\n<table>\n<tr><th>What</th><th>Why</th></tr>")?;
    for problem in &report.problems {
        let (what, reason) = (escape::xml(&problem.what), escape::xml(&problem.reason));
        writeln!(out, "<tr><td><code>{what}</code></td><td>{reason}</td></tr>")?;
    }
    writeln!(out, "</table>")
}

fn repositories(report: &FleetReport, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<h3>Repositories</h3>\n<table>\n<tr><th>Path</th><th>Result</th><th>Size</th></tr>")?;
    for one in &report.repositories {
        let (path, state, size) = (escape::xml(&one.path), one.state.name(), humanize::bytes(one.bytes));
        writeln!(out, "<tr><td><code>{path}</code></td><td>{state}</td><td>{size}</td></tr>")?;
    }
    writeln!(out, "</table>")
}
