//! Draws timelines as SVG. Horizontal positions are percentages, so that a timeline fits any width and its text keeps its
//! size. Everything in a timeline is also in the list of events, in the facts, or in its label for screen readers.

mod axis;
mod clusters;
mod marks;
mod refs;

use std::fmt::Write as _;

use crate::model::{Leak, LeakStatus};
use crate::report::events::LeakEvent;
use crate::report::{clock, escape, humanize};

pub(super) use axis::Axis;
use clusters::cluster_events;
use marks::TimelineMark;
use refs::RefRows;

/// The periods of a leak, each with its start and end in seconds since 1970, and whether the leak was then at the tip of a
/// ref or only in the history.
fn exposure_segments(leak: &Leak, events: &[LeakEvent<'_>], now: i64) -> Vec<(i64, i64, bool)> {
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

/// Draws the bar of one leak, `y` pixels from the top.
fn draw_bar(leak: &Leak, events: &[LeakEvent<'_>], axis: Axis, y: u32, svg: &mut String) {
    for (from, to, is_at_tip) in exposure_segments(leak, events, axis.end) {
        let (class, y, height) = if is_at_tip { ("held", y, 10) } else { ("past", y + 3, 4) };
        draw_band(axis, (from, to), (class, y, height), svg);
    }
}

/// Draws a band between two times, of that class and height, `y` pixels from the top.
fn draw_band(axis: Axis, (from, to): (i64, i64), (class, y, height): (&str, u32, u32), svg: &mut String) {
    let x = axis.percent(from);
    let width = (axis.percent(to) - x).max(0.6);
    // Writing to a String cannot fail.
    _ = write!(
        svg,
        "<rect class=\"{class}\" x=\"{x:.2}%\" y=\"{y}\" width=\"{width:.2}%\" height=\"{height}\" rx=\"2\"/>"
    );
}

/// Draws the vertical lines of the axis, `height` pixels high; with labels, the last 16 of these are for the labels.
fn draw_grid(axis: Axis, height: u32, has_labels: bool, svg: &mut String) {
    let bottom = if has_labels { height - 16 } else { height };
    let mut ticks = axis.ticks();
    // Leaves space for the label `now`, even on a phone.
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

fn svg_element(name: &str, height: u32, content: &str) -> String {
    let name = escape::xml(name);
    format!(
        "<svg class=\"time\" role=\"img\" aria-label=\"{name}\" width=\"100%\" height=\"{height}\">{content}</svg>\n"
    )
}

fn day(seconds: i64) -> String {
    clock::utc(seconds).chars().take(10).collect()
}

/// The timeline of one leak with the numbers of its events, the refs that lead to it, and a legend. `head` is the short
/// name of the branch at HEAD.
pub(super) fn detailed_timeline(
    leak: &Leak,
    events: &[LeakEvent<'_>],
    axis: Axis,
    head: Option<&str>,
) -> String {
    let refs = RefRows::new(leak, head);
    let height = 64 + refs.height();
    let mut svg = String::new();
    draw_grid(axis, height, true, &mut svg);
    draw_bar(leak, events, axis, 30, &mut svg);
    for cluster in cluster_events(events, axis) {
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
    let hidden_refs = match refs.hidden_count() {
        0 => String::new(),
        n => format!("<p class=\"quiet small\">and {}, listed below</p>\n", humanize::count(n, "more ref")),
    };
    svg_element(&name, height, &svg) + &hidden_refs + &marks::legend(refs.marks(), refs.has_uncertain_start())
}

/// The timeline of one leak in a single line, with marks for tags and the first time that a remote was seen with it.
pub(super) fn compact_timeline(leak: &Leak, events: &[LeakEvent<'_>], axis: Axis, name: &str) -> String {
    let mut svg = String::new();
    draw_grid(axis, 26, false, &mut svg);
    draw_bar(leak, events, axis, 8, &mut svg);
    marks::draw_event_marks(events, axis, 13, &mut svg);
    svg_element(&format!("Timeline of {name}"), 26, &svg)
}

/// The labels below all compact timelines, and their legend.
pub(super) fn axis_labels<'l>(axis: Axis, leaks: impl Iterator<Item = &'l Leak>) -> String {
    let mut svg = String::new();
    draw_grid(axis, 20, true, &mut svg);
    let mut marks = Vec::new();
    for leak in leaks {
        marks.extend((!leak.reachability.tags.is_empty()).then_some(TimelineMark::Tag));
        marks.extend(leak.reachability.on_remote.is_some().then_some(TimelineMark::Remote));
    }
    let name = format!("Dates from {} to {}", day(axis.start), day(axis.end));
    format!("<span></span>{}</div>\n{}", svg_element(&name, 20, &svg), marks::legend(&marks, false))
}
