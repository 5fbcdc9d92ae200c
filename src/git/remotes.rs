//! What is known to be at the place that a push goes to.
//!
//! Only refs that record what that very place had count: those that its fetch refspecs write, if every URL of
//! the remote leads there. Any other remote-tracking ref is about another repository. For this the user's own
//! configuration is read, since it is what `git push` obeys.

use std::path::Path;

use gix::bstr::ByteSlice;
use gix::remote::Direction;
use gix::url::Scheme;
use gix::{ObjectId, Remote, Url};

use super::hooks::user_view;
use super::open::{OpenError, open};
use super::range::{ExclusionMode, Revisions, select};
use super::refs::{self, TipKind};

/// What kind of destination a push has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// A remote with a name, all of whose URLs lead to the same place.
    Remote,
    /// A remote with a name that pushes to another place than it fetches from, or to several.
    PushesElsewhere,
    /// A URL, or a name that the configuration does not explain.
    Url,
}

/// What the remote-tracking refs tell about the destination of a push.
#[derive(Clone, Debug)]
pub struct KnownThere {
    /// What kind of destination it is.
    pub destination: Destination,
    /// What it had when git last fetched from it or pushed to it.
    pub there: Vec<ObjectId>,
    /// Remote-tracking refs that tell of other places: full name and object.
    pub elsewhere: Vec<(String, ObjectId)>,
}

/// Tells what the place is known to have that git calls `name` and pushes to at `url`, for the repository at `path`.
///
/// `actual` are refs of that place by their full names, with the object that each points at there, or nothing if it does
/// not exist. A remote-tracking ref that claims commits which the actual ref does not contain is out of date and is
/// ignored. If that is the main branch, the remote may have another URL by now, so all of them are ignored.
///
/// # Errors
/// When there is no repository, or one whose configuration cannot be understood.
pub fn known_there(
    path: &Path,
    name: &str,
    url: Option<&str>,
    actual: &[(String, Option<ObjectId>)],
) -> Result<KnownThere, OpenError> {
    let isolated = open(path)?.to_thread_local();
    let repo = user_view(path)?;
    let remotes: Vec<Remote<'_>> =
        repo.remote_names().iter().filter_map(|name| repo.find_remote(name.as_bstr()).ok()).collect();
    let named = remotes.iter().find(|remote| is_called(remote, name));
    let pushed_to = url.map(place).or_else(|| named.and_then(|remote| places(remote).into_iter().next()));
    let leads_there = |remote: &&Remote<'_>| {
        let places = places(remote);
        !places.is_empty() && places.iter().all(|place| Some(place) == pushed_to.as_ref())
    };
    let (trusted, others): (Vec<&Remote<'_>>, Vec<_>) = remotes.iter().partition(leads_there);
    let destination = match named {
        None => Destination::Url,
        Some(remote) if leads_there(&remote) => Destination::Remote,
        Some(_) => Destination::PushesElsewhere,
    };
    let refs = refs::read(&isolated);
    let is_tracking = |tip: &&refs::Tip| tip.kind == TipKind::Ref && tip.name.starts_with("refs/remotes/");
    let (there, elsewhere): (Vec<&refs::Tip>, Vec<_>) =
        refs.tips.iter().filter(is_tracking).partition(|tip| {
            let writes = |remote: &&&Remote<'_>| writes(remote, &tip.name);
            trusted.iter().any(|remote| writes(&remote)) && !others.iter().any(|remote| writes(&remote))
        });
    let outdated = outdated(&isolated, &trusted, &there, actual);
    let there = up_to_date(there, &outdated);
    Ok(KnownThere {
        destination,
        there: there.iter().map(|tip| tip.id).collect(),
        elsewhere: elsewhere.iter().map(|tip| (tip.name.clone(), tip.id)).collect(),
    })
}

/// The names of those of `there` that claim what the refs in `actual` contradict.
fn outdated(
    repo: &gix::Repository,
    trusted: &[&Remote<'_>],
    there: &[&refs::Tip],
    actual: &[(String, Option<ObjectId>)],
) -> Vec<String> {
    let is_contradicted = |name: &String, actual: &Option<ObjectId>| {
        there.iter().filter(|tip| tip.name == *name).any(|tip| match actual {
            // What cannot be determined is not believed.
            Some(id) => tip.id != *id && has_new_commits(repo, tip.id, &[*id]).unwrap_or(true),
            None => true,
        })
    };
    let claims = actual.iter().flat_map(|(name, id)| {
        trusted.iter().flat_map(|remote| written_for(remote, name)).map(move |name| (name, id))
    });
    claims.filter(|(name, id)| is_contradicted(name, id)).map(|(name, _)| name).collect()
}

/// Those of `there` that may be believed when the refs in `outdated` are known to be wrong.
///
/// If the main branch is wrong, none is. Without `HEAD`, `main` or `master` any branch may be the main one.
fn up_to_date<'t>(there: Vec<&'t refs::Tip>, outdated: &[String]) -> Vec<&'t refs::Tip> {
    let heads: Vec<ObjectId> =
        there.iter().filter(|tip| tip.name.ends_with("/HEAD")).map(|tip| tip.id).collect();
    let has_main_name = |tip: &refs::Tip| ["/main", "/master"].iter().any(|name| tip.name.ends_with(name));
    let is_unknown = heads.is_empty() && !there.iter().any(|tip| has_main_name(tip));
    let is_main = |tip: &refs::Tip| is_unknown || heads.contains(&tip.id) || has_main_name(tip);
    let is_outdated = |tip: &refs::Tip| outdated.contains(&tip.name);
    if there.iter().any(|tip| is_outdated(tip) && is_main(tip)) {
        return Vec::new();
    }
    there.into_iter().filter(|tip| !is_outdated(tip)).collect()
}

/// The refs that a fetch from `remote` writes for its ref `name`.
fn written_for(remote: &Remote<'_>, name: &str) -> Vec<String> {
    let specs = remote.refspecs(Direction::Fetch).iter();
    specs
        .filter_map(|spec| {
            let spec = spec.to_ref();
            let (from, to) = (spec.remote()?.to_str().ok()?, spec.local()?.to_str().ok()?);
            match (from.split_once('*'), to.split_once('*')) {
                (Some((before, after)), Some((start, end))) => {
                    let middle = name.strip_prefix(before)?.strip_suffix(after)?;
                    Some(format!("{start}{middle}{end}"))
                }
                _ => (from == name).then(|| to.to_owned()),
            }
        })
        .collect()
}

/// Whether `tip` leads to commits that none of `known` leads to.
///
/// # Errors
/// When there is no repository.
pub fn adds_commits(path: &Path, tip: ObjectId, known: &[ObjectId]) -> Result<bool, OpenError> {
    let repo = open(path)?.to_thread_local();
    // If the history cannot be read, no commit is known to be new.
    Ok(has_new_commits(&repo, tip, known).unwrap_or(false))
}

/// Whether `tip` leads to commits that none of `known` leads to, or `None` if that cannot be determined.
fn has_new_commits(repo: &gix::Repository, tip: ObjectId, known: &[ObjectId]) -> Option<bool> {
    let revisions = Revisions { tips: vec![tip], hidden: known.to_vec(), common: Vec::new() };
    let range = select(repo, &revisions, ExclusionMode::Exact).ok()?;
    Some(!range.commits.is_empty())
}

fn is_called(remote: &Remote<'_>, name: &str) -> bool {
    remote.name().is_some_and(|own| own.as_bstr() == name)
}

/// Every place that a remote fetches from or pushes to.
fn places(remote: &Remote<'_>) -> Vec<String> {
    let urls = remote.urls(Direction::Push).chain(remote.urls(Direction::Fetch));
    urls.map(|url| place_of(url).unwrap_or_else(|| url.to_bstring().to_string())).collect()
}

/// Whether a fetch from `remote` writes the ref `name`.
fn writes(remote: &Remote<'_>, name: &str) -> bool {
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

/// The place that `url` leads to.
fn place(url: &str) -> String {
    let parsed = gix::url::parse(url.as_bytes().as_bstr()).ok();
    parsed.as_ref().and_then(place_of).unwrap_or_else(|| url.to_owned())
}

/// Hosts at which one repository has one path, however its URL is written.
const HOSTING: [&str; 6] =
    ["github.com", "gitlab.com", "bitbucket.org", "codeberg.org", "git.sr.ht", "ssh.github.com"];

/// The place that a URL leads to, the same for the ways in which hosting services write one: over HTTPS or SSH,
/// with `.git` or without. Nothing if only the very same text is certain to lead to the same place.
///
/// On any other host, `host:path` starts at the home directory of the login, and `host:/path` and `ssh://host/path` at the
/// root, so `host:path` alone may be what the web server calls `/path`.
fn place_of(url: &Url) -> Option<String> {
    let path = url.path.to_str().ok()?;
    if url.scheme == Scheme::File {
        let real = Path::new(path).canonicalize().ok()?;
        return Some(real.display().to_string());
    }
    let host = url.host()?.to_ascii_lowercase();
    // A person's login has a home directory of its own, from which relative paths start.
    let shared_login = matches!(url.user(), None | Some("git"));
    let is_web = matches!(url.scheme, Scheme::Http | Scheme::Https);
    let default = match url.scheme {
        Scheme::Http => Some(80),
        Scheme::Https => Some(443),
        Scheme::Ssh => Some(22),
        _ => return None,
    };
    if !is_web && !shared_login {
        return None;
    }
    let port =
        url.port.filter(|&port| Some(port) != default).map(|port| format!(":{port}")).unwrap_or_default();
    let is_absolute_on_ssh = !is_web && path.starts_with('/') && !HOSTING.contains(&host.as_str());
    let root = if is_absolute_on_ssh { "//" } else { "/" };
    let path = path.trim_start_matches('/').trim_end_matches('/');
    // One `.git` may be left out, but not that of `r/.git`, which git tries after `r`.
    let bare = path.strip_suffix(".git").filter(|name| !name.is_empty() && !name.ends_with('/'));
    Some(format!("{host}{port}{root}{}", bare.unwrap_or(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_to_write_the_same_place() {
        let same = [
            "https://github.com/org/repo",
            "https://user@GitHub.com:443/org/repo.git/",
            "git@github.com:org/repo.git",
            "ssh://git@github.com/org/repo",
        ];
        assert!(same.iter().all(|url| place(url) == "github.com/org/repo"), "{:?}", same.map(place));
    }

    #[test]
    fn paths_from_the_home_directory_and_from_the_root_are_different_places() {
        let places = ["git@git.example:srv/r", "git@git.example:/srv/r", "https://h.example/r.git.git"];
        assert_ne!(place(places[0]), place(places[1]));
        assert_eq!(place(places[1]), place("ssh://git@git.example/srv/r.git"));
        assert_eq!(place(places[0]), place("https://git.example/srv/r"));
        assert_eq!(place("git@github.com:/org/r"), place("https://github.com/org/r"));
        for other in ["https://h.example/r", "https://h.example/r.git", "https://h.example/r/.git"] {
            assert_ne!(place(places[2]), place(other), "{other}");
        }
        assert_ne!(place("https://h.example/r/.git"), place("https://h.example/r"));
    }

    #[test]
    fn other_locations_are_not_mistaken_for_it() {
        let others = [
            "https://github.com/fork/repo",
            "https://github.example/org/repo",
            "https://github.com:8443/org/repo",
            "ann@github.com:org/repo",
            "../org/repo",
        ];
        assert!(others.iter().all(|url| place(url) != "github.com/org/repo"), "{:?}", others.map(place));
    }
}
