//! The size of buffers that are used again for one object after another.

/// Minimum capacity of a buffer, so that reused ones rarely grow.
const MIN_CAPACITY: usize = 1 << 18;

/// Larger buffers get exactly the capacity they need.
const EXACT_FROM: usize = 1 << 24;

/// Makes `buffer` at least `len` bytes long. Its content is lost if it has to be reallocated; copying would be a waste.
pub(in crate::git) fn grow(buffer: &mut Vec<u8>, len: usize) {
    if buffer.len() < len {
        if buffer.capacity() < len {
            // Frees the old allocation first, so that the two never coexist.
            *buffer = Vec::new();
            // The system provides zeroed pages for free.
            let room = if len < EXACT_FROM { len.next_power_of_two().max(MIN_CAPACITY) } else { len };
            *buffer = vec![0; room];
        } else {
            buffer.resize(len, 0);
        }
    }
}
