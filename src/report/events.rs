//! The events in the history of a leak: commits that introduced, moved and removed it, tags, and when a remote was first seen
//! with it. Every format for people describes them in the same words.

use crate::model::{Change, Leak, Move, RemoteSighting, TagDate};

use super::{clock, escape, labels};

/// One event.
#[derive(Clone, Copy, Debug)]
pub(super) enum LeakEvent<'a> {
    /// A commit introduced the key; `again` if another one with an earlier date had removed it, on whatever branch.
    Introduced {
        change: &'a Change,
        again: bool,
    },
    Moved(&'a Move),
    Removed(&'a Change),
    Tagged(&'a TagDate),
    OnRemote(&'a RemoteSighting),
}

impl<'a> LeakEvent<'a> {
    /// `introduced`, `moved`, …
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Introduced { again: false, .. } => "introduced",
            Self::Introduced { again: true, .. } => "re-introduced",
            Self::Moved(_) => "moved",
            Self::Removed(_) => "removed",
            Self::Tagged(_) => "tagged",
            Self::OnRemote(RemoteSighting { by_push: true, .. }) => "pushed",
            Self::OnRemote(_) => "on remote",
        }
    }

    /// When it happened, in seconds since 1970; for a tag, the date of its commit.
    pub(super) fn seconds(self) -> i64 {
        match self {
            Self::Introduced { change, .. } | Self::Removed(change) => change.seconds,
            Self::Moved(key_move) => key_move.change.seconds,
            Self::Tagged(tag) => tag.seconds,
            Self::OnRemote(sighting) => sighting.seconds,
        }
    }

    /// The commit, if the event is one.
    pub(super) fn change(self) -> Option<&'a Change> {
        match self {
            Self::Introduced { change, .. } | Self::Removed(change) => Some(change),
            Self::Moved(key_move) => Some(&key_move.change),
            Self::Tagged(_) | Self::OnRemote(_) => None,
        }
    }

    /// The day on which it happened, in UTC.
    pub(super) fn day(self) -> String {
        match self.change() {
            Some(change) => labels::commit_day(change),
            None => clock::utc(self.seconds()).chars().take(10).collect(),
        }
    }

    /// Where it happened: the path, the paths before and after a move, or the ref. Escaped.
    pub(super) fn place(self) -> Option<String> {
        match self {
            Self::Introduced { change, .. } | Self::Removed(change) => {
                change.path.as_deref().map(escape::path)
            }
            Self::Moved(key_move) => {
                let to = key_move.change.path.as_deref().map(escape::path).unwrap_or_default();
                Some(format!("{} → {to}", escape::path(&key_move.from)))
            }
            Self::Tagged(tag) => {
                let name = tag.name.strip_prefix("refs/tags/").unwrap_or(&tag.name);
                Some(escape::line(name).into_owned())
            }
            Self::OnRemote(sighting) => Some(escape::line(&labels::short_ref(&sighting.name)).into_owned()),
        }
    }

    /// The order of events that happened in the same second.
    fn rank(self) -> u8 {
        match self {
            Self::Introduced { .. } => 0,
            Self::Moved(_) => 1,
            Self::Removed(_) => 2,
            Self::Tagged(_) => 3,
            Self::OnRemote(_) => 4,
        }
    }
}

/// All events of a leak, oldest first.
pub(super) fn leak_events(leak: &Leak) -> Vec<LeakEvent<'_>> {
    let introduced = leak.introduced.iter().map(|change| LeakEvent::Introduced { change, again: false });
    let mut events: Vec<LeakEvent<'_>> = introduced
        .chain(leak.moves.iter().map(LeakEvent::Moved))
        .chain(leak.removed.iter().map(LeakEvent::Removed))
        .chain(leak.reachability.tags.iter().map(LeakEvent::Tagged))
        .chain(leak.reachability.on_remote.iter().map(LeakEvent::OnRemote))
        .collect();
    events.sort_by_key(|event| (event.seconds(), event.rank()));
    let mut was_removed = false;
    for event in &mut events {
        match event {
            LeakEvent::Removed(_) => was_removed = true,
            LeakEvent::Introduced { again, .. } => *again = was_removed,
            _ => {}
        }
    }
    events
}
