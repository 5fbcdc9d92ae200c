//! Reads how often keys used each of the provider's services.

use super::buckets::read_buckets;
use super::{ApiKey, Client};
use crate::threads;

/// Maximum number of days in one page of usage.
const DAYS_IN_PAGE: u32 = 31;
/// Number of services that are queried concurrently.
const MAX_CONCURRENT: usize = 4;

/// A service whose usage the API counts by key. It counts `vector_stores` and `code_interpreter_sessions` by project
/// only.
#[derive(Debug)]
pub(super) struct UsageService {
    /// As in the path of the endpoint, `usage/NAME`.
    pub(super) name: &'static str,
    /// Whether it counts requests to models. If not, the requests are already counted under another service.
    pub(super) counts_model_requests: bool,
}

/// Every service whose usage the API counts by key.
pub(super) const SERVICES: &[UsageService] = &[
    UsageService { name: "completions", counts_model_requests: true },
    UsageService { name: "embeddings", counts_model_requests: true },
    UsageService { name: "moderations", counts_model_requests: true },
    UsageService { name: "images", counts_model_requests: true },
    UsageService { name: "audio_speeches", counts_model_requests: true },
    UsageService { name: "audio_transcriptions", counts_model_requests: true },
    UsageService { name: "file_search_calls", counts_model_requests: false },
    UsageService { name: "web_search_calls", counts_model_requests: false },
];

/// How often a key used a service on one day.
pub(super) struct ServiceCount {
    pub(super) service: &'static UsageService,
    pub(super) key_id: String,
    /// The start of the day, in seconds since 1970.
    pub(super) day: i64,
    pub(super) requests: u64,
}

/// Reads the usage of every service since `start`, in seconds since 1970. The second list says what could not be
/// read, and why.
pub(super) fn read_usage(
    client: &Client,
    admin: &ApiKey,
    start: i64,
    key_ids: &[&str],
) -> (Vec<ServiceCount>, Vec<String>) {
    let results = threads::map(MAX_CONCURRENT, SERVICES, |service| {
        let mut counts = Vec::new();
        let endpoint = format!("usage/{}", service.name);
        let outcome =
            read_buckets(client, admin, (&endpoint, DAYS_IN_PAGE), start, key_ids, |day, result| {
                let count = if service.counts_model_requests {
                    result.num_model_requests
                } else {
                    result.num_requests
                };
                if let (Some(key_id), Some(requests @ 1..)) = (&result.api_key_id, count) {
                    counts.push(ServiceCount { service, key_id: key_id.clone(), day, requests });
                }
            });
        (counts, outcome.err().map(|error| (service.name, error.to_string())))
    });
    let (counts, errors): (Vec<_>, Vec<_>) = results.into_iter().unzip();
    let errors: Vec<(&str, String)> = errors.into_iter().flatten().collect();
    (counts.into_iter().flatten().collect(), gap_messages(&errors))
}

/// One message if all services fail with the same error, e.g. because the admin key lacks the permission.
fn gap_messages(errors: &[(&str, String)]) -> Vec<String> {
    match errors {
        [(_, first), ..]
            if errors.len() == SERVICES.len() && errors.iter().all(|(_, other)| other == first) =>
        {
            vec![format!("usage: {first}")]
        }
        errors => errors.iter().map(|(service, error)| format!("usage of {service}: {error}")).collect(),
    }
}
