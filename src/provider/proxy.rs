//! The proxy that requests go through.

use ureq::http::Uri;
use ureq::{Proxy, ProxyProtocol};

use super::Host;

/// A proxy that passes connections on to the host. TLS ends at the host, not here.
#[derive(Clone)]
pub struct HttpProxy(pub(super) Proxy);

impl HttpProxy {
    /// Parses a URL such as `http://user:password@proxy.example:8080`; `None` for anything but an HTTP or HTTPS proxy.
    /// ureq, built without SOCKS, would silently connect past such a proxy.
    pub fn parse(url: &str) -> Option<Self> {
        let proxy = Proxy::new(url.trim()).ok()?;
        matches!(proxy.protocol(), ProxyProtocol::Http | ProxyProtocol::Https).then_some(Self(proxy))
    }

    /// Whether `no_proxy`, a list as in the variable `NO_PROXY`, exempts the host from the proxy.
    pub fn is_bypassed(host: &Host, no_proxy: &str) -> bool {
        let entries = no_proxy.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let builder = Proxy::builder(ProxyProtocol::Http).host("proxy.invalid");
        let proxy = entries.fold(builder, |builder, entry| builder.no_proxy(entry)).build();
        let uri: Result<Uri, _> = format!("https://{}", host.name()).parse();
        matches!((proxy, uri), (Ok(proxy), Ok(uri)) if proxy.is_no_proxy(&uri))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_http_and_https_proxies_are_accepted() {
        for valid in ["http://proxy:8080", "https://u:p@proxy", "proxy:8080", "proxy"] {
            assert!(HttpProxy::parse(valid).is_some(), "{valid}");
        }
        for invalid in
            ["socks5://proxy", "socks5h://proxy:1080", "socks4://p", "socks://p", "ftp://p", "http://", "a b"]
        {
            assert!(HttpProxy::parse(invalid).is_none(), "{invalid}");
        }
    }

    #[test]
    fn no_proxy_exempts_hosts_and_whole_domains() {
        let host = Host::default();
        for list in ["api.openai.com", "x, api.openai.com", ".openai.com", "*"] {
            assert!(HttpProxy::is_bypassed(&host, list), "{list}");
        }
        for list in ["", ",", "openai.org", "api.openai.com.example"] {
            assert!(!HttpProxy::is_bypassed(&host, list), "{list}");
        }
    }
}
