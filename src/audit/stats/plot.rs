//! The series as a picture: one band per state, readable on light and dark.
//!
//! Written as text: a few shapes need no library. Deliberately absent: scripts, and fonts of its own.

use std::fmt::Write as _;

use chrono::{DateTime, TimeDelta, Utc};

use super::Stats;

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 480.0;
/// Where the bands are.
const LEFT: f64 = 64.0;
const TOP: f64 = 64.0;
const RIGHT: f64 = 750.0;
const BOTTOM: f64 = 424.0;
/// Lines across at most.
const LINES_MAX: u64 = 6;
/// Parts that the axis of time is labelled in.
const PARTS: u8 = 4;
/// The colour of each state from the bottom up, apart also for those who do not tell red from green, and neither lost on white nor
/// on black.
const COLOURS: [(&str, &str); 14] = [
    ("draft", "#9aa5b1"),
    ("submitted", "#56b4e9"),
    ("acknowledged", "#0072b2"),
    ("in_progress", "#4b5fc4"),
    ("pending", "#e69f00"),
    ("held", "#b8860b"),
    ("assessing_cancellation", "#cc79a7"),
    ("pending_cancellation", "#8e5a9e"),
    ("completed", "#009e73"),
    ("partial", "#7fb800"),
    ("failed", "#d55e00"),
    ("rejected", "#a6452a"),
    ("cancelled", "#8a7766"),
    ("discarded", "#5c6670"),
];
const STYLE: &str = "\
text{font:12px system-ui,sans-serif;fill:#24292f}.title{font-size:16px;font-weight:600}.quiet{fill:#57606a}\
.grid{stroke:#57606a;stroke-opacity:.25}.axis{stroke:#57606a}.back{fill:#fff}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.quiet{fill:#9198a1}.grid{stroke:#9198a1}.axis{stroke:#9198a1}\
.back{fill:#0d1117}}";

/// The picture.
pub(super) fn svg(stats: &Stats) -> String {
    let mut out = String::new();
    draw(stats, &mut out).expect("text takes whatever is written");
    out
}

fn draw(stats: &Stats, out: &mut String) -> std::fmt::Result {
    let most = stats.series.iter().map(|point| point.orders.values().sum::<u64>()).max().unwrap_or(0).max(1);
    let step = step(most);
    let scale = Scale { points: stats.series.len(), most: most.div_ceil(step) * step };
    heading(stats, out)?;
    let legend = bands(stats, &scale, out)?;
    counts(&scale, step, out)?;
    times(stats, out)?;
    // As the bands lie: the last on top.
    for (row, (state, colour, now)) in (0_u8..).zip(legend.into_iter().rev()) {
        let (x, y) = (RIGHT + 24.0, TOP + 22.0 * f64::from(row));
        writeln!(out, "<rect x=\"{x}\" y=\"{y}\" width=\"12\" height=\"12\" rx=\"2\" fill=\"{colour}\"/>")?;
        let (x, y, shown) = (x + 20.0, y + 10.5, state.replace('_', " "));
        writeln!(out, "<text x=\"{x}\" y=\"{y}\">{shown} <tspan class=\"quiet\">{now}</tspan></text>")?;
    }
    writeln!(out, "</svg>")
}

/// Where a point and a count are.
struct Scale {
    points: usize,
    most: u64,
}

impl Scale {
    fn x(&self, index: usize) -> f64 {
        LEFT + (RIGHT - LEFT) * ratio(index as u64, self.points.saturating_sub(1) as u64)
    }

    fn y(&self, orders: u64) -> f64 {
        BOTTOM - (BOTTOM - TOP) * ratio(orders, self.most)
    }
}

fn heading(stats: &Stats, out: &mut String) -> std::fmt::Result {
    let (from, to) = (stats.from.format("%Y-%m-%d"), stats.to.format("%Y-%m-%d"));
    let about =
        format!("{from} to {to}, {} orders, up to position {} of the log", stats.orders, stats.position);
    writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
         role=\"img\" aria-labelledby=\"title about\">"
    )?;
    writeln!(out, "<title id=\"title\">Orders by state</title>\n<desc id=\"about\">{about}</desc>")?;
    writeln!(out, "<style>{STYLE}</style>\n<rect class=\"back\" width=\"{WIDTH}\" height=\"{HEIGHT}\"/>")?;
    writeln!(out, "<text class=\"title\" x=\"{LEFT}\" y=\"28\">Orders by state</text>")?;
    writeln!(out, "<text class=\"quiet\" x=\"{LEFT}\" y=\"46\">{about}</text>")
}

/// A band per state that there was; answers what the legend says of each.
fn bands(
    stats: &Stats,
    scale: &Scale,
    out: &mut String,
) -> Result<Vec<(&'static str, &'static str, u64)>, std::fmt::Error> {
    let mut base = vec![0_u64; scale.points];
    let mut legend = Vec::new();
    for (state, colour) in COLOURS {
        let of = |index: usize| stats.series[index].orders.get(state).copied().unwrap_or(0);
        let upper: Vec<u64> = base.iter().enumerate().map(|(index, base)| base + of(index)).collect();
        if upper == base {
            continue;
        }
        let forth = upper.iter().enumerate();
        let back = base.iter().enumerate().rev();
        let points = forth.chain(back).map(|(index, orders)| (scale.x(index), scale.y(*orders)));
        let path: Vec<String> = points.map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
        let (path, shown) = (path.join("L"), state.replace('_', " "));
        writeln!(out, "<path fill=\"{colour}\" d=\"M{path}Z\"><title>{shown}</title></path>")?;
        legend.push((state, colour, of(scale.points - 1)));
        base = upper;
    }
    Ok(legend)
}

fn counts(scale: &Scale, step: u64, out: &mut String) -> std::fmt::Result {
    for orders in (0..=scale.most / step).map(|line| line * step) {
        let (y, x) = (scale.y(orders), LEFT - 8.0);
        writeln!(out, "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{RIGHT}\"/>")?;
        let y = y + 4.0;
        writeln!(out, "<text class=\"quiet\" x=\"{x}\" y=\"{y:.1}\" text-anchor=\"end\">{orders}</text>")?;
    }
    let y = f64::midpoint(TOP, BOTTOM);
    writeln!(
        out,
        "<text class=\"quiet\" transform=\"translate(18 {y}) rotate(-90)\" text-anchor=\"middle\">orders</text>"
    )
}

fn times(stats: &Stats, out: &mut String) -> std::fmt::Result {
    writeln!(out, "<path class=\"axis\" fill=\"none\" d=\"M{LEFT} {TOP}V{BOTTOM}H{RIGHT}\"/>")?;
    for part in 0..=PARTS {
        let x = LEFT + (RIGHT - LEFT) * f64::from(part) / f64::from(PARTS);
        let moment = stats.from + (stats.to - stats.from) / i32::from(PARTS) * i32::from(part);
        let (tick, below, shown) = (BOTTOM + 5.0, BOTTOM + 20.0, label(moment, stats.to - stats.from));
        writeln!(out, "<path class=\"axis\" d=\"M{x} {BOTTOM}V{tick}\"/>")?;
        writeln!(out, "<text class=\"quiet\" x=\"{x}\" y=\"{below}\" text-anchor=\"middle\">{shown}</text>")?;
    }
    let (x, y) = (f64::midpoint(LEFT, RIGHT), BOTTOM + 42.0);
    writeln!(out, "<text class=\"quiet\" x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">time (UTC)</text>")
}

/// How far apart the lines across are: a few of them, with round numbers.
fn step(most: u64) -> u64 {
    let mut unit = 1;
    loop {
        if let Some(step) =
            [unit, 2 * unit, 5 * unit].into_iter().find(|step| most.div_ceil(*step) <= LINES_MAX)
        {
            return step;
        }
        unit *= 10;
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a picture is no more exact than its points")]
    let ratio = part as f64 / whole.max(1) as f64;
    ratio
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
