//! Finds out whether a leaked key works by sending it to the provider in one harmless GET.

use super::error::ErrorBody;
use super::wire::WireMe;
use super::{ApiKey, Client, Host, KeyMask, ProviderError};
use crate::model::KeyVerdict;

/// What one call with a key showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeResult {
    /// The verdict. `Dead` after one call is only a suspicion: during outages, live keys have been rejected.
    pub verdict: KeyVerdict,
    /// The reason, for people.
    pub reason: String,
    /// The host that accepts the key, if it is not the one that was asked.
    pub works_at: Option<&'static str>,
}

impl ProbeResult {
    fn new(verdict: KeyVerdict, reason: impl Into<String>) -> Self {
        Self { verdict, reason: reason.into(), works_at: None }
    }
}

/// Sends `key` to the provider once. Admin keys request an endpoint of their own, all others the list of models,
/// which costs nothing and contains no personal data.
pub fn probe(client: &Client, key: &ApiKey, is_admin: bool) -> ProbeResult {
    let path = if is_admin { "/v1/organization/admin_api_keys?limit=1" } else { "/v1/models" };
    match client.get_response(path, key) {
        Ok(response) => interpret(response.status, &response.body, key.reveal()),
        Err(error) => ProbeResult::new(KeyVerdict::Unknown, error.to_string()),
    }
}

/// The verdict that follows from the response to a request with `key`.
fn interpret(status: u16, body: &[u8], key: &[u8]) -> ProbeResult {
    let result = |verdict, reason: &str| ProbeResult::new(verdict, reason);
    if status == 200 {
        // A proxy's login page has this status, too.
        let is_list =
            serde_json::from_slice::<serde_json::Value>(body).is_ok_and(|value| value["object"] == "list");
        return match is_list {
            true => result(KeyVerdict::Live, "the provider accepted it"),
            false => result(KeyVerdict::Unknown, "the response is not OpenAI's, as from a proxy"),
        };
    }
    let Some(error) = ErrorBody::parse(body) else {
        return result(KeyVerdict::Unknown, &format!("HTTP status {status} without the documented error"));
    };
    let code = error.code().unwrap_or_default();
    let is_refused = matches!(status, 401 | 403);
    if let (true, Some(scope)) = (is_refused, error.missing_scope()) {
        return result(KeyVerdict::LiveRestricted, &format!("it works, but lacks the permission `{scope}`"));
    }
    match (status, code) {
        (401, "invalid_api_key") => interpret_invalid_key(&error, key),
        (401, "incorrect_hostname") => match Host::find_in(error.message()) {
            Some(host) => ProbeResult {
                works_at: Some(host),
                ..result(KeyVerdict::LiveElsewhere, &format!("it works at {host} only"))
            },
            None => result(KeyVerdict::LiveElsewhere, "it works at another host of OpenAI only"),
        },
        (401, "ip_not_authorized") => {
            result(KeyVerdict::BlockedHere, "the provider accepts it, but not from this address")
        }
        (401, "mismatched_organization") => result(KeyVerdict::Live, "it belongs to another organization"),
        (401, "account_deactivated") => {
            result(KeyVerdict::Deactivated, "its account is deactivated; the key itself was not revoked")
        }
        (403, "unsupported_country_region_territory") => {
            result(KeyVerdict::Unknown, "the provider does not serve this country")
        }
        (429, "insufficient_quota" | "billing_not_active") => result(
            KeyVerdict::LiveWithoutCredit,
            &format!("the provider accepts it, but its account has no credit ({code})"),
        ),
        (429, code) if code.ends_with("_spend_limit_exceeded") => result(
            KeyVerdict::LiveWithoutCredit,
            &format!("the provider accepts it, but a spend limit is reached ({code})"),
        ),
        (429, "slow_down") => result(KeyVerdict::Live, "the provider accepts it, but asks to slow down"),
        (status, _) => {
            let code_text = error.code_or_type().map(|code| format!(" ({code})")).unwrap_or_default();
            result(KeyVerdict::Unknown, &format!("HTTP status {status}{code_text}"))
        }
    }
}

/// The verdict for the code `invalid_api_key`. It is believed only if the message contains a mask of the key that was
/// sent: during an outage, messages had masks of other keys.
fn interpret_invalid_key(error: &ErrorBody, key: &[u8]) -> ProbeResult {
    match KeyMask::find_in(error.message()) {
        Some(mask) if mask.is_distinctive() && mask.fits(key) => {
            ProbeResult::new(KeyVerdict::Dead, "the provider rejected it")
        }
        Some(_) => ProbeResult::new(
            KeyVerdict::Unknown,
            "the provider rejected another key than the one that was sent",
        ),
        None => ProbeResult::new(KeyVerdict::Unknown, "the provider rejected a key without saying which"),
    }
}

/// Asks the provider, with `key` itself, who owns it. Returns lines to display.
///
/// # Errors
/// If the call fails.
pub fn whoami(client: &Client, key: &ApiKey) -> Result<Vec<String>, ProviderError> {
    let me: WireMe = client.get("/v1/me", key)?;
    let mut lines = Vec::new();
    let owner_fields = [("user", me.name), ("e-mail", me.email), ("id", me.id)];
    lines.extend(owner_fields.into_iter().filter_map(|(label, value)| Some(format!("{label}: {}", value?))));
    for organization in me.orgs.map(|orgs| orgs.data).unwrap_or_default() {
        let parts: Vec<String> = [organization.name, organization.id].into_iter().flatten().collect();
        lines.push(format!("organization: {}", parts.join(", ")));
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(status: u16, code: Option<&str>, message: &str) -> KeyVerdict {
        let body =
            serde_json::json!({"error": {"message": message, "type": "x y", "param": null, "code": code}});
        interpret(status, body.to_string().as_bytes(), key().as_bytes()).verdict
    }

    fn key() -> String {
        format!("sk-proj-{}x9KA", "b".repeat(152))
    }

    fn incorrect_key_message(tail: &str) -> String {
        format!("Incorrect API key provided: sk-proj-{}{tail}. You can find your API key", "*".repeat(152))
    }

    #[test]
    fn the_verdict_follows_from_status_code_and_message() {
        use KeyVerdict as V;
        let missing = "You have insufficient permissions for this operation. Missing scopes: api.model.read.";
        for (status, code, message, expected) in [
            (401, Some("invalid_api_key"), &*incorrect_key_message("x9KA"), V::Dead),
            (401, Some("invalid_api_key"), &incorrect_key_message("380A"), V::Unknown),
            (401, Some("invalid_api_key"), "Incorrect API key provided.", V::Unknown),
            (401, None, missing, V::LiveRestricted),
            (403, None, missing, V::LiveRestricted),
            (401, Some("invalid_api_key"), missing, V::LiveRestricted),
            (401, Some("incorrect_hostname"), "use us.api.openai.com", V::LiveElsewhere),
            (401, Some("ip_not_authorized"), "", V::BlockedHere),
            (401, Some("mismatched_organization"), "", V::Live),
            (401, Some("account_deactivated"), "", V::Deactivated),
            (401, Some("something_new"), "", V::Unknown),
            (401, None, "", V::Unknown),
            (403, Some("unsupported_country_region_territory"), "", V::Unknown),
            (403, None, "", V::Unknown),
            (429, Some("insufficient_quota"), "", V::LiveWithoutCredit),
            (429, Some("billing_not_active"), "", V::LiveWithoutCredit),
            (429, Some("project_spend_limit_exceeded"), "", V::LiveWithoutCredit),
            (429, Some("slow_down"), "", V::Live),
            (429, Some("rate_limit_exceeded"), "", V::Unknown),
            (500, None, "", V::Unknown),
            (503, Some("invalid_api_key"), &incorrect_key_message("x9KA"), V::Unknown),
        ] {
            assert_eq!(verdict(status, code, message), expected, "{status} {code:?} {message}");
        }
        let page = b"<html>sign in</html>";
        assert_eq!(interpret(200, page, b"k").verdict, V::Unknown);
        assert_eq!(interpret(401, page, b"k").verdict, V::Unknown);
        assert_eq!(interpret(200, b"{\"object\":\"list\",\"data\":[]}", b"k").verdict, V::Live);
    }

    #[test]
    fn the_reason_repeats_no_part_of_the_message() {
        let body = serde_json::json!({"error": {"message": incorrect_key_message("x9KA"), "code": "invalid_api_key"}});
        let result = interpret(401, body.to_string().as_bytes(), key().as_bytes());
        assert!(!result.reason.contains("x9KA") && !result.reason.contains("sk-"), "{}", result.reason);
    }
}
