//! Opens damaged 7z archives: must not panic or exceed the limits.

#![no_main]

use libfuzzer_sys::fuzz_target;

/// The limit of memory, in bytes: low, because LZMA allocates a dictionary of any size that an archive demands.
const MEMORY: u64 = 1 << 20;

fuzz_target!(|bytes: &[u8]| {
    const MAGIC: &[u8] = b"7z\xbc\xaf\x27\x1c";
    if bytes.starts_with(MAGIC) {
        friskey_fuzz::check_within(bytes, MEMORY);
    } else {
        friskey_fuzz::check_within(&[MAGIC, bytes].concat(), MEMORY);
    }
});
