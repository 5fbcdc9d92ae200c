//! Opens damaged 7z archives: must not panic or exceed the limits.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    const MAGIC: &[u8] = b"7z\xbc\xaf\x27\x1c";
    if bytes.starts_with(MAGIC) {
        friskey_fuzz::check_within(bytes, 1 << 20);
    } else {
        friskey_fuzz::check_within(&[MAGIC, bytes].concat(), 1 << 20);
    }
});
