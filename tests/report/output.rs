//! Writes reports to strings.

use friskey::model::Report;
use friskey::report::{REPORTERS, Style, reporter, write_hook_summary, write_step_summary};

use crate::sarif;

/// The report in the format with the name `format`. SARIF is checked against the schema.
pub(crate) fn render(format: &str, report: &Report, style: &Style) -> String {
    let text = write_to_string(|out| reporter(format).expect("a known format").write(report, style, out));
    if format == "sarif" {
        sarif::parse(&text);
    }
    text
}

/// The GitHub step summary.
pub(crate) fn step_summary(report: &Report) -> String {
    write_to_string(|out| write_step_summary(report, out))
}

/// What a hook prints when it blocks a commit.
pub(crate) fn hook_summary(report: &Report) -> String {
    write_to_string(|out| write_hook_summary(report, "the commit is blocked", &[], out))
}

/// The report in every format, the step summary and the hook summary, each with its name.
pub(crate) fn render_all(report: &Report, style: &Style) -> Vec<(&'static str, String)> {
    let formats = REPORTERS.iter().map(|format| (format.name, render(format.name, report, style)));
    formats.chain([("step-summary", step_summary(report)), ("hook-summary", hook_summary(report))]).collect()
}

fn write_to_string(write: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>) -> String {
    let mut out = Vec::new();
    write(&mut out).expect("writing to memory cannot fail");
    String::from_utf8(out).expect("reports are UTF-8")
}
