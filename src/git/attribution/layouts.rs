//! Stores layouts: which secrets a tree contains at which names. Each distinct layout is stored once and identified by a
//! number.
//!
//! Two trees with the same layout contain the same secrets at the same paths, whatever else differs. So to find the
//! commits that move a secret, numbers are compared for each commit, and names only where the numbers differ.

use std::collections::HashMap;
use std::rc::Rc;

use super::set_interner::SetId;

/// The number of a layout. Equal layouts have equal numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct LayoutId(u32);

/// What is at a name in a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum LayoutContent {
    /// A blob with these secrets.
    Secrets(SetId),
    /// A tree with this layout.
    Layout(LayoutId),
}

/// An entry of a tree that contains secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct LayoutEntry {
    /// The number of the name in the `NameInterner`.
    pub(super) name: u32,
    pub(super) content: LayoutContent,
}

/// All distinct layouts.
#[derive(Default)]
pub(super) struct Layouts {
    all: Vec<Rc<[LayoutEntry]>>,
    numbers: HashMap<Rc<[LayoutEntry]>, LayoutId>,
    /// The layout of each tree that contains secrets, by the tree's number in `DenseIds`.
    tree_layouts: HashMap<u32, LayoutId>,
}

impl Layouts {
    /// Records all entries of `tree` that contain secrets.
    pub(super) fn set(&mut self, tree: u32, mut entries: Vec<LayoutEntry>) {
        if entries.is_empty() {
            return;
        }
        entries.sort_unstable();
        let entries: Rc<[LayoutEntry]> = entries.into();
        let next = LayoutId(u32::try_from(self.all.len()).unwrap_or(u32::MAX));
        let id = *self.numbers.entry(Rc::clone(&entries)).or_insert(next);
        if id == next {
            self.all.push(entries);
        }
        self.tree_layouts.insert(tree, id);
    }

    /// The layout of a tree; `None` if it contains no secrets.
    pub(super) fn layout(&self, tree: u32) -> Option<LayoutId> {
        self.tree_layouts.get(&tree).copied()
    }

    /// The entries of a layout, sorted by name.
    pub(super) fn entries(&self, layout: Option<LayoutId>) -> Rc<[LayoutEntry]> {
        let entries = layout.and_then(|LayoutId(number)| self.all.get(number as usize));
        entries.map_or_else(|| Rc::from([]), Rc::clone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_layouts_have_equal_numbers() {
        let blob = |name| LayoutEntry { name, content: LayoutContent::Secrets(SetId::EMPTY) };
        let mut layouts = Layouts::default();
        layouts.set(1, vec![blob(1), blob(2)]);
        layouts.set(2, vec![blob(2), blob(1)]);
        layouts.set(3, vec![blob(2)]);
        layouts.set(4, Vec::new());
        assert_eq!(layouts.layout(1), layouts.layout(2));
        assert_ne!(layouts.layout(1), layouts.layout(3));
        assert_eq!(layouts.layout(4), None);
        assert_eq!(*layouts.entries(layouts.layout(3)), [blob(2)]);
        assert!(layouts.entries(None).is_empty());
    }
}
