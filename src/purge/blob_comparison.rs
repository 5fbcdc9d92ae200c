//! Compares a rewritten blob with the old one, part by part.

use std::ops::Range;

/// Compares an old blob with the new one, except for the spans that were overwritten.
pub(super) struct BlobComparison<'a> {
    before: &'a [u8],
    /// The overwritten spans, sorted and disjoint.
    spans: &'a [Range<usize>],
    /// How many bytes of the new blob were compared.
    compared: usize,
    /// Whether they are the same outside of the spans.
    is_same: bool,
}

impl<'a> BlobComparison<'a> {
    /// A comparison with the old content `before`, of which `spans` may differ; they are sorted and disjoint.
    pub(super) fn new(before: &'a [u8], spans: &'a [Range<usize>]) -> Self {
        Self { before, spans, compared: 0, is_same: true }
    }

    /// Whether the parts so far are the whole new blob, and differ from the old one only in the spans.
    pub(super) fn is_match(&self) -> bool {
        self.is_same && self.compared == self.before.len()
    }

    /// Compares the next part of the new blob.
    pub(super) fn compare(&mut self, after: &[u8]) {
        let start = self.compared;
        self.compared += after.len();
        let Some(before) = self.before.get(start..self.compared) else {
            self.is_same = false;
            return;
        };
        let first = self.spans.partition_point(|span| span.end <= start);
        let mut from = 0;
        for span in self.spans[first..].iter().take_while(|span| span.start < self.compared) {
            let to = span.start.saturating_sub(start).max(from);
            self.is_same &= before[from..to] == after[from..to];
            from = (span.end - start).min(after.len());
        }
        self.is_same &= before[from..] == after[from..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_may_differ_only_in_the_overwritten_spans() {
        let before: Vec<u8> = (0..100).collect();
        let spans = [10..20, 30..31, 95..100];
        let is_same = |after: &[u8], part: usize| {
            let mut comparison = BlobComparison::new(&before, &spans);
            after.chunks(part).for_each(|part| comparison.compare(part));
            comparison.is_match()
        };
        for part in [1, 3, 7, 10, 64, 100, 1000] {
            assert!(is_same(&before, part));
            for index in 0..100 {
                let mut after = before.clone();
                after[index] ^= 1;
                assert_eq!(
                    is_same(&after, part),
                    spans.iter().any(|span| span.contains(&index)),
                    "byte {index} changed, compared in parts of {part}"
                );
            }
            assert!(!is_same(&before[..99], part) && !is_same(&[&before[..], b"x"].concat(), part));
        }
    }
}
