//! The series as a picture: one band per state, the open ones at the bottom, readable on light and dark.
//!
//! Written as text: a few shapes need no library. Deliberately absent: scripts and fonts of its own.

use std::fmt::Write as _;

use chrono::{DateTime, TimeDelta, Utc};

use super::Stats;

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 480.0;
/// Where the bands are: left, top, right, bottom.
const AREA: (f64, f64, f64, f64) = (64.0, 56.0, 760.0, 424.0);
/// The colour of each state, apart also for those who do not tell red from green; each light enough on dark, and dark enough
/// on light.
const COLOURS: [(&str, &str); 14] = [
    ("draft", "#9aa5b1"),
    ("submitted", "#56b4e9"),
    ("acknowledged", "#0072b2"),
    ("in_progress", "#3f51b5"),
    ("pending", "#e69f00"),
    ("held", "#b8860b"),
    ("assessing_cancellation", "#cc79a7"),
    ("pending_cancellation", "#8e5a9e"),
    ("completed", "#009e73"),
    ("partial", "#7fb800"),
    ("failed", "#d55e00"),
    ("rejected", "#a63d00"),
    ("cancelled", "#7a6a5a"),
    ("discarded", "#5c6670"),
];
const STYLE: &str = "\
text{font:12px system-ui,sans-serif;fill:#24292f}.title{font-size:16px;font-weight:600}.quiet{fill:#57606a}\
.grid{stroke:#d0d7de;stroke-width:1}.axis{stroke:#57606a;stroke-width:1}.back{fill:#ffffff}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.quiet{fill:#9198a1}.grid{stroke:#30363d}.axis{stroke:#9198a1}\
.back{fill:#0d1117}}";

/// The picture.
pub(super) fn svg(stats: &Stats) -> String {
    let mut out = String::new();
    let write = |out: &mut String, text: std::fmt::Arguments<'_>| out.write_fmt(text).expect("text takes text");
    write(
        &mut out,
        format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
             role=\"img\" aria-labelledby=\"title about\">\n<title id=\"title\">Orders by state</title>\n<desc id=\"about\">\
             {} orders from {} to {}, up to position {} of the log</desc>\n<style>{STYLE}</style>\n\
             <rect class=\"back\" width=\"{WIDTH}\" height=\"{HEIGHT}\"/>\n",
            stats.orders,
            day(stats.from),
            day(stats.to),
            stats.position,
        ),
    );
    let (left, top, right, bottom) = AREA;
    write(&mut out, format_args!("<text class=\"title\" x=\"{left}\" y=\"28\">Orders by state</text>\n"));
    write(
        &mut out,
        format_args!(
            "<text class=\"quiet\" x=\"{left}\" y=\"45\">{} to {} · {} orders · up to position {} of the log</text>\n",
            day(stats.from),
            day(stats.to),
            stats.orders,
            stats.position
        ),
    );
    let totals = stats.series.iter().map(|point| point.orders.values().sum::<u64>());
    let step = nice(totals.max().unwrap_or(0).max(1));
    let most = step * totals_steps(stats, step);
    let y = |orders: u64| bottom - (bottom - top) * ratio(orders, most);
    let x = |index: usize| left + (right - left) * ratio(index as u64, stats.series.len().saturating_sub(1).max(1) as u64);

    let mut base = vec![0_u64; stats.series.len()];
    let mut legend = Vec::new();
    for (state, colour) in COLOURS {
        let of = |index: usize| stats.series[index].orders.get(state).copied().unwrap_or(0);
        if (0..base.len()).all(|index| of(index) == 0) {
            continue;
        }
        let upper: Vec<u64> = (0..base.len()).map(|index| base[index] + of(index)).collect();
        let forth = upper.iter().enumerate().map(|(index, orders)| (x(index), y(*orders)));
        let back = base.iter().enumerate().rev().map(|(index, orders)| (x(index), y(*orders)));
        let path: Vec<String> = forth.chain(back).map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
        write(
            &mut out,
            format_args!(
                "<path fill=\"{colour}\" d=\"M{}Z\"><title>{}</title></path>\n",
                path.join("L"),
                state.replace('_', " ")
            ),
        );
        legend.push((state, colour, of(base.len() - 1)));
        base = upper;
    }
    for tick in 0..=most / step {
        let (orders, at) = (tick * step, y(tick * step));
        write(
            &mut out,
            format_args!(
                "<line class=\"grid\" x1=\"{left}\" y1=\"{at:.1}\" x2=\"{right}\" y2=\"{at:.1}\" opacity=\"0.6\"/>\
                 <text class=\"quiet\" x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{orders}</text>\n",
                left - 8.0,
                at + 4.0
            ),
        );
    }
    write(
        &mut out,
        format_args!(
            "<path class=\"axis\" fill=\"none\" d=\"M{left} {top}V{bottom}H{right}\"/>\
             <text class=\"quiet\" transform=\"translate(18 {:.0}) rotate(-90)\" text-anchor=\"middle\">orders</text>\n",
            f64::midpoint(top, bottom)
        ),
    );
    for tick in 0..=4_i32 {
        let at = left + (right - left) * f64::from(tick) / 4.0;
        let anchor = if tick == 0 { "start" } else if tick == 4 { "end" } else { "middle" };
        let moment = stats.from + (stats.to - stats.from) / 4 * tick;
        write(
            &mut out,
            format_args!(
                "<line class=\"axis\" x1=\"{at:.1}\" y1=\"{bottom}\" x2=\"{at:.1}\" y2=\"{}\"/>\
                 <text class=\"quiet\" x=\"{at:.1}\" y=\"{}\" text-anchor=\"{anchor}\">{}</text>\n",
                bottom + 5.0,
                bottom + 20.0,
                label(moment, stats.to - stats.from)
            ),
        );
    }
    write(
        &mut out,
        format_args!(
            "<text class=\"quiet\" x=\"{:.0}\" y=\"{}\" text-anchor=\"middle\">time, UTC</text>\n",
            f64::midpoint(left, right),
            bottom + 42.0
        ),
    );
    // As the bands lie: the last on top.
    for (row, (state, colour, now)) in (0_u32..).zip(legend.into_iter().rev()) {
        let at = top + 22.0 * f64::from(row);
        write(
            &mut out,
            format_args!(
                "<rect x=\"{}\" y=\"{at:.0}\" width=\"12\" height=\"12\" rx=\"2\" fill=\"{colour}\"/>\
                 <text x=\"{}\" y=\"{:.0}\">{} <tspan class=\"quiet\">{now}</tspan></text>\n",
                right + 20.0,
                right + 38.0,
                at + 10.5,
                state.replace('_', " ")
            ),
        );
    }
    out.push_str("</svg>\n");
    out
}

/// How far apart the lines are, so that there are a few of them and their numbers are round.
fn nice(most: u64) -> u64 {
    let mut unit = 1;
    loop {
        for step in [unit, 2 * unit, 5 * unit] {
            if most.div_ceil(step) <= 6 {
                return step;
            }
        }
        unit *= 10;
    }
}

fn totals_steps(stats: &Stats, step: u64) -> u64 {
    let most = stats.series.iter().map(|point| point.orders.values().sum::<u64>()).max().unwrap_or(0);
    most.max(1).div_ceil(step)
}

fn ratio(part: u64, whole: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a picture is no more exact than its points")]
    let ratio = part as f64 / whole as f64;
    ratio
}

fn day(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d").to_string()
}

/// A moment on the axis, as exact as the whole is long.
fn label(at: DateTime<Utc>, whole: TimeDelta) -> String {
    let format = if whole > TimeDelta::days(4) {
        "%Y-%m-%d"
    } else if whole > TimeDelta::minutes(10) {
        "%m-%d %H:%M"
    } else {
        "%H:%M:%S"
    };
    at.format(format).to_string()
}
