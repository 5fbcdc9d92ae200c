//! Opens damaged compressed files: must not panic or exceed the limits.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| friskey_fuzz::check(bytes));
