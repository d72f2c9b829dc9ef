fn main() {
    println!("built with {}", env!("LAG"));
}
