//! Containers against what was packed in them.

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
