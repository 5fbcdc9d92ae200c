//! Limits the number of skips in a report: a tree can contain millions of unreadable files.

use std::collections::BTreeSet;

use crate::model::Skip;

/// Maximum number of listed skips.
pub(super) const MAX_SKIPS: usize = 10_000;

/// Once `all` has twice as many items as can be listed, keeps the first ones and adds the number of the others
/// to `more`. The result does not depend on the order in which they were added, if none is added twice: one that was dropped
/// is counted again.
pub(super) fn trim<T: Ord>(all: &mut BTreeSet<T>, more: &mut u64) {
    if all.len() >= 2 * MAX_SKIPS {
        truncate(all, more);
    }
}

fn truncate<T: Ord>(all: &mut BTreeSet<T>, more: &mut u64) {
    *more += all.len().saturating_sub(MAX_SKIPS) as u64;
    while all.len() > MAX_SKIPS {
        all.pop_last();
    }
}

/// Keeps as many as can be listed, and adds a skip with the number of the others, which includes `more`.
pub(super) fn limit_skips(skipped: &mut BTreeSet<Skip>, mut more: u64) {
    truncate(skipped, &mut more);
    if more > 0 {
        let reason = format!(
            "not scanned either; a report lists at most {MAX_SKIPS}; scan fewer paths at a time to see all"
        );
        skipped.insert(Skip::new(format!("{more} more"), reason));
    }
}

/// Maximum number of skips of one kind that are listed individually.
const MAX_LISTED_OF_A_KIND: usize = 20;

/// The first of `skips`, which are all of one kind; if there are more, also a skip that `rest` creates from their
/// number.
pub(super) fn first_and_rest(
    skips: impl IntoIterator<Item = Skip>,
    rest: impl FnOnce(usize) -> Skip,
) -> Vec<Skip> {
    let mut skips = skips.into_iter();
    let mut listed: Vec<Skip> = skips.by_ref().take(MAX_LISTED_OF_A_KIND).collect();
    match skips.count() {
        0 => {}
        more => listed.push(rest(more)),
    }
    listed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skip(number: usize) -> Skip {
        Skip::new(format!("{number:06}"), "x")
    }

    #[test]
    fn the_first_skips_are_kept_and_the_others_counted() {
        let mut outcomes = BTreeSet::new();
        // In order, mixed and reversed: each step is coprime to 25,000, so no number repeats.
        for step in [1, 7, 24_999] {
            let (mut all, mut more) = (BTreeSet::new(), 0);
            for number in 0..25_000 {
                all.insert(skip(number * step % 25_000));
                trim(&mut all, &mut more);
                assert!(all.len() < 2 * MAX_SKIPS);
            }
            limit_skips(&mut all, more);
            assert_eq!(all.len(), MAX_SKIPS + 1);
            assert!(all.iter().any(|skip| skip.what == "15000 more"));
            assert!(all.contains(&skip(MAX_SKIPS - 1)));
            outcomes.insert(all);
        }
        assert_eq!(outcomes.len(), 1);
    }

    #[test]
    fn skips_within_the_limit_are_all_kept() {
        let (mut all, mut more) = ((0..MAX_SKIPS).map(skip).collect::<BTreeSet<_>>(), 0);
        trim(&mut all, &mut more);
        limit_skips(&mut all, more);
        assert_eq!(all.len(), MAX_SKIPS);
    }
}
