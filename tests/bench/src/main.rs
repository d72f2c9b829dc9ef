//! Side-by-side measurements: every contender of a table in one run, on the same bytes.

mod agree;
mod calls;
mod decoding;
mod exports;
mod machine;
mod measure;
mod once;
mod processes;
mod table;

use confluent_metrics_bench::documents;

fn main() -> Result<(), confluent_metrics::Error> {
    // As a process of its own, to be timed from start to end.
    if std::env::args().nth(1).as_deref() == Some("once") {
        return once::run();
    }
    println!("{}", machine::describe());
    let (table, mut targets) = decoding::run();
    println!("\n## Decoding\n\n{table}");
    let (table, target) = exports::run();
    targets.push(target);
    println!("\n## Exports\n\n{table}");
    let (table, small) = calls::run();
    targets.push(("a small call, of the bare package's time", small, 1.15));
    println!("\n## A call on a kept connection\n\n{table}");
    println!("\n## A process, from start to end\n\n{}", processes::run());
    println!("\n## Targets\n");
    for (what, measured, at_most) in targets {
        let verdict = if measured <= at_most { "held" } else { "not held" };
        println!("- {what}: {measured:.2}, at most {at_most}: {verdict}");
    }
    Ok(())
}
