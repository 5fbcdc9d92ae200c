//! Reads the entries of the organization's audit log about keys.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::wire::{ListPage, is_safe_id};
use super::{ApiKey, Client, EvidenceWindow};
use crate::model::AuditEvent;

/// Maximum number of pages of the log.
const MAX_PAGES: usize = 100;
/// Maximum number of events kept for one key.
const MAX_EVENTS: usize = 1_000;

/// How much of the audit log was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogCoverage {
    #[default]
    Nothing,
    Part,
    Whole,
}

/// Adds the entries about each key to `events`, oldest first. Also returns the gaps: what could not be read, and why.
pub(super) fn read(
    client: &Client,
    admin: &ApiKey,
    windows: &[EvidenceWindow],
    events: &mut BTreeMap<String, Vec<AuditEvent>>,
) -> (LogCoverage, Vec<String>) {
    let filter: String = windows.iter().map(|window| format!("&resource_ids[]={}", window.key_id)).collect();
    let (mut gaps, mut pages_read) = (Vec::new(), 0);
    let mut after = String::new();
    for page_number in 1.. {
        let path = format!("/v1/organization/audit_logs?limit=100{filter}{after}");
        let page: ListPage<WireEvent> = match client.get(&path, admin) {
            Ok(page) => page,
            Err(error) => {
                gaps.push(format!("audit log: {error}"));
                break;
            }
        };
        pages_read = page_number;
        for event in &page.data {
            for window in windows.iter().filter(|window| event.is_about(&window.key_id)) {
                events.entry(window.key_id.clone()).or_default().push(event.audit_event());
            }
        }
        if !page.has_more {
            break;
        }
        let last = page.data.last().map(|event| &event.id).filter(|id| is_safe_id(id));
        match last.map(|id| format!("&after={id}")) {
            Some(next) if next != after && page_number < MAX_PAGES => after = next,
            Some(next) if next != after => {
                gaps.push(format!("audit log: more than {MAX_PAGES} pages of events; the rest is not read"));
                break;
            }
            _ => {
                gaps.push(format!("audit log: {}", client.endless_list()));
                break;
            }
        }
    }
    for window in windows {
        let Some(events) = events.get_mut(&window.key_id) else { continue };
        events.sort_by_key(|event| event.at);
        if events.len() > MAX_EVENTS {
            let rest = events.len() - MAX_EVENTS;
            events.truncate(MAX_EVENTS);
            gaps.push(format!("audit log: {rest} later events about {} are left out", window.key_id));
        }
    }
    let coverage = match (pages_read, gaps.is_empty()) {
        (0, _) => LogCoverage::Nothing,
        (_, false) => LogCoverage::Part,
        (_, true) => LogCoverage::Whole,
    };
    (coverage, gaps)
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
        let actor_field =
            |pointer: &str| self.actor.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let names_of_actors =
            ["/session/user/email", "/api_key/user/email", "/api_key/service_account/id", "/api_key/id"];
        AuditEvent {
            event: self.kind.clone(),
            at: self.effective_at,
            actor: names_of_actors.iter().find_map(|pointer| actor_field(pointer)),
            ip_address: actor_field("/session/ip_address"),
        }
    }
}
