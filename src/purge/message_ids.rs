//! Finds and replaces the ids of commits in messages, in full or abbreviated.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::git::ObjectId;

/// Minimum length of an abbreviated id, as in git.
const MIN_DIGITS: usize = 7;

/// The commits of a repository, searchable by the start of their ids.
pub(super) struct CommitIds {
    sorted_ids: Vec<ObjectId>,
}

impl CommitIds {
    pub(super) fn new(mut ids: Vec<ObjectId>) -> Self {
        ids.sort_unstable();
        Self { sorted_ids: ids }
    }

    /// The commit whose id begins with these digits, if there is exactly one.
    fn find_unique(&self, digits: &[u8]) -> Option<ObjectId> {
        let text = std::str::from_utf8(digits).ok()?;
        let width = self.sorted_ids.first()?.as_bytes().len() * 2;
        if digits.len() > width {
            return None;
        }
        let first = ObjectId::from_hex(format!("{text:0<width$}").as_bytes()).ok()?;
        let position = self.sorted_ids.partition_point(|id| *id < first);
        let has_digits = |id: &ObjectId| id.to_string().as_bytes().starts_with(digits);
        let id = self.sorted_ids.get(position).filter(|id| has_digits(id))?;
        let is_ambiguous = self.sorted_ids.get(position + 1).is_some_and(has_digits);
        (!is_ambiguous).then_some(*id)
    }

    /// Whether the id of another commit begins with the first `digits` digits of `id`.
    pub(super) fn is_ambiguous(&self, id: &ObjectId, digits: usize) -> bool {
        let position = self.sorted_ids.partition_point(|other| other < id);
        // Of all ids, the neighbors in the sorted list share the most digits with `id`, which may be in it or not.
        let neighbors = self.sorted_ids[position.saturating_sub(1)..].iter().take(3);
        neighbors.filter(|other| *other != id).any(|other| share_digits(other, id, digits))
    }

    /// The commits that a message mentions, and where.
    pub(super) fn find_mentions(&self, message: &[u8]) -> Vec<(Range<usize>, ObjectId)> {
        let mut mentions = Vec::new();
        let mut position = 0;
        let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        while position < message.len() {
            let word = message[position..].iter().take_while(|byte| is_word(byte)).count();
            let text = &message[position..position + word];
            if word >= MIN_DIGITS
                && text.iter().all(is_digit)
                && let Some(id) = self.find_unique(text)
            {
                mentions.push((position..position + word, id));
            }
            position += word + 1;
        }
        mentions
    }
}

/// The ids of the commits that were written so far.
#[derive(Debug, Default)]
pub(super) struct NewCommitIds {
    sorted_ids: BTreeSet<ObjectId>,
}

impl NewCommitIds {
    pub(super) fn add(&mut self, id: ObjectId) {
        self.sorted_ids.insert(id);
    }

    /// Whether the id of another new commit begins with the first `digits` digits of `id`.
    pub(super) fn is_ambiguous(&self, id: &ObjectId, digits: usize) -> bool {
        let before = self.sorted_ids.range::<ObjectId, _>(..id).next_back();
        let after = self.sorted_ids.range::<ObjectId, _>(id..).find(|other| *other != id);
        before.into_iter().chain(after).any(|other| share_digits(other, id, digits))
    }
}

/// Whether the first `digits` digits of two ids are the same.
fn share_digits(one: &ObjectId, other: &ObjectId, digits: usize) -> bool {
    one.to_string().as_bytes().get(..digits) == other.to_string().as_bytes().get(..digits)
}

/// Replaces the `mentions` for which `new_id` returns a new id. Returns the new message and the number of replacements. An
/// abbreviation keeps its length, or gets as many more digits as it takes until it is not ambiguous.
pub(super) fn replace(
    message: &[u8],
    mentions: &[(Range<usize>, ObjectId)],
    new_id: impl Fn(&ObjectId) -> Option<ObjectId>,
    is_ambiguous: impl Fn(&ObjectId, usize) -> bool,
) -> (Vec<u8>, u64) {
    let mut replaced = Vec::with_capacity(message.len());
    let (mut position, mut count) = (0, 0);
    for (range, id) in mentions {
        if let Some(new) = new_id(id) {
            let hex = new.to_string();
            let length = (range.len()..hex.len()).find(|&length| !is_ambiguous(&new, length));
            replaced.extend_from_slice(&message[position..range.start]);
            replaced.extend_from_slice(&hex.as_bytes()[..length.unwrap_or(hex.len())]);
            position = range.end;
            count += 1;
        }
    }
    replaced.extend_from_slice(&message[position..]);
    (replaced, count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_and_unambiguous_abbreviated_ids_are_found() {
        let id = |start: &str| ObjectId::from_hex(format!("{start:0<40}").as_bytes()).unwrap();
        let ids = CommitIds::new(vec![id("abcdef1"), id("abcdef22"), id("abcdef23"), id("1234567")]);
        let message = format!("reverts {} (abcdef1), abcdef2, xabcdef1, 1234567.", id("abcdef22"));
        let mentioned: Vec<_> = ids.find_mentions(message.as_bytes()).into_iter().map(|(_, id)| id).collect();
        assert_eq!(mentioned, [id("abcdef22"), id("abcdef1"), id("1234567")]);
    }

    #[test]
    fn an_abbreviation_gets_the_digits_that_it_needs() {
        let id = |start: &str| ObjectId::from_hex(format!("{start:0<40}").as_bytes()).unwrap();
        let (old, new) = (id("1234567"), id("abcdef12"));
        let ids = CommitIds::new(vec![old, id("abcdef11"), id("9999999")]);
        let mut new_ids = NewCommitIds::default();
        [id("abcdef123"), new].into_iter().for_each(|id| new_ids.add(id));
        let message = b"see 1234567 and 9999999";
        let is_ambiguous =
            |id: &ObjectId, digits| ids.is_ambiguous(id, digits) || new_ids.is_ambiguous(id, digits);
        let find = |id: &ObjectId| (*id == old).then_some(new);
        let (replaced, count) = replace(message, &ids.find_mentions(message), find, is_ambiguous);
        assert_eq!((&replaced[..], count), (&b"see abcdef120 and 9999999"[..], 1));
        let (replaced, _) = replace(message, &ids.find_mentions(message), find, |_, _| false);
        assert_eq!(replaced, b"see abcdef1 and 9999999");
    }
}
