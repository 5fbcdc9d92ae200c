//! Opens damaged PDFs: must not panic or exceed the limits.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    const MAGIC: &[u8] = b"%PDF-";
    if bytes.starts_with(MAGIC) {
        friskey_fuzz::check(bytes);
    } else {
        friskey_fuzz::check(&[MAGIC, bytes].concat());
    }
});
