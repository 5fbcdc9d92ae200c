//! What the provider says about leaked keys: the output for a terminal, and the phrases that the HTML page uses as well.

mod human;

use crate::model::{KeyOwner, ListedKey, ServiceUse, Spending, Verification, civil_time};
use crate::report::humanize::thousands;

pub use human::write as write_verification;

use super::escape;

/// Maximum number of keys of the same service account that are named.
const MAX_ACCOUNT_KEYS: usize = 10;

/// A leak and what the provider says about it.
#[derive(Clone, Debug)]
pub struct VerifiedLeak {
    /// The id of the rule that found the key.
    pub rule: String,
    /// The key, redacted.
    pub redacted: String,
    /// The fingerprint of the key.
    pub fingerprint: String,
    /// What the provider says.
    pub verification: Verification,
}

/// `2026-11-27 10:30 UTC`
fn utc_minute(seconds: i64) -> String {
    let time = civil_time(seconds).to_string().replace('T', " ");
    format!("{} UTC", time.get(..16).unwrap_or(&time))
}

/// What the provider says about a key that it lists, as labels and values. Not escaped.
pub(super) fn key_facts(key: &ListedKey) -> Vec<(&'static str, String)> {
    let mut facts = vec![("key", id_and_name(&key.id, &key.name))];
    if let Some(project) = &key.project {
        let archived = if project.archived { ", archived" } else { "" };
        facts.push(("project", format!("{}{archived}", id_and_name(&project.id, &project.name))));
    }
    facts.extend(key.owner.as_ref().map(|owner| ("owner", describe_owner(owner))));
    facts.extend(account_keys(key));
    facts.extend(key.created_at.map(|seconds| ("created", utc_minute(seconds))));
    facts.push((
        "last used",
        key.last_used_at.map_or_else(|| "never, according to the API".to_owned(), utc_minute),
    ));
    facts.extend(key.expires_at.map(|seconds| ("expires", utc_minute(seconds))));
    if key.created_after_leak {
        facts.push((
            "note",
            "created after the commit that leaked the key, so it is probably another key".to_owned(),
        ));
    }
    if key.short_mask {
        facts.push((
            "note",
            "the API shows only a short form of this key, so the match is not certain".to_owned(),
        ));
    }
    facts
}

/// The other keys of the service account that owns `key`.
fn account_keys(key: &ListedKey) -> Option<(&'static str, String)> {
    let names = key.account_keys.iter().take(MAX_ACCOUNT_KEYS).map(|key| id_and_name(&key.id, &key.name));
    let mut names: Vec<String> = names.collect();
    let rest = key.account_keys.len() - names.len();
    names.extend((rest > 0).then(|| format!("{} more", thousands(rest as u64))));
    (!names.is_empty()).then(|| ("other keys", format!("{}, of the same service account", names.join(", "))))
}

/// `key_1 (backend)`
pub(super) fn id_and_name(id: &str, name: &str) -> String {
    if name.is_empty() { id.to_owned() } else { format!("{id} ({name})") }
}

/// `service account backend, svc_1, created 2026-11-27 10:30 UTC`
pub(super) fn describe_owner(owner: &KeyOwner) -> String {
    let role = if owner.kind == "user" { "user" } else { "service account" };
    let parts: Vec<&str> =
        [&owner.name, &owner.email, &owner.id].into_iter().flatten().map(String::as_str).collect();
    let since = owner.created_at.filter(|_| owner.is_service_account());
    let since = since.map(|seconds| format!(", created {}", utc_minute(seconds))).unwrap_or_default();
    format!("{role} {}{since}", parts.join(", "))
}

/// `$12.34`, `12.34 eur`
pub(super) fn format_money(amount: f64, currency: &str) -> String {
    if currency == "usd" {
        format!("${amount:.2}")
    } else {
        format!("{amount:.2} {}", escape::line(currency))
    }
}

/// `120 completions, 3 images since the leaking commit; 14 completions in the 7 days before`
pub(super) fn describe_uses(spending: &Spending) -> Option<String> {
    let list = |count: fn(&ServiceUse) -> u64| -> String {
        let used_services = spending.services.iter().filter(|service| count(service) > 0);
        let used_services: Vec<String> = used_services
            .map(|service| format!("{} {}", thousands(count(service)), service.service.replace('_', " ")))
            .collect();
        if used_services.is_empty() { "nothing".to_owned() } else { used_services.join(", ") }
    };
    (!spending.services.is_empty()).then(|| {
        let (since, before) = (list(|service| service.since_leak), list(|service| service.before));
        format!("{since} since the leaking commit; {before} in the {} days before", spending.days_before)
    })
}

/// `2026-11-27 api_key.created by ada@example.org from 192.0.2.1`
pub(super) fn describe_event(event: &crate::model::AuditEvent) -> String {
    let mut text = format!("{} {}", utc_minute(event.at), event.event);
    for (preposition, value) in [("by", &event.actor), ("from", &event.ip_address)] {
        if let Some(value) = value {
            text.push_str(&format!(" {preposition} {value}"));
        }
    }
    text
}
