//! From words to the commits they mean.

use gix::ObjectId;
use gix::objs::Kind;

use super::super::lookup::Lookup;
use super::super::names::{self, NameError};
use super::super::refs::{self, TipKind};
use super::RangeError;
use super::unknown::reason;

/// What a range is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revisions {
    /// Commits to start from, trees and blobs, and tags of any of them.
    pub tips: Vec<ObjectId>,
    /// What is reachable from these is left out.
    pub hidden: Vec<ObjectId>,
    /// What is reachable from both of a pair is left out.
    pub common: Vec<(ObjectId, ObjectId)>,
}

/// Reads words as `git rev-list` does: `A..B`, `A...B`, `^A`, `A`, `--not`, `--all`, `--branches`,
/// `--tags`, `--remotes`, `--remotes=NAME`; after `--ignore-missing`, exclusions that are not here are
/// passed over.
///
/// # Errors
///
/// When a revision cannot be resolved, or an option is none of these.
pub fn parse(repo: &gix::Repository, words: &[impl AsRef<str>]) -> Result<Revisions, RangeError> {
    let mut resolver = Resolver { repo, lookup: Lookup::new(repo), refs: None };
    let mut revisions = Revisions::default();
    let mut not = false;
    let mut lenient = false;
    for word in words.iter().flat_map(|word| word.as_ref().split_ascii_whitespace()) {
        if word == "--not" {
            not = !not;
        } else if word == "--ignore-missing" {
            lenient = true;
        } else if word.starts_with("--") {
            let named = resolver.named(word)?;
            if not { revisions.hidden.extend(named) } else { revisions.tips.extend(named) }
        } else {
            match resolver.word(word, not, &mut revisions) {
                // What is not here reaches nothing that could be left out.
                Err(RangeError::Missing { .. }) if lenient && (not || word.starts_with('^')) => {}
                outcome => outcome?,
            }
        }
    }
    Ok(revisions)
}

struct Resolver<'r> {
    repo: &'r gix::Repository,
    lookup: Lookup,
    refs: Option<refs::Refs>,
}

impl Resolver<'_> {
    fn word(&mut self, word: &str, not: bool, revisions: &mut Revisions) -> Result<(), RangeError> {
        if word == ".." || word == "..." {
            return Err(RangeError::Sides { word: word.to_owned() });
        }
        // No ref name has two dots in a row, so the first are the range's own.
        if let Some((left, right)) = word.split_once("...") {
            let (left, right) = (self.side(left)?, self.side(right)?);
            let both = if not { &mut revisions.hidden } else { &mut revisions.tips };
            both.extend([left, right]);
            if !not {
                revisions.common.push((left, right));
            }
        } else if let Some((left, right)) = word.split_once("..") {
            let (mut left, mut right) = (self.side(left)?, self.side(right)?);
            if not {
                std::mem::swap(&mut left, &mut right);
            }
            revisions.hidden.push(left);
            revisions.tips.push(right);
        } else {
            let (revision, hide) = word.strip_prefix('^').map_or((word, not), |rest| (rest, !not));
            let id = self.object(revision)?.1;
            if hide { revisions.hidden.push(id) } else { revisions.tips.push(id) }
        }
        Ok(())
    }

    /// One side of a range, where nothing means HEAD.
    fn side(&mut self, revision: &str) -> Result<ObjectId, RangeError> {
        self.revision(if revision.is_empty() { "HEAD" } else { revision })
    }

    /// A commit, or a tag of one.
    fn revision(&mut self, revision: &str) -> Result<ObjectId, RangeError> {
        match self.object(revision)? {
            (Kind::Commit, id) => Ok(id),
            (kind, _) => Err(RangeError::NotCommit { revision: revision.into(), kind }),
        }
    }

    /// An object, and what it is once tags are followed. A ref can name a blob or a tree, and be pushed.
    fn object(&mut self, revision: &str) -> Result<(Kind, ObjectId), RangeError> {
        // These stand for several revisions; taken for one they would mean something else.
        if ["^!", "^@", "^-"].iter().any(|mark| revision.contains(mark)) {
            let reason = "it stands for several revisions: write them out, `A^..A` say".to_owned();
            return Err(RangeError::Unknown { revision: revision.into(), reason });
        }
        let full = ObjectId::from_hex(revision.as_bytes()).ok().filter(|id| id.kind() == self.lookup.hash());
        let id = match full {
            Some(id) => id,
            None => names::resolve(self.repo, revision).map_err(|error| RangeError::Unknown {
                revision: revision.into(),
                reason: match error {
                    NameError::Unknown(_) => reason(self.repo, revision),
                    NameError::Unreadable(reason) => reason,
                },
            })?,
        };
        if self.lookup.kind(&id).is_none() {
            return Err(RangeError::Missing { id });
        }
        match self.lookup.peel(id) {
            Some((kind, _)) => Ok((kind, id)),
            None => Err(RangeError::Unknown {
                revision: revision.into(),
                reason: "what the tag stands for is not here; fetch it (`git fetch origin --tags`)".into(),
            }),
        }
    }

    /// The objects that an option names by their refs.
    fn named(&mut self, option: &str) -> Result<Vec<ObjectId>, RangeError> {
        let (name, pattern) =
            option.split_once('=').map_or((option, None), |(name, value)| (name, Some(value)));
        let folder = match (name, pattern) {
            ("--all", None) => "refs/".to_owned(),
            ("--branches", None) => "refs/heads/".to_owned(),
            ("--tags", None) => "refs/tags/".to_owned(),
            ("--remotes", None) => "refs/remotes/".to_owned(),
            ("--remotes", Some(remote)) => format!("refs/remotes/{}/", remote.trim_end_matches("/*")),
            _ => return Err(RangeError::Option { option: option.to_owned() }),
        };
        let repo = self.repo;
        let refs = self.refs.get_or_insert_with(|| refs::read(repo));
        let (lookup, all) = (&mut self.lookup, name == "--all");
        let tips = refs.tips.iter().filter(|tip| match tip.kind {
            TipKind::Ref => tip.name.starts_with(&folder),
            TipKind::Head => all,
            TipKind::Pseudo => false,
        });
        // What is not here is no part of a range.
        let ids = tips.map(|tip| tip.id);
        Ok(ids.filter(|&id| lookup.peel(id).is_some()).collect())
    }
}
