//! Parses revision arguments into object ids.

use gix::ObjectId;
use gix::objs::Kind;

use super::super::lookup::Lookup;
use super::super::refs::{self, TipKind};
use super::super::revision::{self, RevisionError};
use super::RangeError;
use super::unresolved;

/// The tips and exclusions of a range.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revisions {
    /// Objects to start from: commits, trees and blobs, or tags of these.
    pub tips: Vec<ObjectId>,
    /// Everything that is reachable from these objects is excluded.
    pub exclusions: Vec<ObjectId>,
    /// The sides of each `A...B`. Everything that is reachable from both sides of a pair is excluded.
    pub symmetric_pairs: Vec<(ObjectId, ObjectId)>,
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
    let mut is_negated = false;
    let mut ignores_missing = false;
    for word in words.iter().flat_map(|word| word.as_ref().split_ascii_whitespace()) {
        if word == "--not" {
            is_negated = !is_negated;
        } else if word == "--ignore-missing" {
            ignores_missing = true;
        } else if word.starts_with("--") {
            let tips = resolver.tips_of_option(word)?;
            if is_negated { revisions.exclusions.extend(tips) } else { revisions.tips.extend(tips) }
        } else {
            match resolver.add_word(word, is_negated, &mut revisions) {
                // Nothing that is reachable from a missing commit is known.
                Err(RangeError::Missing { .. })
                    if ignores_missing && (is_negated || word.starts_with('^')) => {}
                outcome => outcome?,
            }
        }
    }
    Ok(revisions)
}

/// Resolves arguments of one call.
struct Resolver<'r> {
    repo: &'r gix::Repository,
    lookup: Lookup,
    /// Read when first needed.
    refs: Option<refs::Refs>,
}

impl Resolver<'_> {
    /// Adds a revision, an exclusion or a range. After `--not`, tips and exclusions are swapped.
    fn add_word(
        &mut self,
        word: &str,
        is_negated: bool,
        revisions: &mut Revisions,
    ) -> Result<(), RangeError> {
        if word == ".." || word == "..." {
            return Err(RangeError::NoSides { word: word.to_owned() });
        }
        // No ref name contains two dots in a row, so the first ones separate the sides.
        if let Some((left, right)) = word.split_once("...") {
            let (left, right) = (self.side(left)?, self.side(right)?);
            let both = if is_negated { &mut revisions.exclusions } else { &mut revisions.tips };
            both.extend([left, right]);
            if !is_negated {
                revisions.symmetric_pairs.push((left, right));
            }
        } else if let Some((left, right)) = word.split_once("..") {
            let (mut left, mut right) = (self.side(left)?, self.side(right)?);
            if is_negated {
                std::mem::swap(&mut left, &mut right);
            }
            revisions.exclusions.push(left);
            revisions.tips.push(right);
        } else {
            let (revision, is_excluded) =
                word.strip_prefix('^').map_or((word, is_negated), |rest| (rest, !is_negated));
            let id = self.object(revision)?.1;
            if is_excluded { revisions.exclusions.push(id) } else { revisions.tips.push(id) }
        }
        Ok(())
    }

    /// The commit or tag on one side of a range. If the side is empty, it is HEAD.
    fn side(&mut self, revision: &str) -> Result<ObjectId, RangeError> {
        self.commit(if revision.is_empty() { "HEAD" } else { revision })
    }

    /// Resolves a revision that must be a commit or a tag of one. Tags are not peeled.
    fn commit(&mut self, revision: &str) -> Result<ObjectId, RangeError> {
        match self.object(revision)? {
            (Kind::Commit, id) => Ok(id),
            (kind, _) => Err(RangeError::NotCommit { revision: revision.into(), kind }),
        }
    }

    /// Resolves a revision to any object, since a pushed ref can point to a blob or a tree. Returns the kind of the
    /// object after peeling tags, and the id before.
    fn object(&mut self, revision: &str) -> Result<(Kind, ObjectId), RangeError> {
        // Each of these suffixes means several revisions.
        if ["^!", "^@", "^-"].iter().any(|suffix| revision.contains(suffix)) {
            let reason = "it means several revisions; list them, e.g. `A^..A`".to_owned();
            return Err(RangeError::Unknown { revision: revision.into(), reason });
        }
        let full_id =
            ObjectId::from_hex(revision.as_bytes()).ok().filter(|id| id.kind() == self.lookup.hash_kind());
        let id = match full_id {
            Some(id) => id,
            None => revision::resolve(self.repo, revision).map_err(|error| RangeError::Unknown {
                revision: revision.into(),
                reason: match error {
                    RevisionError::Unknown(_) => unresolved::explain(self.repo, revision),
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
    fn tips_of_option(&mut self, option: &str) -> Result<Vec<ObjectId>, RangeError> {
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
        let (lookup, includes_heads) = (&mut self.lookup, name == "--all");
        let tips = refs.tips.iter().filter(|tip| match tip.kind {
            TipKind::Ref => tip.name.starts_with(&dir),
            TipKind::Head => includes_heads,
            TipKind::Pseudo => false,
        });
        // Missing objects are not part of a range.
        let ids = tips.map(|tip| tip.id);
        Ok(ids.filter(|&id| lookup.peel(id).is_some()).collect())
    }
}
