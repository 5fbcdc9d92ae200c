//! Draws the marks of tags and remotes on a timeline, and the legend.

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
    /// The SVG path: a diamond for a tag, a triangle for a remote.
    fn path(self) -> &'static str {
        match self {
            Self::Tag => "M0-5l5 5-5 5-5-5z",
            Self::Remote => "M0-5l5 9h-10z",
        }
    }

    /// Draws the mark at a time, `y` pixels from the top.
    pub(super) fn write(self, axis: Axis, seconds: i64, y: u32, svg: &mut String) {
        let (x, path) = (axis.percent(seconds), self.path());
        // Writing to a String cannot fail.
        _ = write!(
            svg,
            "<svg x=\"{x:.2}%\" y=\"{y}\" overflow=\"visible\"><path class=\"mark\" d=\"{path}\"/></svg>"
        );
    }

    fn from_event(event: &LeakEvent<'_>) -> Option<Self> {
        match event {
            LeakEvent::Tagged(_) => Some(Self::Tag),
            LeakEvent::OnRemote(_) => Some(Self::Remote),
            _ => None,
        }
    }
}

/// Draws the marks of tags and remotes, without tags that would overlap the mark before them.
pub(super) fn draw_event_marks(events: &[LeakEvent<'_>], axis: Axis, y: u32, svg: &mut String) {
    let mut last = f64::NEG_INFINITY;
    let marks = events.iter().filter_map(|event| Some((TimelineMark::from_event(event)?, event.seconds())));
    for (mark, seconds) in marks.take(MAX_MARKS) {
        let x = axis.percent(seconds);
        if mark == TimelineMark::Remote || x - last >= MIN_DISTANCE {
            mark.write(axis, seconds, y, svg);
            last = x;
        }
    }
}

/// The legend: what colors, marks and dashes mean.
pub(super) fn legend(marks: &[TimelineMark], has_dashes: bool) -> String {
    let mut items = vec![
        ("<rect class=\"tip\" width=\"18\" height=\"10\" rx=\"2\"/>".to_owned(), "at the tip of a ref"),
        ("<rect class=\"past\" y=\"3\" width=\"18\" height=\"4\" rx=\"2\"/>".to_owned(), "at no tip"),
    ];
    for (mark, meaning) in [(TimelineMark::Tag, "tag"), (TimelineMark::Remote, "first seen on a remote")] {
        if marks.contains(&mark) {
            let path = mark.path();
            items.push((
                format!("<path class=\"mark\" transform=\"translate(9 5) scale(.9)\" d=\"{path}\"/>"),
                meaning,
            ));
        }
    }
    if has_dashes {
        let dashes = "<line class=\"maybe\" x2=\"18\" y1=\"5\" y2=\"5\"/>";
        items.push((dashes.to_owned(), "since one of several introductions"));
    }
    let item = |(picture, meaning): (String, &str)| {
        format!("<span><svg aria-hidden=\"true\" width=\"18\" height=\"10\">{picture}</svg>{meaning}</span>")
    };
    format!("<p class=\"key\">{}</p>\n", items.into_iter().map(item).collect::<String>())
}
