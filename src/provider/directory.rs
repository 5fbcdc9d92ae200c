//! The directory: all keys of an organization, as the administration API lists them.

use std::collections::BTreeSet;

use super::pages::list_all;
use super::wire::{WireKey, WireOwner, WireProject, is_safe_id, shorten};
use super::{ApiKey, Client, KeyMask, ProviderError};
use crate::model::{KeyOwner, ListedKey, ListedProject};
use crate::threads;

/// Number of projects that are listed concurrently.
const MAX_CONCURRENT: usize = 4;

/// A key of the organization.
#[derive(Clone, Debug)]
pub struct OrganizationKey {
    /// The part that the API shows; `None` if its mask cannot be parsed.
    pub mask: Option<KeyMask>,
    /// Whether it is an admin key.
    pub is_admin: bool,
    /// Its scopes, if the API returns them; an empty list means everything.
    pub scopes: Option<Vec<String>>,
    /// Everything else that the API lists about it.
    pub listed_key: ListedKey,
}

/// All keys of an organization.
#[derive(Clone, Debug, Default)]
pub struct KeyDirectory {
    /// The keys, by project, admin keys last.
    pub keys: Vec<OrganizationKey>,
    /// Number of projects, including archived ones.
    pub project_count: usize,
    /// The projects whose ids are valid, so that they can be queried.
    pub projects: Vec<ListedProject>,
    /// What could not be listed, and why. Keys may be missing as a result.
    pub gaps: Vec<String>,
}

impl KeyDirectory {
    /// Lists projects, project keys and admin keys. A part that cannot be listed is a gap.
    ///
    /// # Errors
    /// When projects cannot be listed at all.
    pub fn list(client: &Client, admin: &ApiKey) -> Result<Self, ProviderError> {
        let projects: Vec<WireProject> = list_all(
            client,
            admin,
            "/v1/organization/projects?include_archived=true",
            |project: &WireProject| &project.id,
        )?;
        let mut directory = Self { project_count: projects.len(), ..Self::default() };
        let projects: Vec<ListedProject> = projects.into_iter().filter_map(listed_project).collect();
        if projects.len() < directory.project_count {
            directory.gaps.push("projects with invalid ids".to_owned());
        }
        // The error and the number of projects that a limit of the run left out.
        let mut over_limit: Option<(ProviderError, u64)> = None;
        for (project, result) in projects.iter().zip(list_project_keys(client, admin, &projects)) {
            match result {
                Ok(keys) => {
                    directory
                        .keys
                        .extend(keys.into_iter().map(|key| organization_key(key, Some(project), false)));
                }
                Err(error) if error.is_run_limit() => over_limit.get_or_insert((error, 0)).1 += 1,
                Err(error) => directory.gaps.push(format!("keys of the project {}: {error}", project.id)),
            }
        }
        directory.gaps.extend(over_limit.map(|(error, count)| {
            let projects = if count == 1 { "project" } else { "projects" };
            format!("keys of {count} more {projects}: {error}")
        }));
        directory.projects = projects;
        directory.add_admin_keys(client, admin);
        let unreadable = directory.keys.iter().filter(|key| key.mask.is_none()).count();
        if unreadable > 0 {
            directory.gaps.push(format!("{unreadable} keys whose masked value cannot be read"));
        }
        Ok(directory)
    }

    fn add_admin_keys(&mut self, client: &Client, admin: &ApiKey) {
        match list_all(client, admin, "/v1/organization/admin_api_keys?order=asc", |key: &WireKey| &key.id) {
            Ok(keys) => {
                // This list sometimes contains project keys, labeled as admin keys.
                let project_key_ids: BTreeSet<&str> =
                    self.keys.iter().map(|key| key.listed_key.id.as_str()).collect();
                let keys: Vec<WireKey> =
                    keys.into_iter().filter(|key| !project_key_ids.contains(key.id.as_str())).collect();
                let (admin_keys, others): (Vec<_>, Vec<_>) =
                    keys.into_iter().partition(|key| !key.object.ends_with("project.api_key"));
                if !others.is_empty() {
                    let count = others.len();
                    self.gaps.push(format!("{count} project keys that no project lists"));
                }
                self.keys.extend(admin_keys.into_iter().map(|key| organization_key(key, None, true)));
            }
            Err(error) => self.gaps.push(format!("admin keys: {error}")),
        }
    }

    /// Deletes a key permanently.
    ///
    /// # Errors
    /// When the API refuses, or does not answer; the key may have been deleted even so.
    pub fn delete(client: &Client, admin: &ApiKey, key: &ListedKey) -> Result<(), ProviderError> {
        let id = &key.id;
        let path = match &key.project {
            Some(project) => format!("/v1/organization/projects/{}/api_keys/{id}", project.id),
            None => format!("/v1/organization/admin_api_keys/{id}"),
        };
        if !is_safe_id(id) {
            return Err(ProviderError::UnusableId);
        }
        client.delete(&path, admin)
    }

    /// Whether a listed key is `admin`, the one that authenticates the requests.
    pub fn is_admin_in_use(&self, key: &ListedKey, admin: &ApiKey) -> bool {
        let listed = self.keys.iter().find(|listed| listed.listed_key.id == key.id);
        listed.and_then(|listed| listed.mask.as_ref()).is_some_and(|mask| mask.fits(admin.reveal()))
    }

    /// Lists the keys of one project or, without one, the admin keys again, and returns their ids.
    ///
    /// # Errors
    /// When the list cannot be completed.
    pub fn list_ids(
        client: &Client,
        admin: &ApiKey,
        project: Option<&str>,
    ) -> Result<Vec<String>, ProviderError> {
        let path = match project {
            Some(id) => project_keys_path(id),
            None => "/v1/organization/admin_api_keys?order=asc".to_owned(),
        };
        let keys = list_all(client, admin, &path, |key: &WireKey| &key.id)?;
        Ok(keys.into_iter().map(|key| key.id).collect())
    }
}

fn project_keys_path(id: &str) -> String {
    // Without this parameter, the API leaves out some enabled keys.
    format!("/v1/organization/projects/{id}/api_keys?owner_project_access=any")
}

/// The project, if its id is valid.
fn listed_project(wire: WireProject) -> Option<ListedProject> {
    let archived = wire.status == "archived";
    is_safe_id(&wire.id).then_some(ListedProject { id: wire.id, name: shorten(wire.name), archived })
}

/// Lists the keys of each project, in the order of `projects`.
fn list_project_keys(
    client: &Client,
    admin: &ApiKey,
    projects: &[ListedProject],
) -> Vec<Result<Vec<WireKey>, ProviderError>> {
    threads::map(MAX_CONCURRENT, projects, |project| {
        list_all(client, admin, &project_keys_path(&project.id), |key: &WireKey| &key.id)
    })
}

fn organization_key(wire: WireKey, project: Option<&ListedProject>, is_admin: bool) -> OrganizationKey {
    let mask = KeyMask::parse(&wire.redacted_value);
    let is_project_key = wire.object.ends_with("project.api_key");
    let listed_key = ListedKey {
        short_mask: mask.as_ref().is_none_or(|mask| !mask.is_full()),
        id: if is_safe_id(&wire.id) { wire.id } else { ListedKey::UNUSABLE_ID.to_owned() },
        name: shorten(wire.name),
        project: project.cloned(),
        owner: wire.owner.and_then(key_owner),
        created_at: wire.created_at,
        last_used_at: wire.last_used_at,
        expires_at: wire.expires_at,
        created_after_leak: false,
        account_keys: Vec::new(),
    };
    OrganizationKey { mask, is_admin: is_admin && !is_project_key, scopes: wire.scopes, listed_key }
}

/// The owner of a key; `None` if neither its id nor its name is known.
fn key_owner(wire: WireOwner) -> Option<KeyOwner> {
    let is_account =
        wire.kind.as_deref().is_some_and(|kind| kind == "service_account") || wire.service_account.is_some();
    let kind = if is_account { "service-account" } else { "user" };
    let nested_owner = wire.service_account.or(wire.user);
    let mut owner = match nested_owner {
        Some(account) => KeyOwner {
            kind,
            id: account.id,
            name: account.name,
            email: account.email,
            role: account.role,
            created_at: account.created_at,
        },
        None => KeyOwner {
            kind,
            id: wire.id,
            name: wire.name,
            email: None,
            role: wire.role,
            created_at: wire.created_at,
        },
    };
    owner.id = owner.id.filter(|id| is_safe_id(id));
    for text in [&mut owner.name, &mut owner.email, &mut owner.role] {
        *text = text.take().map(shorten);
    }
    (owner.id.is_some() || owner.name.is_some()).then_some(owner)
}
