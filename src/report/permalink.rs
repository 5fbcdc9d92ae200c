//! Links to commits and lines at the service that hosts a repository, derived from the URL of its remote.

use super::escape;

/// The software of a hosting service, which determines what links look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Forge {
    GitHub,
    GitLab,
    Bitbucket,
    Azure,
    Gitea,
}

/// Builds links to a repository's web pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Permalinks {
    forge: Forge,
    /// `https://github.com/org/repo`
    repository_url: String,
}

impl Permalinks {
    /// The links for the repository at `remote`, a URL as [`VersionControl::public_uri`](crate::model::VersionControl::public_uri)
    /// returns it; `None` if it is not `https`, `ssh` or `git`, or not at a known hosting service.
    pub(super) fn from_remote_url(remote: &str) -> Option<Self> {
        let (scheme, rest) = remote.split_once("://")?;
        let (host, path) = rest.split_once('/')?;
        let host = match scheme {
            "https" => host,
            // The port of SSH is not that of the web server.
            "ssh" | "git" => web_host(host.split(':').next()?)?,
            _ => return None,
        };
        let host = host.to_ascii_lowercase();
        let path = path.trim_matches('/');
        let path = path.strip_suffix(".git").unwrap_or(path);
        let forge = forge_of(&host)?;
        let (host, path) = match forge {
            Forge::Azure => azure_web_address(&host, path)?,
            _ => (host, path.to_owned()),
        };
        let repository_url = format!("https://{host}/{path}");
        (!path.is_empty() && escape::is_link(&repository_url)).then_some(Self { forge, repository_url })
    }

    /// The URL of the page of a commit; `None` if `id` is not hexadecimal.
    pub(super) fn commit(&self, id: &str) -> Option<String> {
        let repository_url = &self.repository_url;
        let url = match self.forge {
            Forge::GitHub | Forge::Gitea | Forge::Azure => format!("{repository_url}/commit/{id}"),
            Forge::GitLab => format!("{repository_url}/-/commit/{id}"),
            Forge::Bitbucket => format!("{repository_url}/commits/{id}"),
        };
        is_hex(id).then_some(url)
    }

    /// The URL of the page that shows a line of a file in a commit; `None` if `commit` is not hexadecimal, or if the URL is not a
    /// safe link.
    pub(super) fn line(&self, commit: &str, path: &[u8], line: u64) -> Option<String> {
        let source_view = |parameter: &'static str| if is_shown_as_document(path) { parameter } else { "" };
        let (repository_url, path) = (&self.repository_url, escape::uri(path));
        let url = match self.forge {
            Forge::GitHub => {
                format!("{repository_url}/blob/{commit}/{path}{}#L{line}", source_view("?plain=1"))
            }
            Forge::GitLab => {
                format!("{repository_url}/-/blob/{commit}/{path}{}#L{line}", source_view("?plain=1"))
            }
            Forge::Bitbucket => format!("{repository_url}/src/{commit}/{path}#lines-{line}"),
            Forge::Gitea => {
                format!(
                    "{repository_url}/src/commit/{commit}/{path}{}#L{line}",
                    source_view("?display=source")
                )
            }
            Forge::Azure => format!(
                "{repository_url}?path=/{path}&version=GC{commit}&line={line}&lineEnd={}&lineStartColumn=1&lineEndColumn=1",
                line.saturating_add(1)
            ),
        };
        (is_hex(commit) && escape::is_link(&url)).then_some(url)
    }
}

/// Whether services show such a file as a formatted document, without lines to link to.
fn is_shown_as_document(path: &[u8]) -> bool {
    const EXTENSIONS: [&[u8]; 11] =
        [b"md", b"markdown", b"mdx", b"rst", b"ipynb", b"adoc", b"asciidoc", b"org", b"csv", b"tsv", b"svg"];
    let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or(path);
    let extension = name.iter().rposition(|&byte| byte == b'.').map(|dot| &name[dot + 1..]);
    extension
        .is_some_and(|extension| EXTENSIONS.iter().any(|candidate| extension.eq_ignore_ascii_case(candidate)))
}

/// The host name of the web server that belongs to an SSH host; `None` for an alias that only an SSH configuration defines,
/// such as `github.com-work`.
fn web_host(host: &str) -> Option<&str> {
    match host {
        "ssh.github.com" => Some("github.com"),
        "altssh.gitlab.com" => Some("gitlab.com"),
        "altssh.bitbucket.org" => Some("bitbucket.org"),
        host => {
            let (_, top_level) = host.rsplit_once('.')?;
            top_level.bytes().all(|byte| byte.is_ascii_alphabetic()).then_some(host)
        }
    }
}

fn is_hex(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The service at a host, by the labels of its name.
fn forge_of(host: &str) -> Option<Forge> {
    let name = host.split(':').next().unwrap_or(host);
    let has_label = |word: &str| name.split('.').any(|part| part == word);
    if has_label("github") {
        Some(Forge::GitHub)
    } else if has_label("gitlab") {
        Some(Forge::GitLab)
    } else if has_label("bitbucket") && name.ends_with("bitbucket.org") {
        Some(Forge::Bitbucket)
    } else if name == "dev.azure.com" || name == "ssh.dev.azure.com" || name.ends_with(".visualstudio.com") {
        Some(Forge::Azure)
    } else if has_label("gitea") || has_label("forgejo") || name == "codeberg.org" {
        Some(Forge::Gitea)
    } else {
        None
    }
}

/// The host and path of the web page of an Azure repository: `https://dev.azure.com/org/project/_git/repo` for
/// `ssh://ssh.dev.azure.com/v3/org/project/repo`.
fn azure_web_address(host: &str, path: &str) -> Option<(String, String)> {
    if let Some(ssh_path) = path.strip_prefix("v3/") {
        let [organization, project, repo] = ssh_path.split('/').collect::<Vec<_>>()[..] else { return None };
        return Some(("dev.azure.com".to_owned(), format!("{organization}/{project}/_git/{repo}")));
    }
    path.contains("_git/").then(|| (host.to_owned(), path.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789012345678901234567890123456789";

    #[test]
    fn each_service_has_its_own_links() {
        let cases = [
            (
                "https://github.com/a/b.git",
                "https://github.com/a/b/commit/@",
                "https://github.com/a/b/blob/@/x%20y#L3",
            ),
            (
                "ssh://github.com/a/b",
                "https://github.com/a/b/commit/@",
                "https://github.com/a/b/blob/@/x%20y#L3",
            ),
            (
                "ssh://gitlab.example:2222/a/s/b.git",
                "https://gitlab.example/a/s/b/-/commit/@",
                "https://gitlab.example/a/s/b/-/blob/@/x%20y#L3",
            ),
            (
                "https://bitbucket.org/a/b",
                "https://bitbucket.org/a/b/commits/@",
                "https://bitbucket.org/a/b/src/@/x%20y#lines-3",
            ),
            (
                "https://codeberg.org/a/b",
                "https://codeberg.org/a/b/commit/@",
                "https://codeberg.org/a/b/src/commit/@/x%20y#L3",
            ),
            (
                "ssh://ssh.dev.azure.com/v3/o/p/r",
                "https://dev.azure.com/o/p/_git/r/commit/@",
                "https://dev.azure.com/o/p/_git/r?path=/x%20y&version=GC@&line=3&lineEnd=4&lineStartColumn=1&lineEndColumn=1",
            ),
        ];
        for (remote, commit, line) in cases {
            let links = Permalinks::from_remote_url(remote).unwrap();
            assert_eq!(links.commit(ID).unwrap(), commit.replace('@', ID), "{remote}");
            assert_eq!(links.line(ID, b"x y", 3).unwrap(), line.replace('@', ID), "{remote}");
        }
    }

    #[test]
    fn ssh_hosts_are_mapped_to_web_servers() {
        let cases = [
            ("ssh://ssh.github.com:443/a/b.git", Some("https://github.com/a/b/commit/@")),
            ("ssh://altssh.bitbucket.org:443/a/b.git", Some("https://bitbucket.org/a/b/commits/@")),
            ("ssh://altssh.gitlab.com/a/b", Some("https://gitlab.com/a/b/-/commit/@")),
            ("ssh://github.com-work/a/b", None),
        ];
        for (remote, commit) in cases {
            let link = Permalinks::from_remote_url(remote).and_then(|links| links.commit(ID));
            assert_eq!(link, commit.map(|commit| commit.replace('@', ID)), "{remote}");
        }
    }

    #[test]
    fn links_to_documents_show_their_source() {
        let github = Permalinks::from_remote_url("https://github.com/a/b").unwrap();
        assert!(github.line(ID, b"docs/x.MD", 3).unwrap().ends_with("/docs/x.MD?plain=1#L3"));
        assert!(github.line(ID, b"x.md/y.py", 3).unwrap().ends_with("/x.md/y.py#L3"));
        let gitea = Permalinks::from_remote_url("https://codeberg.org/a/b").unwrap();
        assert!(gitea.line(ID, b"x.ipynb", 3).unwrap().ends_with("/x.ipynb?display=source#L3"));
    }

    #[test]
    fn other_urls_have_no_links() {
        let others = [
            "https://host.example/a",
            "http://github.com/a/b",
            "https://evilgithub.com/a/b",
            "https://github.com/",
            "https://github.com/a\"onclick=x/b",
            "https://dev.azure.com/o/p",
        ];
        for remote in others {
            assert_eq!(Permalinks::from_remote_url(remote), None, "{remote}");
        }
        let links = Permalinks::from_remote_url("https://github.com/a/b").unwrap();
        assert_eq!(links.commit("x\"><script>"), None);
        assert_eq!(
            links.line(ID, b"\"<>'", 1).unwrap(),
            format!("https://github.com/a/b/blob/{ID}/%22%3C%3E%27#L1")
        );
    }
}
