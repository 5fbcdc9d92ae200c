//! The `TREE` extension of the index: for each directory unchanged since its tree was last written or read, the
//! tree's id and the number of index entries in it.

use std::ops::Range;

use gix::ObjectId;

/// Directories nested deeper make the extension invalid; git itself refuses trees of more than 2048 levels.
const MAX_DEPTH: usize = 2048;

/// A directory.
#[derive(Debug)]
struct Node {
    name: Range<usize>,
    /// The number of index entries and the id of the tree, unless something in it changed.
    valid: Option<(usize, ObjectId)>,
    children: Vec<u32>,
}

/// The trees that the index records; empty without the extension.
#[derive(Debug, Default)]
pub(super) struct CacheTree {
    names: Vec<u8>,
    nodes: Vec<Node>,
}

impl CacheTree {
    /// The top directory.
    pub(super) fn top(&self) -> Option<u32> {
        (!self.nodes.is_empty()).then_some(0)
    }

    /// The directory of that name in `parent`.
    pub(super) fn child(&self, parent: u32, name: &[u8]) -> Option<u32> {
        let children = &self.nodes.get(parent as usize)?.children;
        // Git sorts them by length first.
        let order = |&child: &u32| {
            let found = self.name(child);
            found.len().cmp(&name.len()).then_with(|| found.cmp(name))
        };
        children.binary_search_by(order).ok().map(|at| children[at])
    }

    fn name(&self, node: u32) -> &[u8] {
        self.nodes.get(node as usize).map_or(&[], |node| &self.names[node.name.clone()])
    }

    /// The number of index entries in a directory and the id of its tree, if they are valid.
    pub(super) fn valid(&self, node: u32) -> Option<(usize, ObjectId)> {
        self.nodes.get(node as usize)?.valid
    }

    /// Parses the extension; `None` if it is malformed, which only costs time.
    pub(super) fn parse(bytes: &[u8], hash_len: usize) -> Option<Self> {
        let mut tree = Self { names: bytes.to_vec(), nodes: Vec::new() };
        let mut at = 0;
        // Directories with children still to come, and how many.
        let mut open: Vec<(u32, usize)> = Vec::new();
        loop {
            let name = at..at + memchr::memchr(0, bytes.get(at..)?)?;
            at = name.end + 1;
            let line = at..at + memchr::memchr(b'\n', bytes.get(at..)?)?;
            at = line.end + 1;
            let text = std::str::from_utf8(&bytes[line]).ok()?;
            let (count, children) = text.split_once(' ')?;
            let (count, children): (i64, usize) = (count.parse().ok()?, children.parse().ok()?);
            let valid = match usize::try_from(count) {
                Ok(count) => {
                    let id = ObjectId::try_from(bytes.get(at..at + hash_len)?).ok()?;
                    at += hash_len;
                    Some((count, id))
                }
                Err(_) => None,
            };
            let node = u32::try_from(tree.nodes.len()).ok()?;
            tree.nodes.push(Node { name, valid, children: Vec::new() });
            if let Some((parent, left)) = open.last_mut() {
                *left -= 1;
                tree.nodes[*parent as usize].children.push(node);
            }
            open.push((node, children));
            while open.last().is_some_and(|&(_, left)| left == 0) {
                open.pop();
            }
            if open.is_empty() {
                return Some(tree);
            }
            if open.len() > MAX_DEPTH {
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_nested_dirs() {
        let mut bytes = b"\x00-1 2\n".to_vec();
        bytes.extend_from_slice(b"b\x003 0\n");
        bytes.extend_from_slice(&[7; 20]);
        bytes.extend_from_slice(b"aa\x005 0\n");
        bytes.extend_from_slice(&[9; 20]);
        let tree = CacheTree::parse(&bytes, 20).unwrap();
        let top = tree.top().unwrap();
        assert_eq!(tree.valid(top), None);
        let valid =
            |name: &[u8]| tree.child(top, name).and_then(|child| tree.valid(child)).map(|(count, _)| count);
        assert_eq!((valid(b"b"), valid(b"aa"), valid(b"c")), (Some(3), Some(5), None));
        assert!(CacheTree::parse(&bytes[..bytes.len() - 1], 20).is_none());
    }

    proptest! {
        #[test]
        fn survives_any_bytes(bytes in "(a{0,2}\\x00-?[0-9] [0-3]\n(xxxx)?){0,6}") {
            let _ = CacheTree::parse(bytes.as_bytes(), 4);
            let _ = CacheTree::parse(bytes.as_bytes(), 20);
        }
    }
}
