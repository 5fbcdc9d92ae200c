//! Deletes a key, and waits until it disappears from the list.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::interruption::Interruption;
use super::refusal::explain_api_refusal;
use super::refuse;
use crate::cli::exit::Exit;
use crate::cli::message::{print, say};
use crate::model::ListedKey;
use crate::provider::{ApiKey, Client, KeyDirectory, ProviderError};
use crate::report::human_duration;

/// Interval at which the list is checked.
const POLL_INTERVAL: Duration = Duration::from_secs(5);
/// Time after which the list is checked again, once the key is gone from it.
const CONFIRM_DELAY: Duration = Duration::from_secs(2);
/// What to do as long as it is not certain that the key is gone.
const UNTIL_GONE: &str = "treat the key as live until `friskey verify` no longer finds it in the list";

/// A key to delete, and how.
pub(super) struct Deletion<'a> {
    pub(super) client: &'a Client,
    pub(super) admin: &'a ApiKey,
    pub(super) key: &'a ListedKey,
    /// The same key, safe to display.
    pub(super) redacted_key: &'a ListedKey,
    /// Time limit for the key to disappear from the list.
    pub(super) limit: Duration,
    /// The id of the key that replaces it, if one was created.
    pub(super) replacement: Option<&'a str>,
    pub(super) interruption: &'a Interruption,
}

impl Deletion<'_> {
    /// Deletes the key and waits until it is gone from the list.
    pub(super) fn run(&self) -> Result<Exit> {
        if self.interruption.is_set() {
            return self.report_not_revoked("interrupted before the deletion was sent");
        }
        let id = &self.key.id;
        self.interruption.set_left_behind(format!("submitted: the deletion of {id} was sent; {UNTIL_GONE}"));
        match KeyDirectory::delete(self.client, self.admin, self.key) {
            Ok(()) => say(&format!("friskey: the deletion of {id} was accepted; checking the list")),
            // Somebody else may have deleted it; the list shows whether.
            Err(error) if error.status() == Some(404) => {}
            Err(error) if may_have_succeeded(&error) => {
                say(&format!(
                    "friskey: it is unknown whether the deletion succeeded ({error}); checking the list"
                ));
            }
            Err(error) => return self.report_not_revoked(&explain_api_refusal(self.redacted_key, &error)),
        }
        self.wait()
    }

    /// Reports that the key still works; if a replacement was created, both keys work now.
    fn report_not_revoked(&self, reason: &str) -> Result<Exit> {
        match self.replacement {
            Some(new) => refuse(&format!(
                "{reason}. The new key {new} is stored; repeat without --replace and --to, which would \
                 create another one"
            )),
            None => refuse(reason),
        }
    }

    /// Lists again until the key is gone.
    fn wait(&self) -> Result<Exit> {
        let (started, id) = (Instant::now(), &self.key.id);
        let project = self.key.project.as_ref().map(|project| project.id.as_str());
        let mut was_gone = false;
        loop {
            let waited = human_duration(started.elapsed().as_secs_f64());
            let mut is_last = self.interruption.is_set();
            let progress = match KeyDirectory::list_ids(self.client, self.admin, project) {
                // Several servers may briefly have different lists.
                Ok(ids) if !ids.contains(id) && !was_gone => {
                    was_gone = true;
                    thread::sleep(CONFIRM_DELAY);
                    continue;
                }
                Ok(ids) if !ids.contains(id) => {
                    print(format!("revoked: {id} is gone from the list after {waited}\n").as_bytes())?;
                    return Ok(Exit::Clean);
                }
                Ok(_) => format!("{id} is still listed after {waited}"),
                Err(error) => {
                    is_last |= error.is_run_limit();
                    format!("{id}: the list cannot be read after {waited} ({error})")
                }
            };
            was_gone = false;
            let left = self.limit.saturating_sub(started.elapsed());
            if left.is_zero() || is_last {
                print(format!("submitted: {progress}; {UNTIL_GONE}\n").as_bytes())?;
                return Ok(Exit::Incomplete);
            }
            say(&format!("{progress}; waiting up to {} more", human_duration(left.as_secs_f64())));
            self.interruption.sleep(POLL_INTERVAL.min(left));
        }
    }
}

/// Whether the provider may have deleted the key in spite of `error`.
fn may_have_succeeded(error: &ProviderError) -> bool {
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
