//! Sends requests to the provider over TLS with the system's certificates; follows no redirects, and limits time and size.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use ureq::http::{HeaderMap, HeaderValue};
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};
use ureq::{Agent, Error, RequestBuilder};

use super::error::ErrorBody;
use super::{ApiKey, Host, HttpProxy, ProviderError, RunLimits};

/// Maximum size of a response's body, in bytes: ten times a full page of a list.
const MAX_BODY_BYTES: u64 = 4 << 20;
/// Maximum number of attempts at a call that fails for a temporary reason.
const MAX_ATTEMPTS: u32 = 4;
/// Maximum wait that the provider may request with `retry-after`, in seconds.
const MAX_RETRY_AFTER_SECONDS: u64 = 60;
/// Wait before the first retry; it doubles each time.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// The user agent, so that the provider can tell friskey's requests from abuse of a key.
const USER_AGENT: &str = concat!("friskey/", env!("CARGO_PKG_VERSION"));

/// Options of a client.
#[derive(Clone)]
pub struct ClientOptions {
    /// The host that calls go to.
    pub host: Host,
    /// The time limit of each attempt.
    pub timeout: Duration,
    /// Limits for all calls together.
    pub limits: RunLimits,
    /// The proxy that requests go through, if any.
    pub proxy: Option<HttpProxy>,
}

/// Makes calls to one host.
pub struct Client {
    agent: Agent,
    options: ClientOptions,
    started: Instant,
    requests: AtomicU64,
}

/// A response within the limits, of any status.
pub(super) struct HttpResponse {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
    retry_after: Option<Duration>,
}

impl Client {
    /// Prepares calls. Nothing is sent yet, but the time limit of the run starts.
    pub fn new(options: ClientOptions) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .root_certs(RootCerts::PlatformVerifier)
            .unversioned_rustls_crypto_provider(provider)
            .build();
        let config = Agent::config_builder()
            .https_only(true)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .proxy(options.proxy.as_ref().map(|proxy| proxy.0.clone()))
            .max_response_header_size(64 << 10)
            .user_agent(USER_AGENT)
            .tls_config(tls);
        let agent = config.build().new_agent();
        Self { agent, options, started: Instant::now(), requests: AtomicU64::new(0) }
    }

    /// Number of requests sent so far, including retries.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// The host that calls go to.
    pub fn host(&self) -> &Host {
        &self.options.host
    }

    /// Sends a GET for `path`, which begins with `/v1/`, and parses the response.
    ///
    /// # Errors
    /// There is no response of the documented form; the error says why. Temporary failures are retried first.
    pub(super) fn get<T: DeserializeOwned>(&self, path: &str, key: &ApiKey) -> Result<T, ProviderError> {
        let response = self.get_response(path, key)?;
        self.parse(&response)
    }

    /// Sends a GET and returns the response, whatever its status. Temporary failures are retried first.
    pub(super) fn get_response(&self, path: &str, key: &ApiKey) -> Result<HttpResponse, ProviderError> {
        let mut wait = FIRST_WAIT;
        let mut attempt = 1;
        loop {
            let outcome = self.send_get(path, key);
            let pause = match &outcome {
                Ok(response) if response.is_temporary() => response.retry_after.unwrap_or(wait),
                Err(ProviderError::Connection { .. } | ProviderError::TimedOut { .. }) => wait,
                _ => return outcome,
            };
            // A wait that outlasts the run is useless. A call that timed out has taken long, so it is repeated only once.
            let is_last = attempt >= MAX_ATTEMPTS
                || (attempt >= 2 && matches!(outcome, Err(ProviderError::TimedOut { .. })));
            if is_last || pause >= self.time_left() {
                return outcome;
            }
            thread::sleep(pause);
            wait *= 2;
            attempt += 1;
        }
    }

    /// Makes one attempt at a GET.
    fn send_get(&self, path: &str, key: &ApiKey) -> Result<HttpResponse, ProviderError> {
        let request = self.limit_request(self.agent.get(self.url(path)))?;
        self.receive(request.header("authorization", self.authorization(key)?).call())
    }

    fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.options.host.name())
    }

    fn authorization(&self, key: &ApiKey) -> Result<HeaderValue, ProviderError> {
        key.authorization().ok_or_else(|| self.impossible_request())
    }

    /// Counts a request, and limits its time to that of a call and to what is left for all calls. An error if a limit of the run is
    /// reached.
    fn limit_request<B>(&self, request: RequestBuilder<B>) -> Result<RequestBuilder<B>, ProviderError> {
        let RunLimits { requests, time } = self.options.limits;
        let left = self.time_left();
        if left.is_zero() {
            return Err(ProviderError::OutOfTime { seconds: time.as_secs() });
        }
        let count_one = |sent: u64| (sent < requests).then_some(sent + 1);
        if self.requests.fetch_update(Ordering::Relaxed, Ordering::Relaxed, count_one).is_err() {
            return Err(ProviderError::OutOfRequests { requests });
        }
        let request = request.config().timeout_global(Some(self.options.timeout.min(left))).build();
        Ok(request.header("accept", "application/json"))
    }

    /// What is left of the time for all calls.
    fn time_left(&self) -> Duration {
        self.options.limits.time.saturating_sub(self.started.elapsed())
    }

    /// Reads the response, within the limits.
    fn receive(
        &self,
        result: Result<ureq::http::Response<ureq::Body>, Error>,
    ) -> Result<HttpResponse, ProviderError> {
        let mut response = result.map_err(|error| self.transport_error(&error))?;
        let status = response.status().as_u16();
        if response.status().is_redirection() {
            return Err(ProviderError::Redirected { host: self.host_name() });
        }
        let retry_after = retry_after(response.headers());
        let body = response.body_mut().with_config().limit(MAX_BODY_BYTES).read_to_vec();
        let body = body.map_err(|error| self.transport_error(&error))?;
        Ok(HttpResponse { status, body, retry_after })
    }

    /// Sends a DELETE for `path`. Retries only if the rate limit was exceeded: after any other failure, the caller must
    /// list the keys to see whether something was deleted.
    pub(super) fn delete(&self, path: &str, key: &ApiKey) -> Result<(), ProviderError> {
        let mut wait = FIRST_WAIT;
        let mut attempt = 1;
        let response = loop {
            let request = self.limit_request(self.agent.delete(self.url(path)))?;
            let response = self.receive(request.header("authorization", self.authorization(key)?).call())?;
            let pause = response.retry_after.unwrap_or(wait);
            if response.status != 429 || attempt >= MAX_ATTEMPTS || pause >= self.time_left() {
                break response;
            }
            thread::sleep(pause);
            wait *= 2;
            attempt += 1;
        };
        let is_deleted = |body: &[u8]| {
            serde_json::from_slice::<serde_json::Value>(body).is_ok_and(|value| value["deleted"] == true)
        };
        match response.status {
            200 if is_deleted(&response.body) => Ok(()),
            // Success without the documented confirmation: the key may have been deleted.
            200..=299 => Err(self.unreadable_response("something else")),
            _ => Err(self.refusal(&response)),
        }
    }

    /// Sends JSON in one attempt, and returns the body of a successful response.
    pub(super) fn post(&self, path: &str, json: &[u8], key: &ApiKey) -> Result<Vec<u8>, ProviderError> {
        let request = self.limit_request(self.agent.post(self.url(path)))?;
        let request = request.header("authorization", self.authorization(key)?);
        let response = self.receive(request.header("content-type", "application/json").send(json))?;
        match response.status {
            200 | 201 => Ok(response.body),
            _ => Err(self.refusal(&response)),
        }
    }

    /// Sends JSON without any key in the headers, in one attempt. Accepts any status of 200 to 299, since no documentation
    /// says which to expect.
    pub(super) fn post_without_key(&self, path: &str, json: &[u8]) -> Result<(), ProviderError> {
        let request = self.limit_request(self.agent.post(self.url(path)))?;
        let response = self.receive(request.header("content-type", "application/json").send(json))?;
        match response.status {
            200..=299 => Ok(()),
            _ => Err(self.refusal(&response)),
        }
    }

    /// Parses a documented response.
    fn parse<T: DeserializeOwned>(&self, response: &HttpResponse) -> Result<T, ProviderError> {
        if response.status == 200 {
            return serde_json::from_slice(&response.body)
                .map_err(|_| self.unreadable_response("something else"));
        }
        Err(self.refusal(response))
    }

    /// Why the API refused a call.
    pub(super) fn refusal(&self, response: &HttpResponse) -> ProviderError {
        let Some(error) = ErrorBody::parse(&response.body) else {
            return ProviderError::Refused { host: self.host_name(), status: response.status, code: None };
        };
        let serving_host =
            Host::find_in(error.message()).filter(|_| error.code() == Some("incorrect_hostname"));
        match (error.missing_scope(), serving_host) {
            (Some(scope), _) => ProviderError::MissingScope { scope },
            (None, Some(serving_host)) => ProviderError::OtherHost { host: self.host_name(), serving_host },
            (None, None) => ProviderError::Refused {
                host: self.host_name(),
                status: response.status,
                code: error.code_or_type().map(str::to_owned),
            },
        }
    }

    pub(super) fn unreadable_response(&self, content: &'static str) -> ProviderError {
        ProviderError::Unreadable { host: self.host_name(), content }
    }

    /// The error for a request that cannot be built. It has no message of its own, since it cannot occur: an [`ApiKey`] is
    /// printable ASCII, and every string can be written as JSON.
    pub(super) fn impossible_request(&self) -> ProviderError {
        self.unreadable_response("nothing")
    }

    pub(super) fn endless_list(&self) -> ProviderError {
        ProviderError::EndlessList { host: self.host_name() }
    }

    pub(super) fn too_many_pages(&self, pages: usize) -> ProviderError {
        ProviderError::TooManyPages { host: self.host_name(), pages }
    }

    fn host_name(&self) -> String {
        self.options.host.name().to_owned()
    }

    /// The error for a call without a complete response. Contains no text from the network.
    fn transport_error(&self, error: &Error) -> ProviderError {
        let host = self.host_name();
        let reason = match error {
            Error::Timeout(_) if self.time_left().is_zero() => {
                return ProviderError::OutOfTime { seconds: self.options.limits.time.as_secs() };
            }
            Error::Timeout(_) => {
                return ProviderError::TimedOut { host, seconds: self.options.timeout.as_secs() };
            }
            Error::BodyExceedsLimit(_) => return self.unreadable_response("more than 4 MiB"),
            Error::LargeResponseHeader(..) => return self.unreadable_response("very long headers"),
            Error::TooManyRedirects | Error::RedirectFailed => return ProviderError::Redirected { host },
            Error::Http(_) | Error::Protocol(_) => {
                return self.unreadable_response("something other than HTTP");
            }
            Error::Rustls(rustls::Error::InvalidCertificate(_)) => {
                return ProviderError::Certificate { host };
            }
            Error::Rustls(_) | Error::Tls(_) | Error::TlsRequired => {
                "TLS cannot be established, or the file in SSL_CERT_FILE cannot be read"
            }
            Error::Io(error) if is_certificate_error(error) => return ProviderError::Certificate { host },
            Error::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                "the response was cut off"
            }
            Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => "it is refused",
            Error::HostNotFound => "the host name cannot be resolved",
            Error::ConnectProxyFailed(_) | Error::InvalidProxyUrl => "the proxy does not connect",
            Error::ConnectionFailed => "it is refused",
            _ => "the connection broke off",
        };
        ProviderError::Connection { host, reason }
    }
}

/// Whether the certificate was not accepted, which rustls reports as an input or output error.
fn is_certificate_error(error: &std::io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    matches!(inner, Some(rustls::Error::InvalidCertificate(_)))
}

impl HttpResponse {
    /// Whether the same call may succeed later. A used-up quota is not temporary.
    fn is_temporary(&self) -> bool {
        match self.status {
            429 => {
                let code = ErrorBody::parse(&self.body);
                let code = code.as_ref().and_then(ErrorBody::code).unwrap_or_default();
                !matches!(code, "insufficient_quota" | "billing_not_active")
                    && !code.ends_with("_spend_limit_exceeded")
            }
            500 | 502 | 503 | 504 => true,
            _ => false,
        }
    }
}

/// The wait that the server requests, at most [`MAX_RETRY_AFTER_SECONDS`].
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers.get("retry-after")?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.min(MAX_RETRY_AFTER_SECONDS)))
}
