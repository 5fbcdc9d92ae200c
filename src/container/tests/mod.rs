//! Compares extracted contents with what was packed.

mod archives_in_programs;
mod bombs_and_limits;
mod compressed_streams;
mod cpio_and_unsupported;
mod damaged_zips;
mod fuzz_regressions;
mod kit;
mod long_contents;
mod pdf_streams_and_text;
mod png_texts;
mod sevenz_archives;
mod sparse_tars;
mod tar_and_ar_entries;
mod zip_entries;
