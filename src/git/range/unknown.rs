//! Why a revision stands for nothing here, in words for whoever wrote it, and what to do.

use super::super::names;

/// Fewest hex digits that git takes for the beginning of an id.
const SHORTEST_ID: usize = 4;

/// The reason; `revision` is known to have none here.
pub(super) fn reason(repo: &gix::Repository, revision: &str) -> String {
    let shallow = repo.is_shallow().unwrap_or(false);
    let cut = if shallow { ", and this clone is shallow" } else { "" };
    let fetch = if shallow {
        "fetch the whole history (`git fetch --unshallow`, or `fetch-depth: 0` in a workflow)"
    } else {
        "fetch it (`git fetch origin`, or `fetch-depth: 0` in a workflow)"
    };
    let (stem, way) = names::stem(revision);
    if !way.is_empty() {
        return match names::resolve(repo, if stem.is_empty() { "HEAD" } else { stem }) {
            Ok(_) if stem.is_empty() => format!("`{way}` leads to no commit here{cut}; check it, or {fetch}"),
            Ok(_) => format!(
                "`{stem}` is here, but `{way}` leads to no commit from there{cut}; check it, or {fetch}"
            ),
            Err(_) => format!("there is no `{stem}` here{cut}; check the spelling, or {fetch}"),
        };
    }
    if revision.len() >= SHORTEST_ID && revision.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return format!(
            "no commit has an id that begins so, or several have{cut}; write more of it, or {fetch}"
        );
    }
    format!("there is no branch, tag or commit of that name here{cut}; check the spelling, or {fetch}")
}
