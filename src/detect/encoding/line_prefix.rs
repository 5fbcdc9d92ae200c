//! What begins each line of a text that stands in another: a comment, a quotation, a patch.

use super::line_continuation::indent;

/// The most bytes that a line may begin with.
pub(super) const LONGEST: usize = 80;

/// How far back the beginning of a line is looked for.
const LINE: usize = 240;

/// Signs that begin each line of a comment or quotation, those that begin like others first.
const SIGNS: &[&[u8]] = &[b"//", b"--", b"#", b"*", b";", b">", b"%", b"|"];

/// Whether a line's beginning may end with this.
pub(super) fn may_end(byte: u8) -> bool {
    b"/-#*;>%|+".contains(&byte)
}

/// How much of the line that begins at `start` stands there only because the one before it, which ends at `end`, begins
/// in the same way; or is indentation.
pub(super) fn of(text: &[u8], start: usize, end: usize, is_symbol: fn(u8) -> bool) -> usize {
    let line = &text[start..];
    let blank = indent(line);
    let low = end.saturating_sub(LINE);
    let first = match memchr::memrchr(b'\n', &text[low..end]) {
        Some(at) => low + at + 1,
        None if low == 0 => 0,
        None => return blank,
    };
    shared(line, &text[first..end], is_symbol)
}

/// With how much `line` begins in the same way as `before`, and is indented.
fn shared(line: &[u8], before: &[u8], is_symbol: fn(u8) -> bool) -> usize {
    let blank = indent(line);
    let rest = &line[blank..];
    let begins = |sign: &&&[u8]| {
        // Two that are symbols themselves may as well be two of them.
        let is_apart = !is_symbol(sign[0]) || rest.get(sign.len()).is_some_and(|byte| b" \t".contains(byte));
        is_apart && rest.starts_with(sign) && before[indent(before)..].starts_with(sign)
    };
    if let Some(sign) = SIGNS.iter().find(begins) {
        // Quotations are quoted in their turn.
        let quoted = rest.iter().take(LONGEST / 2).take_while(|&&byte| *sign == b">" && byte == b'>').count();
        let signs = quoted.max(sign.len());
        return blank + signs + indent(&rest[signs..]);
    }
    match (line, before) {
        ([sign @ (b'+' | b'-'), line @ ..], [other, rest @ ..])
            if sign == other && is_patch(before, is_symbol) =>
        {
            1 + shared(line, rest, is_symbol)
        }
        _ => blank,
    }
}

/// Whether the sign with which a line begins is none of the symbols behind it: those come in fours.
fn is_patch(line: &[u8], is_symbol: fn(u8) -> bool) -> bool {
    !is_symbol(line[0]) || line.len() % 4 == 1 || !line.iter().all(|&byte| is_symbol(byte))
}
