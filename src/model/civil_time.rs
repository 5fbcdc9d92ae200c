//! Conversion of timestamps to calendar dates.

use jiff::SignedDuration;
use jiff::civil::{DateTime, date};

/// The date and time of day, in UTC, of `seconds` since 1970. Times outside the years 0000 to 9999, which no report
/// format can express, become the first or last second of that range.
pub fn civil_time(seconds: i64) -> DateTime {
    let epoch = date(1970, 1, 1).at(0, 0, 0, 0);
    let (first, last) = (date(0, 1, 1).at(0, 0, 0, 0), date(9999, 12, 31).at(23, 59, 59, 0));
    epoch.saturating_add(SignedDuration::from_secs(seconds)).clamp(first, last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_become_the_dates_of_the_calendar() {
        let cases = [
            (0, "1970-01-01T00:00:00"),
            (951_782_399, "2000-02-28T23:59:59"),
            (951_782_400, "2000-02-29T00:00:00"),
            (1_709_251_200, "2024-03-01T00:00:00"),
            (4_107_542_400, "2100-03-01T00:00:00"),
            (-1, "1969-12-31T23:59:59"),
            (i64::MAX, "9999-12-31T23:59:59"),
            (i64::MIN, "0000-01-01T00:00:00"),
        ];
        for (seconds, text) in cases {
            assert_eq!(civil_time(seconds).to_string(), text);
        }
    }
}
