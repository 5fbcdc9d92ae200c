//! What keys were used for, service by service.

use super::buckets::buckets;
use super::{ApiKey, Client};
use crate::threads;

/// The most days in one page of usage.
const DAYS_IN_PAGE: u32 = 31;
/// How many services are asked about at the same time.
const AT_ONCE: usize = 4;

/// A service whose usage the API counts by key. It counts `vector_stores` and `code_interpreter_sessions` by project
/// only.
#[derive(Debug)]
pub(super) struct UsageService {
    /// As in the path.
    pub(super) name: &'static str,
    /// Whether it counts requests to models; else these are counted as another service already.
    pub(super) counts_models: bool,
}

/// All of them.
pub(super) const SERVICES: &[UsageService] = &[
    UsageService { name: "completions", counts_models: true },
    UsageService { name: "embeddings", counts_models: true },
    UsageService { name: "moderations", counts_models: true },
    UsageService { name: "images", counts_models: true },
    UsageService { name: "audio_speeches", counts_models: true },
    UsageService { name: "audio_transcriptions", counts_models: true },
    UsageService { name: "file_search_calls", counts_models: false },
    UsageService { name: "web_search_calls", counts_models: false },
];

/// How often a key used a service on one day.
pub(super) struct ServiceCount {
    pub(super) service: &'static UsageService,
    pub(super) key: String,
    /// The start of the day, in seconds since 1970.
    pub(super) day: i64,
    pub(super) requests: u64,
}

/// Reads every service since `start`; the second list names what could not be read.
pub(super) fn usage(
    client: &Client,
    admin: &ApiKey,
    start: i64,
    keys: &[&str],
) -> (Vec<ServiceCount>, Vec<String>) {
    let read = threads::map(AT_ONCE, SERVICES, |service| {
        let mut counts = Vec::new();
        let endpoint = format!("usage/{}", service.name);
        let outcome = buckets(client, admin, (&endpoint, DAYS_IN_PAGE), start, keys, |day, result| {
            let number = if service.counts_models { result.num_model_requests } else { result.num_requests };
            if let (Some(key), Some(requests @ 1..)) = (&result.api_key_id, number) {
                counts.push(ServiceCount { service, key: key.clone(), day, requests });
            }
        });
        (counts, outcome.err().map(|error| (service.name, error.to_string())))
    });
    let (counts, errors): (Vec<_>, Vec<_>) = read.into_iter().unzip();
    let errors: Vec<(&str, String)> = errors.into_iter().flatten().collect();
    (counts.into_iter().flatten().collect(), gaps(&errors))
}

/// One gap if all services fail alike, as without the permission.
fn gaps(errors: &[(&str, String)]) -> Vec<String> {
    match errors {
        [(_, first), ..]
            if errors.len() == SERVICES.len() && errors.iter().all(|(_, other)| other == first) =>
        {
            vec![format!("usage: {first}")]
        }
        some => some.iter().map(|(service, error)| format!("usage of {service}: {error}")).collect(),
    }
}
