//! Side-by-side measurements: every contender of a table in one run, on the same bytes.

mod agree;
mod calls;
mod decoding;
mod exports;
mod machine;
mod measure;
mod once;
mod pinned;
mod processes;
mod table;

use confluent_metrics_bench::documents;

fn main() -> Result<(), confluent_metrics::Error> {
    let only: Vec<_> = std::env::args().skip(1).collect();
    // As a process of its own, to be timed from start to end.
    if only.first().is_some_and(|first| first == "once") {
        return once::run();
    }
    let is_asked = |table: &str| only.is_empty() || only.iter().any(|name| name == table);
    println!("{}", machine::describe());
    let mut verdicts = String::new();
    if is_asked("decoding") {
        let (table, targets) = decoding::run();
        println!("\n## Decoding\n\n{table}");
        targets
            .into_iter()
            .for_each(|target| verdicts.push_str(&verdict(target)));
    }
    if is_asked("exports") {
        let (table, target) = exports::run();
        println!("\n## Exports\n\n{table}");
        verdicts.push_str(&verdict(target));
    }
    if is_asked("calls") {
        if let Some(printed) = pinned::run("calls") {
            let (tables, held) = printed.split_once(TARGETS).expect("its targets");
            let (_machine, tables) = tables.split_once('\n').expect("its tables");
            println!("{tables}");
            verdicts.push_str(held);
        } else {
            let (table, small) = calls::run();
            println!("\n## A call on a kept connection\n\n{table}");
            verdicts.push_str(&verdict((
                "a small call, of the bare package's time",
                small,
                1.15,
            )));
        }
    }
    if is_asked("processes") {
        println!("\n## A process, from start to end\n\n{}", processes::run());
    }
    print!("{TARGETS}{verdicts}");
    Ok(())
}

const TARGETS: &str = "\n## Targets\n\n";

/// Whether what was measured is at most what it may be.
fn verdict((what, measured, at_most): (&str, f64, f64)) -> String {
    let verdict = if measured <= at_most {
        "held"
    } else {
        "not held"
    };
    format!("- {what}: {measured:.2}, at most {at_most}: {verdict}\n")
}
