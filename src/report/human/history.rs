//! Writes the history of a leak: the commits that introduced, moved and removed it, when a remote was first seen with it,
//! and how long it was exposed.

use std::io::{self, Write};

use crate::model::{Leak, LeakStatus};

use super::palette::{FAINT, paint};
use super::{Style, listed_count, wrap};
use crate::report::events::{LeakEvent, leak_events};
use crate::report::{escape, humanize, labels};

/// Columns before the commit.
const INDENT: usize = 17;
/// Columns before the commit on a terminal narrower than [`NARROW`].
const NARROW_INDENT: usize = 4;
/// On a terminal with fewer columns, less is indented.
const NARROW: usize = 60;

pub(super) fn write(leak: &Leak, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let mut events = leak_events(leak);
    // The tags are among the refs that the headline lists.
    events.retain(|event| !matches!(event, LeakEvent::Tagged(_)));
    let listed_len = listed_count(events.len(), style);
    // The first and the last events matter most.
    let first_count = listed_len.div_ceil(2);
    for event in &events[..first_count] {
        write_event(*event, style, out)?;
    }
    let hidden_count = (events.len() - listed_len) as u64;
    if hidden_count > 0 {
        writeln!(out, "  … {} …", humanize::count(hidden_count, "more event"))?;
    }
    for event in &events[first_count + hidden_count as usize..] {
        write_event(*event, style, out)?;
    }
    write_exposure(leak, style, out)
}

fn write_event(event: LeakEvent<'_>, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let indent = if style.width.is_some_and(|width| width < NARROW) { NARROW_INDENT } else { INDENT };
    let mut text = String::new();
    if let Some(change) = event.change() {
        text.push_str(&paint(style.color, FAINT, labels::short_id(&change.commit)));
        text.push_str("  ");
    }
    text.push_str(&event.day());
    if let Some(author) = event.change().and_then(labels::author) {
        text.push_str(&format!("  {author}"));
    }
    if let Some(place) = event.place().filter(|place| !place.is_empty()) {
        text.push_str(&format!("  {place}"));
    }
    wrap::write(&format!("  {:13}  ", event.label()), &text, indent, style, out)?;
    match event.change().map(|change| escape::line(&change.subject)) {
        Some(subject) if !subject.is_empty() => {
            let subject = paint(style.color, FAINT, subject);
            wrap::write(&" ".repeat(indent), &subject, indent, style, out)
        }
        _ => Ok(()),
    }
}

fn write_exposure(leak: &Leak, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let Some(seconds) = leak.exposed_seconds else {
        return Ok(());
    };
    let so_far = if leak.status == LeakStatus::Present { " so far" } else { "" };
    wrap::write("  ", &format!("exposed for {}{so_far}", humanize::duration(seconds)), 4, style, out)
}
