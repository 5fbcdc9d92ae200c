//! Daily buckets, in which the API returns costs and usage.

use super::wire::{BucketPage, BucketResult};
use super::{ApiKey, Client, ProviderError};

pub(super) const DAY: i64 = 86_400;
/// Maximum number of pages of one list.
const MAX_PAGES: usize = 100;
/// Maximum length of a cursor, in bytes.
const MAX_CURSOR: usize = 256;

/// The start of a day in UTC.
pub(super) fn day(seconds: i64) -> i64 {
    seconds.div_euclid(DAY).saturating_mul(DAY)
}

/// Reads every daily bucket since `start`. The API documents the filter by keys in two ways, and the results are
/// grouped by key in any case.
pub(super) fn buckets(
    client: &Client,
    admin: &ApiKey,
    (endpoint, limit): (&str, u32),
    start: i64,
    keys: &[&str],
    mut add: impl FnMut(i64, &BucketResult),
) -> Result<(), ProviderError> {
    let filter = |name: &str| -> String { keys.iter().map(|key| format!("&{name}={key}")).collect() };
    let mut filters = vec![filter("api_key_ids[]"), filter("api_key_ids")];
    let mut page = String::new();
    for _ in 0..MAX_PAGES {
        let Some(names) = filters.last() else { break };
        let path = format!(
            "/v1/organization/{endpoint}?start_time={start}&bucket_width=1d&limit={limit}&group_by=api_key_id{names}{page}"
        );
        let answer: BucketPage = match client.get(&path, admin) {
            Err(error) if error.status() == Some(400) && filters.len() > 1 && page.is_empty() => {
                filters.pop();
                continue;
            }
            answer => answer?,
        };
        for bucket in &answer.data {
            bucket.results.iter().for_each(|result| add(day(bucket.start_time), result));
        }
        let next = answer.next_page.filter(|_| answer.has_more);
        let next =
            next.filter(|next| next.len() <= MAX_CURSOR).map(|next| format!("&page={}", encoded(&next)));
        match next {
            Some(next) if next != page => page = next,
            _ if !answer.has_more => return Ok(()),
            _ => return Err(client.endless()),
        }
    }
    Err(client.too_many_pages(MAX_PAGES))
}

/// A cursor as part of a query.
fn encoded(cursor: &str) -> String {
    let byte = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'.' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    cursor.bytes().map(byte).collect()
}
