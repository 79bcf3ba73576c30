//! The `orderwire` command.

#[tokio::main]
async fn main() {
    let mut plan = orderwire::bench::Plan::of(std::env::args().nth(1).unwrap());
    plan.round = std::time::Duration::from_secs(3);
    plan.rounds = 3;
    plan.in_flight = vec![1, 64, 512];
    let report = orderwire::bench::store(&plan).await.unwrap();
    println!("{}", report.title());
    for line in report.lines() {
        println!(
            "{:60} {:10.0} {:?} {:?} {}",
            line.what, line.per_second, line.rounds, line.ratio, line.compared_with
        );
    }
}
