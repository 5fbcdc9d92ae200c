//! Writes the places of a leak, each with its redacted line.

use std::io::{self, Write};

use crate::model::{Excerpt, Finding, Leak};
use crate::report::{escape, humanize, labels};

use super::{PageView, parts};
use crate::report::permalink::Permalinks;

/// Maximum number of places listed for one leak.
const MAX_LISTED: usize = 10_000;
/// Maximum number of places that are not folded.
const MAX_UNFOLDED: usize = 20;
/// Maximum number of places listed for a leak that is shown in brief.
const MAX_LISTED_IN_BRIEF: usize = 3;

pub(super) fn write(view: &PageView<'_>, leak: &Leak, out: &mut dyn Write) -> io::Result<()> {
    let findings: Vec<&Finding> = labels::open_findings(leak).collect();
    let total = findings.len();
    writeln!(
        out,
        "<h3>{}</h3>",
        if total == 1 {
            "Where it is".to_owned()
        } else {
            format!("Where it is: {}", humanize::count(total as u64, "place"))
        }
    )?;
    let links = view.links_for(leak);
    let unfolded = if total <= MAX_UNFOLDED + 1 { total } else { MAX_UNFOLDED };
    write_list(links, &findings[..unfolded], out)?;
    let folded = &findings[unfolded..total.min(MAX_LISTED)];
    if !folded.is_empty() {
        writeln!(
            out,
            "<details><summary>{}</summary>",
            humanize::count((total - unfolded) as u64, "more place")
        )?;
        write_list(links, folded, out)?;
        writeln!(out, "</details>")?;
    }
    match total.saturating_sub(MAX_LISTED) as u64 {
        0 => {}
        rest => writeln!(out, "<p>and {} in the format json</p>", humanize::count(rest, "more place"))?,
    }
    match leak.findings.len() - total {
        0 => Ok(()),
        n => writeln!(
            out,
            "<p class=\"quiet small\">{} accepted, see below</p>",
            humanize::count(n as u64, "place")
        ),
    }
}

/// Writes the first few places, without their lines.
pub(super) fn write_first(view: &PageView<'_>, leak: &Leak, out: &mut dyn Write) -> io::Result<()> {
    let total = labels::open_findings(leak).count();
    let links = view.links_for(leak);
    let first =
        labels::open_findings(leak).take(MAX_LISTED_IN_BRIEF).map(|finding| linked_position(links, finding));
    let first = first.collect::<Vec<_>>().join("<br>");
    match total.saturating_sub(MAX_LISTED_IN_BRIEF) as u64 {
        0 => writeln!(out, "<p>{first}</p>"),
        rest => {
            writeln!(out, "<p>{first}<br>and {} in the format json</p>", humanize::count(rest, "more place"))
        }
    }
}

fn linked_position(links: Option<&Permalinks>, finding: &Finding) -> String {
    let position = format!("<code><bdi>{}</bdi></code>", escape::xml(&labels::position(finding)));
    let url = links.and_then(|links| labels::permalink(links, finding));
    parts::link(url.as_deref(), &position)
}

fn write_list(links: Option<&Permalinks>, findings: &[&Finding], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<ul class=\"places\">")?;
    for finding in findings {
        write!(out, "<li>{}", linked_position(links, finding))?;
        let details = escape::xml(&labels::place_details(finding).join("; "));
        if !details.is_empty() {
            write!(out, " <span class=\"quiet small\">{details}</span>")?;
        }
        if let Some(text) = &finding.excerpt {
            write!(out, "{}", excerpt_html(text))?;
        }
        writeln!(out, "</li>")?;
    }
    writeln!(out, "</ul>")
}

/// The redacted line of a finding, with the key highlighted if the positions fit the text.
fn excerpt_html(excerpt: &Excerpt) -> String {
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
