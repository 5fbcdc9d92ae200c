//! Timelines as SVG over real dates. Positions are percentages, so that a timeline fits any width and its text keeps
//! its size. Its content is also in the list of events, in the facts, or in its label for screen readers.

mod axis;
mod clusters;
mod marks;
mod refs;

use std::fmt::Write as _;

use crate::model::{Leak, LeakStatus};
use crate::report::events::LeakEvent;
use crate::report::{clock, escape, humanize};

pub(super) use axis::Axis;
use clusters::clusters;
use marks::TimelineMark;
use refs::RefRows;

/// When a leak was at the tip of a ref, and when it was only in the history.
fn segments(leak: &Leak, events: &[LeakEvent<'_>], now: i64) -> Vec<(i64, i64, bool)> {
    let mut segments = Vec::new();
    let mut since: Option<i64> = None;
    let mut until: Option<i64> = None;
    for event in events {
        match event {
            LeakEvent::Introduced { .. } if since.is_none() => {
                segments.extend(until.map(|until| (until, event.seconds(), false)));
                since = Some(event.seconds());
            }
            LeakEvent::Removed(_) => {
                if let Some(since) = since.take() {
                    segments.push((since, event.seconds(), true));
                    until = Some(event.seconds());
                }
            }
            _ => {}
        }
    }
    segments.extend(since.or(until).map(|from| (from, now, leak.status == LeakStatus::Present)));
    segments
}

/// The bar of one leak, `y` pixels from the top.
fn bar(leak: &Leak, events: &[LeakEvent<'_>], axis: Axis, y: u32, svg: &mut String) {
    for (from, to, is_held) in segments(leak, events, axis.end) {
        let (class, y, height) = if is_held { ("held", y, 10) } else { ("past", y + 3, 4) };
        band(axis, (from, to), (class, y, height), svg);
    }
}

/// A band between two times, `y` pixels from the top.
fn band(axis: Axis, (from, to): (i64, i64), (class, y, height): (&str, u32, u32), svg: &mut String) {
    let x = axis.percent(from);
    let width = (axis.percent(to) - x).max(0.6);
    // Writing to a String cannot fail.
    _ = write!(
        svg,
        "<rect class=\"{class}\" x=\"{x:.2}%\" y=\"{y}\" width=\"{width:.2}%\" height=\"{height}\" rx=\"2\"/>"
    );
}

/// The lines of the axis, and below them the labels if there is room: the last `height` pixels.
fn grid(axis: Axis, height: u32, has_labels: bool, svg: &mut String) {
    let bottom = if has_labels { height - 16 } else { height };
    let mut ticks = axis.ticks();
    ticks.retain(|&(seconds, _)| axis.percent(seconds) < 86.0);
    ticks.push((axis.end, "now".to_owned()));
    for (seconds, label) in ticks {
        let x = axis.percent(seconds);
        _ = write!(svg, "<line class=\"grid\" x1=\"{x:.2}%\" x2=\"{x:.2}%\" y1=\"0\" y2=\"{bottom}\"/>");
        if has_labels {
            let anchor = if x < 10.0 {
                "start"
            } else if x > 90.0 {
                "end"
            } else {
                "middle"
            };
            _ = write!(
                svg,
                "<text x=\"{x:.2}%\" y=\"{}\" text-anchor=\"{anchor}\">{label}</text>",
                height - 3
            );
        }
    }
}

fn element(name: &str, height: u32, inside: &str) -> String {
    let name = escape::xml(name);
    format!(
        "<svg class=\"time\" role=\"img\" aria-label=\"{name}\" width=\"100%\" height=\"{height}\">{inside}</svg>\n"
    )
}

fn day(seconds: i64) -> String {
    clock::utc(seconds).chars().take(10).collect()
}

/// The timeline of one leak with the numbers of its events, the refs that lead to it, and what the marks mean.
/// `head` is the short name of the branch at HEAD.
pub(super) fn single(leak: &Leak, events: &[LeakEvent<'_>], axis: Axis, head: Option<&str>) -> String {
    let refs = RefRows::of(leak, head);
    let height = 64 + refs.height();
    let mut svg = String::new();
    grid(axis, height, true, &mut svg);
    bar(leak, events, axis, 30, &mut svg);
    for cluster in clusters(events, axis) {
        cluster.write(&mut svg);
    }
    refs.write(axis, 50, &mut svg);
    let name = format!(
        "Timeline from {} to {} with the {} listed below{}",
        day(axis.start),
        day(axis.end),
        humanize::count(events.len() as u64, "event"),
        refs.label()
    );
    let more = match refs.hidden() {
        0 => String::new(),
        n => format!("<p class=\"quiet small\">and {}, listed below</p>\n", humanize::count(n, "more ref")),
    };
    element(&name, height, &svg) + &more + &marks::key(refs.marks(), refs.is_vague())
}

/// The line of one leak below others, with its tags and its first sight on a remote.
pub(super) fn lane(leak: &Leak, events: &[LeakEvent<'_>], axis: Axis, name: &str) -> String {
    let mut svg = String::new();
    grid(axis, 26, false, &mut svg);
    bar(leak, events, axis, 8, &mut svg);
    marks::of_events(events, axis, 13, &mut svg);
    element(&format!("Timeline of {name}"), 26, &svg)
}

/// The labels below all lanes, and what the marks on them mean.
pub(super) fn labels<'l>(axis: Axis, leaks: impl Iterator<Item = &'l Leak>) -> String {
    let mut svg = String::new();
    grid(axis, 20, true, &mut svg);
    let mut marks = Vec::new();
    for leak in leaks {
        marks.extend((!leak.reachability.tags.is_empty()).then_some(TimelineMark::Tag));
        marks.extend(leak.reachability.on_remote.is_some().then_some(TimelineMark::Remote));
    }
    let name = format!("Dates from {} to {}", day(axis.start), day(axis.end));
    format!("<span></span>{}</div>\n{}", element(&name, 20, &svg), marks::key(&marks, false))
}
