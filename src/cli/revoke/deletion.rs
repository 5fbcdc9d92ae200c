//! Deletes a key, and waits until it is gone.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::refusal::refused;
use super::refuse;
use crate::cli::exit::Exit;
use crate::cli::message::{print, say};
use crate::model::ListedKey;
use crate::provider::{ApiKey, Client, KeyDirectory, ProviderError};
use crate::report::elapsed;

/// The time between two looks at the list.
const POLL: Duration = Duration::from_secs(5);
/// The time after which a key that is gone from the list has to be gone still.
const CONFIRM: Duration = Duration::from_secs(2);

/// Deletes the key and waits, as long as `limit`, until the list no longer has it. `shown` is the same key as it may be
/// shown.
pub(super) fn delete(
    client: &Client,
    admin: &ApiKey,
    (key, shown): (&ListedKey, &ListedKey),
    limit: Duration,
) -> Result<Exit> {
    match KeyDirectory::delete(client, admin, key) {
        Ok(()) => say(&format!("friskey: the deletion of {} was accepted; checking the list", key.id)),
        // Somebody else was faster; the list tells.
        Err(error) if error.status() == Some(404) => {}
        Err(error) if may_have_arrived(&error) => {
            say(&format!(
                "friskey: it is not known whether the deletion went through ({error}); checking the list"
            ));
        }
        Err(error) => return refuse(&refused(shown, &error)),
    }
    wait(client, admin, key, limit)
}

/// Lists again until the key is gone.
fn wait(client: &Client, admin: &ApiKey, key: &ListedKey, limit: Duration) -> Result<Exit> {
    let started = Instant::now();
    let project = key.project.as_ref().map(|project| project.id.as_str());
    let mut was_gone = false;
    loop {
        let waited = elapsed(started.elapsed().as_secs_f64());
        let mut is_last = false;
        let state = match KeyDirectory::ids(client, admin, project) {
            // Lists of several servers may differ for a moment.
            Ok(ids) if !ids.contains(&key.id) && !was_gone => {
                was_gone = true;
                thread::sleep(CONFIRM);
                continue;
            }
            Ok(ids) if !ids.contains(&key.id) => {
                print(format!("revoked: {} is gone from the list after {waited}\n", key.id).as_bytes())?;
                return Ok(Exit::Clean);
            }
            Ok(_) => format!("{} is still listed after {waited}", key.id),
            Err(error) => {
                is_last = error.is_limit();
                format!("{}: the list cannot be read after {waited} ({error})", key.id)
            }
        };
        was_gone = false;
        let left = limit.saturating_sub(started.elapsed());
        if left.is_zero() || is_last {
            let submitted = format!(
                "submitted: {state}; treat the key as live until `friskey verify` no longer finds it in the list\n"
            );
            print(submitted.as_bytes())?;
            return Ok(Exit::Incomplete);
        }
        say(&format!("{state}; waiting up to {} more", elapsed(left.as_secs_f64())));
        thread::sleep(POLL.min(left));
    }
}

/// Whether the key may be deleted in spite of `error`.
fn may_have_arrived(error: &ProviderError) -> bool {
    error.status().is_some_and(|status| status >= 500)
        || matches!(
            error,
            ProviderError::TimedOut { .. }
                | ProviderError::Connection { .. }
                | ProviderError::Unreadable { .. }
                | ProviderError::Redirected { .. }
                | ProviderError::OutOfTime { .. }
        )
}
