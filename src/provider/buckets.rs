//! Reads daily buckets, in which the API returns costs and usage.

use super::wire::{BucketPage, BucketResult};
use super::{ApiKey, Client, ProviderError};

/// Seconds of a day.
pub(super) const DAY: i64 = 86_400;
/// Maximum number of pages of one list.
const MAX_PAGES: usize = 100;
/// Maximum length of a cursor, in bytes.
const MAX_CURSOR_BYTES: usize = 256;

/// The start of the day in UTC that contains `seconds`; both count from 1970.
pub(super) fn start_of_day(seconds: i64) -> i64 {
    seconds.div_euclid(DAY).saturating_mul(DAY)
}

/// Reads the daily buckets of `endpoint` since `start`, in seconds since 1970, up to `days_in_page` in one call, and passes
/// each result with the start of its day to `add`.
///
/// The API documents two names of the filter by key, so the second is tried if the first is refused. The results are
/// grouped by key in either case.
pub(super) fn read_buckets(
    client: &Client,
    admin: &ApiKey,
    (endpoint, days_in_page): (&str, u32),
    start: i64,
    keys: &[&str],
    mut add: impl FnMut(i64, &BucketResult),
) -> Result<(), ProviderError> {
    let filter = |name: &str| -> String { keys.iter().map(|key| format!("&{name}={key}")).collect() };
    // The last one is tried first.
    let mut filters = vec![filter("api_key_ids[]"), filter("api_key_ids")];
    let mut page = String::new();
    for _ in 0..MAX_PAGES {
        let Some(filter) = filters.last() else { break };
        let path = format!(
            "/v1/organization/{endpoint}?start_time={start}&bucket_width=1d&limit={days_in_page}&group_by=api_key_id{filter}{page}"
        );
        let response: BucketPage = match client.get(&path, admin) {
            Err(error) if error.status() == Some(400) && filters.len() > 1 && page.is_empty() => {
                filters.pop();
                continue;
            }
            response => response?,
        };
        for bucket in &response.data {
            bucket.results.iter().for_each(|result| add(start_of_day(bucket.start_time), result));
        }
        let cursor =
            response.next_page.filter(|cursor| response.has_more && cursor.len() <= MAX_CURSOR_BYTES);
        match cursor.map(|cursor| format!("&page={}", percent_encode(&cursor))) {
            Some(next) if next != page => page = next,
            _ if !response.has_more => return Ok(()),
            _ => return Err(client.endless_list()),
        }
    }
    Err(client.too_many_pages(MAX_PAGES))
}

/// Encodes a cursor as part of a query.
fn percent_encode(cursor: &str) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'.' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    cursor.bytes().map(encode).collect()
}
