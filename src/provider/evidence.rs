//! What keys cost, and what the audit log says about them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::wire::{BucketPage, ListPage, is_id};
use super::{ApiKey, Client, ProviderError};
use crate::model::{AuditEvent, Spending, SpendingDay, civil_time};

const DAY: i64 = 86_400;
/// Days before the leak to compare with.
const DAYS_BEFORE: u32 = 7;
/// The longest time that is looked at, in days.
const MAX_DAYS: i64 = 730;
/// The most days in one page of costs, and of usage.
const DAYS_IN_PAGE: (i64, i64) = (180, 31);
/// Keys in one call, so that its URL stays short.
const KEYS_IN_CALL: usize = 50;
/// The most pages of one list.
const MAX_PAGES: usize = 100;

/// From when to look at a key.
#[derive(Clone, Debug)]
pub struct EvidenceWindow {
    /// The id of the key.
    pub key: String,
    /// When it was leaked, in seconds since 1970.
    pub leaked_at: i64,
}

/// What was found out about several keys.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    spending: BTreeMap<String, Spending>,
    events: BTreeMap<String, Vec<AuditEvent>>,
    /// What could not be read, and why.
    pub gaps: Vec<String>,
}

#[derive(Clone, Copy, Default)]
struct DayTotal {
    amount: f64,
    requests: u64,
}

impl Evidence {
    /// Reads costs, requests and audit log entries of the keys up to `now`, in as few calls as there are pages.
    pub fn collect(client: &Client, admin: &ApiKey, windows: &[EvidenceWindow], now: i64) -> Self {
        let mut evidence = Self::default();
        for chunk in windows.chunks(KEYS_IN_CALL) {
            evidence.add_spending(client, admin, chunk, now);
            evidence.add_events(client, admin, chunk);
        }
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
        let Some(first) = windows.iter().map(|window| window.leaked_at).min() else { return };
        let earliest = day(now) - MAX_DAYS.saturating_mul(DAY);
        let start = (day(first) - i64::from(DAYS_BEFORE) * DAY).max(earliest);
        if start == earliest {
            self.gaps.push(format!("costs of more than {MAX_DAYS} days ago"));
        }
        let mut totals: BTreeMap<(String, i64), DayTotal> = BTreeMap::new();
        let mut currency = "usd".to_owned();
        let ids: Vec<&str> = windows.iter().map(|window| window.key.as_str()).collect();
        let costs = buckets(client, admin, ("costs", DAYS_IN_PAGE.0), start, &ids, |day, result| {
            let Some(amount) = &result.amount else { return };
            let is_code =
                amount.currency.len() == 3 && amount.currency.bytes().all(|byte| byte.is_ascii_alphabetic());
            if is_code {
                currency = amount.currency.to_ascii_lowercase();
            }
            if let Some(key) = &result.api_key_id {
                totals.entry((key.clone(), day)).or_default().amount += amount.value;
            }
        });
        if let Err(error) = costs {
            self.gaps.push(format!("costs: {error}"));
            return;
        }
        let usage =
            buckets(client, admin, ("usage/completions", DAYS_IN_PAGE.1), start, &ids, |day, result| {
                if let Some(key) = &result.api_key_id {
                    totals.entry((key.clone(), day)).or_default().requests +=
                        result.num_model_requests.unwrap_or(0);
                }
            });
        if let Err(error) = usage {
            self.gaps.push(format!("usage: {error}"));
        }
        for window in windows {
            let days: BTreeMap<i64, DayTotal> = totals
                .iter()
                .filter(|((key, _), _)| *key == window.key)
                .map(|((_, day), total)| (*day, *total))
                .collect();
            let spending = spending(&days, day(window.leaked_at), currency.clone());
            self.spending.insert(window.key.clone(), spending);
        }
    }

    fn add_events(&mut self, client: &Client, admin: &ApiKey, windows: &[EvidenceWindow]) {
        let filter: String = windows.iter().map(|window| format!("&resource_ids[]={}", window.key)).collect();
        let mut after = String::new();
        for _ in 0..MAX_PAGES {
            let path = format!("/v1/organization/audit_logs?limit=100{filter}{after}");
            let page: ListPage<WireEvent> = match client.get(&path, admin) {
                Ok(page) => page,
                Err(error) => return self.gaps.push(format!("audit log: {error}")),
            };
            let next = page.data.last().map(|event| event.id.clone()).filter(|id| is_id(id));
            for event in &page.data {
                for window in windows.iter().filter(|window| event.is_about(&window.key)) {
                    self.events.entry(window.key.clone()).or_default().push(event.audit_event());
                }
            }
            let next = next.map(|id| format!("&after={id}"));
            match next {
                Some(next) if page.has_more && next != after => after = next,
                _ => break,
            }
        }
        self.events.values_mut().for_each(|events| events.sort_by_key(|event| event.at));
    }
}

/// The start of a day in UTC.
fn day(seconds: i64) -> i64 {
    seconds.div_euclid(DAY).saturating_mul(DAY)
}

fn spending(days: &BTreeMap<i64, DayTotal>, leak_day: i64, currency: String) -> Spending {
    let first = leak_day - i64::from(DAYS_BEFORE) * DAY;
    let total = |since_leak: bool| -> f64 {
        let of_time = days.range(first..).filter(|(day, _)| (**day >= leak_day) == since_leak);
        of_time.fold(0.0, |sum, (_, total)| sum + total.amount)
    };
    let one = |(day, total): (&i64, &DayTotal)| SpendingDay {
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
        days: days.range(first..).map(one).collect(),
    }
}

/// Reads every daily bucket since `start`. The API documents the filter by keys in two ways, and the results are
/// grouped by key in any case.
fn buckets(
    client: &Client,
    admin: &ApiKey,
    (endpoint, limit): (&str, i64),
    start: i64,
    keys: &[&str],
    mut add: impl FnMut(i64, &super::wire::BucketResult),
) -> Result<(), ProviderError> {
    let filter = |name: &str| -> String { keys.iter().map(|key| format!("&{name}={key}")).collect() };
    let mut filters = vec![filter("api_key_ids[]"), filter("api_key_ids")];
    let mut page = String::new();
    for _ in 0..MAX_PAGES {
        let Some(names) = filters.last() else { break };
        let path = format!(
            "/v1/organization/{endpoint}?start_time={start}&bucket_width=1d&limit={limit}&group_by=api_key_id{names}{page}"
        );
        let answer: BucketPage = match client.get(&path, admin) {
            Err(error) if error.status() == Some(400) && filters.len() > 1 && page.is_empty() => {
                filters.pop();
                continue;
            }
            answer => answer?,
        };
        for bucket in &answer.data {
            bucket.results.iter().for_each(|result| add(day(bucket.start_time), result));
        }
        let next = answer.next_page.filter(|_| answer.has_more);
        let next =
            next.filter(|next| next.len() <= MAX_CURSOR).map(|next| format!("&page={}", encoded(&next)));
        match next {
            Some(next) if next != page => page = next,
            _ if !answer.has_more => return Ok(()),
            _ => break,
        }
    }
    Err(client.endless())
}

/// The longest cursor that is sent back.
const MAX_CURSOR: usize = 256;

/// A cursor as part of a query.
fn encoded(cursor: &str) -> String {
    let byte = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'.' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    cursor.bytes().map(byte).collect()
}

#[derive(Deserialize)]
struct WireEvent {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    effective_at: i64,
    #[serde(default)]
    actor: Value,
    #[serde(flatten)]
    details: BTreeMap<String, Value>,
}

impl WireEvent {
    fn is_about(&self, key: &str) -> bool {
        self.details.get(&self.kind).is_some_and(|details| details["id"] == key)
    }

    fn audit_event(&self) -> AuditEvent {
        let text = |pointer: &str| self.actor.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let actors =
            ["/session/user/email", "/api_key/user/email", "/api_key/service_account/id", "/api_key/id"];
        AuditEvent {
            event: self.kind.clone(),
            at: self.effective_at,
            actor: actors.iter().find_map(|pointer| text(pointer)),
            ip_address: text("/session/ip_address"),
        }
    }
}
