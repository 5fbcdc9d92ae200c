//! Compares sweeps with git, and with searching every object completely.

mod damage;
mod kit;
mod layouts;
mod links;
mod random;
mod synthetic;
