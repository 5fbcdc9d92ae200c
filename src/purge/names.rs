//! New names for files, directories and refs whose names contain a key.

use std::collections::{HashMap, HashSet};

/// Assigns new names: the same new name to each occurrence of an old name.
#[derive(Debug, Default)]
pub(super) struct NewNames {
    /// New names by old name.
    new_names: HashMap<Vec<u8>, Vec<u8>>,
    taken_names: HashSet<Vec<u8>>,
}

impl NewNames {
    /// Reserves the name of an existing entry, so that it is not assigned to another.
    pub(super) fn reserve(&mut self, name: Vec<u8>) {
        self.taken_names.insert(name);
    }

    /// The new name for `old`: `filled`, which is `old` with fillers, or that with a number if it is taken.
    pub(super) fn assign(&mut self, old: &[u8], filled: &[u8]) -> Vec<u8> {
        if let Some(new) = self.new_names.get(old) {
            return new.clone();
        }
        let new = first_free_name(filled, |name| !self.taken_names.contains(name));
        self.taken_names.insert(new.clone());
        self.new_names.insert(old.to_vec(), new.clone());
        new
    }
}

/// `name`, or the first free one with a number appended.
pub(super) fn first_free_name(name: &[u8], is_free: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let with_number = |number: u64| [name, format!("-{number}").as_bytes()].concat();
    let mut candidate = name.to_vec();
    let mut number = 2;
    while !is_free(&candidate) {
        candidate = with_number(number);
        number += 1;
    }
    candidate
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_taken_gets_a_number() {
        let mut names = NewNames::default();
        assert_eq!(names.assign(b"key-a", b"key-x"), b"key-x");
        assert_eq!(names.assign(b"key-b", b"key-x"), b"key-x-2");
        assert_eq!(names.assign(b"key-a", b"key-x"), b"key-x");
        assert_eq!(names.assign(b"key-c", b"key-x"), b"key-x-3");
    }
}
