//! Finds out which commits the destination of a push is known to contain.
//!
//! This is known only from remote-tracking refs of that destination: those that the fetch refspecs of a remote write, if all
//! URLs of the remote lead to the destination. Any other remote-tracking ref describes another repository. The user's
//! configuration is read, too, since `git push` obeys it.

use std::path::Path;

use gix::bstr::ByteSlice;
use gix::remote::Direction;
use gix::url::Scheme;
use gix::{ObjectId, Remote, Url};

use super::hooks::open_as_user;
use super::open::{OpenError, open};
use super::range::{ExclusionMode, Revisions, select};
use super::refs::{self, TipKind};

/// What kind of destination a push has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// A named remote, all of whose URLs lead to the same repository.
    Remote,
    /// A named remote that pushes to a different repository than it fetches from, or to several.
    PushesElsewhere,
    /// A URL, or a name that no configured remote has.
    Url,
}

/// What the remote-tracking refs show about the destination of a push.
#[derive(Clone, Debug)]
pub struct KnownCommits {
    /// What kind of destination it is.
    pub destination: Destination,
    /// The objects that refs of the destination pointed to when git last fetched from it or pushed to it.
    pub at_destination: Vec<ObjectId>,
    /// Remote-tracking refs of other repositories: full name and object.
    pub in_other_repositories: Vec<(String, ObjectId)>,
}

/// Finds out what the destination `name`, with the push URL `url`, is known to contain, for a push from the repository at
/// `path`.
///
/// `actual` are refs of the destination as the push found them: the full name of each, and its object or `None` if it does
/// not exist. A remote-tracking ref with commits that the actual ref does not contain is out of date and ignored. If that
/// is the main branch, the URL of the remote may have changed, so all remote-tracking refs are ignored.
///
/// # Errors
/// If there is no repository, or its configuration is invalid.
pub fn known_commits(
    path: &Path,
    name: &str,
    url: Option<&str>,
    actual: &[(String, Option<ObjectId>)],
) -> Result<KnownCommits, OpenError> {
    let isolated = open(path)?.to_thread_local();
    let repo = open_as_user(path)?;
    let remotes: Vec<Remote<'_>> =
        repo.remote_names().iter().filter_map(|name| repo.find_remote(name.as_bstr()).ok()).collect();
    let named_remote = remotes.iter().find(|remote| has_name(remote, name));
    let destination_url = url
        .map(normalized_url)
        .or_else(|| named_remote.and_then(|remote| normalized_urls(remote).into_iter().next()));
    let leads_to_destination = |remote: &&Remote<'_>| {
        let urls = normalized_urls(remote);
        !urls.is_empty() && urls.iter().all(|url| Some(url) == destination_url.as_ref())
    };
    let (destination_remotes, other_remotes): (Vec<&Remote<'_>>, Vec<_>) =
        remotes.iter().partition(leads_to_destination);
    let destination = match named_remote {
        None => Destination::Url,
        Some(remote) if leads_to_destination(&remote) => Destination::Remote,
        Some(_) => Destination::PushesElsewhere,
    };
    let refs = refs::read(&isolated);
    let is_tracking = |tip: &&refs::Tip| tip.kind == TipKind::Ref && tip.name.starts_with("refs/remotes/");
    let (destination_tips, other_tips): (Vec<&refs::Tip>, Vec<_>) =
        refs.tips.iter().filter(is_tracking).partition(|tip| {
            destination_remotes.iter().any(|remote| writes_ref(remote, &tip.name))
                && !other_remotes.iter().any(|remote| writes_ref(remote, &tip.name))
        });
    let outdated = outdated_refs(&isolated, &destination_remotes, &destination_tips, actual);
    let destination_tips = up_to_date_refs(destination_tips, &outdated);
    Ok(KnownCommits {
        destination,
        at_destination: destination_tips.iter().map(|tip| tip.id).collect(),
        in_other_repositories: other_tips.iter().map(|tip| (tip.name.clone(), tip.id)).collect(),
    })
}

/// The names of the refs in `tips` that contradict the refs in `actual`. Fetches from `remotes` write all of `tips`.
fn outdated_refs(
    repo: &gix::Repository,
    remotes: &[&Remote<'_>],
    tips: &[&refs::Tip],
    actual: &[(String, Option<ObjectId>)],
) -> Vec<String> {
    let is_contradicted = |name: &String, actual: &Option<ObjectId>| {
        tips.iter().filter(|tip| tip.name == *name).any(|tip| match actual {
            // If the history cannot be read, the ref is not trusted.
            Some(id) => tip.id != *id && has_new_commits(repo, tip.id, &[*id]).unwrap_or(true),
            None => true,
        })
    };
    let tracking = actual.iter().flat_map(|(name, id)| {
        remotes.iter().flat_map(|remote| tracking_refs(remote, name)).map(move |name| (name, id))
    });
    tracking.filter(|(name, id)| is_contradicted(name, id)).map(|(name, _)| name).collect()
}

/// The refs in `tips` that can be trusted if those named in `outdated` are out of date.
///
/// If the main branch is out of date, none can be trusted. Without `HEAD`, `main` or `master`, any branch may be the main
/// one.
fn up_to_date_refs<'t>(tips: Vec<&'t refs::Tip>, outdated: &[String]) -> Vec<&'t refs::Tip> {
    let heads: Vec<ObjectId> =
        tips.iter().filter(|tip| tip.name.ends_with("/HEAD")).map(|tip| tip.id).collect();
    let has_main_name = |tip: &refs::Tip| ["/main", "/master"].iter().any(|name| tip.name.ends_with(name));
    let is_unknown = heads.is_empty() && !tips.iter().any(|tip| has_main_name(tip));
    let is_main = |tip: &refs::Tip| is_unknown || heads.contains(&tip.id) || has_main_name(tip);
    let is_outdated = |tip: &refs::Tip| outdated.contains(&tip.name);
    if tips.iter().any(|tip| is_outdated(tip) && is_main(tip)) {
        return Vec::new();
    }
    tips.into_iter().filter(|tip| !is_outdated(tip)).collect()
}

/// The remote-tracking refs that a fetch from `remote` writes for the ref `name` of the remote.
fn tracking_refs(remote: &Remote<'_>, name: &str) -> Vec<String> {
    let specs = remote.refspecs(Direction::Fetch).iter();
    specs
        .filter_map(|spec| {
            let spec = spec.to_ref();
            let (source, target) = (spec.remote()?.to_str().ok()?, spec.local()?.to_str().ok()?);
            match (source.split_once('*'), target.split_once('*')) {
                (Some((before, after)), Some((start, end))) => {
                    let middle = name.strip_prefix(before)?.strip_suffix(after)?;
                    Some(format!("{start}{middle}{end}"))
                }
                _ => (source == name).then(|| target.to_owned()),
            }
        })
        .collect()
}

/// Whether `tip` reaches commits that none of `known` reaches.
///
/// # Errors
/// When there is no repository.
pub fn adds_commits(path: &Path, tip: ObjectId, known: &[ObjectId]) -> Result<bool, OpenError> {
    let repo = open(path)?.to_thread_local();
    // If the history cannot be read, no commit is known to be new.
    Ok(has_new_commits(&repo, tip, known).unwrap_or(false))
}

/// Whether `tip` reaches commits that none of `known` reaches; `None` if that cannot be determined.
fn has_new_commits(repo: &gix::Repository, tip: ObjectId, known: &[ObjectId]) -> Option<bool> {
    let revisions = Revisions { tips: vec![tip], exclusions: known.to_vec(), symmetric_pairs: Vec::new() };
    let range = select(repo, &revisions, ExclusionMode::Exact).ok()?;
    Some(!range.commits.is_empty())
}

/// Whether `name` is the name of `remote`.
fn has_name(remote: &Remote<'_>, name: &str) -> bool {
    remote.name().is_some_and(|remote_name| remote_name.as_bstr() == name)
}

/// All URLs that a remote fetches from or pushes to, normalized.
fn normalized_urls(remote: &Remote<'_>) -> Vec<String> {
    let urls = remote.urls(Direction::Push).chain(remote.urls(Direction::Fetch));
    urls.map(|url| normalize(url).unwrap_or_else(|| url.to_bstring().to_string())).collect()
}

/// Whether a fetch from `remote` writes the remote-tracking ref `name`.
fn writes_ref(remote: &Remote<'_>, name: &str) -> bool {
    remote.refspecs(Direction::Fetch).iter().any(|spec| {
        let spec = spec.to_ref();
        let Some(pattern) = spec.local() else { return false };
        match pattern.split_once_str("*") {
            Some((before, after)) => name
                .as_bytes()
                .strip_prefix(before)
                .is_some_and(|rest| rest.len() > after.len() && rest.ends_with(after)),
            None => pattern == name,
        }
    })
}

/// The normalized form of `url`, or `url` itself if it has none.
fn normalized_url(url: &str) -> String {
    let parsed = gix::url::parse(url.as_bytes().as_bstr()).ok();
    parsed.as_ref().and_then(normalize).unwrap_or_else(|| url.to_owned())
}

/// Hosts on which a repository has the same path in every form of its URL.
const HOSTING_SERVICES: [&str; 6] =
    ["github.com", "gitlab.com", "bitbucket.org", "codeberg.org", "git.sr.ht", "ssh.github.com"];

/// Normalizes a URL: all forms of it that hosting services use, HTTPS or SSH, with or without `.git`, give the same result.
/// `None` if only identical URLs certainly lead to the same repository.
///
/// On other hosts, the path in `host:path` starts at the home directory of the user who logs in, and in `host:/path` and
/// `ssh://host/path` at the root. So only `host:path` may be the same repository as `https://host/path`.
fn normalize(url: &Url) -> Option<String> {
    let path = url.path.to_str().ok()?;
    if url.scheme == Scheme::File {
        let real = Path::new(path).canonicalize().ok()?;
        return Some(real.display().to_string());
    }
    let host = url.host()?.to_ascii_lowercase();
    // Relative paths start at the home directory of the user who logs in, so they depend on the login.
    let is_shared_login = matches!(url.user(), None | Some("git"));
    let is_web = matches!(url.scheme, Scheme::Http | Scheme::Https);
    let default_port = match url.scheme {
        Scheme::Http => Some(80),
        Scheme::Https => Some(443),
        Scheme::Ssh => Some(22),
        _ => return None,
    };
    if !is_web && !is_shared_login {
        return None;
    }
    let port = url
        .port
        .filter(|&port| Some(port) != default_port)
        .map(|port| format!(":{port}"))
        .unwrap_or_default();
    let is_absolute_on_ssh = !is_web && path.starts_with('/') && !HOSTING_SERVICES.contains(&host.as_str());
    let root = if is_absolute_on_ssh { "//" } else { "/" };
    let path = path.trim_start_matches('/').trim_end_matches('/');
    // A suffix `.git` may be omitted, but `r/.git` may lead elsewhere than `r`, which git tries first.
    let without_suffix = path.strip_suffix(".git").filter(|name| !name.is_empty() && !name.ends_with('/'));
    Some(format!("{host}{port}{root}{}", without_suffix.unwrap_or(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_the_same_url_are_normalized_alike() {
        let same = [
            "https://github.com/org/repo",
            "https://user@GitHub.com:443/org/repo.git/",
            "git@github.com:org/repo.git",
            "ssh://git@github.com/org/repo",
        ];
        assert!(
            same.iter().all(|url| normalized_url(url) == "github.com/org/repo"),
            "{:?}",
            same.map(normalized_url)
        );
    }

    #[test]
    fn paths_from_the_home_directory_and_from_the_root_differ() {
        let urls = ["git@git.example:srv/r", "git@git.example:/srv/r", "https://h.example/r.git.git"];
        assert_ne!(normalized_url(urls[0]), normalized_url(urls[1]));
        assert_eq!(normalized_url(urls[1]), normalized_url("ssh://git@git.example/srv/r.git"));
        assert_eq!(normalized_url(urls[0]), normalized_url("https://git.example/srv/r"));
        assert_eq!(normalized_url("git@github.com:/org/r"), normalized_url("https://github.com/org/r"));
        for other in ["https://h.example/r", "https://h.example/r.git", "https://h.example/r/.git"] {
            assert_ne!(normalized_url(urls[2]), normalized_url(other), "{other}");
        }
        assert_ne!(normalized_url("https://h.example/r/.git"), normalized_url("https://h.example/r"));
    }

    #[test]
    fn urls_of_other_repositories_differ() {
        let others = [
            "https://github.com/fork/repo",
            "https://github.example/org/repo",
            "https://github.com:8443/org/repo",
            "ann@github.com:org/repo",
            "../org/repo",
        ];
        assert!(
            others.iter().all(|url| normalized_url(url) != "github.com/org/repo"),
            "{:?}",
            others.map(normalized_url)
        );
    }
}
