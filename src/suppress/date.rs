//! Calendar days, on which baseline entries expire.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::civil;

use crate::model::civil_time;

/// A day, ordered by time. Written `YYYY-MM-DD`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date(civil::Date);

impl Date {
    /// Parses `YYYY-MM-DD`; `None` if there is no such day, or `text` has another form.
    pub fn parse(text: &str) -> Option<Self> {
        let date: civil::Date = text.parse().ok().filter(|_| text.len() == 10)?;
        (date.to_string() == text).then_some(Self(date))
    }

    /// Today, in UTC.
    pub fn today() -> Self {
        let seconds =
            SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since_epoch| since_epoch.as_secs());
        Self(civil_time(i64::try_from(seconds).unwrap_or(i64::MAX)).date())
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_days_that_exist_are_parsed() {
        for text in ["2024-02-29", "1970-01-01", "9999-12-31"] {
            assert_eq!(Date::parse(text).unwrap().to_string(), text);
        }
        for text in [
            "2023-02-29",
            "2024-13-01",
            "2024-00-10",
            "2024-1-01",
            "24-01-01",
            "2024-01-01-",
            "20240101",
            "2024-01-01T00:00",
            "x",
        ] {
            assert_eq!(Date::parse(text), None, "{text}");
        }
        assert!(Date::parse("2024-09-30") < Date::parse("2024-10-01"));
        assert!(Date::today() > Date::parse("2024-01-01").unwrap());
    }
}
