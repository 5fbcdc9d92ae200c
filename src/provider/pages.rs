//! Lists that come in pages.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;

use super::wire::{ListPage, is_safe_id};
use super::{ApiKey, Client, ProviderError};

/// The items of a full page: the most that the API gives.
const PAGE: usize = 100;
/// Maximum number of pages of one list. A longer list is an error.
const MAX_PAGES: usize = 1_000;

/// Every item of a list.
pub(super) fn pages<T: DeserializeOwned>(
    client: &Client,
    admin: &ApiKey,
    path: &str,
    id: impl Fn(&T) -> &String,
) -> Result<Vec<T>, ProviderError> {
    let separator = if path.contains('?') { '&' } else { '?' };
    let mut items: Vec<T> = Vec::new();
    let mut seen = BTreeSet::new();
    for _ in 0..MAX_PAGES {
        let after = match items.last().map(&id) {
            Some(after) if is_safe_id(after) => format!("&after={after}"),
            Some(_) => return Err(client.unreadable("an invalid id")),
            None => String::new(),
        };
        let page: ListPage<T> = client.get(&format!("{path}{separator}limit={PAGE}{after}"), admin)?;
        let before = seen.len();
        seen.extend(page.data.iter().map(|item| id(item).clone()));
        if seen.len() < before + page.data.len() || (page.has_more && page.data.is_empty()) {
            return Err(client.endless());
        }
        items.extend(page.data);
        if !page.has_more {
            return Ok(items);
        }
    }
    Err(client.too_many_pages(MAX_PAGES))
}
