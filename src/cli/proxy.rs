//! Determines from environment variables which HTTP proxy requests to the provider go through.

use anyhow::{Result, bail};

use super::environment::variable;
use crate::provider::{Host, HttpProxy};

/// The variables that name proxies; the first one that is set is used.
const PROXY_VARIABLES: [&str; 6] =
    ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy"];
/// The variables that list hosts to connect to without a proxy.
const EXCEPTION_VARIABLES: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// The proxy for requests to `host`; `None` if there is none, or if the host is excepted.
///
/// # Errors
/// When the environment names a proxy that cannot be used. Ignoring it would send keys along an unexpected route.
pub(super) fn proxy(host: &Host) -> Result<Option<HttpProxy>> {
    let exceptions = EXCEPTION_VARIABLES.into_iter().find_map(variable).unwrap_or_default();
    if HttpProxy::is_bypassed(host, &exceptions.to_string_lossy()) {
        return Ok(None);
    }
    let Some((name, url)) = PROXY_VARIABLES.into_iter().find_map(|name| Some((name, variable(name)?))) else {
        return Ok(None);
    };
    // The URL may contain a password.
    match url.to_str().and_then(HttpProxy::parse) {
        Some(proxy) => Ok(Some(proxy)),
        None => bail!(
            "{name} does not name an http:// or https:// proxy, and friskey knows no other kind such as SOCKS; nothing \
             was sent. Name an HTTP proxy in HTTPS_PROXY, or except {} in NO_PROXY to connect without one",
            host.name()
        ),
    }
}
