//! `html`: one page for an audit, for readers who did not run it. It loads nothing; its only script is inline, and
//! the page has the same content without it.

mod coverage;
mod head;
mod leak;
mod overview;
pub(in crate::report) mod page;
pub(in crate::report) mod parts;
mod places;
pub(in crate::report) mod table;
mod timeline;
mod verification;

use std::io::{self, Write};

use crate::model::{Leak, Report};

use super::permalink::Permalinks;
use super::{Style, events, labels};

pub(super) fn write(report: &Report, _: &Style, out: &mut dyn Write) -> io::Result<()> {
    write_verified(report, &[], out)
}

/// Writes the page of a report whose leaks were verified. `summary` describes the requests to the provider, in
/// sentences.
///
/// # Errors
/// Only what `out` itself reports.
pub fn write_verified(report: &Report, summary: &[String], out: &mut dyn Write) -> io::Result<()> {
    let view = PageView { summary, ..PageView::new(report) };
    head::write(&view, out)?;
    if !view.leaks.is_empty() {
        overview::write(&view, out)?;
        for (number, leak) in (1..).zip(&view.leaks) {
            leak::write(&view, number, leak, out)?;
        }
    }
    coverage::write(report, out)?;
    page::close(
        "Keys are shown by prefix and last four characters only. The data behind this page is available with \
         --format json.",
        out,
    )
}

/// A report, and data that several parts of the page need.
struct PageView<'r> {
    report: &'r Report,
    /// The open leaks, most urgent first.
    leaks: Vec<&'r Leak>,
    /// Links to the repository at its hosting service, if that is known.
    links: Option<Permalinks>,
    /// The requests to the provider; empty if there were none.
    summary: &'r [String],
}

impl<'r> PageView<'r> {
    fn new(report: &'r Report) -> Self {
        let url = report.repository().and_then(|repository| repository.url.as_deref());
        Self {
            report,
            leaks: labels::open_leaks_by_urgency(report),
            links: url.and_then(Permalinks::from_remote_url),
            summary: &[],
        }
    }

    /// Whether the leak with that number, counted from 1, is shown in brief, so that a page with many leaks stays small.
    fn is_brief(&self, number: usize) -> bool {
        number > MAX_FULL_LEAKS
    }

    /// The links for one leak; `None` if the hosting service may not have its commits.
    fn links_for(&self, leak: &Leak) -> Option<&Permalinks> {
        self.links.as_ref().filter(|_| labels::may_be_hosted(self.report, leak))
    }

    /// When the scan began, in seconds since 1970: the end of every timeline.
    fn now(&self) -> i64 {
        self.report.started()
    }
}

/// Maximum number of leaks shown with timelines, steps and all places.
const MAX_FULL_LEAKS: usize = 500;

/// An axis from the first event of any of `leaks` to `now`; `None` without events.
fn axis<'l>(leaks: impl Iterator<Item = &'l Leak>, now: i64) -> Option<timeline::Axis> {
    let first = leaks.filter_map(|leak| events::leak_events(leak).first().map(|event| event.seconds()));
    timeline::Axis::new(first, now)
}
