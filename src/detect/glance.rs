//! Whether an anchor in disguise is worth decoding all around it. Most are not, and a hostile text can be full of
//! them: so a few characters are looked at first, then more, and each look costs little beside how seldom an anchor
//! passes the one before. What is turned down here has no match: a test compares with a search that does not look.

use memchr::memmem;

use super::alphabet::{is_key, key_run};
use super::detector::Detector;
use super::encoding::{Decoded, Reach, Route};

/// Characters of the looks before the one at as many as a key has. The first tells whether what was hit is there
/// again and again.
const LOOKS: [usize; 2] = [32, 100];
const FIRST_OF_STARTS: usize = 14;
const FIRST_OF_MARKERS: usize = 31;

/// What begins keys may turn up again this often in the first characters of one; more is no accident.
const MOST_STARTS: usize = 2;

impl Detector {
    /// Whether some form may match at an anchor at `at`.
    pub(super) fn is_of_use(&self, route: &Route, bytes: &[u8], at: usize) -> bool {
        if !route.can_be_brief() {
            return true;
        }
        let first = match route.starts_key {
            true => Reach::Few(FIRST_OF_STARTS),
            false => Reach::Ahead(FIRST_OF_MARKERS),
        };
        let mut looks = [first].into_iter().chain(LOOKS.map(Reach::Few));
        let outcome = looks.find_map(|reach| self.look(route, bytes, at, reach));
        outcome.or_else(|| self.look(route, bytes, at, Reach::Key)).unwrap_or(true)
    }

    /// What as much as `reach` tells; nothing if more must be seen.
    fn look(&self, route: &Route, bytes: &[u8], at: usize, reach: Reach) -> Option<bool> {
        let mut outcome = Some(false);
        route.decode(bytes, at, reach, &mut |decoded| {
            if outcome != Some(true) {
                let this = self.judge(route, &decoded, reach);
                outcome = if this == Some(false) { outcome } else { this };
            }
        });
        outcome
    }

    fn judge(&self, route: &Route, decoded: &Decoded, reach: Reach) -> Option<bool> {
        let (text, at, literal) = (&decoded.text[..], decoded.at, route.literal());
        let (left, right) = (key_run_before(&text[..at]), key_run(&text[at..], usize::MAX));
        let behind =
            &text[(at + literal.len()).min(text.len())..at + right.max(literal.len()).min(text.len() - at)];
        if let Reach::Few(_) = reach
            && route.starts_key
            && memmem::find_iter(behind, literal).count() > MOST_STARTS
        {
            return Some(false);
        }
        if let Reach::Ahead(_) = reach {
            let again = memmem::find(&behind[..behind.len().min(route.apart + literal.len() - 1)], literal);
            return (route.apart > 0 && again.is_some()).then_some(false);
        }
        let begins = route.starts_key
            || match (at - left).checked_sub(1) {
                Some(before) => !(route.is_nested() && may_end_unit(text[before])),
                None => route.ends_with_key() && !matches!(reach, Reach::Few(most) if at >= most),
            };
        if route.apart > 0 {
            let reach = route.apart + literal.len() - 1;
            let near = &behind[..behind.len().min(reach)];
            let before = &text[at - left.min(reach)..at];
            let is_again = |part: &[u8]| memmem::find(part, literal).is_some();
            if is_again(near) || is_again(before) || (begins && left < route.apart) {
                return Some(false);
            }
        }
        let is_match = || self.has_match(route, decoded);
        let Reach::Few(most) = reach else { return Some(is_match()) };
        if decoded.is_loose(&(at - left..at + right)) {
            return None;
        }
        let ends = match text.get(at + right) {
            Some(&byte) => !(route.is_nested() && may_begin_unit(byte)),
            None => route.ends_with_key() && text.len() - at < most,
        };
        (ends && begins).then(is_match)
    }

    fn has_match(&self, route: &Route, decoded: &Decoded) -> bool {
        let (text, at, literal) = (&decoded.text[..], decoded.at, route.literal());
        let mut is_match = false;
        for form in &self.forms {
            if route.starts_key {
                if form.form.encoded.iter().any(|start| start == literal) {
                    form.matches_at(text, at, &mut |_| is_match = true);
                }
            } else if !form.form.encoded.is_empty()
                && form.form.anchors.iter().any(|anchor| anchor == literal)
            {
                form.matches(text, at..at + literal.len(), &mut |_| is_match = true);
            }
            if is_match {
                return true;
            }
        }
        false
    }
}

fn key_run_before(text: &[u8]) -> usize {
    text.iter().rev().take_while(|&&byte| is_key(byte)).count()
}

/// Whether more than `byte` may belong to what begins with it, were there more of the text.
fn may_begin_unit(byte: u8) -> bool {
    byte >= 0x80 || b"\\%&=^\"'`\r\n<\x1b".contains(&byte)
}

/// The same of what ends with it.
fn may_end_unit(byte: u8) -> bool {
    byte >= 0x80 || b" \t\r\n\\+#*/%!;>=\"'`}".contains(&byte)
}
