//! The repository and revision that a report describes.

/// Which repository was scanned, and at which commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VersionControl {
    /// URI of the repository, without user name or password; see [`VersionControl::public_uri`].
    pub repository_uri: String,
    /// Object id of the commit at HEAD, in hex.
    pub revision: Option<String>,
    /// Short name of the branch at HEAD.
    pub branch: Option<String>,
}

impl VersionControl {
    /// The address of a remote, for a command that pushes to it, without credentials: passwords, query strings and the user
    /// names of HTTP are dropped; other user names are kept, since SSH needs them. `None` if `remote` is empty, contains
    /// control characters or blanks, or begins like an option.
    pub fn push_url(remote: &str) -> Option<String> {
        let is_address = !remote.is_empty() && remote.chars().all(|c| !c.is_control() && !c.is_whitespace());
        if !is_address || remote.starts_with('-') {
            return None;
        }
        let Some((scheme, rest)) = remote.split_once("://") else { return Some(remote.to_owned()) };
        if !scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)) {
            return None;
        }
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let is_http = scheme.to_ascii_lowercase().starts_with("http");
        let host = match host.rsplit_once('@') {
            Some((_, host)) if is_http => host.to_owned(),
            Some((user, host)) => format!("{}@{host}", user.split(':').next().unwrap_or_default()),
            None => host.to_owned(),
        };
        let path = path.split(['?', '#']).next().unwrap_or_default();
        Some(format!("{scheme}://{host}{path}"))
    }

    /// A remote's address as a URI that is safe to publish: `git@host:path` becomes `ssh://host/path`, and
    /// user names, passwords and query strings are dropped. `None` if `remote` is not a remote address, such
    /// as a path on disk.
    pub fn public_uri(remote: &str) -> Option<String> {
        let remote = remote.trim();
        let is_printable = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
        let (scheme, rest) = match remote.split_once("://") {
            Some((scheme, rest)) if !scheme.eq_ignore_ascii_case("file") => {
                (scheme.to_ascii_lowercase(), rest.to_owned())
            }
            Some(_) => return None,
            None => {
                let (host, path) = remote.split_once(':')?;
                // A slash before the colon makes it a path; a single letter is a Windows drive.
                if host.contains('/') || host.len() < 2 {
                    return None;
                }
                ("ssh".to_owned(), format!("{host}/{}", path.trim_start_matches('/')))
            }
        };
        let is_scheme = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
        let (host, path) = rest.split_once('/').unwrap_or((&rest, ""));
        // Text such as `user:token@host:path` is not an address, and its credentials must not be published.
        let is_malformed = path.split('/').next().is_some_and(|first| first.contains('@') && scheme == "ssh")
            || host.rsplit('@').next().is_some_and(|host| host.contains('%'));
        if is_malformed {
            return None;
        }
        let host = host.rsplit('@').next().unwrap_or_default();
        // A query string may carry a token.
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let uri = format!("{scheme}://{host}/{path}");
        (is_scheme(&scheme) && is_printable(host) && is_printable(&uri)).then_some(uri)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_to_push_to_keep_the_user_of_ssh_and_no_password() {
        let token = ["user", "token"].join(":");
        let cases = [
            (format!("https://{token}@host.example/a/b.git?x=1"), Some("https://host.example/a/b.git")),
            ("git@host.example:a/b.git".to_owned(), Some("git@host.example:a/b.git")),
            (format!("ssh://{token}@host.example:22/a"), Some("ssh://user@host.example:22/a")),
            ("/srv/a.git".to_owned(), Some("/srv/a.git")),
            ("file:///srv/a".to_owned(), Some("file:///srv/a")),
            ("--upload-pack=x".to_owned(), None),
            ("two words:a".to_owned(), None),
        ];
        for (remote, address) in cases {
            assert_eq!(VersionControl::push_url(&remote).as_deref(), address, "{remote}");
        }
    }

    #[test]
    fn public_uris_contain_no_credentials() {
        let token = ["user", "token"].join(":");
        let cases = [
            (format!("https://{token}@host.example/a/b.git?x=1"), Some("https://host.example/a/b.git")),
            ("git@host.example:a/b.git".to_owned(), Some("ssh://host.example/a/b.git")),
            ("ssh://git@host.example:22/a".to_owned(), Some("ssh://host.example:22/a")),
            ("/srv/a:b".to_owned(), None),
            ("C:\\a".to_owned(), None),
            ("file:///srv/a".to_owned(), None),
            (format!("{token}@host.example:a/b"), None),
            (format!("https://{}%40host.example/a", token.replace(':', "%3A")), None),
            ("https:///a".to_owned(), None),
            ("two words:a".to_owned(), None),
        ];
        for (remote, uri) in cases {
            assert_eq!(VersionControl::public_uri(&remote).as_deref(), uri, "{remote}");
        }
    }
}
