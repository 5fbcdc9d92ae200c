//! `friskey keys`: lists the organization's keys by age and last use, and marks those that are due, with what concerns them. Only reads.

use std::cmp::Reverse;
use std::io::Write;

use anyhow::{Context, Result};

use super::args::{GlobalArgs, KeysArgs};
use super::broken_pipe::ignore_broken_pipe;
use super::clock::now;
use super::exit::Exit;
use super::online::TextRedactor;
use super::options;
use super::output::style;
use super::rules::load_detector;
use crate::model::{KeyReview, ReviewedKey, Secret};
use crate::provider::{KeyDirectory, OrganizationKey};
use crate::report::{write_json, write_key_review};

/// The scope of unrestricted keys.
const ALL_SCOPES: &str = "api.all";

pub(super) fn run(args: &KeysArgs, global: &GlobalArgs) -> Result<Exit> {
    let admin = args.online.required_admin_key()?;
    let config = options::config(global)?;
    let (_, detector) = load_detector(global, &config)?;
    let client = args.online.client()?;
    let directory = KeyDirectory::list(&client, &admin).unwrap_or_else(|error| KeyDirectory {
        gaps: vec![args.online.listing_failure(&error)],
        ..KeyDirectory::default()
    });
    // Nothing of the admin key may be shown, not even a prefix.
    let redactor = TextRedactor::new(&detector, vec![Secret::new(admin.reveal().to_vec(), 0)]);
    let review = review(directory, &redactor, (now(), args.max_age.0));
    let exit = match (review.due_keys, review.not_read.is_empty()) {
        (1.., _) => Exit::Findings,
        (0, false) => Exit::Incomplete,
        (0, true) => Exit::Clean,
    };
    if !(global.quiet && exit == Exit::Clean) {
        let mut out = Vec::new();
        match args.format.as_str() {
            "json" => write_json(&review, &mut out)?,
            _ => write_key_review(&review, &style(global), &mut out)?,
        }
        let written = std::io::stdout().lock().write_all(&out);
        ignore_broken_pipe(written).context("cannot write to standard output")?;
    }
    Ok(exit)
}

/// Reviews every key, oldest first, those of unknown age before all others. `now` is in seconds since 1970.
fn review(
    directory: KeyDirectory,
    redactor: &TextRedactor<'_>,
    (now, max_age_days): (i64, u64),
) -> KeyReview {
    let mut not_read = directory.gaps;
    not_read.iter_mut().for_each(|gap| redactor.redact(gap));
    let mut keys: Vec<ReviewedKey> = directory
        .keys
        .into_iter()
        .map(|mut key| {
            redactor.redact_listed_key(&mut key.listed_key);
            let (admin, unrestricted) = (key.is_admin, is_unrestricted(&key));
            ReviewedKey::new(key.listed_key, (admin, unrestricted), (now, max_age_days))
        })
        .collect();
    keys.sort_by_key(|key| {
        (Reverse(key.age_days.unwrap_or(i64::MAX)), Reverse(key.unused_days.unwrap_or(i64::MAX)))
    });
    let undated_keys = keys.iter().filter(|key| key.usable && key.age_days.is_none());
    not_read.extend(undated_keys.map(|key| format!("the age of {}: the API does not say", key.id)));
    let due_keys = keys.iter().filter(|key| !key.concerns.is_empty()).count();
    KeyReview {
        schema: "friskey/keys/v1",
        checked_at: now,
        max_age_days,
        projects: directory.project_count,
        due_keys,
        keys,
        not_read,
    }
}

/// Whether a key is unrestricted: an empty list of scopes means that it is; without a list, this is unknown.
fn is_unrestricted(key: &OrganizationKey) -> Option<bool> {
    let scopes = key.scopes.as_ref()?;
    Some(scopes.is_empty() || scopes.iter().any(|scope| scope == ALL_SCOPES))
}
