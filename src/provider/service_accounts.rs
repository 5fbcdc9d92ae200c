//! The service accounts of projects: they own keys, and deleting an account deletes all of its keys.

use std::collections::BTreeMap;

use super::pages::list_all;
use super::wire::{WireServiceAccount, shorten};
use super::{ApiKey, Client, KeyDirectory, ProviderError};
use crate::model::{AccountKey, ListedKey, ListedProject};
use crate::threads;

/// Number of projects that are listed concurrently.
const MAX_CONCURRENT: usize = 4;

/// Service accounts by project and id.
#[derive(Default)]
pub struct ServiceAccounts {
    accounts: BTreeMap<(String, String), WireServiceAccount>,
    /// What could not be listed, and why. Only details of owners are missing as a result, and no keys.
    pub gaps: Vec<String>,
}

impl ServiceAccounts {
    /// Lists the service accounts of `projects`. A project that cannot be listed is a gap.
    pub fn list(client: &Client, admin: &ApiKey, projects: &[ListedProject]) -> Self {
        let lists = threads::map(MAX_CONCURRENT, projects, |project| {
            let path = format!("/v1/organization/projects/{}/service_accounts", project.id);
            list_all(client, admin, &path, |account: &WireServiceAccount| &account.id)
        });
        let mut service_accounts = Self::default();
        let mut failures: Vec<(&ListedProject, ProviderError)> = Vec::new();
        for (project, list) in projects.iter().zip(lists) {
            match list {
                Ok(accounts) => {
                    let by_id = accounts.into_iter();
                    let by_id = by_id.map(|account| ((project.id.clone(), account.id.clone()), account));
                    service_accounts.accounts.extend(by_id);
                }
                Err(error) => failures.push((project, error)),
            }
        }
        service_accounts.gaps = gap_messages(&failures);
        service_accounts
    }

    /// Number of service accounts.
    pub fn count(&self) -> usize {
        self.accounts.len()
    }

    /// Completes the owner of `key`, and adds the other keys of the service account that owns it.
    pub fn complete(&self, key: &mut ListedKey, directory: &KeyDirectory) {
        let (Some(project), Some(owner)) = (&key.project, &mut key.owner) else { return };
        let Some(id) = owner.id.clone().filter(|_| owner.is_service_account()) else { return };
        if let Some(account) = self.accounts.get(&(project.id.clone(), id.clone())) {
            let account_name = account.name.clone().filter(|name| !name.is_empty()).map(shorten);
            owner.name = account_name.or_else(|| owner.name.take());
            owner.role = account.role.clone().map(shorten).or_else(|| owner.role.take());
            owner.created_at = account.created_at.or(owner.created_at);
        }
        let others = directory.keys.iter().map(|other| &other.listed_key).filter(|other| {
            let has_same_owner = other.owner.as_ref().and_then(|owner| owner.id.as_ref()) == Some(&id);
            has_same_owner && other.id != key.id
        });
        let account_key = |other: &ListedKey| AccountKey {
            id: other.id.clone(),
            name: other.name.clone(),
            last_used_at: other.last_used_at,
        };
        key.account_keys = others.map(account_key).collect();
    }
}

/// One message if all projects fail with the same error, e.g. because the admin key lacks the permission.
fn gap_messages(failures: &[(&ListedProject, ProviderError)]) -> Vec<String> {
    match failures {
        [(_, first), _, ..] if failures.iter().all(|(_, other)| other == first) => {
            vec![format!("service accounts of {} projects: {first}", failures.len())]
        }
        failures => failures
            .iter()
            .map(|(project, error)| format!("service accounts of the project {}: {error}", project.id))
            .collect(),
    }
}
