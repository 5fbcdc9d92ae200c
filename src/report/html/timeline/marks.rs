//! Marks of single events on a timeline, and the legend of its colors and marks.

use std::fmt::Write as _;

use crate::report::events::LeakEvent;

use super::axis::Axis;

/// Maximum number of marks on the line of one leak.
const MAX_MARKS: usize = 40;
/// Minimum distance between two marks of a line, in percent of its width.
const MIN_DISTANCE: f64 = 1.0;

/// The event that a mark shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TimelineMark {
    /// A commit was tagged.
    Tag,
    /// A remote was first seen with the leak.
    Remote,
}

impl TimelineMark {
    /// A diamond or a triangle around a point.
    fn path(self) -> &'static str {
        match self {
            Self::Tag => "M0-5l5 5-5 5-5-5z",
            Self::Remote => "M0-5l5 9h-10z",
        }
    }

    /// Draws it, `y` pixels from the top.
    pub(super) fn write(self, axis: Axis, seconds: i64, y: u32, svg: &mut String) {
        let (x, path) = (axis.percent(seconds), self.path());
        // Writing to a String cannot fail.
        _ = write!(
            svg,
            "<svg x=\"{x:.2}%\" y=\"{y}\" overflow=\"visible\"><path class=\"mark\" d=\"{path}\"/></svg>"
        );
    }

    fn of(event: &LeakEvent<'_>) -> Option<Self> {
        match event {
            LeakEvent::Tagged(_) => Some(Self::Tag),
            LeakEvent::OnRemote(_) => Some(Self::Remote),
            _ => None,
        }
    }
}

/// The marks of tags and of the first sight on a remote, without those that would cover each other.
pub(super) fn of_events(events: &[LeakEvent<'_>], axis: Axis, y: u32, svg: &mut String) {
    let mut last = f64::NEG_INFINITY;
    let marked = events.iter().filter_map(|event| Some((TimelineMark::of(event)?, event.seconds())));
    for (mark, seconds) in marked.take(MAX_MARKS) {
        let x = axis.percent(seconds);
        if mark == TimelineMark::Remote || x - last >= MIN_DISTANCE {
            mark.write(axis, seconds, y, svg);
            last = x;
        }
    }
}

/// The legend: what colors, marks and dashes mean.
pub(super) fn key(marks: &[TimelineMark], has_dashes: bool) -> String {
    let mut entries = vec![
        ("<rect class=\"held\" width=\"18\" height=\"10\" rx=\"2\"/>".to_owned(), "at the tip of a ref"),
        ("<rect class=\"past\" y=\"3\" width=\"18\" height=\"4\" rx=\"2\"/>".to_owned(), "at no tip"),
    ];
    for (mark, meaning) in [(TimelineMark::Tag, "tag"), (TimelineMark::Remote, "first seen on a remote")] {
        if marks.contains(&mark) {
            let path = mark.path();
            entries.push((
                format!("<path class=\"mark\" transform=\"translate(9 5) scale(.9)\" d=\"{path}\"/>"),
                meaning,
            ));
        }
    }
    if has_dashes {
        let dashes = "<line class=\"maybe\" x2=\"18\" y1=\"5\" y2=\"5\"/>";
        entries.push((dashes.to_owned(), "since one of several introductions"));
    }
    let entry = |(picture, meaning): (String, &str)| {
        format!("<span><svg aria-hidden=\"true\" width=\"18\" height=\"10\">{picture}</svg>{meaning}</span>")
    };
    format!("<p class=\"key\">{}</p>\n", entries.into_iter().map(entry).collect::<String>())
}
