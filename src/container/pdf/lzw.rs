//! PDF's variant of LZW: codes of 9 to 12 bits, most significant bit first. `weezl` decodes it, too, but into buffers of
//! its own; here, output is appended code by code like that of the other filters, so that budgets apply to each step and
//! everything before a defect is searched.

use std::io::{self, BufRead};

use super::filters::{Decode, byte};
use crate::container::inflate::{cut_off, damaged};

const CLEAR: usize = 256;
const END: usize = 257;
const MOST: usize = 4096;

/// LZW decoder.
pub(super) struct Lzw {
    is_early: bool,
    /// For each code above 255, the code that it extends and the byte that it adds.
    codes: Vec<(u16, u8)>,
    last: Option<usize>,
    bits: u32,
    held: u32,
}

impl Lzw {
    pub(super) fn new(is_early: bool) -> Self {
        Self { is_early, codes: Vec::new(), last: None, bits: 0, held: 0 }
    }

    /// The first unassigned code.
    fn free(&self) -> usize {
        END + 1 + self.codes.len()
    }

    fn code(&mut self, input: &mut dyn BufRead) -> io::Result<usize> {
        let width = match self.free() + usize::from(self.is_early) {
            0..512 => 9,
            512..1024 => 10,
            1024..2048 => 11,
            _ => 12,
        };
        while self.held < width {
            self.bits = self.bits << 8 | u32::from(byte(input)?.ok_or_else(cut_off)?);
            self.held += 8;
        }
        self.held -= width;
        Ok((self.bits >> self.held) as usize & ((1 << width) - 1))
    }

    /// Appends the expansion of `code`. Returns its first byte.
    fn expand(&self, mut code: usize, out: &mut Vec<u8>) -> u8 {
        let start = out.len();
        while let Some(&(before, last)) = code.checked_sub(END + 1).and_then(|at| self.codes.get(at)) {
            out.push(last);
            code = before.into();
        }
        out.push(code as u8);
        out[start..].reverse();
        code as u8
    }
}

impl Decode for Lzw {
    fn next(&mut self, input: &mut dyn BufRead, out: &mut Vec<u8>) -> io::Result<bool> {
        let code = self.code(input)?;
        match (code, self.last) {
            (CLEAR, _) => {
                self.codes.clear();
                self.last = None;
                return Ok(true);
            }
            (END, _) => return Ok(false),
            (0..CLEAR, None) => out.push(code as u8),
            (_, Some(last)) if code <= self.free() => {
                // The first unassigned code means the previous expansion followed by its own first byte.
                let is_new = code == self.free();
                let first = self.expand(if is_new { last } else { code }, out);
                out.extend(is_new.then_some(first));
                if self.free() < MOST {
                    self.codes.push((last as u16, first));
                } else if is_new {
                    return Err(damaged("LZW"));
                }
            }
            _ => return Err(damaged("LZW")),
        }
        self.last = Some(code);
        Ok(true)
    }
}
