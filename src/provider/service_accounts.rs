//! The service accounts of projects: the owners of keys, and what else would be deleted with an account.

use std::collections::BTreeMap;

use super::pages::pages;
use super::wire::{WireServiceAccount, shortened};
use super::{ApiKey, Client, KeyDirectory, ProviderError};
use crate::model::{AccountKey, ListedKey, ListedProject};
use crate::threads;

/// Number of projects that are listed concurrently.
const MAX_CONCURRENT: usize = 4;

/// Service accounts by project and id.
#[derive(Default)]
pub struct ServiceAccounts {
    accounts: BTreeMap<(String, String), WireServiceAccount>,
    /// What could not be listed, and why. No key is missing as a result.
    pub gaps: Vec<String>,
}

impl ServiceAccounts {
    /// Lists the service accounts of `projects`. A project that cannot be listed is a gap.
    pub fn list(client: &Client, admin: &ApiKey, projects: &[ListedProject]) -> Self {
        let lists = threads::map(MAX_CONCURRENT, projects, |project| {
            let path = format!("/v1/organization/projects/{}/service_accounts", project.id);
            pages(client, admin, &path, |one: &WireServiceAccount| &one.id)
        });
        let mut listed = Self::default();
        let mut failed: Vec<(&ListedProject, ProviderError)> = Vec::new();
        for (project, list) in projects.iter().zip(lists) {
            match list {
                Ok(accounts) => {
                    let keyed = accounts.into_iter().map(|one| ((project.id.clone(), one.id.clone()), one));
                    listed.accounts.extend(keyed);
                }
                Err(error) => failed.push((project, error)),
            }
        }
        listed.gaps = gaps(&failed);
        listed
    }

    /// Their number.
    pub fn count(&self) -> usize {
        self.accounts.len()
    }

    /// Completes what is known of the owner of `key`, and adds the other keys of its service account.
    pub fn describe(&self, key: &mut ListedKey, directory: &KeyDirectory) {
        let (Some(project), Some(owner)) = (&key.project, &mut key.owner) else { return };
        let Some(id) = owner.id.clone().filter(|_| owner.is_service_account()) else { return };
        if let Some(account) = self.accounts.get(&(project.id.clone(), id.clone())) {
            let known = account.name.clone().filter(|name| !name.is_empty()).map(shortened);
            owner.name = known.or_else(|| owner.name.take());
            owner.role = account.role.clone().map(shortened).or_else(|| owner.role.take());
            owner.created_at = account.created_at.or(owner.created_at);
        }
        let others = directory.keys.iter().map(|one| &one.listed).filter(|one| {
            let is_same = one.owner.as_ref().and_then(|owner| owner.id.as_ref()) == Some(&id);
            is_same && one.id != key.id
        });
        let account_key = |one: &ListedKey| AccountKey {
            id: one.id.clone(),
            name: one.name.clone(),
            last_used_at: one.last_used_at,
        };
        key.account_keys = others.map(account_key).collect();
    }
}

/// One message if all projects fail with the same error, e.g. because the admin key lacks the permission.
fn gaps(failed: &[(&ListedProject, ProviderError)]) -> Vec<String> {
    match failed {
        [(_, first), _, ..] if failed.iter().all(|(_, other)| other == first) => {
            vec![format!("service accounts of {} projects: {first}", failed.len())]
        }
        some => some
            .iter()
            .map(|(project, error)| format!("service accounts of the project {}: {error}", project.id))
            .collect(),
    }
}
