//! The result of `prove`: the keys and objects that a clone still has although a purge removed them.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{Fingerprint, LeakStatus, Skip};

/// The outcome of a proof, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProofStatus {
    /// Everything in the clone was searched, and it contains no purged key and no old object.
    Proven,
    /// A key or an old object is still there, whether or not everything was searched.
    StillThere,
    /// Nothing was found, but not everything could be checked.
    Incomplete,
}

/// Which refs of its remote a clone fetches, according to its configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CloneKind {
    /// All refs that the server advertises: `git clone --mirror`.
    Mirror,
    /// Some refs, usually branches and tags.
    Plain,
    /// None, since it has no remote: an export, or the repository that the purge wrote.
    NoRemote,
}

/// The kind of a ref, by its name, which determines who can delete it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefKind {
    /// `refs/pull/7/head`: GitHub, Gitea, Azure DevOps; `refs/pull-requests/7/from`: Bitbucket.
    PullRequest,
    /// `refs/merge-requests/7/head`: GitLab.
    MergeRequest,
    /// `refs/keep-around/…`, `refs/pipelines/…`, `refs/environments/…`: GitLab keeps commits that its pages show.
    KeepAround,
    /// `refs/changes/…`: Gerrit.
    Change,
    /// `refs/heads/…`
    Branch,
    /// `refs/tags/…`
    Tag,
    /// Any other ref.
    Other,
    /// An entry of a reflog, or a name such as `FETCH_HEAD`: local to this clone.
    Local,
}

impl RefKind {
    /// The kind of the ref with this full name.
    pub fn from_name(name: &str) -> Self {
        const PREFIXES: [(&str, RefKind); 9] = [
            ("refs/pull/", RefKind::PullRequest),
            ("refs/pull-requests/", RefKind::PullRequest),
            ("refs/merge-requests/", RefKind::MergeRequest),
            ("refs/keep-around/", RefKind::KeepAround),
            ("refs/pipelines/", RefKind::KeepAround),
            ("refs/environments/", RefKind::KeepAround),
            ("refs/changes/", RefKind::Change),
            ("refs/heads/", RefKind::Branch),
            ("refs/tags/", RefKind::Tag),
        ];
        let known = PREFIXES.iter().find(|(prefix, _)| name.starts_with(prefix));
        known.map_or(Self::Other, |(_, kind)| *kind)
    }
}

/// The program that searched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProofTool {
    /// `friskey`
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// Digest of the rules in force.
    pub rules: String,
}

/// The clone that was searched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SearchedClone {
    /// Which refs it fetches.
    pub kind: CloneKind,
    /// How many refs it has.
    pub refs: u64,
    /// How many commits were searched.
    pub commits: u64,
    /// How many blobs were searched.
    pub blobs: u64,
}

/// A purged key that was searched for, and where it still is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SoughtKey {
    /// The SHA-256 of the key.
    pub fingerprint: Fingerprint,
    /// Its redacted form.
    pub redacted: String,
    /// The rule that finds it.
    pub rule: String,
    /// Whether it is still there.
    pub found: bool,
    /// Whether it is still there at the tip of a ref, if it was found.
    pub status: Option<LeakStatus>,
    /// Where it was found: paths, commits and names, redacted. At most [`SoughtKey::MAX_PLACES`].
    pub places: Vec<String>,
    /// How many findings there are; several may be at one place.
    pub findings: u64,
}

impl SoughtKey {
    /// Maximum number of listed places.
    pub const MAX_PLACES: usize = 100;
}

/// An old object, one that the purge rewrote, that the clone still has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OldObject {
    /// Its id before the purge.
    pub id: String,
    /// `blob`, `tree`, `commit` or `tag`.
    pub kind: &'static str,
}

/// The old objects that were searched for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OldObjects {
    /// How many the report of the purge lists.
    pub sought: u64,
    /// How many are still there.
    pub present: u64,
    /// The first of them. At most [`OldObjects::MAX_LISTED`].
    pub found: Vec<OldObject>,
}

impl OldObjects {
    /// Maximum number of listed objects.
    pub const MAX_LISTED: usize = 1000;
}

/// A file that cannot be searched, such as an archive that cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnprovenFile {
    /// Its blob.
    pub object: String,
    /// Its newest path, redacted, if one is known, and the entry in the container.
    pub path: Option<String>,
    /// Why it cannot be searched.
    pub reason: String,
    /// Whether the purge could not search it either, and carried it over as it was.
    pub carried_over: bool,
}

/// A ref, or an entry of a reflog, that still reaches a purged key or an old object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RetainingRef {
    /// Its full name, redacted.
    #[serde(rename = "ref")]
    pub name: String,
    /// Its kind, which determines who can delete it.
    pub kind: RefKind,
    /// Fingerprints of the keys that it reaches.
    pub keys: BTreeSet<Fingerprint>,
    /// The old commits and tags that it reaches. Only the first old commits are listed; any later one
    /// reaches them.
    pub old_objects: BTreeSet<String>,
}

/// The report of `prove` about one clone.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CloneProof {
    /// `friskey/prove/v1`
    pub schema: &'static str,
    /// The program that searched.
    pub tool: ProofTool,
    /// `prove`
    pub command: &'static str,
    /// The outcome.
    pub status: ProofStatus,
    /// The clone.
    pub clone: SearchedClone,
    /// Every purged key.
    pub keys: Vec<SoughtKey>,
    /// The old objects.
    pub old_objects: OldObjects,
    /// The refs that reach a key or an old object, by kind and name.
    pub refs: Vec<RetainingRef>,
    /// What could not be checked, and why.
    pub not_seen: BTreeSet<Skip>,
    /// The files among `not_seen`, which were found but cannot be searched.
    pub unsearched: Vec<UnprovenFile>,
    /// How many keys were found that were not purged, of medium or high confidence.
    pub other_keys: u64,
    /// Repositories within this one that are not part of the clone.
    pub left_out: Vec<String>,
    /// What no clone can prove.
    pub not_provable: Vec<&'static str>,
    /// How long the search took.
    pub elapsed_seconds: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ref_names_have_the_kinds_of_their_forges() {
        for (name, kind) in [
            ("refs/pull/7/head", RefKind::PullRequest),
            ("refs/pull-requests/7/from", RefKind::PullRequest),
            ("refs/merge-requests/7/head", RefKind::MergeRequest),
            ("refs/keep-around/0123", RefKind::KeepAround),
            ("refs/environments/production/deployments/1", RefKind::KeepAround),
            ("refs/heads/pull/7", RefKind::Branch),
            ("refs/tags/v1", RefKind::Tag),
            ("refs/pullx", RefKind::Other),
            ("refs/notes/commits", RefKind::Other),
        ] {
            assert_eq!(RefKind::from_name(name), kind, "{name}");
        }
    }
}
