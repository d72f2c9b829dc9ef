//! Benchmarks that compare this library with alternatives: in one run, on the same bytes.

mod calls;
mod comparison;
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
    // The program that `processes` starts and times.
    if only.first().is_some_and(|first| first == "once") {
        return once::run();
    }
    let is_selected = |table: &str| only.is_empty() || only.iter().any(|name| name == table);
    println!("{}", machine::describe());
    let mut verdicts = String::new();
    if is_selected("decoding") {
        let (table, targets) = decoding::run();
        println!("\n## Decoding\n\n{table}");
        targets
            .into_iter()
            .for_each(|target| verdicts.push_str(&verdict(target)));
    }
    if is_selected("exports") {
        let (table, target) = exports::run();
        println!("\n## Exports\n\n{table}");
        verdicts.push_str(&verdict(target));
    }
    if is_selected("calls") {
        if let Some(printed) = pinned::run("calls") {
            let (tables, held) = printed.split_once(TARGETS).expect("its targets");
            let (_machine, tables) = tables.split_once('\n').expect("its tables");
            println!("{tables}");
            verdicts.push_str(held);
        } else {
            let (table, small) = calls::run();
            println!("\n## Queries on a kept connection\n\n{table}");
            verdicts.push_str(&verdict((
                "small query, time relative to bare ureq and serde_json::Value",
                small,
                1.0,
            )));
        }
    }
    if is_selected("processes") {
        let (table, ratio) = processes::run();
        println!("\n## Processes, from start to exit\n\n{table}");
        if let Some(ratio) = ratio {
            verdicts.push_str(&verdict(("process, time relative to curl", ratio, 0.5)));
        }
    }
    print!("{TARGETS}{verdicts}");
    Ok(())
}

const TARGETS: &str = "\n## Targets\n\n";

/// Compares a measured value with its target.
fn verdict((name, measured, at_most): (&str, f64, f64)) -> String {
    let verdict = if measured <= at_most { "met" } else { "missed" };
    format!("- {name}: {measured:.2} (target: at most {at_most}): {verdict}\n")
}
