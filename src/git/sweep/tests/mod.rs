//! Compares sweeps with git, and with searching every object whole.

mod damage;
mod kit;
mod layouts;
mod random;
mod synthetic;
