//! Why a call to the provider failed. Errors contain nothing of the response's body.

use serde::Deserialize;

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// The connection failed or was interrupted.
    #[error("no connection to {host}: {reason}; check the network, HTTPS_PROXY and --host")]
    Connection {
        /// The host of the call.
        host: String,
        /// What went wrong.
        reason: &'static str,
    },
    /// The certificate of the host was not accepted.
    #[error(
        "the certificate of {host} is not trusted, so nothing was sent; if a proxy of your organization inspects \
         connections, install its certificate authority on this system or name it in SSL_CERT_FILE"
    )]
    Certificate {
        /// The host of the call.
        host: String,
    },
    /// The response did not arrive in time.
    #[error("{host} did not answer within {seconds} s; try again later, or raise --timeout")]
    TimedOut {
        /// The host of the call.
        host: String,
        /// The time limit of the attempt.
        seconds: u64,
    },
    /// The response is not one that the API documents.
    #[error("{host} answered {content} instead of the documented JSON, as the web page of a proxy would be")]
    Unreadable {
        /// The host of the call.
        host: String,
        /// What the response contains, for the message: `nothing`, `more than 4 MiB`.
        content: &'static str,
    },
    /// The host redirected the call elsewhere.
    #[error("{host} redirects to another place, and keys are never sent there; check --host")]
    Redirected {
        /// The host of the call.
        host: String,
    },
    /// The admin key lacks a permission.
    #[error(
        "the admin key lacks the permission `{scope}`: an organization owner can add it in the settings of admin keys"
    )]
    MissingScope {
        /// The name of the scope: `api.management.read`.
        scope: String,
    },
    /// The API refused the call.
    #[error("{host} refused the call with HTTP status {status}{}", .code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default())]
    Refused {
        /// The host of the call.
        host: String,
        /// The HTTP status.
        status: u16,
        /// The error code or type in the response, if it has one.
        code: Option<String>,
    },
    /// The run reached its limit of requests.
    #[error("this run made {requests} requests, as many as it may; raise --max-requests to let it go on")]
    OutOfRequests {
        /// The limit.
        requests: u64,
    },
    /// The run reached its time limit.
    #[error("this run took {seconds} s, as long as it may; raise --max-time to let it go on")]
    OutOfTime {
        /// The limit.
        seconds: u64,
    },
    /// The provider knows the key, but serves it at another host.
    #[error("{host} does not serve this key; repeat with --host {serving_host}")]
    OtherHost {
        /// The host of the call.
        host: String,
        /// The host that the response names.
        serving_host: &'static str,
    },
    /// The id of the key cannot be part of a URL.
    #[error(
        "the API lists the key under an id that friskey cannot use; delete it at \
         https://platform.openai.com/settings/organization/projects"
    )]
    UnusableId,
    /// A list has more pages than the limit.
    #[error("{host} has more than {pages} pages of a list, so the list cannot be completed")]
    TooManyPages {
        /// The host of the call.
        host: String,
        /// The limit.
        pages: usize,
    },
    /// The pages of a list repeat.
    #[error("{host} repeats the same page of a list, so the list cannot be completed")]
    EndlessList {
        /// The host of the call.
        host: String,
    },
}

impl ProviderError {
    /// Whether a limit of the run is reached, so that every further call would fail, too.
    pub fn is_run_limit(&self) -> bool {
        matches!(self, Self::OutOfRequests { .. } | Self::OutOfTime { .. })
    }

    /// Whether the provider rejected the key that authenticated the call.
    pub fn is_rejected_key(&self) -> bool {
        matches!(self, Self::Refused { status: 401, code: Some(code), .. } if code == "invalid_api_key")
    }

    /// The HTTP status, if the API refused the call.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }
}

/// The documented body of an error response. `message` echoes parts of keys and is never shown.
#[derive(Default, Deserialize)]
pub(super) struct ErrorBody {
    #[serde(default)]
    error: ErrorFields,
}

#[derive(Default, Deserialize)]
struct ErrorFields {
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    code: Option<serde_json::Value>,
    #[serde(default, rename = "type")]
    kind: Option<String>,
}

impl ErrorBody {
    /// Parses a body; `None` if it is not of the form that the API documents.
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let value: serde_json::Value = serde_json::from_slice(body).ok()?;
        value.get("error")?.is_object().then(|| serde_json::from_value(value).ok())?
    }

    pub(super) fn message(&self) -> &str {
        self.error.message.as_deref().unwrap_or_default()
    }

    /// The code, if it looks like one, so that it is safe to display.
    pub(super) fn code(&self) -> Option<&str> {
        self.error.code.as_ref().and_then(serde_json::Value::as_str).filter(|code| is_code(code))
    }

    /// The code or, without one, the type. Only for display, since gateways put any text into the type.
    pub(super) fn code_or_type(&self) -> Option<&str> {
        self.code().or(self.error.kind.as_deref().filter(|kind| is_code(kind)))
    }

    /// The missing scope that the message names, as in "Missing scopes: api.management.read"; `unknown` if its name is
    /// malformed.
    pub(super) fn missing_scope(&self) -> Option<String> {
        let rest = self.message().split_once("Missing scopes:")?.1.trim_start();
        let is_scope_char = |c: char| c.is_ascii_lowercase() || c == '.' || c == '_';
        let end = rest.find(|c| !is_scope_char(c)).unwrap_or(rest.len());
        let scope = rest[..end].trim_matches('.');
        Some(if (1..=64).contains(&scope.len()) { scope.to_owned() } else { "unknown".to_owned() })
    }
}

fn is_code(text: &str) -> bool {
    (1..=48).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_well_formed_codes_and_scopes_are_taken_from_a_body() {
        let body = br#"{"error":{"message":"You have insufficient permissions. Missing scopes: api.model.read. Check","type":"invalid_request_error","param":null,"code":null}}"#;
        let error = ErrorBody::parse(body).unwrap();
        assert_eq!(error.missing_scope().as_deref(), Some("api.model.read"));
        assert_eq!((error.code(), error.code_or_type()), (None, Some("invalid_request_error")));
        let echo = ErrorBody::parse(br#"{"error":{"message":"x","code":"sk-Secret 1"}}"#).unwrap();
        assert_eq!(echo.code(), None);
        for other in [&b"<html>"[..], b"{}", b"[]", b"{\"error\":\"x\"}", b"null"] {
            assert!(ErrorBody::parse(other).is_none());
        }
    }
}
