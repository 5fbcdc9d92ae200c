//! Grows buffers that are used for one object after another.

/// Minimum capacity of a buffer, in bytes, so that reused ones rarely grow.
const MIN_CAPACITY: usize = 1 << 18;

/// Buffers of this many bytes and more get exactly the capacity they need; smaller ones, a power of two.
const MIN_EXACT_CAPACITY: usize = 1 << 24;

/// Makes `buffer` at least `len` bytes long. Its content is lost if it has to be reallocated, since no caller needs a copy.
pub(in crate::git) fn grow(buffer: &mut Vec<u8>, len: usize) {
    if buffer.len() < len {
        if buffer.capacity() < len {
            // Frees the old allocation first, so that the two never coexist.
            *buffer = Vec::new();
            // Zeros cost nothing here: the system provides zeroed pages.
            let capacity =
                if len < MIN_EXACT_CAPACITY { len.next_power_of_two().max(MIN_CAPACITY) } else { len };
            *buffer = vec![0; capacity];
        } else {
            buffer.resize(len, 0);
        }
    }
}
