//! Links to commits and lines at the service that hosts a repository, derived from the URL of its remote.

use super::escape;

/// A hosting service, which determines the form of links.
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
    base: String,
}

impl Permalinks {
    /// `None` if the URL is not that of a known hosting service.
    pub(super) fn of(remote: &str) -> Option<Self> {
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
            Forge::Azure => azure(&host, path)?,
            _ => (host, path.to_owned()),
        };
        let base = format!("https://{host}/{path}");
        (!path.is_empty() && escape::is_link(&base)).then_some(Self { forge, base })
    }

    /// The page of a commit.
    pub(super) fn commit(&self, id: &str) -> Option<String> {
        let base = &self.base;
        let url = match self.forge {
            Forge::GitHub | Forge::Gitea | Forge::Azure => format!("{base}/commit/{id}"),
            Forge::GitLab => format!("{base}/-/commit/{id}"),
            Forge::Bitbucket => format!("{base}/commits/{id}"),
        };
        is_hex(id).then_some(url)
    }

    /// The page of a line of a file in a commit.
    pub(super) fn line(&self, commit: &str, path: &[u8], line: u64) -> Option<String> {
        let source = |parameter: &'static str| if is_rendered(path) { parameter } else { "" };
        let (base, path) = (&self.base, escape::uri(path));
        let url = match self.forge {
            Forge::GitHub => format!("{base}/blob/{commit}/{path}{}#L{line}", source("?plain=1")),
            Forge::GitLab => format!("{base}/-/blob/{commit}/{path}{}#L{line}", source("?plain=1")),
            Forge::Bitbucket => format!("{base}/src/{commit}/{path}#lines-{line}"),
            Forge::Gitea => {
                format!("{base}/src/commit/{commit}/{path}{}#L{line}", source("?display=source"))
            }
            Forge::Azure => format!(
                "{base}?path=/{path}&version=GC{commit}&line={line}&lineEnd={}&lineStartColumn=1&lineEndColumn=1",
                line.saturating_add(1)
            ),
        };
        (is_hex(commit) && escape::is_link(&url)).then_some(url)
    }
}

/// Whether services show a file as a document, without lines to link to.
fn is_rendered(path: &[u8]) -> bool {
    const EXTENSIONS: [&[u8]; 11] =
        [b"md", b"markdown", b"mdx", b"rst", b"ipynb", b"adoc", b"asciidoc", b"org", b"csv", b"tsv", b"svg"];
    let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or(path);
    let extension = name.iter().rposition(|&byte| byte == b'.').map(|dot| &name[dot + 1..]);
    extension.is_some_and(|one| EXTENSIONS.iter().any(|known| one.eq_ignore_ascii_case(known)))
}

/// The web server of a host for SSH; `None` for an alias that only an SSH configuration defines, such as
/// `github.com-work`.
fn web_host(host: &str) -> Option<&str> {
    match host {
        "ssh.github.com" => Some("github.com"),
        "altssh.gitlab.com" => Some("gitlab.com"),
        "altssh.bitbucket.org" => Some("bitbucket.org"),
        host => {
            let (_, top) = host.rsplit_once('.')?;
            top.bytes().all(|byte| byte.is_ascii_alphabetic()).then_some(host)
        }
    }
}

fn is_hex(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn forge_of(host: &str) -> Option<Forge> {
    let name = host.split(':').next().unwrap_or(host);
    let has = |word: &str| name.split('.').any(|part| part == word);
    if has("github") {
        Some(Forge::GitHub)
    } else if has("gitlab") {
        Some(Forge::GitLab)
    } else if has("bitbucket") && name.ends_with("bitbucket.org") {
        Some(Forge::Bitbucket)
    } else if name == "dev.azure.com" || name == "ssh.dev.azure.com" || name.ends_with(".visualstudio.com") {
        Some(Forge::Azure)
    } else if has("gitea") || has("forgejo") || name == "codeberg.org" {
        Some(Forge::Gitea)
    } else {
        None
    }
}

/// `ssh://ssh.dev.azure.com/v3/org/project/repo` is `https://dev.azure.com/org/project/_git/repo`.
fn azure(host: &str, path: &str) -> Option<(String, String)> {
    if let Some(inside) = path.strip_prefix("v3/") {
        let [organization, project, repo] = inside.split('/').collect::<Vec<_>>()[..] else { return None };
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
            let links = Permalinks::of(remote).unwrap();
            assert_eq!(links.commit(ID).unwrap(), commit.replace('@', ID), "{remote}");
            assert_eq!(links.line(ID, b"x y", 3).unwrap(), line.replace('@', ID), "{remote}");
        }
    }

    #[test]
    fn hosts_for_ssh_alone_are_no_web_servers() {
        let cases = [
            ("ssh://ssh.github.com:443/a/b.git", Some("https://github.com/a/b/commit/@")),
            ("ssh://altssh.bitbucket.org:443/a/b.git", Some("https://bitbucket.org/a/b/commits/@")),
            ("ssh://altssh.gitlab.com/a/b", Some("https://gitlab.com/a/b/-/commit/@")),
            ("ssh://github.com-work/a/b", None),
        ];
        for (remote, commit) in cases {
            let link = Permalinks::of(remote).and_then(|links| links.commit(ID));
            assert_eq!(link, commit.map(|commit| commit.replace('@', ID)), "{remote}");
        }
    }

    #[test]
    fn lines_of_documents_are_those_of_their_source() {
        let github = Permalinks::of("https://github.com/a/b").unwrap();
        assert!(github.line(ID, b"docs/x.MD", 3).unwrap().ends_with("/docs/x.MD?plain=1#L3"));
        assert!(github.line(ID, b"x.md/y.py", 3).unwrap().ends_with("/x.md/y.py#L3"));
        let gitea = Permalinks::of("https://codeberg.org/a/b").unwrap();
        assert!(gitea.line(ID, b"x.ipynb", 3).unwrap().ends_with("/x.ipynb?display=source#L3"));
    }

    #[test]
    fn other_addresses_have_no_links() {
        let others = [
            "https://host.example/a",
            "http://github.com/a/b",
            "https://evilgithub.com/a/b",
            "https://github.com/",
            "https://github.com/a\"onclick=x/b",
            "https://dev.azure.com/o/p",
        ];
        for remote in others {
            assert_eq!(Permalinks::of(remote), None, "{remote}");
        }
        let links = Permalinks::of("https://github.com/a/b").unwrap();
        assert_eq!(links.commit("x\"><script>"), None);
        assert_eq!(
            links.line(ID, b"\"<>'", 1).unwrap(),
            format!("https://github.com/a/b/blob/{ID}/%22%3C%3E%27#L1")
        );
    }
}
