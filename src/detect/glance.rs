//! Whether an anchor in disguise is worth decoding all around it. Most are not, and a hostile text can be full of
//! them: so a few characters are looked at first, then more, and each look costs little beside how seldom an anchor
//! passes the one before. What is turned down here has no match: a test compares with a search that does not look.

use memchr::memmem;

use super::alphabet::{is_key, key_run};
use super::detector::Detector;
use super::encoding::{Decoded, Reach, Route};
use crate::rules::MARKER;

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
            true => [Some(Reach::Few(FIRST_OF_STARTS)), None],
            // As much as must be read at least, and as much on the other side.
            false => [Some(Reach::Few(route.literal().len())), Some(Reach::Ahead(FIRST_OF_MARKERS))],
        };
        let mut looks = first.into_iter().flatten().chain(LOOKS.map(Reach::Few));
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
        if route.starts_key && route.apart > 0 && repeats(behind, literal, route.apart) {
            return Some(false);
        }
        if let Reach::Ahead(_) = reach {
            let again = memmem::find(&behind[..behind.len().min(route.apart + literal.len() - 1)], literal);
            return (route.apart > 0 && again.is_some()).then_some(false);
        }
        let begins = route.starts_key
            || match (at - left).checked_sub(1) {
                Some(before) => !route.is_nested() || before + 1 >= longest_to(text[before]),
                None => route.ends_with_key() && !matches!(reach, Reach::Few(most) if at >= most),
            };
        if !route.starts_key && route.apart > 0 {
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
            Some(&byte) => !route.is_nested() || text.len() - at - right >= longest_from(byte),
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

/// Whether `behind`, what follows `literal` in a run of key characters, repeats what keys have once, in such a way that the
/// checks turn down each match that begins there, however it goes on. All forms ask for them.
fn repeats(behind: &[u8], literal: &[u8], apart: usize) -> bool {
    // A key of letters and digits alone may end before all that.
    if behind.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count() >= apart {
        return false;
    }
    let marker = MARKER.as_bytes();
    // The first marker that can be in the middle of a key, and all before it.
    let first = behind.get(apart..).and_then(|rest| memmem::find(rest, marker)).map(|at| apart + at);
    if memmem::find_iter(&behind[..first.unwrap_or(behind.len())], literal).count() > MOST_STARTS {
        return true;
    }
    let places: Vec<usize> = match first {
        Some(_) => memmem::find_iter(behind, marker).collect(),
        None => return false,
    };
    let reach = apart + marker.len();
    let is_again = |index: usize| {
        let near = |other: Option<&usize>| other.is_some_and(|&other| other.abs_diff(places[index]) < reach);
        near(places.get(index + 1)) || index.checked_sub(1).is_some_and(|before| near(places.get(before)))
    };
    // Whichever of them a form takes for the one in the middle, with the longest prefix too.
    let candidates = places.iter().enumerate().filter(|(_, place)| **place >= apart);
    let is_far = places.last().is_some_and(|&last| last >= LONGEST_PREFIX + apart);
    is_far && candidates.map(|(index, _)| index).all(is_again)
}

/// The most bytes of a prefix, `sk-`, a name and `-`, behind its first three.
const LONGEST_PREFIX: usize = 44;

/// The most bytes that may belong to what begins with `byte`: where there are fewer, it may have been cut off.
fn longest_from(byte: u8) -> usize {
    match byte {
        b'<' => 340,
        b'"' | b'\'' | b'`' | b'\\' | b'&' => 210,
        b'\r' | b'\n' | b'^' => 110,
        b'%' | b'=' | 0x1b | 0x80.. => 32,
        _ => 1,
    }
}

/// The same of what ends with it.
fn longest_to(byte: u8) -> usize {
    match byte {
        b'>' => 340,
        b'"' | b'\'' | b'`' | b';' => 210,
        b' ' | b'\t' | b'\r' | b'\n' | b'\\' | b'+' | b'#' | b'*' | b'/' | b'%' | b'!' => 110,
        b'=' | b'}' => 32,
        0x80.. => 3,
        _ => 1,
    }
}
