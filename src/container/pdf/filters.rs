//! PDF filters: ASCII85, hexadecimal, run lengths, and predictors.

use std::io::{self, BufRead, Read};

use super::dictionary::Predictor;
use crate::container::inflate::{cut_off, damaged};
use crate::container::readers::fill;

/// Approximate number of bytes decoded at a time.
const DECODED_AT_ONCE: usize = 4096;

/// Decodes a filter incrementally.
pub(super) trait Decode {
    /// Appends the next bytes to `out`. Returns whether there may be more.
    ///
    /// # Errors
    /// Those of `input`, and invalid data; what was appended before the error is valid.
    fn next(&mut self, input: &mut dyn BufRead, out: &mut Vec<u8>) -> io::Result<bool>;
}

/// Reads the output of a [`Decode`].
pub(super) struct Decoder<'a> {
    input: Box<dyn BufRead + 'a>,
    decode: Box<dyn Decode + 'a>,
    out: Vec<u8>,
    at: usize,
    /// The error that ended it, returned once.
    ended: Option<io::Result<()>>,
}

impl<'a> Decoder<'a> {
    pub(super) fn new(input: Box<dyn BufRead + 'a>, decode: impl Decode + 'a) -> Self {
        Self { input, decode: Box::new(decode), out: Vec::new(), at: 0, ended: None }
    }
}

impl Read for Decoder<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.out.len() {
            self.out.clear();
            self.at = 0;
            while self.out.len() < DECODED_AT_ONCE && self.ended.is_none() {
                self.ended = match self.decode.next(&mut *self.input, &mut self.out) {
                    Ok(true) => None,
                    ended => Some(ended.map(|_| ())),
                };
            }
        }
        if self.at == self.out.len() {
            return self.ended.replace(Ok(())).unwrap_or(Ok(())).map(|()| 0);
        }
        let count = (&self.out[self.at..]).read(buffer)?;
        self.at += count;
        Ok(count)
    }
}

/// The next byte, if there is one.
pub(super) fn byte(input: &mut dyn BufRead) -> io::Result<Option<u8>> {
    let byte = input.fill_buf()?.first().copied();
    input.consume(usize::from(byte.is_some()));
    Ok(byte)
}

/// The next non-blank byte, which must exist.
fn non_blank(input: &mut dyn BufRead) -> io::Result<u8> {
    loop {
        match byte(input)? {
            Some(byte) if byte.is_ascii_whitespace() || byte == 0 => {}
            Some(byte) => return Ok(byte),
            None => return Err(cut_off()),
        }
    }
}

/// Five characters for four bytes.
#[derive(Default)]
pub(super) struct Ascii85 {
    is_begun: bool,
}

impl Decode for Ascii85 {
    fn next(&mut self, input: &mut dyn BufRead, out: &mut Vec<u8>) -> io::Result<bool> {
        let (mut sum, mut count) = (0u32, 0);
        let mut ended = None;
        while count < 5 && ended.is_none() {
            let is_first = !std::mem::replace(&mut self.is_begun, true);
            match non_blank(input) {
                // The prefix used outside of PDF.
                Ok(b'<') if is_first && input.fill_buf()?.first() == Some(&b'~') => input.consume(1),
                Ok(b'z') if count == 0 => {
                    out.extend([0; 4]);
                    return Ok(true);
                }
                Ok(digit @ b'!'..=b'u') => {
                    sum = sum.wrapping_mul(85).wrapping_add(u32::from(digit - b'!'));
                    count += 1;
                }
                Ok(b'~') => ended = Some(Ok(false)),
                Ok(_) => ended = Some(Err(damaged("ASCII85"))),
                Err(error) => ended = Some(Err(error)),
            }
        }
        for _ in count..5 {
            sum = sum.wrapping_mul(85).wrapping_add(84);
        }
        out.extend(sum.to_be_bytes().iter().take(usize::saturating_sub(count, 1)));
        ended.unwrap_or(Ok(true))
    }
}

/// Two digits for a byte.
pub(super) struct Hexadecimal;

impl Decode for Hexadecimal {
    fn next(&mut self, input: &mut dyn BufRead, out: &mut Vec<u8>) -> io::Result<bool> {
        let mut digits = [0; 2];
        for at in 0..2 {
            let non_blank = non_blank(input)?;
            match (non_blank as char).to_digit(16) {
                Some(digit) => digits[at] = digit as u8,
                None if non_blank != b'>' => return Err(damaged("hexadecimal")),
                None => {
                    out.extend((at == 1).then_some(digits[0] << 4));
                    return Ok(false);
                }
            }
        }
        out.push(digits[0] << 4 | digits[1]);
        Ok(true)
    }
}

/// A count, followed by that many bytes or one byte to repeat.
pub(super) struct RunLengths;

impl Decode for RunLengths {
    fn next(&mut self, input: &mut dyn BufRead, out: &mut Vec<u8>) -> io::Result<bool> {
        match byte(input)? {
            None | Some(128) => Ok(false),
            Some(length @ 0..128) => {
                for _ in 0..=length {
                    out.push(byte(input)?.ok_or_else(cut_off)?);
                }
                Ok(true)
            }
            Some(length) => {
                let repeated = byte(input)?.ok_or_else(cut_off)?;
                out.extend(std::iter::repeat_n(repeated, 257 - usize::from(length)));
                Ok(true)
            }
        }
    }
}

/// Reverses a predictor, row by row.
pub(super) struct UndoPredictor {
    predictor: Predictor,
    above: Vec<u8>,
    /// Whether the data after the first row contradicts the declared predictor.
    is_plain: bool,
}

impl UndoPredictor {
    pub(super) fn new(predictor: Predictor) -> Self {
        Self { predictor, above: Vec::new(), is_plain: false }
    }
}

impl Decode for UndoPredictor {
    fn next(&mut self, input: &mut dyn BufRead, out: &mut Vec<u8>) -> io::Result<bool> {
        let Predictor { is_png, row: length, point, bits } = self.predictor;
        let mut row = Vec::new();
        let outcome = fill(&mut &mut *input, &mut row, length + usize::from(is_png));
        let Some(&kind) = row.first() else { return outcome.map(|ended| !ended) };
        self.is_plain |= is_png && self.above.is_empty() && kind > 4;
        if self.is_plain {
            out.extend(row);
            return outcome.map(|ended| !ended);
        }
        if is_png {
            row.remove(0);
            self.above.resize(length, 0);
            undo_png(kind, &mut row, &self.above, point);
            self.above[..row.len()].copy_from_slice(&row);
        } else if bits == 8 {
            for at in point..row.len() {
                row[at] = row[at].wrapping_add(row[at - point]);
            }
        } else if bits == 16 {
            undo_tiff_16(&mut row, point);
        }
        out.extend(row);
        outcome.map(|ended| !ended)
    }
}

fn undo_png(kind: u8, row: &mut [u8], above: &[u8], point: usize) {
    for at in 0..row.len() {
        let before = at.checked_sub(point);
        let (left, up) = (before.map_or(0, |at| row[at]), above[at]);
        let corner = before.map_or(0, |at| above[at]);
        let guess = match kind {
            1 => left,
            2 => up,
            3 => u16::midpoint(left.into(), up.into()) as u8,
            4 => nearest(left, up, corner),
            _ => 0,
        };
        row[at] = row[at].wrapping_add(guess);
    }
}

/// The Paeth predictor: of the three bytes, the one closest to left + above - upper left.
fn nearest(left: u8, up: u8, corner: u8) -> u8 {
    let [a, b, c] = [left, up, corner].map(i16::from);
    let away = |one: i16| (a + b - c - one).abs();
    match () {
        () if away(a) <= away(b) && away(a) <= away(c) => left,
        () if away(b) <= away(c) => up,
        () => corner,
    }
}

fn undo_tiff_16(row: &mut [u8], point: usize) {
    for at in (point..row.len().saturating_sub(1)).step_by(2) {
        let two = |at: usize| u16::from_be_bytes([row[at], row[at + 1]]);
        let sum = two(at).wrapping_add(two(at - point)).to_be_bytes();
        row[at..at + 2].copy_from_slice(&sum);
    }
}
