//! Draws timelines as SVG. Horizontal positions are percentages, so that a timeline fits any width and its text keeps its
//! size. Everything in a timeline is also in the list of events, in the leak's list of evidence and refs, or in the label of the
//! timeline for screen readers.

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

/// The segments of the bar of a leak, each with its start and end in seconds since 1970, and whether the leak was then at the tip of a
/// ref or at no tip. Which branch an event happened on is not known, so a leak counts as removed from the last
/// removal before the next introduction: until then, another branch may have had it.
fn exposure_segments(events: &[LeakEvent<'_>], is_present: bool, now: i64) -> Vec<(i64, i64, bool)> {
    let mut segments = Vec::new();
    let mut introduced_at: Option<i64> = None;
    let mut removed_at: Option<i64> = None;
    for event in events {
        match (event, introduced_at) {
            (LeakEvent::Introduced { .. }, since) => {
                if let (Some(since), Some(removed_at)) = (since, removed_at.take()) {
                    segments.extend([(since, removed_at, true), (removed_at, event.seconds(), false)]);
                    introduced_at = None;
                }
                introduced_at = introduced_at.or(Some(event.seconds()));
            }
            (LeakEvent::Removed(_), Some(_)) => removed_at = Some(event.seconds()),
            _ => {}
        }
    }
    segments.extend(introduced_at.zip(removed_at).map(|(since, removed_at)| (since, removed_at, true)));
    segments.extend(removed_at.or(introduced_at).map(|from| (from, now, is_present)));
    segments
}

/// Draws the bar of one leak, `y` pixels from the top.
fn draw_bar(leak: &Leak, events: &[LeakEvent<'_>], axis: Axis, y: u32, svg: &mut String) {
    let is_present = leak.status == LeakStatus::Present;
    for (from, to, is_at_tip) in exposure_segments(events, is_present, axis.end) {
        let (class, y, height) = if is_at_tip { ("tip", y, 10) } else { ("past", y + 3, 4) };
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

/// The timeline of one leak with numbered boxes for the first `listed_len` of its events, the refs that lead to it, and a legend.
/// `head` is the short name of the branch at HEAD.
pub(super) fn detailed_timeline(
    leak: &Leak,
    (events, listed_len): (&[LeakEvent<'_>], usize),
    axis: Axis,
    head: Option<&str>,
) -> String {
    let refs = RefRows::new(leak, head);
    let height = 64 + refs.height();
    let mut svg = String::new();
    draw_grid(axis, height, true, &mut svg);
    draw_bar(leak, events, axis, 30, &mut svg);
    let listed_events = &events[..events.len().min(listed_len)];
    for cluster in cluster_events(listed_events, axis) {
        cluster.write(&mut svg);
    }
    refs.write(axis, 50, &mut svg);
    let name = format!(
        "Timeline from {} to {} with the {} listed below{}",
        day(axis.start),
        day(axis.end),
        humanize::count(listed_events.len() as u64, "event"),
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

/// The last of the lanes of compact timelines, with an empty first column and the dates; the end of the lanes, which the caller began
/// with `<div class="lanes">`; and the legend.
pub(super) fn last_row_and_legend<'l>(axis: Axis, leaks: impl Iterator<Item = &'l Leak>) -> String {
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{Change, DetectedKey, Reachability};

    fn change(seconds: i64) -> Change {
        Change {
            commit: String::new(),
            author: String::new(),
            date: String::new(),
            seconds,
            path: None,
            subject: String::new(),
        }
    }

    /// The segments of a leak that was introduced (`true`) or removed (`false`) at the times of `events`; now is 100.
    fn segments(events: &[(bool, i64)], is_present: bool) -> Vec<(i64, i64, bool)> {
        let changes: Vec<_> =
            events.iter().map(|&(is_introduction, seconds)| (is_introduction, change(seconds))).collect();
        let events: Vec<_> = changes
            .iter()
            .map(|(is_introduction, change)| match is_introduction {
                true => LeakEvent::Introduced { change, again: false },
                false => LeakEvent::Removed(change),
            })
            .collect();
        exposure_segments(&events, is_present, 100)
    }

    #[test]
    fn a_leak_is_at_a_tip_until_the_last_removal_before_the_next_introduction() {
        assert_eq!(segments(&[(true, 10)], true), [(10, 100, true)]);
        assert_eq!(segments(&[(true, 10), (true, 20)], true), [(10, 100, true)]);
        assert_eq!(segments(&[(true, 10), (false, 20)], false), [(10, 20, true), (20, 100, false)]);
        // On two branches.
        let both = [(true, 10), (true, 20), (false, 30), (false, 40)];
        assert_eq!(segments(&both, false), [(10, 40, true), (40, 100, false)]);
        let again = [(true, 10), (false, 20), (false, 30), (true, 40), (false, 50)];
        let expected = [(10, 30, true), (30, 40, false), (40, 50, true), (50, 100, false)];
        assert_eq!(segments(&again, false), expected);
        assert_eq!(segments(&[(false, 10), (true, 20)], true), [(20, 100, true)]);
        assert_eq!(segments(&[(false, 10)], false), []);
    }

    #[test]
    fn the_bar_also_shows_events_that_are_not_listed() {
        let leak = Leak {
            detected_key: Arc::new(DetectedKey::sample("key")),
            status: LeakStatus::Removed,
            introduced: vec![change(10)],
            removed: vec![change(20)],
            moves: Vec::new(),
            reachability: Reachability::default(),
            exposed_seconds: None,
            findings: Vec::new(),
            verification: None,
        };
        let events = crate::report::events::leak_events(&leak);
        let axis = Axis::new(std::iter::once(10), 100).unwrap();
        let timeline = detailed_timeline(&leak, (&events, 1), axis, None);
        for class in ["tip", "past"] {
            assert!(timeline.contains(&format!("<rect class=\"{class}\"")), "{class}: {timeline}");
        }
        assert!(timeline.contains("with the 1 event listed below"), "{timeline}");
    }
}
