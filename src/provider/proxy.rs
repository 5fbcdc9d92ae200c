//! The proxy that requests go through.

use ureq::http::Uri;
use ureq::{Proxy, ProxyProtocol};

use super::Host;

/// A proxy that passes connections on to the host. TLS ends at the host, not here.
#[derive(Clone)]
pub struct HttpProxy(pub(super) Proxy);

impl HttpProxy {
    /// Parses a URL such as `http://user:password@proxy.example:8080`; `None` for anything but an HTTP or HTTPS proxy.
    /// ureq would pass by a SOCKS proxy without a word.
    pub fn parse(url: &str) -> Option<Self> {
        let proxy = Proxy::new(url.trim()).ok()?;
        matches!(proxy.protocol(), ProxyProtocol::Http | ProxyProtocol::Https).then_some(Self(proxy))
    }

    /// Whether the list `no_proxy`, as in `NO_PROXY`, excepts the host.
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
    fn only_proxies_that_requests_really_go_through_are_taken() {
        for good in ["http://proxy:8080", "https://u:p@proxy", "proxy:8080", "proxy"] {
            assert!(HttpProxy::parse(good).is_some(), "{good}");
        }
        for bad in
            ["socks5://proxy", "socks5h://proxy:1080", "socks4://p", "socks://p", "ftp://p", "http://", "a b"]
        {
            assert!(HttpProxy::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn exceptions_are_names_and_their_ends() {
        let host = Host::default();
        for list in ["api.openai.com", "x, api.openai.com", ".openai.com", "*"] {
            assert!(HttpProxy::is_bypassed(&host, list), "{list}");
        }
        for list in ["", ",", "openai.org", "api.openai.com.example"] {
            assert!(!HttpProxy::is_bypassed(&host, list), "{list}");
        }
    }
}
