//! What the demo shows to people: a timeline for each order and the summary.

use std::io::Write;

use comfy_table::{Table, presets};

use super::{Summary, timeline::Timeline};

/// Timelines and summary for people.
pub fn tables(out: &mut impl Write, summary: &Summary, timelines: &[Timeline]) -> anyhow::Result<()> {
    for (number, timeline) in (1..).zip(timelines) {
        writeln!(out, "{number}. {}: {}, {}", timeline.reference, timeline.title, timeline.state)?;
        let mut table = empty();
        for row in &timeline.rows {
            table.add_row([row.at.format("%a %d %b %Y %H:%M").to_string().as_str(), row.what.as_str()]);
        }
        writeln!(out, "{}\n", table.trim_fmt())?;
    }
    writeln!(out, "Summary (times are UTC)")?;
    let mut table = empty();
    let mut row = |what: &str, value: String| {
        table.add_row([what, &value]);
    };
    row("orders", summary.orders.to_string());
    for (state, count) in &summary.by_state {
        row(&format!("  {}", state.replace('_', " ")), count.to_string());
    }
    row("events", summary.events.to_string());
    row("head of the log", summary.log_head.to_string());
    row("root of its Merkle tree", summary.merkle_root.clone());
    row("claims held", summary.claims.to_string());
    row("notices that would go out", summary.notices.to_string());
    row("simulated days", summary.simulated_days.to_string());
    row("time taken", format!("{} ms", summary.elapsed_ms));
    if let Some(kib) = summary.memory_kib_max {
        row("memory at most", format!("{} MiB", kib.div_ceil(1_024)));
    }
    writeln!(out, "{}", table.trim_fmt())?;
    Ok(())
}

fn empty() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table
}
