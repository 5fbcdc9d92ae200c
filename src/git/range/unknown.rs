//! Explains why a revision does not resolve, and what to do.

use super::super::revision;

/// Fewest hex digits that git accepts as an abbreviated id.
const MIN_ABBREVIATION: usize = 4;

/// The explanation for `revision`, which does not resolve.
pub(super) fn reason(repo: &gix::Repository, revision: &str) -> String {
    let shallow = repo.is_shallow().unwrap_or(false);
    let cut = if shallow { ", and this clone is shallow" } else { "" };
    let fetch = if shallow {
        "fetch the whole history (`git fetch --unshallow`, or `fetch-depth: 0` in a workflow)"
    } else {
        "fetch it (`git fetch origin`, or `fetch-depth: 0` in a workflow)"
    };
    if let Some(configured) = of_branch_configuration(revision) {
        return format!(
            "`{configured}` depends on the configuration of branches, which is not read; name the branch instead, \
             for example `origin/main`"
        );
    }
    let (stem, suffix) = revision::stem(revision);
    if !suffix.is_empty() {
        return match revision::resolve(repo, if stem.is_empty() { "HEAD" } else { stem }) {
            Ok(_) if stem.is_empty() => format!("`{suffix}` leads to no commit{cut}; check it, or {fetch}"),
            Ok(_) => format!(
                "`{stem}` exists, but `{suffix}` leads to no commit from there{cut}; check it, or {fetch}"
            ),
            Err(_) => format!("`{stem}` does not exist{cut}; check the spelling, or {fetch}"),
        };
    }
    if revision.len() >= MIN_ABBREVIATION && revision.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return format!(
            "it abbreviates the id of no commit, or of several{cut}; give more digits, or {fetch}"
        );
    }
    format!("no branch, tag or commit has that name{cut}; check the spelling, or {fetch}")
}

/// The part of `revision` that denotes the branch that another one is configured to follow.
fn of_branch_configuration(revision: &str) -> Option<&str> {
    revision.match_indices("@{").find_map(|(start, _)| {
        let end = start + revision[start..].find('}')?;
        let configured = &revision[start + 2..end];
        let is_one = ["u", "upstream", "push"].iter().any(|word| configured.eq_ignore_ascii_case(word));
        is_one.then(|| &revision[start..=end])
    })
}
