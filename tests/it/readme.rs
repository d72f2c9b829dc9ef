const README: &str = include_str!("../../README.md");

#[test]
fn the_first_program_of_the_readme_is_the_minimal_example() {
    let (_, rest) = README
        .split_once("```rust,no_run\n")
        .expect("the README has a program");
    let (program, _) = rest.split_once("```").unwrap();
    assert_eq!(program, include_str!("../../examples/minimal.rs"));
}

#[test]
fn the_test_of_the_readme_is_compiled_here() {
    let (_, rest) = README
        .split_once("```rust\n")
        .expect("the README has a test");
    let (test, _) = rest.split_once("```").unwrap();
    assert_eq!(test, include_str!("readme_example.rs"));
}

#[test]
fn the_client_of_the_emulators_readme_is_the_same() {
    let (_, rest) = include_str!("../emulator/README.md")
        .split_once("```rust,ignore\n")
        .expect("it has a client");
    let (client, _) = rest.split_once("```").unwrap();
    let indented: String = client.lines().map(|line| format!("    {line}\n")).collect();
    assert!(
        include_str!("readme_example.rs").contains(&indented),
        "{indented}"
    );
}

#[test]
fn the_readme_has_the_two_commands() {
    for command in ["cargo run --example quickstart", "cargo test --workspace"] {
        assert!(
            README.lines().any(|line| line.trim() == command),
            "{command}"
        );
    }
}
