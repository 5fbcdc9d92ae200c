//! The hosts that keys may be sent to.

/// OpenAI's own hosts: the default, then one for each region.
const KNOWN_HOSTS: &[&str] = &[
    "api.openai.com",
    "us.api.openai.com",
    "eu.api.openai.com",
    "in.api.openai.com",
    "ae.api.openai.com",
    "au.api.openai.com",
    "jp.api.openai.com",
];

/// Limits of a name in DNS (RFC 1035).
const MAX_NAME_BYTES: usize = 253;
const MAX_LABEL_BYTES: usize = 63;

/// A host, optionally with a port: `eu.api.openai.com`, `gateway.example:8443`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host(String);

impl Default for Host {
    fn default() -> Self {
        Self(KNOWN_HOSTS[0].to_owned())
    }
}

impl Host {
    /// Parses `HOST` or `HOST:PORT`; `None` for anything else, such as a URL with a path or user name.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        let (name, port) = text.split_once(':').unwrap_or((&text, "443"));
        let is_name = !name.is_empty()
            && name.len() <= MAX_NAME_BYTES
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte))
            && name.split('.').all(|label| label.len() <= MAX_LABEL_BYTES)
            && !name.starts_with(['.', '-']);
        let is_port =
            port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0);
        (is_name && is_port).then_some(Self(text))
    }

    /// Whether the host is one of OpenAI's.
    pub fn is_known(&self) -> bool {
        KNOWN_HOSTS.contains(&self.0.as_str())
    }

    /// The host as in a URL.
    pub fn name(&self) -> &str {
        &self.0
    }

    /// The first of OpenAI's hosts in `text`, if any. `text` comes from a response, so no other part of it may be displayed.
    pub fn find_in(text: &str) -> Option<&'static str> {
        let is_host_char = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
        let names = text.split(|c| !is_host_char(c)).map(|name| name.trim_matches('.'));
        names.filter_map(|name| KNOWN_HOSTS.iter().find(|host| **host == name).copied()).next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_with_an_optional_port() {
        for valid in ["api.openai.com", "EU.api.openai.com", "localhost:8443", "127.0.0.1:1"] {
            assert!(Host::parse(valid).is_some(), "{valid}");
        }
        for invalid in [
            "",
            "https://x",
            "x/y",
            "u@x",
            "x:",
            "x:0",
            "x:99999",
            "x y",
            "-x",
            ".x",
            "x:1:2",
            "x#y",
            &"x".repeat(64),
        ] {
            assert_eq!(Host::parse(invalid), None, "{invalid}");
        }
        assert!(
            Host::default().is_known() && !Host::parse("api.openai.com.evil.example").unwrap().is_known()
        );
        assert!(!Host::parse("api.openai.com:8443").unwrap().is_known());
    }

    #[test]
    fn only_hosts_of_openai_are_found_in_a_response() {
        assert_eq!(Host::find_in("use us.api.openai.com."), Some("us.api.openai.com"));
        assert_eq!(Host::find_in("use evil.example"), None);
        assert_eq!(Host::find_in("https://eu.api.openai.com/v1"), Some("eu.api.openai.com"));
    }
}
