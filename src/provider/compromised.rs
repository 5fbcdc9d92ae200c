//! Reports a leaked key to the provider, which may disable it: the only way for keys that no admin key reaches.
//!
//! OpenAI does not document the endpoint, which other scanners use, too. A successful response does not mean that the
//! key was disabled.

use serde::Serialize;
use zeroize::Zeroizing;

use super::{ApiKey, Client, ProviderError};

/// The path of the endpoint.
const ENDPOINT_PATH: &str = "/external/compromised_secret";

#[derive(Serialize)]
struct CompromisedSecret<'k> {
    secret: SecretFields<'k>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reporter_email: Option<&'k str>,
    comment: &'static str,
}

#[derive(Serialize)]
struct SecretFields<'k> {
    api_key: &'k str,
}

/// Sends `key` itself, once, in a request without authentication. Success means only that the report was received.
///
/// # Errors
/// When the provider refuses the report, or gives no answer; the report may have arrived even so.
pub fn report_compromised(client: &Client, key: &ApiKey, email: Option<&str>) -> Result<(), ProviderError> {
    let Ok(api_key) = std::str::from_utf8(key.reveal()) else {
        return Err(client.impossible_request());
    };
    let report = CompromisedSecret {
        secret: SecretFields { api_key },
        reporter_email: email,
        comment: "leaked in a git repository, found by friskey",
    };
    // Large enough for the report, since a buffer that grows would leave a copy of the key in freed memory.
    let mut body = Zeroizing::new(Vec::with_capacity(8 << 10));
    if serde_json::to_writer(&mut *body, &report).is_err() {
        return Err(client.impossible_request());
    }
    client.post_without_key(ENDPOINT_PATH, &body)
}
