//! The numbered marks of events on a timeline.

use std::fmt::Write as _;

use crate::report::events::LeakEvent;

use super::axis::Axis;

/// The width of a timeline on a phone, in pixels for each percent.
const PIXELS: f64 = 3.1;

/// Events too close to each other for separate marks, by their numbers from 1.
pub(super) struct EventCluster {
    percent: f64,
    first: usize,
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

    /// In pixels.
    fn width(&self) -> f64 {
        11.0 + 7.0 * self.label().chars().count() as f64
    }

    pub(super) fn write(&self, svg: &mut String) {
        let (label, width) = (self.label(), self.width());
        let (x, class) = (self.percent, self.class);
        // Keeps the mark within the timeline, even on a phone.
        let left = (-width / 2.0).min((100.0 - x) * PIXELS - width).max(-x * PIXELS);
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

/// The marks of all events, none of which overlap where the timeline is as narrow as on a phone.
pub(super) fn clusters(events: &[LeakEvent<'_>], axis: Axis) -> Vec<EventCluster> {
    let mut clusters: Vec<EventCluster> = Vec::new();
    for (number, event) in (1..).zip(events) {
        let class = match event {
            LeakEvent::Introduced { .. } => "in",
            LeakEvent::Removed(_) => "out",
            _ => "",
        };
        let one = EventCluster { percent: axis.percent(event.seconds()), first: number, last: number, class };
        match clusters.last_mut() {
            Some(before)
                if (one.percent - before.percent) * PIXELS < (before.width() + one.width()) / 2.0 + 3.0 =>
            {
                before.last = number;
                before.class = "";
            }
            _ => clusters.push(one),
        }
    }
    clusters
}
