//! Stores the names of tree entries. Each distinct name is stored once and identified by a number.

use std::collections::HashMap;

/// All distinct names.
#[derive(Default)]
pub(super) struct NameInterner {
    numbers: HashMap<Box<[u8]>, u32>,
    names: Vec<Box<[u8]>>,
}

impl NameInterner {
    /// The number of a name. A new name gets the next number.
    pub(super) fn number(&mut self, name: &[u8]) -> u32 {
        if let Some(&known) = self.numbers.get(name) {
            return known;
        }
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.push(name.into());
        self.numbers.insert(name.into(), number);
        number
    }

    /// The name with this number; empty if there is none.
    pub(super) fn get(&self, number: u32) -> &[u8] {
        self.names.get(number as usize).map_or(&[], |name| name)
    }
}
