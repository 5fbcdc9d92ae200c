//! Undoes PDF filters: ASCII85, hexadecimal, run lengths, and predictors.

use std::io::{self, BufRead, Read};

use super::dictionary::Predictor;
use crate::container::inflate::{damaged_data, truncated};
use crate::container::readers::fill;

/// Minimum number of bytes that are decoded at once.
const DECODED_AT_ONCE: usize = 4096;

/// Undoes a filter, a few bytes at a time.
pub(super) trait Decode {
    /// Appends the next bytes to `output`. Returns whether there may be more.
    ///
    /// # Errors
    /// Those of `input`, and invalid data; what was appended before the error is valid.
    fn next(&mut self, input: &mut dyn BufRead, output: &mut Vec<u8>) -> io::Result<bool>;
}

/// A reader of what a [`Decode`] makes of `input`.
pub(super) struct Decoder<'a> {
    input: Box<dyn BufRead + 'a>,
    decode: Box<dyn Decode + 'a>,
    output: Vec<u8>,
    /// Bytes of `output` that were read.
    consumed: usize,
    /// How decoding ended; its error is returned once.
    end: Option<io::Result<()>>,
}

impl<'a> Decoder<'a> {
    pub(super) fn new(input: Box<dyn BufRead + 'a>, decode: impl Decode + 'a) -> Self {
        Self { input, decode: Box::new(decode), output: Vec::new(), consumed: 0, end: None }
    }
}

impl Read for Decoder<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.consumed == self.output.len() {
            self.output.clear();
            self.consumed = 0;
            while self.output.len() < DECODED_AT_ONCE && self.end.is_none() {
                self.end = match self.decode.next(&mut *self.input, &mut self.output) {
                    Ok(true) => None,
                    end => Some(end.map(|_| ())),
                };
            }
        }
        if self.consumed == self.output.len() {
            return self.end.replace(Ok(())).unwrap_or(Ok(())).map(|()| 0);
        }
        let count = (&self.output[self.consumed..]).read(buffer)?;
        self.consumed += count;
        Ok(count)
    }
}

/// Reads the next byte; `None` at the end.
pub(super) fn read_byte(input: &mut dyn BufRead) -> io::Result<Option<u8>> {
    let byte = input.fill_buf()?.first().copied();
    input.consume(usize::from(byte.is_some()));
    Ok(byte)
}

/// Reads the next byte that is not a blank.
///
/// # Errors
/// Those of `input`, and if it ends.
fn read_non_blank(input: &mut dyn BufRead) -> io::Result<u8> {
    loop {
        match read_byte(input)? {
            Some(byte) if byte.is_ascii_whitespace() || byte == 0 => {}
            Some(byte) => return Ok(byte),
            None => return Err(truncated()),
        }
    }
}

/// ASCII85: five characters for four bytes.
#[derive(Default)]
pub(super) struct Ascii85 {
    has_begun: bool,
}

impl Decode for Ascii85 {
    fn next(&mut self, input: &mut dyn BufRead, output: &mut Vec<u8>) -> io::Result<bool> {
        let (mut sum, mut count) = (0u32, 0);
        let mut end = None;
        while count < 5 && end.is_none() {
            let is_first = !std::mem::replace(&mut self.has_begun, true);
            match read_non_blank(input) {
                // The prefix used outside of PDF.
                Ok(b'<') if is_first && input.fill_buf()?.first() == Some(&b'~') => input.consume(1),
                Ok(b'z') if count == 0 => {
                    output.extend([0; 4]);
                    return Ok(true);
                }
                Ok(digit @ b'!'..=b'u') => {
                    sum = sum.wrapping_mul(85).wrapping_add(u32::from(digit - b'!'));
                    count += 1;
                }
                Ok(b'~') => end = Some(Ok(false)),
                Ok(_) => end = Some(Err(damaged_data("ASCII85"))),
                Err(error) => end = Some(Err(error)),
            }
        }
        for _ in count..5 {
            sum = sum.wrapping_mul(85).wrapping_add(84);
        }
        output.extend(sum.to_be_bytes().iter().take(usize::saturating_sub(count, 1)));
        end.unwrap_or(Ok(true))
    }
}

/// Hexadecimal: two digits for a byte.
pub(super) struct Hexadecimal;

impl Decode for Hexadecimal {
    fn next(&mut self, input: &mut dyn BufRead, output: &mut Vec<u8>) -> io::Result<bool> {
        let mut digits = [0; 2];
        for index in 0..2 {
            let byte = read_non_blank(input)?;
            match (byte as char).to_digit(16) {
                Some(digit) => digits[index] = digit as u8,
                None if byte != b'>' => return Err(damaged_data("hexadecimal")),
                None => {
                    output.extend((index == 1).then_some(digits[0] << 4));
                    return Ok(false);
                }
            }
        }
        output.push(digits[0] << 4 | digits[1]);
        Ok(true)
    }
}

/// Run lengths: a count, followed by that many bytes or by one byte to repeat.
pub(super) struct RunLengths;

impl Decode for RunLengths {
    fn next(&mut self, input: &mut dyn BufRead, output: &mut Vec<u8>) -> io::Result<bool> {
        match read_byte(input)? {
            None | Some(128) => Ok(false),
            Some(length @ 0..128) => {
                for _ in 0..=length {
                    output.push(read_byte(input)?.ok_or_else(truncated)?);
                }
                Ok(true)
            }
            Some(length) => {
                let repeated = read_byte(input)?.ok_or_else(truncated)?;
                output.extend(std::iter::repeat_n(repeated, 257 - usize::from(length)));
                Ok(true)
            }
        }
    }
}

/// Reverses a predictor, row by row.
pub(super) struct UndoPredictor {
    predictor: Predictor,
    /// The decoded previous row.
    above: Vec<u8>,
    /// Whether the first row shows that the data has no predictor, whatever the dictionary says.
    is_plain: bool,
}

impl UndoPredictor {
    pub(super) fn new(predictor: Predictor) -> Self {
        Self { predictor, above: Vec::new(), is_plain: false }
    }
}

impl Decode for UndoPredictor {
    fn next(&mut self, input: &mut dyn BufRead, output: &mut Vec<u8>) -> io::Result<bool> {
        let Predictor { is_png, row_len, pixel_len, bits } = self.predictor;
        let mut row = Vec::new();
        let outcome = fill(&mut &mut *input, &mut row, row_len + usize::from(is_png));
        let Some(&kind) = row.first() else { return outcome.map(|end| !end) };
        self.is_plain |= is_png && self.above.is_empty() && kind > 4;
        if self.is_plain {
            output.extend(row);
            return outcome.map(|end| !end);
        }
        if is_png {
            row.remove(0);
            self.above.resize(row_len, 0);
            undo_png(kind, &mut row, &self.above, pixel_len);
            self.above[..row.len()].copy_from_slice(&row);
        } else if bits == 8 {
            for index in pixel_len..row.len() {
                row[index] = row[index].wrapping_add(row[index - pixel_len]);
            }
        } else if bits == 16 {
            undo_tiff_16(&mut row, pixel_len);
        }
        output.extend(row);
        outcome.map(|end| !end)
    }
}

fn undo_png(kind: u8, row: &mut [u8], above: &[u8], pixel_len: usize) {
    for index in 0..row.len() {
        let before = index.checked_sub(pixel_len);
        let (left, up) = (before.map_or(0, |index| row[index]), above[index]);
        let corner = before.map_or(0, |index| above[index]);
        let prediction = match kind {
            1 => left,
            2 => up,
            3 => u16::midpoint(left.into(), up.into()) as u8,
            4 => paeth(left, up, corner),
            _ => 0,
        };
        row[index] = row[index].wrapping_add(prediction);
    }
}

/// The Paeth predictor: of the three bytes, the one closest to left + above - upper left.
fn paeth(left: u8, up: u8, corner: u8) -> u8 {
    let [a, b, c] = [left, up, corner].map(i16::from);
    let distance = |candidate: i16| (a + b - c - candidate).abs();
    match () {
        () if distance(a) <= distance(b) && distance(a) <= distance(c) => left,
        () if distance(b) <= distance(c) => up,
        () => corner,
    }
}

fn undo_tiff_16(row: &mut [u8], pixel_len: usize) {
    for index in (pixel_len..row.len().saturating_sub(1)).step_by(2) {
        let u16_at = |index: usize| u16::from_be_bytes([row[index], row[index + 1]]);
        let sum = u16_at(index).wrapping_add(u16_at(index - pixel_len)).to_be_bytes();
        row[index..index + 2].copy_from_slice(&sum);
    }
}
