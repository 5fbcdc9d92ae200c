//! Commit ids in messages: in full, or abbreviated and unambiguous.

use std::ops::Range;

use crate::git::ObjectId;

/// The shortest abbreviation that counts, as in git.
const MIN_DIGITS: usize = 7;

/// The commits of a repository, to find one by the start of its id.
pub(super) struct CommitIds {
    sorted: Vec<ObjectId>,
}

impl CommitIds {
    pub(super) fn new(mut ids: Vec<ObjectId>) -> Self {
        ids.sort_unstable();
        Self { sorted: ids }
    }

    /// The only commit whose id begins with these digits.
    fn find(&self, digits: &[u8]) -> Option<ObjectId> {
        let text = std::str::from_utf8(digits).ok()?;
        let width = self.sorted.first()?.as_bytes().len() * 2;
        if digits.len() > width {
            return None;
        }
        let first = ObjectId::from_hex(format!("{text:0<width$}").as_bytes()).ok()?;
        let at = self.sorted.partition_point(|id| *id < first);
        let begins = |id: &ObjectId| id.to_string().as_bytes().starts_with(digits);
        let found = self.sorted.get(at).filter(|id| begins(id))?;
        let is_ambiguous = self.sorted.get(at + 1).is_some_and(begins);
        (!is_ambiguous).then_some(*found)
    }

    /// The commits that a message names, and where.
    pub(super) fn mentioned(&self, message: &[u8]) -> Vec<(Range<usize>, ObjectId)> {
        let mut found = Vec::new();
        let mut at = 0;
        let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        while at < message.len() {
            let word = message[at..].iter().take_while(|byte| is_word(byte)).count();
            let text = &message[at..at + word];
            if word >= MIN_DIGITS
                && text.iter().all(is_digit)
                && let Some(id) = self.find(text)
            {
                found.push((at..at + word, id));
            }
            at += word + 1;
        }
        found
    }
}

/// Replaces the ids for which there is a new one. Returns how many were.
pub(super) fn replace(
    message: &mut [u8],
    mentioned: &[(Range<usize>, ObjectId)],
    new: impl Fn(&ObjectId) -> Option<ObjectId>,
) -> u64 {
    let mut count = 0;
    for (range, id) in mentioned {
        if let Some(new) = new(id) {
            let digits = new.to_string();
            message[range.clone()].copy_from_slice(&digits.as_bytes()[..range.len()]);
            count += 1;
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_and_unambiguous_ids_are_found() {
        let id = |start: &str| ObjectId::from_hex(format!("{start:0<40}").as_bytes()).unwrap();
        let ids = CommitIds::new(vec![id("abcdef1"), id("abcdef22"), id("abcdef23"), id("1234567")]);
        let message = format!("reverts {} (abcdef1), abcdef2, xabcdef1, 1234567.", id("abcdef22"));
        let found: Vec<_> = ids.mentioned(message.as_bytes()).into_iter().map(|(_, id)| id).collect();
        assert_eq!(found, [id("abcdef22"), id("abcdef1"), id("1234567")]);
    }
}
