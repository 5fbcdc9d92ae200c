//! Converts the path of a blob in a commit to the positions of the tree entries on it, and back. Positions take less space
//! than a path and contain no text, which could include a key.

use gix::ObjectId;
use gix::object::Kind;
use gix::objs::TreeRefIter;

use super::commit::Header;
use super::object_reader::ObjectReader;

/// The positions of the entries along `path` in the trees of `commit`; `None` if `path` does not lead to `blob`, or if the
/// name of an entry contains a slash.
pub fn entry_positions(
    objects: &mut ObjectReader,
    commit: &ObjectId,
    path: &[u8],
    blob: &ObjectId,
) -> Option<Vec<u32>> {
    let names: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
    let entries =
        follow_entries(objects, (commit, blob), names.len(), &|level, _, name| names[level] == name)?;
    Some(entries.into_iter().map(|(position, _)| position).collect())
}

/// The path whose entries are at these positions; `None` if they do not lead to `blob`.
pub fn path_from_positions(
    objects: &mut ObjectReader,
    commit: &ObjectId,
    positions: &[u32],
    blob: &ObjectId,
) -> Option<Vec<u8>> {
    let is_next = |level: usize, position, _: &[u8]| positions[level] == position;
    let entries = follow_entries(objects, (commit, blob), positions.len(), &is_next)?;
    Some(entries.into_iter().map(|(_, name)| name).collect::<Vec<_>>().join(&b'/'))
}

/// Follows one entry of each tree, `depth` times, from the tree of `commit`: the first for which `is_next`, called with the
/// depth, position and name, returns true. Returns the position and name of each; `None` if they do not lead to `blob`.
fn follow_entries(
    objects: &mut ObjectReader,
    (commit, blob): (&ObjectId, &ObjectId),
    depth: usize,
    is_next: &dyn Fn(usize, u32, &[u8]) -> bool,
) -> Option<Vec<(u32, Vec<u8>)>> {
    let mut next = match objects.read(commit, "commit")? {
        (Kind::Commit, bytes) => Header::new(bytes).tree()?,
        _ => return None,
    };
    let mut followed = Vec::new();
    for level in 0..depth {
        let (Kind::Tree, bytes) = objects.read(&next, "tree")? else { return None };
        let entries = TreeRefIter::from_bytes(bytes, commit.kind()).filter_map(Result::ok);
        let mut entries = (0u32..).zip(entries);
        let (position, entry) =
            entries.find(|(position, entry)| is_next(level, *position, entry.filename))?;
        followed.push((position, entry.filename.to_vec()));
        next = entry.oid.to_owned();
    }
    (next == *blob).then_some(followed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::scratch::Scratch;

    #[test]
    fn positions_lead_back_to_the_path_and_nowhere_else() {
        let scratch = Scratch::new(&[]);
        scratch.write("a", "one");
        scratch.write("b/c/d", "two");
        scratch.write("b/c/e", "three");
        scratch.commit("first");
        let id =
            |name: &str| ObjectId::from_hex(scratch.git(&["rev-parse", name]).trim().as_bytes()).unwrap();
        let repo = crate::git::open(scratch.path()).unwrap().to_thread_local();
        let mut objects = ObjectReader::new(&repo);
        let (commit, blob) = (id("HEAD"), id("HEAD:b/c/e"));
        let positions = entry_positions(&mut objects, &commit, b"b/c/e", &blob).unwrap();
        assert_eq!(positions, [1, 0, 1]);
        assert_eq!(path_from_positions(&mut objects, &commit, &positions, &blob).unwrap(), b"b/c/e");
        for other in [&[][..], &[1], &[1, 0], &[1, 0, 0], &[1, 0, 2], &[0, 0, 1], &[1, 0, 1, 0]] {
            assert_eq!(path_from_positions(&mut objects, &commit, other, &blob), None, "{other:?}");
        }
        assert_eq!(path_from_positions(&mut objects, &blob, &positions, &blob), None);
        for path in [&b""[..], b"b/c/d", b"b/c", b"b/c/e/", b"e"] {
            assert_eq!(entry_positions(&mut objects, &commit, path, &blob), None);
        }
    }
}
