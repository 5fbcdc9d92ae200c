//! Parses the `TREE` extension of an index.
//!
//! The extension has the directories of the index. For each directory that has not changed since git last wrote or read its
//! tree, it has the id of the tree and the number of index entries in the directory.

use std::ops::Range;

use gix::ObjectId;

/// Maximum depth of directories; an extension with deeper ones is ignored. git itself refuses trees of more levels.
const MAX_DEPTH: usize = 2048;

/// A directory of the index.
#[derive(Debug)]
struct Node {
    /// Its range in [`CacheTree::names`].
    name: Range<usize>,
    /// The number of index entries and the id of the tree, unless something in the directory changed.
    unchanged_tree: Option<(usize, ObjectId)>,
    children: Vec<u32>,
}

/// The directories in the extension; empty if the index does not have it.
#[derive(Debug, Default)]
pub(super) struct CacheTree {
    /// The bytes of the extension, which contain the names of directories.
    names: Vec<u8>,
    nodes: Vec<Node>,
}

impl CacheTree {
    /// The top directory.
    pub(super) fn top(&self) -> Option<u32> {
        (!self.nodes.is_empty()).then_some(0)
    }

    /// The directory `name` in `parent`.
    pub(super) fn child(&self, parent: u32, name: &[u8]) -> Option<u32> {
        let children = &self.nodes.get(parent as usize)?.children;
        // Git sorts them by the length of the name, then by the name.
        let order = |&child: &u32| {
            let child_name = self.name(child);
            child_name.len().cmp(&name.len()).then_with(|| child_name.cmp(name))
        };
        children.binary_search_by(order).ok().map(|index| children[index])
    }

    fn name(&self, node: u32) -> &[u8] {
        self.nodes.get(node as usize).map_or(&[], |node| &self.names[node.name.clone()])
    }

    /// The number of index entries in a directory and the id of its tree; `None` if something in the directory changed.
    pub(super) fn unchanged_tree(&self, node: u32) -> Option<(usize, ObjectId)> {
        self.nodes.get(node as usize)?.unchanged_tree
    }

    /// Parses the extension; `None` if it is malformed. Without it, comparing takes longer, with the same result.
    pub(super) fn parse(bytes: &[u8], hash_len: usize) -> Option<Self> {
        let mut tree = Self { names: bytes.to_vec(), nodes: Vec::new() };
        let mut position = 0;
        // The directories around the current one, and how many children of each have not been parsed yet.
        let mut parents: Vec<(u32, usize)> = Vec::new();
        loop {
            let name = position..position + memchr::memchr(0, bytes.get(position..)?)?;
            position = name.end + 1;
            let line = position..position + memchr::memchr(b'\n', bytes.get(position..)?)?;
            position = line.end + 1;
            let text = std::str::from_utf8(&bytes[line]).ok()?;
            let (count, children) = text.split_once(' ')?;
            let (count, children): (i64, usize) = (count.parse().ok()?, children.parse().ok()?);
            // The count is negative if something in the directory changed.
            let unchanged_tree = match usize::try_from(count) {
                Ok(count) => {
                    let id = ObjectId::try_from(bytes.get(position..position + hash_len)?).ok()?;
                    position += hash_len;
                    Some((count, id))
                }
                Err(_) => None,
            };
            let node = u32::try_from(tree.nodes.len()).ok()?;
            tree.nodes.push(Node { name, unchanged_tree, children: Vec::new() });
            if let Some((parent, left)) = parents.last_mut() {
                *left -= 1;
                tree.nodes[*parent as usize].children.push(node);
            }
            parents.push((node, children));
            while parents.last().is_some_and(|&(_, left)| left == 0) {
                parents.pop();
            }
            if parents.is_empty() {
                return Some(tree);
            }
            if parents.len() > MAX_DEPTH {
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
    fn nested_directories_are_parsed() {
        let mut bytes = b"\x00-1 2\n".to_vec();
        bytes.extend_from_slice(b"b\x003 0\n");
        bytes.extend_from_slice(&[7; 20]);
        bytes.extend_from_slice(b"aa\x005 0\n");
        bytes.extend_from_slice(&[9; 20]);
        let tree = CacheTree::parse(&bytes, 20).unwrap();
        let top = tree.top().unwrap();
        assert_eq!(tree.unchanged_tree(top), None);
        let count = |name: &[u8]| {
            tree.child(top, name).and_then(|child| tree.unchanged_tree(child)).map(|(count, _)| count)
        };
        assert_eq!((count(b"b"), count(b"aa"), count(b"c")), (Some(3), Some(5), None));
        assert!(CacheTree::parse(&bytes[..bytes.len() - 1], 20).is_none());
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_without_a_panic(bytes in "(a{0,2}\\x00-?[0-9] [0-3]\n(xxxx)?){0,6}") {
            let _ = CacheTree::parse(bytes.as_bytes(), 4);
            let _ = CacheTree::parse(bytes.as_bytes(), 20);
        }
    }
}
