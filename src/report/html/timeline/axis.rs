//! The axis of a timeline: the period it shows, positions of times, and labels for days, months or years.

use crate::model::civil_time;

/// Empty space at both ends, in percent of the width.
const MARGIN: f64 = 3.0;
/// Maximum number of intervals between the labels of an axis.
const MAX_INTERVALS: i64 = 4;
/// Seconds of a day.
pub(super) const DAY: i64 = 86_400;
/// The last second of the year 9999, beyond which dates have no usual form.
const LAST_SECOND: i64 = 253_402_300_799;

/// The period that a timeline shows, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::report::html) struct Axis {
    pub(super) start: i64,
    pub(super) end: i64,
}

impl Axis {
    /// The period from the earliest of `times` to `now`, at least a day long; `None` without a time. Commits may have any
    /// date, so dates before 1970 and after `now` are shown at the ends.
    pub(in crate::report::html) fn new(times: impl Iterator<Item = i64>, now: i64) -> Option<Self> {
        let end = now.clamp(DAY, LAST_SECOND);
        let start = times.min()?.clamp(0, end);
        Some(Self { start: start.min(end - DAY), end })
    }

    /// The position of a time, in percent of the width.
    pub(super) fn percent(self, seconds: i64) -> f64 {
        let fraction =
            (seconds.clamp(self.start, self.end) - self.start) as f64 / (self.end - self.start) as f64;
        MARGIN + fraction * (100.0 - 2.0 * MARGIN)
    }

    /// The times that have a label, and the labels.
    pub(super) fn ticks(self) -> Vec<(i64, String)> {
        let days = (self.end - self.start) / DAY;
        // Up to 100 days, the labels are days; for longer periods, they are months or years.
        if days <= 100 {
            let step =
                (days / MAX_INTERVALS).max(1) + i64::from(days % MAX_INTERVALS > 0 && days > MAX_INTERVALS);
            let first = self.start.div_euclid(DAY) + 1;
            let shown_days = (first..=self.end / DAY).step_by(usize::try_from(step).unwrap_or(1));
            return shown_days.map(|day| (day * DAY, day_label(day * DAY))).collect();
        }
        let (start, end) = (month_number(self.start), month_number(self.end));
        let steps = [1, 2, 3, 6, 12, 24, 60, 120, 240, 600];
        let step = steps
            .into_iter()
            .find(|step| (end - start) / step <= MAX_INTERVALS)
            .unwrap_or(((end - start) / (MAX_INTERVALS * 1200) + 1) * 1200);
        let first = (start + 1).div_euclid(step) * step + if (start + 1) % step == 0 { 0 } else { step };
        let shown_months = (first..=end).step_by(usize::try_from(step).unwrap_or(1));
        shown_months.map(|month| (start_of_month(month), month_label(month, step))).collect()
    }
}

/// `14 Nov`
fn day_label(seconds: i64) -> String {
    let time = civil_time(seconds);
    format!("{} {}", time.day(), month_name(i64::from(time.month()) - 1))
}

/// `Nov 2023`, or `2023` if only years are labeled.
fn month_label(month: i64, step: i64) -> String {
    let (year, month) = (month.div_euclid(12), month.rem_euclid(12));
    if step % 12 == 0 { year.to_string() } else { format!("{} {year}", month_name(month)) }
}

fn month_name(month: i64) -> &'static str {
    const NAMES: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    usize::try_from(month).ok().and_then(|month| NAMES.get(month)).copied().unwrap_or("")
}

/// The number of months from the year 0 to the month of a time.
fn month_number(seconds: i64) -> i64 {
    let time = civil_time(seconds);
    i64::from(time.year()) * 12 + i64::from(time.month()) - 1
}

/// The first second of a month, by the formula for days since 1970 from Howard Hinnant's `days_from_civil`.
fn start_of_month(month: i64) -> i64 {
    let (year, month) = (month.div_euclid(12), month.rem_euclid(12) + 1);
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5;
    (era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468) * DAY
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_start_where_the_calendar_says() {
        for seconds in [0, 951_782_400, 1_709_251_200, 4_107_542_400, 1_700_000_000] {
            let month = month_number(seconds);
            let start = start_of_month(month);
            let time = civil_time(start);
            assert_eq!((time.day(), month_number(start)), (1, month));
            assert_eq!(start % DAY, 0);
            assert!(start <= seconds && seconds < start_of_month(month + 1));
        }
    }

    #[test]
    fn labels_are_few_sorted_and_within_the_axis() {
        let end = 1_795_221_360;
        for days in [0, 1, 3, 5, 30, 99, 101, 200, 400, 800, 2_000, 5_000, 20_000] {
            let axis = Axis::new([end - days * DAY].into_iter(), end).unwrap();
            let ticks = axis.ticks();
            assert!((1..=6).contains(&ticks.len()), "{days} days: {ticks:?}");
            assert!(
                ticks.is_sorted()
                    && ticks.iter().all(|(seconds, _)| (axis.start..=axis.end).contains(seconds)),
                "{days}"
            );
        }
    }

    #[test]
    fn impossible_dates_stay_on_the_axis() {
        let axis = Axis::new([i64::MIN, i64::MAX].into_iter(), i64::MAX).unwrap();
        for seconds in [i64::MIN, 0, i64::MAX] {
            assert!((0.0..=100.0).contains(&axis.percent(seconds)));
        }
        assert!(axis.ticks().len() < 10);
        assert_eq!(Axis::new(std::iter::empty(), 5), None);
    }
}
