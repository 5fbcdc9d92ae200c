//! New names for files, directories and refs whose names contain a key.

use std::collections::{HashMap, HashSet};

/// Assigns new names, the same one to the same old name.
#[derive(Debug, Default)]
pub(super) struct Names {
    new: HashMap<Vec<u8>, Vec<u8>>,
    taken: HashSet<Vec<u8>>,
}

impl Names {
    /// Reserves the name of an existing entry.
    pub(super) fn take(&mut self, name: Vec<u8>) {
        self.taken.insert(name);
    }

    /// The new name for `old`: `filled`, which is `old` with fillers, or that with a number if it is taken.
    pub(super) fn assign(&mut self, old: &[u8], filled: &[u8]) -> Vec<u8> {
        if let Some(known) = self.new.get(old) {
            return known.clone();
        }
        let new = numbered(filled, |name| !self.taken.contains(name));
        self.taken.insert(new.clone());
        self.new.insert(old.to_vec(), new.clone());
        new
    }
}

/// `name`, or the first free one with a number appended.
pub(super) fn numbered(name: &[u8], is_free: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let with = |number: u64| [name, format!("-{number}").as_bytes()].concat();
    let mut candidate = name.to_vec();
    let mut number = 2;
    while !is_free(&candidate) {
        candidate = with(number);
        number += 1;
    }
    candidate
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_taken_gets_a_number() {
        let mut names = Names::default();
        assert_eq!(names.assign(b"key-a", b"key-x"), b"key-x");
        assert_eq!(names.assign(b"key-b", b"key-x"), b"key-x-2");
        assert_eq!(names.assign(b"key-a", b"key-x"), b"key-x");
        assert_eq!(names.assign(b"key-c", b"key-x"), b"key-x-3");
    }
}
