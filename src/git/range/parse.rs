//! Parses revision arguments into object ids.

use gix::ObjectId;
use gix::objs::Kind;

use super::super::lookup::Lookup;
use super::super::refs::{self, TipKind};
use super::super::revision::{self, RevisionError};
use super::RangeError;
use super::unknown::reason;

/// The tips and exclusions of a range.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revisions {
    /// Objects to start from: commits, trees and blobs, or tags of these.
    pub tips: Vec<ObjectId>,
    /// Everything reachable from these is excluded.
    pub hidden: Vec<ObjectId>,
    /// Everything reachable from both objects of a pair is excluded.
    pub common: Vec<(ObjectId, ObjectId)>,
}

/// Parses arguments as `git rev-list` does: `A..B`, `A...B`, `^A`, `A`, `--not`, `--all`, `--branches`, `--tags`,
/// `--remotes`, `--remotes=NAME`. After `--ignore-missing`, missing exclusions are ignored.
///
/// # Errors
///
/// When a revision cannot be resolved, or for any other option.
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
            let named = resolver.selected(word)?;
            if not { revisions.hidden.extend(named) } else { revisions.tips.extend(named) }
        } else {
            match resolver.word(word, not, &mut revisions) {
                // A missing commit has no ancestors here to exclude.
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
            return Err(RangeError::NoSides { word: word.to_owned() });
        }
        // No ref name contains two dots in a row, so the first ones separate the sides.
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

    /// One side of a range; empty means HEAD.
    fn side(&mut self, revision: &str) -> Result<ObjectId, RangeError> {
        self.revision(if revision.is_empty() { "HEAD" } else { revision })
    }

    /// A revision that must be a commit or a tag of one.
    fn revision(&mut self, revision: &str) -> Result<ObjectId, RangeError> {
        match self.object(revision)? {
            (Kind::Commit, id) => Ok(id),
            (kind, _) => Err(RangeError::NotCommit { revision: revision.into(), kind }),
        }
    }

    /// The object of a revision, and its kind once tags are peeled. A pushed ref can point to a blob or a tree.
    fn object(&mut self, revision: &str) -> Result<(Kind, ObjectId), RangeError> {
        // Each of these means several revisions.
        if ["^!", "^@", "^-"].iter().any(|mark| revision.contains(mark)) {
            let reason = "it means several revisions; list them, e.g. `A^..A`".to_owned();
            return Err(RangeError::Unknown { revision: revision.into(), reason });
        }
        let full = ObjectId::from_hex(revision.as_bytes()).ok().filter(|id| id.kind() == self.lookup.hash());
        let id = match full {
            Some(id) => id,
            None => revision::resolve(self.repo, revision).map_err(|error| RangeError::Unknown {
                revision: revision.into(),
                reason: match error {
                    RevisionError::Unknown(_) => reason(self.repo, revision),
                    RevisionError::Unreadable(reason) => reason,
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
                reason: "the object that the tag points to is missing; fetch it (`git fetch origin --tags`)"
                    .into(),
            }),
        }
    }

    /// The tips of the refs that an option selects.
    fn selected(&mut self, option: &str) -> Result<Vec<ObjectId>, RangeError> {
        let (name, pattern) =
            option.split_once('=').map_or((option, None), |(name, value)| (name, Some(value)));
        let dir = match (name, pattern) {
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
            TipKind::Ref => tip.name.starts_with(&dir),
            TipKind::Head => all,
            TipKind::Pseudo => false,
        });
        // Missing objects are not part of a range.
        let ids = tips.map(|tip| tip.id);
        Ok(ids.filter(|&id| lookup.peel(id).is_some()).collect())
    }
}
