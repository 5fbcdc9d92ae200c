//! The sweep against git itself, and against searching every object whole.

mod damage;
mod kit;
mod layouts;
mod random;
mod synthetic;
