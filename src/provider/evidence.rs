//! Evidence of what happened with keys: their costs, their usage, and the entries of the audit log about them.

use std::collections::BTreeMap;

use super::audit_log::{self, LogCoverage};
use super::buckets::{DAY, read_buckets, start_of_day};
use super::usage::{SERVICES, ServiceCount, read_usage};
use super::{ApiKey, Client, EvidenceWindow};
use crate::model::{AuditEvent, ServiceUse, Spending, SpendingDay, civil_time};

/// Number of days before the leak whose costs are compared with those after it.
const DAYS_BEFORE: u32 = 7;
/// Maximum period that is examined, in days.
const MAX_DAYS: i64 = 730;
/// Maximum number of days in one page of costs.
const DAYS_IN_PAGE: u32 = 180;
/// Maximum bytes of ids in one call, about 150 keys, so that its URL is shorter than the 8 KiB that servers accept.
const MAX_FILTER_BYTES: usize = 6 << 10;
/// Bytes that the name of a parameter adds to each id in a URL.
const PARAMETER_BYTES: usize = "&resource_ids[]=".len();

/// Costs, usage and audit log entries of several keys.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    spending: BTreeMap<String, Spending>,
    events: BTreeMap<String, Vec<AuditEvent>>,
    /// How much of the audit log was read: the least of all calls.
    pub log_coverage: LogCoverage,
    /// What could not be read, and why.
    pub gaps: Vec<String>,
}

/// Divides the keys among as few calls as possible.
fn batches(windows: &[EvidenceWindow]) -> Vec<&[EvidenceWindow]> {
    let mut batches = Vec::new();
    let mut rest = windows;
    while !rest.is_empty() {
        let mut bytes = 0;
        let fitting_windows = rest.iter().take_while(|window| {
            bytes += PARAMETER_BYTES + window.key_id.len();
            bytes <= MAX_FILTER_BYTES
        });
        let (batch, remaining) = rest.split_at(fitting_windows.count().max(1));
        batches.push(batch);
        rest = remaining;
    }
    batches
}

/// What a key cost on one day, and how many requests to models it made.
#[derive(Clone, Copy, Default)]
struct DayTotal {
    amount: f64,
    requests: u64,
}

impl Evidence {
    /// Reads costs, requests and audit log entries of the keys up to `now`, in seconds since 1970. What cannot be read
    /// is added to `gaps`.
    pub fn collect(client: &Client, admin: &ApiKey, windows: &[EvidenceWindow], now: i64) -> Self {
        let (mut evidence, mut least) = (Self::default(), None);
        for batch in batches(windows) {
            evidence.add_spending(client, admin, batch, now);
            let (coverage, gaps) = audit_log::read(client, admin, batch, &mut evidence.events);
            least = Some(least.map_or(coverage, |least: LogCoverage| least.min(coverage)));
            evidence.gaps.extend(gaps);
        }
        evidence.log_coverage = least.unwrap_or_default();
        evidence.gaps.dedup();
        evidence
    }

    /// What a key cost.
    pub fn spending(&self, key: &str) -> Option<&Spending> {
        self.spending.get(key)
    }

    /// The entries of the audit log about a key, oldest first.
    pub fn events(&self, key: &str) -> &[AuditEvent] {
        self.events.get(key).map(Vec::as_slice).unwrap_or_default()
    }

    fn add_spending(&mut self, client: &Client, admin: &ApiKey, windows: &[EvidenceWindow], now: i64) {
        let Some(first_leak) = windows.iter().map(|window| window.leaked_at).min() else { return };
        let earliest = start_of_day(now) - MAX_DAYS.saturating_mul(DAY);
        let start = (start_of_day(first_leak) - i64::from(DAYS_BEFORE) * DAY).max(earliest);
        if start == earliest {
            self.gaps.push(format!("costs of more than {MAX_DAYS} days ago"));
        }
        let mut totals: BTreeMap<(String, i64), DayTotal> = BTreeMap::new();
        let mut currency = "usd".to_owned();
        let mut unreadable_count = 0u64;
        let ids: Vec<&str> = windows.iter().map(|window| window.key_id.as_str()).collect();
        let costs = read_buckets(client, admin, ("costs", DAYS_IN_PAGE), start, &ids, |day, result| {
            let value = result.amount.as_ref().and_then(|amount| amount.value);
            if let Some(key) = &result.api_key_id {
                unreadable_count += u64::from(value.is_none());
                totals.entry((key.clone(), day)).or_default().amount += value.unwrap_or_default();
            }
            let Some(amount) = &result.amount else { return };
            let is_currency_code =
                amount.currency.len() == 3 && amount.currency.bytes().all(|byte| byte.is_ascii_alphabetic());
            if is_currency_code {
                currency = amount.currency.to_ascii_lowercase();
            }
        });
        if let Err(error) = costs {
            self.gaps.push(format!("costs: {error}"));
            return;
        }
        match unreadable_count {
            0 => {}
            1 => self.gaps.push("costs: one amount is not a number".to_owned()),
            count => self.gaps.push(format!("costs: {count} amounts are not numbers")),
        }
        let (counts, gaps) = read_usage(client, admin, start, &ids);
        self.gaps.extend(gaps);
        for count in counts.iter().filter(|count| count.service.counts_model_requests) {
            let total = totals.entry((count.key_id.clone(), count.day)).or_default();
            total.requests = total.requests.saturating_add(count.requests);
        }
        for window in windows {
            let days: BTreeMap<i64, DayTotal> = totals
                .iter()
                .filter(|((key, _), _)| *key == window.key_id)
                .map(|((_, day), total)| (*day, *total))
                .collect();
            let leak_day = start_of_day(window.leaked_at);
            let mut spending = sum_spending(&days, leak_day, currency.clone());
            spending.services = service_uses(&counts, &window.key_id, leak_day);
            self.spending.insert(window.key_id.clone(), spending);
        }
    }
}

/// Sums the costs of one key before and since `leak_day`, the start of the day of the leak.
fn sum_spending(days: &BTreeMap<i64, DayTotal>, leak_day: i64, currency: String) -> Spending {
    let first_day = leak_day - i64::from(DAYS_BEFORE) * DAY;
    let total = |since_leak: bool| -> f64 {
        let in_period = days.range(first_day..).filter(|(day, _)| (**day >= leak_day) == since_leak);
        in_period.fold(0.0, |sum, (_, total)| sum + total.amount)
    };
    let spending_day = |(day, total): (&i64, &DayTotal)| SpendingDay {
        date: civil_time(*day).date().to_string(),
        amount: total.amount,
        requests: total.requests,
        since_leak: *day >= leak_day,
    };
    Spending {
        currency,
        since_leak: total(true),
        per_day_before: total(false) / f64::from(DAYS_BEFORE),
        days_before: DAYS_BEFORE,
        days: days.range(first_day..).map(spending_day).collect(),
        services: Vec::new(),
    }
}

/// How often a key used each of the services that it used.
fn service_uses(counts: &[ServiceCount], key: &str, leak_day: i64) -> Vec<ServiceUse> {
    let first_day = leak_day - i64::from(DAYS_BEFORE) * DAY;
    let total = |name: &str, since_leak: bool| -> u64 {
        let counts_of_key = counts.iter().filter(|count| count.key_id == key && count.service.name == name);
        let in_period =
            counts_of_key.filter(|count| count.day >= first_day && (count.day >= leak_day) == since_leak);
        in_period.fold(0, |sum, count| sum.saturating_add(count.requests))
    };
    let service_use = |name: &'static str| ServiceUse {
        service: name,
        since_leak: total(name, true),
        before: total(name, false),
    };
    let uses = SERVICES.iter().map(|service| service_use(service.name));
    uses.filter(|service| service.since_leak > 0 || service.before > 0).collect()
}
