//! Where in its trees a commit has a blob, as positions: shorter than a path, and without its text.

use gix::ObjectId;
use gix::object::Kind;
use gix::objs::TreeRefIter;

use super::commit::Header;
use super::object_reader::ObjectReader;

/// The positions of the entries that lead from the tree of `commit` to `blob` at `path`; `None` if they do not, or if a name
/// in a tree has a slash.
pub fn entry_positions(
    objects: &mut ObjectReader,
    commit: &ObjectId,
    path: &[u8],
    blob: &ObjectId,
) -> Option<Vec<u32>> {
    let names: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
    let steps = follow(objects, (commit, blob), names.len(), &|level, _, name| names[level] == name)?;
    Some(steps.into_iter().map(|(position, _)| position).collect())
}

/// The path that the entries at these positions lead along; `None` if they do not lead to `blob`.
pub fn path_along(
    objects: &mut ObjectReader,
    commit: &ObjectId,
    positions: &[u32],
    blob: &ObjectId,
) -> Option<Vec<u8>> {
    let is_next = |level: usize, position, _: &[u8]| positions[level] == position;
    let steps = follow(objects, (commit, blob), positions.len(), &is_next)?;
    Some(steps.into_iter().map(|(_, name)| name).collect::<Vec<_>>().join(&b'/'))
}

/// The first entry of each tree that `is_next`, by its depth, position and name, with its position and name.
fn follow(
    objects: &mut ObjectReader,
    (commit, blob): (&ObjectId, &ObjectId),
    depth: usize,
    is_next: &dyn Fn(usize, u32, &[u8]) -> bool,
) -> Option<Vec<(u32, Vec<u8>)>> {
    let mut at = match objects.read(commit, "commit")? {
        (Kind::Commit, bytes) => Header::new(bytes).tree()?,
        _ => return None,
    };
    let mut steps = Vec::new();
    for level in 0..depth {
        let (Kind::Tree, bytes) = objects.read(&at, "tree")? else { return None };
        let entries = TreeRefIter::from_bytes(bytes, commit.kind()).filter_map(Result::ok);
        let mut entries = (0u32..).zip(entries);
        let (position, entry) =
            entries.find(|(position, entry)| is_next(level, *position, entry.filename))?;
        steps.push((position, entry.filename.to_vec()));
        at = entry.oid.to_owned();
    }
    (at == *blob).then_some(steps)
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
        assert_eq!(path_along(&mut objects, &commit, &positions, &blob).unwrap(), b"b/c/e");
        for other in [&[][..], &[1], &[1, 0], &[1, 0, 0], &[1, 0, 2], &[0, 0, 1], &[1, 0, 1, 0]] {
            assert_eq!(path_along(&mut objects, &commit, other, &blob), None, "{other:?}");
        }
        assert_eq!(path_along(&mut objects, &blob, &positions, &blob), None);
        for path in [&b""[..], b"b/c/d", b"b/c", b"b/c/e/", b"e"] {
            assert_eq!(entry_positions(&mut objects, &commit, path, &blob), None);
        }
    }
}
