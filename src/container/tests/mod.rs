//! Compares extracted contents with what was packed.

mod cpios;
mod embedded;
mod finds;
mod hostile;
mod kit;
mod pdfs;
mod pngs;
mod sevens;
mod squeezed;
mod tars;
mod zips;
mod zips_hostile;
