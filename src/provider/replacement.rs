//! Creates a new key for the service account that owns a leaked key. The API cannot create one for a user.

use serde::Serialize;
use zeroize::Zeroizing;

use super::wire::{WireNewKey, is_safe_id};
use super::{ApiKey, Client, OrganizationKey, ProviderError};

/// A key that was just created. The API returns its value only once.
pub struct ReplacementKey {
    /// The id of the key.
    pub id: String,
    /// The key itself, which must not reach any output.
    pub value: ApiKey,
}

#[derive(Serialize)]
struct NewKeyRequest<'k> {
    name: &'k str,
    #[serde(skip_serializing_if = "Option::is_none")]
    scopes: Option<&'k [String]>,
}

impl ReplacementKey {
    /// Creates a key with the name of `key` and, if the API returns them, its scopes. Makes one attempt, since each
    /// could create a key.
    ///
    /// # Errors
    /// When the API refuses, or does not answer; a key may have been created even so.
    pub fn create(
        client: &Client,
        admin: &ApiKey,
        key: &OrganizationKey,
        (project, account): (&str, &str),
    ) -> Result<Self, ProviderError> {
        if !is_safe_id(project) || !is_safe_id(account) {
            return Err(client.unreadable_response("an invalid id"));
        }
        // The API takes an empty list for all permissions, as it does a missing one.
        let scopes = key.scopes.as_deref().filter(|scopes| !scopes.is_empty());
        let request = NewKeyRequest { name: &key.listed_key.name, scopes };
        let json = serde_json::to_vec(&request).map_err(|_| client.impossible_request())?;
        let path = format!("/v1/organization/projects/{project}/service_accounts/{account}/api_keys");
        let response = Zeroizing::new(client.post(&path, &json, admin)?);
        let created: WireNewKey =
            serde_json::from_slice(&response).map_err(|_| client.unreadable_response("something else"))?;
        let value = Zeroizing::new(created.value);
        match ApiKey::new(value.as_bytes()) {
            Some(value) if is_safe_id(&created.id) && created.id != key.listed_key.id => {
                Ok(Self { id: created.id, value })
            }
            _ => Err(client.unreadable_response("something else")),
        }
    }
}
