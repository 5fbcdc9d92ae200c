//! Reads lists that the API returns in pages.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;

use super::wire::{ListPage, is_safe_id};
use super::{ApiKey, Client, ProviderError};

/// Number of items in a full page: the most that the API returns.
const PAGE_ITEMS: usize = 100;
/// Maximum number of pages of one list. A longer list is an error.
const MAX_PAGES: usize = 1_000;

/// Reads every item of the list at `path`. `id_of` returns the id of an item, which the next page begins after.
///
/// # Errors
/// If a call fails, an id is invalid, pages repeat, or there are more than `MAX_PAGES`.
pub(super) fn list_all<T: DeserializeOwned>(
    client: &Client,
    admin: &ApiKey,
    path: &str,
    id_of: impl Fn(&T) -> &String,
) -> Result<Vec<T>, ProviderError> {
    let separator = if path.contains('?') { '&' } else { '?' };
    let mut items: Vec<T> = Vec::new();
    let mut ids = BTreeSet::new();
    for _ in 0..MAX_PAGES {
        let after = match items.last().map(&id_of) {
            Some(after) if is_safe_id(after) => format!("&after={after}"),
            Some(_) => return Err(client.unreadable_response("an invalid id")),
            None => String::new(),
        };
        let page: ListPage<T> = client.get(&format!("{path}{separator}limit={PAGE_ITEMS}{after}"), admin)?;
        let count_before = ids.len();
        ids.extend(page.data.iter().map(|item| id_of(item).clone()));
        // An id that is already known, or an empty page before the last, would repeat forever.
        if ids.len() < count_before + page.data.len() || (page.has_more && page.data.is_empty()) {
            return Err(client.endless_list());
        }
        items.extend(page.data);
        if !page.has_more {
            return Ok(items);
        }
    }
    Err(client.too_many_pages(MAX_PAGES))
}
