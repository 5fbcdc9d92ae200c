//! Finds the PDF objects that stream dictionaries may refer to.

use std::collections::HashMap;
use std::io;

use memchr::memmem;

use super::value::Value;
use crate::container::seek_window::Window;

const OBJECT: &[u8] = b" obj";

/// Maximum bytes of an object that are kept.
const MAX_OBJECT_LEN: usize = 256;

/// Maximum bytes of the number and generation before the keyword of an object.
const MAX_NUMBERS_LEN: usize = 32;

/// Maximum number of objects that are kept. Real files need only a few.
const MAX_OBJECTS: usize = 10_000;

/// Objects that may be filters or their parameters, unparsed, by their numbers.
pub(super) struct Objects(HashMap<u64, Vec<u8>>);

impl Objects {
    /// Searches the whole file for objects.
    ///
    /// # Errors
    /// Those of the content.
    pub(super) fn read(data: &mut Window<'_>, size: u64) -> io::Result<Self> {
        let (mut objects, mut position) = (HashMap::new(), 0);
        while objects.len() < MAX_OBJECTS
            && let Some(keyword_start) = data.find(position, size, OBJECT)?
        {
            position = keyword_start + OBJECT.len() as u64;
            // Its number and generation precede it.
            data.seek(keyword_start.saturating_sub(MAX_NUMBERS_LEN as u64), keyword_start);
            let Some(number) = object_number(data.peek(MAX_NUMBERS_LEN)?) else { continue };
            data.seek(position, size);
            let bytes = data.peek(MAX_OBJECT_LEN)?;
            let bytes = bytes[..bytes.len().min(MAX_OBJECT_LEN)].trim_ascii_start();
            let is_relevant = match bytes {
                [b'/', ..] => true,
                [b'[', ..] => memchr::memchr(b'/', bytes).is_some(),
                [b'<', b'<', ..] => {
                    [&b"/Predictor"[..], b"/EarlyChange"].iter().any(|key| memmem::find(bytes, key).is_some())
                }
                _ => false,
            };
            if is_relevant {
                // If there are several versions of an object, the last one is valid.
                objects.insert(number, bytes.to_vec());
            }
        }
        Ok(Self(objects))
    }

    /// The value of the object with that number.
    pub(super) fn get(&self, number: u64) -> Option<Value> {
        Value::parse(&mut &self.0.get(&number)?[..])
    }
}

/// The number of an object, if `before`, the bytes before its keyword, ends with number and generation.
fn object_number(before: &[u8]) -> Option<u64> {
    let mut words = before.rsplit(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    words.next()?;
    let word = words.next()?;
    let start = word.iter().rposition(|byte| !byte.is_ascii_digit()).map_or(0, |index| index + 1);
    std::str::from_utf8(&word[start..]).ok()?.parse().ok()
}
