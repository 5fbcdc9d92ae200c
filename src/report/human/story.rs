//! The history of a leak: which commits introduced and removed it, and how long it was exposed.

use std::io::{self, Write};

use crate::model::{Change, Leak, LeakStatus};

use super::palette::{FAINT, paint};
use super::{Style, listed_count};
use crate::report::{escape, humanize, labels};

/// What a commit did to a leak.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Introduced,
    Removed,
}

pub(super) fn write(leak: &Leak, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let lines = lines(leak);
    let listed = listed_count(lines.len(), style);
    // The first and the last events matter most.
    let first = listed.div_ceil(2);
    for (label, change) in &lines[..first] {
        event(label, change, style, out)?;
    }
    let hidden = (lines.len() - listed) as u64;
    if hidden > 0 {
        writeln!(out, "  … {} …", humanize::count(hidden, "more commit"))?;
    }
    for (label, change) in &lines[first + hidden as usize..] {
        event(label, change, style, out)?;
    }
    ending(leak, out)
}

/// Every change with its label, oldest first.
fn lines(leak: &Leak) -> Vec<(&'static str, &Change)> {
    let introduced = leak.introduced.iter().map(|change| (Event::Introduced, change));
    let removed = leak.removed.iter().map(|change| (Event::Removed, change));
    let mut events: Vec<_> = introduced.chain(removed).collect();
    events.sort_by_key(|&(event, change)| (change.seconds, event));
    let mut was_removed = false;
    let label = |event| match event {
        Event::Removed => {
            was_removed = true;
            "removed"
        }
        Event::Introduced if was_removed => "re-introduced",
        Event::Introduced => "introduced",
    };
    let labels: Vec<_> = events.iter().map(|&(event, _)| event).map(label).collect();
    labels.into_iter().zip(events.into_iter().map(|(_, change)| change)).collect()
}

fn event(label: &str, change: &Change, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let commit = paint(style.color, FAINT, labels::short_id(&change.commit));
    write!(out, "  {label:13}  {commit}  {}", labels::day(change))?;
    if let Some(author) = labels::author(change) {
        write!(out, "  {author}")?;
    }
    if let Some(path) = &change.path {
        write!(out, "  {}", escape::path(path))?;
    }
    writeln!(out)
}

fn ending(leak: &Leak, out: &mut dyn Write) -> io::Result<()> {
    let Some(seconds) = leak.exposed_seconds else {
        return Ok(());
    };
    let exposed = humanize::duration(seconds);
    if leak.status == LeakStatus::Present {
        writeln!(out, "  exposed for {exposed} so far")
    } else {
        writeln!(out, "  exposed for {exposed}")
    }
}
