//! Compares extracted contents with what was packed.

mod compressed;
mod cpios;
mod embedded;
mod fuzz_regressions;
mod hostile;
mod kit;
mod long_contents;
mod pdfs;
mod pngs;
mod sevens;
mod tars;
mod zips;
mod zips_hostile;
