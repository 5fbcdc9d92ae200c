//! Explains in error messages why a revision does not resolve, and what to do.

use super::super::revision;

/// Minimum number of hex digits that git accepts as an abbreviated id.
const MIN_ABBREVIATION: usize = 4;

/// Why `revision` does not resolve, and what to do.
pub(super) fn explain(repo: &gix::Repository, revision: &str) -> String {
    let is_shallow = repo.is_shallow().unwrap_or(false);
    let but_shallow = if is_shallow { ", and this clone is shallow" } else { "" };
    let fetch = if is_shallow {
        "fetch the whole history (`git fetch --unshallow`, or `fetch-depth: 0` in a workflow)"
    } else {
        "fetch it (`git fetch origin`, or `fetch-depth: 0` in a workflow)"
    };
    if let Some(configured) = configured_branch(revision) {
        return format!(
            "`{configured}` depends on the configuration of branches, which is not read; name the branch instead, \
             for example `origin/main`"
        );
    }
    let (stem, suffix) = revision::split_suffix(revision);
    if !suffix.is_empty() {
        return match revision::resolve(repo, if stem.is_empty() { "HEAD" } else { stem }) {
            Ok(_) if stem.is_empty() => {
                format!("`{suffix}` leads to no commit{but_shallow}; check it, or {fetch}")
            }
            Ok(_) => format!(
                "`{stem}` exists, but `{suffix}` leads to no commit from there{but_shallow}; check it, or {fetch}"
            ),
            Err(_) => format!("`{stem}` does not exist{but_shallow}; check the spelling, or {fetch}"),
        };
    }
    if revision.len() >= MIN_ABBREVIATION && revision.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return format!(
            "it abbreviates the id of no commit, or of several{but_shallow}; give more digits, or {fetch}"
        );
    }
    format!("no branch, tag or commit has that name{but_shallow}; check the spelling, or {fetch}")
}

/// The part of `revision` that refers to a configured upstream or push branch: `@{u}`, `@{upstream}` or `@{push}`.
fn configured_branch(revision: &str) -> Option<&str> {
    revision.match_indices("@{").find_map(|(start, _)| {
        let end = start + revision[start..].find('}')?;
        let selector = &revision[start + 2..end];
        let is_configured = ["u", "upstream", "push"].iter().any(|word| selector.eq_ignore_ascii_case(word));
        is_configured.then(|| &revision[start..=end])
    })
}
