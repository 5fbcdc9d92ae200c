//! Keeps the paths of containers that could not be opened in a cache, since finding them may require reading all trees.
//!
//! These paths depend only on HEAD, the objects, the refs and the reflogs. If all of these are as they were when an earlier audit
//! read all trees, its answer is still right. For each path, the cache has the commit and the positions of the entries in
//! its trees, which must still lead to the object. A container whose path is wrong would still be reported.

use super::containers::UnopenedContainer;
use super::repository_audit::RepositoryAudit;
use super::unopened_places::{MAX_NAMED, UnopenedPlace};
use crate::cache::{Cache, CacheDigest, CacheReader, put_number};
use crate::git::refs::{Refs, TipKind};
use crate::git::{
    self, IdentifiedObjects, ObjectDatabase, ObjectId, ObjectReader, cache_subject, entry_positions,
    path_from_positions,
};
use crate::model::Surface;

/// The cache entry with the paths of one repository.
pub(super) struct UnopenedPaths<'a> {
    cache: &'a Cache,
    database: ObjectDatabase,
    subject: CacheDigest,
    /// The digest of everything that the paths depend on.
    basis: CacheDigest,
    objects: &'a IdentifiedObjects,
}

/// A commit with an object, and the positions of the tree entries that lead to it.
type CachedPath = (ObjectId, Vec<u32>);

impl RepositoryAudit<'_> {
    /// What identifies the paths of `unopened`, if they can be kept.
    pub(super) fn unopened_paths<'o>(
        &self,
        (head, refs): (Option<&ObjectId>, &Refs),
        unopened: &[UnopenedContainer],
        objects: &'o IdentifiedObjects,
    ) -> Option<UnopenedPaths<'o>>
    where
        Self: 'o,
    {
        // In a shallow repository, and with excluded paths, the paths also depend on other things.
        if self.options.exclude.is_some() || git::shallow_reason(self.repo).is_some() {
            return None;
        }
        let mut digest = blake3::Hasher::new();
        let mut add = |part: &[u8]| {
            digest.update(&(part.len() as u64).to_le_bytes()).update(part);
        };
        add(&objects.digest);
        add(&[self.wants(Surface::Unreachable).into()]);
        add(head.map_or(b"", |head| head.as_bytes()));
        add(&(refs.tips.len() as u64).to_le_bytes());
        for tip in &refs.tips {
            add(tip.name.as_bytes());
            add(tip.id.as_bytes());
            add(match tip.kind {
                TipKind::Ref => b"r",
                TipKind::Head => b"h",
                TipKind::Pseudo => b"p",
            });
        }
        add(&(refs.logs.len() as u64).to_le_bytes());
        for entry in &refs.logs {
            add(entry.log.as_bytes());
            add(&(entry.ago as u64).to_le_bytes());
            add(&[entry.is_oldest.into()]);
            add(entry.old.as_bytes());
            add(entry.new.as_bytes());
        }
        unopened.iter().for_each(|container| add(container.id.as_bytes()));
        let database = ObjectDatabase::from_repo(self.repo);
        let subject = cache_subject(&database, "unopened");
        let basis = digest.finalize().into();
        Some(UnopenedPaths { cache: self.cache()?, database, subject, basis, objects })
    }

    /// The places that an earlier audit found.
    pub(super) fn known_paths(
        &self,
        entry: &UnopenedPaths<'_>,
        unopened: &[UnopenedContainer],
    ) -> Option<Vec<UnopenedPlace>> {
        let bytes = entry.cache.load(&entry.subject)?;
        let places = decode(&bytes, &entry.basis, self.repo.object_hash().len_in_bytes())?;
        if places.len() != unopened.len().min(MAX_NAMED) {
            return None;
        }
        // A reader of its own, whose gaps are not reported: if a path is not found here, all paths are searched for again.
        let mut objects = ObjectReader::new(self.repo);
        let path = |(container, cached_path): (&UnopenedContainer, Option<CachedPath>)| {
            let Some((commit, positions)) = cached_path else { return Some(UnopenedPlace::NOWHERE) };
            let path = path_from_positions(&mut objects, &commit, &positions, &container.id)?;
            let path = [self.prefix, &path[..]].concat();
            Some(UnopenedPlace::named(String::from_utf8_lossy(&path).into_owned()))
        };
        let paths = unopened.iter().zip(places).map(path).collect::<Option<Vec<_>>>()?;
        entry.cache.note(format!(
            "cache: {}: paths of files that could not be opened, found by an earlier audit: {}",
            entry.database.name(),
            paths.len()
        ));
        Some(paths)
    }

    /// Keeps the paths, unless one of them cannot be kept.
    pub(super) fn keep_paths(
        &mut self,
        entry: &UnopenedPaths<'_>,
        unopened: &[UnopenedContainer],
        places: &[UnopenedPlace],
    ) {
        let mut objects = ObjectReader::new(self.repo);
        let mut kept = Vec::new();
        for (container, place) in unopened.iter().zip(places) {
            let Some((commit, path)) = &place.in_commit else {
                // A name without a commit is that of a ref.
                if place.name.is_some() {
                    return;
                }
                kept.push(None);
                continue;
            };
            let Some(positions) = entry_positions(&mut objects, commit, path, &container.id) else { return };
            kept.push(Some((*commit, positions)));
        }
        let is_certain = self.objects.has_no_gaps() && objects.has_no_gaps() && !self.is_stopped();
        if is_certain && entry.objects.are_unchanged(&entry.database) {
            entry.cache.store(&entry.subject, &encode(&entry.basis, &kept));
        }
    }
}

fn encode(basis: &CacheDigest, places: &[Option<CachedPath>]) -> Vec<u8> {
    let mut out = basis.to_vec();
    put_number(&mut out, places.len() as u64);
    for place in places {
        put_number(&mut out, place.is_some().into());
        if let Some((commit, positions)) = place {
            out.extend_from_slice(commit.as_bytes());
            put_number(&mut out, positions.len() as u64);
            positions.iter().for_each(|position| put_number(&mut out, (*position).into()));
        }
    }
    out
}

/// Reads an entry with that basis. `None` if it has another, or is malformed.
fn decode(bytes: &[u8], basis: &CacheDigest, id_len: usize) -> Option<Vec<Option<CachedPath>>> {
    let mut reader = CacheReader::new(bytes);
    if reader.array()? != *basis {
        return None;
    }
    let mut places = Vec::new();
    for _ in 0..reader.count(1)? {
        if reader.number()? == 0 {
            places.push(None);
            continue;
        }
        let commit = ObjectId::try_from(reader.bytes(id_len)?).ok()?;
        let positions = (0..reader.count(1)?).map(|_| u32::try_from(reader.number()?).ok());
        places.push(Some((commit, positions.collect::<Option<_>>()?)));
    }
    reader.is_at_end().then_some(places)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_with_another_basis_and_malformed_ones_are_not_decoded() {
        let commit = ObjectId::try_from(&[9; 20][..]).unwrap();
        let places = vec![None, Some((commit, vec![0, 300])), Some((commit, vec![u32::MAX])), None];
        let bytes = encode(&[1; 32], &places);
        assert_eq!(decode(&bytes, &[1; 32], 20), Some(places));
        assert_eq!(decode(&bytes, &[2; 32], 20), None);
        assert_eq!(decode(&bytes, &[1; 32], 32), None);
        for end in 0..bytes.len() {
            assert_eq!(decode(&bytes[..end], &[1; 32], 20), None);
        }
        assert_eq!(decode(&[&bytes[..], b"x"].concat(), &[1; 32], 20), None);
    }
}
