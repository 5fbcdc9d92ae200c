//! The places of a leak as annotated lines.

use std::io::{self, Write};

use crate::model::{Excerpt, Finding, Leak};
use crate::report::{escape, humanize, labels};

use super::{PageView, parts};
use crate::report::permalink::Permalinks;

/// Maximum number of places listed for one leak, and of those that are not folded.
const MAX_LISTED: usize = 10_000;
const MAX_OPEN: usize = 20;
/// Maximum number of places of a leak that is shown in brief.
const MAX_BRIEF: usize = 3;

pub(super) fn write(view: &PageView<'_>, leak: &Leak, out: &mut dyn Write) -> io::Result<()> {
    let places: Vec<&Finding> = labels::open_findings(leak).collect();
    let total = places.len();
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
    let open = if total <= MAX_OPEN + 1 { total } else { MAX_OPEN };
    list(links, &places[..open], out)?;
    let folded = &places[open..total.min(MAX_LISTED)];
    if !folded.is_empty() {
        writeln!(
            out,
            "<details><summary>{}</summary>",
            humanize::count((total - open) as u64, "more place")
        )?;
        list(links, folded, out)?;
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

/// The first few places, without the text around the key.
pub(super) fn write_first(view: &PageView<'_>, leak: &Leak, out: &mut dyn Write) -> io::Result<()> {
    let total = labels::open_findings(leak).count();
    let links = view.links_for(leak);
    let first = labels::open_findings(leak).take(MAX_BRIEF).map(|finding| position(links, finding));
    let first = first.collect::<Vec<_>>().join("<br>");
    match total.saturating_sub(MAX_BRIEF) as u64 {
        0 => writeln!(out, "<p>{first}</p>"),
        rest => {
            writeln!(out, "<p>{first}<br>and {} in the format json</p>", humanize::count(rest, "more place"))
        }
    }
}

fn position(links: Option<&Permalinks>, finding: &Finding) -> String {
    let position = format!("<code><bdi>{}</bdi></code>", escape::xml(&labels::position(finding)));
    let url = links.and_then(|links| labels::permalink(links, finding));
    parts::link(url.as_deref(), &position)
}

fn list(links: Option<&Permalinks>, places: &[&Finding], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<ul class=\"places\">")?;
    for finding in places {
        write!(out, "<li>{}", position(links, finding))?;
        let details = escape::xml(&labels::details(finding).join("; "));
        if !details.is_empty() {
            write!(out, " <span class=\"quiet small\">{details}</span>")?;
        }
        if let Some(text) = &finding.excerpt {
            write!(out, "{}", excerpt(text))?;
        }
        writeln!(out, "</li>")?;
    }
    writeln!(out, "</ul>")
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
