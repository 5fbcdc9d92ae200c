//! Draws the numbers of events above a timeline. Events close to each other share a box.

use std::fmt::Write as _;

use crate::report::events::LeakEvent;

use super::axis::Axis;

/// The width of a timeline on a phone, in pixels per percent of the width.
const PIXELS_PER_PERCENT: f64 = 3.1;

/// Events that are too close to each other for separate boxes.
pub(super) struct EventCluster {
    /// Position of the first event, in percent of the width.
    percent: f64,
    /// Number of the first event, counted from 1.
    first: usize,
    /// Number of the last event.
    last: usize,
    class: &'static str,
}

impl EventCluster {
    fn label(&self) -> String {
        match self.first == self.last {
            true => self.first.to_string(),
            false => format!("{}–{}", self.first, self.last),
        }
    }

    /// Width of the box, in pixels.
    fn width(&self) -> f64 {
        11.0 + 7.0 * self.label().chars().count() as f64
    }

    pub(super) fn write(&self, svg: &mut String) {
        let (label, width) = (self.label(), self.width());
        let (x, class) = (self.percent, self.class);
        // Keeps the box within the timeline, even on a phone.
        let left = (-width / 2.0).min((100.0 - x) * PIXELS_PER_PERCENT - width).max(-x * PIXELS_PER_PERCENT);
        let middle = left + width / 2.0;
        // Writing to a String cannot fail.
        _ = write!(
            svg,
            "<svg x=\"{x:.2}%\" overflow=\"visible\"><line class=\"grid\" y1=\"18\" y2=\"46\"/>\
             <rect class=\"dot {class}\" x=\"{left:.1}\" y=\"2\" width=\"{width:.1}\" height=\"18\" rx=\"9\"/>\
             <text class=\"number\" x=\"{middle:.1}\" y=\"15\">{label}</text></svg>"
        );
    }
}

/// The clusters of all events. Their boxes do not overlap even if the timeline is as narrow as on a phone.
pub(super) fn cluster_events(events: &[LeakEvent<'_>], axis: Axis) -> Vec<EventCluster> {
    let mut clusters: Vec<EventCluster> = Vec::new();
    for (number, event) in (1..).zip(events) {
        let class = match event {
            LeakEvent::Introduced { .. } => "in",
            LeakEvent::Removed(_) => "out",
            _ => "",
        };
        let cluster =
            EventCluster { percent: axis.percent(event.seconds()), first: number, last: number, class };
        match clusters.last_mut() {
            Some(previous)
                if (cluster.percent - previous.percent) * PIXELS_PER_PERCENT
                    < (previous.width() + cluster.width()) / 2.0 + 3.0 =>
            {
                previous.last = number;
                previous.class = "";
            }
            _ => clusters.push(cluster),
        }
    }
    clusters
}
