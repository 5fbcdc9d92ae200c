//! `--replace`: creates a new key for the same service account, and stores it before the leaked one is deleted.

use std::time::Duration;

use anyhow::Result;

use super::interruption::Interruption;
use crate::cli::message::{print, redact_message, say};
use crate::cli::receiver::Receiver;
use crate::cli::redaction::redact_key;
use crate::model::{AccountKey, ListedKey};
use crate::provider::{ApiKey, Client, KeyDirectory, OrganizationKey, ProviderError, ReplacementKey};

/// Time limit of the program that receives the new key, which may ask for a login.
const RECEIVER_LIMIT: Duration = Duration::from_secs(5 * 60);
/// Advice about a key whose value is lost.
const IF_UNUSED: &str = "if `friskey keys` lists one that was never used, delete it";

/// The key to replace, with its project and service account.
pub(super) struct PlannedReplacement<'d> {
    key: &'d OrganizationKey,
    project: &'d str,
    account: &'d str,
}

impl<'d> PlannedReplacement<'d> {
    /// Plans to replace `key`.
    ///
    /// # Errors
    /// Why that is not possible.
    pub(super) fn plan(key: &ListedKey, directory: &'d KeyDirectory) -> Result<Self, String> {
        let same_key = directory.keys.iter().find(|candidate| candidate.listed_key.id == key.id);
        let planned = same_key.and_then(|key| {
            let owner = key.listed_key.owner.as_ref().filter(|owner| owner.kind == "service-account")?;
            let (project, account) = (&key.listed_key.project.as_ref()?.id, owner.id.as_deref()?);
            Some(Self { key, project, account })
        });
        planned.ok_or_else(|| {
            "--replace works for keys of service accounts only: the API makes no keys for users. Create a service \
             account with a key at https://platform.openai.com/settings/organization/projects, and repeat without \
             --replace"
                .to_owned()
        })
    }

    /// What would be done, for a dry run.
    pub(super) fn preview(&self, receiver: &Receiver) -> String {
        let scopes = match self.key.scopes.as_deref() {
            None => ". It is not restricted, since the API does not say how the leaked key is",
            Some([]) => ". It is not restricted, like the leaked key",
            Some(_) => " with the same permissions",
        };
        redact_message(&format!(
            "before the deletion, {} gets a new key of the service account {}{scopes}",
            receiver.name(),
            self.account
        ))
    }

    /// Creates the new key and passes it to the receiver. If that fails, the new key is deleted again.
    ///
    /// # Errors
    /// Why the leaked key has no replacement.
    pub(super) fn carry_out(
        &self,
        client: &Client,
        admin: &ApiKey,
        receiver: &Receiver,
        interruption: &Interruption,
    ) -> Result<AccountKey, String> {
        interruption.set_left_behind(format!("a new key may have been created; {IF_UNUSED}"));
        let result = ReplacementKey::create(client, admin, self.key, (self.project, self.account));
        let new = result.map_err(|error| creation_failure(&error))?;
        redact_key(new.value.reveal());
        interruption.set_left_behind(format!(
            "the new key {} was created, but may not be stored; if it is not, delete it. The leaked key was \
             not deleted",
            new.id
        ));
        say(&redact_message(&format!(
            "friskey: created the new key {}, passing it to {}",
            new.id,
            receiver.name()
        )));
        if let Err(reason) = receiver.give(&new.value, RECEIVER_LIMIT, interruption) {
            let listed = ListedKey { id: new.id, ..self.key.listed_key.clone() };
            let id = &listed.id;
            return Err(match KeyDirectory::delete(client, admin, &listed) {
                Ok(()) => format!("{reason}; the new key {id} was deleted again"),
                Err(error) => {
                    format!("{reason}; the new key {id} could not be deleted again, so delete it ({error})")
                }
            });
        }
        let message = format!(
            "replaced: the new key {} of the service account {} was passed to {}\n",
            new.id,
            self.account,
            receiver.name()
        );
        // The key is stored, even if nobody reads this message.
        print(redact_message(&message).as_bytes()).map_err(|error| error.to_string())?;
        Ok(AccountKey {
            id: new.id,
            name: "the replacement that was just created".to_owned(),
            last_used_at: None,
        })
    }
}

fn creation_failure(error: &ProviderError) -> String {
    match error {
        ProviderError::Refused { status: ..500, .. }
        | ProviderError::MissingScope { .. }
        | ProviderError::OtherHost { .. }
        | ProviderError::OutOfRequests { .. } => {
            format!("no new key was created: {error}")
        }
        // Its value is lost, so nobody can use it.
        _ => format!("it is unknown whether a new key was created ({error}); {IF_UNUSED}"),
    }
}
