//! Containers against what was packed in them.

mod finds;
mod hostile;
mod kit;
mod squeezed;
mod tars;
mod zips;
mod zips_hostile;
