//! Surfaces: the kinds of place where git or a file system stores bytes.

use std::fmt;

use serde::{Serialize, Serializer};

macro_rules! surfaces {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// A kind of place where git or a file system stores bytes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Surface {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Surface {
            /// Every surface, in report order.
            pub const ALL: &[Surface] = &[$(Surface::$variant,)+];

            /// The name used in reports and in `--surfaces`.
            pub fn name(self) -> &'static str {
                match self {
                    $(Surface::$variant => $name,)+
                }
            }
        }
    };
}

surfaces! {
    /// The content of a file on disk.
    Worktree = "worktree",
    /// The target of a symbolic link on disk.
    Symlink = "symlink",
    /// The name of a file or directory, on disk or in a tree.
    FileName = "file-name",
    /// Standard input.
    Stdin = "stdin",
    /// A blob in the index.
    Index = "index",
    /// A blob in the tree of a commit.
    Blob = "blob",
    /// The message of a commit.
    CommitMessage = "commit-message",
    /// Author, committer or tagger: name and e-mail.
    Identity = "identity",
    /// Any other header of a commit or tag: signature, encoding, merge tag, or a custom one.
    CommitHeader = "commit-header",
    /// The message of an annotated tag.
    TagMessage = "tag-message",
    /// A note on an object.
    Note = "note",
    /// A stash: the saved work tree and index, or the untracked files.
    Stash = "stash",
    /// A message in a reflog.
    Reflog = "reflog",
    /// An object that is not reachable from any ref.
    Unreachable = "unreachable",
    /// The name of a ref.
    RefName = "ref-name",
    /// The repository's own configuration.
    Config = "config",
    /// A hook script of the repository.
    Hook = "hook",
    /// Other files in the git directory: description, exclude list, saved messages, FETCH_HEAD, ….
    GitFile = "git-file",
    /// The object database of a submodule.
    Submodule = "submodule",
    /// An object in the Large File Storage cache.
    Lfs = "lfs",
}

impl Surface {
    /// The surface with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|surface| surface.name() == name)
    }
}

impl fmt::Display for Surface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for Surface {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
