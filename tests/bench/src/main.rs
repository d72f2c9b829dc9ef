//! Side-by-side measurements: every contender in one run, on the same bytes, in one table.

mod agree;
mod decoding;
mod documents;
mod machine;
mod measure;
mod table;

fn main() {
    println!("{}", machine::describe());
    println!("{}", decoding::run());
}
