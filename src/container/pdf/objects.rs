//! PDF objects that stream dictionaries refer to.

use std::collections::HashMap;
use std::io;

use memchr::memmem;

use super::value::Value;
use crate::container::seek_window::Window;

const OBJECT: &[u8] = b" obj";

/// Maximum size of an object, in bytes.
const MAX_OBJECT_LEN: usize = 256;

/// Maximum number of objects kept. Real files need only a few.
const MAX_OBJECTS: usize = 10_000;

/// Objects that may be filters or their parameters, in source form.
pub(super) struct Objects(HashMap<u64, Vec<u8>>);

impl Objects {
    /// Searches the whole file.
    ///
    /// # Errors
    /// Those of the content.
    pub(super) fn read(data: &mut Window<'_>, size: u64) -> io::Result<Self> {
        let (mut objects, mut place) = (HashMap::new(), 0);
        while objects.len() < MAX_OBJECTS
            && let Some(at) = data.find(place, size, OBJECT)?
        {
            place = at + OBJECT.len() as u64;
            // Its number and generation precede it.
            data.go(at.saturating_sub(32), at);
            let Some(number) = number(data.peek(32)?) else { continue };
            data.go(place, size);
            let bytes = data.peek(MAX_OBJECT_LEN)?;
            let bytes = bytes[..bytes.len().min(MAX_OBJECT_LEN)].trim_ascii_start();
            let is_some = match bytes {
                [b'/', ..] => true,
                [b'[', ..] => memchr::memchr(b'/', bytes).is_some(),
                [b'<', b'<', ..] => {
                    [&b"/Predictor"[..], b"/EarlyChange"].iter().any(|key| memmem::find(bytes, key).is_some())
                }
                _ => false,
            };
            if is_some {
                // The last of several versions is in use.
                objects.insert(number, bytes.to_vec());
            }
        }
        Ok(Self(objects))
    }

    /// The object with that number.
    pub(super) fn get(&self, number: u64) -> Option<Value> {
        Value::parse(&mut &self.0.get(&number)?[..])
    }
}

/// The number of an object, if `before` ends with number and generation.
fn number(before: &[u8]) -> Option<u64> {
    let mut words = before.rsplit(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    words.next()?;
    let word = words.next()?;
    let start = word.iter().rposition(|byte| !byte.is_ascii_digit()).map_or(0, |at| at + 1);
    std::str::from_utf8(&word[start..]).ok()?.parse().ok()
}
