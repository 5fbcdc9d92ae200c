//! Spelt-out text: escapes for some or all characters, and whatever stands in the middle of a key without
//! belonging to it: colours, soft line breaks, the seams of a literal that was split.

use std::ops::Range;

use super::units::{Kind, Unit, unit_at, unit_before};
use super::{Anchor, Decoded, Encoding, Hit, Name};
use crate::detect::alphabet::{is_key, key_run};
use crate::detect::candidate::{Candidate, EXACT, KNOWN};

/// The literal was hit as it is; what goes on around it may be spelt out.
pub(super) const AS_IT_IS: u8 = 0;
const ESCAPED: u8 = 1;

/// A run of key characters is followed this far.
const RUN: usize = 300;

/// Without the marker, a first part with a body this long is found by itself; then what comes after it
/// may as well be the next argument.
const WHOLE_BY_ITSELF: usize = 40;

/// Reads spelt-out text.
#[derive(Debug)]
pub(super) struct Spelling;

impl Encoding for Spelling {
    /// The first character spelt out, and what comes after it if only others than letters and digits
    /// are.
    fn anchors(&self, literal: &[u8], starts_key: bool) -> Vec<Anchor> {
        let Some(&first) = literal.first().filter(|_| starts_key) else { return Vec::new() };
        let mut anchors: Vec<Vec<u8>> = vec![format!("\\{first:03o}").into(), format!("&#{first};").into()];
        for (low, high) in [("\\u00", ""), ("\\u{", "}"), ("\\x", ""), ("%", ""), ("&#x", ";"), ("=", "")] {
            anchors.push(format!("{low}{first:02x}{high}").into());
            anchors.push(format!("{low}{first:02X}{high}").into());
        }
        let head = literal.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        if let Some(next) = literal.get(head).filter(|_| head > 0) {
            // Up to the first digit: the others differ in case.
            for opener in
                ["\\".to_owned(), format!("%{:x}", next >> 4), "&#".into(), format!("={:x}", next >> 4)]
            {
                anchors.push([&literal[..head], opener.as_bytes()].concat());
            }
        }
        anchors.sort();
        anchors.dedup();
        anchors.into_iter().map(|bytes| Anchor { bytes, variant: ESCAPED }).collect()
    }

    fn decode(&self, hit: &Hit<'_>, read: &mut dyn FnMut(Decoded)) {
        if !goes_on(hit) || !reads_literal(hit) {
            return;
        }
        let (strictly, can_be_looser) = walk(hit, false);
        read(strictly);
        if can_be_looser {
            read(walk(hit, true).0);
        }
    }

    fn claim(&self, decoded: &Decoded, candidate: &mut Candidate<'_>, secret: Range<usize>) -> Option<Name> {
        let inside = |&&(at, kind): &&(usize, Kind)| {
            // What stands for nothing must stand between two characters.
            let stands_for_nothing = kind.parts() || matches!(kind, Kind::Ansi | Kind::SoftBreak);
            at < secret.end && at >= secret.start + usize::from(stands_for_nothing)
        };
        let marks: Vec<(usize, Kind)> = decoded.marks.iter().filter(inside).copied().collect();
        let first = marks.first()?;
        let parts = 1 + marks.iter().filter(|(_, kind)| kind.parts()).count();
        if parts > 1 && !may_be_joined(candidate, &decoded.marks, &secret) {
            return None;
        }
        if parts > 1 {
            candidate.note(format!("joined from {parts} parts"));
        }
        Some(first.1.name())
    }
}

/// Whether the parts are parts of one key, and not two things that happen to be neighbours.
fn may_be_joined(candidate: &Candidate<'_>, marks: &[(usize, Kind)], secret: &Range<usize>) -> bool {
    let inside = || marks.iter().filter(|(at, _)| (secret.start + 1..secret.end).contains(at));
    let is_weak = inside().any(|&(_, kind)| kind == Kind::Weak);
    if candidate.halves.is_some() {
        // What goes on behind the key may be the next line.
        let ends_there = marks.iter().any(|&(at, kind)| kind == Kind::Weak && at == secret.end);
        return !is_weak || candidate.weight >= if ends_there { KNOWN } else { EXACT };
    }
    let prefix = &candidate.bytes[candidate.prefix.clone()];
    let body = &candidate.bytes[candidate.prefix.end..candidate.secret.end];
    if !prefix.is_empty() && memchr::memmem::find(body, prefix).is_some() {
        return false;
    }
    let first_part = inside().find(|(_, kind)| kind.parts()).map_or(0, |&(at, _)| at - secret.start);
    !is_weak || first_part.saturating_sub(prefix.len()) < WHOLE_BY_ITSELF
}

/// Whether the run of key characters around the hit goes on in disguise.
fn goes_on(hit: &Hit<'_>) -> bool {
    let Hit { text, at, .. } = *hit;
    let end = at + key_run(&text[at..], RUN);
    if end < text.len() && unit_at(text, end, true).continues_key() {
        return true;
    }
    if hit.starts_key {
        return false;
    }
    let mut start = at;
    while start > 0 && at - start < RUN && is_key(text[start - 1]) {
        // The digits of an escape are key characters, too.
        if unit_before(text, start, true).continues_key() {
            return true;
        }
        start -= 1;
    }
    start > 0 && unit_before(text, start, true).continues_key()
}

/// Whether the literal can be read at the hit, which is quickly told.
fn reads_literal(hit: &Hit<'_>) -> bool {
    let mut at = hit.at;
    hit.literal.iter().all(|&byte| {
        while at < hit.text.len() {
            let unit = unit_at(hit.text, at, true);
            at += unit.len;
            if unit.value.is_some() {
                return unit.value == Some(byte);
            }
        }
        false
    })
}

/// Reads the units on both sides of the hit. Tells whether it would read more, were it done loosely.
fn walk(hit: &Hit<'_>, loosely: bool) -> (Decoded, bool) {
    let (text, low, high) = (hit.text, hit.low(), hit.high());
    let mut start = hit.at;
    // The anchor has one backslash; there may be more.
    while text[hit.at] == b'\\' && start > low && text[start - 1] == b'\\' && hit.at - start < 3 {
        start -= 1;
    }
    let mut weak = false;
    let mut before: Vec<(Unit, usize)> = Vec::new();
    let mut at = start;
    while at > low {
        let unit = unit_before(text, at, loosely);
        if unit.len > at - low {
            break;
        }
        at -= unit.len;
        before.push((unit, at));
    }
    let mut decoded = Decoded::default();
    for (unit, at) in before.into_iter().rev() {
        weak |= is_weak_seam(text, &unit, at, loosely);
        take(&mut decoded, unit, at);
    }
    decoded.at = decoded.text.len();
    let mut at = start;
    while at < high {
        let unit = unit_at(text, at, loosely);
        if unit.len > high - at {
            break;
        }
        weak |= is_weak_seam(text, &unit, at, loosely);
        take(&mut decoded, unit, at);
        at += unit.len;
    }
    (decoded, weak)
}

/// Whether a plain unit would be a weak seam when read loosely.
fn is_weak_seam(text: &[u8], unit: &Unit, at: usize, loosely: bool) -> bool {
    !loosely
        && unit.kind == Kind::Plain
        && matches!(text[at], b'"' | b'\'' | b'`' | b'\r' | b'\n' | b'\\')
        && unit_at(text, at, true).kind == Kind::Weak
}

fn take(decoded: &mut Decoded, unit: Unit, at: usize) {
    if unit.kind != Kind::Plain {
        decoded.marks.push((decoded.text.len(), unit.kind));
    }
    if let Some(value) = unit.value {
        decoded.push(value, (at, at + unit.len));
    }
}
