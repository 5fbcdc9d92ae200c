//! Which of git's ways to keep refs a repository uses.

/// Where the refs of a repository stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::git) enum RefStorage {
    /// In files: loose ones, `packed-refs`, `logs/`.
    Files,
    /// In tables: `reftable/`.
    Tables,
    /// In a way that is not known here, by its name.
    Unknown(String),
}

impl RefStorage {
    /// What the repository's configuration says, which is what git goes by.
    pub(in crate::git) fn of(repo: &gix::Repository) -> Self {
        match repo.config_snapshot().string("extensions.refStorage") {
            None => Self::Files,
            Some(name) if name.eq_ignore_ascii_case(b"files") => Self::Files,
            Some(name) if name.eq_ignore_ascii_case(b"reftable") => Self::Tables,
            Some(name) => Self::Unknown(name.to_string()),
        }
    }
}
