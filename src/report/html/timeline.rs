//! Timelines as SVG over real dates. Positions are percentages, so that a timeline fits any width and its text keeps its
//! size. Everything in it is also said in the list of events.

use std::fmt::Write as _;

use crate::model::{Leak, LeakStatus, civil_time};
use crate::report::events::LeakEvent;
use crate::report::{clock, escape};

/// The part of the width that is left free at both ends, in percent.
const MARGIN: f64 = 3.0;
/// The most intervals between the labels of an axis.
const MAX_INTERVALS: i64 = 4;
const DAY: i64 = 86_400;

/// The time that a timeline shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Axis {
    start: i64,
    end: i64,
}

impl Axis {
    /// From the first of `moments` to `now`; `None` without a moment. Dates before 1970 or in the future are shown at the
    /// ends, since commits may claim anything.
    pub(super) fn new(moments: impl Iterator<Item = i64>, now: i64) -> Option<Self> {
        let end = now.clamp(DAY, 253_402_300_799);
        let start = moments.min()?.clamp(0, end);
        Some(Self { start: start.min(end - DAY), end })
    }

    fn percent(self, seconds: i64) -> f64 {
        let part = (seconds.clamp(self.start, self.end) - self.start) as f64 / (self.end - self.start) as f64;
        MARGIN + part * (100.0 - 2.0 * MARGIN)
    }

    /// The moments with a label, and the labels.
    fn ticks(self) -> Vec<(i64, String)> {
        let days = (self.end - self.start) / DAY;
        // Days up to a season, then months, then years.
        if days <= 100 {
            let step =
                (days / MAX_INTERVALS).max(1) + i64::from(days % MAX_INTERVALS > 0 && days > MAX_INTERVALS);
            let first = self.start.div_euclid(DAY) + 1;
            let moments = (first..=self.end / DAY).step_by(usize::try_from(step).unwrap_or(1));
            return moments.map(|day| (day * DAY, day_label(day * DAY))).collect();
        }
        let (start, end) = (months(self.start), months(self.end));
        let steps = [1, 2, 3, 6, 12, 24, 60, 120, 240, 600];
        let step = steps
            .into_iter()
            .find(|step| (end - start) / step <= MAX_INTERVALS)
            .unwrap_or(((end - start) / (MAX_INTERVALS * 1200) + 1) * 1200);
        let first = (start + 1).div_euclid(step) * step + if (start + 1) % step == 0 { 0 } else { step };
        let all = (first..=end).step_by(usize::try_from(step).unwrap_or(1));
        all.map(|month| (start_of_month(month), month_label(month, step))).collect()
    }
}

/// `14 Nov`
fn day_label(seconds: i64) -> String {
    let time = civil_time(seconds);
    format!("{} {}", time.day(), month_name(i64::from(time.month()) - 1))
}

/// `Nov 2023`, or `2023` if only years are labelled.
fn month_label(month: i64, step: i64) -> String {
    let (year, month) = (month.div_euclid(12), month.rem_euclid(12));
    if step % 12 == 0 { year.to_string() } else { format!("{} {year}", month_name(month)) }
}

fn month_name(month: i64) -> &'static str {
    const NAMES: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    usize::try_from(month).ok().and_then(|month| NAMES.get(month)).copied().unwrap_or("")
}

/// Months since the year 0.
fn months(seconds: i64) -> i64 {
    let time = civil_time(seconds);
    i64::from(time.year()) * 12 + i64::from(time.month()) - 1
}

/// The first second of a month, by the usual formula for days since 1970.
fn start_of_month(month: i64) -> i64 {
    let (year, month) = (month.div_euclid(12), month.rem_euclid(12) + 1);
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5;
    (era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + day_of_year - 719_468) * DAY
}

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
        let (x, end) = (axis.percent(from), axis.percent(to));
        let (class, y, height) = if is_held { ("held", y, 10) } else { ("past", y + 3, 4) };
        let width = (end - x).max(0.6);
        // Writing to a String cannot fail.
        _ = write!(
            svg,
            "<rect class=\"{class}\" x=\"{x:.2}%\" y=\"{y}\" width=\"{width:.2}%\" height=\"{height}\" rx=\"2\"/>"
        );
    }
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

/// The timeline of one leak, with the numbers of its events.
pub(super) fn single(leak: &Leak, events: &[LeakEvent<'_>], axis: Axis) -> String {
    let mut svg = String::new();
    grid(axis, 64, true, &mut svg);
    bar(leak, events, axis, 30, &mut svg);
    for cluster in clusters(events, axis) {
        cluster.write(&mut svg);
    }
    let events = events.len();
    let name = format!(
        "Timeline from {} to {} with the {events} events listed below",
        day(axis.start),
        day(axis.end)
    );
    element(&name, 64, &svg)
}

/// The line of one leak below others.
pub(super) fn lane(leak: &Leak, events: &[LeakEvent<'_>], axis: Axis, name: &str) -> String {
    let mut svg = String::new();
    grid(axis, 26, false, &mut svg);
    bar(leak, events, axis, 8, &mut svg);
    element(&format!("Timeline of {name}"), 26, &svg)
}

/// The labels below all lanes.
pub(super) fn labels(axis: Axis) -> String {
    let mut svg = String::new();
    grid(axis, 20, true, &mut svg);
    element(&format!("Dates from {} to {}", day(axis.start), day(axis.end)), 20, &svg)
}

/// What the colors of a bar mean.
pub(super) const KEY: &str = "<p class=\"key\"><span><svg aria-hidden=\"true\" width=\"18\" height=\"10\"><rect class=\"held\" width=\"18\" height=\"10\" rx=\"2\"/></svg>at the tip of a ref</span>\
<span><svg aria-hidden=\"true\" width=\"18\" height=\"10\"><rect class=\"past\" y=\"3\" width=\"18\" height=\"4\" rx=\"2\"/></svg>only in the history</span></p>\n";

/// Events too close to each other for a mark each, by their numbers from 1.
struct EventCluster {
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

    fn write(&self, svg: &mut String) {
        let (label, width) = (self.label(), self.width());
        let (x, class) = (self.percent, self.class);
        _ = write!(
            svg,
            "<svg x=\"{x:.2}%\" overflow=\"visible\"><line class=\"grid\" y1=\"18\" y2=\"46\"/>\
             <rect class=\"dot {class}\" x=\"{:.1}\" y=\"2\" width=\"{width:.1}\" height=\"18\" rx=\"9\"/>\
             <text class=\"number\" y=\"15\">{label}</text></svg>",
            -width / 2.0
        );
    }
}

/// The marks of all events, none of which overlap where the timeline is as narrow as on a phone.
fn clusters(events: &[LeakEvent<'_>], axis: Axis) -> Vec<EventCluster> {
    /// The width of a timeline on a phone, in pixels for each percent.
    const PIXELS: f64 = 3.1;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_start_where_the_calendar_says() {
        for seconds in [0, 951_782_400, 1_709_251_200, 4_107_542_400, 1_700_000_000] {
            let month = months(seconds);
            let start = start_of_month(month);
            let time = civil_time(start);
            assert_eq!((time.day(), months(start)), (1, month));
            assert_eq!(start % DAY, 0);
            assert!(start <= seconds && seconds < start_of_month(month + 1));
        }
    }

    #[test]
    fn an_axis_has_few_labels_in_order_and_within() {
        let end = 1_795_221_360;
        for days in [0, 1, 3, 5, 30, 99, 101, 200, 400, 800, 2_000, 5_000, 20_000] {
            let axis = Axis::new([end - days * DAY].into_iter(), end).unwrap();
            let ticks = axis.ticks();
            assert!((1..=6).contains(&ticks.len()), "{days} days: {ticks:?}");
            assert!(
                ticks.is_sorted() && ticks.iter().all(|(at, _)| (axis.start..=axis.end).contains(at)),
                "{days}"
            );
        }
    }

    #[test]
    fn dates_that_cannot_be_stay_on_the_axis() {
        let axis = Axis::new([i64::MIN, i64::MAX].into_iter(), i64::MAX).unwrap();
        for seconds in [i64::MIN, 0, i64::MAX] {
            assert!((0.0..=100.0).contains(&axis.percent(seconds)));
        }
        assert!(axis.ticks().len() < 10);
        assert_eq!(Axis::new(std::iter::empty(), 5), None);
    }
}
