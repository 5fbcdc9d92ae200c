//! Layouts: which secrets a tree holds under which names. Each distinct layout is stored once and identified by a
//! number.
//!
//! Two trees with the same layout hold the same secrets at the same paths, whatever else differs. So to find the
//! commits that move a secret, the numbers are compared for each commit, and names only where they differ.

use std::collections::HashMap;
use std::rc::Rc;

use super::set_interner::SetId;

/// The number of a layout. Equal layouts have equal numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct LayoutId(u32);

/// What an entry of a tree holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Held {
    /// A blob with these secrets.
    Secrets(SetId),
    /// A tree with this layout.
    Layout(LayoutId),
}

/// An entry of a tree that holds secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct LayoutEntry {
    /// The number of its name.
    pub(super) name: u32,
    pub(super) held: Held,
}

/// All distinct layouts.
#[derive(Default)]
pub(super) struct Layouts {
    all: Vec<Rc<[LayoutEntry]>>,
    numbers: HashMap<Rc<[LayoutEntry]>, LayoutId>,
    /// By number of the tree.
    of_trees: HashMap<u32, LayoutId>,
}

impl Layouts {
    /// Records that `tree` has exactly these entries with secrets, possibly none.
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
        self.of_trees.insert(tree, id);
    }

    /// The layout of a tree; `None` if it holds no secrets.
    pub(super) fn of(&self, tree: u32) -> Option<LayoutId> {
        self.of_trees.get(&tree).copied()
    }

    /// The entries of a layout, sorted by name.
    pub(super) fn entries(&self, layout: Option<LayoutId>) -> Rc<[LayoutEntry]> {
        let found = layout.and_then(|LayoutId(number)| self.all.get(number as usize));
        found.map_or_else(|| Rc::from([]), Rc::clone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_layouts_have_equal_numbers() {
        let blob = |name| LayoutEntry { name, held: Held::Secrets(SetId::EMPTY) };
        let mut layouts = Layouts::default();
        layouts.set(1, vec![blob(1), blob(2)]);
        layouts.set(2, vec![blob(2), blob(1)]);
        layouts.set(3, vec![blob(2)]);
        layouts.set(4, Vec::new());
        assert_eq!(layouts.of(1), layouts.of(2));
        assert_ne!(layouts.of(1), layouts.of(3));
        assert_eq!(layouts.of(4), None);
        assert_eq!(*layouts.entries(layouts.of(3)), [blob(2)]);
        assert!(layouts.entries(None).is_empty());
    }
}
