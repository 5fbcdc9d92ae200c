//! Calendar days, for entries that expire.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

const SECONDS_PER_DAY: u64 = 86_400;

/// A day, written `YYYY-MM-DD` and ordered by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    year: u32,
    month: u32,
    day: u32,
}

impl Date {
    /// Parses `YYYY-MM-DD`; `None` if there is no such day.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let mut number = |digits: usize| {
            let part = parts.next().filter(|p| p.len() == digits && p.bytes().all(|b| b.is_ascii_digit()))?;
            part.parse().ok()
        };
        let date = Self { year: number(4)?, month: number(2)?, day: number(2)? };
        let exists = (1..=12).contains(&date.month) && (1..=date.days_of_month()).contains(&date.day);
        (exists && parts.next().is_none()).then_some(date)
    }

    /// Today, in UTC.
    pub fn today() -> Self {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Self::after_epoch(seconds / SECONDS_PER_DAY)
    }

    /// The day `days` days after 1970-01-01.
    fn after_epoch(days: u64) -> Self {
        let mut left = days;
        let mut date = Self { year: 1970, month: 1, day: 1 };
        // Counts years from 1970, then months, which takes few steps. A clock in the far future stops at 9999.
        while date.year < 9999 && left >= date.days_of_year() {
            left -= date.days_of_year();
            date.year += 1;
        }
        while date.month < 12 && left >= u64::from(date.days_of_month()) {
            left -= u64::from(date.days_of_month());
            date.month += 1;
        }
        date.day = u32::try_from(left + 1).unwrap_or(u32::MAX).min(date.days_of_month());
        date
    }

    fn is_leap(self) -> bool {
        self.year.is_multiple_of(4) && (!self.year.is_multiple_of(100) || self.year.is_multiple_of(400))
    }

    fn days_of_year(self) -> u64 {
        if self.is_leap() { 366 } else { 365 }
    }

    fn days_of_month(self) -> u32 {
        match self.month {
            2 if self.is_leap() => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        }
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_existing_days_only() {
        for text in ["2024-02-29", "1970-01-01", "9999-12-31"] {
            assert_eq!(Date::parse(text).unwrap().to_string(), text);
        }
        for text in ["2023-02-29", "2024-13-01", "2024-00-10", "2024-1-01", "24-01-01", "2024-01-01-", "x"] {
            assert_eq!(Date::parse(text), None, "{text}");
        }
        assert!(Date::parse("2024-09-30") < Date::parse("2024-10-01"));
    }

    #[test]
    fn counts_days_since_1970() {
        for (days, text) in
            [(0, "1970-01-01"), (59, "1970-03-01"), (11_016, "2000-02-29"), (19_782, "2024-02-29")]
        {
            assert_eq!(Date::after_epoch(days).to_string(), text);
        }
        assert_eq!(Date::after_epoch(u64::MAX).to_string(), "9999-12-31");
        assert!(Date::today() > Date::parse("2024-01-01").unwrap());
    }
}
