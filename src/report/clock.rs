//! Converts seconds since 1970 to dates and times.

use crate::model::Report;

/// The last second of the year 9999.
const LAST: i64 = 253_402_300_799;

/// `2026-11-21T00:36:00`, in UTC and without a zone. Times outside the years 0000 to 9999 are clamped, since no
/// format could represent them.
pub(super) fn utc(seconds: i64) -> String {
    let seconds = seconds.clamp(-62_167_219_200, LAST);
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = date(days);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
}

/// When the scan ended, in seconds since 1970.
pub(super) fn ended(report: &Report) -> i64 {
    report.started().saturating_add(report.elapsed_seconds().max(0.0).round() as i64)
}

/// Year, month and day in the Gregorian calendar, from days since 1970.
fn date(days: i64) -> (i64, i64, i64) {
    // Counting from 1 March of a year divisible by 400 puts leap days at the end of their year.
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn converts_known_dates() {
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
            assert_eq!(utc(seconds), text);
        }
    }
}
