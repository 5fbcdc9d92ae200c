//! Determines how a repository stores its refs.

/// The storage format of refs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::git) enum RefStorage {
    /// Files: loose refs, `packed-refs`, and `logs/`.
    Files,
    /// Tables in `reftable/`.
    Tables,
    /// An unsupported format, with its name.
    Unknown(String),
}

impl RefStorage {
    /// The format named in the repository's configuration, which is what git uses.
    pub(in crate::git) fn from_config(repo: &gix::Repository) -> Self {
        match repo.config_snapshot().string("extensions.refStorage") {
            None => Self::Files,
            Some(name) if name.eq_ignore_ascii_case(b"files") => Self::Files,
            Some(name) if name.eq_ignore_ascii_case(b"reftable") => Self::Tables,
            Some(name) => Self::Unknown(name.to_string()),
        }
    }
}
