//! Writes the review of an organization's keys (`friskey keys`) for a terminal.

use std::io::{self, Write};

use super::humanize::{count, thousands};
use super::{Style, escape};
use crate::model::{KeyConcern, KeyReview, ReviewedKey};

/// Writes a line for each key, below it the reasons why the key is due to be replaced, restricted or deleted, and
/// then the totals.
///
/// # Errors
/// Only what `out` itself reports.
pub fn write_key_review(review: &KeyReview, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    if !review.keys.is_empty() {
        writeln!(out, "{:>9}  {:>9}  key", "age", "last used")?;
    }
    for key in &review.keys {
        let age = key.age_days.map_or_else(|| "not known".to_owned(), days);
        let last_used = key.unused_days.map_or_else(|| "never".to_owned(), days);
        writeln!(out, "{age:>9}  {last_used:>9}  {}", escape::line(&key_line(key)))?;
        if !key.concerns.is_empty() {
            let concerns: Vec<String> = key.concerns.iter().map(|kind| explain(*kind, key, review)).collect();
            let (on, off) = if style.color { ("\x1b[1;31m", "\x1b[0m") } else { ("", "") };
            writeln!(out, "{:22}{on}due:{off} {}", "", concerns.join("; "))?;
        }
    }
    for gap in &review.not_read {
        writeln!(out, "not read: {}", escape::line(gap))?;
    }
    let (keys, projects) = (review.keys.len() as u64, review.projects as u64);
    let due_text = match (review.due_keys as u64, review.not_read.is_empty()) {
        (0, true) => "nothing due".to_owned(),
        (0, false) => "not everything could be read, so some keys may be due".to_owned(),
        (due, _) => format!("{} due", count(due, "key")),
    };
    writeln!(out, "{} in {}: {due_text}", count(keys, "key"), count(projects, "project"))
}

/// `1,234 d`
fn days(days: i64) -> String {
    format!("{} d", thousands(u64::try_from(days).unwrap_or(0)))
}

/// `key_1 (backend), project proj_1 (Payments), service account backend`
fn key_line(key: &ReviewedKey) -> String {
    let mut parts = vec![super::verification::id_and_name(&key.id, &key.name)];
    match &key.project {
        Some(project) => {
            let archived = if project.archived { ", archived" } else { "" };
            let project = super::verification::id_and_name(&project.id, &project.name);
            parts.push(format!("project {project}{archived}"));
        }
        None if key.admin => parts.push("admin key".to_owned()),
        None => parts.push("project unknown".to_owned()),
    }
    parts.extend(key.owner.as_ref().map(super::verification::describe_owner));
    // A key is unusable because it has expired or because its project is archived, which the line says already.
    if !key.usable && !key.project.as_ref().is_some_and(|project| project.archived) {
        parts.push("expired".to_owned());
    }
    parts.join(", ")
}

/// Why a key is due, and what to do about it.
fn explain(concern: KeyConcern, key: &ReviewedKey, review: &KeyReview) -> String {
    match concern {
        KeyConcern::Old => {
            format!("older than {}, so replace it", count(review.max_age_days, "day"))
        }
        KeyConcern::Unused if key.unused_days.is_none() => {
            "never used, according to the API, so delete it".to_owned()
        }
        KeyConcern::Unused => {
            format!("not used for {}, so delete it", count(review.max_age_days, "day"))
        }
        KeyConcern::Unrestricted => "not restricted, so remove permissions that it does not need".to_owned(),
        KeyConcern::UserOwned => "owned by a user, so use a service account's".to_owned(),
    }
}
