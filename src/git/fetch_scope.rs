//! Finds out which refs of its remotes a clone fetches, according to the clone's own configuration.

use gix::bstr::BStr;

/// Which refs of its remotes a repository fetches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchScope {
    /// It has no remote.
    NoRemote,
    /// All refs that a remote advertises, as with `git clone --mirror`.
    AllRefs,
    /// Not all refs of any remote.
    SomeRefs {
        /// The name of the first remote.
        remote: String,
        /// What it fetches, e.g. `+refs/heads/*:refs/remotes/origin/*`; empty for `git clone --bare`.
        refspecs: Vec<String>,
    },
}

/// Reads which refs are fetched from the configuration of `repo`. Included files and the user's configuration are ignored.
pub fn fetch_scope(repo: &gix::Repository) -> FetchScope {
    let config = repo.config_snapshot();
    // A remote may be configured in several sections.
    let mut remotes: Vec<(String, Vec<String>)> = Vec::new();
    for section in config.plumbing().sections_by_name("remote").into_iter().flatten() {
        let specs = section.values("fetch");
        if specs.is_empty() && section.values("url").is_empty() {
            continue;
        }
        let name = section.header().subsection_name().map_or_else(String::new, BStr::to_string);
        let specs = specs.into_iter().map(|spec| spec.to_string());
        match remotes.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => known.extend(specs),
            None => remotes.push((name, specs.collect())),
        }
    }
    // Every remote must fetch all refs, since some of them may never have been fetched from.
    let fetches_all = !remotes.is_empty() && remotes.iter().all(|(_, specs)| fetches_all_refs(specs));
    match remotes.into_iter().find(|(_, specs)| !fetches_all_refs(specs)) {
        None if fetches_all => FetchScope::AllRefs,
        None => FetchScope::NoRemote,
        Some((remote, refspecs)) => FetchScope::SomeRefs { remote, refspecs },
    }
}

/// Whether a fetch with these refspecs fetches every ref that the remote advertises.
fn fetches_all_refs(specs: &[String]) -> bool {
    let excludes_refs = specs.iter().any(|spec| spec.starts_with('^'));
    let has_all_as_source = |spec: &String| spec.trim_start_matches('+').split(':').next() == Some("refs/*");
    !excludes_refs && specs.iter().any(has_all_as_source)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::scratch::Scratch;

    #[test]
    fn only_a_mirror_fetches_all_refs() {
        let cases: [(&[(&str, &str)], &str); 6] = [
            (&[], "none"),
            (&[("url", "/x"), ("fetch", "+refs/heads/*:refs/remotes/origin/*")], "some"),
            (&[("url", "/x")], "some"),
            (&[("url", "/x"), ("fetch", "+refs/*:refs/*"), ("mirror", "true")], "all"),
            (&[("url", "/x"), ("fetch", "+refs/*:refs/*"), ("fetch", "^refs/pull/*")], "some"),
            (&[("url", "/x"), ("fetch", "+refs/heads/*:refs/heads/*"), ("mirror", "true")], "some"),
        ];
        for (values, expected) in cases {
            let scratch = Scratch::new(&[]);
            for (name, value) in values {
                scratch.git(&["config", "--add", &format!("remote.origin.{name}"), value]);
            }
            let scope = match fetch_scope(&scratch.open()) {
                FetchScope::NoRemote => "none",
                FetchScope::AllRefs => "all",
                FetchScope::SomeRefs { remote, refspecs } => {
                    assert_eq!(remote, "origin");
                    assert_eq!(refspecs.len(), values.iter().filter(|(name, _)| *name == "fetch").count());
                    "some"
                }
            };
            assert_eq!(scope, expected, "{values:?}");
        }
    }
}
