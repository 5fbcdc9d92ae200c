//! Reports a leaked key to the provider, which may disable it: the only way for keys that no admin key reaches.
//!
//! The endpoint is in none of OpenAI's documents; other scanners use it. What its answers promise is not known, so a
//! report is never more than submitted.

use serde::Serialize;
use zeroize::Zeroizing;

use super::{ApiKey, Client, ProviderError};

const PATH: &str = "/external/compromised_secret";

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

/// Sends `key` itself, once and without any other key. A success means that the report was received.
///
/// # Errors
/// When the provider refuses the report, or gives no answer; the report may have arrived all the same.
pub fn report_compromised(client: &Client, key: &ApiKey, email: Option<&str>) -> Result<(), ProviderError> {
    let Ok(api_key) = std::str::from_utf8(key.reveal()) else { return Err(client.unreadable("nothing")) };
    let report = CompromisedSecret {
        secret: SecretFields { api_key },
        reporter_email: email,
        comment: "leaked in a git repository, found by friskey",
    };
    // Large enough that no piece of the key is left behind by a growing buffer.
    let mut body = Zeroizing::new(Vec::with_capacity(8 << 10));
    if serde_json::to_writer(&mut *body, &report).is_err() {
        return Err(client.unreadable("nothing"));
    }
    client.post_without_key(PATH, &body)
}
