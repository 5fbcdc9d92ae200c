//! Dates and times as reports write them.

use crate::model::{Report, civil_time};

/// Seconds since 1970 as `2026-11-21T00:36:00`, in UTC and without a zone.
pub(super) fn utc(seconds: i64) -> String {
    civil_time(seconds).to_string()
}

/// When the scan ended, in seconds since 1970.
pub(super) fn end(report: &Report) -> i64 {
    report.started().saturating_add(report.elapsed_seconds().max(0.0).round() as i64)
}
