//! The refs and reflog entries that keep a secret, or an object, in a repository.

use serde::{Deserialize, Serialize};

/// The refs and reflog entries that reach a secret or an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reachability {
    /// Full names of the refs whose tip contains it, sorted.
    pub refs_at_tip: Vec<String>,
    /// Full names of the refs with a commit in their history that contains it, sorted.
    pub refs_in_history: Vec<String>,
    /// Reflog entries and pseudorefs that reach it, if no ref does: `refs/heads/main@{3}`.
    pub held_by: Vec<String>,
    /// The tags among `refs_in_history` with the committer dates of their commits, oldest first; at most
    /// [`Reachability::MAX_TAGS`].
    pub tags: Vec<TagDate>,
    /// The stash entries that reach it.
    pub stashes: Vec<StashEntry>,
    /// When a remote-tracking ref first reached it, according to its reflog.
    pub on_remote: Option<RemoteSighting>,
}

/// A tag and when its commit was made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TagDate {
    /// The committer date in seconds since 1970.
    pub seconds: i64,
    /// The full name of the tag.
    pub name: String,
}

/// An entry of the stash.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StashEntry {
    /// `stash@{0}`. The number changes when another entry is dropped.
    pub name: String,
    /// Object id of its commit, in hex.
    pub commit: String,
}

/// An entry in the reflog of a remote-tracking ref: the remote had the commit at that time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RemoteSighting {
    /// When the entry was written, in seconds since 1970.
    pub seconds: i64,
    /// The full name of the remote-tracking ref.
    pub name: String,
    /// Whether it was written by a push from this clone rather than by a clone or fetch.
    pub by_push: bool,
}

impl Reachability {
    /// Maximum number of tags with dates.
    pub const MAX_TAGS: usize = 100;

    /// Adds the refs and entries of another repository or object.
    pub fn merge(&mut self, other: Self) {
        self.refs_at_tip.extend(other.refs_at_tip);
        self.refs_in_history.extend(other.refs_in_history);
        self.held_by.extend(other.held_by);
        self.tags.extend(other.tags);
        self.stashes.extend(other.stashes);
        self.on_remote = [self.on_remote.take(), other.on_remote].into_iter().flatten().min();
    }

    /// Sorts the names, and drops repeated ones and tags beyond the limit.
    pub fn sort(&mut self) {
        for names in [&mut self.refs_at_tip, &mut self.refs_in_history, &mut self.held_by] {
            names.sort();
            names.dedup();
        }
        self.tags.sort();
        self.tags.dedup();
        self.stashes.sort();
        self.stashes.dedup();
        self.tags.truncate(Self::MAX_TAGS);
    }

    /// Records that a remote had it. Only the first sighting is kept.
    pub fn add_remote_sighting(&mut self, sighting: RemoteSighting) {
        if self.on_remote.as_ref().is_none_or(|earliest| sighting < *earliest) {
            self.on_remote = Some(sighting);
        }
    }

    /// All names of refs and reflog entries, to redact them.
    pub fn names_mut(&mut self) -> impl Iterator<Item = &mut String> {
        let lists = [&mut self.refs_at_tip, &mut self.refs_in_history, &mut self.held_by];
        let tags = self.tags.iter_mut().map(|tag| &mut tag.name);
        lists
            .into_iter()
            .flatten()
            .chain(tags)
            .chain(self.on_remote.iter_mut().map(|sighting| &mut sighting.name))
    }
}
