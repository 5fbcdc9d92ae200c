//! Searches objects that are too large for memory in overlapping windows.

use std::io::{self, Read};

use gix::object::Kind;

use super::{Matches, Searcher};

/// Size of a window without the overlap, in bytes.
const WINDOW_STEP: usize = 4 << 20;

/// Searches `size` bytes of `input` and passes matches to `push`. Returns the number of bytes searched.
///
/// # Errors
/// If `input` cannot be read or does not have `size` bytes, with a reason for the report. Earlier matches have been passed to
/// `push` by then.
pub(super) fn search<S: Searcher>(
    searcher: &S,
    scratch: &mut S::Scratch,
    kind: Kind,
    size: u64,
    input: &mut dyn Read,
    mut push: impl FnMut(std::ops::Range<u64>, S::Match),
) -> Result<u64, String> {
    let margin = searcher.margin() as u64;
    let overlap = searcher.longest_match() + 2 * searcher.margin();
    let mut window = vec![0; WINDOW_STEP + overlap];
    // Matches that depend on nothing from the offset `settled` on were passed on before, from an earlier window.
    let (mut filled, mut start, mut settled, mut searched) = (0, 0u64, None, 0);
    loop {
        let read = fill(input, &mut window[filled..]).map_err(|error| error.to_string())?;
        filled += read;
        let end = start + filled as u64;
        let is_last = filled < window.len();
        if end > size || (is_last && end < size) {
            return Err(format!("does not contain the {size} bytes its header declares"));
        }
        searched += filled as u64;
        searcher.search(kind, &window[..filled], scratch, &mut |_| {}, &mut |range, matched| {
            let range = start + range.start as u64..start + range.end as u64;
            let depends_to = range.end + margin;
            let is_cut = (start != 0 && range.start < start + margin) || (!is_last && depends_to > end);
            let is_known = settled.is_some_and(|settled| depends_to <= settled);
            if !is_cut && !is_known {
                push(range, matched);
            }
        });
        if is_last {
            return Ok(searched);
        }
        settled = Some(end);
        window.copy_within(filled - overlap.., 0);
        start = end - overlap as u64;
        filled = overlap;
    }
}

/// Reads until `out` is full or the input ends.
fn fill(input: &mut dyn Read, out: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < out.len() {
        match input.read(&mut out[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Maximum number of matches that are kept for one object. That there were more is reported as a skip.
pub(super) const MAX_MATCHES: usize = 1 << 20;

/// Adds a match, unless there are [too many](MAX_MATCHES). Returns whether there are.
pub(super) fn push_bounded<M>(matches: &mut Matches<M>, range: std::ops::Range<u64>, matched: M) -> bool {
    let room = matches.len() < MAX_MATCHES;
    if room {
        matches.push((range, matched));
    }
    !room
}
